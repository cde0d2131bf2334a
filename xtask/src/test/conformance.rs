//! Runs the recorded scenarios on a database and holds the count of each area against `xtask/conformance-floor.txt`, where counts only rise.

use super::tally::Tally;
use crate::process::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The name of the runner.
pub const PROGRAM: &str = "sequor-conformance";
/// Those that Sequor was given, and those that were recorded for it.
const SCENARIOS: [&str; 2] = ["tests/conformance/scenarios", "tests/conformance/more"];
const FLOOR: &str = "xtask/conformance-floor.txt";

/// Whether the runner is there.
pub fn exists() -> bool {
    Path::new("tests/conformance/Cargo.toml").exists()
}

/// The lowest allowed count of an area on a database: `sqlite where 60` a line.
type Floor = BTreeMap<(String, String), u64>;

fn parse_floor(text: &str) -> Floor {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [database, area, count] => Some(((database.to_owned(), area.to_owned()), count.parse().ok()?)),
            _ => None,
        })
        .collect()
}

/// What the runner's table says of an area: name, passed, failed, deviating, different on purpose.
fn area(line: &str) -> Option<(&str, u64, u64)> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        [name, passed, failed, _, _] => Some((name, passed.parse().ok()?, failed.parse().ok()?)),
        _ => None,
    }
}

/// Runs the scenarios on one database.
pub fn run(program: &str, database: &str, environment: impl Fn(&mut Command), tally: &mut Tally) -> Result<()> {
    println!("\nrecorded scenarios on {database}");
    let mut command = Command::new(program);
    // A find or a write that sends more statements than it may fails as well.
    command.args(["--dialect", database, "--statements"]).args(SCENARIOS);
    environment(&mut command);
    let mut areas = Vec::new();
    // It fails when any scenario does; the floor decides which of them matter.
    super::stream(command, |line| areas.extend(area(line).map(|(name, passed, failed)| (name.to_owned(), passed, failed))))?;
    let floor = parse_floor(&std::fs::read_to_string(FLOOR).unwrap_or_default());
    judge(database, &areas, &floor, tally);
    Ok(())
}

fn judge(database: &str, areas: &[(String, u64, u64)], floor: &Floor, tally: &mut Tally) {
    let mut open = 0;
    for (name, passed, failed) in areas {
        let least = floor.get(&(database.to_owned(), name.clone())).copied().unwrap_or(passed + failed);
        let below = least.saturating_sub(*passed);
        tally.passed += passed;
        tally.failed += below;
        open += failed.saturating_sub(below);
        if below > 0 {
            tally.problems.push(format!("FAILED recorded scenarios of {name} on {database}: {passed} pass, {least} did before"));
        }
        if *passed > least {
            tally.problems.push(format!("note: {passed} scenarios of {name} pass on {database}; write that into {FLOOR} (now {least})"));
        }
    }
    let known: Vec<&str> = areas.iter().map(|(name, ..)| name.as_str()).collect();
    for ((_, name), least) in floor.iter().filter(|((of, name), _)| of == database && !known.contains(&name.as_str())) {
        tally.failed += least;
        tally.problems.push(format!("FAILED recorded scenarios of {name} on {database}: none ran"));
    }
    if areas.is_empty() {
        tally.failed += 1;
        tally.problems.push(format!("FAILED recorded scenarios on {database}: the runner counted nothing"));
    }
    if open > 0 {
        tally.problems.push(format!("not done yet: {open} recorded scenarios on {database} (not counted as failures, {FLOOR})"));
    }
}

#[cfg(test)]
mod tests {
    use super::{area, judge, parse_floor};
    use crate::test::tally::Tally;

    #[test]
    fn counts_of_an_area_only_rise() {
        let floor = parse_floor("# database area count\nsqlite where 10\nsqlite crud 5\nsqlite gone 2\nmysql where 4\n");
        let areas: Vec<_> = ["where  9  3  0  0", "crud   6   1  1  0", "area passed failed deviating different", "new 1 2 0 0"]
            .into_iter()
            .filter_map(area)
            .map(|(name, passed, failed)| (name.to_owned(), passed, failed))
            .collect();
        let mut tally = Tally::default();
        judge("sqlite", &areas, &floor, &mut tally);
        assert_eq!((tally.passed, tally.failed), (16, 1 + 2 + 2));
        assert!(tally.problems[0].contains("where on sqlite: 9 pass, 10 did before"), "{:?}", tally.problems);
        assert!(tally.problems.iter().any(|problem| problem.contains("gone on sqlite: none ran")));
        assert!(tally.problems.iter().any(|problem| problem.starts_with("not done yet: 3 ")));
    }

    #[test]
    fn a_runner_that_counts_nothing_fails() {
        let mut tally = Tally::default();
        judge("mysql", &[], &parse_floor(""), &mut tally);
        assert_eq!(tally.failed, 1);
    }
}
