//! `sequor-conformance --dialect postgres|mysql|sqlite [--filter AREA] [--name SCENARIO] [--verbose] [--statements] [--jobs N] [--junit FILE] [--json FILE] DIR…`
//!
//! Runs every scenario under the folders, each in a database of its own, many at once. It ends with an error when one fails, and when none was selected.

mod check;
mod compare;
mod report;
mod run;
mod statements;
mod steps;

use report::Case;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A scenario that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(60);

struct Args {
    dialect: String,
    filter: Option<String>,
    name: Option<String>,
    verbose: bool,
    /// Whether steps that send more statements than they may fail too.
    statements: bool,
    jobs: usize,
    junit: Option<PathBuf>,
    json: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

const KNOWN: &str = "--dialect, --filter, --name, --verbose, --statements, --jobs, --junit, --json";

fn args() -> Result<Args, String> {
    let jobs = std::thread::available_parallelism().map_or(4, usize::from).max(4);
    let mut args = Args {
        dialect: String::new(),
        filter: None,
        name: None,
        verbose: false,
        statements: false,
        jobs,
        junit: None,
        json: None,
        folders: Vec::new(),
    };
    let mut rest = std::env::args().skip(1);
    while let Some(arg) = rest.next() {
        let mut value = |what: &str| rest.next().ok_or(format!("{what} takes a value"));
        match arg.as_str() {
            "--dialect" => args.dialect = value("--dialect")?,
            "--filter" => args.filter = Some(value("--filter")?),
            "--name" => args.name = Some(value("--name")?),
            "--verbose" => args.verbose = true,
            "--statements" => args.statements = true,
            "--jobs" => args.jobs = value("--jobs")?.parse().map_err(|_| "--jobs takes a number".to_owned())?,
            "--junit" => args.junit = Some(value("--junit")?.into()),
            "--json" => args.json = Some(value("--json")?.into()),
            other if other.starts_with("--") => return Err(format!("unknown option {other}; known are {KNOWN}")),
            folder => args.folders.push(folder.into()),
        }
    }
    if !["postgres", "mysql", "sqlite"].contains(&args.dialect.as_str()) {
        return Err("--dialect is postgres, mysql or sqlite".into());
    }
    if args.folders.is_empty() {
        return Err("name at least one folder of scenarios".into());
    }
    Ok(args)
}

fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if folder.is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            scenarios(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = args().and_then(|args| runtime.map_err(|error| error.to_string())?.block_on(all(args)));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The scenarios that are asked for.
fn selected(args: &Args) -> Result<Vec<Json>, String> {
    let mut files = Vec::new();
    for folder in &args.folders {
        scenarios(folder, &mut files)?;
    }
    files.sort();
    let marked = if args.dialect == "mysql" { "mariadb" } else { args.dialect.as_str() };
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let scenario: Json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let wanted = |filter: &Option<String>, key: &str| filter.as_ref().is_none_or(|wanted| scenario[key] == wanted.as_str());
        let here = scenario["dialects"].as_array().is_some_and(|list| list.iter().any(|dialect| dialect == marked));
        if here && wanted(&args.filter, "area") && wanted(&args.name, "name") {
            found.push(scenario);
        }
    }
    Ok(found)
}

async fn all(args: Args) -> Result<bool, String> {
    let scenarios = selected(&args)?;
    if scenarios.is_empty() {
        println!("0 passed, 0 failed");
        return Err(format!("no scenario for {} was selected", args.dialect));
    }
    let gate = Arc::new(tokio::sync::Semaphore::new(args.jobs.max(1)));
    let mut tasks = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        let (gate, dialect, statements) = (gate.clone(), args.dialect.clone(), args.statements);
        tasks.push(tokio::spawn(async move {
            let _turn = gate.acquire_owned().await;
            one(scenario, dialect, statements).await
        }));
    }
    let mut cases = Vec::with_capacity(tasks.len());
    for task in tasks {
        cases.push(task.await.map_err(|error| error.to_string())?);
    }
    let write = |file: &Option<PathBuf>, text: String| match file {
        Some(file) => std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display())),
        None => Ok(()),
    };
    write(&args.junit, report::junit(&args.dialect, &cases))?;
    write(&args.json, format!("{:#}\n", report::json(&args.dialect, &cases)))?;
    Ok(report::print(&cases, args.verbose))
}

/// The scenarios that differ on purpose.
fn is_different(area: &str, name: &str) -> bool {
    let known = include_str!("../differences.txt").lines().filter(|line| !line.starts_with('#'));
    known.filter_map(|line| line.split_once(": ")).any(|(known, _)| known.split_once('/') == Some((area, name)))
}

async fn one(scenario: Json, dialect: String, statements: bool) -> Case {
    let text = |key: &str| scenario[key].as_str().unwrap_or_default().to_owned();
    let (area, name, started) = (text("area"), text("name"), Instant::now());
    let outcome = match check::scenario(&scenario) {
        Err(why) => run::Outcome::failed(why),
        Ok(()) => {
            // A task of its own, so that a panic is one failure.
            let mut task = tokio::spawn(run::scenario(scenario, dialect, statements));
            match tokio::time::timeout(LONGEST, &mut task).await {
                Ok(outcome) => outcome.unwrap_or_else(|error| run::Outcome::failed(format!("panicked: {error}"))),
                Err(_) => {
                    task.abort();
                    run::Outcome::failed("took longer than a minute")
                }
            }
        }
    };
    Case {
        different: is_different(&area, &name),
        area,
        name,
        failure: outcome.failure,
        deviated: outcome.deviated,
        seconds: started.elapsed().as_secs_f64(),
        steps: outcome.steps,
        compared: outcome.compared,
    }
}
