//! Includes, in all of Sequelize's spellings.

use super::{Place, condition, unknown};
use crate::query::clauses::{Clauses, IncludeState};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, RelationDef, RelationKind};
use sequor_core::statement::Expr;
use serde_json::{Map, Value as Json};

pub(super) const KNOWN: &[&str] = &[
    "association",
    "model",
    "as",
    "where",
    "required",
    "attributes",
    "include",
    "order",
    "limit",
    "offset",
    "separate",
    "through",
    "paranoid",
    "on",
    "or",
    "right",
    "duplicating",
    "subQuery",
    "all",
    "nested",
];

#[cold]
fn wrong(message: String) -> Error {
    Error::of_usage(UsageErrorKind::Include, message)
}

/// Reads one include or a list of them.
pub(super) fn read(place: Place<'_>, json: Json, clauses: &mut Clauses) -> Result<()> {
    let list = match json {
        Json::Null => return Ok(()),
        Json::Array(list) => list,
        one => vec![one],
    };
    for item in list {
        one(place, item, clauses)?;
    }
    Ok(())
}

/// The relation that a name or `{ association | model, as }` means.
pub(crate) fn relation_of(model: &ModelDef, json: &Json) -> Result<RelationDef> {
    let known = || {
        let names: Vec<&str> = model.relations.iter().map(|relation| relation.name.as_ref()).collect();
        if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
    };
    let by_name = |name: &str| {
        model.json_relation(name).cloned().ok_or_else(|| {
            wrong(format!("Association with alias \"{}\" does not exist on {}: {}", name.escape_debug(), model.name, known()))
        })
    };
    match json {
        Json::String(name) => match model.json_relation(name) {
            Some(relation) => Ok(relation.clone()),
            None => by_model(model, name, None),
        },
        Json::Object(map) => {
            let alias = map.get("as").and_then(Json::as_str);
            if let Some(name) = map.get("association").and_then(Json::as_str) {
                return by_name(name);
            }
            match map.get("model").and_then(Json::as_str) {
                Some(target) => by_model(model, target, alias),
                None => match alias {
                    Some(alias) => by_name(alias),
                    None => Err(wrong("Include unexpected. Element has to be either a Model, an Association or an object.".into())),
                },
            }
        }
        _ => Err(wrong("Include unexpected. Element has to be either a Model, an Association or an object.".into())),
    }
}

fn by_model(model: &ModelDef, target: &str, alias: Option<&str>) -> Result<RelationDef> {
    let found: Vec<&RelationDef> = model.relations.iter().filter(|relation| relation.target.name == target).collect();
    match (alias, found.as_slice()) {
        (_, []) => Err(wrong(format!("{} is not associated to {}!", target.escape_debug(), model.name))),
        (Some(alias), list) => list.iter().find(|relation| relation.json == alias || relation.name == alias).map(|relation| (*relation).clone()).ok_or_else(|| {
            let names: Vec<&str> = list.iter().map(|relation| relation.name.as_ref()).collect();
            wrong(format!(
                "{target} is associated to {} using an alias. You've included an alias ({}), but it does not match the alias(es) defined in your association ({}).",
                model.name,
                alias.escape_debug(),
                names.join(", ")
            ))
        }),
        (None, [only]) => {
            // An alias of one's own has to be named, so that two relations to one model are never confused.
            let conventional = {
                use sequor_core::schema::{plural, pluralize, singular, singularize};
                only.name == target || [plural, pluralize, singular, singularize].iter().any(|convention| only.name == convention(target).as_str())
            };
            if conventional {
                Ok((*only).clone())
            } else {
                Err(wrong(format!(
                    "{target} is associated to {} using an alias. You must use the 'as' keyword to specify the alias within your include statement.",
                    model.name
                )))
            }
        }
        (None, _) => Err(wrong(format!(
            "{target} is associated to {} multiple times. To identify the correct association, you must use the 'as' keyword to specify the alias of the association you want to include.",
            model.name
        ))),
    }
}

fn one(place: Place<'_>, json: Json, clauses: &mut Clauses) -> Result<()> {
    let place = place.deeper()?;
    if let Json::Object(map) = &json
        && let Some(all) = map.get("all").filter(|all| **all != Json::Bool(false))
    {
        let nested = map.get("nested").and_then(Json::as_bool).unwrap_or(false);
        return every(place, all, nested, clauses, &mut Vec::new());
    }
    let relation = relation_of(place.model, &json)?;
    let map = match json {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    let target = place.models.model(&relation.target)?;
    let inner = Place { model: &target, up: Some((&place, &relation.name)), ..place };
    let mut include = IncludeState::new(relation.name.clone());
    let filtered = map.get("where").is_some_and(|filter| filter.as_object().is_some_and(|map| !map.is_empty()));
    let apart = map.get("separate") == Some(&Json::Bool(true));
    // Rows that are loaded apart leave no parent out.
    include.required = map.get("required").and_then(Json::as_bool).unwrap_or(filtered && !apart);
    let mut rest = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "through" => through(place, &relation, value, &mut include)?,
            "on" => include.on = Some(on(inner, value)?),
            "where" | "attributes" | "include" | "order" | "limit" | "offset" | "paranoid" => {
                rest.insert(key, value);
            }
            "right" if value == Json::Bool(true) && !include.required => {
                return Err(wrong(format!(
                    "include.{}.right: Sequor has no right joins, which give rows without a {}; find the rows of {} and include theirs",
                    relation.name, place.model.name, target.name
                )));
            }
            "or" if value == Json::Bool(true) => {
                return Err(wrong(format!(
                    "include.{}.or: Sequor does not join by alternatives; write the whole condition of the join in `on`",
                    relation.name
                )));
            }
            known if KNOWN.contains(&known) => {}
            other => return Err(unknown("include", other, KNOWN)),
        }
    }
    include.clauses = super::read(inner, rest)?;
    clauses.add_include(include);
    Ok(())
}

fn on(place: Place<'_>, value: Json) -> Result<Expr> {
    condition(place, value)
}

fn through(place: Place<'_>, relation: &RelationDef, value: Json, include: &mut IncludeState) -> Result<()> {
    let (Json::Object(map), Some(def)) = (value, &relation.through) else { return Ok(()) };
    let model = place.models.model(&def.model)?;
    for (key, value) in map {
        match key.as_str() {
            "where" => include.through = Some(condition(Place { model: &model, ..place }, value)?),
            "attributes" => {
                let names = value.as_array().map(|list| list.iter().filter_map(Json::as_str).map(|name| name.to_owned().into()).collect());
                include.through_attributes = names;
            }
            "as" => include.through_alias = value.as_str().map(|name| name.to_owned().into()),
            "paranoid" => {
                include.through_deleted = value == Json::Bool(false);
                if include.through_deleted && include.required {
                    return Err(wrong(format!(
                        "include.{}.through.paranoid: deleted rows between cannot decide which rows have one; leave out `required`",
                        relation.name
                    )));
                }
            }
            "scope" => {}
            other => return Err(unknown("include.through", other, &["where", "attributes", "as", "paranoid"])),
        }
    }
    Ok(())
}

/// The kinds that `all` means: true, or a name or list of names.
fn kinds(all: &Json) -> Result<Vec<RelationKind>> {
    use RelationKind as R;
    let refused =
        |what: &Json| wrong(format!("include all {what} is not valid - must be BelongsTo, HasOne, HasMany, One, Has, Many or All"));
    Ok(match all {
        Json::Bool(_) => vec![R::BelongsTo, R::HasOne, R::HasMany, R::BelongsToMany],
        Json::Array(list) => {
            let mut found = Vec::new();
            for one in list {
                found.extend(kinds(one)?);
            }
            found
        }
        Json::String(name) => match name.as_str() {
            "All" => vec![R::BelongsTo, R::HasOne, R::HasMany, R::BelongsToMany],
            "BelongsTo" => vec![R::BelongsTo],
            "HasOne" => vec![R::HasOne],
            "HasMany" => vec![R::HasMany],
            "One" => vec![R::BelongsTo, R::HasOne],
            "Has" => vec![R::HasOne, R::HasMany],
            "Many" => vec![R::HasMany, R::BelongsToMany],
            _ => return Err(refused(all)),
        },
        other => return Err(refused(other)),
    })
}

/// `{ all: true }`: every association of the kinds that are asked for. Nested ones go on to models that were not left yet, as Sequelize walks
/// them: a model is left with each of its associations, and come back to once when all of them are done, so one that points to its own model is followed.
fn every(place: Place<'_>, all: &Json, nested: bool, clauses: &mut Clauses, left: &mut Vec<String>) -> Result<()> {
    let kinds = kinds(all)?;
    let wanted = |kind: RelationKind| kinds.contains(&kind);
    for relation in place.model.relations.iter().filter(|relation| wanted(relation.kind)) {
        if nested && left.iter().any(|known| relation.target.name == known.as_str()) {
            continue;
        }
        left.push(place.model.name.to_string());
        let mut include = IncludeState::new(relation.name.clone());
        if nested {
            let target = place.models.model(&relation.target)?;
            every(Place { model: &target, ..place.deeper()? }, all, nested, &mut include.clauses, left)?;
        }
        clauses.add_include(include);
    }
    left.pop();
    Ok(())
}
