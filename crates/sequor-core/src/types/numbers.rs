//! Booleans, integers of every width, floats and decimals.

use super::ColumnType;
use crate::decode::{out_of_range, unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::Result;
use crate::value::Value;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

/// Implements [`FieldType`] and [`Scalar`] for one type that a reader method reads directly.
macro_rules! scalar {
    ($ty:ty, $column:expr, |$row:ident, $index:ident| $read:expr, |$this:ident| $to:expr, $(moved |$own:ident| $moved:expr,)? $(number |$number:ident| $whole:expr,)? |$value:ident| $from:expr) => {
        impl FieldType for $ty {
            type Base = $ty;
            const NULLABLE: bool = false;

            fn column_type() -> ColumnType {
                $column
            }

            fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
                match <$ty as Scalar>::decode_option(row, index)? {
                    Some(value) => Ok(value),
                    None => Err(unexpected_null()),
                }
            }

            fn to_value(&self) -> Value {
                let $this = self;
                $to
            }

            $(
                #[inline]
                fn to_number(&self) -> Option<i64> {
                    let $number = self;
                    $whole
                }
            )?

            $(
                fn moved(self) -> Value {
                    let $own = self;
                    $moved
                }
            )?

            fn from_value($value: Value) -> Result<Self> {
                $from
            }
        }

        impl Scalar for $ty {
            fn decode_option($row: &mut dyn RowReader, $index: usize) -> Result<Option<Self>> {
                $read
            }
        }
    };
}
pub(super) use scalar;

macro_rules! integer {
    ($($ty:ty => $column:ident, $read:ident, $word:literal;)*) => {$(
        scalar!(
            $ty,
            ColumnType::$column,
            |row, index| match row.$read(index)? {
                Some(wide) => match <$ty>::try_from(wide) {
                    Ok(value) => Ok(Some(value)),
                    Err(_) => Err(out_of_range($word)),
                },
                None => Ok(None),
            },
            |this| Value::from(*this),
            number |this| i64::try_from(*this).ok(),
            |value| match &value {
                Value::I64(wide) => <$ty>::try_from(*wide).map_err(|_| out_of_range($word)),
                Value::U64(wide) => <$ty>::try_from(*wide).map_err(|_| out_of_range($word)),
                Value::Decimal(wide) if wide.fract().is_zero() => {
                    wide.to_i128().and_then(|wide| <$ty>::try_from(wide).ok()).ok_or_else(|| out_of_range($word))
                }
                Value::F64(wide) if wide.fract() == 0.0 => {
                    wide.to_i128().and_then(|wide| <$ty>::try_from(wide).ok()).ok_or_else(|| out_of_range($word))
                }
                _ => Err(unexpected(&value, $word)),
            }
        );
    )*};
}

integer! {
    i8 => I8, i64, "an 8-bit integer";
    i16 => I16, i64, "a 16-bit integer";
    i32 => I32, i64, "a 32-bit integer";
    i64 => I64, i64, "a 64-bit integer";
    u8 => U8, u64, "an unsigned 8-bit integer";
    u16 => U16, u64, "an unsigned 16-bit integer";
    u32 => U32, u64, "an unsigned 32-bit integer";
    u64 => U64, u64, "an unsigned 64-bit integer";
}

scalar!(bool, ColumnType::Bool, |row, index| row.bool(index), |this| Value::Bool(*this), |value| match &value {
    Value::Bool(value) => Ok(*value),
    Value::I64(0) => Ok(false),
    Value::I64(1) => Ok(true),
    _ => Err(unexpected(&value, "boolean")),
});

scalar!(f64, ColumnType::F64, |row, index| row.f64(index), |this| Value::F64(*this), |value| match &value {
    Value::F64(value) => Ok(*value),
    Value::I64(wide) => wide.to_f64().ok_or_else(|| out_of_range("a float")),
    Value::Decimal(wide) => wide.to_f64().ok_or_else(|| out_of_range("a float")),
    _ => Err(unexpected(&value, "float")),
});

scalar!(
    f32,
    ColumnType::F32,
    |row, index| Ok(row.f64(index)?.and_then(|wide| wide.to_f32())),
    |this| Value::F64(f64::from(*this)),
    |value| match &value {
        Value::F64(wide) => wide.to_f32().ok_or_else(|| out_of_range("a 32-bit float")),
        Value::I64(wide) => wide.to_f32().ok_or_else(|| out_of_range("a 32-bit float")),
        _ => Err(unexpected(&value, "float")),
    }
);

scalar!(Decimal, ColumnType::Decimal(None), |row, index| row.decimal(index), |this| Value::Decimal(*this), |value| match &value {
    Value::Decimal(value) => Ok(*value),
    Value::I64(wide) => Ok(Decimal::from(*wide)),
    Value::U64(wide) => Ok(Decimal::from(*wide)),
    Value::F64(wide) => Decimal::from_f64(*wide).ok_or_else(|| out_of_range("a decimal")),
    Value::Text(text) => text.parse().map_err(|_| crate::decode::malformed("decimal")),
    _ => Err(unexpected(&value, "decimal")),
});
