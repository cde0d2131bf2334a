//! Regular expressions in JavaScript's syntax, compiled once each.
//!
//! Look-around and back-references work; a pattern that needs them is matched by backtracking, with a limit on its steps, all others in linear time.

mod translate;

use fancy_regex::{Regex, RegexBuilder};
use sequor_core::{Error, Result};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Steps of backtracking until a match is given up.
const STEPS: usize = 200_000;

/// How many compiled patterns are kept.
const KEPT: usize = 2_000;

type Kept = HashMap<String, HashMap<String, Arc<Regex>>>;

static COMPILED: LazyLock<RwLock<Kept>> = LazyLock::new(RwLock::default);

/// Whether a pattern of our own occurs in the text; anchors are up to the pattern.
pub(super) fn has(text: &str, source: &str) -> Result<bool> {
    matches(text, source, "")
}

/// Whether a pattern with JavaScript's flags occurs in the text.
pub(super) fn matches(text: &str, source: &str, flags: &str) -> Result<bool> {
    let regex = compiled(source, flags)?;
    let text = if flags.contains('i') && !flags.contains('u') { without_lookalikes(text, source) } else { Cow::Borrowed(text) };
    regex.is_match(&*text).map_err(|_| {
        Error::usage(format!("the regular expression {source} needs too many steps on this value: write it without nested repetition"))
    })
}

/// Checks a pattern and its flags without keeping it.
pub(super) fn check(source: &str, flags: &str) -> Result<()> {
    check_flags(flags)?;
    compile(source, flags).map(|_| ())
}

/// Checks the flags of a pattern.
pub(super) fn check_flags(flags: &str) -> Result<()> {
    let twice = flags.chars().enumerate().any(|(place, flag)| flags.chars().skip(place + 1).any(|other| other == flag));
    match flags.chars().find(|flag| !"dgimsuy".contains(*flag)) {
        Some(flag) => Err(Error::usage(format!("{flag} is no flag of a regular expression: use some of d g i m s u y"))),
        None if twice => Err(Error::usage(format!("a flag stands twice in {flags}"))),
        None => Ok(()),
    }
}

fn compiled(source: &str, flags: &str) -> Result<Arc<Regex>> {
    let kept = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = kept.get(flags).and_then(|kept| kept.get(source)) {
        return Ok(Arc::clone(regex));
    }
    drop(kept);
    let regex = Arc::new(compile(source, flags)?);
    let mut kept = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.entry(flags.to_owned()).or_default();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(source.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

fn compile(source: &str, flags: &str) -> Result<Regex> {
    let bad = |problem: String| Error::usage(format!("{source} is no regular expression: {problem}"));
    let translated = translate::translate(source, flags).map_err(bad)?;
    RegexBuilder::new(&translated).backtrack_limit(STEPS).build().map_err(|error| bad(error.to_string()))
}

/// Without the flag `u`, JavaScript does not take the long s for an s nor the sign of Kelvin for a k.
fn without_lookalikes<'a>(text: &'a str, source: &str) -> Cow<'a, str> {
    const LOOKALIKES: [char; 2] = ['\u{17F}', '\u{212A}'];
    if !text.contains(LOOKALIKES) || source.contains(LOOKALIKES) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.replace(LOOKALIKES, "\u{E000}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_javascript() {
        for (source, flags, text, expected) in [
            ("^[a-z]+$", "i", "ABC", true),
            ("^[a-z]+$", "i", "\u{212A}", false),
            ("^[a-z]+$", "", "abc\n", false),
            (r"^\d+$", "", "١٢", false),
            (r"^\w+$", "", "é", false),
            (r"^\/a\-b\/$", "", "/a-b/", true),
            (r"^[\w-.]+$", "", "a-.b", true),
            (r"^[[a]+$", "", "[a", true),
            (r"^[a&&b]+$", "", "&", true),
            ("^a{,2}$", "", "a{,2}", true),
            ("^a{1,2}$", "", "aa", true),
            ("a]}", "", "a]}", true),
            ("[]", "", "a", false),
            ("^[^]$", "", "\n", true),
            ("^.$", "", "\n", false),
            ("^.$", "s", "\n", true),
            ("^b$", "m", "a\nb", true),
            ("b", "y", "ab", false),
            (r"^(?!a)\S+$", "", "bc", true),
            (r"^(a|b)\1$", "", "aa", true),
            (r"^(a|b)\1$", "", "ab", false),
            (r"(?<x>a)\k<x>", "", "aa", true),
            (r"^\u00e9\x41\cA$", "", "éA\u{1}", true),
            (r"^\u{1F600}$", "u", "😀", true),
            (r"^\uD83D\uDE00$", "", "😀", true),
            (r"^\p{L}+$", "u", "é", true),
            (r"\bcat\b", "", "a cat", true),
            (r"^[\d\s]+$", "", "1 2\u{FEFF}", true),
            (r"^[^\d]$", "", "1", false),
            (r"^[\b]$", "", "\u{8}", true),
            ("^#a b$", "", "#a b", true),
        ] {
            assert_eq!(matches(text, source, flags).unwrap(), expected, "/{source}/{flags} on {text:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for source in ["(", "[a", "a**", "(?<x", r"\u{110000}"] {
            assert!(check(source, "u").is_err(), "{source}");
        }
        assert!(check("a", "x").is_err());
        assert!(check("a", "ii").is_err());
    }

    #[test]
    fn gives_up_on_catastrophic_patterns() {
        let text = "a".repeat(40) + "!";
        assert!(!matches(&text, "^(a+)+$", "").unwrap(), "linear time");
        assert!(matches(&text, r"^(a|a?)+\1$", "").is_err());
    }
}
