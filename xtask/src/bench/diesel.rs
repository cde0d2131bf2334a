//! `cargo xtask bench --diesel`: Diesel's own benchmark, from its repository, with Sequor among the contenders, and the table of the docs.

use super::target_folder;
use sequor_tools::process::{Result, must};
use sequor_tools::servers;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release whose benchmark is run.
const RELEASE: &str = "v2.3.12";

/// One database: its feature, and the contenders of Diesel's benchmark beside Diesel and diesel-async that can be linked with Sequor there.
struct Side {
    database: &'static str,
    name: &'static str,
    /// Lines of the manifest.
    contenders: &'static str,
    /// What switches them on.
    features: &'static str,
    /// Features that are no dependency's.
    more: &'static str,
}

/// SQLx and SeaORM, in the versions that Diesel's benchmark is written for.
const SQLITE: Side = Side {
    database: "sqlite",
    name: "SQLite",
    contenders: "rusqlite = { version = \">=0.39, <0.42\", features = [\"bundled\"], optional = true }",
    features: "\"rusqlite\"",
    more: "",
};
const POSTGRES: Side = Side {
    database: "postgres",
    name: "PostgreSQL",
    contenders: r#"rust_postgres = { version = "0.19.7", package = "postgres", optional = true }
tokio_postgres = { version = "0.7.10", package = "tokio-postgres", optional = true }
sqlx = { version = "0.8.6", features = ["runtime-tokio-rustls", "postgres"], optional = true }
sea-orm = { version = "1.1", features = ["runtime-tokio-rustls", "sqlx-postgres"], optional = true }"#,
    features: "\"rust_postgres\", \"tokio_postgres\", \"sea-orm\", \"sqlx-bench\"",
    more: "sqlx-bench = [\"sqlx\"]",
};
const MYSQL: Side = Side {
    database: "mysql",
    name: "MariaDB",
    contenders: r#"rust_mysql = { version = "26.0", package = "mysql", optional = true }
sqlx = { version = "0.8.6", features = ["runtime-tokio-rustls", "mysql"], optional = true }
sea-orm = { version = "1.1", features = ["runtime-tokio-rustls", "sqlx-mysql"], optional = true }"#,
    features: "\"rust_mysql\", \"sea-orm\", \"sqlx-bench\"",
    more: "sqlx-bench = [\"sqlx\"]",
};

/// Where Diesel's list of contenders begins, and what of Sequor's stands there.
const PLACES: [(&str, &str); 4] = [
    ("for size in TRIVIAL_QUERY_SIZE {", "bench_trivial_query"),
    ("for size in MEDIUM_COMPLEX_SIZE {", "bench_medium_complex_query"),
    ("for size in INSERT_SIZE {", "bench_insert"),
    ("let mut group = c.benchmark_group(\"bench_loading_associations_sequentially\");", "loading_associations_sequentially"),
];

/// Median times in nanoseconds: by workload (group and size), then by contender.
type Times = BTreeMap<(String, u64), BTreeMap<String, f64>>;

/// Runs the benchmark on each database; `checkout` is a folder with Diesel's sources, else they are cloned.
///
/// # Errors
/// No sources, a server that cannot be had, a benchmark that does not build or fails.
pub fn run(checkout: Option<&str>, quick: bool) -> Result<()> {
    let target = std::path::absolute(target_folder()).map_err(|error| error.to_string())?;
    let sources = sources(checkout, &target)?;
    with_sequor(&sources)?;
    let running = servers::start(&["postgres".to_owned(), "mysql".to_owned()])?;
    let mut page = String::from("<!-- Written by `cargo xtask bench --diesel`. -->\n");
    let file = "docs/src/performance/diesel.md";
    for side in [SQLITE, POSTGRES, MYSQL] {
        let times = measure(&side, &sources, &target, (&running, quick))?;
        table(&mut page, side.name, &times);
        // Each database as it is done: the next one may not build.
        std::fs::write(file, &page).map_err(|error| format!("{file}: {error}"))?;
        println!("{file} has {}", side.name);
    }
    drop(running);
    Ok(())
}

/// Diesel's sources in a folder that may be changed.
fn sources(checkout: Option<&str>, target: &Path) -> Result<PathBuf> {
    let folder = target.join("diesel");
    std::fs::create_dir_all(target).map_err(|error| format!("{}: {error}", target.display()))?;
    let mut command = match checkout {
        Some(given) => {
            let _ = std::fs::remove_dir_all(&folder);
            // With the times of its files, so that what was built of them stays good.
            let mut copy = Command::new("cp");
            copy.args(["-r", "--preserve=timestamps", given]);
            copy
        }
        None if folder.join("diesel_bench").is_dir() => Command::new("true"),
        None => {
            let mut clone = Command::new("git");
            clone.args(["clone", "--quiet", "--depth", "1", "--branch", RELEASE, "https://github.com/diesel-rs/diesel"]);
            clone
        }
    };
    must(command.arg(&folder), &format!("Diesel {RELEASE} cannot be had: clone it elsewhere and say --diesel FOLDER"))?;
    // It names a toolchain; all is measured with one.
    let _ = std::fs::remove_file(folder.join("rust-toolchain"));
    Ok(folder)
}

/// Puts Sequor's file beside the others, and calls it where they are called.
fn with_sequor(sources: &Path) -> Result<()> {
    let benches = sources.join("diesel_bench/benches");
    let said = |error: std::io::Error| format!("{}: {error}", benches.display());
    let own = std::fs::read_to_string("bench/diesel/sequor_benches.rs").map_err(said)?;
    std::fs::write(benches.join("sequor_benches.rs"), own).map_err(said)?;
    let mut text = std::fs::read_to_string(benches.join("lib.rs")).map_err(said)?;
    if text.contains("mod sequor_benches;") {
        return Ok(());
    }
    for (place, function) in PLACES {
        let (given, call) = if place.starts_with("for") {
            ("BenchmarkId::new(*name, size), size, |b, i|", format!("sequor_benches::{function}(b, *i, *place)"))
        } else {
            ("*name, |b|", format!("sequor_benches::{function}(b, *place)"))
        };
        let method = if place.starts_with("for") { "bench_with_input" } else { "bench_function" };
        let calls =
            format!("{place}\n    for (name, place) in sequor_benches::PLACES {{\n        group.{method}({given} {call});\n    }}\n");
        if text.matches(place).count() != 1 {
            return Err(format!("Diesel's benchmark has changed: `{place}` is not there once"));
        }
        text = text.replace(place, &calls);
    }
    std::fs::write(benches.join("lib.rs"), format!("mod sequor_benches;\n{text}")).map_err(said)
}

/// Builds and runs the benchmark of one database.
fn measure(side: &Side, sources: &Path, target: &Path, (running, quick): (&servers::Servers, bool)) -> Result<Times> {
    let folder = sources.join("diesel_bench");
    let own = |path: &str| std::path::absolute(path).map(|path| path.display().to_string()).map_err(|error| error.to_string());
    let manifest = std::fs::read_to_string("bench/diesel/manifest.toml").map_err(|error| error.to_string())?;
    let manifest = manifest.replace("@sequor@", &own("crates/sequor")?).replace("@database@", side.database);
    let manifest = manifest.replace("@contenders@", side.contenders).replace("@features@", side.features).replace("@more@", side.more);
    std::fs::write(folder.join("Cargo.toml"), manifest).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_file(folder.join("Cargo.lock"));
    let built = target.join("diesel-target");
    let _ = std::fs::remove_dir_all(built.join("criterion"));
    let mut bench = crate::process::cargo();
    bench.current_dir(&folder).env("CARGO_TARGET_DIR", &built).env("DATABASE_URL", url(side, running, target));
    let seconds = if quick { "0.3" } else { "1" };
    bench.args(["bench", "--quiet", "--", "--noplot", "--warm-up-time", "0.2", "--sample-size", "20", "--measurement-time", seconds]);
    must(&mut bench, &format!("Diesel's benchmark failed on {}", side.name))?;
    times(&built.join("criterion"))
}

fn url(side: &Side, running: &servers::Servers, target: &Path) -> String {
    let variable = servers::VARIABLES.iter().find(|(database, _)| *database == side.database).map(|(_, variable)| *variable);
    let found = running.variables.iter().find(|(known, _)| Some(*known) == variable);
    found.map_or_else(|| target.join("diesel.db").display().to_string(), |(_, url)| url.clone())
}

/// Reads what criterion kept: `GROUP/CONTENDER[/SIZE]/new/estimates.json`.
fn times(folder: &Path) -> Result<Times> {
    let mut times = Times::new();
    let groups = ["bench_trivial_query", "bench_medium_complex_query", "bench_loading_associations_sequentially", "bench_insert"];
    for group in groups {
        for contender in entries(&folder.join(group))? {
            let name = contender.file_name().unwrap_or_default().to_string_lossy();
            let name = name.split("_bench_loading").next().unwrap_or_default().to_owned();
            for size in entries(&contender)? {
                let (workload, file) = match size.file_name().and_then(|name| name.to_str()?.parse().ok()) {
                    Some(rows) => ((group.to_owned(), rows), size.join("new/estimates.json")),
                    None if size.ends_with("new") => ((group.to_owned(), 0), size.join("estimates.json")),
                    None => continue,
                };
                times.entry(workload).or_default().insert(name.clone(), median(&file)?);
            }
        }
    }
    Ok(times)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(read.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect())
}

fn median(file: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    json["median"]["point_estimate"].as_f64().ok_or_else(|| format!("{}: no median", file.display()))
}

/// A table of ratios to Diesel's own contender.
fn table(page: &mut String, database: &str, times: &Times) {
    let mut contenders: Vec<&String> = times.values().flat_map(BTreeMap::keys).collect();
    contenders.sort_by_key(|name| (!name.starts_with("sequor"), *name == "diesel", name.as_str()));
    contenders.dedup();
    contenders.retain(|name| *name != "diesel");
    let heads: String = contenders.iter().map(|name| format!(" {name} |")).collect();
    let _ = write!(page, "\n### {database}\n\n| workload | diesel, µs |{heads}\n|---|---|{}\n", "---|".repeat(contenders.len()));
    for ((group, rows), of) in times {
        let Some(diesel) = of.get("diesel") else { continue };
        let workload = group.trim_start_matches("bench_").replace('_', " ");
        let size = if *rows == 0 { String::new() } else { format!(" {rows}") };
        let least = of.values().copied().fold(f64::INFINITY, f64::min);
        let cell = |name: &&String| match of.get(*name) {
            Some(time) if *time <= least => format!(" **{:.2}** |", time / diesel),
            Some(time) => format!(" {:.2} |", time / diesel),
            None => " – |".to_owned(),
        };
        let cells: String = contenders.iter().map(cell).collect();
        let _ = writeln!(page, "| {workload}{size} | {:.1} |{cells}", diesel / 1000.0);
    }
}
