//! [`HookTable`]: the hooks registered at run time. Looking one up that is not there costs one comparison of bits.

use super::connection::ConnectionHooks;
use super::form::{Form, FormFn};
use super::{AnyChange, HookFn, HookKind};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub(super) type Observer = Arc<dyn Fn(&AnyChange) + Send + Sync>;

/// One registered hook.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) run: Run,
    /// Whether it is called for each row that a write of many changed.
    pub(super) rows: bool,
    /// Which registration of its table it was.
    number: u64,
}

impl Entry {
    pub(super) fn new(name: &str, run: Run, rows: bool) -> Entry {
        Entry { name: name.to_owned(), run, rows, number: 0 }
    }
}

/// What a registered hook is called with.
#[derive(Clone)]
pub(super) enum Run {
    /// The subject as the engine has it.
    Plain(HookFn),
    /// The row in a form.
    Formed(Form, FormFn),
}

/// Hooks of one moment, in the order of registration.
pub(super) type Entries = Arc<Vec<Entry>>;

/// Hooks of one kind.
#[derive(Default)]
struct Moment {
    models: HashMap<String, Entries, foldhash::fast::RandomState>,
    all: Option<Entries>,
}

impl Moment {
    fn is_empty(&self) -> bool {
        self.models.is_empty() && self.all.is_none()
    }
}

/// The hooks of one `Db` that were registered at run time.
#[derive(Default)]
pub struct HookTable {
    /// By the number of the kind.
    moments: RwLock<Vec<Moment>>,
    observers: RwLock<Vec<(String, Observer)>>,
    /// One bit for each kind of which there are hooks.
    kinds: AtomicU64,
    /// The same for hooks that are called for each row.
    row_kinds: AtomicU64,
    /// How many hooks were ever registered.
    registered: AtomicU64,
    failures: AtomicU64,
    pub(crate) connection: ConnectionHooks,
    pub(crate) rules: crate::validate::RunTimeRules,
}

impl std::fmt::Debug for HookTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moments = self.moments.read().unwrap_or_else(PoisonError::into_inner);
        let mut list = f.debug_list();
        for (kind, moment) in HookKind::ALL.iter().zip(moments.iter()) {
            let entries = moment.models.values().chain(&moment.all).flat_map(|entries| entries.iter());
            list.entries(entries.map(|entry| (kind, &entry.name)));
        }
        list.finish()
    }
}

/// The hooks of a moment: the model's own first, then those of all models.
#[derive(Clone)]
pub(super) struct Found {
    own: Option<Entries>,
    all: Option<Entries>,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_none() && self.all.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.own.iter().chain(&self.all).flat_map(|entries| entries.iter())
    }
}

/// The same hooks without those of a name, and with another one behind them.
fn changed(entries: Option<&Entries>, name: &str, added: Option<Entry>) -> Option<Entries> {
    let kept = entries.into_iter().flat_map(|entries| entries.iter()).filter(|entry| entry.name != name);
    let list: Vec<Entry> = kept.cloned().chain(added).collect();
    (!list.is_empty()).then(|| Arc::new(list))
}

impl HookTable {
    /// Registers a hook of one model, or of all; one of the same name and kind is replaced.
    pub fn register(&self, model: Option<&str>, kind: HookKind, name: &str, run: HookFn) {
        self.add(model, kind, Entry::new(name, Run::Plain(run), false));
    }

    pub(super) fn add(&self, model: Option<&str>, kind: HookKind, entry: Entry) {
        let entry = Entry { number: self.registered.fetch_add(1, Ordering::Relaxed), ..entry };
        let mut moments = self.moments.write().unwrap_or_else(PoisonError::into_inner);
        moments.resize_with(HookKind::ALL.len(), Moment::default);
        let moment = &mut moments[kind as usize];
        let name = entry.name.clone();
        match model {
            Some(model) => {
                if let Some(entries) = changed(moment.models.get(model), &name, Some(entry)) {
                    moment.models.insert(model.to_owned(), entries);
                }
            }
            None => moment.all = changed(moment.all.as_ref(), &name, Some(entry)),
        }
        self.note(&moments);
    }

    /// Removes the hooks of a name; says whether there were any.
    pub fn remove(&self, model: Option<&str>, name: &str) -> bool {
        let mut moments = self.moments.write().unwrap_or_else(PoisonError::into_inner);
        let mut found = false;
        for moment in moments.iter_mut() {
            let entries = match model {
                Some(model) => moment.models.get(model),
                None => moment.all.as_ref(),
            };
            if !entries.is_some_and(|entries| entries.iter().any(|entry| entry.name == name)) {
                continue;
            }
            found = true;
            match (model, changed(entries, name, None)) {
                (Some(model), Some(left)) => drop(moment.models.insert(model.to_owned(), left)),
                (Some(model), None) => drop(moment.models.remove(model)),
                (None, left) => moment.all = left,
            }
        }
        self.note(&moments);
        found
    }

    /// Keeps the bits in step with the table.
    fn note(&self, moments: &[Moment]) {
        let (mut kinds, mut rows) = (0, 0);
        for (kind, moment) in HookKind::ALL.iter().zip(moments).filter(|(_, moment)| !moment.is_empty()) {
            kinds |= kind.bit();
            if moment.models.values().chain(&moment.all).any(|entries| entries.iter().any(|entry| entry.rows)) {
                rows |= kind.bit();
            }
        }
        self.kinds.store(kinds, Ordering::Release);
        self.row_kinds.store(rows, Ordering::Release);
    }

    /// The hooks of a moment.
    pub(super) fn of(&self, model: &str, kind: HookKind) -> Found {
        if !self.any(kind) {
            return Found { own: None, all: None };
        }
        let moments = self.moments.read().unwrap_or_else(PoisonError::into_inner);
        match moments.get(kind as usize) {
            Some(moment) => Found { own: moment.models.get(model).cloned(), all: moment.all.clone() },
            None => Found { own: None, all: None },
        }
    }

    /// The hooks of two moments one by one, in the order in which they were registered: the model's own first, then those of all models.
    pub(super) fn turns(&self, model: &str, kinds: [HookKind; 2]) -> Vec<(HookKind, Found)> {
        let found = kinds.map(|kind| (kind, self.of(model, kind)));
        let mut turns: Vec<(bool, u64, HookKind, Found)> = Vec::new();
        for (kind, found) in &found {
            for (all, entries) in [(false, &found.own), (true, &found.all)] {
                let turn = |entry: &Entry| {
                    let one = Found { own: Some(Arc::new(vec![entry.clone()])), all: None };
                    (all, entry.number, *kind, one)
                };
                turns.extend(entries.iter().flat_map(|entries| entries.iter()).map(turn));
            }
        }
        turns.sort_by_key(|(all, number, ..)| (*all, *number));
        turns.into_iter().map(|(_, _, kind, found)| (kind, found)).collect()
    }

    /// Whether there is any hook of a kind, whatever the model.
    pub(crate) fn any(&self, kind: HookKind) -> bool {
        self.kinds.load(Ordering::Acquire) & kind.bit() != 0
    }

    pub(super) fn has(&self, model: &str, kinds: &[HookKind]) -> bool {
        if !kinds.iter().any(|kind| self.any(*kind)) {
            return false;
        }
        let moments = self.moments.read().unwrap_or_else(PoisonError::into_inner);
        let hears =
            |kind: &HookKind| moments.get(*kind as usize).is_some_and(|moment| moment.all.is_some() || moment.models.contains_key(model));
        kinds.iter().any(|kind| self.any(*kind) && hears(kind))
    }

    /// Whether a hook wants to be called for each row that a write of many changed.
    pub(super) fn wants_rows(&self, model: &str) -> bool {
        let bits = self.row_kinds.load(Ordering::Acquire);
        bits != 0 && HookKind::ROWS.iter().any(|kind| bits & kind.bit() != 0 && self.of(model, *kind).iter().any(|entry| entry.rows))
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
