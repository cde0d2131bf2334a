//! What a new or changed row gets by itself: defaults, timestamps, versions, stamps, setters.

use crate::db::Db;
use crate::hook::{ActorId, Whose, calm};
use crate::write::{RowState, WriteOptions};
use chrono::{DateTime, Utc};
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ColumnDef, Default as ColumnDefault, Generator, ModelDef, SoftDelete};
use sequor_core::types::{ColumnType, value_from_json};
use std::cell::Cell;

/// The instant of a write: one for all its rows, and read only where somebody needs it.
pub(crate) struct Moment<'d> {
    db: &'d Db,
    at: Cell<Option<DateTime<Utc>>>,
}

impl<'d> Moment<'d> {
    pub(crate) fn of(db: &'d Db) -> Moment<'d> {
        Moment { db, at: Cell::new(None) }
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self.at.get().unwrap_or_else(|| self.db.now());
        self.at.set(Some(now));
        now
    }
}

/// The present instant as a column of this type takes it.
pub(crate) fn now_for(column: &ColumnDef, db: &Db) -> Value {
    instant_for(column, db.now())
}

fn instant_for(column: &ColumnDef, now: DateTime<Utc>) -> Value {
    use chrono::{SubsecRound, Timelike};
    let now = now.with_nanosecond(now.nanosecond() - now.nanosecond() % 1_000).unwrap_or(now);
    match &column.ty {
        ColumnType::DateTime(digits) => Value::DateTime(now.trunc_subsecs(u16::from(*digits))),
        ColumnType::NaiveDateTime(digits) => Value::NaiveDateTime(now.trunc_subsecs(u16::from(*digits)).naive_utc()),
        ColumnType::Date => Value::Date(now.date_naive()),
        ty if ty.is_integer() => Value::I64(now.timestamp_millis()),
        _ => Value::DateTime(now),
    }
}

fn generated(generator: Generator, column: &ColumnDef, moment: &Moment<'_>) -> Value {
    let uuid = |uuid: uuid::Uuid| if column.ty == ColumnType::Uuid { Value::Uuid(uuid) } else { Value::Text(uuid.to_string()) };
    match generator {
        Generator::UuidV1 => uuid(uuid::Uuid::now_v1(&[2, 0, 0, 0, 0, 1])),
        Generator::UuidV4 => uuid(uuid::Uuid::new_v4()),
        Generator::UuidV7 => uuid(uuid::Uuid::now_v7()),
        Generator::Now => instant_for(column, moment.now()),
    }
}

/// Runs the setters over the values that were given, once.
pub(crate) fn run_setters(state: &mut RowState) -> Result<()> {
    for (column, slot) in state.model.columns.iter().zip(&mut state.values) {
        if let (Some(setter), Some(value)) = (column.set_with, slot.as_mut()) {
            *value = set_value(&state.model, column, setter, std::mem::take(value))?;
        }
    }
    Ok(())
}

/// What a setter makes of a value.
pub(crate) fn set_value(model: &ModelDef, column: &ColumnDef, setter: fn(Value) -> Result<Value>, value: Value) -> Result<Value> {
    let whose = Whose { model, field: Some(&column.name), what: "setter", name: "of `set_with`" };
    calm(whose, || setter(value))?.map_err(|error| error.at(&model.name, Some(&column.name)))
}

/// Gives a new row what it gets by itself. A given value stays, also NULL.
pub(crate) fn fill_new(state: &mut RowState, moment: &Moment<'_>, options: &WriteOptions) -> Result<()> {
    let model = state.model.clone();
    for (position, column) in model.columns.iter().enumerate() {
        let Some(slot) = state.values.get_mut(position) else { return Err(Error::bug("a row has fewer values than its model columns")) };
        if slot.is_some() {
            continue;
        }
        *slot = match &column.default {
            ColumnDefault::Value(value) => Some(value.clone()),
            ColumnDefault::Generator(generator) => Some(generated(*generator, column, moment)),
            ColumnDefault::Function(function) => Some(function()),
            ColumnDefault::None | ColumnDefault::Db(_) => None,
        };
    }
    stamp_new(state, &model, moment, options)
}

fn stamp_new(state: &mut RowState, model: &ModelDef, moment: &Moment<'_>, options: &WriteOptions) -> Result<()> {
    for position in [model.timestamps.created, model.timestamps.updated].into_iter().flatten() {
        if state.values[position].is_none() {
            state.values[position] = Some(instant_for(&model.columns[position], moment.now()));
        }
    }
    if let Some(position) = model.version {
        state.values[position].get_or_insert(Value::I64(0));
    }
    if let Some(SoftDelete::Flag { column, live, .. }) = &model.soft_delete {
        state.values[*column].get_or_insert(live.clone());
    }
    stamp_actor(state, moment.db, options, true)
}

/// Fills `created_by` and `updated_by` from the actor.
pub(crate) fn stamp_actor(state: &mut RowState, db: &Db, options: &WriteOptions, new: bool) -> Result<()> {
    let (created, updated) = state.model.userstamps;
    if created.is_none() && updated.is_none() {
        return Ok(());
    }
    let extras = options.extras(db);
    let Some(actor) = actor_of(&extras) else { return unknown_actor(state, created, updated) };
    for position in [created.filter(|_| new), updated].into_iter().flatten() {
        let column = &state.model.columns[position];
        state.values[position] = Some(stamp_of(&actor, column).map_err(|error| error.at(&state.model.name, Some(&column.name)))?);
    }
    Ok(())
}

/// The actor as a value of this column: a number is text where the column is.
fn stamp_of(actor: &Value, column: &ColumnDef) -> Result<Value> {
    let is_text = matches!(column.ty, ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_));
    match (&column.ty, actor) {
        (_, Value::Text(_)) if is_text => Ok(actor.clone()),
        (_, other) if is_text => Ok(Value::Text(other.to_string())),
        (ty, other) => value_from_json(ty, other.to_json()),
    }
}

/// Nobody acts: an error where a stamp must be there and the program gives none itself.
fn unknown_actor(state: &RowState, created: Option<usize>, updated: Option<usize>) -> Result<()> {
    let lacks = |position: &usize| !state.model.columns[*position].nullable && !is_given(state, *position);
    // Who made a stored row is known; who changes it now is not.
    match created.filter(|_| state.is_new()).into_iter().chain(updated).find(lacks) {
        None => Ok(()),
        Some(position) => Err(nobody_acts(&state.model, position)),
    }
}

fn nobody_acts(model: &ModelDef, position: usize) -> Error {
    Error::usage(format!(
        "{}.{} needs to know who acts: write through db.actor(id), or make the field an Option",
        model.name, model.columns[position].name
    ))
}

/// Who changes rows now, as the value of `updated_by`; nobody is an error where it must be there.
pub(crate) fn updater(db: &Db, model: &ModelDef, options: &WriteOptions) -> Result<Option<(usize, Value)>> {
    let Some(position) = model.userstamps.1 else { return Ok(None) };
    let column = &model.columns[position];
    match actor_of(&options.extras(db)) {
        Some(actor) => {
            let stamp = stamp_of(&actor, column).map_err(|error| error.at(&model.name, Some(&column.name)))?;
            Ok(Some((position, stamp)))
        }
        None if column.nullable => Ok(None),
        None => Err(nobody_acts(model, position)),
    }
}

/// Who acts: an [`ActorId`], or a plain key given to `db.actor(..)`.
pub(crate) fn actor_of(extras: &crate::db::TypeMap) -> Option<sequor_core::Value> {
    use sequor_core::Value;
    extras
        .get::<ActorId>()
        .map(|ActorId(actor)| actor.clone())
        .or_else(|| extras.get::<i64>().map(|key| Value::I64(*key)))
        .or_else(|| extras.get::<i32>().map(|key| Value::I64(i64::from(*key))))
        .or_else(|| extras.get::<u32>().map(|key| Value::I64(i64::from(*key))))
        .or_else(|| extras.get::<u64>().map(|key| Value::from_u64(*key)))
        .or_else(|| extras.get::<uuid::Uuid>().map(|key| Value::Uuid(*key)))
        .or_else(|| extras.get::<String>().map(|key| Value::from(key.as_str())))
        .or_else(|| extras.get::<&'static str>().map(|key| Value::from(*key)))
}

/// Whether the program gave a stored row another value of its own.
fn is_given(state: &RowState, position: usize) -> bool {
    match (&state.values[position], state.original.as_ref().map(|original| original.get(position))) {
        (Some(new), Some(old)) => old.is_some_and(|old| new != old),
        (given, None) => given.as_ref().is_some_and(|value| !value.is_null()),
        (None, Some(_)) => false,
    }
}

/// Marks a stored row as changed now; an instant that the program gave stays.
pub(crate) fn touch(state: &mut RowState, db: &Db, options: &WriteOptions) -> Result<()> {
    if let (Some(position), false) = (state.model.timestamps.updated, options.silent)
        && !is_given(state, position)
    {
        state.values[position] = Some(now_for(&state.model.columns[position], db));
    }
    stamp_actor(state, db, options, false)
}
