//! [`QueryInterface`]: changes of the schema and plain writes, in the words of Sequelize's `queryInterface`.

mod change;
mod describe;
mod raw;
mod reflect;
mod rows;

use crate::db::Db;
use crate::model::DefineModel;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, TableDef, TableName};
use serde_json::{Map, Value as Json, json};
use std::panic::Location;

/// Migration operations by name, with definitions in Sequelize's spelling: what its migrations do through `queryInterface`.
///
/// ```
/// use sequor::prelude::*;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let schema = db.query_interface();
/// let id = json!({ "type": "INTEGER", "primaryKey": true, "autoIncrement": true });
/// schema.create_table("pets", json!({ "id": id, "name": { "type": "STRING(20)" } })).await?;
/// schema.add_column("pets", "age", json!({ "type": "INTEGER", "defaultValue": 1 })).await?;
/// schema.bulk_insert("pets", json!([{ "name": "Rex" }])).await?;
/// assert_eq!(schema.list_tables().await?, ["pets"]);
/// assert_eq!(schema.describe_table("pets").await?["age"]["allowNull"], true);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct QueryInterface {
    db: Db,
    site: &'static Location<'static>,
}

impl Db {
    /// Migration operations. Sequelize: `sequelize.getQueryInterface()`.
    #[track_caller]
    pub fn query_interface(&self) -> QueryInterface {
        QueryInterface { db: self.clone(), site: Location::caller() }
    }
}

fn table_name(name: &str) -> Result<TableName> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::usage("a table needs a name"));
    }
    Ok(TableName::new(name.to_owned()))
}

/// A model that stands for a bare table: the columns as they are given, nothing managed.
fn model(table: &str, columns: Json) -> Result<ModelDef> {
    let Json::Object(columns) = columns else {
        return Err(Error::usage(format!("the columns of {} are an object of definitions", table.escape_debug())));
    };
    let options = json!({ "tableName": table, "timestamps": false, "noPrimaryKey": true });
    ModelDef::from_json(json!({ "name": table, "attributes": Json::Object(columns), "options": options }))
}

/// The table of one column's definition, for its type, default and keys.
fn column_table(table: &str, column: &str, definition: Json) -> Result<TableDef> {
    let mut columns = Map::new();
    columns.insert(column.to_owned(), definition);
    let model = std::sync::Arc::new(model(table, Json::Object(columns))?);
    let tables = sequor_core::schema::tables(std::slice::from_ref(&model), &())?;
    tables.into_iter().next().ok_or_else(|| Error::bug("a model without a table"))
}
