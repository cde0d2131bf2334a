//! [`Cells`]: one row of a statement, read straight from SQLite's memory.

mod instant;
mod part;
mod typed;

pub(crate) use part::{Columns, Gathered, Part};

use crate::params::{decimal_of_float, parse_decimal};
use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::types::ColumnType;
use sequor_core::value::Value;
use std::fmt::Write;

/// Where the cells of a row lie.
pub(crate) trait Lie {
    /// How many there are.
    fn count(&self) -> usize;

    /// The cell of this number.
    fn get_ref(&self, index: usize) -> rusqlite::Result<ValueRef<'_>>;

    /// The type that its column was declared with, in capitals; nothing for an expression.
    fn declared(&self, _index: usize) -> Option<String> {
        None
    }
}

/// In the answer of a statement.
impl Lie for Row<'_> {
    fn count(&self) -> usize {
        self.as_ref().column_count()
    }

    #[inline]
    fn get_ref(&self, index: usize) -> rusqlite::Result<ValueRef<'_>> {
        Row::get_ref(self, index)
    }

    fn declared(&self, index: usize) -> Option<String> {
        declared(self.as_ref(), index)
    }
}

#[allow(clippy::useless_conversion)] // Versions of rusqlite differ in whether this is a list or an iterator.
fn declared(statement: &Statement<'_>, index: usize) -> Option<String> {
    let column = statement.columns().into_iter().nth(index);
    column.and_then(|column| column.decl_type().map(str::to_ascii_uppercase))
}

/// In the arguments of a function.
impl Lie for Context<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get_ref(&self, index: usize) -> rusqlite::Result<ValueRef<'_>> {
        if index < self.len() { Ok(self.get_raw(index)) } else { Err(rusqlite::Error::InvalidColumnIndex(index)) }
    }
}

/// One row.
pub(crate) struct Cells<'r, L> {
    row: &'r L,
    /// For what is spelt differently than it is stored.
    scratch: String,
}

impl<'r, L: Lie> Cells<'r, L> {
    pub(crate) fn new(row: &'r L) -> Cells<'r, L> {
        Cells { row, scratch: String::new() }
    }

    fn cell(&self, index: usize) -> Result<ValueRef<'r>> {
        let row: &'r L = self.row;
        row.get_ref(index).map_err(|_| no_cell(index))
    }

    /// The text of a cell; `word` is what it should spell.
    ///
    /// Here, and in the other readers that most columns have, the answer is taken apart where it lies: a copy of it is read in one piece while its parts are
    /// still being written one by one, which stalls the processor for longer than the rest takes.
    fn spelt(&self, index: usize, word: &'static str) -> Result<Option<&'r str>> {
        let row: &'r L = self.row;
        match row.get_ref(index) {
            Ok(ValueRef::Text(bytes)) => utf8(bytes).map(Some),
            Ok(ValueRef::Null) => Ok(None),
            Ok(other) => Err(found(other, word)),
            Err(_) => Err(no_cell(index)),
        }
    }

    #[cold]
    fn unusual_i64(&self, index: usize) -> Result<Option<i64>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            ValueRef::Real(number) if number.fract() == 0.0 => number.to_i64().map(Some).ok_or_else(|| out_of_range("a 64-bit integer")),
            ValueRef::Text(bytes) => {
                self.whole(index, bytes, "integer")?.to_i64().map(Some).ok_or_else(|| out_of_range("a 64-bit integer"))
            }
            other => Err(found(other, "integer")),
        }
    }

    #[cold]
    fn unusual_f64(&self, index: usize) -> Result<Option<f64>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) => Ok(Some(number)),
            ValueRef::Integer(number) => Ok(number.to_f64()),
            ValueRef::Text(bytes) => {
                parse_decimal(utf8(bytes)?).and_then(|number| number.to_f64()).map(Some).ok_or_else(|| malformed("float"))
            }
            other @ ValueRef::Blob(_) => Err(found(other, "float")),
        }
    }

    /// Whether a text cell can be a number: of an expression, or of a column declared as one.
    #[cold]
    fn spells_number(&self, index: usize) -> bool {
        self.row.declared(index).is_none_or(|declared| declared.contains("DEC") || declared.contains("NUM"))
    }

    fn whole(&self, index: usize, bytes: &[u8], word: &'static str) -> Result<Decimal> {
        if !self.spells_number(index) {
            return Err(found(ValueRef::Text(bytes), word));
        }
        let number = parse_decimal(utf8(bytes)?).ok_or_else(|| malformed(word))?;
        if number.fract().is_zero() { Ok(number) } else { Err(malformed(word)) }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::decode("the text is not UTF-8"))
}

#[cold]
fn no_cell(index: usize) -> Error {
    Error::decode(format!("the row has no cell {index}"))
}

/// A cell of another storage class than its type's; never the value.
#[cold]
fn found(cell: ValueRef<'_>, word: &str) -> Error {
    let kind = match cell {
        ValueRef::Null => "null",
        ValueRef::Integer(_) => "integer",
        ValueRef::Real(_) => "float",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "bytes",
    };
    Error::decode(format!("found a value of kind {kind}, expected {word}"))
}

impl<L: Lie> RowReader for Cells<'_, L> {
    fn len(&self) -> usize {
        self.row.count()
    }

    fn is_null(&mut self, index: usize) -> Result<bool> {
        match self.row.get_ref(index) {
            Ok(cell) => Ok(matches!(cell, ValueRef::Null)),
            Err(_) => Err(no_cell(index)),
        }
    }

    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        match self.row.get_ref(index) {
            Ok(ValueRef::Integer(0)) => Ok(Some(false)),
            Ok(ValueRef::Integer(1)) => Ok(Some(true)),
            Ok(ValueRef::Null) => Ok(None),
            Ok(other) => Err(found(other, "boolean (0 or 1)")),
            Err(_) => Err(no_cell(index)),
        }
    }

    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        match self.row.get_ref(index) {
            Ok(ValueRef::Integer(number)) => Ok(Some(number)),
            Ok(ValueRef::Null) => Ok(None),
            _ => self.unusual_i64(index),
        }
    }

    fn u64(&mut self, index: usize) -> Result<Option<u64>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => u64::try_from(number).map(Some).map_err(|_| out_of_range("an unsigned integer")),
            ValueRef::Real(number) if number.fract() == 0.0 => number.to_u64().map(Some).ok_or_else(|| out_of_range("an unsigned integer")),
            ValueRef::Text(bytes) => {
                self.whole(index, bytes, "unsigned integer")?.to_u64().map(Some).ok_or_else(|| out_of_range("an unsigned integer"))
            }
            other => Err(found(other, "unsigned integer")),
        }
    }

    fn f64(&mut self, index: usize) -> Result<Option<f64>> {
        match self.row.get_ref(index) {
            Ok(ValueRef::Real(number)) => Ok(Some(number)),
            Ok(ValueRef::Null) => Ok(None),
            _ => self.unusual_f64(index),
        }
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => parse_decimal(utf8(bytes)?).map(Some).ok_or_else(|| malformed("decimal")),
            ValueRef::Integer(number) => Ok(Some(Decimal::from(number))),
            ValueRef::Real(number) => decimal_of_float(number).map(Some).ok_or_else(|| out_of_range("a decimal")),
            other @ ValueRef::Blob(_) => Err(found(other, "decimal")),
        }
    }

    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        self.spelt(index, "text")
    }

    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            other => Err(found(other, "bytes")),
        }
    }

    fn uuid(&mut self, index: usize) -> Result<Option<uuid::Uuid>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => uuid::Uuid::try_parse_ascii(bytes).map(Some).map_err(|_| malformed("uuid")),
            ValueRef::Blob(bytes) => uuid::Uuid::from_slice(bytes).map(Some).map_err(|_| malformed("uuid")),
            other => Err(found(other, "uuid")),
        }
    }

    fn date_time(&mut self, index: usize) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => instant::read(bytes).map(Some).ok_or_else(|| malformed("instant")),
            ValueRef::Integer(millis) => {
                chrono::DateTime::from_timestamp_millis(millis).map(Some).ok_or_else(|| out_of_range("an instant"))
            }
            other => Err(found(other, "instant")),
        }
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<chrono::NaiveDateTime>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => instant::read_naive(bytes).map(Some).ok_or_else(|| malformed("date and time")),
            other => Err(found(other, "date and time")),
        }
    }

    fn date(&mut self, index: usize) -> Result<Option<chrono::NaiveDate>> {
        let Some(text) = self.spelt(index, "date")? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| malformed("date"))
    }

    fn time(&mut self, index: usize) -> Result<Option<chrono::NaiveTime>> {
        let Some(text) = self.spelt(index, "time")? else { return Ok(None) };
        text.parse().or_else(|_| chrono::NaiveTime::parse_from_str(text, "%H:%M")).map(Some).map_err(|_| malformed("time"))
    }

    /// Functions give JSON numbers as numbers.
    fn json(&mut self, index: usize) -> Result<Option<&str>> {
        let cell = self.cell(index)?;
        let number: &dyn std::fmt::Display = match &cell {
            ValueRef::Null => return Ok(None),
            ValueRef::Text(bytes) => return utf8(bytes).map(Some),
            ValueRef::Integer(number) => number,
            ValueRef::Real(number) => number,
            ValueRef::Blob(_) => return Err(found(cell, "json")),
        };
        self.scratch.clear();
        let _ = write!(self.scratch, "{number}");
        Ok(Some(&self.scratch))
    }

    fn value(&mut self, index: usize, ty: &ColumnType) -> Result<Value> {
        typed::read(self, index, ty)
    }

    fn any(&mut self, index: usize) -> Result<Value> {
        Ok(match self.cell(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::I64(number),
            ValueRef::Real(number) => Value::F64(number),
            ValueRef::Text(bytes) => Value::Text(utf8(bytes)?.to_owned()),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        })
    }
}
