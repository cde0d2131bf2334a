//! Doors for fuzzing, and for replaying its corpus: every decoder of server bytes, fed with bytes that no server may have sent. They return; that is all.

use crate::error::{connect_error, statement_error};
use crate::options::MysqlOptions;
use crate::rows::{Collector, Columns, Row};
use crate::wire::{Event, Layout, Replies, Reply, ServerError};
use sequor_core::driver::RowReader;
use sequor_core::types::ColumnType;
use std::sync::Arc;

/// A conversation: its first byte says how it is laid out, then come packets, each behind two bytes of length.
/// Gives the number of rows that came.
pub fn answers(bytes: &[u8]) -> usize {
    let Some((kind, mut rest)) = bytes.split_first() else { return 0 };
    let extended = kind & 1 != 0;
    let layout = Layout { without_eof: kind & 2 != 0, cached_definitions: kind & 4 != 0, extended_definitions: extended };
    let mut replies = Replies::new(layout, 2);
    replies.expect(if kind & 8 != 0 { Reply::Prepare } else { Reply::Rows }, 0);
    let mut columns = Arc::new(Columns::default());
    let (mut collector, mut seen) = (None, 0);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (packet, after) = after.split_at(length);
        rest = after;
        let error = ServerError::parse(packet);
        let _ = (statement_error(&error), connect_error(&error, "fuzz"));
        match replies.feed(packet) {
            Ok(Event::Columns { .. }) => collector = Some(Collector::new(columns.clone(), true, extended)),
            Ok(Event::Definition) => {
                if let Some(collector) = &mut collector {
                    collector.add(packet);
                }
            }
            Ok(Event::Row) => {
                if let Some(Ok(read)) = collector.take().map(Collector::finish) {
                    columns = read;
                }
                rows(packet, &columns);
                seen += 1;
            }
            Ok(_) => {}
            Err(_) => return seen,
        }
    }
    seen
}

fn rows(packet: &[u8], columns: &Columns) {
    let mut starts = Vec::new();
    for index in (0..=columns.len()).rev().chain(0..=columns.len()) {
        read(&mut Row::<false>::new(packet, columns.list(), &mut starts), index);
        read(&mut Row::<true>::new(packet, columns.list(), &mut starts), index);
    }
    columns.with_names(|names| names.len());
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
    let _ = MysqlOptions::parse(text);
}

/// A script of several statements.
pub fn script(text: &str) {
    let count = crate::script::statements(text).count();
    assert!(count <= text.len());
}

#[cfg(test)]
mod tests;
