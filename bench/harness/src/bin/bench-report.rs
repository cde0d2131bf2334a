//! `bench-report FOLDER FILE..`: makes of the lines of a run the page of the docs and a picture for each database. `BENCH_MACHINE`, `BENCH_VERSIONS` and
//! `BENCH_COMMIT` say what it was run on.

use bench_harness::{Line, report};
use std::path::Path;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: bench-report FOLDER FILE..");
    let mut lines = Vec::new();
    for file in arguments {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        lines.extend(text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap_or_else(|error| panic!("{file}: {error}"))));
    }
    let about = ["BENCH_MACHINE", "BENCH_VERSIONS", "BENCH_COMMIT"].map(|variable| std::env::var(variable).unwrap_or_default());
    report::write(Path::new(&folder), &lines, &about.join(" · ")).expect("the report");
}
