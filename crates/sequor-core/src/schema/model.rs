//! [`ModelDef`]: a model as data. What a derive writes and what JSON defines end here.

use super::{CheckDef, ColumnDef, IndexDef, RelationDef};
use crate::Name;
use crate::error::{Error, Result, UsageErrorKind};
use crate::value::Value;
use std::sync::Arc;

/// A model: columns, relations and the table behind them.
///
/// ```
/// use sequor::{ModelDef, prelude::*};
///
/// let def = ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING" }, "options": { "timestamps": false } }))?;
/// assert_eq!((def.name.as_ref(), def.table.to_string().as_str()), ("Note", "Notes"));
/// assert_eq!(def.column("title").map(|column| column.nullable), Some(true));
/// assert_eq!(def.position("title"), Some(1), "behind the id");
/// assert!(def.unknown("titel").to_string().contains("did you mean title?"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelDef {
    /// The model's name.
    pub name: Name,
    /// One of them, for aliases: `user`.
    pub singular: Name,
    /// Many of them, for aliases: `users`.
    pub plural: Name,
    /// The table.
    pub table: TableName,
    /// The columns, in order.
    pub columns: Vec<ColumnDef>,
    /// The relations, in order.
    pub relations: Vec<RelationDef>,
    /// Indexes beside those that columns declare.
    pub indexes: Vec<IndexDef>,
    /// Checks of the table.
    pub checks: Vec<CheckDef>,
    /// Positions of the primary key's columns.
    pub primary_key: Vec<usize>,
    /// The managed timestamps.
    pub timestamps: TimestampDef,
    /// How rows are deleted softly.
    pub soft_delete: Option<SoftDelete>,
    /// Position of the optimistic lock's version.
    pub version: Option<usize>,
    /// Positions of `created_by` and `updated_by`.
    pub userstamps: (Option<usize>, Option<usize>),
    /// A comment for the database's catalog.
    pub comment: Option<Name>,
    /// What MySQL is told when it makes the table, in its own words: its engine, character set and first number.
    pub made_with: Option<Name>,
    /// The name that the table had before, for migrations.
    pub renamed_from: Option<Name>,
    /// The query of a view; the model then has no table and takes no writes.
    pub view: Option<Name>,
    /// A table that others own: sync and migrations leave it alone.
    pub skip_sync: bool,
    /// What the ORM hangs on the model: hooks, scopes, validators of the whole row.
    pub behavior: Behavior,
}

/// What the ORM hangs on a model; opaque here.
#[derive(Clone, Default)]
pub struct Behavior(pub Option<Arc<dyn std::any::Any + Send + Sync>>);

impl std::fmt::Debug for Behavior {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Behavior(..)" } else { "Behavior(none)" })
    }
}

/// A table's name, with its schema where it is not the default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The schema.
    pub schema: Option<Name>,
    /// The table.
    pub name: Name,
}

/// Positions of the managed timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimestampDef {
    /// When the row was made.
    pub created: Option<usize>,
    /// When the row was last changed.
    pub updated: Option<usize>,
}

/// How rows are deleted softly.
#[derive(Clone, Debug, PartialEq)]
pub enum SoftDelete {
    /// A timestamp that is NULL while the row lives.
    Timestamp {
        /// Position of the column.
        column: usize,
    },
    /// A flag.
    Flag {
        /// Position of the column.
        column: usize,
        /// The flag's value while the row lives.
        live: Value,
        /// Its value when deleted.
        deleted: Value,
    },
}

impl SoftDelete {
    /// Position of the column.
    pub fn column(&self) -> usize {
        match self {
            SoftDelete::Timestamp { column } | SoftDelete::Flag { column, .. } => *column,
        }
    }
}

/// A pointer from one model to another: by name, and directly where the compiler knows it.
#[derive(Clone)]
pub struct ModelLink {
    /// The other model's name.
    pub name: Name,
    /// The other model, when it is a Rust type.
    pub get: Option<fn() -> &'static Arc<ModelDef>>,
}

/// Finds models by link: the registry of a `Db`, or nothing but the links themselves.
pub trait Models {
    /// The model of that name.
    fn by_name(&self, name: &str) -> Option<Arc<ModelDef>>;

    /// The model behind a link.
    fn model(&self, link: &ModelLink) -> Result<Arc<ModelDef>> {
        match link.get {
            Some(get) => Ok(get().clone()),
            None => self.by_name(&link.name).ok_or_else(|| {
                Error::usage(format!("the model {} is not defined: define it before it is used in an association", link.name))
            }),
        }
    }
}

/// Only typed links resolve: what `to_sql` uses without a database.
impl Models for () {
    fn by_name(&self, _name: &str) -> Option<Arc<ModelDef>> {
        None
    }
}

impl std::fmt::Debug for ModelLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl TableName {
    /// A table of the default schema.
    pub fn new(name: impl Into<Name>) -> TableName {
        TableName { schema: None, name: name.into() }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl ModelDef {
    /// A model without columns, its table named by convention: plural snake case.
    pub fn new(name: impl Into<Name>) -> ModelDef {
        let name = name.into();
        let singular = super::snake_case(&name);
        let plural = super::plural(&singular);
        ModelDef {
            name,
            table: TableName::new(plural.clone()),
            singular: singular.into(),
            plural: plural.into(),
            columns: Vec::new(),
            relations: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
            primary_key: Vec::new(),
            timestamps: TimestampDef::default(),
            soft_delete: None,
            version: None,
            userstamps: (None, None),
            comment: None,
            made_with: None,
            renamed_from: None,
            view: None,
            skip_sync: false,
            behavior: Behavior::default(),
        }
    }

    /// The column of a field's name.
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The position of a field's name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The field of a name in JSON (`json = ".."`), or else of its own name: JSON of either kind is read.
    pub fn json_column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.get(self.json_position(name)?)
    }

    /// The position of [`ModelDef::json_column`].
    pub fn json_position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.json == name).or_else(|| self.position(name))
    }

    /// The relation of a name in JSON, or else of its own name.
    pub fn json_relation(&self, name: &str) -> Option<&RelationDef> {
        self.relations.iter().find(|relation| relation.json == name).or_else(|| self.relation(name))
    }

    /// The position of a field's name, or else of a column's.
    pub fn position_or_column(&self, name: &str) -> Option<usize> {
        self.position(name).or_else(|| self.columns.iter().position(|column| column.column == name))
    }

    /// The relation of a name.
    pub fn relation(&self, name: &str) -> Option<&RelationDef> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// The columns of the primary key.
    pub fn key_columns(&self) -> impl Iterator<Item = &ColumnDef> {
        self.primary_key.iter().filter_map(|position| self.columns.get(*position))
    }

    /// What a column that says when a row was deleted holds while it lives: null, or the default that it was given.
    pub fn live_moment(&self, column: usize) -> crate::Value {
        match self.columns.get(column).map(|column| &column.default) {
            Some(super::Default::Value(value)) => value.clone(),
            _ => crate::Value::Null,
        }
    }

    /// Whether a row is deleted softly, given what it holds in a column; one that was not read says nothing.
    pub fn is_deleted(&self, value: impl FnOnce(usize) -> Option<crate::Value>) -> bool {
        match &self.soft_delete {
            None => false,
            Some(super::SoftDelete::Timestamp { column }) => value(*column).is_some_and(|value| value != self.live_moment(*column)),
            Some(super::SoftDelete::Flag { column, deleted, .. }) => value(*column).is_some_and(|value| value == *deleted),
        }
    }

    /// The condition of live rows as SQL with standard quotes, for partial indexes; `None` where rows are not deleted softly.
    pub fn live_condition(&self) -> Option<Name> {
        let quoted = |position: &usize| self.columns.get(*position).map(|column| format!("\"{}\"", column.column.replace('"', "\"\"")));
        let condition = match self.soft_delete.as_ref()? {
            super::SoftDelete::Timestamp { column } if !self.live_moment(*column).is_null() => return None,
            super::SoftDelete::Timestamp { column } => format!("{} IS NULL", quoted(column)?),
            super::SoftDelete::Flag { column, live: crate::Value::Bool(false), .. } => format!("NOT {}", quoted(column)?),
            super::SoftDelete::Flag { column, .. } => quoted(column)?,
        };
        Some(condition.into())
    }

    /// The condition under which a unique key counts: that of live rows, if it is one among them.
    pub fn key_condition(&self, key: &[usize]) -> Option<Name> {
        let names = |index: &super::IndexDef| -> Option<Vec<usize>> {
            index.parts.iter().map(|part| part.column.as_deref().and_then(|name| self.position(name))).collect()
        };
        let is_key =
            |index: &super::IndexDef| index.unique && index.filter.is_none() && names(index).is_some_and(|positions| positions == key);
        let mut indexes = self.indexes.iter().filter(|index| is_key(index)).peekable();
        let whole = self.primary_key == key || key.iter().any(|position| self.columns[*position].unique.is_some());
        indexes.peek()?;
        if whole || indexes.any(|index| !index.live_only) { None } else { self.live_condition() }
    }

    /// The unique keys: the primary key first, then those of columns and unique indexes, as positions.
    pub fn unique_keys(&self) -> Vec<Vec<usize>> {
        let mut keys = Vec::new();
        if !self.primary_key.is_empty() {
            keys.push(self.primary_key.clone());
        }
        // Each stands where its first field is declared.
        let mut groups: Vec<(Name, usize)> = Vec::new();
        for (position, column) in self.columns.iter().enumerate() {
            match &column.unique {
                Some(super::Unique { group: None, .. }) => keys.push(vec![position]),
                Some(super::Unique { group: Some(group), .. }) => match groups.iter().find(|(name, _)| name == group) {
                    Some((_, place)) => keys[*place].push(position),
                    None => {
                        groups.push((group.clone(), keys.len()));
                        keys.push(vec![position]);
                    }
                },
                None => {}
            }
        }
        for index in self.unique_indexes() {
            let positions: Option<Vec<usize>> =
                index.parts.iter().map(|part| part.column.as_deref().and_then(|name| self.position(name))).collect();
            keys.extend(positions);
        }
        keys
    }

    /// Whether a column belongs to one of these keys.
    pub fn is_in_unique_key(&self, position: usize) -> bool {
        let Some(column) = self.columns.get(position) else { return false };
        self.primary_key.contains(&position)
            || column.unique.is_some()
            || self.unique_indexes().any(|index| {
                index.parts.iter().all(|part| part.column.is_some())
                    && index.parts.iter().any(|part| part.column.as_ref() == Some(&column.name))
            })
    }

    /// The unique indexes that hold every row.
    fn unique_indexes(&self) -> impl Iterator<Item = &IndexDef> {
        self.indexes.iter().filter(|index| index.unique && index.filter.is_none())
    }

    /// An unknown field's error, with the closest known name.
    #[cold]
    #[track_caller]
    pub fn unknown(&self, name: &str) -> Error {
        let known = self.columns.iter().flat_map(|column| [column.name.as_ref(), column.json.as_ref()]);
        let hint = match nearest(name, known) {
            Some(near) => format!(", did you mean {near}?"),
            None => String::new(),
        };
        Error::of_usage(UsageErrorKind::Refused, format!("{} has no field {}{hint}", self.name, name.escape_debug()))
    }
}

/// The known word that is spelt most like a name, if any is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.map(|word| (distance(word, name), word)).min().filter(|(far, _)| *far <= 3).map(|(_, word)| word)
}

/// Levenshtein's distance, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let cost = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
