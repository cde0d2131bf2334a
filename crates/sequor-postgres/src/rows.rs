//! [`Row`]: one DataRow, read in place. Every decoder is total: whatever the bytes, the answer is a value or a typed error.

mod any;
mod array;
mod numeric;
mod scalar;
mod text;
mod typed;

use crate::oid;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use scalar::Mismatch;
use sequor_core::driver::RowReader;
use sequor_core::types::ColumnType;
use sequor_core::{Error, Result, Value};
use uuid::Uuid;

pub(crate) use numeric::write_decimal;

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: Box<str>,
    pub(crate) oid: u32,
}

/// Where a cell lies in the row's bytes; NULL has no place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    start: u32,
    end: u32,
}

const NULL: Cell = Cell { start: u32::MAX, end: u32::MAX };

/// One row in the read buffer.
pub(crate) struct Row<'a> {
    body: &'a [u8],
    cells: &'a [Cell],
    columns: &'a [Column],
    /// Text that is not in the row as such: rendered addresses, intervals and so on.
    scratch: &'a mut String,
}

/// Reads the columns out of a RowDescription; `None` when it is malformed.
pub(crate) fn parse_columns(body: &[u8]) -> Option<Vec<Column>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    let mut columns = Vec::with_capacity(count.min(rest.len() / 19));
    for _ in 0..count {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8_lossy(rest.get(..end)?).into_owned().into_boxed_str();
        let fixed = rest.get(end + 1..end + 19)?;
        let oid = u32::from_be_bytes(*fixed.get(6..10)?.first_chunk::<4>()?);
        rest = rest.get(end + 19..)?;
        columns.push(Column { name, oid });
    }
    rest.is_empty().then_some(columns)
}

/// Finds the cells of a row; false when the row is malformed or has another number of cells.
#[inline]
pub(crate) fn find_cells(body: &[u8], expected: usize, cells: &mut Vec<Cell>) -> bool {
    cells.clear();
    let Some((count, mut rest)) = body.split_first_chunk::<2>() else { return false };
    if usize::from(u16::from_be_bytes(*count)) != expected {
        return false;
    }
    cells.reserve(expected);
    // No message is longer than a gigabyte, so that neither sum passes the end of 32 bits.
    let mut place = 2u32;
    for _ in 0..expected {
        let Some((length, after)) = rest.split_first_chunk::<4>() else { return false };
        let length = u32::from_be_bytes(*length);
        let start = place.wrapping_add(4);
        if length == u32::MAX {
            cells.push(NULL);
            (place, rest) = (start, after);
            continue;
        }
        let Some(next) = usize::try_from(length).ok().and_then(|length| after.get(length..)) else { return false };
        let end = start.wrapping_add(length);
        cells.push(Cell { start, end });
        (place, rest) = (end, next);
    }
    rest.is_empty()
}

impl<'a> Row<'a> {
    /// A row whose cells were found by [`find_cells`].
    #[inline]
    pub(crate) fn new(body: &'a [u8], cells: &'a [Cell], columns: &'a [Column], scratch: &'a mut String) -> Row<'a> {
        Row { body, cells, columns, scratch }
    }

    /// The bytes of a cell and its type.
    #[inline]
    fn cell(&self, index: usize) -> Result<Option<(&'a [u8], u32)>> {
        match (self.cells.get(index), self.columns.get(index)) {
            (Some(cell), Some(column)) => {
                if cell.start == u32::MAX {
                    return Ok(None);
                }
                let (start, end) = (usize::try_from(cell.start).unwrap_or(usize::MAX), usize::try_from(cell.end).unwrap_or(usize::MAX));
                Ok(Some((self.body.get(start..end).unwrap_or_default(), column.oid)))
            }
            _ => Err(Error::decode(format!("the row has no cell {index}"))),
        }
    }

    #[inline]
    fn read<T>(&self, index: usize, read: impl FnOnce(&'a [u8], u32) -> Result<T, Mismatch>) -> Result<Option<T>> {
        match self.cell(index)? {
            None => Ok(None),
            Some((bytes, oid)) => match read(bytes, oid) {
                Ok(value) => Ok(Some(value)),
                Err(mismatch) => Err(self.wrong(index, mismatch)),
            },
        }
    }

    /// The number in a cell of the two types that nearly all keys have; nothing of any other, or of NULL.
    #[inline]
    fn whole(&self, index: usize) -> Option<i64> {
        let (cell, column) = (self.cells.get(index)?, self.columns.get(index)?);
        let (start, end) = (usize::try_from(cell.start).ok()?, usize::try_from(cell.end).ok()?);
        let bytes = self.body.get(start..end)?;
        match column.oid {
            oid::INT4 => Some(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
            oid::INT8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    #[cold]
    fn wrong(&self, index: usize, mismatch: Mismatch) -> Error {
        let (name, oid) = self.columns.get(index).map_or(("?", 0), |column| (&*column.name, column.oid));
        let mut error = mismatch.into_error(oid);
        if let Some(detail) = error.detail_mut() {
            detail.column = Some(name.to_owned());
        }
        error
    }
}

impl RowReader for Row<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.cells.len()
    }

    #[inline]
    fn is_null(&mut self, index: usize) -> Result<bool> {
        Ok(self.cell(index)?.is_none())
    }

    #[inline]
    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        self.read(index, scalar::bool)
    }

    #[inline]
    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        match self.whole(index) {
            Some(number) => Ok(Some(number)),
            None => self.read(index, scalar::i64),
        }
    }

    #[inline]
    fn u64(&mut self, index: usize) -> Result<Option<u64>> {
        self.read(index, scalar::u64)
    }

    #[inline]
    fn f64(&mut self, index: usize) -> Result<Option<f64>> {
        self.read(index, scalar::f64)
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        self.read(index, scalar::decimal)
    }

    #[inline]
    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        let Some((bytes, oid)) = self.cell(index)? else { return Ok(None) };
        if matches!(oid, oid::TEXT | oid::VARCHAR) {
            return match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.wrong(index, Mismatch::NotUtf8)),
            };
        }
        match text::of(bytes, oid, self.scratch) {
            Ok(Some(text)) => Ok(Some(text)),
            Ok(None) => Ok(Some(self.scratch)),
            Err(mismatch) => Err(self.wrong(index, mismatch)),
        }
    }

    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>> {
        self.read(index, scalar::bytes)
    }

    #[inline]
    fn uuid(&mut self, index: usize) -> Result<Option<Uuid>> {
        self.read(index, scalar::uuid)
    }

    #[inline]
    fn date_time(&mut self, index: usize) -> Result<Option<DateTime<Utc>>> {
        self.read(index, scalar::date_time)
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>> {
        self.read(index, scalar::naive_date_time)
    }

    fn date(&mut self, index: usize) -> Result<Option<NaiveDate>> {
        self.read(index, scalar::date)
    }

    fn time(&mut self, index: usize) -> Result<Option<NaiveTime>> {
        self.read(index, scalar::time)
    }

    fn json(&mut self, index: usize) -> Result<Option<&str>> {
        self.read(index, scalar::json)
    }

    fn value(&mut self, index: usize, ty: &ColumnType) -> Result<Value> {
        Ok(self.read(index, |bytes, oid| typed::value(bytes, oid, ty))?.unwrap_or(Value::Null))
    }

    fn any(&mut self, index: usize) -> Result<Value> {
        Ok(self.read(index, any::value)?.unwrap_or(Value::Null))
    }
}

#[cfg(test)]
mod tests;
