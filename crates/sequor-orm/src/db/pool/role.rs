//! Connections to a server that has become another one: a write that is told "read-only" was sent to a server that is no primary any more.

use super::Pooled;
use sequor_core::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a whole pool may be replaced: on a server that only ever reads, each write would do it.
const AT_MOST: Duration = Duration::from_secs(1);

/// Counts the times that the servers changed their roles.
#[derive(Default)]
pub(super) struct Role {
    era: AtomicU64,
    changed: Mutex<Option<Instant>>,
}

impl Role {
    pub(super) fn era(&self) -> u64 {
        self.era.load(Ordering::Acquire)
    }
}

/// Whether the server says that it only reads: PostgreSQL's 25006, MySQL's `--read-only` and `innodb_read_only`.
fn is_read_only(error: &Error) -> bool {
    matches!(error, Error::Database { code, .. } if matches!(code.as_str(), "25006" | "1290" | "1836"))
}

impl Pooled {
    /// Replaces every connection of the pool that was opened before now, when a write is told that the server only reads. `target_session_attrs` in the URL
    /// then finds the primary.
    #[cold]
    pub(in crate::db) fn refused_write(&self, error: &Error) {
        let Some(slot) = self.slot.as_ref().filter(|_| is_read_only(error)) else { return };
        let role = &self.pool.role;
        let mut changed = role.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.era != role.era() || changed.is_some_and(|at| at.elapsed() < AT_MOST) {
            return;
        }
        *changed = Some(Instant::now());
        role.era.fetch_add(1, Ordering::AcqRel);
        tracing::warn!(server = %self.pool.target(), "a write was refused because the server only reads; its connections are replaced");
    }
}
