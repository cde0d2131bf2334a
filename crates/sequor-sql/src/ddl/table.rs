//! CREATE TABLE, and SQLite's rebuild.

use super::DdlWriter;
use crate::Dialect;
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{ForeignKeyDef, TableDef, TableName};

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
        self.sql.push(if if_not_exists { "CREATE TABLE IF NOT EXISTS " } else { "CREATE TABLE " });
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
        }
        for index in table.indexes.iter().filter(|index| index.constraint && index.unique) {
            self.sql.push(", CONSTRAINT ");
            self.sql.name(&index.name_in(&table.name))?;
            self.sql.push(" UNIQUE (");
            self.sql.list(index.parts.iter().filter_map(|part| part.column.as_ref()), |sql, column| sql.name(column))?;
            self.sql.push(")");
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
    pub(crate) fn rebuild(&mut self, from: &TableDef, to: &TableDef, renames: &[(Name, Name)]) -> Result<()> {
        let mut temporary = to.name.clone();
        temporary.name = format!("sequor_new_{}", to.name.name).into();
        self.table_statement(to, &temporary, false)?;
        let old_name = |new: &Name| renames.iter().find(|(_, to)| to == new).map_or_else(|| new.clone(), |(from, _)| from.clone());
        let pairs: Vec<(Name, Name)> = to
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .map(|column| (column.name.clone(), old_name(&column.name)))
            .filter(|(_, old)| from.columns.iter().any(|column| column.name == *old))
            .collect();
        if !pairs.is_empty() {
            self.sql.push("INSERT INTO ");
            self.sql.table(&temporary)?;
            self.sql.push(" (");
            self.sql.list(&pairs, |sql, (new, _)| sql.name(new))?;
            self.sql.push(") SELECT ");
            self.sql.list(&pairs, |sql, (_, old)| sql.name(old))?;
            self.sql.push(" FROM ");
            self.sql.table(&from.name)?;
            self.end();
        }
        self.sql.push("DROP TABLE ");
        self.sql.table(&from.name)?;
        self.end();
        self.sql.push("ALTER TABLE ");
        self.sql.table(&temporary)?;
        self.sql.push(" RENAME TO ");
        self.sql.table(&to.name)?;
        self.end();
        for index in to.indexes.iter().filter(|index| !(index.constraint && index.unique)) {
            self.create_index(&to.name, index, false)?;
        }
        Ok(())
    }
}
