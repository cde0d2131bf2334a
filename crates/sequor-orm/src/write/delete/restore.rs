//! Restoring softly deleted rows, with the dependents that were deleted with them.

use super::super::fill::{now_for, updater};
use super::super::insert::bound;
use super::super::save::update_row;
use super::super::update::{UpdateOptions, Updated, keyed, run_statement, statement, without_offset};
use super::super::{RowState, WriteOptions};
use super::tree::{ROWS, catch_up, has_dependents, keys_of, locked, within};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{KeyHash, find_rows, find_rows_hooked};
use crate::query::{Deleted, QueryState};
use crate::validate;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, RelationDef, SoftDelete};
use sequor_core::statement::Expr;
use sequor_core::{Name, Value};
use std::collections::HashMap;

/// What restoring writes.
fn life(model: &ModelDef) -> Option<(usize, Value)> {
    match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } => Some((*column, model.live_moment(*column))),
        SoftDelete::Flag { column, live, .. } => Some((*column, live.clone())),
    }
}

#[cold]
fn not_paranoid(model: &ModelDef) -> Error {
    Error::usage(format!("Model is not paranoid: {} has no soft deletion to undo", model.name))
}

/// Brings a softly deleted row back, with the dependents that were deleted with it.
pub(crate) fn restore<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        let told = hook::captures(db, &state.model);
        let rows = if told || follows(db, &state.model, options) {
            db.in_transaction(async move |tx| {
                if told {
                    catch_up(tx, &mut state, options).await?;
                }
                restore_tree(tx, vec![state], options, true).await
            })
            .await?
        } else {
            restore_tree(db, vec![state], options, true).await?
        };
        rows.into_iter().next().ok_or_else(|| Error::bug("a restored row has no last state"))
    })
}

/// Rows of one model on their way back, and the next of their relations to follow.
struct Level {
    rows: Vec<RowState>,
    /// When each of them was deleted.
    since: Vec<Value>,
    relation: usize,
}

/// Brings rows of one model back and what was deleted with them, parents first; gives the rows themselves as they are now.
/// No call recurses, and a level takes few statements however many rows it has.
async fn restore_tree(db: &Db, rows: Vec<RowState>, options: &WriteOptions, root_hooks: bool) -> Result<Vec<RowState>> {
    let mut levels: Vec<Level> = Vec::new();
    let mut last = Vec::new();
    let mut next = Some(rows);
    loop {
        if let Some(rows) = next.take() {
            levels.push(revive(db, rows, options, root_hooks || !levels.is_empty()).await?);
        }
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { return Ok(last) };
        if let Some(relation) = next_relation(level) {
            next = Some(dependents(db, level, &relation, options).await?).filter(|rows| !rows.is_empty());
        } else if let Some(level) = levels.pop() {
            last = tell(db, level.rows, options, root_hooks || depth > 1).await?;
        }
    }
}

fn next_relation(level: &mut Level) -> Option<RelationDef> {
    let relations = &level.rows.first()?.model.relations;
    let place = relations.iter().skip(level.relation).position(|relation| relation.dependent_destroy)? + level.relation;
    level.relation = place + 1;
    relations.get(place).cloned()
}

/// Brings the rows of one level back: together, save those that a hook changed or that have a version.
async fn revive(db: &Db, mut rows: Vec<RowState>, options: &WriteOptions, hooked: bool) -> Result<Level> {
    let Some(model) = rows.first().map(|row| row.model.clone()) else { return Ok(Level { rows, since: Vec::new(), relation: 0 }) };
    let (position, value) = life(&model).ok_or_else(|| not_paranoid(&model))?;
    for row in rows.iter_mut().filter(|_| hooked) {
        hook::fire(db, &model, HookKind::BeforeRestore, HookSubject::Row(row), options).await?;
    }
    let single = rows.len() == 1 || model.version.is_some();
    let (mut since, mut together) = (Vec::with_capacity(rows.len()), Vec::new());
    let updated = model.timestamps.updated.filter(|_| !options.silent);
    let actor = updater(db, &model, options)?;
    for (number, row) in rows.iter_mut().enumerate() {
        validate::unsaved(row, options)?;
        let alone = single || !row.changed().is_empty();
        since.push(row.values[position].replace(value.clone()).unwrap_or_default());
        if let Some(updated) = updated {
            row.values[updated] = Some(now_for(&model.columns[updated], db));
        }
        if let Some((stamp, actor)) = &actor {
            row.values[*stamp] = Some(actor.clone());
        }
        if !alone {
            together.push(number);
            continue;
        }
        let mut changed = row.changed();
        // Also a row that nobody has deleted is written: it may have been deleted since it was read.
        let stamp = actor.as_ref().map(|(stamp, _)| *stamp);
        for position in [Some(position), updated, stamp].into_iter().flatten().filter(|position| !row.changed().contains(position)) {
            changed.push(position);
        }
        update_row(db, row, &changed, options).await?;
    }
    let query = QueryState::new(model.clone());
    for numbers in together.chunks(ROWS) {
        let rows: Vec<RowState> = numbers.iter().map(|number| rows[*number].clone()).collect();
        let update = statement(db, &keyed(&query, &rows)?, written(db, &model, options)?, false, &options.tags)?;
        run_statement(db, update, &query, options, "restore_all").await?;
    }
    Ok(Level { rows, since, relation: 0 })
}

/// What restoring many rows sets.
fn written(db: &Db, model: &ModelDef, options: &WriteOptions) -> Result<Vec<(Name, Expr)>> {
    let (position, value) = life(model).ok_or_else(|| not_paranoid(model))?;
    let mut set = vec![(model.columns[position].column.clone(), bound(model, position, &value))];
    if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
        set.push((model.columns[updated].column.clone(), bound(model, updated, &now_for(&model.columns[updated], db))));
    }
    set.extend(super::marks(db, model, options)?);
    Ok(set)
}

/// The dependents that were deleted with their parents, not before them.
async fn dependents(db: &Db, level: &Level, relation: &RelationDef, options: &WriteOptions) -> Result<Vec<RowState>> {
    let Some(first) = level.rows.first() else { return Ok(Vec::new()) };
    let link = relation.link(&first.model, &db.models())?;
    if link.through.is_some() || link.target.soft_delete.is_none() {
        return Ok(Vec::new());
    }
    let key = |row: &RowState, positions: &[usize]| -> Vec<Value> {
        positions.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect()
    };
    let mut found = Vec::new();
    for (rows, since) in level.rows.chunks(ROWS).zip(level.since.chunks(ROWS)) {
        let keys = keys_of(rows, &link.source);
        if keys.is_empty() {
            continue;
        }
        let since: HashMap<KeyHash, &Value> = rows.iter().map(|row| KeyHash::new(&key(row, &link.source))).zip(since).collect();
        let mut query = QueryState::new(link.target.clone());
        query.clauses.deleted = Deleted::Only;
        query.clauses.unscoped = true;
        query.clauses.filters.push(within(&link.target, &link.columns, keys));
        for (name, value) in &relation.scope {
            if let Some(position) = link.target.position(name) {
                query.clauses.filters.push(within(&link.target, &[position], vec![vec![value.clone()]]));
            }
        }
        for row in find_rows(db, locked(query), options.site).await? {
            let parent = since.get(&KeyHash::new(&key(&row, &link.columns))).copied();
            if went_with(&row, parent) {
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// Whether a row was deleted with its parent. A flag does not say when.
fn went_with(row: &RowState, parent: Option<&Value>) -> bool {
    let Some(SoftDelete::Timestamp { column }) = &row.model.soft_delete else { return true };
    match (row.values.get(*column).and_then(Option::as_ref), parent) {
        (Some(Value::DateTime(own)), Some(Value::DateTime(parent))) => own >= parent,
        (Some(Value::NaiveDateTime(own)), Some(Value::NaiveDateTime(parent))) => own >= parent,
        _ => true,
    }
}

/// The hooks after the statement, and the rows as they are now.
async fn tell(db: &Db, mut rows: Vec<RowState>, options: &WriteOptions, hooked: bool) -> Result<Vec<RowState>> {
    let Some(model) = rows.first().map(|row| row.model.clone()) else { return Ok(rows) };
    let told: Vec<RowState> = if hook::captures(db, &model) { rows.iter().map(RowState::as_it_is).collect() } else { Vec::new() };
    for row in rows.iter_mut().filter(|_| hooked) {
        hook::fire(db, &model, HookKind::AfterRestore, HookSubject::Row(row), options).await?;
    }
    if !told.is_empty() {
        for (row, old) in told.iter().zip(&rows) {
            let before = old.original.clone().map(|values| RowState::stored(model.clone(), values));
            if hooked {
                hook::changed(db, hook::Operation::Restore, before.as_ref(), Some(row), options).await?;
            } else {
                hook::changed_among_many(db, hook::Operation::Restore, before.as_ref(), Some(row), options).await?;
            }
        }
    }
    for row in &mut rows {
        row.original = Some(row.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
    }
    Ok(rows)
}

/// Whether restoring does more than one statement.
fn follows(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    has_dependents(model) || hook::needs_transaction(db, model, options)
}

/// Brings back all softly deleted rows that match; gives how many, and the rows where they are asked for.
pub(crate) async fn restore_all(db: &Db, query: QueryState, options: &UpdateOptions) -> Result<Updated> {
    if follows(db, &query.model, &options.write) {
        return db.in_transaction(async |tx| restore_matching(tx, query.clone(), options).await).await;
    }
    restore_matching(db, query, options).await
}

async fn restore_matching(db: &Db, mut query: QueryState, options: &UpdateOptions) -> Result<Updated> {
    let model = query.model.clone();
    life(&model).ok_or_else(|| not_paranoid(&model))?;
    without_offset(&query, "restore_all")?;
    let write = &options.write;
    query.clauses.unscoped = true;
    if query.clauses.deleted == Deleted::Hidden {
        query.clauses.deleted = Deleted::Only;
    }
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::BeforeBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    let query = bulk.query.clone();
    let done = if options.individual_hooks || options.returning || has_dependents(&model) || hook::captures(db, &model) {
        db.in_transaction(async |tx| {
            let rows = find_rows_hooked(tx, locked(query.clone()), options.individual_hooks && write.hooks, write.site).await?;
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let rows = restore_tree(tx, rows, write, options.individual_hooks).await?;
            Ok((count, super::returned(tx, &query, rows, true, (options.returning, write)).await?))
        })
        .await?
    } else {
        let update = statement(db, &query, written(db, &model, write)?, false, &write.tags)?;
        run_statement(db, update, &query, write, "restore_all").await?
    };
    hook::fire(db, &model, HookKind::AfterBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(done)
}
