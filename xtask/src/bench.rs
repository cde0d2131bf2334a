//! `cargo xtask bench`: private servers, every contender interleaved in one run, and the page of the docs. Never part of CI.

mod diesel;
mod instructions;
mod profile;
mod yardstick;

use sequor_tools::process::{Result, must};
use sequor_tools::servers;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The databases, as options name them.
const DATABASES: [&str; 3] = ["sqlite", "postgres", "mysql"];

/// Runs `bench [--quick] [--database NAME]..`, `bench --instructions [--write]`, `bench --profile`, `bench --compile [LIBRARY]`, `bench --size [LIBRARY]` or `bench --diesel [FOLDER] [--quick]`.
///
/// # Errors
/// An unknown option, a server that cannot be had, a benchmark that does not build or fails.
pub fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--instructions"] => return instructions::run(false),
        ["--instructions", "--write"] => return instructions::run(true),
        ["--profile"] => return profile::run(),
        ["--compile"] => return yardstick::run(None),
        ["--compile", library] => return yardstick::run(Some(library)),
        ["--size"] => return yardstick::sizes(None),
        ["--size", library] => return yardstick::sizes(Some(library)),
        ["--diesel", rest @ ..] => {
            let folder = rest.iter().find(|word| !word.starts_with("--"));
            return diesel::run(folder.copied(), rest.contains(&"--quick"));
        }
        _ => {}
    }
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
            _ => {
                return Err(format!(
                    "bench takes --quick, --database {}, --instructions [--write], --profile, --compile [LIBRARY], --size [LIBRARY] and --diesel [FOLDER]",
                    DATABASES.join("|")
                ));
            }
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
    let peers = [("BENCH_NODE", node(&target)), ("BENCH_TOASTY", toasty(&target))];
    let remote: Vec<String> = chosen.iter().filter(|name| *name != "sqlite").cloned().collect();
    let running = servers::start_measured(&remote)?;
    let mut files = Vec::new();
    for name in &chosen {
        files.push(measure(name, &target, &running, quick, &peers)?);
    }
    drop(running);
    report(&target, &files)
}

/// Holds the instructions of an operation against those that are kept.
///
/// # Errors
/// Figures that have risen; what stands in the way of counting.
pub fn count_instructions() -> Result<()> {
    instructions::run(false)
}

/// Host and port of a URL.
fn address(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

/// Makes sure that a program is there, which a package of Debian brings.
fn tool(name: &str, package: &str) -> Result<()> {
    if sequor_tools::process::find(name, &[]).is_some() {
        return Ok(());
    }
    let mut install = Command::new("apt-get");
    must(
        install.args(["install", "-y", "-q", "--no-install-recommends", package]),
        &format!("{name} is missing: install it; apt-get install {package}"),
    )
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// Runs the benchmark of one database; its lines go to a file, its table to the terminal.
fn measure(name: &str, target: &Path, running: &servers::Servers, quick: bool, peers: &[(&str, Option<PathBuf>)]) -> Result<PathBuf> {
    let file = target.join(format!("{name}.jsonl"));
    let out = File::create(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(target.join("release").join(format!("bench-{name}")));
    command.stdout(Stdio::from(out));
    if quick {
        command.env("ROUNDS", "0.2");
    }
    command.envs(peers.iter().filter_map(|(variable, place)| Some((variable, place.as_ref()?))));
    let (variable, place) = place(name, running);
    command.env(variable, place);
    command.envs(running.process(name).map(|process| ("BENCH_SERVER", process.to_string())));
    must(&mut command, &format!("the benchmark of {name} failed"))?;
    Ok(file)
}

/// The variable that tells a benchmark where its database is, and its value.
fn place(name: &str, running: &servers::Servers) -> (String, OsString) {
    let variable = servers::VARIABLES.iter().find(|(database, _)| *database == name).map(|(_, variable)| *variable);
    let place = match running.variables.iter().find(|(known, _)| Some(*known) == variable) {
        Some((_, url)) => address(url).into(),
        None => {
            // A folder in memory where there is one: the processor is measured, not the disk.
            let memory = Path::new("/dev/shm");
            if memory.is_dir() { memory.into() } else { std::env::temp_dir().into() }
        }
    };
    (format!("BENCH_{}", name.to_uppercase()), place)
}

/// The folder of Sequelize's program with its modules installed; says so where they cannot be had.
fn node(target: &Path) -> Option<PathBuf> {
    let folder = target.join("bench-node");
    let install = || -> std::io::Result<bool> {
        std::fs::create_dir_all(&folder)?;
        for file in ["package.json", "peer.mjs"] {
            std::fs::copy(Path::new("bench/node").join(file), folder.join(file))?;
        }
        Ok(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder).status()?.success())
    };
    match install() {
        Ok(true) => folder.canonicalize().ok(),
        Ok(false) => {
            eprintln!("npm install failed in {}: Sequelize is left out of this run", folder.display());
            None
        }
        Err(error) => {
            eprintln!("Sequelize is left out of this run: {error} (it needs node and npm)");
            None
        }
    }
}

/// Toasty's program, which is a workspace of its own; says so where it does not build.
fn toasty(target: &Path) -> Option<PathBuf> {
    let mut build = crate::process::cargo();
    build.args(["build", "--release", "--manifest-path", "bench/toasty/Cargo.toml"]).arg("--target-dir").arg(target);
    if let Err(error) = must(&mut build, "it does not build") {
        eprintln!("Toasty is left out of this run: {error}");
        return None;
    }
    target.join("release/bench-toasty").canonicalize().ok()
}

/// What was measured, as the lock files of the benchmarks name it.
fn peers() -> String {
    const NAMED: [&str; 9] =
        ["diesel", "diesel-async", "mysql_async", "rusqlite", "sea-orm", "sqlx", "tokio-postgres", "deadpool-postgres", "toasty"];
    let mut found = Vec::new();
    for file in ["bench/Cargo.lock", "bench/toasty/Cargo.lock"] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for package in text.split("[[package]]") {
            let value = |key: &str| package.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_matches([' ', '=', '"'])));
            if let (Some(name), Some(version)) = (value("name"), value("version"))
                && NAMED.contains(&name)
                && !found.iter().any(|(known, _)| known == name)
            {
                found.push((name.to_owned(), version.to_owned()));
            }
        }
    }
    found.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
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
    let servers = [("psql", "--version"), ("mariadb", "--version"), ("node", "--version")];
    let mut versions = vec![said("rustc", &["--version"]).unwrap_or_default()];
    versions.extend(servers.iter().filter_map(|(program, option)| Some(format!("{program}: {}", said(program, &[option])?))));
    versions.push(peers());
    command.env("BENCH_VERSIONS", versions.join(" · "));
    command.env("BENCH_COMMIT", said("git", &["log", "-1", "--format=commit %h of %as"]).unwrap_or_default());
    must(&mut command, "the report failed")?;
    println!("docs/src/performance/results.md is written");
    Ok(())
}
