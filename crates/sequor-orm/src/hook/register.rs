//! Hooks at run time: `db.hooks::<User>()`, `db.observe(..)`. Those of all models are next door.

use super::form::{Form, FormFn, nothing};
use super::table::{Entry, Run};
use super::{AnyChange, BulkChange, Change, HookContext, HookFn, HookKind, HookSubject, HookTable};
use crate::db::Db;
use crate::model::Model;
use crate::query::Find;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use std::marker::PhantomData;
use std::sync::Arc;

/// The run-time hooks of one model.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.hooks::<User>().before_save("trim", |draft, _| Box::pin(async move {
///     let name = draft.get(User::NAME).map(|name| name.trim().to_owned());
///     draft.set(User::NAME, name.unwrap_or_default());
///     Ok(())
/// }));
/// assert_eq!(draft!(User { name: " Bo " }).create(&db).await?.name, "Bo");
/// assert!(db.hooks::<User>().remove("trim"));
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
pub struct ModelHooks<'a, M> {
    table: &'a HookTable,
    rows: bool,
    marker: PhantomData<fn() -> M>,
}

/// Hooks by their kind and name, whatever the model.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{HookFn, HookRegistry, HookSubject};
/// // For hooks whose kind is known at run time alone.
/// let stop: HookFn = std::sync::Arc::new(|subject, _| Box::pin(async move {
///     match subject {
///         HookSubject::Row(row) if row.is_new() => Err(Error::usage("closed")),
///         _ => Ok(()),
///     }
/// }));
/// db.global_hooks().on_named("beforeCreate", "closed", stop.clone())?;
/// assert!(draft!(User { name: "Bo" }).create(&db).await.is_err());
/// assert!(db.global_hooks().on_named("beforeSaving", "closed", stop).is_err(), "there is no such hook");
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "hooks cannot be registered at a `{Self}`",
    label = "expected `db.hooks::<User>()` or `db.global_hooks()`"
)]
pub trait HookRegistry {
    /// Registers a hook.
    fn on(&self, kind: HookKind, name: &str, run: HookFn);

    /// Registers a hook by the name of its kind: `before_create`, or Sequelize's `beforeCreate`.
    ///
    /// # Errors
    /// `Usage` that lists the names there are.
    fn on_named(&self, kind: &str, name: &str, run: HookFn) -> Result<()> {
        self.on(HookKind::require(kind)?, name, run);
        Ok(())
    }

    /// Removes the hooks of a name; says whether there were any.
    fn remove(&self, name: &str) -> bool;
}

impl<M: Model> HookRegistry for ModelHooks<'_, M> {
    fn on(&self, kind: HookKind, name: &str, run: HookFn) {
        self.put(kind, name, run);
    }

    fn remove(&self, name: &str) -> bool {
        ModelHooks::remove(self, name)
    }
}

impl<M: Model> ModelHooks<'_, M> {
    fn put(&self, kind: HookKind, name: &str, run: HookFn) {
        self.put_run(kind, name, Run::Plain(run));
    }

    fn put_run(&self, kind: HookKind, name: &str, run: Run) {
        self.table.add(Some(M::NAME), kind, Entry::new(name, run, self.rows));
    }

    /// With `true`, the `after_*` hooks of one row that are registered from here on are also called for each row that `*_all` writes, bulk creates and
    /// cascades of the database changed, with its values before and after: `db.hooks::<User>().rows(true).after_update("audit", ..)`.
    #[must_use]
    pub fn rows(self, each: bool) -> Self {
        ModelHooks { rows: each, ..self }
    }
}

/// A hook that takes changes with their type.
fn typed_change<M: Model, F>(hook: F) -> HookFn
where
    F: for<'a> Fn(&'a Change<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    let hook = Arc::new(hook);
    Arc::new(move |subject, cx| {
        let hook = hook.clone();
        Box::pin(async move {
            let HookSubject::Change(change) = subject else { return Ok(()) };
            hook(&Change::new(change.clone()), cx).await
        })
    })
}

macro_rules! row_hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl<M: Model> ModelHooks<'_, M> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a mut crate::write::Edit<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: FormFn = Arc::new(move |row, cx| match row.downcast_mut::<crate::write::Edit<M>>() {
                        Some(row) => hook(row, cx),
                        None => nothing(),
                    });
                    self.put_run(HookKind::$kind, name, Run::Formed(Form::edit::<M>(), run));
                }
            )*
        }
    };
}

row_hooks! {
    /// After a row was created.
    after_create AfterCreate;
    /// Before a row is updated.
    before_update BeforeUpdate;
    /// After a row was updated.
    after_update AfterUpdate;
    /// After a row was created or updated.
    after_save AfterSave;
    /// Before a row is deleted.
    before_destroy BeforeDestroy;
    /// After a row was deleted.
    after_destroy AfterDestroy;
    /// Before a row is restored.
    before_restore BeforeRestore;
    /// After a row was restored.
    after_restore AfterRestore;
    /// After an upsert.
    after_upsert AfterUpsert;
}

macro_rules! draft_hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl<M: Model> ModelHooks<'_, M> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a mut crate::write::Draft<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: FormFn = Arc::new(move |row, cx| match row.downcast_mut::<crate::write::Draft<M>>() {
                        Some(row) => hook(row, cx),
                        None => nothing(),
                    });
                    self.put_run(HookKind::$kind, name, Run::Formed(Form::draft::<M>(), run));
                }
            )*
        }
    };
}

draft_hooks! {
    /// Before the rules are checked.
    before_validate BeforeValidate;
    /// After the rules held.
    after_validate AfterValidate;
    /// Before a row is created.
    before_create BeforeCreate;
    /// Before a row is created or updated.
    before_save BeforeSave;
    /// Before an upsert.
    before_upsert BeforeUpsert;
}

macro_rules! subject_hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident $pattern:pat => $argument:expr, $ty:ty;)*) => {
        impl<M: Model> ModelHooks<'_, M> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a mut $ty, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: HookFn = Arc::new(move |subject, cx| match subject {
                        $pattern => hook($argument, cx),
                        _ => nothing(),
                    });
                    self.put(HookKind::$kind, name, run);
                }
            )*
        }
    };
}

subject_hooks! {
    /// After a rule failed; the hook may put another error in its place.
    validation_failed ValidationFailed HookSubject::Failed(_, error) => error, Error;
    /// Before many rows are updated: which, and what is set.
    before_bulk_update BeforeBulkUpdate HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were updated.
    after_bulk_update AfterBulkUpdate HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// Before many rows are deleted.
    before_bulk_destroy BeforeBulkDestroy HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were deleted.
    after_bulk_destroy AfterBulkDestroy HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// Before many rows are restored.
    before_bulk_restore BeforeBulkRestore HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were restored.
    after_bulk_restore AfterBulkRestore HookSubject::Bulk(bulk) => bulk, BulkChange;
}

macro_rules! query_hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl<M: Model> ModelHooks<'_, M> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a mut Find<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let hook = Arc::new(hook);
                    let run: HookFn = Arc::new(move |subject, cx| {
                        let hook = hook.clone();
                        Box::pin(async move {
                            let HookSubject::Query(query) = subject else { return Ok(()) };
                            let mut find = Find::<M>::from_clauses(query.clauses.clone());
                            hook(&mut find, cx).await?;
                            query.clauses = find.state.clauses;
                            Ok(())
                        })
                    });
                    self.put(HookKind::$kind, name, run);
                }
            )*
        }
    };
}

query_hooks! {
    /// Before a find: the hook may add filters, an order, includes.
    before_find BeforeFind;
    /// Before a find, once includes are known.
    before_find_after_expand_include_all BeforeFindAfterExpandIncludeAll;
    /// Before a find, once its options are complete.
    before_find_after_options BeforeFindAfterOptions;
    /// Before a count.
    before_count BeforeCount;
}

macro_rules! moment_hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl<M: Model> ModelHooks<'_, M> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    self.put(HookKind::$kind, name, Arc::new(move |_, cx| hook(cx)));
                }
            )*
        }
    };
}

moment_hooks! {
    /// Before the table is made.
    before_sync BeforeSync;
    /// After the table was made.
    after_sync AfterSync;
}

impl<M: Model> ModelHooks<'_, M> {
    /// After any change of a row of this model, in its transaction.
    pub fn after_change<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a Change<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.put(HookKind::AfterChange, name, typed_change(hook));
    }

    /// After a change of a row of this model became durable: an error is reported, never undone.
    pub fn after_commit<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a Change<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.put(HookKind::AfterCommit, name, typed_change(hook));
    }

    /// After a find, with the rows that it found; the hook may change them.
    pub fn after_find<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a mut Vec<M>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        let hook = Arc::new(hook);
        let run: HookFn = Arc::new(move |subject, cx| {
            let hook = hook.clone();
            Box::pin(async move {
                let HookSubject::Found(rows) = subject else { return Ok(()) };
                match rows.downcast_mut::<Vec<M>>() {
                    Some(rows) => hook(rows, cx).await,
                    None => Ok(()),
                }
            })
        });
        self.put(HookKind::AfterFind, name, run);
    }

    /// Before many rows are created: the drafts may be changed, left out, added to.
    pub fn before_bulk_create<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a mut Vec<crate::write::Draft<M>>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        let hook = Arc::new(hook);
        let run: HookFn = Arc::new(move |subject, cx| {
            let hook = hook.clone();
            Box::pin(async move {
                let HookSubject::Rows(rows) = subject else { return Ok(()) };
                let mut drafts: Vec<crate::write::Draft<M>> = rows.drain(..).map(crate::write::Draft::from_state).collect();
                let result = hook(&mut drafts, cx).await;
                rows.extend(drafts.into_iter().map(|draft| draft.state));
                result
            })
        });
        self.put(HookKind::BeforeBulkCreate, name, run);
    }

    /// After many rows were created.
    pub fn after_bulk_create<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a [M], &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        let hook = Arc::new(hook);
        let run: HookFn = Arc::new(move |subject, cx| {
            let hook = hook.clone();
            Box::pin(async move {
                let HookSubject::Rows(rows) = subject else { return Ok(()) };
                let rows = rows.iter().map(crate::write::instance_of::<M>).collect::<Result<Vec<_>>>()?;
                hook(&rows, cx).await
            })
        });
        self.put(HookKind::AfterBulkCreate, name, run);
    }

    /// A rule of the whole row that may ask the database; its error is a failure of validation beside all others.
    pub fn validate<F>(&self, name: &str, rule: F)
    where
        F: for<'a> Fn(&'a crate::write::Draft<M>, &'a HookContext<'a>) -> BoxFuture<'a, std::result::Result<(), String>>
            + Send
            + Sync
            + 'static,
    {
        let rule = Arc::new(rule);
        let ask: crate::validate::AskFn = Arc::new(move |row, cx| {
            let (rule, draft) = (rule.clone(), crate::write::Draft::<M>::from_state(row.clone()));
            Box::pin(async move { rule(&draft, cx).await })
        });
        self.table.rules.add(Some(M::NAME), name, ask);
    }

    /// Removes the hooks and rules of a name; says whether there were any.
    pub fn remove(&self, name: &str) -> bool {
        let rules = self.table.rules.remove(Some(M::NAME), name);
        self.table.remove(Some(M::NAME), name) || rules
    }
}

impl Db {
    /// The run-time hooks of a model. Sequelize: `User.addHook(..)`.
    pub fn hooks<M: Model>(&self) -> ModelHooks<'_, M> {
        ModelHooks { table: self.hook_table(), rows: false, marker: PhantomData }
    }

    /// Watches every change once it is durable, without any say in its outcome: whatever it does, also panic or take longer than 5 s, the write stands.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    /// db.observe("metrics", move |change| { let _ = sender.send(change.operation()); });
    /// ann.increment(User::AGE, 1, &db).await?;
    /// assert_eq!(seen.recv().await, Some(sequor::Operation::Update));      // outside of the write, soon after it
    /// assert_eq!(db.hook_failures(), 0);
    /// assert!(db.unobserve("metrics"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(&self, name: &str, observer: impl Fn(&AnyChange) + Send + Sync + 'static) {
        self.hook_table().watch(name, Arc::new(observer));
    }

    /// Removes an observer by its name; says whether there was one.
    pub fn unobserve(&self, name: &str) -> bool {
        self.hook_table().unwatch(name)
    }

    /// How often an observer or an `after_commit` hook failed: their failures change no outcome, so they are counted.
    pub fn hook_failures(&self) -> u64 {
        self.hook_table().failures()
    }
}
