//! Atomic steps of a number: `x = x + n` in one statement.

use super::{column, key_condition};
use crate::db::Db;
use crate::hook;
use crate::load::{run_one, step, unsink};
use crate::write::insert::{ValuesSink, bound, by_key, whole};
use crate::write::{RowState, WriteOptions, fill, named};
use sequor_core::driver::Discard;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr, Statement, Update};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};

/// Adds to numbers of one row in one statement; gives the row as stored.
/// Hooks do not run, as in Sequelize; listeners of changes are told.
pub(crate) async fn increment(db: &Db, state: &RowState, steps: Vec<(usize, Value)>, options: &WriteOptions) -> Result<RowState> {
    increment_where(db, state, steps, None, options).await
}

/// As [`increment`], where the row meets a condition; one that does not stays as it is.
pub(crate) async fn increment_where(
    db: &Db,
    state: &RowState,
    steps: Vec<(usize, Value)>,
    condition: Option<Expr>,
    options: &WriteOptions,
) -> Result<RowState> {
    if !hook::captures(db, &state.model) {
        return step_up(db, state, steps, condition, options).await;
    }
    db.in_transaction(async move |tx| {
        let before = by_key(tx, &state.model, state.stored_key()?, options).await?;
        if before.is_none() && options.may_be_gone {
            return Ok(state.clone());
        }
        let after = step_up(tx, state, steps, condition, options).await?;
        hook::changed_among_many(tx, hook::Operation::Update, before.as_ref(), Some(&after), options).await?;
        Ok(after)
    })
    .await
}

async fn step_up(
    db: &Db,
    state: &RowState,
    steps: Vec<(usize, Value)>,
    condition: Option<Expr>,
    options: &WriteOptions,
) -> Result<RowState> {
    let model = state.model.clone();
    let key = state.stored_key()?;
    let conditional = condition.is_some() || options.may_be_gone;
    let unmet = || if conditional { Ok(state.clone()) } else { Err(Error::not_found(model.name.to_string())) };
    let by_its_key = key_condition(&model, &key);
    let filter = match condition {
        Some(condition) => Expr::And(vec![by_its_key, condition]),
        None => by_its_key,
    };
    let set = increments(&model, steps, db, options)?;
    let update = Update {
        table: model.table.clone(),
        set,
        filter: Some(filter),
        order_by: Vec::new(),
        limit: None,
        key: Vec::new(),
        returning: whole(&model),
        before: Vec::new(),
        tags: Vec::new(),
    };
    let sql = db.render(&Statement::Update(Box::new(update)))?;
    let run = options.run("increment", &model.name);
    if db.dialect().update_returning() {
        let done = run_one(db, step(sql, Box::new(ValuesSink::new(&model))), run).await.map_err(|error| named(error, &model))?;
        return match unsink::<ValuesSink>(done)?.into_rows().pop() {
            Some(row) => Ok(RowState::stored(model, row)),
            None => unmet(),
        };
    }
    let done = run_one(db, step(sql, Box::new(Discard)), run).await.map_err(|error| named(error, &model))?;
    if done.affected == 0 {
        return unmet();
    }
    by_key(db, &model, key, options).await?.map_or_else(unmet, Ok)
}

/// `x = x + n`, with `updated_at`, `updated_by` and the version.
fn increments(model: &ModelDef, steps: Vec<(usize, Value)>, db: &Db, options: &WriteOptions) -> Result<Vec<(Name, Expr)>> {
    let raised = |position: usize, by: &Value| {
        let mut sum = column(model, position).binary(BinaryOp::Add, bound(model, position, by));
        if matches!(model.columns[position].ty, ColumnType::Decimal(_)) {
            crate::plan::mark_exact(&mut sum);
        }
        (model.columns[position].column.clone(), sum)
    };
    let mut set: Vec<(Name, Expr)> = steps.iter().map(|(position, by)| raised(*position, by)).collect();
    if let (Some(position), false) = (model.timestamps.updated, options.silent) {
        let now = fill::now_for(&model.columns[position], db);
        set.push((model.columns[position].column.clone(), bound(model, position, &now)));
    }
    if let Some((position, actor)) = fill::updater(db, model, options)? {
        set.push((model.columns[position].column.clone(), bound(model, position, &actor)));
    }
    if let Some(position) = model.version {
        set.push(raised(position, &Value::I64(1)));
    }
    Ok(set)
}
