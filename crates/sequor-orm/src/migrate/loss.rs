//! [`Loss`]: what undoing migrations takes away with rows in it, so that a program can ask first.

use super::Migrator;
use super::history::Known;
use super::runner::unreadable;
use super::session::{Session, number};
use super::source::{is_code, key};
use crate::db::Db;
use crate::sync::Triggers;
use sequor_core::error::{Error, Result};
use sequor_sql::Sql;
use sequor_sql::catalog::{lost_columns, table_texts};
use sequor_sql::migration::{History, removals, split};
use serde::Serialize;

/// The most rows that are counted.
const COUNTED: i64 = 1000;

/// What a statement would take away.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// migrator.up(&db).await?;
/// db.execute_sql_script("INSERT INTO pets (name) VALUES ('Rex')").await?;
/// for loss in migrator.losses(2, &db).await? {
///     assert_eq!(loss.to_string(), "1 row of pets");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The migration.
    pub migration: String,
    /// The statement.
    pub statement: String,
    /// The table, as the statement writes it; `None` when the statement does not tell.
    pub table: Option<String>,
    /// How many rows it has, at most 1001; `None` when they cannot be counted.
    pub rows: Option<u64>,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(table) = &self.table else { return write!(f, "what `{}` removes", self.statement.lines().next().unwrap_or_default()) };
        match self.rows {
            Some(1) => write!(f, "1 row of {table}"),
            Some(rows) if i64::try_from(rows).is_ok_and(|rows| rows <= COUNTED) => write!(f, "{rows} rows of {table}"),
            Some(_) => write!(f, "more than {COUNTED} rows of {table}"),
            None => write!(f, "rows of {table}"),
        }
    }
}

impl Migrator {
    /// What [`Migrator::down_many`] would take away from tables that are not empty. Writes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert!(migrator.losses(2, &db).await?.is_empty(), "nobody has written anything yet");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn losses(&self, count: usize, db: &Db) -> Result<Vec<Loss>> {
        self.losses_of(db, |_, applied| applied.rev().take(count).collect()).await
    }

    /// What [`Migrator::to`] would take away from tables that are not empty. Writes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// db.execute_sql_script("INSERT INTO pets (name, age) VALUES ('Rex', 3)").await?;
    /// assert_eq!(migrator.losses_to("01-pets", &db).await?.len(), 1, "the ages");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::losses`].
    pub async fn losses_to(&self, name: &str, db: &Db) -> Result<Vec<Loss>> {
        let target = self.migrations.iter().position(|one| one.key() == key(name));
        self.losses_of(db, |_, applied| applied.rev().filter(|place| target.is_some_and(|target| *place > target)).collect()).await
    }

    /// What [`Migrator::down_named`] would take away from tables that are not empty. Writes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert!(migrator.losses_named("02-age", &db).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::losses`].
    pub async fn losses_named(&self, name: &str, db: &Db) -> Result<Vec<Loss>> {
        let target = self.migrations.iter().position(|one| one.key() == key(name));
        self.losses_of(db, |_, applied| applied.filter(|place| target == Some(*place)).collect()).await
    }

    async fn losses_of(&self, db: &Db, choose: impl FnOnce(&Migrator, std::vec::IntoIter<usize>) -> Vec<usize>) -> Result<Vec<Loss>> {
        let mut session = Session::open(db).await?;
        let found = self.losses_in(db, &mut session, choose).await;
        session.close().await;
        found
    }

    async fn losses_in(
        &self,
        db: &Db,
        session: &mut Session,
        choose: impl FnOnce(&Migrator, std::vec::IntoIter<usize>) -> Vec<usize>,
    ) -> Result<Vec<Loss>> {
        let known = Known::read(session, History::new(db.dialect())).await?;
        let undone = |place: &usize| known.is_undone_by(&self.migrations[*place], false, db.dialect());
        let applied: Vec<usize> = (0..self.migrations.len()).filter(undone).collect();
        let mut found = Vec::new();
        for place in choose(self, applied.into_iter()) {
            let migration = &self.migrations[place];
            // One without `down.sql` is refused when it is undone.
            let Some((file, script)) = migration.down(db.dialect()) else { continue };
            if is_code(file) {
                found.push(Loss { migration: migration.name().to_owned(), statement: file.to_owned(), table: None, rows: None });
                continue;
            }
            let pieces = split(script, db.dialect()).map_err(|error| unreadable(migration, file, &error))?;
            let statements: Vec<String> = pieces.into_iter().map(|piece| piece.text).collect();
            found.extend(lost_in_columns(session, db, migration.name(), &statements).await?);
            for removal in removals(&statements) {
                let rows = match &removal.table {
                    Some(table) => rows_of(session, table, COUNTED).await,
                    None => None,
                };
                if rows != Some(0) {
                    let statement = statements[removal.statement].clone();
                    found.push(Loss { migration: migration.name().to_owned(), statement, table: removal.table, rows });
                }
            }
        }
        Ok(found)
    }
}

/// Columns that go because their table is made anew.
async fn lost_in_columns(session: &mut Session, db: &Db, migration: &str, statements: &[String]) -> Result<Vec<Loss>> {
    let tables = Triggers::ask(session, table_texts(db.dialect())).await?;
    let mut found = Vec::new();
    for statement in statements {
        let Some((table, columns)) = lost_columns(&tables, statement) else { continue };
        let mut table = format!("\"{}\"", table.replace('"', "\"\""));
        let rows = rows_of(session, &table, COUNTED).await;
        if rows != Some(0) {
            table = format!("{table} (columns {})", columns.join(", "));
            found.push(Loss { migration: migration.to_owned(), statement: statement.clone(), table: Some(table), rows });
        }
    }
    Ok(found)
}

/// Counts the rows of a table that a migration's own text names, up to one more than the most.
pub(super) async fn rows_of(session: &mut Session, table: &str, most: i64) -> Option<u64> {
    let text = format!("SELECT count(1) FROM (SELECT 1 AS one FROM {table} LIMIT {}) AS counted", most + 1);
    let rows = session.rows(Sql { text, params: Vec::new() }).await.ok()?;
    u64::try_from(number(rows.first()?.first())).map_err(|_| Error::bug("a count below zero")).ok()
}
