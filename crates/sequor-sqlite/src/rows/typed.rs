//! A cell as a [`Value`] of its column's type.

use super::{Cells, Lie};
use sequor_core::decode::malformed;
use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::types::{ColumnType, value_from_json};
use sequor_core::value::Value;

/// Reads one cell as the column's type says.
pub(super) fn read<L: Lie>(cells: &mut Cells<'_, L>, index: usize, ty: &ColumnType) -> Result<Value> {
    let value = match ty {
        ColumnType::Bool => cells.bool(index)?.map(Value::Bool),
        ColumnType::I8 | ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => cells.i64(index)?.map(Value::I64),
        ColumnType::U8 | ColumnType::U16 | ColumnType::U32 | ColumnType::U64 => cells.u64(index)?.map(Value::from_u64),
        ColumnType::F32 | ColumnType::F64 => cells.f64(index)?.map(Value::F64),
        ColumnType::Decimal(_) => cells.decimal(index)?.map(Value::Decimal),
        ColumnType::Uuid => cells.uuid(index)?.map(Value::Uuid),
        ColumnType::DateTime(_) => cells.date_time(index)?.map(Value::DateTime),
        ColumnType::NaiveDateTime(_) => cells.naive_date_time(index)?.map(Value::NaiveDateTime),
        ColumnType::Date => cells.date(index)?.map(Value::Date),
        ColumnType::Time => cells.time(index)?.map(Value::Time),
        ColumnType::Bytes => cells.bytes(index)?.map(|bytes| Value::Bytes(bytes.to_vec())),
        ColumnType::Json(_) => match cells.json(index)? {
            Some(text) => Some(Value::Json(Box::new(parse(text)?))),
            None => None,
        },
        ColumnType::Array(_) => match cells.json(index)? {
            Some(text) => Some(value_from_json(ty, parse(text)?)?),
            None => None,
        },
        ColumnType::Range(_) => return Err(Error::unsupported("SQLite has no ranges")),
        ColumnType::Text
        | ColumnType::VarChar(_)
        | ColumnType::Char(_)
        | ColumnType::CiText
        | ColumnType::Enum(_)
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::Interval
        | ColumnType::HStore
        | ColumnType::TsVector => cells.text(index)?.map(|text| Value::Text(text.to_owned())),
    };
    let value = value.unwrap_or(Value::Null);
    if let (Some((low, high)), Value::I64(number)) = (ty.integer_bounds(), &value)
        && !(low..=high).contains(&i128::from(*number))
    {
        return Err(sequor_core::decode::out_of_range(ty.word()));
    }
    Ok(value)
}

fn parse(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|_| malformed("json"))
}
