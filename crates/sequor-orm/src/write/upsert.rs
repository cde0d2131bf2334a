//! Upsert and find-or-create: safe when many do it at once.

use super::bulk::covered_key;
use super::create::{create_one, prepare};
use super::insert::{bound, insert_one, insert_telling, written};
use super::{RowState, WriteOptions};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{find_rows, find_rows_hooked};
use crate::query::{Deleted, QueryState};
use crate::validate;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{BinaryOp, Conflict, ConflictAction, Expr, Lock, LockMode, LockWait};
use std::time::Duration;

/// Inserts a row, or changes the one of its key; gives the row and whether it is new. Without `key` it is found among the unique ones; an empty one
/// means none.
pub(crate) async fn upsert(
    db: &Db,
    state: RowState,
    fields: Option<Vec<usize>>,
    key: Option<Vec<usize>>,
    options: &WriteOptions,
) -> Result<(RowState, bool)> {
    if !hook::needs_transaction(db, &state.model, options) {
        return upsert_one(db, state, fields, key, options).await;
    }
    db.in_transaction(async move |tx| upsert_one(tx, state, fields, key, options).await).await
}

/// How often something is tried that a deadlock ended.
const ATTEMPTS: u32 = 12;

/// Tries again what a deadlock ended, where it began its own transaction: all of that is undone, and nobody else has seen of it. MySQL's look-ups of a row that is not
/// there yet lock the gap, so that of several who want to fill it all but one may be ended.
#[derive(Default)]
struct Patience {
    tried: u32,
}

impl Patience {
    async fn wait(&mut self, db: &Db, error: Error) -> Result<()> {
        self.tried += 1;
        if !matches!(error, Error::Deadlock { .. }) || self.tried >= ATTEMPTS || db.is_in_transaction() {
            return Err(error);
        }
        tokio::time::sleep(crate::db::jittered(Duration::from_millis(2) * (1 << self.tried.min(7)))).await;
        Ok(())
    }
}

/// Whether the statement itself tells all that anybody wants to know: whether the row is new, and nobody asks what it was before.
fn is_told(db: &Db, state: &RowState) -> bool {
    db.dialect().upsert_tells() && !hook::captures(db, &state.model)
}

async fn upsert_one(
    db: &Db,
    mut state: RowState,
    fields: Option<Vec<usize>>,
    key: Option<Vec<usize>>,
    options: &WriteOptions,
) -> Result<(RowState, bool)> {
    let given: Vec<usize> = (0..state.values.len()).filter(|position| state.gives(*position)).collect();
    let model = state.model.clone();
    prepare(&mut state, db, options)?;
    // Sequelize writes what hooks set to a new row alone.
    let asks = options.hooks && fields.is_none() && !options.is_sequelizes();
    let before = asks.then(|| state.values.clone());
    // As in Sequelize, a run-time model checks what is given: what is missing is the database's to refuse.
    let missing: Vec<usize> = (0..state.values.len()).filter(|position| options.is_sequelizes() && !state.gives(*position)).collect();
    validate::run(db, &mut state, options, &missing).await?;
    hook::fire(db, &model, HookKind::BeforeUpsert, HookSubject::Row(&mut state), options).await?;
    let key = match key {
        Some(key) => key,
        None => covered_key(&model, &given)?,
    };
    let changed = |position: usize| before.as_ref().is_some_and(|before| before.get(position) != state.values.get(position));
    // What was given, and what the hooks set beside it; a default is none of both.
    let written = |position: &usize| (given.contains(position) || changed(*position)) && !key.contains(position);
    let mut set = fields.unwrap_or_else(|| (0..state.values.len()).filter(written).collect());
    set.retain(|position| Some(*position) != model.timestamps.created && model.columns[*position].generated.is_none());
    if let Some(updated) = model.timestamps.updated
        && !set.contains(&updated)
    {
        set.push(updated);
    }
    if let Some(updated) = model.userstamps.1.filter(|updated| state.gives(*updated) && !set.contains(updated)) {
        set.push(updated);
    }
    set.retain(|position| Some(*position) != model.userstamps.0);
    let (mut stored, created) = if key.is_empty() {
        (insert_free(db, &state, options).await?, true)
    } else if is_told(db, &state) {
        upsert_told(db, &state, &key, &set, options).await?
    } else {
        let mut patience = Patience::default();
        loop {
            let (state, key, set) = (state.clone(), key.clone(), set.clone());
            match db.in_transaction(async move |tx| upsert_locked(tx, &state, &key, &set, options).await).await {
                Ok(told) => break told,
                Err(error) => patience.wait(db, error).await?,
            }
        }
    };
    hook::fire(db, &stored.model.clone(), HookKind::AfterUpsert, HookSubject::Row(&mut stored), options).await?;
    Ok((stored, created))
}

/// What a conflict on the key changes: fields of the list that the insert writes, and the version.
fn conflict(state: &RowState, key: &[usize], set: &[usize]) -> (Conflict, bool) {
    let model = &state.model;
    let column = |position: &usize| model.columns[*position].column.clone();
    let proposed = |position: &usize| (column(position), Expr::Proposed(column(position)));
    let writes = written(state);
    let mut changes: Vec<_> = set.iter().filter(|position| writes.contains(position)).map(proposed).collect();
    if let Some(version) = model.version {
        let raised = super::save::column(model, version).binary(BinaryOp::Add, bound(model, version, &Value::I64(1)));
        changes.push((column(&version), raised));
    }
    let empty = changes.is_empty();
    let action = if empty { ConflictAction::Nothing } else { ConflictAction::Update(changes) };
    (Conflict { target: key.iter().map(column).collect(), target_filter: model.key_condition(key), action }, empty)
}

/// A row without a key to meet an old one by is new.
async fn insert_free(db: &Db, state: &RowState, options: &WriteOptions) -> Result<RowState> {
    let values = insert_one(db, state, None, options).await?.ok_or_else(|| Error::bug("an insert gave no row back"))?;
    let stored = RowState::stored(state.model.clone(), values);
    hook::changed(db, hook::Operation::Create, None, Some(&stored), options).await?;
    Ok(stored)
}

/// One statement, which tells whether the row is new.
async fn upsert_told(db: &Db, state: &RowState, key: &[usize], set: &[usize], options: &WriteOptions) -> Result<(RowState, bool)> {
    let (mut conflict, empty) = conflict(state, key, set);
    if empty {
        // A conflict that changes nothing gives no row back; one that sets the key to itself does.
        let same = |column: &sequor_core::Name| (column.clone(), Expr::Proposed(column.clone()));
        conflict.action = ConflictAction::Update(conflict.target.iter().take(1).map(same).collect());
    }
    let told = insert_telling(db, state, conflict, options).await?;
    let (values, created) = told.ok_or_else(|| Error::bug("an upsert gave no row back"))?;
    Ok((RowState::stored(state.model.clone(), values), created))
}

/// A locked look-up and the statement: the look-up tells what the row was before, and whether there was one.
async fn upsert_locked(db: &Db, state: &RowState, key: &[usize], set: &[usize], options: &WriteOptions) -> Result<(RowState, bool)> {
    let model = &state.model;
    let before = locked(db, state, key, options).await?;
    let values = insert_one(db, state, Some(conflict(state, key, set).0), options).await?;
    let (stored, met_otherwise) = match values {
        Some(values) => (RowState::stored(model.clone(), values), false),
        None => match locked(db, state, key, options).await? {
            Some(stored) => (stored, false),
            None => (met_otherwise(db, state, key, options).await?, true),
        },
    };
    let created = before.is_none() && !met_otherwise;
    let operation = if created { hook::Operation::Create } else { hook::Operation::Update };
    hook::changed(db, operation, before.as_ref(), Some(&stored), options).await?;
    Ok((stored, created))
}

/// The row that an upsert has met by another unique key than its own, as MySQL's may.
async fn met_otherwise(db: &Db, state: &RowState, key: &[usize], options: &WriteOptions) -> Result<RowState> {
    let model = &state.model;
    let given = |position: &usize| state.values[*position].as_ref().is_some_and(|value| !value.is_null());
    for other in model.unique_keys().iter().filter(|other| *other != key && other.iter().all(given)) {
        if let Some(row) = locked(db, state, other, options).await? {
            return Ok(row);
        }
    }
    Err(Error::not_found(model.name.to_string()))
}

/// The row of a key, locked: tells whether the row is new, which no database's answer does alike.
async fn locked(db: &Db, state: &RowState, key: &[usize], options: &WriteOptions) -> Result<Option<RowState>> {
    let mut query = QueryState::new(state.model.clone());
    for position in key {
        let value = state.values[*position].clone().unwrap_or_default();
        let field = Expr::Field(crate::plan::field(&state.model, *position));
        query.clauses.filters.push(crate::model::compare(BinaryOp::Equal, field, bound(&state.model, *position, &value)));
    }
    query.clauses.unscoped = true;
    // Of a key among live rows a deleted row may have the same value.
    let among_live = state.model.key_condition(key).is_some();
    query.clauses.deleted = if among_live { Deleted::Hidden } else { Deleted::Included };
    query.clauses.lock = Some(Lock { mode: LockMode::Update, of: Vec::new(), wait: LockWait::Block });
    Ok(find_rows(db, query, options.site).await?.pop())
}

/// Whether a field of a taken key stands in the conditions of a query.
fn is_looked_for(error: &Error, query: &QueryState) -> bool {
    fn named(expr: &mut Expr, fields: &[String]) -> bool {
        match expr {
            Expr::Field(field) => field.path.is_empty() && fields.iter().any(|known| field.name == known.as_str()),
            other => {
                let mut found = false;
                let _: std::result::Result<(), ()> = sequor_core::statement::walk(other, &mut |inner| {
                    found |= named(inner, fields);
                    Ok(())
                });
                found
            }
        }
    }
    let Error::UniqueConstraint { fields, .. } = error else { return false };
    query.clauses.filters.iter().cloned().any(|mut filter| named(&mut filter, fields))
}

/// Finds a row, or creates it; of many at once exactly one creates.
pub(crate) async fn find_or_create(db: &Db, query: QueryState, state: RowState, options: &WriteOptions) -> Result<(RowState, bool)> {
    if query.clauses.filters.is_empty() {
        return Err(Error::MissingFilter { model: query.model.name.to_string(), operation: "find_or_create".into() });
    }
    let mut find = query;
    find.clauses.limit = Some(1);
    find.clauses.unordered = true;
    let mut patience = Patience::default();
    loop {
        match found_or_created(db, find.clone(), state.clone(), options).await {
            Ok(told) => return Ok(told),
            Err(error) => patience.wait(db, error).await?,
        }
    }
}

async fn found_or_created(db: &Db, find: QueryState, state: RowState, options: &WriteOptions) -> Result<(RowState, bool)> {
    let found = find_rows_hooked(db, find.clone(), options.hooks, options.site).await?.pop();
    if let Some(found) = found {
        hook::tell_read(db, &found, options).await?;
        return Ok((found, false));
    }
    create_unless_there(db, find, state, options).await
}

/// Creates a row that was not found; where somebody else was faster, theirs is found.
pub(crate) async fn create_unless_there(
    db: &Db,
    mut find: QueryState,
    mut state: RowState,
    options: &WriteOptions,
) -> Result<(RowState, bool)> {
    prepare(&mut state, db, options)?;
    let created = db
        .in_savepoint(async |tx| {
            if state.children.is_empty() {
                create_one(tx, state.clone(), options, &[]).await
            } else {
                super::graph::create_graph(tx, state.clone(), options).await
            }
        })
        .await;
    match created {
        Ok(row) => Ok((row, true)),
        // Somebody else was faster: the row is there now, or the key that is taken is another one.
        Err(error) if matches!(error, Error::UniqueConstraint { .. }) => {
            // Hooks hear of a second look where the key that is taken is one that was looked for.
            let hooks = options.hooks && is_looked_for(&error, &find);
            if db.is_in_transaction() && !matches!(db.dialect(), sequor_sql::Dialect::Sqlite | sequor_sql::Dialect::Postgres) {
                // A repeatable snapshot would not show the other's row; a locking read does.
                find.clauses.lock = Some(Lock { mode: LockMode::Share, of: Vec::new(), wait: LockWait::Block });
            }
            match find_rows_hooked(db, find, hooks, options.site).await?.pop() {
                Some(found) => {
                    hook::tell_read(db, &found, options).await?;
                    Ok((found, false))
                }
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}
