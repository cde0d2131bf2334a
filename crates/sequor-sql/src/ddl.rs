//! Changes of the schema: one or several statements each, without parameters.

mod change;
mod column;
mod other;
mod rules;
mod search;
mod table;

pub(crate) use column::{default_text, implied_check, type_name};
pub use column::{has_type, typed_null};
pub use rules::rule_as_check;

use crate::Dialect;
use crate::catalog::words;
use crate::writer::SqlWriter;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{IndexDef, Nulls, SortDirection, TableName};
use sequor_core::statement::Ddl;

/// Renders a change of the schema: one or several statements without parameters.
///
/// # Errors
/// `Usage` for what the dialect cannot do.
pub fn render_ddl(ddl: &Ddl, dialect: Dialect) -> Result<Vec<String>> {
    render_ddl_in(ddl, dialect, None)
}

/// Renders a change of tables that live in a schema, unless they name their own.
///
/// # Errors
/// As [`render_ddl`].
pub fn render_ddl_in(ddl: &Ddl, dialect: Dialect, schema: Option<&str>) -> Result<Vec<String>> {
    let mut writer = DdlWriter::new(dialect, schema);
    writer.change(ddl)?;
    Ok(writer.done)
}

/// One part of an index: a column or an expression, with what the dialect knows to say of it.
fn index_part(sql: &mut SqlWriter, part: &sequor_core::schema::IndexPart) -> Result<()> {
    let mysql = sql.dialect.is_mysql();
    match (&part.column, &part.expression) {
        (Some(column), _) => sql.name(column)?,
        (None, Some(expression)) => {
            sql.push("(");
            sql.push(expression);
            sql.push(")");
        }
        (None, None) => return Err(Error::usage("a part of an index names neither a column nor an expression")),
    }
    if let (Some(length), true) = (part.length, mysql) {
        sql.push("(");
        sql.number(u64::from(length));
        sql.push(")");
    }
    if let (Some(collation), Dialect::Postgres | Dialect::Sqlite) = (&part.collation, sql.dialect) {
        sql.push(" COLLATE ");
        sql.name(collation)?;
    }
    if let (Some(class), Dialect::Postgres) = (&part.operator_class, sql.dialect) {
        sql.push(" ");
        sql.name(class)?;
    }
    if part.direction == Some(SortDirection::Descending) {
        sql.push(" DESC");
    }
    if let (Some(nulls), Dialect::Postgres) = (part.nulls, sql.dialect) {
        sql.push(if nulls == Nulls::First { " NULLS FIRST" } else { " NULLS LAST" });
    }
    Ok(())
}

/// Statements being written.
pub(crate) struct DdlWriter {
    pub(crate) dialect: Dialect,
    done: Vec<String>,
    pub(crate) sql: SqlWriter,
}

impl DdlWriter {
    pub(crate) fn new(dialect: Dialect, schema: Option<&str>) -> DdlWriter {
        DdlWriter { dialect, done: Vec::new(), sql: SqlWriter::inside(dialect, schema) }
    }

    /// Ends a statement.
    pub(crate) fn end(&mut self) {
        let next = SqlWriter::inside(self.dialect, self.sql.schema.as_deref());
        let sql = std::mem::replace(&mut self.sql, next);
        self.done.push(sql.finish().text);
    }

    fn alter(&mut self, table: &TableName) -> Result<()> {
        self.sql.push("ALTER TABLE ");
        self.sql.table(table)?;
        self.sql.push(" ");
        Ok(())
    }

    fn change(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::CreateTable { table, if_not_exists } => self.create_table(table, *if_not_exists),
            Ddl::DropTable { .. } | Ddl::RenameTable { .. } => self.whole_table(ddl),
            Ddl::AddColumn { .. } | Ddl::DropColumn { .. } | Ddl::RenameColumn { .. } => self.whole_column(ddl),
            Ddl::AlterColumn { table, from, to } => self.alter_column(table, from, to),
            Ddl::CreateIndex { table, index, if_not_exists } => self.create_index(table, index, *if_not_exists),
            Ddl::DropIndex { table, name, search: true, .. } if self.dialect == Dialect::Sqlite => {
                let place = self.search_place(table, name);
                self.drop_search(&place)
            }
            Ddl::DropIndex { table, name, constraint, if_exists, .. } => self.drop_index(table, name, *constraint, *if_exists),
            Ddl::RenameIndex { table, from, to, constraint } => self.rename_index(table, from, to, *constraint),
            Ddl::RenameConstraint { table, from, to } => self.rename_in_table(table, "RENAME CONSTRAINT ", from, to),
            Ddl::AddForeignKey { .. } | Ddl::AddCheck { .. } | Ddl::AddPrimaryKey { .. } | Ddl::DropConstraint { .. } => {
                self.constraint(ddl)
            }
            Ddl::RebuildTable { from, to, renames, copies } => self.rebuild((from, to), renames, copies),
            Ddl::FillNulls { table, column, fill } => self.fill_nulls(table, column, fill),
            Ddl::Relabel { table, column, from, to } => self.relabel(table, column, from, to),
            Ddl::ChangePrimaryKey { table, had, columns } => self.change_primary_key(table, *had, columns),
            Ddl::RenameEnumLabel { name, from, to } => self.rename_label(name, from, to),
            Ddl::ReplaceEnum { definition, old, columns } => self.replace_enum(definition, old, columns),
            Ddl::CreateEnum { .. } | Ddl::AddEnumLabel { .. } | Ddl::DropEnum { .. } => self.enum_type(ddl),
            Ddl::CreateSchema { .. } | Ddl::DropSchema { .. } => self.schema(ddl),
            Ddl::Truncate { tables, restart_identity, counted, cascade } => self.truncate(tables, (*restart_identity, *counted), *cascade),
            Ddl::CreateView(_) | Ddl::DropView(_) => self.view(ddl),
            Ddl::CreateOther(what) => self.create_other(what),
            Ddl::DropOther(what) => self.drop_other(what),
        }
    }

    fn whole_table(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::DropTable { table, if_exists, cascade } => {
                self.sql.push(if *if_exists { "DROP TABLE IF EXISTS " } else { "DROP TABLE " });
                self.sql.table(table)?;
                if *cascade && self.dialect == Dialect::Postgres {
                    self.sql.push(" CASCADE");
                }
                self.end();
            }
            Ddl::RenameTable { from, to } => {
                self.alter(from)?;
                self.sql.push("RENAME TO ");
                if self.dialect == Dialect::Postgres {
                    self.sql.name(&to.name)?
                } else {
                    self.sql.table(to)?
                }
                self.end();
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    fn whole_column(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::AddColumn { table, column, after } => {
                self.alter(table)?;
                self.sql.push("ADD COLUMN ");
                self.column(column, false)?;
                if let (Some(after), true) = (after, self.dialect.is_mysql()) {
                    self.sql.push(" AFTER ");
                    self.sql.name(after)?;
                }
                self.end();
                self.comment(table, Some(column))?;
            }
            Ddl::DropColumn { table, column } => {
                self.alter(table)?;
                self.sql.push("DROP COLUMN ");
                self.sql.name(column)?;
                self.end();
            }
            Ddl::RenameColumn { table, from, to } => {
                self.rename_in_table(table, "RENAME COLUMN ", from, to)?;
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    /// `ALTER TABLE .. RENAME COLUMN a TO b`, and the like.
    fn rename_in_table(&mut self, table: &TableName, words: &str, from: &str, to: &str) -> Result<()> {
        self.alter(table)?;
        self.sql.push(words);
        self.sql.name(from)?;
        self.sql.push(" TO ");
        self.sql.name(to)?;
        self.end();
        Ok(())
    }

    fn rename_index(&mut self, table: &TableName, from: &str, to: &str, constraint: bool) -> Result<()> {
        match self.dialect {
            Dialect::Postgres if constraint => self.rename_in_table(table, "RENAME CONSTRAINT ", from, to),
            Dialect::Postgres => {
                self.sql.push("ALTER INDEX ");
                self.sql.table(&TableName { schema: table.schema.clone(), name: from.to_owned().into() })?;
                self.sql.push(" RENAME TO ");
                self.sql.name(to)?;
                self.end();
                Ok(())
            }
            Dialect::Mysql | Dialect::Mariadb => self.rename_in_table(table, "RENAME INDEX ", from, to),
            Dialect::Sqlite => self.needs_rebuild("names of indexes"),
        }
    }

    fn constraint(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::AddForeignKey { table, key } => {
                self.needs_rebuild("foreign keys")?;
                self.alter(table)?;
                self.sql.push("ADD ");
                self.foreign_key(table, key)?;
                self.end();
            }
            Ddl::AddCheck { table, check } => {
                self.needs_rebuild("checks")?;
                self.alter(table)?;
                self.sql.push("ADD CONSTRAINT ");
                self.sql.name(&check.name)?;
                self.sql.push(" CHECK (");
                self.condition(&check.expression);
                self.sql.push(")");
                self.end();
            }
            Ddl::AddPrimaryKey { table, columns, name } => {
                self.needs_rebuild("primary keys")?;
                self.alter(table)?;
                self.sql.push("ADD ");
                if let Some(name) = name {
                    self.sql.push("CONSTRAINT ");
                    self.sql.name(name)?;
                    self.sql.push(" ");
                }
                self.sql.push("PRIMARY KEY (");
                self.sql.list(columns, |sql, column| sql.name(column))?;
                self.sql.push(")");
                self.end();
            }
            Ddl::DropConstraint { table, name } => {
                self.needs_rebuild("constraints")?;
                self.alter(table)?;
                self.sql.push("DROP CONSTRAINT ");
                self.sql.name(name)?;
                self.end();
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    fn enum_type(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::CreateEnum { schema, definition } => {
                if self.dialect == Dialect::Postgres {
                    self.sql.push("CREATE TYPE ");
                    self.sql.table(&TableName { schema: schema.clone(), name: definition.name.clone() })?;
                    self.sql.push(" AS ENUM (");
                    self.sql.list(&definition.labels, |sql, label| sql.literal(label))?;
                    self.sql.push(")");
                    self.end();
                }
            }
            Ddl::AddEnumLabel { schema, name, label, after, before } => {
                self.sql.push("ALTER TYPE ");
                self.sql.table(&TableName { schema: schema.clone(), name: name.clone() })?;
                self.sql.push(" ADD VALUE IF NOT EXISTS ");
                self.sql.literal(label)?;
                if let Some((word, other)) =
                    after.as_ref().map(|after| (" AFTER ", after)).or(before.as_ref().map(|before| (" BEFORE ", before)))
                {
                    self.sql.push(word);
                    self.sql.literal(other)?;
                }
                self.end();
            }
            Ddl::DropEnum { schema, name } => {
                if self.dialect == Dialect::Postgres {
                    self.sql.push("DROP TYPE IF EXISTS ");
                    self.sql.table(&TableName { schema: schema.clone(), name: name.clone() })?;
                    self.end();
                }
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    fn schema(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::CreateSchema { name, if_not_exists } => {
                if self.dialect != Dialect::Sqlite {
                    self.sql.push(if *if_not_exists { "CREATE SCHEMA IF NOT EXISTS " } else { "CREATE SCHEMA " });
                    self.sql.name(name)?;
                    self.end();
                }
            }
            Ddl::DropSchema { name } => {
                if self.dialect != Dialect::Sqlite {
                    self.sql.push("DROP SCHEMA IF EXISTS ");
                    self.sql.name(name)?;
                    if self.dialect == Dialect::Postgres {
                        self.sql.push(" CASCADE");
                    }
                    self.end();
                }
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    fn view(&mut self, ddl: &Ddl) -> Result<()> {
        match ddl {
            Ddl::CreateView(view) => {
                if view.kept.is_some() && self.dialect != Dialect::Postgres {
                    return Err(Error::unsupported(format!(
                        "{} is a materialized view, which only PostgreSQL has: write a table and what fills it for this database",
                        view.name
                    )));
                }
                self.sql.push(&format!("CREATE {} ", view.word().to_uppercase()));
                self.sql.table(&view.name)?;
                self.sql.push(" AS ");
                self.sql.push(&view.query);
                self.end();
                for index in view.kept.iter().flatten() {
                    self.sql.push(index);
                    self.end();
                }
            }
            Ddl::DropView(view) => {
                self.sql.push(&format!("DROP {} IF EXISTS ", view.word().to_uppercase()));
                self.sql.table(&view.name)?;
                self.end();
            }
            _ => return Err(Error::bug("a change that was sorted wrongly")),
        }
        Ok(())
    }

    fn needs_rebuild(&self, what: &str) -> Result<()> {
        if self.dialect == Dialect::Sqlite {
            return Err(Error::unsupported(format!("SQLite cannot change the {what} of a table that exists: rebuild the table")));
        }
        Ok(())
    }

    fn truncate(&mut self, tables: &[TableName], (restart_identity, counted): (bool, bool), cascade: bool) -> Result<()> {
        match self.dialect {
            Dialect::Postgres => {
                self.sql.push("TRUNCATE TABLE ");
                self.sql.list(tables, |sql, table| sql.table(table))?;
                self.sql.push(if restart_identity { " RESTART IDENTITY" } else { "" });
                self.sql.push(if cascade { " CASCADE" } else { "" });
                self.end();
            }
            Dialect::Mysql | Dialect::Mariadb => {
                for table in tables {
                    self.sql.push("TRUNCATE TABLE ");
                    self.sql.table(table)?;
                    self.end();
                }
            }
            Dialect::Sqlite => {
                for table in tables {
                    self.sql.push("DELETE FROM ");
                    self.sql.table(table)?;
                    self.end();
                    if restart_identity && counted {
                        self.sql.push("DELETE FROM sqlite_sequence WHERE name = ");
                        self.sql.literal(&table.name)?;
                        self.end();
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn create_index(&mut self, table: &TableName, index: &IndexDef, if_not_exists: bool) -> Result<()> {
        let mysql = self.dialect.is_mysql();
        if index.is_full_text() && self.dialect == Dialect::Sqlite {
            return self.search_table(table, index);
        }
        let name = index.name_in(table);
        if let (Some(expression), Dialect::Mariadb) = (index.parts.iter().find_map(|part| part.expression.as_ref()), self.dialect) {
            return Err(Error::unsupported(format!(
                "the index {name} of {table} is of the expression {expression}, which MariaDB cannot index: add a field with \
                 `generated = \"{expression}\", stored` and index that"
            )));
        }
        if index.constraint && index.unique && self.dialect == Dialect::Postgres && !if_not_exists {
            return self.unique_constraint(table, index);
        }
        let marker = self.key_marker(table, &name, index)?;
        let method = index.method.as_deref().map(str::to_ascii_lowercase);
        let special = matches!(method.as_deref(), Some("fulltext" | "spatial"));
        self.sql.push("CREATE ");
        match (mysql && special, index.unique) {
            (true, _) => self.sql.push(if method.as_deref() == Some("fulltext") { "FULLTEXT " } else { "SPATIAL " }),
            (false, true) => self.sql.push("UNIQUE "),
            (false, false) => {}
        }
        self.sql.push("INDEX ");
        if index.concurrently && self.dialect == Dialect::Postgres {
            self.sql.push("CONCURRENTLY ");
        }
        if if_not_exists && self.dialect != Dialect::Mysql {
            self.sql.push("IF NOT EXISTS ");
        }
        let name = self.index_name(table, name.into_owned());
        self.sql.name(&name)?;
        self.sql.push(" ON ");
        self.sql.table(table)?;
        if index.is_full_text() && self.dialect == Dialect::Postgres {
            return self.gin(index);
        }
        if let (Some(method), Dialect::Postgres) = (&method, self.dialect) {
            if !["btree", "hash", "gin", "gist", "spgist", "brin"].contains(&method.as_str()) {
                return Err(Error::usage(format!("{} is not an index method of PostgreSQL", method.escape_debug())));
            }
            self.sql.push(" USING ");
            self.sql.push(method);
        }
        self.sql.push(" (");
        self.sql.list(&index.parts, index_part)?;
        if let Some(marker) = &marker {
            self.sql.push(", ");
            self.sql.name(marker)?;
        }
        self.sql.push(")");
        if !index.include.is_empty() && self.dialect == Dialect::Postgres {
            self.sql.push(" INCLUDE (");
            self.sql.list(&index.include, |sql, column| sql.name(column))?;
            self.sql.push(")");
        }
        if words::of_index(self.dialect, index).is_some_and(|said| self.dialect == Dialect::Postgres && said.starts_with("NULLS")) {
            self.sql.push(" NULLS NOT DISTINCT");
        }
        if let (Some(filter), false) = (&index.filter, mysql) {
            self.sql.push(" WHERE ");
            self.condition(filter);
        }
        self.end();
        Ok(())
    }

    /// A condition of the developer: names stand in double quotes and texts in single ones on every database, as the standard has it.
    fn condition(&mut self, text: &str) {
        if !self.dialect.is_mysql() {
            return self.sql.push(text);
        }
        let mut in_text = false;
        let letters = text.chars().map(|letter| {
            in_text ^= letter == '\'';
            if letter == '"' && !in_text { '`' } else { letter }
        });
        let text: String = letters.collect();
        self.sql.push(&text);
    }

    /// MySQL has no partial index: a generated column beside the key is 1 where the condition holds and else NULL, which repeats freely.
    fn key_marker(&mut self, table: &TableName, name: &str, index: &IndexDef) -> Result<Option<String>> {
        let Some(filter) = index.filter.as_deref().filter(|_| self.dialect.is_mysql()) else { return Ok(None) };
        if !index.unique {
            return Err(Error::unsupported(format!("MySQL and MariaDB have no partial index for {name}")));
        }
        let column = sequor_core::schema::shorten(&format!("{name}_key"), 64);
        self.alter(table)?;
        self.sql.push(if self.dialect == Dialect::Mariadb { "ADD COLUMN IF NOT EXISTS " } else { "ADD COLUMN " });
        self.sql.name(&column)?;
        self.sql.push(" TINYINT(1) GENERATED ALWAYS AS (CASE WHEN (");
        self.condition(filter);
        self.sql.push(") THEN 1 END) VIRTUAL INVISIBLE");
        self.end();
        Ok(Some(column))
    }

    /// SQLite's indexes share one list of names: those of a schema's or a tenant's tables carry its name, as the tables do.
    fn index_name(&self, table: &TableName, name: String) -> String {
        match table.schema.as_deref().or(self.sql.schema.as_deref()) {
            Some(schema) if self.dialect == Dialect::Sqlite => format!("{schema}.{name}"),
            _ => name,
        }
    }

    fn drop_index(&mut self, table: &TableName, name: &str, constraint: bool, if_exists: bool) -> Result<()> {
        if constraint && self.dialect == Dialect::Postgres {
            self.alter(table)?;
            self.sql.push(if if_exists { "DROP CONSTRAINT IF EXISTS " } else { "DROP CONSTRAINT " });
            self.sql.name(name)?;
            self.end();
            return Ok(());
        }
        self.sql.push(if if_exists && self.dialect != Dialect::Mysql { "DROP INDEX IF EXISTS " } else { "DROP INDEX " });
        match (&table.schema, self.dialect) {
            (Some(schema), Dialect::Postgres) => {
                self.sql.table(&TableName { schema: Some(schema.clone()), name: name.to_owned().into() })?
            }
            _ => {
                let name = self.index_name(table, name.to_owned());
                self.sql.name(&name)?;
            }
        }
        if self.dialect.is_mysql() {
            self.sql.push(" ON ");
            self.sql.table(table)?;
        }
        self.end();
        Ok(())
    }
}
