//! Steps on one instance and on its associations.

use super::{Kept, Scene, key_of, row, rows};
use sequor::WriteOptions;
use sequor::prelude::*;
use serde_json::{Value as Json, json};

pub(super) async fn instance(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let mut record = scene.one(step)?;
    let options = scene.options(step);
    let values = step.get("values").or_else(|| step.get("set")).map(|values| scene.resolve(values));
    let write = write_options(&options);
    let db = scene.db.clone();
    match op {
        "save" | "set" | "update" => {
            let result = async {
                if op == "update" {
                    return record.update_with(values.unwrap_or(json!({})), &db, write).await;
                }
                if let Some(values) = values {
                    record.assign(values)?;
                }
                if op == "save" { record.save_with(&db, write).await } else { Ok(()) }
            }
            .await;
            scene.put_back(step, record.clone());
            result?;
            Ok(json!({ "row": record.to_json() }))
        }
        "get" => Ok(json!({ "row": record.to_json() })),
        "reload" => {
            record.reload_with(options, &db).await?;
            scene.put_back(step, record.clone());
            Ok(json!({ "row": record.to_json() }))
        }
        "restore" => {
            record.restore_with(&db, write).await?;
            scene.put_back(step, record.clone());
            Ok(json!({ "row": record.to_json() }))
        }
        "destroy" => {
            record.destroy_with(&db, write).await?;
            scene.put_back(step, record);
            Ok(json!({ "done": true }))
        }
        "validate" => {
            let result = record.validate_with(&db, write).await;
            scene.put_back(step, record);
            result?;
            Ok(json!({ "done": true }))
        }
        "increment" | "decrement" => {
            let sign = if op == "increment" { 1 } else { -1 };
            record.step_by(step["fields"].clone(), options, sign, &db).await?;
            scene.put_back(step, record);
            Ok(json!({ "done": true }))
        }
        "changed" => {
            let mut changed: Vec<String> = record.changed().iter().map(ToString::to_string).collect();
            changed.sort();
            Ok(match step["field"].as_str() {
                Some(field) => json!({ "value": changed.iter().any(|name| name == field) }),
                None if changed.is_empty() => json!({ "value": false }),
                None => json!({ "value": changed }),
            })
        }
        "previous" => Ok(match step["field"].as_str() {
            Some(field) => json!({ "value": record.previous(field) }),
            None => json!({ "value": record.previous_values() }),
        }),
        "getField" => Ok(json!({ "value": record.get(step["field"].as_str().unwrap_or_default())? })),
        "isNewRecord" => Ok(json!({ "value": record.is_new() })),
        "isSoftDeleted" => Ok(json!({ "value": record.is_soft_deleted() })),
        "equals" => {
            let other = scene.one(&json!({ "on": step["other"].get("$ref").unwrap_or(&step["other"]) }))?;
            Ok(json!({ "value": other.model().name == record.model().name && key_of(&other) == key_of(&record) }))
        }
        other => Err(Error::usage(format!("the runner does not know the operation instance.{other}"))),
    }
}

pub(super) fn write_options(options: &Json) -> WriteOptions {
    let mut write = WriteOptions::at(std::panic::Location::caller());
    let flag = |name: &str, otherwise: bool| options.get(name).and_then(Json::as_bool).unwrap_or(otherwise);
    write.validate = flag("validate", true);
    write.hooks = flag("hooks", true);
    write.silent = flag("silent", false);
    write.force = flag("force", false);
    write.fields = options
        .get("fields")
        .and_then(Json::as_array)
        .map(|list| list.iter().filter_map(Json::as_str).map(|name| name.to_owned().into()).collect());
    write
}

pub(super) async fn association(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let mut record = scene.one(step)?;
    let options = scene.options(step);
    let name = step["association"].as_str().unwrap_or_default();
    let target = step.get("target").map(|target| scene.targets(target)).unwrap_or(Json::Null);
    let db = scene.db.clone();
    match op {
        "get" => {
            let many = record.model().relation(name).is_some_and(|relation| relation.kind.is_many());
            if options["raw"] == json!(true) {
                let found = record.association_raw(name, options, &db).await?;
                return Ok(if many { json!({ "rows": found }) } else { json!({ "row": found.first() }) });
            }
            let found = record.association(name, options, &db).await?;
            let answer = if many { json!({ "rows": rows(&found) }) } else { json!({ "row": row(&found.first().cloned()) }) };
            scene.keep(step, if many { Kept::Many(found) } else { found.into_iter().next().map_or(Kept::Nothing, Kept::one) });
            Ok(answer)
        }
        "count" => Ok(json!({ "value": record.association_count(name, options, &db).await? })),
        "create" => {
            let values = step.get("values").map(|values| scene.resolve(values)).unwrap_or(json!({}));
            let made = record.association_create(name, values, options, &db).await;
            scene.put_back(step, record);
            let made = made?;
            let answer = json!({ "row": made.to_json() });
            scene.keep(step, Kept::one(made));
            Ok(answer)
        }
        "has" => Ok(json!({ "value": record.association_has(name, target, &db).await? })),
        "add" | "set" | "remove" => {
            let mut record = record;
            record.association_change(name, op, target, options, &db).await?;
            scene.put_back(step, record);
            Ok(json!({ "done": true }))
        }
        other => Err(Error::usage(format!("the runner does not know the operation assoc.{other}"))),
    }
}
