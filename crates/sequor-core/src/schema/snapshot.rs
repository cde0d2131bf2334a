//! [`Schema`] as JSON and back: the snapshot file, written so that its changes read well in version control.

mod types;

use super::{
    Action, CheckDef, Default, ForeignKeyDef, Generated, IndexDef, IndexPart, Nulls, OpaqueDef, OpaqueKind, Schema, SortDirection,
    TableColumn, TableDef, TableName, ViewDef,
};
use crate::Name;
use crate::error::{Error, Result};
use crate::types::{EnumDef, value_from_json};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use types::{parse_type, type_text};

/// The version of the file's form.
const VERSION: u64 = 1;

impl Schema {
    /// The description as JSON: tables by name, columns in order, nothing that is as usual.
    pub fn to_json(&self) -> Json {
        let mut tables: Vec<&TableDef> = self.tables.iter().collect();
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        let mut known: Vec<_> = self.enums.iter().filter(|one| !one.name.is_empty()).cloned().collect();
        known.sort_by(|one, other| one.name.cmp(&other.name));
        let tables: Map<String, Json> = tables.into_iter().map(|table| (table.name.to_string(), table_json(table))).collect();
        let mut whole = Map::new();
        whole.insert("version".into(), VERSION.into());
        if !known.is_empty() {
            whole.insert("enums".into(), Json::Object(known.iter().map(|one| (one.name.to_string(), json!(one.labels))).collect()));
        }
        whole.insert("tables".into(), Json::Object(tables));
        if !self.views.is_empty() {
            let views = self.views.iter().map(|view| {
                let kept = view.kept.as_ref().map(|indexes| json!({ "kept": view.query, "indexes": indexes }));
                (view.name.to_string(), kept.unwrap_or_else(|| json!(view.query)))
            });
            whole.insert("views".into(), Json::Object(views.collect()));
        }
        if !self.others.is_empty() {
            let other = |one: &OpaqueDef| {
                let mut map = Map::from_iter([("kind".to_owned(), json!(one.kind.word())), ("name".to_owned(), json!(one.name))]);
                put(&mut map, "table", one.table.as_ref().map(|table| json!(table)));
                map.insert("text".into(), json!(one.text));
                Json::Object(map)
            };
            whole.insert("others".into(), self.others.iter().map(other).collect());
        }
        Json::Object(whole)
    }

    /// Reads what [`Schema::to_json`] wrote.
    ///
    /// # Errors
    /// `Migration` that says what is wrong where.
    pub fn from_json(json: &Json) -> Result<Schema> {
        if json["version"].as_u64() != Some(VERSION) {
            return Err(Error::migration(format!("the snapshot has version {}; this Sequor reads version {VERSION}", json["version"])));
        }
        let enums = entries(&json["enums"])
            .map(|(name, labels)| Arc::new(EnumDef { name: name.clone().into(), labels: names(labels) }))
            .collect::<Vec<_>>();
        let tables = entries(&json["tables"])
            .map(|(name, table)| read_table(name, table, &enums).map_err(|error| wrong(&format!("table {name}: {error}"))))
            .collect::<Result<_>>()?;
        let views = entries(&json["views"]).map(|(name, view)| ViewDef {
            name: table_name(name),
            query: owned(view.as_str().or_else(|| view["kept"].as_str()).unwrap_or_default()),
            kept: view.is_object().then(|| names(&view["indexes"])),
        });
        let others = json["others"].as_array().into_iter().flatten().map(|one| {
            let kind = one["kind"].as_str().and_then(OpaqueKind::parse).ok_or_else(|| wrong("an entry of others has no kind"))?;
            Ok(OpaqueDef {
                kind,
                name: text(one, "name").unwrap_or_default(),
                table: text(one, "table"),
                text: text(one, "text").unwrap_or_default(),
            })
        });
        Ok(Schema { tables, views: views.collect(), others: others.collect::<Result<_>>()?, enums }.arranged())
    }
}

#[cold]
fn wrong(what: &str) -> Error {
    Error::migration(format!("the snapshot cannot be read: {what}"))
}

fn owned(text: &str) -> Name {
    Name::Owned(text.to_owned())
}

fn entries(json: &Json) -> impl Iterator<Item = (&String, &Json)> {
    json.as_object().into_iter().flatten()
}

fn names(json: &Json) -> Vec<Name> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).map(owned).collect()
}

fn text(json: &Json, key: &str) -> Option<Name> {
    json[key].as_str().map(owned)
}

fn flag(json: &Json, key: &str) -> bool {
    json[key].as_bool().unwrap_or(false)
}

fn put(map: &mut Map<String, Json>, key: &str, value: Option<Json>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value);
    }
}

fn put_flag(map: &mut Map<String, Json>, key: &str, value: bool) {
    put(map, key, value.then_some(Json::Bool(true)));
}

fn put_text(map: &mut Map<String, Json>, key: &str, value: Option<&Name>) {
    put(map, key, value.map(|value| json!(value)));
}

fn table_name(text: &str) -> TableName {
    match text.split_once('.') {
        Some((schema, name)) => TableName { schema: Some(owned(schema)), name: owned(name) },
        None => TableName::new(text.to_owned()),
    }
}

fn table_json(table: &TableDef) -> Json {
    let mut map = Map::new();
    put_text(&mut map, "comment", table.comment.as_ref());
    put_text(&mut map, "options", table.options.as_ref());
    let columns = table.columns.iter().map(|column| (column.name.to_string(), column_json(column)));
    map.insert("columns".into(), Json::Object(columns.collect()));
    map.insert("primary_key".into(), json!(table.primary_key));
    let some = |list: Vec<Json>| (!list.is_empty()).then_some(Json::Array(list));
    put(&mut map, "indexes", some(table.indexes.iter().map(|index| index_json(index, &table.name)).collect()));
    put(&mut map, "foreign_keys", some(table.foreign_keys.iter().map(|key| key_json(key, &table.name)).collect()));
    let checks: Map<String, Json> = table.checks.iter().map(|check| (check.name.to_string(), json!(check.expression))).collect();
    put(&mut map, "checks", (!checks.is_empty()).then_some(Json::Object(checks)));
    Json::Object(map)
}

fn column_json(column: &TableColumn) -> Json {
    let mut map = Map::from_iter([("type".to_owned(), Json::String(type_text(&column.ty)))]);
    put_text(&mut map, "db_type", column.db_type.as_ref());
    put_flag(&mut map, "nullable", column.nullable);
    put_flag(&mut map, "auto_increment", column.auto_increment);
    match &column.default {
        Default::Value(value) => put(&mut map, "default", Some(value.to_json())),
        Default::Db(sql) => put(&mut map, "db_default", Some(json!(sql))),
        Default::Generator(super::Generator::Now) => put(&mut map, "fill", Some(json!("now"))),
        Default::None | Default::Generator(_) | Default::Function(_) => {}
    }
    if let Some(generated) = &column.generated {
        map.insert("generated".into(), json!(generated.expression));
        put_flag(&mut map, "stored", generated.stored);
    }
    put_text(&mut map, "check", column.check.as_ref());
    put_text(&mut map, "extra", column.extra.as_ref());
    put_text(&mut map, "comment", column.comment.as_ref());
    Json::Object(map)
}

fn index_json(index: &IndexDef, table: &TableName) -> Json {
    let mut map = Map::from_iter([("name".to_owned(), json!(index.name_in(table)))]);
    map.insert("on".into(), index.parts.iter().map(part_json).collect());
    put_flag(&mut map, "unique", index.unique);
    put_flag(&mut map, "constraint", index.constraint);
    put_text(&mut map, "filter", index.filter.as_ref());
    put_text(&mut map, "method", index.method.as_ref());
    put(&mut map, "include", (!index.include.is_empty()).then(|| json!(index.include)));
    put_flag(&mut map, "live_only", index.live_only);
    put_flag(&mut map, "concurrently", index.concurrently);
    put_text(&mut map, "language", index.language.as_ref());
    put_text(&mut map, "extra", index.extra.as_ref());
    Json::Object(map)
}

/// A plain part is its column's name.
fn part_json(part: &IndexPart) -> Json {
    if let Some(column) = &part.column
        && *part == (IndexPart { column: Some(column.clone()), ..IndexPart::default() })
    {
        return json!(column);
    }
    let mut map = Map::new();
    put_text(&mut map, "column", part.column.as_ref());
    put_text(&mut map, "expression", part.expression.as_ref());
    put(&mut map, "direction", part.direction.map(|direction| json!(if direction == SortDirection::Descending { "desc" } else { "asc" })));
    put(&mut map, "length", part.length.map(|length| json!(length)));
    put_text(&mut map, "operator_class", part.operator_class.as_ref());
    put_text(&mut map, "collation", part.collation.as_ref());
    put(&mut map, "nulls", part.nulls.map(|nulls| json!(if nulls == Nulls::First { "first" } else { "last" })));
    Json::Object(map)
}

fn key_json(key: &ForeignKeyDef, table: &TableName) -> Json {
    let mut map = Map::from_iter([("name".to_owned(), json!(key.name_in(table)))]);
    map.insert("columns".into(), json!(key.columns));
    map.insert("table".into(), json!(key.table.to_string()));
    map.insert("target".into(), json!(key.target));
    put(&mut map, "on_delete", key.on_delete.map(|action| json!(action.as_sql())));
    put(&mut map, "on_update", key.on_update.map(|action| json!(action.as_sql())));
    put(&mut map, "deferrable", key.deferrable.map(|deferred| json!(if deferred { "deferred" } else { "immediate" })));
    Json::Object(map)
}

fn read_table(name: &str, json: &Json, enums: &[Arc<EnumDef>]) -> Result<TableDef> {
    let mut table = TableDef::new(table_name(name));
    table.comment = text(json, "comment");
    table.options = text(json, "options");
    for (name, column) in entries(&json["columns"]) {
        table.columns.push(read_column(name, column, enums).map_err(|error| wrong(&format!("column {name}: {error}")))?);
    }
    table.primary_key = names(&json["primary_key"]);
    table.indexes = json["indexes"].as_array().into_iter().flatten().map(read_index).collect();
    table.foreign_keys = json["foreign_keys"].as_array().into_iter().flatten().map(read_key).collect();
    table.checks = entries(&json["checks"])
        .map(|(name, expression)| CheckDef { name: name.clone().into(), expression: owned(expression.as_str().unwrap_or_default()) })
        .collect();
    Ok(table)
}

fn read_column(name: &str, json: &Json, enums: &[Arc<EnumDef>]) -> Result<TableColumn> {
    let mut column = TableColumn::new(name.to_owned(), parse_type(json["type"].as_str().unwrap_or_default(), enums)?);
    column.db_type = text(json, "db_type");
    column.nullable = flag(json, "nullable");
    column.auto_increment = flag(json, "auto_increment");
    if let Some(sql) = text(json, "db_default") {
        column.default = Default::Db(sql);
    } else if let Some(value) = json.get("default") {
        column.default = Default::Value(value_from_json(&column.ty, value.clone())?);
    } else if json["fill"] == "now" {
        column.default = Default::Generator(super::Generator::Now);
    }
    column.generated = text(json, "generated").map(|expression| Generated { expression, stored: flag(json, "stored") });
    column.check = text(json, "check");
    column.extra = text(json, "extra");
    column.comment = text(json, "comment");
    Ok(column)
}

fn read_index(json: &Json) -> IndexDef {
    let part = |json: &Json| match json.as_str() {
        Some(column) => IndexPart { column: Some(owned(column)), ..IndexPart::default() },
        None => IndexPart {
            column: text(json, "column"),
            expression: text(json, "expression"),
            direction: json["direction"]
                .as_str()
                .map(|word| if word == "desc" { SortDirection::Descending } else { SortDirection::Ascending }),
            length: json["length"].as_u64().and_then(|length| u32::try_from(length).ok()),
            operator_class: text(json, "operator_class"),
            collation: text(json, "collation"),
            nulls: json["nulls"].as_str().map(|word| if word == "first" { Nulls::First } else { Nulls::Last }),
        },
    };
    IndexDef {
        name: text(json, "name"),
        parts: json["on"].as_array().into_iter().flatten().map(part).collect(),
        unique: flag(json, "unique"),
        constraint: flag(json, "constraint"),
        filter: text(json, "filter"),
        method: text(json, "method"),
        include: names(&json["include"]),
        live_only: flag(json, "live_only"),
        concurrently: flag(json, "concurrently"),
        message: None,
        language: text(json, "language"),
        extra: text(json, "extra"),
    }
}

fn read_key(json: &Json) -> ForeignKeyDef {
    let action = |key: &str| json[key].as_str().and_then(Action::parse);
    ForeignKeyDef {
        name: text(json, "name"),
        columns: names(&json["columns"]),
        table: table_name(json["table"].as_str().unwrap_or_default()),
        target: names(&json["target"]),
        on_delete: action("on_delete"),
        on_update: action("on_update"),
        deferrable: json["deferrable"].as_str().map(|word| word == "deferred"),
    }
}
