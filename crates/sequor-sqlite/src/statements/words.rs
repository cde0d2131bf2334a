//! What the words of a statement say of it, read once for each text that comes again.

use sequor_core::error::{Error, Result};
use std::cell::RefCell;
use std::sync::Arc;

/// What the words of a statement say.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// It can leave a changed setting or a temporary table behind.
    pub(super) changes_session: bool,
    /// It is VACUUM in place.
    pub(super) vacuums: bool,
    /// Where it writes, it inserts.
    pub(super) inserts: bool,
    /// It tells the rows that it changes as they were.
    pub(super) tells: bool,
}

/// So many texts are remembered by each thread.
const PLACES: usize = 32;
/// A longer text is read each time, instead of being kept.
const LONGEST: usize = 8 * 1024;

thread_local! {
    /// Texts by their address, which nobody else has while they are kept.
    static SEEN: RefCell<[Option<(Arc<str>, Words)>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// What the words of a statement say; an error for a text that holds a zero byte.
pub(super) fn of(text: &Arc<str>) -> Result<Words> {
    if text.len() > LONGEST {
        return read(text);
    }
    // Texts lie on addresses that are multiples of 16.
    let place = (Arc::as_ptr(text).addr() >> 4) % PLACES;
    SEEN.with_borrow_mut(|seen| {
        let Some(slot) = seen.get_mut(place) else { return read(text) };
        match slot {
            Some((known, words)) if Arc::ptr_eq(known, text) => Ok(*words),
            _ => {
                let words = read(text)?;
                *slot = Some((Arc::clone(text), words));
                Ok(words)
            }
        }
    })
}

fn read(text: &str) -> Result<Words> {
    refuse_zero_bytes(text)?;
    // WITH can begin an INSERT.
    let inserts = matches!(first_words(text).as_bytes().first().map(u8::to_ascii_uppercase), Some(b'I' | b'R' | b'W'));
    // A text that only quotes the call lends its sink for nothing.
    let tells = text.contains(crate::functions::before::CALL);
    Ok(Words { changes_session: may_change_session(text), vacuums: vacuums(text), inserts, tells })
}

/// SQLite reads a text up to its first zero byte and drops the rest.
pub(super) fn refuse_zero_bytes(text: &str) -> Result<()> {
    if text.as_bytes().contains(&0) { Err(Error::usage("the statement holds a zero byte; values belong into parameters")) } else { Ok(()) }
}

/// Whether a statement is VACUUM in place.
pub(super) fn vacuums(text: &str) -> bool {
    let words = first_words(text);
    begins(words, "VACUUM") && !words.to_ascii_uppercase().contains("INTO")
}

fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether the statement can leave a changed setting or a temporary table behind.
fn may_change_session(text: &str) -> bool {
    let words = first_words(text);
    begins(words, "PRAGMA") || (begins(words, "CREATE") && begins(first_words(words.get(6..).unwrap_or_default()), "TEMP"))
}

/// The text after white space and comments.
fn first_words(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("--") {
            rest.find('\n').map(|end| end + 1)
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| end + 2)
        } else {
            return rest;
        };
        rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default().trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_text_that_is_asked_for() {
        let of = |text: &str| of(&Arc::from(text)).map(|words| (words.changes_session, words.vacuums, words.inserts)).ok();
        // More texts than there are places, each time at new addresses, which others had before.
        for _ in 0..PLACES {
            for (text, words) in [
                ("SELECT 1", Some((false, false, false))),
                (" -- why\n insert INTO t VALUES (1)", Some((false, false, true))),
                ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", Some((false, false, true))),
                ("/* tag */ pragma foreign_keys = off", Some((true, false, false))),
                ("CREATE /* a */ TEMP TABLE t (x)", Some((true, false, false))),
                ("CREATE TABLE t (x)", Some((false, false, false))),
                ("VACUUM", Some((false, true, false))),
                ("VACUUM INTO 'x'", Some((false, false, false))),
                ("SELECT 1;\0 DROP TABLE t", None),
                ("", Some((false, false, false))),
            ] {
                assert_eq!(of(text), words, "{text}");
            }
        }
        let kept: Arc<str> = Arc::from("REPLACE INTO t VALUES (1)");
        assert!((0..3).all(|_| super::of(&kept).is_ok_and(|words| words.inserts)));
    }
}
