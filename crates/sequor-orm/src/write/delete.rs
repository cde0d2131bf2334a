//! Deleting: softly where the model is paranoid, with its dependents. Restoring is next door.

pub(super) mod cascade;
mod restore;
mod tree;

pub(crate) use restore::{restore, restore_all};

use super::fill::{now_for, updater};
use super::insert::{bound, writable};
use super::save::column;
use super::update::{Updated, keyed, needs_filter, run_statement, statement};
use super::{RowState, WriteOptions, named};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{find_rows, find_rows_hooked, run_one, step};
use crate::plan;
use crate::query::{Deleted, QueryState};
use sequor_core::driver::{BoxFuture, Discard, Params, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models, SoftDelete};
use sequor_core::statement::{BinaryOp, Ddl, Delete, Expr, Func, Statement};
use sequor_core::{Name, Value};

/// What soft deletion writes.
fn deletion(model: &ModelDef, db: &Db) -> Option<(usize, Value)> {
    match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } => Some((*column, now_for(&model.columns[*column], db))),
        SoftDelete::Flag { column, deleted, .. } => Some((*column, deleted.clone())),
    }
}

/// Deletes one row; gives 1, or 0 when it was gone already.
pub(crate) fn destroy<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<(u64, RowState)>> {
    Box::pin(async move {
        writable(&state.model)?;
        state.stored_key()?;
        let follows = tree::has_dependents(&state.model) || cascade::is_heard(db, &state.model);
        let told = hook::captures(db, &state.model);
        let (count, mut rows) = if follows || told || hook::needs_transaction(db, &state.model, options) {
            db.in_transaction(async move |tx| {
                if told {
                    tree::catch_up(tx, &mut state, options).await?;
                }
                tree::destroy_tree(tx, vec![state], options, true).await
            })
            .await?
        } else {
            tree::destroy_tree(db, vec![state], options, true).await?
        };
        Ok((count, rows.pop().ok_or_else(|| Error::bug("a deleted row has no last state"))?))
    })
}

/// What a deletion of many rows may say.
#[derive(Clone, Debug)]
pub(crate) struct DestroyOptions {
    pub(crate) write: WriteOptions,
    /// Every row is meant.
    pub(crate) every_row: bool,
    /// The rows come back.
    pub(crate) returning: bool,
    /// Row hooks run for each row.
    pub(crate) individual_hooks: bool,
}

/// Deletes all rows that match; gives how many, and the rows where they are asked for.
pub(crate) async fn destroy_all(db: &Db, query: QueryState, options: &DestroyOptions) -> Result<Updated> {
    writable(&query.model)?;
    needs_filter(&query, options.every_row, "destroy_all")?;
    if hook::needs_transaction(db, &query.model, &options.write) {
        return db.in_transaction(async |tx| destroy_matching(tx, query.clone(), options).await).await;
    }
    destroy_matching(db, query, options).await
}

async fn destroy_matching(db: &Db, query: QueryState, options: &DestroyOptions) -> Result<Updated> {
    let (model, write) = (query.model.clone(), &options.write);
    let mut bulk = hook::BulkChange { query, set: Vec::new() };
    hook::fire(db, &model, HookKind::BeforeBulkDestroy, HookSubject::Bulk(&mut bulk), write).await?;
    let query = plan::of_write(bulk.query.clone(), &db.models());
    let follows = tree::has_dependents(&model) || cascade::is_heard(db, &model);
    let done = if options.individual_hooks || options.returning || follows || hook::captures(db, &model) {
        db.in_transaction(async |tx| {
            let found = tree::locked(forced(query.clone(), write));
            let rows = find_rows_hooked(tx, found, write.hooks && options.individual_hooks, write.site).await?;
            let (count, rows) = tree::destroy_tree(tx, rows, write, options.individual_hooks).await?;
            let stay = model.soft_delete.is_some() && !write.force;
            Ok((count, returned(tx, &query, rows, stay, (options.returning, write)).await?))
        })
        .await?
    } else {
        (run_destroy(db, &query, write).await?, Vec::new())
    };
    hook::fire(db, &model, HookKind::AfterBulkDestroy, HookSubject::Bulk(&mut bulk), write).await?;
    Ok(done)
}

/// The rows of a deletion or restoring, where they are asked for: as they are stored where they stay, else as they last were.
async fn returned(
    db: &Db,
    query: &QueryState,
    rows: Vec<RowState>,
    stay: bool,
    (asked, options): (bool, &WriteOptions),
) -> Result<Vec<RowState>> {
    match (asked, stay) {
        (false, _) => Ok(Vec::new()),
        (true, false) => Ok(rows),
        (true, true) if rows.is_empty() => Ok(rows),
        (true, true) => find_rows(db, keyed(query, &rows)?, options.site).await,
    }
}

/// A deletion for good means deleted rows too.
fn forced(mut query: QueryState, options: &WriteOptions) -> QueryState {
    if options.force && query.clauses.deleted == Deleted::Hidden {
        query.clauses.deleted = Deleted::Included;
    }
    query
}

/// What deleting and restoring rows changes beside them: who did it, and the version.
fn marks(db: &Db, model: &ModelDef, options: &WriteOptions) -> Result<Vec<(Name, Expr)>> {
    let column = |position: usize| model.columns[position].column.clone();
    let actor = updater(db, model, options)?.map(|(position, actor)| (column(position), bound(model, position, &actor)));
    let raised = model.version.filter(|_| !options.keeps_version).map(|position| {
        let version = Expr::Column { table: None, name: column(position) };
        (column(position), version.binary(BinaryOp::Add, bound(model, position, &Value::I64(1))))
    });
    Ok(actor.into_iter().chain(raised).collect())
}

/// Marks the rows of a query as deleted, by this instant or flag.
async fn mark(db: &Db, query: &QueryState, (position, value): (usize, Value), options: &WriteOptions) -> Result<u64> {
    let model = &query.model;
    let mut deleted = bound(model, position, &value);
    if query.clauses.deleted != Deleted::Hidden && matches!(model.soft_delete, Some(SoftDelete::Timestamp { .. })) {
        // A row that is deleted already keeps its first instant.
        deleted = Expr::call(Func::Coalesce, vec![column(model, position), deleted]);
    }
    let mut set = vec![(model.columns[position].column.clone(), deleted)];
    if let (Some(updated), false) = (model.timestamps.updated, options.silent) {
        set.push((model.columns[updated].column.clone(), bound(model, updated, &now_for(&model.columns[updated], db))));
    }
    set.extend(marks(db, model, options)?);
    let update = statement(db, query, set, false, &options.tags)?;
    Ok(run_statement(db, update, query, options, "destroy_all").await?.0)
}

async fn run_destroy(db: &Db, query: &QueryState, options: &WriteOptions) -> Result<u64> {
    let model = &query.model;
    if let Some(written) = deletion(model, db).filter(|_| !options.force) {
        return mark(db, query, written, options).await;
    }
    let mut query = query.clone();
    if options.force {
        query.clauses.deleted = Deleted::Included;
    }
    let render = |query: &QueryState, _: &[(usize, Expr)]| {
        let delete = Delete {
            table: model.table.clone(),
            filter: plan::write_filter(query, &db.models())?,
            order_by: plan::write_order(query, &db.models())?,
            limit: query.clauses.limit,
            key: model.key_columns().map(|column| column.column.clone()).collect(),
            returning: Vec::new(),
            tags: options.tags.clone(),
        };
        db.render(&Statement::Delete(Box::new(delete)))
    };
    let (text, params) = plan::prepare_write(db, b'x', options.tags.is_empty(), (&query, &[], false), &render)?;
    let step = Step { text, params: Params::Fixed(params), sink: Box::new(Discard), cache: true };
    let done = run_one(db, step, options.run("destroy_all", &model.name)).await.map_err(|error| named(error, model))?;
    Ok(done.affected)
}

/// Empties a table.
pub(crate) async fn truncate(db: &Db, model: &ModelDef, restart_identity: bool, cascade: bool, options: &WriteOptions) -> Result<()> {
    writable(model)?;
    if let Some(known) = db.models().by_name(&model.name).filter(|known| hook::captures(db, known)) {
        // Listeners of changes miss nothing, so the rows are deleted by a statement that can be followed.
        let mut query = QueryState::new(known);
        query.clauses.unscoped = true;
        let write = WriteOptions { force: true, ..options.clone() };
        let all = DestroyOptions { write, every_row: true, returning: false, individual_hooks: false };
        destroy_all(db, query, &all).await?;
        if db.is_in_transaction() && !db.dialect().transactional_ddl() {
            return Ok(());
        }
    }
    let counted = model.columns.iter().any(|column| column.auto_increment);
    let ddl = Ddl::Truncate { tables: vec![model.table.clone()], restart_identity, counted, cascade };
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
        db.execute_plain(sql, options.site).await.map_err(|error| named(error, model))?;
    }
    Ok(())
}
