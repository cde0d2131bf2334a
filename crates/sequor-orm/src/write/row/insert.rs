//! The statement that adds one row, and how it comes back.

use crate::db::Db;
use crate::load::{run_one, step, unsink};
use crate::plan::insert_key;
use crate::query::QueryState;
use crate::write::{RowState, WriteOptions, named};
use chrono::SubsecRound;
use sequor_core::Value;
use sequor_core::driver::{Discard, Flow, Param, Params, RowReader, RowSink, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Conflict, Expr, Insert, InsertColumn, SelectItem, Statement};
use sequor_core::types::ColumnType;
use std::sync::Arc;

/// Collects rows of a model as values.
pub(crate) struct ValuesSink {
    types: Vec<ColumnType>,
    /// The cells of all rows, one after the other.
    cells: Vec<Value>,
    count: usize,
}

impl ValuesSink {
    pub(crate) fn new(model: &ModelDef) -> ValuesSink {
        ValuesSink { types: model.columns.iter().map(|column| column.ty.clone()).collect(), cells: Vec::new(), count: 0 }
    }

    /// Only these columns.
    pub(crate) fn of(model: &ModelDef, positions: &[usize]) -> ValuesSink {
        ValuesSink { types: positions.iter().map(|position| model.columns[*position].ty.clone()).collect(), cells: Vec::new(), count: 0 }
    }

    /// Only these columns, of as many rows as are expected: there is room for them.
    pub(crate) fn expecting(model: &ModelDef, positions: &[usize], rows: usize) -> ValuesSink {
        ValuesSink { cells: Vec::with_capacity(rows.saturating_mul(positions.len())), ..ValuesSink::of(model, positions) }
    }

    /// The rows.
    pub(crate) fn into_rows(self) -> Vec<Vec<Value>> {
        let (width, mut cells) = (self.types.len(), self.cells.into_iter());
        (0..self.count).map(|_| cells.by_ref().take(width).collect()).collect()
    }

    /// How many rows, and their cells one after the other.
    pub(crate) fn into_cells(self) -> (usize, impl Iterator<Item = Value>) {
        (self.count, self.cells.into_iter())
    }
}

impl RowSink for ValuesSink {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        for (index, ty) in self.types.iter().enumerate() {
            self.cells.push(row.value(index, ty)?);
        }
        self.count += 1;
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// All columns of a model, for RETURNING.
pub(crate) fn whole(model: &ModelDef) -> Vec<SelectItem> {
    model.columns.iter().map(|column| SelectItem::new(Expr::Column { table: None, name: column.column.clone() })).collect()
}

/// Some columns of a model, for RETURNING.
pub(crate) fn returning(model: &ModelDef, positions: &[usize]) -> Vec<SelectItem> {
    positions.iter().map(|position| SelectItem::new(Expr::Column { table: None, name: model.columns[*position].column.clone() })).collect()
}

/// A value for a column: text of a foreign kind is refused before it is sent.
pub(crate) fn bound(model: &ModelDef, position: usize, value: &Value) -> Expr {
    let ty = &model.columns[position].ty;
    Expr::Value(held(ty, value.clone()), ty.bind())
}

/// A value with as many digits as its column holds, so that every database stores the same instant: SQLite keeps all that it is given, PostgreSQL rounds what MySQL cuts
/// off. They are cut, as a `Date` of JavaScript is.
#[inline]
pub(crate) fn held(ty: &ColumnType, value: Value) -> Value {
    match ty {
        ColumnType::DateTime(digits) | ColumnType::NaiveDateTime(digits) if *digits < 6 => cut(*digits, value),
        _ => value,
    }
}

/// A value for a column, as a parameter.
#[inline]
pub(crate) fn param(model: &ModelDef, position: usize, value: Value) -> Param {
    let ty = &model.columns[position].ty;
    Param { value: held(ty, value), bind: ty.bind() }
}

fn cut(digits: u8, value: Value) -> Value {
    match value {
        Value::DateTime(instant) => Value::DateTime(instant.trunc_subsecs(u16::from(digits))),
        Value::NaiveDateTime(instant) => Value::NaiveDateTime(instant.trunc_subsecs(u16::from(digits))),
        other => other,
    }
}

/// Whether a list of such values travels as one array: an array of arrays loses its dimension, and ranges and documents have none that every server reads.
pub(crate) fn is_flat(ty: &ColumnType) -> bool {
    !matches!(ty, ColumnType::Array(_) | ColumnType::Range(_) | ColumnType::HStore | ColumnType::TsVector)
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

/// Adds one row; gives it as it is stored, or `None` when a conflict left it out, or may have where the database gives no rows back.
pub(crate) async fn insert_one(
    db: &Db,
    state: &RowState,
    conflict: Option<Conflict>,
    options: &WriteOptions,
) -> Result<Option<Vec<Value>>> {
    let model = &state.model;
    writable(model)?;
    let positions = written(state);
    if conflict.is_none() && state.computed.is_empty() {
        let mut lent = RowState::new(model.clone());
        lent.values.clone_from(&state.values);
        return insert_plain(db, &mut lent, &positions, options).await.map(Some);
    }
    Box::pin(insert_otherwise(db, state, positions, conflict, options)).await
}

/// Adds one row; gives it as it is stored. The row lends its values to the statement: after an error it has none.
pub(crate) async fn insert_lent(db: &Db, state: &mut RowState, options: &WriteOptions) -> Result<Vec<Value>> {
    writable(&state.model)?;
    let positions = written(state);
    if state.computed.is_empty() {
        return insert_plain(db, state, &positions, options).await;
    }
    let stored = Box::pin(insert_otherwise(db, state, positions, None, options)).await?;
    stored.ok_or_else(|| Error::bug("an insert gave no row back"))
}

async fn insert_otherwise(
    db: &Db,
    state: &RowState,
    positions: Vec<usize>,
    conflict: Option<Conflict>,
    options: &WriteOptions,
) -> Result<Option<Vec<Value>>> {
    let model = &state.model;
    let run = options.run("create", &model.name);
    let returns = db.dialect().insert_returning();
    let sink: Box<dyn RowSink> = if returns { Box::new(ValuesSink::new(model)) } else { Box::new(Discard) };
    let row = positions.iter().map(|position| given(state, *position)).collect();
    let meets = conflict.is_some();
    let insert = statement(model, &positions, vec![row], conflict, options);
    let step = step(db.render(&Statement::Insert(Box::new(insert)))?, sink);
    let done = run_one(db, step, run).await.map_err(|error| named(error, model))?;
    if returns {
        return Ok(unsink::<ValuesSink>(done)?.into_rows().pop());
    }
    if meets {
        // Which row it is now, the key tells that was met: the database counts none for a row that stays as it was.
        return Ok(None);
    }
    let values = state.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
    read_back(db, model, values, done.last_insert_id, options).await
}

/// Adds one row or changes the one of its key; gives it as it is stored, and whether it is new.
pub(crate) async fn insert_telling(
    db: &Db,
    state: &RowState,
    conflict: Conflict,
    options: &WriteOptions,
) -> Result<Option<(Vec<Value>, bool)>> {
    let model = &state.model;
    writable(model)?;
    let positions = written(state);
    let row = positions.iter().map(|position| given(state, *position)).collect();
    let mut insert = statement(model, &positions, vec![row], Some(conflict), options);
    insert.returning.push(SelectItem::new(Expr::Inserted));
    let mut sink = ValuesSink::new(model);
    sink.types.push(ColumnType::Bool);
    let step = step(db.render(&Statement::Insert(Box::new(insert)))?, Box::new(sink));
    let done = run_one(db, step, options.run("upsert", &model.name)).await.map_err(|error| named(error, model))?;
    let row = unsink::<ValuesSink>(done)?.into_rows().pop();
    Ok(row.map(|mut values| {
        let created = matches!(values.pop(), Some(Value::Bool(true) | Value::I64(1)));
        (values, created)
    }))
}

/// Adds one row of plain values without a conflict clause. Only what is not known before comes back: see [`unknown`].
async fn insert_plain(db: &Db, state: &mut RowState, positions: &[usize], options: &WriteOptions) -> Result<Vec<Value>> {
    let model = state.model.clone();
    let model = &model;
    let mut back = unknown(model, positions, std::slice::from_ref(state));
    // A key that counts itself up is told beside the answer, which costs less than a row.
    let counted = (db.dialect().tells_keys()
        && matches!(model.primary_key.as_slice(), [key] if back == [*key] && model.columns[*key].auto_increment))
    .then(|| back.remove(0));
    let returns = db.dialect().insert_returning();
    let known = if returns { back.as_slice() } else { &[] };
    let run = options.run("create", &model.name);
    let mut done = run_one(db, plain(db, state, positions, known, options)?, run).await.map_err(|error| named(error, model))?;
    let mut values = written_values(state, positions, std::mem::take(&mut done.params))?;
    if !returns && !back.is_empty() {
        return read_back(db, model, values, done.last_insert_id, options).await?.ok_or_else(|| Error::bug("an inserted row is not there"));
    }
    if let Some(key) = counted {
        values[key] = Value::I64(done.last_insert_id.ok_or_else(|| Error::bug("the database did not tell the key that it made"))?);
    } else if !back.is_empty() {
        let row = unsink::<ValuesSink>(done)?.into_rows().pop().ok_or_else(|| Error::bug("an insert gave no row back"))?;
        for (position, value) in back.iter().zip(row) {
            values[*position] = value;
        }
    }
    Ok(values)
}

/// The values of a row that lent some of them to a statement.
fn written_values(state: &mut RowState, positions: &[usize], params: Params) -> Result<Vec<Value>> {
    let mut values: Vec<Value> = state.values.iter_mut().map(|value| value.take().unwrap_or_default()).collect();
    let sent = match params {
        Params::Fixed(sent) if sent.len() == positions.len() => sent,
        _ => return Err(Error::bug("an insert did not give back what it was lent")),
    };
    for (position, param) in positions.iter().zip(sent) {
        values[*position] = param.value;
    }
    Ok(values)
}

/// The columns that have to come back: those that the database fills, and those whose values it may spell otherwise. As in ActiveRecord and
/// Django, a trigger that changes a written column is not seen; `reload` shows it.
pub(crate) fn unknown(model: &ModelDef, positions: &[usize], rows: &[RowState]) -> Vec<usize> {
    let open = |position: &usize| {
        !positions.contains(position)
            || !rows.iter().all(|row| row.values[*position].as_ref().is_none_or(|value| is_exact(&model.columns[*position].ty, value)))
    };
    (0..model.columns.len()).filter(open).collect()
}

/// Whether a value of a type comes back from every database as it was sent.
pub(crate) fn is_exact(ty: &ColumnType, value: &Value) -> bool {
    use ColumnType as Type;
    match (ty, value) {
        (_, Value::Null) => true,
        (Type::DateTime(6), Value::DateTime(value)) => value.timestamp_subsec_nanos().is_multiple_of(1_000),
        (Type::Bool, Value::Bool(_))
        | (Type::F64, Value::F64(_))
        | (Type::Text | Type::VarChar(_) | Type::Enum(_), Value::Text(_))
        | (Type::Uuid, Value::Uuid(_))
        | (Type::Date, Value::Date(_))
        | (Type::Bytes, Value::Bytes(_)) => true,
        (ty, Value::I64(_)) => ty.is_integer(),
        _ => false,
    }
}

/// The parameters of a row, in the order of its columns: the values themselves.
fn lent(state: &mut RowState, positions: &[usize]) -> Vec<Param> {
    let model = &state.model;
    positions.iter().map(|position| param(model, *position, state.values[*position].take().unwrap_or_default())).collect()
}

/// The insert of one row without a conflict clause: written once for each set of columns.
fn plain(db: &Db, state: &mut RowState, positions: &[usize], back: &[usize], options: &WriteOptions) -> Result<Step> {
    let model = &state.model;
    let make = || {
        let row = positions.iter().map(|position| bound(model, *position, &Value::Null)).collect();
        let mut insert = statement(model, positions, vec![row], None, options);
        insert.returning = returning(model, back);
        Ok(db.render(&Statement::Insert(Box::new(insert)))?.text)
    };
    let text = if options.tags.is_empty() {
        db.inner.statements.write(insert_key(model, db.place.schema.as_deref(), (positions, back, 1), &Default::default()), model, make)?
    } else {
        make()?.into()
    };
    let sink: Box<dyn RowSink> = if back.is_empty() { Box::new(Discard) } else { Box::new(ValuesSink::of(model, back)) };
    Ok(Step { text, params: Params::Fixed(lent(state, positions)), sink, cache: true })
}

/// The row behind an insert without RETURNING: by its key.
async fn read_back(
    db: &Db,
    model: &Arc<ModelDef>,
    values: Vec<Value>,
    last: Option<i64>,
    options: &WriteOptions,
) -> Result<Option<Vec<Value>>> {
    let key = model.primary_key.iter().map(|position| match &values[*position] {
        value if !value.is_null() => Some(value.clone()),
        _ if model.columns[*position].auto_increment => last.map(Value::I64),
        _ => None,
    });
    let Some(key) = key.collect::<Option<Vec<Value>>>().filter(|key| !key.is_empty()) else {
        return Ok(Some(values));
    };
    Ok(by_key(db, model, key, options).await?.map(|row| row.values.into_iter().map(Option::unwrap_or_default).collect()))
}

/// The row of a key, deleted or not, whatever scope there is.
pub(crate) async fn by_key(db: &Db, model: &Arc<ModelDef>, key: Vec<Value>, options: &WriteOptions) -> Result<Option<RowState>> {
    let mut state = QueryState::new(model.clone());
    state.clauses.filters.push(crate::query::key_filter(&state.model, key));
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
