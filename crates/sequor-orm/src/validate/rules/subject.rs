//! [`Subject`]: a value as a rule sees it, which is its text in JavaScript's spelling, and the value itself.

use sequor_core::Value;
use std::borrow::Cow;

/// The value that a rule looks at.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    text: Cow<'a, str>,
    value: &'a Value,
    previous: Option<&'a Value>,
}

impl<'a> Subject<'a> {
    /// The subject of a value of a new row.
    pub fn new(value: &'a Value) -> Subject<'a> {
        Subject { text: text_of(value), value, previous: None }
    }

    /// Adds what the field held when its row was loaded, which `isImmutable` compares with.
    #[must_use]
    pub fn with_previous(self, previous: &'a Value) -> Subject<'a> {
        Subject { previous: Some(previous), ..self }
    }

    /// The value as `String(value)` spells it: numbers as JavaScript prints them, instants as ISO 8601.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// What the field held when its row was loaded; `None` for a new row.
    pub fn previous(&self) -> Option<&'a Value> {
        self.previous
    }
}

/// `String(value)`, with ISO 8601 for the types that JavaScript would spell for people.
pub(super) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::F64(value) => Cow::Owned(number_text(*value)),
        Value::Text(value) => Cow::Borrowed(value),
        Value::Bytes(value) => String::from_utf8_lossy(value),
        Value::Json(value) => json_text(value),
        Value::Array(values) => {
            Cow::Owned(joined(values.iter().map(|value| if value.is_null() { Cow::Borrowed("") } else { text_of(value) })))
        }
        Value::I64(_)
        | Value::U64(_)
        | Value::Decimal(_)
        | Value::Uuid(_)
        | Value::DateTime(_)
        | Value::NaiveDateTime(_)
        | Value::Date(_)
        | Value::Time(_) => scalar_text(value),
        Value::Range(_) => Cow::Owned(value.to_json().to_string()),
    }
}

fn scalar_text(value: &Value) -> Cow<'_, str> {
    match value.to_json() {
        serde_json::Value::String(text) => Cow::Owned(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn json_text(value: &serde_json::Value) -> Cow<'_, str> {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => Cow::Borrowed(text),
        Json::Number(number) if number.is_f64() => Cow::Owned(number_text(number.as_f64().unwrap_or(f64::NAN))),
        Json::Null | Json::Bool(_) | Json::Number(_) => Cow::Owned(value.to_string()),
        Json::Array(values) => {
            Cow::Owned(joined(values.iter().map(|value| if value.is_null() { Cow::Borrowed("") } else { json_text(value) })))
        }
        Json::Object(_) => Cow::Borrowed("[object Object]"),
    }
}

fn joined<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

/// A number as JavaScript prints it.
pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if number == 0.0 {
        return "0".into();
    }
    let size = number.abs();
    if (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_look_as_in_javascript() {
        for (number, text) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1.5e-7, "1.5e-7"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (123456.789, "123456.789"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn lists_and_objects_look_as_in_javascript() {
        assert_eq!(text_of(&Value::from(json!([1, null, ["a", true]]))), "1,,a,true");
        assert_eq!(text_of(&Value::from(json!({ "a": 1 }))), "[object Object]");
        assert_eq!(text_of(&Value::Array(vec![Value::from(1), Value::Null, Value::from("x")])), "1,,x");
    }

    #[test]
    fn instants_are_iso() {
        let instant = chrono::DateTime::from_timestamp(0, 0).unwrap_or_default();
        assert_eq!(text_of(&Value::from(instant)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text_of(&Value::from(u64::MAX)), "18446744073709551615");
    }
}
