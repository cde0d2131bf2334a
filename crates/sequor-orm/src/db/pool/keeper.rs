//! The keeper: a task that closes what is too old, opens what is missing, and reports who keeps a connection too long.

use super::{ConnectionPool, Idle};
use sequor_sql::Dialect;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long SQLite's write-ahead log may be before it is reported.
const LONG_LOG: u64 = 64 << 20;

impl ConnectionPool {
    /// Looks after the pool until it is closed or gone.
    pub(crate) fn keep(pool: &Arc<ConnectionPool>) {
        let weak = Arc::downgrade(pool);
        pool.look();
        let every = pool.limits.evict.max(Duration::from_millis(10));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(pool) = weak.upgrade() else { return };
                if pool.closed.load(Ordering::Acquire) {
                    return;
                }
                pool.look();
                pool.report_long_loans();
                pool.look_at_log().await;
                // In memory the one connection is the database.
                if pool.driver.max_connections() == Some(1) {
                    continue;
                }
                for old in pool.expired() {
                    pool.close_one(old.connection).await;
                }
                pool.refill().await;
            }
        });
    }

    fn expired(&self) -> Vec<Idle> {
        let mut idle = self.lock_idle();
        let mut spare = idle.len().saturating_sub(self.limits.min);
        let mut old = Vec::new();
        let now = Instant::now();
        for slot in std::mem::take(&mut *idle) {
            let useless = self.worn(&slot, now) || (spare > 0 && now.saturating_duration_since(slot.since) > self.limits.idle);
            if useless {
                spare = spare.saturating_sub(1);
                old.push(slot);
            } else {
                idle.push_back(slot);
            }
        }
        old
    }

    /// Opens connections until there are `min`, each under a permit of its own.
    async fn refill(&self) {
        loop {
            let Ok(permit) = self.permits.try_acquire() else { return };
            let others = self.size.saturating_sub(self.permits.available_permits() + 1);
            if self.lock_idle().len() + others >= self.limits.min || self.closed.load(Ordering::Acquire) {
                return;
            }
            let opened = tokio::time::timeout(self.limits.acquire, self.connect()).await;
            match opened {
                Ok(Ok(slot)) => self.put(slot),
                Ok(Err(error)) => return tracing::warn!(%error, "a connection could not be opened ahead of its use"),
                Err(_) => return,
            }
            drop(permit);
        }
    }

    /// Reports a write-ahead log that has grown long, and makes it small as soon as nobody reads from it.
    async fn look_at_log(&self) {
        let Some(bytes) = self.log_bytes().filter(|bytes| *bytes > LONG_LOG) else {
            return self.log_reported.store(false, Ordering::Relaxed);
        };
        if !self.log_reported.swap(true, Ordering::Relaxed) {
            let held = self.busy();
            tracing::warn!(database = %self.target(), bytes, %held, "SQLite's write-ahead log grows: does somebody keep an old read open?");
        }
        let Some(script) = sequor_sql::session::shrink_log(Dialect::Sqlite) else { return };
        if let Ok(mut connection) = self.direct().await {
            if let Err(error) = connection.execute_script(script.to_owned()).await {
                tracing::debug!(%error, "the write-ahead log could not be made smaller yet");
            }
            connection.close().await;
        }
    }

    /// How long the write-ahead log of a file is.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        let mut name = self.file()?.as_os_str().to_owned();
        name.push("-wal");
        Some(std::fs::metadata(name).map_or(0, |file| file.len()))
    }

    fn report_long_loans(&self) {
        let Some(limit) = self.limits.hold_warning else { return };
        for holder in self.lock_holders().iter_mut().filter(|holder| !holder.reported && holder.since.elapsed() > limit) {
            holder.reported = true;
            let seconds = holder.since.elapsed().as_secs_f64();
            tracing::warn!(site = %holder.site, seconds, "a connection is held for long: is a transaction left open?");
        }
    }
}
