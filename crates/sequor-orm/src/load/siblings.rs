//! Rows of one result know each other: the first lazy load of one of them loads for all, and a loop that loads row by row is noticed.

use super::assemble::{Filling, LoadedTree, Wanted, load_detached};
use crate::db::{Db, Place, Run, TxId};
use crate::model::{Instance, Loader, RowBatch, value_of};
use crate::query::IncludeState;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::any::Any;
use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The most rows that a lazy load of one of them loads for.
const MOST: usize = 1_000;

/// Rows of one model in one result.
pub(super) struct Siblings {
    /// The columns that relations start from, and their values row by row.
    columns: Vec<(usize, Cells)>,
    count: usize,
    /// What the query said about lazy loads.
    pub(super) strict: Option<bool>,
    place: Arc<Place>,
    loads: Mutex<Vec<Arc<Load>>>,
    /// Relations of which a row was loaded by itself.
    single: Mutex<HashSet<usize>>,
}

/// The values of a column, row by row: mostly numbers, which take a fourth of the room.
enum Cells {
    Numbers(Vec<i64>),
    Values(Vec<Value>),
}

impl Cells {
    fn of(batch: &dyn RowBatch, rows: std::ops::Range<usize>, column: usize) -> Cells {
        match batch.numbers(rows.clone(), column) {
            Some(numbers) => Cells::Numbers(numbers),
            None => Cells::Values(batch.values(rows, column)),
        }
    }

    fn get(&self, row: usize) -> Option<Value> {
        match self {
            Cells::Numbers(numbers) => numbers.get(row).copied().map(Value::I64),
            Cells::Values(values) => values.get(row).cloned(),
        }
    }
}

/// What was loaded for all of them.
struct Load {
    relation: usize,
    include: String,
    transaction: Option<TxId>,
    /// How many writes there had been: after another one, what was loaded may be old.
    writes: u64,
    rows: OnceCell<Mutex<Vec<Option<Filling>>>>,
}

/// Makes rows of a statement known to each other while they are read: whoever waits for a server has time for it then.
pub(super) struct Joins {
    db: Db,
    /// What the query said about lazy loads.
    strict: Option<bool>,
    columns: Option<Vec<usize>>,
    /// How many rows know each other.
    done: usize,
}

impl Joins {
    pub(super) fn new(db: &Db, strict: Option<bool>) -> Joins {
        Joins { db: db.clone(), strict, columns: None, done: 0 }
    }

    /// The same for the rows of another statement.
    pub(super) fn again(&self) -> Joins {
        Joins::new(&self.db, self.strict)
    }

    /// Joins the last rows, if there are enough.
    pub(super) fn pushed(&mut self, batch: &mut dyn RowBatch, count: usize, model: impl FnOnce() -> Arc<ModelDef>) {
        if count - self.done >= MOST {
            self.rows(batch, &model(), count);
        }
    }

    /// Joins all rows that are not yet.
    pub(super) fn rest(&mut self, batch: &mut dyn RowBatch, model: &ModelDef) {
        // A row by itself needs to know only what its query said.
        if batch.len() < 2 && self.strict.is_none() {
            return;
        }
        while self.done < batch.len() {
            let end = batch.len().min(self.done + MOST);
            self.rows(batch, model, end);
        }
    }

    fn rows(&mut self, batch: &mut dyn RowBatch, model: &ModelDef, end: usize) {
        if !model.relations.is_empty() {
            let columns = self.columns.get_or_insert_with(|| sources(&self.db, model));
            join_rows(&self.db, batch, columns, self.done..end, self.strict);
        }
        self.done = end;
    }
}

/// Makes the rows of a tree known to each other.
pub(super) fn join(db: &Db, tree: &mut LoadedTree, strict: Option<bool>) {
    tree.join_rest(&Joins::new(db, strict));
}

/// Makes the rows of one model known to each other.
pub(super) fn join_batch(db: &Db, batch: &mut dyn RowBatch, model: &ModelDef, strict: Option<bool>) {
    Joins::new(db, strict).rest(batch, model);
}

fn join_rows(db: &Db, batch: &mut dyn RowBatch, columns: &[usize], rows: std::ops::Range<usize>, strict: Option<bool>) {
    let values = |column: &usize| (*column, Cells::of(&*batch, rows.clone(), *column));
    let group: Arc<dyn Any + Send + Sync> = Arc::new(Siblings {
        columns: columns.iter().map(values).collect(),
        count: rows.len(),
        strict,
        place: db.place.clone(),
        loads: Mutex::default(),
        single: Mutex::default(),
    });
    batch.join(rows, &group);
}

/// The columns that the relations of a model start from.
fn sources(db: &Db, model: &ModelDef) -> Vec<usize> {
    let models = db.models();
    // A relation whose model is not known is an error once it is loaded.
    let links = model.relations.iter().filter_map(|relation| relation.link(model, &models).ok());
    let mut columns: Vec<usize> = links.flat_map(|link| link.source).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The siblings of a row, and its number among them.
pub(super) fn siblings(row: &dyn Instance) -> Option<(Arc<Siblings>, usize)> {
    let (siblings, index) = row.relation_cell(0)?.sibling()?;
    let group = siblings.group.clone().downcast::<Siblings>().ok()?;
    Some((group, usize::try_from(index).ok()?))
}

impl Siblings {
    /// What a relation field of one row takes, loaded for all siblings; `None` when the row has to be loaded by itself.
    pub(super) async fn load(
        &self,
        db: &Db,
        (row, index): (&dyn Instance, usize),
        wanted: Wanted<'_>,
        loader: Box<dyn Loader>,
        run: Run,
    ) -> Result<Option<Filling>> {
        let changed = |(column, cells): &(usize, Cells)| cells.get(index) != Some(value_of(row, *column));
        if !db.inner.settings.auto_batch || self.count < 2 || !Arc::ptr_eq(&db.place, &self.place) || self.columns.iter().any(changed) {
            return Ok(None);
        }
        let transaction = db.session(run.site)?.map(|handle| handle.id());
        let load = self.entry(db, &wanted, transaction);
        if load.writes != db.writes() {
            return Ok(None);
        }
        let rows = load.rows.get_or_try_init(|| self.load_all(db, wanted, loader, run)).await?;
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        // A copy of the row finds that it was taken already.
        Ok(rows.get_mut(index).and_then(Option::take))
    }

    fn entry(&self, db: &Db, wanted: &Wanted<'_>, transaction: Option<TxId>) -> Arc<Load> {
        let include = format!("{:?}", wanted.include);
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |load: &&Arc<Load>| load.relation == wanted.relation && load.transaction == transaction && load.include == include;
        if let Some(load) = loads.iter().find(same) {
            return load.clone();
        }
        let load = Arc::new(Load { relation: wanted.relation, include, transaction, writes: db.writes(), rows: OnceCell::new() });
        loads.push(load.clone());
        load
    }

    async fn load_all(&self, db: &Db, wanted: Wanted<'_>, loader: Box<dyn Loader>, run: Run) -> Result<Mutex<Vec<Option<Filling>>>> {
        let value = |row: usize, column: usize| {
            let cells = self.columns.iter().find(|(known, _)| *known == column).map(|(_, cells)| cells);
            cells.and_then(|cells| cells.get(row)).unwrap_or(Value::Null)
        };
        let rows = load_detached(db, wanted, (self.count, &value), loader, run).await?;
        Ok(Mutex::new(rows.into_iter().map(Some).collect()))
    }

    /// Warns, once for each place of the program, when a second row is loaded by itself.
    pub(super) fn notice(&self, model: &ModelDef, relation: usize, name: &str, site: &'static Location<'static>) {
        static WARNED: Mutex<Vec<&'static Location<'static>>> = Mutex::new(Vec::new());
        let first = self.single.lock().unwrap_or_else(PoisonError::into_inner).insert(relation);
        let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
        if first || self.count < 2 || warned.contains(&site) {
            return;
        }
        warned.push(site);
        tracing::warn!(target: "sequor::n_plus_one", model = %model.name, relation = name, %site, "{}.{name} is loaded row by row at {site}: include it in the query, or load it for the slice", model.name);
    }
}

/// A lazy load where lazy loads are errors.
#[cold]
pub(super) fn strict_error(model: &ModelDef, include: &IncludeState, site: &'static Location<'static>) -> Error {
    Error::usage(format!(
        "strict loading: {}.{} is loaded lazily at {site}; add .include({}::{}) to the query",
        model.name,
        include.relation,
        model.name,
        include.relation.to_uppercase()
    ))
}
