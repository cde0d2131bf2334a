//! `cargo xtask bench`: private servers, every contender interleaved in one run, and the page of the docs. Never part of CI.

use sequor_tools::process::{Result, must};
use sequor_tools::servers;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The databases, as options name them.
const DATABASES: [&str; 3] = ["sqlite", "postgres", "mysql"];

/// Runs `bench [--quick] [--database NAME]..`.
///
/// # Errors
/// An unknown option, a server that cannot be had, a benchmark that does not build or fails.
pub fn run(args: &[String]) -> Result<()> {
    let mut chosen: Vec<String> = Vec::new();
    let mut quick = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.as_slice().first()) {
            ("--quick", _) => quick = true,
            ("--database", Some(name)) if DATABASES.contains(&name.as_str()) => {
                chosen.push(name.clone());
                args.next();
            }
            _ => return Err(format!("bench takes --quick and --database {}", DATABASES.join("|"))),
        }
    }
    if chosen.is_empty() {
        chosen = DATABASES.iter().map(|name| (*name).to_owned()).collect();
    }
    let target = target_folder();
    let mut build = crate::process::cargo();
    build.args(["build", "--release", "--manifest-path", "bench/Cargo.toml", "-p", "bench-harness"]).arg("--target-dir").arg(&target);
    for name in &chosen {
        build.args(["-p", &format!("bench-{name}")]);
    }
    must(&mut build, "the benchmarks do not build")?;
    let remote: Vec<String> = chosen.iter().filter(|name| *name != "sqlite").cloned().collect();
    let running = servers::start(&remote)?;
    let mut files = Vec::new();
    for name in &chosen {
        files.push(measure(name, &target, &running, quick)?);
    }
    drop(running);
    report(&target, &files)
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// Runs the benchmark of one database; its lines go to a file, its table to the terminal.
fn measure(name: &str, target: &Path, running: &servers::Servers, quick: bool) -> Result<PathBuf> {
    let file = target.join(format!("{name}.jsonl"));
    let out = File::create(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(target.join("release").join(format!("bench-{name}")));
    command.stdout(Stdio::from(out));
    if quick {
        command.env("ROUNDS", "0.2");
    }
    let variable = servers::VARIABLES.iter().find(|(database, _)| *database == name).map(|(_, variable)| *variable);
    match running.variables.iter().find(|(known, _)| Some(*known) == variable) {
        Some((_, url)) => {
            let address = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest).split('/').next().unwrap_or_default();
            command.env(format!("BENCH_{}", name.to_uppercase()), address);
        }
        None => {
            // A folder in memory where there is one: the processor is measured, not the disk.
            let memory = Path::new("/dev/shm");
            let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
            command.env("BENCH_SQLITE", folder);
        }
    }
    must(&mut command, &format!("the benchmark of {name} failed"))?;
    Ok(file)
}

fn report(target: &Path, files: &[PathBuf]) -> Result<()> {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut command = Command::new(target.join("release").join("bench-report"));
    command.arg("docs/src/performance").args(files);
    command.env("BENCH_MACHINE", format!("{} {}, {cores} processors", std::env::consts::OS, std::env::consts::ARCH));
    command.env("BENCH_VERSIONS", said("rustc", &["--version"]).unwrap_or_default());
    command.env("BENCH_COMMIT", said("git", &["log", "-1", "--format=commit %h of %as"]).unwrap_or_default());
    must(&mut command, "the report failed")?;
    println!("docs/src/performance/results.md is written");
    Ok(())
}
