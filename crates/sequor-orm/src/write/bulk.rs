//! Many rows at once: one statement for as many as a server takes, keys back in the order of the input.

use super::create::prepare;
use super::insert::{ValuesSink, bound, given, statement, writable, written};
use super::{RowState, WriteOptions, named};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{run_one, step, unsink};
use crate::validate;
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Discard, Param, Params, Step};
use sequor_core::error::{Error, Result, ValidationError};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Conflict, ConflictAction, Expr, Statement};
use sequor_sql::Dialect;
use std::sync::Arc;

/// What a bulk write may say.
#[derive(Clone, Debug)]
pub(crate) struct BulkOptions {
    pub(crate) write: WriteOptions,
    /// What happens to rows whose key is taken.
    pub(crate) duplicates: OnDuplicate,
    /// Row hooks run for each row.
    pub(crate) individual_hooks: bool,
    /// The rows come back.
    pub(crate) returning: bool,
}

/// What happens to rows whose key is taken.
#[derive(Clone, Debug, Default)]
pub(crate) enum OnDuplicate {
    /// The whole write fails.
    #[default]
    Fail,
    /// They are left out.
    Ignore,
    /// These fields of the old row are set; the key is found, or given.
    Update { fields: Vec<usize>, key: Option<Vec<usize>> },
}

/// How many rows one statement takes at most; more make texts and replies unwieldy.
const ROWS: usize = 1_000;

/// Creates many rows in one transaction.
pub(crate) async fn bulk_create(db: &Db, rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(rows) };
    let model = first.model.clone();
    writable(&model)?;
    if hook::needs_transaction(db, &model, &options.write) {
        return db.in_transaction(async move |tx| create_all(tx, rows, options).await).await;
    }
    create_all(db, rows, options).await
}

async fn create_all(db: &Db, mut rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(rows) };
    let model = first.model.clone();
    for row in &mut rows {
        prepare(row, db, &options.write)?;
    }
    hook::fire(db, &model, HookKind::BeforeBulkCreate, HookSubject::Rows(&mut rows), &options.write).await?;
    let graph = rows.iter().any(|row| !row.children.is_empty());
    if options.write.validate {
        // The hooks of validation belong to rows that have hooks of their own.
        let hooks = options.write.hooks && options.individual_hooks;
        validate_rows(db, &mut rows, &WriteOptions { hooks, ..options.write.clone() }).await?;
    }
    let validated = WriteOptions { validate: false, ..options.write.clone() };
    let one = rows.len() == 1 && !graph && !options.individual_hooks && !hook::needs_transaction(db, &model, &options.write);
    let mut stored = if one {
        insert_rows(db, rows, options).await?
    } else {
        db.in_transaction(async move |tx| {
            if graph || options.individual_hooks {
                let mut stored = Vec::with_capacity(rows.len());
                for row in rows {
                    stored.push(if row.children.is_empty() && !matches!(options.duplicates, OnDuplicate::Fail) {
                        insert_with_hooks(tx, row, options).await?
                    } else if row.children.is_empty() {
                        super::create::create_one(tx, row, &validated, &[]).await?
                    } else {
                        super::graph::create_graph(tx, row, &options.write).await?
                    });
                }
                return Ok(stored);
            }
            let stored = insert_rows(tx, rows, options).await?;
            for row in &stored {
                hook::changed_among_many(tx, hook::Operation::Create, None, Some(row), &options.write).await?;
            }
            Ok(stored)
        })
        .await?
    };
    hook::fire(db, &model, HookKind::AfterBulkCreate, HookSubject::Rows(&mut stored), &options.write).await?;
    for row in &mut stored {
        row.original = Some(row.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
    }
    Ok(stored)
}

/// One row of a bulk write with its own hooks and the conflict clause of the whole. A row that was left out fires no after-hooks.
async fn insert_with_hooks(db: &Db, mut row: RowState, options: &BulkOptions) -> Result<RowState> {
    let model = row.model.clone();
    for kind in [HookKind::BeforeCreate, HookKind::BeforeSave] {
        hook::fire(db, &model, kind, HookSubject::Row(&mut row), &options.write).await?;
    }
    let mut stored = insert_rows(db, vec![row], options).await?.pop().ok_or_else(|| Error::bug("an insert gave no row back"))?;
    let is_there = model.primary_key.iter().all(|position| stored.values[*position].as_ref().is_some_and(|value| !value.is_null()));
    if !is_there {
        return Ok(stored);
    }
    for kind in [HookKind::AfterCreate, HookKind::AfterSave] {
        hook::fire(db, &model, kind, HookSubject::Row(&mut stored), &options.write).await?;
    }
    hook::changed(db, hook::Operation::Create, None, Some(&stored), &options.write).await?;
    Ok(stored)
}

/// All failures of all rows at once.
async fn validate_rows(db: &Db, rows: &mut [RowState], options: &WriteOptions) -> Result<()> {
    let mut items = Vec::new();
    for (number, row) in rows.iter_mut().enumerate() {
        match validate::run(db, row, options, &[]).await {
            Ok(()) => {}
            Err(Error::Validation(error)) => items.extend(error.items.into_iter().map(|mut item| {
                item.record = Some(number);
                item
            })),
            Err(other) => return Err(other),
        }
    }
    if items.is_empty() { Ok(()) } else { Err(Error::Validation(ValidationError { items, bulk: true })) }
}

/// The conflict clause of a bulk write, and the fields of an update.
pub(crate) fn conflict(model: &ModelDef, duplicates: &OnDuplicate, given: &[usize]) -> Result<Option<Conflict>> {
    let column = |position: &usize| model.columns[*position].column.clone();
    match duplicates {
        OnDuplicate::Fail => Ok(None),
        OnDuplicate::Ignore => Ok(Some(Conflict { target: Vec::new(), target_filter: None, action: ConflictAction::Nothing })),
        OnDuplicate::Update { fields, key } => {
            let target = match key {
                Some(key) => key.clone(),
                None => covered_key(model, given)?,
            };
            let mut fields: Vec<usize> = fields.clone();
            if let Some(updated) = model.timestamps.updated
                && !fields.contains(&updated)
            {
                fields.push(updated);
            }
            fields.retain(|position| Some(*position) != model.timestamps.created);
            let mut set: Vec<_> = fields.iter().map(|position| (column(position), Expr::Proposed(column(position)))).collect();
            if let Some(version) = model.version {
                let raised = super::save::column(model, version)
                    .binary(sequor_core::statement::BinaryOp::Add, bound(model, version, &Value::I64(1)));
                set.push((column(&version), raised));
            }
            let target_filter = model.key_condition(&target);
            Ok(Some(Conflict { target: target.iter().map(column).collect(), target_filter, action: ConflictAction::Update(set) }))
        }
    }
}

/// A unique key that the given values cover.
pub(crate) fn covered_key(model: &ModelDef, given: &[usize]) -> Result<Vec<usize>> {
    let keys = model.unique_keys();
    let found = keys.iter().find(|key| key.iter().all(|position| given.contains(position))).cloned();
    found.ok_or_else(|| {
        let names = |key: &Vec<usize>| key.iter().map(|position| model.columns[*position].name.as_ref()).collect::<Vec<_>>().join(" + ");
        let candidates: Vec<String> = keys.iter().map(names).collect();
        Error::usage(format!("no unique key of {} is covered by the values: give one of {}", model.name, candidates.join("; ")))
    })
}

/// Inserts rows, those with the same columns together, in the order of the input.
async fn insert_rows(db: &Db, rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let mut stored: Vec<Option<RowState>> = Vec::with_capacity(rows.len());
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let mut positions = written(row);
        // A missing value of a column that takes NULL and has no default is NULL, so that rows of different keys share a statement.
        let model = &row.model;
        for (position, column) in model.columns.iter().enumerate() {
            let plain = matches!(column.default, sequor_core::schema::Default::None)
                && column.nullable
                && column.generated.is_none()
                && !column.auto_increment;
            if row.values[position].is_none() && plain {
                positions.push(position);
            }
        }
        positions.sort_unstable();
        positions.dedup();
        match groups.iter_mut().find(|(known, _)| *known == positions) {
            Some((_, members)) => members.push(number),
            None => groups.push((positions, vec![number])),
        }
        stored.push(None);
    }
    for (positions, members) in groups {
        let width = positions.len().max(1);
        let chunk = match db.dialect() {
            // One array for each column, whatever the number of rows.
            Dialect::Postgres => ROWS * 10,
            dialect => (dialect.max_params() / width).clamp(1, ROWS),
        };
        for members in members.chunks(chunk) {
            let values = insert_chunk(db, &rows, members, &positions, options).await?;
            for (number, values) in members.iter().zip(values) {
                stored[*number] = values.map(|values| RowState::stored(rows[*number].model.clone(), values));
            }
        }
    }
    // Rows that a conflict left out have no stored form; they come back as they were given.
    Ok(stored
        .into_iter()
        .zip(rows)
        .map(|(stored, row)| {
            stored.unwrap_or_else(|| RowState::stored(row.model.clone(), row.values.into_iter().map(Option::unwrap_or_default).collect()))
        })
        .collect())
}

type Stored = Vec<Option<Vec<Value>>>;

async fn insert_chunk(db: &Db, rows: &[RowState], members: &[usize], positions: &[usize], options: &BulkOptions) -> Result<Stored> {
    let model = rows[members[0]].model.clone();
    let conflict = conflict(&model, &options.duplicates, positions)?;
    if db.dialect() == Dialect::Sqlite
        && conflict.is_none()
        && counts_up(&model, positions)
        && members.iter().all(|number| rows[*number].computed.is_empty())
    {
        return insert_loop(db, rows, members, positions, &model, options).await;
    }
    let value = |row: &RowState, position: &usize| given(row, *position);
    let exprs = members.iter().map(|number| positions.iter().map(|position| value(&rows[*number], position)).collect()).collect();
    let ignoring = matches!(options.duplicates, OnDuplicate::Ignore);
    if ignoring && db.dialect().is_mysql() {
        // Without a key to name, a conflict sets the key to itself.
        let mut conflict = conflict;
        if let (Some(conflict), Some(key)) = (&mut conflict, model.primary_key.first()) {
            conflict.target = vec![model.columns[*key].column.clone()];
        }
        let insert = statement(&model, positions, exprs, conflict, &options.write);
        return run_chunk(db, insert, &model, members.len(), options, true).await;
    }
    let insert = statement(&model, positions, exprs, conflict, &options.write);
    run_chunk(db, insert, &model, members.len(), options, ignoring).await
}

async fn run_chunk(
    db: &Db,
    mut insert: sequor_core::statement::Insert,
    model: &Arc<ModelDef>,
    count: usize,
    options: &BulkOptions,
    ignoring: bool,
) -> Result<Stored> {
    let returns = db.dialect().insert_returning() && options.returning;
    if !returns {
        insert.returning.clear();
    }
    let given: Vec<Vec<Expr>> = insert.rows.clone();
    let columns: Vec<usize> =
        insert.columns.iter().filter_map(|column| model.columns.iter().position(|known| known.column == column.name)).collect();
    let mut sql = Statement::Insert(Box::new(insert));
    if let Statement::Insert(insert) = &mut sql {
        insert.tags.clone_from(&options.write.tags);
    }
    let sql = db.render(&sql)?;
    let run = options.write.run("bulk_create", &model.name);
    if returns {
        let done = run_one(db, step(sql, Box::new(ValuesSink::new(model))), run).await.map_err(|error| named(error, model))?;
        let rows = unsink::<ValuesSink>(done)?.rows;
        if ignoring {
            return Ok(matched(rows, &given, &columns));
        }
        if rows.len() != count {
            return Err(Error::bug("an insert gave back another number of rows than it was given"));
        }
        return Ok(rows.into_iter().map(Some).collect());
    }
    let done = run_one(db, step(sql, Box::new(Discard)), run).await.map_err(|error| named(error, model))?;
    // MySQL: the first of consecutive keys, which a simple insert of known length always gets.
    let first = done.last_insert_id;
    let counted = model.primary_key.first().filter(|key| model.columns[**key].auto_increment && !columns.contains(key)).copied();
    let rows = given.into_iter().enumerate().map(|(number, row)| {
        let mut values = vec![Value::Null; model.columns.len()];
        for (position, value) in columns.iter().zip(row) {
            if let Expr::Value(value, _) = value {
                values[*position] = value;
            }
        }
        if let (Some(position), Some(first), false) = (counted, first, ignoring) {
            values[position] = Value::I64(first + i64::try_from(number).unwrap_or(0));
        }
        Some(values)
    });
    Ok(rows.collect())
}

/// Which of the given rows came back: those that a conflict left out did not, and MySQL gives the old row in their place.
fn matched(rows: Vec<Vec<Value>>, given: &[Vec<Expr>], columns: &[usize]) -> Stored {
    let mut rows: Vec<Option<Vec<Value>>> = rows.into_iter().map(Some).collect();
    let fits = |row: &Vec<Value>, values: &Vec<Expr>| {
        columns
            .iter()
            .zip(values)
            .all(|(position, value)| matches!(value, Expr::Value(value, _) if super::save::same_value(value, &row[*position])))
    };
    given
        .iter()
        .map(|values| {
            let place = rows.iter().position(|row| row.as_ref().is_some_and(|row| fits(row, values)))?;
            rows[place].take()
        })
        .collect()
}

/// Whether everything that is not written is a key that counts itself up.
fn counts_up(model: &ModelDef, positions: &[usize]) -> bool {
    let missing: Vec<usize> = (0..model.columns.len()).filter(|position| !positions.contains(position)).collect();
    matches!(missing.as_slice(), [])
        || matches!(missing.as_slice(), [key] if model.columns[*key].auto_increment && model.primary_key == [*key])
}

/// SQLite: one prepared statement for each row is the fastest; keys of one transaction are consecutive.
async fn insert_loop(
    db: &Db,
    rows: &[RowState],
    members: &[usize],
    positions: &[usize],
    model: &Arc<ModelDef>,
    options: &BulkOptions,
) -> Result<Stored> {
    let value = |row: &RowState, position: &usize| row.values[*position].clone().unwrap_or_default();
    let exprs: Vec<Expr> = positions.iter().map(|position| bound(model, *position, &Value::Null)).collect();
    let mut insert = statement(model, positions, vec![exprs], None, &options.write);
    insert.returning.clear();
    let sql = db.render(&Statement::Insert(Box::new(insert)))?;
    let lists = members.iter().map(|number| {
        let params =
            positions.iter().map(|position| Param { value: value(&rows[*number], position), bind: model.columns[*position].ty.bind() });
        params.collect()
    });
    let step = Step { text: sql.text.into(), params: Params::Many(lists.collect()), sink: Box::new(Discard), cache: true };
    let batch = Batch { steps: vec![step], mode: BatchMode::Atomic };
    let done = db.run(batch, options.write.run("bulk_create", &model.name)).await.map_err(|error| named(error, model))?;
    let last = done.first().and_then(|done| done.last_insert_id).unwrap_or(0);
    let first = last + 1 - i64::try_from(members.len()).unwrap_or(0);
    let counted = model.primary_key.first().filter(|key| !positions.contains(key)).copied();
    let stored = members.iter().enumerate().map(|(number, member)| {
        let mut values: Vec<Value> = rows[*member].values.iter().map(|value| value.clone().unwrap_or_default()).collect();
        if let Some(position) = counted {
            values[position] = Value::I64(first + i64::try_from(number).unwrap_or(0));
        }
        Some(values)
    });
    Ok(stored.collect())
}
