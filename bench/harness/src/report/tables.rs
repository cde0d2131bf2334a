//! The tables.

use super::{Group, is_a_share};
use crate::Line;
use std::fmt::Write;

/// The contenders behind the floor, in the order in which they first ran.
fn columns<'a>(groups: &[Group<'a>]) -> Vec<&'a str> {
    let mut columns: Vec<&str> = Vec::new();
    for line in groups.iter().flat_map(|(_, list)| list.iter().skip(1)) {
        if !columns.contains(&line.contender.as_str()) {
            columns.push(&line.contender);
        }
    }
    columns
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    if rows.is_empty() { String::new() } else { table }
}

fn spread(line: &Line) -> f64 {
    (line.three_quarters - line.quarter) / line.median * 100.0
}

/// The shortest round of each contender as a ratio to the floor's; the least of them is bold.
pub fn ratios(groups: &[Group<'_>]) -> String {
    let columns = columns(groups);
    let mut rows = Vec::new();
    for (workload, list) in groups {
        let Some(floor) = list.first() else { continue };
        let best = list.iter().skip(1).map(|line| line.min).fold(f64::INFINITY, f64::min);
        let cell = |column: &&str| match list.iter().skip(1).find(|line| line.contender == *column) {
            Some(line) if line.min == best => format!("**{:.2}**", line.min / floor.min),
            Some(line) => format!("{:.2}", line.min / floor.min),
            None => "–".to_owned(),
        };
        let mut row = vec![(*workload).to_owned(), format!("{:.1} ({:.0} %)", floor.min, spread(floor))];
        row.extend(columns.iter().map(cell));
        rows.push(row);
    }
    let head: Vec<&str> = ["workload", "floor µs (spread)"].into_iter().chain(columns).collect();
    table(&head, &rows)
}

/// The same of the medians, each with the distance of its quartiles.
pub fn medians(groups: &[Group<'_>]) -> String {
    let columns = columns(groups);
    let mut rows = Vec::new();
    for (workload, list) in groups {
        let Some(floor) = list.first() else { continue };
        let cell = |column: &&str| match list.iter().skip(1).find(|line| line.contender == *column) {
            Some(line) => format!("{:.2} ({:.0} %)", line.median / floor.median, spread(line)),
            None => "–".to_owned(),
        };
        let mut row = vec![(*workload).to_owned(), format!("{:.1} ({:.0} %)", floor.median, spread(floor)), floor.rounds.to_string()];
        row.extend(columns.iter().map(cell));
        rows.push(row);
    }
    let head: Vec<&str> = ["workload", "floor µs", "rounds"].into_iter().chain(columns).collect();
    table(&head, &rows)
}

/// Throughput and waits where many tasks ask at once.
pub fn waits(groups: &[Group<'_>]) -> String {
    let mut rows = Vec::new();
    for (workload, list) in groups.iter().filter(|(_, list)| list.iter().any(|line| line.latency.is_some())) {
        for line in list {
            let (half, most) =
                line.latency.map_or(("–".to_owned(), "–".to_owned()), |(half, most)| (format!("{half:.0}"), format!("{most:.0}")));
            rows.push(vec![(*workload).to_owned(), line.contender.clone(), format!("{:.0}", 1e6 / line.median), half, most]);
        }
    }
    table(&["workload", "contender", "operations a second (median)", "p50 µs", "p99 µs"], &rows)
}

/// What a row and an operation ask of the allocator.
pub fn memory(groups: &[Group<'_>]) -> String {
    const SHOWN: [&str; 7] = [
        "find by key",
        "rows 10,000",
        "wide rows 10,000",
        "create one",
        "insert 1,000",
        "include of 3 levels, 100 users",
        "update of 1 changed row",
    ];
    let mut rows = Vec::new();
    for (workload, list) in groups.iter().filter(|(workload, _)| SHOWN.contains(workload)) {
        for line in list {
            let (Some(count), Some(bytes)) = (line.allocations, line.allocated_bytes) else { continue };
            let each = line.rows.max(1.0);
            rows.push(vec![
                (*workload).to_owned(),
                line.contender.clone(),
                format!("{count:.1}"),
                format!("{bytes:.0}"),
                format!("{:.2}", count / each),
                format!("{:.0}", bytes / each),
            ]);
        }
    }
    table(&["workload", "contender", "allocations", "bytes", "allocations a row", "bytes a row"], &rows)
}

/// The most that is held at once, where that is what matters.
pub fn peaks(groups: &[Group<'_>]) -> String {
    let find = |workload: &str| groups.iter().find(|(name, _)| *name == workload).map(|(_, list)| list);
    let (Some(rows), streams) = (find("rows 10,000"), find("stream of 1,000,000 rows")) else { return String::new() };
    let kib = |line: Option<&&Line>| line.and_then(|line| line.peak).map_or("–".to_owned(), |bytes| format!("{:.0}", bytes / 1024.0));
    let of = |line: &&Line| {
        let stream = streams.and_then(|list| list.iter().find(|other| other.contender == line.contender));
        vec![line.contender.clone(), kib(Some(line)), kib(stream)]
    };
    let rows: Vec<Vec<String>> = rows.iter().filter(|line| line.peak.is_some()).map(of).collect();
    table(&["contender", "10,000 rows, KiB", "a stream of 1,000,000, KiB"], &rows)
}

/// What a part of Sequor costs beside Sequor without it.
pub fn shares(groups: &[Group<'_>]) -> String {
    let mut rows = Vec::new();
    for (workload, list) in groups {
        let Some(plain) = list.iter().find(|line| line.contender == "Sequor") else { continue };
        for line in list.iter().filter(|line| is_a_share(&line.contender)) {
            let extra = line.min - plain.min;
            rows.push(vec![
                (*workload).to_owned(),
                line.contender.clone(),
                format!("{:.1}", plain.min),
                format!("{:.1} ({extra:+.1})", line.min),
                format!("{:.2}", line.min / plain.min),
            ]);
        }
    }
    table(&["workload", "with", "without it, µs", "with it, µs", "ratio"], &rows)
}
