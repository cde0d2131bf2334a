//! `bench-report FOLDER FILE..`: makes of the lines of a run the page of the docs and a picture for each database.

use bench_harness::Line;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: bench-report FOLDER FILE..");
    let mut lines = Vec::new();
    for file in arguments {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        lines.extend(text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap_or_else(|error| panic!("{file}: {error}"))));
    }
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("results.md"), page(&lines)).expect("the page");
    std::fs::write(folder.join("results.json"), serde_json::to_string_pretty(&lines).expect("plain data")).expect("the lines");
    for database in databases(&lines) {
        let name = format!("{}.svg", database.to_lowercase());
        std::fs::write(folder.join(name), picture(&groups(&lines, &database))).expect("a picture");
    }
}

fn databases(lines: &[Line]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        if !names.contains(&line.database) {
            names.push(line.database.clone());
        }
    }
    names
}

/// The lines of a database by workload, in the order in which they ran; the first of each is the floor.
fn groups<'a>(lines: &'a [Line], database: &str) -> Vec<(&'a str, Vec<&'a Line>)> {
    let mut groups: Vec<(&str, Vec<&Line>)> = Vec::new();
    for line in lines.iter().filter(|line| line.database == database) {
        match groups.iter_mut().find(|(workload, _)| *workload == line.workload) {
            Some((_, list)) => list.push(line),
            None => groups.push((&line.workload, vec![line])),
        }
    }
    groups
}

/// The contender without what it says of its way.
fn short(contender: &str) -> &str {
    contender.split([',', '(']).next().unwrap_or(contender).trim()
}

fn page(lines: &[Line]) -> String {
    let mut page = String::from("<!-- Written by `cargo xtask bench`. -->\n");
    let machine = |variable: &str| std::env::var(variable).unwrap_or_default();
    let _ = writeln!(page, "\n{}\n", [machine("BENCH_MACHINE"), machine("BENCH_VERSIONS"), machine("BENCH_COMMIT")].join(" · "));
    for database in databases(lines) {
        let groups = groups(lines, &database);
        let mut columns: Vec<&str> = Vec::new();
        for line in groups.iter().flat_map(|(_, list)| list.iter().skip(1)) {
            if !columns.contains(&short(&line.contender)) {
                columns.push(short(&line.contender));
            }
        }
        let _ = writeln!(page, "## {database}\n");
        let _ = writeln!(page, "| workload | floor µs (spread) | {} |", columns.join(" | "));
        let _ = writeln!(page, "|---|---|{}", "---|".repeat(columns.len()));
        for (workload, list) in &groups {
            let Some(floor) = list.first() else { continue };
            let spread = (floor.three_quarters - floor.quarter) / floor.median * 100.0;
            let mut cells: BTreeMap<usize, String> = BTreeMap::new();
            let best = list.iter().skip(1).map(|line| line.min).fold(f64::INFINITY, f64::min);
            for line in list.iter().skip(1) {
                let Some(column) = columns.iter().position(|column| *column == short(&line.contender)) else { continue };
                let ratio = format!("{:.2}", line.min / floor.min);
                cells.insert(column, if line.min == best { format!("**{ratio}**") } else { ratio });
            }
            let cells: Vec<String> = (0..columns.len()).map(|column| cells.remove(&column).unwrap_or_else(|| "–".to_owned())).collect();
            let _ = writeln!(page, "| {workload} | {:.1} ({spread:.0} %) | {} |", floor.min, cells.join(" | "));
        }
        let _ = writeln!(page, "\n![{database}]({}.svg)\n", database.to_lowercase());
    }
    page
}

/// Bars of the ratios to the floor, a group for each workload; what is above six times is cut and says so.
fn picture(groups: &[(&str, Vec<&Line>)]) -> String {
    const COLOURS: [&str; 7] = ["#1f6feb", "#8250df", "#bf8700", "#1a7f37", "#cf222e", "#57606a", "#0550ae"];
    const MOST: f64 = 6.0;
    let scale = 90.0;
    let height: usize = groups.iter().map(|(_, list)| list.len() * 14 + 26).sum();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n"
    );
    let mut y = 16;
    for (workload, list) in groups {
        let _ = writeln!(svg, "<text x=\"0\" y=\"{y}\" font-weight=\"bold\" fill=\"#57606a\">{}</text>", escaped(workload));
        y += 6;
        let floor = list.first().map_or(1.0, |line| line.min);
        for (place, line) in list.iter().enumerate() {
            let ratio = line.min / floor;
            let (width, colour) = (ratio.min(MOST) * scale, COLOURS[place % COLOURS.len()]);
            let _ = writeln!(svg, "<rect x=\"210\" y=\"{y}\" width=\"{width:.0}\" height=\"11\" fill=\"{colour}\"/>");
            let _ =
                writeln!(svg, "<text x=\"205\" y=\"{}\" text-anchor=\"end\" fill=\"#57606a\">{}</text>", y + 9, escaped(&line.contender));
            let more = if ratio > MOST { " →" } else { "" };
            let _ = writeln!(svg, "<text x=\"{:.0}\" y=\"{}\" fill=\"#57606a\">{ratio:.2}{more}</text>", 215.0 + width, y + 9);
            y += 14;
        }
        y += 20;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
