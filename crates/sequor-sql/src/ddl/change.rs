//! Changes of tables with rows in them: values for NULLs, labels, keys, enum types made anew.

use super::DdlWriter;
use crate::Dialect;
use crate::catalog::words;
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{IndexDef, TableColumn, TableName};
use sequor_core::statement::Fill;
use sequor_core::types::{ColumnType, EnumDef};

impl DdlWriter {
    pub(crate) fn fill_nulls(&mut self, table: &TableName, column: &TableColumn, fill: &Fill) -> Result<()> {
        self.sql.push("UPDATE ");
        self.sql.table(table)?;
        self.sql.push(" SET ");
        self.sql.name(&column.name)?;
        self.sql.push(" = ");
        self.fill_value(column, fill)?;
        self.sql.push(" WHERE ");
        self.sql.name(&column.name)?;
        self.sql.push(" IS NULL");
        self.end();
        Ok(())
    }

    /// The value of a row that has none.
    pub(crate) fn fill_value(&mut self, column: &TableColumn, fill: &Fill) -> Result<()> {
        match fill {
            Fill::Default => {
                let text = super::default_text(column, self.dialect)?.unwrap_or_else(|| "NULL".to_owned());
                self.sql.push(&text);
            }
            Fill::Sql(sql) => self.sql.push(sql),
            Fill::Now => self.sql.push(match self.dialect {
                Dialect::Postgres => "CURRENT_TIMESTAMP",
                Dialect::Mysql | Dialect::Mariadb => "UTC_TIMESTAMP(6)",
                Dialect::Sqlite => "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')",
            }),
            Fill::Zero => {
                let zero = self.zero(&column.ty);
                self.sql.push(&zero);
            }
        }
        Ok(())
    }

    /// What keeps a column NOT NULL whose values are lost.
    fn zero(&self, ty: &ColumnType) -> String {
        let postgres = self.dialect == Dialect::Postgres;
        match ty {
            ColumnType::Bool if postgres => "false".into(),
            ty if ty.is_numeric() || *ty == ColumnType::Bool => "0".into(),
            ColumnType::Enum(definition) => {
                format!("'{}'", definition.labels.first().map_or(String::new(), |label| label.replace('\'', "''")))
            }
            ColumnType::Uuid => "'00000000-0000-0000-0000-000000000000'".into(),
            ColumnType::DateTime(_) if !self.dialect.is_mysql() => "'1970-01-01 00:00:00.000000+00:00'".into(),
            ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) => "'1970-01-01 00:00:00'".into(),
            ColumnType::Date => "'1970-01-01'".into(),
            ColumnType::Time => "'00:00:00'".into(),
            ColumnType::Json(_) => "'null'".into(),
            ColumnType::Array(_) if postgres => "'{}'".into(),
            ColumnType::Array(_) => "'[]'".into(),
            ColumnType::Range(_) => "'empty'".into(),
            ColumnType::Inet => "'0.0.0.0'".into(),
            ColumnType::Cidr => "'0.0.0.0/0'".into(),
            ColumnType::MacAddr => "'00:00:00:00:00:00'".into(),
            ColumnType::Interval => "'0'".into(),
            _ => "''".into(),
        }
    }

    pub(crate) fn relabel(&mut self, table: &TableName, column: &Name, from: &Name, to: &Name) -> Result<()> {
        self.sql.push("UPDATE ");
        self.sql.table(table)?;
        self.sql.push(" SET ");
        self.sql.name(column)?;
        self.sql.push(" = ");
        self.sql.literal(to)?;
        self.sql.push(" WHERE ");
        self.sql.name(column)?;
        self.sql.push(" = ");
        self.sql.literal(from)?;
        self.end();
        Ok(())
    }

    pub(crate) fn change_primary_key(&mut self, table: &TableName, had: bool, columns: &[Name]) -> Result<()> {
        self.needs_rebuild("primary keys")?;
        let postgres = self.dialect == Dialect::Postgres;
        if had && postgres {
            // Its name is that of the table when it was made, which may be another one now.
            let mut name = crate::writer::SqlWriter::inside(self.dialect, self.sql.schema.as_deref());
            name.table(table)?;
            let name = name.finish().text.replace('\'', "''");
            self.sql.push(&format!(
                "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_catalog.pg_constraint \
                 WHERE contype = 'p' AND conrelid = '{name}'::regclass); END $$"
            ));
            self.end();
        }
        if columns.is_empty() && postgres {
            return Ok(());
        }
        self.alter(table)?;
        if had && !postgres {
            self.sql.push(if columns.is_empty() { "DROP PRIMARY KEY" } else { "DROP PRIMARY KEY, " });
        }
        if !columns.is_empty() {
            self.sql.push("ADD PRIMARY KEY (");
            self.sql.list(columns, |sql, column| sql.name(column))?;
            self.sql.push(")");
        }
        self.end();
        Ok(())
    }

    /// ` UNIQUE (..)` of a constraint, with what the database itself said of it.
    pub(crate) fn unique_columns(&mut self, index: &IndexDef) -> Result<()> {
        let said = words::of_index(self.dialect, index).unwrap_or_default();
        self.sql.push(if said.starts_with("NULLS") { " UNIQUE NULLS NOT DISTINCT (" } else { " UNIQUE (" });
        self.sql.list(index.parts.iter().filter_map(|part| part.column.as_ref()), |sql, column| sql.name(column))?;
        self.sql.push(")");
        if !index.include.is_empty() && self.dialect == Dialect::Postgres {
            self.sql.push(" INCLUDE (");
            self.sql.list(&index.include, |sql, column| sql.name(column))?;
            self.sql.push(")");
        }
        let behind = said.trim_start_matches("NULLS NOT DISTINCT").trim();
        if !behind.is_empty() {
            self.sql.push(" ");
            self.sql.push(behind);
        }
        Ok(())
    }

    pub(crate) fn unique_constraint(&mut self, table: &TableName, index: &IndexDef) -> Result<()> {
        self.alter(table)?;
        self.sql.push("ADD CONSTRAINT ");
        self.sql.name(&index.name_in(table))?;
        self.unique_columns(index)?;
        self.end();
        Ok(())
    }

    pub(crate) fn rename_label(&mut self, name: &Name, from: &Name, to: &Name) -> Result<()> {
        self.sql.push("ALTER TYPE ");
        self.sql.table(&TableName::new(name.clone()))?;
        self.sql.push(" RENAME VALUE ");
        self.sql.literal(from)?;
        self.sql.push(" TO ");
        self.sql.literal(to)?;
        self.end();
        Ok(())
    }

    /// Another type takes the name; the columns move over by the text of their labels.
    pub(crate) fn replace_enum(&mut self, definition: &EnumDef, old: &Name, columns: &[(TableName, TableColumn)]) -> Result<()> {
        let name = |name: &Name| TableName::new(name.clone());
        self.sql.push("ALTER TYPE ");
        self.sql.table(&name(&definition.name))?;
        self.sql.push(" RENAME TO ");
        self.sql.name(old)?;
        self.end();
        self.change(&sequor_core::statement::Ddl::CreateEnum { schema: None, definition: definition.clone() })?;
        for (table, column) in columns {
            let list = matches!(column.ty, ColumnType::Array(_));
            let start = |writer: &mut DdlWriter| -> Result<()> {
                writer.alter(table)?;
                writer.sql.push("ALTER COLUMN ");
                writer.sql.name(&column.name)
            };
            start(self)?;
            self.sql.push(" DROP DEFAULT");
            self.end();
            start(self)?;
            self.sql.push(" TYPE ");
            self.sql.table(&name(&definition.name))?;
            self.sql.push(if list { "[] USING " } else { " USING " });
            self.sql.name(&column.name)?;
            self.sql.push(if list { "::text[]::" } else { "::text::" });
            self.sql.table(&name(&definition.name))?;
            self.sql.push(if list { "[]" } else { "" });
            self.end();
            if super::default_text(column, self.dialect)?.is_some() {
                start(self)?;
                self.sql.push(" SET");
                self.default(column)?;
                self.end();
            }
        }
        Ok(())
    }
}
