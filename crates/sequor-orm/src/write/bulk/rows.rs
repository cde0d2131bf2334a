//! The statements of a bulk create: rows with the same columns together, as few texts as can be, whatever the number of rows.

mod answer;
mod behind;
mod groups;

use super::conflict::Taken;
use super::{BulkOptions, OnDuplicate};
use crate::db::Db;
use crate::plan::insert_key;
use crate::write::insert::{ValuesSink, bound, given, held, is_flat, param, returning, statement, unknown, wanted};
use crate::write::{RowState, named};
use answer::answer;
use groups::{Group, apart, grouped};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Discard, Param, Params, RowSink, Step};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, Insert, Statement};
use sequor_core::types::BindType;
use sequor_sql::Bulk;
use std::sync::Arc;

/// How many rows one statement takes at most: texts of these sizes only, so that few are prepared (the series of the padded lists).
const SIZES: [usize; 10] = [1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1];

/// Up to this many rows the text of any number is kept.
const KEPT: usize = 10;

/// Whether the text for so many rows is kept.
fn keeps(size: usize) -> bool {
    size <= KEPT || SIZES.contains(&size)
}

/// How many rows one statement of arrays takes; its text is the same for any number.
const ARRAYS: usize = 10_000;

/// How many rows one statement of a loop takes. Each statement on a table with AUTOINCREMENT writes its counter: a hundred rows in one save a third of the
/// time of a hundred statements.
const LOOPED: [usize; 3] = [100, 10, 1];

/// How many rows with expressions one statement takes: they bind as they like.
const COMPUTED: usize = 100;

/// How the rows of a group travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// SQLite: a prepared statement of some rows, run until all are there; keys of one transaction are consecutive.
    Loop,
    /// PostgreSQL: one array for each column.
    Arrays,
    /// Lists of values.
    Lists,
    /// Lists of values and expressions: a text of their own.
    Computed,
}

/// Which rows of a group a step writes.
struct Part {
    group: usize,
    rows: std::ops::Range<usize>,
    way: Way,
}

/// Inserts rows in one batch: all or none. They come back in the order of the input; one that a conflict left out comes back without its key.
pub(super) async fn insert_rows(db: &Db, rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(model) = rows.first().map(|row| row.model.clone()) else { return Ok(rows) };
    crate::write::parents::reserve(db, &rows, &options.write).await?;
    let count = rows.len();
    let mixes = returns(db, options) && matches!(options.duplicates, OnDuplicate::Fail);
    let mut groups = grouped(&model, rows, mixes);
    if !db.dialect().insert_returning() && !matches!(options.duplicates, OnDuplicate::Fail) {
        groups = groups.into_iter().flat_map(|group| apart(&model, group)).collect();
    }
    for group in &mut groups {
        group.taken = Taken::of(db, &model, &group.positions, options)?;
        group.back = back(db, &model, group, options);
    }
    let open: Vec<bool> = groups.iter().map(|group| behind::is_needed(db, &model, group, options)).collect();
    if open.contains(&true) {
        groups = db
            .in_transaction(async |tx| {
                let mut groups = written(tx, &model, groups, options).await?;
                for (group, _) in groups.iter_mut().zip(&open).filter(|(_, open)| **open) {
                    behind::fill(tx, &model, group, options).await?;
                }
                Ok(groups)
            })
            .await?;
    } else {
        groups = written(db, &model, groups, options).await?;
    }
    if let [group] = groups.as_mut_slice() {
        return Ok(std::mem::take(&mut group.rows));
    }
    let mut stored: Vec<Option<RowState>> = std::iter::repeat_with(|| None).take(count).collect();
    for group in groups {
        for (place, row) in group.places.into_iter().zip(group.rows) {
            stored[place] = Some(row);
        }
    }
    stored.into_iter().collect::<Option<_>>().ok_or_else(|| Error::bug("a row of a bulk create was lost"))
}

/// Writes the rows of some groups, and puts into them what the answers tell.
async fn written(db: &Db, model: &Arc<ModelDef>, mut groups: Vec<Group>, options: &BulkOptions) -> Result<Vec<Group>> {
    let (mut steps, mut parts) = (Vec::new(), Vec::new());
    for (number, group) in groups.iter_mut().enumerate() {
        for (step, part) in group_steps(db, model, number, group, options)? {
            steps.push(step);
            parts.push(part);
        }
    }
    let single = matches!(steps.as_slice(), [Step { params: Params::Fixed(_), .. }]);
    let mode = if single { BatchMode::Plain } else { BatchMode::Atomic };
    let run = options.write.run("bulk_create", &model.name);
    let done = db.run(Batch { steps, mode }, run).await.map_err(|error| named(error, model))?;
    for (part, done) in parts.iter().zip(done) {
        let Some(group) = groups.get_mut(part.group) else { return Err(Error::bug("an insert of rows that are not there")) };
        answer(model, group, part, done)?;
    }
    Ok(groups)
}

fn way(db: &Db, model: &ModelDef, group: &Group) -> Way {
    let flat = |position: &usize| is_flat(&model.columns[*position].ty);
    // What comes back of a run is told run by run; nothing does of rows whose keys count up.
    let looped = || match group.taken {
        Taken::Fails => counts_up(model, &group.positions),
        Taken::Stays { .. } => false,
        Taken::Gets { .. } => true,
    };
    match db.dialect().bulk() {
        _ if group.computed => Way::Computed,
        Bulk::Loop if looped() => Way::Loop,
        Bulk::Arrays if group.rows.len() > 1 && !group.positions.is_empty() && group.positions.iter().all(flat) => Way::Arrays,
        _ => Way::Lists,
    }
}

/// Whether everything that is not written is a key that counts itself up.
fn counts_up(model: &ModelDef, positions: &[usize]) -> bool {
    let mut missing = (0..model.columns.len()).filter(|position| !positions.contains(position));
    match (missing.next(), missing.next()) {
        (None, _) => true,
        (Some(key), None) => model.columns[key].auto_increment && model.primary_key == [key],
        _ => false,
    }
}

fn group_steps(db: &Db, model: &Arc<ModelDef>, number: usize, group: &mut Group, options: &BulkOptions) -> Result<Vec<(Step, Part)>> {
    let way = way(db, model, group);
    let part = |rows| Part { group: number, rows, way };
    let count = group.rows.len();
    match way {
        Way::Loop => list_steps(db, model, group, (&LOOPED, false, options), &part),
        Way::Arrays => {
            let mut steps = Vec::new();
            for start in (0..count).step_by(ARRAYS) {
                let rows = start..count.min(start + ARRAYS);
                let lent = &mut group.rows[rows.clone()];
                let arrays = arrays(model, &group.positions, lent);
                // Two rows are as many as any: the text has one array for each column.
                steps.push((step(db, model, group, Params::Fixed(arrays), (2, options))?, part(rows)));
            }
            Ok(steps)
        }
        Way::Lists => list_steps(db, model, group, (&SIZES, !returns(db, options), options), &part),
        Way::Computed => {
            let mut steps = Vec::new();
            for start in (0..count).step_by(COMPUTED) {
                let rows = start..count.min(start + COMPUTED);
                steps.push((computed_step(db, model, group, &group.rows[rows.clone()], options)?, part(rows)));
            }
            Ok(steps)
        }
    }
}

/// Statements of lists, as few as these sizes allow. `alone`: each run of a statement is a step of its own, since only so it tells its first key.
fn list_steps(
    db: &Db,
    model: &Arc<ModelDef>,
    group: &mut Group,
    (sizes, alone, options): (&[usize], bool, &BulkOptions),
    part: &dyn Fn(std::ops::Range<usize>) -> Part,
) -> Result<Vec<(Step, Part)>> {
    // A row without columns is DEFAULT VALUES, which has no list.
    let most = if group.positions.is_empty() { 1 } else { db.dialect().max_params() / group.positions.len() };
    let count = group.rows.len();
    if count <= most.min(sizes.first().copied().unwrap_or(1)) {
        // One statement, as long as the rows need: the text of an odd size is not kept.
        let list = lend(model, &group.positions, &mut group.rows);
        let mut step = step(db, model, group, Params::Fixed(list), (count, options))?;
        step.cache = keeps(count);
        return Ok(vec![(step, part(0..count))]);
    }
    let (mut steps, mut start) = (Vec::new(), 0);
    for size in sizes.iter().copied().filter(|size| *size == 1 || *size <= most) {
        let end = start + (count - start) / size * size;
        if end == start {
            continue;
        }
        let mut lists: Vec<Vec<Param>> = group.rows[start..end].chunks_mut(size).map(|rows| lend(model, &group.positions, rows)).collect();
        if alone {
            for (list, start) in lists.into_iter().zip((start..end).step_by(size)) {
                steps.push((step(db, model, group, Params::Fixed(list), (size, options))?, part(start..start + size)));
            }
        } else {
            let params = match (lists.len(), lists.pop()) {
                (1, Some(list)) => Params::Fixed(list),
                (_, last) => {
                    lists.extend(last);
                    Params::Many(lists)
                }
            };
            steps.push((step(db, model, group, params, (size, options))?, part(start..end)));
        }
        start = end;
    }
    Ok(steps)
}

/// The parameters of some rows, one after the other, each in the order of its columns. The values are lent: [`give_back`] returns them.
fn lend(model: &ModelDef, positions: &[usize], rows: &mut [RowState]) -> Vec<Param> {
    let mut params = Vec::with_capacity(rows.len() * positions.len());
    for row in rows {
        params.extend(positions.iter().map(|position| param(model, *position, row.values[*position].take().unwrap_or_default())));
    }
    params
}

/// Puts lent values back where they came from.
fn give_back(positions: &[usize], way: Way, params: Params, rows: &mut [RowState]) {
    let lists = match (way, params) {
        (Way::Arrays, Params::Fixed(arrays)) => {
            let lists = positions.iter().zip(arrays).map(|(position, array)| match array.value {
                Value::Array(values) => (*position, values.into_iter()),
                _ => (*position, Vec::new().into_iter()),
            });
            let mut lists: Vec<_> = lists.collect();
            for row in rows {
                for (position, values) in &mut lists {
                    if let Some(value) = values.next() {
                        row.values[*position] = Some(value);
                    }
                }
            }
            return;
        }
        (Way::Computed, _) | (_, Params::Derived(_)) => return,
        (_, Params::Fixed(list)) => vec![list],
        (_, Params::Many(lists)) => lists,
    };
    let mut params = lists.into_iter().flatten();
    for row in rows {
        for (position, param) in positions.iter().zip(&mut params) {
            row.values[*position] = Some(param.value);
        }
    }
}

/// The columns of some rows, lent. Row by row, since the values of a row lie together, and many rows are more than the processor has at hand.
fn arrays(model: &ModelDef, positions: &[usize], rows: &mut [RowState]) -> Vec<Param> {
    let mut lists: Vec<Vec<Value>> = positions.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (list, position) in lists.iter_mut().zip(positions) {
            list.push(held(&model.columns[*position].ty, row.values[*position].take().unwrap_or_default()));
        }
    }
    let bind = |position: &usize| BindType::list(model.columns[*position].ty.bind().scalar);
    positions.iter().zip(lists).map(|(position, list)| Param { value: Value::Array(list), bind: bind(position) }).collect()
}

fn returns(db: &Db, options: &BulkOptions) -> bool {
    db.dialect().insert_returning() && options.returning
}

/// The statement for so many rows, with these parameters.
fn step(db: &Db, model: &Arc<ModelDef>, group: &Group, params: Params, (size, options): (usize, &BulkOptions)) -> Result<Step> {
    let back = &group.back;
    let place = db.place.schema.as_deref();
    let known = options.write.tags.is_empty() && keeps(size);
    let make = || {
        let row = || group.positions.iter().map(|position| bound(model, *position, &Value::Null)).collect();
        let mut insert: Insert =
            statement(model, &group.positions, (0..size).map(|_| row()).collect(), group.taken.clause(model), &options.write);
        insert.returning = returning(model, back);
        Ok(db.render(&Statement::Insert(Box::new(insert)))?.text)
    };
    let text = match known {
        true => {
            let key = insert_key(model, place, (&group.positions, back, size), &group.taken.shape());
            db.inner.statements.write(key, model, make)?
        }
        false => make()?.into(),
    };
    let rows = expected(&params, group.positions.len());
    Ok(Step { text, params, sink: sink(model, back, rows), cache: true })
}

/// How many rows these parameters are: arrays have one entry for each, lists as many as there are columns.
fn expected(params: &Params, width: usize) -> usize {
    match params {
        Params::Fixed(list) => match list.first().map(|param| &param.value) {
            Some(Value::Array(column)) if list.len() == width => column.len(),
            _ => list.len() / width.max(1),
        },
        Params::Many(lists) => lists.iter().map(Vec::len).sum::<usize>() / width.max(1),
        Params::Derived(_) => 0,
    }
}

/// What takes the rows that come back.
fn sink(model: &ModelDef, back: &[usize], rows: usize) -> Box<dyn RowSink> {
    if back.is_empty() { Box::new(Discard) } else { Box::new(ValuesSink::expecting(model, back, rows)) }
}

fn computed_step(db: &Db, model: &Arc<ModelDef>, group: &Group, rows: &[RowState], options: &BulkOptions) -> Result<Step> {
    let back = &group.back;
    // A key that counts itself up does so in the rows that give none.
    let cell =
        |row: &RowState, position: usize| if wanted(model, row, position) { given(row, position) } else { unset(model, row, position) };
    let exprs = rows.iter().map(|row| group.positions.iter().map(|position| cell(row, *position)).collect()).collect();
    let mut insert: Insert = statement(model, &group.positions, exprs, group.taken.clause(model), &options.write);
    insert.returning = returning(model, back);
    let sql = db.render(&Statement::Insert(Box::new(insert)))?;
    let sink = sink(model, back, rows.len());
    Ok(Step { text: sql.text.into(), params: Params::Fixed(sql.params), sink, cache: false })
}

/// What stands in the place of a value that a row does not have.
fn unset(model: &ModelDef, row: &RowState, position: usize) -> Expr {
    if model.columns[position].auto_increment { Expr::Default } else { given(row, position) }
}

/// The columns that have to come back: see [`unknown`], and those of which a conflict does not tell whether they are the old row's or the new one's.
fn back(db: &Db, model: &ModelDef, group: &Group, options: &BulkOptions) -> Vec<usize> {
    let counted = matches!(group.taken, Taken::Fails) && way(db, model, group) == Way::Loop;
    if !returns(db, options) || counted {
        return Vec::new();
    }
    let told = |position: &usize| group.taken.tells(db, model, *position);
    if group.computed || !(0..model.columns.len()).any(|position| told(&position)) {
        return (0..model.columns.len()).collect();
    }
    let mut back = unknown(model, &group.positions, &group.rows);
    back.extend((0..model.columns.len()).filter(|position| !told(position)));
    back.sort_unstable();
    back.dedup();
    back
}
