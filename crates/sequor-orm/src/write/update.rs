//! Changing many rows by a filter.

mod capture;

use super::fill::{now_for, set_value, updater};
use super::insert::{ValuesSink, bound, held, is_exact, whole, writable};
use super::save::moves;
use super::{RowState, WriteOptions, named};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{KeyHash, find_rows, find_rows_hooked, find_values, run_one, unsink};
use crate::plan;
use crate::query::QueryState;
use crate::validate;
use sequor_core::driver::{Discard, Param, Params, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr, Lock, LockMode, LockWait, SelectItem, Statement, Update};
use sequor_core::{Name, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// What an update of many rows may say.
#[derive(Clone, Debug)]
pub(crate) struct UpdateOptions {
    pub(crate) write: WriteOptions,
    /// Every row is meant.
    pub(crate) every_row: bool,
    /// The rows come back.
    pub(crate) returning: bool,
    /// Row hooks run for each row.
    pub(crate) individual_hooks: bool,
}

/// How many rows matched, and the rows where they were asked for.
pub(crate) type Updated = (u64, Vec<RowState>);

pub(crate) fn needs_filter(query: &QueryState, every_row: bool, operation: &str) -> Result<()> {
    without_offset(query, operation)?;
    if query.clauses.filters.is_empty() && query.clauses.limit.is_none() && !every_row {
        return Err(Error::MissingFilter { model: query.model.name.to_string(), operation: operation.to_owned() });
    }
    Ok(())
}

/// No database knows an offset in an UPDATE or DELETE.
pub(crate) fn without_offset(query: &QueryState, operation: &str) -> Result<()> {
    if query.clauses.offset.is_none() {
        return Ok(());
    }
    let name = &query.model.name;
    Err(Error::usage(format!(
        "{operation} of {name} takes no offset, which a scope brings along: find the keys of those rows first, and filter by them"
    )))
}

/// Sets fields of all rows that match. `set` names positions; expressions are logical.
pub(crate) async fn update_all(db: &Db, query: QueryState, set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    writable(&query.model)?;
    needs_filter(&query, options.every_row, "update_all")?;
    if hook::needs_transaction(db, &query.model, &options.write) {
        // Apart, here and below, so that plain updates carry none of it.
        return Box::pin(db.in_transaction(async |tx| update_matching(tx, query.clone(), set.clone(), options).await)).await;
    }
    update_matching(db, query, set, options).await
}

async fn update_matching(db: &Db, mut query: QueryState, mut set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    let model = query.model.clone();
    let write = &options.write;
    set.retain(|(position, _)| write.writes(&model.columns[*position].name));
    validate_set(db, &query, &mut set, write).await?;
    let mut bulk = hook::BulkChange { query, set };
    hook::fire(db, &model, HookKind::BeforeBulkUpdate, HookSubject::Bulk(&mut bulk), write).await?;
    query = plan::of_write(bulk.query, &db.models());
    set = bulk.set;
    if set.is_empty() {
        let mut bulk = hook::BulkChange { query, set };
        hook::fire(db, &model, HookKind::AfterBulkUpdate, HookSubject::Bulk(&mut bulk), write).await?;
        return Ok((0, Vec::new()));
    }
    if options.individual_hooks {
        return Box::pin(individually(db, query, set, options)).await;
    }
    let positions: Vec<usize> = set.iter().map(|(position, _)| *position).collect();
    let capture = hook::captures(db, &model) || moves::is_heard(db, &model, &positions);
    let needs_rows = capture || (options.returning && !db.dialect().update_returning());
    let result = if needs_rows {
        Box::pin(db.in_transaction(async |tx| captured(tx, query.clone(), set.clone(), options).await)).await?
    } else {
        run_update(db, &query, completed(db, &model, set.clone(), write)?, write, options.returning).await?
    };
    let mut bulk = hook::BulkChange { query, set };
    hook::fire(db, &model, HookKind::AfterBulkUpdate, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(result)
}

/// The rules hold for the values that are set.
async fn validate_set(db: &Db, query: &QueryState, set: &mut [(usize, Expr)], options: &WriteOptions) -> Result<()> {
    let mut state = RowState::new(query.model.clone());
    for (position, value) in set.iter_mut() {
        if let Expr::Value(value, _) = value {
            let column = &query.model.columns[*position];
            if let Some(setter) = column.set_with {
                *value = set_value(&query.model, column, setter, std::mem::take(value))?;
            }
            state.values[*position] = Some(value.clone());
        }
    }
    validate::run_given(db, &mut state, options).await?;
    for (position, value) in set.iter_mut() {
        if let (Expr::Value(value, _), Some(Some(checked))) = (value, state.values.get(*position)) {
            *value = checked.clone();
        }
    }
    Ok(())
}

/// Locks and reads the rows first, updates them by key, and tells the listeners which they were.
async fn captured(db: &Db, query: QueryState, set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    let write = &options.write;
    let positions: Vec<usize> = set.iter().map(|(position, _)| *position).collect();
    if capture::is_enough(db, &query, &positions, options) {
        return capture::update(db, &query, set, options).await;
    }
    let before = find_rows(db, locking(&query, write.keeps_version), write.site).await?;
    if before.is_empty() {
        return Ok((0, Vec::new()));
    }
    let moved = moves::capture(db, &before, &positions, write).await?;
    let keys = keys_afterwards(db, &query, &before, &set, write).await?;
    let set = completed(db, &query.model, set, write)?;
    // Where the statement itself gives its rows back, they are what is stored, whatever triggers made of them.
    let foreseen = if db.dialect().update_returning() { None } else { foreseen(&before, &set) };
    let (count, mut rows) = run_update(db, &same_rows(db, &query, &before)?, set, write, foreseen.is_none()).await?;
    if let Some(foreseen) = foreseen {
        rows = foreseen;
    } else if rows.is_empty() && count > 0 {
        rows = find_rows(db, with_keys(&query, keys.clone())?, write.site).await?;
    }
    if !moved.is_empty() || hook::captures(db, &query.model) {
        let mut by_key = HashMap::with_capacity(rows.len());
        for row in &rows {
            by_key.insert(KeyHash::new(&row.stored_key()?), row);
        }
        let after: Vec<Option<&RowState>> = keys.iter().map(|key| by_key.get(&KeyHash::new(key)).copied()).collect();
        let pairs: Vec<_> = before.iter().map(Some).zip(after.iter().copied()).collect();
        hook::tell_all(db, hook::Operation::Update, &pairs, write).await?;
        hook::followed(db, pairs, write).await?;
        moves::tell(db, moved, &after, write).await?;
    }
    Ok((count, if options.returning { rows } else { Vec::new() }))
}

/// The same query, which locks its rows. A counter of children raises the lock that their foreign keys hold, which the stronger one would wait for; `weak`
/// locks as an update does that leaves keys alone.
fn locking(query: &QueryState, weak: bool) -> QueryState {
    let mut locked = query.clone();
    let mode = if weak { LockMode::NoKeyUpdate } else { LockMode::Update };
    locked.clauses.lock = Some(Lock { mode, of: Vec::new(), wait: LockWait::Block });
    locked
}

/// The rows that were read and locked. Where the transaction keeps all others from writing, the condition still finds just them; elsewhere others may
/// have added rows that match meanwhile.
fn same_rows(db: &Db, query: &QueryState, rows: &[RowState]) -> Result<QueryState> {
    let mut again = query.clone();
    let limited = query.clauses.limit.is_some() || query.clauses.offset.is_some();
    if !db.dialect().row_locks() && !limited && plan::repeatable(&mut again) {
        return Ok(query.clone());
    }
    keyed(query, rows)
}

/// The rows as an update will leave them, where it sets nothing but values that come back as they are sent. As after a create, what a trigger makes of
/// them is not seen.
fn foreseen(rows: &[RowState], set: &[(usize, Expr)]) -> Option<Vec<RowState>> {
    let model = rows.first()?.model.clone();
    if model.columns.iter().any(|column| column.generated.is_some()) || set.iter().any(|(position, _)| model.primary_key.contains(position))
    {
        return None;
    }
    let mut values = Vec::with_capacity(set.len());
    for (position, expr) in set.iter().filter(|(position, _)| model.version != Some(*position)) {
        match expr {
            Expr::Value(value, _) if is_exact(&model.columns[*position].ty, value) => values.push((*position, value)),
            _ => return None,
        }
    }
    let raised = model.version.filter(|version| set.iter().any(|(position, _)| position == version));
    let after = |row: &RowState| {
        let mut stored = row.original.clone()?;
        for (position, value) in &values {
            stored[*position].clone_from(value);
        }
        if let Some(position) = raised {
            stored[position] = match &stored[position] {
                Value::I64(version) => Value::I64(version + 1),
                _ => return None,
            };
        }
        Some(RowState::stored(model.clone(), stored))
    };
    rows.iter().map(after).collect()
}

/// The keys that rows will have: their own, unless the update sets a column of the key.
async fn keys_afterwards(
    db: &Db,
    query: &QueryState,
    rows: &[RowState],
    set: &[(usize, Expr)],
    options: &WriteOptions,
) -> Result<Vec<Vec<Value>>> {
    let mut keys = rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
    let key = &query.model.primary_key;
    if !set.iter().any(|(position, _)| key.contains(position)) {
        return Ok(keys);
    }
    let computed = computed(db, query, rows, set, options).await?;
    for (row, computed) in keys.iter_mut().zip(computed) {
        for (place, position) in key.iter().enumerate() {
            let given = set.iter().find_map(|(known, value)| match value {
                Expr::Value(value, _) if known == position => Some(value.clone()),
                _ => None,
            });
            let made = computed.iter().find(|(known, _)| known == position).map(|(_, value)| value.clone());
            if let Some(value) = given.or(made) {
                row[place] = value;
            }
        }
    }
    Ok(keys)
}

/// The same rows by their keys, whatever the condition says of them afterwards.
pub(crate) fn keyed(query: &QueryState, rows: &[RowState]) -> Result<QueryState> {
    let model = &query.model;
    if model.primary_key.is_empty() {
        return Err(Error::usage(format!("{} has no primary key: its rows cannot be followed one by one", model.name)));
    }
    let keys = rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
    with_keys(query, keys)
}

/// The rows of these keys, deleted or not, whatever scope there is.
fn with_keys(query: &QueryState, keys: Vec<Vec<Value>>) -> Result<QueryState> {
    let model = &query.model;
    let exprs = model.primary_key.iter().map(|position| Expr::Field(plan::field(model, *position))).collect();
    let binds = model.primary_key.iter().map(|position| model.columns[*position].ty.bind()).collect();
    let mut keyed = QueryState::new(model.clone());
    keyed.clauses.unscoped = true;
    keyed.clauses.deleted = crate::query::Deleted::Included;
    keyed.clauses.filters.push(Expr::InValues { exprs, rows: keys, binds, negated: false, scanned: false });
    Ok(keyed)
}

/// Reads the rows, runs the hooks of each around one write of them all. The values were validated once, for all of them.
async fn individually(db: &Db, query: QueryState, set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    let write = &options.write;
    db.in_transaction(async |tx| {
        let mut rows = Vec::new();
        let found = find_rows_hooked(tx, query.clone(), write.hooks, write.site).await?;
        let computed = computed(tx, &query, &found, &set, write).await?;
        for (mut row, computed) in found.into_iter().zip(computed) {
            for (position, value) in &set {
                if let Expr::Value(value, _) = value {
                    row.values[*position] = Some(value.clone());
                }
            }
            for (position, value) in computed {
                row.values[position] = Some(value);
            }
            rows.push(row);
        }
        let rows = super::save::save_matched(tx, rows, write).await?;
        let mut bulk = hook::BulkChange { query: query.clone(), set: set.clone() };
        hook::fire(tx, &query.model, HookKind::AfterBulkUpdate, HookSubject::Bulk(&mut bulk), write).await?;
        Ok((u64::try_from(rows.len()).unwrap_or(u64::MAX), rows))
    })
    .await
}

/// What the expressions of an update make of each row: row hooks see values, so the database computes them first.
async fn computed(
    db: &Db,
    query: &QueryState,
    rows: &[RowState],
    set: &[(usize, Expr)],
    options: &WriteOptions,
) -> Result<Vec<Vec<(usize, Value)>>> {
    let exprs: Vec<&(usize, Expr)> = set.iter().filter(|(_, value)| !matches!(value, Expr::Value(..))).collect();
    let mut found = vec![Vec::new(); rows.len()];
    if exprs.is_empty() {
        return Ok(found);
    }
    for (row, found) in rows.iter().zip(&mut found) {
        let mut one = keyed(query, std::slice::from_ref(row))?;
        one.clauses.select = Some(exprs.iter().map(|(_, expr)| SelectItem::new(expr.clone())).collect());
        let types = exprs.iter().map(|(position, _)| row.model.columns[*position].ty.clone()).collect();
        let values = find_values(db, one, types, options.site).await?.pop().unwrap_or_default();
        *found = exprs.iter().map(|(position, _)| *position).zip(values).collect();
    }
    Ok(found)
}

/// The statement of an update by filter.
pub(crate) fn statement(db: &Db, query: &QueryState, set: Vec<(Name, Expr)>, returning: bool, tags: &[(String, String)]) -> Result<Update> {
    let model = &query.model;
    Ok(Update {
        table: model.table.clone(),
        set,
        filter: plan::write_filter(query, &db.models())?,
        order_by: plan::write_order(query, &db.models())?,
        limit: query.clauses.limit,
        key: model.key_columns().map(|column| column.column.clone()).collect(),
        returning: if returning { whole(model) } else { Vec::new() },
        before: Vec::new(),
        tags: tags.to_vec(),
    })
}

/// What an update sets, with `updated_at`, `updated_by` and the version.
fn completed(db: &Db, model: &Arc<ModelDef>, mut set: Vec<(usize, Expr)>, options: &WriteOptions) -> Result<Vec<(usize, Expr)>> {
    if !options.keeps_version
        && !set.iter().any(|(known, _)| model.userstamps.1 == Some(*known))
        && let Some((position, actor)) = updater(db, model, options)?
    {
        set.push((position, bound(model, position, &actor)));
    }
    if let (Some(position), false) = (model.timestamps.updated, options.silent)
        && !set.iter().any(|(known, _)| *known == position)
    {
        set.push((position, bound(model, position, &now_for(&model.columns[position], db))));
    }
    if let Some(position) = model.version.filter(|_| !options.keeps_version) {
        let version = Expr::Field(plan::field(model, position));
        set.push((position, version.binary(BinaryOp::Add, bound(model, position, &Value::I64(1)))));
    }
    for (position, expr) in &mut set {
        if let Expr::Value(value, _) = expr {
            *value = held(&model.columns[*position].ty, std::mem::take(value));
        }
    }
    Ok(set)
}

/// Runs an update that sets just this.
async fn run_update(db: &Db, query: &QueryState, set: Vec<(usize, Expr)>, options: &WriteOptions, returning: bool) -> Result<Updated> {
    let returns = returning && db.dialect().update_returning();
    let render = |query: &QueryState, set: &[(usize, Expr)]| {
        db.render(&Statement::Update(Box::new(statement_of(db, query, set.to_vec(), returns, options)?)))
    };
    let sql = plan::prepare_write(db, b'w', options.tags.is_empty(), (query, &set, returns), &render)?;
    run_text(db, sql, returns, (query, options, "update_all")).await
}

/// The statement that sets just this.
fn statement_of(db: &Db, query: &QueryState, set: Vec<(usize, Expr)>, returning: bool, options: &WriteOptions) -> Result<Update> {
    let mut columns = Vec::with_capacity(set.len());
    for (position, value) in set {
        let value = plan::write_expr(value, query, &db.models())?;
        columns.push((query.model.columns[position].column.clone(), value));
    }
    statement(db, query, columns, returning, &options.tags)
}

pub(crate) async fn run_statement(
    db: &Db,
    update: Update,
    query: &QueryState,
    options: &WriteOptions,
    operation: &'static str,
) -> Result<Updated> {
    let returns = !update.returning.is_empty() && db.dialect().update_returning();
    let sql = db.render(&Statement::Update(Box::new(update)))?;
    run_text(db, (sql.text.into(), sql.params), returns, (query, options, operation)).await
}

/// Runs an update that is written; `returns` says that it gives its rows back.
async fn run_text(
    db: &Db,
    (text, params): (Arc<str>, Vec<Param>),
    returns: bool,
    (query, options, operation): (&QueryState, &WriteOptions, &'static str),
) -> Result<Updated> {
    let model = &query.model;
    let run = options.run(operation, &model.name);
    let step = |sink| Step { text, params: Params::Fixed(params), sink, cache: true };
    if returns {
        let done = run_one(db, step(Box::new(ValuesSink::new(model))), run).await.map_err(|error| named(error, model))?;
        let rows = unsink::<ValuesSink>(done)?.into_rows();
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        return Ok((count, rows.into_iter().map(|values| RowState::stored(model.clone(), values)).collect()));
    }
    let done = run_one(db, step(Box::new(Discard)), run).await.map_err(|error| named(error, model))?;
    Ok((done.affected, Vec::new()))
}
