//! Hooks at run time: `db.hooks::<User>()`, `db.global_hooks()`, `db.observe(..)`.

use super::{AnyChange, BulkChange, HookContext, HookFn, HookKind, HookSubject, HookTable, ReadRows};
use crate::db::Db;
use crate::model::Model;
use crate::query::Find;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use std::marker::PhantomData;
use std::sync::Arc;

type ChangeFn = Arc<dyn for<'a> Fn(&'a AnyChange, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// The run-time hooks of one model.
pub struct ModelHooks<'a, M> {
    table: &'a HookTable,
    marker: PhantomData<fn() -> M>,
}

/// The run-time hooks of all models.
pub struct GlobalHooks<'a> {
    table: &'a HookTable,
}

/// Hooks by their kind and name, whatever the model.
pub trait HookRegistry {
    /// Registers a hook.
    fn on(&self, kind: HookKind, name: &str, run: HookFn);
    /// Removes the hooks of a name; says whether there were any.
    fn remove(&self, name: &str) -> bool;
}

impl<M: Model> HookRegistry for ModelHooks<'_, M> {
    fn on(&self, kind: HookKind, name: &str, run: HookFn) {
        self.table.register(Some(M::NAME), kind, name, run);
    }

    fn remove(&self, name: &str) -> bool {
        self.table.remove(Some(M::NAME), name)
    }
}

impl HookRegistry for GlobalHooks<'_> {
    fn on(&self, kind: HookKind, name: &str, run: HookFn) {
        self.table.register(None, kind, name, run);
    }

    fn remove(&self, name: &str) -> bool {
        self.table.remove(None, name)
    }
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
                    let hook = Arc::new(hook);
                    let run: HookFn = Arc::new(move |subject, cx| {
                        let hook = hook.clone();
                        Box::pin(async move {
                            let HookSubject::Row(state) = subject else { return Ok(()) };
                            let mut edit = crate::write::Edit::<M>::from_state(state)?;
                            hook(&mut edit, cx).await?;
                            state.values = edit.to_state().values;
                            Ok(())
                        })
                    });
                    self.table.register(Some(M::NAME), HookKind::$kind, name, run);
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
                    let hook = Arc::new(hook);
                    let run: HookFn = Arc::new(move |subject, cx| {
                        let hook = hook.clone();
                        Box::pin(async move {
                            let HookSubject::Row(state) = subject else { return Ok(()) };
                            let mut draft = crate::write::Draft::<M>::from_state(state.clone());
                            hook(&mut draft, cx).await?;
                            *state = draft.state;
                            Ok(())
                        })
                    });
                    self.table.register(Some(M::NAME), HookKind::$kind, name, run);
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
                    let hook = Arc::new(hook);
                    let run: HookFn = Arc::new(move |subject, cx| {
                        let hook = hook.clone();
                        Box::pin(async move {
                            match subject {
                                $pattern => hook($argument, cx).await,
                                _ => Ok(()),
                            }
                        })
                    });
                    self.table.register(Some(M::NAME), HookKind::$kind, name, run);
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
                    self.table.register(Some(M::NAME), HookKind::$kind, name, run);
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
    /// After a find, with the query that ran.
    after_find AfterFind;
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
                    let hook = Arc::new(hook);
                    let run: HookFn = Arc::new(move |_, cx| {
                        let hook = hook.clone();
                        Box::pin(async move { hook(cx).await })
                    });
                    self.table.register(Some(M::NAME), HookKind::$kind, name, run);
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

fn change_hook(hook: ChangeFn) -> HookFn {
    Arc::new(move |subject, cx| {
        let hook = hook.clone();
        Box::pin(async move {
            match subject {
                HookSubject::Change(change) => hook(change, cx).await,
                _ => Ok(()),
            }
        })
    })
}

impl GlobalHooks<'_> {
    /// After any change of any row, in its transaction: an error rolls it back.
    pub fn after_change<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a AnyChange, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.table.register(None, HookKind::AfterChange, name, change_hook(Arc::new(hook)));
    }

    /// After any change became durable: an error is reported, never undone.
    pub fn after_commit<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a AnyChange, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.table.register(None, HookKind::AfterCommit, name, change_hook(Arc::new(hook)));
    }

    /// Gets model and keys of every row that leaves the engine; an error withholds the rows. `hooks(false)` does not skip it.
    pub fn after_read<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a ReadRows, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        let hook = Arc::new(hook);
        let run: HookFn = Arc::new(move |subject, cx| {
            let hook = hook.clone();
            Box::pin(async move {
                match subject {
                    HookSubject::Read(rows) => hook(rows, cx).await,
                    _ => Ok(()),
                }
            })
        });
        self.table.register(None, HookKind::AfterRead, name, run);
    }

    /// Removes the hooks of a name; says whether there were any.
    pub fn remove(&self, name: &str) -> bool {
        self.table.remove(None, name)
    }
}

impl<M: Model> ModelHooks<'_, M> {
    /// After any change of a row of this model, in its transaction.
    pub fn after_change<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a AnyChange, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.table.register(Some(M::NAME), HookKind::AfterChange, name, change_hook(Arc::new(hook)));
    }

    /// Removes the hooks of a name; says whether there were any.
    pub fn remove(&self, name: &str) -> bool {
        self.table.remove(Some(M::NAME), name)
    }
}

impl Db {
    /// The run-time hooks of a model. Sequelize: `User.addHook(..)`.
    pub fn hooks<M: Model>(&self) -> ModelHooks<'_, M> {
        ModelHooks { table: self.hook_table(), marker: PhantomData }
    }

    /// The run-time hooks of all models. Sequelize: `sequelize.addHook(..)`.
    pub fn global_hooks(&self) -> GlobalHooks<'_> {
        GlobalHooks { table: self.hook_table() }
    }

    /// Watches every change once it is durable, without any say in its outcome: whatever it does, also panic or take longer than 5 s, the write stands.
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
