//! Values as the text that the server reads: for parameters whose type only the server knows (enums, ranges, addresses, hstore).

use super::put_text;
use crate::oid;
use bytes::BytesMut;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use sequor_core::value::RangeValue;
use sequor_core::{Error, Result, Value};
use std::fmt::Write;

/// Writes a value that is not NULL as text. `server_type` tells JSON from hstore.
pub(super) fn write(value: &Value, server_type: u32, out: &mut BytesMut) -> Result<()> {
    match value {
        Value::Text(text) => put_text(text, out),
        other => {
            let mut text = String::new();
            spell(other, server_type, &mut text)?;
            put_text(&text, out)
        }
    }
}

fn spell(value: &Value, server_type: u32, text: &mut String) -> Result<()> {
    // Writing into a String cannot fail.
    let _ = match value {
        Value::Null => return Err(Error::bug("NULL as text")),
        Value::Bool(value) => write!(text, "{value}"),
        Value::I64(value) => write!(text, "{value}"),
        Value::U64(value) => write!(text, "{value}"),
        Value::F64(value) => {
            spell_float(*value, text);
            Ok(())
        }
        Value::Decimal(value) => write!(text, "{value}"),
        Value::Text(value) => {
            text.push_str(value);
            Ok(())
        }
        Value::Bytes(bytes) => {
            text.reserve(bytes.len() * 2 + 2);
            text.push_str("\\x");
            bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
        }
        Value::Uuid(value) => write!(text, "{value}"),
        Value::DateTime(value) => {
            spell_instant(value, text);
            Ok(())
        }
        Value::NaiveDateTime(value) => {
            spell_naive(value, "", text);
            Ok(())
        }
        Value::Date(value) => {
            spell_date(*value, text);
            era(*value, text);
            Ok(())
        }
        Value::Time(value) => {
            spell_time(*value, text);
            Ok(())
        }
        Value::Json(document) => return spell_document(document, server_type, text),
        Value::Array(values) => return spell_list(values, text),
        Value::Range(range) => return spell_range(range, text),
    };
    Ok(())
}

fn spell_float(value: f64, text: &mut String) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        // The shortest spelling that reads back as the same float, with an exponent where that is shorter; `1` and not `1.0`.
        let spelt = format!("{value:?}");
        text.push_str(spelt.strip_suffix(".0").unwrap_or(&spelt));
    }
}

fn spell_date(date: NaiveDate, text: &mut String) {
    let year = if date.year() > 0 { date.year() } else { 1 - date.year() };
    let _ = write!(text, "{year:04}-{:02}-{:02}", date.month(), date.day());
}

fn era(date: NaiveDate, text: &mut String) {
    if date.year() <= 0 {
        text.push_str(" BC");
    }
}

fn spell_time(time: NaiveTime, text: &mut String) {
    use chrono::Timelike;
    let _ = write!(text, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    let micros = time.nanosecond() / 1_000 % 1_000_000;
    if micros > 0 {
        let _ = write!(text, ".{micros:06}");
    }
}

fn spell_naive(value: &NaiveDateTime, zone: &str, text: &mut String) {
    spell_date(value.date(), text);
    text.push(' ');
    spell_time(value.time(), text);
    text.push_str(zone);
    era(value.date(), text);
}

fn spell_instant(value: &DateTime<Utc>, text: &mut String) {
    spell_naive(&value.naive_utc(), "+00", text);
}

fn spell_document(document: &serde_json::Value, server_type: u32, text: &mut String) -> Result<()> {
    match document {
        serde_json::Value::Object(entries) if server_type != 0 && !oid::is_known(server_type) => {
            for (key, value) in entries {
                if !text.is_empty() {
                    text.push(',');
                }
                quoted(key, text);
                text.push_str("=>");
                match value {
                    serde_json::Value::Null => text.push_str("NULL"),
                    serde_json::Value::String(value) => quoted(value, text),
                    _ => return Err(Error::decode("an hstore holds text and null only")),
                }
            }
        }
        serde_json::Value::String(value) if !matches!(server_type, oid::JSON | oid::JSONB) => text.push_str(value),
        document => text.push_str(&document.to_string()),
    }
    Ok(())
}

/// `{"a","b",NULL}`.
fn spell_list(values: &[Value], text: &mut String) -> Result<()> {
    text.push('{');
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match value {
            Value::Null => text.push_str("NULL"),
            Value::Array(inner) => spell_list(inner, text)?,
            value => {
                let mut element = String::new();
                spell(value, 0, &mut element)?;
                quoted(&element, text);
            }
        }
    }
    text.push('}');
    Ok(())
}

/// `["1","5")`, `(,)`, `empty`.
fn spell_range(range: &RangeValue, text: &mut String) -> Result<()> {
    let RangeValue::Between { lower, upper } = range else {
        text.push_str("empty");
        return Ok(());
    };
    let end = |end: &Option<(Value, bool)>, text: &mut String| -> Result<()> {
        if let Some((value, _)) = end {
            let mut spelt = String::new();
            spell(value, 0, &mut spelt)?;
            quoted(&spelt, text);
        }
        Ok(())
    };
    let inclusive = |end: &Option<(Value, bool)>| matches!(end, Some((_, true)));
    text.push(if inclusive(lower) { '[' } else { '(' });
    end(lower, text)?;
    text.push(',');
    end(upper, text)?;
    text.push(if inclusive(upper) { ']' } else { ')' });
    Ok(())
}

fn quoted(value: &str, text: &mut String) {
    text.push('"');
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
}
