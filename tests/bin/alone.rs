//! The stand-alone `sequor`, for its tests.

fn main() -> std::process::ExitCode {
    sequor::cli::standalone()
}
