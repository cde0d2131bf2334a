//! `sequor-conformance --dialect postgres|mysql|sqlite [--filter AREA] [--name SCENARIO] [--verbose] DIR…`

mod compare;
mod run;
mod steps;

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

struct Args {
    dialect: String,
    filter: Option<String>,
    name: Option<String>,
    verbose: bool,
    folders: Vec<PathBuf>,
}

fn args() -> Result<Args, String> {
    let mut args = Args { dialect: String::new(), filter: None, name: None, verbose: false, folders: Vec::new() };
    let mut rest = std::env::args().skip(1);
    while let Some(arg) = rest.next() {
        let mut value = |what: &str| rest.next().ok_or(format!("{what} takes a value"));
        match arg.as_str() {
            "--dialect" => args.dialect = value("--dialect")?,
            "--filter" => args.filter = Some(value("--filter")?),
            "--name" => args.name = Some(value("--name")?),
            "--verbose" => args.verbose = true,
            other if other.starts_with("--") => {
                return Err(format!("unknown option {other}; known are --dialect, --filter, --name, --verbose"));
            }
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

#[derive(Default)]
struct Area {
    passed: usize,
    failed: usize,
    deviating: usize,
    /// Different on purpose.
    different: usize,
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

async fn all(args: Args) -> Result<bool, String> {
    let mut files = Vec::new();
    for folder in &args.folders {
        scenarios(folder, &mut files)?;
    }
    files.sort();
    let marked = if args.dialect == "mysql" { "mariadb" } else { args.dialect.as_str() };
    let mut areas: BTreeMap<String, Area> = BTreeMap::new();
    let (mut steps, mut compared) = (0, 0);
    let differences: Vec<&str> = include_str!("../differences.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let scenario: Json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let area = scenario["area"].as_str().unwrap_or_default().to_owned();
        let name = scenario["name"].as_str().unwrap_or_default().to_owned();
        let selected = scenario["dialects"].as_array().is_some_and(|list| list.iter().any(|dialect| dialect == marked));
        if !selected
            || args.filter.as_ref().is_some_and(|filter| *filter != area)
            || args.name.as_ref().is_some_and(|wanted| *wanted != name)
        {
            continue;
        }
        let dialect = args.dialect.clone();
        // A task of its own, so that a panic is one failure.
        let mut task = tokio::spawn(run::scenario(scenario, dialect));
        let outcome = match tokio::time::timeout(std::time::Duration::from_secs(15), &mut task).await {
            Ok(outcome) => outcome.unwrap_or_else(|error| run::Outcome::failed(format!("panicked: {error}"))),
            Err(_) => {
                task.abort();
                run::Outcome::failed("took longer than 15 s")
            }
        };
        steps += outcome.steps;
        compared += outcome.compared;
        let entry = areas.entry(area.clone()).or_default();
        match (&outcome.failure, outcome.deviated) {
            (Some(_), _) if differences.iter().any(|known| *known == format!("{area}/{name}")) => entry.different += 1,
            (Some(why), _) => {
                entry.failed += 1;
                if args.verbose {
                    println!("FAILED {area}/{name}: {why}\n");
                }
            }
            (None, true) => {
                entry.passed += 1;
                entry.deviating += 1;
            }
            (None, false) => entry.passed += 1,
        }
    }
    println!("{:<18} {:>7} {:>7} {:>9} {:>9}", "area", "passed", "failed", "deviating", "different");
    let (mut passed, mut failed, mut different) = (0, 0, 0);
    for (name, area) in &areas {
        println!("{name:<18} {:>7} {:>7} {:>9} {:>9}", area.passed, area.failed, area.deviating, area.different);
        passed += area.passed;
        failed += area.failed;
        different += area.different;
    }
    println!("{different} different on purpose, see differences.txt");
    // At most three of a hundred may differ; more is a failure, whatever the reasons are.
    if different * 100 > 3 * (passed + failed + different) && args.filter.is_none() && args.name.is_none() {
        println!("more than 3 % differ");
        failed += different;
    }
    println!("{steps} steps executed, {compared} answers compared");
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0 && passed > 0)
}
