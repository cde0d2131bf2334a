//! Parameters: [`Value`] → the wire, in the type that the column asked for. Known scalars and lists of them travel in binary, the others as text.
//!
//! A value of another kind than its [`BindType`] is converted where nothing is lost and refused with a typed error where something would be; no message
//! shows the value.

mod convert;
mod list;
mod scalar;
mod spell;

use crate::oid;
use bytes::{BufMut, BytesMut};
use sequor_core::driver::Param;
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Error, Result, Value};

/// The longest parameter that is sent.
const LIMIT: usize = 256 * 1024 * 1024;
/// The protocol counts parameters in 16 bits.
const MOST: usize = 65_535;

/// The type that a parameter is declared with; 0 leaves it to the server.
#[inline]
pub(crate) fn declared(bind: BindType) -> u32 {
    if bind.array { oid::of_list(bind.scalar) } else { oid::of_scalar(bind.scalar) }
}

/// Whether any of the parameters can only be written once the server has named its type: a document for a parameter of unknown type is JSON or an hstore.
pub(crate) fn needs_types(params: &[Param]) -> bool {
    params.iter().any(|param| param.bind.scalar == ScalarType::Inferred && matches!(param.value, Value::Json(_)))
}

/// Writes a Bind of the unnamed or a numbered portal, all results in binary. `types` are the server's types of the parameters, where it has named them.
///
/// On an error `out` is as it was.
pub(crate) fn write_bind(portal: &str, statement: &str, params: &[Param], types: &[u32], out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    let result = write_body(portal, statement, params, types, out);
    let length = out.len() - start;
    match (result, i32::try_from(length.saturating_sub(1))) {
        (Ok(()), Ok(length)) => {
            if let Some(slot) = out.get_mut(start + 1..start + 5) {
                slot.copy_from_slice(&length.to_be_bytes());
            }
            Ok(())
        }
        (Ok(()), Err(_)) => {
            out.truncate(start);
            Err(Error::usage("the parameters of one statement are longer than 2 GiB"))
        }
        (Err(error), _) => {
            out.truncate(start);
            Err(error)
        }
    }
}

#[inline]
fn write_body(portal: &str, statement: &str, params: &[Param], types: &[u32], out: &mut BytesMut) -> Result<()> {
    let count = u16::try_from(params.len()).map_err(|_| too_many(params.len()))?;
    if params.iter().all(|param| param.bind.scalar != ScalarType::Inferred) {
        put_head(portal, statement, count, out);
    } else {
        put_names(portal, statement, out);
        out.put_u16(count);
        for param in params {
            out.put_u16(u16::from(param.bind.scalar != ScalarType::Inferred));
        }
        out.put_u16(count);
    }
    for (place, param) in params.iter().enumerate() {
        if param.value.is_null() {
            out.put_u32(u32::MAX);
            continue;
        }
        let at = out.len();
        out.put_u32(0);
        write_param(param, types.get(place).copied().unwrap_or(0), out).map_err(|error| error.unsent(place))?;
        let length = out.len() - at - 4;
        let length = u32::try_from(length).ok().filter(|_| length <= LIMIT).ok_or_else(|| too_long(place))?;
        if let Some(slot) = out.get_mut(at..at + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }
    out.put_slice(&[0, 1, 0, 1]);
    Ok(())
}

/// The beginning of a Bind whose parameters are all binary. The buffer is asked for room once: it is asked for every statement.
#[inline]
fn put_head(portal: &str, statement: &str, count: u16, out: &mut BytesMut) {
    const ROOM: usize = 96;
    let (first, second) = (portal.as_bytes(), statement.as_bytes());
    let mut head = [0u8; ROOM];
    let length = first.len() + second.len() + 13;
    let [high, low] = count.to_be_bytes();
    let mut put = |at: usize, bytes: &[u8]| head.get_mut(at..at + bytes.len()).map(|slot| slot.copy_from_slice(bytes));
    let whole = put(0, b"B")
        .and_then(|()| put(5, first))
        .and_then(|()| put(first.len() + 6, second))
        .and_then(|()| put(length - 6, &[0, 1, 0, 1, high, low]));
    match (whole, head.get(..length)) {
        (Some(()), Some(head)) => out.put_slice(head),
        _ => {
            put_names(portal, statement, out);
            out.put_slice(&[0, 1, 0, 1, high, low]);
        }
    }
}

fn put_names(portal: &str, statement: &str, out: &mut BytesMut) {
    out.put_slice(b"B\0\0\0\0");
    out.put_slice(portal.as_bytes());
    out.put_u8(0);
    out.put_slice(statement.as_bytes());
    out.put_u8(0);
}

#[inline]
fn write_param(param: &Param, server_type: u32, out: &mut BytesMut) -> Result<()> {
    match (&param.value, param.bind) {
        // The two commonest keys.
        (Value::I64(value), BindType { scalar: ScalarType::I64, array: false }) => {
            out.put_i64(*value);
            Ok(())
        }
        (Value::Uuid(value), BindType { scalar: ScalarType::Uuid, array: false }) => {
            out.put_slice(value.as_bytes());
            Ok(())
        }
        (value, BindType { scalar: ScalarType::Inferred, array: _ }) => spell::write(value, server_type, out),
        (value, BindType { scalar, array: true }) => list::write(value, scalar, out),
        (value, BindType { scalar, array: false }) => scalar::write(value, scalar, out),
    }
}

#[cold]
#[track_caller]
fn too_many(count: usize) -> Error {
    Error::usage(format!("a statement takes at most {MOST} parameters, this one has {count}: pass a list as one parameter (`= ANY($1)`)"))
}

#[cold]
fn too_long(place: usize) -> Error {
    Error::usage(format!("parameter ${} is longer than 256 MiB", place + 1))
}

/// Text that PostgreSQL can store: any but U+0000.
#[inline]
fn put_text(text: &str, out: &mut BytesMut) -> Result<()> {
    if text.len() > LIMIT {
        return Err(Error::decode("the text is longer than 256 MiB"));
    }
    if text.as_bytes().contains(&0) {
        return Err(holds_nul());
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

#[cold]
fn holds_nul() -> Error {
    Error::decode("the text holds the character U+0000, which PostgreSQL cannot store in text; use a bytes column, or remove it")
}

#[cfg(test)]
mod tests;
