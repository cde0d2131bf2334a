//! Sequelize's model options: which there are, what they take, and what they say.

use super::attribute::kind_of;
use crate::query::unknown_option;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use serde_json::{Map, Value as Json};

/// Sequelize's model options.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) map: Map<String, Json>,
}

/// The options of a model, what each of them takes, and whether a value is of that kind.
const MODEL_OPTIONS: &[(&str, &str, fn(&Json) -> bool)] = &[
    ("tableName", TEXT, Json::is_string),
    ("freezeTableName", SWITCH, Json::is_boolean),
    ("timestamps", SWITCH, Json::is_boolean),
    ("createdAt", NAMED, names_or_not),
    ("updatedAt", NAMED, names_or_not),
    ("deletedAt", NAMED, names_or_not),
    ("paranoid", SWITCH, Json::is_boolean),
    ("underscored", SWITCH, Json::is_boolean),
    ("version", NAMED, names_or_not),
    ("indexes", "a list of objects", Json::is_array),
    ("name", "{ singular, plural }", Json::is_object),
    ("defaultScope", "an object of find options", Json::is_object),
    ("scopes", "an object of scopes by name", Json::is_object),
    ("comment", TEXT, Json::is_string),
    ("removeId", SWITCH, Json::is_boolean),
    ("schema", TEXT, Json::is_string),
    ("validate", "an object", Json::is_object),
    ("hooks", "an object", Json::is_object),
    ("engine", TEXT, Json::is_string),
    ("charset", TEXT, Json::is_string),
    ("collate", TEXT, Json::is_string),
    ("initialAutoIncrement", "a positive integer", |value| value.is_number() || value.is_string()),
    ("modelName", TEXT, Json::is_string),
    ("omitNull", SWITCH, Json::is_boolean),
    ("rejectOnEmpty", SWITCH, Json::is_boolean),
    ("noPrimaryKey", SWITCH, Json::is_boolean),
    ("whereMergeStrategy", "\"and\"", |value| value == "and"),
];

const TEXT: &str = "a text";
const SWITCH: &str = "true or false";
const NAMED: &str = "true, false or a name";

fn names_or_not(value: &Json) -> bool {
    value.is_boolean() || value.is_string()
}

impl Options {
    pub(super) fn read(model: &str, json: Json) -> Result<Options> {
        let map = match json {
            Json::Null => Map::new(),
            Json::Object(map) => map,
            _ => return Err(Error::usage(format!("{model}.options is an object"))),
        };
        for (name, value) in &map {
            let Some((name, takes, is_kind)) = MODEL_OPTIONS.iter().find(|(known, ..)| known == name) else {
                let known: Vec<&str> = MODEL_OPTIONS.iter().map(|(name, ..)| *name).collect();
                return Err(Error::usage(unknown_option(&format!("{model}.options"), name, &known)));
            };
            if !value.is_null() && !is_kind(value) {
                return Err(Error::usage(format!("{model}.options.{name} takes {takes}, not {}", kind_of(value))));
            }
        }
        for (option, what, method) in
            [("validate", "a rule of the whole row", "validate(name, ..)"), ("hooks", "a hook", "before_create(name, ..)")]
        {
            let given = map.get(option).and_then(Json::as_object).filter(|given| !given.is_empty());
            let Some(given) = given else { continue };
            let names: Vec<String> = given.keys().map(|name| name.escape_debug().to_string()).collect();
            return Err(Error::usage(format!(
                "{model}.options.{option}: {} cannot be given as JSON, because {what} is a function; register it: \
                 db.model(\"{model}\")?.hooks().{method}",
                names.join(", ")
            )));
        }
        if map.get("omitNull") == Some(&Json::Bool(true)) {
            return Err(Error::usage(format!(
                "{model}.options.omitNull: a null that is given is written; leave the attribute out instead"
            )));
        }
        let options = Options { map };
        if options.flag("paranoid", false) && !options.flag("timestamps", true) {
            return Err(Error::usage(format!(
                "{model}.options.paranoid: with timestamps: false there is no deletedAt, and rows would be deleted for good, as Sequelize does without a word; for deletedAt \
                 alone say createdAt: false and updatedAt: false instead of timestamps: false, otherwise leave paranoid out"
            )));
        }
        Ok(options)
    }

    pub(super) fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.map.get(name).and_then(Json::as_bool).unwrap_or(otherwise)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.map.get(name).and_then(Json::as_str)
    }

    /// What MySQL is told when it makes the table. The other databases have no words for it, as in Sequelize.
    pub(super) fn made_with(&self, model: &str) -> Result<Option<Name>> {
        let mut words = Vec::new();
        for (option, before) in [("engine", "ENGINE="), ("charset", "DEFAULT CHARACTER SET="), ("collate", "COLLATE=")] {
            let Some(given) = self.map.get(option).filter(|given| !given.is_null()) else { continue };
            let is_word = |word: &&str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            let word = given.as_str().filter(is_word).ok_or_else(|| {
                Error::usage(format!("{model}.options.{option}: {given} is no name; it has letters, digits and underscores"))
            })?;
            words.push(format!("{before}{word}"));
        }
        if let Some(given) = self.map.get("initialAutoIncrement").filter(|given| !given.is_null()) {
            let number = given.as_u64().or_else(|| given.as_str()?.parse().ok()).filter(|number| *number > 0);
            let number =
                number.ok_or_else(|| Error::usage(format!("{model}.options.initialAutoIncrement: {given} is no positive integer")))?;
            words.push(format!("AUTO_INCREMENT={number}"));
        }
        Ok((!words.is_empty()).then(|| words.join(" ").into()))
    }

    /// A managed attribute: its name, unless it is switched off.
    pub(super) fn managed(&self, name: &'static str, on: bool) -> Option<String> {
        match self.map.get(name) {
            Some(Json::Bool(false)) => None,
            Some(Json::String(own)) if on => Some(own.clone()),
            _ => on.then(|| name.to_owned()),
        }
    }
}

/// Whether a model has an option of this name.
pub(super) fn is_known(name: &str) -> bool {
    MODEL_OPTIONS.iter().any(|(known, ..)| *known == name)
}
