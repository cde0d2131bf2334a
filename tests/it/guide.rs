//! The pages of the guide about reading: each of their snippets is a line of a test here, and the statements that they show are those that are sent.

mod sent;
mod snippets;

use std::path::PathBuf;

/// The pages whose `rust,ignore` blocks stand in [`snippets`].
const PAGES: [&str; 11] = [
    "eager-loading.md",
    "guide/filters.md",
    "guide/full-text.md",
    "guide/json.md",
    "guide/windows.md",
    "pages-and-cursors.md",
    "projections.md",
    "reading.md",
    "relations.md",
    "streaming.md",
    "testing.md",
];

fn path(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(page)
}

/// A piece of a program without what rustfmt decides and without comments.
fn bare(text: &str) -> String {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code: String = code.split_whitespace().collect();
    [")", "]", "}"].iter().fold(code, |code, end| code.replace(&format!(",{end}"), end))
}

/// `..` stands for whatever a program writes there.
#[test]
fn each_snippet_of_the_guide_is_run() {
    let program = bare(include_str!("guide/snippets.rs"));
    let mut seen = 0;
    for page in PAGES {
        let text = std::fs::read_to_string(path(page)).unwrap();
        for part in text.split("```rust,ignore\n").skip(1) {
            let (snippet, _) = part.split_once("```").unwrap();
            let mut rest = program.as_str();
            for part in bare(snippet).trim_end_matches(',').split("..") {
                let place =
                    rest.find(part).unwrap_or_else(|| panic!("{page}: tests/it/guide/snippets.rs does not run\n{snippet}\nfrom\n{part}"));
                rest = &rest[place + part.len()..];
            }
            seen += 1;
        }
    }
    assert!(seen >= 19, "{seen}");
}
