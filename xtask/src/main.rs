//! Sequor's development tasks: `cargo xtask test | servers | bench | tidy | deps | lint | doc`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod bench;
mod deps;
mod process;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK
  test [--tier 0|1] [--only sqlite,postgres,mysql] [-- FILTER ..]
             start private servers, run every test and the recorded scenarios, stop the servers
  servers    start both servers, print their URLs, stop them at Ctrl-C or when standard input closes
  bench [--quick] [--database sqlite|postgres|mysql]
             measure every workload beside a hand-written client and the peers (release build; start it on an idle machine)
  bench --instructions [--write]
             count the instructions of one operation, and hold them against bench/instructions.txt (or write that)
  bench --compile
             measure what the compiler needs for fifty linked models
  tidy       check the norms that a machine can check
  deps       check licences, duplicate versions and that every dependency has its reason
  lint       rustfmt and clippy, warnings as errors
  doc        rustdoc, warnings as errors";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let result = process::enter_root().and_then(|()| process::stop_on_signals()).and_then(|()| match args.first().map(String::as_str) {
        Some("test") => test::run(rest),
        Some("servers") => sequor_tools::servers::serve(),
        Some("bench") => bench::run(rest),
        Some("tidy") => tidy::run(),
        Some("deps") => deps::run(),
        Some("lint") => process::lint(),
        Some("doc") => process::doc(),
        _ => Err(USAGE.to_owned()),
    });
    if process::is_ending() {
        return ExitCode::from(130);
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // A task that has printed its findings and their count has nothing to add.
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}
