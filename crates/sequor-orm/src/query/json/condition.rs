//! Conditions: Sequelize's where object.

mod documents;
mod operators;

use super::expression::{bind_value, expression, free_value, kind, named, reference};
use super::{Place, unknown};
use crate::model::{compare, in_values};
pub(crate) use documents::json_path;
use documents::{json_entry, json_object};
use sequor_core::Value;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::statement::{BinaryOp, CastType, Expr, Field};
use sequor_core::types::{BindType, ColumnType, ScalarType};
use serde_json::{Map, Value as Json};

pub(super) const OPERATORS: &[&str] = &[
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$between",
    "$notBetween",
    "$in",
    "$notIn",
    "$is",
    "$isNot",
    "$not",
    "$like",
    "$notLike",
    "$iLike",
    "$notILike",
    "$startsWith",
    "$endsWith",
    "$substring",
    "$regexp",
    "$notRegexp",
    "$iRegexp",
    "$notIRegexp",
    "$and",
    "$or",
    "$any",
    "$all",
    "$contains",
    "$contained",
    "$overlap",
    "$adjacent",
    "$strictLeft",
    "$strictRight",
    "$noExtendLeft",
    "$noExtendRight",
    "$col",
    "$match",
];

/// Reads a condition: an object whose keys all hold, or a list of conditions that all hold.
pub(crate) fn condition(place: Place<'_>, json: Json) -> Result<Expr> {
    let place = place.deeper()?;
    match json {
        Json::Array(list) => list.into_iter().map(|item| condition(place, item)).collect::<Result<Vec<_>>>().map(Expr::And),
        Json::Object(map) => object(place, map),
        _ => Err(Error::of_usage(UsageErrorKind::Query, "where: an object or a list of objects is expected, never text")),
    }
}

fn object(place: Place<'_>, mut map: Map<String, Json>) -> Result<Expr> {
    if let Some(what) = map.remove("$expr") {
        let expr = expression(place, what)?;
        let subject = Subject { ty: kind(place, &expr), expr };
        let condition = map.remove("$cond").unwrap_or_default();
        return subject.condition(place, condition);
    }
    let mut parts = Vec::with_capacity(map.len());
    for (key, value) in map {
        parts.push(entry(place, &key, value)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
}

fn entry(place: Place<'_>, key: &str, value: Json) -> Result<Expr> {
    match key {
        "$and" | "$or" | "$not" => return group(place, key, value, &mut |place, value| condition(place, value)),
        _ => {}
    }
    if key.len() > 2 && key.starts_with('$') && key.ends_with('$') {
        return over_relations(place, &key[1..key.len() - 1], value);
    }
    if key.starts_with('$') {
        return Err(unknown("where", key, &["$and", "$or", "$not"]));
    }
    if let Some(column) = place.model.json_column(key).or_else(|| place.model.columns.iter().find(|column| column.column == key)) {
        let subject = Subject { expr: Expr::field(column.name.clone()), ty: Some(column.ty.clone()) };
        return subject.condition(place, value);
    }
    if let Some((first, rest)) = key.split_once('.') {
        if let Some(column) = place.model.json_column(first).filter(|column| matches!(column.ty, ColumnType::Json(_))) {
            return json_entry(place, &Expr::field(column.name.clone()), &[], rest, value);
        }
        let expr = named(place, key)?;
        return Subject { ty: kind(place, &expr), expr }.condition(place, value);
    }
    Err(place.model.unknown(key))
}

/// Whether a condition is `{}`, or a group of such: `{ "$and": [] }`. What is nested deeper than any query may be is refused where it is read.
fn is_empty(item: &Json, depth: usize) -> bool {
    const DEEPEST: usize = 64;
    let all = |list: &[Json]| depth < DEEPEST && list.iter().all(|item| is_empty(item, depth + 1));
    match item {
        Json::Object(map) => map.iter().all(|(key, value)| {
            key == "$and" && (value.as_array().is_some_and(|list| all(list)) || value.is_object() && all(std::slice::from_ref(value)))
        }),
        _ => false,
    }
}

/// `$and`, `$or`, `$not` over conditions of a kind.
fn group<'a>(place: Place<'a>, key: &str, value: Json, read: &mut dyn FnMut(Place<'a>, Json) -> Result<Expr>) -> Result<Expr> {
    let place = place.deeper()?;
    let list = match value {
        // What restricts nothing is no alternative, as Sequelize has it: `[{}]` matches nothing.
        Json::Array(list) => {
            let alternative = |item: &Json| key != "$or" || !is_empty(item, 0);
            list.into_iter().filter(alternative).map(|item| read(place, item)).collect::<Result<Vec<_>>>()?
        }
        Json::Object(map) if key == "$or" => map
            .into_iter()
            .map(|(key, value)| Json::Object([(key, value)].into_iter().collect()))
            .filter(|item| !is_empty(item, 0))
            .map(|item| read(place, item))
            .collect::<Result<Vec<_>>>()?,
        other => vec![read(place, other)?],
    };
    Ok(match key {
        "$or" => Expr::Or(list),
        "$not" => {
            if list.is_empty() {
                Expr::Or(Vec::new())
            } else {
                Expr::And(list).negate()
            }
        }
        _ => Expr::And(list),
    })
}

/// `'$posts.title$'`: a column of an associated model. Over a to-many association the condition is asked of the joined rows.
fn over_relations(place: Place<'_>, path: &str, value: Json) -> Result<Expr> {
    let steps: Vec<&str> = path.split('.').collect();
    let Some((first, rest)) = steps.split_first() else { return Err(place.model.unknown(path)) };
    if rest.is_empty() {
        return entry(place, first, value);
    }
    let Some(relation) = place.model.json_relation(first) else {
        if place.model.name == *first {
            return over_relations(place, &rest.join("."), value);
        }
        if place.up.is_some() {
            let expr = reference(place, path)?;
            return Subject { ty: kind(place, &expr), expr }.condition(place, value);
        }
        let message = format!("where.${}$: {} has no association {}", path.escape_debug(), place.model.name, first.escape_debug());
        return Err(Error::of_usage(UsageErrorKind::Refused, message));
    };
    let mut way = vec![relation.name.clone()];
    let mut model = place.models.model(&relation.target)?;
    let mut last = relation.clone();
    let mut rest = rest.iter();
    for step in rest.by_ref() {
        if let Some(relation) = model.json_relation(step) {
            way.push(relation.name.clone());
            last = relation.clone();
            model = place.models.model(&relation.target)?;
            continue;
        }
        // The row between, under the name of its model.
        if let Some(def) = &last.through {
            let through = place.models.model(&def.model)?;
            if through.name == *step {
                way.push(through.name.clone());
                model = through;
                continue;
            }
        }
        let column = model.json_column(step).or_else(|| model.columns.iter().find(|column| column.column == *step));
        let column = column.ok_or_else(|| model.unknown(step))?;
        let field = Expr::Field(Field { path: way, name: column.name.clone(), position: None });
        let inside = rest.copied().collect::<Vec<_>>().join(".");
        if inside.is_empty() {
            return Subject { expr: field, ty: Some(column.ty.clone()) }.condition(place, value);
        }
        return json_entry(place, &field, &[], &inside, value);
    }
    Err(model.unknown(path))
}

/// What a condition is about: an expression and, where it is known, its type.
struct Subject {
    expr: Expr,
    ty: Option<ColumnType>,
}

/// One condition made of those of each kind of value in a list.
fn of_kinds(mut parts: Vec<Expr>, negated: bool) -> Expr {
    match (parts.len(), negated) {
        (1, _) => parts.remove(0),
        (_, true) => Expr::And(parts),
        (_, false) => Expr::Or(parts),
    }
}

impl Subject {
    fn value(&self, place: Place<'_>, json: Json) -> Result<Expr> {
        // A number that no row of a whole type has is still a number to compare with.
        if let (Some(ty), Json::Number(number)) = (&self.ty, &json)
            && let Some((low, high)) = ty.integer_bounds()
            && number.as_i64().is_none_or(|number| i128::from(number) < low || i128::from(number) > high)
        {
            return Ok(free_value(json));
        }
        let value = bind_value(place, self.ty.as_ref(), json).map_err(|error| match &self.expr {
            Expr::Field(field) => error.at(&place.model.name, Some(&field.name)),
            _ => error,
        })?;
        Ok(self.listed(value))
    }

    fn is_pairs(&self, map: &Map<String, Json>) -> bool {
        matches!(self.ty, Some(ColumnType::HStore)) && !map.keys().any(|key| key.starts_with('$'))
    }

    /// PostgreSQL compares no list of varchar with one of text.
    fn listed(&self, value: Expr) -> Expr {
        match &self.ty {
            Some(ColumnType::Array(element)) if matches!(**element, ColumnType::VarChar(_) | ColumnType::Char(_)) => {
                Expr::Cast(Box::new(value), CastType::Column(ColumnType::Array(element.clone())))
            }
            _ => value,
        }
    }

    fn condition(&self, place: Place<'_>, json: Json) -> Result<Expr> {
        let place = place.deeper()?;
        match json {
            Json::Null => Ok(Expr::IsNull { expr: Box::new(self.expr.clone()), negated: false }),
            Json::Array(list) if matches!(self.ty, Some(ColumnType::Array(_) | ColumnType::Range(_))) => {
                Ok(compare(BinaryOp::Equal, self.expr.clone(), self.value(place, Json::Array(list))?))
            }
            Json::Array(list) => self.list(place, list, false),
            // A whole set of keys and values is what such a column is equal to.
            Json::Object(map) if is_value(&map) || self.is_pairs(&map) => {
                Ok(compare(BinaryOp::Equal, self.expr.clone(), self.value(place, Json::Object(map))?))
            }
            Json::Object(map) => {
                if matches!(self.ty, Some(ColumnType::Json(_))) && !map.keys().any(|key| key.starts_with('$')) {
                    return json_object(place, &self.expr, &[], map);
                }
                if map.is_empty() {
                    // Dropping it would match every row.
                    let message = format!("{}: an empty object is no condition", self.place());
                    return Err(Error::of_usage(UsageErrorKind::Refused, message));
                }
                let mut parts = Vec::with_capacity(map.len());
                for (operator, value) in map {
                    parts.push(self.operator(place, &operator, value)?);
                }
                Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
            }
            scalar => Ok(compare(BinaryOp::Equal, self.expr.clone(), self.value(place, scalar)?)),
        }
    }

    fn list(&self, place: Place<'_>, list: Vec<Json>, negated: bool) -> Result<Expr> {
        let mut kinds: Vec<(BindType, Vec<Value>)> = Vec::new();
        let mut exprs = Vec::new();
        for item in list {
            match self.value(place, item)? {
                Expr::Value(value, bind) => {
                    // Where no column tells the type, each value does; whole numbers are long ones all.
                    let bind = match (&self.ty, &value) {
                        (Some(ty), _) => ty.bind(),
                        (None, Value::I64(_)) => BindType::one(ScalarType::I64),
                        (None, Value::Null) => kinds.first().map_or(BindType::one(ScalarType::Text), |(bind, _)| *bind),
                        (None, _) => bind,
                    };
                    match kinds.iter_mut().find(|(known, _)| *known == bind) {
                        Some((_, values)) => values.push(value),
                        None => kinds.push((bind, vec![value])),
                    }
                }
                other => exprs.push(other),
            }
        }
        if kinds.is_empty() {
            kinds.push((self.ty.as_ref().map_or(BindType::one(ScalarType::Text), ColumnType::bind), Vec::new()));
        }
        let mut parts: Vec<Expr> = kinds.into_iter().map(|(bind, values)| in_values(self.expr.clone(), values, bind, negated)).collect();
        if !exprs.is_empty() {
            parts.push(Expr::InExprs { expr: Box::new(self.expr.clone()), list: exprs, negated });
        }
        Ok(of_kinds(parts, negated))
    }
}

/// Objects that stand for a value, not for operators.
pub(crate) fn is_value(map: &Map<String, Json>) -> bool {
    map.len() <= 2 && (map.contains_key("$date") || map.contains_key("$bytes") || map.contains_key("$number") || map.contains_key("$fn"))
}
