//! Rows from JSON: every value is read, and all that cannot be are told at once.

use super::{computed, plain};
use crate::db::Db;
use crate::validate;
use crate::write::{self, Child, RowState, WriteOptions};
use sequor_core::error::{Error, Result, ValidationError, ValidationItem};
use sequor_core::schema::{ColumnDef, ModelDef, Models, RelationDef};
use sequor_core::statement::Expr;
use sequor_core::types::{is_too_deep, value_from_json};
use sequor_core::{Name, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// A row as far as it could be read.
pub(crate) struct Read {
    pub(crate) state: RowState,
    /// What the rules say of the values that are not of their attribute's type.
    items: Vec<ValidationItem>,
    /// The first of those of which no rule says anything.
    malformed: Option<Error>,
    unread: Vec<usize>,
}

impl Read {
    pub(crate) fn new(model: &Arc<ModelDef>) -> Read {
        Read { state: RowState::new(model.clone()), items: Vec::new(), malformed: None, unread: Vec::new() }
    }

    /// Takes a value of an update, as an expression; nothing where it cannot be read.
    pub(crate) fn take(&mut self, position: usize, json: Json, bound: impl FnOnce(Json) -> Result<Expr>) -> Result<Option<Expr>> {
        let model = self.state.model.clone();
        let column = &model.columns[position];
        shallow(&json, &model, &column.name)?;
        let given = if column.rules.is_empty() { Json::Null } else { json.clone() };
        match bound(json) {
            Ok(expr) => {
                if let Expr::Value(value, _) = &expr {
                    self.state.values[position] = Some(value.clone());
                }
                Ok(Some(expr))
            }
            Err(error @ (Error::Decode { .. } | Error::Validation(_))) => {
                let error = validate::refused(column, &given, error.at(&model.name, Some(&column.name)));
                self.leave(position, error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn leave(&mut self, position: usize, error: Error) {
        self.unread.push(position);
        match error {
            Error::Validation(failed) => self.items.extend(failed.items),
            error => self.malformed = self.malformed.take().or(Some(error)),
        }
    }

    /// As [`Read::failed`], where what is not given is not asked for.
    pub(crate) fn failed_given(mut self, options: &WriteOptions) -> Result<(RowState, Error)> {
        let absent = self.state.values.iter().enumerate().filter(|(_, value)| value.is_none()).map(|(position, _)| position);
        self.unread.extend(absent.collect::<Vec<_>>());
        self.failed(options)
    }

    /// Whether every value was read.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// All that is wrong with the row: with what could not be read, and by the rules with the rest.
    pub(crate) fn failed(self, options: &WriteOptions) -> Result<(RowState, Error)> {
        let error = validate::with_unread(&self.state, self.items, self.malformed, &self.unread, options)?;
        Ok((self.state, error))
    }

    /// The row, if all of it was read.
    pub(crate) fn whole(self) -> Result<RowState> {
        if self.is_whole() {
            return Ok(self.state);
        }
        let mut options = WriteOptions::at(std::panic::Location::caller());
        options.validate = false;
        Err(self.failed(&options)?.1)
    }
}

/// Refuses what is nested deeper than text can be, which only code can make: to read, compare and store it costs stack for each level.
pub(super) fn shallow(json: &Json, model: &ModelDef, attribute: &str) -> Result<()> {
    if !is_too_deep(json) {
        return Ok(());
    }
    let place = if attribute.is_empty() { model.name.to_string() } else { format!("{}.{attribute}", model.name) };
    Err(Error::usage(format!("{place}: the value is nested deeper than 128 levels")))
}

/// A value of an attribute; one that is not of its type is refused by the attribute's rules, if there are any.
pub(super) fn value(model: &ModelDef, column: &ColumnDef, json: Json) -> Result<Value> {
    shallow(&json, model, &column.name)?;
    let given = if column.rules.is_empty() { Json::Null } else { json.clone() };
    value_from_json(&column.ty, plain(json)).map_err(|error| validate::refused(column, &given, error.at(&model.name, Some(&column.name))))
}

/// The row that JSON values describe, with the rows below it.
pub(crate) fn row(model: &Arc<ModelDef>, models: &dyn Models, values: Json) -> Result<Read> {
    shallow(&values, model, "")?;
    let Json::Object(map) = values else { return Err(Error::usage(format!("the values of a {} are an object", model.name))) };
    let mut read = Read::new(model);
    for (name, given) in map {
        if let Some(position) = model.json_position(&name) {
            let column = &model.columns[position];
            if let Some(expr) = computed(model, column, &given)? {
                read.state.computed.push((position, expr));
                continue;
            }
            match value(model, column, given) {
                Ok(value) => read.state.values[position] = Some(value),
                Err(error) => read.leave(position, error),
            }
            continue;
        }
        let Some(relation) = model.relations.iter().position(|relation| relation.json == name.as_str() || relation.name == name.as_str())
        else {
            continue;
        };
        let def = &model.relations[relation];
        let target = models.model(&def.target)?;
        let list = match given {
            Json::Array(list) => list,
            Json::Null => continue,
            one => vec![one],
        };
        let mut children = Vec::new();
        for mut item in list {
            let through = through_values(def, models, &mut item)?;
            children.push(Child { row: row(&target, models, item)?.whole()?, through });
        }
        read.state.children.push((relation, children));
    }
    Ok(read)
}

/// All that is wrong with the rows of a bulk write of which some could not be read, each with its number.
pub(super) fn all_failed(rows: Vec<Read>, db: &Db, options: &WriteOptions) -> Result<Error> {
    let mut items = Vec::new();
    for (number, mut row) in rows.into_iter().enumerate() {
        write::prepare(&mut row.state, db, options)?;
        match row.failed(options)?.1 {
            Error::Validation(failed) => {
                items.extend(failed.items.into_iter().map(|item| ValidationItem { record: Some(number), ..item }));
            }
            error => return Ok(error),
        }
    }
    Ok(Error::Validation(ValidationError { items, bulk: true }))
}

/// The same where what cannot be read ends the call.
pub(crate) fn row_from_json(model: &Arc<ModelDef>, models: &dyn Models, values: Json) -> Result<RowState> {
    row(model, models, values)?.whole()
}

/// The values of the row between, under the through model's name.
fn through_values(def: &RelationDef, models: &dyn Models, item: &mut Json) -> Result<Vec<(Name, Value)>> {
    let Some(through) = &def.through else { return Ok(Vec::new()) };
    let model = models.model(&through.model)?;
    let Some(Json::Object(map)) = item.as_object_mut().and_then(|item| item.remove(model.name.as_ref())) else { return Ok(Vec::new()) };
    let mut values = Vec::new();
    for (name, value) in map {
        if let Some(column) = model.column(&name) {
            values.push((column.name.clone(), value_from_json(&column.ty, plain(value))?));
        }
    }
    Ok(values)
}
