//! The stand-alone `sequor`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sequor_cli::standalone()
}
