//! Counts what test programs say: passed and failed, tests of each database, the names of failures.

use super::DATABASES;
use super::fewer::{PACKAGE, Ran};
use std::collections::{BTreeMap, BTreeSet};

/// The counts of a run.
#[derive(Default)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests of each database.
    pub by_database: BTreeMap<&'static str, u64>,
    /// What a person should read at the end.
    pub problems: Vec<String>,
    /// The databases of each test of every database.
    pub ran: Ran,
    /// The package of each test program.
    packages: BTreeMap<String, String>,
    /// The package whose tests run now.
    package: String,
    /// Names of tests that were seen to fail, since summaries repeat them.
    failures: BTreeSet<(String, String)>,
    summaries: u64,
    programs: u64,
}

/// The program and the package that a line of cargo's JSON messages tells of.
pub fn test_program(line: &str) -> Option<(String, String)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let program = message.get("executable")?.as_str()?.to_owned();
    if message.get("profile")?.get("test")?.as_bool() != Some(true) {
        return None;
    }
    Some((program, package_name(message.get("package_id")?.as_str()?)))
}

/// The path of the program of that name, when a line of cargo's JSON messages tells of it.
pub fn program(line: &str, name: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = message.get("target")?.get("name")?.as_str() == Some(name);
    message.get("executable")?.as_str().filter(|_| is_it).map(str::to_owned)
}

/// `path+file:///x/crates/sequor-core#0.1.0` and `path+file:///x/tests#sequor-tests@0.1.0`.
fn package_name(id: &str) -> String {
    let (path, tail) = id.rsplit_once('#').unwrap_or(("", id));
    match tail.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

impl Tally {
    /// Counts of nothing yet; `packages` maps test programs to packages.
    pub fn new(packages: BTreeMap<String, String>) -> Tally {
        Tally { packages, ..Tally::default() }
    }

    /// Reads one line of output.
    pub fn count(&mut self, line: &str) {
        let trimmed = line.trim_start();
        if let Some(program) =
            trimmed.strip_prefix("Running ").and_then(|rest| rest.rsplit_once('(')).map(|(_, path)| path.trim_end_matches(')'))
        {
            self.package =
                self.packages.iter().find(|(path, _)| path.ends_with(program)).map(|(_, package)| package.clone()).unwrap_or_default();
            self.programs += 1;
        } else if let Some(name) = trimmed.strip_prefix("Doc-tests ") {
            self.package = format!("doc of {name}");
            self.programs += 1;
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            self.passed += number(rest, " passed");
            self.failed += number(rest, " failed");
            self.summaries += 1;
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            self.test(name, outcome);
        }
    }

    fn test(&mut self, name: &str, outcome: &str) {
        if outcome == "FAILED" && self.failures.insert((self.package.clone(), name.to_owned())) {
            self.problems.push(format!("FAILED {}: {name}", self.package));
        }
        if self.package == PACKAGE {
            self.ran.add(name);
        }
        let database = DATABASES.into_iter().find(|database| self.belongs_to(name, database));
        if let (Some(database), "ok" | "FAILED") = (database, outcome) {
            *self.by_database.entry(database).or_default() += 1;
        }
    }

    /// A test of one database ends in its name; the tests of a driver are its database's.
    fn belongs_to(&self, name: &str, database: &str) -> bool {
        name.rsplit("::").next() == Some(database) || self.package.strip_prefix("sequor-") == Some(database)
    }

    /// A test program that ended early, by a signal say, has no summary: that is a failure too.
    pub fn finish(&mut self, succeeded: bool) {
        if !succeeded && self.failed == 0 {
            let silent = self.programs.saturating_sub(self.summaries).max(1);
            self.failed += silent;
            self.problems.push(format!("FAILED cargo test: {silent} test programs did not end as they should, see the output above"));
        }
    }
}

/// The number before a word: `3` for ` passed` in `ok. 3 passed; 0 failed`.
pub fn number(text: &str, word: &str) -> u64 {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Tally, package_name, test_program};

    #[test]
    fn counts_what_test_programs_say() {
        let message = r#"{"executable":"/t/debug/deps/server-1a","package_id":"path+file:///r/crates/sequor-postgres#0.1.0","profile":{"test":true}}"#;
        let mut tally = Tally::new(test_program(message).into_iter().collect());
        for line in [
            "     Running it/main.rs (target/debug/deps/it-2b)",
            "test reading::finds::sqlite ... ok",
            "test reading::finds::mysql ... FAILED",
            "test other ... ok",
            "test skipped::mysql ... ignored",
            "test result: FAILED. 19 passed; 1 failed; 0 ignored; 0 measured; 40 filtered out; finished in 0.1s",
            "     Running tests/server/main.rs (/t/debug/deps/server-1a)",
            "test batches ... ok",
            "test result: ok. 1 passed; 0 failed; 0 ignored",
        ] {
            tally.count(line);
        }
        tally.finish(false);
        assert_eq!((tally.passed, tally.failed), (20, 1));
        assert_eq!(tally.by_database.into_iter().collect::<Vec<_>>(), [("mysql", 1), ("postgres", 1), ("sqlite", 1)]);
        assert_eq!(tally.problems, ["FAILED : reading::finds::mysql"]);
    }

    #[test]
    fn a_program_that_died_is_a_failure() {
        let mut tally = Tally::default();
        tally.count("     Running it/main.rs (target/debug/deps/it-2b)");
        tally.count("test reading::finds::sqlite ... ok");
        tally.finish(false);
        assert_eq!(tally.failed, 1);
    }

    #[test]
    fn names_packages() {
        assert_eq!(package_name("path+file:///r/crates/sequor-core#0.1.0"), "sequor-core");
        assert_eq!(package_name("path+file:///r/tests#sequor-tests@0.1.0"), "sequor-tests");
        assert_eq!(test_program(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
