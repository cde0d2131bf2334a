//! `db.sync`: makes the tables of models, for development and tests.

use crate::db::{Db, Run};
use crate::hook::{self, HookKind, HookSubject};
use crate::load::{run_one, step, unsink};
use crate::model::ModelList;
use crate::write::WriteOptions;
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{IndexDef, ModelDef, TableDef, TableName, tables};
use sequor_core::statement::Ddl;
use sequor_core::types::{ColumnType, EnumDef};
use sequor_sql::{Dialect, Sql};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

/// How `db.sync` treats tables that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// They are left as they are.
    Create,
    /// They are dropped first, with their rows.
    Force,
    /// Columns and indexes that are missing are added.
    Alter,
}

impl Db {
    /// Makes the tables of models, parents first. Sequelize: `sync()`.
    ///
    /// # Errors
    /// `Usage` for a type that the database does not have; those of the database.
    #[track_caller]
    pub fn sync<L: ModelList>(&self, mode: SyncMode) -> impl Future<Output = Result<()>> + Send + use<L> {
        let (db, models, site) = (self.clone(), L::models(), Location::caller());
        async move { sync_all(&db, &models, mode, site).await }
    }

    /// Makes the tables of all models that this database knows. Sequelize: `sequelize.sync()`.
    ///
    /// # Errors
    /// As [`Db::sync`].
    #[track_caller]
    pub fn sync_all(&self, mode: SyncMode) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move { sync_all(&db, &db.registry().all(), mode, site).await }
    }

    /// Drops the tables of models, children first. Sequelize: `drop()`.
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn drop_tables<L: ModelList>(&self) -> impl Future<Output = Result<()>> + Send + use<L> {
        let (db, models, site) = (self.clone(), L::models(), Location::caller());
        async move {
            let tables = tables(&models, &db.models())?;
            drop_all(&db, &tables, site).await
        }
    }
}

impl Db {
    /// Drops the tables of all models that this database knows. Sequelize: `sequelize.drop()`.
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn drop_all(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move { drop_models(&db, &db.registry().all(), site).await }
    }
}

/// Drops the tables of these models.
pub(crate) async fn drop_models(db: &Db, models: &[Arc<ModelDef>], site: &'static Location<'static>) -> Result<()> {
    drop_all(db, &tables(models, &db.models())?, site).await
}

/// Makes the tables of these models. All hooks before come first, so that a veto leaves everything as it was.
pub(crate) async fn sync_models(db: &Db, models: &[Arc<ModelDef>], mode: SyncMode, site: &'static Location<'static>) -> Result<()> {
    let hooked = WriteOptions::at(site);
    for model in models.iter().filter(|model| !model.skip_sync) {
        hook::fire(db, model, HookKind::BeforeSync, HookSubject::Moment, &hooked).await?;
    }
    make_tables(db, models, mode, site).await?;
    for model in models.iter().filter(|model| !model.skip_sync) {
        hook::fire(db, model, HookKind::AfterSync, HookSubject::Moment, &hooked).await?;
    }
    Ok(())
}

async fn make_tables(db: &Db, models: &[Arc<ModelDef>], mode: SyncMode, site: &'static Location<'static>) -> Result<()> {
    let mut made = tables(models, &db.models())?;
    let dialect = db.dialect();
    let schema = db.place.schema.clone();
    if let Some(name) = schema.clone() {
        script(db, &Ddl::CreateSchema { name, if_not_exists: true }, site).await?;
    }
    if mode == SyncMode::Force {
        drop_all(db, &made, site).await?;
    }
    let known = if mode == SyncMode::Force { Vec::new() } else { existing(db, site).await? };
    for definition in enums(&made) {
        make_enum(db, &definition, site).await?;
    }
    let mut late = Vec::new();
    for index in 0..made.len() {
        let name = made[index].name.clone();
        if known.iter().any(|known| *known == placed(&name, schema.as_deref())) {
            if mode == SyncMode::Alter {
                add_missing(db, &made[index], site).await?;
            }
            continue;
        }
        // A key to a table that comes later closes a cycle; it is added at the end (SQLite resolves names when rows are written).
        if dialect != Dialect::Sqlite {
            let later: Vec<_> = made[index + 1..].iter().map(|table| table.name.clone()).collect();
            let (now, after): (Vec<_>, Vec<_>) =
                std::mem::take(&mut made[index].foreign_keys).into_iter().partition(|key| !later.contains(&key.table));
            made[index].foreign_keys = now;
            late.extend(after.into_iter().map(|key| (name.clone(), key)));
        }
        let table = made[index].clone();
        script(db, &Ddl::CreateTable { table: Box::new(table.clone()), if_not_exists: true }, site).await?;
        for index in table.indexes.iter().filter(|index| !(index.constraint && index.unique)) {
            create_index(db, &table, index, site).await?;
        }
    }
    for (table, key) in late {
        script(db, &Ddl::AddForeignKey { table, key }, site).await?;
    }
    for model in models.iter().filter(|model| !model.skip_sync) {
        if let Some(query) = &model.view {
            script(db, &Ddl::DropView { name: model.table.clone() }, site).await?;
            script(db, &Ddl::CreateView { name: model.table.clone(), query: query.clone() }, site).await?;
        }
    }
    Ok(())
}

/// The same for the models of a database, with the hooks of all of them.
async fn sync_all(db: &Db, models: &[Arc<ModelDef>], mode: SyncMode, site: &'static Location<'static>) -> Result<()> {
    let hooked = WriteOptions::at(site);
    hook::fire_global(db, HookKind::BeforeBulkSync, HookSubject::Moment, &hooked).await?;
    sync_models(db, models, mode, site).await?;
    hook::fire_global(db, HookKind::AfterBulkSync, HookSubject::Moment, &hooked).await
}

/// The name by which [`existing`] knows a table.
fn placed(table: &TableName, schema: Option<&str>) -> String {
    match table.schema.as_deref().or(schema) {
        Some(schema) => format!("{schema}.{}", table.name),
        None => table.name.to_string(),
    }
}

/// A partial index that only saves room is left out where there are none; one that keeps rows unique never is.
async fn create_index(db: &Db, table: &TableDef, index: &IndexDef, site: &'static Location<'static>) -> Result<()> {
    if db.dialect().is_mysql() && index.filter.is_some() && !index.unique {
        tracing::warn!(index = %index.name_in(&table.name), "MySQL and MariaDB have no partial index; it was left out");
        return Ok(());
    }
    script(db, &Ddl::CreateIndex { table: table.name.clone(), index: index.clone(), if_not_exists: false }, site).await
}

async fn add_missing(db: &Db, table: &TableDef, site: &'static Location<'static>) -> Result<()> {
    let columns = column_names(db, table, site).await?;
    for column in table.columns.iter().filter(|column| !columns.iter().any(|known| *known == column.name)) {
        script(db, &Ddl::AddColumn { table: table.name.clone(), column: Box::new(column.clone()), after: None }, site).await?;
    }
    let indexes = index_names(db, table, site).await?;
    let missing = |index: &&IndexDef| !(indexes.contains(&known_index(db, table, index)) || index.constraint && index.unique);
    for index in table.indexes.iter().filter(missing) {
        create_index(db, table, index, site).await?;
    }
    Ok(())
}

/// The name under which the database knows an index: SQLite's carries the tenant.
fn known_index(db: &Db, table: &TableDef, index: &IndexDef) -> String {
    match table.name.schema.as_deref().or(db.place.schema.as_deref()) {
        Some(schema) if db.dialect() == Dialect::Sqlite => format!("{schema}.{}", index.name_in(&table.name)),
        _ => index.name_in(&table.name).into_owned(),
    }
}

async fn index_names(db: &Db, table: &TableDef, site: &'static Location<'static>) -> Result<Vec<String>> {
    let schema = table.name.schema.as_deref().or(db.place.schema.as_deref()).unwrap_or_default();
    let known = placed(&table.name, db.place.schema.as_deref());
    let name = if db.dialect() == Dialect::Sqlite { known.as_str() } else { &table.name.name };
    texts(db, sequor_sql::catalog::indexes(db.dialect()), vec![name, schema], site).await
}

async fn drop_all(db: &Db, tables: &[TableDef], site: &'static Location<'static>) -> Result<()> {
    let mysql = db.dialect().is_mysql();
    if mysql {
        // Keys that close a cycle have no order in which tables could be dropped.
        let mut sql = String::from("SET FOREIGN_KEY_CHECKS = 0");
        for table in tables.iter().rev() {
            let ddl = Ddl::DropTable { table: table.name.clone(), if_exists: true, cascade: true };
            for text in db.render_ddl(&ddl)? {
                sql.push_str("; ");
                sql.push_str(&text);
            }
        }
        sql.push_str("; SET FOREIGN_KEY_CHECKS = 1");
        return db.execute_script(sql, site).await;
    }
    for table in tables.iter().rev() {
        script(db, &Ddl::DropTable { table: table.name.clone(), if_exists: true, cascade: true }, site).await?;
    }
    for definition in enums(tables) {
        script(db, &Ddl::DropEnum { schema: None, name: definition.name.clone() }, site).await?;
    }
    Ok(())
}

/// Makes an enum type where enums are types and this one is not there.
pub(crate) async fn make_enum(db: &Db, definition: &Arc<EnumDef>, site: &'static Location<'static>) -> Result<()> {
    if db.dialect() == Dialect::Postgres && !enum_exists(db, definition, site).await? {
        script(db, &Ddl::CreateEnum { schema: None, definition: (**definition).clone() }, site).await?;
    }
    Ok(())
}

/// The enum types of some tables, each once.
fn enums(tables: &[TableDef]) -> Vec<Arc<EnumDef>> {
    let mut found: Vec<Arc<EnumDef>> = Vec::new();
    for table in tables {
        for column in &table.columns {
            let ty = match &column.ty {
                ColumnType::Array(element) => element,
                ty => ty,
            };
            if let ColumnType::Enum(definition) = ty
                && !found.iter().any(|known| known.name == definition.name)
            {
                found.push(definition.clone());
            }
        }
    }
    found
}

async fn script(db: &Db, ddl: &Ddl, site: &'static Location<'static>) -> Result<()> {
    for sql in db.render_ddl(ddl)? {
        db.execute_script(sql, site).await?;
    }
    Ok(())
}

/// Collects the first cell of each row as text.
struct TextSink(Vec<String>);

impl RowSink for TextSink {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        match row.any(0)? {
            sequor_core::Value::Text(text) => self.0.push(text),
            sequor_core::Value::Bytes(bytes) => self.0.push(String::from_utf8_lossy(&bytes).into_owned()),
            _ => return Err(Error::bug("the catalog holds no text")),
        }
        Ok(Flow::Continue)
    }
}

async fn texts(db: &Db, text: &str, params: Vec<&str>, site: &'static Location<'static>) -> Result<Vec<String>> {
    use sequor_core::types::{BindType, ScalarType};
    let params = params.into_iter().map(|param| sequor_core::driver::Param { value: param.into(), bind: BindType::one(ScalarType::Text) });
    let sql = Sql { text: text.to_owned(), params: params.collect() };
    let run = Run { operation: "sync", model: None, site, write: true };
    Ok(unsink::<TextSink>(run_one(db, step(sql, Box::new(TextSink(Vec::new()))), run).await?)?.0)
}

/// The tables that are there.
async fn existing(db: &Db, site: &'static Location<'static>) -> Result<Vec<String>> {
    let text = match db.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        Dialect::Postgres => {
            "SELECT CASE WHEN table_schema = current_schema() THEN table_name ELSE table_schema || '.' || table_name END FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "SELECT CASE WHEN table_schema = DATABASE() THEN table_name ELSE CONCAT(table_schema, '.', table_name) END FROM information_schema.tables"
        }
    };
    texts(db, text, Vec::new(), site).await
}

async fn enum_exists(db: &Db, definition: &EnumDef, site: &'static Location<'static>) -> Result<bool> {
    let found = texts(db, "SELECT typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typname = $1 AND n.nspname = coalesce(nullif($2, ''), current_schema())", vec![&definition.name, db.place.schema.as_deref().unwrap_or_default()], site).await?;
    Ok(!found.is_empty())
}

async fn column_names(db: &Db, table: &TableDef, site: &'static Location<'static>) -> Result<Vec<String>> {
    let text = match db.dialect() {
        Dialect::Sqlite => "SELECT name FROM pragma_table_info(?)",
        Dialect::Postgres => {
            "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 AND table_schema = coalesce(nullif($2, ''), current_schema())"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "SELECT column_name FROM information_schema.columns WHERE table_name = ? AND table_schema = coalesce(nullif(?, ''), DATABASE())"
        }
    };
    let schema = table.name.schema.as_deref().or(db.place.schema.as_deref()).unwrap_or_default();
    if db.dialect() == Dialect::Sqlite {
        return texts(db, text, vec![&placed(&table.name, db.place.schema.as_deref())], site).await;
    }
    texts(db, text, vec![&table.name.name, schema], site).await
}
