//! `cargo xtask test`: starts the servers while the tests are built, runs every test and the recorded scenarios, counts.

mod conformance;
mod fewer;
mod tally;

use crate::process::{Guarded, Result, WORKSPACE, cargo};
use nix::sys::signal::Signal;
use sequor_tools::servers::{self, Servers, VARIABLES};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tally::Tally;

/// The databases that tests run on, by the last part of a test's name.
pub const DATABASES: [&str; 3] = ["sqlite", "postgres", "mysql"];

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Chosen {
    databases: Vec<String>,
    tier: String,
    filter: Vec<String>,
}

fn parse(args: &[String]) -> Result<Chosen> {
    let mut chosen = Chosen { databases: DATABASES.map(str::to_owned).to_vec(), tier: "0".into(), filter: Vec::new() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--only" => chosen.databases = rest.next().ok_or("--only takes sqlite,postgres,mysql")?.split(',').map(str::to_owned).collect(),
            "--tier" => chosen.tier = rest.next().filter(|tier| ["0", "1"].contains(&tier.as_str())).ok_or("--tier takes 0 or 1")?.clone(),
            "--" => chosen.filter.extend(rest.by_ref().cloned()),
            other => return Err(format!("unknown argument {other}: known are --only, --tier and -- FILTER")),
        }
    }
    match chosen.databases.iter().find(|name| !DATABASES.contains(&name.as_str())) {
        Some(unknown) => Err(format!("unknown database {unknown:?}: known are {}", DATABASES.join(", "))),
        None => Ok(chosen),
    }
}

/// Minutes and seconds of one step.
fn took(name: &str, time: Duration) -> String {
    format!("{name}: {} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}

/// Runs every test.
pub fn run(args: &[String]) -> Result<()> {
    let chosen = parse(args)?;
    let began = Instant::now();
    let (built, starting) = std::thread::scope(|scope| {
        let starting = scope.spawn(|| (servers::start(&chosen.databases), began.elapsed()));
        (build(), starting.join())
    });
    let mut times = vec![took("build", began.elapsed())];
    let (servers, start_time) = starting.map_err(|_| "starting the servers panicked".to_owned())?;
    let built = built?;
    let servers = servers?;
    times.push(took("servers (while building)", start_time));

    let step = Instant::now();
    let mut tally = Tally::new(built.packages);
    run_cargo_test(&chosen, &servers, &mut tally)?;
    times.push(took("tests", step.elapsed()));
    if chosen.filter.is_empty() && chosen.databases.len() == DATABASES.len() {
        let page = std::fs::read_to_string(fewer::PAGE).unwrap_or_default();
        let problems = tally.ran.problems(&page);
        times.push(tally.ran.summary());
        tally.failed += u64::try_from(problems.len()).unwrap_or(u64::MAX);
        tally.problems.extend(problems);
    }
    if chosen.tier == "0" && step.elapsed() > Duration::from_secs(12 * 60) {
        times.push("tests took longer than 12 minutes, the budget of tier 0: make the longest smaller, or move them to tier 1".into());
    }
    if let Some(program) = built.conformance.filter(|_| chosen.filter.is_empty()) {
        let step = Instant::now();
        for database in &chosen.databases {
            conformance::run(&program, database, environment(&servers), &mut tally)?;
        }
        times.push(took("recorded scenarios", step.elapsed()));
    }
    drop(servers);
    if chosen.tier == "1" && chosen.filter.is_empty() {
        let step = Instant::now();
        match crate::bench::count_instructions() {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                tally.failed += 1;
                tally.problems.push(error);
            }
        }
        times.push(took("instructions", step.elapsed()));
    }
    times.push(took("all", began.elapsed()));
    report(&tally, &times)
}

fn report(tally: &Tally, times: &[String]) -> Result<()> {
    println!();
    tally.problems.iter().for_each(|problem| println!("{problem}"));
    times.iter().for_each(|line| println!("{line}"));
    for database in DATABASES {
        println!("{database}: {} tests", tally.by_database.get(database).copied().unwrap_or(0));
    }
    if tally.passed + tally.failed == 0 {
        println!("no test ran");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.passed > 0 && tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Builds with cargo and answers its JSON messages.
fn build_messages(arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = cargo();
    command.args(arguments).args(WORKSPACE).arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut process = Guarded::spawn(&mut command, Signal::SIGTERM)?;
    let output = process.child().stdout.take();
    let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines()).map_while(std::result::Result::ok).collect();
    if process.wait()? { Ok(lines) } else { Err(format!("cargo {} failed", arguments.join(" "))) }
}

/// What the build made.
struct Built {
    /// The package of each test program.
    packages: BTreeMap<String, String>,
    /// The program that runs the recorded scenarios.
    conformance: Option<String>,
}

fn build() -> Result<Built> {
    let tests = build_messages(&["test", "--no-run"])?;
    let packages = tests.iter().filter_map(|line| tally::test_program(line)).collect();
    let conformance = if conformance::exists() {
        // The whole workspace, for the same features as the tests.
        build_messages(&["build", "--bin", conformance::PROGRAM])?.iter().find_map(|line| tally::program(line, conformance::PROGRAM))
    } else {
        None
    };
    Ok(Built { packages, conformance })
}

/// The variables for a process of tests: those of the chosen databases set, the others unset.
fn environment(servers: &Servers) -> impl Fn(&mut Command) + '_ {
    move |command| {
        for (_, variable) in VARIABLES {
            command.env_remove(variable);
        }
        command.envs(servers.variables.iter().map(|(name, value)| (name, value)));
    }
}

fn run_cargo_test(chosen: &Chosen, servers: &Servers, tally: &mut Tally) -> Result<()> {
    let mut command = cargo();
    command.arg("test").args(WORKSPACE).args(["--no-fail-fast", "--"]).args(&chosen.filter);
    for name in DATABASES.iter().filter(|name| !chosen.databases.iter().any(|known| known == *name)) {
        command.args(["--skip", &format!("::{name}")]);
    }
    environment(servers)(&mut command);
    command.env("SEQUOR_TIER", &chosen.tier);
    if chosen.databases.len() == DATABASES.len() {
        command.env("SEQUOR_TEST_ALL", "1");
    }
    let succeeded = stream(command, |line| tally.count(line))?;
    tally.finish(succeeded);
    Ok(())
}

/// Passes the output of a command on, line by line, in the order in which it was written.
fn stream(mut command: Command, mut each: impl FnMut(&str)) -> Result<bool> {
    let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    let process = Guarded::spawn(command.stdout(writer).stderr(errors), Signal::SIGTERM)?;
    // The command holds the write ends of the pipe: without them in this process the reader sees the end.
    drop(command);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(|error| error.to_string())?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        each(&line);
    }
    process.wait()
}

#[cfg(test)]
mod tests {
    use super::{Chosen, parse, stream};
    use std::process::Command;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn reads_the_command_line() {
        let chosen = parse(&words("--tier 1 --only sqlite,mysql -- finds --exact")).unwrap();
        assert_eq!(chosen, Chosen { databases: words("sqlite mysql"), tier: "1".into(), filter: words("finds --exact") });
        assert!(parse(&words("--only oracle")).unwrap_err().contains("known are sqlite, postgres, mysql"));
        assert!(parse(&words("--tier 7")).unwrap_err().contains("0 or 1"));
        assert!(parse(&words("--fast")).unwrap_err().contains("--fast"));
    }

    #[test]
    fn streams_both_outputs_in_order() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo three; exit 1"]);
        let mut lines = Vec::new();
        assert!(!stream(command, |line| lines.push(line.to_owned())).unwrap());
        assert_eq!(lines, ["one", "two", "three"]);
    }
}
