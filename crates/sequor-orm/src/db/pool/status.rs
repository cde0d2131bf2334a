//! [`PoolStatus`]: the pool's numbers, for health answers and metrics.

use super::ConnectionPool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The pool's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections that are in use.
    pub in_use: usize,
    /// Connections that wait for use.
    pub idle: usize,
    /// Tasks that wait for a connection.
    pub waiting: u64,
    /// The most connections.
    pub max: usize,
    /// How many connections were opened so far.
    pub opened: u64,
    /// How many loans there were so far.
    pub acquired: u64,
    /// How many tasks went away without a connection: out of time, or too many waited.
    pub refused: u64,
    /// How long tasks have waited for their connections so far, in microseconds; divided by `acquired` it is the mean.
    pub acquire_micros: u64,
    /// The longest that a task has waited, in microseconds.
    pub longest_acquire_micros: u64,
    /// How long connections were on loan so far, in microseconds; its growth over time times `max` is the utilisation.
    pub busy_micros: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) opened: AtomicU64,
    pub(super) refused: AtomicU64,
    acquired: AtomicU64,
    acquire_micros: AtomicU64,
    longest: AtomicU64,
    busy_micros: AtomicU64,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Counts {
    pub(super) fn acquired(&self, waited: Duration) {
        self.acquired.fetch_add(1, Ordering::Relaxed);
        self.acquire_micros.fetch_add(micros(waited), Ordering::Relaxed);
        self.longest.fetch_max(micros(waited), Ordering::Relaxed);
    }

    pub(super) fn released(&self, held: Duration) {
        self.busy_micros.fetch_add(micros(held), Ordering::Relaxed);
    }
}

impl ConnectionPool {
    pub(crate) fn status(&self) -> PoolStatus {
        let idle = self.lock_idle().len();
        let counts = &self.counts;
        PoolStatus {
            in_use: self.size.saturating_sub(self.permits.available_permits()),
            idle,
            waiting: self.waiting.load(Ordering::Relaxed),
            max: self.size,
            opened: counts.opened.load(Ordering::Relaxed),
            acquired: counts.acquired.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            acquire_micros: counts.acquire_micros.load(Ordering::Relaxed),
            longest_acquire_micros: counts.longest.load(Ordering::Relaxed),
            busy_micros: counts.busy_micros.load(Ordering::Relaxed),
        }
    }
}
