//! Rows as JSON and back: what serde's impls of a model call. Names are the model's JSON names.

use super::{Instance, Model, RelationCell};
use sequor_core::driver::ValueRow;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ColumnDef, ModelDef};
use sequor_core::types::ColumnType;
use sequor_core::value::Value;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes a row: columns that are not `hidden`, computed values, and the relations that are loaded.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_model<S: Serializer>(row: &dyn Instance, serializer: S) -> Result<S::Ok, S::Error> {
    let def = row.def();
    let mut map = serializer.serialize_map(None)?;
    for (position, column) in def.columns.iter().enumerate() {
        if let Some(cell) = row.cell(position).filter(|_| !column.hidden) {
            map.serialize_entry(&column.json, &cell.to_value().to_json())?;
        }
    }
    for (name, value) in row.computed() {
        map.serialize_entry(&*name, &value)?;
    }
    for (position, relation) in def.relations.iter().enumerate() {
        if let Some(cell) = row.relation_cell(position).filter(|cell| cell.is_loaded()) {
            map.serialize_entry(&relation.json, &Related(cell))?;
        }
    }
    map.end()
}

struct Related<'a>(&'a dyn RelationCell);

struct Row<'a>(&'a dyn Instance);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_model(self.0, serializer)
    }
}

impl Serialize for Related<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = (0..self.0.count()).filter_map(|index| self.0.row(index)).map(Row);
        if self.0.is_list() { serializer.collect_seq(rows) } else { rows.into_iter().next().serialize(serializer) }
    }
}

/// Reads a row from its JSON form. Relations stay unloaded; `hidden` fields get the zero of their type.
///
/// # Errors
/// Those of the deserializer, and a missing or mistyped field.
pub fn deserialize_model<'de, M: Model, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    let values = row_values(M::model(), json).map_err(D::Error::custom)?;
    M::decode(&mut ValueRow::new(values), 0).map_err(D::Error::custom)
}

fn row_values(def: &ModelDef, json: serde_json::Value) -> Result<Vec<Value>> {
    let serde_json::Value::Object(mut map) = json else {
        return Err(Error::decode(format!("a {} is a JSON object", def.name)));
    };
    let mut values = Vec::with_capacity(def.columns.len());
    for column in &def.columns {
        values.push(match map.remove(column.json.as_ref()) {
            _ if column.hidden => zero(column),
            Some(value) => value_from_json(column, value).map_err(|error| error.at(&def.name, Some(&column.name)))?,
            None if column.nullable => Value::Null,
            None => return Err(Error::decode("the field is missing").at(&def.name, Some(&column.name))),
        });
    }
    Ok(values)
}

/// The zero of a column's type; NULL where that is a value.
pub(super) fn zero(column: &ColumnDef) -> Value {
    if column.nullable {
        return Value::Null;
    }
    match &column.ty {
        ColumnType::Bool => Value::Bool(false),
        ty if ty.is_numeric() => Value::I64(0),
        ColumnType::Bytes => Value::Bytes(Vec::new()),
        ColumnType::Json(_) => Value::from(serde_json::Value::Null),
        ColumnType::Array(_) => Value::Array(Vec::new()),
        ColumnType::Enum(def) => Value::Text(def.labels.first().map(ToString::to_string).unwrap_or_default()),
        ColumnType::Uuid => Value::Uuid(uuid::Uuid::nil()),
        ColumnType::DateTime(_) => Value::DateTime(chrono::DateTime::UNIX_EPOCH),
        ColumnType::NaiveDateTime(_) => Value::NaiveDateTime(chrono::DateTime::UNIX_EPOCH.naive_utc()),
        ColumnType::Date => Value::Date(chrono::NaiveDate::default()),
        ColumnType::Time => Value::Time(chrono::NaiveTime::default()),
        _ => Value::Text(String::new()),
    }
}

/// A JSON value as the value of a column: text spells dates, decimals and UUIDs, numbers fit or are refused.
///
/// # Errors
/// `Decode` that says what the column takes.
pub fn value_from_json(column: &ColumnDef, json: serde_json::Value) -> Result<Value> {
    sequor_core::types::value_from_json(&column.ty, json)
}
