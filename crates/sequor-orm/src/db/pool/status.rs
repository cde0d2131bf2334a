//! [`PoolStatus`]: the pool's numbers, for health answers and metrics.

use super::ConnectionPool;
use crate::db::session::meter;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Over how long the utilisation is taken.
const OVER: Duration = Duration::from_secs(60);
/// The shortest time between two looks that are remembered.
const BETWEEN: Duration = Duration::from_millis(500);

/// The pool's numbers.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let tx = db.begin().await?;
/// assert_eq!(db.pool_status().in_use, 1);
/// tx.rollback().await?;
/// # Ok(())
/// # }
/// ```
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
    /// How long connections were on loan so far, in microseconds, those that still are included.
    pub busy_micros: u64,
    /// How much of the pool was on loan over the last minute, in thousandths: 1000 is every connection all the time.
    pub utilization_permille: u32,
    /// How long SQLite's write-ahead log is, in bytes: it grows for as long as somebody reads what is old.
    pub log_bytes: Option<u64>,
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
    /// What `busy_micros` was at the looks of the last minute.
    looks: Mutex<VecDeque<(Instant, u64)>>,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Counts {
    pub(super) fn acquired(&self, waited: Duration) {
        self.acquired.fetch_add(1, Ordering::Relaxed);
        if waited.is_zero() {
            return;
        }
        self.acquire_micros.fetch_add(micros(waited), Ordering::Relaxed);
        self.longest.fetch_max(micros(waited), Ordering::Relaxed);
    }

    pub(super) fn released(&self, held: Duration) {
        self.busy_micros.fetch_add(micros(held), Ordering::Relaxed);
    }
}

impl ConnectionPool {
    /// How long connections were on loan so far, in microseconds.
    fn busy_micros(&self) -> u64 {
        let now: u64 = self.lock_holders().iter().map(|holder| micros(holder.since.elapsed())).sum();
        self.counts.busy_micros.load(Ordering::Relaxed).saturating_add(now)
    }

    /// Remembers how busy the pool was until now, and tells it to the metrics.
    pub(super) fn look(&self) {
        let (now, busy) = (Instant::now(), self.busy_micros());
        {
            let mut looks = self.counts.looks.lock().unwrap_or_else(PoisonError::into_inner);
            // Two looks a second are enough, however often the keeper comes.
            if looks.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= BETWEEN) {
                looks.push_back((now, busy));
            }
            // One that is older than a minute stays, to count from.
            while looks.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= OVER) {
                looks.pop_front();
            }
        }
        meter::pool(&self.name, &self.status(), self.limits.min);
    }

    fn utilization(&self, busy: u64) -> u32 {
        let looks = self.counts.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, before)) = looks.front() else { return 0 };
        let whole = micros(since.elapsed()).saturating_mul(u64::try_from(self.size).unwrap_or(u64::MAX));
        let part = busy.saturating_sub(*before).saturating_mul(1000).checked_div(whole).unwrap_or(0);
        u32::try_from(part.min(1000)).unwrap_or(1000)
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let idle = self.lock_idle().len();
        let counts = &self.counts;
        let busy_micros = self.busy_micros();
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
            busy_micros,
            utilization_permille: self.utilization(busy_micros),
            log_bytes: self.log_bytes(),
        }
    }
}
