//! Arrays, ranges and hstore: values that hold values. Lengths are believed only as far as the bytes reach.

use super::scalar::{Mismatch, utf8};
use sequor_core::Value;
use sequor_core::value::RangeValue;

/// PostgreSQL's own limit of dimensions.
const DIMENSIONS: usize = 6;

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

/// Reads one element, of this type.
type Element<'a> = &'a mut dyn FnMut(&[u8], u32) -> Result<Value, Mismatch>;

fn take_u32<'a>(bytes: &mut &'a [u8], what: &'static str) -> Result<u32, Mismatch> {
    let (head, rest): (&'a [u8; 4], _) = bytes.split_first_chunk::<4>().ok_or(Mismatch::Malformed(what))?;
    *bytes = rest;
    Ok(u32::from_be_bytes(*head))
}

/// A length and so many bytes; `None` is NULL.
fn take_cell<'a>(bytes: &mut &'a [u8], what: &'static str) -> Result<Option<&'a [u8]>, Mismatch> {
    let length = take_u32(bytes, what)?;
    if length == u32::MAX {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Mismatch::Malformed(what))?;
    let (cell, rest) = bytes.split_at_checked(length).ok_or(Mismatch::Malformed(what))?;
    *bytes = rest;
    Ok(Some(cell))
}

/// An array as lists; each element is read by `element` with its type.
pub(super) fn array(mut bytes: &[u8], element: Element<'_>) -> Result<Value, Mismatch> {
    let wrong = Mismatch::Malformed("list");
    let dimensions = usize::try_from(take_u32(&mut bytes, "list")?).map_err(|_| wrong)?;
    let flags = take_u32(&mut bytes, "list")?;
    let oid = take_u32(&mut bytes, "list")?;
    if dimensions > DIMENSIONS || flags > 1 {
        return Err(wrong);
    }
    let mut lengths = [0usize; DIMENSIONS];
    let mut total = 1usize;
    for length in lengths.iter_mut().take(dimensions) {
        *length = usize::try_from(take_u32(&mut bytes, "list")?).map_err(|_| wrong)?;
        take_u32(&mut bytes, "list")?;
        total = total.checked_mul(*length).ok_or(wrong)?;
    }
    if dimensions == 0 {
        return if bytes.is_empty() { Ok(Value::Array(Vec::new())) } else { Err(wrong) };
    }
    // Every element takes four bytes at least.
    if total > bytes.len() / 4 || lengths.iter().take(dimensions).any(|length| *length == 0) {
        return Err(wrong);
    }
    let value = level(&mut bytes, lengths.get(..dimensions).unwrap_or_default(), oid, element)?;
    if bytes.is_empty() { Ok(value) } else { Err(wrong) }
}

fn level(bytes: &mut &[u8], lengths: &[usize], oid: u32, element: Element<'_>) -> Result<Value, Mismatch> {
    let Some((length, deeper)) = lengths.split_first() else { return Err(Mismatch::Malformed("list")) };
    let mut values = Vec::with_capacity((*length).min(bytes.len() / 4));
    for _ in 0..*length {
        values.push(if deeper.is_empty() {
            match take_cell(bytes, "list")? {
                Some(cell) => element(cell, oid)?,
                None => Value::Null,
            }
        } else {
            level(bytes, deeper, oid, element)?
        });
    }
    Ok(Value::Array(values))
}

/// A range; each end is read by `end`.
pub(super) fn range(bytes: &[u8], end: &mut dyn FnMut(&[u8]) -> Result<Value, Mismatch>) -> Result<Value, Mismatch> {
    let wrong = Mismatch::Malformed("range");
    let (flags, mut rest) = bytes.split_first().ok_or(wrong)?;
    if flags & EMPTY != 0 {
        return if rest.is_empty() { Ok(Value::Range(Box::new(RangeValue::Empty))) } else { Err(wrong) };
    }
    let mut take = |infinite: u8, inclusive: u8| -> Result<Option<(Value, bool)>, Mismatch> {
        if flags & infinite != 0 {
            return Ok(None);
        }
        let cell = take_cell(&mut rest, "range")?.ok_or(wrong)?;
        Ok(Some((end(cell)?, flags & inclusive != 0)))
    };
    let lower = take(LOWER_INFINITE, LOWER_INCLUSIVE)?;
    let upper = take(UPPER_INFINITE, UPPER_INCLUSIVE)?;
    if rest.is_empty() { Ok(Value::Range(Box::new(RangeValue::Between { lower, upper }))) } else { Err(wrong) }
}

/// An hstore as a JSON object of texts and nulls.
pub(super) fn hstore(mut bytes: &[u8]) -> Result<Value, Mismatch> {
    let wrong = Mismatch::Malformed("hstore");
    let count = take_u32(&mut bytes, "hstore")?;
    let mut entries = serde_json::Map::new();
    for _ in 0..count {
        let key = utf8(take_cell(&mut bytes, "hstore")?.ok_or(wrong)?)?.to_owned();
        let value = match take_cell(&mut bytes, "hstore")? {
            Some(text) => serde_json::Value::String(utf8(text)?.to_owned()),
            None => serde_json::Value::Null,
        };
        entries.insert(key, value);
    }
    if bytes.is_empty() { Ok(Value::from(serde_json::Value::Object(entries))) } else { Err(wrong) }
}
