//! Saving many rows, each with its own values: joined to an array for each column (PostgreSQL), by one prepared statement (SQLite), or in one statement of
//! many conditions (MySQL): `SET name = CASE WHEN id = 1 THEN 'a' WHEN .. END`.

use super::super::create::remember;
use super::stored::{self, comes_back, expected_version, lost, take, update_row};
use super::{Prepared, column, finish, fire_after, key_condition, prepare, ready, save, settle, tell};
use crate::Value;
use crate::db::Db;
use crate::hook::{self, HookKind};
use crate::load::{KeyHash, find_rows, run_one, unsink};
use crate::plan::update_key;
use crate::query::QueryState;
use crate::write::insert::{ValuesSink, bound, held, is_flat, returning};
use crate::write::update::keyed;
use crate::write::{RowState, WriteOptions, named};
use sequor_core::Name;
use sequor_core::driver::{Batch, BatchMode, Discard, Param, Params, RowSink, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, CaseArm, Expr, InsertColumn, Statement, Update, UpdateMany};
use sequor_core::types::BindType;
use sequor_sql::{Bulk, Sql};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many rows one statement of conditions writes: the database compares each row with half of the conditions, and the next statement waits for its answer.
const ROWS: usize = 200;

/// Where fewer rows than this change the same columns, one statement of conditions is quicker than one for each set of columns.
const FEW: usize = 10;

/// How many rows one statement writes where their number does not change its text.
const TOGETHER: usize = 10_000;

/// How many values one statement binds at most (SQLite takes 32,766).
const BINDS: usize = 30_000;

/// Saves rows inside a transaction that is open; gives them in their order. They do not remember what is stored, where nothing is left to save.
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
    let writes: Vec<&mut Prepared> = rows.iter_mut().filter(|row| !row.changed.is_empty()).collect();
    if shared {
        write_all(db, writes, options).await?;
    } else {
        for row in writes {
            update_row(db, &mut row.state, &row.changed, options).await?;
        }
    }
    let mut saved = Vec::with_capacity(rows.len());
    if matched {
        fire_after(db, &mut rows.iter_mut().collect::<Vec<_>>(), options).await?;
    }
    for mut row in rows {
        if !matched && row.changed.is_empty() {
            saved.push(row.state);
            continue;
        }
        if matched {
            tell(db, &mut row, options).await?
        } else {
            finish(db, &mut row, options).await?
        }
        let mut row = row.into_saved();
        if matched && row.original.is_none() {
            remember(&mut row);
        }
        saved.push(row);
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
        rows.push(Prepared { state, before: None, stored: None, changed: Vec::new(), pending: Vec::new(), told: None });
    }
    let mut states: Vec<&mut RowState> = rows.iter_mut().map(|row| &mut row.state).collect();
    hook::fire_saving(db, &mut states, [HookKind::BeforeUpdate, HookKind::BeforeSave], None, options).await?;
    rows.into_iter().zip(given).map(|(row, given)| settle(db, row.state, Some(&given), options)).collect()
}

/// Rows of one statement are stored, keep their keys, and hold nothing that only the database knows where it gives no rows back.
fn can_share(state: &RowState) -> bool {
    state.original.is_some()
        && state.computed.is_empty()
        && !state.model.primary_key.iter().any(|position| state.changes(*position))
        && !state.model.columns.iter().any(|column| column.generated.is_some())
}

/// Writes the rows in as few statements as the database allows.
async fn write_all(db: &Db, mut rows: Vec<&mut Prepared>, options: &WriteOptions) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.state.model.clone()) else { return Ok(()) };
    if !are_different(&rows) {
        // One after the other, as if each were saved by itself.
        for row in rows {
            update_row(db, &mut row.state, &row.changed, options).await?;
        }
        return Ok(());
    }
    let bulk = db.dialect().bulk();
    // A row whose version is not known is found by its key alone, which is another text.
    let versioned = model.version.is_none() || rows.iter().all(|row| expected_version(&row.state).is_some());
    // Rows that change the same columns share a text.
    rows.sort_by(|one, other| one.changed.cmp(&other.changed));
    let groups = rows.chunk_by(|one, other| one.changed == other.changed).count();
    let arrays = || groups <= 1 + rows.len() / FEW && travels_in_arrays(&model, &rows);
    if bulk == Bulk::Lists || !options.tags.is_empty() || !versioned || bulk == Bulk::Arrays && !arrays() {
        let most = rows.iter().map(|row| row.changed.len()).max().unwrap_or(0);
        let size = (BINDS / ((most + 1) * (model.primary_key.len() + 1))).clamp(1, ROWS);
        return write(db, &mut rows, size, options).await;
    }
    for group in rows.chunk_by_mut(|one, other| one.changed == other.changed) {
        for chunk in group.chunks_mut(TOGETHER) {
            same_columns(db, chunk, bulk, options).await?;
        }
    }
    Ok(())
}

/// Whether no row is there twice.
fn are_different(rows: &[&mut Prepared]) -> bool {
    let mut seen = HashSet::with_capacity_and_hasher(rows.len(), foldhash::fast::RandomState::default());
    let key = |row: &RowState| match (row.model.primary_key.as_slice(), &row.original) {
        ([position], Some(original)) => original.get(*position).map(|value| KeyHash::one(value.clone())),
        _ => row.stored_key().ok().map(|key| KeyHash::new(&key)),
    };
    rows.iter().all(|row| key(&row.state).is_some_and(|key| seen.insert(key)))
}

/// Whether all values that are written, and the keys, are such that a list of them is an array.
fn travels_in_arrays(model: &ModelDef, rows: &[&mut Prepared]) -> bool {
    rows.iter().flat_map(|row| &row.changed).chain(&model.primary_key).all(|position| is_flat(&model.columns[*position].ty))
}

/// Writes rows that change the same columns: as one array for each column, or by one prepared statement that is run for each of them.
async fn same_columns(db: &Db, rows: &mut [&mut Prepared], bulk: Bulk, options: &WriteOptions) -> Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let (model, changed) = (first.state.model.clone(), first.changed.clone());
    let keys = rows.iter().map(|row| row.state.stored_key()).collect::<Result<Vec<_>>>()?;
    let params = |row: &Prepared, key: &[Value]| stored::values(&row.state, &changed, key, expected_version(&row.state));
    let mut back = comes_back(db, &model, &changed, rows.iter().map(|row| &row.state));
    let (text, params) = if bulk == Bulk::Arrays {
        by_key_first(&model, &mut back);
        (arrays_text(db, &model, &changed, &back)?, Params::Fixed(arrays(&model, rows, &changed, &keys)))
    } else {
        let (version, key) = (expected_version(&first.state), keys.first().map(Vec::as_slice).unwrap_or_default());
        let (text, _) = stored::statement(db, &first.state, (&changed, &back), (key, version), options)?;
        (text, Params::Many(rows.iter().zip(&keys).map(|(row, key)| params(row, key)).collect()))
    };
    let run = options.run("update", &model.name);
    rows.iter_mut().for_each(|row| raise(row));
    if back.is_empty() {
        let step = Step { text, params, sink: Box::new(Discard), cache: true };
        let done = run_one(db, step, run).await.map_err(|error| named(error, &model))?;
        if usize::try_from(done.affected).unwrap_or(usize::MAX) < rows.len() {
            return Err(first_lost(db, &model, rows, keys, options).await);
        }
        return Ok(());
    }
    let step = Step { text, params, sink: Box::new(ValuesSink::of(&model, &back)), cache: true };
    let done = run_one(db, step, run).await.map_err(|error| named(error, &model))?;
    let stored = unsink::<ValuesSink>(done)?.into_rows();
    if bulk == Bulk::Loop {
        if stored.len() < rows.len() {
            return Err(first_lost(db, &model, rows, keys, options).await);
        }
        for (row, values) in rows.iter_mut().zip(stored) {
            take(&mut row.state, &back, values);
        }
        return Ok(());
    }
    take_by_key(db, rows, stored, (keys, &back), options).await
}

/// Where something comes back at all, it is known by the key which row it was.
fn by_key_first(model: &ModelDef, back: &mut Vec<usize>) {
    if !back.is_empty() {
        back.retain(|position| !model.primary_key.contains(position));
        back.splice(0..0, model.primary_key.iter().copied());
    }
}

/// The version that a row has after its statement.
fn raise(row: &mut Prepared) {
    if let Some((position, version)) = expected_version(&row.state) {
        row.state.values[position] = Some(Value::I64(version + 1));
    }
}

/// The text for any number of rows that change these columns.
fn arrays_text(db: &Db, model: &Arc<ModelDef>, changed: &[usize], back: &[usize]) -> Result<Arc<str>> {
    let column = |position: &usize| InsertColumn { name: model.columns[*position].column.clone(), ty: model.columns[*position].ty.clone() };
    let make = || {
        let update = UpdateMany {
            table: model.table.clone(),
            by: model.primary_key.iter().chain(&model.version).map(column).collect(),
            set: changed.iter().map(column).collect(),
            raise: model.version.map(|position| model.columns[position].column.clone()),
            returning: returning(model, back),
        };
        Ok(db.render(&Statement::UpdateMany(Box::new(update)))?.text)
    };
    match update_key(model, db.place.schema.as_deref(), (changed, back), &[], model.version.is_some()) {
        Some(shape) => db.inner.statements.write(shape, model, make),
        None => make().map(Arc::from),
    }
}

/// The parameters of that text: an array for each column of the key, for the version that is expected, and for each column that changes.
fn arrays(model: &ModelDef, rows: &[&mut Prepared], changed: &[usize], keys: &[Vec<Value>]) -> Vec<Param> {
    let array = |position: usize, list: Vec<Value>| Param {
        value: Value::Array(list),
        bind: BindType::list(model.columns[position].ty.bind().scalar),
    };
    let given =
        |position: usize, row: &&mut Prepared| held(&model.columns[position].ty, row.state.values[position].clone().unwrap_or_default());
    let mut params = Vec::with_capacity(changed.len() + model.primary_key.len() + 1);
    for (place, position) in model.primary_key.iter().enumerate() {
        params.push(array(*position, keys.iter().map(|key| key[place].clone()).collect()));
    }
    if let Some(position) = model.version {
        let expected = |row: &&mut Prepared| expected_version(&row.state).map_or(Value::Null, |(_, version)| Value::I64(version));
        params.push(array(position, rows.iter().map(expected).collect()));
    }
    for position in changed {
        params.push(array(*position, rows.iter().map(|row| given(*position, row)).collect()));
    }
    params
}

/// Writes rows by statements of conditions, so many in each: one that is run anew for those that have its text.
async fn write(db: &Db, mut rows: &mut [&mut Prepared], size: usize, options: &WriteOptions) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.state.model.clone()) else { return Ok(()) };
    let mut batch = Batch { steps: Vec::new(), mode: BatchMode::Plain };
    let mut parts: Vec<(Vec<Vec<Value>>, Vec<usize>)> = Vec::new();
    for chunk in rows.chunks(size) {
        let keys = chunk.iter().map(|row| row.state.stored_key()).collect::<Result<Vec<_>>>()?;
        let mut back = comes_back(db, &model, &all_changed(chunk), chunk.iter().map(|row| &row.state));
        by_key_first(&model, &mut back);
        let Sql { text, params } = by_conditions(db, &model, chunk, (&keys, &back), options)?;
        match (batch.steps.last_mut(), parts.last_mut()) {
            (Some(Step { text: known, params: Params::Many(lists), .. }), Some((all, same))) if **known == *text && *same == back => {
                lists.push(params);
                all.extend(keys);
            }
            _ => {
                let sink: Box<dyn RowSink> = if back.is_empty() { Box::new(Discard) } else { Box::new(ValuesSink::of(&model, &back)) };
                batch.steps.push(Step { text: text.into(), params: Params::Many(vec![params]), sink, cache: true });
                parts.push((keys, back));
            }
        }
    }
    rows.iter_mut().for_each(|row| raise(row));
    let done = db.run(batch, options.run("update", &model.name)).await.map_err(|error| named(error, &model))?;
    for ((keys, back), done) in parts.into_iter().zip(done) {
        let (part, rest) = rows.split_at_mut(keys.len());
        rows = rest;
        if back.is_empty() {
            if usize::try_from(done.affected).unwrap_or(usize::MAX) < part.len() {
                return Err(first_lost(db, &model, part, keys, options).await);
            }
            if hook::captures(db, &model) {
                read_back(db, part, options).await?;
            }
            continue;
        }
        take_by_key(db, part, unsink::<ValuesSink>(done)?.into_rows(), (keys, &back), options).await?;
    }
    Ok(())
}

/// Where a statement gives nothing back, those who are told of its rows are told what is stored all the same.
async fn read_back(db: &Db, rows: &mut [&mut Prepared], options: &WriteOptions) -> Result<()> {
    let states: Vec<RowState> = rows.iter().map(|row| row.state.clone()).collect();
    let Some(first) = states.first() else { return Ok(()) };
    let whole: Vec<usize> = (0..first.model.columns.len()).collect();
    let query = keyed(&QueryState::new(first.model.clone()), &states)?;
    let mut stored = HashMap::with_capacity(states.len());
    for row in find_rows(db, query, options.site).await? {
        stored.insert(KeyHash::new(&row.stored_key()?), row.values);
    }
    for row in rows.iter_mut() {
        if let Some(values) = stored.remove(&KeyHash::new(&row.state.stored_key()?)) {
            take(&mut row.state, &whole, values.into_iter().map(Option::unwrap_or_default).collect());
        }
    }
    Ok(())
}

/// What came back of rows, in whatever order.
async fn take_by_key(
    db: &Db,
    rows: &mut [&mut Prepared],
    stored: Vec<Vec<Value>>,
    (keys, back): (Vec<Vec<Value>>, &[usize]),
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.state.model.clone()) else { return Ok(()) };
    let hashed = |values: Vec<Value>| (KeyHash::new(&values[..model.primary_key.len()]), values);
    let mut stored: HashMap<KeyHash, Vec<Value>> = stored.into_iter().map(hashed).collect();
    for (row, key) in rows.iter_mut().zip(keys) {
        let Some(values) = stored.remove(&KeyHash::new(&key)) else {
            return Err(lost(db, &model, key, expected_version(&row.state), options).await);
        };
        take(&mut row.state, back, values);
    }
    Ok(())
}

/// The statement that writes rows by conditions of their keys.
fn by_conditions(
    db: &Db,
    model: &Arc<ModelDef>,
    rows: &[&mut Prepared],
    (keys, back): (&[Vec<Value>], &[usize]),
    options: &WriteOptions,
) -> Result<Sql> {
    let update = Update {
        table: model.table.clone(),
        set: values(model, rows, keys),
        filter: Some(condition(model, rows, keys)),
        order_by: Vec::new(),
        limit: None,
        key: Vec::new(),
        returning: returning(model, back),
        before: Vec::new(),
        tags: options.tags.clone(),
    };
    db.render(&Statement::Update(Box::new(update)))
}

/// The columns that any row changes.
fn all_changed(rows: &[&mut Prepared]) -> Vec<usize> {
    let mut positions: Vec<usize> = rows.iter().flat_map(|row| row.changed.iter().copied()).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// For each column that any row changes: the value of each row that does, by its key.
fn values(model: &Arc<ModelDef>, rows: &[&mut Prepared], keys: &[Vec<Value>]) -> Vec<(Name, Expr)> {
    let positions = all_changed(rows);
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
                // Somebody else may have raised it just as far; then the row does not hold what was to be written.
                Some((position, expected)) if found.values[position] != Some(Value::I64(expected + 1)) || !holds(&found, row) => {
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

/// Whether a stored row has the values that another one writes.
fn holds(stored: &RowState, row: &Prepared) -> bool {
    row.changed.iter().all(|position| match (&stored.values[*position], &row.state.values[*position]) {
        (Some(stored), Some(written)) => super::same_value(stored, written),
        (stored, written) => stored.is_none() == written.is_none(),
    })
}
