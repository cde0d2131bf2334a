//! [`Statements`]: the prepared statements of one connection, the least recently used one out first.
//!
//! Keyed by a hash of the text; text and parameter types are compared on a hit, so that two texts of one hash cost a prepare, never a wrong statement.

use crate::params::{declared, needs_types};
use crate::rows::Column;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use sequor_core::driver::Param;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::Arc;

/// How many statements a connection keeps.
pub(crate) const CAPACITY: usize = 256;
/// How often the server plans a named statement with its values before it considers one plan for all of them.
const PLANNED_BY_VALUE: usize = 5;

/// What is known of a statement once the server has described it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// The columns; empty for statements without rows.
    pub(crate) columns: Vec<Column>,
    /// The server's types of the parameters.
    pub(crate) types: Vec<u32>,
}

/// One prepared statement.
pub(crate) struct Statement {
    text: Arc<str>,
    declared: Box<[u32]>,
    /// Its number, which no other statement of the connection ever has; 0 is the unnamed one.
    pub(crate) number: u64,
    /// Its name on the server, made of the number.
    pub(crate) name: Box<str>,
    /// What the server says about it; `None` until it did.
    pub(crate) described: Option<Arc<Described>>,
    /// Whether running it can change the session beyond the transaction.
    pub(crate) changes_session: bool,
    /// How often it may still run under this name; `None` is for ever.
    left: Option<usize>,
    hash: u64,
    used: u64,
}

/// The cache.
pub(crate) struct Statements {
    entries: Vec<Statement>,
    places: HashMap<u64, usize, BuildHasherDefault<Same>>,
    clock: u64,
    numbered: u64,
    /// What names begin with. Random: behind a proxy other clients prepare on the same server connection, and one name must never mean two statements.
    prefix: Box<str>,
    /// Names that the server may forget.
    closing: Vec<Box<str>>,
    capacity: usize,
}

impl Statements {
    /// A cache of so many statements.
    pub(crate) fn new(capacity: usize) -> Statements {
        Statements {
            entries: Vec::new(),
            places: HashMap::default(),
            clock: 0,
            numbered: 0,
            prefix: format!("q{:016x}_", RandomState::new().hash_one(capacity)).into_boxed_str(),
            closing: Vec::new(),
            capacity: capacity.max(1),
        }
    }

    /// The place of a statement that is to run so many times; none where it has to be prepared, anew or under a new name.
    #[inline]
    pub(crate) fn find(&mut self, hash: u64, text: &Arc<str>, params: &[Param], times: usize) -> Option<usize> {
        let place = *self.places.get(&hash)?;
        let entry = self.entries.get_mut(place)?;
        let same = (Arc::ptr_eq(&entry.text, text) || entry.text == *text)
            && entry.declared.len() == params.len()
            && entry.declared.iter().zip(params).all(|(known, param)| *known == declared(param.bind));
        if !same {
            return None;
        }
        if let Some(left) = &mut entry.left {
            *left = left.checked_sub(times)?;
        }
        self.clock += 1;
        entry.used = self.clock;
        Some(place)
    }

    /// The statement at a place.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&Statement> {
        self.entries.get(place)
    }

    /// The name of a statement by its number, written into a buffer; empty for the unnamed one.
    #[inline]
    pub(crate) fn name_of<'a>(&self, number: u64, buffer: &'a mut [u8; 40]) -> &'a str {
        let mut place = buffer.len();
        let mut rest = number;
        while rest > 0 && place > self.prefix.len() {
            place -= 1;
            buffer[place] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        if number > 0 {
            let start = place - self.prefix.len();
            if let Some(slot) = buffer.get_mut(start..place) {
                slot.copy_from_slice(self.prefix.as_bytes());
            }
            place = start;
        }
        std::str::from_utf8(buffer.get(place..).unwrap_or_default()).unwrap_or_default()
    }

    /// Keeps what the server says about a statement.
    pub(crate) fn describe(&mut self, number: u64, described: &Arc<Described>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) {
            entry.described = Some(described.clone());
        }
    }

    /// Keeps a statement that is being prepared to run so many times; the least recently used one goes when there are too many.
    pub(crate) fn insert(&mut self, hash: u64, text: &Arc<str>, params: &[Param], times: usize) -> usize {
        if let Some(place) = self.places.get(&hash).copied() {
            self.remove(place);
        }
        while self.entries.len() >= self.capacity {
            let Some(oldest) = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used).map(|(place, _)| place) else { break };
            self.remove(oldest);
        }
        self.clock += 1;
        self.numbered += 1;
        self.entries.push(Statement {
            text: text.clone(),
            declared: params.iter().map(|param| declared(param.bind)).collect(),
            number: self.numbered,
            name: format!("{}{}", self.prefix, self.numbered).into_boxed_str(),
            described: None,
            changes_session: changes_session(text),
            left: (is_planned_by_value(text) && !needs_types(params)).then(|| PLANNED_BY_VALUE.saturating_sub(times)),
            hash,
            used: self.clock,
        });
        self.places.insert(hash, self.entries.len() - 1);
        self.entries.len() - 1
    }

    fn remove(&mut self, place: usize) {
        if place >= self.entries.len() {
            return;
        }
        let entry = self.entries.swap_remove(place);
        self.places.remove(&entry.hash);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.hash, place);
        }
        self.closing.push(entry.name);
    }

    /// Forgets one statement; the server is told with the next flush.
    pub(crate) fn forget(&mut self, number: u64) {
        if let Some(place) = self.entries.iter().position(|entry| entry.number == number) {
            self.remove(place);
        }
    }

    /// Forgets the statements whose preparation was cut short.
    pub(crate) fn forget_unfinished(&mut self) {
        while let Some(place) = self.entries.iter().position(|entry| entry.described.is_none()) {
            self.remove(place);
        }
    }

    /// Forgets everything: the server did, too.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
        self.closing.clear();
    }

    /// How many names wait to be closed.
    pub(crate) fn closing(&self) -> usize {
        self.closing.len()
    }

    /// Writes a Close for each evicted statement.
    pub(crate) fn write_closing(&mut self, out: &mut BytesMut) -> std::io::Result<()> {
        for name in self.closing.drain(..) {
            frontend::close(b'S', &name, out)?;
        }
        Ok(())
    }
}

/// The hash of a statement's text. Texts do not hold values, so nobody from outside chooses them; equal hashes are harmless here anyway.
#[inline]
pub(crate) fn hash(text: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = FACTOR ^ u64::try_from(text.len()).unwrap_or(0);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    for byte in rest {
        hash = (hash.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(FACTOR);
    }
    hash ^ (hash >> 32)
}

/// Hashes a hash: as it is.
#[derive(Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Whether the best plan depends on the values: from its sixth run on the server may plan a named statement once for all values, and such a plan cannot use
/// an index for the beginning of a pattern, nor know whether a pattern is in few rows or in all. Such a statement gets a new name every five runs.
/// <https://www.postgresql.org/docs/current/sql-prepare.html>
fn is_planned_by_value(text: &str) -> bool {
    [" LIKE $", " ILIKE $", " ~ $", " ~* $"].iter().any(|operator| text.contains(operator))
}

/// Whether a statement is a query that only reads, as far as its first word says.
#[inline]
pub(crate) fn is_select(text: &str) -> bool {
    let text = text.trim_ascii_start();
    let first = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
    first && text.as_bytes().get(6).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'(' | b'*' | b'"' | b'\''))
}

/// Whether a statement can leave something in the session: a setting, a listener, a session lock, a temporary table, a prepared statement.
///
/// Looked at once for each prepared statement. Too careful costs a round trip when the connection is given back; `SET LOCAL` is known to be harmless.
pub(crate) fn changes_session(text: &str) -> bool {
    let start = text.trim_start();
    let first = start.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    match first.as_str() {
        "select" | "insert" | "update" | "delete" | "with" | "merge" | "values" => calls_into_session(text),
        "set" => !["local", "transaction", "constraints"].iter().any(|word| second_word(start).eq_ignore_ascii_case(word)),
        "begin" | "commit" | "rollback" | "savepoint" | "release" | "start" | "end" | "abort" | "show" | "explain" | "lock" | "notify"
        | "truncate" => false,
        "alter" | "drop" | "comment" | "grant" | "revoke" | "vacuum" | "analyze" | "reindex" | "refresh" | "cluster" | "checkpoint" => {
            false
        }
        "" | "copy" | "fetch" | "move" | "table" => false,
        "create" => contains(text, "temp"),
        _ => true,
    }
}

fn second_word(text: &str) -> &str {
    text.split_ascii_whitespace().nth(1).unwrap_or_default()
}

pub(crate) fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

fn calls_into_session(text: &str) -> bool {
    let count = |part: &str| text.as_bytes().windows(part.len()).filter(|window| window.eq_ignore_ascii_case(part.as_bytes())).count();
    // `pg_advisory_xact_lock` and `set_config(.., true)` end with the transaction.
    (contains(text, "set_config") && count("set_config") > count("true)"))
        || contains(text, "pg_advisory_lock")
        || contains(text, "pg_try_advisory_lock")
        || contains(text, "into temp")
        || contains(text, "dblink_connect")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_planned_with_their_values() {
        for (text, by_value) in [
            ("SELECT 1 FROM a WHERE t0.\"b\" ILIKE $1 LIMIT 2", true),
            ("SELECT 1 FROM a WHERE NOT t0.\"b\" NOT LIKE $12", true),
            ("SELECT 1 FROM a WHERE b ~* $1", true),
            ("SELECT 1 FROM a WHERE b = $1", false),
            ("SELECT 1 FROM a WHERE b LIKE 'x%'", false),
        ] {
            assert_eq!(is_planned_by_value(text), by_value, "{text}");
        }
    }

    fn insert(cache: &mut Statements, text: &str) -> u64 {
        let text: Arc<str> = text.into();
        let place = cache.insert(hash(&text), &text, &[], 1);
        cache.get(place).unwrap().number
    }

    fn find(cache: &mut Statements, text: &str) -> bool {
        cache.find(hash(text), &text.into(), &[], 1).is_some()
    }

    #[test]
    fn the_least_recently_used_statement_goes_and_is_closed() {
        let mut cache = Statements::new(2);
        let first = insert(&mut cache, "a");
        let second = insert(&mut cache, "b");
        assert!(find(&mut cache, "a"));
        insert(&mut cache, "c");
        assert!(find(&mut cache, "a") && find(&mut cache, "c") && !find(&mut cache, "b"));
        let mut buffer = [0; 40];
        assert_eq!(&*cache.closing[0], cache.name_of(second, &mut buffer));
        cache.forget(first);
        assert!(!find(&mut cache, "a") && find(&mut cache, "c"));
        cache.forget_unfinished();
        assert!(!find(&mut cache, "c"));
        assert_eq!(cache.closing(), 3);
    }

    #[test]
    fn names_are_the_prefix_and_the_number_whatever_its_length() {
        let cache = Statements::new(2);
        let mut buffer = [0; 40];
        assert_eq!(cache.name_of(0, &mut buffer), "");
        for number in [1, 9, 10, 123_456_789, u64::MAX] {
            assert_eq!(cache.name_of(number, &mut buffer), format!("{}{number}", cache.prefix));
        }
        assert_ne!(cache.prefix, Statements::new(2).prefix);
    }

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut cache = Statements::new(8);
        let text: Arc<str> = "select 1".into();
        cache.insert(42, &text, &[], 1);
        assert!(cache.find(42, &"select 2".into(), &[], 1).is_none());
        assert!(cache.find(42, &"select 1".into(), &[], 1).is_some());
        cache.insert(42, &"select 2".into(), &[], 1);
        assert!(cache.find(42, &text, &[], 1).is_none());
        assert_eq!(cache.entries.len(), 1);
    }

    #[test]
    fn other_parameter_types_are_another_statement() {
        use sequor_core::Value;
        use sequor_core::types::{BindType, ScalarType};
        let param = |scalar| [Param { value: Value::Null, bind: BindType::one(scalar) }];
        let mut cache = Statements::new(8);
        let text: Arc<str> = "select $1".into();
        cache.insert(1, &text, &param(ScalarType::I64), 1);
        assert!(cache.find(1, &text, &param(ScalarType::I64), 1).is_some());
        assert!(cache.find(1, &text, &param(ScalarType::Text), 1).is_none());
        assert!(cache.find(1, &text, &[], 1).is_none());
    }

    #[test]
    fn hashes_differ_where_texts_do() {
        let mut seen = std::collections::HashSet::new();
        for number in 0..2000 {
            assert!(seen.insert(hash(&format!("select {number} from t"))));
            assert!(seen.insert(hash(&"x".repeat(number))));
        }
    }

    #[test]
    fn queries_are_known_by_their_first_word() {
        for text in ["select 1", " SELECT\n1", "\tselect(1)", "select*from t", "select\"a\" from t"] {
            assert!(is_select(text), "{text}");
        }
        for text in
            ["", "select", "selector", "with a as (select 1) select 1", "insert into t select 1", "(select 1)", "sélect 1", "selec€"]
        {
            assert!(!is_select(text), "{text}");
        }
    }

    #[test]
    fn what_changes_the_session_is_seen() {
        for text in [
            "SET search_path = x",
            "listen a",
            "create temp table x()",
            "CREATE TEMPORARY TABLE x()",
            "select set_config('a', 'b', false)",
            "select pg_advisory_lock(1)",
            "prepare a as select 1",
            "declare c cursor with hold for select 1",
            "do $$ begin end $$",
            "select 1 into temp x",
            "call p()",
            "discard all",
            "reset all",
        ] {
            assert!(changes_session(text), "{text}");
        }
        for text in [
            "select 1",
            " SELECT * from t",
            "set local a = 1",
            "SET TRANSACTION READ ONLY",
            "insert into t values (1)",
            "with a as (select 1) select * from a",
            "select set_config('a', $1, true)",
            "select pg_advisory_xact_lock(1)",
            "create table t (id int)",
            "begin",
            "commit",
        ] {
            assert!(!changes_session(text), "{text}");
        }
    }
}
