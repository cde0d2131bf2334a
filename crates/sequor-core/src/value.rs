//! [`Value`]: what parameters and the rows of run-time models are made of. Typed rows never pass through it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use std::fmt;
use uuid::Uuid;

/// One value of a column, independent of any database.
///
/// ```
/// use sequor::{Value, prelude::*};
/// assert_eq!(Value::from("Ann"), Value::Text("Ann".into()));
/// assert_eq!((Value::I64(7).to_json(), Value::Null.is_null(), Value::from_u64(7).kind()), (json!(7), true, "integer"));
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// Every integer that fits, signed or not.
    I64(i64),
    /// Only integers above `i64::MAX`; smaller ones are [`Value::I64`].
    U64(u64),
    /// Both floating point widths.
    F64(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text; also enum labels, network addresses, intervals and everything that a server spells as text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid(Uuid),
    /// An instant, UTC, microseconds.
    DateTime(DateTime<Utc>),
    /// A date and time without zone.
    NaiveDateTime(NaiveDateTime),
    /// A calendar date.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// A JSON document. JSON's own null is `Json(null)`, not [`Value::Null`].
    Json(Box<serde_json::Value>),
    /// A list of scalars.
    Array(Vec<Value>),
    /// A range of scalars (PostgreSQL).
    Range(Box<RangeValue>),
}

/// A range: its two ends, or nothing at all.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeValue {
    /// The range without members.
    Empty,
    /// A range between two ends; `None` is unbounded, the flag says whether the end belongs to it.
    Between {
        /// Lower end and whether it is inclusive.
        lower: Option<(Value, bool)>,
        /// Upper end and whether it is inclusive.
        upper: Option<(Value, bool)>,
    },
}

impl Value {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// An unsigned integer, as the smallest variant that holds it.
    pub fn from_u64(number: u64) -> Value {
        i64::try_from(number).map_or(Value::U64(number), Value::I64)
    }

    /// What kind of value this is, for messages: never the value itself.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::I64(_) | Value::U64(_) => "integer",
            Value::F64(_) => "float",
            Value::Decimal(_) => "decimal",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Uuid(_) => "uuid",
            Value::DateTime(_) => "instant",
            Value::NaiveDateTime(_) => "date and time",
            Value::Date(_) => "date",
            Value::Time(_) => "time",
            Value::Json(_) => "json",
            Value::Array(_) => "list",
            Value::Range(_) => "range",
        }
    }

    /// The value as JSON, the way `to_json` and serde show it.
    ///
    /// Instants are ISO 8601 in UTC with milliseconds (microseconds where there are any) and `Z`; dates are `YYYY-MM-DD`; decimals are text, so that nothing
    /// is rounded; bytes are `{ "$bytes": base64 }`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::I64(value) => Json::from(*value),
            Value::U64(value) => Json::from(*value),
            Value::F64(value) => serde_json::Number::from_f64(*value).map_or_else(|| Json::String(float_name(*value).into()), Json::Number),
            Value::Decimal(value) => Json::String(value.to_string()),
            Value::Text(value) => Json::String(value.clone()),
            Value::Bytes(value) => serde_json::json!({ "$bytes": base64(value) }),
            Value::Uuid(value) => Json::String(value.to_string()),
            Value::DateTime(value) => Json::String(instant_text(value)),
            Value::NaiveDateTime(value) => Json::String(value.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
            Value::Date(value) => Json::String(value.format("%Y-%m-%d").to_string()),
            Value::Time(value) => Json::String(value.format("%H:%M:%S%.f").to_string()),
            Value::Json(value) => (**value).clone(),
            Value::Array(values) => Json::Array(values.iter().map(Value::to_json).collect()),
            Value::Range(range) => range.to_json(),
        }
    }
}

/// As [`Value::to_json`].
impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> serde_json::Value {
        match value {
            Value::Json(document) => *document,
            Value::Text(text) => serde_json::Value::String(text),
            other => other.to_json(),
        }
    }
}

/// Text as it is, everything else as JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_json() {
            serde_json::Value::String(text) => f.pad(&text),
            other => other.fmt(f),
        }
    }
}

impl RangeValue {
    /// Sequelize's spelling of a range: `[{ value, inclusive }, { value, inclusive }]`, `[]` when it is empty.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            RangeValue::Empty => serde_json::json!([]),
            RangeValue::Between { lower, upper } => {
                let end = |end: &Option<(Value, bool)>| match end {
                    Some((value, inclusive)) => serde_json::json!({ "value": value.to_json(), "inclusive": inclusive }),
                    None => serde_json::json!({ "value": null, "inclusive": false }),
                };
                serde_json::Value::Array(vec![end(lower), end(upper)])
            }
        }
    }
}

fn float_name(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// An instant as JSON text: milliseconds, or microseconds where they are not zero.
pub fn instant_text(value: &DateTime<Utc>) -> String {
    use chrono::Timelike;
    if value.nanosecond().is_multiple_of(1_000_000) {
        value.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    } else {
        value.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    }
}

/// The letters of base64, but for the last two.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The last two, in ordinary text and in URLs.
const ORDINARY: [u8; 2] = *b"+/";
const IN_URLS: [u8; 2] = *b"-_";

/// Bytes as base64 (RFC 4648, with padding).
pub fn base64(bytes: &[u8]) -> String {
    let mut text = letters(bytes, ORDINARY);
    text.extend(std::iter::repeat_n('=', (3 - bytes.len() % 3) % 3));
    text
}

/// Bytes as base64 for URLs (RFC 4648, without padding).
pub fn base64_url(bytes: &[u8]) -> String {
    letters(bytes, IN_URLS)
}

fn letters(bytes: &[u8], last: [u8; 2]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (u32::from(chunk[0]) << 16) | (u32::from(*chunk.get(1).unwrap_or(&0)) << 8) | u32::from(*chunk.get(2).unwrap_or(&0));
        for place in 0..=chunk.len() {
            let six = usize::try_from((word >> (18 - 6 * place)) & 63).unwrap_or(0);
            text.push(char::from(LETTERS.get(six).copied().unwrap_or(last[six & 1])));
        }
    }
    text
}

/// Base64 (RFC 4648) as bytes; `None` when the text is not base64.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    bytes_of(text.trim_end_matches('='), ORDINARY)
}

/// Base64 for URLs as bytes; `None` when the text is not such.
pub fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    bytes_of(text, IN_URLS)
}

fn bytes_of(text: &str, last: [u8; 2]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut word, mut bits) = (0u32, 0u32);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            letter if letter == last[0] => 62,
            letter if letter == last[1] => 63,
            _ => return None,
        };
        word = (word << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((word >> bits) & 0xff).ok()?);
        }
    }
    (text.len() % 4 != 1).then_some(bytes)
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool, i8 => I64, i16 => I64, i32 => I64, i64 => I64, u8 => I64, u16 => I64, u32 => I64,
    f32 => F64, f64 => F64, Decimal => Decimal, String => Text, &str => Text, Vec<u8> => Bytes, Uuid => Uuid,
    DateTime<Utc> => DateTime, NaiveDateTime => NaiveDateTime, NaiveDate => Date, NaiveTime => Time,
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::from_u64(value)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Value {
        Value::Json(Box::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trips_every_length() {
        for length in 0..20u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            assert_eq!(from_base64_url(&base64_url(&bytes)).as_ref(), Some(&bytes));
            assert_eq!(from_base64(&base64(&bytes)), Some(bytes));
        }
        assert_eq!((base64(&[251, 255]), base64_url(&[251, 255])), ("+/8=".to_owned(), "-_8".to_owned()));
        assert_eq!((from_base64("-_8="), from_base64_url("+/8"), from_base64_url("-_8=")), (None, None, None));
        assert_eq!(base64(b"hello"), "aGVsbG8=");
        assert_eq!(from_base64("not base64!"), None);
    }

    #[test]
    fn unsigned_integers_use_the_smallest_variant() {
        assert_eq!(Value::from(7u64), Value::I64(7));
        assert_eq!(Value::from(u64::MAX), Value::U64(u64::MAX));
    }
}
