//! Values → the wire: the packet that executes a prepared statement.
//!
//! A value travels as the type that its column has, whatever kind of value it is: MariaDB would compare a number with text by turning the text into a number.

mod numbers;
mod times;

use crate::statements::Statement;
use mysql_common::constants::{ColumnType as Wire, Command};
use sequor_core::decode::{malformed, out_of_range, unexpected};
use sequor_core::driver::Param;
use sequor_core::types::{ScalarType, document_text};
use sequor_core::{Error, Result, Value};
use std::io::Write;
use uuid::Uuid;

/// The longest parameter.
pub(crate) const LONGEST: usize = 256 << 20;

/// How a parameter is announced: its type and whether it is unsigned.
type Form = [u8; 2];

const NULL: Form = form(Wire::MYSQL_TYPE_NULL);
const TINY: Form = form(Wire::MYSQL_TYPE_TINY);
const LONG: Form = form(Wire::MYSQL_TYPE_LONGLONG);
const UNSIGNED: Form = [Wire::MYSQL_TYPE_LONGLONG as u8, 0x80];
const FLOAT: Form = form(Wire::MYSQL_TYPE_FLOAT);
const DOUBLE: Form = form(Wire::MYSQL_TYPE_DOUBLE);
const DECIMAL: Form = form(Wire::MYSQL_TYPE_NEWDECIMAL);
const TEXT: Form = form(Wire::MYSQL_TYPE_VAR_STRING);
const BLOB: Form = form(Wire::MYSQL_TYPE_BLOB);
const DATE: Form = form(Wire::MYSQL_TYPE_DATE);
const DATE_TIME: Form = form(Wire::MYSQL_TYPE_DATETIME);
const TIME: Form = form(Wire::MYSQL_TYPE_TIME);

const fn form(ty: Wire) -> Form {
    [ty as u8, 0]
}

/// Writes the body of the packet that executes a statement. `true`: the server has other types for its parameters, and is told anew.
///
/// # Errors
/// `Decode` for a value that its type does not take, `Usage` for a list that MySQL has no form for.
pub(crate) fn write_execute(out: &mut Vec<u8>, statement: &mut Statement, params: &[Param]) -> Result<bool> {
    let (start, mut changed) = (out.len(), false);
    loop {
        out.truncate(start);
        out.push(Command::COM_STMT_EXECUTE as u8);
        out.extend_from_slice(&statement.id.to_le_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0]);
        if params.is_empty() || write_params(out, statement, params)? {
            return Ok(changed);
        }
        // Other types than last time: once more, with the types.
        statement.types.clear();
        changed = true;
    }
}

/// Writes parameters, with their types unless the server has them. `false`: it has others.
fn write_params(out: &mut Vec<u8>, statement: &mut Statement, params: &[Param]) -> Result<bool> {
    let bitmap = out.len();
    out.resize(bitmap + params.len().div_ceil(8), 0);
    let known = statement.types.len() == 2 * params.len();
    out.push(u8::from(!known));
    let types = out.len();
    if !known {
        out.resize(types + 2 * params.len(), 0);
    }
    for (place, param) in params.iter().enumerate() {
        let last = statement.types.get(2 * place..2 * place + 2);
        let form = if param.value.is_null() {
            if let Some(byte) = out.get_mut(bitmap + place / 8) {
                *byte |= 1 << (place % 8);
            }
            last.and_then(|last| last.try_into().ok()).unwrap_or(NULL)
        } else {
            write(out, param).map_err(|error| error.unsent(place))?
        };
        if known {
            if last != Some(&form) {
                return Ok(false);
            }
        } else if let Some(slot) = out.get_mut(types + 2 * place..types + 2 * place + 2) {
            slot.copy_from_slice(&form);
        }
    }
    if !known {
        statement.types = out.get(types..types + 2 * params.len()).unwrap_or_default().to_vec();
    }
    Ok(true)
}

/// Writes one value that is not NULL.
#[inline]
fn write(out: &mut Vec<u8>, param: &Param) -> Result<Form> {
    use ScalarType as S;
    let value = &param.value;
    match (param.bind.scalar, value) {
        _ if param.bind.array => write_natural(out, value),
        (S::I16 | S::I32 | S::I64, Value::I64(number)) => Ok(numbers::signed(out, *number)),
        (S::Text | S::Inferred, Value::Text(text)) => write_text(out, text),
        (S::Inferred, value) => write_natural(out, value),
        (S::Bool, value) => numbers::write_bool(out, value),
        (S::I16 | S::I32 | S::I64 | S::U64, value) => numbers::write_integer(out, value),
        (S::F32, value) => numbers::write_single(out, value),
        (S::F64, value) => numbers::write_double(out, value),
        (S::Decimal, value) => numbers::write_decimal(out, value),
        (S::Text, value) => write_as_text(out, value),
        (S::Bytes, value) => write_bytes(out, value),
        (S::Uuid, value) => write_uuid(out, value),
        (S::DateTime, value) => times::write_moment(out, value, true),
        (S::NaiveDateTime, value) => times::write_moment(out, value, false),
        (S::Date, value) => times::write_date(out, value),
        (S::Time, value) => times::write_time(out, value),
        (S::Json | S::Jsonb, value) => write_document(out, value),
    }
}

/// A value as its own kind says.
fn write_natural(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    match value {
        Value::Null => Ok(NULL),
        Value::Bool(_) => numbers::write_bool(out, value),
        Value::I64(_) | Value::U64(_) => numbers::write_integer(out, value),
        Value::F64(_) => numbers::write_double(out, value),
        Value::Decimal(_) => numbers::write_decimal(out, value),
        Value::Text(text) => write_text(out, text),
        Value::Bytes(_) => write_bytes(out, value),
        Value::Uuid(_) => write_uuid(out, value),
        Value::DateTime(_) => times::write_moment(out, value, true),
        Value::NaiveDateTime(_) => times::write_moment(out, value, false),
        Value::Date(_) => times::write_date(out, value),
        Value::Time(_) => times::write_time(out, value),
        Value::Json(_) | Value::Array(_) => write_document(out, value),
        Value::Range(_) => Err(no_ranges()),
    }
}

#[cold]
fn no_ranges() -> Error {
    Error::unsupported("MySQL and MariaDB have no ranges: keep the two ends in columns of their own")
}

/// Writes a length in front of what follows.
#[inline]
fn write_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..=0xfa => out.push(length.to_le_bytes()[0]),
        0xfb..=0xffff => {
            let [a, b, ..] = length.to_le_bytes();
            out.extend_from_slice(&[0xfc, a, b]);
        }
        0x1_0000..=0xff_ffff => {
            let [a, b, c, ..] = length.to_le_bytes();
            out.extend_from_slice(&[0xfd, a, b, c]);
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
        }
    }
}

#[inline]
fn write_blob(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    if bytes.len() > LONGEST {
        return Err(out_of_range("256 MiB, the most that one parameter may have"));
    }
    if bytes.len() > 1 << 20 {
        out.reserve_exact(bytes.len() + 9);
    }
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
    Ok(())
}

#[inline]
fn write_text(out: &mut Vec<u8>, text: &str) -> Result<Form> {
    write_blob(out, text.as_bytes()).map(|()| TEXT)
}

/// Writes what a value displays, which is short, behind its length.
fn write_display(out: &mut Vec<u8>, value: impl std::fmt::Display) -> Result<()> {
    let start = out.len();
    out.push(0);
    write!(out, "{value}")?;
    match u8::try_from(out.len() - start - 1).ok().filter(|length| *length < 0xfb) {
        Some(length) => {
            if let Some(byte) = out.get_mut(start) {
                *byte = length;
            }
            Ok(())
        }
        None => {
            let text = out.split_off(start).split_off(1);
            write_blob(out, &text)
        }
    }
}

fn write_as_text(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    match value {
        Value::Text(text) => return write_text(out, text),
        Value::Bool(value) => write_display(out, value)?,
        Value::I64(value) => write_display(out, value)?,
        Value::U64(value) => write_display(out, value)?,
        Value::F64(value) => write_display(out, value)?,
        Value::Decimal(value) => write_display(out, value)?,
        Value::Uuid(value) => write_display(out, value.hyphenated())?,
        Value::NaiveDateTime(value) => write_display(out, value)?,
        Value::Date(value) => write_display(out, value)?,
        Value::Time(value) => write_display(out, value)?,
        Value::DateTime(value) => return write_text(out, &sequor_core::value::instant_text(value)),
        Value::Json(_) | Value::Array(_) => return write_document(out, value),
        Value::Bytes(bytes) => return write_text(out, str::from_utf8(bytes).map_err(|_| malformed("text"))?),
        Value::Null => return Ok(NULL),
        Value::Range(_) => return Err(no_ranges()),
    }
    Ok(TEXT)
}

fn write_bytes(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    match value {
        Value::Bytes(bytes) => write_blob(out, bytes)?,
        Value::Text(text) => write_blob(out, text.as_bytes())?,
        Value::Uuid(uuid) => write_blob(out, uuid.as_bytes())?,
        other => return Err(unexpected(other, "bytes")),
    }
    Ok(BLOB)
}

fn write_uuid(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let uuid = match value {
        Value::Uuid(uuid) => *uuid,
        Value::Text(text) => Uuid::try_parse(text).map_err(|_| malformed("uuid"))?,
        Value::Bytes(bytes) => Uuid::from_slice(bytes).map_err(|_| malformed("uuid"))?,
        other => return Err(unexpected(other, "uuid")),
    };
    let mut buffer = Uuid::encode_buffer();
    write_text(out, uuid.hyphenated().encode_lower(&mut buffer))
}

/// JSON as its text; text is taken as a document that is spelt already.
fn write_document(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    match value {
        Value::Text(text) => write_text(out, text),
        Value::Json(document) => write_text(out, &document_text(document)?),
        Value::Range(_) => Err(no_ranges()),
        other => write_text(out, &other.to_json().to_string()),
    }
}

#[cfg(test)]
mod tests;
