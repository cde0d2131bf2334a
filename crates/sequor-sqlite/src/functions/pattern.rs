//! Patterns: LIKE without regard to case in all of Unicode, and regular expressions.

use super::{PURE, failed, text_of};
use regex::{Regex, RegexBuilder};
use rusqlite::functions::Context;
use rusqlite::{Connection, Result};
use std::sync::{Mutex, PoisonError};

/// How many compiled expressions a connection keeps.
const KEPT: usize = 64;
/// How large a compiled expression may get.
const LARGEST: usize = 1 << 20;

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function(c"sequor_like", 2, PURE, like)?;
    connection.create_scalar_function(c"sequor_like", 3, PURE, like)?;
    for (name, insensitive) in [(c"regexp", false), (c"sequor_iregexp", true)] {
        let patterns = Mutex::new(Patterns { insensitive, known: Vec::new() });
        connection.create_scalar_function(name, 2, PURE, move |context| {
            let (Some(pattern), Some(text)) = (text_of(context, 0)?, text_of(context, 1)?) else { return Ok(None) };
            let mut patterns = patterns.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Some(patterns.get(&pattern)?.is_match(&text)))
        })?;
    }
    Ok(())
}

/// Compiled expressions, the last used first.
struct Patterns {
    insensitive: bool,
    known: Vec<(String, Regex)>,
}

impl Patterns {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        match self.known.iter().position(|(known, _)| known == pattern) {
            Some(place) => self.known[..=place].rotate_right(1),
            None => {
                let regex = self.compile(pattern)?;
                self.known.truncate(KEPT - 1);
                self.known.insert(0, (pattern.to_owned(), regex));
            }
        }
        Ok(&self.known[0].1)
    }

    fn compile(&self, pattern: &str) -> Result<Regex> {
        let built = RegexBuilder::new(pattern).case_insensitive(self.insensitive).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
        built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => failed("the regular expression is too large"),
            _ => failed("the pattern is not a valid regular expression (look-around and back-references are not there)"),
        })
    }
}

fn like(context: &Context<'_>) -> Result<Option<bool>> {
    let (Some(pattern), Some(text)) = (text_of(context, 0)?, text_of(context, 1)?) else { return Ok(None) };
    let escape = if context.len() == 3 {
        let Some(escape) = text_of(context, 2)? else { return Ok(None) };
        let mut letters = escape.chars();
        match (letters.next(), letters.next()) {
            (Some(escape), None) => Some(escape),
            _ => return Err(failed("the escape of LIKE is a single character")),
        }
    } else {
        None
    };
    // A pattern that is the same for all rows is looked at once.
    let looked_at = context.get_or_create_aux(0, |_| Ok::<_, rusqlite::Error>((escape, Part::of(&pattern, escape))))?;
    let part = looked_at.1.as_ref().filter(|_| looked_at.0 == escape);
    let found = part.and_then(|part| part.is_in(&text));
    Ok(Some(found.unwrap_or_else(|| matches(&pattern, &text, escape))))
}

/// What `%part%` looks for, where it is of ASCII: the pattern that programs write most, over texts that may be long.
struct Part {
    /// In small letters.
    letters: Vec<u8>,
    /// The place of the letter that is looked for first: one that texts rarely hold.
    rare: usize,
}

/// The bytes that texts and documents hold most, the most frequent first.
const FREQUENT: &[u8] = b" etaoinsr\"hldcumfpgwyb,.vk";

/// Beside `k` the one letter outside ASCII that is written `k` in small: the sign of Kelvin.
const KELVIN: char = '\u{212a}';

impl Part {
    fn of(pattern: &str, escape: Option<char>) -> Option<Part> {
        let mut given = pattern.chars();
        let mut letters = Vec::with_capacity(pattern.len());
        if escape == Some('%') || given.next() != Some('%') {
            return None;
        }
        loop {
            let letter = match given.next()? {
                letter if Some(letter) == escape => given.next()?,
                '%' => break,
                '_' => return None,
                letter => letter,
            };
            letters.push(u8::try_from(letter).ok().filter(u8::is_ascii)?.to_ascii_lowercase());
        }
        let seldom = |place: &usize| FREQUENT.iter().position(|known| *known == letters[*place]).unwrap_or(FREQUENT.len());
        let rare = (0..letters.len()).max_by_key(seldom)?;
        given.as_str().is_empty().then_some(Part { letters, rare })
    }

    /// Whether a text holds the part in any case; nothing where that has to be looked at letter by letter.
    fn is_in(&self, text: &str) -> Option<bool> {
        let (letter, bytes) = (self.letters[self.rare], text.as_bytes());
        let from = bytes.get(self.rare..).unwrap_or_default();
        let here =
            |place: usize| bytes.get(place..place + self.letters.len()).is_some_and(|there| there.eq_ignore_ascii_case(&self.letters));
        let found = memchr::memchr2_iter(letter, letter.to_ascii_uppercase(), from).any(here);
        (found || !self.letters.contains(&b'k') || !text.contains(KELVIN)).then_some(found)
    }
}

/// Whether the whole text fits the pattern. After a mismatch only the last `%` is tried again, which is enough.
fn matches(pattern: &str, text: &str, escape: Option<char>) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut last_percent = None;
    loop {
        let mut after = pattern.clone();
        let wanted = match after.next() {
            Some(letter) if Some(letter) == escape => match after.next() {
                Some(escaped) => Some(Some(escaped)),
                None => return false,
            },
            Some('%') => {
                pattern = after;
                last_percent = Some((pattern.clone(), text.clone()));
                continue;
            }
            Some('_') => Some(None),
            Some(letter) => Some(Some(letter)),
            None => None,
        };
        let fits = match (wanted, text.next()) {
            (None, None) => return true,
            (Some(_), None) => return false,
            (Some(wanted), Some(found)) => wanted.is_none_or(|wanted| wanted == found || fold(wanted) == fold(found)),
            (None, Some(_)) => false,
        };
        if fits {
            pattern = after;
            continue;
        }
        let Some((pattern_there, text_there)) = &mut last_percent else { return false };
        if text_there.next().is_none() {
            return false;
        }
        (pattern, text) = (pattern_there.clone(), text_there.clone());
    }
}

/// A letter without its case, where that is one letter.
fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_all_letters_and_escapes() {
        for (pattern, text) in [
            ("%ÄRGER%", "kein ärger da"),
            ("a_c", "aXc"),
            ("%", ""),
            ("", ""),
            ("a%b%c", "A..b.b..C"),
            ("100\\%", "100%"),
            ("\\_x", "_X"),
            ("%é", "CAFÉ"),
            ("%%a", "bba"),
            ("_", "ß"),
        ] {
            assert!(matches(pattern, text, Some('\\')), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("_", ""), ("100\\%", "1000"), ("a\\", "a"), ("%b", "abc"), ("\\%", "x")] {
            assert!(!matches(pattern, text, Some('\\')), "{pattern} {text}");
        }
        assert!(matches("\\", "\\", None));
    }

    #[test]
    fn a_part_is_found_as_letter_by_letter() {
        let texts = ["", "k", "KELVIN", "\u{212a}elvin", "a 100% \"Part\" of it", "ppppart", "PART", "par", "ärger part", "x_y\\z"];
        let parts = ["%part%", "%PART%", "%k%", "%kelvin%", "%\"p%", "%100\\%%", "%x\\_y%", "%\\\\z%", "% of%", "%ppart%"];
        for pattern in parts {
            let part = Part::of(pattern, Some('\\')).expect(pattern);
            for text in texts {
                let found = part.is_in(text).unwrap_or_else(|| matches(pattern, text, Some('\\')));
                assert_eq!(found, matches(pattern, text, Some('\\')), "{pattern} {text}");
            }
        }
        for pattern in ["", "%", "%%", "part%", "%part", "%p_rt%", "%p%t%", "%ärger%", "%part\\", "%part\\%"] {
            assert!(Part::of(pattern, Some('\\')).is_none(), "{pattern}");
        }
        assert!(Part::of("%a%", Some('%')).is_none());
    }
}
