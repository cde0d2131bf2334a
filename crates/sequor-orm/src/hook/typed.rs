//! [`Hooks`]: hooks as methods of a model. Generated from the table for those that a model can have.

use super::{AnyChange, BulkChange, Change, HookContext, HookKind, HookSubject};
use crate::model::Model;
use crate::query::{Clauses, Find, QueryState};
use crate::write::{Draft, Edit, RowState};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use std::future::Future;
use std::marker::PhantomData;

/// Says that the hooks of a model are run. Implemented by `#[model(hooks)]`.
#[diagnostic::on_unimplemented(
    message = "the hooks of `{Self}` would never run",
    label = "this model does not declare hooks",
    note = "add `hooks` to its attribute: `#[model(hooks)]`"
)]
pub trait DeclaresHooks {}

macro_rules! hooks {
    ($($(#[$doc:meta])* $kind:ident $method:ident ($argument:ident : $ty:ty);)*) => {
        /// The hooks of a model. Each one does nothing unless it is written.
        ///
        /// ```
        /// use sequor::{HookContext, prelude::*};
        ///
        /// #[derive(Model, Clone, Debug, PartialEq)]
        /// #[model(hooks)]
        /// struct User { #[field(primary_key, auto_increment)] id: i64, name: String }
        ///
        /// impl Hooks for User {
        ///     async fn before_save(draft: &mut Draft<User>, _: &HookContext<'_>) -> Result<()> {
        ///         let name = draft.get(User::NAME).map(|name| name.trim().to_owned());
        ///         draft.set(User::NAME, name.unwrap_or_default());
        ///         Ok(())
        ///     }
        ///
        ///     async fn before_destroy(user: &User, _: &HookContext<'_>) -> Result<()> {
        ///         if user.name == "root" { Err(Error::usage("root stays")) } else { Ok(()) }
        ///     }
        /// }
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> sequor::Result<()> {
        /// let db = Db::connect("sqlite::memory:").await?;
        /// db.sync::<User>(SyncMode::Create).await?;
        /// let root = draft!(User { name: " root " }).create(&db).await?;
        /// assert!(root.name == "root" && root.destroy(&db).await.is_err());
        /// # Ok(())
        /// # }
        /// ```
        #[diagnostic::on_unimplemented(
            message = "`{Self}` has no hooks",
            label = "this model says `hooks`, so it needs its implementation",
            note = "write `impl Hooks for {Self} {{ async fn before_create(draft: &mut Draft<{Self}>, cx: &HookContext<'_>) -> Result<()> {{ .. }} }}`"
        )]
        pub trait Hooks: Model + DeclaresHooks {
            $(
                $(#[$doc])*
                fn $method($argument: $ty, cx: &HookContext<'_>) -> impl Future<Output = Result<()>> + Send {
                    let _ = ($argument, cx);
                    async { Ok(()) }
                }
            )*

            /// Before the table is made by `db.sync`.
            fn before_sync(cx: &HookContext<'_>) -> impl Future<Output = Result<()>> + Send {
                let _ = cx;
                async { Ok(()) }
            }

            /// After the table was made by `db.sync`.
            fn after_sync(cx: &HookContext<'_>) -> impl Future<Output = Result<()>> + Send {
                let _ = cx;
                async { Ok(()) }
            }
        }
    };
}

hooks! {
    /// Before the rules of a new row are checked.
    BeforeValidate before_validate(draft: &mut Draft<Self>);
    /// After the rules of a new row held.
    AfterValidate after_validate(draft: &mut Draft<Self>);
    /// After a rule failed; the hook may put another error in its place.
    ValidationFailed validation_failed(error: &mut Error);
    /// Before a row is created.
    BeforeCreate before_create(draft: &mut Draft<Self>);
    /// After a row was created.
    AfterCreate after_create(row: &Self);
    /// Before a row is updated.
    BeforeUpdate before_update(edit: &mut Edit<Self>);
    /// After a row was updated; the edit still knows the old values.
    AfterUpdate after_update(edit: &Edit<Self>);
    /// Before a row is created or updated.
    BeforeSave before_save(edit: &mut Draft<Self>);
    /// After a row was created or updated.
    AfterSave after_save(row: &Self);
    /// Before a row is deleted.
    BeforeDestroy before_destroy(row: &Self);
    /// After a row was deleted.
    AfterDestroy after_destroy(row: &Self);
    /// Before a row is restored.
    BeforeRestore before_restore(row: &Self);
    /// After a row was restored.
    AfterRestore after_restore(row: &Self);
    /// Before an upsert.
    BeforeUpsert before_upsert(draft: &mut Draft<Self>);
    /// After an upsert.
    AfterUpsert after_upsert(row: &Self);
    /// Before many rows are created.
    BeforeBulkCreate before_bulk_create(drafts: &mut Vec<Draft<Self>>);
    /// After many rows were created.
    AfterBulkCreate after_bulk_create(rows: &[Self]);
    /// Before many rows are updated.
    BeforeBulkUpdate before_bulk_update(change: &mut BulkChange);
    /// After many rows were updated.
    AfterBulkUpdate after_bulk_update(change: &BulkChange);
    /// Before many rows are deleted.
    BeforeBulkDestroy before_bulk_destroy(change: &mut BulkChange);
    /// After many rows were deleted.
    AfterBulkDestroy after_bulk_destroy(change: &BulkChange);
    /// Before many rows are restored.
    BeforeBulkRestore before_bulk_restore(change: &mut BulkChange);
    /// After many rows were restored.
    AfterBulkRestore after_bulk_restore(change: &BulkChange);
    /// Before a find: the hook may add filters, an order, includes.
    BeforeFind before_find(find: &mut Find<Self>);
    /// Before a find, once includes are known.
    BeforeFindAfterExpandIncludeAll before_find_after_expand_include_all(find: &mut Find<Self>);
    /// Before a find, once its options are complete.
    BeforeFindAfterOptions before_find_after_options(find: &mut Find<Self>);
    /// After a find, with the rows that it found; the hook may change them. Selections, projections and streams have `after_read`.
    AfterFind after_find(rows: &mut Vec<Self>);
    /// Before a count.
    BeforeCount before_count(find: &mut Find<Self>);
    /// After any change of a row, in its transaction.
    AfterChange after_change(change: &Change<Self>);
    /// After a change became durable; its failure is reported, never undone.
    AfterCommit after_commit(change: &Change<Self>);
}

/// Runs the typed hooks of a model for the engine.
pub struct TypedHooks<M>(PhantomData<fn() -> M>);

impl<M: Hooks> TypedHooks<M> {
    /// Runs the hook of a kind; rows change their form on the way in and out.
    pub fn run<'a>(kind: HookKind, subject: HookSubject<'a>, cx: &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match subject {
                HookSubject::Row(state) => Self::row(kind, state, cx).await,
                HookSubject::Rows(rows) => Self::rows(kind, rows, cx).await,
                HookSubject::Bulk(bulk) => match kind {
                    HookKind::BeforeBulkUpdate => M::before_bulk_update(bulk, cx).await,
                    HookKind::AfterBulkUpdate => M::after_bulk_update(bulk, cx).await,
                    HookKind::BeforeBulkDestroy => M::before_bulk_destroy(bulk, cx).await,
                    HookKind::AfterBulkDestroy => M::after_bulk_destroy(bulk, cx).await,
                    HookKind::BeforeBulkRestore => M::before_bulk_restore(bulk, cx).await,
                    HookKind::AfterBulkRestore => M::after_bulk_restore(bulk, cx).await,
                    _ => Ok(()),
                },
                HookSubject::Query(query) => Self::query(kind, query, cx).await,
                HookSubject::Change(change) => Self::change(kind, change, cx).await,
                HookSubject::Failed(_, error) => M::validation_failed(error, cx).await,
                HookSubject::Found(rows) => match rows.downcast_mut::<Vec<M>>() {
                    Some(rows) => M::after_find(rows, cx).await,
                    None => Ok(()),
                },
                HookSubject::Moment => match kind {
                    HookKind::BeforeSync => M::before_sync(cx).await,
                    HookKind::AfterSync => M::after_sync(cx).await,
                    _ => Ok(()),
                },
                HookSubject::Read(_) | HookSubject::Statement(_) => Ok(()),
            }
        })
    }

    async fn query(kind: HookKind, query: &mut QueryState, cx: &HookContext<'_>) -> Result<()> {
        let mut find = Find::<M>::from_clauses(query.clauses.clone());
        match kind {
            HookKind::BeforeFind => M::before_find(&mut find, cx).await?,
            HookKind::BeforeFindAfterExpandIncludeAll => M::before_find_after_expand_include_all(&mut find, cx).await?,
            HookKind::BeforeFindAfterOptions => M::before_find_after_options(&mut find, cx).await?,
            HookKind::BeforeCount => M::before_count(&mut find, cx).await?,
            _ => return Ok(()),
        }
        query.clauses = find.state.clauses;
        Ok(())
    }

    async fn change(kind: HookKind, change: &AnyChange, cx: &HookContext<'_>) -> Result<()> {
        let change = Change::<M>::new(change.clone());
        match kind {
            HookKind::AfterChange => M::after_change(&change, cx).await,
            HookKind::AfterCommit => M::after_commit(&change, cx).await,
            _ => Ok(()),
        }
    }

    async fn row(kind: HookKind, state: &mut RowState, cx: &HookContext<'_>) -> Result<()> {
        match kind {
            HookKind::BeforeUpdate | HookKind::AfterUpdate => {
                let mut edit = Edit::<M>::from_state(state)?;
                if kind == HookKind::AfterUpdate {
                    return M::after_update(&edit, cx).await;
                }
                M::before_update(&mut edit, cx).await?;
                state.values = edit.to_state().values;
                Ok(())
            }
            HookKind::AfterCreate
            | HookKind::AfterSave
            | HookKind::BeforeDestroy
            | HookKind::AfterDestroy
            | HookKind::BeforeRestore
            | HookKind::AfterRestore
            | HookKind::AfterUpsert => {
                let row: M = crate::write::instance_of(state)?;
                match kind {
                    HookKind::AfterCreate => M::after_create(&row, cx).await,
                    HookKind::AfterSave => M::after_save(&row, cx).await,
                    HookKind::BeforeDestroy => M::before_destroy(&row, cx).await,
                    HookKind::AfterDestroy => M::after_destroy(&row, cx).await,
                    HookKind::BeforeRestore => M::before_restore(&row, cx).await,
                    HookKind::AfterRestore => M::after_restore(&row, cx).await,
                    _ => M::after_upsert(&row, cx).await,
                }
            }
            HookKind::BeforeValidate | HookKind::AfterValidate | HookKind::BeforeCreate | HookKind::BeforeSave | HookKind::BeforeUpsert => {
                let mut draft = Draft::<M>::from_state(state.take());
                let result = match kind {
                    HookKind::BeforeValidate => M::before_validate(&mut draft, cx).await,
                    HookKind::AfterValidate => M::after_validate(&mut draft, cx).await,
                    HookKind::BeforeCreate => M::before_create(&mut draft, cx).await,
                    HookKind::BeforeSave => M::before_save(&mut draft, cx).await,
                    _ => M::before_upsert(&mut draft, cx).await,
                };
                *state = draft.state;
                result
            }
            _ => Ok(()),
        }
    }

    async fn rows(kind: HookKind, rows: &mut Vec<RowState>, cx: &HookContext<'_>) -> Result<()> {
        match kind {
            HookKind::BeforeBulkCreate => {
                let mut drafts: Vec<Draft<M>> = rows.drain(..).map(Draft::from_state).collect();
                let result = M::before_bulk_create(&mut drafts, cx).await;
                rows.extend(drafts.into_iter().map(|draft| draft.state));
                result
            }
            HookKind::AfterBulkCreate => {
                let typed = rows.iter().map(crate::write::instance_of::<M>).collect::<Result<Vec<_>>>()?;
                M::after_bulk_create(&typed, cx).await
            }
            _ => Ok(()),
        }
    }
}

/// Applies a scope function to clauses. What the derive's `default_scope` calls.
pub fn apply_scope<M: Model>(clauses: Clauses, scope: impl FnOnce(Find<M>) -> Find<M>) -> Clauses {
    scope(Find::from_clauses(clauses)).state.clauses.into_clauses()
}
