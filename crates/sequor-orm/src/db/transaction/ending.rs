//! The ends of transactions: how long last words may wait for their answer ([`Limits`]), what runs afterwards, what is dropped before.

use super::{Callback, TxHandle};
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
        Limits { statement, end: transaction.and_then(|limit| Instant::now().checked_add(limit)) }
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

/// Runs them one after the other, on a task: whoever waits for them may be dropped meanwhile, and what has ended stays so.
pub(super) async fn run_callbacks(callbacks: Vec<(u32, Callback)>) {
    if callbacks.is_empty() {
        return;
    }
    let all = async move {
        for (_, callback) in callbacks {
            // A task of its own, so that a panic of one is not that of the others.
            if let Err(error) = tokio::spawn(callback).await {
                tracing::error!(%error, "a callback after the end of a transaction panicked");
            }
        }
    };
    let _ = tokio::spawn(all).await;
}

/// Ends a transaction whose owner is gone: the connection's return rolls it back.
pub(super) fn abandon(handle: &TxHandle) {
    let mut state = handle.state();
    if state.finished.is_some() {
        return;
    }
    state.end("rolled back");
    drop(state);
    match handle.shared.connection.try_lock() {
        Ok(mut guard) => drop(guard.take()),
        // A statement still runs in another task; when it ends, the connection goes back and is rolled back.
        Err(_) => {
            let shared = handle.shared.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { drop(shared.connection.lock().await.take()) });
            }
        }
    }
}

/// Rolls back when it is dropped before it is disarmed: a panic, a lost `select!`, a time-out.
pub(super) struct OnDrop {
    pub(super) handle: TxHandle,
    pub(super) armed: bool,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if self.armed {
            abandon(&self.handle);
        }
    }
}
