//! `order` in all its forms: names, expressions, paths of associations, directions.

use super::{Place, expression, include};
use crate::query::clauses::Clauses;
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{Nulls, SortDirection};
use sequor_core::statement::{Expr, JsonAs, OrderBy};
use serde_json::Value as Json;

#[cold]
fn wrong_direction() -> Error {
    Error::of_usage(UsageErrorKind::Refused, "options.order: Order must be 'ASC' or 'DESC', with 'NULLS FIRST' or 'NULLS LAST'")
}

/// `ASC`, `DESC`, with `NULLS FIRST` or `NULLS LAST`; anything else is refused.
pub(super) fn direction(text: &str) -> Result<(SortDirection, Option<Nulls>)> {
    let text = text.trim().to_ascii_uppercase();
    let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let direction = match first {
        "ASC" => SortDirection::Ascending,
        "DESC" => SortDirection::Descending,
        "NULLS" => return direction(&format!("ASC {text}")),
        _ => return Err(wrong_direction()),
    };
    let nulls = match rest {
        "" => None,
        "NULLS FIRST" => Some(Nulls::First),
        "NULLS LAST" => Some(Nulls::Last),
        _ => return Err(wrong_direction()),
    };
    Ok((direction, nulls))
}

pub(super) fn read(place: Place<'_>, value: Json, clauses: &mut Clauses) -> Result<()> {
    let list = match value {
        Json::Null => return Ok(()),
        Json::Array(list) => list,
        Json::Object(one) => vec![Json::Object(one)],
        _ => return Err(Error::usage("options.order: Order must be type of array or instance of a valid sequelize method.")),
    };
    for entry in list {
        let parts = match entry {
            Json::Array(parts) => parts,
            one => vec![one],
        };
        order_entry(place, parts, clauses)?;
    }
    Ok(())
}

/// `[association.., name or expression, direction?]`.
fn order_entry(place: Place<'_>, mut parts: Vec<Json>, clauses: &mut Clauses) -> Result<()> {
    let last_is_direction = parts.len() > 1 && parts.last().and_then(Json::as_str).is_some_and(|text| direction(text).is_ok());
    if parts.len() > 1 && !last_is_direction && parts.len() == 2 && parts[1].is_string() {
        let is_path = parts[0].as_str().is_some_and(|name| place.model.json_relation(name).is_some()) || parts[0].is_object();
        if !is_path {
            direction(parts[1].as_str().unwrap_or_default())?;
        }
    }
    let (direction, nulls) = match last_is_direction {
        true => direction(parts.pop().as_ref().and_then(Json::as_str).unwrap_or_default())?,
        false => (SortDirection::Ascending, None),
    };
    let Some(what) = parts.pop() else { return Err(Error::usage("options.order: an entry is empty")) };
    let mut path = Vec::new();
    let mut model = std::sync::Arc::new(place.model.clone());
    for step in parts {
        let relation = match &step {
            // A name among names that is no association is taken for a column that is not there.
            Json::String(name) => model.json_relation(name).cloned().ok_or_else(|| {
                let message = format!("options.order: {} has no association {}", model.name, name.escape_debug());
                Error::of_usage(UsageErrorKind::Refused, message)
            })?,
            step => include::relation_of(&model, step)?,
        };
        path.push(relation.name.clone());
        model = place.models.model(&relation.target)?;
    }
    let inner = Place { model: &model, ..place };
    let known_alias =
        |name: &str| clauses.select.as_ref().is_some_and(|items| items.iter().any(|item| item.alias.as_deref() == Some(name)));
    let expr = match what {
        Json::String(name) if path.is_empty() && model.json_position(&name).is_none() && known_alias(&name) => {
            Expr::Alias(Name::Owned(name))
        }
        Json::Object(map)
            if path.is_empty()
                && map.get("col").and_then(Json::as_str).is_some_and(|name| model.json_position(name).is_none() && known_alias(name)) =>
        {
            Expr::Alias(Name::Owned(map.get("col").and_then(Json::as_str).unwrap_or_default().to_owned()))
        }
        Json::String(name) => super::named(inner, &name)?,
        call @ Json::Object(_) => expression(inner, call)?,
        _ => return Err(Error::usage("options.order: Unknown structure passed to order / group: neither a name nor an expression")),
    };
    // Sequelize sorts by the text of a path.
    let expr = match expr {
        Expr::Json { expr, path, take: JsonAs::Json } => Expr::Json { expr, path, take: JsonAs::Loose },
        other => other,
    };
    let by = OrderBy { expr, direction, nulls };
    if path.is_empty() {
        clauses.order.push(by);
        return Ok(());
    }
    place_order(place, &path, by, clauses)
}

/// Sorts parents by their joined rows, and children inside their parents.
fn place_order(place: Place<'_>, path: &[Name], by: OrderBy, clauses: &mut Clauses) -> Result<()> {
    let mut model = std::sync::Arc::new(place.model.clone());
    let mut many = false;
    for name in path {
        let relation = model.relation(name).ok_or_else(|| Error::bug("a relation of an order was lost"))?.clone();
        many |= relation.kind.is_many();
        model = place.models.model(&relation.target)?;
    }
    if !many {
        clauses.order.push(OrderBy { expr: crate::plan::prefixed(by.expr, path), ..by });
        return Ok(());
    }
    let mut at = clauses;
    for (step, name) in path.iter().enumerate() {
        at.order.push(OrderBy { expr: crate::plan::prefixed(by.expr.clone(), &path[step..]), ..by.clone() });
        let include = at.includes.iter_mut().find(|include| include.relation == *name);
        let include = include
            .ok_or_else(|| Error::of_usage(UsageErrorKind::Refused, format!("options.order: the association {name} is not included")))?;
        at = &mut include.clauses;
    }
    at.order.push(by);
    Ok(())
}
