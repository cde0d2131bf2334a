//! The limits of transactions: how long one may take in all, and how long it may stand idle.

use super::{Shared, TxHandle};
use std::panic::Location;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What a transaction that stood idle has been.
const IDLE: &str = "rolled back because it stood idle for too long (idle_in_transaction)";
/// What a transaction that took too long has been.
const LATE: &str = "rolled back because it took too long (its time-out)";

/// Rolls back a transaction in which no statement ran for so long.
pub(super) fn watch_idle(handle: &TxHandle, limit: Duration, site: &'static Location<'static>) {
    let shared = Arc::downgrade(&handle.shared);
    tokio::spawn(async move {
        while let Some(left) = idle_left(&shared, limit, site) {
            tokio::time::sleep(left).await;
        }
    });
}

/// How long it may stand idle yet; `None` once it has ended.
fn idle_left(shared: &Weak<Shared>, limit: Duration, site: &'static Location<'static>) -> Option<Duration> {
    let shared = shared.upgrade()?;
    // A statement runs.
    let Ok(mut connection) = shared.connection.try_lock() else { return Some(limit) };
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.finished.is_some() {
        return None;
    }
    let idle = state.touched.map_or(Duration::ZERO, |touched| touched.elapsed());
    if idle < limit {
        return Some(limit - idle);
    }
    state.end(IDLE);
    drop(state);
    tracing::warn!(%site, seconds = idle.as_secs_f64(), "a transaction stood idle and was rolled back");
    drop(connection.take());
    None
}

/// Rolls back a transaction that is not at its end by then; what it runs is stopped on the server.
pub(super) fn watch_end(handle: &TxHandle, limit: Duration, site: &'static Location<'static>) {
    // A limit beyond what the clock can say is none.
    let Some(until) = Instant::now().checked_add(limit) else { return };
    let shared = Arc::downgrade(&handle.shared);
    tokio::spawn(async move {
        tokio::time::sleep(until.saturating_duration_since(Instant::now())).await;
        let Some(shared) = shared.upgrade() else { return };
        {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.finished.is_some() {
                return;
            }
            state.end(LATE);
        }
        tracing::warn!(%site, seconds = limit.as_secs_f64(), "a transaction took too long and was rolled back");
        if let (Some(cancel), Err(_)) = (&shared.cancel, shared.connection.try_lock()) {
            let _ = cancel.cancel().await;
        }
        drop(shared.connection.lock().await.take());
    });
}
