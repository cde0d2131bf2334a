//! An attribute in Sequelize's spelling as a column: its type, its options, its rules.

use super::{action, types};
use crate::validate::rules;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{
    ColumnDef, Default as ColumnDefault, ForeignKeyDef, Generator, ModelDef, RuleDef, TableName, Unique, nearest, underscore,
};
use sequor_core::types::{ColumnType, value_from_json};
use serde_json::{Map, Value as Json};

pub(super) fn column(def: &ModelDef, name: &str, definition: Json, underscored: bool) -> Result<ColumnDef> {
    let definition = match definition {
        Json::String(ty) => serde_json::json!({ "type": ty }),
        other => other,
    };
    let Json::Object(map) = definition else { return Err(Error::usage(format!("{}.{name} is a type or an object with a type", def.name))) };
    let at = |what: String| Error::usage(format!("{}.{name}: {what}", def.name));
    let Some(Json::String(ty)) = map.get("type") else { return Err(at("the attribute has no type".into())) };
    let enum_name = format!("enum_{}_{name}", def.table.name);
    let ty = match map.get("values") {
        Some(values) if ty.trim().eq_ignore_ascii_case("ENUM") => types::of_labels(values, &enum_name),
        _ => types::parse(ty, &enum_name),
    };
    let mut column = ColumnDef::new(name.to_owned(), ty.map_err(at)?);
    if underscored {
        column.column = underscore(name).into();
    }
    describe(def, &mut column, map)?;
    Ok(column)
}

/// Gives a column what its definition says beside its type.
pub(super) fn describe(def: &ModelDef, column: &mut ColumnDef, map: Map<String, Json>) -> Result<()> {
    let name = column.name.clone();
    let at = |what: String| Error::usage(format!("{}.{name}: {what}", def.name));
    let mut actions = (None, None);
    for (key, value) in map {
        match (key.as_str(), value) {
            ("type", _) => {}
            ("values", Json::Array(_)) if matches!(column.ty, ColumnType::Enum(_)) => {}
            ("allowNull", Json::Bool(allowed)) => column.nullable = allowed,
            ("primaryKey", Json::Bool(key)) => column.primary_key = key,
            ("autoIncrement", Json::Bool(counts)) => column.auto_increment = counts,
            ("unique", Json::Bool(unique)) => column.unique = unique.then_some(Unique { group: None, message: None }),
            ("unique", Json::String(group)) => column.unique = Some(Unique { group: Some(group.into()), message: None }),
            ("unique", Json::Object(unique)) => {
                let text = |key: &str| unique.get(key).and_then(Json::as_str).map(|text| Name::Owned(text.to_owned()));
                column.unique = Some(Unique { group: text("name"), message: text("msg") });
            }
            ("field", Json::String(field)) => column.column = field.into(),
            ("defaultValue", value) => column.default = default_value(column, value).map_err(|error| at(error.to_string()))?,
            ("comment", Json::String(comment)) => column.comment = Some(comment.into()),
            ("validate", Json::Object(rules)) => column.rules = rules_of(def, &name, rules)?,
            ("references", value) => column.references = references(column, &value),
            ("onDelete", value @ Json::String(_)) => actions.0 = action("onDelete", Some(&value)).map_err(at)?,
            ("onUpdate", value @ Json::String(_)) => actions.1 = action("onUpdate", Some(&value)).map_err(at)?,
            (_, Json::Null) => {}
            (other, value) => return Err(at(wrong_option(other, &value))),
        }
    }
    if column.nullable && column.rules.iter().any(|rule| rule.key == "notNull") {
        return Err(at("notNull is the message of an attribute that takes no null: say allowNull: false beside it".into()));
    }
    if let Some(key) = &mut column.references {
        (key.on_delete, key.on_update) = actions;
        // The column may have got its name behind the reference.
        key.columns = vec![column.column.clone()];
    }
    if column.primary_key {
        column.nullable = false;
    }
    Ok(())
}

/// The options of an attribute, and what each of them takes.
const ATTRIBUTE_OPTIONS: &[(&str, &str)] = &[
    ("type", "the name of a type"),
    ("values", "the labels of an ENUM as a list"),
    ("allowNull", "true or false"),
    ("primaryKey", "true or false"),
    ("autoIncrement", "true or false"),
    ("unique", "true, a name or { name, msg }"),
    ("field", "the name of a column"),
    ("defaultValue", "a value"),
    ("comment", "a text"),
    ("validate", "rules by name, { isEmail: true, len: [2, 10] }"),
    ("references", "a table, or { model, key }"),
    ("onDelete", "an action such as CASCADE"),
    ("onUpdate", "an action such as CASCADE"),
];

#[cold]
fn wrong_option(option: &str, value: &Json) -> String {
    if let Some((name, kind)) = ATTRIBUTE_OPTIONS.iter().find(|(name, _)| *name == option) {
        return format!("{name} takes {kind}, not {}", kind_of(value));
    }
    let known = ATTRIBUTE_OPTIONS.iter().map(|(name, _)| *name);
    let hint = match nearest(option, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", known.collect::<Vec<_>>().join(", ")),
    };
    format!("there is no option {}, {hint}", option.escape_debug())
}

pub(super) fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn references(column: &ColumnDef, value: &Json) -> Option<ForeignKeyDef> {
    let table = value.get("model").map_or(value, |model| model);
    let table = table.as_str().or_else(|| table.get("tableName").and_then(Json::as_str))?;
    let key = value.get("key").and_then(Json::as_str).unwrap_or("id");
    Some(ForeignKeyDef {
        name: None,
        columns: vec![column.column.clone()],
        table: TableName::new(table.to_owned()),
        target: vec![key.to_owned().into()],
        on_delete: None,
        on_update: None,
        deferrable: None,
    })
}

fn default_value(column: &ColumnDef, value: Json) -> Result<ColumnDefault> {
    // Sequelize's names of its generators are no values of the types that have them, so that they may stand alone.
    let alone = match (&column.ty, value.as_str()) {
        (ColumnType::Uuid, name @ Some("UUIDV1" | "UUIDV4" | "UUIDV7")) | (ColumnType::DateTime(_), name @ Some("NOW")) => name,
        _ => None,
    };
    if let Some(generator) = alone.or_else(|| value.get("$default").and_then(Json::as_str)) {
        return Ok(ColumnDefault::Generator(match generator {
            "UUIDV1" => Generator::UuidV1,
            "UUIDV4" => Generator::UuidV4,
            "UUIDV7" => Generator::UuidV7,
            "NOW" => Generator::Now,
            other => return Err(Error::usage(format!("unknown default {}", other.escape_debug()))),
        }));
    }
    if let Some(function) = value.get("$fn").and_then(Json::as_str) {
        let known = function.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !known {
            return Err(Error::usage("a default function is a name"));
        }
        let args = value.get("args").and_then(Json::as_array).into_iter().flatten();
        let args = args.map(literal).collect::<Result<Vec<_>>>()?;
        return Ok(ColumnDefault::Db(format!("{function}({})", args.join(", ")).into()));
    }
    if value.is_null() {
        return Ok(ColumnDefault::None);
    }
    Ok(ColumnDefault::Value(value_from_json(&column.ty, value)?))
}

/// An argument of a default function, as every database writes it.
fn literal(value: &Json) -> Result<String> {
    match value {
        Json::Null => Ok("NULL".into()),
        Json::Bool(_) | Json::Number(_) => Ok(value.to_string()),
        Json::String(text) if !text.contains(['\\', '\0']) => Ok(format!("'{}'", text.replace('\'', "''"))),
        _ => Err(Error::usage("the arguments of a default function are numbers, truth values and texts without a backslash")),
    }
}

fn rules_of(def: &ModelDef, attribute: &str, map: Map<String, Json>) -> Result<Vec<RuleDef>> {
    let mut list = Vec::new();
    for (name, value) in map {
        if name == "notNull" {
            let own = value.get("msg").or_else(|| value.get("message"));
            let message = own.map(|own| {
                let text = own.as_str().map(|text| Name::Owned(text.to_owned()));
                text.ok_or_else(|| {
                    Error::usage(format!("{}.{attribute}: the message of notNull is a text, not {}", def.name, kind_of(own)))
                })
            });
            let message = message.transpose()?;
            list.push(RuleDef { key: "notNull".into(), args: Vec::new(), message, custom: None });
            continue;
        }
        let setting =
            rules::Setting::from_json(&name, &value).map_err(|error| Error::usage(format!("{}.{attribute}: {error}", def.name)))?;
        if let Some(setting) = setting {
            list.push(RuleDef { key: Name::Owned(name), args: setting.args, message: setting.message.map(Into::into), custom: None });
        }
    }
    Ok(list)
}
