//! [`Health`]: how a database is, as an answer for those who ask from outside.

use super::replica::ReplicaHealth;
use super::{Db, PoolStatus};
use chrono::{DateTime, Utc};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the database may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The state of a database and its pool, for an HTTP answer: it serialises.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let health = db.health().await;
/// assert!(health.ok && health.dialect == "sqlite" && health.error.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Whether the database answered.
    pub ok: bool,
    /// How long the answer took, in microseconds.
    pub latency_micros: u64,
    /// Why it did not answer.
    pub error: Option<String>,
    /// The pool.
    pub pool: PoolStatus,
    /// The dialect.
    pub dialect: &'static str,
    /// The replicas.
    pub replicas: Vec<ReplicaHealth>,
    /// How many migrations have not run; `None` when no `Migrator` has run on this `Db` and none was given to `db.report_migrations(..)`, or when the
    /// database does not answer.
    pub migrations_pending: Option<usize>,
    /// The last failure of the connection, the server or the time: errors that the program asked for, such as a broken constraint, do not count.
    pub last_error: Option<LastError>,
}

/// A failure, and when it was.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::options("sqlite::memory:").connect().await?;
/// assert!(db.health().await.last_error.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct LastError {
    /// When.
    pub at: DateTime<Utc>,
    /// What: no values, no passwords.
    pub message: String,
}

/// Counts the migrations that have not run.
type Pending = Arc<dyn Fn(Db) -> BoxFuture<'static, Result<usize>> + Send + Sync>;

/// What is kept for health answers.
#[derive(Default)]
pub(super) struct Kept {
    last: Mutex<Option<LastError>>,
    pending: Mutex<Option<Pending>>,
}

impl Kept {
    /// Takes note of a failure that says something about the database.
    #[cold]
    pub(super) fn failed(&self, error: &Error) {
        if !matches!(
            error,
            Error::Connection(_) | Error::Timeout { .. } | Error::Deadlock { .. } | Error::Serialization { .. } | Error::Database { .. }
        ) {
            return;
        }
        let last = LastError { at: Utc::now(), message: error.to_string() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

impl Db {
    /// The state of the database, its pool, its replicas and its migrations; never an error, and an answer within some seconds.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let health = db.health().await;
    /// let (status, body) = (if health.ok { 200 } else { 503 }, serde_json::to_string(&health)?);
    /// assert!(status == 200 && body.contains("\"in_use\":0"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Health {
        let start = Instant::now();
        let late = || Error::timeout(format!("the database did not answer within {} s", LIMIT.as_secs()));
        let answer = tokio::time::timeout(LIMIT, self.authenticate()).await.unwrap_or_else(|_| Err(late()));
        let latency_micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let kept = &self.inner.kept;
        if let Err(error) = &answer {
            kept.failed(error);
        }
        let pending = kept.pending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let migrations_pending = match pending.filter(|_| answer.is_ok()) {
            Some(pending) => tokio::time::timeout(LIMIT, pending(self.detached())).await.ok().and_then(Result::ok),
            None => None,
        };
        Health {
            ok: answer.is_ok(),
            latency_micros,
            error: answer.err().map(|error| error.to_string()),
            pool: self.inner.pool.status(),
            dialect: self.inner.dialect.name(),
            replicas: self.inner.replicas.health(),
            migrations_pending,
            last_error: kept.last.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Says how to count the migrations that have not run.
    pub(crate) fn count_pending(&self, pending: Pending) {
        *self.inner.kept.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }
}
