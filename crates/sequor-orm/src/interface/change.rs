//! Changes: tables, columns, indexes, constraints, and plain writes of rows.

use super::{QueryInterface, column_table, model, table_name};
use crate::query::condition_text;
use crate::sync::{SyncMode, apply, sync_models};
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{
    Action, Change, CheckDef, ForeignKeyDef, IndexDef, IndexPart, SortDirection, TableColumn, TableDef, TableName, Ways,
};
use sequor_core::statement::Ddl;
use sequor_core::types::ColumnType;
use sequor_sql::migration::steps;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn names(json: Option<&Json>) -> Result<Vec<Name>> {
    let wrong = || Error::usage("fields is a list of column names");
    let list = match json {
        Some(Json::String(one)) => return Ok(vec![one.clone().into()]),
        Some(Json::Array(list)) => list,
        _ => return Err(wrong()),
    };
    list.iter().map(|name| name.as_str().map(|name| name.to_owned().into()).ok_or_else(wrong)).collect()
}

fn text(options: &Json, key: &str) -> Option<Name> {
    options.get(key).and_then(Json::as_str).map(|text| text.to_owned().into())
}

fn index_part(json: &Json) -> Result<IndexPart> {
    let name = |json: &Json| json.as_str().map(|name| Name::Owned(name.to_owned()));
    let column = name(json).or_else(|| json.get("name").and_then(name)).or_else(|| json.get("attribute").and_then(name));
    let falls = json.get("order").and_then(Json::as_str).is_some_and(|order| order.eq_ignore_ascii_case("desc"));
    if column.is_none() {
        return Err(Error::usage("a field of an index is a name, or an object with a name"));
    }
    let length = json.get("length").and_then(Json::as_u64).and_then(|length| u32::try_from(length).ok());
    Ok(IndexPart { column, direction: falls.then_some(SortDirection::Descending), length, ..IndexPart::default() })
}

impl QueryInterface {
    async fn apply(&self, ddl: &Ddl) -> Result<()> {
        for sql in self.db.render_ddl(ddl)? {
            self.db.execute_script(sql, self.site).await?;
        }
        Ok(())
    }

    /// Makes a table if it is not there. Sequelize: `createTable(name, columns)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// let id = json!({ "type": "INTEGER", "primaryKey": true, "autoIncrement": true });
    /// schema.create_table("toys", json!({ "id": id, "name": { "type": "STRING(20)" } })).await?;
    /// assert!(schema.table_exists("toys").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a wrong definition; those of the database.
    pub async fn create_table(&self, table: &str, columns: Json) -> Result<()> {
        self.create_table_with(table, columns, Json::Null).await
    }

    /// As [`QueryInterface::create_table`], with `uniqueKeys` by their names. Sequelize: `createTable(name, columns, options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// let columns = json!({ "row": { "type": "INTEGER" }, "number": { "type": "INTEGER" } });
    /// schema.create_table_with("seats", columns, json!({ "uniqueKeys": { "one_seat": { "fields": ["row", "number"] } } })).await?;
    /// let error = schema.bulk_insert("seats", json!([{ "row": 1, "number": 2 }, { "row": 1, "number": 2 }])).await.unwrap_err();
    /// assert!(matches!(error, Error::UniqueConstraint { .. }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a wrong definition; those of the database.
    pub async fn create_table_with(&self, table: &str, columns: Json, options: Json) -> Result<()> {
        let mut model = model(table, columns)?;
        for (name, key) in options.get("uniqueKeys").and_then(Json::as_object).into_iter().flatten() {
            let columns = names(key.get("fields"))?;
            model.indexes.push(IndexDef { name: Some(name.clone().into()), unique: true, ..IndexDef::on(columns) });
        }
        let model = Arc::new(model);
        sync_models(&self.db, &[model], SyncMode::Create, self.site).await
    }

    /// Drops a table if it is there. Sequelize: `dropTable(name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.drop_table("pets").await?;
    /// assert!(schema.list_tables().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn drop_table(&self, table: &str) -> Result<()> {
        self.apply(&Ddl::DropTable { table: table_name(table)?, if_exists: true, cascade: false }).await
    }

    /// Renames a table. Sequelize: `renameTable(before, after)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.rename_table("pets", "animals").await?;
    /// assert_eq!(schema.list_tables().await?, ["animals"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rename_table(&self, before: &str, after: &str) -> Result<()> {
        self.apply(&Ddl::RenameTable { from: table_name(before)?, to: table_name(after)? }).await
    }

    /// Adds a column. Sequelize: `addColumn(table, name, definition)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.add_column("pets", "weight", json!({ "type": "FLOAT", "allowNull": true })).await?;
    /// assert!(schema.describe_table("pets").await?.contains_key("weight"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a wrong definition; those of the database.
    pub async fn add_column(&self, table: &str, name: &str, definition: Json) -> Result<()> {
        let made = column_table(table, name, definition)?;
        self.make_enum(&made).await?;
        let Some(column) = made.columns.into_iter().next() else { return Err(Error::bug("a column without a definition")) };
        let unique = made.indexes.into_iter().find(|index| index.unique);
        if self.db.dialect().rebuilds() && !(made.foreign_keys.is_empty() && unique.is_none()) {
            return self
                .rebuild(table, |table| {
                    table.columns.push(column);
                    table.foreign_keys.extend(made.foreign_keys);
                    table.indexes.extend(unique);
                })
                .await;
        }
        let name = table_name(table)?;
        self.apply(&Ddl::AddColumn { table: name.clone(), column: Box::new(column), after: None }).await?;
        for key in made.foreign_keys {
            self.apply(&Ddl::AddForeignKey { table: name.clone(), key }).await?;
        }
        match unique {
            Some(index) => self.apply(&Ddl::CreateIndex { table: name, index, if_not_exists: false }).await,
            None => Ok(()),
        }
    }

    async fn make_enum(&self, table: &TableDef) -> Result<()> {
        for column in &table.columns {
            if let (ColumnType::Enum(definition), true) = (&column.ty, self.db.dialect().enum_types()) {
                crate::sync::make_enum(&self.db, definition, self.site).await?;
            }
        }
        Ok(())
    }

    /// Drops a column. Sequelize: `removeColumn(table, name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.remove_column("pets", "age").await?;
    /// assert!(!schema.describe_table("pets").await?.contains_key("age"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove_column(&self, table: &str, name: &str) -> Result<()> {
        let column = Name::Owned(name.to_owned());
        let in_index = |index: &IndexDef| index.parts.iter().any(|part| part.column.as_ref() == Some(&column));
        if self.db.dialect().rebuilds() {
            let now = self.table(table).await?;
            let keyed = now.primary_key.contains(&column) || now.foreign_keys.iter().any(|key| key.columns.contains(&column));
            if keyed || now.indexes.iter().any(in_index) {
                return self
                    .rebuild(table, |table| {
                        table.columns.retain(|known| known.name != column);
                        table.primary_key.retain(|known| *known != column);
                        table.foreign_keys.retain(|key| !key.columns.contains(&column));
                        table.indexes.retain(|index| !in_index(index));
                    })
                    .await;
            }
        }
        self.apply(&Ddl::DropColumn { table: table_name(table)?, column: column.clone() }).await
    }

    /// Renames a column. Sequelize: `renameColumn(table, before, after)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.rename_column("pets", "age", "years").await?;
    /// assert!(schema.describe_table("pets").await?.contains_key("years"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rename_column(&self, table: &str, before: &str, after: &str) -> Result<()> {
        let (from, to) = (Name::Owned(before.to_owned()), Name::Owned(after.to_owned()));
        self.apply(&Ddl::RenameColumn { table: table_name(table)?, from, to }).await
    }

    /// Changes type, nullability and default of a column. Sequelize: `changeColumn(table, name, definition)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.change_column("pets", "age", json!({ "type": "INTEGER", "allowNull": false, "defaultValue": 0 })).await?;
    /// assert_eq!(schema.describe_table("pets").await?["age"]["allowNull"], false);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a wrong definition or a column that is not there; those of the database when rows do not fit.
    pub async fn change_column(&self, table: &str, name: &str, definition: Json) -> Result<()> {
        let made = column_table(table, name, definition)?;
        self.make_enum(&made).await?;
        let Some(to) = made.columns.into_iter().next() else { return Err(Error::bug("a column without a definition")) };
        let keys = made.foreign_keys;
        let now = self.table(table).await?;
        let on = |index: &IndexDef| index.parts.iter().map(|part| part.column.clone()).collect::<Vec<_>>();
        let known = |key: &IndexDef| now.indexes.iter().any(|index| index.unique && index.filter.is_none() && on(index) == on(key));
        let unique = made.indexes.into_iter().find(|index| index.unique && !known(index));
        let from = now.columns.into_iter().find(|column| column.name == to.name);
        let refused = || Error::of_usage(UsageErrorKind::Refused, format!("{table} has no column {}", name.escape_debug()));
        let from: TableColumn = from.ok_or_else(refused)?;
        if self.db.dialect().rebuilds() {
            return self
                .rebuild(table, |table| {
                    if let Some(column) = table.columns.iter_mut().find(|column| column.name == to.name) {
                        *column = to;
                    }
                    table.foreign_keys.retain(|known| !keys.iter().any(|key| key.columns == known.columns));
                    table.foreign_keys.extend(keys);
                    table.indexes.extend(unique);
                })
                .await;
        }
        let name = table_name(table)?;
        self.apply(&Ddl::AlterColumn { table: name.clone(), from: Box::new(from), to: Box::new(to) }).await?;
        for key in keys {
            self.apply(&Ddl::AddForeignKey { table: name.clone(), key }).await?;
        }
        match unique {
            Some(index) => self.apply(&Ddl::CreateIndex { table: name, index, if_not_exists: false }).await,
            None => Ok(()),
        }
    }

    /// Adds an index: `fields`, and `unique`, `name`, `where`, `using` at will. Sequelize: `addIndex(table, options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.add_index("pets", json!({ "fields": ["name"], "unique": true, "where": { "age": { "$gt": 0 } } })).await?;
    /// assert_eq!(schema.show_indexes("pets").await?, [json!({ "name": "pets_name", "unique": true, "fields": ["name"] })]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for wrong options; those of the database.
    pub async fn add_index(&self, table: &str, options: Json) -> Result<()> {
        let list = if options.is_array() { Some(&options) } else { options.get("fields") };
        let Some(Json::Array(fields)) = list else { return Err(Error::usage("an index needs fields: a list of columns")) };
        let parts = fields.iter().map(index_part).collect::<Result<Vec<_>>>()?;
        let joined = parts.iter().filter_map(|part| part.column.as_deref()).collect::<Vec<_>>().join("_");
        let filter = match options.get("where") {
            Some(filter) => Some(self.condition(table, filter).await?),
            None => None,
        };
        let index = IndexDef {
            name: Some(text(&options, "name").unwrap_or_else(|| sequor_core::schema::underscore(&format!("{table}_{joined}")).into())),
            parts,
            unique: options.get("unique").and_then(Json::as_bool).unwrap_or(false)
                || text(&options, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("unique")),
            filter: filter.map(Into::into),
            method: text(&options, "using"),
            ..IndexDef::default()
        };
        self.apply(&Ddl::CreateIndex { table: table_name(table)?, index, if_not_exists: false }).await
    }

    /// Drops an index by its name, or by its columns. Sequelize: `removeIndex(table, nameOrFields)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.add_index("pets", json!(["name"])).await?;
    /// schema.remove_index("pets", json!("pets_name")).await?;
    /// assert!(schema.show_indexes("pets").await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove_index(&self, table: &str, index: Json) -> Result<()> {
        let name: Name = match &index {
            Json::String(name) => name.clone().into(),
            _ => {
                let joined = names(Some(&index))?.join("_");
                sequor_core::schema::underscore(&format!("{table}_{joined}")).into()
            }
        };
        self.apply(&Ddl::DropIndex { table: table_name(table)?, name, constraint: false, search: false, if_exists: true }).await
    }

    /// Adds a constraint: `type` is `unique`, `check`, `primary key` or `foreign key`. Sequelize: `addConstraint(table, options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// let check = json!({ "type": "check", "fields": ["age"], "name": "pets_age", "where": { "age": { "$gte": 0 } } });
    /// schema.add_constraint("pets", check).await?;
    /// let error = schema.bulk_insert("pets", json!([{ "name": "Tom", "age": -1 }])).await.unwrap_err();
    /// assert!(matches!(error, Error::CheckConstraint { constraint, .. } if constraint == "pets_age"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for wrong options; those of the database when rows break it.
    pub async fn add_constraint(&self, table: &str, options: Json) -> Result<()> {
        let kind = text(&options, "type").unwrap_or_default().to_ascii_lowercase();
        let columns = names(options.get("fields"))?;
        let named = |ending: &str| text(&options, "name").unwrap_or_else(|| format!("{table}_{}_{ending}", columns.join("_")).into());
        let target = table_name(table)?;
        let change: Box<dyn FnOnce(&mut TableDef) + Send> = match kind.as_str() {
            "unique" => {
                let index = IndexDef { name: Some(named("uk")), unique: true, constraint: true, ..IndexDef::on(columns.clone()) };
                if !self.db.dialect().rebuilds() {
                    return self.apply(&Ddl::CreateIndex { table: target, index, if_not_exists: false }).await;
                }
                Box::new(move |table| table.indexes.push(IndexDef { constraint: false, ..index }))
            }
            "check" => {
                let filter = options.get("where").ok_or_else(|| Error::usage("a check needs a `where`"))?;
                let check = CheckDef { name: named("ck"), expression: self.condition(table, filter).await?.into() };
                if !self.db.dialect().rebuilds() {
                    return self.apply(&Ddl::AddCheck { table: target, check }).await;
                }
                Box::new(move |table| table.checks.push(check))
            }
            "primary key" => {
                if !self.db.dialect().rebuilds() {
                    return self.apply(&Ddl::AddPrimaryKey { table: target, columns: columns.clone(), name: Some(named("pk")) }).await;
                }
                let columns = columns.clone();
                Box::new(move |table| table.primary_key = columns)
            }
            "foreign key" => {
                let mut key = foreign_key(&options, columns.clone(), named("fk"))?;
                if text(&options, "name").is_none() {
                    key.name = Some(named(&format!("{}_fk", key.table.name)));
                }
                if !self.db.dialect().rebuilds() {
                    return self.apply(&Ddl::AddForeignKey { table: target, key }).await;
                }
                Box::new(move |table| table.foreign_keys.push(key))
            }
            other => {
                return Err(Error::usage(format!(
                    "a constraint is unique, check, primary key or foreign key, not {}",
                    other.escape_debug()
                )));
            }
        };
        self.rebuild(table, change).await
    }

    /// Drops a constraint. Sequelize: `removeConstraint(table, name)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// schema.add_constraint("pets", json!({ "type": "unique", "fields": ["name"], "name": "one_of_a_name" })).await?;
    /// schema.remove_constraint("pets", "one_of_a_name").await?;
    /// assert_eq!(schema.bulk_insert("pets", json!([{ "name": "Rex" }])).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; `Usage` when there is no such constraint.
    pub async fn remove_constraint(&self, table: &str, name: &str) -> Result<()> {
        if !self.db.dialect().rebuilds() {
            let Err(error) = self.apply(&Ddl::DropConstraint { table: table_name(table)?, name: name.to_owned().into() }).await else {
                return Ok(());
            };
            // Was there such a constraint at all?
            return match self.table(table).await {
                Ok(known) if !has_constraint(&known, name) => Err(unknown_constraint(table, name)),
                // The unique key of a text without a limit is an index to MariaDB, and no constraint.
                Ok(known) if known.indexes.iter().any(|index| index.name.as_deref() == Some(name)) => {
                    self.remove_index(table, json!(name)).await.map_err(|_| error)
                }
                _ => Err(error),
            };
        }
        let known = self.table(table).await?;
        if known.indexes.iter().any(|index| index.name.as_deref() == Some(name) && !index.constraint) {
            return self.remove_index(table, json!(name)).await;
        }
        if !has_constraint(&known, name) {
            return Err(unknown_constraint(table, name));
        }
        self.rebuild(table, |table| {
            table.checks.retain(|check| check.name != name);
            table.indexes.retain(|index| index.name.as_deref() != Some(name));
            table.foreign_keys.retain(|key| key.name.as_deref() != Some(name));
        })
        .await
    }

    /// SQLite changes a table by making it anew: rows, keys, indexes, checks and triggers are kept.
    async fn rebuild(&self, table: &str, change: impl FnOnce(&mut TableDef)) -> Result<()> {
        let from = self.table(table).await?;
        let mut to = from.clone();
        change(&mut to);
        let unnamed = |index: &&mut IndexDef| index.name.as_deref().is_some_and(|name| name.starts_with("sqlite_autoindex"));
        to.indexes.iter_mut().filter(unnamed).for_each(|index| index.name = None);
        let ddl = Ddl::RebuildTable { from: Box::new(from), to: Box::new(to), renames: Vec::new(), copies: Vec::new() };
        let change = Change { ddl, loses: None, note: None };
        let plan = steps(&[change], self.db.dialect(), self.db.place.schema.as_deref())?;
        apply(&self.db, &plan, self.site).await
    }

    /// A condition over a table's columns as SQL text, for checks and partial indexes: literals of a closed set of types.
    async fn condition(&self, table: &str, filter: &Json) -> Result<String> {
        let model = self.db.reflect_def(table).await?;
        condition_text(&model, filter.clone(), self.db.dialect())
    }
}

fn foreign_key(options: &Json, columns: Vec<Name>, name: Name) -> Result<ForeignKeyDef> {
    let references = options.get("references").ok_or_else(|| Error::usage("a foreign key needs `references: { table, field }`"))?;
    let table = text(references, "table").or_else(|| text(references, "model"));
    let table = table.ok_or_else(|| Error::usage("`references` names a table"))?;
    let target = match references.get("fields") {
        Some(list) => names(Some(list))?,
        None => names(references.get("field").or_else(|| references.get("key")))?,
    };
    let action = |key: &str| text(options, key).and_then(|text| Action::parse(&text));
    Ok(ForeignKeyDef {
        name: Some(name),
        columns,
        table: TableName::new(table.into_owned()),
        target,
        on_delete: action("onDelete"),
        on_update: action("onUpdate"),
        deferrable: None,
    })
}

fn has_constraint(table: &TableDef, name: &str) -> bool {
    table.checks.iter().any(|check| check.name == name)
        || table.indexes.iter().any(|index| index.name.as_deref() == Some(name))
        || table.foreign_keys.iter().any(|key| key.name.as_deref() == Some(name))
}

#[cold]
fn unknown_constraint(table: &str, name: &str) -> Error {
    Error::of_usage(UsageErrorKind::Constraint, format!("{} has no constraint {}", table.escape_debug(), name.escape_debug()))
}
