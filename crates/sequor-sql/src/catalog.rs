//! What a live database holds, as a [`Schema`]: a fixed number of queries, whatever the number of tables, and the description made of their rows.
//!
//! Every cell comes as text. Types, defaults and expressions keep the server's spelling; `physical` makes them comparable.

mod described;
mod expression;
mod lost;
mod mysql;
mod physical;
mod postgres;
mod probe;
mod search;
mod sqlite;
mod sqlite_text;
pub(crate) mod tokens;
mod types;
pub(crate) mod words;

pub use described::{described_default, described_type, same_table, stored_name};
pub use expression::{canonical, canonical_query};
pub(crate) use lost::NEW_TABLE;
pub use lost::{lost, lost_columns, table_texts};
pub use probe::{PROBE, TableProbe, probe, probe_table};
pub(crate) use types::canonical_type;

use crate::Dialect;
use sequor_core::Name;
use sequor_core::schema::{IndexDef, IndexPart, Schema, TableDef, TableName};
use std::collections::HashMap;

/// One row of a catalog query.
pub type CatalogRow = Vec<Option<String>>;

/// The queries that read a schema. Each takes two parameters: the schema (empty for the current one) and a table (empty for all).
pub fn queries(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Postgres => &postgres::QUERIES,
        Dialect::Mysql => &mysql::MYSQL,
        Dialect::Mariadb => &mysql::MARIADB,
        Dialect::Sqlite => &sqlite::QUERIES,
    }
}

/// What has to be asked besides, of what the answers to [`queries`] name: no parameters, one answer that is put behind theirs.
pub fn further_query(dialect: Dialect, rows: &[Vec<CatalogRow>]) -> Option<String> {
    if dialect == Dialect::Mariadb { mysql::sequences(rows) } else { None }
}

/// The triggers that are there, with the texts that made them, where a table that is made anew loses its own (SQLite).
pub fn triggers(dialect: Dialect) -> Option<&'static str> {
    (dialect == Dialect::Sqlite).then_some(
        "SELECT g.name, g.sql FROM sqlite_master g JOIN sqlite_master t ON t.name = g.tbl_name AND t.type IN ('table', 'view') WHERE g.type = 'trigger' ORDER BY g.rowid",
    )
}

/// Whether a schema is there: one parameter, its name. SQLite has none; there it is part of a table's name.
pub fn schema_query(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Postgres => Some("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1"),
        Dialect::Mysql | Dialect::Mariadb => Some("SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?"),
        Dialect::Sqlite => None,
    }
}

/// What names the schema of a connection, where there are schemas.
pub fn own_schema_query(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Postgres => Some("SELECT current_schema()"),
        Dialect::Mysql | Dialect::Mariadb => Some("SELECT DATABASE()"),
        Dialect::Sqlite => None,
    }
}

/// Whether a foreign key that names a table without its schema means one beside its own table, not one of the connection's schema (MySQL).
pub fn keys_look_beside(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Mysql | Dialect::Mariadb)
}

/// Where the tables of a catalog live, and whether their names say so.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatalogPlace<'a> {
    /// The schema; `None` for the connection's own.
    pub schema: Option<&'a str>,
    /// Whether the tables are named with their schema, because they belong to models that name it.
    pub qualified: bool,
}

/// Makes the description of a schema from the rows of [`queries`].
pub fn assemble(dialect: Dialect, rows: Vec<Vec<CatalogRow>>, place: CatalogPlace<'_>) -> Schema {
    let mut answers = Answers { rows: rows.into_iter() };
    let named = place.schema.filter(|_| place.qualified);
    let made = match dialect {
        Dialect::Postgres => postgres::assemble(&mut answers, named),
        Dialect::Mysql | Dialect::Mariadb => mysql::assemble(&mut answers, named, dialect),
        Dialect::Sqlite => sqlite::assemble(&mut answers, place.schema, named),
    };
    made.arranged()
}

/// The names of the tables that Sequor and Sequelize keep for themselves.
pub const OWN_TABLES: [&str; 4] = ["sequor_migrations", "SequelizeMeta", "SequelizeData", "sequor_seeds"];

/// The answers, query by query.
pub(crate) struct Answers {
    rows: std::vec::IntoIter<Vec<CatalogRow>>,
}

impl Answers {
    pub(crate) fn next(&mut self) -> Vec<Cells> {
        self.rows.next().unwrap_or_default().into_iter().map(Cells).collect()
    }
}

/// The cells of one row.
pub(crate) struct Cells(CatalogRow);

impl Cells {
    pub(crate) fn get(&self, place: usize) -> Option<&str> {
        self.0.get(place).and_then(Option::as_deref)
    }

    pub(crate) fn text(&self, place: usize) -> &str {
        self.get(place).unwrap_or_default()
    }

    pub(crate) fn name(&self, place: usize) -> Name {
        Name::Owned(self.text(place).to_owned())
    }

    pub(crate) fn flag(&self, place: usize) -> bool {
        self.text(place) == "1"
    }

    /// A comment, or nothing for an empty one.
    pub(crate) fn comment(&self, place: usize) -> Option<Name> {
        self.get(place).filter(|text| !text.is_empty()).map(|text| Name::Owned(text.to_owned()))
    }

    /// A list that came as JSON.
    pub(crate) fn list(&self, place: usize) -> Vec<Name> {
        let list: Vec<String> = serde_json::from_str(self.text(place)).unwrap_or_default();
        list.into_iter().map(Name::Owned).collect()
    }
}

/// Tables being put together, found by name.
pub(crate) struct Tables {
    pub(crate) tables: Vec<TableDef>,
    places: HashMap<String, usize>,
}

impl Tables {
    pub(crate) fn new() -> Tables {
        Tables { tables: Vec::new(), places: HashMap::new() }
    }

    pub(crate) fn add(&mut self, key: &str, table: TableDef) {
        self.places.insert(key.to_owned(), self.tables.len());
        self.tables.push(table);
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<&mut TableDef> {
        self.places.get(key).and_then(|place| self.tables.get_mut(*place))
    }
}

/// Adds a part to the last index of a table when that has this name, else to a new one.
pub(crate) fn add_part(table: &mut TableDef, name: &str, part: IndexPart, make: impl FnOnce() -> IndexDef) {
    match table.indexes.iter_mut().rev().find(|index| index.name.as_deref() == Some(name)) {
        Some(index) => index.parts.push(part),
        None => table.indexes.push(IndexDef { name: Some(Name::Owned(name.to_owned())), parts: vec![part], ..make() }),
    }
}

/// A table's name, without the schema that is meant anyway.
pub(crate) fn named(schema: Option<&str>, here: &str, name: Name) -> TableName {
    match schema {
        Some(schema) if schema != here => TableName { schema: Some(Name::Owned(schema.to_owned())), name },
        _ => TableName { schema: None, name },
    }
}
