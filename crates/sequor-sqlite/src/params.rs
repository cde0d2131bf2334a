//! Values → SQLite's storage classes.

use crate::error;
use rusqlite::Statement;
use rusqlite::types::Null;
use sequor_core::Value;
use sequor_core::driver::Param;
use sequor_core::error::{Error, Result};
use sequor_core::types::ScalarType;

/// Binds all parameters.
pub(crate) fn bind(statement: &mut Statement<'_>, params: Vec<Param>) -> Result<()> {
    let wanted = statement.parameter_count();
    if wanted != params.len() {
        return Err(Error::usage(format!("the statement takes {wanted} parameters, {} were given", params.len())));
    }
    for (place, param) in params.into_iter().enumerate() {
        bind_one(statement, place + 1, param)?;
    }
    Ok(())
}

fn bind_one(statement: &mut Statement<'_>, place: usize, param: Param) -> Result<()> {
    let scalar = param.bind.scalar;
    let result = match param.value {
        Value::Null => statement.raw_bind_parameter(place, Null),
        // A number that is compared with text is compared as text, not by SQLite's affinity.
        Value::I64(number) if scalar == ScalarType::Text && !param.bind.array => statement.raw_bind_parameter(place, number.to_string()),
        Value::I64(number) if scalar == ScalarType::Decimal => statement.raw_bind_parameter(place, number.to_string()),
        Value::I64(number) => statement.raw_bind_parameter(place, number),
        Value::Bool(value) => statement.raw_bind_parameter(place, i64::from(value)),
        Value::U64(_) => return Err(Error::usage("SQLite holds integers up to 9223372036854775807; keep larger ones as a decimal or text")),
        Value::F64(number) if number.is_nan() => return Err(Error::usage("SQLite has no NaN: it would be stored as NULL")),
        Value::F64(number) => statement.raw_bind_parameter(place, number),
        Value::Decimal(number) => statement.raw_bind_parameter(place, number.normalize().to_string()),
        Value::Text(text) => match scalar {
            ScalarType::I16 | ScalarType::I32 | ScalarType::I64 | ScalarType::U64 => {
                let number: i64 = text.trim().parse().map_err(|_| sequor_core::decode::malformed("integer"))?;
                statement.raw_bind_parameter(place, number)
            }
            ScalarType::DateTime => {
                let instant = sequor_core::types::parse_instant(&text).ok_or_else(|| sequor_core::decode::malformed("instant"))?;
                statement.raw_bind_parameter(place, instant.format(INSTANT).to_string())
            }
            _ => statement.raw_bind_parameter(place, text),
        },
        Value::Bytes(bytes) => statement.raw_bind_parameter(place, bytes),
        Value::Uuid(uuid) => statement.raw_bind_parameter(place, uuid.as_hyphenated().to_string()),
        Value::DateTime(instant) => statement.raw_bind_parameter(place, instant.format(INSTANT).to_string()),
        Value::NaiveDateTime(value) => statement.raw_bind_parameter(place, value.format("%Y-%m-%d %H:%M:%S%.6f").to_string()),
        Value::Date(date) => statement.raw_bind_parameter(place, date.format("%Y-%m-%d").to_string()),
        Value::Time(time) => statement.raw_bind_parameter(place, time.format("%H:%M:%S%.6f").to_string()),
        Value::Json(json) => statement.raw_bind_parameter(place, json.to_string()),
        Value::Array(_) => statement.raw_bind_parameter(place, param.value.to_json().to_string()),
        Value::Range(_) => return Err(Error::unsupported("ranges are PostgreSQL's; on SQLite keep the two ends in two columns")),
    };
    result.map_err(error::of)
}

/// Always six digits, so that the order of the text is the order of time.
const INSTANT: &str = "%Y-%m-%d %H:%M:%S%.6f+00:00";
