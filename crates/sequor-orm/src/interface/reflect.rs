//! Models from live tables: `db.reflect("table")`.

use super::QueryInterface;
use crate::db::Db;
use crate::model::RuntimeModel;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use serde_json::{Map, Value as Json, json};
use std::panic::Location;

impl Db {
    /// A model of a table that is there: its columns by their own names, nothing managed. Sequelize: what `sequelize-auto` generates.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let users = db.reflect("users").await?;
    /// let rows = users.find_all(json!({ "where": { "age": { "$gt": 18 } } })).exec(&db).await?;
    /// assert_eq!(rows[0].get("name")?, "Ann");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when there is no such table; those of the database.
    #[track_caller]
    pub fn reflect(&self, table: &str) -> impl Future<Output = Result<RuntimeModel>> + Send + use<> {
        let (db, table, site) = (self.clone(), table.to_owned(), Location::caller());
        async move {
            let def = reflected(&QueryInterface { db: db.clone(), site }, &table).await?;
            db.define(def)
        }
    }

    pub(super) async fn reflect_def(&self, table: &str) -> Result<ModelDef> {
        reflected(&QueryInterface { db: self.clone(), site: Location::caller() }, table).await
    }
}

async fn reflected(interface: &QueryInterface, table: &str) -> Result<ModelDef> {
    let (mut attributes, mut defaults) = (Map::new(), Vec::new());
    for (name, column) in interface.describe_table(table).await? {
        let flag = |key: &str| column.get(key).and_then(Json::as_bool).unwrap_or(false);
        let labels = column.get("values").and_then(Json::as_array);
        let ty = type_of(column.get("type").and_then(Json::as_str).unwrap_or_default(), labels);
        if let Some(default) = column.get("defaultValue") {
            defaults.push((name.clone(), default.to_string()));
        }
        let (key, counted) = (flag("primaryKey"), flag("autoIncrement"));
        attributes.insert(name, json!({ "type": ty, "allowNull": flag("allowNull") || key, "primaryKey": key, "autoIncrement": counted }));
    }
    let mut model = super::model(table, Json::Object(attributes))?;
    for (name, text) in defaults {
        if let Some(position) = model.position(&name) {
            model.columns[position].default = sequor_core::schema::Default::Db(text.into());
        }
    }
    model.indexes = interface.table(table).await?.indexes;
    Ok(model)
}

/// Sequelize's type for the server's spelling; what has none is text.
fn type_of(ty: &str, labels: Option<&Vec<Json>>) -> String {
    if let Some(labels) = labels {
        let quoted: Vec<String> = labels.iter().filter_map(Json::as_str).map(|label| format!("'{}'", label.replace('\'', "''"))).collect();
        return format!("ENUM({})", quoted.join(","));
    }
    if ty.starts_with("ENUM(") {
        return ty.to_owned();
    }
    let (name, inside) =
        ty.split_once('(').map_or((ty, None), |(name, rest)| (name.trim(), rest.split_once(')').map(|(inside, _)| inside)));
    let sized = |name: &str| inside.map_or_else(|| name.to_owned(), |inside| format!("{name}({inside})"));
    match name {
        "CHARACTER VARYING" | "VARCHAR" => sized("STRING"),
        "CHARACTER" | "CHAR" => sized("CHAR"),
        "TINYINT" if inside == Some("1") => "BOOLEAN".into(),
        "BOOLEAN" | "BOOL" => "BOOLEAN".into(),
        "TINYINT" => "TINYINT".into(),
        "SMALLINT" => "SMALLINT".into(),
        "INT" | "MEDIUMINT" => "INTEGER".into(),
        // SQLite's INTEGER holds 64 bits; PostgreSQL checks the range of its own.
        "INTEGER" | "BIGINT" => "BIGINT".into(),
        "NUMERIC" | "DECIMAL" => sized("DECIMAL"),
        "DOUBLE PRECISION" | "DOUBLE" => "DOUBLE".into(),
        "REAL" | "FLOAT" => "FLOAT".into(),
        "DATE" => "DATEONLY".into(),
        "TIME" | "TIME WITHOUT TIME ZONE" => "TIME".into(),
        "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP WITHOUT TIME ZONE" | "TIMESTAMP" | "DATETIME" => "DATE".into(),
        "UUID" => "UUID".into(),
        "JSON" => "JSON".into(),
        "JSONB" => "JSONB".into(),
        "BYTEA" | "BLOB" | "LONGBLOB" | "MEDIUMBLOB" | "VARBINARY" => "BLOB".into(),
        _ => "TEXT".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::type_of;

    #[test]
    fn spellings_of_three_servers_are_known() {
        for (given, made) in [
            ("CHARACTER VARYING(20)", "STRING(20)"),
            ("INT(11)", "INTEGER"),
            ("TINYINT(1)", "BOOLEAN"),
            ("DECIMAL(8,2)", "DECIMAL(8,2)"),
            ("TIMESTAMP WITH TIME ZONE", "DATE"),
            ("DATETIME(6)", "DATE"),
            ("ENUM('a','b')", "ENUM('a','b')"),
            ("POLYGON", "TEXT"),
        ] {
            assert_eq!(type_of(given, None), made);
        }
    }
}
