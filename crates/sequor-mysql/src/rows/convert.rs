//! What a cell becomes: exact numbers, text that is valid, moments that exist; and the errors where it cannot, which never show the value.

use super::cell::Cell;
use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use sequor_core::decode::out_of_range;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::types::ColumnType;
use sequor_core::{Error, Result, Value};

/// The moment of a date, with or without its time.
pub(super) fn moment_of(cell: Cell<'_>) -> Option<Result<NaiveDateTime>> {
    match cell {
        Cell::DateTime(day, clock) => Some(day.at(clock).ok_or_else(no_such_day)),
        Cell::Date(day) => Some(day.at(Default::default()).ok_or_else(no_such_day)),
        _ => None,
    }
}

/// The value, if its number is one of the type.
pub(super) fn in_bounds(ty: &ColumnType, number: i128, value: Value) -> Result<Value> {
    match ty.integer_bounds() {
        Some((least, most)) if number < least || number > most => Err(out_of_range(ty.word())),
        _ => Ok(value),
    }
}

/// Text, if it is valid.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| Error::decode("the bytes are not valid UTF-8 text"))
}

/// Text that is to be parsed; not valid is not parsed.
pub(super) fn ascii(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// The digits of a decimal without its fraction, if that is zero.
pub(super) fn whole(digits: &[u8]) -> Option<&str> {
    let text = ascii(digits)?;
    match text.split_once('.') {
        None => Some(text),
        Some((whole, fraction)) => fraction.bytes().all(|digit| digit == b'0').then_some(whole),
    }
}

/// An exact decimal, or nothing when it has more digits than fit.
pub(super) fn decimal(digits: &[u8]) -> Option<Decimal> {
    let text = ascii(digits)?;
    if let Ok(value) = Decimal::from_str_exact(text) {
        return Some(value);
    }
    let (_, fraction) = text.split_once('.')?;
    let kept = text.len() - (fraction.len() - fraction.trim_end_matches('0').len());
    Decimal::from_str_exact(text.get(..kept)?.trim_end_matches('.')).ok()
}

/// The 64-bit number that is spelt as this one is, not the one with its bits.
pub(super) fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// serde's message may quote the document; only its place is kept.
pub(super) fn document(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::decode(format!("the text is not valid JSON (line {}, column {})", error.line(), error.column())))
}

#[cold]
pub(super) fn no_cell(index: usize) -> Error {
    Error::decode(format!("the row has no cell {index}"))
}

#[cold]
pub(super) fn cut_row() -> Error {
    Error::connection(ConnectionErrorKind::Protocol, "the server sent a malformed row")
}

#[cold]
pub(super) fn no_such_day() -> Error {
    Error::decode("the database holds a date that does not exist (0000-00-00 or the like)")
}

#[cold]
pub(super) fn mismatch(cell: Cell<'_>, expected: &str) -> Error {
    let found = match cell {
        Cell::Signed(_) | Cell::Unsigned(_) => "integer",
        Cell::Single(_) | Cell::Double(_) => "float",
        Cell::Decimal(_) => "decimal",
        Cell::Date(_) => "date",
        Cell::DateTime(..) => "date and time",
        Cell::Time(_) => "time",
        Cell::Bits(_) => "bits",
        Cell::Text(_) => "text",
        Cell::Uuid(_) => "uuid",
        Cell::Json(_) => "json",
        Cell::Binary(_) => "bytes",
    };
    Error::decode(format!("found a value of kind {found}, expected {expected}"))
}
