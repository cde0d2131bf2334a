//! A cell as the [`Value`] of a column's type.

use super::scalar::Mismatch;
use super::{any, array, scalar, text};
use crate::oid;
use sequor_core::Value;
use sequor_core::types::ColumnType;

/// The value, by the type that the model gives the column.
pub(super) fn value(bytes: &[u8], oid: u32, ty: &ColumnType) -> Result<Value, Mismatch> {
    Ok(match ty {
        ColumnType::Bool => Value::Bool(scalar::bool(bytes, oid)?),
        ColumnType::I8 | ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => {
            Value::I64(bounded(scalar::i64(bytes, oid)?.into(), ty).and_then(to_i64)?)
        }
        ColumnType::U8 | ColumnType::U16 | ColumnType::U32 | ColumnType::U64 => {
            let number = scalar::u64(bytes, oid)?;
            bounded(number.into(), ty)?;
            Value::from_u64(number)
        }
        ColumnType::F32 | ColumnType::F64 => Value::F64(scalar::shown_f64(bytes, oid)?),
        ColumnType::Decimal(_) => Value::Decimal(scalar::decimal(bytes, oid)?),
        ColumnType::Uuid => Value::Uuid(scalar::uuid(bytes, oid)?),
        ColumnType::DateTime(_) => Value::DateTime(scalar::date_time(bytes, oid)?),
        ColumnType::NaiveDateTime(_) => Value::NaiveDateTime(scalar::naive_date_time(bytes, oid)?),
        ColumnType::Date => Value::Date(scalar::date(bytes, oid)?),
        ColumnType::Time => Value::Time(scalar::time(bytes, oid)?),
        ColumnType::Bytes => Value::Bytes(scalar::bytes(bytes, oid)?.to_vec()),
        ColumnType::Json(_) => json(scalar::json(bytes, oid)?)?,
        ColumnType::Array(element) => list(bytes, oid, element)?,
        ColumnType::Range(element) => range(bytes, oid, element)?,
        ColumnType::HStore => match oid {
            oid if oid::is_known(oid) => return Err(Mismatch::Type("hstore")),
            _ => array::hstore(bytes)?,
        },
        ColumnType::Text
        | ColumnType::VarChar(_)
        | ColumnType::Char(_)
        | ColumnType::CiText
        | ColumnType::Enum(_)
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::Interval
        | ColumnType::TsVector => Value::Text(text::owned(bytes, oid)?),
    })
}

fn bounded(number: i128, ty: &ColumnType) -> Result<i128, Mismatch> {
    match ty.integer_bounds() {
        Some((low, high)) if number >= low && number <= high => Ok(number),
        _ => Err(Mismatch::Range(ty.word())),
    }
}

fn to_i64(number: i128) -> Result<i64, Mismatch> {
    i64::try_from(number).map_err(|_| Mismatch::Range("a 64-bit integer"))
}

/// Text as a JSON document.
pub(super) fn json(text: &str) -> Result<Value, Mismatch> {
    serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|_| Mismatch::Malformed("json"))
}

fn list(bytes: &[u8], oid: u32, element: &ColumnType) -> Result<Value, Mismatch> {
    if oid::is_known(oid) && !oid::is_array(oid) {
        return Err(Mismatch::Type("list"));
    }
    // A list of lists is one array of more dimensions.
    let mut innermost = element;
    while let ColumnType::Array(deeper) = innermost {
        innermost = deeper;
    }
    array::array(bytes, &mut |bytes, oid| value(bytes, oid, innermost))
}

fn range(bytes: &[u8], oid: u32, element: &ColumnType) -> Result<Value, Mismatch> {
    match oid::range_element(oid) {
        Some(end) => array::range(bytes, &mut |bytes| value(bytes, end, element).or_else(|_| any::value(bytes, end))),
        None => Err(Mismatch::Type("range")),
    }
}
