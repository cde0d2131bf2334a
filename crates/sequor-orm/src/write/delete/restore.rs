//! Restoring softly deleted rows, with the dependents that were deleted with them.

use super::super::fill::now_for;
use super::super::insert::bound;
use super::super::save::update_row;
use super::super::update::{UpdateOptions, run_statement, statement};
use super::super::{RowState, WriteOptions};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::find_rows;
use crate::plan;
use crate::query::{Deleted, QueryState};
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, SoftDelete};
use sequor_core::statement::Expr;

/// What restoring writes.
fn life(model: &ModelDef) -> Option<(usize, Value)> {
    match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } => Some((*column, Value::Null)),
        SoftDelete::Flag { column, live, .. } => Some((*column, live.clone())),
    }
}

#[cold]
fn not_paranoid(model: &ModelDef) -> Error {
    Error::usage(format!("Model is not paranoid: {} has no soft deletion to undo", model.name))
}

/// Brings a softly deleted row back, with the dependents that were deleted with it.
pub(crate) fn restore<'a>(db: &'a Db, state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        let follows = state.model.relations.iter().any(|relation| relation.dependent_destroy);
        if follows || hook::needs_transaction(db, &state.model, options) {
            return db.in_transaction(async move |tx| restore_one(tx, state, options).await).await;
        }
        restore_one(db, state, options).await
    })
}

fn restore_one<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
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
            restore_one(db, row, options).await?;
        }
    }
    Ok(())
}

/// Brings back all softly deleted rows that match; gives how many.
pub(crate) async fn restore_all(db: &Db, query: QueryState, options: &UpdateOptions) -> Result<u64> {
    if hook::needs_transaction(db, &query.model, &options.write) {
        return db.in_transaction(async |tx| restore_matching(tx, query.clone(), options).await).await;
    }
    restore_matching(db, query, options).await
}

async fn restore_matching(db: &Db, mut query: QueryState, options: &UpdateOptions) -> Result<u64> {
    let model = query.model.clone();
    let (position, value) = life(&model).ok_or_else(|| not_paranoid(&model))?;
    let write = &options.write;
    query.clauses.unscoped = true;
    if query.clauses.deleted == Deleted::Hidden {
        query.clauses.deleted = Deleted::Only;
    }
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::BeforeBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    let query = bulk.query.clone();
    let count = if options.individual_hooks || hook::captures(db, &model) {
        db.in_transaction(async |tx| {
            let mut count = 0;
            for row in find_rows(tx, query.clone(), write.site).await? {
                restore_one(tx, row, write).await?;
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
    hook::fire(db, &model, HookKind::AfterBulkRestore, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(count)
}
