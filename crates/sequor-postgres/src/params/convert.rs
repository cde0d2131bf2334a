//! A value as the scalar that its parameter wants: the conversions that lose nothing.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::types::{parse_instant, parse_naive};
use sequor_core::{Error, Result, Value};
use uuid::Uuid;

/// A value of a kind that does not convert.
#[cold]
pub(super) fn expected(found: &Value, expected: &str) -> Error {
    Error::decode(format!("a value of kind {} was given, {expected} is expected", found.kind()))
}

pub(super) fn to_bool(value: &Value) -> Result<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::I64(0) => Ok(false),
        Value::I64(1) => Ok(true),
        Value::Text(text) => match text.as_str() {
            "true" | "t" => Ok(true),
            "false" | "f" => Ok(false),
            _ => Err(malformed("boolean")),
        },
        Value::Json(document) => document.as_bool().ok_or_else(|| expected(value, "a boolean")),
        other => Err(expected(other, "a boolean")),
    }
}

/// An integer of one width; numbers of other kinds must be whole.
#[inline]
pub(super) fn to_integer<T: TryFrom<i128>>(value: &Value, word: &str) -> Result<T> {
    let wide: i128 = match value {
        Value::I64(value) => (*value).into(),
        Value::U64(value) => (*value).into(),
        Value::Decimal(value) if value.fract().is_zero() => value.trunc().to_i128().ok_or_else(|| out_of_range(word))?,
        Value::F64(value) if value.fract() == 0.0 => value.to_i128().ok_or_else(|| out_of_range(word))?,
        Value::Decimal(_) | Value::F64(_) => return Err(Error::decode(format!("the number is not whole, {word} is expected"))),
        Value::Text(text) => text.trim().parse().map_err(|_| malformed("integer"))?,
        Value::Json(document) => match (document.as_i64(), document.as_u64()) {
            (Some(value), _) => value.into(),
            (_, Some(value)) => value.into(),
            _ => return Err(expected(value, word)),
        },
        other => return Err(expected(other, word)),
    };
    T::try_from(wide).map_err(|_| out_of_range(word))
}

pub(super) fn to_f64(value: &Value) -> Result<f64> {
    match value {
        Value::F64(value) => Ok(*value),
        Value::I64(number) => exact(number.to_f64(), (*number).into()),
        Value::U64(number) => exact(number.to_f64(), (*number).into()),
        // The nearest float, as the server itself reads a decimal literal.
        Value::Decimal(value) => value.to_string().parse().map_err(|_| out_of_range("a float")),
        Value::Text(text) => match text.trim().parse::<f64>() {
            // 1e309 is no infinity.
            Ok(value) if value.is_infinite() && text.contains(|letter: char| letter.is_ascii_digit()) => Err(out_of_range("a float")),
            Ok(value) => Ok(value),
            Err(_) => Err(malformed("float")),
        },
        Value::Json(document) => document.as_f64().ok_or_else(|| expected(value, "a float")),
        other => Err(expected(other, "a float")),
    }
}

/// A whole number that a float holds exactly.
fn exact(float: Option<f64>, number: i128) -> Result<f64> {
    float.filter(|float| float.to_i128() == Some(number)).ok_or_else(|| out_of_range("a float without being rounded"))
}

pub(super) fn to_f32(value: &Value) -> Result<f32> {
    let wide = to_f64(value)?;
    match wide.to_f32() {
        Some(narrow) if narrow.is_finite() || !wide.is_finite() => Ok(narrow),
        _ => Err(out_of_range("a 32-bit float")),
    }
}

pub(super) fn to_decimal(value: &Value) -> Result<Decimal> {
    match value {
        Value::Decimal(value) => Ok(*value),
        Value::I64(value) => Ok((*value).into()),
        Value::U64(value) => Ok((*value).into()),
        // By its shortest spelling: 0.1 is 0.1.
        Value::F64(value) => parse_decimal(&format!("{value:?}")).ok_or_else(|| out_of_range("a decimal of 28 digits")),
        Value::Text(text) => parse_decimal(text.trim()).ok_or_else(|| malformed("decimal of 28 digits")),
        Value::Json(document) => match &**document {
            serde_json::Value::Number(number) => parse_decimal(&number.to_string()).ok_or_else(|| out_of_range("a decimal of 28 digits")),
            serde_json::Value::String(text) => parse_decimal(text).ok_or_else(|| malformed("decimal of 28 digits")),
            _ => Err(expected(value, "a decimal")),
        },
        other => Err(expected(other, "a decimal")),
    }
}

/// A decimal without rounding.
fn parse_decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

pub(super) fn to_uuid(value: &Value) -> Result<Uuid> {
    match value {
        Value::Uuid(value) => Ok(*value),
        Value::Text(text) => text.trim().parse().map_err(|_| malformed("uuid")),
        Value::Json(document) => document.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| malformed("uuid")),
        other => Err(expected(other, "a uuid")),
    }
}

pub(super) fn to_instant(value: &Value) -> Result<DateTime<Utc>> {
    match value {
        Value::DateTime(value) => Ok(*value),
        Value::NaiveDateTime(value) => Ok(value.and_utc()),
        Value::Date(value) => Ok(value.and_time(NaiveTime::MIN).and_utc()),
        Value::Text(text) => parse_instant(text).ok_or_else(|| malformed("instant")),
        Value::Json(document) => document.as_str().and_then(parse_instant).ok_or_else(|| malformed("instant")),
        other => Err(expected(other, "an instant")),
    }
}

pub(super) fn to_naive(value: &Value) -> Result<NaiveDateTime> {
    match value {
        Value::NaiveDateTime(value) => Ok(*value),
        Value::DateTime(value) => Ok(value.naive_utc()),
        Value::Date(value) => Ok(value.and_time(NaiveTime::MIN)),
        Value::Text(text) => parse_naive(text).ok_or_else(|| malformed("date and time")),
        Value::Json(document) => document.as_str().and_then(parse_naive).ok_or_else(|| malformed("date and time")),
        other => Err(expected(other, "a date and time")),
    }
}

pub(super) fn to_date(value: &Value) -> Result<NaiveDate> {
    let midnight = |at: NaiveDateTime| match at.time() == NaiveTime::MIN {
        true => Ok(at.date()),
        false => Err(Error::decode("the instant is not at midnight, a date is expected")),
    };
    match value {
        Value::Date(value) => Ok(*value),
        Value::NaiveDateTime(value) => midnight(*value),
        Value::DateTime(value) => midnight(value.naive_utc()),
        Value::Text(text) => text.trim().parse().map_err(|_| malformed("date")),
        Value::Json(document) => document.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| malformed("date")),
        other => Err(expected(other, "a date")),
    }
}

pub(super) fn to_time(value: &Value) -> Result<NaiveTime> {
    let parse =
        |text: &str| text.trim().parse().or_else(|_| NaiveTime::parse_from_str(text.trim(), "%H:%M")).map_err(|_| malformed("time"));
    match value {
        Value::Time(value) => Ok(*value),
        Value::Text(text) => parse(text),
        Value::Json(document) => parse(document.as_str().ok_or_else(|| malformed("time"))?),
        other => Err(expected(other, "a time of day")),
    }
}
