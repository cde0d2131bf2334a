//! Fixtures: rows in JSON, YAML or CSV, written through the models, so that defaults, timestamps and validation apply.
//!
//! A file holds either lists by model or table, `{ "User": [ .. ], "posts": [ .. ] }`, or one list whose model is the end of the file's name:
//! `20240101-users.csv` holds users.

use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::types::ColumnType;
use sequor_orm::db::Db;
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use std::sync::Arc;

pub(super) async fn insert(db: &Db, path: &Path) -> Result<()> {
    for (model, rows) in read(db, path)? {
        db.model(&model.name)?.on(db).bulk_create_with(Json::Array(rows), json!({ "validate": true })).await?;
    }
    Ok(())
}

/// Removes the rows that the file holds: by primary key where it gives one, else by a unique column, else by every value of the row.
pub(super) async fn remove(db: &Db, path: &Path) -> Result<()> {
    for (model, rows) in read(db, path)?.into_iter().rev() {
        let runtime = db.model(&model.name)?.on(db).unscoped();
        for row in rows {
            let filter = identity(&model, row)?;
            runtime.destroy_all(json!({ "where": filter, "force": true })).await?;
        }
    }
    Ok(())
}

fn identity(model: &ModelDef, row: Json) -> Result<Json> {
    let Json::Object(row) = row else { return Err(Error::usage("a row of a fixture is an object")) };
    let keys: Vec<_> = model.columns.iter().filter(|column| column.primary_key).collect();
    if !keys.is_empty() && keys.iter().all(|key| row.contains_key(&*key.json)) {
        return Ok(keys.iter().map(|key| (key.json.to_string(), row[&*key.json].clone())).collect::<Map<_, _>>().into());
    }
    let unique = model.columns.iter().find(|column| column.unique.is_some() && row.contains_key(&*column.json));
    Ok(match unique {
        Some(column) => json!({ &*column.json: row[&*column.json] }),
        None => Json::Object(row),
    })
}

fn read(db: &Db, path: &Path) -> Result<Vec<(Arc<ModelDef>, Vec<Json>)>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Error::usage(format!("{shown} cannot be read: {error}")))?;
    let wrong = |error: &dyn std::fmt::Display| Error::usage(format!("{shown}: {error}"));
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if kind == "csv" {
        let model = model(db, &stem, path)?;
        let rows = csv_rows(&model, &text).map_err(|error| wrong(&error))?;
        return Ok(vec![(model, rows)]);
    }
    let value: Json = match kind {
        "json" => serde_json::from_str(&text).map_err(|error| wrong(&error))?,
        _ => serde_saphyr::from_str(&text).map_err(|error| wrong(&error))?,
    };
    match value {
        Json::Array(rows) => Ok(vec![(model(db, &stem, path)?, rows)]),
        Json::Object(lists) => lists
            .into_iter()
            .map(|(name, rows)| match rows {
                Json::Array(rows) => Ok((model(db, &name, path)?, rows)),
                _ => Err(wrong(&format!("{name} is a list of rows"))),
            })
            .collect(),
        _ => Err(wrong(&"a fixture is a list of rows, or lists by model")),
    }
}

/// A model by its name or its table; of a file's name, what follows the time or the last `-` is enough.
fn model(db: &Db, name: &str, path: &Path) -> Result<Arc<ModelDef>> {
    let models = db.registry().all();
    let ends = name.char_indices().filter(|(_, letter)| matches!(letter, '-' | '_')).map(|(place, _)| &name[place + 1..]);
    for candidate in std::iter::once(name).chain(ends) {
        if let Some(model) = models.iter().find(|model| *model.name == *candidate || *model.table.name == *candidate) {
            return Ok(model.clone());
        }
    }
    let known: Vec<&str> = models.iter().map(|model| &*model.name).collect();
    let way = if known.is_empty() {
        "this program knows no models: run the project's own command line, src/bin/db.rs".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    };
    Err(Error::usage(format!("{}: there is no model or table {name}; {way}", path.display())))
}

/// The first line names the columns; an empty cell of a column that is no text is NULL.
fn csv_rows(model: &ModelDef, text: &str) -> Result<Vec<Json>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| Error::usage(error.to_string()))?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Error::usage(error.to_string()))?;
        let mut row = Map::new();
        for (header, cell) in headers.iter().zip(record.iter()) {
            let column = model.columns.iter().find(|column| *column.json == *header || *column.column == *header);
            let Some(column) = column else { return Err(Error::usage(format!("{} has no column {header}", model.name))) };
            if cell.is_empty() && column.nullable {
                row.insert(column.json.to_string(), Json::Null);
            } else {
                row.insert(column.json.to_string(), cell_value(&column.ty, cell));
            }
        }
        rows.push(Json::Object(row));
    }
    Ok(rows)
}

/// Numbers, truth values and JSON as such, everything else as text; what does not fit is refused when it is written.
fn cell_value(ty: &ColumnType, cell: &str) -> Json {
    use ColumnType::{Bool, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    match ty {
        Bool if matches!(cell, "1" | "t" | "yes") => Json::Bool(true),
        Bool if matches!(cell, "0" | "f" | "no") => Json::Bool(false),
        Bool | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64 | F32 | F64 | ColumnType::Json(_) | ColumnType::Array(_) => {
            serde_json::from_str(cell).unwrap_or_else(|_| Json::String(cell.to_owned()))
        }
        _ => Json::String(cell.to_owned()),
    }
}
