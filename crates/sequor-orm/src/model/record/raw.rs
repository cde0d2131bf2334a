//! Raw rows: plain objects, one for each row that a join of the includes has, columns of associations under dotted names.

use super::{Record, RuntimeCall, RuntimeModel};
use crate::query::Clauses;
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{ModelDef, Models};
use serde_json::{Map, Value as Json};

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
        let mut options = options;
        if let Json::Object(map) = &mut options {
            map.retain(|key, _| !matches!(key.as_str(), "limit" | "offset" | "order"));
            let mut list: Vec<Json> = map.get("attributes").and_then(Json::as_array).cloned().unwrap_or_default();
            let groups = match map.get("group") {
                Some(Json::Array(groups)) => groups.clone(),
                Some(one) => vec![one.clone()],
                None => Vec::new(),
            };
            for group in groups {
                // A column of an association is called as it is there.
                let shown = match group.as_str().and_then(|path| path.rsplit_once('.')) {
                    Some((_, name)) => serde_json::json!([group, name]),
                    None => group,
                };
                if !list.contains(&shown) {
                    list.push(shown);
                }
            }
            list.push(serde_json::json!({ "fn": "COUNT", "args": [{ "col": "*" }], "as": "count" }));
            map.insert("attributes".into(), Json::Array(list));
        }
        self.find_raw(options)
    }

    /// Plain rows: columns of associations under dotted names, or in objects with `nest: true`; a row for each joined row. Sequelize:
    /// `findAll({ raw: true })`.
    pub fn find_raw(&self, options: Json) -> RuntimeCall<Vec<Json>> {
        self.call(async move |model: RuntimeModel| {
            let nest = options.get("nest") == Some(&Json::Bool(true));
            let mut query = model.query(options)?;
            query.clauses.unordered |= query.clauses.limit.is_none();
            let parts = parts(&query.clauses, &query.model, model.db().registry())?;
            let records = model.read(query).await?;
            let mut rows: Vec<Flat> = records.iter().flat_map(|record| spread("", record, &parts)).collect();
            if model.db().dialect() != sequor_sql::Dialect::Postgres {
                rows.iter_mut().flatten().for_each(|(_, value)| as_stored(value));
            }
            Ok(rows.into_iter().map(|row| if nest { nested(row) } else { Json::Object(row.into_iter().collect()) }).collect())
        })
    }
}
