//! [`HookContext`]: what a hook is told. [`Change`], [`AnyChange`]: what happened to a row.

use super::HookKind;
use crate::db::{Db, TypeMap};
use crate::model::Model;
use crate::write::RowState;
use sequor_core::Value;
use sequor_core::driver::ValueRow;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// What a hook is told beside the row.
pub struct HookContext<'a> {
    pub(crate) db: &'a Db,
    pub(crate) kind: HookKind,
    pub(crate) operation: &'static str,
    pub(crate) model: Option<&'a Arc<ModelDef>>,
    pub(crate) extras: &'a TypeMap,
}

impl HookContext<'_> {
    /// The database: inside the transaction that the write runs in, if there is one.
    pub fn db(&self) -> &Db {
        self.db
    }

    /// The hook that runs.
    pub fn kind(&self) -> HookKind {
        self.kind
    }

    /// What is done: `create`, `update`, `destroy`, .. Hooks of validating and saving are told which of the two it is, those of a change what it was.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The model's name; empty for a moment that is no single model's.
    pub fn model(&self) -> &str {
        self.model.map_or("", |model| &model.name)
    }

    /// The typed extras of the call and of the handle.
    pub fn options(&self) -> &TypeMap {
        self.extras
    }

    /// Who acts, if the program said so: `db.actor(..)`.
    pub fn actor<A: 'static>(&self) -> Option<&A> {
        self.extras.get::<A>()
    }
}

/// What happened to a row.
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
#[derive(Clone, Debug)]
pub struct AnyChange {
    pub(crate) model: Arc<ModelDef>,
    pub(crate) operation: Operation,
    pub(crate) before: Option<Vec<Value>>,
    pub(crate) after: Option<Vec<Value>>,
    pub(crate) actor: Option<Value>,
    pub(crate) transaction: Option<Uuid>,
}

impl AnyChange {
    pub(crate) fn new(operation: Operation, before: Option<&RowState>, after: Option<&RowState>) -> Option<AnyChange> {
        let model = after.or(before)?.model.clone();
        let values = |row: &RowState| row.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
        let stored = |row: &RowState| row.original.clone().unwrap_or_else(|| values(row));
        Some(AnyChange { model, operation, before: before.map(stored), after: after.map(values), actor: None, transaction: None })
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
        let row = self.after.as_ref().or(self.before.as_ref());
        self.model.primary_key.iter().filter_map(|position| row?.get(*position).cloned()).collect()
    }

    /// The row before, as JSON by field names.
    pub fn before(&self) -> Option<serde_json::Value> {
        self.before.as_ref().map(|values| self.json(values))
    }

    /// The row after, as JSON by field names.
    pub fn after(&self) -> Option<serde_json::Value> {
        self.after.as_ref().map(|values| self.json(values))
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

    fn json(&self, values: &[Value]) -> serde_json::Value {
        let pairs = self.model.columns.iter().zip(values).map(|(column, value)| (column.name.to_string(), value.to_json()));
        serde_json::Value::Object(pairs.collect())
    }
}

/// A change of a row of `M`.
pub struct Change<M> {
    any: AnyChange,
    marker: PhantomData<fn() -> M>,
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
        self.any.before.clone().map(|values| M::decode(&mut ValueRow::new(values), 0)).transpose()
    }

    /// The row after.
    ///
    /// # Errors
    /// `Decode` when it does not fit the model.
    pub fn after(&self) -> Result<Option<M>> {
        self.any.after.clone().map(|values| M::decode(&mut ValueRow::new(values), 0)).transpose()
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
