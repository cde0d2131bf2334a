//! The database names constraints and columns; errors name the model's fields.

use sequor_core::error::Error;
use sequor_core::schema::{ModelDef, RelationKind, TableName};

/// Puts the model's names into an error of the database.
#[cold]
pub(crate) fn named(mut error: Error, model: &ModelDef) -> Error {
    if let Some(detail) = error.detail_mut() {
        // A cascade or trigger may fail on another table.
        if detail.table.as_deref().is_none_or(|table| table == model.table.name) {
            detail.model.get_or_insert_with(|| model.name.to_string());
        }
    }
    let mut message = None;
    match &mut error {
        Error::UniqueConstraint { fields, detail } => {
            if fields.is_empty()
                && let Some(constraint) = &detail.constraint
            {
                *fields = unique_fields(model, constraint);
            }
            rename(fields, model);
            message = unique_message(model, fields);
        }
        Error::ForeignKeyConstraint { fields, detail } => {
            if fields.is_empty()
                && let Some(constraint) = &detail.constraint
            {
                *fields = key_fields(model, constraint);
            } else if fields.is_empty() && matches!(detail.operation, Some("create" | "bulk_create")) {
                *fields = only_key(model);
            }
            rename(fields, model);
        }
        Error::NotNull { fields, .. } => rename(fields, model),
        _ => {}
    }
    if let (Some(message), Some(detail)) = (message, error.detail_mut()) {
        detail.custom_message = Some(message);
    }
    error
}

fn rename(fields: &mut [String], model: &ModelDef) {
    for field in fields {
        if let Some(column) = model.columns.iter().find(|column| column.column == field.as_str()) {
            *field = column.name.to_string();
        }
    }
}

fn unique_message(model: &ModelDef, fields: &[String]) -> Option<String> {
    let field = fields.first()?;
    model.column(field)?.unique.as_ref()?.message.as_ref().map(ToString::to_string)
}

/// The columns of a unique key by the name that the database gives it.
fn unique_fields(model: &ModelDef, constraint: &str) -> Vec<String> {
    let constraint = constraint.rsplit('.').next().unwrap_or(constraint);
    let primary = constraint == "PRIMARY" || constraint == format!("{}_pkey", model.table.name);
    if primary {
        return model.key_columns().map(|column| column.name.to_string()).collect();
    }
    let Ok(tables) = sequor_core::schema::tables(&[std::sync::Arc::new(without_relations(model))], &()) else { return Vec::new() };
    let columns = tables.iter().flat_map(|table| table.indexes.iter().map(|index| (index, &table.name)));
    for (index, table) in columns {
        if index.unique && same_name(index, table, constraint) {
            return index.parts.iter().filter_map(|part| part.column.as_ref().map(ToString::to_string)).collect();
        }
    }
    match model.columns.iter().find(|column| column.column == constraint) {
        Some(column) => vec![column.column.to_string()],
        // A key that the model does not know, made by somebody else: its name is all that there is.
        None => vec![constraint.to_owned()],
    }
}

fn same_name(index: &sequor_core::schema::IndexDef, table: &TableName, constraint: &str) -> bool {
    index.name_in(table) == constraint
}

fn key_fields(model: &ModelDef, constraint: &str) -> Vec<String> {
    let prefix = format!("{}_", model.table.name);
    let middle = constraint.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("_fkey")).unwrap_or_default();
    model.columns.iter().filter(|column| column.column == middle).map(|column| column.column.to_string()).collect()
}

/// The foreign key of a model that has no other: SQLite does not say which one it was.
fn only_key(model: &ModelDef) -> Vec<String> {
    let mut keys = model.relations.iter().filter(|relation| relation.kind == RelationKind::BelongsTo && relation.constraints);
    match (keys.next(), keys.next()) {
        (Some(only), None) => only.foreign_key.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn without_relations(model: &ModelDef) -> ModelDef {
    ModelDef { relations: Vec::new(), ..model.clone() }
}
