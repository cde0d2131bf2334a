//! [`HookTable`]: the hooks registered at run time, and what they work on.

use super::{AnyChange, HookContext, HookKind, ReadRows};
use crate::query::QueryState;
use crate::write::RowState;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::statement::Expr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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
    /// A row that failed its rules, and the error, which the hook may replace.
    Failed(&'a RowState, &'a mut Error),
    /// Rows that were found, by model and key.
    Read(&'a ReadRows),
    /// Nothing but the moment itself: a table that is made.
    Moment,
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
pub(super) type Observer = Arc<dyn Fn(&AnyChange) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Entry {
    /// `None`: every model.
    model: Option<String>,
    kind: HookKind,
    pub(super) name: String,
    pub(super) run: HookFn,
}

/// The hooks of one `Db` that were registered at run time.
#[derive(Default)]
pub struct HookTable {
    entries: RwLock<Vec<Entry>>,
    observers: RwLock<Vec<(String, Observer)>>,
    any: AtomicBool,
    failures: AtomicU64,
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
    pub(super) fn of(&self, model: &str, kind: HookKind) -> Vec<Entry> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let own = entries.iter().filter(|entry| entry.kind == kind && entry.model.as_deref() == Some(model));
        let global = entries.iter().filter(|entry| entry.kind == kind && entry.model.is_none());
        own.chain(global).cloned().collect()
    }

    pub(super) fn has(&self, model: &str, kinds: &[HookKind]) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .entries
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .any(|entry| kinds.contains(&entry.kind) && entry.model.as_deref().is_none_or(|known| known == model))
    }

    pub(super) fn has_observers(&self) -> bool {
        !self.observers.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Registers somebody who watches; one of the same name is replaced.
    pub(super) fn watch(&self, name: &str, observer: Observer) {
        let mut observers = self.observers.write().unwrap_or_else(PoisonError::into_inner);
        observers.retain(|(known, _)| known != name);
        observers.push((name.to_owned(), observer));
    }

    /// Removes somebody who watches; says whether there was one.
    pub(super) fn unwatch(&self, name: &str) -> bool {
        let mut observers = self.observers.write().unwrap_or_else(PoisonError::into_inner);
        let before = observers.len();
        observers.retain(|(known, _)| known != name);
        before != observers.len()
    }

    pub(super) fn observers(&self) -> Vec<(String, Observer)> {
        self.observers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a failure that changed no outcome.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How often an observer or an `after_commit` hook failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
