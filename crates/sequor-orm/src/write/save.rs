//! Saving what changed of a stored row.

mod increment;
mod many;
pub(super) mod moves;
mod stored;

pub(crate) use increment::{increment, increment_where};
pub(crate) use many::{save_many, save_matched};
pub(crate) use stored::{loaded_condition, outdated, update_row};

use super::fill::{run_setters, touch};
use super::insert::{bound, writable};
use super::{Recheck, RowState, WriteOptions};
use crate::db::Db;
use crate::hook::{self, HookKind};
use crate::validate;
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr};

impl RowState {
    /// The positions whose values differ from what is stored.
    pub(crate) fn changed(&self) -> Vec<usize> {
        (0..self.values.len()).filter(|position| self.changes(*position)).collect()
    }

    /// Whether a value differs from what is stored.
    pub(crate) fn changes(&self, position: usize) -> bool {
        let value = &self.values[position];
        let differs = match &self.original {
            None => value.is_some(),
            Some(_) if self.unread.contains(&position) => value.is_some(),
            Some(original) => value.as_ref().zip(original.get(position)).is_some_and(|(new, old)| !same_value(new, old)),
        };
        differs || self.computes(position)
    }

    /// The primary key as it is stored.
    pub(crate) fn stored_key(&self) -> Result<Vec<Value>> {
        let original = self.check_key()?;
        Ok(self.model.primary_key.iter().map(|position| original[*position].clone()).collect())
    }

    /// An error where there is no stored key; gives what is stored.
    fn check_key(&self) -> Result<&[Value]> {
        let Some(original) = &self.original else {
            return Err(Error::usage(format!("this {} is not stored yet: create it first", self.model.name)));
        };
        let key = &self.model.primary_key;
        if key.is_empty() || key.iter().any(|position| original[*position].is_null()) {
            return Err(Error::usage(
                "You attempted to save an instance with no primary key, this is not allowed since it would result in a global update",
            ));
        }
        Ok(original)
    }
}

/// Whether two values are the same to a database: instants by instant, numbers by value.
pub(crate) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Decimal(a), Value::I64(b)) | (Value::I64(b), Value::Decimal(a)) => *a == rust_decimal::Decimal::from(*b),
        (Value::F64(a), Value::F64(b)) if a.is_nan() && b.is_nan() => true,
        (a, b) => a == b,
    }
}

pub(crate) fn key_condition(model: &ModelDef, key: &[Value]) -> Expr {
    let parts = model
        .primary_key
        .iter()
        .zip(key)
        .map(|(position, value)| column(model, *position).binary(BinaryOp::Equal, bound(model, *position, value)));
    Expr::And(parts.collect())
}

pub(crate) fn column(model: &ModelDef, position: usize) -> Expr {
    Expr::Column { table: None, name: model.columns[position].column.clone() }
}

/// Saves a row: a new one is created, a stored one updated where it changed.
pub(crate) async fn save(db: &Db, state: RowState, options: &WriteOptions) -> Result<RowState> {
    let mut row = save_forgetful(db, state, options).await?;
    if row.original.is_none() {
        super::create::remember(&mut row);
    }
    Ok(row)
}

/// [`save`] for those who make an instance of the row at once: where nothing is left to save, it does not remember what is stored.
pub(crate) fn save_forgetful<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        if state.original.is_none() {
            return super::create(db, state, options).await;
        }
        ready(&mut state)?;
        if hook::needs_transaction(db, &state.model, options) {
            let options = options.clone();
            // Apart, so that the commonest saves carry none of it.
            return Box::pin(db.in_transaction(async move |tx| save_stored(tx, state, &options).await)).await;
        }
        save_stored(db, state, options).await
    })
}

/// What is checked, and what setters change, before a stored row is saved.
fn ready(state: &mut RowState) -> Result<()> {
    writable(&state.model)?;
    state.check_key()?;
    if state.model.columns.iter().all(|column| column.set_with.is_none()) {
        return Ok(());
    }
    let changed = state.changed();
    set_changed(state, &changed)
}

/// Setters run on changed values only.
fn set_changed(state: &mut RowState, changed: &[usize]) -> Result<()> {
    let kept: Vec<(usize, Option<Value>)> = (0..state.values.len())
        .filter(|position| !changed.contains(position))
        .map(|position| (position, state.values[position].take()))
        .collect();
    run_setters(state)?;
    for (position, value) in kept {
        state.values[position] = value;
    }
    Ok(())
}

/// A stored row whose hooks before the statement have run.
pub(crate) struct Prepared {
    /// The row as it shall be; after the statement, as it is.
    state: RowState,
    /// The row before the engine's own stamps, where a row that it belongs to counts it.
    before: Option<RowState>,
    /// What was stored before, where somebody is told of changes: hooks behind the statement may change what the row remembers.
    stored: Option<Vec<Value>>,
    /// What the statement writes; nothing if nothing changed.
    changed: Vec<usize>,
    /// What was changed and is not written.
    pending: Vec<(usize, Option<Value>)>,
    /// The row behind its statement, where somebody is told of changes: hooks may set values that are not stored.
    told: Option<RowState>,
}

impl Prepared {
    /// The row as it is stored, for who is told of it.
    fn as_stored(&self) -> RowState {
        let mut row = self.state.as_it_is();
        // What came back of the row is what is stored; the rest is as it was.
        for (position, pending) in &self.pending {
            if row.values[*position] != *pending {
                continue;
            }
            row.values[*position] = self.state.original.as_ref().and_then(|stored| stored.get(*position)).cloned();
        }
        row
    }

    /// Keeps apart what hooks behind the statement set of what it did not write; `before` is the row as they found it.
    fn set_behind(&mut self, before: Vec<Option<Value>>) {
        for (position, found) in before.into_iter().enumerate() {
            let set = &self.state.values[position];
            if *set == found || self.changed.contains(&position) {
                continue;
            }
            let set = set.clone();
            match self.pending.iter_mut().find(|(known, _)| *known == position) {
                Some((_, value)) => *value = set,
                None => {
                    self.pending.push((position, set));
                    if let (Some(original), Some(found)) = (&mut self.state.original, found) {
                        original[position] = found;
                    }
                }
            }
        }
    }

    /// The row as the program gets it: what was changed and not written stays changed.
    fn into_saved(self) -> RowState {
        let Prepared { mut state, pending, changed, .. } = self;
        state.unread.retain(|position| !changed.contains(position));
        let loaded = state.original.take();
        if pending.is_empty() {
            return state;
        }
        let mut original: Vec<Value> = state.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
        for (position, value) in pending {
            if let Some(loaded) = loaded.as_ref().and_then(|loaded| loaded.get(position)) {
                original[position] = loaded.clone();
            }
            state.values[position] = value;
        }
        state.original = Some(original);
        state
    }
}

/// For a row that comes from outside: checks, setters, validation, hooks.
async fn prepare(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<Prepared> {
    ready(&mut state)?;
    prepare_stored(db, state, options).await
}

async fn save_stored(db: &Db, state: RowState, options: &WriteOptions) -> Result<RowState> {
    let mut row = prepare_stored(db, state, options).await?;
    if row.changed.is_empty() {
        return Ok(row.state);
    }
    if moves::is_heard(db, &row.state.model, &row.changed) {
        return Box::pin(db.in_transaction(async move |tx| save_moving(tx, row, options).await)).await;
    }
    write_prepared(db, &mut row, options).await?;
    Ok(row.into_saved())
}

async fn write_prepared(db: &Db, row: &mut Prepared, options: &WriteOptions) -> Result<()> {
    if let Some(before) = &row.before {
        super::parents::reserve(db, &[before.clone(), row.state.clone()], options).await?;
    }
    update_row(db, &mut row.state, &row.changed, options).await?;
    finish(db, row, options).await
}

/// Saves a row whose key is that of others, which the database changes with it.
async fn save_moving(db: &Db, mut row: Prepared, options: &WriteOptions) -> Result<RowState> {
    let stored = row.state.original.clone().unwrap_or_default();
    let before = [RowState::stored(row.state.model.clone(), stored)];
    let moved = moves::capture(db, &before, &row.changed, options).await?;
    write_prepared(db, &mut row, options).await?;
    let saved = row.into_saved();
    moves::tell(db, moved, &[Some(&saved)], options).await?;
    Ok(saved)
}

async fn prepare_stored(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<Prepared> {
    validate::run(db, &mut state, options, &[]).await?;
    if !hook::any_before_update(db, &state.model, options) {
        return settle(db, state, None, options);
    }
    let given = state.values.clone();
    hook::fire_saving(db, &mut [&mut state], [HookKind::BeforeUpdate, HookKind::BeforeSave], None, options).await?;
    // Apart, so that saves of typed models carry none of it.
    if options.recheck == Recheck::Hooks {
        Box::pin(validate::again(db, &mut state, &given, options)).await?;
    }
    settle(db, state, Some(&given), options)
}

/// What a row writes, once its hooks have run; `given` is what they found, where there were any.
fn settle(db: &Db, mut state: RowState, given: Option<&[Option<Value>]>, options: &WriteOptions) -> Result<Prepared> {
    if let Some(given) = given {
        validate::recheck(&state, given, options)?;
    }
    let model = state.model.clone();
    let (mut changed, mut left) = (state.changed(), Vec::new());
    let by_hook = |position: usize| options.hooks_may_add && given.is_some_and(|given| given[position] != state.values[position]);
    changed.retain(|position| {
        let writes = (options.writes(&model.columns[*position].name) || by_hook(*position))
            && Some(*position) != model.version
            && model.columns[*position].generated.is_none();
        if !writes {
            left.push(*position);
        }
        writes
    });
    if changed.is_empty() {
        return Ok(Prepared { state, before: None, stored: None, changed, pending: Vec::new(), told: None });
    }
    let before = super::parents::has_followers(&model).then(|| state.clone());
    let stored = if hook::captures(db, &model) { state.original.clone() } else { None };
    touch(&mut state, db, options)?;
    for position in [model.timestamps.updated, model.userstamps.1].into_iter().flatten() {
        if !changed.contains(&position) && state.changes(position) {
            changed.push(position);
        }
    }
    let pending = left
        .into_iter()
        .filter(|position| !changed.contains(position) && Some(*position) != model.version)
        .map(|position| (position, state.values[position].clone()))
        .collect();
    Ok(Prepared { state, before, stored, changed, pending, told: None })
}

/// What follows the statement that wrote a row: the hooks behind it, and those who are told of it.
async fn finish(db: &Db, row: &mut Prepared, options: &WriteOptions) -> Result<()> {
    fire_after(db, &mut [row], options).await?;
    tell(db, row, options).await
}

/// The hooks behind the statement. What they set beside what it wrote is a change that is not stored, as in Sequelize.
async fn fire_after(db: &Db, rows: &mut [&mut Prepared], options: &WriteOptions) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.state.model.clone()) else { return Ok(()) };
    for row in rows.iter_mut().filter(|row| row.stored.is_some()) {
        row.told = Some(row.as_stored());
    }
    if !hook::any_after_update(db, &model, options) {
        return Ok(());
    }
    let before: Vec<Vec<Option<Value>>> = rows.iter().map(|row| row.state.values.clone()).collect();
    let mut states: Vec<&mut RowState> = rows.iter_mut().map(|row| &mut row.state).collect();
    hook::fire_saving(db, &mut states, [HookKind::AfterUpdate, HookKind::AfterSave], None, options).await?;
    for (row, before) in rows.iter_mut().zip(before) {
        row.set_behind(before);
    }
    Ok(())
}

/// Tells the listeners of a row that was written.
async fn tell(db: &Db, row: &mut Prepared, options: &WriteOptions) -> Result<()> {
    let (Some(stored), Some(told)) = (row.stored.take(), &row.told) else { return Ok(()) };
    let old = RowState::stored(row.state.model.clone(), stored);
    Box::pin(hook::changed(db, hook::Operation::Update, Some(&old), Some(told), options)).await
}
