//! [`Policy`]: what a stranger may ask. Checked on the JSON itself, before any of it is read as a query.

use crate::db::Db;
use crate::model::Model;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Models};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a query of a stranger may name and cost. Nothing is allowed until it is listed.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Policy;
/// db.registry().register_all()?;
/// let policy = Policy::stranger()
///     .allow("User", &["id", "name", "age"]).allow("Post", &["id", "title"])
///     .allow_operators(&["$iLike"])
///     .max_rows(50).max_included(10).max_total(500).max_includes(2).max_list(100).max_depth(8).max_nodes(100).max_bytes(10_000);
///
/// let options = policy.parse(br#"{ "where": { "name": { "$iLike": "a%" } } }"#)?;
/// let rows = db.model("User")?.find_all(policy.check(&db, "User", options)?).exec(&db).await?;
/// assert_eq!(rows[0].get("name")?, "Ann");
///
/// let error = policy.check(&db, "User", json!({ "where": { "deleted_at": null } })).unwrap_err();
/// assert!(error.to_string().contains("deleted_at"));
/// let error = policy.only_operators(&["$eq"]).check_typed::<User>(json!({ "where": { "age": { "$gt": 1 } } })).unwrap_err();
/// assert!(error.to_string().contains("a typed row is whole"), "not all of its fields are allowed");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    models: BTreeMap<String, BTreeSet<String>>,
    operators: BTreeSet<String>,
    depth: usize,
    nodes: usize,
    includes: usize,
    list: usize,
    rows: u64,
    included: u64,
    total: u64,
    bytes: usize,
}

/// Operators that cost the database little.
const PLAIN: &[&str] =
    &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$between", "$notBetween", "$in", "$notIn", "$is", "$not", "$and", "$or", "$startsWith"];

#[cold]
fn refuse(path: &str, why: &str) -> Error {
    Error::of_usage(UsageErrorKind::Query, format!("{path}: {why}"))
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect::<String>().escape_debug().to_string()
}

impl Policy {
    /// Nothing is allowed but what is listed with [`Policy::allow`]; plain operators; depth 16, 500 nodes, 8 includes, lists of 10 000, 1 000 rows, 100 rows of
    /// each list below a row, 100 000 rows in all, 1 MB.
    pub fn stranger() -> Policy {
        Policy {
            models: BTreeMap::new(),
            operators: PLAIN.iter().map(|&name| name.to_owned()).collect(),
            depth: 16,
            nodes: 500,
            includes: 8,
            list: 10_000,
            rows: 1_000,
            included: 100,
            total: 100_000,
            bytes: 1 << 20,
        }
    }

    /// Allows a model with these of its attributes.
    #[must_use]
    pub fn allow(mut self, model: &str, attributes: &[&str]) -> Policy {
        self.models.entry(model.to_owned()).or_default().extend(attributes.iter().map(|&name| name.to_owned()));
        self
    }

    /// Allows these operators, spelt `$iLike`, besides the plain ones.
    #[must_use]
    pub fn allow_operators(mut self, operators: &[&str]) -> Policy {
        self.operators.extend(operators.iter().map(|&name| name.to_owned()));
        self
    }

    /// Allows only these operators.
    #[must_use]
    pub fn only_operators(mut self, operators: &[&str]) -> Policy {
        self.operators = operators.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// How deep the JSON may nest.
    #[must_use]
    pub fn max_depth(self, depth: usize) -> Policy {
        Policy { depth, ..self }
    }

    /// How many keys and values the JSON may have, lists of values not counted: its cost.
    #[must_use]
    pub fn max_nodes(self, nodes: usize) -> Policy {
        Policy { nodes, ..self }
    }

    /// How many associations may be included.
    #[must_use]
    pub fn max_includes(self, includes: usize) -> Policy {
        Policy { includes, ..self }
    }

    /// How many values a list may hold.
    #[must_use]
    pub fn max_list(self, list: usize) -> Policy {
        Policy { list, ..self }
    }

    /// The most rows of an answer; also its limit where none is given.
    #[must_use]
    pub fn max_rows(self, rows: u64) -> Policy {
        Policy { rows, ..self }
    }

    /// The most rows of a list below a row; also its limit where none is given.
    #[must_use]
    pub fn max_included(self, included: u64) -> Policy {
        Policy { included, ..self }
    }

    /// The most rows of an answer with all that hangs on them. Limits that are not given are made small enough.
    #[must_use]
    pub fn max_total(self, total: u64) -> Policy {
        Policy { total, ..self }
    }

    /// How long the text may be, see [`Policy::parse`].
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Policy {
        Policy { bytes, ..self }
    }

    /// Reads JSON text: refused unread when it is too long, and at once where it nests too deep.
    ///
    /// # Errors
    /// `Usage` that names the place.
    pub fn parse(&self, text: &[u8]) -> Result<Json> {
        if text.len() > self.bytes {
            return Err(refuse("options", &format!("{} bytes; at most {} are read", text.len(), self.bytes)));
        }
        serde_json::from_slice(text)
            .map_err(|error| refuse("options", &format!("no JSON of a query at line {} column {}", error.line(), error.column())))
    }

    /// Checks an options object against a model that the database knows, and gives it back with what the policy adds: the attributes that may be seen
    /// and the limit. Give the answer to `find_all`.
    ///
    /// # Errors
    /// `Usage` that names the place of what is not allowed.
    pub fn check(&self, db: &Db, model: &str, options: Json) -> Result<Json> {
        let known = db.registry().by_name(model).ok_or_else(|| refuse("model", &format!("{} has not been defined", shown(model))))?;
        self.checked(&known, db.registry(), options, true)
    }

    /// As [`Policy::check`], for the `json_options` of a typed find: its rows are whole, so that `attributes` are neither taken nor added, and every field
    /// that a model has must be allowed.
    ///
    /// # Errors
    /// As [`Policy::check`]; also when a model has fields that are not allowed.
    pub fn check_typed<M: Model>(&self, options: Json) -> Result<Json> {
        self.checked(M::model(), &(), options, false)
    }

    fn checked(&self, model: &ModelDef, models: &dyn Models, options: Json, narrow: bool) -> Result<Json> {
        let limit = options.get("limit").and_then(Json::as_u64).unwrap_or(self.rows);
        let mut walk = Walk { policy: self, models, nodes: 0, includes: 0, narrow, above: limit.max(1) };
        let map = match options {
            Json::Null => Map::new(),
            Json::Object(map) => map,
            _ => return Err(refuse("options", "an object is expected")),
        };
        let mut map = walk.query(model, map, "options", 0)?;
        let limit = match map.get("limit") {
            None => self.rows,
            Some(limit) => limit.as_u64().ok_or_else(|| refuse("options.limit", "a whole number is expected"))?,
        };
        if limit > self.rows {
            return Err(refuse("options.limit", &format!("at most {} rows are allowed", self.rows)));
        }
        map.insert("limit".into(), json!(limit));
        Ok(Json::Object(map))
    }
}

struct Walk<'a> {
    policy: &'a Policy,
    models: &'a dyn Models,
    nodes: usize,
    includes: usize,
    narrow: bool,
    /// How many rows there may be on the level that is looked at.
    above: u64,
}

impl Walk<'_> {
    /// One more node; the way down ends where the policy says.
    fn step(&mut self, path: &str, depth: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > self.policy.nodes {
            return Err(refuse(path, &format!("the query has more than {} parts", self.policy.nodes)));
        }
        if depth > self.policy.depth {
            return Err(refuse(path, &format!("the query is nested deeper than {} levels", self.policy.depth)));
        }
        Ok(())
    }

    fn attributes(&self, model: &ModelDef, path: &str) -> Result<&BTreeSet<String>> {
        self.policy.models.get(model.name.as_ref()).ok_or_else(|| refuse(path, &format!("{} is not allowed here", model.name)))
    }

    /// An attribute by its name, or a path inside a JSON attribute.
    fn attribute(&self, model: &ModelDef, name: &str, path: &str) -> Result<()> {
        let first = name.split('.').next().unwrap_or(name);
        let known = self.attributes(model, path)?;
        if model.json_column(first).is_some_and(|column| known.contains(column.name.as_ref())) {
            Ok(())
        } else {
            Err(refuse(path, &format!("{} is not allowed here", shown(name))))
        }
    }

    fn query(&mut self, model: &ModelDef, map: Map<String, Json>, path: &str, depth: usize) -> Result<Map<String, Json>> {
        self.step(path, depth)?;
        let allowed = self.attributes(model, path)?.clone();
        if !self.narrow && model.columns.iter().any(|column| !allowed.contains(column.name.as_ref())) {
            return Err(refuse(path, &format!("{} has fields that are not allowed, and a typed row is whole", model.name)));
        }
        let mut checked = Map::new();
        for (key, value) in map {
            let here = format!("{path}.{}", shown(&key));
            let value = match key.as_str() {
                "where" => {
                    self.condition(model, &value, &here, depth + 1)?;
                    value
                }
                "attributes" if self.narrow => self.listed(model, value, &here)?,
                "order" => {
                    self.order(model, &value, &here, depth + 1)?;
                    value
                }
                "include" => self.include(model, value, &here, depth + 1)?,
                "limit" | "offset" if value.is_u64() => value,
                "distinct" | "required" if value.is_boolean() => value,
                "association" | "model" | "as" if depth > 0 => value,
                _ => return Err(refuse(&here, "not allowed here")),
            };
            checked.insert(key, value);
        }
        if self.narrow && !checked.contains_key("attributes") {
            let names: Vec<&str> =
                model.columns.iter().filter(|column| allowed.contains(column.name.as_ref())).map(|column| column.json.as_ref()).collect();
            checked.insert("attributes".into(), json!(names));
        }
        Ok(checked)
    }

    fn listed(&mut self, model: &ModelDef, value: Json, path: &str) -> Result<Json> {
        let Json::Array(list) = &value else { return Err(refuse(path, "a list of names is expected")) };
        for (number, item) in list.iter().enumerate() {
            let here = format!("{path}[{number}]");
            self.step(&here, 0)?;
            self.attribute(
                model,
                item.as_str().filter(|name| !name.contains('.')).ok_or_else(|| refuse(&here, "a name is expected"))?,
                &here,
            )?;
        }
        Ok(value)
    }

    fn condition(&mut self, model: &ModelDef, value: &Json, path: &str, depth: usize) -> Result<()> {
        self.step(path, depth)?;
        match value {
            Json::Array(list) => {
                list.iter().enumerate().try_for_each(|(number, item)| self.condition(model, item, &format!("{path}[{number}]"), depth + 1))
            }
            Json::Object(map) => map.iter().try_for_each(|(key, value)| {
                let here = format!("{path}.{}", shown(key));
                match key.as_str() {
                    "$and" | "$or" | "$not" if self.policy.operators.contains(key) => self.condition(model, value, &here, depth + 1),
                    key if key.len() > 2 && key.starts_with('$') && key.ends_with('$') => {
                        let parts: Vec<&str> = key[1..key.len() - 1].split('.').collect();
                        let (name, relations) = parts.split_last().ok_or_else(|| refuse(&here, "a path is expected"))?;
                        self.across(model, relations, name, &here)?;
                        self.values(value, &here, depth + 1)
                    }
                    key if key.starts_with('$') => Err(refuse(&here, "not allowed here")),
                    key => {
                        self.attribute(model, key, &here)?;
                        self.values(value, &here, depth + 1)
                    }
                }
            }),
            _ => Err(refuse(path, "an object is expected")),
        }
    }

    fn across(&mut self, model: &ModelDef, relations: &[&str], name: &str, path: &str) -> Result<()> {
        // Every step is a join, whether a list of includes names it or a path.
        if relations.len() > self.policy.includes {
            return Err(refuse(path, &format!("at most {} associations lie on the way", self.policy.includes)));
        }
        for _ in relations {
            self.step(path, 0)?;
        }
        let mut model = std::sync::Arc::new(model.clone());
        for step in relations {
            let next = model.json_relation(step).ok_or_else(|| refuse(path, "not allowed here"))?.target.clone();
            model = self.models.model(&next)?;
            self.attributes(&model, path)?;
        }
        self.attribute(&model, name, path)
    }

    /// The right-hand side of an attribute: a value, a list, or operators with theirs.
    fn values(&mut self, value: &Json, path: &str, depth: usize) -> Result<()> {
        self.step(path, depth)?;
        match value {
            Json::Array(list) if list.len() > self.policy.list => {
                Err(refuse(path, &format!("a list of at most {} values is allowed", self.policy.list)))
            }
            Json::Array(list) if list.iter().all(|item| !item.is_object() && !item.is_array()) => Ok(()),
            Json::Array(list) => list.iter().try_for_each(|item| self.values(item, path, depth + 1)),
            Json::Object(map) => map.iter().try_for_each(|(key, value)| {
                let here = format!("{path}.{}", shown(key));
                match key.as_str() {
                    "$date" | "$bytes" | "$number" if value.is_string() => Ok(()),
                    "$col" | "$fn" | "$literal" | "$cast" => Err(refuse(&here, "not allowed here")),
                    key if key.starts_with('$') && !self.policy.operators.contains(key) => {
                        Err(refuse(&here, "this operator is not allowed here"))
                    }
                    _ => self.values(value, &here, depth + 1),
                }
            }),
            _ => Ok(()),
        }
    }

    fn order(&mut self, model: &ModelDef, value: &Json, path: &str, depth: usize) -> Result<()> {
        let Json::Array(list) = value else {
            return self.attribute(model, value.as_str().ok_or_else(|| refuse(path, "a list is expected"))?, path);
        };
        for (number, entry) in list.iter().enumerate() {
            let here = format!("{path}[{number}]");
            self.step(&here, depth)?;
            let parts: Vec<&str> = match entry {
                Json::String(name) => vec![name],
                Json::Array(parts) => {
                    parts.iter().map(|part| part.as_str().ok_or_else(|| refuse(&here, "a name is expected"))).collect::<Result<_>>()?
                }
                _ => return Err(refuse(&here, "a name or a list is expected")),
            };
            let directed = parts.len() > 1 && parts.last().is_some_and(|last| super::order::direction(last).is_ok());
            let names = &parts[..parts.len() - usize::from(directed)];
            let (name, relations) = names.split_last().ok_or_else(|| refuse(&here, "an entry is empty"))?;
            self.across(model, relations, name, &here)?;
        }
        Ok(())
    }

    /// The limit of a list below each row: the given one, or as many as the whole answer has room for.
    fn limit_below(&mut self, map: &Map<String, Json>, path: &str) -> Result<u64> {
        let room = self.policy.total / self.above;
        let limit = match map.get("limit") {
            None => self.policy.included.min(room).max(1),
            Some(limit) => limit.as_u64().ok_or_else(|| refuse(&format!("{path}.limit"), "a whole number is expected"))?,
        };
        if limit > self.policy.included {
            return Err(refuse(&format!("{path}.limit"), &format!("at most {} rows are allowed in a list", self.policy.included)));
        }
        if limit > room.max(1) {
            return Err(refuse(
                &format!("{path}.limit"),
                &format!("with the lists above, more than {} rows could come", self.policy.total),
            ));
        }
        self.above = self.above.saturating_mul(limit.max(1));
        Ok(limit)
    }

    fn include(&mut self, model: &ModelDef, value: Json, path: &str, depth: usize) -> Result<Json> {
        let list = match value {
            Json::Array(list) => list,
            one => vec![one],
        };
        let mut checked = Vec::with_capacity(list.len());
        for (number, item) in list.into_iter().enumerate() {
            let here = format!("{path}[{number}]");
            self.includes += 1;
            if self.includes > self.policy.includes {
                return Err(refuse(&here, &format!("at most {} associations are included", self.policy.includes)));
            }
            let relation = super::include::relation_of(model, &item).map_err(|_| refuse(&here, "this association is not allowed here"))?;
            let target = self.models.model(&relation.target)?;
            let map = match item {
                Json::Object(map) => map,
                _ => Map::new(),
            };
            let above = self.above;
            let limit = if relation.kind.is_many() { Some(self.limit_below(&map, &here)?) } else { None };
            let mut map = self.query(&target, map, &here, depth + 1)?;
            self.above = above;
            if let Some(limit) = limit {
                map.insert("limit".into(), json!(limit));
            }
            map.retain(|key, _| !matches!(key.as_str(), "model" | "as"));
            map.insert("association".into(), json!(relation.name));
            if relation.through.is_some() && self.narrow {
                map.insert("through".into(), json!({ "attributes": [] }));
            }
            checked.push(Json::Object(map));
        }
        Ok(Json::Array(checked))
    }
}
