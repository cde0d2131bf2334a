//! What is in the database: tables, columns, indexes.

use super::QueryInterface;
use crate::catalog::{Scope, read, tables_for};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{Default as ColumnDefault, IndexPart, SortDirection, TableDef, Ways};
use sequor_core::types::ColumnType;
use sequor_sql::catalog::{described_default, described_type, same_table, stored_name};
use serde_json::{Map, Value as Json, json};

impl QueryInterface {
    /// The names of all tables, sorted. Sequelize: `showAllTables()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// assert_eq!(schema.list_tables().await?, ["pets"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_tables(&self) -> Result<Vec<String>> {
        let found = tables_for(&self.db, &[], self.site).await?;
        let mut names: Vec<String> = found.into_iter().map(|name| name.name.into_owned()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Whether there is a table of this name. Sequelize: `tableExists(name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// assert!(schema.table_exists("pets").await? && !schema.table_exists("toys").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn table_exists(&self, table: &str) -> Result<bool> {
        Ok(self.list_tables().await?.iter().any(|known| known == table))
    }

    /// A table as it is. Types and defaults keep the server's spelling.
    pub(super) async fn table(&self, table: &str) -> Result<TableDef> {
        if let Some(found) = self.named(table).await? {
            return Ok(found);
        }
        // The database may know it by another spelling.
        let tables = self.list_tables().await?;
        if let Some(stored) = tables.iter().find(|known| same_table(self.db.dialect(), known, table))
            && let Some(found) = self.named(stored).await?
        {
            return Ok(found);
        }
        let message = format!("there is no table {}: check its name and schema, which are case sensitive", table.escape_debug());
        Err(Error::of_usage(UsageErrorKind::Refused, message))
    }

    async fn named(&self, table: &str) -> Result<Option<TableDef>> {
        let named = stored_name(self.db.dialect(), self.db.place.schema.as_deref(), table);
        let found = read(&self.db, Scope { schema: None, table: &named }, self.site).await?;
        Ok(found.tables.into_iter().find(|known| known.name.name == table))
    }

    /// The columns of a table: for each its `type` in the server's spelling, `allowNull`, `primaryKey`, `autoIncrement`, and where they are
    /// there `defaultValue`, `values` of an enum and `comment`. Sequelize: `describeTable(name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// let pets = schema.describe_table("pets").await?;
    /// assert_eq!((&pets["id"]["primaryKey"], &pets["name"]["allowNull"]), (&json!(true), &json!(false)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when there is no such table.
    pub async fn describe_table(&self, table: &str) -> Result<Map<String, Json>> {
        let (dialect, found) = (self.db.dialect(), self.table(table).await?);
        let mut described = Map::new();
        for column in &found.columns {
            let in_key = found.primary_key.contains(&column.name);
            let ty = described_type(dialect, column);
            let counts = column.auto_increment || dialect.numbers_rows_by(&found.primary_key, &ty);
            let mut entry = json!({ "type": ty, "allowNull": column.nullable, "primaryKey": in_key, "autoIncrement": counts && in_key });
            let Some(map) = entry.as_object_mut() else { continue };
            if let ColumnDefault::Db(text) = &column.default
                && let Some(default) = described_default(dialect, text)
            {
                map.insert("defaultValue".into(), default);
            }
            if let (ColumnType::Enum(definition), true) = (&column.ty, dialect.enum_types()) {
                map.insert("values".into(), json!(definition.labels));
            }
            if let Some(comment) = &column.comment {
                map.insert("comment".into(), json!(comment));
            }
            described.insert(column.name.to_string(), entry);
        }
        Ok(described)
    }

    /// The indexes of a table, without its primary key: `name`, `unique` and `fields` (`name DESC` for a falling part, where the server tells).
    /// Sequelize: `showIndex(name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.add_index("pets", json!({ "fields": ["name", "age"], "name": "pets_by_name" })).await?;
    /// assert_eq!(schema.show_indexes("pets").await?[0]["fields"], json!(["name", "age"]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn show_indexes(&self, table: &str) -> Result<Vec<Json>> {
        let indexes = self.table(table).await?.indexes;
        Ok(indexes
            .into_iter()
            .map(|index| {
                let part = |part: &IndexPart| {
                    let name = part.column.as_deref().or(part.expression.as_deref()).unwrap_or_default().to_owned();
                    let falls = part.direction == Some(SortDirection::Descending) && self.db.dialect().tells_directions();
                    if falls { format!("{name} DESC") } else { name }
                };
                let fields: Vec<String> = index.parts.iter().map(part).collect();
                json!({ "name": index.name, "unique": index.unique, "fields": fields })
            })
            .collect())
    }
}
