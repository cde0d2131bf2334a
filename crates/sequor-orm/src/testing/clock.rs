//! [`Clock`]: the time of a test. [`Db::test_transaction`]: work that leaves no trace.

use crate::db::Db;
use chrono::{DateTime, TimeDelta, Utc};
use sequor_core::error::{Error, Result};
use std::time::Duration;

/// The clock of a database, which a test may set: timestamps, soft deletion and `db.now()` read it.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// use chrono::TimeZone;
/// let then = Utc.with_ymd_and_hms(2030, 1, 1, 0, 0, 0).single().ok_or_else(|| Error::usage("no such day"))?;
/// db.clock().set(then);
/// db.clock().advance(secs(60));
/// assert_eq!(db.now(), then + chrono::TimeDelta::seconds(60));
/// db.clock().run();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    db: &'a Db,
}

impl Clock<'_> {
    /// Stops the clock at an instant, for every handle of this database.
    pub fn set(&self, instant: DateTime<Utc>) {
        self.db.freeze(Some(instant));
    }

    /// Moves the clock forwards, and stops it there.
    pub fn advance(&self, by: Duration) {
        let now = self.db.now();
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        self.db.freeze(Some(now.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)));
    }

    /// Lets the clock run again.
    pub fn run(&self) {
        self.db.freeze(None);
    }
}

impl Db {
    /// The clock, to be set by a test.
    pub fn clock(&self) -> Clock<'_> {
        Clock { db: self }
    }

    /// Runs a closure in a transaction that is rolled back, whatever comes of it: fixtures and tables are as before, and callbacks after commit do not run.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.test_transaction(async |tx| {
    ///     ann.force_destroy(tx).await?;
    ///     assert_eq!(User::count().exec(tx).await?, 0);
    ///     Ok(())
    /// }).await?;
    /// assert_eq!(User::count().exec(&db).await?, 1, "as before");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the closure and of the connection.
    pub async fn test_transaction<T, F>(&self, f: F) -> Result<T>
    where
        F: AsyncFnOnce(&Db) -> Result<T>,
    {
        let mut value = None;
        let ended = self
            .transaction(async |tx| {
                value = Some(f(tx).await?);
                Result::<()>::Err(Error::usage("rolled back at the end of the test"))
            })
            .await;
        match (value, ended) {
            (Some(value), _) => Ok(value),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Error::bug("a test transaction was committed")),
        }
    }
}
