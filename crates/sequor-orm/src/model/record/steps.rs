//! What `increment` and `decrement` add to which column.

use sequor_core::Value;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::ModelDef;
use sequor_core::types::value_from_json;
use serde_json::Value as Json;

#[cold]
fn too_large(model: &ModelDef, name: &str) -> Error {
    Error::of_usage(UsageErrorKind::Refused, format!("{}.{name}: the step is too large", model.name))
}

/// What is added to which column: a name, a list of names with `by`, or a map of names and numbers.
pub(crate) fn steps(model: &ModelDef, fields: Json, by: Option<&Json>, sign: i64) -> Result<Vec<(usize, Value)>> {
    let by = by.cloned().unwrap_or_else(|| Json::from(1));
    let pairs: Vec<(String, Json)> = match fields {
        Json::String(name) => vec![(name, by)],
        Json::Array(list) => list.iter().filter_map(Json::as_str).map(|name| (name.to_owned(), by.clone())).collect(),
        Json::Object(map) => map.into_iter().collect(),
        _ => return Err(Error::usage("increment takes a name, a list of names, or an object of names and numbers")),
    };
    if pairs.is_empty() {
        return Err(Error::usage(format!("increment of {} names no attribute", model.name)));
    }
    pairs
        .into_iter()
        .map(|(name, by)| {
            let position = model.position(&name).ok_or_else(|| model.unknown(&name))?;
            let value = match value_from_json(&model.columns[position].ty, by)? {
                Value::I64(number) => Value::I64(number.checked_mul(sign).ok_or_else(|| too_large(model, &name))?),
                Value::F64(number) => Value::F64(if sign < 0 { -number } else { number }),
                Value::Decimal(number) => Value::Decimal(if sign < 0 { -number } else { number }),
                _ => return Err(Error::of_usage(UsageErrorKind::Refused, format!("{}.{name} is not a number", model.name))),
            };
            Ok((position, value))
        })
        .collect()
}
