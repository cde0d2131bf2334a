//! [`ValueRow`]: a row made of [`Value`]s, so that JSON, records and tests are decoded by the same code as the wire.

use super::RowReader;
use crate::decode::{malformed, out_of_range, unexpected};
use crate::error::{Error, Result};
use crate::types::ColumnType;
use crate::value::Value;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use uuid::Uuid;

/// A row of values that reads like a row of a database.
#[derive(Debug, Default)]
pub struct ValueRow {
    values: Vec<Option<Value>>,
    json: String,
}

const NULL: &Value = &Value::Null;

impl ValueRow {
    /// A row of these values.
    pub fn new(values: Vec<Value>) -> ValueRow {
        ValueRow::of(values.into_iter().map(Some).collect())
    }

    /// A row of values as a draft holds them: one that is not there is NULL.
    pub fn of(values: Vec<Option<Value>>) -> ValueRow {
        ValueRow { values, json: String::new() }
    }

    fn cell(&self, index: usize) -> Result<&Value> {
        let cell = self.values.get(index).ok_or_else(|| Error::decode(format!("the row has no cell {index}")))?;
        Ok(cell.as_ref().unwrap_or(NULL))
    }

    fn read<T>(&self, index: usize, expected: &str, read: impl FnOnce(&Value) -> Option<Result<T>>) -> Result<Option<T>> {
        let value = self.cell(index)?;
        if value.is_null() {
            return Ok(None);
        }
        match read(value) {
            Some(result) => result.map(Some),
            None => Err(unexpected(value, expected)),
        }
    }
}

impl RowReader for ValueRow {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn is_null(&mut self, index: usize) -> Result<bool> {
        Ok(self.cell(index)?.is_null())
    }

    fn bool(&mut self, index: usize) -> Result<Option<bool>> {
        self.read(index, "boolean", |value| match value {
            Value::Bool(value) => Some(Ok(*value)),
            Value::I64(0) => Some(Ok(false)),
            Value::I64(1) => Some(Ok(true)),
            _ => None,
        })
    }

    fn i64(&mut self, index: usize) -> Result<Option<i64>> {
        self.read(index, "integer", |value| match value {
            Value::I64(value) => Some(Ok(*value)),
            Value::U64(_) => Some(Err(out_of_range("a 64-bit integer"))),
            Value::Bool(value) => Some(Ok(i64::from(*value))),
            Value::F64(value) if value.fract() == 0.0 => Some(value.to_i64().ok_or_else(|| out_of_range("a 64-bit integer"))),
            Value::Decimal(value) if value.fract().is_zero() => Some(value.to_i64().ok_or_else(|| out_of_range("a 64-bit integer"))),
            _ => None,
        })
    }

    fn u64(&mut self, index: usize) -> Result<Option<u64>> {
        self.read(index, "unsigned integer", |value| match value {
            Value::I64(value) => Some(u64::try_from(*value).map_err(|_| out_of_range("an unsigned integer"))),
            Value::U64(value) => Some(Ok(*value)),
            Value::Decimal(value) if value.fract().is_zero() => Some(value.to_u64().ok_or_else(|| out_of_range("an unsigned integer"))),
            _ => None,
        })
    }

    fn f64(&mut self, index: usize) -> Result<Option<f64>> {
        self.read(index, "float", |value| match value {
            Value::F64(value) => Some(Ok(*value)),
            Value::I64(value) => value.to_f64().map(Ok),
            Value::U64(value) => value.to_f64().map(Ok),
            Value::Decimal(value) => value.to_f64().map(Ok),
            Value::Text(text) => match text.as_str() {
                "NaN" => Some(Ok(f64::NAN)),
                "Infinity" => Some(Ok(f64::INFINITY)),
                "-Infinity" => Some(Ok(f64::NEG_INFINITY)),
                _ => None,
            },
            _ => None,
        })
    }

    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>> {
        self.read(index, "decimal", |value| match value {
            Value::Decimal(value) => Some(Ok(*value)),
            Value::I64(value) => Some(Ok(Decimal::from(*value))),
            Value::U64(value) => Some(Ok(Decimal::from(*value))),
            Value::F64(value) => Some(Decimal::from_f64(*value).ok_or_else(|| out_of_range("a decimal"))),
            Value::Text(text) => Some(text.parse().map_err(|_| malformed("decimal"))),
            _ => None,
        })
    }

    fn text(&mut self, index: usize) -> Result<Option<&str>> {
        match self.cell(index)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other => Err(unexpected(other, "text")),
        }
    }

    fn string(&mut self, index: usize) -> Result<Option<String>> {
        match self.values.get_mut(index) {
            Some(Some(Value::Text(text))) => Ok(Some(std::mem::take(text))),
            _ => Ok(self.text(index)?.map(str::to_owned)),
        }
    }

    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>> {
        match self.cell(index)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            other => Err(unexpected(other, "bytes")),
        }
    }

    fn uuid(&mut self, index: usize) -> Result<Option<Uuid>> {
        self.read(index, "uuid", |value| match value {
            Value::Uuid(value) => Some(Ok(*value)),
            Value::Text(text) => Some(text.parse().map_err(|_| malformed("uuid"))),
            _ => None,
        })
    }

    fn date_time(&mut self, index: usize) -> Result<Option<DateTime<Utc>>> {
        self.read(index, "instant", |value| match value {
            Value::DateTime(value) => Some(Ok(*value)),
            Value::NaiveDateTime(value) => Some(Ok(value.and_utc())),
            Value::Text(text) => Some(crate::types::parse_instant(text).ok_or_else(|| malformed("instant"))),
            _ => None,
        })
    }

    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>> {
        self.read(index, "date and time", |value| match value {
            Value::NaiveDateTime(value) => Some(Ok(*value)),
            Value::Text(text) => Some(crate::types::parse_naive(text).ok_or_else(|| malformed("date and time"))),
            _ => None,
        })
    }

    fn date(&mut self, index: usize) -> Result<Option<NaiveDate>> {
        self.read(index, "date", |value| match value {
            Value::Date(value) => Some(Ok(*value)),
            Value::Text(text) => Some(text.parse().map_err(|_| malformed("date"))),
            _ => None,
        })
    }

    fn time(&mut self, index: usize) -> Result<Option<NaiveTime>> {
        self.read(index, "time", |value| match value {
            Value::Time(value) => Some(Ok(*value)),
            Value::Text(text) => Some(text.parse().map_err(|_| malformed("time"))),
            _ => None,
        })
    }

    fn json(&mut self, index: usize) -> Result<Option<&str>> {
        match self.cell(index)? {
            Value::Null => Ok(None),
            Value::Json(value) => {
                self.json = value.to_string();
                Ok(Some(&self.json))
            }
            other => Err(unexpected(other, "json")),
        }
    }

    fn value(&mut self, index: usize, _ty: &ColumnType) -> Result<Value> {
        self.cell(index).cloned()
    }

    fn any(&mut self, index: usize) -> Result<Value> {
        self.cell(index).cloned()
    }
}
