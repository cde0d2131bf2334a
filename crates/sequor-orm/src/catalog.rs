//! [`Db::catalog`]: what a live database holds, as a description that can be compared.

use crate::db::{Db, Rows, Run};
use crate::load::{run_one, step, unsink};
use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::schema::{Schema, TableName, Ways};
use sequor_core::types::{BindType, EnumDef, ScalarType};
use sequor_core::{Name, Value};
use sequor_sql::Sql;
use sequor_sql::catalog::{CatalogPlace, CatalogRow, OWN_TABLES, assemble, further_query, own_schema_query, queries, schema_query};
use std::panic::Location;
use std::sync::Arc;

impl Db {
    /// What this database holds in its own schema: tables with their columns, keys, indexes and checks, enums, views, and by their text sequences, extensions,
    /// domains, functions and triggers. A fixed number of queries, whatever the number of tables. Types and expressions are in the server's spelling.
    ///
    /// ```
    /// use sequor::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.execute_sql_script("CREATE TABLE pets (id integer PRIMARY KEY, name text NOT NULL CHECK (name <> ''))").await?;
    /// let schema = db.catalog().await?;
    /// assert_eq!(schema.tables[0].columns.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn catalog(&self) -> impl Future<Output = Result<Schema>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move {
            let mut found = read(&db, Scope::everything(), site).await?;
            found.tables.retain(|table| !OWN_TABLES.contains(&table.name.name.as_ref()));
            Ok(found)
        }
    }
}

/// What to read: one table or all of a schema that tables name, or of the place of the handle.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) schema: Option<&'a str>,
    pub(crate) table: &'a str,
}

impl Scope<'_> {
    pub(crate) fn everything() -> Scope<'static> {
        Scope::default()
    }
}

/// Reads a description.
pub(crate) async fn read(db: &Db, scope: Scope<'_>, site: &'static Location<'static>) -> Result<Schema> {
    let schema = scope.schema.or(db.place.schema.as_deref());
    let place = CatalogPlace { schema, qualified: scope.schema.is_some() };
    let mut rows = Vec::new();
    for query in queries(db.dialect()) {
        rows.push(texts(db, query, &[schema.unwrap_or_default(), scope.table], site).await?);
    }
    if let Some(query) = further_query(db.dialect(), &rows) {
        rows.push(texts(db, &query, &[], site).await?);
    }
    Ok(assemble(db.dialect(), rows, place))
}

/// Reads the description of the handle's place and of every schema that some tables name.
pub(crate) async fn read_for(db: &Db, wanted: &Schema, site: &'static Location<'static>) -> Result<Schema> {
    let mut found = read(db, Scope::everything(), site).await?;
    let own = if wanted.tables.iter().any(|table| table.name.schema.is_some()) { own_schema(db, site).await? } else { None };
    for schema in schemas(wanted.tables.iter().map(|table| &table.name)) {
        let mut other = read(db, Scope { schema: Some(schema), table: "" }, site).await?;
        // Models name the tables of the connection's schema without it, from wherever they refer to them.
        for key in other.tables.iter_mut().flat_map(|table| &mut table.foreign_keys).filter(|key| key.table.schema == own) {
            key.table.schema = None;
        }
        found.tables.extend(other.tables);
        found.views.extend(other.views);
        let more = other.enums.into_iter().filter(|one| !found.enums.iter().any(|known| known.name == one.name)).collect::<Vec<_>>();
        found.enums.extend(more);
    }
    let places = schemas(wanted.tables.iter().map(|table| &table.name));
    for key in found.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        split_target(&mut key.table, &places);
    }
    Ok(found.arranged())
}

/// SQLite has no schemas: there a key points to `audit.log` as one name, where models say schema and table.
fn split_target(target: &mut TableName, places: &[&Name]) {
    if target.schema.is_none()
        && let Some((schema, name)) = target.name.split_once('.')
        && let Some(place) = places.iter().find(|place| place.as_ref() == schema)
    {
        *target = TableName { schema: Some((*place).clone()), name: Name::Owned(name.to_owned()) };
    }
}

fn schemas<'a>(names: impl Iterator<Item = &'a TableName>) -> Vec<&'a Name> {
    let mut found: Vec<&Name> = names.filter_map(|name| name.schema.as_ref()).collect();
    found.sort();
    found.dedup();
    found
}

/// The schema that the names without one mean.
pub(crate) async fn own_schema(db: &Db, site: &'static Location<'static>) -> Result<Option<Name>> {
    if db.place.schema.is_some() {
        return Ok(db.place.schema.clone());
    }
    let Some(query) = own_schema_query(db.dialect()) else { return Ok(None) };
    let rows = texts(db, query, &[], site).await?;
    Ok(rows.into_iter().flatten().next().flatten().map(Name::Owned))
}

/// The schemas that tables name and that are not there.
pub(crate) async fn missing_schemas(
    db: &Db,
    wanted: impl Iterator<Item = &TableName>,
    site: &'static Location<'static>,
) -> Result<Vec<Name>> {
    let Some(query) = schema_query(db.dialect()) else { return Ok(Vec::new()) };
    let mut missing = Vec::new();
    for schema in schemas(wanted) {
        if texts(db, query, &[schema], site).await?.is_empty() {
            missing.push(schema.clone());
        }
    }
    Ok(missing)
}

/// The names of the tables that are there, of those in these places: one query for each place.
pub(crate) async fn tables_for(db: &Db, wanted: &[TableName], site: &'static Location<'static>) -> Result<Vec<TableName>> {
    let mut found = Vec::new();
    let places = schemas(wanted.iter()).into_iter().map(|schema| Some(schema.as_ref())).chain([None]);
    for named in places {
        let schema = named.or(db.place.schema.as_deref());
        let Some(query) = queries(db.dialect()).first() else { continue };
        let rows = texts(db, query, &[schema.unwrap_or_default(), ""], site).await?;
        let made = assemble(db.dialect(), vec![rows], CatalogPlace { schema, qualified: named.is_some() });
        found.extend(made.tables.into_iter().map(|table| table.name));
    }
    Ok(found)
}

/// The enum types that are there, in the handle's place.
pub(crate) async fn enums_there(db: &Db, site: &'static Location<'static>) -> Result<Vec<Arc<EnumDef>>> {
    let dialect = db.dialect();
    let Some(query) = queries(dialect).get(1).filter(|_| dialect.enum_types()) else { return Ok(Vec::new()) };
    let schema = db.place.schema.as_deref();
    let rows = texts(db, query, &[schema.unwrap_or_default(), ""], site).await?;
    Ok(assemble(dialect, vec![Vec::new(), rows], CatalogPlace { schema, qualified: false }).enums)
}

/// Runs a catalog query: cells as text.
pub(crate) async fn texts(db: &Db, text: &str, params: &[&str], site: &'static Location<'static>) -> Result<Vec<CatalogRow>> {
    let params = params.iter().map(|param| Param { value: (*param).into(), bind: BindType::one(ScalarType::Text) }).collect();
    let run = Run { operation: "catalog", model: None, site, write: true };
    let sql = Sql { text: text.to_owned(), params };
    let found = unsink::<Rows>(run_one(db, step(sql, Box::new(Rows::default())), run).await?)?;
    Ok(found.rows.into_iter().map(|row| row.into_iter().map(text_of).collect()).collect())
}

pub(crate) fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => match other.to_json() {
            serde_json::Value::String(text) => Some(text),
            json => Some(json.to_string()),
        },
    }
}
