//! Keys that children and parents find each other by, whatever their types.

use sequor_core::Value;
use std::collections::HashMap;

/// A key that can be looked up.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyHash {
    Integer(i64),
    Uuid(uuid::Uuid),
    Text(String),
    Bytes(Vec<u8>),
    /// A key of several columns.
    Several(Vec<KeyHash>),
}

impl KeyHash {
    pub(crate) fn new(key: &[Value]) -> KeyHash {
        match key {
            [value] => KeyHash::one(value.clone()),
            several => KeyHash::Several(several.iter().cloned().map(KeyHash::one).collect()),
        }
    }

    /// A key of one column.
    pub(crate) fn one(value: Value) -> KeyHash {
        match value {
            Value::I64(number) => KeyHash::Integer(number),
            Value::Uuid(uuid) => KeyHash::Uuid(uuid),
            Value::Text(text) => KeyHash::Text(text),
            Value::Bytes(bytes) => KeyHash::Bytes(bytes),
            Value::Decimal(number) => KeyHash::Text(number.normalize().to_string()),
            other => KeyHash::Text(other.to_json().to_string()),
        }
    }
}

/// The rows that have one key: nearly always a single one.
#[derive(Clone, Debug, Default)]
pub(super) enum Rows {
    /// None.
    #[default]
    Nobody,
    /// One.
    One(usize),
    /// Several, in order.
    Several(Vec<usize>),
}

impl Rows {
    pub(super) fn push(&mut self, row: usize) {
        match self {
            Rows::Nobody => *self = Rows::One(row),
            Rows::One(first) => *self = Rows::Several(vec![*first, row]),
            Rows::Several(rows) => rows.push(row),
        }
    }

    pub(super) fn as_slice(&self) -> &[usize] {
        match self {
            Rows::Nobody => &[],
            Rows::One(row) => std::slice::from_ref(row),
            Rows::Several(rows) => rows,
        }
    }
}

/// Which rows have a key.
pub(super) type Owners = HashMap<KeyHash, Rows>;

/// The keys of rows, each once and in order, and who has them. NULL points to nothing.
pub(super) fn owners(keys: impl Iterator<Item = Vec<Value>>) -> (Owners, Vec<Vec<Value>>) {
    let (mut owners, mut once) = (Owners::with_capacity(keys.size_hint().0), Vec::with_capacity(keys.size_hint().0));
    for (row, key) in keys.enumerate() {
        if key.iter().any(Value::is_null) {
            continue;
        }
        let rows = owners.entry(KeyHash::new(&key)).or_default();
        if rows.as_slice().is_empty() {
            once.push(key);
        }
        rows.push(row);
    }
    (owners, once)
}
