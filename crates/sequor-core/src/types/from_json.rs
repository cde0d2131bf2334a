//! [`value_from_json`]: JSON input as the value of a column.

use super::lists::scalar_from_json;
use super::{ColumnType, parse_instant, parse_naive};
use crate::decode::{malformed, out_of_range, unexpected};
use crate::error::Result;
use crate::value::{RangeValue, Value, from_base64};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::Value as Json;

/// A JSON value as the value of a column: text spells dates, decimals, numbers and UUIDs; numbers fit or are refused; JSON null is NULL.
///
/// # Errors
/// `Decode` that says what the column takes, never the value.
pub fn value_from_json(ty: &ColumnType, json: Json) -> Result<Value> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    match ty {
        ColumnType::Bool => boolean(&json),
        ty if ty.is_integer() => integer(ty, &json),
        ColumnType::F32 | ColumnType::F64 => float(&json),
        ColumnType::Decimal(_) => decimal(&json),
        ColumnType::Uuid => parsed(&json, "uuid", |text| text.parse().ok().map(Value::Uuid)),
        ColumnType::DateTime(_) => instant(&json),
        ColumnType::NaiveDateTime(_) => {
            parsed(&json, "date and time", |text| parse_naive(text.trim_end_matches('Z')).map(Value::NaiveDateTime))
        }
        ColumnType::Date => parsed(&json, "date", |text| {
            text.parse().ok().or_else(|| parse_instant(text).map(|instant| instant.date_naive())).map(Value::Date)
        }),
        ColumnType::Time => parsed(&json, "time", |text| {
            text.parse().ok().or_else(|| chrono::NaiveTime::parse_from_str(text, "%H:%M").ok()).map(Value::Time)
        }),
        ColumnType::Bytes => bytes(json),
        ColumnType::Json(_) | ColumnType::HStore => Ok(Value::from(json)),
        ColumnType::Array(element) => match json {
            Json::Array(items) => items.into_iter().map(|item| value_from_json(element, item)).collect::<Result<_>>().map(Value::Array),
            other => Err(unexpected(&scalar_from_json(other)?, "list")),
        },
        ColumnType::Range(element) => range(element, json),
        _ => text(json),
    }
}

fn boolean(json: &Json) -> Result<Value> {
    match json {
        Json::Bool(value) => Ok(Value::Bool(*value)),
        Json::Number(number) if number.as_i64() == Some(0) => Ok(Value::Bool(false)),
        Json::Number(number) if number.as_i64() == Some(1) => Ok(Value::Bool(true)),
        Json::String(text) if matches!(text.as_str(), "true" | "1") => Ok(Value::Bool(true)),
        Json::String(text) if matches!(text.as_str(), "false" | "0") => Ok(Value::Bool(false)),
        _ => Err(malformed("boolean")),
    }
}

fn integer(ty: &ColumnType, json: &Json) -> Result<Value> {
    let wide: i128 = match json {
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => value.into(),
            (_, Some(value), _) => value.into(),
            (_, _, Some(value)) if value.fract() == 0.0 => {
                rust_decimal::prelude::ToPrimitive::to_i128(&value).ok_or_else(|| out_of_range(ty.word()))?
            }
            _ => return Err(malformed("integer")),
        },
        Json::String(text) => text.trim().parse().map_err(|_| malformed("integer"))?,
        Json::Bool(value) => i128::from(*value),
        _ => return Err(malformed("integer")),
    };
    let (low, high) = ty.integer_bounds().unwrap_or((0, 0));
    if wide < low || wide > high {
        return Err(out_of_range(ty.word()));
    }
    match (i64::try_from(wide), u64::try_from(wide)) {
        (Ok(value), _) => Ok(Value::I64(value)),
        (_, Ok(value)) => Ok(Value::U64(value)),
        _ => Err(out_of_range(ty.word())),
    }
}

fn float(json: &Json) -> Result<Value> {
    let value = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    value.map(Value::F64).ok_or_else(|| malformed("float"))
}

fn decimal(json: &Json) -> Result<Value> {
    let value = match json {
        Json::Number(number) => {
            let text = number.to_string();
            text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok()).or_else(|| number.as_f64().and_then(Decimal::from_f64))
        }
        Json::String(text) => text.trim().parse().ok().or_else(|| Decimal::from_scientific(text.trim()).ok()),
        _ => None,
    };
    value.map(Value::Decimal).ok_or_else(|| malformed("decimal"))
}

fn parsed(json: &Json, word: &str, parse: impl FnOnce(&str) -> Option<Value>) -> Result<Value> {
    match json {
        Json::String(text) => parse(text.trim()).ok_or_else(|| malformed(word)),
        _ => Err(malformed(word)),
    }
}

/// ISO text, or epoch milliseconds as JavaScript has them.
fn instant(json: &Json) -> Result<Value> {
    match json {
        Json::Number(number) => {
            let millis = number.as_i64().ok_or_else(|| malformed("instant"))?;
            chrono::DateTime::from_timestamp_millis(millis).map(Value::DateTime).ok_or_else(|| out_of_range("an instant"))
        }
        other => parsed(other, "instant", |text| parse_instant(text).map(Value::DateTime)),
    }
}

fn bytes(json: Json) -> Result<Value> {
    match &json {
        Json::String(text) => Ok(Value::Bytes(text.clone().into_bytes())),
        Json::Object(map) => match map.get("$bytes").and_then(Json::as_str).and_then(from_base64) {
            Some(bytes) => Ok(Value::Bytes(bytes)),
            None => Err(malformed("bytes")),
        },
        _ => Err(malformed("bytes")),
    }
}

/// Sequelize's own refusal of lists and objects where text is expected; the caller adds the field.
#[cold]
fn not_text() -> crate::error::Error {
    let item = crate::error::ValidationItem {
        kind: crate::error::ItemKind::String,
        origin: crate::error::Origin::Core,
        ..crate::error::ValidationItem::new("", "not_a_string", "cannot be an array or an object")
    };
    crate::error::ValidationError::one(item).into()
}

fn text(json: Json) -> Result<Value> {
    match json {
        Json::String(text) => Ok(Value::Text(text)),
        Json::Number(number) => Ok(Value::Text(number.to_string())),
        Json::Bool(value) => Ok(Value::Text(value.to_string())),
        Json::Array(_) | Json::Object(_) | Json::Null => Err(not_text()),
    }
}

/// `[]` is empty; `[lower, upper]` includes the lower end and not the upper; an end may be `{ value, inclusive }`.
fn range(element: &ColumnType, json: Json) -> Result<Value> {
    let Json::Array(ends) = json else { return Err(malformed("range")) };
    if ends.is_empty() {
        return Ok(Value::Range(Box::new(RangeValue::Empty)));
    }
    let Ok([lower, upper]) = <[Json; 2]>::try_from(ends) else { return Err(malformed("range")) };
    let end = |json: Json, inclusive: bool| -> Result<Option<(Value, bool)>> {
        let (json, inclusive) = match json {
            Json::Object(mut map) if map.contains_key("value") => {
                let inclusive = map.get("inclusive").and_then(Json::as_bool).unwrap_or(inclusive);
                (map.remove("value").unwrap_or_default(), inclusive)
            }
            other => (other, inclusive),
        };
        let infinite = matches!(&json, Json::String(text) if text.ends_with("nfinity"));
        if json.is_null() || infinite { Ok(None) } else { value_from_json(element, json).map(|value| Some((value, inclusive))) }
    };
    Ok(Value::Range(Box::new(RangeValue::Between { lower: end(lower, true)?, upper: end(upper, false)? })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_fit_or_are_refused() {
        assert!(matches!(value_from_json(&ColumnType::I8, json!(127)), Ok(Value::I64(127))));
        assert!(value_from_json(&ColumnType::I8, json!(128)).is_err());
        assert!(matches!(value_from_json(&ColumnType::I64, json!("9007199254740993")), Ok(Value::I64(9_007_199_254_740_993))));
        assert!(value_from_json(&ColumnType::I32, json!("1; DROP TABLE t")).is_err());
        assert!(value_from_json(&ColumnType::I32, json!({ "$gt": 1 })).is_err());
    }

    #[test]
    fn decimals_are_exact() {
        let value = value_from_json(&ColumnType::Decimal(None), json!("10.50"));
        assert!(matches!(value, Ok(Value::Decimal(value)) if value.to_string() == "10.50"));
    }
}
