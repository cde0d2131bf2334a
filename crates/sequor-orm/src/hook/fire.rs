//! How the hooks of a moment run: in order, at most sixteen deep, and none may take the engine down.

use super::{AnyChange, Declared, HookContext, HookKind, HookSubject, Operation, ReadRows, SkipHooks, behaviors};
use crate::db::Db;
use crate::write::{RowState, WriteOptions};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How deep hooks may write within hooks.
const DEEPEST: usize = 16;

/// How long an observer may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    static CHAIN: Vec<String>;
}

/// Runs all hooks of a moment: declared ones, then those of the table.
pub(crate) async fn fire(
    db: &Db,
    model: &Arc<ModelDef>,
    kind: HookKind,
    mut subject: HookSubject<'_>,
    options: &WriteOptions,
) -> Result<()> {
    if !options.hooks {
        return Ok(());
    }
    let mut declared = declared(model);
    let mut entries = db.hook_table().of(&model.name, kind);
    if declared.is_none() && entries.is_empty() {
        return Ok(());
    }
    let extras = options.extras(db);
    if let Some(skipped) = extras.get::<SkipHooks>().filter(|_| !kind.is_mandatory()) {
        declared = declared.filter(|_| !skipped.has(kind.name()));
        entries.retain(|entry| !skipped.has(&entry.name) && !skipped.has(kind.name()));
    }
    let mut chain = CHAIN.try_with(Clone::clone).unwrap_or_default();
    chain.push(format!("{}.{}", model.name, kind.name()));
    if chain.len() > DEEPEST {
        return Err(Error::hook(kind.name(), format!("hooks call each other without end: {}", chain.join(" → "))));
    }
    let context = HookContext { db, kind, model, extras: &extras };
    CHAIN
        .scope(chain, async {
            if let Some(declared) = declared {
                guarded(kind.name(), || declared.run(kind, reborrow(&mut subject), &context)).await?;
            }
            for entry in entries {
                guarded(&entry.name, || (entry.run)(reborrow(&mut subject), &context)).await?;
            }
            Ok(())
        })
        .await
}

/// Runs one hook; its panic is an error like any other of its own.
async fn guarded<'a>(name: &str, run: impl FnOnce() -> BoxFuture<'a, Result<()>>) -> Result<()> {
    let panicked = || Error::hook(name, "the hook panicked; nothing of its write is stored");
    let Ok(mut running) = catch_unwind(AssertUnwindSafe(run)) else { return Err(panicked()) };
    let result = std::future::poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))).unwrap_or_else(|_| Poll::Ready(Err(panicked())))
    })
    .await;
    result.map_err(|error| refused(name, error))
}

/// An error of our own stays what it is; another one is named by its hook.
fn refused(hook: &str, error: Error) -> Error {
    match error {
        Error::Other(source) => Error::Hook { hook: hook.to_owned(), source },
        own => own,
    }
}

fn reborrow<'b>(subject: &'b mut HookSubject<'_>) -> HookSubject<'b> {
    match subject {
        HookSubject::Row(row) => HookSubject::Row(row),
        HookSubject::Rows(rows) => HookSubject::Rows(rows),
        HookSubject::Bulk(bulk) => HookSubject::Bulk(bulk),
        HookSubject::Query(query) => HookSubject::Query(query),
        HookSubject::Change(change) => HookSubject::Change(change),
        HookSubject::Failed(row, error) => HookSubject::Failed(row, error),
        HookSubject::Read(rows) => HookSubject::Read(rows),
        HookSubject::Moment => HookSubject::Moment,
    }
}

fn declared(model: &ModelDef) -> Option<&'static dyn Declared> {
    behaviors(model)?.declared.filter(|declared| declared.has_hooks())
}

/// Whether hooks run around the statement of a write, so that all of it belongs into one transaction.
pub(crate) fn needs_transaction(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    let table = db.hook_table();
    (options.hooks && (declared(model).is_some() || table.has(&model.name, HookKind::WRITES)))
        || table.has(&model.name, &[HookKind::AfterChange])
}

/// Whether somebody wants to know which rows a write of many changed.
pub(crate) fn captures(db: &Db, model: &ModelDef) -> bool {
    declared(model).is_some()
        || db.hook_table().has_observers()
        || db.hook_table().has(&model.name, &[HookKind::AfterChange, HookKind::AfterCommit])
}

/// Tells the listeners of changes what happened to a row: in its transaction, and once it is durable.
pub(crate) async fn changed(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = after.or(before).map(|row| row.model.clone()) else { return Ok(()) };
    if !captures(db, &model) {
        return Ok(());
    }
    let Some(change) = AnyChange::new(operation, before, after) else { return Ok(()) };
    // Listeners of changes are mandatory: hooks(false) does not skip them.
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    fire(db, &model, HookKind::AfterChange, HookSubject::Change(&change), &mandatory).await?;
    let listens = declared(&model).is_some() || db.hook_table().has(&model.name, &[HookKind::AfterCommit]);
    if !listens && !db.hook_table().has_observers() {
        return Ok(());
    }
    let outside = Db { tx: None, detached: true, ..db.clone() };
    db.after_commit(async move {
        observe(&outside, &change);
        if let Err(error) = fire(&outside, &model, HookKind::AfterCommit, HookSubject::Change(&change), &mandatory).await {
            outside.hook_table().failed();
            tracing::error!(%error, model = %model.name, "an after_commit hook failed; the commit stands");
        }
    });
    Ok(())
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

/// Whether somebody wants to know which rows are read.
pub(crate) fn reads_are_told(db: &Db) -> bool {
    db.hook_table().has("", &[HookKind::AfterRead])
}

/// Tells which rows were read; an error withholds them.
pub(crate) async fn tell_reads(db: &Db, reads: Vec<ReadRows>, options: &WriteOptions) -> Result<()> {
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    for rows in reads {
        fire(db, &rows.model, HookKind::AfterRead, HookSubject::Read(&rows), &mandatory).await?;
    }
    Ok(())
}
