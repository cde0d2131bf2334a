//! The statement that adds one row, and how it comes back.

use crate::db::Db;
use crate::load::{run_one, step, unsink};
use crate::plan::insert_key;
use crate::query::QueryState;
use crate::write::{RowState, WriteOptions, named};
use sequor_core::Value;
use sequor_core::driver::{Discard, Flow, Param, Params, RowReader, RowSink, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Conflict, Expr, Insert, InsertColumn, SelectItem, Statement};
use sequor_core::types::ColumnType;
use std::sync::Arc;

/// Collects whole rows of a model as values.
pub(crate) struct ValuesSink {
    types: Vec<ColumnType>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl ValuesSink {
    pub(crate) fn new(model: &ModelDef) -> ValuesSink {
        ValuesSink { types: model.columns.iter().map(|column| column.ty.clone()).collect(), rows: Vec::new() }
    }

    /// Only these columns.
    pub(crate) fn of(model: &ModelDef, positions: &[usize]) -> ValuesSink {
        ValuesSink { types: positions.iter().map(|position| model.columns[*position].ty.clone()).collect(), rows: Vec::new() }
    }
}

impl RowSink for ValuesSink {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let values = self.types.iter().enumerate().map(|(index, ty)| row.value(index, ty));
        self.rows.push(values.collect::<Result<_>>()?);
        Ok(Flow::Continue)
    }
}

/// All columns of a model, for RETURNING.
pub(crate) fn whole(model: &ModelDef) -> Vec<SelectItem> {
    model.columns.iter().map(|column| SelectItem::new(Expr::Column { table: None, name: column.column.clone() })).collect()
}

/// A value for a column: text of a foreign kind is refused before it is sent.
pub(crate) fn bound(model: &ModelDef, position: usize, value: &Value) -> Expr {
    Expr::Value(value.clone(), model.columns[position].ty.bind())
}

/// What a column gets: its value, or the expression that the database computes.
pub(crate) fn given(state: &RowState, position: usize) -> Expr {
    match state.computed.iter().find(|(known, _)| *known == position) {
        Some((_, expr)) => expr.clone(),
        None => bound(&state.model, position, state.values[position].as_ref().unwrap_or(&Value::Null)),
    }
}

/// Whether an insert writes a column: given, and neither computed by the database nor NULL in a key that counts itself up.
pub(crate) fn wanted(model: &ModelDef, state: &RowState, position: usize) -> bool {
    let column = &model.columns[position];
    if state.computes(position) {
        return true;
    }
    match &state.values[position] {
        None => false,
        Some(_) if column.generated.is_some() => false,
        Some(Value::Null) => !column.auto_increment,
        Some(_) => true,
    }
}

/// The positions that an insert writes.
pub(crate) fn written(state: &RowState) -> Vec<usize> {
    let model = &state.model;
    (0..model.columns.len()).filter(|position| wanted(model, state, *position)).collect()
}

pub(crate) fn statement(
    model: &Arc<ModelDef>,
    positions: &[usize],
    rows: Vec<Vec<Expr>>,
    conflict: Option<Conflict>,
    options: &WriteOptions,
) -> Insert {
    let columns = positions.iter().map(|position| {
        let column = &model.columns[*position];
        InsertColumn { name: column.column.clone(), ty: column.ty.clone() }
    });
    Insert { table: model.table.clone(), columns: columns.collect(), rows, conflict, returning: whole(model), tags: options.tags.clone() }
}

/// Adds one row; gives it as it is stored, or `None` when a conflict left it out.
pub(crate) async fn insert_one(
    db: &Db,
    state: &RowState,
    conflict: Option<Conflict>,
    options: &WriteOptions,
) -> Result<Option<Vec<Value>>> {
    let model = &state.model;
    writable(model)?;
    let positions = written(state);
    let run = options.run("create", &model.name);
    let returns = db.dialect().insert_returning();
    let sink: Box<dyn RowSink> = if returns { Box::new(ValuesSink::new(model)) } else { Box::new(Discard) };
    let step = match conflict {
        None if state.computed.is_empty() => {
            Step { params: Params::Fixed(params(model, &positions, state)), ..plain(db, model, &positions, options, sink)? }
        }
        conflict => {
            let row = positions.iter().map(|position| given(state, *position)).collect();
            let insert = statement(model, &positions, vec![row], conflict, options);
            step(db.render(&Statement::Insert(Box::new(insert)))?, sink)
        }
    };
    let done = run_one(db, step, run).await.map_err(|error| named(error, model))?;
    if returns {
        return Ok(unsink::<ValuesSink>(done)?.rows.pop());
    }
    read_back(db, state, done.last_insert_id, options).await
}

/// The values of one row in the order of its columns.
fn params(model: &ModelDef, positions: &[usize], state: &RowState) -> Vec<Param> {
    let param =
        |position: &usize| Param { value: state.values[*position].clone().unwrap_or_default(), bind: model.columns[*position].ty.bind() };
    positions.iter().map(param).collect()
}

/// The insert of one row without a conflict clause: written once for each set of columns.
fn plain(db: &Db, model: &Arc<ModelDef>, positions: &[usize], options: &WriteOptions, sink: Box<dyn RowSink>) -> Result<Step> {
    let make = || {
        let row = positions.iter().map(|position| bound(model, *position, &Value::Null)).collect();
        let insert = statement(model, positions, vec![row], None, options);
        Ok(db.render(&Statement::Insert(Box::new(insert)))?.text)
    };
    let text = if options.tags.is_empty() {
        let whole: Vec<usize> = (0..model.columns.len()).collect();
        db.inner.statements.write(insert_key(model, db.place.schema.as_deref(), positions, &whole, 1), model, make)?
    } else {
        make()?.into()
    };
    Ok(Step { text, params: Params::Fixed(Vec::new()), sink, cache: true })
}

/// The row behind an insert without RETURNING: by its key.
async fn read_back(db: &Db, state: &RowState, last: Option<i64>, options: &WriteOptions) -> Result<Option<Vec<Value>>> {
    let model = &state.model;
    let key = model.primary_key.iter().map(|position| match &state.values[*position] {
        Some(value) if !value.is_null() => Some(value.clone()),
        _ if model.columns[*position].auto_increment => last.map(Value::I64),
        _ => None,
    });
    let Some(key) = key.collect::<Option<Vec<Value>>>().filter(|key| !key.is_empty()) else {
        return Ok(Some(state.values.iter().map(|value| value.clone().unwrap_or_default()).collect()));
    };
    Ok(by_key(db, model, key, options).await?.map(|row| row.values.into_iter().map(Option::unwrap_or_default).collect()))
}

/// The row of a key, deleted or not, whatever scope there is.
pub(crate) async fn by_key(db: &Db, model: &Arc<ModelDef>, key: Vec<Value>, options: &WriteOptions) -> Result<Option<RowState>> {
    let mut state = QueryState::new(model.clone());
    state.clauses.filters.push(crate::query::key_filter(&state, key));
    state.clauses.unscoped = true;
    state.clauses.deleted = crate::query::Deleted::Included;
    Ok(crate::load::find_rows(db, state, options.site).await?.pop())
}

/// A view takes no writes.
pub(crate) fn writable(model: &ModelDef) -> Result<()> {
    if model.view.is_some() {
        return Err(Error::usage(format!("{} is a view: it takes no writes", model.name)));
    }
    Ok(())
}
