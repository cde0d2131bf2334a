//! What `up` would run: statements, and what they hold and read while they do.

use super::Migrator;
use super::history::{self, MigrationState};
use super::loss::rows_of;
use super::runner::{status, unreadable};
use super::session::Session;
use super::source::{Migration, is_code};
use crate::db::Db;
use sequor_core::error::Result;
use sequor_sql::Dialect;
use sequor_sql::migration::{Work, asks_for, effect, makes, needs_no_transaction, plain, split};
use serde::Serialize;

/// A migration that would run.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// for planned in migrator.plan(&db).await? {
///     assert!(!planned.code && planned.statements.len() == 1, "{}", planned.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedMigration {
    /// Its name.
    pub name: String,
    /// Its statements.
    pub statements: Vec<String>,
    /// Whether they run in one transaction.
    pub transaction: bool,
    /// Whether there is a `down.sql`.
    pub reversible: bool,
    /// Whether it is written in Rust, so that its statements are not known.
    pub code: bool,
    /// What its statements hold while they run, and how much they work; nothing of those that touch only what is new.
    pub effects: Vec<PlannedEffect>,
}

/// What a statement of a migration holds while it runs.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// for effect in migrator.plan(&db).await?.iter().flat_map(|planned| &planned.effects) {
///     println!("statement {}: {} ({})", effect.statement + 1, effect.lock, effect.work);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedEffect {
    /// The statement, from 0.
    pub statement: usize,
    /// The table, as the statement writes it.
    pub table: Option<String>,
    /// The lock, and who waits for it.
    pub lock: String,
    /// `brief`, `reads` (every row) or `rewrites` (every row).
    pub work: String,
    /// How many rows the table has, at most 1,000,001; for work that takes longer the more there are.
    pub rows: Option<u64>,
}

impl std::fmt::Display for PlannedEffect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.lock)?;
        if let Some(table) = &self.table {
            write!(f, "; {table}")?;
        }
        let many = match self.rows {
            Some(1) => "1 row".to_owned(),
            Some(rows) if i64::try_from(rows).is_ok_and(|rows| rows <= COUNTED) => format!("{rows} rows"),
            Some(_) => format!("more than {COUNTED} rows"),
            None => "every row".to_owned(),
        };
        if self.work == "brief" { Ok(()) } else { write!(f, ": {} {many}", self.work) }
    }
}

/// The most rows that a plan counts.
const COUNTED: i64 = 1_000_000;

/// What `up` would run.
pub(crate) async fn plan(migrator: &Migrator, db: &Db) -> Result<Vec<PlannedMigration>> {
    let (all, dialect) = (status(migrator, db).await?, db.dialect());
    history::refuse(&all, &migrator.options)?;
    let mut planned = Vec::new();
    for migration in &migrator.migrations {
        if all.iter().any(|one| one.name == migration.name() && one.state == MigrationState::Applied) {
            continue;
        }
        let (file, script) = migration.up(dialect)?;
        if is_code(file) {
            planned.push(planned_code(migration, script, dialect));
            continue;
        }
        let pieces = split(script, dialect).map_err(|error| unreadable(migration, file, &error))?;
        planned.push(PlannedMigration {
            name: migration.name().to_owned(),
            transaction: !needs_no_transaction(script, &pieces, dialect),
            effects: effects(pieces.iter().map(|piece| piece.text.as_str()), dialect),
            statements: pieces.into_iter().map(|piece| piece.text).collect(),
            reversible: migration.down(dialect).is_some(),
            code: false,
        });
    }
    count(db, &mut planned).await?;
    Ok(planned)
}

/// What statements do to tables that none of them has made.
fn effects<'s>(statements: impl Iterator<Item = &'s str>, dialect: Dialect) -> Vec<PlannedEffect> {
    let (mut made, mut found) = (Vec::new(), Vec::new());
    for (statement, text) in statements.enumerate() {
        made.extend(makes(text));
        let Some(one) = effect(text, dialect) else { continue };
        if one.table.as_deref().is_some_and(|table| made.iter().any(|known| *known == plain(table))) {
            continue;
        }
        let work = match one.work {
            Work::Brief => "brief",
            Work::Reads => "reads",
            Work::Rewrites => "rewrites",
        };
        found.push(PlannedEffect { statement, table: one.table, lock: one.lock.to_owned(), work: work.to_owned(), rows: None });
    }
    found
}

/// A table that is asked how many rows it has is one that is there: of those that only later migrations make the question fails, and stays open.
async fn count(db: &Db, planned: &mut [PlannedMigration]) -> Result<()> {
    let mut session = Session::open(db).await?;
    for effect in planned.iter_mut().flat_map(|one| &mut one.effects).filter(|effect| effect.work != "brief") {
        if let Some(table) = &effect.table {
            effect.rows = rows_of(&mut session, table, COUNTED).await;
        }
    }
    session.close().await;
    Ok(())
}

fn planned_code(migration: &Migration, text: &str, dialect: Dialect) -> PlannedMigration {
    PlannedMigration {
        name: migration.name().to_owned(),
        statements: Vec::new(),
        transaction: !asks_for(text, "no-transaction"),
        reversible: migration.down(dialect).is_some(),
        code: true,
        effects: Vec::new(),
    }
}
