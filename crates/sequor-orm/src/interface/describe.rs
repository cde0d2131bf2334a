//! What is in the database: tables, columns, indexes.

use super::QueryInterface;
use crate::catalog::{Scope, read, tables_for};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{Default as ColumnDefault, IndexPart, SortDirection, TableColumn, TableDef, Ways};
use sequor_core::types::ColumnType;
use sequor_sql::Dialect;
use serde_json::{Map, Value as Json, json};

impl QueryInterface {
    /// The names of all tables, sorted. Sequelize: `showAllTables()`.
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
    /// # Errors
    /// Those of the database.
    pub async fn table_exists(&self, table: &str) -> Result<bool> {
        Ok(self.list_tables().await?.iter().any(|known| known == table))
    }

    /// A table as it is. Types and defaults keep the server's spelling.
    pub(super) async fn table(&self, table: &str) -> Result<TableDef> {
        let named = match (self.db.dialect(), self.db.place.schema.as_deref()) {
            // SQLite's tables of a tenant have its name before their own.
            (Dialect::Sqlite, Some(schema)) => format!("{schema}.{table}"),
            _ => table.to_owned(),
        };
        let found = read(&self.db, Scope { schema: None, table: &named }, self.site).await?;
        found.tables.into_iter().find(|known| known.name.name == table).ok_or_else(|| {
            let message = format!("there is no table {}: check its name and schema, which are case sensitive", table.escape_debug());
            Error::of_usage(UsageErrorKind::Refused, message)
        })
    }

    /// The columns of a table: for each its `type` in the server's spelling, `allowNull`, `primaryKey`, `autoIncrement`, and where they are
    /// there `defaultValue`, `values` of an enum and `comment`. Sequelize: `describeTable(name)`.
    ///
    /// # Errors
    /// `Usage` when there is no such table.
    pub async fn describe_table(&self, table: &str) -> Result<Map<String, Json>> {
        let (dialect, found) = (self.db.dialect(), self.table(table).await?);
        let mut described = Map::new();
        for column in &found.columns {
            let in_key = found.primary_key.contains(&column.name);
            let ty = described_type(column, dialect);
            let counts = column.auto_increment || (dialect == Dialect::Sqlite && found.primary_key.len() == 1 && ty == "INTEGER");
            let mut entry = json!({ "type": ty, "allowNull": column.nullable, "primaryKey": in_key, "autoIncrement": counts && in_key });
            let Some(map) = entry.as_object_mut() else { continue };
            if let ColumnDefault::Db(text) = &column.default
                && let Some(default) = default_value(text, dialect)
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
    /// # Errors
    /// Those of the database.
    pub async fn show_indexes(&self, table: &str) -> Result<Vec<Json>> {
        let indexes = self.table(table).await?.indexes;
        Ok(indexes
            .into_iter()
            .map(|index| {
                let part = |part: &IndexPart| {
                    let name = part.column.as_deref().or(part.expression.as_deref()).unwrap_or_default().to_owned();
                    let falls = part.direction == Some(SortDirection::Descending) && self.db.dialect() == Dialect::Postgres;
                    if falls { format!("{name} DESC") } else { name }
                };
                let fields: Vec<String> = index.parts.iter().map(part).collect();
                json!({ "name": index.name, "unique": index.unique, "fields": fields })
            })
            .collect())
    }
}

/// A type in the words of Sequelize's `describeTable`.
fn described_type(column: &TableColumn, dialect: Dialect) -> String {
    let spelt = column.db_type.as_deref().unwrap_or_default();
    if dialect != Dialect::Postgres {
        // The labels of an enum keep their case.
        return match spelt.strip_prefix("enum(") {
            Some(labels) => format!("ENUM({labels}"),
            None => spelt.split(" COLLATE ").next().unwrap_or_default().to_uppercase(),
        };
    }
    match &column.ty {
        ColumnType::Enum(_) => "USER-DEFINED".to_owned(),
        ColumnType::Array(_) => "ARRAY".to_owned(),
        _ => match spelt.split_once('(').filter(|_| !spelt.starts_with("char")) {
            Some((name, rest)) => format!("{name}{}", rest.split_once(')').map_or("", |(_, rest)| rest)).to_uppercase(),
            None => spelt.to_uppercase(),
        },
    }
}

/// A default without quotes and casts; `None` for NULL and for a counter.
fn default_value(text: &str, dialect: Dialect) -> Option<Json> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("null") || text.starts_with("NULL::") || text.starts_with("nextval(") {
        return None;
    }
    // `'x'::character varying`
    let bare = if dialect == Dialect::Postgres { text.rsplit_once("::").map_or(text, |(value, _)| value) } else { text };
    let quoted = bare.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(match (quoted, bare) {
        (Some(inner), _) => inner.replace("''", "'").into(),
        (None, "true") if dialect == Dialect::Postgres => true.into(),
        (None, "false") if dialect == Dialect::Postgres => false.into(),
        (None, other) => other.into(),
    })
}
