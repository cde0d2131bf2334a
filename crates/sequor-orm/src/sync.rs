//! `db.sync`: makes the tables of models, for development and tests.

mod alter;
mod probe;

pub use alter::owned;
pub(crate) use alter::{Triggers, apply, refuse_losses};
pub use sequor_sql::migration::PlanStep;

use crate::catalog::{enums_there, missing_schemas, own_schema, tables_for};
use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject};
use crate::model::ModelList;
use crate::write::WriteOptions;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ForeignKeyDef, IndexDef, ModelDef, TableDef, TableName, ViewDef, Ways, enums, extensions, tables};
use sequor_core::statement::Ddl;
use sequor_core::types::EnumDef;
use sequor_sql::catalog::keys_look_beside;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

/// How `db.sync` treats tables that exist.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.sync::<(User, Post)>(SyncMode::Create).await?;
/// assert_eq!(User::count().exec(&db).await?, 1, "what is there stays");
/// db.sync::<(User, Post)>(SyncMode::Force).await?;
/// assert_eq!(User::count().exec(&db).await?, 0, "made anew");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// They are left as they are.
    Create,
    /// They are dropped first, with their rows.
    Force,
    /// They are changed until they are as the models say, as [`Db::sync_plan`] shows. Columns that no model has are dropped, each named in a warning;
    /// a type whose values may not fit is an error that names the column. Tables that no model has stay.
    Alter,
}

impl Db {
    /// Makes the tables of models, parents first, and makes the models known to this database. Sequelize: `sync()`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// struct Note {
    ///     #[field(primary_key, auto_increment)]
    ///     id: i64,
    ///     text: String,
    /// }
    ///
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.sync::<Note>(SyncMode::Create).await?;
    /// assert_eq!(Note::count().exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a type that the database does not have; those of the database.
    #[track_caller]
    pub fn sync<Models: ModelList>(&self, mode: SyncMode) -> impl Future<Output = Result<()>> + Send + use<Models> {
        let (db, models, site) = (self.clone(), Models::models(), Location::caller());
        async move {
            sync_all(&db, &models, mode, site).await?;
            // Tables that are there may be changed by a cascade, of which listeners are told.
            db.registry().add_missing(&models);
            Ok(())
        }
    }

    /// Makes the tables of all models that this database knows. Sequelize: `sequelize.sync()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.registry().register_all()?;
    /// db.sync_all(SyncMode::Force).await?;
    /// assert_eq!(User::count().exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.drop_tables::<(User, Post)>().await?;
    /// assert!(!db.query_interface().table_exists("users").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn drop_tables<Models: ModelList>(&self) -> impl Future<Output = Result<()>> + Send + use<Models> {
        let (db, models, site) = (self.clone(), Models::models(), Location::caller());
        async move { drop_models(&db, &models, site).await }
    }
}

impl Db {
    /// Drops the tables of all models that this database knows. Sequelize: `sequelize.drop()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.registry().register_all()?;
    /// db.drop_all().await?;
    /// assert!(db.query_interface().list_tables().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
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
    let tables = tables(models, &db.models())?;
    for model in models.iter().filter(|model| !model.skip_sync) {
        if let Some(query) = &model.view {
            script(db, &Ddl::DropView(ViewDef::new(model.table.clone(), query.clone())), site).await?;
        }
    }
    drop_all(db, &tables, false, site).await
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

/// An error that names the field whose type this database does not have.
fn has_types(model: &ModelDef, dialect: crate::Dialect) -> Result<()> {
    let made = !model.skip_sync && model.view.is_none();
    for column in model.columns.iter().filter(|column| made && column.db_type.is_none()) {
        sequor_sql::has_type(&column.ty, dialect).map_err(|mut error| {
            if let Error::Usage(usage) = &mut error {
                usage.message = format!("{}.{}: {}", model.name, column.name, usage.message);
            }
            error
        })?;
    }
    Ok(())
}

async fn make_tables(db: &Db, models: &[Arc<ModelDef>], mode: SyncMode, site: &'static Location<'static>) -> Result<()> {
    models.iter().try_for_each(|model| has_types(model, db.dialect()))?;
    let mut made = tables(models, &db.models())?;
    let (dialect, schema) = (db.dialect(), db.place.schema.clone());
    if let Some(name) = schema {
        script(db, &Ddl::CreateSchema { name, if_not_exists: true }, site).await?;
    }
    let views = models.iter().filter(|model| !model.skip_sync && model.view.is_some()).map(|model| &model.table);
    for name in missing_schemas(db, made.iter().map(|table| &table.name).chain(views), site).await? {
        script(db, &Ddl::CreateSchema { name, if_not_exists: true }, site).await?;
    }
    if mode == SyncMode::Alter {
        return alter::alter(db, models, site).await;
    }
    if mode == SyncMode::Force {
        drop_all(db, &made, true, site).await?;
    }
    let names: Vec<TableName> = made.iter().map(|table| table.name.clone()).collect();
    let known = if mode == SyncMode::Force { Vec::new() } else { tables_for(db, &names, site).await? };
    // Some types come with an extension, where there are extensions.
    for extension in extensions(&made) {
        script(db, &Ddl::CreateOther(extension), site).await?;
    }
    for definition in enums(&made) {
        make_enum(db, &definition, site).await?;
    }
    name_own_schema(db, made.iter_mut().flat_map(keys_to_own).collect(), site).await?;
    let mut late = Vec::new();
    for index in 0..made.len() {
        let name = made[index].name.clone();
        if known.contains(&name) {
            continue;
        }
        // A key to a table that comes later closes a cycle; it is added at the end (SQLite resolves names when rows are written).
        if !dialect.rebuilds() {
            let later: Vec<_> = made[index + 1..].iter().map(|table| table.name.clone()).collect();
            let is_late = |key: &ForeignKeyDef| later.iter().any(|name| name.name == key.table.name);
            let (now, after): (Vec<_>, Vec<_>) = std::mem::take(&mut made[index].foreign_keys).into_iter().partition(|key| !is_late(key));
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
            let view = ViewDef::new(model.table.clone(), query.clone());
            script(db, &Ddl::DropView(view.clone()), site).await?;
            script(db, &Ddl::CreateView(view), site).await?;
        }
    }
    Ok(())
}

/// Keys of tables in other schemas say which schema they mean by none, where the database would take the table's own.
async fn name_own_schema(db: &Db, mut keys: Vec<&mut ForeignKeyDef>, site: &'static Location<'static>) -> Result<()> {
    if !keys.is_empty() && keys_look_beside(db.dialect()) {
        let own = own_schema(db, site).await?;
        keys.iter_mut().for_each(|key| key.table.schema.clone_from(&own));
    }
    Ok(())
}

/// The keys of a table in a schema of its own to tables that name none.
fn keys_to_own(table: &mut TableDef) -> impl Iterator<Item = &mut ForeignKeyDef> {
    let named = table.name.schema.is_some();
    table.foreign_keys.iter_mut().filter(move |key| named && key.table.schema.is_none())
}

/// The same for the models of a database, with the hooks of all of them.
async fn sync_all(db: &Db, models: &[Arc<ModelDef>], mode: SyncMode, site: &'static Location<'static>) -> Result<()> {
    let hooked = WriteOptions::at(site);
    hook::fire_global(db, HookKind::BeforeBulkSync, HookSubject::Moment, &hooked).await?;
    sync_models(db, models, mode, site).await?;
    hook::fire_global(db, HookKind::AfterBulkSync, HookSubject::Moment, &hooked).await
}

/// A partial index that only saves room is left out where there are none; one that keeps rows unique never is.
async fn create_index(db: &Db, table: &TableDef, index: &IndexDef, site: &'static Location<'static>) -> Result<()> {
    if index.is_full_text() && db.dialect().indexes_texts_apart() && !is_numbered(table) {
        tracing::warn!(index = %index.name_in(&table.name), "SQLite keeps full-text indexes only of tables with one integer as their primary key; it was left out");
        return Ok(());
    }
    if !db.dialect().partial_indexes() && index.filter.is_some() && !index.unique {
        tracing::warn!(index = %index.name_in(&table.name), "MySQL and MariaDB have no partial index; it was left out");
        return Ok(());
    }
    script(db, &Ddl::CreateIndex { table: table.name.clone(), index: index.clone(), if_not_exists: false }, site).await
}

/// Whether the primary key is the number of the row, by which a full-text index of SQLite finds it.
fn is_numbered(table: &TableDef) -> bool {
    let [key] = table.primary_key.as_slice() else { return false };
    table.columns.iter().any(|column| column.name == *key && column.db_type.is_none() && crate::plan::is_integer(&column.ty))
}

/// Whether a table points to one that is made after it.
fn in_a_circle(tables: &[TableDef]) -> bool {
    let later = |number: usize, name: &TableName| tables.iter().skip(number + 1).any(|table| table.name == *name);
    tables.iter().enumerate().any(|(number, table)| table.foreign_keys.iter().any(|key| later(number, &key.table)))
}

/// Drops tables; what stands on them, such as a view or the key of another table, goes too where it is forced and is an error otherwise.
async fn drop_all(db: &Db, tables: &[TableDef], forced: bool, site: &'static Location<'static>) -> Result<()> {
    // Keys that close a cycle have no order in which tables could be dropped. Otherwise a table that others still point to is an error, as in Sequelize.
    if let Some((off, on)) = db.dialect().unchecked_drops().filter(|_| in_a_circle(tables)) {
        let mut sql = String::from(off);
        for table in tables.iter().rev() {
            let ddl = Ddl::DropTable { table: table.name.clone(), if_exists: true, cascade: true };
            for text in db.render_ddl(&ddl)? {
                sql.push_str("; ");
                sql.push_str(&text);
            }
        }
        sql.push_str("; ");
        sql.push_str(on);
        return db.execute_script(sql, site).await;
    }
    for table in tables.iter().rev() {
        for index in table.indexes.iter().filter(|index| index.is_full_text() && db.dialect().indexes_texts_apart()) {
            // It is a table of its own there, which a dropped table leaves behind.
            let place = TableName { schema: table.name.schema.clone(), name: index.name_in(&table.name) };
            script(db, &Ddl::DropTable { table: place, if_exists: true, cascade: true }, site).await?;
        }
        script(db, &Ddl::DropTable { table: table.name.clone(), if_exists: true, cascade: forced }, site).await?;
    }
    for definition in enums(tables) {
        script(db, &Ddl::DropEnum { schema: None, name: definition.name.clone() }, site).await?;
    }
    Ok(())
}

/// Makes an enum type where enums are types and this one is not there.
pub(crate) async fn make_enum(db: &Db, definition: &Arc<EnumDef>, site: &'static Location<'static>) -> Result<()> {
    if !db.dialect().enum_types() || enums_there(db, site).await?.iter().any(|one| one.name == definition.name) {
        return Ok(());
    }
    script(db, &Ddl::CreateEnum { schema: None, definition: (**definition).clone() }, site).await
}

async fn script(db: &Db, ddl: &Ddl, site: &'static Location<'static>) -> Result<()> {
    for sql in db.render_ddl(ddl)? {
        db.execute_script(sql, site).await?;
    }
    Ok(())
}
