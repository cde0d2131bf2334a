//! [`Runner`]: what each command of a migrator does, under the lock.

use super::history::{self, Known, MigrationState, MigrationStatus, REPEATABLE};
use super::lock::Lock;
use super::session::Session;
use super::source::{Migration, checksum, key};
use super::steps::{self, Direction};
use super::{MigrationEvent, Migrator, proof};
use crate::db::Db;
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use sequor_sql::migration::{Entry, History, split};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a migrator did.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// let report = migrator.up(&db).await?;
/// for done in &report.done {
///     println!("{} took {} ms", done.name, done.milliseconds);
/// }
/// assert_eq!(report.names(), ["01-pets", "02-age"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MigrationReport {
    /// The migrations that ran, in the order in which they ran.
    pub done: Vec<DoneMigration>,
}

/// A migration that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoneMigration {
    /// Its name.
    pub name: String,
    /// Whether it was undone.
    pub undo: bool,
    /// How many milliseconds it took.
    pub milliseconds: u64,
}

/// What came of a migration that was cut short.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// use sequor::{MigrationState, Resolve};
/// for one in migrator.status(&db).await? {
///     if matches!(one.state, MigrationState::Unknown { .. }) {
///         // Somebody has looked, and the statement had no effect: the next `up` runs it again.
///         migrator.resolve(&one.name, Resolve::StatementNotDone, &db).await?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// The statement whose end is unknown is done.
    StatementDone,
    /// The statement whose end is unknown is not done.
    StatementNotDone,
    /// The whole migration is applied as its file now says.
    Applied,
    /// Nothing of the migration is there any more.
    RolledBack,
}

impl MigrationReport {
    /// The names of the migrations that ran.
    pub fn names(&self) -> Vec<&str> {
        self.done.iter().map(|done| done.name.as_str()).collect()
    }
}

impl Migrator {
    /// The place of a migration, by its name.
    pub(super) fn place(&self, name: &str) -> Result<usize> {
        self.migrations.iter().position(|one| one.key() == key(name)).ok_or_else(|| {
            let names: Vec<&str> = self.migrations.iter().map(Migration::name).collect();
            let known = if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
            Error::migration(format!("there is no migration {}: {known}", name.escape_debug()))
        })
    }
}

/// A migrator at work.
pub(crate) struct Runner<'a> {
    pub(crate) migrator: &'a Migrator,
    /// The database, for migrations in Rust.
    pub(crate) db: Db,
    pub(crate) dialect: Dialect,
    pub(crate) history: History,
    pub(crate) session: Session,
    pub(crate) lock: Lock,
}

/// Every migration with its state.
pub(crate) async fn status(migrator: &Migrator, db: &Db) -> Result<Vec<MigrationStatus>> {
    let mut session = Session::open(db).await?;
    let known = Known::read(&mut session, History::new(db.dialect())).await;
    session.close().await;
    known?.status(migrator, db.dialect())
}

/// How many would run, asked on a connection of the pool.
pub(crate) async fn pending(migrator: &Migrator, db: &Db) -> Result<usize> {
    let mut session = Session::loan(db).await?;
    let all = Known::read(&mut session, History::new(db.dialect())).await?.status(migrator, db.dialect())?;
    Ok(all.iter().filter(|one| one.state != MigrationState::Applied).count())
}

#[cold]
fn no_history(error: Error) -> Error {
    let mut wrapped = Error::migration(format!(
        "the table sequor_migrations cannot be made, so nothing was run: {error}; connect with an account that may make tables, to a server that is no read-only copy"
    ));
    if let Some(detail) = wrapped.detail_mut() {
        detail.source = Some(Box::new(error));
    }
    wrapped
}

#[cold]
pub(crate) fn unreadable(migration: &Migration, file: &str, error: &Error) -> Error {
    Error::migration(format!("{}/{file}: {error}", migration.name()))
}

impl<'a> Runner<'a> {
    pub(crate) async fn open(migrator: &'a Migrator, db: &Db) -> Result<Runner<'a>> {
        let (dialect, history) = (db.dialect(), History::new(db.dialect()));
        let lock = Lock::take(migrator, db, history).await?;
        let session = Session::open(db).await?;
        let mut runner = Runner { migrator, db: db.clone(), dialect, history, session, lock };
        if let Err(error) = runner.prepare().await {
            runner.close().await;
            return Err(error);
        }
        Ok(runner)
    }

    /// How many milliseconds a statement waits for the locks of others.
    pub(crate) fn lock_timeout(&self) -> u64 {
        u64::try_from(self.migrator.options.lock_timeout.as_millis()).unwrap_or(u64::MAX)
    }

    async fn limit_waiting(&mut self) -> Result<()> {
        match self.history.lock_timeout(self.lock_timeout()) {
            Some(sql) => self.session.script(&sql).await,
            None => Ok(()),
        }
    }

    /// Gives the connection back while a migration in Rust works with the pool.
    pub(crate) async fn leave(&mut self) {
        std::mem::replace(&mut self.session, Session::In(self.db.clone())).close().await;
    }

    /// Takes a connection again.
    pub(crate) async fn enter(&mut self) -> Result<()> {
        self.session = Session::open(&self.db).await?;
        self.limit_waiting().await
    }

    async fn prepare(&mut self) -> Result<()> {
        self.limit_waiting().await?;
        if !self.known().await?.has_table {
            for sql in self.history.create()? {
                self.session.script(&sql).await.map_err(no_history)?;
            }
        }
        self.adopt().await
    }

    pub(crate) async fn close(self) {
        self.session.close().await;
        self.lock.release().await;
    }

    pub(crate) async fn known(&mut self) -> Result<Known> {
        Known::read(&mut self.session, self.history).await
    }

    /// The place of a migration that has a place in the order.
    fn find(&self, name: &str) -> Result<usize> {
        let place = self.migrator.place(name)?;
        if self.migrator.migrations[place].is_repeatable() {
            return Err(Error::migration(format!(
                "{name} is repeatable: it has no place in the order, `sequor migrate up` runs it after all others"
            )));
        }
        Ok(place)
    }

    /// Runs what has not run, up to and with the migration at this place.
    pub(crate) async fn up(&mut self, last: Option<usize>) -> Result<MigrationReport> {
        let known = self.known().await?;
        history::refuse(&known.status(self.migrator, self.dialect)?, &self.migrator.options)?;
        let mut report = MigrationReport::default();
        // Repeatable ones build upon all others.
        let all = self.migrator.migrations.as_slice();
        let end = last.map(|last| last + 1).filter(|end| !all[*end..].iter().all(Migration::is_repeatable)).unwrap_or(all.len());
        for (place, migration) in all[..end].iter().enumerate() {
            if known.has_run(migration, self.dialect)? {
                continue;
            }
            self.lock.probe(self.history).await?;
            self.one(place, Direction::Up, &mut report).await?;
        }
        Ok(report)
    }

    async fn one(&mut self, place: usize, direction: Direction, report: &mut MigrationReport) -> Result<()> {
        let migration = &self.migrator.migrations[place];
        let (name, undo, start) = (migration.name(), direction == Direction::Down, Instant::now());
        self.migrator.tell(&MigrationEvent::Started { name, undo });
        if steps::run(self, migration, direction).await? {
            let took = start.elapsed();
            self.migrator.tell(&MigrationEvent::Finished { name, undo, took });
            report.done.push(DoneMigration { name: name.to_owned(), undo, milliseconds: millis(took) });
        }
        Ok(())
    }

    /// Undoes the last few that have run, after it is sure that each of them can be.
    pub(crate) async fn down(&mut self, count: usize) -> Result<MigrationReport> {
        let known = self.known().await?;
        let whole = count == usize::MAX;
        let applied: Vec<usize> = (0..self.migrator.migrations.len())
            .rev()
            .filter(|place| known.is_undone_by(&self.migrator.migrations[*place], whole, self.dialect))
            .take(count)
            .collect();
        self.undo(&known, &applied).await
    }

    /// Undoes one that has run, whatever has run after it.
    pub(crate) async fn down_named(&mut self, name: &str) -> Result<MigrationReport> {
        let place = self.migrator.place(name)?;
        let known = self.known().await?;
        if !known.is_undone_by(&self.migrator.migrations[place], true, self.dialect) {
            return Err(Error::migration(format!("{name} has not run, so nothing was undone: see `sequor migrate status`")));
        }
        self.undo(&known, &[place]).await
    }

    async fn undo(&mut self, known: &Known, places: &[usize]) -> Result<MigrationReport> {
        let all = known.status(self.migrator, self.dialect)?;
        let cut = |one: &&MigrationStatus| {
            matches!(one.state, MigrationState::Unknown { .. } | MigrationState::Failed { undo: false, .. } | MigrationState::Duplicate)
        };
        if let Some(one) = all.iter().find(cut) {
            if let MigrationState::Failed { statement, message, .. } = &one.state {
                return Err(Error::migration(format!(
                    "{} ended at {}; mend it and run `sequor migrate up`, or undo its first statements by hand and say `sequor migrate resolve {} --rolled-back`",
                    one.name,
                    history::end(&one.name, *statement, message),
                    one.name
                )));
            }
            history::refuse(std::slice::from_ref(one), &self.migrator.options)?;
        }
        for place in places {
            let migration = &self.migrator.migrations[*place];
            if migration.down(self.dialect).is_none() {
                return Err(Error::migration(format!(
                    "{}/down.sql is missing, so it cannot be undone; nothing was run: write the file, or restore a backup",
                    migration.name()
                )));
            }
        }
        if !places.is_empty() {
            self.outdate(known).await?;
        }
        let mut report = MigrationReport::default();
        for place in places {
            self.lock.probe(self.history).await?;
            self.one(*place, Direction::Down, &mut report).await?;
        }
        Ok(report)
    }

    /// Lets repeatable migrations run again with the next `up`: what they made may be gone with what is undone.
    async fn outdate(&mut self, known: &Known) -> Result<()> {
        for entry in known.entries.iter().filter(|entry| entry.done_checksum == REPEATABLE && entry.state == "applied") {
            let update = self.history.update(&Entry { checksum: String::new(), ..entry.clone() })?;
            self.session.execute(update).await?;
        }
        Ok(())
    }

    pub(crate) async fn to(&mut self, name: &str) -> Result<MigrationReport> {
        let target = self.find(name)?;
        let known = self.known().await?;
        let later: Vec<usize> = (target + 1..self.migrator.migrations.len())
            .rev()
            .filter(|place| known.is_undone_by(&self.migrator.migrations[*place], false, self.dialect))
            .collect();
        let mut report = self.undo(&known, &later).await?;
        report.done.extend(self.up(Some(target)).await?.done);
        Ok(report)
    }

    pub(crate) async fn redo(&mut self) -> Result<MigrationReport> {
        let mut report = self.down(1).await?;
        let Some(last) = report.done.last().map(|done| done.name.clone()) else { return Ok(report) };
        let place = self.find(&last)?;
        report.done.extend(self.up(Some(place)).await?.done);
        Ok(report)
    }

    pub(crate) async fn baseline(&mut self, name: &str) -> Result<MigrationReport> {
        let last = self.find(name)?;
        let known = self.known().await?;
        let mut report = MigrationReport::default();
        for migration in &self.migrator.migrations[..=last] {
            if known.is_applied(migration.name()) {
                continue;
            }
            let entry = self.applied(migration)?;
            self.session.execute(self.history.insert(&entry)?).await?;
            if known.sequelize.is_some() {
                self.session.execute(self.history.tell_sequelize(&known.sequelize_name(migration.name()), true)?).await?;
            }
            report.done.push(DoneMigration { name: migration.name().to_owned(), undo: false, milliseconds: 0 });
        }
        Ok(report)
    }

    /// The line of the history of a migration that has run now.
    pub(crate) fn applied(&self, migration: &Migration) -> Result<Entry> {
        let applied_at = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.3fZ").to_string();
        let checksum = migration.checksum(self.dialect)?;
        let done_checksum = if migration.is_repeatable() { REPEATABLE.to_owned() } else { String::new() };
        Ok(Entry {
            name: migration.name().to_owned(),
            checksum,
            state: "applied".to_owned(),
            applied_at,
            done_checksum,
            ..Entry::default()
        })
    }

    pub(crate) async fn resolve(&mut self, name: &str, how: Resolve) -> Result<()> {
        let migration = &self.migrator.migrations[self.migrator.place(name)?];
        let known = self.known().await?;
        let Some(entry) = known.entry(name) else {
            return Err(Error::migration(format!("{name} has not run here: there is nothing to resolve")));
        };
        let mut entry = entry.clone();
        let unknown =
            entry.state != "applied" && entry.started > entry.done && (entry.message.is_empty() || proof::is_proof(&entry.message));
        match how {
            Resolve::Applied => {
                entry = Entry { name: entry.name, ..self.applied(migration)? };
                return self.session.execute(self.history.update(&entry)?).await;
            }
            Resolve::RolledBack => return self.session.execute(self.history.delete(&entry.name)?).await,
            Resolve::StatementDone | Resolve::StatementNotDone if !unknown => {
                return Err(Error::migration(format!("no statement of {name} was cut short: there is nothing to resolve")));
            }
            Resolve::StatementDone => {
                entry.done = entry.started;
                let file = if entry.state == "down" { migration.down(self.dialect) } else { Some(migration.up(self.dialect)?) };
                let pieces = split(file.map_or("", |(_, script)| script), self.dialect)?;
                entry.done_checksum = steps::done_checksum(&pieces, usize::try_from(entry.done).unwrap_or(0));
            }
            Resolve::StatementNotDone => entry.started = entry.done,
        }
        entry.message = String::new();
        self.session.execute(self.history.update(&entry)?).await
    }
}

pub(crate) fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The checksum of some statements.
pub(crate) fn statements_checksum<'s>(statements: impl Iterator<Item = &'s str>) -> String {
    checksum(&statements.collect::<Vec<_>>().join(";\n"))
}
