//! [`HookContext`]: what a hook is told beside the row.

use super::HookKind;
use crate::db::{Db, TypeMap};
use sequor_core::schema::ModelDef;
use std::sync::Arc;

/// What a hook is told beside the row.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.hooks::<User>().before_update("who", |_, cx| Box::pin(async move {
///     assert_eq!((cx.model(), cx.operation(), cx.actor::<i64>()), ("User", "update", Some(&7)));
///     User::count().exec(cx.db()).await.map(drop)         // inside the same transaction
/// }));
/// let mut ann = ann.edit();
/// ann.age = Some(32);
/// ann.save(&db.actor(7_i64)).await?;
/// # Ok(())
/// # }
/// ```
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
