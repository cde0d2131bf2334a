//! Deleting and restoring: softly where the model is paranoid, with its dependents.

use super::fill::now_for;
use super::insert::{bound, writable};
use super::save::{key_condition, update_row};
use super::update::{UpdateOptions, keyed, needs_filter, run_statement, statement};
use super::{RowState, WriteOptions, named};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{find_rows, find_rows_hooked, run_one, step};
use crate::plan;
use crate::query::{Deleted, QueryState};
use sequor_core::Value;
use sequor_core::driver::{BoxFuture, Discard};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, SoftDelete};
use sequor_core::statement::{Ddl, Delete, Expr, Statement};

/// What soft deletion writes.
fn deletion(model: &ModelDef, db: &Db) -> Option<(usize, Value)> {
    match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } => Some((*column, now_for(&model.columns[*column], db))),
        SoftDelete::Flag { column, deleted, .. } => Some((*column, deleted.clone())),
    }
}

/// What restoring writes.
fn life(model: &ModelDef) -> Option<(usize, Value)> {
    match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } => Some((*column, Value::Null)),
        SoftDelete::Flag { column, live, .. } => Some((*column, live.clone())),
    }
}

/// Deletes one row; gives 1, or 0 when it was gone already.
pub(crate) fn destroy<'a>(db: &'a Db, state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<(u64, RowState)>> {
    Box::pin(async move {
        writable(&state.model)?;
        let dependents = state.model.relations.iter().any(|relation| relation.dependent_destroy);
        if dependents || hook::needs_transaction(db, &state.model, options) {
            return db.in_transaction(async move |tx| destroy_one(tx, state, options).await).await;
        }
        destroy_one(db, state, options).await
    })
}

async fn destroy_one(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<(u64, RowState)> {
    let model = state.model.clone();
    let key = state.stored_key()?;
    hook::fire(db, &model, HookKind::BeforeDestroy, HookSubject::Row(&mut state), options).await?;
    let soft = deletion(&model, db).filter(|_| !options.force);
    destroy_dependents(db, &state, options).await?;
    let count = match soft {
        Some((position, value)) => {
            let already = matches!(model.soft_delete, Some(SoftDelete::Timestamp { .. }))
                && state.values[position].as_ref().is_some_and(|value| !value.is_null());
            if !already {
                state.values[position] = Some(value);
            }
            let mut changed = state.changed();
            if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
                state.values[updated] = Some(now_for(&model.columns[updated], db));
                changed.push(updated);
            }
            changed.sort_unstable();
            changed.dedup();
            update_row(db, &mut state, &changed, options).await?;
            1
        }
        None => {
            let delete = Delete {
                table: model.table.clone(),
                filter: Some(key_condition(&model, &key)),
                order_by: Vec::new(),
                limit: None,
                key: Vec::new(),
                returning: Vec::new(),
                tags: options.tags.clone(),
            };
            let sql = db.render(&Statement::Delete(Box::new(delete)))?;
            let done = run_one(db, step(sql, Box::new(Discard)), options.run("destroy", &model.name))
                .await
                .map_err(|error| named(error, &model))?;
            done.affected
        }
    };
    hook::fire(db, &model, HookKind::AfterDestroy, HookSubject::Row(&mut state), options).await?;
    if count > 0 {
        let old = state.original.clone().map(|values| RowState::stored(model.clone(), values));
        let new = (!options.force && model.soft_delete.is_some()).then_some(&state);
        hook::changed(db, hook::Operation::Destroy, old.as_ref(), new, options).await?;
    }
    state.original = Some(state.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
    Ok((count, state))
}

/// Rows that a relation says are destroyed with their parent.
async fn destroy_dependents(db: &Db, state: &RowState, options: &WriteOptions) -> Result<()> {
    for relation in state.model.relations.iter().filter(|relation| relation.dependent_destroy) {
        let link = relation.link(&state.model, &db.models())?;
        let (target, columns) = match &link.through {
            Some(through) => (through.model.clone(), through.to_source.clone()),
            None => (link.target.clone(), link.columns.clone()),
        };
        let mut query = QueryState::new(target.clone());
        for (own, other) in link.source.iter().zip(&columns) {
            let value = state.values[*own].clone().unwrap_or_default();
            query.clauses.filters.push(
                Expr::Field(plan::field(&target, *other)).binary(sequor_core::statement::BinaryOp::Equal, bound(&target, *other, &value)),
            );
        }
        if options.force {
            query.clauses.deleted = Deleted::Included;
        }
        let inner = DestroyOptions { write: options.clone(), every_row: true, individual_hooks: true };
        destroy_all_boxed(db, query, &inner).await?;
    }
    Ok(())
}

fn destroy_all_boxed<'a>(db: &'a Db, query: QueryState, options: &'a DestroyOptions) -> BoxFuture<'a, Result<u64>> {
    Box::pin(destroy_all(db, query, options))
}

/// What a deletion of many rows may say.
#[derive(Clone, Debug)]
pub(crate) struct DestroyOptions {
    pub(crate) write: WriteOptions,
    /// Every row is meant.
    pub(crate) every_row: bool,
    /// Row hooks run for each row.
    pub(crate) individual_hooks: bool,
}

/// Deletes all rows that match; gives how many.
pub(crate) async fn destroy_all(db: &Db, query: QueryState, options: &DestroyOptions) -> Result<u64> {
    let model = query.model.clone();
    let write = &options.write;
    writable(&model)?;
    needs_filter(&query, options.every_row, "destroy_all")?;
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::BeforeBulkDestroy, HookSubject::Bulk(&mut bulk), write).await?;
    let query = bulk.query;
    let dependents = model.relations.iter().any(|relation| relation.dependent_destroy);
    let count = if options.individual_hooks || dependents {
        db.in_transaction(async |tx| {
            let mut count = 0;
            for row in find_rows_hooked(tx, query.clone(), write.hooks && options.individual_hooks, write.site).await? {
                count += destroy(tx, row, write).await?.0;
            }
            Ok(count)
        })
        .await?
    } else if hook::captures(db, &model, write) {
        db.in_transaction(async |tx| {
            let rows = find_rows(tx, query.clone(), write.site).await?;
            if rows.is_empty() {
                return Ok(0);
            }
            let count = run_destroy(tx, &keyed(&query, &rows)?, write).await?;
            for row in &rows {
                hook::changed(tx, hook::Operation::Destroy, Some(row), None, write).await?;
            }
            Ok(count)
        })
        .await?
    } else {
        run_destroy(db, &query, write).await?
    };
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::AfterBulkDestroy, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(count)
}

async fn run_destroy(db: &Db, query: &QueryState, options: &WriteOptions) -> Result<u64> {
    let model = &query.model;
    if let Some((position, value)) = deletion(model, db).filter(|_| !options.force) {
        let mut set = vec![(model.columns[position].column.clone(), bound(model, position, &value))];
        if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
            set.push((model.columns[updated].column.clone(), bound(model, updated, &now_for(&model.columns[updated], db))));
        }
        let update = statement(db, query, set, false, &options.tags)?;
        return Ok(run_statement(db, update, query, options, "destroy_all").await?.0);
    }
    let mut query = query.clone();
    if options.force {
        query.clauses.deleted = Deleted::Included;
    }
    let delete = Delete {
        table: model.table.clone(),
        filter: plan::write_filter(&query, &db.models())?,
        order_by: Vec::new(),
        limit: query.clauses.limit,
        key: model.key_columns().map(|column| column.column.clone()).collect(),
        returning: Vec::new(),
        tags: options.tags.clone(),
    };
    let sql = db.render(&Statement::Delete(Box::new(delete)))?;
    let done =
        run_one(db, step(sql, Box::new(Discard)), options.run("destroy_all", &model.name)).await.map_err(|error| named(error, model))?;
    Ok(done.affected)
}

#[cold]
fn not_paranoid(model: &ModelDef) -> Error {
    Error::usage(format!("Model is not paranoid: {} has no soft deletion to undo", model.name))
}

/// Brings a softly deleted row back, with the dependents that were deleted with it.
pub(crate) fn restore<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        let model = state.model.clone();
        let (position, value) = life(&model).ok_or_else(|| not_paranoid(&model))?;
        hook::fire(db, &model, HookKind::BeforeRestore, HookSubject::Row(&mut state), options).await?;
        let before = state.original.clone().map(|values| RowState::stored(model.clone(), values));
        let when = state.values[position].replace(value);
        let mut changed = vec![position];
        if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
            state.values[updated] = Some(now_for(&model.columns[updated], db));
            changed.push(updated);
        }
        update_row(db, &mut state, &changed, options).await?;
        restore_dependents(db, &state, when, options).await?;
        hook::fire(db, &model, HookKind::AfterRestore, HookSubject::Row(&mut state), options).await?;
        hook::changed(db, hook::Operation::Restore, before.as_ref(), Some(&state), options).await?;
        state.original = Some(state.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
        Ok(state)
    })
}

async fn restore_dependents(db: &Db, state: &RowState, when: Option<Value>, options: &WriteOptions) -> Result<()> {
    for relation in state.model.relations.iter().filter(|relation| relation.dependent_destroy) {
        let link = relation.link(&state.model, &db.models())?;
        if link.through.is_some() || link.target.soft_delete.is_none() {
            continue;
        }
        let mut query = QueryState::new(link.target.clone());
        query.clauses.deleted = Deleted::Only;
        for (own, other) in link.source.iter().zip(&link.columns) {
            let value = state.values[*own].clone().unwrap_or_default();
            query.clauses.filters.push(
                Expr::Field(plan::field(&link.target, *other))
                    .binary(sequor_core::statement::BinaryOp::Equal, bound(&link.target, *other, &value)),
            );
        }
        // Rows that were deleted before their parent stay deleted.
        if let (Some(SoftDelete::Timestamp { column }), Some(when)) = (&link.target.soft_delete, &when) {
            let since = Expr::Field(plan::field(&link.target, *column))
                .binary(sequor_core::statement::BinaryOp::GreaterEqual, bound(&link.target, *column, when));
            query.clauses.filters.push(since);
        }
        for row in find_rows(db, query, options.site).await? {
            restore(db, row, options).await?;
        }
    }
    Ok(())
}

/// Brings back all softly deleted rows that match; gives how many.
pub(crate) async fn restore_all(db: &Db, mut query: QueryState, options: &UpdateOptions) -> Result<u64> {
    let model = query.model.clone();
    let (position, value) = life(&model).ok_or_else(|| not_paranoid(&model))?;
    let write = &options.write;
    query.clauses.unscoped = true;
    if query.clauses.deleted == Deleted::Hidden {
        query.clauses.deleted = Deleted::Only;
    }
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::BeforeBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    let query = bulk.query;
    let count = if options.individual_hooks || hook::captures(db, &model, write) {
        db.in_transaction(async |tx| {
            let mut count = 0;
            for row in find_rows(tx, query.clone(), write.site).await? {
                restore(tx, row, write).await?;
                count += 1;
            }
            Ok(count)
        })
        .await?
    } else {
        let mut set = vec![(model.columns[position].column.clone(), bound(&model, position, &value))];
        if let (Some(updated), false) = (model.timestamps.updated, write.silent) {
            set.push((model.columns[updated].column.clone(), bound(&model, updated, &now_for(&model.columns[updated], db))));
        }
        let update = statement(db, &query, set, false, &write.tags)?;
        run_statement(db, update, &query, write, "restore_all").await?.0
    };
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::AfterBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(count)
}

/// Empties a table.
pub(crate) async fn truncate(db: &Db, model: &ModelDef, restart_identity: bool, cascade: bool, options: &WriteOptions) -> Result<()> {
    writable(model)?;
    let ddl = Ddl::Truncate { tables: vec![model.table.clone()], restart_identity, cascade };
    let inside = db.is_in_transaction() && !db.dialect().transactional_ddl();
    // TRUNCATE would commit the transaction on MySQL; inside one, rows are deleted.
    if inside || (db.dialect().is_mysql() && !restart_identity) {
        let delete = Delete {
            table: model.table.clone(),
            filter: None,
            order_by: Vec::new(),
            limit: None,
            key: Vec::new(),
            returning: Vec::new(),
            tags: Vec::new(),
        };
        let sql = db.render(&Statement::Delete(Box::new(delete)))?;
        run_one(db, step(sql, Box::new(Discard)), options.run("truncate", &model.name)).await.map_err(|error| named(error, model))?;
        return Ok(());
    }
    for sql in db.render_ddl(&ddl)? {
        db.execute_script(sql, options.site).await.map_err(|error| named(error, model))?;
    }
    Ok(())
}
