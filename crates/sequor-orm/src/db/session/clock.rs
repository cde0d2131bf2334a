//! How far the database's clock is ahead of the program's.

use crate::db::{Db, Run};
use crate::load;
use chrono::Utc;
use sequor_core::Value;
use sequor_core::error::Result;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Db {
    /// Measures how far the database's clock is ahead of the program's, which [`Db::now`] and timestamps follow from then on; gives it in microseconds.
    /// `DbOptions::database_clock(true)` does so at connect. On SQLite the two are one.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert_eq!(db.measure_clock().await?, 0, "SQLite has the program's clock");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    #[track_caller]
    pub fn measure_clock(&self) -> impl Future<Output = Result<i64>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move {
            let Some(sql) = sequor_sql::session::clock(db.dialect()) else { return Ok(0) };
            let (before, start) = (Utc::now(), std::time::Instant::now());
            let run = Run { operation: "clock", model: None, site, write: true };
            let Value::I64(there) = load::scalar_of(&db, sql, run).await? else { return Ok(0) };
            // The server read its clock about in the middle of the round trip.
            let half = start.elapsed().checked_div(2).unwrap_or(Duration::ZERO);
            let ahead = there - before.timestamp_micros() - i64::try_from(half.as_micros()).unwrap_or(0);
            db.inner.ahead.store(ahead, Ordering::Release);
            Ok(ahead)
        }
    }
}
