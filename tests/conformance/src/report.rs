//! What a run says: the table, JUnit and JSON.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// How one scenario ended.
pub struct Case {
    pub area: String,
    pub name: String,
    pub failure: Option<String>,
    /// Differs where the scenario says that Sequelize is at fault.
    pub deviated: bool,
    /// Differs on purpose, see differences.txt.
    pub different: bool,
    pub seconds: f64,
    pub steps: usize,
    pub compared: usize,
}

#[derive(Default)]
struct Area {
    passed: usize,
    failed: usize,
    deviating: usize,
    different: usize,
}

impl Case {
    fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

fn areas(cases: &[Case]) -> BTreeMap<&str, Area> {
    let mut areas: BTreeMap<&str, Area> = BTreeMap::new();
    for case in cases {
        let area = areas.entry(&case.area).or_default();
        match (case.passed(), case.different) {
            (true, _) => {
                area.passed += 1;
                area.deviating += usize::from(case.deviated);
            }
            (false, true) => area.different += 1,
            (false, false) => area.failed += 1,
        }
    }
    areas
}

/// Prints how each failure differs (`verbose`: those on purpose too) and the table; the last line is `N passed, N failed`. Says whether nothing failed.
pub fn print(cases: &[Case], verbose: bool) -> bool {
    for case in cases.iter().filter(|case| verbose || !case.different) {
        if let Some(why) = &case.failure {
            println!("FAILED {}/{}: {why}", case.area, case.name);
        }
    }
    println!("{:<18} {:>7} {:>7} {:>9} {:>9}", "area", "passed", "failed", "deviating", "different");
    let (mut passed, mut failed, mut different) = (0, 0, 0);
    for (name, area) in areas(cases) {
        println!("{name:<18} {:>7} {:>7} {:>9} {:>9}", area.passed, area.failed, area.deviating, area.different);
        passed += area.passed;
        failed += area.failed;
        different += area.different;
    }
    if different > 0 {
        println!("{different} different on purpose, see differences.txt");
    }
    let steps: usize = cases.iter().map(|case| case.steps).sum();
    let compared: usize = cases.iter().map(|case| case.compared).sum();
    println!("{steps} steps executed, {compared} answers compared");
    println!("{passed} passed, {failed} failed");
    failed == 0
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter < ' ' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The cases as JUnit's XML.
pub fn junit(dialect: &str, cases: &[Case]) -> String {
    let failed = cases.iter().filter(|case| !case.passed() && !case.different).count();
    let skipped = cases.iter().filter(|case| !case.passed() && case.different).count();
    let seconds: f64 = cases.iter().map(|case| case.seconds).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"conformance {dialect}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.3}\">\n",
        cases.len()
    );
    for case in cases {
        xml += &format!("  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"", escaped(&case.area), escaped(&case.name), case.seconds);
        match (&case.failure, case.different) {
            (None, _) => xml.push_str("/>\n"),
            (Some(_), true) => xml.push_str("><skipped message=\"different on purpose\"/></testcase>\n"),
            (Some(why), false) => xml += &format!("><failure message=\"differs\">{}</failure></testcase>\n", escaped(why)),
        }
    }
    xml + "</testsuite>\n"
}

/// The cases as JSON.
pub fn json(dialect: &str, cases: &[Case]) -> Json {
    let list: Vec<Json> = cases
        .iter()
        .map(|case| {
            let outcome = match (case.passed(), case.different) {
                (true, _) => "passed",
                (false, true) => "different",
                (false, false) => "failed",
            };
            json!({ "area": case.area, "name": case.name, "outcome": outcome, "deviating": case.deviated, "failure": case.failure, "steps": case.steps,
                "compared": case.compared, "seconds": case.seconds })
        })
        .collect();
    json!({ "dialect": dialect, "scenarios": list })
}

#[cfg(test)]
mod tests {
    use super::{Case, json, junit};

    #[test]
    fn reports_say_what_failed() {
        let case = |name: &str, failure: Option<&str>, different| Case {
            area: "where".into(),
            name: name.into(),
            failure: failure.map(Into::into),
            deviated: false,
            different,
            seconds: 0.5,
            steps: 1,
            compared: 1,
        };
        let cases = [case("a", None, false), case("b", Some("1 < 2 & \"x\""), false), case("c", Some("on purpose"), true)];
        let xml = junit("sqlite", &cases);
        assert!(xml.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"1.500\""), "{xml}");
        assert!(xml.contains("1 &lt; 2 &amp; &quot;x&quot;"), "{xml}");
        let outcomes: Vec<String> =
            json("sqlite", &cases)["scenarios"].as_array().into_iter().flatten().map(|case| case["outcome"].to_string()).collect();
        assert_eq!(outcomes, ["\"passed\"", "\"failed\"", "\"different\""]);
    }
}
