//! The runner of `#[sequor::test]`: each test gets a database of its own, on every database that is configured.
//!
//! SQLite is always there (in memory). `SEQUOR_POSTGRES_URL` and `SEQUOR_MYSQL_URL` name the servers of the others; without one its tests are skipped
//! aloud, and with `SEQUOR_TEST_ALL=1` they fail.

mod clock;
mod fixtures;
pub mod hooks;

pub use clock::Clock;
pub use fixtures::load_fixture;

use crate::db::Db;
use crate::migrate::Migrator;
use crate::model::EmbeddedMigration;
use crate::sync::{SyncMode, sync_models};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What `#[sequor::test(..)]` says.
pub struct TestOptions {
    /// The test's path.
    pub name: &'static str,
    /// The models whose tables are made.
    pub models: fn() -> Vec<Arc<ModelDef>>,
    /// The migrations that make the tables instead.
    pub migrations: Option<TestMigrations>,
    /// Files of rows.
    pub fixtures: &'static [&'static str],
    /// The folder of the test's package.
    pub folder: &'static str,
}

/// The migrations that `#[sequor::test(migrations = "..")]` names.
#[derive(Clone, Copy)]
pub enum TestMigrations {
    /// A folder of SQL, read when the test runs.
    Folder(&'static str),
    /// A folder with migrations in Rust, compiled into the test.
    Embedded(&'static [EmbeddedMigration]),
}

/// What a test may return: nothing, or a `Result` with any error that can be shown.
#[diagnostic::on_unimplemented(
    message = "a test does not return a `{Self}`",
    label = "expected `()` or a `Result`",
    note = "write `-> sequor::Result<()>`, or a `Result` with an error of your own that is `Debug`"
)]
pub trait Outcome {
    /// The outcome as the runner tells it.
    ///
    /// # Errors
    /// The test's own.
    fn told(self) -> Result<()>;
}

impl Outcome for () {
    fn told(self) -> Result<()> {
        Ok(())
    }
}

impl<T, E: fmt::Debug + 'static> Outcome for std::result::Result<T, E> {
    fn told(self) -> Result<()> {
        let Err(error) = self else { return Ok(()) };
        let shown = format!("{error:?}");
        let error: Box<dyn Any> = Box::new(error);
        Err(error.downcast::<Error>().map_or_else(|_| Error::usage(shown), |error| *error))
    }
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Runs one test on one database; a failure is a panic, as test runners want it.
#[allow(clippy::panic)]
pub fn run_test<F>(database: &'static str, options: TestOptions, test: F)
where
    F: FnOnce(Db) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the test: {error}"),
    };
    if let Err(error) = runtime.block_on(run(database, &options, test)) {
        panic!("{} failed on {database}: {error:#}", options.name);
    }
}

async fn run<F>(database: &'static str, options: &TestOptions, test: F) -> Result<()>
where
    F: FnOnce(Db) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send,
{
    let Some(place) = Place::open(database).await? else { return Ok(()) };
    let db = Db::options(&place.url).connect().await?;
    let models = (options.models)();
    for model in &models {
        db.registry().add(model.clone());
    }
    let result = async {
        match options.migrations {
            Some(TestMigrations::Folder(folder)) => drop(Migrator::from_directory(Path::new(options.folder).join(folder))?.up(&db).await?),
            Some(TestMigrations::Embedded(migrations)) => drop(Migrator::embedded(migrations).up(&db).await?),
            None => sync_models(&db, &models, SyncMode::Create, Location::caller()).await?,
        }
        for file in options.fixtures {
            load_fixture(&db, options.folder, file, &models).await?;
        }
        test(db.clone()).await
    }
    .await;
    let _ = db.close().await;
    place.remove().await?;
    result
}

/// A database made for one test.
pub struct Place {
    url: String,
    admin: Option<(Db, String)>,
}

impl Place {
    /// Makes a database on the server that the environment names; `None` when it names none.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn open(database: &str) -> Result<Option<Place>> {
        let variable = match database {
            "sqlite" => return Ok(Some(Place { url: "sqlite::memory:".into(), admin: None })),
            "postgres" => "SEQUOR_POSTGRES_URL",
            "mysql" => "SEQUOR_MYSQL_URL",
            other => return Err(Error::usage(format!("there is no database {other}"))),
        };
        let Ok(server) = std::env::var(variable) else {
            if std::env::var("SEQUOR_TEST_ALL").is_ok() {
                return Err(Error::usage(format!(
                    "{variable} is not set: start the servers with cargo xtask servers, or run cargo xtask test"
                )));
            }
            eprintln!("SKIPPED on {database}: {variable} is not set");
            return Ok(None);
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sequor_test_{}_{number}", std::process::id());
        let admin = Db::options(&server).pool(crate::db::Pool { max: 1, ..crate::db::Pool::default() }).connect().await?;
        let quoted = if database == "mysql" { format!("`{name}`") } else { format!("\"{name}\"") };
        admin.execute_script(format!("CREATE DATABASE {quoted}"), Location::caller()).await?;
        Ok(Some(Place { url: with_database(&server, &name), admin: Some((admin, quoted)) }))
    }

    /// The URL to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes the database.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn remove(self) -> Result<()> {
        if let Some((admin, name)) = self.admin {
            let force = if admin.dialect().is_mysql() { "" } else { " WITH (FORCE)" };
            admin.execute_script(format!("DROP DATABASE {name}{force}"), Location::caller()).await?;
            let _ = admin.close().await;
        }
        Ok(())
    }
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let scheme = base.find("://").map_or(0, |place| place + 3);
    let host = base[scheme..].find('/').map_or(base, |place| &base[..scheme + place]);
    match query {
        Some(query) => format!("{host}/{name}?{query}"),
        None => format!("{host}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_changes() {
        assert_eq!(with_database("postgres://u@h:1/a?x=1", "b"), "postgres://u@h:1/b?x=1");
        assert_eq!(with_database("mysql://u@h", "b"), "mysql://u@h/b");
    }

    #[test]
    fn errors_of_ones_own_are_told() {
        let own = "x".parse::<i32>().map_err(|error| vec![error]).told();
        assert!(own.is_err_and(|error| error.to_string().contains("InvalidDigit")));
        assert!(matches!(Err::<(), _>(Error::not_found("User")).told(), Err(Error::NotFound { .. })));
        assert!(Ok::<(), String>(()).told().and(().told()).is_ok());
    }
}
