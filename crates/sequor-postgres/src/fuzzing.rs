//! Doors for fuzzing, and for replaying its corpus: every decoder of server bytes, fed with bytes that no server may have sent. They return; that is all.

use crate::connect::PostgresOptions;
use crate::error::ServerMessage;
use crate::rows::{Row, find_cells, parse_columns};
use sequor_core::driver::RowReader;
use sequor_core::types::ColumnType;

/// An error message of a server, and a description of columns with one row: the first two bytes say how long the description is. Gives the number of
/// rows that could be read.
pub fn answers(bytes: &[u8]) -> usize {
    let _ = ServerMessage::parse(bytes).into_connect_error("fuzz");
    let _ = ServerMessage::parse(bytes).into_error("fuzz");
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return 0 };
    let Some((description, body)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))) else { return 0 };
    let Some(columns) = parse_columns(description) else { return 0 };
    let mut cells = Vec::new();
    if !find_cells(body, columns.len(), &mut cells) {
        return 0;
    }
    let mut scratch = String::new();
    let mut row = Row::new(body, &cells, &columns, &mut scratch);
    for index in 0..=columns.len() {
        read(&mut row, index);
    }
    1
}

/// Reads one cell in every way that there is.
fn read(row: &mut dyn RowReader, index: usize) {
    let _ = row.is_null(index);
    let _ = (row.bool(index), row.i64(index), row.u64(index), row.f64(index), row.decimal(index), row.uuid(index));
    let _ = row.text(index).map(|text| text.map(str::len));
    let _ = row.bytes(index).map(|bytes| bytes.map(<[u8]>::len));
    let _ = row.json(index).map(|text| text.map(str::len));
    let _ = (row.date_time(index), row.naive_date_time(index), row.date(index), row.time(index));
    let _ = row.any(index);
    for ty in [ColumnType::Json(true), ColumnType::Text] {
        let _ = row.value(index, &ty);
    }
}

/// A URL.
pub fn url(text: &str) {
    let _ = PostgresOptions::parse(text);
}

#[cfg(test)]
mod tests;
