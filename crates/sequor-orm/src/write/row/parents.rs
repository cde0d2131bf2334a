//! What a written row does to the rows that it belongs to: `counter_cache` counts it there, `touch` sets their `updated_at`.

use crate::db::Db;
use crate::load::{KeyHash, find_rows};
use crate::plan;
use crate::query::{Deleted, QueryState};
use crate::write::fill::now_for;
use crate::write::insert::bound;
use crate::write::update::{UpdateOptions, update_all};
use crate::write::{RowState, WriteOptions};
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, ModelDef, RelationDef};
use sequor_core::statement::{BinaryOp, Expr, Func, Lock, LockMode, LockWait, LogicalQuery, QueryUse, SelectItem};
use std::collections::HashMap;
use std::sync::Arc;

/// A row before and after a write.
pub(crate) type Pair<'a> = (Option<&'a RowState>, Option<&'a RowState>);

/// Whether rows of a model are counted by others, or touch them.
pub(crate) fn has_followers(model: &ModelDef) -> bool {
    followed(model).next().is_some()
}

fn followed(model: &ModelDef) -> impl Iterator<Item = &RelationDef> {
    model.relations.iter().filter(|relation| relation.touch || relation.counter_cache.is_some())
}

/// Counts and touches the rows that some written rows of one model belong to, or belonged to: one statement for each step up or down.
pub(crate) fn follow<'a>(db: &'a Db, model: &'a ModelDef, pairs: Vec<Pair<'a>>, options: &'a WriteOptions) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        for relation in followed(model) {
            let link = relation.link(model, &db.models())?;
            let mut steps: HashMap<KeyHash, (Vec<Value>, i64)> = HashMap::new();
            for (before, after) in &pairs {
                for (row, step) in [(before, -1), (after, 1)] {
                    let Some(key) = row.and_then(|row| key_of(row, &link)) else { continue };
                    let counted = row.is_some_and(lives);
                    let entry = steps.entry(KeyHash::new(&key)).or_insert((key, 0));
                    entry.1 += if counted { step } else { 0 };
                }
            }
            let mut groups: HashMap<i64, Vec<Vec<Value>>> = HashMap::new();
            for (key, step) in steps.into_values() {
                groups.entry(step).or_default().push(key);
            }
            for (step, keys) in groups {
                let count = relation.counter_cache.is_some() && step != 0;
                let value = |position: usize, target: &ModelDef| {
                    Expr::Field(plan::field(target, position)).binary(BinaryOp::Add, bound(target, position, &Value::I64(step)))
                };
                write(db, relation, &link, keys, count.then_some(&value), options).await?;
            }
        }
        Ok(())
    })
}

/// Locks the rows that some rows are about to belong to, where the key that is checked takes a lock which would have to be raised for the
/// counter: two writers would wait for each other (MySQL, MariaDB).
pub(crate) async fn reserve(db: &Db, rows: &[RowState], options: &WriteOptions) -> Result<()> {
    let Some(first) = rows.first().filter(|row| db.dialect().is_mysql() && has_followers(&row.model)) else { return Ok(()) };
    for relation in followed(&first.model) {
        let link = relation.link(&first.model, &db.models())?;
        lock(db, &link, keys_of(rows, &link), options).await?;
    }
    Ok(())
}

async fn lock(db: &Db, link: &Link, keys: Vec<Vec<Value>>, options: &WriteOptions) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    locked(db, &link.target, &link.columns, keys, options).await.map(drop)
}

/// The rows that have these values in some columns, whatever their scope, locked.
pub(crate) async fn locked(
    db: &Db,
    model: &Arc<ModelDef>,
    positions: &[usize],
    values: Vec<Vec<Value>>,
    options: &WriteOptions,
) -> Result<Vec<RowState>> {
    let mut query = of_values(model, positions, values);
    query.clauses.lock = Some(Lock { mode: LockMode::NoKeyUpdate, of: Vec::new(), wait: LockWait::Block });
    find_rows(db, query, options.site).await
}

/// Whether a write of these fields moves rows from one of those who count or are touched to another.
pub(crate) fn moves(db: &Db, model: &ModelDef, fields: &[usize]) -> Result<bool> {
    for relation in followed(model) {
        if relation.link(model, &db.models())?.source.iter().any(|position| fields.contains(position)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The keys of the rows that some rows belong to, each once.
fn keys_of(rows: &[RowState], link: &Link) -> Vec<Vec<Value>> {
    let keys: HashMap<KeyHash, Vec<Value>> = rows.iter().filter_map(|row| key_of(row, link)).map(|key| (KeyHash::new(&key), key)).collect();
    keys.into_values().collect()
}

/// Counts anew for the rows that some rows belong to: after a write that does not tell which rows were there before.
pub(crate) async fn recount(db: &Db, model: &Arc<ModelDef>, rows: &[RowState], options: &WriteOptions) -> Result<()> {
    for relation in followed(model) {
        let link = relation.link(model, &db.models())?;
        let keys = keys_of(rows, &link);
        if keys.is_empty() {
            continue;
        }
        // Who waits for the lock counts what the one before it has written.
        lock(db, &link, keys.clone(), options).await?;
        let value = |_: usize, target: &ModelDef| children(model, target, &link);
        write(db, relation, &link, keys, relation.counter_cache.is_some().then_some(&value), options).await?;
    }
    Ok(())
}

/// `(SELECT count(*) FROM children WHERE key = ..)`.
fn children(model: &Arc<ModelDef>, target: &ModelDef, link: &Link) -> Expr {
    let mut query = QueryState::new(model.clone());
    query.clauses.unscoped = true;
    query.clauses.select = Some(vec![SelectItem::new(Expr::call(Func::Count, vec![Expr::Star]))]);
    for (own, theirs) in link.source.iter().zip(&link.columns) {
        let parent = Expr::Outer(Box::new(Expr::Field(plan::field(target, *theirs))));
        query.clauses.filters.push(Expr::Field(plan::field(model, *own)).binary(BinaryOp::Equal, parent));
    }
    Expr::Query(LogicalQuery { state: Arc::new(query), usage: QueryUse::Scalar })
}

/// Writes the counter, if it changes, and `updated_at`, if the relation touches it. Hooks do not run; listeners of changes are told.
async fn write(
    db: &Db,
    relation: &RelationDef,
    link: &Link,
    keys: Vec<Vec<Value>>,
    count: Option<&(dyn Fn(usize, &ModelDef) -> Expr + Sync)>,
    options: &WriteOptions,
) -> Result<()> {
    let target = &link.target;
    let mut set = Vec::new();
    if let (Some(name), Some(count)) = (&relation.counter_cache, count) {
        let position = target.position(name).ok_or_else(|| target.unknown(name))?;
        set.push((position, count(position, target)));
    }
    if relation.touch && !options.silent {
        let updated = target.timestamps.updated.ok_or_else(|| no_timestamp(relation, target))?;
        set.push((updated, bound(target, updated, &now_for(&target.columns[updated], db))));
    }
    if set.is_empty() {
        return Ok(());
    }
    // A touch goes on to the parents of the parents; a counter alone leaves their `updated_at` as it is.
    let silent = !relation.touch || options.silent;
    let mut write = WriteOptions { silent, validate: false, hooks: false, fields: None, keeps_version: true, ..options.clone() };
    write.force = false;
    let options = UpdateOptions { write, every_row: false, returning: false, individual_hooks: false };
    Box::pin(update_all(db, of_keys(link, keys), set, &options)).await.map(drop)
}

#[cold]
fn no_timestamp(relation: &RelationDef, target: &ModelDef) -> Error {
    Error::usage(format!("{} touches {}, which has no updated_at: give it `timestamps`", relation.name, target.name))
}

/// The rows with these keys, whatever their scope.
fn of_keys(link: &Link, keys: Vec<Vec<Value>>) -> QueryState {
    of_values(&link.target, &link.columns, keys)
}

fn of_values(model: &Arc<ModelDef>, positions: &[usize], rows: Vec<Vec<Value>>) -> QueryState {
    let mut query = QueryState::new(model.clone());
    query.clauses.unscoped = true;
    query.clauses.deleted = Deleted::Included;
    let exprs = positions.iter().map(|position| Expr::Field(plan::field(model, *position))).collect();
    let binds = positions.iter().map(|position| model.columns[*position].ty.bind()).collect();
    query.clauses.filters.push(Expr::InValues { exprs, rows, binds, negated: false, scanned: false });
    query
}

/// The key of the row that a row belongs to; a row without one belongs to none.
fn key_of(row: &RowState, link: &Link) -> Option<Vec<Value>> {
    let key: Option<Vec<Value>> = link.source.iter().map(|position| row.values.get(*position).cloned().flatten()).collect();
    key.filter(|key| !key.iter().any(Value::is_null))
}

/// Whether a row is there for those who count: it is not deleted softly.
fn lives(row: &RowState) -> bool {
    !row.model.is_deleted(|column| Some(row.values.get(column).cloned().flatten().unwrap_or_default()))
}
