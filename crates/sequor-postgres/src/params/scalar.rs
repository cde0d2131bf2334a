//! One scalar in the binary form of its type.

use super::convert::{self, expected};
use super::{LIMIT, put_text};
use crate::rows::write_decimal;
use bytes::{BufMut, BytesMut};
use chrono::{NaiveDate, NaiveDateTime, Timelike};
use sequor_core::types::{ScalarType, document_text};
use sequor_core::{Error, Result, Value};

/// Microseconds between 1970 and 2000.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 0001-01-01 to 2000-01-01, counted as chrono does.
const EPOCH_DAYS: i32 = 730_120;
/// The first day that the server knows, 4714-11-24 BC, counted from 2000-01-01; its last one lies behind all of chrono's.
const FIRST_DAY: i32 = -2_451_545;
/// The same in microseconds.
const FIRST_MICROS: i64 = FIRST_DAY as i64 * 86_400_000_000;

/// Writes a value that is not NULL. [`ScalarType::Inferred`] does not come here.
pub(super) fn write(value: &Value, scalar: ScalarType, out: &mut BytesMut) -> Result<()> {
    match scalar {
        ScalarType::Bool => out.put_u8(convert::to_bool(value)?.into()),
        ScalarType::I16 => out.put_i16(convert::to_integer(value, "a 16-bit integer")?),
        ScalarType::I32 => out.put_i32(convert::to_integer(value, "a 32-bit integer")?),
        ScalarType::I64 => out.put_i64(convert::to_integer(value, "a 64-bit integer")?),
        ScalarType::U64 => write_decimal(&convert::to_integer::<u64>(value, "an unsigned 64-bit integer")?.into(), out),
        ScalarType::F32 => out.put_f32(convert::to_f32(value)?),
        ScalarType::F64 => out.put_f64(convert::to_f64(value)?),
        ScalarType::Decimal => write_numeric(value, out)?,
        ScalarType::Text => write_text(value, out)?,
        ScalarType::Bytes => write_bytes(value, out)?,
        ScalarType::Uuid => out.put_slice(convert::to_uuid(value)?.as_bytes()),
        ScalarType::DateTime => put_instant(convert::to_instant(value)?.naive_utc(), out)?,
        ScalarType::NaiveDateTime => put_instant(convert::to_naive(value)?, out)?,
        ScalarType::Date => put_date(convert::to_date(value)?, out)?,
        ScalarType::Time => {
            let time = convert::to_time(value)?;
            let micros = i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000);
            // A leap second has no place on the server's clock.
            out.put_i64(micros.min(86_400_000_000));
        }
        ScalarType::Json => write_json(value, out)?,
        ScalarType::Jsonb => {
            out.put_u8(1);
            let start = out.len();
            write_json(value, out)?;
            check_document(out.get(start..).unwrap_or_default())?;
        }
        ScalarType::Inferred => return Err(Error::bug("a parameter of unknown type in binary")),
    }
    Ok(())
}

fn write_numeric(value: &Value, out: &mut BytesMut) -> Result<()> {
    match value {
        // Not a number of ours, but one of the server's.
        Value::F64(number) if number.is_nan() => out.put_slice(&[0, 0, 0, 0, 0xc0, 0, 0, 0]),
        Value::Text(text) if text == "NaN" => out.put_slice(&[0, 0, 0, 0, 0xc0, 0, 0, 0]),
        value => write_decimal(&convert::to_decimal(value)?, out),
    }
    Ok(())
}

fn write_text(value: &Value, out: &mut BytesMut) -> Result<()> {
    match value {
        Value::Text(text) => put_text(text, out),
        Value::Null | Value::Bytes(_) | Value::Array(_) | Value::Range(_) => Err(expected(value, "text")),
        Value::Json(document) => match &**document {
            serde_json::Value::String(text) => put_text(text, out),
            document => put_text(&document.to_string(), out),
        },
        Value::Bool(_)
        | Value::I64(_)
        | Value::U64(_)
        | Value::F64(_)
        | Value::Decimal(_)
        | Value::Uuid(_)
        | Value::DateTime(_)
        | Value::NaiveDateTime(_)
        | Value::Date(_)
        | Value::Time(_) => super::spell::write(value, 0, out),
    }
}

fn write_bytes(value: &Value, out: &mut BytesMut) -> Result<()> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.as_slice(),
        Value::Text(text) => text.as_bytes(),
        other => return Err(expected(other, "bytes")),
    };
    if bytes.len() > LIMIT {
        return Err(Error::decode("the bytes are longer than 256 MiB"));
    }
    out.put_slice(bytes);
    Ok(())
}

/// JSON as its text; text is taken as a document that is spelt already.
fn write_json(value: &Value, out: &mut BytesMut) -> Result<()> {
    match value {
        Value::Text(text) => put_text(text, out),
        Value::Json(document) => {
            out.put_slice(document_text(document)?.as_bytes());
            Ok(())
        }
        other => serde_json::to_writer(out.writer(), &other.to_json()).map_err(Error::other),
    }
}

/// Refuses a document with U+0000, which `json` takes and `jsonb` does not.
fn check_document(text: &[u8]) -> Result<()> {
    if text.contains(&b'\\') && spells_nul(text) {
        return Err(Error::decode("the JSON document holds the character U+0000, which PostgreSQL's jsonb does not; remove it"));
    }
    Ok(())
}

/// Whether a JSON text spells U+0000: a backslash that is escaped itself begins nothing.
fn spells_nul(mut text: &[u8]) -> bool {
    while let Some(place) = text.iter().position(|byte| *byte == b'\\') {
        let rest = text.get(place + 1..).unwrap_or_default();
        if rest.starts_with(b"u0000") {
            return true;
        }
        text = rest.get(1..).unwrap_or_default();
    }
    false
}

#[cold]
fn out_of_dates() -> Error {
    Error::decode("PostgreSQL holds dates of the years 4714 BC to 294276; leave the field NULL, or keep it in an integer column")
}

fn put_instant(instant: NaiveDateTime, out: &mut BytesMut) -> Result<()> {
    let micros = instant.and_utc().timestamp_micros().checked_sub(EPOCH_MICROS).filter(|micros| *micros >= FIRST_MICROS);
    out.put_i64(micros.ok_or_else(out_of_dates)?);
    Ok(())
}

fn put_date(date: NaiveDate, out: &mut BytesMut) -> Result<()> {
    use chrono::Datelike;
    let days = date.num_days_from_ce().checked_sub(EPOCH_DAYS).filter(|days| *days >= FIRST_DAY);
    out.put_i32(days.ok_or_else(out_of_dates)?);
    Ok(())
}
