//! Rows as JSON and back: what serde's impls of a model call. Names are the model's JSON names.

use super::{Instance, Loader, Model, RelationCell, RowBatch, RowShape};
use sequor_core::driver::ValueRow;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ColumnDef, ModelDef, RelationDef};
use sequor_core::types::ColumnType;
use sequor_core::value::Value;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Map = serde_json::Map<String, serde_json::Value>;

/// Writes a row: columns that are not `hidden`, computed values, and the relations that are loaded.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_model<S: Serializer>(row: &dyn Instance, serializer: S) -> Result<S::Ok, S::Error> {
    let def = row.def();
    let mut map = serializer.serialize_map(None)?;
    for (position, column) in def.columns.iter().enumerate() {
        let Some(cell) = row.cell(position).filter(|_| !column.hidden) else { continue };
        match outer(column) {
            None => map.serialize_entry(&column.json, &cell.to_value().to_json())?,
            Some(name) if is_first(def, position, name) => map.serialize_entry(name, &object(row, name))?,
            Some(_) => {}
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

/// The JSON name of the embedded struct that a column belongs to.
fn outer(column: &ColumnDef) -> Option<&str> {
    if column.name.contains('.') { column.json.split_once('.').map(|(outer, _)| outer) } else { None }
}

/// Whether a column is the first to be shown of its embedded struct.
fn is_first(def: &ModelDef, position: usize, name: &str) -> bool {
    !def.columns[..position].iter().any(|column| !column.hidden && outer(column) == Some(name))
}

/// An embedded struct, those inside of it included.
fn object(row: &dyn Instance, name: &str) -> Map {
    let mut map = Map::new();
    for (position, column) in row.def().columns.iter().enumerate().filter(|(_, column)| !column.hidden && outer(column) == Some(name)) {
        let path = column.json.get(name.len() + 1..).unwrap_or_default();
        if let Some(cell) = row.cell(position) {
            put(&mut map, path, cell.to_value().to_json());
        }
    }
    map
}

/// Puts a value at the end of a dotted path.
fn put(map: &mut Map, path: &str, value: serde_json::Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((outer, rest)) => {
            if let serde_json::Value::Object(inner) = map.entry(outer).or_insert_with(|| Map::new().into()) {
                put(inner, rest, value);
            }
        }
    }
}

/// The objects of embedded structs spread over the names of their columns, as in `address.city`.
pub(crate) fn flat(def: &ModelDef, map: Map) -> Map {
    if !def.columns.iter().any(|column| outer(column).is_some()) {
        return map;
    }
    let mut flat = Map::new();
    spread(def, "", map, &mut flat);
    flat
}

fn spread(def: &ModelDef, path: &str, map: Map, flat: &mut Map) {
    for (key, value) in map {
        let key = format!("{path}{key}");
        let inside = format!("{key}.");
        match value {
            serde_json::Value::Object(inner)
                if def.columns.iter().any(|column| outer(column).is_some() && column.json.starts_with(&inside)) =>
            {
                spread(def, &inside, inner, flat);
            }
            value => {
                flat.insert(key, value);
            }
        }
    }
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

/// Reads a row from its JSON form, with the relations that are there. `hidden` fields get the zero of their type.
///
/// # Errors
/// Those of the deserializer, and a missing or mistyped field.
pub fn deserialize_model<'de, M: Model, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    let (values, relations) = parts(M::model(), json).map_err(D::Error::custom)?;
    let row = M::decode(&mut ValueRow::new(values), 0).map_err(D::Error::custom)?;
    for (position, json) in relations {
        let mut rows = related(M::loader(position), M::model(), position, json).map_err(D::Error::custom)?;
        if let Some(cell) = row.relation_cell(position) {
            rows.hand_all(&mut |rows| cell.fill(rows, None)).map_err(D::Error::custom)?;
        }
    }
    Ok(row)
}

/// The relations of a row that its JSON holds.
type Inner = Vec<(usize, serde_json::Value)>;

/// The rows of a relation, read from its JSON: a list, or a row or `null` where there is one at most.
fn related(loader: Option<Box<dyn Loader>>, def: &ModelDef, position: usize, json: serde_json::Value) -> Result<Box<dyn RowBatch>> {
    let relation = &def.relations[position];
    let rows = match json {
        serde_json::Value::Array(rows) if relation.kind.is_many() => rows,
        serde_json::Value::Null if !relation.kind.is_many() => Vec::new(),
        row @ serde_json::Value::Object(_) if !relation.kind.is_many() => vec![row],
        _ => {
            let form = if relation.kind.is_many() { "a list of rows" } else { "a row or null" };
            return Err(Error::decode(format!("the relation is {form}")).at(&def.name, Some(&relation.name)));
        }
    };
    let loader = loader.ok_or_else(|| Error::bug("a relation has no loader"))?;
    let target = loader.model();
    let mut batch = loader.batch(&RowShape::default())?;
    for (index, row) in rows.into_iter().enumerate() {
        let (values, relations) = parts(&target, row)?;
        batch.push(&mut ValueRow::new(values), 0)?;
        for (position, json) in relations {
            let mut rows = related(loader.relation(position), &target, position, json)?;
            rows.hand_all(&mut |rows| batch.attach(index, position, "", rows, None))?;
        }
    }
    Ok(batch)
}

/// The values of a row's columns, and the JSON of its relations.
fn parts(def: &ModelDef, json: serde_json::Value) -> Result<(Vec<Value>, Inner)> {
    let serde_json::Value::Object(mut map) = json else {
        return Err(Error::decode(format!("{} is read from a JSON object with its fields", def.name)));
    };
    map = flat(def, map);
    let mut values = Vec::with_capacity(def.columns.len());
    for column in &def.columns {
        values.push(match map.remove(column.json.as_ref()) {
            _ if column.hidden => zero(column),
            Some(value) => value_from_json(column, value).map_err(|error| error.at(&def.name, Some(&column.name)))?,
            None if column.nullable => Value::Null,
            None => return Err(Error::decode("the field is missing").at(&def.name, Some(&column.name))),
        });
    }
    let given = |(position, relation): (usize, &RelationDef)| Some((position, map.remove(relation.json.as_ref())?));
    Ok((values, def.relations.iter().enumerate().filter_map(given).collect()))
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
