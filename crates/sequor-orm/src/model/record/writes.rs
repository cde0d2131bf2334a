//! What a model defined at run time writes: builds, creates, bulk writes, upserts, find-or-create, steps.

use super::read;
use super::verbs::{RuntimeModel, flag, names, option};
use super::{Record, keep_included, record_in, record_of};
use crate::hook::{self, HookKind, HookSubject};
use crate::query::{Place, QueryState, bind_value, check_write_options, is_value, json_path};
use crate::write::{self, BulkOptions, DestroyOptions, OnDuplicate, Recheck, RowState, UpdateOptions, WriteOptions};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::Expr;
use sequor_core::types::ColumnType;
use serde_json::{Map, Value as Json};
use std::panic::Location;
use std::sync::Arc;

impl RuntimeModel {
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
        let options_of_rules = WriteOptions::at(Location::caller());
        let mut read = read::row(&model, self.db.registry(), values)?;
        if !read.is_whole() {
            write::prepare(&mut read.state, &self.db, &options_of_rules)?;
            return Err(read.failed(&options_of_rules)?.1);
        }
        let mut state = read.whole()?;
        keep_included(&mut state, option(options, "include"))?;
        let before = state.values.clone();
        // A version begins when the row is built, timestamps when it is stored.
        let later = |(position, column): (usize, &sequor_core::schema::ColumnDef)| {
            column.managed && Some(position) != model.version && state.values[position].is_none()
        };
        let managed: Vec<bool> = model.columns.iter().enumerate().map(later).collect();
        write::prepare(&mut state, &self.db, &options_of_rules)?;
        for (slot, managed) in state.values.iter_mut().zip(managed) {
            if managed {
                *slot = None;
            }
        }
        let filled = state.values.iter().zip(before).enumerate().filter(|(_, (_, before))| before.is_none());
        let given = filled.filter_map(|(position, (value, _))| Some((position, value.clone()?))).collect();
        Ok(self.own(Record { given, include: included(options), ..Record::new(state) }))
    }

    pub(crate) fn write_options(options: &Json, validate: bool) -> WriteOptions {
        let mut write = WriteOptions::at(Location::caller());
        write.validate = flag(options, "validate", validate);
        write.hooks = flag(options, "hooks", true);
        write.silent = flag(options, "silent", false);
        write.force = flag(options, "force", false);
        write.fields = names(options, "fields");
        write.recheck = Recheck::Never;
        write
    }

    pub(super) async fn create_with_now(&self, values: Json, options: Json) -> Result<Record> {
        check_write_options("create", &options)?;
        let model = self.def()?;
        known_fields(&model, &options)?;
        let write = Self::write_options(&options, true);
        let mut read = read::row(&model, self.db.registry(), values)?;
        if !read.is_whole() {
            write::prepare(&mut read.state, &self.db, &write)?;
            let (state, error) = read.failed(&write)?;
            return Err(crate::validate::unread(&self.db, state, error, &write).await?);
        }
        let mut state = read.whole()?;
        keep_included(&mut state, option(&options, "include"))?;
        stamped_anew(&mut state, &write);
        if !flag(&options, "ignoreDuplicates", false) {
            let row = record_in(write::create(&self.db, state, &write).await?, self.db.registry());
            return Ok(self.own(Record { include: included(&options), ..row }));
        }
        match self.db.in_savepoint(async |tx| write::create(tx, state.clone(), &write).await).await {
            Ok(row) => Ok(self.own(record_in(row, self.db.registry()))),
            // The key is taken: nothing is stored, and the row stays a new one.
            Err(Error::UniqueConstraint { .. }) => {
                write::prepare(&mut state, &self.db, &write)?;
                Ok(Record::new(state))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn bulk_create_now(&self, rows: Json, options: Json) -> Result<Vec<Record>> {
        check_write_options("bulkCreate", &options)?;
        let model = self.def()?;
        known_fields(&model, &options)?;
        let Json::Array(rows) = rows else { return Err(Error::usage("bulkCreate takes a list of rows")) };
        let reads = rows.into_iter().map(|row| read::row(&model, self.db.registry(), row)).collect::<Result<Vec<_>>>()?;
        let write = Self::write_options(&options, false);
        if write.validate && !reads.iter().all(read::Read::is_whole) {
            return Err(read::all_failed(reads, &self.db, &write)?);
        }
        let mut states = reads.into_iter().map(read::Read::whole).collect::<Result<Vec<_>>>()?;
        states.iter_mut().try_for_each(|state| keep_included(state, option(&options, "include")))?;
        let position = |name: &Name| position_of(&model, name);
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
        let bulk =
            BulkOptions { write, duplicates, individual_hooks: flag(&options, "individualHooks", false), returning: true, records: true };
        let (models, include) = (self.db.registry(), included(&options));
        let rows = write::bulk_create(&self.db, states, &bulk).await?;
        Ok(rows.into_iter().map(|row| Record { include: include.clone(), ..record_in(row, models) }).collect())
    }

    pub(super) async fn update_now(&self, values: Json, options: Json) -> Result<(u64, Vec<Record>)> {
        let query = self.query(options.clone())?;
        known_fields(&query.model, &options)?;
        let Json::Object(map) = values else { return Err(Error::usage("update takes an object of values")) };
        let write = Self::write_options(&options, true);
        let mut set = Vec::new();
        let mut read = read::Read::new(&query.model);
        for (name, value) in map {
            let Some(position) = query.model.position(&name) else {
                set_inside(&query.model, &mut set, &name, value)?;
                continue;
            };
            let place = Place::new(&query.model, self.db.registry());
            let bound = |value: Json| bind_value(place, Some(&query.model.columns[position].ty), super::plain(value));
            set.extend(read.take(position, value, bound)?.map(|value| (position, value)));
        }
        if !read.is_whole() {
            let (state, error) = read.failed_given(&write)?;
            return Err(crate::validate::unread(&self.db, state, error, &write).await?);
        }
        if set.iter().all(|(position, _)| Some(*position) == query.model.timestamps.updated) {
            // When rows were changed last is no change by itself.
            set.clear();
        }
        let every_row = option(&options, "where").is_some();
        let update = UpdateOptions {
            write,
            every_row,
            returning: option(&options, "returning").is_some_and(|value| *value != Json::Bool(false)),
            individual_hooks: flag(&options, "individualHooks", false),
        };
        let model = query.model.clone();
        let (count, rows) = write::update_all(&self.db, query, set, &update).await?;
        let mut rows: Vec<Record> = rows.into_iter().map(|row| self.own(record_of(row))).collect();
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
            // As in Sequelize: rows that are marked as deleted together keep their version.
            write: WriteOptions { keeps_version: true, ..Self::write_options(&options, true) },
            every_row,
            returning: false,
            individual_hooks: flag(&options, "individualHooks", false),
        };
        Ok(write::destroy_all(&self.db, query, &destroy).await?.0)
    }

    pub(super) async fn restore_all_now(&self, options: Json) -> Result<u64> {
        let query = self.query(options.clone())?;
        let update = UpdateOptions {
            write: Self::write_options(&options, true),
            every_row: true,
            returning: false,
            individual_hooks: flag(&options, "individualHooks", false),
        };
        Ok(write::restore_all(&self.db, query, &update).await?.0)
    }

    /// How many rows were marked as deleted; a table that is emptied counts none.
    pub(super) async fn truncate_now(&self, options: Json) -> Result<u64> {
        let model = self.def()?;
        let write = Self::write_options(&options, true);
        if model.soft_delete.is_some() && !write.force {
            let query = self.query(Json::Null)?;
            let destroy = DestroyOptions { write, every_row: true, returning: false, individual_hooks: false };
            return Ok(write::destroy_all(&self.db, query, &destroy).await?.0);
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
        let read = read::row(&model, self.db.registry(), values)?;
        if !read.is_whole() {
            let write = Self::write_options(&options, true);
            let (state, error) = read.failed_given(&write)?;
            return Err(crate::validate::unread(&self.db, state, error, &write).await?);
        }
        let state = read.whole()?;
        let positions = |option: &str| {
            let places = |names: Vec<Name>| names.iter().map(|name| position_of(&model, name)).collect::<Result<Vec<_>>>();
            names(&options, option).map(places).transpose()
        };
        let mut write = Self::write_options(&options, true);
        write.fields = None;
        let given: Vec<usize> = (0..state.values.len()).filter(|position| state.gives(*position)).collect();
        // A row that gives no key meets no old one: Sequelize inserts it.
        let free = || write::covered_key(&model, &given).is_err().then(Vec::new);
        let key = positions("conflictFields")?.or_else(free);
        let (row, created) = write::upsert(&self.db, state, positions("fields")?, key, &write).await?;
        Ok((self.own(record_of(row)), created))
    }

    pub(super) async fn find_or_create_now(&self, options: Json) -> Result<(Record, bool)> {
        let write = Self::write_options(&options, true);
        let (query, mut read) = self.looked_for(&options)?;
        if let Some(found) = self.first_of(options.clone()).await? {
            return Ok((found, false));
        }
        if !read.is_whole() {
            write::prepare(&mut read.state, &self.db, &write)?;
            let (state, error) = read.failed(&write)?;
            return Err(crate::validate::unread(&self.db, state, error, &write).await?);
        }
        let mut state = read.whole()?;
        stamped_anew(&mut state, &write);
        let (row, created) = write::create_unless_there(&self.db, query, state, &write).await?;
        Ok((self.own(record_in(row, self.db.registry())), created))
    }

    pub(super) async fn find_or_build_now(&self, options: Json) -> Result<(Record, bool)> {
        let mut state = self.looked_for(&options)?.1.whole()?;
        if let Some(found) = self.first_of(options).await? {
            return Ok((found, false));
        }
        write::prepare(&mut state, &self.db, &WriteOptions::at(Location::caller()))?;
        for (position, (column, slot)) in state.model.clone().columns.iter().zip(&mut state.values).enumerate() {
            if column.managed && state.model.version != Some(position) {
                *slot = None;
            }
        }
        Ok((self.own(Record::new(state)), true))
    }

    /// The row that is there already, as `findOne` finds it: with attributes, order and includes of the options.
    async fn first_of(&self, mut options: Json) -> Result<Option<Record>> {
        if let Some(map) = options.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "defaults" | "limit" | "rejectOnEmpty"));
            map.insert("limit".into(), Json::from(1));
        }
        let ordered = option(&options, "order").is_some();
        Ok(self.rows_of(options, !ordered, Location::caller()).await?.pop())
    }

    /// What is looked for, and the row that is made where nothing is found.
    fn looked_for(&self, options: &Json) -> Result<(QueryState, read::Read)> {
        let Some(filter) = option(options, "where").cloned() else {
            return Err(Error::usage(
                "Missing where attribute in the options parameter passed to findOrCreate. Please note that the API has changed, and is now options only",
            ));
        };
        let mut query = self.query(serde_json::json!({ "where": filter.clone() }))?;
        query.clauses.limit = Some(1);
        query.clauses.unordered = true;
        let model = query.model.clone();
        let mut values = Map::new();
        if let Json::Object(map) = filter {
            values.extend(
                map.into_iter().filter(|(key, value)| !key.starts_with('$') && !value.is_array() && value.as_object().is_none_or(is_value)),
            );
        }
        if let Some(Json::Object(defaults)) = option(options, "defaults") {
            values.extend(defaults.clone());
        }
        let mut read = read::row(&model, self.db.registry(), Json::Object(values))?;
        keep_included(&mut read.state, option(options, "include"))?;
        Ok((query, read))
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
}

/// Where an attribute stands, by its own name or that of its column.
fn position_of(model: &ModelDef, name: &Name) -> Result<usize> {
    model.position_or_column(name).ok_or_else(|| model.unknown(name))
}

/// Refuses `fields` that the model does not have: what is misspelt would be left out in silence. With an `include` they may be those of the rows below.
fn known_fields(model: &ModelDef, options: &Json) -> Result<()> {
    match option(options, "fields") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::Array(list)) if list.iter().all(Json::is_string) => {
            let fields = names(options, "fields").filter(|_| option(options, "include").is_none()).unwrap_or_default();
            check_fields(model, &fields)
        }
        Some(_) => Err(Error::usage(format!("fields is a list of attributes of {}, such as [\"{}\"]", model.name, first_of(model)))),
    }
}

fn first_of(model: &ModelDef) -> &str {
    let own = model.columns.iter().find(|column| !column.primary_key && !column.managed);
    own.or(model.columns.first()).map_or("name", |column| &column.name)
}

/// The same for options that a program made.
pub(super) fn check_fields(model: &ModelDef, fields: &[Name]) -> Result<()> {
    let first = |name: &Name| name.split_once('.').map_or(name.clone(), |(first, _)| Name::Owned(first.to_owned()));
    fields.iter().try_for_each(|name| position_of(model, &first(name)).map(drop))
}

/// Sets what lies inside a document (`data.user.name`) in each row's own one; Sequelize puts a new document in its place. Other unknown names are left out.
fn set_inside(model: &ModelDef, set: &mut Vec<(usize, Expr)>, name: &str, value: Json) -> Result<()> {
    let Some((attribute, inside)) = name.split_once('.') else { return Ok(()) };
    let Some(position) = model.position(attribute) else { return Ok(()) };
    let column = &model.columns[position];
    if !matches!(column.ty, ColumnType::Json(_)) {
        return Ok(());
    }
    read::shallow(&value, model, &column.name)?;
    let (path, value) = (json_path(inside)?, super::plain(value));
    match set.iter_mut().find(|(known, _)| *known == position) {
        Some((_, document)) => *document = crate::model::set_inside(document, &path, value),
        None => set.push((position, crate::model::set_inside(&Expr::field(column.name.clone()), &path, value))),
    }
    Ok(())
}

/// The includes that a row was made with, which a reload reads again.
fn included(options: &Json) -> Option<Arc<Json>> {
    option(options, "include").cloned().map(Arc::new)
}

/// When a row was changed last is what its own save says, whatever was given; Sequelize keeps only the day it was made, and all with `silent`.
pub(super) fn stamped_anew(state: &mut RowState, options: &WriteOptions) {
    if let (Some(position), false) = (state.model.timestamps.updated, options.silent) {
        state.values[position] = None;
    }
}
