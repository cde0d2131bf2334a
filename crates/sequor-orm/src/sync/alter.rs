//! `SyncMode::Alter`: the plan from what is there to what the models say, executed.

use super::probe::compare_expressions;
use super::{keys_to_own, name_own_schema};
use crate::catalog::{missing_schemas, read_for};
use crate::db::Db;
use crate::migrate::Session;
use crate::model::ModelList;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Asked, Change, IndexDef, ModelDef, Renames, Schema, TableDef, TableName, diff, enums};
use sequor_core::statement::Ddl;
use sequor_sql::Sql;
use sequor_sql::catalog::{lost, table_texts, triggers};
use sequor_sql::migration::{History, PlanStep, steps};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

impl Db {
    /// What [`SyncMode::Alter`](crate::sync::SyncMode::Alter) would do for these models, step by step; nothing when the tables are as the models say. It changes nothing.
    ///
    /// ```
    /// use sequor::prelude::*;
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// #[model(table = "pets")]
    /// pub struct Pet {
    ///     #[field(primary_key, auto_increment)]
    ///     pub id: i64,
    ///     pub name: String,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert_eq!(db.sync_plan::<Pet>().await?[0].what, "create table pets");
    /// db.sync::<Pet>(SyncMode::Alter).await?;
    /// assert!(db.sync_plan::<Pet>().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration` for a change that needs a decision; those of the database.
    #[track_caller]
    pub fn sync_plan<Models: ModelList>(&self) -> impl Future<Output = Result<Vec<PlanStep>>> + Send + use<Models> {
        let (db, models, site) = (self.clone(), Models::models(), Location::caller());
        async move { plan(&db, &Schema::of_models(&models, &db.models())?, site).await }
    }
}

impl Db {
    /// What differs between this database and a description of its tables, step by step from the one to the other; what is there beside them does not
    /// count. It changes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// use sequor::{ModelList, Schema};
    /// let wanted = Schema::of_models(&<(User, Post)>::models(), db.registry())?;
    /// assert!(db.drift(&wanted).await?.is_empty());
    /// db.execute_sql_script("ALTER TABLE users DROP COLUMN age").await?;
    /// assert!(db.drift(&wanted).await?[0].what.contains("age"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn drift(&self, wanted: &Schema) -> impl Future<Output = Result<Vec<PlanStep>>> + Send + use<> {
        let (db, wanted, site) = (self.clone(), wanted.clone(), Location::caller());
        async move {
            let mut found = owned(read_for(&db, &wanted, site).await?, &wanted);
            compare_expressions(&db, &mut found, &wanted).await?;
            let asked = Asked { every_cast: true, ..Asked::default() };
            let mut changes = diff(&found, &wanted, &Renames::default(), &asked, &db.dialect())?;
            keep_missing_schemas(&db, &mut changes, &wanted, site).await?;
            steps(&changes, db.dialect(), db.place.schema.as_deref())
        }
    }
}

/// Changes the tables of these models until they are as the models say.
pub(super) async fn alter(db: &Db, models: &[Arc<ModelDef>], site: &'static Location<'static>) -> Result<()> {
    let plan = plan(db, &Schema::of_models(models, &db.models())?, site).await?;
    if plan.is_empty() { Ok(()) } else { apply(db, &plan, site).await }
}

/// The steps from what is there to this description.
async fn plan(db: &Db, wanted: &Schema, site: &'static Location<'static>) -> Result<Vec<PlanStep>> {
    let mut found = owned(read_for(db, wanted, site).await?, wanted);
    compare_expressions(db, &mut found, wanted).await?;
    let renames = Renames::declared(&found, wanted);
    let wanted = &with_kept(wanted, &found);
    let mut changes = diff(&found, wanted, &renames, &Asked { checked: true, ..Asked::default() }, &db.dialect())?;
    keep_missing_schemas(db, &mut changes, wanted, site).await?;
    let keys = changes.iter_mut().flat_map(|change| match &mut change.ddl {
        Ddl::CreateTable { table, .. } => keys_to_own(table).collect(),
        Ddl::AddForeignKey { table, key } if table.schema.is_some() && key.table.schema.is_none() => vec![key],
        _ => Vec::new(),
    });
    name_own_schema(db, keys.collect(), site).await?;
    steps(&changes, db.dialect(), db.place.schema.as_deref())
}

/// A plan knows the schemas of the models' own tables alone; those that are there for others stay out of it.
async fn keep_missing_schemas(db: &Db, changes: &mut Vec<Change>, wanted: &Schema, site: &'static Location<'static>) -> Result<()> {
    if !changes.iter().any(|change| matches!(change.ddl, Ddl::CreateSchema { .. })) {
        return Ok(());
    }
    let names = wanted.tables.iter().map(|table| &table.name).chain(wanted.views.iter().map(|view| &view.name));
    let missing = missing_schemas(db, names, site).await?;
    changes.retain(|change| !matches!(&change.ddl, Ddl::CreateSchema { name, .. } if !missing.contains(name)));
    Ok(())
}

/// A description with the columns that no model has any more, and the indexes and keys over them: a drop is asked for (`migrate generate`), never a
/// side effect of a sync.
fn with_kept(wanted: &Schema, found: &Schema) -> Schema {
    let mut kept = wanted.clone();
    for table in &mut kept.tables {
        let old = table.renamed_from.clone();
        let same = |known: &&TableDef| known.name == table.name || old.as_ref() == Some(&known.name.name);
        let Some(there) = found.tables.iter().find(same) else { continue };
        let known = |name: &Name| table.columns.iter().any(|column| column.name == *name || column.renamed_from.as_ref() == Some(name));
        let extra: Vec<_> = there.columns.iter().filter(|column| !known(&column.name)).cloned().collect();
        let is_extra = |name: &Name| extra.iter().any(|column| column.name == *name);
        let over = |index: &&IndexDef| index.parts.iter().any(|part| part.column.as_ref().is_some_and(is_extra));
        table.indexes.extend(there.indexes.iter().filter(over).cloned());
        table.foreign_keys.extend(there.foreign_keys.iter().filter(|key| key.columns.iter().any(is_extra)).cloned());
        table.columns.extend(extra);
    }
    kept
}

/// The part of a database that a description speaks of: what others made beside it stays as it is.
pub fn owned(mut found: Schema, wanted: &Schema) -> Schema {
    let is_wanted = |name: &TableName| {
        wanted.tables.iter().any(|table| {
            let old = table.renamed_from.as_ref().map(|old| TableName { schema: table.name.schema.clone(), name: old.clone() });
            table.name == *name || old.as_ref() == Some(name)
        })
    };
    let (tables, others): (Vec<_>, Vec<_>) = found.tables.into_iter().partition(|table| is_wanted(&table.name));
    let (used, elsewhere) = (enums(&tables), enums(&others));
    found.enums.retain(|one| {
        let has = |list: &[Arc<sequor_core::types::EnumDef>]| list.iter().any(|known| known.name == one.name);
        has(&wanted.enums) || (has(&used) && !has(&elsewhere))
    });
    found.others.retain(|one| wanted.others.iter().any(|wanted| wanted.is_named_as(one)));
    found.views.retain(|view| wanted.views.iter().any(|wanted| wanted.name == view.name));
    found.tables = tables;
    found
}

/// Runs a plan: in one transaction where the database can.
pub(crate) async fn apply(db: &Db, plan: &[PlanStep], site: &'static Location<'static>) -> Result<()> {
    let statements = || plan.iter().flat_map(|step| &step.statements);
    if db.is_in_transaction() {
        if plan.iter().any(|step| step.unchecked) {
            return Err(Error::unsupported(
                "SQLite changes this table by making it anew, which a transaction that has begun cannot hold: sync on the outer db",
            ));
        }
        for sql in statements() {
            db.execute_script(sql.clone(), site).await?;
        }
        return Ok(());
    }
    let mut session = Session::connect(db).await?;
    let result = apply_on(&mut session, db, plan).await;
    session.close().await;
    result
}

async fn apply_on(session: &mut Session, db: &Db, plan: &[PlanStep]) -> Result<()> {
    let statements: Vec<&str> = plan.iter().flat_map(|step| &step.statements).map(String::as_str).collect();
    if !db.dialect().transactional_ddl() {
        for sql in statements {
            session.script(sql).await?;
        }
        return Ok(());
    }
    let history = History::new(db.dialect());
    let switch = history.foreign_keys(false).zip(history.foreign_keys(true)).filter(|_| plan.iter().any(|step| step.unchecked));
    if let Some((off, _)) = switch {
        session.script(off).await?;
    }
    session.begin().await?;
    let mut result = keeping_triggers(session, db, &statements).await;
    if let (Ok(()), Some(query), true) = (&result, history.dangling(), switch.is_some()) {
        let rows = session.rows(Sql { text: query.to_owned(), params: Vec::new() }).await?;
        if let Some(row) = rows.first() {
            let table = crate::migrate::text(row.first());
            result = Err(Error::migration(format!("rows of {table} would point nowhere afterwards; nothing was changed")));
        }
    }
    match &result {
        Ok(()) => session.commit().await?,
        Err(_) => session.rollback().await,
    }
    if let Some((_, on)) = switch {
        session.script(on).await?;
    }
    result
}

async fn keeping_triggers(session: &mut Session, db: &Db, statements: &[&str]) -> Result<()> {
    refuse_losses(session, db.dialect(), statements).await?;
    let known = Triggers::read(session, db.dialect()).await?;
    for sql in statements {
        session.script(sql).await?;
    }
    known.restore(session, statements).await
}

/// Refuses statements that make a table anew and leave out what somebody gave it by hand.
pub(crate) async fn refuse_losses(session: &mut Session, dialect: sequor_sql::Dialect, statements: &[&str]) -> Result<()> {
    let tables = Triggers::ask(session, table_texts(dialect)).await?;
    match statements.iter().find_map(|statement| lost(&tables, statement)) {
        Some(what) => Err(Error::migration(format!(
            "{what}: write it into the CREATE TABLE of this migration, or make it from the database (migrate generate --from-database); nothing was changed"
        ))),
        None => Ok(()),
    }
}

/// The triggers of SQLite's tables, which are gone when a table is made anew.
pub(crate) struct Triggers {
    query: Option<&'static str>,
    known: Vec<(String, String)>,
}

impl Triggers {
    /// Remembers those that are there.
    pub(crate) async fn read(session: &mut Session, dialect: sequor_sql::Dialect) -> Result<Triggers> {
        let query = triggers(dialect);
        let known = Self::ask(session, query).await?;
        Ok(Triggers { query, known })
    }

    pub(crate) async fn ask(session: &mut Session, query: Option<&'static str>) -> Result<Vec<(String, String)>> {
        let Some(query) = query else { return Ok(Vec::new()) };
        let rows = session.rows(Sql { text: query.to_owned(), params: Vec::new() }).await?;
        Ok(rows.iter().map(|row| (crate::migrate::text(row.first()), crate::migrate::text(row.get(1)))).collect())
    }

    /// Makes those again that are gone, unless a statement dropped them by name or their table is gone too.
    pub(crate) async fn restore(self, session: &mut Session, statements: &[&str]) -> Result<()> {
        if self.known.is_empty() {
            return Ok(());
        }
        let there = Self::ask(session, self.query).await?;
        for (name, sql) in self.known {
            let dropped = |text: &&str| {
                let text = text.trim_start().to_ascii_lowercase();
                text.starts_with("drop trigger") && text.contains(&name.to_ascii_lowercase())
            };
            if there.iter().any(|(known, _)| *known == name) || statements.iter().any(dropped) {
                continue;
            }
            match session.script(&sql).await {
                Err(error) if error.to_string().contains("no such table") => {}
                other => other?,
            }
        }
        Ok(())
    }
}
