//! `cargo xtask tidy`: the norms that a machine can check. A finding that has to stay gets a line with its reason in `xtask/tidy-exceptions.txt`.

mod arrows;
mod code;
mod examples;
mod exceptions;
mod text;

use crate::process::{Result, check};
use std::process::Command;

const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

/// Something to mend.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// The name of the norm, as the exception list spells it.
    pub rule: &'static str,
    /// The file, from the root of the repository.
    pub path: String,
    /// The line, 1 for a whole file.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: &'static str,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}; {} [{}]", self.path, self.line, self.what, self.mend, self.rule)
    }
}

/// What is over the aim, but below the limit.
#[derive(Default)]
pub struct Counts {
    /// Files of more than 300 lines.
    pub long_files: usize,
    /// Functions of more than 40 lines.
    pub long_functions: usize,
}

/// Checks every file that git knows or would add.
pub fn run() -> Result<()> {
    let listed = check(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]), "git ls-files")?;
    let paths: Vec<&str> = listed.lines().filter(|path| std::path::Path::new(path).is_file()).collect();
    let mut findings = text::names(&paths);
    let mut counts = Counts::default();
    let exports = examples::Exports::of_the_facade();
    for path in &paths {
        let Ok(content) = std::fs::read(path) else { continue };
        // Data that is not text has no norms.
        let Ok(content) = String::from_utf8(content) else { continue };
        findings.extend(text::lines(path, &content));
        if path.ends_with(".rs") && !path.starts_with("tests/ui/") {
            findings.extend(code::check(path, &content, &mut counts));
            findings.extend(examples::check(path, &content, &exports));
        }
    }
    findings.extend(arrows::check()?);
    let listed = std::fs::read_to_string(EXCEPTIONS).unwrap_or_default();
    let mut findings = exceptions::apply(EXCEPTIONS, &listed, findings);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings.iter().for_each(|finding| println!("{finding}"));
    let Counts { long_files, long_functions } = counts;
    println!("{} files, of which {long_files} have more than 300 lines; {long_functions} functions have more than 40", paths.len());
    println!("{} findings", findings.len());
    if findings.is_empty() { Ok(()) } else { Err(String::new()) }
}
