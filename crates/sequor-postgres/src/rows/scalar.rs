//! One cell of a scalar type, by the server's type of the column. Only conversions that lose nothing.

use super::numeric::Numeric;
use crate::oid;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::Error;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::types::{parse_instant, parse_naive};
use uuid::Uuid;

/// Why a cell is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mismatch {
    /// The column is of another type than this.
    Type(&'static str),
    /// A number outside of this.
    Range(&'static str),
    /// Bytes or text that are no such thing.
    Malformed(&'static str),
    /// `infinity` or `-infinity` where the type knows neither.
    Infinite,
    /// `NaN` where the type does not know it.
    NotANumber,
    /// Text that is not UTF-8.
    NotUtf8,
}

impl Mismatch {
    /// The error, which names the server's type.
    #[cold]
    pub(crate) fn into_error(self, oid: u32) -> Error {
        match self {
            Mismatch::Type(expected) => Error::decode(format!("the database's type is {}, expected {expected}", oid::name(oid))),
            Mismatch::Range(expected) => out_of_range(expected),
            Mismatch::Malformed(expected) => malformed(expected),
            Mismatch::Infinite => Error::decode("the database holds infinity, which this type does not know"),
            Mismatch::NotANumber => Error::decode("the database holds NaN, which this type does not know"),
            Mismatch::NotUtf8 => Error::decode("the text is not UTF-8"),
        }
    }
}

/// The bytes as a fixed number of them.
#[inline]
pub(super) fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], Mismatch> {
    bytes.try_into().map_err(|_| Mismatch::Malformed(what))
}

#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Mismatch> {
    std::str::from_utf8(bytes).map_err(|_| Mismatch::NotUtf8)
}

fn is_text(oid: u32) -> bool {
    matches!(oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UNKNOWN)
}

#[inline]
pub(super) fn bool(bytes: &[u8], oid: u32) -> Result<bool, Mismatch> {
    match oid {
        oid::BOOL => match bytes {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Mismatch::Malformed("boolean")),
        },
        _ => Err(Mismatch::Type("boolean")),
    }
}

#[inline]
pub(super) fn i64(bytes: &[u8], oid: u32) -> Result<i64, Mismatch> {
    match oid {
        oid::INT8 => fixed(bytes, "integer").map(i64::from_be_bytes),
        oid::INT4 => fixed(bytes, "integer").map(|bytes| i64::from(i32::from_be_bytes(bytes))),
        oid::INT2 => fixed(bytes, "integer").map(|bytes| i64::from(i16::from_be_bytes(bytes))),
        oid::OID | oid::XID | oid::CID | oid::REGPROC | oid::REGCLASS | oid::REGTYPE => {
            fixed(bytes, "integer").map(|bytes| i64::from(u32::from_be_bytes(bytes)))
        }
        oid::XID8 => i64::try_from(u64::from_be_bytes(fixed(bytes, "integer")?)).map_err(|_| Mismatch::Range("a 64-bit integer")),
        oid::NUMERIC => {
            let whole = Numeric::parse(bytes)?.whole().ok_or(Mismatch::Range("a 64-bit integer"))?;
            i64::try_from(whole).map_err(|_| Mismatch::Range("a 64-bit integer"))
        }
        _ => Err(Mismatch::Type("integer")),
    }
}

#[inline]
pub(super) fn u64(bytes: &[u8], oid: u32) -> Result<u64, Mismatch> {
    let out = Mismatch::Range("an unsigned integer");
    match oid {
        oid::NUMERIC => u64::try_from(Numeric::parse(bytes)?.whole().ok_or(out)?).map_err(|_| out),
        oid::XID8 => fixed(bytes, "integer").map(u64::from_be_bytes),
        _ => u64::try_from(i64(bytes, oid)?).map_err(|_| out),
    }
}

#[inline]
pub(super) fn f64(bytes: &[u8], oid: u32) -> Result<f64, Mismatch> {
    match oid {
        oid::FLOAT8 => fixed(bytes, "float").map(f64::from_be_bytes),
        oid::FLOAT4 => fixed(bytes, "float").map(|bytes| f64::from(f32::from_be_bytes(bytes))),
        oid::NUMERIC => Numeric::parse(bytes)?.to_f64(),
        oid::INT2 | oid::INT4 | oid::INT8 => i64(bytes, oid)?.to_f64().ok_or(Mismatch::Range("a float")),
        _ => Err(Mismatch::Type("float")),
    }
}

/// A number of a row that is shown: a REAL is the 64-bit number that is spelt as it is, not the one with its bits. 0.1 stays 0.1.
pub(super) fn shown_f64(bytes: &[u8], oid: u32) -> Result<f64, Mismatch> {
    let value = f64(bytes, oid)?;
    if oid != oid::FLOAT4 {
        return Ok(value);
    }
    let narrow = fixed(bytes, "float").map(f32::from_be_bytes)?;
    Ok(narrow.to_string().parse().unwrap_or(value))
}

pub(super) fn decimal(bytes: &[u8], oid: u32) -> Result<Decimal, Mismatch> {
    match oid {
        oid::NUMERIC => Numeric::parse(bytes)?.to_decimal(),
        oid::INT2 | oid::INT4 | oid::INT8 => i64(bytes, oid).map(Decimal::from),
        _ => Err(Mismatch::Type("decimal")),
    }
}

pub(super) fn bytes(bytes: &[u8], oid: u32) -> Result<&[u8], Mismatch> {
    if oid == oid::BYTEA || !oid::is_known(oid) { Ok(bytes) } else { Err(Mismatch::Type("bytes")) }
}

#[inline]
pub(super) fn uuid(bytes: &[u8], oid: u32) -> Result<Uuid, Mismatch> {
    match oid {
        oid::UUID => fixed(bytes, "uuid").map(Uuid::from_bytes),
        oid if is_text(oid) => utf8(bytes)?.trim_end().parse().map_err(|_| Mismatch::Malformed("uuid")),
        _ => Err(Mismatch::Type("uuid")),
    }
}

/// Microseconds between 1970 and 2000.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 0001-01-01 to 2000-01-01, counted as chrono does.
const EPOCH_DAYS: i32 = 730_120;

#[inline]
fn micros(bytes: &[u8]) -> Result<DateTime<Utc>, Mismatch> {
    let micros = i64::from_be_bytes(fixed(bytes, "instant")?);
    if matches!(micros, i64::MIN | i64::MAX) {
        return Err(Mismatch::Infinite);
    }
    micros.checked_add(EPOCH_MICROS).and_then(DateTime::from_timestamp_micros).ok_or(Mismatch::Range("an instant"))
}

#[inline]
pub(super) fn date_time(bytes: &[u8], oid: u32) -> Result<DateTime<Utc>, Mismatch> {
    match oid {
        oid::TIMESTAMPTZ | oid::TIMESTAMP => micros(bytes),
        oid if is_text(oid) => parse_instant(utf8(bytes)?).ok_or(Mismatch::Malformed("instant")),
        _ => Err(Mismatch::Type("instant")),
    }
}

pub(super) fn naive_date_time(bytes: &[u8], oid: u32) -> Result<NaiveDateTime, Mismatch> {
    match oid {
        oid::TIMESTAMP => micros(bytes).map(|instant| instant.naive_utc()),
        oid if is_text(oid) => parse_naive(utf8(bytes)?).ok_or(Mismatch::Malformed("date and time")),
        _ => Err(Mismatch::Type("date and time without zone")),
    }
}

pub(super) fn date(bytes: &[u8], oid: u32) -> Result<NaiveDate, Mismatch> {
    match oid {
        oid::DATE => {
            let days = i32::from_be_bytes(fixed(bytes, "date")?);
            if matches!(days, i32::MIN | i32::MAX) {
                return Err(Mismatch::Infinite);
            }
            days.checked_add(EPOCH_DAYS).and_then(NaiveDate::from_num_days_from_ce_opt).ok_or(Mismatch::Range("a date"))
        }
        oid if is_text(oid) => utf8(bytes)?.trim_end().parse().map_err(|_| Mismatch::Malformed("date")),
        _ => Err(Mismatch::Type("date")),
    }
}

pub(super) fn time(bytes: &[u8], oid: u32) -> Result<NaiveTime, Mismatch> {
    match oid {
        oid::TIME => {
            let micros = u64::try_from(i64::from_be_bytes(fixed(bytes, "time")?)).map_err(|_| Mismatch::Malformed("time"))?;
            let (seconds, part) = (u32::try_from(micros / 1_000_000), u32::try_from(micros % 1_000_000 * 1_000));
            // The server's 24:00:00 has no counterpart.
            seconds
                .ok()
                .zip(part.ok())
                .and_then(|(seconds, part)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, part))
                .ok_or(Mismatch::Range("a time of day"))
        }
        oid if is_text(oid) => utf8(bytes)?.trim_end().parse().map_err(|_| Mismatch::Malformed("time")),
        _ => Err(Mismatch::Type("time of day")),
    }
}

pub(super) fn json(bytes: &[u8], oid: u32) -> Result<&str, Mismatch> {
    match (oid, bytes) {
        (oid::JSONB, [1, text @ ..]) => utf8(text),
        (oid::JSONB, _) => Err(Mismatch::Malformed("json")),
        (oid::JSON, text) => utf8(text),
        _ => Err(Mismatch::Type("json")),
    }
}
