//! What is in the database: tables, columns, indexes.

use super::rows::texts;
use super::{QueryInterface, table_name};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{
    Action, Default as ColumnDefault, ForeignKeyDef, IndexDef, IndexPart, SortDirection, TableColumn, TableDef, TableName,
};
use sequor_core::types::ColumnType;
use sequor_sql::{Dialect, catalog};
use serde_json::{Map, Value as Json, json};

type Row = Vec<Option<String>>;

fn cell(row: &Row, index: usize) -> Option<&str> {
    row.get(index).and_then(Option::as_deref)
}

impl QueryInterface {
    fn schema(&self) -> &str {
        self.db.place.schema.as_deref().unwrap_or_default()
    }

    /// The name under which SQLite knows a table of a tenant.
    fn known_as(&self, table: &str) -> String {
        match (self.db.dialect(), self.schema()) {
            (Dialect::Sqlite, schema) if !schema.is_empty() => format!("{schema}.{table}"),
            _ => table.to_owned(),
        }
    }

    /// The names of all tables, sorted. Sequelize: `showAllTables()`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_tables(&self) -> Result<Vec<String>> {
        let rows = texts(&self.db, catalog::tables(self.db.dialect()), &[self.schema()], self.site).await?;
        let mut names: Vec<String> = rows.iter().filter_map(|row| cell(row, 0)).map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Whether there is a table of this name. Sequelize: `tableExists(name)`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn table_exists(&self, table: &str) -> Result<bool> {
        let name = self.known_as(table);
        Ok(self.list_tables().await?.contains(&name))
    }

    async fn columns(&self, table: &str) -> Result<Vec<Row>> {
        let known = self.known_as(table);
        let rows = texts(&self.db, catalog::columns(self.db.dialect()), &[&known, self.schema()], self.site).await?;
        if rows.is_empty() {
            return Err(Error::usage(format!(
                "there is no table {}: check its name and schema, which are case sensitive",
                table.escape_debug()
            )));
        }
        Ok(rows)
    }

    /// The columns of a table: for each its `type` in the server's spelling, `allowNull`, `primaryKey`, `autoIncrement`, and where they are
    /// there `defaultValue`, `values` of an enum and `comment`. Sequelize: `describeTable(name)`.
    ///
    /// # Errors
    /// `Usage` when there is no such table.
    pub async fn describe_table(&self, table: &str) -> Result<Map<String, Json>> {
        let dialect = self.db.dialect();
        let mut described = Map::new();
        for row in self.columns(table).await? {
            let flag = |index: usize| cell(&row, index) == Some("1");
            let counted = flag(7) && flag(4);
            let ty = cell(&row, 1).unwrap_or_default();
            // The labels of an enum keep their case.
            let ty = if ty.starts_with("enum(") { format!("ENUM{}", &ty[4..]) } else { ty.to_ascii_uppercase() };
            let mut column = json!({ "type": ty, "allowNull": flag(2), "primaryKey": flag(4), "autoIncrement": counted });
            let Some(map) = column.as_object_mut() else { continue };
            if let Some(default) = cell(&row, 3).and_then(|text| default_value(text, dialect)) {
                map.insert("defaultValue".into(), default);
            }
            if let Some(labels) = cell(&row, 5) {
                map.insert("values".into(), labels.split(',').map(Json::from).collect());
            }
            if let Some(comment) = cell(&row, 6) {
                map.insert("comment".into(), comment.into());
            }
            described.insert(cell(&row, 0).unwrap_or_default().to_owned(), column);
        }
        Ok(described)
    }

    /// The indexes of a table, without its primary key: `name`, `unique` and `fields` (`name DESC` for a falling part, where the server tells).
    /// Sequelize: `showIndex(name)`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn show_indexes(&self, table: &str) -> Result<Vec<Json>> {
        let indexes = self.indexes(table).await?;
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

    pub(super) async fn indexes(&self, table: &str) -> Result<Vec<IndexDef>> {
        let known = self.known_as(table);
        let rows = texts(&self.db, catalog::indexes(self.db.dialect()), &[&known, self.schema()], self.site).await?;
        let mut found: Vec<IndexDef> = Vec::new();
        for row in rows {
            let name: Name = cell(&row, 0).unwrap_or_default().to_owned().into();
            let falls = cell(&row, 3) == Some("1");
            let part = IndexPart {
                column: cell(&row, 2).map(|column| column.to_owned().into()),
                direction: falls.then_some(SortDirection::Descending),
                ..IndexPart::default()
            };
            match found.last_mut().filter(|index| index.name.as_ref() == Some(&name)) {
                Some(index) => index.parts.push(part),
                None => found.push(IndexDef {
                    name: Some(name),
                    unique: cell(&row, 1) == Some("1"),
                    constraint: cell(&row, 4) == Some("1"),
                    parts: vec![part],
                    ..IndexDef::default()
                }),
            }
        }
        Ok(found)
    }

    /// A table as it is: what SQLite's rebuild starts from. Types and defaults keep the server's spelling.
    pub(super) async fn table(&self, table: &str) -> Result<TableDef> {
        let rows = self.columns(table).await?;
        let mut made = TableDef {
            name: table_name(table)?,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: self.indexes(table).await?,
            checks: Vec::new(),
            comment: None,
        };
        let counts = self.sqlite_text(table).await?.to_ascii_uppercase().contains("AUTOINCREMENT");
        for row in &rows {
            let name: Name = cell(row, 0).unwrap_or_default().to_owned().into();
            let key = cell(row, 4) == Some("1");
            if key {
                made.primary_key.push(name.clone());
            }
            made.columns.push(TableColumn {
                name,
                ty: if key && cell(row, 7) == Some("1") { ColumnType::I64 } else { ColumnType::Text },
                db_type: cell(row, 1).map(|ty| ty.to_owned().into()),
                nullable: cell(row, 2) == Some("1"),
                auto_increment: key && counts,
                default: cell(row, 3).map_or(ColumnDefault::None, |text| ColumnDefault::Db(text.to_owned().into())),
                generated: None,
                comment: cell(row, 6).map(|comment| comment.to_owned().into()),
                in_key: false,
            });
        }
        if self.db.dialect() == Dialect::Sqlite {
            made.foreign_keys = self.sqlite_keys(table).await?;
        }
        Ok(made)
    }

    pub(super) async fn sqlite_text(&self, name: &str) -> Result<String> {
        if self.db.dialect() != Dialect::Sqlite {
            return Ok(String::new());
        }
        let rows = texts(&self.db, catalog::SQLITE_TEXT, &[&self.known_as(name)], self.site).await?;
        Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default())
    }

    async fn sqlite_keys(&self, table: &str) -> Result<Vec<ForeignKeyDef>> {
        let rows = texts(&self.db, catalog::SQLITE_FOREIGN_KEYS, &[&self.known_as(table)], self.site).await?;
        let mut keys: Vec<(String, ForeignKeyDef)> = Vec::new();
        for row in rows {
            let text = |index: usize| cell(&row, index).unwrap_or_default().to_owned();
            let number = text(0);
            if !keys.iter().any(|(known, _)| *known == number) {
                let key = ForeignKeyDef {
                    name: None,
                    columns: Vec::new(),
                    table: TableName::new(text(2)),
                    target: Vec::new(),
                    on_delete: Action::parse(&text(4)),
                    on_update: Action::parse(&text(5)),
                    deferrable: None,
                };
                keys.push((number.clone(), key));
            }
            if let Some((_, key)) = keys.iter_mut().find(|(known, _)| *known == number) {
                key.columns.push(text(1).into());
                key.target.push(text(3).into());
            }
        }
        Ok(keys.into_iter().map(|(_, key)| key).collect())
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
