//! The JSON Schema of the query language, made of the lists that the reader itself knows.

use super::{IGNORED, KNOWN, condition, include};
use serde_json::{Map, Value as Json, json};

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn list_of(item: Json) -> Json {
    json!({ "type": "array", "items": item })
}

/// What stands behind an operator.
fn operand(operator: &str) -> Json {
    match operator {
        "$and" | "$or" | "$not" => json!({ "anyOf": [reference("operators"), list_of(reference("operand")), reference("value")] }),
        "$in" | "$notIn" | "$any" | "$all" => list_of(reference("value")),
        "$between" | "$notBetween" => json!({ "type": "array", "items": reference("value"), "minItems": 2, "maxItems": 2 }),
        "$is" | "$isNot" => json!({ "enum": [null, true, false] }),
        "$col" => json!({ "type": "string" }),
        _ => reference("value"),
    }
}

fn option(key: &str) -> Json {
    match key {
        "where" | "having" | "on" => reference("where"),
        "attributes" => reference("attributes"),
        "include" => json!({ "anyOf": [reference("include"), list_of(reference("include"))] }),
        "order" => json!({ "anyOf": [list_of(reference("order")), reference("expression")] }),
        "group" => json!({ "anyOf": [{ "type": "string" }, list_of(json!({ "anyOf": [{ "type": "string" }, reference("expression")] }))] }),
        "limit" | "offset" => json!({ "type": ["integer", "string", "null"], "minimum": 0, "pattern": "^[0-9]+$" }),
        "association" | "model" | "as" => json!({ "type": "string" }),
        "required" | "separate" | "distinct" | "paranoid" | "skipLocked" => json!({ "type": "boolean" }),
        _ => json!(true),
    }
}

fn object<'a>(keys: impl Iterator<Item = &'a &'a str>) -> Json {
    let properties: Map<String, Json> = keys.map(|key| ((*key).to_owned(), option(key))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// The JSON Schema (draft 2020-12) of Sequelize's options object as Sequor reads it: which keys, operators and forms there are. Names of attributes and
/// associations are those of a model, so the schema leaves them open; the reader does not.
///
/// ```
/// let schema = sequor::query_language_schema();
/// assert_eq!(schema["$defs"]["include"]["anyOf"][0]["type"], "string");
/// ```
pub fn query_language_schema() -> Json {
    let operators: Map<String, Json> = condition::OPERATORS.iter().map(|operator| ((*operator).to_owned(), operand(operator))).collect();
    let mut schema = object(KNOWN.iter().chain(IGNORED));
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sequor's JSON query language",
        "$defs": {
            "where": { "anyOf": [list_of(reference("where")), {
                "type": "object",
                "properties": { "$and": reference("group"), "$or": reference("group"), "$not": reference("group"), "$expr": reference("expression"), "$cond": reference("operand") },
                "patternProperties": { "^[^$]": reference("operand"), "^\\$.+\\$$": reference("operand") },
                "additionalProperties": false
            }] },
            "group": { "anyOf": [reference("where"), list_of(reference("where"))] },
            "operand": { "anyOf": [reference("value"), reference("operators"), list_of(reference("value"))] },
            "operators": { "type": "object", "properties": operators, "additionalProperties": false, "minProperties": 1 },
            "value": true,
            "expression": { "type": "object", "properties": {
                "fn": { "type": "string" }, "$fn": { "type": "string" }, "args": { "type": "array" }, "col": { "type": "string" }, "$col": { "type": "string" },
                "cast": true, "$cast": true, "type": { "type": "string" }, "as": { "type": "string" }
            }, "additionalProperties": false },
            "attribute": { "anyOf": [{ "type": "string" }, reference("expression"), {
                "type": "array", "prefixItems": [{ "anyOf": [{ "type": "string" }, reference("expression")] }, { "type": "string" }], "minItems": 2, "maxItems": 2
            }] },
            "attributes": { "anyOf": [list_of(reference("attribute")), { "type": "object", "properties": {
                "include": list_of(reference("attribute")), "exclude": list_of(json!({ "type": "string" }))
            }, "additionalProperties": false }] },
            "order": { "anyOf": [{ "type": "string" }, reference("expression"), { "type": "array", "minItems": 1 }] },
            "include": { "anyOf": [{ "type": "string" }, object(include::KNOWN.iter())] }
        }
    });
    if let (Json::Object(schema), Json::Object(root)) = (&mut schema, root) {
        schema.extend(root);
    }
    schema
}
