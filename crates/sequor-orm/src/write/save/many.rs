//! Saving many rows, each with its own values, in one statement: `SET name = CASE WHEN id = 1 THEN 'a' WHEN .. END`.

use super::{Prepared, column, expected_version, finish, key_condition, lost, prepare, ready, save, settle, written};
use crate::Value;
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{run_one, step, unsink};
use crate::write::insert::{ValuesSink, bound, whole};
use crate::write::{RowState, WriteOptions, named};
use sequor_core::Name;
use sequor_core::driver::Discard;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, CaseArm, Expr, Statement, Update};
use std::sync::Arc;

/// How many rows one statement writes: their conditions and values stay within every database's limits.
const ROWS: usize = 400;

/// How many values one statement binds at most (SQLite takes 32,766).
const BINDS: usize = 30_000;

/// Saves rows inside a transaction that is open; gives them in their order.
pub(crate) async fn save_many(db: &Db, states: Vec<RowState>, options: &WriteOptions) -> Result<Vec<RowState>> {
    save_all(db, states, options, false).await
}

/// The same for the rows of an update of many: the hooks behind the statement run for each row that matched, changed or not.
pub(crate) async fn save_matched(db: &Db, states: Vec<RowState>, options: &WriteOptions) -> Result<Vec<RowState>> {
    save_all(db, states, options, true).await
}

async fn save_all(db: &Db, states: Vec<RowState>, options: &WriteOptions, matched: bool) -> Result<Vec<RowState>> {
    let shared = states.iter().all(can_share);
    if !shared && !matched {
        let mut saved = Vec::with_capacity(states.len());
        for state in states {
            saved.push(save(db, state, options).await?);
        }
        return Ok(saved);
    }
    let mut rows = if matched {
        prepare_matched(db, states, options).await?
    } else {
        let mut rows = Vec::with_capacity(states.len());
        for state in states {
            rows.push(prepare(db, state, options).await?);
        }
        rows
    };
    let mut writes: Vec<&mut Prepared> = rows.iter_mut().filter(|row| !row.changed.is_empty()).collect();
    if shared {
        let most = writes.iter().map(|row| row.changed.len()).max().unwrap_or(0);
        let width = writes.first().map_or(1, |row| row.state.model.primary_key.len());
        let size = (BINDS / ((most + 1) * (width + 1))).clamp(1, ROWS);
        for chunk in writes.chunks_mut(size) {
            write(db, chunk, options).await?;
        }
    } else {
        for row in writes {
            row.state = super::update_row(db, &mut row.state, &row.changed, options).await?;
        }
    }
    let mut saved = Vec::with_capacity(rows.len());
    if matched {
        for row in &mut rows {
            row.state.original.clone_from(&row.before.original);
        }
        fire_all(db, &mut rows, [HookKind::AfterUpdate, HookKind::AfterSave], options).await?;
    }
    for row in rows {
        saved.push(if matched { written(db, row, options).await? } else { finish(db, row, options).await? });
    }
    Ok(saved)
}

/// The rows of an update of many: each hook runs for all of them before the next one does.
async fn prepare_matched(db: &Db, states: Vec<RowState>, options: &WriteOptions) -> Result<Vec<Prepared>> {
    let mut rows = Vec::with_capacity(states.len());
    let mut given = Vec::with_capacity(states.len());
    for mut state in states {
        ready(&mut state)?;
        given.push(state.values.clone());
        rows.push(Prepared { before: state.clone(), state, changed: Vec::new(), pending: Vec::new() });
    }
    fire_all(db, &mut rows, [HookKind::BeforeUpdate, HookKind::BeforeSave], options).await?;
    rows.into_iter().zip(given).map(|(row, given)| settle(db, row.state, &given, options)).collect()
}

async fn fire_all(db: &Db, rows: &mut [Prepared], kinds: [HookKind; 2], options: &WriteOptions) -> Result<()> {
    for kind in kinds {
        for row in rows.iter_mut() {
            hook::fire(db, &row.state.model.clone(), kind, HookSubject::Row(&mut row.state), options).await?;
        }
    }
    Ok(())
}

/// Rows of one statement are stored, keep their keys, and hold nothing that only the database knows where it gives no rows back.
fn can_share(state: &RowState) -> bool {
    let changed = state.changed();
    state.original.is_some()
        && state.computed.is_empty()
        && !changed.iter().any(|position| state.model.primary_key.contains(position))
        && !state.model.columns.iter().any(|column| column.generated.is_some())
}

async fn write(db: &Db, rows: &mut [&mut Prepared], options: &WriteOptions) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.state.model.clone()) else { return Ok(()) };
    let keys = rows.iter().map(|row| row.state.stored_key()).collect::<Result<Vec<_>>>()?;
    let returns = db.dialect().update_returning();
    let update = Update {
        table: model.table.clone(),
        set: values(&model, rows, &keys),
        filter: Some(condition(&model, rows, &keys)),
        order_by: Vec::new(),
        limit: None,
        key: Vec::new(),
        returning: if returns { whole(&model) } else { Vec::new() },
        tags: options.tags.clone(),
    };
    let sql = db.render(&Statement::Update(Box::new(update)))?;
    let run = options.run("update", &model.name);
    let raise = |row: &mut Prepared| {
        if let Some((position, version)) = expected_version(&row.state) {
            row.state.values[position] = Some(Value::I64(version + 1));
        }
    };
    if !returns {
        let done = run_one(db, step(sql, Box::new(Discard)), run).await.map_err(|error| named(error, &model))?;
        if usize::try_from(done.affected).unwrap_or(usize::MAX) < rows.len() {
            return Err(first_lost(db, &model, rows, keys, options).await);
        }
        rows.iter_mut().for_each(|row| raise(row));
        return Ok(());
    }
    let done = run_one(db, step(sql, Box::new(ValuesSink::new(&model))), run).await.map_err(|error| named(error, &model))?;
    let mut stored = unsink::<ValuesSink>(done)?.into_rows();
    for (row, key) in rows.iter_mut().zip(keys) {
        let is_it =
            |values: &Vec<Value>| model.primary_key.iter().zip(&key).all(|(position, part)| super::same_value(&values[*position], part));
        let Some(place) = stored.iter().position(is_it) else {
            return Err(lost(db, &model, key, expected_version(&row.state), options).await);
        };
        row.state.values = stored.swap_remove(place).into_iter().map(Some).collect();
    }
    Ok(())
}

/// For each column that any row changes: the value of each row that does, by its key.
fn values(model: &Arc<ModelDef>, rows: &[&mut Prepared], keys: &[Vec<Value>]) -> Vec<(Name, Expr)> {
    let mut positions: Vec<usize> = rows.iter().flat_map(|row| row.changed.iter().copied()).collect();
    positions.sort_unstable();
    positions.dedup();
    let mut set = Vec::with_capacity(positions.len() + 1);
    for position in positions {
        let arms: Vec<CaseArm> = rows
            .iter()
            .zip(keys)
            .filter(|(row, _)| row.changed.contains(&position))
            .map(|(row, key)| CaseArm {
                when: key_condition(model, key),
                then: bound(model, position, row.state.values[position].as_ref().unwrap_or(&Value::Null)),
            })
            .collect();
        let case = Expr::Case { arms, otherwise: Some(Box::new(column(model, position))) };
        set.push((model.columns[position].column.clone(), case));
    }
    if let Some(position) = model.version {
        let next = column(model, position).binary(BinaryOp::Add, bound(model, position, &Value::I64(1)));
        set.push((model.columns[position].column.clone(), next));
    }
    set
}

/// The rows by their keys, and by their versions where they have them.
fn condition(model: &Arc<ModelDef>, rows: &[&mut Prepared], keys: &[Vec<Value>]) -> Expr {
    if model.version.is_none()
        && let [position] = model.primary_key.as_slice()
    {
        let (exprs, binds) = (vec![column(model, *position)], vec![model.columns[*position].ty.bind()]);
        return Expr::InValues { exprs, rows: keys.to_vec(), binds, negated: false, scanned: false };
    }
    let one = |(row, key): (&&mut Prepared, &Vec<Value>)| match expected_version(&row.state) {
        Some((position, version)) => {
            let same = column(model, position).binary(BinaryOp::Equal, bound(model, position, &Value::I64(version)));
            key_condition(model, key).and(same)
        }
        None => key_condition(model, key),
    };
    Expr::Or(rows.iter().zip(keys).map(one).collect())
}

/// Which row was not there, or was changed by somebody else.
async fn first_lost(db: &Db, model: &Arc<ModelDef>, rows: &[&mut Prepared], keys: Vec<Vec<Value>>, options: &WriteOptions) -> Error {
    for (row, key) in rows.iter().zip(keys) {
        let version = expected_version(&row.state);
        match crate::write::insert::by_key(db, model, key.clone(), options).await {
            Ok(Some(found)) => match version {
                Some((position, expected)) if found.values[position] != Some(Value::I64(expected + 1)) => {
                    return lost(db, model, key, version, options).await;
                }
                _ => {}
            },
            Ok(None) => return lost(db, model, key, version, options).await,
            Err(error) => return error,
        }
    }
    Error::not_found(model.name.to_string())
}
