//! The statement that writes some columns of one stored row, and the version that the row must still have.

use super::{column, key_condition};
use crate::db::Db;
use crate::hook;
use crate::load::{run_one, unsink};
use crate::plan::update_key;
use crate::write::insert::{self, ValuesSink, bound, by_key, is_exact};
use crate::write::{RowState, WriteOptions, named};
use sequor_core::driver::{Discard, Param, Params, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr, Statement, Update};
use sequor_core::{Name, Value};
use sequor_sql::Sql;
use std::sync::Arc;

/// Writes some columns of one stored row; checks and raises its version.
pub(crate) async fn update_row(db: &Db, state: &mut RowState, changed: &[usize], options: &WriteOptions) -> Result<()> {
    let model = state.model.clone();
    let key = state.stored_key()?;
    let version = expected_version(state);
    let back = comes_back(db, &model, changed, std::iter::once(&*state));
    let (text, params) = statement(db, state, (changed, &back), (&key, version), options)?;
    if let Some((position, version)) = version {
        state.values[position] = Some(Value::I64(version + 1));
    }
    let step = |sink| Step { text, params: Params::Fixed(params), sink, cache: true };
    let run = options.run("update", &model.name);
    let (affected, row) = if back.is_empty() {
        let done = run_one(db, step(Box::new(Discard)), run).await.map_err(|error| named(error, &model))?;
        (usize::try_from(done.affected).unwrap_or(usize::MAX), None)
    } else {
        let done = run_one(db, step(Box::new(ValuesSink::of(&model, &back))), run).await.map_err(|error| named(error, &model))?;
        let rows = unsink::<ValuesSink>(done)?.into_rows();
        (rows.len(), rows.into_iter().next())
    };
    if affected == 0 && (version.is_some() || !options.may_be_gone) {
        return Err(lost(db, &model, key, version, options).await);
    }
    // Where nothing came back, those who are told of the row are told what others stored too since it was loaded.
    let whole = row.is_none() && hook::captures(db, &model);
    if let Some(row) = row {
        take(state, &back, row);
    } else if (whole || model.columns.iter().any(|column| column.generated.is_some()))
        && let Some(row) = by_key(db, &model, state.present_key(), options).await?
    {
        // What the database computes from the new values is known to it alone.
        let computed = std::mem::take(&mut state.computed);
        for (position, value) in row.values.into_iter().enumerate() {
            if whole || model.columns[position].generated.is_some() || computed.iter().any(|(known, _)| *known == position) {
                state.values[position] = value;
            }
        }
    } else {
        // What the database computed is known to it alone.
        for (position, _) in std::mem::take(&mut state.computed) {
            state.values[position] = None;
        }
    }
    Ok(())
}

/// What came back of a row.
pub(super) fn take(state: &mut RowState, back: &[usize], row: Vec<Value>) {
    state.computed.clear();
    for (position, value) in back.iter().zip(row) {
        state.values[*position] = Some(value);
    }
}

/// The columns that an update gives back, where the database can: what it computes itself, and values that it may spell otherwise. All of them where changes
/// are listened to, who are told what triggers made of the row.
pub(super) fn comes_back<'a>(db: &Db, model: &ModelDef, changed: &[usize], rows: impl Iterator<Item = &'a RowState> + Clone) -> Vec<usize> {
    if !db.dialect().update_returning() {
        return Vec::new();
    }
    if hook::captures(db, model) {
        return (0..model.columns.len()).collect();
    }
    let is_known = |row: &RowState, position: usize| {
        !row.computes(position) && row.values[position].as_ref().is_none_or(|value| is_exact(&model.columns[position].ty, value))
    };
    let open = |position: &usize| {
        model.columns[*position].generated.is_some() || changed.contains(position) && !rows.clone().all(|row| is_known(row, *position))
    };
    (0..model.columns.len()).filter(|position| open(position)).collect()
}

/// The statement that writes some columns of a stored row and gives some back, and its values: its text is written once for each set of columns, where all of
/// them are values.
pub(super) fn statement(
    db: &Db,
    state: &RowState,
    (changed, back): (&[usize], &[usize]),
    (key, version): (&[Value], Option<(usize, i64)>),
    options: &WriteOptions,
) -> Result<(Arc<str>, Vec<Param>)> {
    let model = &state.model;
    let render = || -> Result<Sql> {
        let mut set: Vec<(Name, Expr)> = Vec::with_capacity(changed.len() + 1);
        for position in changed {
            let mut value = insert::given(state, *position);
            if state.computes(*position) {
                value = crate::plan::write_expr(value, &crate::query::QueryState::new(model.clone()), &db.models())?;
            }
            set.push((model.columns[*position].column.clone(), value));
        }
        let mut filter = key_condition(model, key);
        if let Some((position, version)) = version {
            filter = filter.and(still_has(model, position, version));
            set.push((model.columns[position].column.clone(), bound(model, position, &Value::I64(version + 1))));
        }
        let update = Update {
            table: model.table.clone(),
            set,
            filter: Some(filter),
            order_by: Vec::new(),
            limit: None,
            key: Vec::new(),
            returning: insert::returning(model, back),
            before: Vec::new(),
            tags: options.tags.clone(),
        };
        db.render(&Statement::Update(Box::new(update)))
    };
    let plain = options.tags.is_empty() && !changed.iter().any(|position| state.computes(*position));
    let shape = if plain { update_key(model, db.place.schema.as_deref(), (changed, back), key, version.is_some()) } else { None };
    let Some(shape) = shape else {
        let sql = render()?;
        return Ok((sql.text.into(), sql.params));
    };
    let text = db.inner.statements.write(shape, model, || Ok(render()?.text))?;
    Ok((text, values(state, changed, key, version)))
}

/// The parameters of that statement.
pub(super) fn values(state: &RowState, changed: &[usize], key: &[Value], version: Option<(usize, i64)>) -> Vec<Param> {
    let model = &state.model;
    let param = |position: usize, value: Value| insert::param(model, position, value);
    let mut params = Vec::with_capacity(changed.len() + key.len() + 2);
    params.extend(changed.iter().map(|position| param(*position, state.values[*position].clone().unwrap_or_default())));
    params.extend(version.map(|(position, version)| param(position, Value::I64(version + 1))));
    params.extend(model.primary_key.iter().zip(key).map(|(position, value)| param(*position, value.clone())));
    params.extend(version.map(|(position, version)| param(position, Value::I64(version))));
    params
}

pub(super) fn still_has(model: &Arc<ModelDef>, position: usize, version: i64) -> Expr {
    column(model, position).binary(BinaryOp::Equal, bound(model, position, &Value::I64(version)))
}

/// The condition that a row is the one that was loaded: its key, and its version if it has one.
pub(crate) fn loaded_condition(state: &RowState) -> Result<Expr> {
    let condition = key_condition(&state.model, &state.stored_key()?);
    Ok(match expected_version(state) {
        Some((position, version)) => condition.and(still_has(&state.model, position, version)),
        None => condition,
    })
}

/// No row was deleted: an error where somebody else changed it; one that is gone is what was wanted.
pub(crate) async fn outdated(db: &Db, state: &RowState, options: &WriteOptions) -> Result<()> {
    let Some(version) = expected_version(state) else { return Ok(()) };
    match lost(db, &state.model, state.stored_key()?, Some(version), options).await {
        Error::OptimisticLock { versions, .. } if versions.1.is_none() => Ok(()),
        error => Err(error),
    }
}

/// The version that the row must still have: its position and value.
pub(super) fn expected_version(state: &RowState) -> Option<(usize, i64)> {
    let position = state.model.version?;
    match state.original.as_ref()?.get(position) {
        Some(Value::I64(version)) => Some((position, *version)),
        _ => None,
    }
}

/// No row was updated: it is gone, or somebody else changed it.
pub(super) async fn lost(db: &Db, model: &Arc<ModelDef>, key: Vec<Value>, version: Option<(usize, i64)>, options: &WriteOptions) -> Error {
    let Some((position, expected)) = version else { return Error::not_found(model.name.to_string()) };
    let found = match by_key(db, model, key, options).await {
        Ok(Some(row)) => match row.values.get(position) {
            Some(Some(Value::I64(version))) => Some(*version),
            _ => None,
        },
        Ok(None) => None,
        Err(error) => return error,
    };
    Error::OptimisticLock { model: model.name.to_string(), versions: Box::new((expected, found)) }
}
