//! A cell as the [`Value`] that the server's own type says: raw rows.

use super::numeric::Numeric;
use super::scalar::Mismatch;
use super::{array, scalar, text, typed};
use crate::oid;
use sequor_core::Value;

/// The value, by the server's type alone. What no [`Value`] holds exactly is text.
pub(super) fn value(bytes: &[u8], oid: u32) -> Result<Value, Mismatch> {
    Ok(match oid {
        oid::BOOL => Value::Bool(scalar::bool(bytes, oid)?),
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID | oid::XID | oid::CID | oid::REGPROC | oid::REGCLASS | oid::REGTYPE => {
            Value::I64(scalar::i64(bytes, oid)?)
        }
        oid::XID8 => Value::from_u64(scalar::u64(bytes, oid)?),
        oid::FLOAT4 | oid::FLOAT8 => Value::F64(scalar::shown_f64(bytes, oid)?),
        oid::NUMERIC => decimal(bytes)?,
        oid::BYTEA => Value::Bytes(bytes.to_vec()),
        oid::UUID => Value::Uuid(scalar::uuid(bytes, oid)?),
        oid::TIMESTAMPTZ => infinite(bytes, scalar::date_time(bytes, oid).map(Value::DateTime))?,
        oid::TIMESTAMP => infinite(bytes, scalar::naive_date_time(bytes, oid).map(Value::NaiveDateTime))?,
        oid::DATE => infinite(bytes, scalar::date(bytes, oid).map(Value::Date))?,
        oid::TIME => match scalar::time(bytes, oid) {
            Err(Mismatch::Range(_)) if bytes == 86_400_000_000i64.to_be_bytes() => Value::Text("24:00:00".into()),
            other => Value::Time(other?),
        },
        oid::JSON | oid::JSONB => typed::json(scalar::json(bytes, oid)?)?,
        oid if oid::is_array(oid) => array::array(bytes, &mut value)?,
        oid if oid::is_known(oid) => match oid::range_element(oid) {
            Some(end) => array::range(bytes, &mut |bytes| value(bytes, end))?,
            None => Value::Text(text::owned(bytes, oid)?),
        },
        _ => unknown(bytes),
    })
}

fn decimal(bytes: &[u8]) -> Result<Value, Mismatch> {
    let numeric = Numeric::parse(bytes)?;
    Ok(numeric.to_decimal().map_or_else(
        |_| {
            let mut text = String::new();
            numeric.write(&mut text);
            Value::Text(text)
        },
        Value::Decimal,
    ))
}

/// `infinity` has no place in the calendar; raw rows have it as the server's word.
fn infinite(bytes: &[u8], read: Result<Value, Mismatch>) -> Result<Value, Mismatch> {
    match read {
        Err(Mismatch::Infinite) => {
            Ok(Value::Text(if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { "-infinity" } else { "infinity" }.into()))
        }
        other => other,
    }
}

/// A type that an extension or a schema made: enum labels and citext are text. The server's text holds no NUL, so what holds one is tried as a list of
/// text and as an hstore, whose lengths must add up to the last byte.
fn unknown(bytes: &[u8]) -> Value {
    if !bytes.contains(&0) {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_vec()),
        };
    }
    let mut element = |bytes: &[u8], oid: u32| if oid::is_known(oid) { value(bytes, oid) } else { Ok(unknown(bytes)) };
    array::array(bytes, &mut element).or_else(|_| array::hstore(bytes)).unwrap_or_else(|_| Value::Bytes(bytes.to_vec()))
}
