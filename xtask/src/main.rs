//! Sequor's development tasks: `cargo xtask test | servers | lint | doc`.

mod servers;
mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Err(message) = servers::stop_on_signals() {
        eprintln!("{message}");
    }
    let result = match args.first().map(String::as_str) {
        Some("test") => test::run(&args[1..]),
        Some("servers") => test::serve(),
        Some("lint") => test::lint(),
        Some("doc") => test::doc(),
        _ => Err("usage: cargo xtask test [--only sqlite,postgres,mysql] [-- FILTER] | servers | lint | doc".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
