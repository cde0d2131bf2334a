//! The memory of this process as Linux counts it, and a way to measure a test where no other one runs beside it.

use std::process::Command;

fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Kilobytes that this process has in use.
pub fn resident() -> u64 {
    kilobytes("VmRSS:")
}

/// The most kilobytes that this process had in use at a time since [`forget_most`].
pub fn most_resident() -> u64 {
    kilobytes("VmHWM:")
}

/// [`most_resident`] begins anew (proc(5), `clear_refs`).
pub fn forget_most() -> std::io::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
}

/// Runs a test once more in a process of its own, with the variable `sign` set; gives what it printed.
pub fn alone(test: &str, sign: &str) -> std::io::Result<String> {
    let output = Command::new(std::env::current_exe()?).args(["--exact", test, "--nocapture"]).env(sign, "1").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let passed = output.status.success() && text.contains("1 passed");
    if passed { Ok(text) } else { Err(std::io::Error::other(format!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))) }
}
