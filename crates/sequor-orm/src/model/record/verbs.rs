//! [`RuntimeModel`]: the finders and writes of a run-time model, which take Sequelize's options as JSON.

use super::{Record, RecordLoader, keep_included, record_in, record_of, row_from_json};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::load;
use crate::query::{Clauses, Place, QueryState, bind_value, check_write_options, clauses_from_json};
use crate::sync::{SyncMode, sync_models};
use crate::write::{self, BulkOptions, DestroyOptions, OnDuplicate, RowState, UpdateOptions, WriteOptions};
use sequor_core::Name;
use sequor_core::driver::{Step, StepDone};
use sequor_core::error::{Error, Result, UsageErrorKind, ValidationError};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::Expr;
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
    db: Db,
    name: String,
    /// The model itself, where it is at hand: a definition that was replaced still has rows.
    held: Option<Arc<ModelDef>>,
    /// The scopes to apply; `None` is the default one.
    scopes: Option<Vec<Json>>,
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

fn names(options: &Json, name: &str) -> Option<Vec<Name>> {
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
        RuntimeModel { scopes: Some(Vec::new()), ..self.clone() }
    }

    /// With these scopes: a name, a list of names and `{ method: [name, argument, ..] }`, or null for none.
    #[must_use]
    pub fn scope(&self, scopes: Json) -> RuntimeModel {
        let list = match scopes {
            Json::Null => Vec::new(),
            Json::Array(list) => list,
            one => vec![one],
        };
        RuntimeModel { scopes: Some(list), ..self.clone() }
    }

    pub(super) fn query(&self, options: Json) -> Result<QueryState> {
        let model = self.def()?;
        let mut attributes = None;
        let mut clauses = Clauses::default();
        if let Some(scopes) = &self.scopes {
            clauses.unscoped = true;
            for scope in scopes {
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
        Ok(QueryState { model, clauses: Box::new(clauses) })
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
        let mut json =
            json.ok_or_else(|| Error::of_usage(UsageErrorKind::Scope, format!("Invalid scope {} called.", name.escape_debug())))?;
        if let Some(Json::Array(params)) = json.as_object_mut().and_then(|map| map.remove("$params")) {
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
        if query.clauses.select.as_ref().is_some_and(Vec::is_empty) && !query.clauses.includes.iter().any(shows) {
            let message = format!("Attempted a SELECT query for model '{}' without selecting any columns", query.model.name);
            return Err(Error::of_usage(UsageErrorKind::Query, message));
        }
        let loader = RecordLoader::boxed(query.model.clone(), self.db.inner.registry.clone());
        let (mut rows, beside) = load::find_records_beside(&self.db, query, loader, beside, site).await?;
        super::reload::remember(&mut rows, include.as_ref());
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
        Ok(self.rows(first(options), Location::caller()).await?.into_iter().next())
    }

    pub(super) async fn find_by_pk_now(&self, key: Json, options: Json) -> Result<Option<Record>> {
        match self.with_key(key, options)? {
            Some(options) => Ok(self.rows(options, Location::caller()).await?.into_iter().next()),
            None => Ok(None),
        }
    }

    /// The options of a find by its key; nothing for the key null, which no row has.
    pub(super) fn with_key(&self, key: Json, mut options: Json) -> Result<Option<Json>> {
        let model = self.def()?;
        if key.is_null() {
            return Ok(None);
        }
        let scalar = matches!(key, Json::String(_) | Json::Number(_) | Json::Bool(_)) || key.get("$bytes").is_some();
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

    /// A row that is not stored, with its defaults. Sequelize: `build(values)`.
    ///
    /// # Errors
    /// `Decode` for a value that does not fit.
    pub fn build(&self, values: Json) -> Result<Record> {
        self.build_with(values, &Json::Null)
    }

    /// As [`RuntimeModel::build`]; with `include` also the rows below it, which a save stores with it. Sequelize: `build(values, { include })`.
    ///
    /// # Errors
    /// `Decode` for a value that does not fit; `Usage` for an unknown option.
    pub fn build_with(&self, values: Json, options: &Json) -> Result<Record> {
        check_write_options("build", options)?;
        let model = self.def()?;
        let mut state = row_from_json(&model, self.db.registry(), values)?;
        keep_included(&mut state, option(options, "include"))?;
        let before = state.values.clone();
        // A version begins when the row is built, timestamps when it is stored.
        let later = |(position, column): (usize, &sequor_core::schema::ColumnDef)| {
            column.managed && Some(position) != model.version && state.values[position].is_none()
        };
        let managed: Vec<bool> = model.columns.iter().enumerate().map(later).collect();
        write::prepare(&mut state, &self.db, &WriteOptions::at(Location::caller()))?;
        for (slot, managed) in state.values.iter_mut().zip(managed) {
            if managed {
                *slot = None;
            }
        }
        let filled = state.values.iter().zip(before).enumerate().filter(|(_, (_, before))| before.is_none());
        let given = filled.filter_map(|(position, (value, _))| Some((position, value.clone()?))).collect();
        Ok(Record { given, ..Record::new(state) })
    }

    pub(crate) fn write_options(options: &Json, validate: bool) -> WriteOptions {
        let mut write = WriteOptions::at(Location::caller());
        write.validate = flag(options, "validate", validate);
        write.hooks = flag(options, "hooks", true);
        write.silent = flag(options, "silent", false);
        write.force = flag(options, "force", false);
        write.fields = names(options, "fields");
        write
    }

    pub(super) async fn create_with_now(&self, values: Json, options: Json) -> Result<Record> {
        check_write_options("create", &options)?;
        let model = self.def()?;
        let write = Self::write_options(&options, true);
        let mut state = match row_from_json(&model, self.db.registry(), values.clone()) {
            Err(Error::Validation(failed)) => return Err(self.unread(&model, values, failed, &write).await?),
            read => read?,
        };
        keep_included(&mut state, option(&options, "include"))?;
        if !flag(&options, "ignoreDuplicates", false) {
            return Ok(record_in(write::create(&self.db, state, &write).await?, self.db.registry()));
        }
        match self.db.in_savepoint(async |tx| write::create(tx, state.clone(), &write).await).await {
            Ok(row) => Ok(record_in(row, self.db.registry())),
            // The key is taken: nothing is stored, and the row stays a new one.
            Err(Error::UniqueConstraint { .. }) => {
                write::prepare(&mut state, &self.db, &write)?;
                Ok(Record::new(state))
            }
            Err(error) => Err(error),
        }
    }

    /// The error of values that cannot be read, once the hooks of validation have heard of it.
    async fn unread(&self, model: &Arc<ModelDef>, mut values: Json, failed: ValidationError, write: &WriteOptions) -> Result<Error> {
        if let Some(map) = values.as_object_mut() {
            map.retain(|name, _| failed.items.iter().all(|item| item.path != *name));
        }
        let state = row_from_json(model, self.db.registry(), values).unwrap_or_else(|_| RowState::new(model.clone()));
        crate::validate::unread(&self.db, state, Error::Validation(failed), write).await
    }

    pub(super) async fn bulk_create_now(&self, rows: Json, options: Json) -> Result<Vec<Record>> {
        check_write_options("bulkCreate", &options)?;
        let model = self.def()?;
        let Json::Array(rows) = rows else { return Err(Error::usage("bulkCreate takes a list of rows")) };
        let mut states = rows.into_iter().map(|row| row_from_json(&model, self.db.registry(), row)).collect::<Result<Vec<_>>>()?;
        states.iter_mut().try_for_each(|state| keep_included(state, option(&options, "include")))?;
        let position = |name: &Name| {
            model
                .position(name)
                .or_else(|| model.columns.iter().position(|column| column.column == *name))
                .ok_or_else(|| model.unknown(name))
        };
        let duplicates = if let Some(value) = option(&options, "updateOnDuplicate") {
            let fields = names(&options, "updateOnDuplicate").filter(|fields| !fields.is_empty());
            let _ = value;
            let fields = fields.ok_or_else(|| Error::usage("updateOnDuplicate option only supports non-empty array."))?;
            let key =
                names(&options, "conflictAttributes").map(|names| names.iter().map(position).collect::<Result<Vec<_>>>()).transpose()?;
            OnDuplicate::Update { fields: fields.iter().map(position).collect::<Result<_>>()?, key }
        } else if flag(&options, "ignoreDuplicates", false) {
            OnDuplicate::Ignore
        } else {
            OnDuplicate::Fail
        };
        let bulk = BulkOptions {
            write: Self::write_options(&options, false),
            duplicates,
            individual_hooks: flag(&options, "individualHooks", false),
            returning: true,
            records: true,
        };
        let models = self.db.registry();
        Ok(write::bulk_create(&self.db, states, &bulk).await?.into_iter().map(|row| record_in(row, models)).collect())
    }

    pub(super) async fn update_now(&self, values: Json, options: Json) -> Result<(u64, Vec<Record>)> {
        let query = self.query(options.clone())?;
        let Json::Object(map) = values else { return Err(Error::usage("update takes an object of values")) };
        let mut set = Vec::new();
        for (name, value) in map {
            let Some(position) = query.model.position(&name) else { continue };
            let place = Place::new(&query.model, self.db.registry());
            set.push((position, bind_value(place, Some(&query.model.columns[position].ty), super::plain(value))?));
        }
        let every_row = option(&options, "where").is_some();
        let update = UpdateOptions {
            write: Self::write_options(&options, true),
            every_row,
            returning: option(&options, "returning").is_some_and(|value| *value != Json::Bool(false)),
            individual_hooks: flag(&options, "individualHooks", false),
        };
        let model = query.model.clone();
        let (count, rows) = write::update_all(&self.db, query, set, &update).await?;
        let mut rows: Vec<Record> = rows.into_iter().map(record_of).collect();
        if let Some(list) = names(&options, "returning") {
            let shown = list.iter().map(|name| Ok((name.clone(), model.position(name).ok_or_else(|| model.unknown(name))?)));
            let shown = shown.collect::<Result<Vec<_>>>()?;
            rows.iter_mut().for_each(|row| row.selected = Some(shown.clone()));
        }
        Ok((count, rows))
    }

    pub(super) async fn destroy_all_now(&self, options: Json) -> Result<u64> {
        let query = self.query(options.clone())?;
        if flag(&options, "truncate", false) {
            return self.truncate_now(options).await;
        }
        let every_row = option(&options, "where").is_some();
        let destroy = DestroyOptions {
            write: Self::write_options(&options, true),
            every_row,
            individual_hooks: flag(&options, "individualHooks", false),
        };
        write::destroy_all(&self.db, query, &destroy).await
    }

    pub(super) async fn restore_all_now(&self, options: Json) -> Result<u64> {
        let query = self.query(options.clone())?;
        let update = UpdateOptions {
            write: Self::write_options(&options, true),
            every_row: true,
            returning: false,
            individual_hooks: flag(&options, "individualHooks", false),
        };
        write::restore_all(&self.db, query, &update).await
    }

    /// How many rows were marked as deleted; a table that is emptied counts none.
    pub(super) async fn truncate_now(&self, options: Json) -> Result<u64> {
        let model = self.def()?;
        let write = Self::write_options(&options, true);
        if model.soft_delete.is_some() && !write.force {
            let query = self.query(Json::Null)?;
            return write::destroy_all(&self.db, query, &DestroyOptions { write, every_row: true, individual_hooks: false }).await;
        }
        let (restart, cascade) = (flag(&options, "restartIdentity", false), flag(&options, "cascade", false));
        let mut bulk = hook::BulkChange { query: QueryState::new(model.clone()), set: Vec::new() };
        hook::fire(&self.db, &model, HookKind::BeforeBulkDestroy, HookSubject::Bulk(&mut bulk), &write).await?;
        write::truncate(&self.db, &model, restart, cascade, &write).await?;
        hook::fire(&self.db, &model, HookKind::AfterBulkDestroy, HookSubject::Bulk(&mut bulk), &write).await?;
        Ok(0)
    }

    pub(super) async fn upsert_now(&self, values: Json, options: Json) -> Result<(Record, bool)> {
        check_write_options("upsert", &options)?;
        let model = self.def()?;
        let state = row_from_json(&model, self.db.registry(), values)?;
        let positions =
            |name: &str| names(&options, name).map(|names| names.iter().filter_map(|name| model.position(name)).collect::<Vec<_>>());
        let mut write = Self::write_options(&options, true);
        write.fields = None;
        let given: Vec<usize> = (0..state.values.len()).filter(|position| state.gives(*position)).collect();
        // A row that gives no key meets no old one: Sequelize inserts it.
        let free = || write::covered_key(&model, &given).is_err().then(Vec::new);
        let key = positions("conflictFields").or_else(free);
        let (row, created) = write::upsert(&self.db, state, positions("fields"), key, &write).await?;
        Ok((record_of(row), created))
    }

    pub(super) async fn find_or_create_now(&self, options: Json) -> Result<(Record, bool)> {
        let (query, state) = self.found_or_built(&options)?;
        let shown = shown(&query);
        let (row, created) = write::find_or_create(&self.db, query, state, &Self::write_options(&options, true)).await?;
        Ok((Record { selected: shown.filter(|_| !created), ..record_of(row) }, created))
    }

    pub(super) async fn find_or_build_now(&self, options: Json) -> Result<(Record, bool)> {
        let (mut query, mut state) = self.found_or_built(&options)?;
        query.clauses.limit = Some(1);
        query.clauses.unordered = true;
        let shown = shown(&query);
        if let Some(found) = load::find_rows_hooked(&self.db, query, true, Location::caller()).await?.pop() {
            return Ok((Record { selected: shown, ..record_of(found) }, false));
        }
        write::prepare(&mut state, &self.db, &WriteOptions::at(Location::caller()))?;
        for (position, (column, slot)) in state.model.clone().columns.iter().zip(&mut state.values).enumerate() {
            if column.managed && state.model.version != Some(position) {
                *slot = None;
            }
        }
        Ok((Record::new(state), true))
    }

    fn found_or_built(&self, options: &Json) -> Result<(QueryState, RowState)> {
        let Some(filter) = option(options, "where").cloned() else {
            return Err(Error::usage(
                "Missing where attribute in the options parameter passed to findOrCreate. Please note that the API has changed, and is now options only",
            ));
        };
        let query = self.query(serde_json::json!({ "where": filter.clone() }))?;
        let model = query.model.clone();
        let mut values = Map::new();
        if let Json::Object(map) = filter {
            values.extend(map.into_iter().filter(|(key, value)| !key.starts_with('$') && !value.is_object() && !value.is_array()));
        }
        if let Some(Json::Object(defaults)) = option(options, "defaults") {
            values.extend(defaults.clone());
        }
        let state = row_from_json(&model, self.db.registry(), Json::Object(values))?;
        Ok((query, state))
    }

    pub(super) async fn increment_now(&self, fields: Json, options: Json, sign: i64) -> Result<u64> {
        let mut query = self.query(options.clone())?;
        if option(&options, "paranoid").is_none() {
            // As in Sequelize, which leaves deleted rows out of everything but this.
            query.clauses.deleted = crate::query::Deleted::Included;
        }
        let steps = super::steps::steps(&query.model, fields, option(&options, "by"), sign)?;
        let set = steps
            .into_iter()
            .map(|(position, by)| {
                let bind = query.model.columns[position].ty.bind();
                let field = Expr::Field(crate::plan::field(&query.model, position));
                (position, field.binary(sequor_core::statement::BinaryOp::Add, Expr::Value(by, bind)))
            })
            .collect();
        let mut write = Self::write_options(&options, false);
        write.hooks = false;
        write.validate = false;
        let update = UpdateOptions { write, every_row: option(&options, "where").is_some(), returning: false, individual_hooks: false };
        Ok(write::update_all(&self.db, query, set, &update).await?.0)
    }

    /// Makes the table. Sequelize: `sync(options)`.
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
    /// # Errors
    /// Those of the database.
    pub async fn drop_table(&self) -> Result<()> {
        crate::sync::drop_models(&self.db, &[self.def()?], Location::caller()).await
    }
}

/// The attributes of two scopes: lists are joined, what they include and exclude as well; otherwise the later one holds.
fn both(first: Option<Json>, second: Option<Json>) -> Option<Json> {
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

/// The attributes that a query shows of its rows, where it does not show all.
fn shown(query: &QueryState) -> Option<Vec<(Name, usize)>> {
    let items = query.clauses.select.as_ref()?;
    let own = |item: &sequor_core::statement::SelectItem| match &item.expr {
        Expr::Field(field) if item.alias.is_none() && field.path.is_empty() => {
            Some((field.name.clone(), query.model.position(&field.name)?))
        }
        _ => None,
    };
    Some(items.iter().filter_map(own).collect())
}

/// Whether an include or one below it reads columns.
fn shows(include: &crate::query::IncludeState) -> bool {
    !include.joined && (include.clauses.select.as_ref().is_none_or(|items| !items.is_empty()) || include.clauses.includes.iter().any(shows))
}

/// Puts arguments in for `{ $param: name }`.
fn substitute(json: &mut Json, values: &Map<String, Json>) {
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
