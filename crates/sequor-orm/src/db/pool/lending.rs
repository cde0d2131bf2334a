//! Who gets a connection: at once, after waiting in order, or an error that says who has them all.

use super::{ConnectionPool, Holder, Idle, Pooled, closed};
use crate::db::session::meter;
use crate::hook::PoolMoment;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::consume_budget;

/// A connection that was not used for so long is asked whether it still lives.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How long the answer may take before the connection is taken for dead.
const PING_LIMIT: Duration = Duration::from_secs(2);

impl ConnectionPool {
    /// Borrows a connection: waiters are served in the order in which they came. Waiting and opening share one deadline.
    pub(crate) async fn acquire(self: &Arc<Self>, site: &'static Location<'static>) -> Result<Pooled> {
        self.check_open().map_err(|error| error.seen_at(site))?;
        // What never waits (a statement of SQLite that runs in place) lets the other tasks of its thread have their turn, while it holds nothing.
        consume_budget().await;
        // One reading of the clock serves a loan that need not wait: on some machines a reading costs more than the rest of it.
        let asked = Instant::now();
        let lent = if self.hooks.connection.any() { None } else { self.lend_now(asked, site) };
        match lent {
            Some(pooled) if pooled.slot.is_some() => Ok(pooled),
            lent => Box::pin(self.acquire_slowly(lent, asked, site)).await,
        }
    }

    /// A loan whose connection is not there yet, or that hooks are told of.
    async fn acquire_slowly(self: &Arc<Self>, lent: Option<Pooled>, asked: Instant, site: &'static Location<'static>) -> Result<Pooled> {
        let hooked = lent.is_none() && self.hooks.connection.any();
        if hooked {
            self.tell_acquire(PoolMoment::BeforeAcquire).await?;
        }
        let mut pooled = match lent.or_else(|| self.lend_now(asked, site)) {
            Some(pooled) => pooled,
            None => {
                let permit = self.wait(site).await?;
                self.lend(permit, (asked, Instant::now()), site)
            }
        };
        if pooled.slot.is_none() {
            let mut slot = self.tested_or_new(asked, site).await?;
            slot.uses += 1;
            if let Some(holder) = self.lock_holders().iter_mut().find(|holder| holder.number == pooled.number) {
                holder.cancel = slot.cancel.clone();
            }
            pooled.slot = Some(slot);
        }
        if hooked {
            self.tell_acquire(PoolMoment::AfterAcquire).await?;
        }
        Ok(pooled)
    }

    /// A loan, where nobody has to wait for it.
    fn lend_now(self: &Arc<Self>, now: Instant, site: &'static Location<'static>) -> Option<Pooled> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(self.lend(permit, (now, now), site))
    }

    async fn tell_acquire(&self, moment: PoolMoment) -> Result<()> {
        self.hooks.connection.pool(moment, || self.target()).await
    }

    /// A loan, with the connection that was used last where that one was in use a moment ago.
    fn lend(self: &Arc<Self>, permit: OwnedSemaphorePermit, (asked, now): (Instant, Instant), site: &'static Location<'static>) -> Pooled {
        let mut slot = self.lock_idle().pop_back();
        if let Some(last) = slot.take_if(|last| !self.is_fresh(last, now)) {
            self.lock_idle().push_back(last);
        }
        if let Some(slot) = &mut slot {
            slot.uses += 1;
            // Mostly the very same reading of the clock.
            self.note_acquired(if now == asked { Duration::ZERO } else { now.saturating_duration_since(asked) });
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let cancel = slot.as_ref().and_then(|slot| slot.cancel.clone());
        self.lock_holders().push(Holder { number, since: now, site, cancel, reported: false });
        Pooled { slot, permit: Some(permit), pool: self.clone(), number }
    }

    /// The connection that was used last, if it still lives, or a new one.
    async fn tested_or_new(self: &Arc<Self>, asked: Instant, site: &'static Location<'static>) -> Result<Idle> {
        let slot = match self.kept().await {
            Some(slot) => slot,
            None => {
                let left = self.limits.acquire.saturating_sub(asked.elapsed());
                tokio::time::timeout(left, self.opened()).await.map_err(|_| self.acquire_timeout(site))??
            }
        };
        self.note_acquired(asked.elapsed());
        Ok(slot)
    }

    fn note_acquired(&self, waited: Duration) {
        self.counts.acquired(waited);
        meter::acquired(&self.name, waited);
    }

    /// Whether a connection may be lent without a question to the server.
    fn is_fresh(&self, slot: &mut Idle, now: Instant) -> bool {
        let idle = now.saturating_duration_since(slot.since);
        idle <= PING_AFTER && !self.worn(slot, now) && slot.connection.is_alive(idle)
    }

    async fn kept(self: &Arc<Self>) -> Option<Idle> {
        loop {
            let mut slot = self.lock_idle().pop_back()?;
            let now = Instant::now();
            let idle = now.saturating_duration_since(slot.since);
            if self.worn(&slot, now) || !slot.connection.is_alive(idle) {
                let pool = self.clone();
                tokio::spawn(async move { pool.close_one(slot.connection).await });
                continue;
            }
            if idle > PING_AFTER && !matches!(tokio::time::timeout(PING_LIMIT, slot.connection.ping()).await, Ok(Ok(()))) {
                continue;
            }
            return Some(slot);
        }
    }

    pub(super) fn worn(&self, slot: &Idle, now: Instant) -> bool {
        slot.era != self.role.era()
            || slot.expires.is_some_and(|end| now > end)
            || self.limits.max_uses.is_some_and(|limit| slot.uses >= limit)
    }

    async fn wait(self: &Arc<Self>, site: &'static Location<'static>) -> Result<OwnedSemaphorePermit> {
        let waiting = Waiting::new(self);
        if waiting.count > u64::try_from(self.limits.max_waiters).unwrap_or(u64::MAX) {
            self.refused();
            let message = format!("{site}: {} tasks wait for a connection already (max_waiters); {}", self.limits.max_waiters, self.busy());
            return Err(Error::connection(ConnectionErrorKind::AcquireTimeout, message));
        }
        match tokio::time::timeout(self.limits.acquire, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(closed().seen_at(site)),
            Err(_) => Err(self.acquire_timeout(site)),
        }
    }

    fn refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        meter::refused(&self.name);
    }

    #[cold]
    fn acquire_timeout(&self, site: &'static Location<'static>) -> Error {
        self.refused();
        let waited = self.limits.acquire.as_secs_f64();
        let message = format!("{site} waited {waited:.1} s (acquire); {}; let those end sooner, or raise Pool {{ max }}", self.busy());
        Error::connection(ConnectionErrorKind::AcquireTimeout, message)
    }

    /// How many connections are in use, and who has them longest.
    pub(super) fn busy(&self) -> String {
        let mut holders: Vec<_> = self.lock_holders().iter().map(|holder| (holder.since, holder.site)).collect();
        holders.sort_by_key(|(since, _)| *since);
        let longest: Vec<String> =
            holders.iter().take(3).map(|(since, site)| format!("{site} for {:.1} s", since.elapsed().as_secs_f64())).collect();
        let who = if longest.is_empty() { "nobody".to_owned() } else { longest.join(", ") };
        format!("{} of {} connections are in use, held longest by {who}", holders.len(), self.size)
    }
}

/// Counts a waiter for as long as it waits.
struct Waiting {
    pool: Arc<ConnectionPool>,
    count: u64,
}

impl Waiting {
    fn new(pool: &Arc<ConnectionPool>) -> Waiting {
        Waiting { count: pool.waiting.fetch_add(1, Ordering::Relaxed) + 1, pool: pool.clone() }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pool.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
