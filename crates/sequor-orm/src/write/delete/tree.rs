//! Rows that are deleted with those that hang on them: level by level, so that a deep tree takes few statements.

use super::super::save::{loaded_condition, outdated, update_row};
use super::super::update::keyed;
use super::super::{RowState, WriteOptions, named};
use super::{cascade, deletion, mark, run_destroy};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{KeyHash, find_rows, run_one, step};
use crate::plan;
use crate::query::{Deleted, QueryState, key_filter};
use crate::validate;
use crate::write::fill::{now_for, updater};
use sequor_core::Value;
use sequor_core::driver::Discard;
use sequor_core::error::Result;
use sequor_core::schema::{ModelDef, RelationDef, SoftDelete};
use sequor_core::statement::{Delete, Expr, Lock, LockMode, LockWait, Statement};
use std::collections::HashSet;

/// How many rows one statement names by their keys.
pub(super) const ROWS: usize = 1_000;

/// Whether a model says that rows are destroyed with its own.
pub(super) fn has_dependents(model: &ModelDef) -> bool {
    model.relations.iter().any(|relation| relation.dependent_destroy)
}

/// The same query, which keeps others from changing its rows before this transaction ends.
pub(super) fn locked(mut query: QueryState) -> QueryState {
    query.clauses.lock = Some(Lock { mode: LockMode::Update, of: Vec::new(), wait: LockWait::Block });
    query
}

/// Locks a row that a program loaded some time ago, and takes over what others stored since: who is told of it is told what is stored.
pub(super) async fn catch_up(db: &Db, row: &mut RowState, options: &WriteOptions) -> Result<()> {
    let mut query = QueryState::new(row.model.clone());
    query.clauses.filters.push(key_filter(&row.model, row.stored_key()?));
    query.clauses.unscoped = true;
    query.clauses.deleted = Deleted::Included;
    if let Some(stored) = find_rows(db, locked(query), options.site).await?.pop() {
        row.catch_up(stored);
    }
    Ok(())
}

/// Rows of one model on their way out, and the next of their relations to follow.
struct Level {
    rows: Vec<RowState>,
    relation: usize,
    /// What soft deletion writes: the instant at which the rows were reached, so that children are never older than their parents.
    soft: Option<(usize, Value)>,
}

/// Deletes rows of one model and what hangs on them, the deepest first; gives how many of the rows themselves, and their last state.
/// No call recurses, so the depth of a tree is not that of the stack.
pub(super) async fn destroy_tree(db: &Db, rows: Vec<RowState>, options: &WriteOptions, root_hooks: bool) -> Result<(u64, Vec<RowState>)> {
    let mut seen: HashSet<(String, KeyHash)> = HashSet::new();
    let mut levels = Vec::new();
    let mut last = (0, Vec::new());
    let mut next = Some(rows);
    loop {
        if let Some(mut rows) = next.take() {
            let mut fresh = Vec::with_capacity(rows.len());
            for row in rows.drain(..) {
                if row.model.primary_key.is_empty() || seen.insert((row.model.name.to_string(), KeyHash::new(&row.stored_key()?))) {
                    fresh.push(row);
                }
            }
            let hooked = root_hooks || !levels.is_empty();
            for row in fresh.iter_mut().filter(|_| hooked) {
                hook::fire(db, &row.model.clone(), HookKind::BeforeDestroy, HookSubject::Row(row), options).await?;
            }
            let soft = fresh.first().and_then(|row| deletion(&row.model, db)).filter(|_| !options.force);
            levels.push(Level { rows: fresh, relation: 0, soft });
        }
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { return Ok(last) };
        if let Some(relation) = next_relation(level) {
            next = Some(dependents(db, &level.rows, &relation, options).await?).filter(|rows| !rows.is_empty());
        } else if let Some(level) = levels.pop() {
            last = destroy_level(db, level, options, root_hooks || depth > 1).await?;
        }
    }
}

fn next_relation(level: &mut Level) -> Option<RelationDef> {
    let model = level.rows.first()?.model.clone();
    let rest = model.relations.iter().enumerate().skip(level.relation);
    let (position, relation) =
        rest.filter(|(_, relation)| relation.dependent_destroy).map(|(at, relation)| (at, relation.clone())).next()?;
    level.relation = position + 1;
    Some(relation)
}

/// The rows that a relation says are destroyed with these.
async fn dependents(db: &Db, rows: &[RowState], relation: &RelationDef, options: &WriteOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let link = relation.link(&first.model, &db.models())?;
    let (target, columns) = match &link.through {
        Some(through) => (through.model.clone(), through.to_source.clone()),
        None => (link.target.clone(), link.columns.clone()),
    };
    let mut found = Vec::new();
    for rows in rows.chunks(ROWS) {
        let keys = keys_of(rows, &link.source);
        if keys.is_empty() {
            continue;
        }
        let mut query = QueryState::new(target.clone());
        query.clauses.filters.push(within(&target, &columns, keys));
        if link.through.is_none() {
            for (name, value) in &relation.scope {
                if let Some(position) = target.position(name) {
                    query.clauses.filters.push(within(&target, &[position], vec![vec![value.clone()]]));
                }
            }
        }
        query.clauses.unscoped = true;
        if options.force {
            query.clauses.deleted = Deleted::Included;
        }
        found.extend(find_rows(db, locked(query), options.site).await?);
    }
    Ok(found)
}

/// The values of some columns of rows, where none is NULL.
pub(super) fn keys_of(rows: &[RowState], positions: &[usize]) -> Vec<Vec<Value>> {
    let key = |row: &RowState| positions.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect::<Vec<_>>();
    rows.iter().map(key).filter(|key| !key.iter().any(Value::is_null)).collect()
}

/// `(fields) IN (keys)`.
pub(super) fn within(model: &ModelDef, positions: &[usize], keys: Vec<Vec<Value>>) -> Expr {
    let exprs = positions.iter().map(|position| Expr::Field(plan::field(model, *position))).collect();
    let binds = positions.iter().map(|position| model.columns[*position].ty.bind()).collect();
    Expr::InValues { exprs, rows: keys, binds, negated: false, scanned: false }
}

async fn destroy_level(db: &Db, level: Level, options: &WriteOptions, hooked: bool) -> Result<(u64, Vec<RowState>)> {
    let Level { mut rows, soft, .. } = level;
    let Some(model) = rows.first().map(|row| row.model.clone()) else { return Ok((0, rows)) };
    let is_soft = soft.is_some();
    let count = match soft {
        Some(written) => soften(db, &mut rows, written, options).await?,
        None => {
            let cascaded = cascade::capture(db, &rows, options).await?;
            let count = delete(db, &rows, options).await?;
            cascade::tell(db, cascaded, options).await?;
            count
        }
    };
    let heard = count > 0 && hook::captures(db, &model);
    let told: Vec<RowState> = if heard { rows.iter().map(RowState::as_it_is).collect() } else { Vec::new() };
    for row in rows.iter_mut().filter(|_| hooked) {
        hook::fire(db, &model, HookKind::AfterDestroy, HookSubject::Row(row), options).await?;
    }
    if heard {
        let old = |row: &RowState| row.original.clone().map(|values| RowState::stored(model.clone(), values));
        let olds: Vec<Option<RowState>> = rows.iter().map(old).collect();
        let pairs: Vec<_> = olds.iter().zip(&told).map(|(old, row)| (old.as_ref(), is_soft.then_some(row))).collect();
        if hooked {
            for (old, after) in &pairs {
                hook::tell(db, hook::Operation::Destroy, *old, *after, options).await?;
            }
        } else {
            hook::tell_all(db, hook::Operation::Destroy, &pairs, options).await?;
        }
        hook::followed(db, pairs, options).await?;
    }
    for row in &mut rows {
        row.original = Some(row.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
    }
    Ok((count, rows))
}

/// Deletes rows for good, by their keys; a single one only if it still has the version that was loaded.
async fn delete(db: &Db, rows: &[RowState], options: &WriteOptions) -> Result<u64> {
    let [row] = rows else {
        let mut count = 0;
        let query = QueryState::new(rows[0].model.clone());
        for rows in rows.chunks(ROWS) {
            let options = WriteOptions { force: true, ..options.clone() };
            count += run_destroy(db, &keyed(&query, rows)?, &options).await?;
        }
        return Ok(count);
    };
    let model = &row.model;
    let delete = Delete {
        table: model.table.clone(),
        filter: Some(loaded_condition(row)?),
        order_by: Vec::new(),
        limit: None,
        key: Vec::new(),
        returning: Vec::new(),
        tags: options.tags.clone(),
    };
    let sql = db.render(&Statement::Delete(Box::new(delete)))?;
    let done = run_one(db, step(sql, Box::new(Discard)), options.run("destroy", &model.name)).await.map_err(|error| named(error, model))?;
    if done.affected == 0 {
        outdated(db, row, options).await?;
    }
    Ok(done.affected)
}

/// Marks rows as deleted: together, save those that a hook changed or that have a version, which are written one by one.
async fn soften(db: &Db, rows: &mut [RowState], (position, value): (usize, Value), options: &WriteOptions) -> Result<u64> {
    let model = rows[0].model.clone();
    let timestamp = matches!(model.soft_delete, Some(SoftDelete::Timestamp { .. }));
    let single = rows.len() == 1 || model.version.is_some();
    let mut together = Vec::new();
    let actor = updater(db, &model, options)?;
    for (number, row) in rows.iter_mut().enumerate() {
        validate::unsaved(row, options)?;
        let alone = single || !row.changed().is_empty();
        // A row that is deleted already keeps its first instant.
        let already = timestamp && row.values[position].as_ref().is_some_and(|value| !value.is_null());
        if already && row.changed().is_empty() {
            // Nothing is left to write, so neither the version nor the time of the last change moves.
            continue;
        }
        if !already {
            row.values[position] = Some(value.clone());
        }
        if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
            row.values[updated] = Some(now_for(&model.columns[updated], db));
        }
        if let Some((stamp, actor)) = &actor {
            row.values[*stamp] = Some(actor.clone());
        }
        if !alone && !already {
            together.push(number);
            continue;
        }
        let changed = row.changed();
        if !changed.is_empty() {
            update_row(db, row, &changed, options).await?;
        }
    }
    let query = QueryState::new(model.clone());
    for numbers in together.chunks(ROWS) {
        let rows: Vec<RowState> = numbers.iter().map(|number| rows[*number].clone()).collect();
        // The instant at which the level was reached: the statements run deepest first, and restoring asks who went with whom.
        mark(db, &keyed(&query, &rows)?, (position, value.clone()), options).await?;
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}
