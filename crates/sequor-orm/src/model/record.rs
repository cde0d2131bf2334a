//! [`Record`]: a row of a model that is known at run time. [`RuntimeModel`]: its finders and writes, which take Sequelize's options.

mod aggregate;
mod calls;
mod links;
mod loader;
mod raw;
pub(crate) mod read;
mod reload;
mod shown;
mod steps;
mod verbs;
mod writes;

pub use calls::RuntimeCall;
pub use loader::RecordLoader;
pub(crate) use raw::nested;
pub use verbs::{RuntimeFind, RuntimeModel};

use crate::db::Db;
use crate::hook;
use crate::query::{Place, expression};
use crate::write::{self, Recheck, RowState, WriteOptions};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ColumnDef, ModelDef};
use sequor_core::statement::Expr;
use sequor_core::{Name, Value};
use serde_json::{Map, Value as Json};
use std::panic::Location;
use std::sync::Arc;

/// A row of a model that is known at run time.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, _) = seeded().await?;
/// let note = db.define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING", "stars": "INTEGER" } }))?)?;
/// note.sync(SyncMode::Create).await?;
/// let mut row = note.create(json!({ "title": "a", "stars": 1 })).exec(&db).await?;
/// row.set("title", "b")?.set("stars", 2)?;
/// assert_eq!((row.changed().len(), row.previous("title")), (2, json!("a")));
/// row.save(&db).await?;
/// row.increment("stars", 3, &db).await?;
/// assert_eq!(row.reload(&db).await?.get("stars")?, 5);
/// row.update(json!({ "title": "c" }), &db).await?;
/// assert_eq!(row.to_json()["title"], "c");
/// assert_eq!(row.destroy(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Record {
    pub(crate) state: RowState,
    /// The columns that were selected; `None` is all.
    pub(crate) selected: Option<Vec<(Name, usize)>>,
    /// Values of expressions, by their alias.
    pub(crate) extras: Vec<(Name, Value)>,
    /// Loaded relations.
    pub(crate) relations: Vec<(Name, Related)>,
    /// What the row was read with, so that it can be read again the same way.
    pub(crate) include: Option<Arc<Json>>,
    /// The scopes in which it was found; `None` is the default one.
    pub(crate) scopes: Option<Arc<[Json]>>,
    /// What the model itself gave a row that is not stored yet.
    pub(crate) given: Vec<(usize, Value)>,
}

/// The loaded rows of a relation.
#[derive(Clone, Debug)]
pub enum Related {
    /// One row, or none.
    One(Option<Box<Record>>),
    /// A list.
    Many(Vec<Record>),
}

impl Record {
    pub(crate) fn new(state: RowState) -> Record {
        Record { state, selected: None, extras: Vec::new(), relations: Vec::new(), include: None, scopes: None, given: Vec::new() }
    }

    /// The model.
    pub fn model(&self) -> &Arc<ModelDef> {
        &self.state.model
    }

    /// Whether the row is not stored yet.
    pub fn is_new(&self) -> bool {
        self.state.original.is_none()
    }

    /// The value of an attribute, an alias or a loaded association. Sequelize: `get(name)`.
    ///
    /// # Errors
    /// `Usage` for a name that the row does not have.
    pub fn get(&self, name: &str) -> Result<Json> {
        if let Some(position) = self.state.model.json_position(name) {
            return Ok(self.state.values[position].as_ref().map_or(Json::Null, Value::to_json));
        }
        if let Some((_, value)) = self.extras.iter().find(|(known, _)| known == name) {
            return Ok(value.to_json());
        }
        match self.relations.iter().find(|(known, _)| known == name) {
            Some((_, related)) => Ok(related.to_json()),
            None => Err(self.state.model.unknown(name)),
        }
    }

    /// The stored value of a column of the model.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.state.values.get(self.state.model.json_position(name)?)?.as_ref()
    }

    /// The loaded rows of an association.
    pub fn related(&self, name: &str) -> Option<&Related> {
        self.relations.iter().find(|(known, _)| known == name).map(|(_, related)| related)
    }

    /// Gives an attribute a value; `data.user.name` is a key inside of a JSON attribute. Sequelize: `set(name, value)`.
    ///
    /// # Errors
    /// `Usage` for an attribute that the model does not have, `Decode` for a value that does not fit.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) -> Result<&mut Record> {
        if self.state.model.json_position(name.split_once('.').map_or(name, |(first, _)| first)).is_none() {
            return Err(self.state.model.unknown(name));
        }
        self.assign(Json::Object(Map::from_iter([(name.to_owned(), value.into())])))?;
        Ok(self)
    }

    /// Gives attributes values. As in Sequelize, unknown attributes, a key that is set and managed timestamps are left alone. Sequelize: `set(values)`.
    ///
    /// # Errors
    /// `Decode` for a value that does not fit its attribute.
    pub fn assign(&mut self, values: Json) -> Result<()> {
        let Json::Object(map) = values else { return Err(Error::usage("assign takes an object of attributes and values")) };
        let stored = self.state.original.is_some();
        for (name, value) in map {
            let Some(position) = self.state.model.json_position(&name) else {
                self.set_inside(&name, value)?;
                continue;
            };
            let column = &self.state.model.columns[position];
            if stored
                && (column.managed || (column.primary_key && self.state.values[position].as_ref().is_some_and(|value| !value.is_null())))
            {
                continue;
            }
            if let Some(selected) = self.selected.as_mut().filter(|selected| selected.iter().all(|(_, known)| *known != position)) {
                selected.push((column.name.clone(), position));
            }
            self.state.computed.retain(|(known, _)| *known != position);
            if let Some(expr) = computed(&self.state.model, column, &value)? {
                self.state.computed.push((position, expr));
                continue;
            }
            let value = read::value(&self.state.model, column, value)?;
            self.state.values[position] = Some(value);
        }
        Ok(())
    }

    /// Sets a key inside a JSON attribute: `set({ "data.user.name": "Ann" })`. What is missing on the way becomes an object; what is there and is
    /// none stays as it is.
    fn set_inside(&mut self, path: &str, value: Json) -> Result<()> {
        let Some((name, keys)) = path.split_once('.') else { return Ok(()) };
        let Some(position) = self.state.model.json_position(name) else { return Ok(()) };
        if !matches!(self.state.model.columns[position].ty, sequor_core::types::ColumnType::Json(_)) {
            return Ok(());
        }
        let mut document = self.state.values[position].as_ref().map_or_else(|| Json::Object(Map::new()), Value::to_json);
        let mut place = Some(&mut document);
        let mut last = name;
        for key in keys.split('.') {
            let unsuitable = || Error::usage(format!("set {path}: {last} holds no object, so nothing can be set inside it; set it whole"));
            place = match place.ok_or_else(unsuitable)? {
                Json::Object(map) => Some(map.entry(key).or_insert_with(|| Json::Object(Map::new()))),
                Json::Array(list) => match key.parse::<usize>() {
                    Ok(index) if index <= list.len() => {
                        if index == list.len() {
                            list.push(Json::Object(Map::new()));
                        }
                        list.get_mut(index)
                    }
                    _ => return Err(unsuitable()),
                },
                _ => return Err(unsuitable()),
            };
            last = key;
        }
        if let Some(place) = place {
            *place = plain(value);
        }
        self.state.values[position] = Some(Value::from(document));
        Ok(())
    }

    /// The attributes that differ from what is stored.
    pub fn changed(&self) -> Vec<Name> {
        let by_itself = |position: &usize| {
            self.is_new()
                && self.given.iter().any(|(known, value)| known == position && self.state.values[*position].as_ref() == Some(value))
        };
        let changed = self.state.changed().into_iter().filter(|position| !by_itself(position));
        changed.map(|position| self.state.model.columns[position].name.clone()).collect()
    }

    /// The value of an attribute as it is stored.
    pub fn previous(&self, name: &str) -> Json {
        let position = self.state.model.json_position(name);
        position.and_then(|position| self.state.original.as_ref()?.get(position)).map_or(Json::Null, Value::to_json)
    }

    /// What was stored of each attribute that was changed; nothing of a row that is not stored yet. Sequelize: `previous()`.
    pub fn previous_values(&self) -> Map<String, Json> {
        if self.is_new() {
            return Map::new();
        }
        let known = |name: &Name| self.state.model.position(name).is_none_or(|position| !self.state.unread.contains(&position));
        self.changed().into_iter().filter(known).map(|name| (name.to_string(), self.previous(&name))).collect()
    }

    /// Saves the row, and gives it as it is stored: a new one is created, a stored one updated where it changed. Sequelize: `save()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.set("title", "Hello")?.set("stars", 5)?;
    /// assert_eq!((note.changed(), note.previous("title")), (vec!["title".into(), "stars".into()], json!("Hi")));
    /// note.save(&db).await?;
    /// assert!(note.changed().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`, constraint errors, `OptimisticLock`.
    #[track_caller]
    pub fn save(&mut self, db: &Db) -> impl Future<Output = Result<Record>> + Send {
        let options = WriteOptions::at(Location::caller());
        async move {
            self.save_with(db, options).await?;
            Ok(self.clone())
        }
    }

    /// Saves the row with options.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// let mut options = WriteOptions::at(std::panic::Location::caller());
    /// options.validate = false;
    /// note.assign(json!({ "title": "" }))?;
    /// note.save_with(&db, options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::save`].
    pub async fn save_with(&mut self, db: &Db, mut options: WriteOptions) -> Result<()> {
        if !options.hooks_may_add && self.state.children.is_empty() {
            writes::check_fields(&self.state.model, options.fields.as_deref().unwrap_or_default())?;
        }
        options.may_be_gone = true;
        options.changed_only = true;
        let once = self.is_new() || options.fields.is_some() && !options.hooks_may_add;
        options.recheck = if once { Recheck::Never } else { Recheck::Hooks };
        if self.is_new() {
            writes::stamped_anew(&mut self.state, &options);
        }
        let before = self.state.values.clone();
        self.state = write::save(db, self.state.clone(), &options).await?;
        self.show_changes(&before);
        if !self.state.children.is_empty() {
            let stored = record_in(self.state.clone(), db.registry());
            self.relations.extend(stored.relations);
            self.state.children.clear();
        }
        Ok(())
    }

    /// A row of few attributes shows what a write gave it beside them, such as when it was changed.
    fn show_changes(&mut self, before: &[Option<Value>]) {
        let Some(selected) = &mut self.selected else { return };
        let columns = self.state.model.columns.iter().zip(&self.state.values).zip(before).enumerate();
        for (position, ((column, value), before)) in columns {
            let is_new = value.is_some() && value != before && !matches!((value, before), (Some(Value::Null), None));
            if is_new && !selected.iter().any(|(_, known)| *known == position) {
                selected.push((column.name.clone(), position));
            }
        }
    }

    /// Sets and saves only these attributes. Sequelize: `update(values)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.update(json!({ "stars": 5 }), &db).await?;
    /// assert_eq!(note.get("stars")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::save`].
    #[track_caller]
    pub fn update(&mut self, values: Json, db: &Db) -> impl Future<Output = Result<()>> + Send {
        let site = Location::caller();
        async move { self.update_with(values, db, WriteOptions::at(site)).await }
    }

    /// Deletes the row, softly where the model is paranoid.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// let mut options = WriteOptions::at(std::panic::Location::caller());
    /// options.hooks = false;
    /// note.destroy_with(&db, options).await?;
    /// assert!(note.is_soft_deleted());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    pub async fn destroy_with(&mut self, db: &Db, mut options: WriteOptions) -> Result<()> {
        options.may_be_gone = true;
        // Nothing to write; hooks hear of it all the same.
        if self.is_soft_deleted() && !options.force && !hook::needs_transaction(db, &self.state.model, &options) {
            return Ok(());
        }
        self.state = write::destroy(db, self.state.clone(), &options).await?.1;
        Ok(())
    }

    /// Brings the row back.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::WriteOptions;
    /// let options = WriteOptions::at(std::panic::Location::caller());
    /// note.destroy_with(&db, options.clone()).await?;
    /// note.restore_with(&db, options).await?;
    /// assert!(!note.is_soft_deleted());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when the model is not paranoid.
    pub async fn restore_with(&mut self, db: &Db, mut options: WriteOptions) -> Result<()> {
        options.may_be_gone = true;
        let paranoid = self.state.model.soft_delete.is_some();
        if paranoid && !self.is_soft_deleted() && !hook::needs_transaction(db, &self.state.model, &options) {
            return Ok(());
        }
        let before = self.state.values.clone();
        self.state = write::restore(db, self.state.clone(), &options).await?;
        self.show_changes(&before);
        Ok(())
    }

    /// Adds to numbers in one atomic statement.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// use sequor::{Value, WriteOptions};
    /// let stars = note.model().position("stars").ok_or_else(|| Error::usage("no stars"))?;
    /// note.increment_with(vec![(stars, Value::I64(2))], &db, WriteOptions::at(std::panic::Location::caller())).await?;
    /// assert_eq!(note.reload(&db).await?.get("stars")?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; a row that is gone is none, as in Sequelize.
    pub async fn increment_with(&mut self, steps: Vec<(usize, Value)>, db: &Db, mut options: WriteOptions) -> Result<()> {
        options.may_be_gone = true;
        let stored = write::increment(db, &self.state, steps, &options).await?;
        self.state.follow(stored);
        Ok(())
    }

    /// The row as Sequelize's `toJSON` shows it: attributes, aliases, loaded associations.
    pub fn to_json(&self) -> Json {
        self.json(true)
    }

    /// The row as JSON; columns of joined associations in objects of their own, or under dotted names.
    pub(crate) fn json(&self, nest: bool) -> Json {
        let mut map = Map::new();
        match &self.selected {
            Some(selected) => {
                for (name, position) in selected {
                    map.insert(name.to_string(), self.state.values[*position].as_ref().map_or(Json::Null, Value::to_json));
                }
            }
            None => {
                for (column, value) in self.state.model.columns.iter().zip(&self.state.values) {
                    if let Some(value) = value {
                        map.insert(column.name.to_string(), value.to_json());
                    }
                }
            }
        }
        for (name, value) in &self.extras {
            let path = name.split_once('.').filter(|(first, _)| nest && self.state.model.relation(first).is_some());
            match path {
                Some(_) => put_at(&mut map, name, value.to_json()),
                None => drop(map.insert(name.to_string(), value.to_json())),
            }
        }
        for (name, related) in &self.relations {
            map.insert(name.to_string(), related.to_json());
        }
        if !self.state.children.is_empty() {
            // Built below the row, and not stored yet.
            let built = record_of(self.state.clone());
            map.extend(built.relations.iter().map(|(name, related)| (name.to_string(), related.to_json())));
        }
        Json::Object(map)
    }
}

/// Puts a value under `a.b.c`.
fn put_at(map: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => drop(map.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            if let Json::Object(inner) = map.entry(first).or_insert_with(|| Json::Object(Map::new())) {
                put_at(inner, rest, value);
            }
        }
    }
}

impl Related {
    fn to_json(&self) -> Json {
        match self {
            Related::One(row) => row.as_ref().map_or(Json::Null, |row| row.to_json()),
            Related::Many(rows) => Json::Array(rows.iter().map(Record::to_json).collect()),
        }
    }
}

/// `{ $date }` and `{ $number }` as the plain JSON that types read, also in lists and documents.
pub(crate) fn plain(value: Json) -> Json {
    match value {
        Json::Object(mut map) => {
            if map.len() == 1
                && let Some(inner) = map.remove("$date").or_else(|| map.remove("$number"))
            {
                return inner;
            }
            map.values_mut().for_each(|inner| *inner = plain(std::mem::take(inner)));
            Json::Object(map)
        }
        Json::Array(list) => Json::Array(list.into_iter().map(plain).collect()),
        other => other,
    }
}

/// A value that the database computes: `{ $fn, args }` or `{ $cast, type }`.
fn computed(model: &ModelDef, column: &ColumnDef, value: &Json) -> Result<Option<Expr>> {
    let Json::Object(map) = value else { return Ok(None) };
    if !map.contains_key("$fn") && !map.contains_key("$cast") {
        return Ok(None);
    }
    let place = Place::new(model, &());
    expression(place, value.clone()).map(Some).map_err(|error| error.at(&model.name, Some(&column.name)))
}

/// Leaves of the rows below only those that `include` names, as Sequelize does.
pub(crate) fn keep_included(state: &mut RowState, include: Option<&Json>) -> Result<()> {
    if state.children.is_empty() {
        return Ok(());
    }
    let list = match include {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let model = state.model.clone();
    let mut wanted = Vec::with_capacity(list.len());
    for item in list {
        let all = item.get("all").is_some_and(|all| *all != Json::Bool(false));
        let relation = if all { None } else { Some(crate::query::relation_of(&model, item)?.name) };
        wanted.push((relation, item.get("include")));
    }
    let below =
        |name: &Name| wanted.iter().find(|(relation, _)| relation.as_ref().is_none_or(|known| known == name)).map(|(_, below)| *below);
    state.children.retain(|(relation, _)| below(&model.relations[*relation].name).is_some());
    for (relation, children) in &mut state.children {
        let include = below(&model.relations[*relation].name).flatten();
        for child in children {
            keep_included(&mut child.row, include)?;
        }
    }
    Ok(())
}

/// A stored row of the engine with the children that were stored below it.
pub(crate) fn record_of(state: RowState) -> Record {
    record_in(state, &())
}

/// As [`record_of`]; rows between hang on the children that came with values for them, as far as their models are known.
pub(crate) fn record_in(mut state: RowState, models: &dyn sequor_core::schema::Models) -> Record {
    let children = std::mem::take(&mut state.children);
    let model = state.model.clone();
    let mut record = Record::new(state);
    for (relation, rows) in children {
        let Some(def) = model.relations.get(relation) else { continue };
        let between = def.through.as_ref().and_then(|through| models.model(&through.model).ok());
        let mut list: Vec<Record> = Vec::with_capacity(rows.len());
        for child in rows {
            let mut row = record_in(child.row, models);
            if let (Some(between), false) = (&between, child.through.is_empty()) {
                let mut link = RowState::new(between.clone());
                for (name, value) in child.through {
                    if let Some(position) = between.position(&name) {
                        link.values[position] = Some(value);
                    }
                }
                row.relations.push((between.name.clone(), Related::One(Some(Box::new(Record::new(link))))));
            }
            list.push(row);
        }
        let related = if def.kind.is_many() { Related::Many(list) } else { Related::One(list.pop().map(Box::new)) };
        record.relations.push((def.name.clone(), related));
    }
    record
}
