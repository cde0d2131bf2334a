//! Cargo, and the tasks that are one call of it.

pub use sequor_tools::process::{Guarded, Result, check, is_ending, must, stop_on_signals};

use std::path::Path;
use std::process::Command;

/// The cargo that runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Makes the root of the repository the current folder.
pub fn enter_root() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    if root.is_dir() { std::env::set_current_dir(root).map_err(|error| format!("{}: {error}", root.display())) } else { Ok(()) }
}

/// The packages of the workspace, all features on: the same for tests, clippy and rustdoc, so that they share what is built.
pub const WORKSPACE: [&str; 2] = ["--workspace", "--all-features"];

/// Format and clippy, warnings as errors; both run, so that one run tells of both.
pub fn lint() -> Result<()> {
    let format = must(cargo().args(["fmt", "--all", "--check"]), "cargo fmt --all --check");
    let clippy = must(cargo().arg("clippy").args(WORKSPACE).args(["--", "-D", "warnings"]), "cargo clippy");
    match (format, clippy) {
        (Err(format), Err(clippy)) => Err(format!("{format}\n{clippy}")),
        (format, clippy) => format.and(clippy),
    }
}

/// The documentation, warnings as errors.
pub fn doc() -> Result<()> {
    must(cargo().args(["doc", "--no-deps"]).args(WORKSPACE).env("RUSTDOCFLAGS", "-D warnings"), "cargo doc")
}
