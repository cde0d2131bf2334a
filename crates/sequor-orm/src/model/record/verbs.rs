//! [`RuntimeModel`]: the finders and writes of a run-time model, which take Sequelize's options as JSON.

use super::{Record, RecordLoader};
use crate::db::Db;
use crate::load;
use crate::query::{Clauses, QueryState, clauses_from_json};
use crate::sync::{SyncMode, sync_models};
use sequor_core::Name;
use sequor_core::driver::{Step, StepDone};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Models};
use serde_json::{Map, Value as Json};
use std::panic::Location;
use std::sync::Arc;

/// A model that is known at run time, on one database. Its verbs take Sequelize's options objects and run by `.exec(&db)`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, _) = seeded().await?;
/// let note = db.define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING", "stars": "INTEGER" } }))?)?;
/// note.sync(SyncMode::Create).await?;
/// note.bulk_create(json!([{ "title": "a", "stars": 1 }, { "title": "b", "stars": 5 }])).exec(&db).await?;
/// let rows = note.find_all(json!({ "where": { "stars": { "$gt": 2 } }, "order": [["id", "ASC"]] })).exec(&db).await?;
/// assert_eq!(rows[0].get("title")?, "b");
/// assert!(note.find_by_pk(1).exec(&db).await?.is_some());
/// assert_eq!(note.update_all(json!({ "stars": 2 }), json!({ "where": { "title": "a" } })).exec(&db).await?, 1);
/// assert_eq!(note.aggregate("stars", "sum", json!({})).exec(&db).await?, json!(7));
/// let (_, created) = note.find_or_create(json!({ "where": { "title": "c" } })).exec(&db).await?;
/// assert!(created);
/// assert_eq!(note.destroy_all(json!({ "where": { "title": "c" } })).exec(&db).await?, 1);
/// let RowsAndCount { rows, count } = note.find_and_count_all(json!({ "limit": 1 })).exec(&db).await?;
/// assert_eq!((rows.len(), count), (1, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RuntimeModel {
    pub(super) db: Db,
    pub(super) name: String,
    /// The model itself, where it is at hand: a definition that was replaced still has rows.
    held: Option<Arc<ModelDef>>,
    /// The scopes to apply; `None` is the default one.
    scopes: Option<Arc<[Json]>>,
}

/// A find that has not run yet.
#[must_use = "a query does nothing until .exec"]
pub struct RuntimeFind {
    model: RuntimeModel,
    options: Json,
    site: &'static Location<'static>,
}

impl RuntimeFind {
    /// Runs the query.
    ///
    /// # Errors
    /// `Usage` that names the place of an unknown key; those of the database.
    pub async fn exec(self, db: &Db) -> Result<Vec<Record>> {
        let reject = flag(&self.options, "rejectOnEmpty", false);
        let rows = self.model.on(db).rows(self.options, self.site).await?;
        if reject && rows.is_empty() {
            return Err(Error::not_found(self.model.name));
        }
        Ok(rows)
    }
}

pub(super) fn option<'a>(options: &'a Json, name: &str) -> Option<&'a Json> {
    options.as_object()?.get(name).filter(|value| !value.is_null())
}

pub(super) fn flag(options: &Json, name: &str, otherwise: bool) -> bool {
    option(options, name).and_then(Json::as_bool).unwrap_or(otherwise)
}

/// The options of a find for its first row; a limit that is given stays.
pub(super) fn first(mut options: Json) -> Json {
    if options.is_null() {
        options = Json::Object(Map::new());
    }
    if let Some(map) = options.as_object_mut()
        && map.get("limit").is_none_or(Json::is_null)
    {
        map.insert("limit".into(), Json::from(1));
    }
    options
}

pub(super) fn names(options: &Json, name: &str) -> Option<Vec<Name>> {
    Some(option(options, name)?.as_array()?.iter().filter_map(Json::as_str).map(|name| Name::Owned(name.to_owned())).collect())
}

impl RuntimeModel {
    pub(crate) fn new(db: Db, name: String) -> RuntimeModel {
        RuntimeModel { db, name, held: None, scopes: None }
    }

    /// The model of rows that are there.
    pub(crate) fn of(db: &Db, model: Arc<ModelDef>) -> RuntimeModel {
        RuntimeModel { db: db.clone(), name: model.name.to_string(), held: Some(model), scopes: None }
    }

    /// With the scopes that a row was found with; `None` is the default one.
    pub(super) fn found_with(self, scopes: Option<Arc<[Json]>>) -> RuntimeModel {
        RuntimeModel { scopes, ..self }
    }

    /// A row that these scopes made is read again in them.
    pub(super) fn own(&self, row: Record) -> Record {
        Record { scopes: self.scopes.clone(), ..row }
    }

    pub(super) fn model_name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// The same model on another handle, such as a transaction's.
    #[must_use]
    pub fn on(&self, db: &Db) -> RuntimeModel {
        RuntimeModel { db: db.clone(), ..self.clone() }
    }

    /// The model as data.
    ///
    /// # Errors
    /// `Usage` when it was removed.
    pub fn def(&self) -> Result<Arc<ModelDef>> {
        if let Some(held) = &self.held {
            return Ok(held.clone());
        }
        self.db.registry().by_name(&self.name).ok_or_else(|| Error::usage(format!("{} has not been defined", self.name)))
    }

    /// Without any scope. Sequelize: `unscoped()`.
    #[must_use]
    pub fn unscoped(&self) -> RuntimeModel {
        RuntimeModel { scopes: Some(Arc::default()), ..self.clone() }
    }

    /// With these scopes: a name, a list of names and `{ method: [name, argument, ..] }`, or null for none.
    #[must_use]
    pub fn scope(&self, scopes: Json) -> RuntimeModel {
        let list = match scopes {
            Json::Null => Vec::new(),
            Json::Array(list) => list,
            one => vec![one],
        };
        RuntimeModel { scopes: Some(list.into()), ..self.clone() }
    }

    pub(super) fn query(&self, options: Json) -> Result<QueryState> {
        let model = self.def()?;
        let mut attributes = None;
        let mut clauses = Clauses::default();
        if let Some(scopes) = &self.scopes {
            clauses.unscoped = true;
            for scope in scopes.iter() {
                let scope = self.named_scope(&model, scope)?;
                attributes = both(attributes, option(&scope, "attributes").cloned());
                clauses.merge(clauses_from_json(&model, self.db.registry(), scope)?);
            }
        } else if let Some(default) = crate::hook::behaviors(&model).and_then(|behaviors| behaviors.scopes.default.as_ref()) {
            attributes = option(default, "attributes").cloned();
        }
        let scoped = attributes.is_some();
        attributes = both(attributes, option(&options, "attributes").cloned());
        clauses.merge(clauses_from_json(&model, self.db.registry(), options)?);
        if let (true, Some(attributes)) = (scoped, attributes) {
            clauses.select = clauses_from_json(&model, self.db.registry(), serde_json::json!({ "attributes": attributes }))?.select;
        }
        clauses.unscoped |= self.scopes.is_some();
        Ok(QueryState { model, clauses: clauses.into() })
    }

    fn named_scope(&self, model: &ModelDef, scope: &Json) -> Result<Json> {
        let (name, args) = match scope {
            Json::String(name) => (name.as_str(), Vec::new()),
            Json::Object(map) => match map.get("method").and_then(Json::as_array).and_then(|list| list.split_first()) {
                Some((Json::String(name), args)) => (name.as_str(), args.to_vec()),
                _ => return Err(Error::of_usage(UsageErrorKind::Scope, "a scope is a name or { method: [name, argument, ..] }")),
            },
            _ => return Err(Error::of_usage(UsageErrorKind::Scope, "a scope is a name or { method: [name, argument, ..] }")),
        };
        let scopes = crate::hook::behaviors(model).map(|behaviors| &behaviors.scopes);
        let json = match (name, scopes) {
            ("defaultScope", Some(scopes)) => Some(scopes.default.clone().unwrap_or_default()),
            (name, Some(scopes)) => scopes.named.get(name).cloned(),
            (_, None) => None,
        };
        let mut json = json.ok_or_else(|| {
            let mut known: Vec<&str> = scopes.iter().flat_map(|scopes| scopes.named.keys()).map(String::as_str).collect();
            known.sort_unstable();
            let there = if known.is_empty() { "no scopes".to_owned() } else { format!("the scopes {}", known.join(", ")) };
            let message =
                format!("Invalid scope {} called. {} has {there}; they are defined in its options", name.escape_debug(), model.name);
            Error::of_usage(UsageErrorKind::Scope, message)
        })?;
        if let Some(Json::Array(params)) = json.as_object_mut().and_then(|map| map.remove("$params")) {
            if args.len() < params.len() {
                let names: Vec<&str> = params.iter().filter_map(Json::as_str).collect();
                let message = format!(
                    "the scope {name} of {} takes {}, and {} of them {} given: {{ method: [{name:?}, ..] }}",
                    model.name,
                    names.join(", "),
                    args.len(),
                    if args.len() == 1 { "was" } else { "were" }
                );
                return Err(Error::of_usage(UsageErrorKind::Scope, message));
            }
            let values: Map<String, Json> = params.iter().filter_map(Json::as_str).map(str::to_owned).zip(args).collect();
            substitute(&mut json, &values);
        }
        Ok(json)
    }

    pub(super) async fn rows(&self, options: Json, site: &'static Location<'static>) -> Result<Vec<Record>> {
        Ok(self.rows_beside(options, None, site).await?.0)
    }

    pub(super) async fn rows_beside(
        &self,
        options: Json,
        beside: Option<Step>,
        site: &'static Location<'static>,
    ) -> Result<(Vec<Record>, Option<StepDone>)> {
        let include = option(&options, "include").cloned();
        let mut query = self.query(options)?;
        // Sequelize adds no order of its own, and its programs compare rows without one.
        query.clauses.unordered |= query.clauses.limit.is_none();
        self.read_beside(query, include, beside, site).await
    }

    /// As [`RuntimeModel::rows`]; in no order of our own, whatever the limit.
    pub(super) async fn rows_of(&self, options: Json, unordered: bool, site: &'static Location<'static>) -> Result<Vec<Record>> {
        let include = option(&options, "include").cloned();
        let mut query = self.query(options)?;
        query.clauses.unordered |= unordered;
        Ok(self.read_beside(query, include, None, site).await?.0)
    }

    async fn read_beside(
        &self,
        query: QueryState,
        include: Option<Json>,
        beside: Option<Step>,
        site: &'static Location<'static>,
    ) -> Result<(Vec<Record>, Option<StepDone>)> {
        if query.clauses.select.as_ref().is_some_and(Vec::is_empty) && !query.clauses.includes.iter().any(shows) {
            let message = format!("Attempted a SELECT query for model '{}' without selecting any columns", query.model.name);
            return Err(Error::of_usage(UsageErrorKind::Query, message));
        }
        let loader = RecordLoader::boxed(query.model.clone(), self.db.inner.registry.clone());
        let (mut rows, beside) = load::find_records_beside(&self.db, query, loader, beside, site).await?;
        super::reload::remember(&mut rows, include.as_ref(), self.scopes.as_ref());
        Ok((rows, beside))
    }

    pub(super) async fn read(&self, query: QueryState) -> Result<Vec<Record>> {
        self.read_at(query, Location::caller()).await
    }

    async fn read_at(&self, query: QueryState, site: &'static Location<'static>) -> Result<Vec<Record>> {
        let loader = RecordLoader::boxed(query.model.clone(), self.db.inner.registry.clone());
        load::find_records(&self.db, query, loader, site).await
    }

    /// Rows by options. Sequelize: `findAll(options)`.
    #[track_caller]
    pub fn find_all(&self, options: Json) -> RuntimeFind {
        RuntimeFind { model: self.clone(), options, site: Location::caller() }
    }

    pub(super) async fn find_one_now(&self, options: Json) -> Result<Option<Record>> {
        let reject = flag(&options, "rejectOnEmpty", false);
        let found = self.rows(first(options), Location::caller()).await?.into_iter().next();
        self.unless_empty(found, reject)
    }

    /// With `rejectOnEmpty` a row that is not there is an error.
    fn unless_empty(&self, found: Option<Record>, reject: bool) -> Result<Option<Record>> {
        if found.is_none() && reject { Err(Error::not_found(self.name.clone())) } else { Ok(found) }
    }

    pub(super) async fn find_by_pk_now(&self, key: Json, options: Json) -> Result<Option<Record>> {
        let reject = flag(&options, "rejectOnEmpty", false);
        let found = match self.with_key(key, options)? {
            Some(options) => self.rows(options, Location::caller()).await?.into_iter().next(),
            None => None,
        };
        self.unless_empty(found, reject)
    }

    /// The options of a find by its key; nothing for the key null, which no row has.
    pub(super) fn with_key(&self, key: Json, mut options: Json) -> Result<Option<Json>> {
        let model = self.def()?;
        if key.is_null() {
            return Ok(None);
        }
        let scalar = matches!(key, Json::String(_) | Json::Number(_)) || key.get("$bytes").is_some();
        let Some(column) = model.key_columns().next() else { return Err(Error::usage(format!("{} has no primary key", model.name))) };
        if !scalar && !key.is_object() {
            return Err(Error::usage("Argument passed to findByPk is invalid: a key is text or a number"));
        }
        if options.is_null() {
            options = Json::Object(Map::new());
        }
        let condition = if scalar {
            Json::Object([(column.name.to_string(), key)].into_iter().collect())
        } else {
            return Err(Error::usage("Argument passed to findByPk is invalid"));
        };
        if let Some(map) = options.as_object_mut() {
            map.insert("where".into(), condition);
        }
        Ok(Some(options))
    }

    /// Makes the table. Sequelize: `sync(options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, _) = noted().await?;
    /// let notes = db.model("Note")?;
    /// notes.sync(SyncMode::Force).await?;
    /// assert_eq!(notes.count(json!({})).exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sync(&self, mode: SyncMode) -> Result<()> {
        sync_models(&self.db, &[self.def()?], mode, Location::caller()).await
    }

    /// What a new row is as JSON Schema: names, types and the rules of validation.
    ///
    /// # Errors
    /// `Usage` when the model is not defined any more.
    pub fn json_schema(&self) -> Result<Json> {
        Ok(crate::validate::json_schema(&*self.def()?))
    }

    /// The hooks of this model at run time. Sequelize: `Post.addHook(..)`.
    pub fn hooks(&self) -> crate::hook::GlobalHooks<'_> {
        crate::hook::GlobalHooks::new(self.db.hook_table(), Some(&self.name))
    }

    /// Drops the table, if it is there. Sequelize: `drop()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, _) = noted().await?;
    /// db.model("Tag")?.drop_table().await?;
    /// assert_eq!(db.query_interface().list_tables().await?, ["Notes"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn drop_table(&self) -> Result<()> {
        crate::sync::drop_models(&self.db, &[self.def()?], Location::caller()).await
    }
}

/// The attributes of two scopes: lists are joined, what they include and exclude as well; otherwise the later one holds.
pub(super) fn both(first: Option<Json>, second: Option<Json>) -> Option<Json> {
    let joined = |mut list: Vec<Json>, more: Vec<Json>| {
        for item in more {
            if !list.contains(&item) {
                list.push(item);
            }
        }
        Json::Array(list)
    };
    match (first, second) {
        (Some(Json::Array(first)), Some(Json::Array(second))) => Some(joined(first, second)),
        (Some(Json::Object(mut first)), Some(Json::Object(second))) => {
            for (key, value) in second {
                let value = match (first.remove(&key), value) {
                    (Some(Json::Array(known)), Json::Array(more)) => joined(known, more),
                    (_, value) => value,
                };
                first.insert(key, value);
            }
            Some(Json::Object(first))
        }
        (first, second) => second.or(first),
    }
}

/// Whether an include or one below it reads columns.
fn shows(include: &crate::query::IncludeState) -> bool {
    !include.joined && (include.clauses.select.as_ref().is_none_or(|items| !items.is_empty()) || include.clauses.includes.iter().any(shows))
}

/// Puts arguments in for `{ $param: name }`.
pub(super) fn substitute(json: &mut Json, values: &Map<String, Json>) {
    if let Some(name) = json.get("$param").and_then(Json::as_str) {
        *json = values.get(name).cloned().unwrap_or_default();
        return;
    }
    match json {
        Json::Array(list) => list.iter_mut().for_each(|item| substitute(item, values)),
        Json::Object(map) => map.values_mut().for_each(|item| substitute(item, values)),
        _ => {}
    }
}
