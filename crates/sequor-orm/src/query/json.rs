//! Sequelize's options object: a closed language. Every key is known or an error that names its place; no string in it becomes SQL text.

mod condition;
mod expression;
mod include;
mod order;
mod policy;
mod schema;
mod typed;

pub(crate) use condition::{condition, is_value, json_path};
pub(crate) use expression::{bind_value, expression, named, told};
pub(crate) use include::relation_of;
pub use policy::Policy;
pub use schema::query_language_schema;

use super::clauses::{Clauses, Deleted};
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Models, nearest};
use sequor_core::statement::{Distinct, Expr, Field, Lock, LockMode, LockWait, SelectItem};
use serde_json::{Map, Value as Json};

/// The deepest nesting that is read.
const DEEPEST: usize = 128;

/// Where in the options something stands, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) model: &'a ModelDef,
    pub(crate) models: &'a dyn Models,
    pub(crate) depth: usize,
    /// Where an include stands: its parent, and the relation.
    pub(crate) up: Option<(&'a Place<'a>, &'a str)>,
}

impl<'a> Place<'a> {
    pub(crate) fn new(model: &'a ModelDef, models: &'a dyn Models) -> Place<'a> {
        Place { model, models, depth: 0, up: None }
    }

    pub(crate) fn deeper(self) -> Result<Place<'a>> {
        if self.depth >= DEEPEST {
            return Err(Error::usage(format!("the query is nested deeper than {DEEPEST} levels")));
        }
        Ok(Place { depth: self.depth + 1, ..self })
    }
}

#[cold]
pub(crate) fn unknown(place: &str, key: &str, known: &[&str]) -> Error {
    Error::of_usage(UsageErrorKind::Query, unknown_option(place, key, known))
}

/// What is said of an option or an operator that is not there.
#[cold]
pub(crate) fn unknown_option(place: &str, key: &str, known: &[&str]) -> String {
    let what = if key.starts_with('$') { "operator" } else { "option" };
    let shown: String = key.chars().take(64).collect();
    let hint = match nearest(&shown, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", known.join(", ")),
    };
    format!("{place}.{}: unknown {what}, {hint}", shown.escape_debug())
}

/// Options that change how rows are returned or logged, and nothing of the query.
const IGNORED: &[&str] = &[
    "raw",
    "nest",
    "plain",
    "logging",
    "benchmark",
    "hooks",
    "rejectOnEmpty",
    "subQuery",
    "transaction",
    "searchPath",
    "individualHooks",
    "returning",
    "validate",
    "fields",
    "silent",
    "force",
    "ignoreDuplicates",
    "updateOnDuplicate",
    "conflictAttributes",
    "conflictFields",
    "by",
    "defaults",
    "truncate",
    "cascade",
    "restartIdentity",
    "dataType",
    "joinTableAttributes",
    "col",
    "save",
    "isolationLevel",
    "through",
    "useMaster",
    "sideEffects",
    "omitNull",
];

const KNOWN: &[&str] =
    &["where", "attributes", "include", "order", "group", "having", "limit", "offset", "distinct", "paranoid", "lock", "skipLocked"];

/// What a write is told beside its values.
const WRITES: &[&str] = &[
    "include",
    "validate",
    "hooks",
    "fields",
    "silent",
    "returning",
    "individualHooks",
    "ignoreDuplicates",
    "updateOnDuplicate",
    "conflictAttributes",
    "conflictFields",
    "transaction",
    "logging",
    "isNewRecord",
];

/// Refuses options of a write that no verb has.
///
/// # Errors
/// `Usage` that names the place of an unknown key.
pub(crate) fn check_write_options(verb: &str, options: &Json) -> Result<()> {
    let known = |key: &str| [WRITES, IGNORED, KNOWN].iter().any(|list| list.contains(&key));
    match options.as_object().and_then(|options| options.keys().find(|key| !known(key))) {
        Some(key) => Err(unknown(verb, key, WRITES)),
        None => Ok(()),
    }
}

/// Refuses options that a getter of a many-to-many association would not heed.
///
/// # Errors
/// `Usage` that names the option.
pub(crate) fn check_getter_options(options: &Json) -> Result<()> {
    const HEEDED: &[&str] = &["where", "attributes", "include", "order", "limit", "offset", "paranoid", "through", "joinTableAttributes"];
    let known = |key: &str| [HEEDED, IGNORED].iter().any(|list| list.contains(&key));
    match options.as_object().and_then(|options| options.keys().find(|key| !known(key))) {
        Some(key) => Err(unknown("getter", key, HEEDED)),
        None => Ok(()),
    }
}

/// Reads find options.
///
/// # Errors
/// `Usage` that names the place of an unknown key, attribute, operator or association.
pub fn clauses_from_json(model: &ModelDef, models: &dyn Models, json: Json) -> Result<Clauses> {
    let place = Place::new(model, models);
    let map = match json {
        Json::Null => Map::new(),
        Json::Object(map) => map,
        _ => {
            return Err(Error::of_usage(
                UsageErrorKind::Query,
                format!(
                    "The argument passed to findAll of {} must be an options object, use findByPk if you wish to pass a single primary key value",
                    model.name
                ),
            ));
        }
    };
    read(place, map)
}

/// A condition over the model's own columns as SQL text, for checks and partial indexes.
///
/// # Errors
/// As [`clauses_from_json`]; `Usage` for a value that has no literal.
pub(crate) fn condition_text(model: &ModelDef, json: Json, dialect: sequor_sql::Dialect) -> Result<String> {
    let place = Place::new(model, &());
    let mut expr = filter(place, json)?.ok_or_else(|| Error::of_usage(UsageErrorKind::Query, "the condition is empty"))?;
    bare_columns(&mut expr, model)?;
    sequor_sql::render_condition(&expr, dialect)
}

/// A condition over the model's own columns, for a statement with one table; nothing for an empty one.
///
/// # Errors
/// As [`clauses_from_json`].
pub(crate) fn own_condition(model: &ModelDef, json: Json) -> Result<Option<Expr>> {
    let mut expr = filter(Place::new(model, &()), json)?;
    if let Some(expr) = &mut expr {
        bare_columns(expr, model)?;
    }
    Ok(expr)
}

/// Names fields by their columns alone: the statement has one table.
fn bare_columns(expr: &mut Expr, model: &ModelDef) -> Result<()> {
    if let Expr::Field(field) = expr {
        let position = model.position(&field.name).ok_or_else(|| model.unknown(&field.name))?;
        *expr = Expr::Column { table: None, name: model.columns[position].column.clone() };
        return Ok(());
    }
    sequor_core::statement::walk(expr, &mut |inner| bare_columns(inner, model))
}

pub(crate) fn read(place: Place<'_>, map: Map<String, Json>) -> Result<Clauses> {
    let mut clauses = Clauses::default();
    // Includes first: conditions and orders refer to them.
    if let Some(include) = map.get("include") {
        include::read(place, include.clone(), &mut clauses)?;
    }
    let apart = separate(place, map.get("include"))?;
    let mut skip_locked = false;
    for (key, value) in map {
        match key.as_str() {
            "include" => {}
            "where" => clauses.filters.extend(filter(place, value)?),
            "attributes" => {
                let (value, distinct) = without_distinct(value);
                clauses.select = attributes(place, value)?;
                if let (Some(items), None) = (&mut clauses.select, place.up) {
                    items.extend(keys_of_separate(place, &apart, items));
                }
                if distinct {
                    clauses.distinct = Distinct::Yes;
                }
            }
            "order" => order::read(place, value, &mut clauses)?,
            "group" => clauses.group = group(place, value)?,
            "having" => clauses.having.extend(filter(place, value)?),
            "limit" => clauses.limit = number("limit", &value)?,
            "offset" => clauses.offset = number("offset", &value)?,
            "distinct" => {
                if value == Json::Bool(true) && clauses.select.is_some() {
                    clauses.distinct = Distinct::No;
                }
            }
            "paranoid" => {
                if value == Json::Bool(false) {
                    clauses.deleted = Deleted::Included;
                }
            }
            "lock" => clauses.lock = lock(&value)?,
            "skipLocked" => skip_locked |= value == Json::Bool(true),
            "hooks" => clauses.without_hooks = value == Json::Bool(false),
            known if IGNORED.contains(&known) => {}
            other => return Err(unknown("options", other, KNOWN)),
        }
    }
    if let (Some(lock), true) = (&mut clauses.lock, skip_locked) {
        lock.wait = LockWait::SkipLocked;
    }
    join_aggregated(&mut clauses);
    Ok(clauses)
}

/// The relations whose rows are asked for apart.
fn separate(place: Place<'_>, include: Option<&Json>) -> Result<Vec<sequor_core::schema::RelationDef>> {
    let list = match include {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let apart = list.into_iter().filter(|item| item.get("separate") == Some(&Json::Bool(true)));
    apart.map(|item| include::relation_of(place.model, item)).collect()
}

/// The keys by which rows that are loaded apart find their parent; Sequelize shows them.
fn keys_of_separate(place: Place<'_>, apart: &[sequor_core::schema::RelationDef], items: &[SelectItem]) -> Vec<SelectItem> {
    let shown =
        |name: &Name| items.iter().any(|item| item.alias.is_none() && matches!(&item.expr, Expr::Field(field) if field.name == *name));
    let mut missing: Vec<Name> = Vec::new();
    for relation in apart.iter().filter(|relation| relation.kind != sequor_core::schema::RelationKind::BelongsTo) {
        let own: Vec<Name> = match relation.source_key.as_slice() {
            [] => place.model.key_columns().map(|column| column.name.clone()).collect(),
            keys => keys.to_vec(),
        };
        missing.extend(own.into_iter().filter(|name| !shown(name)));
    }
    missing.dedup();
    missing.into_iter().map(|name| SelectItem::new(Expr::field(name))).collect()
}

/// Rows of an include without attributes are not wanted: under aggregates or groups it only joins.
fn join_aggregated(clauses: &mut Clauses) {
    let grouped = !clauses.group.is_empty()
        || clauses.select.as_ref().is_some_and(|items| items.iter().any(|item| crate::plan::is_aggregate(&item.expr)));
    if grouped {
        let mut shown = Vec::new();
        for include in &mut clauses.includes {
            include.joined = true;
            columns_of_joined(include, &[], &mut shown);
        }
        if let Some(items) = &mut clauses.select {
            items.extend(shown);
        }
    }
}

/// The columns that a joined include was asked for, under `association.column`.
fn columns_of_joined(include: &mut super::IncludeState, above: &[Name], shown: &mut Vec<SelectItem>) {
    let path: Vec<Name> = above.iter().chain([&include.relation]).cloned().collect();
    for item in include.clauses.select.take().unwrap_or_default() {
        let Expr::Field(field) = item.expr else { continue };
        if field.path.is_empty() {
            let names: Vec<&str> = path.iter().chain([item.alias.as_ref().unwrap_or(&field.name)]).map(AsRef::as_ref).collect();
            let alias = names.join(".");
            shown.push(SelectItem { alias: Some(alias.into()), expr: Expr::Field(Field { path: path.clone(), ..field }) });
        }
    }
    for inner in &mut include.clauses.includes {
        columns_of_joined(inner, &path, shown);
    }
}

fn filter(place: Place<'_>, value: Json) -> Result<Option<Expr>> {
    match value {
        Json::Null => Ok(None),
        Json::Object(map) if map.is_empty() => Ok(None),
        other => condition(place, other).map(Some),
    }
}

fn number(what: &str, value: &Json) -> Result<Option<u64>> {
    let whole = match value {
        Json::Null => return Ok(None),
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    let refused = || Error::of_usage(UsageErrorKind::Refused, format!("options.{what}: a whole number from 0 on is expected"));
    whole.map(Some).ok_or_else(refused)
}

fn lock(value: &Json) -> Result<Option<Lock>> {
    let name = match value {
        Json::Object(map) => map.get("level").unwrap_or(&Json::Bool(true)),
        other => other,
    };
    let mode = match name {
        Json::Bool(false) | Json::Null => return Ok(None),
        Json::Bool(true) => LockMode::Update,
        Json::String(name) => match name.replace('_', " ").as_str() {
            "UPDATE" => LockMode::Update,
            "SHARE" => LockMode::Share,
            "KEY SHARE" => LockMode::KeyShare,
            "NO KEY UPDATE" => LockMode::NoKeyUpdate,
            other => return Err(unknown("options.lock", other, &["UPDATE", "SHARE", "KEY SHARE", "NO KEY UPDATE"])),
        },
        _ => return Err(Error::usage("options.lock: true or the name of a lock is expected")),
    };
    Ok(Some(Lock { mode, of: Vec::new(), wait: LockWait::Block }))
}

/// One item: a name, `[name or expression, alias]`, or `{ fn, args, as }`.
fn item(place: Place<'_>, value: Json) -> Result<SelectItem> {
    match value {
        Json::String(name) => Ok(SelectItem { expr: expression::named(place, &name)?, alias: None }),
        Json::Array(pair) => {
            let Ok([what, Json::String(alias)]) = <[Json; 2]>::try_from(pair) else {
                return Err(Error::usage("options.attributes: a pair of an attribute or expression and its alias is expected"));
            };
            let expr = match what {
                Json::String(name) => expression::named(place, &name)?,
                other => expression(place, other)?,
            };
            Ok(SelectItem { expr, alias: Some(Name::Owned(alias)) })
        }
        Json::Object(mut map) => {
            let alias = match map.remove("as") {
                Some(Json::String(alias)) => Some(Name::Owned(alias)),
                _ => return Err(Error::usage("options.attributes: an expression needs a name: { fn, args, as }")),
            };
            Ok(SelectItem { expr: expression(place, Json::Object(map))?, alias })
        }
        _ => Err(Error::usage("options.attributes: a name, a pair or an expression is expected")),
    }
}

fn attributes(place: Place<'_>, value: Json) -> Result<Option<Vec<SelectItem>>> {
    let field = |name: &Name| SelectItem::new(Expr::field(name.clone()));
    match value {
        Json::Null => Ok(None),
        Json::Array(list) => list.into_iter().map(|value| item(place, value)).collect::<Result<Vec<_>>>().map(Some),
        Json::Object(mut map) => {
            let excluded = match map.remove("exclude") {
                Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
                None => Vec::new(),
                Some(_) => return Err(Error::usage("options.attributes.exclude: a list is expected")),
            };
            let mut items: Vec<SelectItem> = place
                .model
                .columns
                .iter()
                .filter(|column| !excluded.iter().any(|name| column.json == name.as_str() || column.name == name.as_str()))
                .map(|column| field(&column.name))
                .collect();
            match map.remove("include") {
                Some(Json::Array(list)) => {
                    for value in list {
                        items.push(item(place, value)?);
                    }
                }
                None => {}
                Some(_) => return Err(Error::usage("options.attributes.include: a list is expected")),
            }
            if let Some(key) = map.keys().next() {
                return Err(unknown("options.attributes", key, &["include", "exclude"]));
            }
            Ok(Some(items))
        }
        _ => Err(Error::of_usage(UsageErrorKind::Query, "The attributes option must be an array of column names or an object")),
    }
}

/// `fn('DISTINCT', col)` as the first item is SELECT DISTINCT.
fn without_distinct(mut value: Json) -> (Json, bool) {
    let is_distinct = |json: &Json| json.get("fn").and_then(Json::as_str).is_some_and(|name| name.eq_ignore_ascii_case("distinct"));
    let inner = |json: &Json| json.get("args").and_then(|args| args.get(0)).cloned().unwrap_or_default();
    let Some(first) = value.get_mut(0) else { return (value, false) };
    if is_distinct(first) {
        let mut plain = inner(first);
        if let (Some(alias), Some(map)) = (first.get("as").cloned(), plain.as_object_mut()) {
            map.insert("as".into(), alias);
        }
        *first = plain;
        return (value, true);
    }
    if let Some(head) = first.get_mut(0).filter(|head| is_distinct(head)) {
        *head = inner(head);
        return (value, true);
    }
    (value, false)
}

fn group(place: Place<'_>, value: Json) -> Result<Vec<Expr>> {
    let list = match value {
        Json::Null => return Ok(Vec::new()),
        Json::Array(list) => list,
        one => vec![one],
    };
    list.into_iter()
        .map(|value| match value {
            Json::String(name) => expression::named(place, &name),
            call @ Json::Object(_) => expression(place, call),
            _ => Err(Error::usage("options.group: Unknown structure passed to order / group: neither a name nor an expression")),
        })
        .collect()
}
