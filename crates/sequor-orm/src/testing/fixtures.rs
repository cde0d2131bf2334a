//! Fixtures: files of rows, in YAML or JSON, that a test begins with.
//!
//! A list holds rows of the model that the file is named after (`users.yaml`: the table or model of that name); a map holds such lists by table or model, or rows
//! of the file's model by a label of their own; `{ model, data }` names the model of one row, as sequelize-fixtures does. Fields have the names of the JSON door.

use crate::db::Db;
use crate::write::{BulkOptions, OnDuplicate, RowState, WriteOptions, bulk_create};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::types::value_from_json;
use sequor_sql::Dialect;
use serde_json::{Map, Value as Json};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Some rows of one model.
type Rows<'a> = (&'a Arc<ModelDef>, Vec<Json>);

/// Writes the rows of a file, looked for in the folder, its `fixtures` and its `tests/fixtures`. Rules are checked, hooks do not run.
///
/// # Errors
/// `Usage` that names the file, and the row where it is one; those of the database.
pub async fn load_fixture(db: &Db, folder: &str, file: &str, models: &[Arc<ModelDef>]) -> Result<()> {
    let path = find(folder, file)?;
    let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error))?;
    let json = match path.extension().and_then(|end| end.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(|error| at(&path, error))?,
        Some("yaml" | "yml") => serde_saphyr::from_str(&text).map_err(|error| at(&path, error))?,
        _ => return Err(Error::usage(format!("{} is neither .yaml, .yml nor .json", path.display()))),
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    for (model, rows) in sorted(json, stem, models).map_err(|error| at(&path, error))? {
        let states = rows.into_iter().map(|row| state(model, row)).collect::<Result<Vec<_>>>().map_err(|error| at(&path, error))?;
        write(db, model, states).await.map_err(|error| at(&path, format!("{error:#}")))?;
    }
    Ok(())
}

fn find(folder: &str, file: &str) -> Result<PathBuf> {
    let folder = Path::new(folder);
    let places = [folder.join("tests/fixtures").join(file), folder.join("fixtures").join(file), folder.join(file)];
    places
        .into_iter()
        .find(|place| place.is_file())
        .ok_or_else(|| Error::usage(format!("there is no fixture {file} in {0}, {0}/fixtures or {0}/tests/fixtures", folder.display())))
}

#[cold]
fn at(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::usage(format!("fixture {}: {error}", path.display()))
}

fn named<'a>(models: &'a [Arc<ModelDef>], name: &str) -> Option<&'a Arc<ModelDef>> {
    models.iter().find(|model| model.name == name || model.table.name == name || model.name.eq_ignore_ascii_case(name))
}

/// The rows of a file with their models, in the order of the file.
fn sorted<'a>(json: Json, stem: &str, models: &'a [Arc<ModelDef>]) -> Result<Vec<Rows<'a>>> {
    let own =
        || named(models, stem).ok_or_else(|| Error::usage(format!("no model of the test is called {stem} or has a table of that name")));
    let mut found: Vec<Rows<'a>> = Vec::new();
    match json {
        Json::Array(rows) => {
            for row in rows {
                let (model, row) = match row {
                    Json::Object(mut map)
                        if map.len() == 2 && map.contains_key("data") && map.get("model").is_some_and(Json::is_string) =>
                    {
                        let name = map.get("model").and_then(Json::as_str).unwrap_or_default().to_owned();
                        let model = named(models, &name).ok_or_else(|| Error::usage(format!("no model of the test is called {name}")))?;
                        (model, map.remove("data").unwrap_or_default())
                    }
                    row => (own()?, row),
                };
                push(&mut found, model, row);
            }
        }
        Json::Object(map) if map.iter().all(|(name, rows)| rows.is_array() && named(models, name).is_some()) => {
            for (name, rows) in map {
                let (Some(model), Json::Array(rows)) = (named(models, &name), rows) else { continue };
                rows.into_iter().for_each(|row| push(&mut found, model, row));
            }
        }
        Json::Object(map) if map.values().all(Json::is_object) => {
            let model = own()?;
            map.into_iter().for_each(|(_, row)| push(&mut found, model, row));
        }
        Json::Null => {}
        _ => return Err(Error::usage("expected a list of rows, rows by label, or lists of rows by the name of a model or table")),
    }
    Ok(found)
}

/// Rows of one model that follow each other are written together.
fn push<'a>(found: &mut Vec<Rows<'a>>, model: &'a Arc<ModelDef>, row: Json) {
    match found.last_mut() {
        Some((last, rows)) if Arc::ptr_eq(last, model) => rows.push(row),
        _ => found.push((model, vec![row])),
    }
}

fn state(model: &Arc<ModelDef>, row: Json) -> Result<RowState> {
    let Json::Object(map) = row else { return Err(Error::usage(format!("a row of {} is a map of fields", model.name))) };
    let map: Map<String, Json> = map;
    let mut state = RowState::new(model.clone());
    for (key, value) in crate::model::flat(model, map) {
        let position = model.columns.iter().position(|column| column.json == key.as_str() || column.name == key.as_str());
        let position = position.ok_or_else(|| model.unknown(&key))?;
        let value =
            value_from_json(&model.columns[position].ty, value).map_err(|error| Error::usage(format!("{}.{key}: {error}", model.name)))?;
        state.values[position] = Some(value);
    }
    Ok(state)
}

async fn write(db: &Db, model: &Arc<ModelDef>, states: Vec<RowState>) -> Result<()> {
    let mut write = WriteOptions::at(Location::caller());
    write.hooks = false;
    let options = BulkOptions { write, duplicates: OnDuplicate::Fail, individual_hooks: false, returning: false, records: false };
    bulk_create(db, states, &options).await?;
    // PostgreSQL's counters do not notice keys that were given.
    let counted = model.columns.iter().find(|column| column.auto_increment);
    if let (Dialect::Postgres, Some(column)) = (db.dialect(), counted) {
        let quoted = |name: &str| name.replace('"', "\"\"");
        let (table, column) = (quoted(&model.table.name), quoted(&column.column));
        let name = table.replace('\'', "''");
        let counter = format!("pg_get_serial_sequence('\"{name}\"', '{}')", column.replace('\'', "''"));
        let last = format!("(SELECT max(\"{column}\") FROM \"{table}\")");
        let text = format!("SELECT setval({counter}, {last}) WHERE {last} > 0");
        db.execute_script(text, Location::caller()).await?;
    }
    Ok(())
}
