//! The arrays of a bulk insert by hand: each column written straight from the rows.

use bench_harness::data::New;
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;

/// One array parameter, written straight from the rows.
pub fn array<T>(out: &mut BytesMut, rows: &[T], oid: u32, mut put: impl FnMut(&T, &mut BytesMut) -> bool) -> IsNull {
    for word in [1, 1] {
        out.put_i32(word);
    }
    out.put_u32(oid);
    out.put_i32(rows.len() as i32);
    out.put_i32(1);
    for row in rows {
        let at = out.len();
        out.put_i32(0);
        let length = if put(row, out) { (out.len() - at - 4) as i32 } else { -1 };
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    IsNull::No
}

pub fn text(out: &mut BytesMut, text: Option<&str>) -> bool {
    out.put_slice(text.unwrap_or_default().as_bytes());
    text.is_some()
}

pub fn insert_column(index: usize, rows: &[New], out: &mut BytesMut) -> IsNull {
    let micros = |row: &New| row.created_at.timestamp_micros() - 946_684_800_000_000;
    match index {
        0 => array(out, rows, 25, |row, out| text(out, Some(&row.name))),
        1 => array(out, rows, 25, |row, out| text(out, Some(&row.email))),
        2 => array(out, rows, 23, |row, out| row.age.map(|age| out.put_i32(age)).is_some()),
        3 => array(out, rows, 701, |row, out| {
            out.put_f64(row.score);
            true
        }),
        4 => array(out, rows, 16, |row, out| {
            out.put_u8(row.active.into());
            true
        }),
        5 => array(out, rows, 25, |row, out| text(out, row.bio.as_deref())),
        _ => array(out, rows, 1184, |row, out| {
            out.put_i64(micros(row));
            true
        }),
    }
}
