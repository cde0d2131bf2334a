//! Many rows at once: one batch, keys back in the order of the input.

mod conflict;
mod met;
mod rows;
mod tree;

use super::create::{prepare_at, remember};
use super::fill::Moment;
use super::insert::writable;
use super::{RowState, WriteOptions};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::validate;
pub(crate) use conflict::covered_key;
use met::{created, met};
use rows::insert_rows;
use sequor_core::error::{Error, Result, ValidationError};

/// What a bulk write may say.
#[derive(Clone, Debug)]
pub(crate) struct BulkOptions {
    pub(crate) write: WriteOptions,
    /// What happens to rows whose key is taken.
    pub(crate) duplicates: OnDuplicate,
    /// Row hooks run for each row.
    pub(crate) individual_hooks: bool,
    /// The rows come back.
    pub(crate) returning: bool,
    /// The answer remembers what is stored: records are saved again, typed rows are decoded at once.
    pub(crate) records: bool,
}

/// What happens to rows whose key is taken.
#[derive(Clone, Debug, Default)]
pub(crate) enum OnDuplicate {
    /// The whole write fails.
    #[default]
    Fail,
    /// They are left out.
    Ignore,
    /// These fields of the old row are set; the key is found, or given.
    Update { fields: Vec<usize>, key: Option<Vec<usize>> },
}

/// Creates many rows in one transaction.
pub(crate) async fn bulk_create(db: &Db, rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(rows) };
    let model = first.model.clone();
    writable(&model)?;
    if hook::needs_transaction(db, &model, &options.write) {
        return Box::pin(db.in_transaction(async move |tx| create_all(tx, rows, options).await)).await;
    }
    create_all(db, rows, options).await
}

async fn create_all(db: &Db, mut rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    prepare_all(db, &mut rows, &options.write)?;
    create_prepared(db, rows, options).await
}

/// Setters and defaults of all rows, which are created at one moment.
fn prepare_all(db: &Db, rows: &mut [RowState], options: &WriteOptions) -> Result<()> {
    let moment = Moment::of(db);
    rows.iter_mut().try_for_each(|row| prepare_at(row, &moment, options))
}

/// Creates rows whose setters ran and whose defaults are filled.
async fn create_prepared(db: &Db, mut rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(rows) };
    let model = first.model.clone();
    hook::fire(db, &model, HookKind::BeforeBulkCreate, HookSubject::Rows(&mut rows), &options.write).await?;
    let graph = rows.iter().any(|row| !row.children.is_empty());
    if options.write.validate {
        // The hooks of validation belong to rows that have hooks of their own.
        let hooks = options.write.hooks && options.individual_hooks;
        validate_rows(db, &mut rows, &WriteOptions { hooks, ..options.write.clone() }).await?;
        for row in rows.iter().filter(|row| !row.children.is_empty()) {
            super::graph::check(db, row, &[], &options.write)?;
        }
    }
    let validated = WriteOptions { validate: false, ..options.write.clone() };
    let by_row = options.individual_hooks || (graph && !matches!(options.duplicates, OnDuplicate::Fail));
    let quiet = !by_row && !graph && !hook::needs_transaction(db, &model, &options.write) && !hook::captures(db, &model);
    if quiet {
        // Nobody looks on: one batch, which is a transaction of its own.
        let mut stored = insert_rows(db, rows, options).await?;
        if options.records {
            stored.iter_mut().for_each(remember);
        }
        return Ok(stored);
    }
    let watched = db.in_transaction(async move |tx| {
        if by_row {
            let mut stored = Vec::with_capacity(rows.len());
            for row in rows {
                stored.push(if row.children.is_empty() && !matches!(options.duplicates, OnDuplicate::Fail) {
                    insert_with_hooks(tx, row, options).await?
                } else if row.children.is_empty() {
                    super::create::create_one(tx, row, &validated, &[]).await?
                } else {
                    super::graph::create_graph(tx, row, &options.write).await?
                });
            }
            return Ok(stored);
        }
        let met = met(tx, &rows, options).await?;
        let mut stored = if graph { tree::insert_tree(tx, rows, options).await? } else { insert_rows(tx, rows, options).await? };
        stored.iter_mut().for_each(remember);
        created(tx, &stored, &met, false, options).await?;
        Ok(stored)
    });
    let mut stored = Box::pin(watched).await?;
    hook::fire(db, &model, HookKind::AfterBulkCreate, HookSubject::Rows(&mut stored), &options.write).await?;
    stored.iter_mut().for_each(remember);
    Ok(stored)
}

/// One row of a bulk write with its own hooks and the conflict clause of the whole. A row that was left out fires no after-hooks.
async fn insert_with_hooks(db: &Db, mut row: RowState, options: &BulkOptions) -> Result<RowState> {
    let model = row.model.clone();
    hook::fire_saving(db, &mut [&mut row], [HookKind::BeforeCreate, HookKind::BeforeSave], None, &options.write).await?;
    let met = met(db, std::slice::from_ref(&row), options).await?;
    let mut stored = insert_rows(db, vec![row], options).await?.pop().ok_or_else(|| Error::bug("an insert gave no row back"))?;
    remember(&mut stored);
    let is_there = model.primary_key.iter().all(|position| stored.values[*position].as_ref().is_some_and(|value| !value.is_null()));
    if !is_there {
        return Ok(stored);
    }
    let told = stored.as_it_is();
    hook::fire_created(db, &mut stored, &options.write).await?;
    created(db, std::slice::from_ref(&told), &met, true, options).await?;
    Ok(stored)
}

/// All failures of all rows at once.
async fn validate_rows(db: &Db, rows: &mut [RowState], options: &WriteOptions) -> Result<()> {
    let mut items = Vec::new();
    let heard = rows.first().is_some_and(|row| validate::is_heard(db, &row.model, options));
    for (number, row) in rows.iter_mut().enumerate() {
        // The rows that it belongs to, which hang on it, give their keys later.
        let implied = super::graph::implied_by_parents(db, row)?;
        let checked = if heard { validate::run(db, row, options, &implied).await } else { validate::check(row, options, &implied) };
        match checked {
            Ok(()) => {}
            Err(Error::Validation(error)) => items.extend(error.items.into_iter().map(|mut item| {
                item.record = Some(number);
                item
            })),
            Err(other) => return Err(other),
        }
    }
    if items.is_empty() { Ok(()) } else { Err(Error::Validation(ValidationError { items, bulk: true })) }
}
