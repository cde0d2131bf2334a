//! Full-text indexes: GIN over the words on PostgreSQL, FULLTEXT on MySQL, an FTS5 table with triggers on SQLite.

use super::DdlWriter;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{IndexDef, TableName};
use sequor_core::statement::Expr;

/// The columns of a full-text index.
fn columns(index: &IndexDef) -> Result<Vec<Name>> {
    let column = |part: &sequor_core::schema::IndexPart| part.column.clone();
    let columns: Option<Vec<Name>> = index.parts.iter().map(column).collect();
    columns.filter(|columns| !columns.is_empty()).ok_or_else(|| Error::usage("a full-text index is one of columns"))
}

impl DdlWriter {
    /// `USING gin (to_tsvector('english', ..))`: the expression that a search spells too.
    pub(super) fn gin(&mut self, index: &IndexDef) -> Result<()> {
        let columns: Vec<Expr> = columns(index)?.into_iter().map(|name| Expr::Column { table: None, name }).collect();
        self.sql.push(" USING gin (");
        self.sql.document(&columns, index.language.as_deref())?;
        self.sql.push(")");
        self.end();
        Ok(())
    }

    /// The table of the index, filled from the rows that are there, and triggers that keep it. It is made anew where one was left behind.
    pub(super) fn search_table(&mut self, table: &TableName, index: &IndexDef) -> Result<()> {
        let columns = columns(index)?;
        let place = self.search_place(table, &index.name_in(table));
        self.drop_search(&place)?;
        self.sql.push("CREATE VIRTUAL TABLE ");
        self.sql.table(&place)?;
        self.sql.push(" USING fts5(");
        self.sql.list(&columns, |sql, column| sql.name(column))?;
        self.sql.push(", content=");
        let whole = self.whole_name(table);
        self.sql.literal(&whole)?;
        self.sql.push(", content_rowid='rowid', tokenize='");
        // Porter's stems are those of English; SQLite has no others.
        self.sql.push(if index.language.as_deref() == Some("english") { "porter " } else { "" });
        self.sql.push("unicode61 remove_diacritics 0')");
        self.end();
        self.sql.push("INSERT INTO ");
        self.sql.table(&place)?;
        self.sql.push("(");
        self.sql.table(&place)?;
        self.sql.push(") VALUES ('rebuild')");
        self.end();
        let removed = |writer: &mut DdlWriter| writer.search_row(&place, &columns, Some("old"));
        let added = |writer: &mut DdlWriter| writer.search_row(&place, &columns, None);
        self.trigger((table, &place), "insert", &[], |writer| added(writer))?;
        self.trigger((table, &place), "delete", &[], |writer| removed(writer))?;
        self.trigger((table, &place), "update", &columns, |writer| {
            removed(writer)?;
            added(writer)
        })
    }

    /// Drops the table of a full-text index and its triggers.
    pub(super) fn drop_search(&mut self, place: &TableName) -> Result<()> {
        for event in ["insert", "delete", "update"] {
            self.sql.push("DROP TRIGGER IF EXISTS ");
            self.sql.table(&TableName { schema: place.schema.clone(), name: format!("{}_{event}", place.name).into() })?;
            self.end();
        }
        self.sql.push("DROP TABLE IF EXISTS ");
        self.sql.table(place)?;
        self.end();
        Ok(())
    }

    /// The table of a full-text index stands where its rows stand.
    pub(super) fn search_place(&self, table: &TableName, name: &str) -> TableName {
        TableName { schema: table.schema.clone(), name: name.to_owned().into() }
    }

    fn whole_name(&self, table: &TableName) -> String {
        match table.schema.as_deref().or(self.sql.schema.as_deref()) {
            Some(schema) => format!("{schema}.{}", table.name),
            None => table.name.to_string(),
        }
    }

    /// A trigger after an event; after an update only where a searched column or the row's number changed.
    fn trigger(
        &mut self,
        (table, place): (&TableName, &TableName),
        event: &str,
        changed: &[Name],
        body: impl FnOnce(&mut DdlWriter) -> Result<()>,
    ) -> Result<()> {
        self.sql.push("CREATE TRIGGER ");
        self.sql.table(&TableName { schema: place.schema.clone(), name: format!("{}_{event}", place.name).into() })?;
        self.sql.push(" AFTER ");
        self.sql.push(&event.to_ascii_uppercase());
        self.sql.push(" ON ");
        self.sql.table(table)?;
        if !changed.is_empty() {
            self.sql.push(" WHEN old.rowid IS NOT new.rowid");
        }
        for column in changed {
            self.sql.push(" OR old.");
            self.sql.name(column)?;
            self.sql.push(" IS NOT new.");
            self.sql.name(column)?;
        }
        self.sql.push(" BEGIN ");
        body(self)?;
        self.sql.push("END");
        self.end();
        Ok(())
    }

    /// Adds the new row to the index, or takes the old one out of it.
    fn search_row(&mut self, place: &TableName, columns: &[Name], old: Option<&str>) -> Result<()> {
        let row = old.unwrap_or("new");
        self.sql.push("INSERT INTO ");
        self.sql.table(place)?;
        self.sql.push("(");
        if old.is_some() {
            self.sql.table(place)?;
            self.sql.push(", ");
        }
        self.sql.push("rowid");
        for column in columns {
            self.sql.push(", ");
            self.sql.name(column)?;
        }
        self.sql.push(if old.is_some() { ") VALUES ('delete', " } else { ") VALUES (" });
        self.sql.push(row);
        self.sql.push(".rowid");
        for column in columns {
            self.sql.push(", ");
            self.sql.push(row);
            self.sql.push(".");
            self.sql.name(column)?;
        }
        self.sql.push("); ");
        Ok(())
    }
}
