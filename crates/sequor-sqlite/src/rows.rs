//! One row of a running statement, read cell by cell.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use sequor_core::Value;
use sequor_core::decode::{malformed, out_of_range};
use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::types::{ColumnType, parse_instant, parse_naive, value_from_json};
use uuid::Uuid;

/// A row; it borrows the statement's buffer.
pub(crate) struct SqliteRow<'a> {
    row: &'a Row<'a>,
    width: usize,
}

#[cold]
fn found(value: ValueRef<'_>, expected: &str) -> Error {
    let kind = match value {
        ValueRef::Null => "null",
        ValueRef::Integer(_) => "integer",
        ValueRef::Real(_) => "float",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "bytes",
    };
    Error::decode(format!("found a value of kind {kind}, expected {expected}"))
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::decode("the text is not UTF-8"))
}

impl<'a> SqliteRow<'a> {
    pub(crate) fn new(row: &'a Row<'a>, width: usize) -> SqliteRow<'a> {
        SqliteRow { row, width }
    }

    fn cell(&self, index: usize) -> Result<ValueRef<'a>> {
        self.row.get_ref(index).map_err(|_| Error::decode(format!("the row has no cell {index}")))
    }

    fn parsed<T>(&self, index: usize, word: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => parse(utf8(bytes)?).map(Some).ok_or_else(|| malformed(word)),
            other => Err(found(other, word)),
        }
    }
}

impl RowReader for SqliteRow<'_> {
    fn len(&self) -> usize {
        self.width
    }

    fn is_null(&mut self, index: usize) -> Result<bool> {
        Ok(matches!(self.cell(index)?, ValueRef::Null))
    }

    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(0) => Ok(Some(false)),
            ValueRef::Integer(1) => Ok(Some(true)),
            other => Err(found(other, "0 or 1")),
        }
    }

    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            ValueRef::Real(number) if number.fract() == 0.0 => number.to_i64().map(Some).ok_or_else(|| out_of_range("a 64-bit integer")),
            ValueRef::Text(bytes) => utf8(bytes)?.trim().parse().map(Some).map_err(|_| malformed("integer")),
            other => Err(found(other, "integer")),
        }
    }

    fn u64(&mut self, index: usize) -> Result<Option<u64>> {
        match self.i64(index)? {
            None => Ok(None),
            Some(number) => u64::try_from(number).map(Some).map_err(|_| out_of_range("an unsigned integer")),
        }
    }

    fn f64(&mut self, index: usize) -> Result<Option<f64>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) => Ok(Some(number)),
            ValueRef::Integer(number) => Ok(number.to_f64()),
            ValueRef::Text(bytes) => utf8(bytes)?.trim().parse().map(Some).map_err(|_| malformed("float")),
            other @ ValueRef::Blob(_) => Err(found(other, "float")),
        }
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => {
                let text = utf8(bytes)?.trim();
                text.parse().or_else(|_| Decimal::from_scientific(text)).map(Some).map_err(|_| malformed("decimal"))
            }
            ValueRef::Integer(number) => Ok(Some(Decimal::from(number))),
            ValueRef::Real(number) => Decimal::from_f64(number).map(Some).ok_or_else(|| out_of_range("a decimal")),
            other @ ValueRef::Blob(_) => Err(found(other, "decimal")),
        }
    }

    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => utf8(bytes).map(Some),
            other => Err(found(other, "text")),
        }
    }

    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(Some(bytes)),
            other => Err(found(other, "bytes")),
        }
    }

    fn uuid(&mut self, index: usize) -> Result<Option<Uuid>> {
        if let ValueRef::Blob(bytes) = self.cell(index)? {
            return Uuid::from_slice(bytes).map(Some).map_err(|_| malformed("uuid"));
        }
        self.parsed(index, "uuid", |text| text.parse().ok())
    }

    fn date_time(&mut self, index: usize) -> Result<Option<DateTime<Utc>>> {
        if let ValueRef::Integer(millis) = self.cell(index)? {
            return DateTime::from_timestamp_millis(millis).map(Some).ok_or_else(|| out_of_range("an instant"));
        }
        self.parsed(index, "instant", parse_instant)
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>> {
        self.parsed(index, "date and time", |text| parse_naive(text).or_else(|| parse_instant(text).map(|instant| instant.naive_utc())))
    }

    fn date(&mut self, index: usize) -> Result<Option<NaiveDate>> {
        self.parsed(index, "date", |text| text.parse().ok().or_else(|| parse_naive(text).map(|value| value.date())))
    }

    fn time(&mut self, index: usize) -> Result<Option<NaiveTime>> {
        self.parsed(index, "time", |text| text.parse().ok())
    }

    fn json(&mut self, index: usize) -> Result<Option<&str>> {
        self.text(index)
    }

    fn value(&mut self, index: usize, ty: &ColumnType) -> Result<Value> {
        let value = match ty {
            ColumnType::Bool => self.bool(index)?.map(Value::Bool),
            ty if ty.is_integer() => self.i64(index)?.map(Value::I64),
            ColumnType::F32 | ColumnType::F64 => self.f64(index)?.map(Value::F64),
            ColumnType::Decimal(_) => self.decimal(index)?.map(Value::Decimal),
            ColumnType::Uuid => self.uuid(index)?.map(Value::Uuid),
            ColumnType::DateTime(_) => self.date_time(index)?.map(Value::DateTime),
            ColumnType::NaiveDateTime(_) => self.naive_date_time(index)?.map(Value::NaiveDateTime),
            ColumnType::Date => self.date(index)?.map(Value::Date),
            ColumnType::Time => self.time(index)?.map(Value::Time),
            ColumnType::Bytes => self.bytes(index)?.map(|bytes| Value::Bytes(bytes.to_vec())),
            ColumnType::Json(_) => match self.cell(index)? {
                ValueRef::Integer(number) => Some(Value::from(serde_json::Value::from(number))),
                ValueRef::Real(number) => Some(Value::from(serde_json::Value::from(number))),
                _ => self.document(index)?.map(Value::from),
            },
            ColumnType::Array(_) => match self.document(index)? {
                Some(list) => Some(value_from_json(ty, list)?),
                None => None,
            },
            _ => match self.cell(index)? {
                ValueRef::Integer(number) => Some(Value::Text(number.to_string())),
                ValueRef::Real(number) => Some(Value::Text(number.to_string())),
                _ => self.text(index)?.map(|text| Value::Text(text.to_owned())),
            },
        };
        Ok(value.unwrap_or_default())
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

impl SqliteRow<'_> {
    fn document(&mut self, index: usize) -> Result<Option<serde_json::Value>> {
        match self.text(index)? {
            None => Ok(None),
            Some(text) => serde_json::from_str(text).map(Some).map_err(|_| malformed("JSON document")),
        }
    }
}
