//! `cargo xtask test`: builds, starts the servers, runs every test, counts.

use crate::servers::{self, Result, Server};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

const DATABASES: [&str; 3] = ["sqlite", "postgres", "mysql"];
const FEATURES: &str = "sequor-tests/all";

struct Chosen {
    databases: Vec<String>,
    filter: Vec<String>,
}

fn parse(args: &[String]) -> Result<Chosen> {
    let mut databases: Vec<String> = DATABASES.iter().map(ToString::to_string).collect();
    let mut filter = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--only" => databases = rest.next().ok_or("--only takes sqlite,postgres,mysql")?.split(',').map(str::to_owned).collect(),
            "--tier" => {
                rest.next();
            }
            "--" => filter.extend(rest.by_ref().cloned()),
            other => return Err(format!("unknown argument {other}: known are --only, --tier and -- FILTER")),
        }
    }
    for name in &databases {
        if !DATABASES.contains(&name.as_str()) {
            return Err(format!("unknown database {name}: known are {}", DATABASES.join(", ")));
        }
    }
    Ok(Chosen { databases, filter })
}

/// The servers that tests need; given URLs are used as they are.
fn start(databases: &[String]) -> Result<(Vec<Server>, Vec<(&'static str, String)>)> {
    let wants = |name: &str, variable: &str| databases.iter().any(|known| known == name) && std::env::var(variable).is_err();
    let (postgres, mysql) = (wants("postgres", "SEQUOR_POSTGRES_URL"), wants("mysql", "SEQUOR_MYSQL_URL"));
    servers::install_missing(postgres, mysql)?;
    let mut running = Vec::new();
    let mut variables = Vec::new();
    if postgres {
        let server = servers::postgres()?;
        variables.push(("SEQUOR_POSTGRES_URL", server.url.clone()));
        running.push(server);
    }
    if mysql {
        let server = servers::mysql()?;
        variables.push(("SEQUOR_MYSQL_URL", server.url.clone()));
        running.push(server);
    }
    Ok((running, variables))
}

fn cargo() -> Command {
    Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
}

/// Runs every test.
pub fn run(args: &[String]) -> Result<()> {
    let chosen = parse(args)?;
    let began = Instant::now();
    let databases = chosen.databases.clone();
    // The servers start while the build runs.
    let starting = std::thread::spawn(move || start(&databases));
    let built = cargo().args(["test", "--workspace", "--features", FEATURES, "--no-run"]).status().map_err(|error| error.to_string())?;
    let build_minutes = began.elapsed().as_secs_f64() / 60.0;
    let (servers, variables) = starting.join().map_err(|_| "starting the servers failed".to_owned())??;
    if !built.success() {
        return Err("the build failed".into());
    }
    let mut tally = Tally::default();
    let mut test = cargo();
    test.args(["test", "--workspace", "--features", FEATURES, "--no-fail-fast", "--"]).args(&chosen.filter);
    for name in DATABASES.iter().filter(|name| !chosen.databases.iter().any(|known| known == *name)) {
        test.args(["--skip", &format!("::{name}")]);
    }
    for (name, value) in &variables {
        test.env(name, value);
    }
    if chosen.databases.len() == DATABASES.len() {
        test.env("SEQUOR_TEST_ALL", "1");
    }
    let ok = tally.stream(test)?;
    if std::path::Path::new("tests/conformance/Cargo.toml").exists() && chosen.filter.is_empty() {
        for database in &chosen.databases {
            let mut scenarios = cargo();
            scenarios.args(["run", "--quiet", "-p", "sequor-conformance", "--", "--dialect", database, "tests/conformance/scenarios"]);
            for (name, value) in &variables {
                scenarios.env(name, value);
            }
            println!("conformance on {database}:");
            scenarios.status().map_err(|error| error.to_string())?;
        }
    }
    drop(servers);
    println!("build {build_minutes:.1} min, all {:.1} min", began.elapsed().as_secs_f64() / 60.0);
    for database in DATABASES {
        println!("{database}: {} tests", tally.by_database.get(database).copied().unwrap_or(0));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if !ok || tally.failed > 0 || tally.passed == 0 {
        return Err("not every test passed".into());
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    by_database: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Passes the output on and counts what it says.
    fn stream(&mut self, mut command: Command) -> Result<bool> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                println!("{line}");
                self.count(&line);
            }
        }
        Ok(child.wait().map_err(|error| error.to_string())?.success())
    }

    fn count(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let number = |word: &str| {
                let before = rest.split(word).next().unwrap_or_default().trim_end();
                before.rsplit(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
            };
            self.passed += number(" passed");
            self.failed += number(" failed");
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok")) {
            for database in DATABASES {
                if name.ends_with(&format!("::{database}")) {
                    *self.by_database.entry(database).or_default() += 1;
                }
            }
        }
    }
}

/// Starts both servers and waits until standard input closes.
pub fn serve() -> Result<()> {
    let (servers, variables) = start(&["postgres".to_owned(), "mysql".to_owned()])?;
    for (name, value) in &variables {
        println!("export {name}={value}");
    }
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).is_ok_and(|count| count > 0) {
        line.clear();
    }
    drop(servers);
    Ok(())
}

fn must(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed")) }
}

/// Format and clippy, warnings as errors.
pub fn lint() -> Result<()> {
    must(cargo().args(["fmt", "--all", "--check"]), "cargo fmt")?;
    must(cargo().args(["clippy", "--workspace", "--features", FEATURES, "--", "-D", "warnings"]), "cargo clippy")
}

/// The documentation, warnings as errors.
pub fn doc() -> Result<()> {
    must(cargo().args(["doc", "--workspace", "--no-deps", "--features", FEATURES]).env("RUSTDOCFLAGS", "-D warnings"), "cargo doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_test_runner_says() {
        let mut tally = Tally::default();
        for line in [
            "test reading::finds::sqlite ... ok",
            "test reading::finds::mysql ... ok",
            "test result: FAILED. 19 passed; 1 failed; 0 ignored; 0 measured; 40 filtered out",
        ] {
            tally.count(line);
        }
        assert_eq!((tally.passed, tally.failed), (19, 1));
        assert_eq!(tally.by_database.get("sqlite"), Some(&1));
        assert_eq!(tally.by_database.get("postgres"), None);
    }
}
