//! Connections that can be trusted: the pool, time-outs, transactions that are cut, replicas, tenants.
//!
//! These tests connect by themselves, with pools of their own; on SQLite the database is a file, so that there can be several connections.

mod chaos;
mod crash;
mod cut;
mod edges;
mod ended;
mod file;
mod ledger;
mod observing;
mod own;
mod pool;
mod poolend;
mod replicas;
mod setup;
mod silent;
mod sweep;
mod timeouts;

use sequor::prelude::*;
use sequor::testing::Place;
use sequor_tests::ledger::Account;
use sequor_tests::polls::{Polls, cuts};
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A database of a test's own, which many connections can be opened to.
pub struct Bed {
    pub url: String,
    pub database: &'static str,
    place: Option<Place>,
    file: Option<PathBuf>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Bed {
    async fn open(database: &'static str) -> sequor::Result<Option<Bed>> {
        if database == "sqlite" {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let file = std::env::temp_dir().join(format!("sequor-connections-{}-{number}.db", std::process::id()));
            let url = format!("sqlite://{}", file.display());
            return Ok(Some(Bed { url, database, place: None, file: Some(file) }));
        }
        let Some(place) = Place::open(database).await? else { return Ok(None) };
        Ok(Some(Bed { url: place.url().to_owned(), database, place: Some(place), file: None }))
    }

    /// A database with a pool of so many connections, its table made.
    pub async fn db(&self, max: usize) -> sequor::Result<Db> {
        self.with(Pool { max, acquire: secs(20), ..Pool::default() }).await
    }

    /// A database with this pool, its table made.
    pub async fn with(&self, pool: Pool) -> sequor::Result<Db> {
        let db = Db::options(&self.url).pool(pool).register::<Account>().connect().await?;
        db.sync::<Account>(SyncMode::Create).await?;
        Ok(db)
    }

    /// A statement that runs for a minute unless it is stopped.
    pub async fn minute(&self, db: &Db) -> sequor::Result<u64> {
        match self.database {
            "postgres" => db.execute(sql!("SELECT pg_sleep(60)")).await,
            "mysql" => db.execute(sql!("DO SLEEP(60)")).await,
            _ => {
                let endless = sql!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
                db.query_as::<(i64,)>(endless).await.map(|_| 0)
            }
        }
    }

    /// How many sessions of this database run a statement of [`Bed::minute`]; SQLite has no list of them.
    pub async fn minutes_running(&self, db: &Db) -> sequor::Result<i64> {
        let counts = match self.database {
            "postgres" => {
                let text = sql!(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
                );
                db.query_as::<(i64,)>(text).await?
            }
            "mysql" => {
                let text = sql!(
                    "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND info LIKE '%SLEEP(60)%' AND id <> connection_id()"
                );
                db.query_as::<(i64,)>(text).await?
            }
            _ => vec![(0,)],
        };
        Ok(counts[0].0)
    }

    async fn remove(self) -> sequor::Result<()> {
        if let Some(place) = self.place {
            place.remove().await?;
        }
        // The database, its log and the files of its locks.
        if let Some((folder, name)) = self.file.as_ref().and_then(|file| Some((file.parent()?, file.file_name()?.to_str()?))) {
            for entry in std::fs::read_dir(folder)?.flatten() {
                if entry.file_name().to_str().is_some_and(|found| found.starts_with(name)) {
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
        Ok(())
    }
}

/// Runs a test on one database, and removes it when the test has passed.
pub fn run<F>(database: &'static str, test: impl FnOnce(std::sync::Arc<Bed>) -> F)
where
    F: Future<Output = sequor::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let Some(bed) = Bed::open(database).await.expect("a database") else { return };
        let bed = std::sync::Arc::new(bed);
        if let Err(error) = test(bed.clone()).await {
            panic!("failed on {database}: {error:#}");
        }
        if let Ok(bed) = std::sync::Arc::try_unwrap(bed) {
            bed.remove().await.expect("the database is removed");
        }
    });
}

/// One test for each database.
macro_rules! on_each_server {
    ($($(#[$meta:meta])* async fn $name:ident($bed:ident) $body:block)*) => {
        $($(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn test($bed: std::sync::Arc<crate::connections::Bed>) -> sequor::Result<()> $body
            #[test]
            fn sqlite() {
                crate::connections::run("sqlite", test);
            }
            #[test]
            fn postgres() {
                crate::connections::run("postgres", test);
            }
            #[test]
            fn mysql() {
                crate::connections::run("mysql", test);
            }
        })*
    };
}
pub(crate) use on_each_server;

/// More than a busy machine needs for anything here, and less than what would never end takes: statements that should be stopped run for a
/// minute. What is measured in milliseconds is in the benchmarks and in the table of `docs/reliability-results.md`.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so; a test that waits for half a minute has failed.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the long sizes are asked for.
pub fn is_tier_one() -> bool {
    std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1")
}

/// How often something is done: so often in the usual run, as often as `docs/reliability-cases.md` says in the long one.
pub fn sized<T>(usual: T, long: T) -> T {
    if is_tier_one() { long } else { usual }
}

/// Whether tests may use this kind of server; says aloud when they may not.
pub fn has_server(database: &str) -> bool {
    let variable = if database == "postgres" { "SEQUOR_POSTGRES_URL" } else { "SEQUOR_MYSQL_URL" };
    let named = std::env::var(variable).is_ok_and(|url| !url.is_empty());
    assert!(named || std::env::var("SEQUOR_TEST_ALL").is_err(), "{variable} is not set");
    if !named {
        note(&format!("SKIPPED: {variable} is not set"));
    }
    named
}

/// Says something that the test harness does not swallow: measured figures of tier 1, and tests that are left out.
pub fn note(text: &str) {
    use std::io::Write;
    if is_tier_one() || text.starts_with("SKIPPED") {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
