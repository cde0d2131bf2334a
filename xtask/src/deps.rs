//! `cargo xtask deps`: licences, duplicate versions, and a reason for every direct dependency.

mod licence;

use crate::process::{Result, cargo, check};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const REASONS: &str = "docs/dependencies.md";
const DUPLICATES: &str = "xtask/duplicate-versions.txt";

/// Checks the workspace with all features, for every platform.
pub fn run() -> Result<()> {
    let tree = ["tree", "--quiet", "--workspace", "--all-features", "--target", "all", "--prefix", "none", "--format", "{p}|{l}"];
    let packages = packages(&check(cargo().args(tree), "cargo tree")?);
    let metadata = check(cargo().args(["metadata", "--quiet", "--no-deps", "--format-version", "1"]), "cargo metadata")?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut findings = licences(&packages);
    findings.extend(duplicates(&packages, &std::fs::read_to_string(DUPLICATES).unwrap_or_default()));
    findings.extend(reasons(&direct(&metadata), &std::fs::read_to_string(REASONS).unwrap_or_default()));
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("{} packages", packages.len());
    println!("{} findings", findings.len());
    if findings.is_empty() { Ok(()) } else { Err(String::new()) }
}

/// Name, version and licence of each package in a tree.
fn packages(tree: &str) -> BTreeSet<(String, String, String)> {
    let lines = tree.lines().filter_map(|line| line.split_once('|'));
    lines
        .filter_map(|(package, licence)| {
            let mut words = package.split_whitespace();
            // A repeated package ends in ` (*)`.
            let licence = licence.trim_end_matches(" (*)").to_owned();
            Some((words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned(), licence))
        })
        .collect()
}

fn licences(packages: &BTreeSet<(String, String, String)>) -> Vec<String> {
    let refused = packages.iter().filter(|(_, _, licence)| !licence::is_allowed(licence));
    refused
        .map(|(name, version, licence)| {
            format!(
                "Cargo.lock:1: {name} {version} has the licence {licence:?}; use another crate, or allow it in xtask/src/deps/licence.rs"
            )
        })
        .collect()
}

fn duplicates(packages: &BTreeSet<(String, String, String)>, tolerated: &str) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version, _) in packages {
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let mut listed = BTreeSet::new();
    let mut findings = Vec::new();
    for (index, line) in tolerated.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            Some((name, reason)) if !reason.trim().is_empty() && versions.contains_key(name) => drop(listed.insert(name)),
            Some((name, reason)) if !reason.trim().is_empty() => {
                findings.push(format!("{DUPLICATES}:{}: {name} has one version; remove the line", index + 1));
            }
            _ => findings.push(format!("{DUPLICATES}:{}: no reason; write `crate: reason`", index + 1)),
        }
    }
    for (name, versions) in versions.iter().filter(|(name, _)| !listed.contains(*name)) {
        let list = versions.iter().copied().collect::<Vec<_>>().join(", ");
        findings
            .push(format!("Cargo.lock:1: {name} is there as {list}; bring the versions together, or write the reason into {DUPLICATES}"));
    }
    findings
}

/// The crates that each crate under `crates/` names, those of the workspace left out.
fn direct(metadata: &Value) -> BTreeSet<(String, String)> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let crates = packages.iter().filter(|package| package["manifest_path"].as_str().is_some_and(|path| path.contains("/crates/")));
    let pairs = crates.flat_map(|package| {
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        // A dependency inside the workspace has no registry.
        let outside = dependencies.iter().filter(|dependency| dependency["source"].is_string());
        outside.filter_map(|dependency| Some((dependency["name"].as_str()?.to_owned(), package["name"].as_str()?.to_owned())))
    });
    pairs.collect()
}

fn reasons(direct: &BTreeSet<(String, String)>, page: &str) -> Vec<String> {
    let explained = |name: &str| page.lines().any(|line| line.starts_with("- ") && line.contains(&format!("`{name}`")));
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, user) in direct.iter().filter(|(name, _)| !explained(name)) {
        missing.entry(name).or_default().push(user);
    }
    let told = missing.iter();
    told.map(|(name, users)| format!("{REASONS}:1: no reason for {name} of {}; write a line \"- `{name}`: ..\"", users.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{direct, duplicates, licences, packages, reasons};
    use serde_json::json;

    #[test]
    fn reads_the_tree() {
        let packages = packages(
            "sequor v0.1.0 (/r/crates/sequor)|MIT\n\nsyn v2.0.1|MIT OR Apache-2.0\nsyn v3.0.0 (proc-macro)|MIT (*)\nold v1.0.0|GPL-3.0\n",
        );
        assert_eq!(packages.len(), 4);
        let told = licences(&packages);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("old 1.0.0 has the licence \"GPL-3.0\""));
        assert!(duplicates(&packages, "").concat().contains("syn is there as 2.0.1, 3.0.0"));
        assert!(duplicates(&packages, "# why\nsyn: two generations of derives\n").is_empty());
        assert!(duplicates(&packages, "syn: \n")[0].contains("no reason"));
        assert!(duplicates(&packages, "syn: derives\nold: it is old\n")[0].contains("old has one version"));
    }

    #[test]
    fn every_direct_dependency_has_its_reason() {
        let metadata = json!({ "packages": [
            { "name": "sequor-x", "manifest_path": "/r/crates/sequor-x/Cargo.toml", "dependencies": [
                { "name": "tokio", "source": "registry" }, { "name": "uuid", "source": "registry" }, { "name": "sequor-core", "source": null } ] },
            { "name": "app", "manifest_path": "/r/apps/app/Cargo.toml", "dependencies": [{ "name": "colour", "source": "registry" }] },
        ]});
        let told = reasons(&direct(&metadata), "`uuid` is nice\n- `tokio`: the runtime\n");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("no reason for uuid of sequor-x"));
    }
}
