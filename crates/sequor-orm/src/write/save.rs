//! Saving what changed of a stored row, and atomic steps of a number.

mod many;
pub(super) mod moves;

pub(crate) use many::{save_many, save_matched};

use super::fill::{run_setters, touch};
use super::insert::{ValuesSink, bound, by_key, is_exact, writable};
use super::{Recheck, RowState, WriteOptions, named};
use crate::db::Db;
use crate::hook::{self, HookKind};
use crate::load::{run_one, step, unsink};
use crate::plan::update_key;
use crate::validate;
use sequor_core::driver::{BoxFuture, Discard, Param, Params, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr, Statement, Update};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};
use sequor_sql::Sql;
use std::sync::Arc;

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
            return db.in_transaction(async move |tx| save_stored(tx, state, &options).await).await;
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
}

/// For a row that comes from outside: checks, setters, validation, hooks.
async fn prepare(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<Prepared> {
    ready(&mut state)?;
    prepare_stored(db, state, options).await
}

async fn save_stored(db: &Db, state: RowState, options: &WriteOptions) -> Result<RowState> {
    let row = prepare_stored(db, state, options).await?;
    if row.changed.is_empty() {
        return finish(db, row, options).await;
    }
    if moves::is_heard(db, &row.state.model, &row.changed) {
        return db.in_transaction(async move |tx| save_moving(tx, row, options).await).await;
    }
    write_prepared(db, row, options).await
}

async fn write_prepared(db: &Db, mut row: Prepared, options: &WriteOptions) -> Result<RowState> {
    if let Some(before) = &row.before {
        super::parents::reserve(db, &[before.clone(), row.state.clone()], options).await?;
    }
    update_row(db, &mut row.state, &row.changed, options).await?;
    finish(db, row, options).await
}

/// Saves a row whose key is that of others, which the database changes with it.
async fn save_moving(db: &Db, row: Prepared, options: &WriteOptions) -> Result<RowState> {
    let stored = row.state.original.clone().unwrap_or_default();
    let before = [RowState::stored(row.state.model.clone(), stored)];
    let moved = moves::capture(db, &before, &row.changed, options).await?;
    let saved = write_prepared(db, row, options).await?;
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

/// The hooks after the statement, and the row as the program gets it.
async fn finish(db: &Db, row: Prepared, options: &WriteOptions) -> Result<RowState> {
    if row.changed.is_empty() {
        return Ok(row.state);
    }
    after_write(db, row, options).await
}

/// What follows a statement that wrote the row.
async fn after_write(db: &Db, row: Prepared, options: &WriteOptions) -> Result<RowState> {
    let mut row = row;
    fire_after(db, &mut [&mut row], options).await?;
    written(db, row, options).await
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

/// Tells the listeners of a row that was written, and gives it as it is stored.
async fn written(db: &Db, row: Prepared, options: &WriteOptions) -> Result<RowState> {
    let Prepared { mut state, stored, pending, changed, told, .. } = row;
    if let (Some(values), Some(told)) = (stored.filter(|_| !changed.is_empty()), told) {
        let old = RowState::stored(state.model.clone(), values);
        hook::changed(db, hook::Operation::Update, Some(&old), Some(&told), options).await?;
    }
    state.unread.retain(|position| !changed.contains(position));
    let loaded = state.original.take();
    if pending.is_empty() {
        return Ok(state);
    }
    let mut original: Vec<Value> = state.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
    // What was changed and not written stays changed.
    for (position, value) in pending {
        if let Some(loaded) = loaded.as_ref().and_then(|loaded| loaded.get(position)) {
            original[position] = loaded.clone();
        }
        state.values[position] = value;
    }
    state.original = Some(original);
    Ok(state)
}

/// Writes some columns of one stored row; checks and raises its version.
pub(crate) async fn update_row(db: &Db, state: &mut RowState, changed: &[usize], options: &WriteOptions) -> Result<()> {
    let model = state.model.clone();
    let key = state.stored_key()?;
    let version = expected_version(state);
    let back = comes_back(db, &model, changed, std::iter::once(&*state));
    let (text, params) = statement(db, state, (changed, &back), (&key, version), options)?;
    if let Some((position, version)) = version {
        state.values[position] = Some(Value::I64(version + 1));
    }
    let step = |sink| Step { text, params: Params::Fixed(params), sink, cache: true };
    let run = options.run("update", &model.name);
    let (affected, row) = if back.is_empty() {
        let done = run_one(db, step(Box::new(Discard)), run).await.map_err(|error| named(error, &model))?;
        (usize::try_from(done.affected).unwrap_or(usize::MAX), None)
    } else {
        let done = run_one(db, step(Box::new(ValuesSink::of(&model, &back))), run).await.map_err(|error| named(error, &model))?;
        let rows = unsink::<ValuesSink>(done)?.into_rows();
        (rows.len(), rows.into_iter().next())
    };
    if affected == 0 && (version.is_some() || !options.may_be_gone) {
        return Err(lost(db, &model, key, version, options).await);
    }
    // Where nothing came back, those who are told of the row are told what others stored too since it was loaded.
    let whole = row.is_none() && hook::captures(db, &model);
    if let Some(row) = row {
        take(state, &back, row);
    } else if (whole || model.columns.iter().any(|column| column.generated.is_some()))
        && let Some(row) = by_key(db, &model, state.present_key(), options).await?
    {
        // What the database computes from the new values is known to it alone.
        let computed = std::mem::take(&mut state.computed);
        for (position, value) in row.values.into_iter().enumerate() {
            if whole || model.columns[position].generated.is_some() || computed.iter().any(|(known, _)| *known == position) {
                state.values[position] = value;
            }
        }
    } else {
        // What the database computed is known to it alone.
        for (position, _) in std::mem::take(&mut state.computed) {
            state.values[position] = None;
        }
    }
    Ok(())
}

/// What came back of a row.
fn take(state: &mut RowState, back: &[usize], row: Vec<Value>) {
    state.computed.clear();
    for (position, value) in back.iter().zip(row) {
        state.values[*position] = Some(value);
    }
}

/// The columns that an update gives back, where the database can: what it computes itself, and values that it may spell otherwise. All of them where changes
/// are listened to, who are told what triggers made of the row.
fn comes_back<'a>(db: &Db, model: &ModelDef, changed: &[usize], rows: impl Iterator<Item = &'a RowState> + Clone) -> Vec<usize> {
    if !db.dialect().update_returning() {
        return Vec::new();
    }
    if hook::captures(db, model) {
        return (0..model.columns.len()).collect();
    }
    let is_known = |row: &RowState, position: usize| {
        !row.computes(position) && row.values[position].as_ref().is_none_or(|value| is_exact(&model.columns[position].ty, value))
    };
    let open = |position: &usize| {
        model.columns[*position].generated.is_some() || changed.contains(position) && !rows.clone().all(|row| is_known(row, *position))
    };
    (0..model.columns.len()).filter(|position| open(position)).collect()
}

/// The statement that writes some columns of a stored row and gives some back, and its values: its text is written once for each set of columns, where all of
/// them are values.
fn statement(
    db: &Db,
    state: &RowState,
    (changed, back): (&[usize], &[usize]),
    (key, version): (&[Value], Option<(usize, i64)>),
    options: &WriteOptions,
) -> Result<(Arc<str>, Vec<Param>)> {
    let model = &state.model;
    let render = || -> Result<Sql> {
        let mut set: Vec<(Name, Expr)> = Vec::with_capacity(changed.len() + 1);
        for position in changed {
            let mut value = super::insert::given(state, *position);
            if state.computes(*position) {
                value = crate::plan::write_expr(value, &crate::query::QueryState::new(model.clone()), &db.models())?;
            }
            set.push((model.columns[*position].column.clone(), value));
        }
        let mut filter = key_condition(model, key);
        if let Some((position, version)) = version {
            filter = filter.and(still_has(model, position, version));
            set.push((model.columns[position].column.clone(), bound(model, position, &Value::I64(version + 1))));
        }
        let update = Update {
            table: model.table.clone(),
            set,
            filter: Some(filter),
            order_by: Vec::new(),
            limit: None,
            key: Vec::new(),
            returning: super::insert::returning(model, back),
            before: Vec::new(),
            tags: options.tags.clone(),
        };
        db.render(&Statement::Update(Box::new(update)))
    };
    let plain = options.tags.is_empty() && !changed.iter().any(|position| state.computes(*position));
    let shape = if plain { update_key(model, db.place.schema.as_deref(), (changed, back), key, version.is_some()) } else { None };
    let Some(shape) = shape else {
        let sql = render()?;
        return Ok((sql.text.into(), sql.params));
    };
    let text = db.inner.statements.write(shape, model, || Ok(render()?.text))?;
    Ok((text, values(state, changed, key, version)))
}

/// The parameters of that statement.
fn values(state: &RowState, changed: &[usize], key: &[Value], version: Option<(usize, i64)>) -> Vec<Param> {
    let model = &state.model;
    let param = |position: usize, value: Value| super::insert::param(model, position, value);
    let mut params = Vec::with_capacity(changed.len() + key.len() + 2);
    params.extend(changed.iter().map(|position| param(*position, state.values[*position].clone().unwrap_or_default())));
    params.extend(version.map(|(position, version)| param(position, Value::I64(version + 1))));
    params.extend(model.primary_key.iter().zip(key).map(|(position, value)| param(*position, value.clone())));
    params.extend(version.map(|(position, version)| param(position, Value::I64(version))));
    params
}

fn still_has(model: &Arc<ModelDef>, position: usize, version: i64) -> Expr {
    column(model, position).binary(BinaryOp::Equal, bound(model, position, &Value::I64(version)))
}

/// The condition that a row is the one that was loaded: its key, and its version if it has one.
pub(crate) fn loaded_condition(state: &RowState) -> Result<Expr> {
    let condition = key_condition(&state.model, &state.stored_key()?);
    Ok(match expected_version(state) {
        Some((position, version)) => condition.and(still_has(&state.model, position, version)),
        None => condition,
    })
}

/// No row was deleted: an error where somebody else changed it; one that is gone is what was wanted.
pub(crate) async fn outdated(db: &Db, state: &RowState, options: &WriteOptions) -> Result<()> {
    let Some(version) = expected_version(state) else { return Ok(()) };
    match lost(db, &state.model, state.stored_key()?, Some(version), options).await {
        Error::OptimisticLock { versions, .. } if versions.1.is_none() => Ok(()),
        error => Err(error),
    }
}

/// The version that the row must still have: its position and value.
fn expected_version(state: &RowState) -> Option<(usize, i64)> {
    let position = state.model.version?;
    match state.original.as_ref()?.get(position) {
        Some(Value::I64(version)) => Some((position, *version)),
        _ => None,
    }
}

/// No row was updated: it is gone, or somebody else changed it.
async fn lost(db: &Db, model: &Arc<ModelDef>, key: Vec<Value>, version: Option<(usize, i64)>, options: &WriteOptions) -> Error {
    let Some((position, expected)) = version else { return Error::not_found(model.name.to_string()) };
    let found = match by_key(db, model, key, options).await {
        Ok(Some(row)) => match row.values.get(position) {
            Some(Some(Value::I64(version))) => Some(*version),
            _ => None,
        },
        Ok(None) => None,
        Err(error) => return error,
    };
    Error::OptimisticLock { model: model.name.to_string(), versions: Box::new((expected, found)) }
}

/// Adds to numbers of one row in one statement; gives the row as stored.
/// Hooks do not run, as in Sequelize; listeners of changes are told.
pub(crate) async fn increment(db: &Db, state: &RowState, steps: Vec<(usize, Value)>, options: &WriteOptions) -> Result<RowState> {
    increment_where(db, state, steps, None, options).await
}

/// As [`increment`], where the row meets a condition; one that does not stays as it is.
pub(crate) async fn increment_where(
    db: &Db,
    state: &RowState,
    steps: Vec<(usize, Value)>,
    condition: Option<Expr>,
    options: &WriteOptions,
) -> Result<RowState> {
    if !hook::captures(db, &state.model) {
        return step_up(db, state, steps, condition, options).await;
    }
    db.in_transaction(async move |tx| {
        let before = by_key(tx, &state.model, state.stored_key()?, options).await?;
        if before.is_none() && options.may_be_gone {
            return Ok(state.clone());
        }
        let after = step_up(tx, state, steps, condition, options).await?;
        hook::changed_among_many(tx, hook::Operation::Update, before.as_ref(), Some(&after), options).await?;
        Ok(after)
    })
    .await
}

async fn step_up(
    db: &Db,
    state: &RowState,
    steps: Vec<(usize, Value)>,
    condition: Option<Expr>,
    options: &WriteOptions,
) -> Result<RowState> {
    let model = state.model.clone();
    let key = state.stored_key()?;
    let conditional = condition.is_some() || options.may_be_gone;
    let unmet = || if conditional { Ok(state.clone()) } else { Err(Error::not_found(model.name.to_string())) };
    let by_its_key = key_condition(&model, &key);
    let filter = match condition {
        Some(condition) => Expr::And(vec![by_its_key, condition]),
        None => by_its_key,
    };
    let set = increments(&model, steps, db, options)?;
    let update = Update {
        table: model.table.clone(),
        set,
        filter: Some(filter),
        order_by: Vec::new(),
        limit: None,
        key: Vec::new(),
        returning: super::insert::whole(&model),
        before: Vec::new(),
        tags: Vec::new(),
    };
    let sql = db.render(&Statement::Update(Box::new(update)))?;
    let run = options.run("increment", &model.name);
    if db.dialect().update_returning() {
        let done =
            run_one(db, step(sql, Box::new(super::insert::ValuesSink::new(&model))), run).await.map_err(|error| named(error, &model))?;
        return match unsink::<super::insert::ValuesSink>(done)?.into_rows().pop() {
            Some(row) => Ok(RowState::stored(model, row)),
            None => unmet(),
        };
    }
    let done = run_one(db, step(sql, Box::new(Discard)), run).await.map_err(|error| named(error, &model))?;
    if done.affected == 0 {
        return unmet();
    }
    by_key(db, &model, key, options).await?.map_or_else(unmet, Ok)
}

/// `x = x + n`, with `updated_at`, `updated_by` and the version.
pub(crate) fn increments(model: &ModelDef, steps: Vec<(usize, Value)>, db: &Db, options: &WriteOptions) -> Result<Vec<(Name, Expr)>> {
    let raised = |position: usize, by: &Value| {
        let mut sum = column(model, position).binary(BinaryOp::Add, bound(model, position, by));
        if matches!(model.columns[position].ty, ColumnType::Decimal(_)) {
            crate::plan::mark_exact(&mut sum);
        }
        (model.columns[position].column.clone(), sum)
    };
    let mut set: Vec<(Name, Expr)> = steps.iter().map(|(position, by)| raised(*position, by)).collect();
    if let (Some(position), false) = (model.timestamps.updated, options.silent) {
        let now = super::fill::now_for(&model.columns[position], db);
        set.push((model.columns[position].column.clone(), bound(model, position, &now)));
    }
    if let Some((position, actor)) = super::fill::updater(db, model, options)? {
        set.push((model.columns[position].column.clone(), bound(model, position, &actor)));
    }
    if let Some(position) = model.version {
        set.push(raised(position, &Value::I64(1)));
    }
    Ok(set)
}
