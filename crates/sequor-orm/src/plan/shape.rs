//! The shape of a query: all that decides its statement but the values in it. Queries of one shape share a text and a way to read the rows.

use super::Many;
use crate::hook::behaviors;
use crate::query::{Clauses, QueryState};
use chrono::{DateTime, NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use sequor_core::Value;
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::{Distinct, Expr, OrderBy};
use std::sync::Arc;
use uuid::Uuid;

/// The shape as bytes that no other shape has, and the values in the order in which they stand in the query.
pub(crate) struct Shape {
    pub(crate) key: Vec<u8>,
    pub(crate) values: Vec<Value>,
}

/// Writes the shape of a query, or nothing where the query holds something whose statement may depend on more than its shape.
struct Shaper {
    key: Vec<u8>,
    values: Vec<Value>,
}

/// What a shape lies in: the tables' place and the models of the moment.
pub(crate) struct Ground<'a> {
    pub(crate) place: Option<&'a str>,
    pub(crate) models: &'a dyn Models,
    /// Rises when a model comes, goes or changes.
    pub(crate) generation: u64,
}

/// The shape of a query of rows with their to-one includes. To-many includes have statements of their own.
pub(crate) fn shape(state: &QueryState, ground: &Ground<'_>) -> Option<Shape> {
    if !is_plain(&state.model, &state.clauses) {
        return None;
    }
    let mut shaper = Shaper::new(b'q', &state.model, ground);
    shaper.clauses(&state.clauses)?;
    shaper.includes(&state.model, &state.clauses, ground.models)?;
    shaper.bound(state.clauses.limit)?;
    let offset = state.clauses.offset.map(i64::try_from).transpose().ok()?;
    shaper.key.push(u8::from(offset.is_some()));
    shaper.values.extend(offset.map(Value::I64));
    Some(Shape { key: shaper.key, values: shaper.values })
}

/// The shape of a to-many include of a model, for so many marks of parents.
pub(crate) fn many_shape(many: &Many, owner: &Arc<ModelDef>, parents: usize, ground: &Ground<'_>) -> Option<Shape> {
    let clauses = &many.include.clauses;
    if !is_plain(&many.link.target, clauses) || many.include.on.is_some() || many.include.through_deleted || !many.within.is_empty() {
        return None;
    }
    let mut shaper = Shaper::new(b'm', owner, ground);
    shaper.number(many.relation);
    shaper.number(parents);
    shaper.clauses(clauses)?;
    // A limit for each parent is sum and part of a condition: the statement is one of this limit alone.
    shaper.bound(clauses.limit)?;
    shaper.bound(clauses.offset)?;
    match &many.include.through {
        Some(through) => {
            shaper.key.push(1);
            shaper.expr(through)?;
        }
        None => shaper.key.push(0),
    }
    shaper.includes(&many.link.target, clauses, ground.models)?;
    Some(Shape { key: shaper.key, values: shaper.values })
}

/// The key of the statement that inserts so many rows by these columns and gives back those; `conflict` is what its clause hangs on.
pub(crate) fn insert_key(
    model: &Arc<ModelDef>,
    place: Option<&str>,
    (columns, back, rows): (&[usize], &[usize], usize),
    conflict: &[Vec<usize>; 2],
) -> Vec<u8> {
    let mut shaper = Shaper { key: Vec::with_capacity(96 + 8 * (columns.len() + back.len())), values: Vec::new() };
    shaper.key.push(b'i');
    shaper.model(model);
    shaper.text(place.unwrap_or(""));
    for positions in [columns, back, &[rows], &conflict[0], &conflict[1]] {
        shaper.number(positions.len());
        positions.iter().for_each(|position| shaper.number(*position));
    }
    shaper.key
}

/// The key of the statement that sets these columns of the row of a key, and maybe its version, and gives those back; of many rows where no key is given.
/// Nothing where the text may depend on the key.
pub(crate) fn update_key(
    model: &Arc<ModelDef>,
    place: Option<&str>,
    (columns, back): (&[usize], &[usize]),
    key: &[Value],
    version: bool,
) -> Option<Vec<u8>> {
    let mut shaper = Shaper { key: Vec::with_capacity(64 + 8 * (columns.len() + back.len())), values: Vec::new() };
    shaper.key.extend_from_slice(&[b'u', u8::from(version)]);
    shaper.model(model);
    shaper.text(place.unwrap_or(""));
    shaper.number(key.len());
    for value in key {
        shaper.key.push(kind(value)?);
    }
    for positions in [columns, back] {
        shaper.number(positions.len());
        positions.iter().for_each(|position| shaper.number(*position));
    }
    Some(shaper.key)
}

/// What an update of many rows sets.
type Set = Vec<(usize, Expr)>;

/// The shape of a write of many rows by their conditions alone: what it sets, and whether the rows come back.
pub(crate) fn write_shape(kind: u8, state: &QueryState, set: &[(usize, Expr)], returning: bool, ground: &Ground<'_>) -> Option<Shape> {
    let clauses = &*state.clauses;
    let bounded = clauses.limit.is_some() || clauses.offset.is_some() || !clauses.order.is_empty() || !clauses.includes.is_empty();
    if bounded || !is_plain(&state.model, clauses) {
        return None;
    }
    let mut shaper = Shaper::new(kind, &state.model, ground);
    shaper.key.push(u8::from(returning));
    shaper.number(set.len());
    for (position, value) in set {
        shaper.number(*position);
        shaper.expr(value)?;
    }
    shaper.clauses(clauses)?;
    Some(Shape { key: shaper.key, values: shaper.values })
}

/// The shape of a count, which knows neither limit nor order.
pub(crate) fn count_shape(state: &QueryState, ground: &Ground<'_>) -> Option<Shape> {
    let clauses = &*state.clauses;
    if !clauses.includes.is_empty() || !is_plain(&state.model, clauses) {
        return None;
    }
    let mut shaper = Shaper::new(b'n', &state.model, ground);
    shaper.key.extend_from_slice(&[clauses.deleted as u8, u8::from(clauses.unscoped)]);
    clauses.filters.iter().try_for_each(|filter| shaper.expr(filter))?;
    Some(Shape { key: shaper.key, values: shaper.values })
}

/// A count with a mark for each of its values.
pub(crate) fn marked_count(state: &QueryState) -> Option<(QueryState, Vec<Value>)> {
    let (mut state, mut marks) = (state.clone(), Vec::new());
    state.clauses.order.clear();
    mark_clauses(&mut state.clauses, &mut marks)?;
    Some((state, marks))
}

/// Such a write with a mark for each of its values.
pub(crate) fn marked_write(state: &QueryState, set: &[(usize, Expr)]) -> Option<(QueryState, Set, Vec<Value>)> {
    let (mut state, mut set, mut marks) = (state.clone(), set.to_vec(), Vec::new());
    set.iter_mut().try_for_each(|(_, value)| mark(value, &mut marks))?;
    mark_clauses(&mut state.clauses, &mut marks)?;
    Some((state, set, marks))
}

/// Whether a default scope is added to what is said.
pub(crate) fn may_be_scoped(model: &ModelDef, clauses: &Clauses) -> bool {
    let declares = |declared: &dyn crate::hook::Declared| declared.has_default_scope();
    !clauses.unscoped && behaviors(model).is_some_and(|known| known.default_scope.is_some() || known.declared.is_some_and(declares))
}

/// Whether nothing is said that a shape does not hold. A default scope is a function, and may answer otherwise tomorrow.
fn is_plain(model: &ModelDef, clauses: &Clauses) -> bool {
    !may_be_scoped(model, clauses)
        && clauses.select.is_none()
        && clauses.group.is_empty()
        && clauses.having.is_empty()
        && matches!(clauses.distinct, Distinct::No)
        && clauses.lock.is_none()
        && clauses.tags.is_empty()
        && clauses.with.is_empty()
        && clauses.named.is_empty()
        && clauses.from_named.is_none()
        && clauses.compound.is_empty()
        && clauses.hints.is_empty()
}

impl Shaper {
    fn new(kind: u8, model: &Arc<ModelDef>, ground: &Ground<'_>) -> Shaper {
        let mut shaper = Shaper { key: Vec::with_capacity(128), values: Vec::new() };
        shaper.key.push(kind);
        shaper.key.extend_from_slice(&ground.generation.to_le_bytes());
        shaper.model(model);
        shaper.text(ground.place.unwrap_or(""));
        shaper
    }

    /// The to-one includes with all they say, the to-many ones by their names.
    fn includes(&mut self, model: &ModelDef, clauses: &Clauses, models: &dyn Models) -> Option<()> {
        self.number(clauses.includes.len());
        for include in &clauses.includes {
            if include.through_deleted {
                return None;
            }
            let def = model.relation(&include.relation)?;
            if include.joined || include.on.is_some() || (include.required && def.kind.is_many()) {
                return None;
            }
            self.text(&include.relation);
            self.text(include.alias.as_deref().unwrap_or(""));
            if def.kind.is_many() {
                self.key.push(b'm');
                continue;
            }
            self.key.extend_from_slice(&[b'o', u8::from(include.required)]);
            let (target, inner) = (models.model(&def.target).ok()?, &include.clauses);
            let simple = inner.order.is_empty() && inner.limit.is_none() && inner.offset.is_none() && include.through.is_none();
            if !simple || !is_plain(&target, inner) {
                return None;
            }
            self.clauses(inner)?;
            self.includes(&target, inner, models)?;
        }
        Some(())
    }

    fn model(&mut self, model: &Arc<ModelDef>) {
        // Whoever keeps the key keeps the model, so that no other model comes to lie at its address.
        self.number(Arc::as_ptr(model).addr());
    }

    /// A number that the statement is written with.
    fn bound(&mut self, bound: Option<u64>) -> Option<()> {
        self.key.push(u8::from(bound.is_some()));
        self.number(usize::try_from(bound.unwrap_or(0)).ok()?);
        Some(())
    }

    fn number(&mut self, number: usize) {
        self.key.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.key.extend_from_slice(text.as_bytes());
    }

    fn clauses(&mut self, clauses: &Clauses) -> Option<()> {
        self.key.extend_from_slice(&[clauses.deleted as u8, u8::from(clauses.unscoped), u8::from(clauses.unordered)]);
        self.number(clauses.filters.len());
        clauses.filters.iter().try_for_each(|filter| self.expr(filter))?;
        self.number(clauses.order.len());
        clauses.order.iter().try_for_each(|OrderBy { expr, direction, nulls }| {
            self.key.extend_from_slice(&[*direction as u8, nulls.map_or(u8::MAX, |nulls| nulls as u8)]);
            self.expr(expr)
        })
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Field(field) if field.path.is_empty() => match field.position {
                Some(position) => {
                    self.key.push(1);
                    self.number(usize::from(position));
                }
                None => {
                    self.key.push(2);
                    self.text(&field.name);
                }
            },
            Expr::Value(value, bind) => {
                self.key.extend_from_slice(&[3, bind.scalar as u8, u8::from(bind.array)]);
                self.value(value)?;
            }
            Expr::And(list) | Expr::Or(list) => {
                self.key.push(if matches!(expr, Expr::And(_)) { 4 } else { 5 });
                self.number(list.len());
                return list.iter().try_for_each(|part| self.expr(part));
            }
            Expr::Unary(op, inner) => {
                self.key.extend_from_slice(&[6, *op as u8]);
                return self.expr(inner);
            }
            Expr::Binary(op, left, right) => {
                self.key.extend_from_slice(&[7, *op as u8]);
                self.expr(left)?;
                return self.expr(right);
            }
            Expr::IsNull { expr, negated } => {
                self.key.extend_from_slice(&[8, u8::from(*negated)]);
                return self.expr(expr);
            }
            Expr::Between { expr, low, high, negated } => {
                self.key.extend_from_slice(&[9, u8::from(*negated)]);
                self.expr(expr)?;
                self.expr(low)?;
                return self.expr(high);
            }
            Expr::Like { expr, pattern, kind, negated } => {
                self.key.extend_from_slice(&[10, *kind as u8, u8::from(*negated)]);
                self.expr(expr)?;
                return self.expr(pattern);
            }
            _ => return None,
        }
        Some(())
    }

    /// The kind of a value belongs to the shape; NULL and truth values, of which there are too few to tell apart, belong to it themselves.
    fn value(&mut self, value: &Value) -> Option<()> {
        let kind = match value {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            other => {
                let kind = kind(other)?;
                self.values.push(other.clone());
                kind
            }
        };
        self.key.push(kind);
        Some(())
    }
}

fn kind(value: &Value) -> Option<u8> {
    Some(match value {
        Value::I64(_) => 3,
        Value::F64(number) if number.is_finite() => 4,
        Value::Decimal(_) => 5,
        Value::Text(_) => 6,
        Value::Bytes(_) => 7,
        Value::Uuid(_) => 8,
        Value::DateTime(_) => 9,
        Value::NaiveDateTime(_) => 10,
        Value::Date(_) => 11,
        Value::Time(_) => 12,
        _ => return None,
    })
}

/// The query with a mark for each of its values, and the marks in order: whatever a planner or writer does to a mark shows, because it is then
/// no longer found among the parameters.
pub(crate) fn marked(state: &QueryState, models: &dyn Models) -> Option<(QueryState, Vec<Value>)> {
    let mut state = state.clone();
    let mut marks = Vec::new();
    mark_clauses(&mut state.clauses, &mut marks)?;
    mark_includes(&state.model, &mut state.clauses, models, &mut marks)?;
    if let Some(bound) = &mut state.clauses.offset {
        let number = MARK + i64::try_from(marks.len()).ok()?;
        *bound = u64::try_from(number).ok()?;
        marks.push(Value::I64(number));
    }
    Some((state, marks))
}

/// The same for a to-many include.
pub(crate) fn marked_many(many: &Many, models: &dyn Models) -> Option<(Many, Vec<Value>)> {
    let mut many = many.clone();
    let mut marks = Vec::new();
    mark_clauses(&mut many.include.clauses, &mut marks)?;
    if let Some(through) = &mut many.include.through {
        mark(through, &mut marks)?;
    }
    mark_includes(&many.link.target, &mut many.include.clauses, models, &mut marks)?;
    Some((many, marks))
}

/// Marks in the place of parents' keys.
pub(crate) fn marked_keys(like: &[Value], count: usize) -> Option<Vec<Vec<Value>>> {
    let width = like.len();
    let number = |row: usize, column: usize| u32::try_from(1_000_000 + row * width + column).ok();
    (0..count).map(|row| like.iter().enumerate().map(|(column, value)| mark_of(value, number(row, column)?)).collect()).collect()
}

fn mark_clauses(clauses: &mut Clauses, marks: &mut Vec<Value>) -> Option<()> {
    clauses.filters.iter_mut().try_for_each(|filter| mark(filter, marks))?;
    clauses.order.iter_mut().try_for_each(|by| mark(&mut by.expr, marks))
}

fn mark_includes(model: &ModelDef, clauses: &mut Clauses, models: &dyn Models, marks: &mut Vec<Value>) -> Option<()> {
    for include in &mut clauses.includes {
        let def = model.relation(&include.relation)?;
        if def.kind.is_many() {
            include.clauses = Clauses::default();
        } else {
            mark_clauses(&mut include.clauses, marks)?;
            mark_includes(&*models.model(&def.target).ok()?, &mut include.clauses, models, marks)?;
        }
    }
    Some(())
}
/// No program's number.
const MARK: i64 = 0x5EC0_0A11_C0DE_0000;

fn mark(expr: &mut Expr, marks: &mut Vec<Value>) -> Option<()> {
    if let Expr::Value(value, _) = expr {
        if !matches!(value, Value::Null | Value::Bool(_)) {
            *value = mark_of(value, u32::try_from(marks.len()).ok()?)?;
            marks.push(value.clone());
        }
        return Some(());
    }
    let mut done = Some(());
    let _: Result<(), ()> = sequor_core::statement::walk(expr, &mut |child| {
        if mark(child, marks).is_none() {
            done = None;
        }
        Ok(())
    });
    done
}

fn mark_of(like: &Value, number: u32) -> Option<Value> {
    let wide = MARK + i64::from(number);
    let instant = || DateTime::from_timestamp_micros(32_503_680_000_000_001 + i64::from(number));
    Some(match like {
        Value::I64(_) => Value::I64(wide),
        Value::F64(_) => Value::F64(f64::from_bits(0x7E37_E43C_8800_0000 + u64::from(number))),
        Value::Decimal(_) => Value::Decimal(Decimal::try_from_i128_with_scale(i128::from(wide), 5).ok()?),
        Value::Text(_) => Value::Text(format!("\u{2}a value of the shape, number {number}\u{3}")),
        Value::Bytes(_) => Value::Bytes(wide.to_le_bytes().repeat(3)),
        Value::Uuid(_) => Value::Uuid(Uuid::from_u128(0x5EC0_0A11_C0DE_4000_8000_0000_0000_0000 + u128::from(number))),
        Value::DateTime(_) => Value::DateTime(instant()?),
        Value::NaiveDateTime(_) => Value::NaiveDateTime(instant()?.naive_utc()),
        Value::Date(_) => Value::Date(NaiveDate::from_num_days_from_ce_opt(1_000_003 + i32::try_from(number).ok()?)?),
        Value::Time(_) => Value::Time(NaiveTime::from_num_seconds_from_midnight_opt(1_861, number.checked_mul(1_000)?.checked_add(7)?)?),
        _ => return None,
    })
}
