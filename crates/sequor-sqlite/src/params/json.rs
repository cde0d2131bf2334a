//! Lists as JSON text, their members spelt as they would be stored alone.

use super::{decimal, instant, refused, spelling};
use sequor_core::error::{Error, Result};
use sequor_core::value::Value;
use serde_json::Value as Json;

/// The JSON text of a list.
pub(super) fn list(values: &[Value]) -> Result<String> {
    Ok(serde_json::to_string(&array(values)?)?)
}

fn array(values: &[Value]) -> Result<Json> {
    values.iter().map(member).collect::<Result<Vec<Json>>>().map(Json::Array)
}

fn member(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::F64(number) => Json::Number(serde_json::Number::from_f64(*number).ok_or_else(|| refused("NaN or infinity in a list"))?),
        Value::Decimal(number) => Json::from(decimal(number)?.as_str()),
        Value::DateTime(value) => Json::from(instant(value)?.as_str()),
        Value::NaiveDateTime(value) => Json::from(spelling::naive(value)?.as_str()),
        Value::Date(value) => Json::from(spelling::date(value)?.as_str()),
        Value::Time(value) => Json::from(spelling::time(value).as_str()),
        Value::Array(values) => array(values)?,
        Value::Range(_) => return Err(Error::unsupported("SQLite has no ranges")),
        Value::Null
        | Value::Bool(_)
        | Value::I64(_)
        | Value::U64(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Uuid(_)
        | Value::Json(_) => value.to_json(),
    })
}
