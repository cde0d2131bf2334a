//! Scenarios are a closed format: a key, operation or option that the runner does not know is a failure, never skipped.

use serde_json::Value as Json;

const SCENARIO: &[&str] = &[
    "name",
    "area",
    "about",
    "dialects",
    "models",
    "associations",
    "sync",
    "sequelize",
    "seed",
    "keepTimestamps",
    "steps",
    "expect",
    "expectByDialect",
    "deviation",
];
const MODEL: &[&str] = &["name", "attributes", "options", "hooks"];
const ASSOCIATION: &[&str] = &[
    "type",
    "source",
    "target",
    "as",
    "foreignKey",
    "otherKey",
    "sourceKey",
    "targetKey",
    "through",
    "scope",
    "constraints",
    "onDelete",
    "onUpdate",
    "hooks",
    "uniqueKey",
    "timestamps",
];
const SEED: &[&str] = &["model", "rows", "options"];
const DEVIATION: &[&str] = &["step", "dialects", "why", "better"];

/// Keys that any step may have.
const STEP: &[&str] = &[
    "op",
    "as",
    "options",
    "scope",
    "unscoped",
    "outside",
    "catch",
    "compareOrder",
    "hookOrder",
    "keepTimestamps",
    "model",
    "on",
    "association",
];

const OPTIONS: &[&str] = &[
    "where",
    "having",
    "attributes",
    "order",
    "group",
    "include",
    "limit",
    "offset",
    "raw",
    "paranoid",
    "distinct",
    "col",
    "fields",
    "returning",
    "validate",
    "hooks",
    "individualHooks",
    "ignoreDuplicates",
    "updateOnDuplicate",
    "conflictAttributes",
    "conflictFields",
    "force",
    "silent",
    "by",
    "defaults",
    "rejectOnEmpty",
    "subQuery",
    "isolationLevel",
    "lock",
    "skipLocked",
    "truncate",
    "restartIdentity",
    "cascade",
    "plain",
    "nest",
    "dataType",
    "joinTableAttributes",
    "save",
    "alter",
    "through",
    "scope",
    "replacements",
    "bind",
    "type",
    "model",
    "on",
    "required",
    "separate",
];

/// The keys of each operation beside those of every step.
fn operation(op: &str) -> Option<&'static [&'static str]> {
    Some(match op {
        "findAll" | "findOne" | "findAndCountAll" | "count" | "findOrCreate" | "findOrBuild" | "findCreateFind" | "destroy" | "restore"
        | "truncate" | "sync" | "drop" | "listTables" => &[],
        "findByPk" => &["pk"],
        "sum" | "min" | "max" => &["field"],
        "aggregate" => &["field", "fn"],
        "create" | "build" | "bulkBuild" | "bulkCreate" | "upsert" | "validate" | "update" => &["values"],
        "increment" | "decrement" | "instance.increment" | "instance.decrement" => &["fields"],
        "instance.save" => &["set"],
        "instance.set" | "instance.update" => &["values"],
        "instance.reload"
        | "instance.restore"
        | "instance.get"
        | "instance.destroy"
        | "instance.validate"
        | "instance.isNewRecord"
        | "instance.isSoftDeleted" => &[],
        "instance.changed" | "instance.previous" | "instance.getField" => &["field"],
        "instance.equals" => &["other"],
        "assoc.get" | "assoc.count" => &[],
        "assoc.create" => &["values"],
        "assoc.add" | "assoc.set" | "assoc.remove" | "assoc.has" => &["target"],
        "transaction" => &["steps", "end"],
        "parallel" => &["steps"],
        "raw" => &["sql"],
        "define" => &["definition", "associations"],
        "describeTable" | "showIndexes" | "tableExists" => &["table"],
        "queryInterface" => &["method", "args"],
        _ => return None,
    })
}

fn keys(json: &Json, place: &str, known: &[&[&str]]) -> Result<(), String> {
    for key in json.as_object().into_iter().flat_map(|map| map.keys()) {
        if !known.iter().any(|list| list.contains(&key.as_str())) {
            return Err(format!("{place} has the key {key}, which the runner does not know"));
        }
    }
    Ok(())
}

fn each<'a>(json: &'a Json, key: &str) -> impl Iterator<Item = (usize, &'a Json)> {
    json[key].as_array().into_iter().flatten().enumerate()
}

fn steps(json: &Json, place: &str) -> Result<(), String> {
    for (number, step) in each(json, "steps") {
        let place = format!("{place}.steps[{number}]");
        let op = step["op"].as_str().ok_or_else(|| format!("{place} has no op"))?;
        let own = operation(op).ok_or_else(|| format!("{place} has the op {op}, which the runner does not know"))?;
        keys(step, &place, &[STEP, own])?;
        keys(&step["options"], &format!("{place}.options"), &[OPTIONS])?;
        steps(step, &place)?;
    }
    Ok(())
}

/// Whether the runner knows everything in a scenario.
pub fn scenario(json: &Json) -> Result<(), String> {
    keys(json, "the scenario", &[SCENARIO])?;
    for (key, known) in [("models", MODEL), ("associations", ASSOCIATION), ("seed", SEED), ("deviation", DEVIATION)] {
        for (number, item) in each(json, key) {
            keys(item, &format!("{key}[{number}]"), &[known])?;
        }
    }
    steps(json, "scenario")?;
    let (steps, answers) = (each(json, "steps").count(), each(json, "expect").count());
    if steps == answers { Ok(()) } else { Err(format!("{steps} steps have {answers} recorded answers")) }
}

#[cfg(test)]
mod tests {
    use super::scenario;
    use serde_json::json;

    #[test]
    fn what_is_not_known_fails() {
        let plain = json!({ "name": "n", "area": "a", "steps": [{ "op": "count", "model": "M", "options": { "where": {} } }], "expect": [{ "value": 0 }] });
        assert_eq!(scenario(&plain), Ok(()));
        let mut other = plain.clone();
        other["wished"] = json!(1);
        assert!(scenario(&other).is_err_and(|why| why.contains("wished")));
        let mut other = plain.clone();
        other["steps"][0]["op"] = json!("guess");
        assert!(scenario(&other).is_err_and(|why| why.contains("the op guess")));
        let mut other = plain.clone();
        other["steps"][0]["options"]["limitt"] = json!(1);
        assert!(scenario(&other).is_err_and(|why| why.contains("limitt")));
        let mut other = plain;
        other["expect"] = json!([]);
        assert!(scenario(&other).is_err());
    }
}
