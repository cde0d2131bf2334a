//! [`Row`]: one row in the read buffer. Cells are found as they are asked for, so that columns nobody reads cost nothing.

use super::cell::{Cell, binary};
use super::columns::{Column, Kind};
use super::text::spelt;
use crate::wire::Cursor;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::driver::RowReader;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::types::{ColumnType, parse_instant, parse_naive, value_from_json};
use sequor_core::{Error, Result, Value};
use uuid::Uuid;

/// How rows are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The protocol of prepared statements.
    Binary,
    /// The protocol of plain queries.
    Text,
}

/// One row.
pub(crate) struct Row<'a> {
    body: &'a [u8],
    columns: &'a [Column],
    format: Format,
    /// Where the cells that have been found start; the buffer is kept from row to row.
    starts: &'a mut Vec<u32>,
    /// Where the first cell starts that has not been found.
    next: u32,
}

impl<'a> Row<'a> {
    /// The row in this packet.
    #[inline]
    pub(crate) fn new(body: &'a [u8], columns: &'a [Column], format: Format, starts: &'a mut Vec<u32>) -> Row<'a> {
        starts.clear();
        let next = match format {
            Format::Binary => u32::try_from(1 + (columns.len() + 9) / 8).unwrap_or(u32::MAX),
            Format::Text => 0,
        };
        Row { body, columns, format, starts, next }
    }

    /// The cell at an index, `None` for NULL.
    #[inline]
    fn cell(&mut self, index: usize) -> Result<Option<Cell<'a>>> {
        let Some(column) = self.columns.get(index) else { return Err(no_cell(index)) };
        if self.format == Format::Binary && self.is_marked_null(index) {
            return Ok(None);
        }
        match self.starts.get(index) {
            Some(start) => self.read(column.kind, *start).map(|(cell, _)| cell),
            None => self.walk(index),
        }
    }

    #[inline]
    fn is_marked_null(&self, index: usize) -> bool {
        self.body.get(1 + (index + 2) / 8).is_some_and(|byte| byte & (1 << ((index + 2) % 8)) != 0)
    }

    /// Finds all cells up to an index.
    #[inline]
    fn walk(&mut self, index: usize) -> Result<Option<Cell<'a>>> {
        loop {
            let place = self.starts.len();
            let Some(column) = self.columns.get(place) else { return Err(no_cell(place)) };
            self.starts.push(self.next);
            let mut cell = None;
            if self.format == Format::Text || !self.is_marked_null(place) {
                (cell, self.next) = self.read(column.kind, self.next)?;
            }
            if place == index {
                return Ok(cell);
            }
        }
    }

    /// The cell that starts here, and where the one behind it starts.
    #[inline]
    fn read(&self, kind: Kind, start: u32) -> Result<(Option<Cell<'a>>, u32)> {
        let rest = usize::try_from(start).ok().and_then(|start| self.body.get(start..));
        let mut cursor = Cursor::new(rest.ok_or_else(cut_row)?);
        let cell = match self.format {
            Format::Binary => Some(binary(kind, &mut cursor).ok_or_else(cut_row)?),
            Format::Text if cursor.rest().first() == Some(&0xfb) => {
                cursor.u8();
                None
            }
            Format::Text => Some(cursor.bytes().and_then(|bytes| spelt(kind, bytes)).ok_or_else(cut_row)?),
        };
        let next = u32::try_from(self.body.len() - cursor.rest().len()).map_err(|_| cut_row())?;
        Ok((cell, next))
    }

    #[inline]
    fn convert<T>(&mut self, index: usize, expected: &str, convert: impl FnOnce(Cell<'a>) -> Option<Result<T>>) -> Result<Option<T>> {
        match self.cell(index)? {
            None => Ok(None),
            Some(cell) => match convert(cell) {
                Some(result) => result.map(Some),
                None => Err(mismatch(cell, expected)),
            },
        }
    }
}

impl RowReader for Row<'_> {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn is_null(&mut self, index: usize) -> Result<bool> {
        Ok(self.cell(index)?.is_none())
    }

    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        self.convert(index, "boolean", |cell| match cell {
            Cell::Signed(0) | Cell::Unsigned(0) | Cell::Bits(0) => Some(Ok(false)),
            Cell::Signed(1) | Cell::Unsigned(1) | Cell::Bits(1) => Some(Ok(true)),
            _ => None,
        })
    }

    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        self.convert(index, "integer", |cell| match cell {
            Cell::Signed(value) => Some(Ok(value)),
            Cell::Unsigned(value) | Cell::Bits(value) => Some(i64::try_from(value).map_err(|_| out_of_range("a 64-bit integer"))),
            Cell::Decimal(digits) => whole(digits).map(|digits| digits.parse().map_err(|_| out_of_range("a 64-bit integer"))),
            Cell::Double(value) if value.fract() == 0.0 => Some(value.to_i64().ok_or_else(|| out_of_range("a 64-bit integer"))),
            _ => None,
        })
    }

    fn u64(&mut self, index: usize) -> Result<Option<u64>> {
        self.convert(index, "unsigned integer", |cell| match cell {
            Cell::Signed(value) => Some(u64::try_from(value).map_err(|_| out_of_range("an unsigned integer"))),
            Cell::Unsigned(value) | Cell::Bits(value) => Some(Ok(value)),
            Cell::Decimal(digits) => whole(digits).map(|digits| digits.parse().map_err(|_| out_of_range("an unsigned integer"))),
            Cell::Double(value) if value.fract() == 0.0 => Some(value.to_u64().ok_or_else(|| out_of_range("an unsigned integer"))),
            _ => None,
        })
    }

    fn f64(&mut self, index: usize) -> Result<Option<f64>> {
        self.convert(index, "float", |cell| match cell {
            Cell::Single(value) => Some(Ok(value.into())),
            Cell::Double(value) => Some(Ok(value)),
            Cell::Signed(value) => value.to_f64().map(Ok),
            Cell::Unsigned(value) => value.to_f64().map(Ok),
            Cell::Decimal(digits) => Some(ascii(digits).and_then(|digits| digits.parse().ok()).ok_or_else(|| malformed("float"))),
            _ => None,
        })
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        self.convert(index, "decimal", |cell| match cell {
            Cell::Decimal(digits) => Some(decimal(digits).ok_or_else(|| out_of_range("a decimal of 28 digits"))),
            Cell::Signed(value) => Some(Ok(value.into())),
            Cell::Unsigned(value) => Some(Ok(value.into())),
            _ => None,
        })
    }

    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        self.convert(index, "text", |cell| match cell {
            Cell::Text(bytes) | Cell::Json(bytes) | Cell::Uuid(bytes) | Cell::Binary(bytes) => Some(utf8(bytes)),
            _ => None,
        })
    }

    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>> {
        self.convert(index, "bytes", |cell| match cell {
            Cell::Binary(bytes) | Cell::Text(bytes) | Cell::Json(bytes) | Cell::Uuid(bytes) => Some(Ok(bytes)),
            _ => None,
        })
    }

    fn uuid(&mut self, index: usize) -> Result<Option<Uuid>> {
        self.convert(index, "uuid", |cell| match cell {
            Cell::Binary(bytes) if bytes.len() == 16 => Some(Uuid::from_slice(bytes).map_err(|_| malformed("uuid"))),
            Cell::Text(text) | Cell::Uuid(text) | Cell::Binary(text) => Some(Uuid::try_parse_ascii(text).map_err(|_| malformed("uuid"))),
            _ => None,
        })
    }

    fn date_time(&mut self, index: usize) -> Result<Option<DateTime<Utc>>> {
        self.convert(index, "instant", |cell| match cell {
            Cell::Text(text) => Some(ascii(text).and_then(parse_instant).ok_or_else(|| malformed("instant"))),
            other => moment(other).map(|moment| moment.map(|moment| moment.and_utc())),
        })
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>> {
        self.convert(index, "date and time", |cell| match cell {
            Cell::Text(text) => Some(ascii(text).and_then(parse_naive).ok_or_else(|| malformed("date and time"))),
            other => moment(other),
        })
    }

    fn date(&mut self, index: usize) -> Result<Option<NaiveDate>> {
        self.convert(index, "date", |cell| match cell {
            Cell::Date(day) => Some(day.date().ok_or_else(no_such_day)),
            Cell::DateTime(day, clock) if clock == Default::default() => Some(day.date().ok_or_else(no_such_day)),
            Cell::Text(text) => Some(ascii(text).and_then(|text| text.parse().ok()).ok_or_else(|| malformed("date"))),
            _ => None,
        })
    }

    fn time(&mut self, index: usize) -> Result<Option<NaiveTime>> {
        self.convert(index, "time", |cell| match cell {
            Cell::Time(span) => Some(span.time().ok_or_else(|| out_of_range("a time of day"))),
            Cell::Text(text) => Some(ascii(text).and_then(|text| text.parse().ok()).ok_or_else(|| malformed("time"))),
            _ => None,
        })
    }

    fn json(&mut self, index: usize) -> Result<Option<&str>> {
        self.convert(index, "json", |cell| match cell {
            Cell::Json(bytes) | Cell::Text(bytes) | Cell::Binary(bytes) => Some(utf8(bytes)),
            _ => None,
        })
    }

    fn value(&mut self, index: usize, ty: &ColumnType) -> Result<Value> {
        use ColumnType as T;
        let value = match ty {
            T::Bool => self.bool(index)?.map(Value::Bool),
            T::I8 | T::I16 | T::I32 | T::I64 => self.i64(index)?.map(|value| in_bounds(ty, value.into(), Value::I64(value))).transpose()?,
            T::U8 | T::U16 | T::U32 | T::U64 => {
                self.u64(index)?.map(|value| in_bounds(ty, value.into(), Value::from_u64(value))).transpose()?
            }
            T::F32 => self.f64(index)?.map(|value| Value::F64(value.to_f32().map_or(value, shortest))),
            T::F64 => self.f64(index)?.map(Value::F64),
            T::Decimal(_) => self.decimal(index)?.map(Value::Decimal),
            T::Uuid => self.uuid(index)?.map(Value::Uuid),
            T::DateTime(_) => self.date_time(index)?.map(Value::DateTime),
            T::NaiveDateTime(_) => self.naive_date_time(index)?.map(Value::NaiveDateTime),
            T::Date => self.date(index)?.map(Value::Date),
            T::Time => self.time(index)?.map(Value::Time),
            T::Bytes => self.bytes(index)?.map(|bytes| Value::Bytes(bytes.to_vec())),
            T::Json(_) => self.json(index)?.map(document).transpose()?.map(Value::from),
            T::Array(_) => match self.json(index)? {
                Some(text) => Some(value_from_json(ty, document(text)?)?),
                None => None,
            },
            T::Range(_) => return Err(Error::decode("MySQL and MariaDB have no ranges")),
            T::Text | T::VarChar(_) | T::Char(_) | T::CiText | T::Enum(_) => self.text(index)?.map(Value::from),
            T::Inet | T::Cidr | T::MacAddr | T::Interval | T::HStore | T::TsVector => self.text(index)?.map(Value::from),
        };
        Ok(value.unwrap_or_default())
    }

    fn any(&mut self, index: usize) -> Result<Value> {
        let Some(cell) = self.cell(index)? else { return Ok(Value::Null) };
        Ok(match cell {
            Cell::Signed(value) => Value::I64(value),
            Cell::Unsigned(value) | Cell::Bits(value) => Value::from_u64(value),
            Cell::Single(value) => Value::F64(shortest(value)),
            Cell::Double(value) => Value::F64(value),
            Cell::Decimal(digits) => match decimal(digits) {
                Some(value) => Value::Decimal(value),
                None => Value::from(utf8(digits)?),
            },
            Cell::Date(day) => Value::Date(day.date().ok_or_else(no_such_day)?),
            Cell::DateTime(day, clock) => Value::DateTime(day.at(clock).ok_or_else(no_such_day)?.and_utc()),
            Cell::Time(span) => span.time().map_or_else(|| Value::Text(span.spelt()), Value::Time),
            Cell::Text(bytes) => Value::from(utf8(bytes)?),
            Cell::Uuid(text) => Value::Uuid(Uuid::try_parse_ascii(text).map_err(|_| malformed("uuid"))?),
            Cell::Json(bytes) => Value::from(document(utf8(bytes)?)?),
            Cell::Binary(bytes) => Value::Bytes(bytes.to_vec()),
        })
    }
}

fn moment(cell: Cell<'_>) -> Option<Result<NaiveDateTime>> {
    match cell {
        Cell::DateTime(day, clock) => Some(day.at(clock).ok_or_else(no_such_day)),
        Cell::Date(day) => Some(day.at(Default::default()).ok_or_else(no_such_day)),
        _ => None,
    }
}

fn in_bounds(ty: &ColumnType, number: i128, value: Value) -> Result<Value> {
    match ty.integer_bounds() {
        Some((least, most)) if number < least || number > most => Err(out_of_range(ty.word())),
        _ => Ok(value),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| Error::decode("the bytes are not valid UTF-8 text"))
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// The digits of a decimal without its fraction, if that is zero.
fn whole(digits: &[u8]) -> Option<&str> {
    let text = ascii(digits)?;
    match text.split_once('.') {
        None => Some(text),
        Some((whole, fraction)) => fraction.bytes().all(|digit| digit == b'0').then_some(whole),
    }
}

/// An exact decimal, or nothing when it has more digits than fit.
fn decimal(digits: &[u8]) -> Option<Decimal> {
    let text = ascii(digits)?;
    if let Ok(value) = Decimal::from_str_exact(text) {
        return Some(value);
    }
    let (_, fraction) = text.split_once('.')?;
    let kept = text.len() - (fraction.len() - fraction.trim_end_matches('0').len());
    Decimal::from_str_exact(text.get(..kept)?.trim_end_matches('.')).ok()
}

/// The 64-bit number that is spelt as this one is, not the one with its bits.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// serde's message may quote the document; only its place is kept.
fn document(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::decode(format!("the text is not valid JSON (line {}, column {})", error.line(), error.column())))
}

#[cold]
fn no_cell(index: usize) -> Error {
    Error::decode(format!("the row has no cell {index}"))
}

#[cold]
fn cut_row() -> Error {
    Error::connection(ConnectionErrorKind::Protocol, "the server sent a malformed row")
}

#[cold]
fn no_such_day() -> Error {
    Error::decode("the database holds a date that does not exist (0000-00-00 or the like)")
}

#[cold]
fn mismatch(cell: Cell<'_>, expected: &str) -> Error {
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
