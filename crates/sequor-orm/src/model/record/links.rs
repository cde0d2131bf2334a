//! Association methods of records, under Sequelize's rules.

use super::read::row_from_json;
use super::verbs::option;
use super::{Record, RuntimeModel, record_of};
use crate::db::Db;
use crate::load;
use crate::model::RecordLoader;
use crate::query::{Clauses, QueryState, check_getter_options, clauses_from_json, own_condition};
use crate::write::{self, RowState, WriteOptions};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};
use sequor_core::statement::Expr;
use sequor_core::types::value_from_json;
use sequor_core::{Name, Value};
use serde_json::{Map, Value as Json};
use std::panic::Location;
use std::sync::Arc;

impl Record {
    pub(super) fn link(&self, name: &str, db: &Db) -> Result<(RelationDef, Link)> {
        let def = self
            .state
            .model
            .relation(name)
            .ok_or_else(|| Error::usage(format!("{} has no association {}", self.state.model.name, name.escape_debug())))?;
        Ok((def.clone(), def.link(&self.state.model, &db.models())?))
    }

    fn related_query(&self, name: &str, mut options: Json, db: &Db) -> Result<QueryState> {
        let (def, link) = self.link(name, db)?;
        let scope = options.as_object_mut().and_then(|map| map.remove("scope"));
        let mut query = write::related(&self.state, &def, &link)?;
        let clauses = scoped(&link, scope, options, db)?;
        let unscoped = clauses.unscoped;
        query.clauses.merge(clauses);
        query.clauses.unscoped |= unscoped;
        Ok(query)
    }

    /// The rows of an association. Sequelize: `getPosts(options)`. For many-to-many each carries its row between.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.association_create("tags", json!({ "name": "rust" }), json!({}), &db).await?;
    /// let tags = note.association("tags", json!({ "where": { "name": { "$like": "r%" } } }), &db).await?;
    /// assert_eq!(tags[0].get("name")?, "rust");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for an unknown association or option.
    pub async fn association(&self, name: &str, options: Json, db: &Db) -> Result<Vec<Record>> {
        let (def, link) = self.link(name, db)?;
        if def.kind == RelationKind::BelongsToMany {
            return self.over_between(name, &link, options, db).await;
        }
        if def.kind == RelationKind::BelongsTo && link.source.iter().any(|own| self.state.values[*own].as_ref().is_none_or(Value::is_null))
        {
            return Ok(Vec::new());
        }
        let mut query = self.related_query(name, options, db)?;
        query.clauses.unordered |= query.clauses.limit.is_none();
        read(query, db).await
    }

    /// Rows of a many-to-many association, read as an include of this row, which brings the rows between. Its hooks are those of the target.
    async fn over_between(&self, name: &str, link: &Link, mut options: Json, db: &Db) -> Result<Vec<Record>> {
        let scope = options.as_object_mut().and_then(|map| map.remove("scope"));
        let hooks = super::verbs::flag(&options, "hooks", true);
        let include = as_include(name, options)?;
        let mut query = QueryState::new(self.state.model.clone());
        *query.clauses = clauses_from_json(&self.state.model, db.registry(), serde_json::json!({ "include": [include] }))?;
        let Some(include) = query.clauses.includes.first_mut() else { return Err(Error::bug("an association is no include")) };
        let mut clauses = scoped(link, scope, Json::Null, db)?;
        clauses.merge(std::mem::take(&mut include.clauses));
        clauses.without_hooks |= !hooks;
        let mut target = QueryState { model: link.target.clone(), clauses: clauses.into() };
        load::before_find(db, &mut target, Location::caller()).await?;
        include.clauses = (*target.clauses).clone();
        query.clauses.without_hooks = true;
        query.clauses.unscoped = true;
        query.clauses.deleted = crate::query::Deleted::Included;
        query.clauses.filters.push(crate::query::key_filter(&query.model, self.state.stored_key()?));
        let rows = read(query, db).await?;
        let mut rows = match rows.into_iter().next().and_then(|mut row| row.relations.pop()) {
            Some((_, super::Related::Many(rows))) => rows,
            _ => Vec::new(),
        };
        load::after_found(db, &target, &mut rows, Location::caller()).await?;
        Ok(rows)
    }

    /// How many rows an association has. Sequelize: `countPosts(options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, note) = noted().await?;
    /// assert_eq!(note.association_count("tags", json!({}), &db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::association`].
    pub async fn association_count(&self, name: &str, options: Json, db: &Db) -> Result<u64> {
        let (def, link) = self.link(name, db)?;
        let side = write::Side { parent: &self.state, def: &def, link: &link };
        write::count_related(db, side, self.related_query(name, options, db)?, &WriteOptions::at(Location::caller())).await
    }

    /// Rows named by key, by list of keys, or null; a row as an object with its key and the attributes that link it.
    async fn targets(&self, target: Json, kind: RelationKind, link: &Link, db: &Db) -> Result<Vec<RowState>> {
        let list = match target {
            Json::Null => return Ok(Vec::new()),
            Json::Array(list) => list,
            one => vec![one],
        };
        // What a row belongs to is named by what it points to.
        let named = if kind == RelationKind::BelongsTo { link.columns.first() } else { link.target.primary_key.first() };
        let Some(position) = named.copied() else { return Ok(Vec::new()) };
        let ty = link.target.columns[position].ty.clone();
        if !list.is_empty() && list.iter().all(Json::is_object) {
            return list.into_iter().map(|row| known_row(link, row)).collect();
        }
        let keys = list.into_iter().map(|key| value_from_json(&ty, key)).collect::<Result<Vec<_>>>()?;
        if link.columns == [position] || link.through.is_none() {
            // The key is all that is needed.
            let row = |key: Value| {
                let mut values = vec![Value::Null; link.target.columns.len()];
                values[position] = key;
                RowState::stored(link.target.clone(), values)
            };
            return Ok(keys.into_iter().map(row).collect());
        }
        let mut query = QueryState::new(link.target.clone());
        query.clauses.unscoped = true;
        let field = Expr::Field(crate::plan::field(&link.target, position));
        query.clauses.filters.push(crate::model::in_values(field, keys, ty.bind(), false));
        load::find_rows(db, query, Location::caller()).await
    }

    /// Whether all of these rows are linked. Sequelize: `hasPosts(keys)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// let tag = note.association_create("tags", json!({ "name": "rust" }), json!({}), &db).await?;
    /// assert!(note.association_has("tags", json!([tag.get("id")?]), &db).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::association`].
    pub async fn association_has(&self, name: &str, target: Json, db: &Db) -> Result<bool> {
        let (def, link) = self.link(name, db)?;
        let rows = self.targets(target, def.kind, &link, db).await?;
        write::has_links(db, write::Side { parent: &self.state, def: &def, link: &link }, &rows, &WriteOptions::at(Location::caller()))
            .await
    }

    /// `add`, `set` or `remove` rows of an association.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// let tag = db.model("Tag")?.create(json!({ "name": "rust" })).exec(&db).await?;
    /// note.association_change("tags", "add", tag.get("id")?, json!({}), &db).await?;
    /// assert_eq!(note.association_count("tags", json!({}), &db).await?, 1);
    /// note.association_change("tags", "set", json!([]), json!({}), &db).await?;
    /// assert_eq!(note.association_count("tags", json!({}), &db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    pub async fn association_change(&mut self, name: &str, verb: &str, target: Json, options: Json, db: &Db) -> Result<()> {
        let (def, link) = self.link(name, db)?;
        let mut write = WriteOptions::at(Location::caller());
        write.hooks = super::verbs::flag(&options, "hooks", true);
        let rows = self.targets(target.clone(), def.kind, &link, db).await?;
        if def.kind == RelationKind::BelongsTo {
            let before = self.state.values.clone();
            let key = rows
                .first()
                .map(|row| link.columns.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect::<Vec<_>>());
            for (index, own) in link.source.iter().enumerate() {
                self.state.values[*own] = Some(key.as_ref().and_then(|key| key.get(index).cloned()).unwrap_or_default());
            }
            self.show_changes(&before);
            if options.get("save") != Some(&Json::Bool(false)) {
                self.save_with(db, self.linking(&link, &write)).await?;
            }
            return Ok(());
        }
        let through = match (&link.through, options.get("through")) {
            (Some(between), Some(Json::Object(map))) => map
                .iter()
                .filter_map(|(name, value)| between.model.column(name).map(|column| (column, value)))
                .map(|(column, value)| Ok((column.name.clone(), value_from_json(&column.ty, value.clone())?)))
                .collect::<Result<Vec<(Name, Value)>>>()?,
            _ => Vec::new(),
        };
        let parent = &self.state;
        db.in_transaction(async |tx| match verb {
            "add" => write::add_links(tx, write::Side { parent, def: &def, link: &link }, &rows, &through, &write).await,
            "remove" => write::remove_links(tx, write::Side { parent, def: &def, link: &link }, &rows, &write).await,
            _ => write::set_links(tx, write::Side { parent, def: &def, link: &link }, &rows, &through, &write).await,
        })
        .await
    }

    /// Options by which only the columns are written that link this row to another.
    fn linking(&self, link: &Link, write: &WriteOptions) -> WriteOptions {
        let names = link.source.iter().map(|position| self.state.model.columns[*position].name.clone()).collect();
        WriteOptions { fields: Some(names), ..write.clone() }
    }

    /// Creates a row and links it. Sequelize: `createPost(values)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// let tag = note.association_create("tags", json!({ "name": "rust" }), json!({}), &db).await?;
    /// assert_eq!(tag.get("noteId")?, note.get("id")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` and constraint errors.
    pub async fn association_create(&mut self, name: &str, values: Json, options: Json, db: &Db) -> Result<Record> {
        let (def, link) = self.link(name, db)?;
        let mut write = RuntimeModel::write_options(&options, true);
        if let Some(fields) = &mut write.fields {
            // What the association itself sets is always written.
            fields.extend(def.scope.iter().map(|(name, _)| name.clone()));
            if matches!(def.kind, RelationKind::HasOne | RelationKind::HasMany) {
                fields.extend(link.columns.iter().map(|position| link.target.columns[*position].name.clone()));
            }
        }
        let own = WriteOptions { fields: None, ..write.clone() };
        let mut state = row_from_json(&link.target, db.registry(), values)?;
        for (name, value) in &def.scope {
            if let Some(position) = state.model.position(name) {
                state.values[position] = Some(value.clone());
            }
        }
        match def.kind {
            RelationKind::HasOne | RelationKind::HasMany => {
                for (target, own) in link.columns.iter().zip(&link.source) {
                    state.values[*target].clone_from(&self.state.values[*own]);
                }
                Ok(record_of(write::create(db, state, &write).await?))
            }
            RelationKind::BelongsTo => {
                let row = write::create(db, state, &write).await?;
                for (own, target) in link.source.iter().zip(&link.columns) {
                    self.state.values[*own].clone_from(&row.values[*target]);
                }
                self.save_with(db, self.linking(&link, &own)).await?;
                Ok(record_of(row))
            }
            RelationKind::BelongsToMany => {
                let through = match (&link.through, options.get("through")) {
                    (Some(between), Some(Json::Object(map))) => map
                        .iter()
                        .filter_map(|(name, value)| between.model.column(name).map(|column| (column, value)))
                        .map(|(column, value)| Ok((column.name.clone(), value_from_json(&column.ty, value.clone())?)))
                        .collect::<Result<Vec<(Name, Value)>>>()?,
                    _ => Vec::new(),
                };
                let parent = &self.state;
                let row = db
                    .in_transaction(async |tx| {
                        let row = write::create(tx, state.clone(), &write).await?;
                        let side = write::Side { parent, def: &def, link: &link };
                        if link.through.as_ref().is_some_and(|between| crate::hook::hears_finds(tx, &between.model)) {
                            // Hooks hear that it is looked for first.
                            write::add_links(tx, side, std::slice::from_ref(&row), &through, &own).await?;
                        } else {
                            write::add_fresh(tx, side, &row, &through, &own).await?;
                        }
                        Ok(row)
                    })
                    .await?;
                Ok(record_of(row))
            }
        }
    }

    /// Checks the rules without storing anything. Sequelize: `validate()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.validate(&db).await?;
    /// note.set("title", "")?;
    /// assert!(matches!(note.validate(&db).await, Err(Error::Validation(_))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`.
    pub async fn validate(&mut self, db: &Db) -> Result<()> {
        self.validate_with(db, WriteOptions::at(Location::caller())).await
    }

    /// Checks the rules with options: `fields` are the attributes that are checked, without `hooks` the rules are checked alone.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// note.set("title", "")?;
    /// let mut options = WriteOptions::at(std::panic::Location::caller());
    /// options.fields = Some(vec!["stars".into()]);
    /// note.validate_with(&db, options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`.
    pub async fn validate_with(&mut self, db: &Db, options: WriteOptions) -> Result<()> {
        super::writes::check_fields(&self.state.model, options.fields.as_deref().unwrap_or_default())?;
        crate::validate::run(db, &mut self.state, &options, &[]).await
    }

    /// Sets and saves only these attributes, with options.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// let mut options = WriteOptions::at(std::panic::Location::caller());
    /// options.fields = Some(vec!["stars".into()]);
    /// note.update_with(json!({ "stars": 5, "title": "ignored" }), &db, options).await?;
    /// assert_eq!((note.get("stars")?, note.get("title")?), (json!(5), json!("Hi")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::save`].
    pub async fn update_with(&mut self, mut values: Json, db: &Db, mut options: WriteOptions) -> Result<()> {
        super::writes::check_fields(&self.state.model, options.fields.as_deref().unwrap_or_default())?;
        if let (Some(fields), Some(map)) = (&options.fields, values.as_object_mut()) {
            // Only these are set at all.
            map.retain(|name, _| fields.iter().any(|field| field == name.as_str()));
        }
        if options.fields.is_none() {
            // A path of a document writes the document.
            let column = |name: &String| match name.split_once('.') {
                Some((column, _)) if self.state.model.position(name).is_none() => Name::Owned(column.to_owned()),
                _ => Name::Owned(name.clone()),
            };
            options.fields = values.as_object().map(|map| map.keys().map(column).collect());
            options.hooks_may_add = true;
        }
        self.assign(values)?;
        self.save_with(db, options).await
    }

    /// Adds to numbers, as `increment(fields, { by })` says.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.step(json!("stars"), Some(&json!(2)), 1, &db).await?;
    /// note.step(json!({ "stars": 1 }), None, -1, &db).await?;
    /// assert_eq!(note.reload(&db).await?.get("stars")?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; a row that is gone is none, as in Sequelize.
    pub async fn step(&mut self, fields: Json, by: Option<&Json>, sign: i64, db: &Db) -> Result<()> {
        self.step_with(fields, by, sign, db, WriteOptions::at(Location::caller())).await
    }

    /// As [`Record::step`], with options such as `silent`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// let mut options = WriteOptions::at(std::panic::Location::caller());
    /// options.silent = true;
    /// note.step_with(json!(["stars"]), Some(&json!(3)), 1, &db, options).await?;
    /// assert_eq!(note.reload(&db).await?.get("stars")?, 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; a row that is gone is none, as in Sequelize.
    pub async fn step_with(&mut self, fields: Json, by: Option<&Json>, sign: i64, db: &Db, options: WriteOptions) -> Result<()> {
        let steps = super::steps::steps(&self.state.model, fields, by, sign)?;
        self.increment_with(steps, db, options).await
    }

    /// As [`Record::step`], with Sequelize's options: `by`, `silent`, and `where`, which leaves a row as it is that does not meet it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, _) = seeded().await?;
    /// let note = db.define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING", "stars": "INTEGER" } }))?)?;
    /// note.sync(SyncMode::Create).await?;
    /// let mut row = note.create(json!({ "title": "a", "stars": 1 })).exec(&db).await?;
    /// row.step_by(json!("stars"), json!({ "by": 2, "where": { "title": "b" } }), 1, &db).await?;
    /// assert_eq!(row.get("stars")?, 1);
    /// row.step_by(json!("stars"), json!({ "by": 2 }), 1, &db).await?;
    /// assert_eq!(row.get("stars")?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; a row that is gone is none, as in Sequelize. `Usage` that names the place of an unknown key.
    pub async fn step_by(&mut self, fields: Json, options: Json, sign: i64, db: &Db) -> Result<()> {
        crate::query::check_write_options("increment", &options)?;
        let model = self.state.model.clone();
        let steps = super::steps::steps(&model, fields, option(&options, "by"), sign)?;
        let condition = option(&options, "where").cloned().map(|condition| own_condition(&model, condition)).transpose()?.flatten();
        let mut write = RuntimeModel::write_options(&options, false);
        write.may_be_gone = true;
        let stored = write::increment_where(db, &self.state, steps, condition, &write).await?;
        self.state.follow(stored);
        Ok(())
    }

    /// Whether the row is softly deleted.
    pub fn is_soft_deleted(&self) -> bool {
        // Null is what an attribute holds that the row was built without.
        self.state.model.is_deleted(|column| self.state.values[column].clone().filter(|value| !value.is_null()))
    }
}

/// A row that is given as an object: what links it has to be there.
fn known_row(link: &Link, row: Json) -> Result<RowState> {
    let target = &link.target;
    let mut values = vec![Value::Null; target.columns.len()];
    for (position, column) in target.columns.iter().enumerate() {
        let links = link.through.is_some() && link.columns.contains(&position);
        match row.get(column.name.as_ref()) {
            Some(value) => values[position] = value_from_json(&column.ty, value.clone())?,
            None if !links && !target.primary_key.contains(&position) => {}
            None => return Err(Error::usage(format!("the row of {} to link lacks {}", target.name, column.name))),
        }
    }
    Ok(RowState::stored(target.clone(), values))
}

/// Options of a getter: `scope: false` is none, a name or a list of them takes the place of the default one.
fn scoped(link: &Link, scope: Option<Json>, options: Json, db: &Db) -> Result<Clauses> {
    let target = RuntimeModel::of(db, link.target.clone());
    let target = match scope {
        None => target,
        Some(Json::Bool(false) | Json::Null) => target.unscoped(),
        Some(scope) => target.scope(scope),
    };
    Ok(target.query(options)?.clauses.into_clauses())
}

/// The options of a getter as those of an include: `joinTableAttributes` are what is shown of the rows between, as in Sequelize.
fn as_include(name: &str, options: Json) -> Result<Json> {
    check_getter_options(&options)?;
    let mut through = Map::new();
    let mut include = Map::new();
    include.insert("association".into(), Json::from(name));
    include.insert("required".into(), Json::Bool(false));
    if let Json::Object(map) = options {
        for (key, value) in map {
            match (key.as_str(), value) {
                ("through", Json::Object(map)) => through.extend(map.into_iter().filter(|(key, _)| key != "attributes")),
                ("joinTableAttributes", value) => {
                    through.insert("attributes".into(), value);
                }
                ("where" | "attributes" | "include" | "order" | "limit" | "offset" | "paranoid", value) => {
                    include.insert(key, value);
                }
                _ => {}
            }
        }
    }
    include.insert("through".into(), Json::Object(through));
    Ok(Json::Object(include))
}

async fn read(query: QueryState, db: &Db) -> Result<Vec<Record>> {
    let loader = RecordLoader::boxed(query.model.clone(), Arc::clone(&db.inner.registry));
    load::find_records(db, query, loader, Location::caller()).await
}
