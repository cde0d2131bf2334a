//! `cargo xtask bench --profile`: flame graphs of the workloads whose goals are not met, sampled by perf, for the page of the docs.

use super::{place, target_folder, tool};
use sequor_tools::process::{Folder, Result, check, must};
use sequor_tools::servers;
use std::path::Path;
use std::process::{Command, Stdio};

/// A workload to look at.
struct Profile {
    database: &'static str,
    contender: &'static str,
    workload: &'static str,
    /// As many times the usual rounds: some seconds.
    rounds: &'static str,
    /// The name of the picture.
    file: &'static str,
}

const fn profile(
    (database, contender): (&'static str, &'static str),
    (workload, rounds): (&'static str, &'static str),
    file: &'static str,
) -> Profile {
    Profile { database, contender, workload, rounds, file }
}

const POSTGRES: (&str, &str) = ("postgres", "Sequor");
const MARIADB: (&str, &str) = ("mysql", "Sequor");
const IN_PLACE: (&str, &str) = ("sqlite", "Sequor with inline=on");

const PROFILES: [Profile; 12] = [
    profile(POSTGRES, ("find by key", "30"), "postgresql-find"),
    profile(POSTGRES, ("filter of 10 values", "40"), "postgresql-filter"),
    profile(POSTGRES, ("include of 3 levels, 100 users", "30"), "postgresql-include"),
    profile(POSTGRES, ("include of many-to-many, 100 posts", "30"), "postgresql-many-to-many"),
    profile(POSTGRES, ("cursor deep in 1,000,000", "60"), "postgresql-cursor"),
    profile(POSTGRES, ("insert 1,000", "40"), "postgresql-insert"),
    profile(POSTGRES, ("update of 1,000 changed rows", "30"), "postgresql-update"),
    profile(POSTGRES, ("upsert of 1,000", "30"), "postgresql-upsert"),
    profile(POSTGRES, ("64 tasks, pool of 10", "10"), "postgresql-tasks"),
    profile(MARIADB, ("find by key", "30"), "mariadb-find"),
    profile(IN_PLACE, ("find by key", "200"), "sqlite-find"),
    profile(IN_PLACE, ("update of 1,000 changed rows", "60"), "sqlite-update"),
];

/// The frame that every sample of a contender has: what comes before it makes the tables.
const MARK: &str = "sequor_contender";

/// Samples each workload and draws it.
///
/// # Errors
/// perf or a server that cannot be had; a benchmark that does not build or fails.
pub fn run() -> Result<()> {
    tool("perf", "linux-perf")?;
    let target = target_folder();
    let mut build = crate::process::cargo();
    build.args(["build", "--release", "--manifest-path", "bench/Cargo.toml", "--no-default-features"]);
    build.args(["-p", "bench-flame", "-p", "bench-sqlite", "-p", "bench-postgres", "-p", "bench-mysql"]);
    must(build.arg("--target-dir").arg(&target), "the benchmarks do not build")?;
    let running = servers::start(&["postgres".to_owned(), "mysql".to_owned()])?;
    let folder = Folder::new("profile")?;
    for profile in &PROFILES {
        let samples = folder.path().join("samples");
        record(profile, &target, &running, &samples)?;
        draw(profile, &target, &samples)?;
    }
    Ok(())
}

fn record(profile: &Profile, target: &Path, running: &servers::Servers, samples: &Path) -> Result<()> {
    let mut command = Command::new("perf");
    // The processor's own counters are missing on many virtual machines; its clock is not.
    command.args(["record", "-q", "-e", "cpu-clock", "-F", "1499", "--call-graph", "dwarf,65528", "-o"]).arg(samples).arg("--");
    command.arg(target.join("release").join(format!("bench-{}", profile.database)));
    // Whole names: Sequor with hooks is a contender too.
    command.env("ONLY", format!("{}$", profile.workload)).env("CONTENDERS", format!("{}$", profile.contender));
    let (variable, place) = place(profile.database, running);
    check(command.env("ROUNDS", profile.rounds).env(variable, place), "perf record").map(drop)
}

fn draw(profile: &Profile, target: &Path, samples: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("perf script: {error}");
    let file = format!("docs/src/performance/flame-{}.svg", profile.file);
    let mut perf = Command::new("perf");
    perf.args(["script", "--no-inline", "-i"]).arg(samples).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut perf = perf.spawn().map_err(failed)?;
    let Some(lines) = perf.stdout.take() else { return Err("perf script has no output".to_owned()) };
    let mut flame = Command::new(target.join("release/bench-flame"));
    flame.arg(format!("{}: {}, {}", profile.database, profile.contender, profile.workload)).arg(&file).arg(MARK);
    let drawn = flame.stdin(lines).status().map_err(failed)?;
    let read = perf.wait().map_err(failed)?;
    if !drawn.success() || !read.success() {
        return Err(format!("no flame graph of {} came of it", profile.workload));
    }
    println!("{file} is written");
    Ok(())
}
