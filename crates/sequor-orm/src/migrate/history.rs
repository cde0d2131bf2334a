//! What has run: the history of the database beside the files.

use super::session::{Session, number, text};
use super::source::{Migration, key};
use super::steps::Direction;
use super::{Migrator, Options, code, proof};
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use sequor_sql::migration::{Entry, History};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the history says beside a repeatable migration, so that it is known without its file.
pub(crate) const REPEATABLE: &str = "repeatable";

/// A migration and what became of it.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// let all = migrator.status(&db).await?;
/// assert_eq!(all[0].name, "01-pets");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: MigrationState,
    /// When it was applied, in UTC; empty for one that Sequelize applied.
    pub applied_at: Option<String>,
    /// Whether it has a `down.sql` for this database.
    pub reversible: bool,
}

/// What became of a migration.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// use sequor::MigrationState;
/// migrator.up(&db).await?;
/// assert!(migrator.status(&db).await?.iter().all(|one| one.state == MigrationState::Applied));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// It has run.
    Applied,
    /// It has not run.
    Pending,
    /// It has run, and its file was changed since.
    Changed,
    /// It has run, and its file is gone.
    Missing,
    /// It is repeatable and has run, and its text was changed since: the next `up` runs it again.
    Outdated,
    /// It has not run, but a later one has.
    Late,
    /// Its file is that of another name which has run.
    Renamed {
        /// The name under which it has run.
        from: String,
    },
    /// Two files have this name.
    Duplicate,
    /// The database refused a statement; those before it are done.
    Failed {
        /// The statement, from 1.
        statement: usize,
        /// What the database said.
        message: String,
        /// Whether it was being undone.
        undo: bool,
    },
    /// The program ended while this statement ran; nobody knows whether it is done.
    Unknown {
        /// The statement, from 1.
        statement: usize,
        /// Whether it was being undone.
        undo: bool,
    },
}

/// What the database knows.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) entries: Vec<Entry>,
    /// Names of Sequelize's history; `None` where there is no such table.
    pub(crate) sequelize: Option<Vec<String>>,
    pub(crate) has_table: bool,
}

impl Known {
    pub(crate) async fn read(session: &mut Session, history: History) -> Result<Known> {
        let tables: Vec<String> = session.rows(history.tables()).await?.iter().map(|row| text(row.first())).collect();
        let mut known = Known { has_table: tables.iter().any(|name| name == "sequor_migrations"), ..Known::default() };
        if known.has_table {
            known.entries = session.rows(history.entries()?).await?.iter().map(|row| entry(row)).collect();
        }
        if tables.iter().any(|name| name == "SequelizeMeta") {
            let names = session.rows(history.sequelize()?).await?;
            known.sequelize = Some(names.iter().map(|row| text(row.first())).collect());
        }
        Ok(known)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| key(&entry.name) == key(name))
    }

    fn in_sequelize(&self, name: &str) -> bool {
        self.sequelize.iter().flatten().any(|known| key(known) == key(name))
    }

    /// The name under which Sequelize's history shall know a migration.
    pub(crate) fn sequelize_name(&self, name: &str) -> String {
        let last = self.sequelize.iter().flatten().next_back();
        let ending = last.and_then(|last| last.rsplit_once('.')).map_or("js", |(_, ending)| ending);
        format!("{name}.{ending}")
    }

    pub(crate) fn is_applied(&self, name: &str) -> bool {
        match self.entry(name) {
            Some(entry) => entry.state != "up",
            None => self.in_sequelize(name),
        }
    }

    /// Whether a migration has run as it is now: a repeatable one runs again when its text is another.
    pub(crate) fn has_run(&self, migration: &Migration, dialect: Dialect) -> Result<bool> {
        match self.entry(migration.name()).filter(|_| migration.is_repeatable()) {
            Some(entry) => Ok(entry.state == "applied" && entry.checksum == migration.checksum(dialect)?),
            None => Ok(self.is_applied(migration.name())),
        }
    }

    /// Whether a direction has nothing to do any more.
    pub(crate) fn is_done(&self, migration: &Migration, direction: Direction, dialect: Dialect) -> Result<bool> {
        match direction {
            Direction::Up => self.has_run(migration, dialect),
            Direction::Down => Ok(!self.is_applied(migration.name())),
        }
    }

    /// Whether undoing takes a migration away: repeatable ones only with all others, and only where something undoes them.
    pub(crate) fn is_undone_by(&self, migration: &Migration, whole: bool, dialect: Dialect) -> bool {
        let may = !migration.is_repeatable() || whole && migration.down(dialect).is_some();
        may && self.is_applied(migration.name())
    }

    /// Every migration with its state, those without a file included.
    pub(crate) fn status(&self, migrator: &Migrator, dialect: Dialect) -> Result<Vec<MigrationStatus>> {
        let mut all: BTreeMap<String, MigrationStatus> = BTreeMap::new();
        let repeatable: Vec<String> = migrator.migrations.iter().filter(|one| one.is_repeatable()).map(Migration::key).collect();
        // What was put behind others knows nothing of them: where it has run, they are not late.
        let rebased: Vec<String> = migrator
            .migrations
            .iter()
            .flat_map(|one| {
                let names = one.rebased(dialect);
                let own = (!names.is_empty()).then(|| one.key());
                names.into_iter().map(|name| key(&name)).chain(own)
            })
            .collect();
        let in_order = |name: &String| !repeatable.contains(name) && !rebased.contains(name);
        let newest = migrator.migrations.iter().filter(|one| self.is_applied(one.name())).map(Migration::key).filter(in_order).max();
        let stamped = self.entries.iter().filter(|entry| entry.done_checksum != REPEATABLE).map(|entry| key(&entry.name));
        let newest = newest.max(stamped.filter(in_order).max());
        for migration in &migrator.migrations {
            let duplicate = all.contains_key(&migration.key());
            let state = if duplicate { MigrationState::Duplicate } else { self.state(migration, newest.as_deref(), dialect)? };
            let applied_at = self.entry(migration.name()).map(|entry| entry.applied_at.clone()).filter(|at| !at.is_empty());
            let status =
                MigrationStatus { name: migration.name().to_owned(), state, applied_at, reversible: migration.down(dialect).is_some() };
            all.insert(migration.key(), status);
        }
        let replaced: Vec<String> = migrator.migrations.iter().flat_map(|one| one.replaces(dialect)).map(|name| key(&name)).collect();
        // A repeatable one may go: what it made is dropped by another migration.
        let counts = |entry: &&Entry| entry.done_checksum != REPEATABLE && !replaced.contains(&key(&entry.name));
        for entry in self.entries.iter().filter(counts) {
            all.entry(key(&entry.name)).or_insert_with(|| MigrationStatus {
                name: entry.name.clone(),
                state: MigrationState::Missing,
                applied_at: Some(entry.applied_at.clone()),
                reversible: false,
            });
        }
        self.mark_renamed(migrator, dialect, &mut all)?;
        Ok(all.into_values().collect())
    }

    fn state(&self, migration: &Migration, newest: Option<&str>, dialect: Dialect) -> Result<MigrationState> {
        let Some(entry) = self.entry(migration.name()) else {
            let half = |name: &String| self.entry(name).is_some_and(|entry| entry.state != "applied");
            if let Some(from) = migration.rebased(dialect).into_iter().find(half) {
                return Ok(MigrationState::Renamed { from });
            }
            let late = !migration.is_repeatable() && newest.is_some_and(|newest| migration.key().as_str() < newest);
            let applied = self.in_sequelize(migration.name()) || self.stands_for(migration, dialect).unwrap_or(false);
            return Ok(match (applied, late) {
                (true, _) => MigrationState::Applied,
                (false, true) => MigrationState::Late,
                (false, false) => MigrationState::Pending,
            });
        };
        let (undo, statement) = (entry.state == "down", usize::try_from(entry.done).unwrap_or(0) + 1);
        Ok(match entry.state.as_str() {
            "applied" if entry.checksum == migration.checksum(dialect)? => MigrationState::Applied,
            "applied" if migration.is_repeatable() => MigrationState::Outdated,
            "applied" => MigrationState::Changed,
            _ if entry.started > entry.done && entry.message.is_empty() => MigrationState::Unknown { statement, undo },
            _ if proof::is_proof(&entry.message) => {
                let message = "the program ended while it ran; the next run looks whether it was done".to_owned();
                MigrationState::Failed { statement, message, undo }
            }
            _ => {
                let message = code::shown(&entry.message).unwrap_or_else(|| entry.message.clone());
                MigrationState::Failed { statement, message, undo }
            }
        })
    }

    /// A file that has the text of a missing one was renamed.
    fn mark_renamed(&self, migrator: &Migrator, dialect: Dialect, all: &mut BTreeMap<String, MigrationStatus>) -> Result<()> {
        let missing: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| all.get(&key(&entry.name)).is_some_and(|one| one.state == MigrationState::Missing))
            .collect();
        for migration in migrator.migrations.iter().filter(|_| !missing.is_empty()) {
            let checksum = migration.checksum(dialect)?;
            let Some(entry) = missing.iter().find(|entry| entry.checksum == checksum) else { continue };
            if let Some(status) = all.get_mut(&migration.key())
                && matches!(status.state, MigrationState::Pending | MigrationState::Late)
            {
                status.state = MigrationState::Renamed { from: entry.name.clone() };
            }
        }
        Ok(())
    }
}

fn entry(row: &[sequor_core::Value]) -> Entry {
    Entry {
        name: text(row.first()),
        checksum: text(row.get(1)),
        state: text(row.get(2)),
        started: number(row.get(3)),
        done: number(row.get(4)),
        done_checksum: text(row.get(5)),
        message: text(row.get(6)),
        applied_at: text(row.get(7)),
    }
}

/// Where a migration ended, and why: what was written down names its place by itself.
pub(crate) fn end(name: &str, statement: usize, message: &str) -> String {
    match message.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')) {
        Some(place) => place.to_owned(),
        None => format!("statement {statement}: {message}"),
    }
}

/// An error when the files and the history contradict each other.
pub(crate) fn refuse(all: &[MigrationStatus], options: &Options) -> Result<()> {
    for MigrationStatus { name, state, .. } in all {
        let message = match state {
            MigrationState::Applied | MigrationState::Pending | MigrationState::Outdated | MigrationState::Failed { undo: false, .. } => {
                continue;
            }
            MigrationState::Late if options.out_of_order => continue,
            MigrationState::Missing if options.ignore_missing => continue,
            MigrationState::Changed => format!(
                "{name}/up.sql was changed after it had run: put the old text back and write a new migration, or accept the new one with `sequor migrate resolve {name} --applied`"
            ),
            MigrationState::Missing => format!(
                "{name} has run, but its file is gone: bring it back from version control, or go on without it with `--ignore-missing`"
            ),
            MigrationState::Late => {
                format!(
                    "{name} has not run, but a later migration has: put it last with `sequor migrate rebase {name}`, or run it as it stands with `--out-of-order`"
                )
            }
            MigrationState::Renamed { from } => {
                format!("{name} is {from} under another name: rename it back to {from}")
            }
            MigrationState::Duplicate => format!("two migrations are called {name} (`-` and `_` are the same): rename one of them"),
            MigrationState::Failed { statement, message, undo: true } => {
                format!("undoing {name} failed at {}; mend down.sql and run `sequor migrate down` again", end(name, *statement, message))
            }
            MigrationState::Unknown { statement, undo } => format!(
                "the program ended while statement {statement} of {name}/{} ran, and nobody knows whether it is done: look at the database, then say so with `sequor migrate resolve {name} --done` or `--not-done`",
                if *undo { "down.sql" } else { "up.sql" }
            ),
        };
        return Err(Error::migration(message));
    }
    Ok(())
}
