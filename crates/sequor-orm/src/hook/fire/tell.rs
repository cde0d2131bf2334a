//! Telling what happened: changes to their listeners, in the transaction and once they are durable, and rows that were read.

use super::{Called, call_on_changes, fire, fire_row, once_durable};
use crate::db::Db;
use crate::hook::heard::{declared, listens, reads_are_told, rows_are_asked_for};
use crate::hook::{AnyChange, Changes, HookKind, HookSubject, Operation, ReadRows};
use crate::write::{RowState, WriteOptions, parents};
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use std::sync::Arc;
use std::time::Duration;

/// How long an observer may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells of a row that a write of many changed, and the rows that it belongs to.
pub(crate) async fn changed_among_many(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    tell_among_many(db, operation, before, after, options).await?;
    followed(db, vec![(before, after)], options).await
}

/// Tells of a row that a write of many changed: the hooks of one row that asked for it, then the listeners of changes.
async fn tell_among_many(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(row) = after.or(before) else { return Ok(()) };
    if options.hooks && rows_are_asked_for(db, &row.model) {
        let mut row = row.clone();
        if let (Some(before), Some(_)) = (before, after) {
            row.original = before.original.clone().or_else(|| before.values.iter().cloned().collect());
        }
        let kinds: &[HookKind] = match operation {
            Operation::Create => &[HookKind::AfterCreate, HookKind::AfterSave],
            Operation::Update => &[HookKind::AfterUpdate, HookKind::AfterSave],
            Operation::Destroy => &[HookKind::AfterDestroy],
            Operation::Restore => &[HookKind::AfterRestore],
        };
        for kind in kinds {
            fire_row(db, &mut row, *kind, operation, options).await?;
        }
    }
    tell(db, operation, before, after, options).await
}

/// [`tell_among_many`] for all rows of one model that a statement changed.
pub(crate) async fn tell_all(db: &Db, operation: Operation, pairs: &[parents::Pair<'_>], options: &WriteOptions) -> Result<()> {
    let Some(model) = pairs.iter().find_map(|(before, after)| after.or(*before)).map(|row| row.model.clone()) else { return Ok(()) };
    if options.hooks && rows_are_asked_for(db, &model) {
        for (before, after) in pairs {
            tell_among_many(db, operation, *before, *after, options).await?;
        }
        return Ok(());
    }
    tell_listeners(db, &model, operation, pairs, options).await
}

/// Tells the listeners of changes, if there are any, what happened to these rows of one model.
async fn tell_listeners(
    db: &Db,
    model: &Arc<ModelDef>,
    operation: Operation,
    pairs: &[parents::Pair<'_>],
    options: &WriteOptions,
) -> Result<()> {
    if !listens(db, model) {
        return Ok(());
    }
    let changes = pairs.iter().filter_map(|(before, after)| AnyChange::new(operation, *before, *after)).collect();
    tell_changes(db, model, Changes::Listed(changes), options).await
}

/// Calls the listeners of changes, and leaves those that wait for the commit to it.
pub(crate) async fn tell_changes(db: &Db, model: &Arc<ModelDef>, changes: Changes, options: &WriteOptions) -> Result<()> {
    let changes = changes.signed(crate::write::actor_of(&options.extras(db)).as_ref(), db.transaction_id());
    // Listeners of changes are mandatory: hooks(false) does not skip them.
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    let called =
        Called { declared: declared(model), table: db.hook_table().of(&model.name, HookKind::AfterChange), rows: false, operation: None };
    if called.declared.is_some() || !called.table.is_empty() {
        Box::pin(call_on_changes(db, model, &changes, &mandatory, called)).await?;
    }
    let heard = declared(model).is_some() || db.hook_table().has(&model.name, &[HookKind::AfterCommit]);
    if !heard && !db.hook_table().has_observers() {
        return Ok(());
    }
    let (outside, model) = (Db { tx: None, detached: true, ..db.clone() }, model.clone());
    let durable = async move {
        let mut changes = changes.walk();
        while let Some(change) = changes.next() {
            observe(&outside, change);
            if let Err(error) = fire(&outside, &model, HookKind::AfterCommit, HookSubject::Change(change), &mandatory).await {
                outside.hook_table().failed();
                tracing::error!(%error, model = %model.name, "hooks after a commit did not run; the commit stands");
            }
        }
    };
    if !db.is_in_transaction() {
        // The change is durable already.
        Box::pin(durable).await;
    } else {
        once_durable(db, durable);
    }
    Ok(())
}

/// Tells the listeners of changes what happened to a row, and the rows that it belongs to.
pub(crate) async fn changed(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    tell(db, operation, before, after, options).await?;
    followed(db, vec![(before, after)], options).await
}

/// Counts and touches the rows that some written rows of one model belong to.
pub(crate) async fn followed(db: &Db, pairs: Vec<parents::Pair<'_>>, options: &WriteOptions) -> Result<()> {
    let model = pairs.iter().find_map(|(before, after)| after.or(*before)).map(|row| row.model.clone());
    match model.filter(|model| parents::has_followers(model)) {
        Some(model) => parents::follow(db, &model, pairs, options).await,
        None => Ok(()),
    }
}

/// Tells the listeners of changes what happened to a row: in its transaction, and once it is durable.
pub(crate) async fn tell(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = after.or(before).map(|row| row.model.clone()) else { return Ok(()) };
    tell_listeners(db, &model, operation, &[(before, after)], options).await
}

/// Observers cannot change the outcome: each runs in a task of its own, for at most 5 s, whatever it does.
fn observe(db: &Db, change: &AnyChange) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    for (name, observer) in db.hook_table().observers() {
        let (change, db) = (change.clone(), db.clone());
        runtime.spawn(async move {
            let work = tokio::task::spawn_blocking(move || observer(&change));
            match tokio::time::timeout(PATIENCE, work).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::error!(%error, observer = name, "an observer panicked"),
                Err(_) => tracing::error!(observer = name, "an observer took longer than 5 s"),
            }
            db.hook_table().failed();
        });
    }
}

/// Tells that a row was read.
pub(crate) async fn tell_read(db: &Db, row: &RowState, options: &WriteOptions) -> Result<()> {
    if !reads_are_told(db) {
        return Ok(());
    }
    let key = row.model.primary_key.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect();
    tell_reads(db, vec![ReadRows { model: row.model.clone(), keys: vec![key] }], options).await
}

/// Tells which rows were read; an error withholds them.
pub(crate) async fn tell_reads(db: &Db, reads: Vec<ReadRows>, options: &WriteOptions) -> Result<()> {
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    for rows in reads {
        fire(db, &rows.model, HookKind::AfterRead, HookSubject::Read(&rows), &mandatory).await?;
    }
    Ok(())
}
