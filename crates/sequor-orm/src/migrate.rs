//! [`Migrator`]: runs the SQL files of a project, each once, and knows what has run.

mod code;
mod generate;
mod history;
mod lock;
mod loss;
mod plan;
mod proof;
mod runner;
mod session;
mod source;
mod squash;
mod steps;
mod verify;

pub use code::MigrationStep;
pub use generate::{GeneratedMigration, Generator};
pub use history::{MigrationState, MigrationStatus};
pub use loss::Loss;
pub use plan::{PlannedEffect, PlannedMigration};
pub use runner::{DoneMigration, MigrationReport, Resolve};
pub(crate) use session::{Session, text};
pub use source::Migration;
pub use squash::REBASED;

use crate::db::Db;
use crate::model::EmbeddedMigration;
use runner::Runner;
use sequor_core::error::Result;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Runs migrations: SQL files, each once, in the order of their names, by one program at a time.
///
/// A migration is a folder `migrations/20240101000000-users` with `up.sql` and, when it can be undone, `down.sql`; a file for one database is
/// `up.postgres.sql`, `up.mysql.sql`, `up.mariadb.sql` or `up.sqlite.sql`. `-` and `_` are the same in names. What has run is written into the table
/// `sequor_migrations`, and into Sequelize's `SequelizeMeta` where that table is there.
///
/// On PostgreSQL and SQLite a file and its line in the history are one transaction, unless a statement cannot be in one or the file says
/// `-- sequor: no-transaction`. Elsewhere each statement is journaled, and `up` goes on where it ended.
///
/// ```
/// use sequor::prelude::*;
/// use sequor::{Migration, Migrator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let migrator = Migrator::new([Migration::new("20240101000000-users")
///     .with("up.sql", "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);")
///     .with("down.sql", "DROP TABLE users;")]);
/// assert_eq!(migrator.up(&db).await?.names(), ["20240101000000-users"]);
/// assert!(migrator.up(&db).await?.names().is_empty());
/// migrator.down(&db).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Migrator {
    pub(crate) migrations: Vec<Migration>,
    pub(crate) options: Options,
}

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) lock_wait: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) out_of_order: bool,
    pub(crate) ignore_missing: bool,
    pub(crate) observer: Option<Observer>,
}

/// Who is told what a migrator does.
pub(crate) type Observer = Arc<dyn Fn(&MigrationEvent<'_>) + Send + Sync>;

/// What a migrator is doing, for progress bars and logs.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, migrator) = pets().await?;
/// use sequor::MigrationEvent;
/// let migrator = migrator.on_event(|event| match event {
///     MigrationEvent::Statement { name, number, of, .. } => println!("{name}: {number} of {of}"),
///     MigrationEvent::Finished { name, took, .. } => println!("{name}: done in {took:?}"),
///     _ => {}
/// });
/// migrator.up(&db).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum MigrationEvent<'a> {
    /// Another program migrates; this one waits.
    Waiting,
    /// A migration begins, forwards or backwards.
    Started {
        /// Its name.
        name: &'a str,
        /// Whether it is being undone.
        undo: bool,
    },
    /// A statement is about to run; nothing of it is written down yet.
    Statement {
        /// The migration.
        name: &'a str,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its text.
        sql: &'a str,
    },
    /// A statement has run and is written down, or is part of the open transaction.
    StatementDone {
        /// The migration.
        name: &'a str,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// So many rows of a migration in Rust are done.
    Progress {
        /// The migration.
        name: &'a str,
        /// How many are done.
        done: u64,
        /// How many there are.
        of: u64,
    },
    /// A migration has ended.
    Finished {
        /// Its name.
        name: &'a str,
        /// Whether it was undone.
        undo: bool,
        /// How long it took.
        took: Duration,
    },
}

impl Migrator {
    /// The migrations that `migrations!("migrations")` embedded into the program.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// # let _ = stringify!(
    /// static MIGRATOR: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(|| Migrator::embedded(migrations!("migrations")));
    /// # );
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # let MIGRATOR = Migrator::embedded(&[]);
    /// MIGRATOR.up(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn embedded(migrations: &'static [EmbeddedMigration]) -> Migrator {
        Migrator::new(migrations.iter().map(Migration::embedded))
    }

    /// The migrations of a folder, read now.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// # let folder = std::env::temp_dir().join(format!("sequor-migrations-{}", std::process::id()));
    /// # std::fs::create_dir_all(folder.join("20240101000000-pets"))?;
    /// std::fs::write(folder.join("20240101000000-pets/up.sql"), "CREATE TABLE pets (name text)")?;
    /// let migrator = Migrator::from_directory(&folder)?.lock_wait(secs(60)).lock_timeout(secs(5)).out_of_order().ignore_missing();
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert_eq!(migrator.up(&db).await?.names(), ["20240101000000-pets"]);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration` when the folder cannot be read.
    pub fn from_directory(path: impl AsRef<Path>) -> Result<Migrator> {
        Ok(Migrator::new(source::read_folder(path.as_ref())?))
    }

    /// These migrations, in the order of their names; repeatable ones after all others.
    pub fn new(migrations: impl IntoIterator<Item = Migration>) -> Migrator {
        let mut migrations: Vec<Migration> = migrations.into_iter().collect();
        migrations.sort_by_key(|migration| (migration.is_repeatable(), migration.key()));
        let options = Options {
            lock_wait: Duration::from_secs(600),
            lock_timeout: Duration::from_secs(5),
            out_of_order: false,
            ignore_missing: false,
            observer: None,
        };
        Migrator { migrations, options }
    }

    /// The migrations, in order.
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// How long to wait while another program migrates (10 minutes unless given).
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Migrator {
        self.options.lock_wait = limit;
        self
    }

    /// How long a statement waits for the locks of others before it is tried again (5 s unless given), so that nobody queues behind it.
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Migrator {
        self.options.lock_timeout = limit;
        self
    }

    /// Also runs migrations whose names sort before one that has run; otherwise they are an error.
    #[must_use]
    pub fn out_of_order(mut self) -> Migrator {
        self.options.out_of_order = true;
        self
    }

    /// Goes on when migrations have run whose files are gone; otherwise they are an error.
    #[must_use]
    pub fn ignore_missing(mut self) -> Migrator {
        self.options.ignore_missing = true;
        self
    }

    /// Tells what is being done, for progress bars.
    #[must_use]
    pub fn on_event(mut self, observer: impl Fn(&MigrationEvent<'_>) + Send + Sync + 'static) -> Migrator {
        self.options.observer = Some(Arc::new(observer));
        self
    }

    pub(crate) fn tell(&self, event: &MigrationEvent<'_>) {
        if let Some(observer) = &self.options.observer {
            observer(event);
        }
    }

    /// Runs every migration that has not run. Sequelize: `db:migrate`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// assert_eq!(migrator.up(&db).await?.names(), ["01-pets", "02-age"]);
    /// assert!(migrator.up(&db).await?.names().is_empty(), "nothing is left to do");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration`, naming file, line, column and the next step.
    pub async fn up(&self, db: &Db) -> Result<MigrationReport> {
        db.report_migrations(self);
        let mut runner = Runner::open(self, db).await?;
        let result = runner.up(None).await;
        runner.close().await;
        result
    }

    /// Undoes the last migration. Sequelize: `db:migrate:undo`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert_eq!(migrator.down(&db).await?.names(), ["02-age"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::up`]; when it has no `down.sql`.
    pub async fn down(&self, db: &Db) -> Result<MigrationReport> {
        self.down_many(1, db).await
    }

    /// Undoes the last few migrations.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert_eq!(migrator.down_many(2, &db).await?.names(), ["02-age", "01-pets"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::down`]; nothing is undone when one of them cannot be.
    pub async fn down_many(&self, count: usize, db: &Db) -> Result<MigrationReport> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.down(count).await;
        runner.close().await;
        result
    }

    /// Undoes this migration alone, whatever has run after it. Sequelize: `db:migrate:undo --name`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// migrator.down_named("02-age", &db).await?;
    /// assert!(migrator.down_named("02-age", &db).await.is_err(), "it is not applied any more");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::down`]; `Migration` when it has not run.
    pub async fn down_named(&self, name: &str, db: &Db) -> Result<MigrationReport> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.down_named(name).await;
        runner.close().await;
        result
    }

    /// Undoes all migrations. Sequelize: `db:migrate:undo:all`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert_eq!(migrator.down_all(&db).await?.names().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::down`]; nothing is undone when one of them cannot be.
    pub async fn down_all(&self, db: &Db) -> Result<MigrationReport> {
        self.down_many(usize::MAX, db).await
    }

    /// Goes up or down to this migration, which is the last one applied afterwards.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// assert_eq!(migrator.to("01-pets", &db).await?.names(), ["01-pets"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::up`] and [`Migrator::down`]; `Migration` when there is none of that name.
    pub async fn to(&self, name: &str, db: &Db) -> Result<MigrationReport> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.to(name).await;
        runner.close().await;
        result
    }

    /// Undoes the last migration and runs it again.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// migrator.up(&db).await?;
    /// assert_eq!(migrator.redo(&db).await?.names(), ["02-age", "02-age"], "down and up");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::up`] and [`Migrator::down`].
    pub async fn redo(&self, db: &Db) -> Result<MigrationReport> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.redo().await;
        runner.close().await;
        result
    }

    /// Writes down that all migrations up to this one have run, without running them: for a database that was made otherwise.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// // The tables were made by hand, before there were migrations.
    /// db.execute_sql_script("CREATE TABLE pets (id integer PRIMARY KEY, name text NOT NULL)").await?;
    /// migrator.baseline("01-pets", &db).await?;
    /// assert_eq!(migrator.up(&db).await?.names(), ["02-age"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration` when there is none of that name.
    pub async fn baseline(&self, name: &str, db: &Db) -> Result<MigrationReport> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.baseline(name).await;
        runner.close().await;
        result
    }

    /// Says what came of a migration that was cut short, after somebody has looked.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// use sequor::Resolve;
    /// migrator.up(&db).await?;
    /// let error = migrator.resolve("02-age", Resolve::StatementDone, &db).await.unwrap_err();
    /// assert!(matches!(error, Error::Migration { .. }), "it was not cut short");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration` when it has not run; when no statement of it was cut short and one is resolved.
    pub async fn resolve(&self, name: &str, how: Resolve, db: &Db) -> Result<()> {
        let mut runner = Runner::open(self, db).await?;
        let result = runner.resolve(name, how).await;
        runner.close().await;
        result
    }

    /// Every migration with its state, in order. Writes nothing and takes no lock. Sequelize: `db:migrate:status`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// use sequor::MigrationState;
    /// migrator.to("01-pets", &db).await?;
    /// let states: Vec<_> = migrator.status(&db).await?.into_iter().map(|one| (one.name, one.state)).collect();
    /// assert_eq!(states, [("01-pets".into(), MigrationState::Applied), ("02-age".into(), MigrationState::Pending)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn status(&self, db: &Db) -> Result<Vec<MigrationStatus>> {
        runner::status(self, db).await
    }

    /// An error when files and database do not agree: something is pending, changed, missing, late or cut short. For CI.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// assert!(migrator.check(&db).await.is_err(), "two have not run");
    /// migrator.up(&db).await?;
    /// migrator.check(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration`, naming the first such file and the next step.
    pub async fn check(&self, db: &Db) -> Result<()> {
        let all = self.status(db).await?;
        history::refuse(&all, &Options { out_of_order: false, ignore_missing: false, ..self.options.clone() })?;
        let undone = all.iter().find_map(|one| match &one.state {
            MigrationState::Pending | MigrationState::Outdated => Some(format!("{} has not run: run `sequor migrate up`", one.name)),
            MigrationState::Failed { statement, message, .. } => {
                Some(format!("{} ended at {}; mend it and run `sequor migrate up`", one.name, history::end(&one.name, *statement, message)))
            }
            _ => None,
        });
        undone.map_or(Ok(()), |message| Err(sequor_core::Error::migration(message)))
    }

    /// What [`Migrator::up`] would run, statement by statement. Writes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// let plan = migrator.plan(&db).await?;
    /// assert_eq!(plan[1].statements, ["ALTER TABLE pets ADD COLUMN age integer"]);
    /// assert!(plan[1].reversible && plan[1].transaction);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrator::up`].
    pub async fn plan(&self, db: &Db) -> Result<Vec<PlannedMigration>> {
        plan::plan(self, db).await
    }
}

impl Db {
    /// Lets `db.health()` tell how many of these migrations have not run; `Migrator::up` does it by itself.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// db.report_migrations(&migrator);
    /// assert_eq!(db.health().await.migrations_pending, Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_migrations(&self, migrator: &Migrator) {
        let migrator = Arc::new(migrator.clone());
        self.count_pending(Arc::new(move |db| {
            let migrator = migrator.clone();
            Box::pin(async move { runner::pending(&migrator, &db).await })
        }));
    }
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator").field("migrations", &self.migrations.len()).finish_non_exhaustive()
    }
}
