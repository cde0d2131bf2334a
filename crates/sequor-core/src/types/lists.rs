//! `Vec<T>` of scalars and [`Range`].

use super::ColumnType;
use crate::decode::{malformed, unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::Result;
use crate::value::{RangeValue, Value};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Scalars that a list column can hold. Bytes (`Vec<u8>`) are a scalar of their own, so `u8` is none of them.
#[diagnostic::on_unimplemented(
    message = "a list of `{Self}` cannot be the type of a column",
    label = "expected a number, `bool`, `String`, `Uuid`, `Decimal`, a date or a time",
    note = "lists of anything else are documents: `Json<Vec<{Self}>>`"
)]
pub trait Element: Scalar {}

macro_rules! element {
    ($($ty:ty),*) => {$( impl Element for $ty {} )*};
}
element!(bool, i8, i16, i32, i64, u16, u32, u64, f32, f64, Decimal, String, Uuid, DateTime<Utc>, NaiveDateTime, NaiveDate, NaiveTime);

impl<T: Element> FieldType for Vec<T> {
    type Base = Vec<T>;
    const NULLABLE: bool = false;

    fn column_type() -> ColumnType {
        ColumnType::Array(Box::new(T::column_type()))
    }

    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
        Self::decode_option(row, index)?.ok_or_else(unexpected_null)
    }

    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(T::to_value).collect())
    }

    fn moved(self) -> Value {
        Value::Array(self.into_iter().map(T::moved).collect())
    }

    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Array(values) => values.into_iter().map(T::from_value).collect(),
            Value::Json(json) => match *json {
                serde_json::Value::Array(items) => items.into_iter().map(|item| T::from_value(scalar_from_json(item)?)).collect(),
                _ => Err(malformed("list")),
            },
            other => Err(unexpected(&other, "list")),
        }
    }
}

/// A JSON scalar as the value that it spells; text stays text, whose own type parses it.
pub(crate) fn scalar_from_json(json: serde_json::Value) -> Result<Value> {
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Value::I64(value),
            (_, Some(value), _) => Value::U64(value),
            (_, _, Some(value)) => Value::F64(value),
            _ => return Err(malformed("number")),
        },
        serde_json::Value::String(text) => Value::Text(text),
        other => Value::Json(Box::new(other)),
    })
}

impl<T: Element> Scalar for Vec<T> {
    fn decode_option(row: &mut dyn RowReader, index: usize) -> Result<Option<Self>> {
        match row.value(index, &Self::column_type())? {
            Value::Null => Ok(None),
            value => Self::from_value(value).map(Some),
        }
    }
}

/// A range of scalars; `None` is unbounded, the flag says whether the end belongs to the range. PostgreSQL only.
///
/// ```
/// use sequor::Range;
/// let ages: Range<i32> = Range::from(18..65);
/// assert_eq!(ages, Range::new(Some((18, true)), Some((65, false))));
/// assert!(Range::<i32>::nothing().empty);
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Range<T> {
    /// Whether it has no members; the ends then mean nothing.
    pub empty: bool,
    /// Lower end.
    pub lower: Option<(T, bool)>,
    /// Upper end.
    pub upper: Option<(T, bool)>,
}

impl<T> Range<T> {
    /// From one end to another; `None` is unbounded, the flag says whether the end belongs to the range.
    pub fn new(lower: Option<(T, bool)>, upper: Option<(T, bool)>) -> Range<T> {
        Range { empty: false, lower, upper }
    }

    /// The range without members.
    pub fn nothing() -> Range<T> {
        Range { empty: true, lower: None, upper: None }
    }
}

impl<T> From<std::ops::Range<T>> for Range<T> {
    fn from(range: std::ops::Range<T>) -> Range<T> {
        Range::new(Some((range.start, true)), Some((range.end, false)))
    }
}

impl<T> From<std::ops::RangeInclusive<T>> for Range<T> {
    fn from(range: std::ops::RangeInclusive<T>) -> Range<T> {
        let (start, end) = range.into_inner();
        Range::new(Some((start, true)), Some((end, true)))
    }
}

impl<T> From<std::ops::RangeFrom<T>> for Range<T> {
    fn from(range: std::ops::RangeFrom<T>) -> Range<T> {
        Range::new(Some((range.start, true)), None)
    }
}

impl<T> From<std::ops::RangeTo<T>> for Range<T> {
    fn from(range: std::ops::RangeTo<T>) -> Range<T> {
        Range::new(None, Some((range.end, false)))
    }
}

impl<T> From<std::ops::RangeToInclusive<T>> for Range<T> {
    fn from(range: std::ops::RangeToInclusive<T>) -> Range<T> {
        Range::new(None, Some((range.end, true)))
    }
}

impl<T> From<std::ops::RangeFull> for Range<T> {
    fn from(_: std::ops::RangeFull) -> Range<T> {
        Range::new(None, None)
    }
}

impl<T: Element> FieldType for Range<T> {
    type Base = Range<T>;
    const NULLABLE: bool = false;

    fn column_type() -> ColumnType {
        ColumnType::Range(Box::new(T::column_type()))
    }

    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
        Self::decode_option(row, index)?.ok_or_else(unexpected_null)
    }

    fn to_value(&self) -> Value {
        if self.empty {
            return Value::Range(Box::new(RangeValue::Empty));
        }
        let end = |end: &Option<(T, bool)>| end.as_ref().map(|(value, inclusive)| (value.to_value(), *inclusive));
        Value::Range(Box::new(RangeValue::Between { lower: end(&self.lower), upper: end(&self.upper) }))
    }

    fn from_value(value: Value) -> Result<Self> {
        let end = |end: Option<(Value, bool)>| match end {
            Some((value, inclusive)) => T::from_value(value).map(|value| Some((value, inclusive))),
            None => Ok(None),
        };
        match value {
            Value::Range(range) => match *range {
                RangeValue::Empty => Ok(Range { empty: true, lower: None, upper: None }),
                RangeValue::Between { lower, upper } => Ok(Range { empty: false, lower: end(lower)?, upper: end(upper)? }),
            },
            other => Err(unexpected(&other, "range")),
        }
    }
}

impl<T: Element> Scalar for Range<T> {
    fn decode_option(row: &mut dyn RowReader, index: usize) -> Result<Option<Self>> {
        match row.value(index, &Self::column_type())? {
            Value::Null => Ok(None),
            value => Self::from_value(value).map(Some),
        }
    }
}
