//! Full-text searches find the index that answers them.

use super::Planner;
use super::rewrite::Scope;
use sequor_core::error::Result;
use sequor_core::schema::{IndexDef, ModelDef, TableName};
use sequor_core::statement::{Expr, Search, SearchIndex};
use sequor_core::types::{ColumnType, ScalarType};
use sequor_core::{Name, Value};

impl Planner<'_> {
    /// A search over fields becomes one over columns, with its index.
    pub(super) fn search(&mut self, mut search: Search, scope: &Scope) -> Result<Expr> {
        let fields: Option<Vec<Name>> = search.columns.iter().map(|expr| field(&scope.model, expr)).collect();
        if let Some(index) = fields.as_deref().and_then(|fields| answering(&scope.model, fields)) {
            search.language.clone_from(&index.language);
            search.index = self.search_index(index, &fields.unwrap_or_default(), scope);
        }
        for column in &mut search.columns {
            *column = self.rewrite(std::mem::replace(column, Expr::Default), scope)?;
        }
        Ok(Expr::Search(Box::new(search)))
    }

    fn search_index(&self, index: &IndexDef, fields: &[Name], scope: &Scope) -> Option<SearchIndex> {
        let model = &*scope.model;
        if model.view.is_some() || !numbered(model) {
            return None;
        }
        let whole = names(index).all(|name| fields.contains(name));
        let column = |name: &Name| model.column(name).map(|column| column.column.clone());
        let mut made = index.clone();
        for part in &mut made.parts {
            part.column = part.column.as_ref().and_then(column);
        }
        let TableName { schema, .. } = self.table(model);
        Some(SearchIndex {
            table: TableName { schema, name: made.name_in(&model.table) },
            rows: scope.alias.clone(),
            columns: if whole { None } else { fields.iter().map(column).collect() },
        })
    }
}

/// The name of the field that an expression is.
fn field(model: &ModelDef, expr: &Expr) -> Option<Name> {
    crate::query::key_position(model, expr).map(|position| model.columns[position].name.clone())
}

/// The full-text index that answers a search in these fields: the one that has no others, else one that has them among others.
fn answering<'a>(model: &'a ModelDef, fields: &[Name]) -> Option<&'a IndexDef> {
    let holds = |index: &&IndexDef| index.is_full_text() && fields.iter().all(|field| names(index).any(|name| name == field));
    let mut holding = model.indexes.iter().filter(holds);
    holding.clone().find(|index| names(index).all(|name| fields.contains(name))).or_else(|| holding.next())
}

fn names(index: &IndexDef) -> impl Iterator<Item = &Name> {
    index.parts.iter().filter_map(|part| part.column.as_ref())
}

/// Whether the primary key is the number of the row: SQLite may give all others new numbers when it cleans up.
fn numbered(model: &ModelDef) -> bool {
    let [key] = model.primary_key.as_slice() else { return false };
    model.columns.get(*key).is_some_and(|column| column.db_type.is_none() && is_integer(&column.ty))
}

/// Whether a column of this type, as the only primary key, numbers the rows of a table on SQLite.
pub(crate) fn is_integer(ty: &ColumnType) -> bool {
    matches!(ty.bind().scalar, ScalarType::I16 | ScalarType::I32 | ScalarType::I64)
}

/// `field MATCH text`, as a search.
pub(super) fn of_match(left: Expr, right: Expr) -> Option<Search> {
    match right {
        Expr::Value(Value::Text(words), _) => Some(Search::new(vec![left], words)),
        _ => None,
    }
}
