//! Models defined at run time, from Sequelize's own spelling: attributes, options, associations.

mod associate;
mod types;

use crate::db::Db;
use crate::hook::{Behaviors, DefaultScope, ModelMoment};
use crate::query::{Clauses, clauses_from_json};
use crate::validate::rules;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{
    Action, Behavior, ColumnDef, Default as ColumnDefault, ForeignKeyDef, Generator, IndexDef, IndexPart, ModelDef, Models, RuleDef,
    SoftDelete, SortDirection, TableName, Unique, camelize, nearest, pluralize, singularize, underscore,
};
use sequor_core::types::{ColumnType, value_from_json};
use sequor_core::{Name, Value};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::Arc;

/// Defines models from JSON in Sequelize's spelling.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let def = ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING" }, "options": { "timestamps": false } }))?;
/// let note = db.define(def)?;
/// note.sync(SyncMode::Create).await?;
/// assert_eq!(note.create(json!({ "title": "Hi" })).exec(&db).await?.to_json(), json!({ "id": 1, "title": "Hi" }));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a model cannot be read into a `{Self}`",
    label = "`ModelDef::from_json(json)` makes the definition of a model"
)]
pub trait DefineModel: Sized {
    /// `{ "name", "attributes", "options" }` as a model.
    ///
    /// # Errors
    /// `Usage` that names the unknown type, option or attribute.
    fn from_json(json: Json) -> Result<Self>;
}

impl DefineModel for ModelDef {
    fn from_json(json: Json) -> Result<ModelDef> {
        let Json::Object(mut map) = json else { return Err(Error::usage("a model is an object with name, attributes and options")) };
        let name = match map.remove("name") {
            Some(Json::String(name)) if !name.is_empty() => name,
            _ => return Err(Error::usage("a model needs a name")),
        };
        let options = Options::read(&name, map.remove("options").unwrap_or_default())?;
        let attributes = match map.remove("attributes") {
            Some(Json::Object(attributes)) => attributes,
            None => Map::new(),
            Some(_) => return Err(Error::usage(format!("{name}.attributes is an object"))),
        };
        if let Some(key) = map.keys().next() {
            let known = KNOWN_OPTIONS.contains(&key.as_str());
            let way = if known {
                "it is one of its options: { \"name\", \"attributes\", \"options\" }"
            } else {
                "known are name, attributes and options"
            };
            return Err(Error::usage(format!("the definition of {name} has no {}: {way}", key.escape_debug())));
        }
        build(&name, &options, attributes)
    }
}

/// Sequelize's model options.
#[derive(Debug, Default)]
struct Options {
    map: Map<String, Json>,
}

const KNOWN_OPTIONS: &[&str] = &[
    "tableName",
    "freezeTableName",
    "timestamps",
    "createdAt",
    "updatedAt",
    "deletedAt",
    "paranoid",
    "underscored",
    "version",
    "indexes",
    "name",
    "defaultScope",
    "scopes",
    "comment",
    "removeId",
    "schema",
    "validate",
    "hooks",
    "engine",
    "charset",
    "collate",
    "initialAutoIncrement",
    "modelName",
    "omitNull",
    "rejectOnEmpty",
    "noPrimaryKey",
];

impl Options {
    fn read(model: &str, json: Json) -> Result<Options> {
        let map = match json {
            Json::Null => Map::new(),
            Json::Object(map) => map,
            _ => return Err(Error::usage(format!("{model}.options is an object"))),
        };
        if let Some(unknown) = map.keys().find(|key| !KNOWN_OPTIONS.contains(&key.as_str())) {
            return Err(Error::usage(format!(
                "{model}.options.{}: unknown option; known are {}",
                unknown.escape_debug(),
                KNOWN_OPTIONS.join(", ")
            )));
        }
        if let Some(rules) = map.get("validate").and_then(Json::as_object).filter(|rules| !rules.is_empty()) {
            let names: Vec<String> = rules.keys().map(|name| name.escape_debug().to_string()).collect();
            return Err(Error::usage(format!(
                "{model}.options.validate: {} cannot be given as JSON, because a rule of the whole row is a function; register it: \
                 db.model(\"{model}\")?.hooks().validate(name, ..)",
                names.join(", ")
            )));
        }
        if map.get("omitNull") == Some(&Json::Bool(true)) {
            return Err(Error::usage(format!(
                "{model}.options.omitNull: a null that is given is written; leave the attribute out instead"
            )));
        }
        Ok(Options { map })
    }

    fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.map.get(name).and_then(Json::as_bool).unwrap_or(otherwise)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.map.get(name).and_then(Json::as_str)
    }

    /// What MySQL is told when it makes the table. The other databases have no words for it, as in Sequelize.
    fn made_with(&self, model: &str) -> Result<Option<Name>> {
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
    fn managed(&self, name: &'static str, on: bool) -> Option<String> {
        match self.map.get(name) {
            Some(Json::Bool(false)) => None,
            Some(Json::String(own)) if on => Some(own.clone()),
            _ => on.then(|| name.to_owned()),
        }
    }
}

fn build(name: &str, options: &Options, attributes: Map<String, Json>) -> Result<ModelDef> {
    let mut def = ModelDef::new(name.to_owned());
    let names = options.map.get("name").and_then(Json::as_object);
    let own = |key: &str| names.and_then(|names| names.get(key)).and_then(Json::as_str).map(str::to_owned);
    def.singular = own("singular").unwrap_or_else(|| singularize(name)).into();
    def.plural = own("plural").unwrap_or_else(|| pluralize(name)).into();
    let underscored = options.flag("underscored", false);
    let table = match options.text("tableName") {
        Some(table) => table.to_owned(),
        None if options.flag("freezeTableName", false) => name.to_owned(),
        None if underscored => underscore(&pluralize(name)),
        None => pluralize(name),
    };
    def.table = TableName { schema: options.text("schema").map(|schema| schema.to_owned().into()), name: table.into() };
    let has_key = attributes.values().any(|attribute| attribute.get("primaryKey").and_then(Json::as_bool) == Some(true));
    if !has_key && attributes.contains_key("id") && !options.flag("noPrimaryKey", false) {
        return Err(Error::usage(format!(
            "A column called 'id' was added to the attributes of '{}' but not marked with 'primaryKey: true'",
            def.table.name
        )));
    }
    let implicit_key = !has_key && !options.flag("removeId", false) && !options.flag("noPrimaryKey", false);
    if implicit_key {
        def.columns.push(implicit_id());
    }
    let mut unsaid = Vec::new();
    for (attribute, definition) in attributes {
        if definition.get("allowNull").is_none() {
            unsaid.push(Name::Owned(attribute.clone()));
        }
        let column = column(&def, &attribute, definition, underscored)?;
        def.columns.push(column);
    }
    manage(&mut def, options, underscored);
    def.primary_key = (0..def.columns.len()).filter(|position| def.columns[*position].primary_key).collect();
    if def.columns.iter().filter(|column| column.auto_increment).count() > 1 {
        return Err(Error::usage(format!("{name}: only one attribute can be autoIncrement")));
    }
    if let Some(indexes) = options.map.get("indexes") {
        def.indexes = self::indexes(&def, indexes)?;
    }
    def.comment = options.text("comment").map(|comment| comment.to_owned().into());
    def.made_with = options.made_with(name)?;
    def.behavior = behavior(options, Convention { underscored, implicit_key, unsaid });
    Ok(def)
}

fn implicit_id() -> ColumnDef {
    let mut id = ColumnDef::new("id", ColumnType::I32);
    id.primary_key = true;
    id.auto_increment = true;
    id.nullable = false;
    id
}

fn column(def: &ModelDef, name: &str, definition: Json, underscored: bool) -> Result<ColumnDef> {
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
fn describe(def: &ModelDef, column: &mut ColumnDef, map: Map<String, Json>) -> Result<()> {
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
            ("validate", Json::Object(rules)) => column.rules = self::rules(def, &name, rules)?,
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

fn kind_of(value: &Json) -> &'static str {
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
    if let Some(generator) = value.get("$default").and_then(Json::as_str) {
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

fn rules(def: &ModelDef, attribute: &str, map: Map<String, Json>) -> Result<Vec<RuleDef>> {
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

/// Timestamps, soft deletion and version, as Sequelize adds them.
fn manage(def: &mut ModelDef, options: &Options, underscored: bool) {
    let timestamps = options.flag("timestamps", true);
    let add = |def: &mut ModelDef, name: String, nullable: bool, ty: ColumnType| -> usize {
        if let Some(position) = def.position(&name) {
            def.columns[position].managed = true;
            return position;
        }
        let mut column = ColumnDef::new(name.clone(), ty);
        if underscored {
            column.column = underscore(&name).into();
        }
        column.nullable = nullable;
        column.managed = true;
        def.columns.push(column);
        def.columns.len() - 1
    };
    if let Some(name) = options.managed("createdAt", timestamps) {
        def.timestamps.created = Some(add(def, name, false, ColumnType::DateTime(6)));
    }
    if let Some(name) = options.managed("updatedAt", timestamps) {
        def.timestamps.updated = Some(add(def, name, false, ColumnType::DateTime(6)));
    }
    if let Some(name) = options.managed("deletedAt", timestamps && options.flag("paranoid", false)) {
        let column = add(def, name, true, ColumnType::DateTime(6));
        def.columns[column].managed = false;
        def.soft_delete = Some(SoftDelete::Timestamp { column });
    }
    let version = match options.map.get("version") {
        Some(Json::Bool(true)) => Some("version".to_owned()),
        Some(Json::String(name)) => Some(name.clone()),
        _ => None,
    };
    if let Some(name) = version {
        let position = add(def, name, false, ColumnType::I32);
        def.columns[position].default = ColumnDefault::Value(Value::I64(0));
        def.version = Some(position);
    }
}

fn indexes(def: &ModelDef, json: &Json) -> Result<Vec<IndexDef>> {
    let Json::Array(list) = json else { return Err(Error::usage(format!("{}.options.indexes is a list", def.name))) };
    let mut made = Vec::new();
    for index in list {
        let Some(Json::Array(fields)) = index.get("fields") else {
            return Err(Error::usage("Missing \"fields\" property for index definition"));
        };
        let mut parts = Vec::new();
        for field in fields {
            let name = field.as_str().or_else(|| field.get("name").or_else(|| field.get("attribute")).and_then(Json::as_str));
            let Some(name) = name else { return Err(Error::usage("a field of an index is a name or an object with one")) };
            let direction = match field.get("order").and_then(Json::as_str) {
                Some("DESC") => Some(SortDirection::Descending),
                _ => None,
            };
            parts.push(IndexPart { column: Some(name.to_owned().into()), direction, ..IndexPart::default() });
        }
        let unique =
            index.get("unique").and_then(Json::as_bool).unwrap_or(false) || index.get("type").and_then(Json::as_str) == Some("UNIQUE");
        let columns: Vec<&str> = parts.iter().filter_map(|part| part.column.as_deref()).collect();
        let name = index
            .get("name")
            .and_then(Json::as_str)
            .map_or_else(|| underscore(&format!("{}_{}", def.table.name, columns.join("_"))), str::to_owned);
        let method = index.get("using").or_else(|| index.get("method")).and_then(Json::as_str).map(|text| Name::Owned(text.to_owned()));
        let language = index.get("language").and_then(Json::as_str).map(|text| Name::Owned(text.to_owned()));
        // Names in double quotes and TRUE are understood wherever there are partial indexes.
        let condition = |filter: &Json| crate::query::condition_text(def, filter.clone(), sequor_sql::Dialect::Postgres);
        let filter = index.get("where").map(condition).transpose()?.map(Name::Owned);
        made.push(IndexDef { name: Some(name.into()), parts, unique, method, filter, language, ..IndexDef::default() });
    }
    Ok(made)
}

/// The scopes of a run-time model, as JSON until they are used.
#[derive(Default)]
pub(crate) struct RuntimeScopes {
    pub(crate) default: Option<Json>,
    pub(crate) named: HashMap<String, Json>,
    pub(crate) convention: Convention,
    /// The options that models between which nobody defines have from this one.
    pub(crate) inherited: Map<String, Json>,
}

/// Options of a model that its many-to-many associations hand on.
const INHERITED: &[&str] = &["createdAt", "updatedAt", "deletedAt", "underscored", "version", "schema", "engine", "charset", "collate"];

/// What the definition left to convention, which associations follow.
#[derive(Clone, Default)]
pub(crate) struct Convention {
    /// Columns are the attributes in snake case.
    pub(crate) underscored: bool,
    /// Nobody declared the key: a model between two others is known by its pair instead.
    pub(crate) implicit_key: bool,
    /// Attributes that were declared without a word about null.
    pub(crate) unsaid: Vec<Name>,
}

fn behavior(options: &Options, convention: Convention) -> Behavior {
    let default = options.map.get("defaultScope").cloned().filter(|scope| scope.as_object().is_some_and(|scope| !scope.is_empty()));
    let named = options.map.get("scopes").and_then(Json::as_object).cloned().unwrap_or_default().into_iter().collect();
    let scope = default.clone();
    let default_scope = scope.map(|json| {
        Arc::new(move |model: &ModelDef, clauses: Clauses, models: &dyn Models| match clauses_from_json(model, models, json.clone()) {
            Ok(mut scope) => {
                scope.merge(clauses);
                scope
            }
            Err(error) => {
                let mut clauses = clauses;
                clauses.filters.push(sequor_core::statement::Expr::Invalid(error.to_string().into()));
                clauses
            }
        }) as DefaultScope
    });
    let inherited = options.map.iter().filter(|(name, _)| INHERITED.contains(&name.as_str()));
    let inherited = inherited.map(|(name, value)| (name.clone(), value.clone())).collect();
    let scopes = RuntimeScopes { default, named, convention, inherited };
    Behavior(Some(Arc::new(Behaviors { default_scope, scopes, ..Behaviors::default() })))
}

impl Db {
    /// Makes a model known that is described as data. One of the same name is replaced. Sequelize: `sequelize.define(..)`.
    ///
    /// # Errors
    /// `Usage` for a definition that contradicts itself.
    pub fn define(&self, def: ModelDef) -> Result<super::RuntimeModel> {
        let mut def = def;
        let hooks = &self.hook_table().connection;
        hooks.model(ModelMoment::BeforeDefine, &mut def)?;
        let name = def.name.to_string();
        self.registry().add(Arc::new(def.clone()));
        hooks.model(ModelMoment::AfterDefine, &mut def)?;
        Ok(super::RuntimeModel::new(self.clone(), name))
    }

    /// A model that was defined or registered, by name. Sequelize: `sequelize.model(name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.registry().register_all()?;
    /// let users = db.model("User")?;                          // a typed model answers the JSON door too
    /// assert_eq!(users.count(json!({ "where": { "age": { "$gt": 18 } } })).exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when there is none.
    pub fn model(&self, name: &str) -> Result<super::RuntimeModel> {
        use sequor_core::schema::Models;
        match self.registry().by_name(name) {
            Some(_) => Ok(super::RuntimeModel::new(self.clone(), name.to_owned())),
            None => Err(Error::usage(format!("{} has not been defined", name.escape_debug()))),
        }
    }
}

/// The type that Sequelize writes so: `DECIMAL(10,2)`.
pub(crate) fn type_named(text: &str) -> Result<ColumnType> {
    types::parse(text, "").map_err(Error::usage)
}

/// The default name of a foreign key: `userId` of `user` and `id`, `userRoleId` of `user_role`.
pub(crate) fn key_name(owner: &str, key: &str) -> String {
    camelize(&format!("{owner}_{key}"))
}

/// What a foreign key does, as `onDelete` and `onUpdate` say it.
pub(crate) fn action(option: &str, json: Option<&Json>) -> std::result::Result<Option<Action>, String> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(None) };
    let known = json.as_str().and_then(Action::parse);
    let wrong = || format!("{option} is CASCADE, RESTRICT, SET NULL, SET DEFAULT or NO ACTION, not {json}");
    known.map(Some).ok_or_else(wrong)
}
