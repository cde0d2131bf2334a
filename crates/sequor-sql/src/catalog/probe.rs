//! How a server writes what we wrote: a view or a table that is made, read back and removed.

use crate::Dialect;
use crate::migration::steps;
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{Asked, Renames, Schema, TableDef, TableName, diff};

/// The name of what is made.
pub const PROBE: &str = "sequor_probe";

/// How a view's query is read back from the server: statements before, a query for the text, statements after. All of it is rolled back where the
/// database can. `None` where views keep the text that made them.
pub fn probe(dialect: Dialect, query: &str) -> Option<(String, &'static str, &'static str)> {
    match dialect {
        Dialect::Postgres => Some((
            format!("CREATE TEMPORARY VIEW sequor_probe AS {query}"),
            "SELECT pg_catalog.pg_get_viewdef('pg_temp.sequor_probe'::regclass)::text",
            "DROP VIEW pg_temp.sequor_probe",
        )),
        Dialect::Mysql | Dialect::Mariadb => Some((
            format!("CREATE OR REPLACE VIEW sequor_probe AS {query}"),
            "SELECT view_definition FROM information_schema.views WHERE table_schema = DATABASE() AND table_name = 'sequor_probe'",
            "DROP VIEW sequor_probe",
        )),
        Dialect::Sqlite => None,
    }
}

/// How a table is read back.
#[derive(Clone, Debug)]
pub struct TableProbe {
    /// What makes it.
    pub create: Vec<String>,
    /// The query for the schema that it is in; `None` for the connection's own.
    pub place: Option<&'static str>,
    /// What removes it, where nothing is rolled back.
    pub remove: &'static str,
}

/// How the expressions of a table are read back from the server, without its foreign keys; `None` where the server keeps their text.
///
/// # Errors
/// `Usage` for what the database does not have.
pub fn probe_table(dialect: Dialect, table: &TableDef) -> Result<Option<TableProbe>> {
    if dialect == Dialect::Sqlite {
        return Ok(None);
    }
    let mut own = TableDef { name: TableName::new(PROBE), foreign_keys: Vec::new(), options: None, comment: None, ..table.clone() };
    own.indexes.iter_mut().enumerate().for_each(|(number, index)| index.name = Some(index_name(number)));
    own.checks.iter_mut().enumerate().for_each(|(number, check)| check.name = check_name(number));
    let to = Schema { tables: vec![own], ..Schema::default() };
    let changes = diff(&Schema::default(), &to, &Renames::default(), &Asked::default(), &dialect)?;
    let create = steps(&changes, dialect, None)?.into_iter().flat_map(|step| step.statements);
    if dialect == Dialect::Postgres {
        let create = create.map(|sql| match sql.strip_prefix("CREATE TABLE ") {
            Some(rest) => format!("CREATE TEMPORARY TABLE {rest}"),
            None => sql,
        });
        let place = "SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE n.oid = pg_catalog.pg_my_temp_schema()";
        return Ok(Some(TableProbe { create: create.collect(), place: Some(place), remove: "" }));
    }
    let create = std::iter::once("DROP TABLE IF EXISTS sequor_probe".to_owned()).chain(create).collect();
    Ok(Some(TableProbe { create, place: None, remove: "DROP TABLE IF EXISTS sequor_probe" }))
}

impl TableProbe {
    /// Gives the description that was read back the names of the table that it stands for.
    pub fn restore(&self, own: &TableDef, read: &mut TableDef) {
        for (number, index) in own.indexes.iter().enumerate() {
            let known = read.indexes.iter_mut().find(|known| known.name == Some(index_name(number)));
            known.into_iter().for_each(|known| known.name = Some(index.name_in(&own.name)));
        }
        for (number, check) in own.checks.iter().enumerate() {
            let known = read.checks.iter_mut().find(|known| known.name == check_name(number));
            known.into_iter().for_each(|known| known.name.clone_from(&check.name));
        }
        read.name.clone_from(&own.name);
    }
}

fn index_name(number: usize) -> Name {
    Name::Owned(format!("sequor_probe_index_{number}"))
}

fn check_name(number: usize) -> Name {
    Name::Owned(format!("sequor_probe_check_{number}"))
}
