//! Conditions on what lies in a document: keys by path, compared by the kind of the value.

use super::{Subject, group, of_kinds};
use crate::model::parse_path;
use crate::query::json::Place;
use crate::query::json::expression::cast;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{CastType, Expr, JsonAs, JsonSegment};
use sequor_core::types::ColumnType;
use serde_json::{Map, Value as Json};

/// `a.0.b` as Sequelize writes it: a number is an index of a list.
pub(crate) fn json_path(text: &str) -> Result<Vec<JsonSegment>> {
    let path = parse_path(text).map_err(Error::usage)?;
    Ok(path
        .into_iter()
        .map(|segment| match &segment {
            JsonSegment::Key(key) => key.parse().map_or(segment.clone(), JsonSegment::Index),
            JsonSegment::Index(_) => segment,
        })
        .collect())
}

/// A condition on the path that a key names, and on the type that it says: `a.b::integer`.
pub(super) fn json_entry(place: Place<'_>, column: &Expr, above: &[JsonSegment], key: &str, value: Json) -> Result<Expr> {
    let (key, ty) = match key.rsplit_once("::") {
        Some((key, ty)) => (key, Some(cast(&ty.to_ascii_lowercase())?)),
        None => (key, None),
    };
    let mut path = above.to_vec();
    path.extend(json_path(key)?);
    let Some(ty) = ty else { return json_condition(place, column, &path, value) };
    let taken = |take: JsonAs| Expr::Json { expr: Box::new(column.clone()), path: path.clone(), take };
    let (expr, ty) = match ty {
        CastType::Column(ty @ ColumnType::DateTime(_)) => (taken(JsonAs::DateTime), Some(ty)),
        CastType::Column(ty @ ColumnType::Json(_)) => (taken(JsonAs::Json), Some(ty)),
        CastType::Column(ty @ ColumnType::Bool) => (taken(JsonAs::Boolean), Some(ty)),
        CastType::Column(ty) => (Expr::Cast(Box::new(taken(JsonAs::Text)), CastType::Column(ty.clone())), Some(ty)),
        whole => (Expr::Cast(Box::new(taken(JsonAs::Text)), whole), Some(ColumnType::I64)),
    };
    Subject { expr, ty }.condition(place, value)
}

/// Nested keys of a JSON column.
pub(super) fn json_object(place: Place<'_>, column: &Expr, path: &[JsonSegment], map: Map<String, Json>) -> Result<Expr> {
    let mut parts = Vec::with_capacity(map.len());
    for (key, value) in map {
        parts.push(json_entry(place, column, path, &key, value)?);
    }
    Ok(Expr::And(parts))
}

/// A condition on a path, compared by the kind of the value.
pub(super) fn json_condition(place: Place<'_>, column: &Expr, path: &[JsonSegment], value: Json) -> Result<Expr> {
    let place = place.deeper()?;
    let taken = |take: JsonAs| Expr::Json { expr: Box::new(column.clone()), path: path.to_vec(), take };
    match value {
        Json::Object(map) if map.contains_key("$date") => Subject { expr: taken(JsonAs::DateTime), ty: Some(ColumnType::DateTime(6)) }
            .condition(place, map.get("$date").cloned().unwrap_or_default()),
        Json::Object(map) if map.keys().any(|key| key.starts_with('$')) => {
            let mut parts = Vec::new();
            for (operator, value) in map {
                if matches!(operator.as_str(), "$and" | "$or") {
                    parts.push(group(place, &operator, value, &mut |place, value| json_condition(place, column, path, value))?);
                    continue;
                }
                if matches!(operator.as_str(), "$contains" | "$contained") {
                    parts.push(Subject { expr: taken(JsonAs::Json), ty: Some(ColumnType::Json(true)) }.operator(place, &operator, value)?);
                    continue;
                }
                parts.push(compared(place, &taken, &operator, value)?);
            }
            Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
        }
        Json::Object(map) => json_object(place, column, path, map),
        Json::Null => Ok(Expr::IsNull { expr: Box::new(taken(JsonAs::Text)), negated: false }),
        Json::Array(list) => compared(place, &taken, "$in", Json::Array(list)),
        scalar => {
            let (take, ty) = by(&scalar);
            Subject { expr: taken(take), ty }.condition(place, scalar)
        }
    }
}

/// How what lies in a document is taken to be compared with a value.
fn by(value: &Json) -> (JsonAs, Option<ColumnType>) {
    match value {
        value if value.get("$date").is_some() => (JsonAs::DateTime, Some(ColumnType::DateTime(6))),
        value if is_wide(value) => (JsonAs::Exact, Some(ColumnType::I64)),
        Json::Number(_) => (JsonAs::Number, Some(ColumnType::F64)),
        Json::Bool(_) => (JsonAs::Boolean, Some(ColumnType::Bool)),
        _ => (JsonAs::Loose, Some(ColumnType::Text)),
    }
}

/// An operator on what lies in a document, by the kind of the value; of a list whose values are of many kinds, by each.
fn compared(place: Place<'_>, taken: &dyn Fn(JsonAs) -> Expr, operator: &str, value: Json) -> Result<Expr> {
    let negated = matches!(operator, "$ne" | "$not" | "$notIn");
    let mut kinds: Vec<(JsonAs, Option<ColumnType>, Json)> = Vec::new();
    match value {
        Json::Array(list) if matches!(operator, "$in" | "$notIn" | "$not") => {
            let whole = kind_of(&list);
            for item in list {
                let (take, ty) = by(if item.is_number() && whole.is_number() { &whole } else { &item });
                match kinds.iter_mut().find(|(known, ..)| *known == take) {
                    Some((.., Json::Array(same))) => same.push(item),
                    _ => kinds.push((take, ty, Json::Array(vec![item]))),
                }
            }
            if kinds.is_empty() {
                kinds.push((JsonAs::Loose, Some(ColumnType::Text), Json::Array(Vec::new())));
            }
        }
        Json::Array(list) => {
            let (take, ty) = by(&kind_of(&list));
            kinds.push((take, ty, Json::Array(list)));
        }
        one => {
            let (take, ty) = by(&one);
            kinds.push((take, ty, one));
        }
    }
    let mut parts = Vec::with_capacity(kinds.len());
    for (take, ty, value) in kinds {
        let part = Subject { expr: taken(take), ty }.operator(place, operator, value)?;
        parts.push(match take {
            // A text is no number, so it is another one than 5 too.
            JsonAs::Number | JsonAs::Exact | JsonAs::Boolean if negated => {
                let is_null = |take, negated| Expr::IsNull { expr: Box::new(taken(take)), negated };
                part.or(is_null(take, false).and(is_null(JsonAs::Text, true)))
            }
            _ => part,
        });
    }
    Ok(of_kinds(parts, negated))
}

/// Whether a number has more digits than a float.
fn is_wide(value: &Json) -> bool {
    value.as_i64().is_some_and(|number| number.unsigned_abs() >= 1 << 53)
}

/// The value by whose kind a list is compared: its first one, or, among whole numbers, one with more digits than a float.
fn kind_of(list: &[Json]) -> Json {
    let whole = list.iter().all(|value| value.is_i64());
    list.iter().find(|value| whole && is_wide(value)).or(list.first()).cloned().unwrap_or_default()
}
