//! [`Limits`]: how long a transaction's last words may wait for their answer.

use sequor_core::error::{ConnectionErrorKind, Error};
use std::time::{Duration, Instant};

/// How long the server's answers may take.
pub(super) struct Limits {
    /// `statement_timeout`.
    statement: Option<Duration>,
    /// When the time of the whole transaction is over.
    end: Option<Instant>,
}

/// What a COMMIT gets at least, however little time the transaction has left: once it is sent, not to wait for its answer is not to know.
const LEAST: Duration = Duration::from_millis(100);

impl Limits {
    /// The limits of a transaction that begins now.
    pub(super) fn new(statement: Option<Duration>, transaction: Option<Duration>) -> Limits {
        Limits { statement, end: transaction.map(|limit| Instant::now() + limit) }
    }

    /// How long the answer to COMMIT or ROLLBACK may take.
    pub(super) fn ending(&self) -> Option<Duration> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()).max(LEAST));
        match (self.statement, left) {
            (Some(statement), Some(left)) => Some(statement.min(left)),
            (statement, left) => statement.or(left),
        }
    }
}

/// Waits for the answer to COMMIT or ROLLBACK; `None` when it did not come in time. The connection is then cleaned or closed as it goes back.
pub(super) async fn answered<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        None => Some(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
    }
}

/// COMMIT was sent, and nobody knows what became of it.
#[cold]
pub(super) fn commit_unanswered(limit: Duration) -> Error {
    let message = format!("the server did not answer COMMIT within {:.3} s (statement_timeout, Tx::timeout)", limit.as_secs_f64());
    Error::connection(ConnectionErrorKind::CommitUnknown, message)
}
