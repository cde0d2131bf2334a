//! Parameters: how each [`Value`] is stored. Scalars are spelt on the stack; nothing is allocated but for JSON and lists.

mod json;
mod spelling;

pub(crate) use spelling::{Spelling, decimal, decimal_of_float, instant, parse_decimal};

use crate::error::of_sqlite;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::malformed;
use sequor_core::driver::Param;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::types::{ScalarType, document_text, parse_instant, parse_naive};
use sequor_core::value::Value;

/// The longest text or bytes that are sent.
const LONGEST: usize = 256 * 1024 * 1024;

/// Binds all parameters of a statement; there must be as many as it has places.
pub(crate) fn bind(statement: &mut Statement<'_>, params: &[Param]) -> Result<()> {
    let places = statement.parameter_count();
    if places != params.len() {
        return Err(Error::usage(format!("the statement has {places} placeholders, but {} values were given", params.len())));
    }
    for (index, param) in params.iter().enumerate() {
        store(statement, index + 1, param).map_err(|error| error.unsent(index))?;
    }
    Ok(())
}

fn store(statement: &mut Statement<'_>, place: usize, param: &Param) -> Result<()> {
    if param.bind.array {
        return stored(statement, place, &param.value);
    }
    match (&param.value, param.bind.scalar) {
        (Value::Text(text), kind) => canonical(statement, place, text, kind),
        (Value::I64(number), ScalarType::Decimal) => put_spelt(statement, place, &decimal(&Decimal::from(*number))?),
        (Value::U64(number), ScalarType::Decimal) => put_spelt(statement, place, &decimal(&Decimal::from(*number))?),
        (Value::F64(number), ScalarType::Decimal) => match decimal_of_float(*number) {
            Some(number) => put_spelt(statement, place, &decimal(&number)?),
            None => Err(refused("NaN or infinity as a decimal; leave the field NULL, or ask is_finite() first")),
        },
        (Value::Decimal(number), ScalarType::F32 | ScalarType::F64) => match number.to_f64() {
            Some(number) => put(statement, place, ValueRef::Real(number)),
            None => Err(refused("a decimal that is no float")),
        },
        // A number that is compared with text is compared as text.
        (Value::I64(number), ScalarType::Text) => put_spelt(statement, place, &spelling::integer(*number)),
        (Value::NaiveDateTime(value), ScalarType::DateTime) => put_spelt(statement, place, &instant(&value.and_utc())?),
        (value, _) => stored(statement, place, value),
    }
}

/// A value as its own kind is stored.
fn stored(statement: &mut Statement<'_>, place: usize, value: &Value) -> Result<()> {
    match value {
        Value::Null => put(statement, place, ValueRef::Null),
        Value::Bool(value) => put(statement, place, ValueRef::Integer(i64::from(*value))),
        Value::I64(number) => put(statement, place, ValueRef::Integer(*number)),
        Value::U64(_) => Err(refused("an integer above 9223372036854775807, the largest that SQLite stores; use a Decimal column")),
        Value::F64(number) if number.is_nan() => {
            Err(refused("NaN, which SQLite would store as NULL; leave the field NULL, or ask is_nan() first"))
        }
        Value::F64(number) => put(statement, place, ValueRef::Real(*number)),
        Value::Decimal(number) => put_spelt(statement, place, &decimal(number)?),
        Value::Text(text) => put_text(statement, place, text),
        Value::Bytes(bytes) if bytes.len() > LONGEST => Err(refused("more than 256 MiB")),
        Value::Bytes(bytes) => put(statement, place, ValueRef::Blob(bytes)),
        Value::Uuid(value) => put_spelt(statement, place, &spelling::uuid(value)),
        Value::DateTime(value) => put_spelt(statement, place, &instant(value)?),
        Value::NaiveDateTime(value) => put_spelt(statement, place, &spelling::naive(value)?),
        Value::Date(value) => put_spelt(statement, place, &spelling::date(value)?),
        Value::Time(value) => put_spelt(statement, place, &spelling::time(value)),
        Value::Json(value) => put_text(statement, place, &document_text(value)?),
        Value::Array(values) => put_text(statement, place, &json::list(values)?),
        Value::Range(_) => Err(Error::unsupported("SQLite has no ranges; keep the two ends in two columns")),
    }
}

/// Text for a column of another kind is brought into that kind's one spelling, so that equal values are equal; text that spells none is refused.
fn canonical(statement: &mut Statement<'_>, place: usize, text: &str, kind: ScalarType) -> Result<()> {
    let trimmed = text.trim();
    match kind {
        ScalarType::Decimal => put_spelt(statement, place, &decimal(&parse_decimal(trimmed).ok_or_else(|| malformed("decimal"))?)?),
        ScalarType::Uuid => put_spelt(statement, place, &spelling::uuid(&uuid::Uuid::try_parse(trimmed).map_err(|_| malformed("uuid"))?)),
        ScalarType::DateTime => put_spelt(statement, place, &instant(&parse_instant(trimmed).ok_or_else(|| malformed("instant"))?)?),
        ScalarType::NaiveDateTime => {
            put_spelt(statement, place, &spelling::naive(&parse_naive(trimmed).ok_or_else(|| malformed("date and time"))?)?)
        }
        ScalarType::Date => put_spelt(statement, place, &spelling::date(&trimmed.parse().map_err(|_| malformed("date"))?)?),
        ScalarType::Time => put_spelt(statement, place, &spelling::time(&trimmed.parse().map_err(|_| malformed("time"))?)),
        ScalarType::I16 | ScalarType::I32 | ScalarType::I64 | ScalarType::U64 => {
            put(statement, place, ValueRef::Integer(trimmed.parse().map_err(|_| malformed("integer"))?))
        }
        ScalarType::F32 | ScalarType::F64 => match trimmed.parse::<f64>() {
            Ok(number) => stored(statement, place, &Value::F64(number)),
            Err(_) => Err(malformed("float")),
        },
        ScalarType::Inferred | ScalarType::Bool | ScalarType::Text | ScalarType::Bytes | ScalarType::Json | ScalarType::Jsonb => {
            put_text(statement, place, text)
        }
    }
}

fn put_text(statement: &mut Statement<'_>, place: usize, text: &str) -> Result<()> {
    if text.len() > LONGEST {
        return Err(refused("more than 256 MiB"));
    }
    put(statement, place, ValueRef::Text(text.as_bytes()))
}

fn put_spelt(statement: &mut Statement<'_>, place: usize, spelt: &Spelling) -> Result<()> {
    put(statement, place, ValueRef::Text(spelt.as_str().as_bytes()))
}

fn put(statement: &mut Statement<'_>, place: usize, value: ValueRef<'_>) -> Result<()> {
    statement.raw_bind_parameter(place, ToSqlOutput::Borrowed(value)).map_err(|error| of_sqlite(error, None))
}

/// A value that SQLite would not give back as it is.
#[cold]
pub(crate) fn refused(what: &str) -> Error {
    Error::of_usage(UsageErrorKind::Refused, format!("SQLite cannot hold {what}"))
}
