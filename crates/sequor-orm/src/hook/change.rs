//! [`Change`], [`AnyChange`]: what happened to a row. The values of the rows that one statement changed lie in one list.

use super::image::{Image, Seen};
use crate::model::Model;
use crate::write::{RowState, shown};
use sequor_core::Value;
use sequor_core::driver::ValueRow;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// What happened to a row.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// use sequor::Operation;
/// assert_eq!(Operation::Destroy, "destroy");
/// assert_eq!(Operation::Create.to_string(), "create");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It was created.
    Create,
    /// It was updated.
    Update,
    /// It was deleted, softly or for good.
    Destroy,
    /// It was restored.
    Restore,
}

impl Operation {
    /// `create`, `update`, `destroy`, `restore`.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Destroy => "destroy",
            Operation::Restore => "restore",
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for Operation {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// A change of a row of any model.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::AnyChange;
/// db.global_hooks().after_change("audit", |change: &AnyChange, cx| {
///     let line = json!({
///         "model": change.model(), "key": change.key(), "operation": cx.operation(),
///         "changed": change.changed(), "before": change.before(), "after": change.after(), "actor": change.actor(),
///     });
///     Box::pin(async move {
///         assert_eq!((&line["changed"], &line["before"]["age"], &line["after"]["age"]), (&json!(["age"]), &json!(31), &json!(32)));
///         Ok(())
///     })
/// });
/// ann.increment(User::AGE, 1, &db.actor(7_i64)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyChange {
    pub(crate) model: Arc<ModelDef>,
    pub(crate) operation: Operation,
    pub(crate) before: Option<Image>,
    pub(crate) after: Option<Image>,
    pub(crate) actor: Option<Value>,
    pub(crate) transaction: Option<Uuid>,
}

/// Shows `sensitive` values as `***`.
impl fmt::Debug for AnyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Change");
        text.field("model", &self.model.name).field("operation", &self.operation).field("changed", &self.changed());
        for (when, row) in [("before", &self.before), ("after", &self.after)] {
            if let Some(row) = row {
                let values: Vec<Value> =
                    (0..self.model.columns.len()).filter_map(|position| row.get(position).map(Seen::to_value)).collect();
                let columns = self.model.columns.iter().zip(&values);
                text.field(when, &columns.map(|(column, value)| (&column.name, shown(column, value))).collect::<Vec<_>>());
            }
        }
        text.field("actor", &self.actor).field("transaction", &self.transaction).finish()
    }
}

impl AnyChange {
    pub(crate) fn new(operation: Operation, before: Option<&RowState>, after: Option<&RowState>) -> Option<AnyChange> {
        let model = after.or(before)?.model.clone();
        let values = |row: &RowState| row.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
        let stored = |row: &RowState| row.original.clone().unwrap_or_else(|| values(row));
        let image = |values: Vec<Value>| Image::of(model.clone(), values);
        let (before, after) = (before.map(stored).map(image), after.map(values).map(image));
        Some(AnyChange { model, operation, before, after, actor: None, transaction: None })
    }

    /// The same of another row of the same statement.
    fn at(&mut self, row: usize) {
        let images = [&mut self.before, &mut self.after];
        images.into_iter().flatten().for_each(|image| image.at(row));
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model.name
    }

    /// What happened.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The primary key.
    pub fn key(&self) -> Vec<Value> {
        let Some(row) = self.after.as_ref().or(self.before.as_ref()) else { return Vec::new() };
        let value = |position: &usize| row.get(*position).map(Seen::to_value);
        match &*self.model.primary_key {
            // Most keys are one column, and a hook asks for thousands.
            [position] => value(position).map_or_else(Vec::new, |value| vec![value]),
            all => all.iter().filter_map(value).collect(),
        }
    }

    /// The row before, as JSON by field names.
    pub fn before(&self) -> Option<serde_json::Value> {
        self.before.as_ref().map(|row| self.json(row))
    }

    /// The row after, as JSON by field names.
    pub fn after(&self) -> Option<serde_json::Value> {
        self.after.as_ref().map(|row| self.json(row))
    }

    /// Who acted: the key that was given to `db.actor(..)`, if it was one.
    pub fn actor(&self) -> Option<&Value> {
        self.actor.as_ref()
    }

    /// The transaction: the same for all changes that were made durable together. `None` outside of one.
    pub fn transaction(&self) -> Option<Uuid> {
        self.transaction
    }

    /// The fields that differ.
    pub fn changed(&self) -> Vec<&str> {
        let differs = |position: &usize| match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.get(*position) != after.get(*position),
            _ => true,
        };
        (0..self.model.columns.len()).filter(differs).map(|position| self.model.columns[position].name.as_ref()).collect()
    }

    fn json(&self, row: &Image) -> serde_json::Value {
        let value = |position| row.get(position).map_or(serde_json::Value::Null, Seen::to_json);
        let pairs = self.model.columns.iter().enumerate().map(|(position, column)| (column.name.to_string(), value(position)));
        serde_json::Value::Object(pairs.collect())
    }

    fn decoded<M: Model>(&self, row: Option<&Image>) -> Result<Option<M>> {
        let value = |row: &Image, position| row.get(position).map_or(Value::Null, Seen::to_value);
        let values = |row: &Image| (0..self.model.columns.len()).map(|position| value(row, position)).collect();
        row.map(|row| M::decode(&mut ValueRow::new(values(row)), 0)).transpose()
    }
}

/// What one statement did to rows of one model.
pub(crate) enum Changes {
    /// To each of them what it says.
    Listed(Vec<AnyChange>),
    /// The same to all of them: the change of the first, and how many there are.
    Alike(AnyChange, usize),
}

impl Changes {
    pub(super) fn signed(mut self, actor: Option<&Value>, transaction: Option<Uuid>) -> Changes {
        let sign = |change: &mut AnyChange| {
            change.actor = actor.cloned();
            change.transaction = transaction;
        };
        match &mut self {
            Changes::Listed(list) => list.iter_mut().for_each(sign),
            Changes::Alike(first, _) => sign(first),
        }
        self
    }

    /// One after another.
    pub(super) fn walk(&self) -> Walk<'_> {
        let shown = match self {
            Changes::Listed(_) => None,
            Changes::Alike(first, _) => Some(first.clone()),
        };
        Walk { changes: self, next: 0, shown }
    }
}

/// Shows changes one after another: those of one statement in one place.
pub(super) struct Walk<'a> {
    changes: &'a Changes,
    next: usize,
    shown: Option<AnyChange>,
}

impl Walk<'_> {
    pub(super) fn next(&mut self) -> Option<&AnyChange> {
        let row = self.next;
        self.next += 1;
        match (self.changes, &mut self.shown) {
            (Changes::Listed(list), _) => list.get(row),
            (Changes::Alike(_, count), Some(shown)) if row < *count => {
                shown.at(row);
                Some(shown)
            }
            (Changes::Alike(..), _) => None,
        }
    }
}

/// A change of a row of `M`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.hooks::<User>().after_change("birthday", |change, _| Box::pin(async move {
///     let (before, after) = (change.before()?, change.after()?);
///     if let (Some(before), Some(after)) = (before, after) {
///         assert_eq!((before.age, after.age, change.changed()), (Some(31), Some(32), vec!["age"]));
///     }
///     Ok(())
/// }));
/// ann.increment(User::AGE, 1, &db).await?;
/// # Ok(())
/// # }
/// ```
pub struct Change<M> {
    any: AnyChange,
    marker: PhantomData<fn() -> M>,
}

impl<M> fmt::Debug for Change<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(f)
    }
}

impl<M: Model> Change<M> {
    pub(crate) fn new(any: AnyChange) -> Change<M> {
        Change { any, marker: PhantomData }
    }

    /// What happened.
    pub fn operation(&self) -> Operation {
        self.any.operation
    }

    /// The row before.
    ///
    /// # Errors
    /// `Decode` when it does not fit the model.
    pub fn before(&self) -> Result<Option<M>> {
        self.any.decoded(self.any.before.as_ref())
    }

    /// The row after.
    ///
    /// # Errors
    /// `Decode` when it does not fit the model.
    pub fn after(&self) -> Result<Option<M>> {
        self.any.decoded(self.any.after.as_ref())
    }

    /// The primary key.
    pub fn key(&self) -> Vec<Value> {
        self.any.key()
    }

    /// The fields that differ.
    pub fn changed(&self) -> Vec<&str> {
        self.any.changed()
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        self.any.model()
    }

    /// Who acted: the key that was given to `db.actor(..)`, if it was one.
    pub fn actor(&self) -> Option<&Value> {
        self.any.actor()
    }

    /// The transaction: the same for all changes that were made durable together. `None` outside of one.
    pub fn transaction(&self) -> Option<Uuid> {
        self.any.transaction()
    }

    /// The same without its type.
    pub fn any(&self) -> &AnyChange {
        &self.any
    }
}
