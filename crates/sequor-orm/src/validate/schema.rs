//! The rules of a model as JSON Schema (draft 2020-12), for forms, clients and OpenAPI.

use super::rules;
use sequor_core::Value;
use sequor_core::schema::{ColumnDef, Default as ColumnDefault, ModelDef, RuleDef};
use sequor_core::types::ColumnType;
use serde_json::{Map, Value as Json, json};

/// What a new row of a model is as JSON: names, types, rules, and which fields must be given. Rules that JSON Schema cannot say are listed by their names
/// under `x-rules`.
///
/// ```
/// use sequor_orm::validate::json_schema;
/// # use sequor_core::schema::ModelDef;
/// # use sequor_orm::model::DefineModel;
/// # use serde_json::json;
/// let definition = json!({ "name": "User", "attributes": { "email": { "type": "STRING", "allowNull": false, "validate": { "isEmail": true } } } });
/// let schema = json_schema(&ModelDef::from_json(definition)?);
/// assert_eq!(schema["properties"]["email"]["format"], "email");
/// assert_eq!(schema["required"], json!(["email"]));
/// # Ok::<(), sequor_core::Error>(())
/// ```
pub fn json_schema(model: &ModelDef) -> Json {
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!(model.name));
    describe(&mut schema);
    for column in &model.columns {
        // The fields of an embedded struct are an object's.
        let path = if column.name.contains('.') { column.json.split('.').collect() } else { vec![column.json.as_ref()] };
        place(&mut schema, &path, property(model, column), must_be_given(model, column));
    }
    Json::Object(schema)
}

/// Makes a schema that of an object without properties, if it is none yet.
fn describe(schema: &mut Map<String, Json>) {
    if !schema.contains_key("type") {
        schema.insert("type".into(), json!("object"));
        schema.insert("properties".into(), json!({}));
        schema.insert("required".into(), json!([]));
        schema.insert("additionalProperties".into(), json!(false));
    }
}

/// Puts a property in its place; an object with a property that must be given must be given.
fn place(schema: &mut Map<String, Json>, path: &[&str], property: Map<String, Json>, must: bool) {
    let [name, rest @ ..] = path else { return };
    if let (true, Some(Json::Array(required))) = (must, schema.get_mut("required"))
        && !required.iter().any(|known| known == name)
    {
        required.push(json!(name));
    }
    let Some(Json::Object(properties)) = schema.get_mut("properties") else { return };
    if rest.is_empty() {
        properties.insert((*name).to_owned(), Json::Object(property));
    } else if let Json::Object(inner) = properties.entry(*name).or_insert_with(|| json!({})) {
        describe(inner);
        place(inner, rest, property, must);
    }
}

fn must_be_given(model: &ModelDef, column: &ColumnDef) -> bool {
    let by_itself = column.nullable
        || column.auto_increment
        || column.managed
        || column.generated.is_some()
        || !matches!(column.default, ColumnDefault::None);
    let stamps = [model.userstamps.0, model.userstamps.1].into_iter().flatten();
    !by_itself && !stamps.map(|position| &model.columns[position].name).any(|name| *name == column.name)
}

fn property(model: &ModelDef, column: &ColumnDef) -> Map<String, Json> {
    let mut schema = typed(&column.ty);
    if column.nullable
        && let Some(Json::String(name)) = schema.get("type").cloned()
    {
        schema.insert("type".into(), json!([name, "null"]));
    }
    if let Some(comment) = &column.comment {
        schema.insert("description".into(), json!(comment));
    }
    if column.hidden {
        schema.insert("writeOnly".into(), json!(true));
    }
    if column.managed || column.generated.is_some() || column.auto_increment {
        schema.insert("readOnly".into(), json!(true));
    }
    if let ColumnDefault::Value(value) = &column.default
        && !column.sensitive
    {
        schema.insert("default".into(), value.to_json());
    }
    for rule in &column.rules {
        add(&mut schema, rule);
    }
    let _ = model;
    schema
}

fn typed(ty: &ColumnType) -> Map<String, Json> {
    let named = |name: &str| Map::from_iter([("type".to_owned(), json!(name))]);
    let formatted = |format: &str| Map::from_iter([("type".to_owned(), json!("string")), ("format".to_owned(), json!(format))]);
    match ty {
        ColumnType::Bool => named("boolean"),
        ColumnType::Decimal(_) => {
            Map::from_iter([("type".to_owned(), json!("string")), ("pattern".to_owned(), json!("^-?[0-9]+(\\.[0-9]+)?$"))])
        }
        ColumnType::Uuid => formatted("uuid"),
        ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) => formatted("date-time"),
        ColumnType::Date => formatted("date"),
        ColumnType::Time => formatted("time"),
        ColumnType::Enum(def) => {
            let labels: Vec<&str> = def.labels.iter().map(AsRef::as_ref).collect();
            Map::from_iter([("type".to_owned(), json!("string")), ("enum".to_owned(), json!(labels))])
        }
        ColumnType::VarChar(most) | ColumnType::Char(most) => {
            Map::from_iter([("type".to_owned(), json!("string")), ("maxLength".to_owned(), json!(most))])
        }
        ColumnType::Array(element) => {
            Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), Json::Object(typed(element)))])
        }
        ColumnType::Json(_) | ColumnType::Bytes => Map::new(),
        ty if ty.is_integer() => {
            let mut schema = named("integer");
            if let Some((low, high)) =
                ty.integer_bounds().and_then(|(low, high)| Some((i64::try_from(low).ok()?, u64::try_from(high).ok()?)))
            {
                schema.insert("minimum".into(), json!(low));
                schema.insert("maximum".into(), json!(high));
            }
            schema
        }
        ty if ty.is_numeric() => named("number"),
        ty if ty.is_text() => named("string"),
        _ => Map::new(),
    }
}

/// Adds a rule; what JSON Schema has no word for goes under `x-rules`.
fn add(schema: &mut Map<String, Json>, rule: &RuleDef) {
    let said = if rule.custom.is_some() { None } else { said(rule) };
    let Some(words) = said else {
        let list = schema.entry("x-rules").or_insert_with(|| json!([]));
        if let Json::Array(list) = list {
            let known = rules::find(&rule.key).filter(|_| rule.custom.is_none());
            list.push(json!(known.map_or(rule.key.as_ref(), |rule| rule.key)));
        }
        return;
    };
    for (word, value) in words {
        // Two rules that use the same word hold together.
        match schema.get(word) {
            Some(known) if *known != value && !matches!(word, "minimum" | "maximum" | "maxLength") => {
                let all = schema.entry("allOf").or_insert_with(|| json!([]));
                if let Json::Array(all) = all {
                    all.push(json!({ word: value }));
                }
            }
            _ => {
                schema.insert(word.to_owned(), value);
            }
        }
    }
}

fn said(rule: &RuleDef) -> Option<Vec<(&'static str, Json)>> {
    let key = rules::find(&rule.key)?.key;
    let arg = |place: usize| rule.args.get(place).map(Value::to_json).filter(|value| !value.is_null());
    let named = |name: &str| arg(0).and_then(|document| document.get(name).cloned());
    let pairs = |pairs: Vec<Option<(&'static str, Json)>>| -> Vec<(&'static str, Json)> { pairs.into_iter().flatten().collect() };
    let plain = rule.args.is_empty();
    Some(match key {
        "isEmail" => vec![("format", json!("email"))],
        "isUrl" | "isURL" => vec![("format", json!("uri"))],
        "isUUID" => vec![("format", json!("uuid"))],
        "isIPv4" => vec![("format", json!("ipv4"))],
        "isIPv6" => vec![("format", json!("ipv6"))],
        "isFQDN" => vec![("format", json!("hostname"))],
        "isIP" => vec![("anyOf", json!([{ "format": "ipv4" }, { "format": "ipv6" }]))],
        "isDate" => vec![("format", json!("date-time"))],
        "len" => pairs(vec![arg(0).map(|least| ("minLength", least)), arg(1).map(|most| ("maxLength", most))]),
        "notEmpty" => vec![("pattern", json!("\\S"))],
        "min" => vec![("minimum", arg(0)?)],
        "max" => vec![("maximum", arg(0)?)],
        "isInt" | "isFloat" => pairs(vec![named("min").map(|min| ("minimum", min)), named("max").map(|max| ("maximum", max))]),
        "isIn" => vec![("enum", items(rule))],
        "notIn" => vec![("not", json!({ "enum": items(rule) }))],
        "equals" => vec![("const", arg(0)?)],
        "contains" => vec![("pattern", json!(escaped(arg(0)?.as_str()?)))],
        "notContains" => vec![("not", json!({ "pattern": escaped(arg(0)?.as_str()?) }))],
        "is" | "matches" | "regex" if arg(1).is_none() => vec![("pattern", arg(0)?)],
        "not" | "notRegex" if arg(1).is_none() => vec![("not", json!({ "pattern": arg(0)? }))],
        "isAlpha" if plain => vec![("pattern", json!("^[A-Za-z]+$"))],
        "isAlphanumeric" if plain => vec![("pattern", json!("^[0-9A-Za-z]+$"))],
        "isHexadecimal" => vec![("pattern", json!("^(0x|0h)?[0-9A-Fa-f]+$"))],
        "isNumeric" if plain => vec![("pattern", json!("^[+-]?([0-9]*[.])?[0-9]+$"))],
        "notNull" => Vec::new(),
        _ => return None,
    })
}

fn items(rule: &RuleDef) -> Json {
    match rule.args.as_slice() {
        [Value::Array(values)] => Json::Array(values.iter().map(Value::to_json).collect()),
        [Value::Json(json)] if json.is_array() => (**json).clone(),
        several => Json::Array(several.iter().map(Value::to_json).collect()),
    }
}

/// A text as a regular expression that finds it.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|letter| "\\^$.|?*+()[]{}/".contains(letter).then_some('\\').into_iter().chain([letter])).collect()
}
