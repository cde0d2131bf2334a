//! [`Statements`]: the prepared statements of one connection, least recently used out first.
//!
//! Keyed by a hash of the text; the text is compared on a hit, so that two texts of one hash cost a prepare, never a wrong statement.

use crate::rows::Columns;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// How many statements a connection keeps.
pub(crate) const CAPACITY: usize = 256;

/// One prepared statement.
pub(crate) struct Statement {
    /// Its text.
    pub(crate) text: Arc<str>,
    /// The server's number for it.
    pub(crate) id: u32,
    /// How many parameters it takes.
    pub(crate) parameters: u16,
    /// The parameter types that the server has for it, two bytes each; empty before the first execution.
    pub(crate) types: Vec<u8>,
    /// Its columns as they last were.
    pub(crate) columns: Arc<Columns>,
    /// What it does.
    pub(crate) kind: Kind,
    hash: u64,
    used: u64,
}

/// What a statement does, as far as its first word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads.
    Read,
    /// Anything else.
    Write,
}

/// The cache.
pub(crate) struct Statements {
    entries: Vec<Statement>,
    places: HashMap<u64, usize, BuildHasherDefault<Same>>,
    clock: u64,
    capacity: usize,
    closing: Vec<u32>,
}

impl Statements {
    /// A cache of so many statements.
    pub(crate) fn new(capacity: usize) -> Statements {
        Statements { entries: Vec::new(), places: HashMap::default(), clock: 0, capacity: capacity.max(1), closing: Vec::new() }
    }

    /// The place of a text's statement.
    #[inline]
    pub(crate) fn find(&mut self, hash: u64, text: &Arc<str>) -> Option<usize> {
        let place = *self.places.get(&hash)?;
        let entry = self.entries.get_mut(place)?;
        if !Arc::ptr_eq(&entry.text, text) && entry.text != *text {
            return None;
        }
        self.clock += 1;
        entry.used = self.clock;
        Some(place)
    }

    /// Keeps a statement; one of the same hash goes.
    pub(crate) fn insert(&mut self, hash: u64, text: Arc<str>, id: u32, parameters: u16, columns: Arc<Columns>) -> usize {
        if let Some(place) = self.places.get(&hash).copied() {
            self.remove(place);
        }
        self.clock += 1;
        let place = self.entries.len();
        let kind = kind_of(&text);
        self.entries.push(Statement { text, id, parameters, types: Vec::new(), columns, kind, hash, used: self.clock });
        self.places.insert(hash, place);
        place
    }

    /// Makes room for one more: the least recently used statements go.
    pub(crate) fn make_room(&mut self) {
        while self.entries.len() >= self.capacity {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used).map_or(0, |(place, _)| place);
            self.remove(oldest);
        }
    }

    /// The statement at a place.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> Option<&Statement> {
        self.entries.get(place)
    }

    /// The statement at a place, to be changed.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut Statement> {
        self.entries.get_mut(place)
    }

    /// Forgets the statement at a place; the server is told with the next command.
    pub(crate) fn remove(&mut self, place: usize) {
        if place >= self.entries.len() {
            return;
        }
        let entry = self.entries.swap_remove(place);
        self.places.remove(&entry.hash);
        self.closing.push(entry.id);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.hash, place);
        }
    }

    /// A number that is of no more use.
    pub(crate) fn close(&mut self, id: u32) {
        self.closing.push(id);
    }

    /// The numbers that the server has not been told to forget.
    pub(crate) fn closing(&mut self) -> &mut Vec<u32> {
        &mut self.closing
    }

    /// Forgets all; the server is told with the next command.
    pub(crate) fn close_all(&mut self) {
        self.closing.extend(self.entries.drain(..).map(|entry| entry.id));
        self.places.clear();
    }

    /// Forgets all: the server has done so too.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
        self.closing.clear();
    }
}

/// Eight bytes at a time, multiplied and rotated: quick, and good enough where the text is compared after.
pub(crate) fn hash(text: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state: u64 = 0x51_7c_c1_b7_27_22_0a_95;
    let (chunks, rest) = text.as_bytes().as_chunks::<8>();
    for chunk in chunks {
        state = (state ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR).rotate_left(29);
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    state = (state ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR).rotate_left(29);
    let length = u64::try_from(text.len()).unwrap_or_default();
    (state ^ length).wrapping_mul(FACTOR)
}

/// What a statement does, by its first word.
pub(crate) fn kind_of(text: &str) -> Kind {
    let word = first_word(text);
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is("select") || is("show") || is("explain") || is("describe") || is("desc") || is("values") || is("table") {
        Kind::Read
    } else {
        Kind::Write
    }
}

/// The first word of a text: letters after white space, comments and parentheses.
pub(crate) fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '(');
        let skipped = if let Some(body) = rest.strip_prefix("/*").filter(|body| !body.starts_with('!') && !body.starts_with("M!")) {
            body.split_once("*/").map(|(_, after)| after)
        } else if rest.starts_with("-- ") || rest.starts_with('#') {
            rest.split_once('\n').map(|(_, after)| after)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return rest.get(..end).unwrap_or_default();
        };
        rest = skipped.unwrap_or_default();
    }
}

/// The key is a hash already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize) -> Arc<str> {
        format!("select {number}").into()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut statements = Statements::new(3);
        for (number, id) in (0..3).zip(10..) {
            statements.insert(hash(&text(number)), text(number), id, 0, Arc::default());
        }
        assert!(statements.find(hash(&text(0)), &text(0)).is_some());
        statements.make_room();
        statements.insert(hash(&text(3)), text(3), 13, 0, Arc::default());
        assert_eq!(*statements.closing(), [11]);
        for (number, there) in [(0, true), (1, false), (2, true), (3, true)] {
            let found = statements.find(hash(&text(number)), &text(number));
            assert_eq!(found.is_some(), there, "{number}");
            if let Some(place) = found {
                assert_eq!(statements.at(place).unwrap().text, text(number));
            }
        }
    }

    #[test]
    fn two_texts_of_one_hash_are_told_apart() {
        let mut statements = Statements::new(3);
        statements.insert(7, text(1), 1, 0, Arc::default());
        assert!(statements.find(7, &text(2)).is_none());
        statements.insert(7, text(2), 2, 0, Arc::default());
        assert!(statements.find(7, &text(2)).is_some());
        assert!(statements.find(7, &text(1)).is_none());
        assert_eq!(*statements.closing(), [1]);
    }

    #[test]
    fn the_first_word_is_behind_comments_and_parentheses() {
        for (text, word) in [
            (" select 1", "select"),
            ("/* a */ -- b\n((SELECT 1))", "SELECT"),
            ("# x\nupdate t", "update"),
            ("/*! set x */", ""),
            ("/* open", ""),
            ("", ""),
        ] {
            assert_eq!(first_word(text), word, "{text}");
        }
        assert_eq!(kind_of("select 1"), Kind::Read);
        assert_eq!(kind_of("with a as (select 1) delete from b"), Kind::Write);
    }

    #[test]
    fn the_hash_sees_every_byte_and_the_length() {
        let texts =
            ["", "\0", "\0\0", "a", "abcdefgh", "abcdefgh\0", "abcdefgi", "select * from t where a = ?", "select * from t where b = ?"];
        let hashes: std::collections::HashSet<u64> = texts.iter().map(|text| hash(text)).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
