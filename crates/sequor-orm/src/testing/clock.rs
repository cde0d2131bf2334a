//! [`Clock`]: the time of a test. [`Db::test_transaction`]: work that leaves no trace.

use crate::db::Db;
use chrono::{DateTime, TimeDelta, Utc};
use sequor_core::error::{Error, Result};
use std::time::Duration;

/// The clock of a database, which a test may set: timestamps, soft deletion and `db.now()` read it.
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
