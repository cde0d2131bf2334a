//! CREATE TABLE, and SQLite's rebuild.

use super::DdlWriter;
use crate::Dialect;
use crate::catalog::{NEW_TABLE, words};
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{ForeignKeyDef, TableColumn, TableDef, TableName};
use sequor_core::statement::CopyRule;

impl DdlWriter {
    pub(crate) fn create_table(&mut self, table: &TableDef, if_not_exists: bool) -> Result<()> {
        self.table_statement(table, &table.name, if_not_exists)?;
        if let (Some(comment), Dialect::Postgres) = (&table.comment, self.dialect) {
            self.sql.push("COMMENT ON TABLE ");
            self.sql.table(&table.name)?;
            self.sql.push(" IS ");
            self.sql.literal(comment)?;
            self.end();
        }
        for column in &table.columns {
            self.comment(&table.name, Some(column))?;
        }
        Ok(())
    }

    fn table_statement(&mut self, table: &TableDef, name: &TableName, if_not_exists: bool) -> Result<()> {
        let options = words::of_table(self.dialect, table);
        // PostgreSQL's first word stands before the table, the others behind it.
        let unlogged = options.is_some_and(|options| options.starts_with(words::UNLOGGED));
        let options = options.map(|options| options.trim_start_matches(words::UNLOGGED).trim_start()).filter(|options| !options.is_empty());
        self.sql.push(if unlogged { "CREATE UNLOGGED TABLE " } else { "CREATE TABLE " });
        self.sql.push(if if_not_exists { "IF NOT EXISTS " } else { "" });
        self.sql.table(name)?;
        self.sql.push(" (");
        // SQLite counts a key up only when it stands with its column.
        let alone = |column: &Name| {
            self.dialect == Dialect::Sqlite
                && table.primary_key.len() == 1
                && table.primary_key.first() == Some(column)
                && table.columns.iter().any(|known| known.name == *column && known.auto_increment)
        };
        let counted: Vec<bool> = table.columns.iter().map(|column| alone(&column.name)).collect();
        for (place, column) in table.columns.iter().enumerate() {
            if place > 0 {
                self.sql.push(", ");
            }
            self.column(column, counted[place])?;
        }
        if !table.primary_key.is_empty() && !counted.contains(&true) {
            self.sql.push(", PRIMARY KEY (");
            self.sql.list(&table.primary_key, |sql, column| sql.name(column))?;
            self.sql.push(")");
            let first = table.primary_key.first().and_then(|name| table.column(name));
            if let Some(action) =
                first.filter(|_| self.dialect == Dialect::Sqlite).and_then(|first| words::conflict(first, "PRIMARY KEY ON CONFLICT "))
            {
                self.sql.push(" ON CONFLICT ");
                self.sql.push(action);
            }
        }
        for index in table.indexes.iter().filter(|index| index.constraint && index.unique) {
            self.sql.push(", CONSTRAINT ");
            self.sql.name(&index.name_in(&table.name))?;
            self.unique_columns(index)?;
        }
        for check in &table.checks {
            self.sql.push(", CONSTRAINT ");
            self.sql.name(&check.name)?;
            self.sql.push(" CHECK (");
            self.condition(&check.expression);
            self.sql.push(")");
        }
        for key in &table.foreign_keys {
            self.sql.push(", ");
            self.foreign_key(&table.name, key)?;
        }
        self.sql.push(")");
        if let (Some(comment), true) = (&table.comment, self.dialect.is_mysql()) {
            self.sql.push(" COMMENT ");
            self.sql.literal(comment)?;
        }
        if let Some(options) = options {
            self.sql.push(" ");
            self.sql.push(options);
        }
        if let Some(words) = table.made_with.as_deref().filter(|_| self.dialect.is_mysql()) {
            self.sql.push(" ");
            self.sql.push(words);
        }
        self.end();
        Ok(())
    }

    pub(crate) fn foreign_key(&mut self, table: &TableName, key: &ForeignKeyDef) -> Result<()> {
        self.sql.push("CONSTRAINT ");
        self.sql.name(&key.name_in(table))?;
        self.sql.push(" FOREIGN KEY (");
        self.sql.list(&key.columns, |sql, column| sql.name(column))?;
        self.sql.push(") REFERENCES ");
        self.sql.table(&key.table)?;
        self.sql.push(" (");
        self.sql.list(&key.target, |sql, column| sql.name(column))?;
        self.sql.push(")");
        if let Some(action) = key.on_delete {
            self.sql.push(" ON DELETE ");
            self.sql.push(action.as_sql());
        }
        if let Some(action) = key.on_update {
            self.sql.push(" ON UPDATE ");
            self.sql.push(action.as_sql());
        }
        if !self.dialect.is_mysql() {
            match key.deferrable {
                Some(true) => self.sql.push(" DEFERRABLE INITIALLY DEFERRED"),
                Some(false) => self.sql.push(" DEFERRABLE INITIALLY IMMEDIATE"),
                None => {}
            }
        }
        Ok(())
    }

    /// SQLite's way to change a table: make the new one, copy, drop, rename (https://sqlite.org/lang_altertable.html, section 7).
    /// The caller switches foreign keys off before the transaction: inside it the pragma is ignored, and dropping would delete children.
    pub(crate) fn rebuild(&mut self, (from, to): (&TableDef, &TableDef), renames: &[(Name, Name)], copies: &[CopyRule]) -> Result<()> {
        let mut temporary = to.name.clone();
        temporary.name = format!("{NEW_TABLE}{}", to.name.name).into();
        self.table_statement(to, &temporary, false)?;
        let old_name = |new: &Name| renames.iter().find(|(_, to)| to == new).map_or_else(|| new.clone(), |(from, _)| from.clone());
        let pairs: Vec<(Name, Name)> = to
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .map(|column| (column.name.clone(), old_name(&column.name)))
            .filter(|(new, old)| from.column(old).is_some() || copies.iter().any(|rule| rule.column == *new))
            .collect();
        if pairs.iter().any(|(_, old)| from.column(old).is_some()) {
            self.sql.push("INSERT INTO ");
            self.sql.table(&temporary)?;
            self.sql.push(" (");
            self.sql.list(&pairs, |sql, (new, _)| sql.name(new))?;
            self.sql.push(") SELECT ");
            for (place, (new, old)) in pairs.iter().enumerate() {
                self.sql.push(if place > 0 { ", " } else { "" });
                let rule = copies.iter().find(|rule| rule.column == *new);
                self.copied(to.column(new), from.column(old), rule)?;
            }
            self.sql.push(" FROM ");
            self.sql.table(&from.name)?;
            self.end();
        }
        self.keep_count((from, to), &temporary)?;
        self.sql.push("DROP TABLE ");
        self.sql.table(&from.name)?;
        self.end();
        // Views that speak of the table must not be looked at while it is not there.
        self.sql.push("PRAGMA legacy_alter_table = ON");
        self.end();
        self.sql.push("ALTER TABLE ");
        self.sql.table(&temporary)?;
        self.sql.push(" RENAME TO ");
        self.sql.table(&to.name)?;
        self.end();
        self.sql.push("PRAGMA legacy_alter_table = OFF");
        self.end();
        for index in to.indexes.iter().filter(|index| !(index.constraint && index.unique)) {
            self.create_index(&to.name, index, false)?;
        }
        Ok(())
    }

    /// A value on its way into the new table.
    fn copied(&mut self, to: Option<&TableColumn>, from: Option<&TableColumn>, rule: Option<&CopyRule>) -> Result<()> {
        let fill = rule.and_then(|rule| rule.fill.as_ref());
        let (Some(to), Some(from)) = (to, from) else {
            return match (to, fill) {
                (Some(to), Some(fill)) => self.fill_value(to, fill),
                _ => {
                    self.sql.push("NULL");
                    Ok(())
                }
            };
        };
        if fill.is_some() {
            self.sql.push("coalesce(");
        }
        let labels = rule.map(|rule| rule.labels.as_slice()).unwrap_or_default();
        if !labels.is_empty() {
            self.sql.push("CASE ");
            self.sql.name(&from.name)?;
            for (old, new) in labels {
                self.sql.push(" WHEN ");
                self.sql.literal(old)?;
                self.sql.push(" THEN ");
                self.sql.literal(new)?;
            }
            self.sql.push(" ELSE ");
            self.sql.name(&from.name)?;
            self.sql.push(" END");
        } else if rule.is_some_and(|rule| rule.cast) {
            let name = self.affinity(to)?;
            self.sql.push("CAST(");
            self.sql.name(&from.name)?;
            self.sql.push(" AS ");
            self.sql.push(&name);
            self.sql.push(")");
        } else {
            self.sql.name(&from.name)?;
        }
        if let Some(fill) = fill {
            self.sql.push(", ");
            self.fill_value(to, fill)?;
            self.sql.push(")");
        }
        Ok(())
    }

    fn affinity(&self, column: &TableColumn) -> Result<String> {
        let spelt = match &column.db_type {
            Some(own) => own.to_string(),
            None => super::type_name(&column.ty, self.dialect, false)?,
        };
        let made = crate::catalog::canonical_type(self.dialect, &spelt);
        Ok(made.split(' ').next().unwrap_or("text").to_uppercase())
    }

    /// Keys that were given once are not given again after the last row was deleted.
    fn keep_count(&mut self, (from, to): (&TableDef, &TableDef), temporary: &TableName) -> Result<()> {
        let counts = |table: &TableDef| table.primary_key.len() == 1 && table.columns.iter().any(|column| column.auto_increment);
        if !counts(from) || !counts(to) {
            return Ok(());
        }
        let known = |writer: &DdlWriter, table: &TableName| match table.schema.as_ref().or(writer.sql.schema.as_ref()) {
            Some(schema) => format!("{schema}.{}", table.name),
            None => table.name.to_string(),
        };
        let (old, new) = (known(self, &from.name), known(self, temporary));
        self.sql.push("DELETE FROM sqlite_sequence WHERE name = ");
        self.sql.literal(&new)?;
        self.end();
        self.sql.push("INSERT INTO sqlite_sequence (name, seq) SELECT ");
        self.sql.literal(&new)?;
        self.sql.push(", seq FROM sqlite_sequence WHERE name = ");
        self.sql.literal(&old)?;
        self.end();
        Ok(())
    }
}
