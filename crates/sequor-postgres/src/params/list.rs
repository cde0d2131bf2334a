//! A list in the binary form of its array type, NULL elements and lists of lists included.

use super::convert::expected;
use super::{LIMIT, put_text, scalar};
use crate::oid;
use bytes::{BufMut, BytesMut};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Result, Value};

/// PostgreSQL's own limit of dimensions.
const DIMENSIONS: usize = 6;

/// Writes a list of scalars.
pub(super) fn write(value: &Value, scalar: ScalarType, out: &mut BytesMut) -> Result<()> {
    match value {
        Value::Array(values) => write_values(values, scalar, out),
        Value::Json(document) => match &**document {
            serde_json::Value::Array(items) => write_values(&items.iter().map(from_json).collect::<Vec<_>>(), scalar, out),
            _ => Err(expected(value, "a list")),
        },
        other => Err(expected(other, "a list")),
    }
}

fn from_json(item: &serde_json::Value) -> Value {
    match item {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        other => Value::Json(Box::new(other.clone())),
    }
}

fn write_values(values: &[Value], scalar: ScalarType, out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    let mut lengths = [0u32; DIMENSIONS];
    let dimensions = measure(values, &mut lengths)?;
    out.put_u32(u32::try_from(dimensions).unwrap_or(0));
    let flags = out.len();
    out.put_u32(0);
    out.put_u32(oid::of_scalar(scalar));
    for length in lengths.iter().take(dimensions) {
        out.put_u32(*length);
        out.put_i32(1);
    }
    let mut nulls = false;
    level(values, lengths.get(..dimensions).unwrap_or_default(), scalar, out, &mut nulls, start)?;
    if let Some(flag) = out.get_mut(flags + 3) {
        *flag = nulls.into();
    }
    Ok(())
}

/// How long the list is in each dimension, by its first elements.
fn measure(values: &[Value], lengths: &mut [u32; DIMENSIONS]) -> Result<usize> {
    let mut values = values;
    let mut dimensions = 0;
    while !values.is_empty() {
        let slot = lengths.get_mut(dimensions).ok_or_else(|| Error::decode("a list has at most six levels"))?;
        *slot = u32::try_from(values.len()).map_err(|_| Error::decode("the list is too long"))?;
        dimensions += 1;
        match values.first() {
            Some(Value::Array(inner)) => values = inner,
            _ => return Ok(dimensions),
        }
    }
    // Lists of empty lists are the empty list to PostgreSQL.
    Ok(0)
}

fn level(values: &[Value], lengths: &[u32], scalar: ScalarType, out: &mut BytesMut, nulls: &mut bool, start: usize) -> Result<()> {
    let Some((length, deeper)) = lengths.split_first() else {
        return if values.iter().all(|value| matches!(value, Value::Array(inner) if inner.is_empty())) { Ok(()) } else { Err(ragged()) };
    };
    if u32::try_from(values.len()) != Ok(*length) {
        return Err(ragged());
    }
    if deeper.is_empty() {
        return flat(values, scalar, out, nulls, start);
    }
    for value in values {
        let Value::Array(inner) = value else { return Err(ragged()) };
        level(inner, deeper, scalar, out, nulls, start)?;
    }
    Ok(())
}

/// A list without lists in it: a column of many rows, most of the time. The commonest pairs are written in one piece.
fn flat(values: &[Value], scalar: ScalarType, out: &mut BytesMut, nulls: &mut bool, start: usize) -> Result<()> {
    for value in values {
        match (value, scalar) {
            (Value::Null, _) => {
                out.put_slice(&[0xff; 4]);
                *nulls = true;
            }
            (Value::Text(text), ScalarType::Text) => {
                out.put_u32(u32::try_from(text.len()).map_err(|_| too_long())?);
                put_text(text, out)?;
            }
            (Value::I64(number), ScalarType::I64) => sized(number.to_be_bytes(), out),
            (Value::F64(number), ScalarType::F64) => sized(number.to_be_bytes(), out),
            (Value::Bool(truth), ScalarType::Bool) => sized([u8::from(*truth)], out),
            (Value::I64(number), ScalarType::I32) => match i32::try_from(*number) {
                Ok(number) => sized(number.to_be_bytes(), out),
                Err(_) => element(value, scalar, out)?,
            },
            (Value::Array(_), _) => return Err(ragged()),
            _ => element(value, scalar, out)?,
        }
        if out.len() - start > LIMIT {
            return Err(Error::decode("the list is longer than 256 MiB"));
        }
    }
    Ok(())
}

/// An element of a fixed length, with its length.
#[inline]
fn sized<const N: usize>(bytes: [u8; N], out: &mut BytesMut) {
    let mut whole = [0u8; 12];
    whole[3] = N as u8;
    whole[4..4 + N].copy_from_slice(&bytes);
    out.put_slice(&whole[..4 + N]);
}

#[cold]
fn too_long() -> Error {
    Error::decode("an element of the list is too long")
}

#[inline]
fn element(value: &Value, scalar: ScalarType, out: &mut BytesMut) -> Result<()> {
    let at = out.len();
    out.put_u32(0);
    scalar::write(value, scalar, out)?;
    let length = u32::try_from(out.len() - at - 4).map_err(|_| too_long())?;
    if let Some(slot) = out.get_mut(at..at + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

#[cold]
fn ragged() -> Error {
    Error::decode("the lists inside a list must all be of one length")
}
