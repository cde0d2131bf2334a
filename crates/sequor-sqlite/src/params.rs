//! Parameters: how each [`Value`] is stored. Scalars are spelt on the stack; nothing is allocated but for JSON and lists.

mod json;
mod spelling;

pub(crate) use spelling::{Spelling, decimal, instant};

use crate::error::of_sqlite;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use sequor_core::driver::Param;
use sequor_core::error::{Error, Result};
use sequor_core::types::{ScalarType, parse_instant};
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
        store(statement, index + 1, param).map_err(|error| at(error, index))?;
    }
    Ok(())
}

#[cold]
fn at(mut error: Error, index: usize) -> Error {
    if let Some(detail) = error.detail_mut() {
        detail.message = format!("parameter {}: {}", index + 1, detail.message);
    }
    error
}

fn store(statement: &mut Statement<'_>, place: usize, param: &Param) -> Result<()> {
    let kind = param.bind.scalar;
    match (&param.value, kind) {
        (Value::Null, _) => put(statement, place, ValueRef::Null),
        (Value::I64(number), ScalarType::Decimal) => put_spelt(statement, place, &decimal(&Decimal::from(*number))?),
        (Value::F64(number), ScalarType::Decimal) => match Decimal::from_f64(*number) {
            Some(number) => put_spelt(statement, place, &decimal(&number)?),
            None => Err(refused("a float that is no decimal number")),
        },
        (Value::Decimal(number), ScalarType::F32 | ScalarType::F64) => match number.to_f64() {
            Some(number) => put(statement, place, ValueRef::Real(number)),
            None => Err(refused("a decimal that is no float")),
        },
        (Value::Text(text), ScalarType::Decimal | ScalarType::Uuid | ScalarType::DateTime) => canonical(statement, place, text, kind),
        (Value::NaiveDateTime(value), ScalarType::DateTime) => put_spelt(statement, place, &instant(&value.and_utc())?),
        (Value::Bool(value), _) => put(statement, place, ValueRef::Integer(i64::from(*value))),
        (Value::I64(number), _) => put(statement, place, ValueRef::Integer(*number)),
        (Value::U64(_), ScalarType::Decimal) | (Value::Decimal(_), _) => put_spelt(statement, place, &decimal(&exact(&param.value)?)?),
        (Value::U64(_), _) => Err(refused("an integer above 9223372036854775807, the largest that SQLite stores; use a Decimal column")),
        (Value::F64(number), _) if number.is_nan() => Err(refused("NaN, which SQLite would store as NULL")),
        (Value::F64(number), _) => put(statement, place, ValueRef::Real(*number)),
        (Value::Text(text), _) => put_text(statement, place, text),
        (Value::Bytes(bytes), _) if bytes.len() > LONGEST => Err(refused("more than 256 MiB")),
        (Value::Bytes(bytes), _) => put(statement, place, ValueRef::Blob(bytes)),
        (Value::Uuid(value), _) => put_spelt(statement, place, &spelling::uuid(value)),
        (Value::DateTime(value), _) => put_spelt(statement, place, &instant(value)?),
        (Value::NaiveDateTime(value), _) => put_spelt(statement, place, &spelling::naive(value)?),
        (Value::Date(value), _) => put_spelt(statement, place, &spelling::date(value)?),
        (Value::Time(value), _) => put_spelt(statement, place, &spelling::time(value)),
        (Value::Json(value), _) => put_text(statement, place, &serde_json::to_string(value)?),
        (Value::Array(values), _) => put_text(statement, place, &json::list(values)?),
        (Value::Range(_), _) => Err(Error::unsupported("SQLite has no ranges; keep the two ends in two columns")),
    }
}

/// Text for a column whose values have one spelling is brought into it, so that equal values are equal texts.
fn canonical(statement: &mut Statement<'_>, place: usize, text: &str, kind: ScalarType) -> Result<()> {
    let trimmed = text.trim();
    match kind {
        ScalarType::Decimal => {
            if let Ok(number) = Decimal::from_str_exact(trimmed) {
                return put_spelt(statement, place, &decimal(&number)?);
            }
        }
        ScalarType::Uuid => {
            if let Ok(value) = uuid::Uuid::try_parse(trimmed) {
                return put_spelt(statement, place, &spelling::uuid(&value));
            }
        }
        _ => {
            if let Some(value) = parse_instant(trimmed) {
                return put_spelt(statement, place, &instant(&value)?);
            }
        }
    }
    put_text(statement, place, text)
}

fn exact(value: &Value) -> Result<Decimal> {
    match value {
        Value::Decimal(number) => Ok(*number),
        Value::U64(number) => Ok(Decimal::from(*number)),
        other => Err(Error::bug(format!("{} is no exact number", other.kind()))),
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
    Error::usage(format!("a value cannot be stored in SQLite: {what}"))
}
