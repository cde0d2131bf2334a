//! The operations of a scenario, through the run-time door.

mod instance;
mod schema;

use instance::{association, instance};
use sequor::prelude::*;
use sequor::testing::hooks::{HookSubject, record_hook};
use sequor::{HookKind, Record, RuntimeModel, UsageErrorKind};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// What a step keeps under a name.
#[derive(Clone)]
pub enum Kept {
    One(Box<Record>),
    Many(Vec<Record>),
    Nothing,
}

impl Kept {
    pub fn one(record: Record) -> Kept {
        Kept::One(Box::new(record))
    }
}

/// The state of a scenario.
pub struct Scene {
    pub db: Db,
    kept: HashMap<String, Kept>,
    hooks: Arc<Mutex<Vec<String>>>,
    records: bool,
    /// The rows that a bulk write refused, by their number.
    refused: HashMap<usize, Json>,
}

impl Scene {
    pub fn new(db: Db) -> Scene {
        Scene { db, kept: HashMap::new(), hooks: Arc::default(), records: false, refused: HashMap::new() }
    }

    /// Defines a model, with the hooks that record themselves.
    pub fn define(&mut self, json: &Json) -> sequor::Result<()> {
        let mut definition = json.clone();
        let hooks = definition.as_object_mut().and_then(|map| map.remove("hooks"));
        let def = ModelDef::from_json(definition)?;
        let name = def.name.to_string();
        self.db.define(def)?;
        for (number, hook) in hooks.as_ref().and_then(Json::as_array).into_iter().flatten().enumerate() {
            self.records = true;
            self.add_hook(&name, number, hook)?;
        }
        Ok(())
    }

    fn add_hook(&self, model: &str, number: usize, hook: &Json) -> sequor::Result<()> {
        let kind = hook.as_str().or_else(|| hook["on"].as_str()).unwrap_or_default();
        let kind = HookKind::parse(kind).ok_or_else(|| Error::usage(format!("unknown hook {kind}")))?;
        let (log, hook, label) = (self.hooks.clone(), hook.clone(), format!("{model}.{}", kind.sequelize_name()));
        record_hook(&self.db, model, kind, &format!("{label}#{number}#{hook}"), move |subject| {
            if let Ok(mut log) = log.lock() {
                log.push(label.clone());
            }
            apply(subject, &hook)
        });
        Ok(())
    }

    pub fn take_hooks(&mut self) -> Vec<String> {
        self.hooks.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
    }

    fn model(&self, step: &Json) -> sequor::Result<RuntimeModel> {
        let model = self.db.model(step["model"].as_str().unwrap_or_default())?;
        if step["unscoped"] == json!(true) {
            return Ok(model.unscoped());
        }
        Ok(match step.get("scope") {
            Some(scope) => model.scope(self.resolve(scope)),
            None => model,
        })
    }

    fn one(&self, step: &Json) -> sequor::Result<Record> {
        let name = step["on"].as_str().unwrap_or_default();
        match self.find(name) {
            Some(Kept::One(record)) => Ok(*record),
            _ => Err(Error::usage(format!("nothing is kept as {name}"))),
        }
    }

    /// `name` or `name[0]`.
    fn find(&self, name: &str) -> Option<Kept> {
        match name.split_once('[') {
            None => self.kept.get(name).cloned(),
            Some((list, rest)) => {
                let index: usize = rest.trim_end_matches(']').parse().ok()?;
                match self.kept.get(list)? {
                    Kept::Many(records) => records.get(index).cloned().map(Kept::one),
                    _ => None,
                }
            }
        }
    }

    fn keep(&mut self, step: &Json, kept: Kept) {
        if let Some(name) = step["as"].as_str() {
            self.kept.insert(name.to_owned(), kept);
        }
    }

    fn put_back(&mut self, step: &Json, record: Record) {
        let name = step["on"].as_str().unwrap_or_default().to_owned();
        match name.split_once('[') {
            None => {
                self.kept.insert(name, Kept::one(record));
            }
            Some((list, rest)) => {
                let index: usize = rest.trim_end_matches(']').parse().unwrap_or(usize::MAX);
                if let Some(Kept::Many(records)) = self.kept.get_mut(list)
                    && let Some(slot) = records.get_mut(index)
                {
                    *slot = record;
                }
            }
        }
    }

    /// Puts kept values in for `{ $ref }`.
    pub fn resolve(&self, json: &Json) -> Json {
        if let Some(path) = json.get("$ref").and_then(Json::as_str) {
            let (name, field) = match path.rfind('.') {
                Some(dot) if !path[..dot].is_empty() => (&path[..dot], Some(&path[dot + 1..])),
                _ => (path, None),
            };
            return match (self.find(name), field) {
                (Some(Kept::One(record)), Some(field)) => record.get(field).unwrap_or_default(),
                (Some(Kept::One(record)), None) => key_of(&record),
                (Some(Kept::Many(records)), _) => Json::Array(records.iter().map(key_of).collect()),
                _ => Json::Null,
            };
        }
        match json {
            Json::Array(list) => Json::Array(list.iter().map(|item| self.resolve(item)).collect()),
            Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), self.resolve(value))).collect()),
            other => other.clone(),
        }
    }

    /// What to link: rows that are known are given whole, unless keys are among them.
    pub fn targets(&self, json: &Json) -> Json {
        let list: Vec<&Json> = json.as_array().map_or_else(|| vec![json], |list| list.iter().collect());
        let mut rows = Vec::new();
        for item in list {
            match item.get("$ref").and_then(Json::as_str).and_then(|path| self.find(path)) {
                Some(Kept::One(record)) => rows.push(record.to_json()),
                Some(Kept::Many(records)) => rows.extend(records.iter().map(Record::to_json)),
                _ => return self.resolve(json),
            }
        }
        Json::Array(rows)
    }

    fn options(&self, step: &Json) -> Json {
        step.get("options").map(|options| self.resolve(options)).unwrap_or(Json::Null)
    }
}

fn key_of(record: &Record) -> Json {
    let name = record.model().key_columns().next().map(|column| column.name.to_string()).unwrap_or_default();
    record.get(&name).unwrap_or_default()
}

/// What a scenario's hook does: assigns, adds a condition, throws.
fn apply(subject: HookSubject<'_>, hook: &Json) -> sequor::Result<()> {
    if let Some(message) = hook.get("throw").and_then(Json::as_str) {
        return Err(Error::hook("scenario", message.to_owned()));
    }
    if let Some(set) = hook.get("set") {
        sequor::testing::hooks::assign(subject, set)?;
    } else if let Some(filter) = hook.get("where") {
        sequor::testing::hooks::restrict(subject, filter)?;
    }
    Ok(())
}

fn rows(records: &[Record]) -> Json {
    Json::Array(records.iter().map(Record::to_json).collect())
}

fn row(record: &Option<Record>) -> Json {
    record.as_ref().map_or(Json::Null, Record::to_json)
}

/// Runs one step and gives its answer, errors included.
pub fn step<'a>(scene: &'a mut Scene, step: &'a Json) -> Pin<Box<dyn Future<Output = Json> + Send + 'a>> {
    Box::pin(async move {
        scene.take_hooks();
        let mut answer = match perform(scene, step).await {
            Ok(answer) => answer,
            Err(error) => {
                scene.keep(step, Kept::Nothing);
                let mut described = describe(&error, &std::mem::take(&mut scene.refused));
                if let Error::UniqueConstraint { fields, detail } = &error {
                    described["columns"] = columns(scene, fields, detail.model.as_deref());
                }
                json!({ "error": described })
            }
        };
        let hooks = scene.take_hooks();
        if scene.records
            && let Some(map) = answer.as_object_mut()
        {
            map.insert("hooks".into(), json!(hooks));
        }
        answer
    })
}

/// The columns of a key by the names of their attributes: a scenario may name either.
fn columns(scene: &Scene, fields: &[String], model: Option<&str>) -> Json {
    let Some(def) = model.and_then(|model| scene.model(&json!({ "model": model })).ok()?.def().ok()) else { return json!({}) };
    let column = |field: &String| Some((def.column(field)?.column.to_string(), json!(field)));
    Json::Object(fields.iter().filter_map(column).collect())
}

/// An error as scenarios hold it.
pub fn describe(error: &Error, refused: &HashMap<usize, Json>) -> Json {
    let mut message = error.to_string();
    if let (Error::Usage(usage), Some(end)) = (error, message.find(" called. "))
        && usage.kind == UsageErrorKind::Scope
    {
        // Behind Sequelize's sentence stands which scopes there are.
        message.truncate(end + " called.".len());
    }
    let mut json = json!({ "class": error.sequelize_name(), "message": message });
    match error {
        Error::Validation(validation) if validation.bulk => {
            let mut records: Vec<(usize, Vec<Json>)> = Vec::new();
            for item in &validation.items {
                let number = item.record.unwrap_or(0);
                match records.iter_mut().find(|(known, _)| *known == number) {
                    Some((_, items)) => items.push(item_json(item)),
                    None => records.push((number, vec![item_json(item)])),
                }
            }
            json["errors"] = records.into_iter().map(|(number, items)| json!({ "class": "SequelizeBulkRecordError", "record": refused.get(&number), "errors": { "class": "SequelizeValidationError", "items": items } })).collect();
        }
        Error::Validation(validation) => json["items"] = validation.items.iter().map(item_json).collect(),
        Error::UniqueConstraint { fields, detail } => {
            let mut sorted = fields.clone();
            sorted.sort();
            json["fields"] = json!(sorted);
            json["items"] = fields
                .iter()
                .map(|field| {
                    let message = detail.custom_message.clone().unwrap_or_else(|| format!("{field} must be unique"));
                    json!({ "path": field, "validatorKey": "not_unique", "type": "unique violation", "message": message })
                })
                .collect();
        }
        _ => {}
    }
    json
}

fn item_json(item: &sequor::ValidationItem) -> Json {
    json!({ "path": item.path, "validatorKey": item.validator_key, "type": item.kind.as_str(), "message": item.message })
}

async fn perform(scene: &mut Scene, step: &Json) -> sequor::Result<Json> {
    let op = step["op"].as_str().unwrap_or_default();
    if let Some(op) = op.strip_prefix("instance.") {
        return instance(scene, op, step).await;
    }
    if let Some(op) = op.strip_prefix("assoc.") {
        return association(scene, op, step).await;
    }
    match op {
        "findAll" | "findOne" | "findByPk" | "findAndCountAll" | "count" | "sum" | "min" | "max" | "aggregate" => {
            read(scene, op, step).await
        }
        "create" | "build" | "bulkBuild" | "bulkCreate" | "upsert" | "findOrCreate" | "findOrBuild" | "findCreateFind" | "validate" => {
            make(scene, op, step).await
        }
        "update" | "destroy" | "restore" | "truncate" | "increment" | "decrement" => change(scene, op, step).await,
        "raw" => schema::raw(scene, step).await,
        "drop" | "describeTable" | "showIndexes" | "listTables" | "tableExists" => schema::catalog(scene, op, step).await,
        "queryInterface" => schema::change(scene, step).await,
        _ => arrange(scene, op, step).await,
    }
}

/// Finders and aggregates.
async fn read(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let options = scene.options(step);
    match op {
        "findAll" => {
            if options["raw"] == json!(true) {
                let rows = scene.model(step)?.find_raw(options).exec(&scene.db).await?;
                scene.keep(step, Kept::Nothing);
                return Ok(json!({ "rows": rows }));
            }
            let records = scene.model(step)?.find_all(options).exec(&scene.db).await?;
            let answer = json!({ "rows": rows(&records) });
            scene.keep(step, Kept::Many(records));
            Ok(answer)
        }
        "findOne" | "findByPk" => {
            let model = scene.model(step)?;
            if options["raw"] == json!(true) {
                let row = if op == "findOne" {
                    model.find_one_raw(options).exec(&scene.db).await?
                } else {
                    model.find_by_pk_raw(scene.resolve(&step["pk"]), options).exec(&scene.db).await?
                };
                scene.keep(step, Kept::Nothing);
                return Ok(json!({ "row": row }));
            }
            let found = if op == "findOne" {
                model.find_one(options).await?
            } else {
                model.find_by_pk_with(scene.resolve(&step["pk"]), options).await?
            };
            let answer = json!({ "row": row(&found) });
            scene.keep(step, found.map_or(Kept::Nothing, Kept::one));
            Ok(answer)
        }
        "findAndCountAll" => {
            let model = scene.model(step)?;
            if options["raw"] == json!(true) && options.get("group").is_none() {
                let (rows, count) = model.find_and_count_raw(options).exec(&scene.db).await?;
                scene.keep(step, Kept::Nothing);
                return Ok(json!({ "rows": rows, "count": count }));
            }
            let (records, count) = match options.get("group") {
                Some(_) => {
                    let (records, groups) = model.find_and_count_groups(options).exec(&scene.db).await?;
                    (records, Json::Array(groups))
                }
                None => {
                    let sequor::RowsAndCount { rows: records, count } = model.find_and_count_all(options).exec(&scene.db).await?;
                    (records, json!(count))
                }
            };
            let answer = json!({ "rows": rows(&records), "count": count });
            scene.keep(step, Kept::Many(records));
            Ok(answer)
        }
        "count" => {
            let model = scene.model(step)?;
            if options.get("group").is_some() {
                return Ok(json!({ "value": model.count_groups(options).exec(&scene.db).await? }));
            }
            Ok(json!({ "value": model.count(options).await? }))
        }
        "sum" | "min" | "max" | "aggregate" => {
            let function = step["fn"].as_str().unwrap_or(op).to_owned();
            let value = scene.model(step)?.aggregate(step["field"].as_str().unwrap_or_default(), &function, options).await?;
            Ok(json!({ "value": value }))
        }
        other => Err(Error::usage(format!("the runner does not know the operation {other}"))),
    }
}

/// Rows that are built or created.
async fn make(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let options = scene.options(step);
    let values = step.get("values").map(|values| scene.resolve(values)).unwrap_or(Json::Null);
    let done = || json!({ "done": true });
    match op {
        "create" => {
            let record = scene.model(step)?.create_with(values, options).await?;
            let answer = json!({ "row": record.to_json() });
            scene.keep(step, Kept::one(record));
            Ok(answer)
        }
        "build" => {
            let record = scene.model(step)?.build_with(values, &options)?;
            let answer = json!({ "row": record.to_json() });
            scene.keep(step, Kept::one(record));
            Ok(answer)
        }
        "bulkBuild" => {
            let model = scene.model(step)?;
            let records = values
                .as_array()
                .into_iter()
                .flatten()
                .map(|values| model.build_with(values.clone(), &options))
                .collect::<sequor::Result<Vec<_>>>()?;
            let answer = json!({ "rows": rows(&records) });
            scene.keep(step, Kept::Many(records));
            Ok(answer)
        }
        "bulkCreate" => {
            let model = scene.model(step)?;
            let records = match model.bulk_create_with(values.clone(), options).await {
                Ok(records) => records,
                // The error names rows by number; the scenario by what they hold.
                Err(Error::Validation(error)) if error.bulk => {
                    let rows = values.as_array().cloned().unwrap_or_default();
                    let built = |row: &Json| model.build(row.clone()).map_or_else(|_| row.clone(), |row| row.to_json());
                    let shown = |number: usize| Some((number, built(rows.get(number)?)));
                    scene.refused = error.items.iter().filter_map(|item| shown(item.record?)).collect();
                    return Err(Error::Validation(error));
                }
                Err(other) => return Err(other),
            };
            let answer = json!({ "rows": rows(&records) });
            scene.keep(step, Kept::Many(records));
            Ok(answer)
        }
        "upsert" | "findOrCreate" | "findOrBuild" | "findCreateFind" => {
            let model = scene.model(step)?;
            let (record, created) = match op {
                "upsert" => model.upsert_with(values, options).await?,
                "findOrBuild" => model.find_or_build(options).await?,
                _ => model.find_or_create(options).await?,
            };
            let answer = json!({ "row": record.to_json(), "created": created });
            scene.keep(step, Kept::one(record));
            Ok(answer)
        }
        "validate" => {
            scene.model(step)?.build(values)?.validate_with(&scene.db, instance::write_options(&options)).await?;
            Ok(done())
        }
        other => Err(Error::usage(format!("the runner does not know the operation {other}"))),
    }
}

/// Writes over many rows.
async fn change(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let options = scene.options(step);
    let values = step.get("values").map(|values| scene.resolve(values)).unwrap_or(Json::Null);
    let done = || json!({ "done": true });
    match op {
        "update" => {
            let (count, records) = scene.model(step)?.update_returning(values, options.clone()).await?;
            let returning =
                options.get("returning").is_some_and(|value| *value != json!(false)) || options["individualHooks"] == json!(true);
            Ok(if returning { json!({ "affected": count, "rows": rows(&records) }) } else { json!({ "affected": count }) })
        }
        "destroy" => Ok(json!({ "affected": scene.model(step)?.destroy_all(options).await? })),
        "restore" => Ok(json!({ "affected": scene.model(step)?.restore_all(options).await?, "done": true })),
        "truncate" => {
            scene.model(step)?.truncate(options).await?;
            Ok(done())
        }
        "increment" | "decrement" => {
            let sign = if op == "increment" { 1 } else { -1 };
            scene.model(step)?.increment(step["fields"].clone(), options, sign).await?;
            Ok(done())
        }
        other => Err(Error::usage(format!("the runner does not know the operation {other}"))),
    }
}

/// Transactions, definitions and what runs at once.
async fn arrange(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let options = scene.options(step);
    let done = || json!({ "done": true });
    match op {
        "transaction" => transaction(scene, step).await,
        "sync" => {
            let mode = if options["force"] == json!(true) {
                SyncMode::Force
            } else if options["alter"] == json!(true) || options["alter"].is_object() {
                SyncMode::Alter
            } else {
                SyncMode::Create
            };
            match step.get("model") {
                Some(_) => scene.model(step)?.sync(mode).await?,
                None => scene.db.sync_all(mode).await?,
            }
            Ok(done())
        }
        "define" => {
            scene.define(&step["definition"])?;
            for association in step["associations"].as_array().into_iter().flatten() {
                scene.db.associate(association.clone())?;
            }
            Ok(done())
        }
        "parallel" => {
            let mut answers = Vec::new();
            for inner in step["steps"].as_array().into_iter().flatten() {
                answers.push(self::step(scene, inner).await);
            }
            Ok(json!({ "steps": answers }))
        }
        other => Err(Error::usage(format!("the runner does not know the operation {other}"))),
    }
}

async fn transaction(scene: &mut Scene, step: &Json) -> sequor::Result<Json> {
    let outer = scene.db.clone();
    let mut answers = Vec::new();
    let rolls_back = step["end"] == json!("rollback");
    let list: Vec<Json> = step["steps"].as_array().cloned().unwrap_or_default();
    let isolation = step["options"]["isolationLevel"].as_str().unwrap_or_default().to_owned();
    let kind = match isolation.as_str() {
        "SERIALIZABLE" => Some(Tx::serializable()),
        "REPEATABLE_READ" => Some(Tx::repeatable_read()),
        "READ_COMMITTED" => Some(Tx::read_committed()),
        "READ_UNCOMMITTED" => Some(Tx::read_uncommitted()),
        _ => None,
    };
    if let (Some(kind), false) = (kind, outer.is_in_transaction()) {
        return isolated(scene, &outer, kind, &list, rolls_back).await;
    }
    let result: sequor::Result<()> = outer
        .transaction(async |tx| {
            for inner in &list {
                let outside = inner["outside"] == json!(true);
                scene.db = if outside { outer.detached() } else { tx.clone() };
                let answer = self::step(scene, inner).await;
                let failed = answer.get("error").is_some() && inner["catch"] != json!(true);
                answers.push(answer);
                if failed {
                    return Err(Error::usage("an inner step failed"));
                }
            }
            if rolls_back { Err(Error::usage("the scenario rolls back")) } else { Ok(()) }
        })
        .await;
    scene.db = outer;
    let outcome = if result.is_ok() { "committed" } else { "rolledBack" };
    Ok(json!({ "steps": answers, "outcome": outcome }))
}

/// A transaction of its own level, unmanaged.
async fn isolated(scene: &mut Scene, outer: &Db, kind: Tx, list: &[Json], rolls_back: bool) -> sequor::Result<Json> {
    let tx = outer.begin_with(kind).await?;
    let mut answers = Vec::new();
    let mut failed = false;
    for inner in list {
        scene.db = if inner["outside"] == json!(true) { outer.detached() } else { (*tx).clone() };
        let answer = self::step(scene, inner).await;
        failed = answer.get("error").is_some() && inner["catch"] != json!(true);
        answers.push(answer);
        if failed {
            break;
        }
    }
    scene.db = outer.clone();
    let committed = if failed || rolls_back {
        tx.rollback().await?;
        false
    } else {
        tx.commit().await.is_ok()
    };
    Ok(json!({ "steps": answers, "outcome": if committed { "committed" } else { "rolledBack" } }))
}
