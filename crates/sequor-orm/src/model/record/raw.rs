//! Raw rows: plain objects, one for each row that a join of the includes has, columns of associations under dotted names.

use super::aggregate::without_page;
use super::verbs::flag;
use super::{Record, RuntimeCall, RuntimeModel};
use crate::db::Db;
use crate::load;
use crate::query::{Clauses, QueryState, clauses_from_json};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::{Expr, SelectItem};
use serde_json::{Map, Value as Json};
use std::panic::Location;

/// The columns of an association in a raw row.
struct Part {
    name: Name,
    fields: Vec<Name>,
    /// The row between: its name and columns.
    between: Option<(Name, Vec<Name>)>,
    parts: Vec<Part>,
}

fn fields(clauses: &Clauses, model: &ModelDef) -> Vec<Name> {
    match &clauses.select {
        None => model.columns.iter().map(|column| column.name.clone()).collect(),
        Some(items) => items
            .iter()
            .filter_map(|item| match (&item.alias, &item.expr) {
                (Some(alias), _) => Some(alias.clone()),
                (None, sequor_core::statement::Expr::Field(field)) => Some(field.name.clone()),
                _ => None,
            })
            .collect(),
    }
}

fn parts(clauses: &Clauses, model: &ModelDef, models: &dyn Models) -> Result<Vec<Part>> {
    let mut list = Vec::new();
    for include in clauses.includes.iter().filter(|include| !include.joined) {
        let Some(relation) = model.relation(&include.relation) else { continue };
        let target = models.model(&relation.target)?;
        let mut between = None;
        if let Some(through) = &relation.through {
            let through = models.model(&through.model)?;
            let all = || through.columns.iter().map(|column| column.name.clone()).collect();
            let fields: Vec<Name> = include.through_attributes.clone().unwrap_or_else(all);
            between = Some((include.through_alias.clone().unwrap_or_else(|| through.name.clone()), fields));
        }
        list.push(Part {
            name: include.alias.clone().unwrap_or_else(|| relation.name.clone()),
            fields: fields(&include.clauses, &target),
            between,
            parts: parts(&include.clauses, &target, models)?,
        });
    }
    Ok(list)
}

type Flat = Vec<(String, Json)>;

/// The columns of a part without a row.
fn blank(prefix: &str, part: &Part, row: &mut Flat) {
    let between = part.between.iter().flat_map(|(name, fields)| fields.iter().map(move |field| format!("{prefix}{name}.{field}")));
    let names = part.fields.iter().map(|field| format!("{prefix}{field}")).chain(between);
    row.extend(names.map(|name| (name, Json::Null)));
    for inner in &part.parts {
        blank(&format!("{prefix}{}.", inner.name), inner, row);
    }
}

fn own(prefix: &str, record: &Record) -> Flat {
    let mut row = Flat::new();
    let plain = Record { relations: Vec::new(), ..record.clone() };
    if let Json::Object(map) = plain.json(false) {
        row.extend(map.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)));
    }
    row
}

/// The rows of a record: each combination of the rows of its associations.
fn spread(prefix: &str, record: &Record, parts: &[Part]) -> Vec<Flat> {
    let mut rows = vec![own(prefix, record)];
    for part in parts {
        let inner = format!("{prefix}{}.", part.name);
        let mut found: Vec<Flat> = Vec::new();
        for child in record.related(&part.name).map(super::Related::rows).unwrap_or_default() {
            let between = part.between.as_ref().and_then(|(name, _)| Some((name, child.related(name)?.rows().first()?)));
            for mut flat in spread(&inner, child, &part.parts) {
                if let Some((name, between)) = between {
                    flat.extend(own(&format!("{inner}{name}."), between));
                }
                found.push(flat);
            }
        }
        if found.is_empty() {
            let mut none = Flat::new();
            blank(&inner, part, &mut none);
            found.push(none);
        }
        rows = rows.into_iter().flat_map(|row| found.iter().map(move |more| row.iter().chain(more).cloned().collect())).collect();
    }
    rows
}

/// Only PostgreSQL has truth values; the others' raw rows hold 1 and 0.
fn as_stored(value: &mut Json) {
    if let Json::Bool(truth) = value {
        *value = Json::from(u8::from(*truth));
    }
}

/// `{ "a.b": 1 }` as `{ a: { b: 1 } }`.
pub(crate) fn nested(row: Flat) -> Json {
    let mut root = Map::new();
    for (key, value) in row {
        let mut place = &mut root;
        let mut steps = key.split('.').peekable();
        while let Some(step) = steps.next() {
            if steps.peek().is_none() {
                place.insert(step.to_owned(), value);
                break;
            }
            let inner = place.entry(step).or_insert_with(|| Json::Object(Map::new()));
            let Json::Object(inner) = inner else { break };
            place = inner;
        }
    }
    Json::Object(root)
}

impl Record {
    /// The rows of an association as plain objects; for many-to-many each with the columns of its row between. Sequelize: `getPosts({ raw: true })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.association_create("tags", json!({ "name": "rust" }), json!({}), &db).await?;
    /// let tags = note.association_raw("tags", json!({ "attributes": ["name"] }), &db).await?;
    /// assert_eq!(tags, [json!({ "name": "rust" })]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Record::association`].
    pub async fn association_raw(&self, name: &str, options: Json, db: &Db) -> Result<Vec<Json>> {
        let (_, link) = self.link(name, db)?;
        let include = serde_json::json!({ "include": options.get("include").cloned().unwrap_or_default() });
        let parts = parts(&clauses_from_json(&link.target, db.registry(), include)?, &link.target, db.registry())?;
        let nest = flag(&options, "nest", false);
        let mut rows = Vec::new();
        for record in self.association(name, options, db).await? {
            let name = link.through.as_ref().map(|between| between.model.name.clone());
            let between = name.and_then(|name| Some((record.related(&name)?.rows().first()?, name)));
            for mut flat in spread("", &record, &parts) {
                flat.extend(between.iter().flat_map(|(between, name)| own(&format!("{name}."), between)));
                rows.push(flat);
            }
        }
        Ok(shown(rows, nest, db))
    }
}

/// Flat rows as objects, or as objects in objects.
fn shown(mut rows: Vec<Flat>, nest: bool, db: &Db) -> Vec<Json> {
    if !db.dialect().booleans() {
        rows.iter_mut().flatten().for_each(|(_, value)| as_stored(value));
    }
    rows.into_iter().map(|row| if nest { nested(row) } else { Json::Object(row.into_iter().collect()) }).collect()
}

impl RuntimeModel {
    /// An aggregate of each group: `aggregate(field, fn, { plain: false, group })`.
    pub(super) async fn aggregate_groups(&self, field: &str, function: &str, mut options: Json) -> Result<Json> {
        if let Json::Object(map) = &mut options {
            let mut list = map.get("attributes").and_then(Json::as_array).cloned().unwrap_or_default();
            list.push(serde_json::json!({ "fn": function, "args": [{ "col": field }], "as": function }));
            map.insert("attributes".into(), Json::Array(list));
        }
        Ok(Json::Array(self.find_raw(options).await?))
    }

    /// How many rows each group has: a raw row for each, with its `count`. Sequelize: `count({ group })`.
    pub fn count_groups(&self, options: Json) -> RuntimeCall<Vec<Json>> {
        self.call(async move |model: RuntimeModel| {
            let options = group_counts(&*model.def()?, options);
            let mut query = model.query(options)?;
            load::tell_count(model.db(), &mut query, Location::caller()).await?;
            query.clauses.without_hooks = true;
            model.flat_rows(query, false).await
        })
    }

    /// Rows and how many each group of them has. Sequelize: `findAndCountAll({ group })`.
    pub fn find_and_count_groups(&self, options: Json) -> RuntimeCall<(Vec<Record>, Vec<Json>)> {
        self.call(async move |model: RuntimeModel| {
            let mut counted = options.clone();
            if let Json::Object(map) = &mut counted {
                map.remove("attributes");
            }
            let groups = model.count_groups(counted).await?;
            Ok((model.rows(options, Location::caller()).await?, groups))
        })
    }

    /// Plain rows: columns of associations under dotted names, or in objects with `nest: true`; a row for each joined row. Sequelize:
    /// `findAll({ raw: true })`.
    pub fn find_raw(&self, options: Json) -> RuntimeCall<Vec<Json>> {
        self.call(async move |model: RuntimeModel| {
            let (nest, reject) = (flag(&options, "nest", false), flag(&options, "rejectOnEmpty", false));
            let mut query = model.query(options)?;
            query.clauses.unordered |= query.clauses.limit.is_none();
            with_keys(&mut query.clauses, &query.model, model.db().registry(), 0)?;
            let rows = model.flat_rows(query, nest).await?;
            if reject && rows.is_empty() {
                return Err(Error::not_found(model.model_name()));
            }
            Ok(rows)
        })
    }

    /// The first plain row. Sequelize: `findOne({ raw: true })`.
    pub fn find_one_raw(&self, options: Json) -> RuntimeCall<Option<Json>> {
        self.call(async move |model: RuntimeModel| Ok(model.find_raw(super::verbs::first(options)).await?.into_iter().next()))
    }

    /// The plain row of a key. Sequelize: `findByPk(key, { raw: true })`.
    pub fn find_by_pk_raw(&self, key: Json, options: Json) -> RuntimeCall<Option<Json>> {
        self.call(async move |model: RuntimeModel| match model.with_key(key, options)? {
            Some(options) => Ok(model.find_raw(options).await?.into_iter().next()),
            None => Ok(None),
        })
    }

    /// Plain rows, and how many rows there are without limit and offset. Sequelize: `findAndCountAll({ raw: true })`.
    pub fn find_and_count_raw(&self, options: Json) -> RuntimeCall<(Vec<Json>, u64)> {
        self.call(async move |model: RuntimeModel| {
            let count = model.count_now(without_page(&options)).await?;
            Ok((model.find_raw(options).await?, count))
        })
    }

    async fn flat_rows(&self, query: QueryState, nest: bool) -> Result<Vec<Json>> {
        let parts = parts(&query.clauses, &query.model, self.db().registry())?;
        let records = self.read(query).await?;
        Ok(shown(records.iter().flat_map(|record| spread("", record, &parts)).collect(), nest, self.db()))
    }
}

/// The options of a count for each group: its columns, under the names that the group gives them, and the number.
fn group_counts(model: &ModelDef, mut options: Json) -> Json {
    let distinct = flag(&options, "distinct", false);
    let Json::Object(map) = &mut options else { return options };
    map.retain(|key, _| !matches!(key.as_str(), "limit" | "offset" | "order" | "distinct"));
    let mut list: Vec<Json> = map.get("attributes").and_then(Json::as_array).cloned().unwrap_or_default();
    // A group that is no list is not shown unless it is asked for, as in Sequelize.
    let groups = map.get("group").and_then(Json::as_array).cloned().unwrap_or_default();
    for group in groups {
        let shown = match group.as_str().map(|path| (path, path.rsplit_once('.'))) {
            // A column of an association is called as it is there.
            Some((_, Some((_, name)))) => serde_json::json!([group, name]),
            Some((name, None)) if model.position(name).is_none() => serde_json::json!([group, name]),
            _ => group,
        };
        if !list.contains(&shown) {
            list.push(shown);
        }
    }
    let included = map.get("include").is_some_and(|include| !include.is_null());
    let own_key = model.key_columns().next().map(|key| format!("{}.{}", model.name, key.name)).filter(|_| included && distinct);
    let column = map.remove("col").and_then(|column| column.as_str().map(str::to_owned)).or(own_key).unwrap_or_else(|| "*".to_owned());
    let mut counted = serde_json::json!({ "col": column });
    if distinct && column != "*" {
        counted = serde_json::json!({ "fn": "DISTINCT", "args": [counted] });
    }
    list.push(serde_json::json!({ "fn": "COUNT", "args": [counted], "as": "count" }));
    map.insert("attributes".into(), Json::Array(list));
    options
}

/// Below the first level Sequelize shows the keys of raw rows although they were not asked for, those of rows between as well.
fn with_keys(clauses: &mut Clauses, model: &ModelDef, models: &dyn Models, depth: usize) -> Result<()> {
    for include in clauses.includes.iter_mut().filter(|include| !include.joined) {
        let Some(relation) = model.relation(&include.relation) else { continue };
        let target = models.model(&relation.target)?;
        if let (Some(names), Some(through)) = (&mut include.through_attributes, &relation.through)
            && !names.is_empty()
        {
            let through = models.model(&through.model)?;
            for key in through.key_columns() {
                if !names.contains(&key.name) {
                    names.push(key.name.clone());
                }
            }
        }
        if let Some(items) = &mut include.clauses.select
            && depth > 0
            && !items.is_empty()
        {
            for position in &target.primary_key {
                let field = Expr::Field(crate::plan::field(&target, *position));
                let is_key = |item: &SelectItem| matches!(&item.expr, Expr::Field(field) if field.path.is_empty() && target.position(&field.name) == Some(*position));
                if !items.iter().any(is_key) {
                    items.insert(0, SelectItem::new(field));
                }
            }
        }
        with_keys(&mut include.clauses, &target, models, depth + 1)?;
    }
    Ok(())
}
