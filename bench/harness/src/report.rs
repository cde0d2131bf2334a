//! The page of the docs and its pictures, out of the lines of a run.

mod picture;
mod tables;

use crate::Line;
use std::fmt::Write;
use std::path::Path;

/// Whether a contender is Sequor with a part of it on: it stands beside Sequor without that, not beside peers.
pub fn is_a_share(contender: &str) -> bool {
    contender.starts_with("Sequor with ") && !contender.contains("inline=")
}

/// A workload and its lines; the first is the floor.
type Group<'a> = (&'a str, Vec<&'a Line>);

/// Writes the page, the lines and a picture of each database into a folder.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &Path, lines: &[Line], about: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut page = format!("<!-- Written by `cargo xtask bench`. -->\n\n{about}\n\n");
    for database in databases(lines) {
        let groups = groups(lines, database);
        let peers = only(&groups, |line| !is_a_share(&line.contender));
        let _ = writeln!(page, "## {database}\n");
        page.push_str(&tables::ratios(&peers));
        let _ = writeln!(page, "\n![{database}]({}.svg)\n", database.to_lowercase());
        for (title, table) in [
            ("Medians and their spread", tables::medians(&peers)),
            ("Many tasks", tables::waits(&peers)),
            ("Memory", tables::memory(&peers)),
            ("The most that is held at once", tables::peaks(&peers)),
            ("Hooks and change tracking", tables::shares(&groups)),
        ] {
            if !table.is_empty() {
                let _ = writeln!(page, "### {title}: {database}\n\n{table}");
            }
        }
        std::fs::write(folder.join(format!("{}.svg", database.to_lowercase())), picture::of(&peers))?;
    }
    std::fs::write(folder.join("results.md"), page)?;
    let all: Vec<String> = lines.iter().filter_map(|line| serde_json::to_string(line).ok()).collect();
    std::fs::write(folder.join("results.json"), format!("[\n{}\n]\n", all.join(",\n")))
}

fn databases(lines: &[Line]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for line in lines {
        if !names.contains(&line.database.as_str()) {
            names.push(&line.database);
        }
    }
    names
}

/// The lines of a database by workload, in the order in which they ran.
fn groups<'a>(lines: &'a [Line], database: &str) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for line in lines.iter().filter(|line| line.database == database) {
        match groups.iter_mut().find(|(workload, _)| *workload == line.workload) {
            Some((_, list)) => list.push(line),
            None => groups.push((&line.workload, vec![line])),
        }
    }
    groups
}

fn only<'a>(groups: &[Group<'a>], wanted: impl Fn(&Line) -> bool) -> Vec<Group<'a>> {
    groups.iter().map(|(name, list)| (*name, list.iter().copied().filter(|line| wanted(line)).collect())).collect()
}
