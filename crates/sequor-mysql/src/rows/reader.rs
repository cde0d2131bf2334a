//! [`Row`]: one row in the read buffer. Cells are found as they are asked for, so that columns nobody reads cost nothing.

use super::cell::{Cell, binary, moment};
use super::columns::{Column, Kind};
use super::convert::{ascii, cut_row, decimal, document, in_bounds, mismatch, moment_of, no_cell, no_such_day, shortest, utf8, whole};
use super::text::spelt;
use crate::wire::Cursor;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::driver::RowReader;
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

/// One row. `SPELT`: of the text protocol.
pub(crate) struct Row<'a, const SPELT: bool> {
    body: &'a [u8],
    columns: &'a [Column],
    /// Where the cells that have been found start; the buffer is kept from row to row.
    starts: &'a mut Vec<usize>,
    /// Where the first cell starts that has not been found.
    next: usize,
}

impl<'a, const SPELT: bool> Row<'a, SPELT> {
    /// The row in this packet.
    #[inline]
    pub(crate) fn new(body: &'a [u8], columns: &'a [Column], starts: &'a mut Vec<usize>) -> Self {
        starts.clear();
        // A row of the binary protocol starts with a zero and a bit for each cell that is NULL.
        let next = if SPELT { 0 } else { 1 + (columns.len() + 9) / 8 };
        Row { body, columns, starts, next }
    }

    /// The bytes of the cell at an index without their length, `None` for NULL. Cells are mostly read in order: that is the short way.
    #[inline(always)]
    fn bytes_of(&mut self, index: usize) -> Result<Option<(Kind, &'a [u8])>> {
        if index != self.starts.len() {
            return self.bytes_out_of_order(index);
        }
        let Some(column) = self.columns.get(index) else { return Err(no_cell(index)) };
        self.starts.push(self.next);
        let Some((start, end)) = self.bounds(index, column.kind, self.next)? else {
            self.next += usize::from(SPELT);
            return Ok(None);
        };
        self.next = end;
        match self.body.get(start..end) {
            Some(bytes) => Ok(Some((column.kind, bytes))),
            None => Err(cut_row()),
        }
    }

    #[inline(never)]
    fn bytes_out_of_order(&mut self, index: usize) -> Result<Option<(Kind, &'a [u8])>> {
        while self.starts.len() < index {
            self.bytes_of(self.starts.len())?;
        }
        let Some(at) = self.starts.get(index).copied() else { return self.bytes_of(index) };
        let Some(column) = self.columns.get(index) else { return Err(no_cell(index)) };
        let bounds = self.bounds(index, column.kind, at)?;
        let bytes = bounds.map(|(start, end)| self.body.get(start..end).ok_or_else(cut_row)).transpose()?;
        Ok(bytes.map(|bytes| (column.kind, bytes)))
    }

    /// Where the bytes of the cell that starts here start and end.
    #[inline(always)]
    fn bounds(&self, index: usize, kind: Kind, at: usize) -> Result<Option<(usize, usize)>> {
        let null = if SPELT {
            self.body.get(at) == Some(&0xfb)
        } else {
            self.body.get(1 + (index + 2) / 8).is_some_and(|byte| byte & (1 << ((index + 2) % 8)) != 0)
        };
        if null {
            return Ok(None);
        }
        if let Some(width) = kind.width().filter(|_| !SPELT) {
            return Ok(Some((at, at + width)));
        }
        match self.body.get(at) {
            Some(length) if *length < 0xfb => Ok(Some((at + 1, at + 1 + usize::from(*length)))),
            _ => self.long_bounds(at).map(Some),
        }
    }

    #[inline(never)]
    fn long_bounds(&self, at: usize) -> Result<(usize, usize)> {
        let mut cursor = Cursor::new(self.body.get(at..).unwrap_or_default());
        match cursor.bytes() {
            Some(bytes) => {
                let end = self.body.len() - cursor.rest().len();
                Ok((end - bytes.len(), end))
            }
            None => Err(cut_row()),
        }
    }

    /// The cell at an index, `None` for NULL.
    fn cell(&mut self, index: usize) -> Result<Option<Cell<'a>>> {
        match self.bytes_of(index)? {
            Some((kind, bytes)) => cell::<SPELT>(kind, bytes).map(Some),
            None => Ok(None),
        }
    }

    fn convert<T>(&mut self, index: usize, expected: &str, convert: impl FnOnce(Cell<'a>) -> Option<Result<T>>) -> Result<Option<T>> {
        match self.bytes_of(index)? {
            Some((kind, bytes)) => converted::<T, SPELT>(kind, bytes, expected, convert).map(Some),
            None => Ok(None),
        }
    }
}

fn cell<const SPELT: bool>(kind: Kind, bytes: &[u8]) -> Result<Cell<'_>> {
    let cell = if SPELT { spelt(kind, bytes) } else { binary(kind, bytes) };
    cell.ok_or_else(cut_row)
}

fn converted<'a, T, const SPELT: bool>(
    kind: Kind,
    bytes: &'a [u8],
    expected: &str,
    convert: impl FnOnce(Cell<'a>) -> Option<Result<T>>,
) -> Result<T> {
    let cell = cell::<SPELT>(kind, bytes)?;
    convert(cell).unwrap_or_else(|| Err(mismatch(cell, expected)))
}

impl<const SPELT: bool> RowReader for Row<'_, SPELT> {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn is_null(&mut self, index: usize) -> Result<bool> {
        Ok(self.bytes_of(index)?.is_none())
    }

    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        let quick = match (kind, bytes) {
            (Kind::I8, [0]) if !SPELT => Some(false),
            (Kind::I8, [1]) if !SPELT => Some(true),
            _ => None,
        };
        if quick.is_some() {
            return Ok(quick);
        }
        let truth = converted::<_, SPELT>(kind, bytes, "boolean", |cell| match cell {
            Cell::Signed(0) | Cell::Unsigned(0) | Cell::Bits(0) => Some(Ok(false)),
            Cell::Signed(1) | Cell::Unsigned(1) | Cell::Bits(1) => Some(Ok(true)),
            _ => None,
        });
        truth.map(Some)
    }

    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        let quick = match (kind, bytes) {
            (Kind::I32, &[a, b, c, d]) if !SPELT => Some(i32::from_le_bytes([a, b, c, d]).into()),
            (Kind::I64, &[a, b, c, d, e, f, g, h]) if !SPELT => Some(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
            _ => None,
        };
        if quick.is_some() {
            return Ok(quick);
        }
        let number = converted::<_, SPELT>(kind, bytes, "integer", |cell| match cell {
            Cell::Signed(value) => Some(Ok(value)),
            Cell::Unsigned(value) | Cell::Bits(value) => Some(i64::try_from(value).map_err(|_| out_of_range("a 64-bit integer"))),
            Cell::Decimal(digits) => whole(digits).map(|digits| digits.parse().map_err(|_| out_of_range("a 64-bit integer"))),
            Cell::Double(value) if value.fract() == 0.0 => Some(value.to_i64().ok_or_else(|| out_of_range("a 64-bit integer"))),
            _ => None,
        });
        number.map(Some)
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
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        if let (Kind::F64, &[a, b, c, d, e, f, g, h], false) = (kind, bytes, SPELT) {
            return Ok(Some(f64::from_le_bytes([a, b, c, d, e, f, g, h])));
        }
        let number = converted::<_, SPELT>(kind, bytes, "float", |cell| match cell {
            Cell::Single(value) => Some(Ok(value.into())),
            Cell::Double(value) => Some(Ok(value)),
            Cell::Signed(value) => value.to_f64().map(Ok),
            Cell::Unsigned(value) => value.to_f64().map(Ok),
            Cell::Decimal(digits) => Some(ascii(digits).and_then(|digits| digits.parse().ok()).ok_or_else(|| malformed("float"))),
            _ => None,
        });
        number.map(Some)
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        self.convert(index, "decimal", |cell| match cell {
            Cell::Decimal(digits) => Some(decimal(digits).ok_or_else(|| {
                out_of_range("a decimal of 28 digits: round it in the query, or read it by `cast::<f64>()` or `cast::<String>()`")
            })),
            Cell::Signed(value) => Some(Ok(value.into())),
            Cell::Unsigned(value) => Some(Ok(value.into())),
            _ => None,
        })
    }

    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        if kind == Kind::Text {
            return utf8(bytes).map(Some);
        }
        let text = converted::<_, SPELT>(kind, bytes, "text", |cell| match cell {
            Cell::Text(bytes) | Cell::Json(bytes) | Cell::Uuid(bytes) | Cell::Binary(bytes) => Some(utf8(bytes)),
            _ => None,
        });
        text.map(Some)
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
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        if let (Kind::DateTime, Some((day, clock)), false) = (kind, moment(bytes), SPELT) {
            return day.at(clock).ok_or_else(no_such_day).map(|moment| Some(moment.and_utc()));
        }
        let moment = converted::<_, SPELT>(kind, bytes, "instant", |cell| match cell {
            Cell::Text(text) => Some(ascii(text).and_then(parse_instant).ok_or_else(|| malformed("instant"))),
            other => moment_of(other).map(|moment| moment.map(|moment| moment.and_utc())),
        });
        moment.map(Some)
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>> {
        let Some((kind, bytes)) = self.bytes_of(index)? else { return Ok(None) };
        if let (Kind::DateTime, Some((day, clock)), false) = (kind, moment(bytes), SPELT) {
            return day.at(clock).ok_or_else(no_such_day).map(Some);
        }
        let moment = converted::<_, SPELT>(kind, bytes, "date and time", |cell| match cell {
            Cell::Text(text) => Some(ascii(text).and_then(parse_naive).ok_or_else(|| malformed("date and time"))),
            other => moment_of(other),
        });
        moment.map(Some)
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
