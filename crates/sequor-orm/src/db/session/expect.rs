//! [`Db::expect_queries`]: counts the statements of a piece of code.

use crate::db::Db;
use sequor_core::error::{Error, Result};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Seen = Arc<Mutex<Vec<(Arc<str>, &'static Location<'static>)>>>;

tokio::task_local! {
    static SEEN: Seen;
    static TRIPS: Arc<AtomicU64>;
}

/// Notes how often a connection has waited for its server.
pub(in crate::db) fn note_trips(trips: u64) {
    let _ = TRIPS.try_with(|seen| seen.fetch_add(trips, Ordering::Relaxed));
}

/// Notes statements for the counter around them, if there is one.
pub(in crate::db) fn note<'a>(texts: impl Iterator<Item = &'a Arc<str>>, site: &'static Location<'static>) {
    let _ = SEEN.try_with(|seen| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(texts.map(|text| (text.clone(), site)));
    });
}

impl Db {
    /// Runs a closure and checks how many statements it sent (BEGIN and COMMIT do not count).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let users = db.expect_queries(2, async || User::find_all().include(User::POSTS).exec(&db).await).await?;
    /// assert_eq!(users.len(), 1);
    /// let error = db.expect_queries(2, async || User::count().exec(&db).await).await.unwrap_err();
    /// assert!(error.to_string().contains("2 statements were expected, 1 were sent"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` that lists the statements with their call sites; those of the closure.
    pub async fn expect_queries<T, E, F>(&self, count: usize, f: F) -> Result<T>
    where
        F: AsyncFnOnce() -> Result<T, E>,
        Error: From<E>,
    {
        let seen: Seen = Arc::default();
        let value = SEEN.scope(seen.clone(), f()).await?;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == count {
            return Ok(value);
        }
        Err(Error::usage(format!("{count} statements were expected, {} were sent:\n{}", seen.len(), listed(&seen))))
    }

    /// Runs a closure and checks how often its connections waited for the server: counted by the driver, with BEGIN and COMMIT where they travel by
    /// themselves. Opening a connection and getting it back clean do not count.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.expect_round_trips(1, async || User::find_all().exec(&db).await).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` that tells the count and lists the statements; those of the closure.
    pub async fn expect_round_trips<T, E, F>(&self, count: u64, f: F) -> Result<T>
    where
        F: AsyncFnOnce() -> Result<T, E>,
        Error: From<E>,
    {
        let (trips, seen): (Arc<AtomicU64>, Seen) = Default::default();
        let value = TRIPS.scope(trips.clone(), SEEN.scope(seen.clone(), f())).await?;
        let trips = trips.load(Ordering::Relaxed);
        if trips == count {
            return Ok(value);
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Error::usage(format!("{count} round trips were expected, {trips} were made by these statements:\n{}", listed(&seen))))
    }
}

fn listed(seen: &[(Arc<str>, &'static Location<'static>)]) -> String {
    let lines: Vec<String> = seen.iter().map(|(text, site)| format!("  {site}: {text}")).collect();
    lines.join("\n")
}
