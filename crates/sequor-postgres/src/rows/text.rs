//! Cells that are text, and those that the server spells as text: addresses, intervals, bits, search documents.

mod interval;
mod network;

use super::scalar::{Mismatch, fixed, json, utf8};
use crate::oid;
use std::fmt::Write;
use uuid::Uuid;

/// The text of a cell: as it lies in the row, or `None` with the text in `scratch`.
pub(super) fn of<'a>(bytes: &'a [u8], oid: u32, scratch: &mut String) -> Result<Option<&'a str>, Mismatch> {
    scratch.clear();
    match oid {
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UNKNOWN | oid::XML | oid::PG_NODE_TREE => return utf8(bytes).map(Some),
        oid::CHAR => return utf8(if bytes == [0] { &[] } else { bytes }).map(Some),
        oid::JSON | oid::JSONB => return json(bytes, oid).map(Some),
        oid::JSONPATH => return utf8(bytes.get(1..).unwrap_or_default()).map(Some),
        oid::UUID => {
            let uuid = Uuid::from_bytes(fixed(bytes, "uuid")?);
            let mut buffer = Uuid::encode_buffer();
            scratch.push_str(uuid.hyphenated().encode_lower(&mut buffer));
        }
        oid::INET => network::address(bytes, scratch)?,
        oid::CIDR => network::address(bytes, scratch)?,
        oid::MACADDR => network::hardware(&fixed::<6>(bytes, "hardware address")?, scratch),
        oid::MACADDR8 => network::hardware(&fixed::<8>(bytes, "hardware address")?, scratch),
        oid::INTERVAL => interval::write(bytes, scratch)?,
        oid::TIMETZ => interval::write_zoned_time(bytes, scratch)?,
        oid::BIT | oid::VARBIT => bits(bytes, scratch)?,
        oid::TSVECTOR => search_document(bytes, scratch)?,
        oid if oid::is_known(oid) => return Err(Mismatch::Type("text")),
        // Enum labels, citext and the like; the server's text holds no NUL.
        _ if bytes.contains(&0) => return Err(Mismatch::Type("text")),
        _ => return utf8(bytes).map(Some),
    }
    Ok(None)
}

/// The text of a cell, owned.
pub(super) fn owned(bytes: &[u8], oid: u32) -> Result<String, Mismatch> {
    let mut scratch = String::new();
    Ok(match of(bytes, oid, &mut scratch)? {
        Some(text) => text.to_owned(),
        None => scratch,
    })
}

fn bits(bytes: &[u8], text: &mut String) -> Result<(), Mismatch> {
    let wrong = Mismatch::Malformed("bit string");
    let (length, bytes) = bytes.split_first_chunk::<4>().ok_or(wrong)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| wrong)?;
    if length.div_ceil(8) != bytes.len() {
        return Err(wrong);
    }
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    text.extend(bits.take(length).map(|bit| if bit { '1' } else { '0' }));
    Ok(())
}

/// `'word':1A,2 'other'`, as the server spells a tsvector.
fn search_document(bytes: &[u8], text: &mut String) -> Result<(), Mismatch> {
    let wrong = Mismatch::Malformed("text search document");
    let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or(wrong)?;
    for place in 0..u32::from_be_bytes(*count) {
        let end = rest.iter().position(|byte| *byte == 0).ok_or(wrong)?;
        let word = utf8(rest.get(..end).unwrap_or_default())?;
        let (positions, after) = rest.get(end + 1..).and_then(|rest| rest.split_first_chunk::<2>()).ok_or(wrong)?;
        let size = usize::from(u16::from_be_bytes(*positions)) * 2;
        let (positions, after) = after.split_at_checked(size).ok_or(wrong)?;
        // Writing into a String cannot fail.
        let _ = write!(text, "{}'{}'", if place > 0 { " " } else { "" }, word.replace('\\', "\\\\").replace('\'', "''"));
        for (index, pair) in positions.chunks_exact(2).enumerate() {
            let position = u16::from_be_bytes([pair[0], pair[1]]);
            let weight = ["", "C", "B", "A"].get(usize::from(position >> 14)).copied().unwrap_or_default();
            let _ = write!(text, "{}{}{weight}", if index > 0 { ',' } else { ':' }, position & 0x3fff);
        }
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(wrong) }
}
