//! [`HookTable`]: the hooks registered at run time, and how all hooks of a moment run.

use super::{AnyChange, Declared, HookContext, HookKind, Operation, behaviors};
use crate::db::Db;
use crate::model::Model;
use crate::query::QueryState;
use crate::write::{RowState, WriteOptions};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::Expr;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What a hook works on.
pub enum HookSubject<'a> {
    /// One row.
    Row(&'a mut RowState),
    /// Many rows.
    Rows(&'a mut Vec<RowState>),
    /// An update, deletion or restoring by filter.
    Bulk(&'a mut BulkChange),
    /// A query that is about to run.
    Query(&'a mut QueryState),
    /// A change that happened.
    Change(&'a AnyChange),
}

/// An update, deletion or restoring by filter.
#[derive(Clone, Debug)]
pub struct BulkChange {
    /// Which rows.
    pub query: QueryState,
    /// What is set: positions and expressions.
    pub set: Vec<(usize, Expr)>,
}

/// A hook at run time.
pub type HookFn = Arc<dyn for<'a> Fn(HookSubject<'a>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;
type ChangeFn = Arc<dyn for<'a> Fn(&'a AnyChange, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;
type Observer = Arc<dyn Fn(&AnyChange) + Send + Sync>;

#[derive(Clone)]
struct Entry {
    /// `None`: every model.
    model: Option<String>,
    kind: HookKind,
    name: String,
    run: HookFn,
}

/// The hooks of one `Db` that were registered at run time.
#[derive(Default)]
pub struct HookTable {
    entries: RwLock<Vec<Entry>>,
    observers: RwLock<Vec<(String, Observer)>>,
    any: AtomicBool,
}

impl std::fmt::Debug for HookTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(entries.iter().map(|entry| (entry.kind, &entry.name))).finish()
    }
}

impl HookTable {
    /// Registers a hook of one model, or of all; one of the same name and kind is replaced.
    pub fn register(&self, model: Option<&str>, kind: HookKind, name: &str, run: HookFn) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let model = model.map(str::to_owned);
        entries.retain(|entry| !(entry.model == model && entry.kind == kind && entry.name == name));
        entries.push(Entry { model, kind, name: name.to_owned(), run });
        self.any.store(true, Ordering::Release);
    }

    /// Removes the hooks of a name; says whether there were any.
    pub fn remove(&self, model: Option<&str>, name: &str) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let before = entries.len();
        entries.retain(|entry| !(entry.model.as_deref() == model && entry.name == name));
        before != entries.len()
    }

    /// The hooks of a moment: the model's own first, then those of all models.
    fn of(&self, model: &str, kind: HookKind) -> Vec<Entry> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let own = entries.iter().filter(|entry| entry.kind == kind && entry.model.as_deref() == Some(model));
        let global = entries.iter().filter(|entry| entry.kind == kind && entry.model.is_none());
        own.chain(global).cloned().collect()
    }

    fn has(&self, model: &str, kinds: &[HookKind]) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .entries
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .any(|entry| kinds.contains(&entry.kind) && entry.model.as_deref().is_none_or(|known| known == model))
    }

    fn has_observers(&self) -> bool {
        !self.observers.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// How deep hooks may write within hooks.
const DEEPEST: usize = 16;

tokio::task_local! {
    static CHAIN: Vec<String>;
}

/// Runs all hooks of a moment: declared ones, then those of the table.
pub(crate) async fn fire(
    db: &Db,
    model: &Arc<ModelDef>,
    kind: HookKind,
    mut subject: HookSubject<'_>,
    options: &WriteOptions,
) -> Result<()> {
    if !options.hooks {
        return Ok(());
    }
    let declared = declared(model);
    let entries = db.hook_table().of(&model.name, kind);
    if declared.is_none() && entries.is_empty() {
        return Ok(());
    }
    let mut chain = CHAIN.try_with(Clone::clone).unwrap_or_default();
    chain.push(format!("{}.{}", model.name, kind.name()));
    if chain.len() > DEEPEST {
        return Err(Error::hook(kind.name(), format!("hooks call each other without end: {}", chain.join(" → "))));
    }
    let extras = options.extras(db);
    let context = HookContext { db, kind, model, extras: &extras };
    CHAIN
        .scope(chain, async {
            if let Some(declared) = declared {
                declared.run(kind, reborrow(&mut subject), &context).await.map_err(|error| refused(kind.name(), error))?;
            }
            for entry in entries {
                (entry.run)(reborrow(&mut subject), &context).await.map_err(|error| refused(&entry.name, error))?;
            }
            Ok(())
        })
        .await
}

/// An error of our own stays what it is; another one is named by its hook.
fn refused(hook: &str, error: Error) -> Error {
    match error {
        Error::Other(source) => Error::Hook { hook: hook.to_owned(), source },
        own => own,
    }
}

fn reborrow<'b>(subject: &'b mut HookSubject<'_>) -> HookSubject<'b> {
    match subject {
        HookSubject::Row(row) => HookSubject::Row(row),
        HookSubject::Rows(rows) => HookSubject::Rows(rows),
        HookSubject::Bulk(bulk) => HookSubject::Bulk(bulk),
        HookSubject::Query(query) => HookSubject::Query(query),
        HookSubject::Change(change) => HookSubject::Change(change),
    }
}

fn declared(model: &ModelDef) -> Option<&'static dyn Declared> {
    behaviors(model)?.declared.filter(|declared| declared.has_hooks())
}

/// Whether hooks run behind the statement of a write, so that it needs a transaction around it.
pub(crate) fn needs_transaction(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    let after = [HookKind::AfterChange];
    let declared = options.hooks && declared(model).is_some();
    declared || db.hook_table().has(&model.name, &after)
}

/// Whether somebody wants to know which rows a write of many changed.
pub(crate) fn captures(db: &Db, model: &ModelDef, _options: &WriteOptions) -> bool {
    declared(model).is_some()
        || db.hook_table().has_observers()
        || db.hook_table().has(&model.name, &[HookKind::AfterChange, HookKind::AfterCommit])
}

/// Tells the listeners of changes what happened to a row: in its transaction, and once it is durable.
pub(crate) async fn changed(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = after.or(before).map(|row| row.model.clone()) else { return Ok(()) };
    if !captures(db, &model, options) {
        return Ok(());
    }
    let Some(change) = AnyChange::new(operation, before, after) else { return Ok(()) };
    // Listeners of changes are mandatory: hooks(false) does not skip them.
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    fire(db, &model, HookKind::AfterChange, HookSubject::Change(&change), &mandatory).await?;
    observe(db, &change);
    if declared(&model).is_some() || db.hook_table().has(&model.name, &[HookKind::AfterCommit]) {
        let outside = Db { tx: None, detached: true, ..db.clone() };
        let model = model.clone();
        db.after_commit(async move {
            if let Err(error) = fire(&outside, &model, HookKind::AfterCommit, HookSubject::Change(&change), &mandatory).await {
                tracing::error!(%error, model = %model.name, "an after_commit hook failed; the commit stands");
            }
        });
    }
    Ok(())
}

/// Observers cannot change the outcome: each runs in a task of its own, for at most 5 s, whatever it does.
fn observe(db: &Db, change: &AnyChange) {
    let observers = db.hook_table().observers.read().unwrap_or_else(PoisonError::into_inner).clone();
    for (name, observer) in observers {
        let change = change.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let work = tokio::task::spawn_blocking(move || observer(&change));
            match tokio::time::timeout(Duration::from_secs(5), work).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, observer = name, "an observer panicked"),
                Err(_) => tracing::error!(observer = name, "an observer took longer than 5 s"),
            }
        });
    }
}

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

    /// Watches every change without any say in its outcome.
    pub fn observe(&self, name: &str, observer: impl Fn(&AnyChange) + Send + Sync + 'static) {
        let mut observers = self.hook_table().observers.write().unwrap_or_else(PoisonError::into_inner);
        observers.retain(|(known, _)| known != name);
        observers.push((name.to_owned(), Arc::new(observer)));
    }
}
