//! Which of Sequor's crates may depend on which, and how many features a crate may have.

use super::Finding;
use crate::process::{self, Result, cargo};
use serde_json::Value;

const FEATURES: usize = 10;

/// A crate, and the crates that it may use. Others of the workspace (apps, tests, tools) use the facade alone, and an app its own parts.
const ARROWS: [(&str, &[&str]); 15] = [
    ("sequor-core", &[]),
    ("sequor-macros", &[]),
    ("sequor-sql", &["sequor-core"]),
    ("sequor-tls", &["sequor-core"]),
    ("sequor-postgres", &["sequor-core", "sequor-tls"]),
    ("sequor-mysql", &["sequor-core", "sequor-tls"]),
    ("sequor-sqlite", &["sequor-core"]),
    ("sequor-orm", &["sequor-core", "sequor-sql", "sequor-postgres", "sequor-mysql", "sequor-sqlite", "sequor-macros"]),
    ("sequor-audit", BELOW_ORM),
    ("sequor-sync", BELOW_ORM),
    ("sequor-studio", BELOW_ORM),
    ("sequor-cli", &["sequor-core", "sequor-sql", "sequor-macros", "sequor-orm", "sequor-audit", "sequor-sync", "sequor-studio"]),
    ("sequor-tools", &[]),
    ("xtask", &["sequor-tools"]),
    ("sequor", &["sequor-core", "sequor-sql", "sequor-macros", "sequor-orm", "sequor-audit", "sequor-sync", "sequor-studio", "sequor-cli"]),
];

const BELOW_ORM: &[&str] = &["sequor-core", "sequor-sql", "sequor-macros", "sequor-orm"];

/// `salacia`, `salacia-log` and `salacia-classic` are one application.
fn is_same_app(name: &str, other: &str) -> bool {
    let app = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    app(name) == app(other) && !name.starts_with("sequor")
}

fn packages(metadata: &Value) -> Vec<Finding> {
    let list = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let names: Vec<&str> = list.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut findings = Vec::new();
    for package in list {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let path = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/').to_owned();
        let allowed = ARROWS.iter().find(|(from, _)| *from == name).map_or(&["sequor"][..], |(_, to)| to);
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        // Tests inside a crate may use what its users will.
        let used = dependencies.iter().filter(|dependency| dependency["kind"].as_str() != Some("dev"));
        for other in used
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|other| names.contains(other) && !allowed.contains(other) && !is_same_app(name, other))
        {
            let what = format!("{name} uses {other}");
            findings.push(Finding { rule: "arrows", path: path.clone(), line: 1, what, mend: "follow the arrows of ARCHITECTURE.md" });
        }
        let features = package["features"].as_object().map_or(0, serde_json::Map::len);
        if features > FEATURES {
            let what = format!("{features} features, at most {FEATURES} are allowed");
            findings.push(Finding { rule: "features", path, line: 1, what, mend: "make one of what is used together" });
        }
    }
    findings
}

/// Asks cargo for the packages of the workspace and checks them.
pub fn check() -> Result<Vec<Finding>> {
    let text = process::check(cargo().args(["metadata", "--quiet", "--no-deps", "--format-version", "1"]), "cargo metadata")?;
    serde_json::from_str(&text).map(|metadata| packages(&metadata)).map_err(|error| format!("cargo metadata: {error}"))
}

#[cfg(test)]
mod tests {
    use super::packages;
    use serde_json::json;

    #[test]
    fn arrows_point_one_way() {
        let package = |name: &str, uses: &[&str], kind: Option<&str>| {
            let list: Vec<_> = uses.iter().map(|name| json!({ "name": name, "kind": kind })).collect();
            json!({ "name": name, "manifest_path": format!("/r/crates/{name}/Cargo.toml"), "dependencies": list, "features": {} })
        };
        let metadata = json!({ "workspace_root": "/r", "packages": [
            package("sequor-core", &["serde"], None),
            package("sequor-sql", &["sequor-core", "sequor-orm"], None),
            package("sequor-orm", &["sequor-sql", "sequor-core"], None),
            package("sequor-sqlite", &["sequor-orm"], Some("dev")),
            package("sequor", &["sequor-orm"], None),
            package("quickstart", &["sequor", "sequor-core"], None),
        ]});
        let told: Vec<String> = packages(&metadata).into_iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect();
        assert_eq!(
            told,
            ["crates/sequor-sql/Cargo.toml: sequor-sql uses sequor-orm", "crates/quickstart/Cargo.toml: quickstart uses sequor-core"]
        );
    }
}
