//! `cargo xtask bench --instructions`: how many instructions of ours one operation costs, counted by callgrind. They do not depend on how busy the machine is,
//! so they are held against what is kept in `bench/instructions.txt`: tier 1 fails where one has risen by more than 3 %.

use super::{address, target_folder, tool};
use sequor_tools::process::{Result, check, must};
use sequor_tools::servers;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The kept figures.
const KEPT: &str = "bench/instructions.txt";
/// How much more is a failure, in percent.
const RISE: f64 = 3.0;

/// A workload of `bench-postgres`, and how many operations one of its rounds has.
const WORKLOADS: [(&str, f64); 6] = [
    ("find by key", 100.0),
    ("rows 100", 10.0),
    ("rows 1,000", 1.0),
    ("insert 1,000", 1.0),
    ("create one", 50.0),
    ("page with count", 10.0),
];

/// Counts, prints, and compares; writes the figures anew where that is asked for.
///
/// # Errors
/// Valgrind or a server that cannot be had; figures that have risen.
pub fn run(write: bool) -> Result<()> {
    tool("valgrind", "valgrind")?;
    let target = target_folder();
    let mut build = crate::process::cargo();
    build.args(["build", "--release", "--manifest-path", "bench/Cargo.toml", "-p", "bench-postgres"]);
    must(build.arg("--target-dir").arg(&target), "the benchmark does not build")?;
    let running = servers::start(&["postgres".to_owned()])?;
    let url = running.variables.first().map(|(_, url)| url.clone()).unwrap_or_default();
    let program = target.join("release/bench-postgres");
    let mut counted = BTreeMap::new();
    for (workload, operations) in WORKLOADS {
        let count = |rounds: &str| collected(&program, address(&url), workload, rounds);
        // The same program with more rounds: what is left is the rounds' own.
        let ((few, low), (many, high)) = (count("0.01")?, count("1")?);
        let each = (high - low) / ((many - few) * operations);
        println!("{each:>12.0}  {workload}");
        counted.insert(workload.to_owned(), each);
    }
    drop(running);
    if write {
        let lines: String = counted.iter().map(|(workload, each)| format!("{workload}\t{each:.0}\n")).collect();
        return std::fs::write(KEPT, lines).map_err(|error| format!("{KEPT}: {error}"));
    }
    compare(&counted)
}

/// Runs one workload under callgrind: how many rounds it made, and how many instructions the whole program took.
fn collected(program: &Path, address: &str, workload: &str, rounds: &str) -> Result<(f64, f64)> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    // Whole names: Sequor with hooks is a contender too.
    command.env("BENCH_POSTGRES", address).env("ONLY", format!("{workload}$")).env("CONTENDERS", "Sequor$").env("ROUNDS", rounds);
    let said = check(&mut command, "callgrind")?;
    let rounds = said.lines().find_map(|line| line.split_once("\"rounds\":")?.1.split(',').next()?.parse().ok());
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match (rounds, collected) {
        (Some(rounds), Some(collected)) => Ok((rounds, collected)),
        _ => Err(format!("callgrind said nothing of {workload}:\n{said}")),
    }
}

fn compare(counted: &BTreeMap<String, f64>) -> Result<()> {
    let kept = std::fs::read_to_string(KEPT).map_err(|error| format!("{KEPT}: {error}; make it by --instructions --write"))?;
    let mut risen = Vec::new();
    for (workload, before) in kept.lines().filter_map(|line| line.split_once('\t')) {
        let (Some(now), Ok(before)) = (counted.get(workload), before.parse::<f64>()) else {
            risen.push(format!("{workload}: not counted"));
            continue;
        };
        let rise = (now / before - 1.0) * 100.0;
        if rise > RISE {
            risen.push(format!("{workload}: {now:.0} instructions, {rise:.1} % more than the {before:.0} that {KEPT} keeps"));
        }
    }
    if risen.is_empty() { Ok(()) } else { Err(risen.join("\n")) }
}
