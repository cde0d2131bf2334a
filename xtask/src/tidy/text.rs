//! Norms of names, folders and lines, without a parser.

use super::Finding;
use std::collections::{BTreeMap, BTreeSet};

const ENTRIES: usize = 16;
const VAGUE: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "mod"];
/// Folders of many small files of one kind.
const LISTS: [&str; 3] = ["tests/ui/", "tests/conformance/scenarios/", "tests/conformance/more/"];
/// Split, so that this file does not find itself.
const MACHINE: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "bash"), concat!("/tmp/", "target")];

fn is_code(path: &str) -> bool {
    ["crates/", "apps/", "xtask/", "tests/"].iter().any(|folder| path.starts_with(folder))
}

/// Checks the names of files and the size of folders.
pub fn names(paths: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in paths.iter().filter(|path| is_code(path)) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(stem) = name.strip_suffix(".rs").filter(|stem| VAGUE.contains(stem)) {
            let mend = if stem == "mod" { "write `foo.rs` beside the folder `foo/`" } else { "name the file after what lives in it" };
            findings.push(Finding { rule: "file-name", path: (*path).into(), line: 1, what: format!("a file called {name}"), mend });
        }
        for (end, _) in path.match_indices('/').filter(|_| !LISTS.iter().any(|list| path.starts_with(list))) {
            let entry = path[end + 1..].split('/').next().unwrap_or_default();
            // `foo.rs` with `foo/` is one room.
            let entry = entry.strip_suffix(".rs").unwrap_or(entry);
            folders.entry(&path[..end]).or_default().insert(entry);
        }
    }
    for (folder, entries) in folders.iter().filter(|(_, entries)| entries.len() > ENTRIES) {
        let what = format!("{} entries in one folder, at most {ENTRIES} are allowed", entries.len());
        findings.push(Finding { rule: "folder-entries", path: (*folder).into(), line: 1, what, mend: "group what belongs together" });
    }
    findings
}

/// Checks the lines of a file.
pub fn lines(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        if let Some(found) = MACHINE.iter().find(|found| line.contains(*found)) {
            let what = format!("{found} is a path of one machine");
            findings.push(Finding {
                rule: "machine-path",
                path: path.into(),
                line: index + 1,
                what,
                mend: "name it from the repository's root",
            });
        }
    }
    let needs_header = path.ends_with(".rs") && ["crates/", "apps/", "xtask/"].iter().any(|folder| path.starts_with(folder));
    let first = content.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    if needs_header && !first.is_some_and(|line| line.starts_with("//!")) {
        let mend = "say in a line `//! ..` what lives here";
        findings.push(Finding { rule: "header", path: path.into(), line: 1, what: "no header".into(), mend });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{lines, names};

    #[test]
    fn vague_names_and_full_folders_are_found() {
        let many: Vec<String> = (0..17).map(|number| format!("crates/x/src/f{number}.rs")).collect();
        let mut paths: Vec<&str> = many.iter().map(String::as_str).collect();
        paths.extend(["crates/x/src/f1/a.rs", "crates/x/src/a/mod.rs", "apps/y/src/helpers.rs", "docs/util.rs"]);
        let found = names(&paths);
        let told: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(told, ["crates/x/src/a/mod.rs", "apps/y/src/helpers.rs", "crates/x/src"]);
        assert!(found[2].what.starts_with("18 entries"));
    }

    #[test]
    fn headers_and_machine_paths_are_found() {
        assert!(lines("crates/x/src/a.rs", "#![allow(dead_code)]\n//! What lives here.\n").is_empty());
        assert_eq!(lines("crates/x/src/a.rs", "use x;\n//! late\n")[0].rule, "header");
        assert!(lines("tests/it/a.rs", "use x;\n").is_empty());
        let path = format!("see {}main", concat!("/wo", "rk/"));
        assert_eq!(lines("docs/a.md", &format!("one\n{path}\n"))[0].line, 2);
    }
}
