//! Steps on the schema, and raw SQL.

use super::{Kept, Scene};
use sequor::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Raw SQL: `rows`, `row`, `affected` or `done`.
pub(super) async fn raw(scene: &mut Scene, step: &Json) -> sequor::Result<Json> {
    let dialect = match scene.db.dialect() {
        Dialect::Postgres => "postgres",
        Dialect::Sqlite => "sqlite",
        Dialect::Mysql | Dialect::Mariadb => "mariadb",
    };
    let sql = &step["sql"];
    let text = sql.as_str().or_else(|| sql[dialect].as_str()).or_else(|| sql["default"].as_str());
    let text = text.ok_or_else(|| Error::usage("the step has no SQL for this database"))?.to_owned();
    let options = scene.options(step);
    let (kind, plain) = (options["type"].as_str().unwrap_or_default().to_ascii_uppercase(), options["plain"] == json!(true));
    let answer = scene.db.query_json(&text, options).await?;
    scene.keep(step, Kept::Nothing);
    Ok(match answer {
        Json::Array(rows) => json!({ "rows": rows }),
        row if plain => json!({ "row": row }),
        Json::Number(count) if kind.contains("UPDATE") => json!({ "affected": count }),
        _ => json!({ "done": true }),
    })
}

/// `drop`, and what the catalog says.
pub(super) async fn catalog(scene: &mut Scene, op: &str, step: &Json) -> sequor::Result<Json> {
    let interface = scene.db.query_interface();
    let table = step["table"].as_str().unwrap_or_default();
    match op {
        "drop" => {
            match step.get("model") {
                Some(_) => scene.model(step)?.drop_table().await?,
                None => scene.db.drop_all().await?,
            }
            Ok(json!({ "done": true }))
        }
        "describeTable" => {
            let columns = interface.describe_table(table).await?.into_iter().map(|(name, column)| {
                let mut kept = Map::new();
                for key in ["type", "allowNull", "primaryKey", "defaultValue"] {
                    if let Some(value) = column.get(key) {
                        kept.insert(key.to_owned(), value.clone());
                    }
                }
                (name, Json::Object(kept))
            });
            Ok(json!({ "columns": columns.collect::<Map<String, Json>>() }))
        }
        "showIndexes" => Ok(json!({ "indexes": interface.show_indexes(table).await? })),
        "listTables" => Ok(json!({ "value": interface.list_tables().await? })),
        _ => Ok(json!({ "value": interface.table_exists(table).await? })),
    }
}

/// What `addIndex` is given: options, or the columns with options behind them.
fn index(first: Json, behind: Json) -> Json {
    match (first, behind) {
        (fields @ Json::Array(_), Json::Object(mut options)) => {
            options.insert("fields".into(), fields);
            Json::Object(options)
        }
        (first, _) => first,
    }
}

/// Migration operations, with the arguments in their places.
pub(super) async fn change(scene: &mut Scene, step: &Json) -> sequor::Result<Json> {
    let interface = scene.db.query_interface();
    let argument = |place: usize| scene.resolve(&step["args"][place]);
    let text = |place: usize| argument(place).as_str().unwrap_or_default().to_owned();
    let table = text(0);
    match step["method"].as_str().unwrap_or_default() {
        "createTable" => interface.create_table_with(&table, argument(1), argument(2)).await?,
        "dropTable" => interface.drop_table(&table).await?,
        "renameTable" => interface.rename_table(&table, &text(1)).await?,
        "addColumn" => interface.add_column(&table, &text(1), argument(2)).await?,
        "removeColumn" => interface.remove_column(&table, &text(1)).await?,
        "changeColumn" => interface.change_column(&table, &text(1), argument(2)).await?,
        "renameColumn" => interface.rename_column(&table, &text(1), &text(2)).await?,
        "addIndex" => interface.add_index(&table, index(argument(1), argument(2))).await?,
        "removeIndex" => interface.remove_index(&table, argument(1)).await?,
        "addConstraint" => interface.add_constraint(&table, argument(1)).await?,
        "removeConstraint" => interface.remove_constraint(&table, &text(1)).await?,
        "bulkInsert" => interface.bulk_insert(&table, argument(1)).await.map(drop)?,
        "bulkUpdate" => interface.bulk_update(&table, argument(1), argument(2)).await.map(drop)?,
        "bulkDelete" => interface.bulk_delete(&table, argument(1)).await.map(drop)?,
        other => return Err(Error::usage(format!("the runner does not know the migration operation {other}"))),
    }
    Ok(json!({ "done": true }))
}
