//! Models defined at run time, from Sequelize's own spelling: attributes, options, associations.

mod associate;
mod attribute;
mod options;
mod types;

use crate::db::Db;
use crate::hook::{Behaviors, DefaultScope, ModelMoment};
use crate::query::{Clauses, clauses_from_json};
use attribute::column;
use options::Options;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{
    Action, Behavior, ColumnDef, Default as ColumnDefault, IndexDef, IndexPart, ModelDef, Models, SoftDelete, SortDirection, TableName,
    camelize, pluralize, singularize, underscore,
};
use sequor_core::types::ColumnType;
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
            let known = options::is_known(key);
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
