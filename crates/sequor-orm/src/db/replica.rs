//! Replicas: which server a read goes to.

use super::options::{Pool, Retry, driver};
use super::pool::{ConnectionPool, Pooled};
use super::{Db, Run};
use sequor_core::error::{Error, Result};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a replica that did not answer is left out.
const LEFT_OUT: Duration = Duration::from_secs(5);

/// The replicas of a database.
pub(crate) struct Replicas {
    list: Vec<Replica>,
    next: AtomicUsize,
    window: Duration,
    born: Instant,
    /// When the last write began, in milliseconds after `born`, plus one; 0 for never.
    written: AtomicU64,
}

struct Replica {
    pool: Arc<ConnectionPool>,
    out_until: Mutex<Option<Instant>>,
}

impl Replica {
    fn is_out(&self) -> bool {
        self.out_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| until > Instant::now())
    }

    fn leave_out(&self) {
        *self.out_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LEFT_OUT);
    }
}

impl Replicas {
    pub(super) fn new(urls: &[String], limits: &Pool, window: Duration) -> Result<Replicas> {
        let list = urls
            .iter()
            .map(|url| {
                let pool = Arc::new(ConnectionPool::new(driver(url)?, limits.clone(), Retry::default()));
                Ok(Replica { pool, out_until: Mutex::new(None) })
            })
            .collect::<Result<_>>()?;
        Ok(Replicas { list, next: AtomicUsize::new(0), window, born: Instant::now(), written: AtomicU64::new(0) })
    }

    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<ConnectionPool>> {
        self.list.iter().map(|replica| &replica.pool)
    }

    /// Remembers that something was written.
    pub(super) fn wrote(&self, wrote: bool) {
        if wrote && !self.list.is_empty() {
            let millis = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
            self.written.store(millis + 1, Ordering::Release);
        }
    }

    fn wrote_lately(&self) -> bool {
        let Some(written) = self.written.load(Ordering::Acquire).checked_sub(1) else { return false };
        self.born.elapsed().saturating_sub(Duration::from_millis(written)) < self.window
    }
}

impl Db {
    /// A connection for a batch outside of transactions: of a replica where that is right and one answers, else of the primary.
    pub(super) async fn connection(&self, run: &Run) -> Result<Pooled> {
        let replicas = &self.inner.replicas;
        replicas.wrote(run.write);
        if run.write || self.place.primary || replicas.list.is_empty() || replicas.wrote_lately() {
            return self.inner.pool.acquire(run.site).await;
        }
        let first = replicas.next.fetch_add(1, Ordering::Relaxed);
        for turn in 0..replicas.list.len() {
            let Some(replica) = replicas.list.get((first + turn) % replicas.list.len()).filter(|replica| !replica.is_out()) else {
                continue;
            };
            match replica.pool.acquire(run.site).await {
                Ok(pooled) => return Ok(pooled),
                Err(error @ Error::Connection(_)) => {
                    tracing::warn!(replica = %replica.pool.target(), %error, "a replica does not answer; it is left out for a while");
                    replica.leave_out();
                }
                Err(error) => return Err(error),
            }
        }
        self.inner.pool.acquire(run.site).await
    }
}
