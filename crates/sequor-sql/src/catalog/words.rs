//! What a database says in its own words of tables, columns and indexes: which of it a dialect understands. A snapshot that was made on one database may be
//! used on another, which must not be told what it has no words for.

use crate::Dialect;
use sequor_core::schema::{IndexDef, TableColumn, TableDef};

/// The option of PostgreSQL that stands before its table.
pub(crate) const UNLOGGED: &str = "UNLOGGED";

/// The options of a table, where they are this dialect's.
pub(crate) fn of_table(dialect: Dialect, table: &TableDef) -> Option<&str> {
    let begins: &[&str] = match dialect {
        Dialect::Postgres => &[UNLOGGED, "PARTITION BY ", "WITH ("],
        Dialect::Mysql | Dialect::Mariadb => &["ENGINE=", "COLLATE="],
        Dialect::Sqlite => &["STRICT", "WITHOUT ROWID"],
    };
    known(table.options.as_deref(), begins)
}

/// What is said of a column, where it is this dialect's.
pub(crate) fn of_column(dialect: Dialect, column: &TableColumn) -> Option<&str> {
    let begins: &[&str] = match dialect {
        Dialect::Postgres => &["ALWAYS"],
        Dialect::Mysql | Dialect::Mariadb => &["CHARACTER SET ", "ON UPDATE ", "INVISIBLE"],
        Dialect::Sqlite => &["NOT NULL ON CONFLICT ", "PRIMARY KEY ON CONFLICT "],
    };
    known(column.extra.as_deref(), begins)
}

/// What is said of an index, where it is this dialect's.
pub(crate) fn of_index(dialect: Dialect, index: &IndexDef) -> Option<&str> {
    let begins: &[&str] = match dialect {
        Dialect::Postgres => &["NULLS NOT DISTINCT", "DEFERRABLE"],
        Dialect::Mysql | Dialect::Mariadb => &[],
        Dialect::Sqlite => &["ON CONFLICT "],
    };
    known(index.extra.as_deref(), begins)
}

/// The action of a clause of SQLite: `NOT NULL ON CONFLICT FAIL` of a column.
pub(crate) fn conflict<'c>(column: &'c TableColumn, clause: &str) -> Option<&'c str> {
    let said = of_column(Dialect::Sqlite, column)?;
    said.split(", ").find_map(|one| one.strip_prefix(clause))
}

fn known<'t>(text: Option<&'t str>, begins: &[&str]) -> Option<&'t str> {
    text.filter(|text| begins.iter().any(|begin| text.starts_with(begin)))
}
