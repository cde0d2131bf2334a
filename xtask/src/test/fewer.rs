//! The list of tests that leave a database out, in `docs/testing.md`: what ran has to agree with it, names and databases.

use super::DATABASES;
use std::collections::{BTreeMap, BTreeSet};

/// Where the list stands.
pub const PAGE: &str = "docs/testing.md";
/// The package whose tests run on every database.
pub const PACKAGE: &str = "sequor-tests";
/// Faults of servers and lines belong to their database.
const FAULTS: &str = "connections::";
/// How many tests of a hundred may leave a database out.
const MOST: usize = 3;

/// The databases that each test ran on.
#[derive(Default)]
pub struct Ran(BTreeMap<String, BTreeSet<&'static str>>);

impl Ran {
    /// Takes a test whose last word is a database.
    pub fn add(&mut self, name: &str) {
        let Some((test, last)) = name.rsplit_once("::") else { return };
        if let Some(database) = DATABASES.into_iter().find(|database| *database == last)
            && !test.starts_with(FAULTS)
        {
            self.0.entry(test.to_owned()).or_default().insert(database);
        }
    }

    /// How many there are, and how many of them leave a database out.
    pub fn summary(&self) -> String {
        let fewer = self.0.values().filter(|on| on.len() < DATABASES.len()).count();
        format!("{} of {} tests of every database leave one out: {PAGE}", fewer, self.0.len())
    }

    /// What is wrong with the list.
    pub fn problems(&self, page: &str) -> Vec<String> {
        let listed: BTreeMap<&str, BTreeSet<&'static str>> = page.lines().filter_map(row).collect();
        let fewer: BTreeMap<&str, &BTreeSet<&'static str>> =
            self.0.iter().filter(|(_, on)| on.len() < DATABASES.len()).map(|(name, on)| (name.as_str(), on)).collect();
        let mut problems = Vec::new();
        for (name, on) in &fewer {
            match listed.get(name) {
                None => problems.push(format!("{name} runs on {on:?} alone and is not in the list, with its reason")),
                Some(said) if said != *on => problems.push(format!("{name} runs on {on:?}, the list says {said:?}")),
                Some(_) => {}
            }
        }
        problems.extend(listed.keys().filter(|name| !fewer.contains_key(*name)).map(|name| format!("{name} leaves no database out")));
        if fewer.len() * 100 > self.0.len() * MOST {
            problems.push(format!("{} of {} are more than {MOST} %", fewer.len(), self.0.len()));
        }
        problems.into_iter().map(|problem| format!("FAILED {PAGE}: {problem}")).collect()
    }
}

/// A test and its databases: `| `a::b` | SQLite, PostgreSQL | why |`.
fn row(line: &str) -> Option<(&str, BTreeSet<&'static str>)> {
    let mut cells = line.strip_prefix("| `")?.split(" | ");
    let name = cells.next()?.strip_suffix('`').filter(|name| name.contains("::"))?;
    let on = cells.next()?.to_lowercase();
    cells.next().filter(|reason| reason.len() > 2)?;
    let on = DATABASES
        .into_iter()
        .filter(|database| on.split(", ").any(|word| word == *database || (word == "postgresql" && *database == "postgres")));
    Some((name, on.collect()))
}

#[cfg(test)]
mod tests {
    use super::Ran;

    fn ran(names: &[&str]) -> Ran {
        let mut ran = Ran::default();
        names.iter().for_each(|name| ran.add(name));
        ran
    }

    #[test]
    fn the_list_is_what_ran() {
        let everywhere: Vec<String> =
            (0..60).flat_map(|test| ["sqlite", "postgres", "mysql"].map(|database| format!("a::t{test}::{database}"))).collect();
        let mut ran = ran(&everywhere.iter().map(String::as_str).collect::<Vec<_>>());
        ["b::locked::postgres", "b::locked::mysql", "connections::dies::mysql", "alone"].iter().for_each(|name| ran.add(name));
        let page = "| test | on | why |\n| `b::locked` | PostgreSQL, MySQL | rows |\n";
        assert_eq!(ran.problems(page), [""; 0]);
        assert_eq!(ran.summary(), "1 of 61 tests of every database leave one out: docs/testing.md");
        assert_eq!(
            ran.problems("| `b::locked` | MySQL | rows |\n| `a::t1` | MySQL | none |\n"),
            [
                "FAILED docs/testing.md: b::locked runs on {\"mysql\", \"postgres\"}, the list says {\"mysql\"}",
                "FAILED docs/testing.md: a::t1 leaves no database out"
            ]
        );
        assert!(ran.problems("").concat().contains("b::locked runs on"));
        ran.add("c::one::sqlite");
        assert!(ran.problems(page).concat().contains("2 of 62 are more than 3 %"));
    }
}
