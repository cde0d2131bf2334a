//! The pool: waiters in order, the last used connection first, and no connection back that is not proven clean.

mod closing;
mod full;
mod keeper;
mod role;
mod status;

pub use status::PoolStatus;

use super::options::{Pool, Retry};
use super::own::OwnSessions;
use super::session::meter;
use crate::hook::{HookTable, PoolMoment};
use sequor_core::driver::{Cancel, Connection, Driver, Product, Status};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that was not used for so long is asked whether it still lives.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How long the answer may take before the connection is taken for dead.
const PING_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection may take to become clean.
const RESET_LIMIT: Duration = Duration::from_secs(2);

pub(crate) struct ConnectionPool {
    driver: Arc<dyn Driver>,
    limits: Pool,
    retry: Retry,
    permits: Arc<Semaphore>,
    size: usize,
    idle: Mutex<VecDeque<Idle>>,
    /// A server that has no connection left, and who waits for one to come back.
    full: full::Fullness,
    /// How many streams may keep a connection at once, so that one is left for what they read beside it.
    streams: Arc<Semaphore>,
    role: role::Role,
    /// Whether a long write-ahead log was reported.
    log_reported: AtomicBool,
    holders: Mutex<Vec<Holder>>,
    waiting: AtomicU64,
    next: AtomicU64,
    counts: status::Counts,
    /// Host, port and database.
    name: String,
    closed: AtomicBool,
    own: Arc<OwnSessions>,
    /// The time to come back is over: loans are of no more use.
    ended: AtomicBool,
    /// The round trip that was measured last, in nanoseconds; 0 before that.
    round_trip: AtomicU64,
    hooks: Arc<HookTable>,
    url: String,
}

/// A connection with what is known about it.
struct Idle {
    connection: Box<dyn Connection>,
    cancel: Option<Arc<dyn Cancel>>,
    since: Instant,
    /// When it has lived long enough.
    expires: Option<Instant>,
    uses: u64,
    /// Which [`role::Role`] the servers had when it was opened.
    era: u64,
    /// Counts it among those that are open.
    _open: full::Counted,
}

/// Who has a connection, since when.
struct Holder {
    number: u64,
    since: Instant,
    site: &'static Location<'static>,
    cancel: Option<Arc<dyn Cancel>>,
    /// Whether the long loan was reported.
    reported: bool,
}

/// A connection on loan. Dropping it cleans it and gives it back, or closes it.
pub(crate) struct Pooled {
    slot: Option<Idle>,
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<ConnectionPool>,
    number: u64,
}

impl ConnectionPool {
    pub(crate) fn new(driver: Arc<dyn Driver>, limits: Pool, retry: Retry, hooks: Arc<HookTable>, url: &str) -> ConnectionPool {
        let size = driver.max_connections().map_or(limits.max, |most| limits.max.min(most));
        ConnectionPool {
            name: driver.target(),
            driver,
            permits: Arc::new(Semaphore::new(size)),
            streams: Arc::new(Semaphore::new(size.saturating_sub(1))),
            full: full::Fullness::default(),
            role: role::Role::default(),
            log_reported: AtomicBool::new(false),
            size,
            limits,
            retry,
            idle: Mutex::new(VecDeque::new()),
            holders: Mutex::new(Vec::new()),
            waiting: AtomicU64::new(0),
            next: AtomicU64::new(0),
            counts: status::Counts::default(),
            closed: AtomicBool::new(false),
            own: Arc::default(),
            ended: AtomicBool::new(false),
            round_trip: AtomicU64::new(0),
            hooks,
            url: url.to_owned(),
        }
    }

    pub(crate) fn target(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The measured round trip to the server.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        Some(self.round_trip.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_holders(&self) -> std::sync::MutexGuard<'_, Vec<Holder>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the first connections.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Product> {
        let mut first = self.connect().await?;
        let product = first.connection.server().product;
        // Only PostgreSQL reads include trees in one flush, where the round trip decides.
        if product == Product::Postgres {
            first.connection.ping().await?;
            let measured = first.connection.round_trip().map_or(0, |trip| u64::try_from(trip.as_nanos()).unwrap_or(u64::MAX));
            self.round_trip.store(measured, Ordering::Relaxed);
        }
        self.put(first);
        for _ in 1..self.limits.min.min(self.size) {
            let connection = self.connect().await?;
            self.put(connection);
        }
        Ok(product)
    }

    /// Opens a connection, with the attempts of the options.
    async fn connect(&self) -> Result<Idle> {
        let start = Instant::now();
        let mut pause = self.retry.delay;
        let mut attempt = 1;
        let era = self.role.era();
        let connection = loop {
            match self.ask_for_one().await {
                Ok(connection) => break connection,
                // One of ours comes back sooner than a full server has another.
                Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::ServerFull && self.full.open() > 0 => {
                    return Err(Error::Connection(error));
                }
                Err(Error::Connection(error)) if attempt < self.retry.max && error.kind().is_transient() => {
                    tracing::warn!(attempt, %error, "connecting failed, trying again");
                    // Never shorter than what was asked for, and not the same for all who lost the same server.
                    tokio::time::sleep(self.full.left().max(pause + jittered(pause / 4))).await;
                    pause = (pause * 2).min(self.retry.max_delay);
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        meter::connected(&self.name, start.elapsed());
        let (now, cancel) = (Instant::now(), connection.canceller().map(Arc::from));
        Ok(Idle {
            connection,
            cancel,
            since: now,
            expires: self.limits.lifetime.and_then(|limit| now.checked_add(limit)),
            uses: 0,
            era,
            _open: self.full.count(),
        })
    }

    /// Opens a connection where the hooks say, and lets them set it up.
    async fn open_one(&self) -> Result<Box<dyn Connection>> {
        let hooks = &self.hooks.connection;
        let connection = match hooks.target(&self.url).await? {
            Some(target) => super::options::driver(target.url())?.connect().await?,
            None => self.driver.connect().await?,
        };
        hooks.opened(connection).await
    }

    /// Closes a connection; no hook can keep it open.
    async fn close_one(&self, connection: Box<dyn Connection>) {
        self.tell(PoolMoment::BeforeDisconnect).await;
        connection.close().await;
        self.tell(PoolMoment::AfterDisconnect).await;
    }

    async fn tell(&self, moment: PoolMoment) {
        if let Err(error) = self.hooks.connection.pool(moment, || self.target()).await {
            tracing::error!(%error, "a hook around the end of a connection failed");
        }
    }

    fn put(&self, slot: Idle) {
        self.put_at(slot, Instant::now());
    }

    fn put_at(&self, mut slot: Idle, now: Instant) {
        slot.since = now;
        let mut idle = self.lock_idle();
        if let Some(slot) = self.full.hand(slot) {
            idle.push_back(slot);
        }
    }

    /// The sessions beside the pool.
    pub(super) fn own(&self) -> &Arc<OwnSessions> {
        &self.own
    }

    /// The file that the database is, where it is one.
    pub(super) fn file(&self) -> Option<&std::path::Path> {
        self.driver.file()
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    /// A connection that the pool does not count.
    pub(crate) async fn direct(&self) -> Result<Box<dyn Connection>> {
        self.open_one().await
    }

    /// Borrows a connection: waiters are served in the order in which they came. Waiting and opening share one deadline.
    pub(crate) async fn acquire(self: &Arc<Self>, site: &'static Location<'static>) -> Result<Pooled> {
        self.check_open()?;
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
                let permit = self.wait().await?;
                self.lend(permit, (asked, Instant::now()), site)
            }
        };
        if pooled.slot.is_none() {
            let mut slot = self.tested_or_new(asked).await?;
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
            self.note_acquired(now.saturating_duration_since(asked));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let cancel = slot.as_ref().and_then(|slot| slot.cancel.clone());
        self.lock_holders().push(Holder { number, since: now, site, cancel, reported: false });
        Pooled { slot, permit: Some(permit), pool: self.clone(), number }
    }

    /// The connection that was used last, if it still lives, or a new one.
    async fn tested_or_new(self: &Arc<Self>, asked: Instant) -> Result<Idle> {
        let slot = match self.kept().await {
            Some(slot) => slot,
            None => {
                let left = self.limits.acquire.saturating_sub(asked.elapsed());
                tokio::time::timeout(left, self.opened()).await.map_err(|_| self.acquire_timeout())??
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

    fn worn(&self, slot: &Idle, now: Instant) -> bool {
        slot.era != self.role.era()
            || slot.expires.is_some_and(|end| now > end)
            || self.limits.max_uses.is_some_and(|limit| slot.uses >= limit)
    }

    async fn wait(self: &Arc<Self>) -> Result<OwnedSemaphorePermit> {
        let waiting = Waiting::new(self);
        if waiting.count > u64::try_from(self.limits.max_waiters).unwrap_or(u64::MAX) {
            self.refused();
            let message = format!("{} tasks wait for a connection already (max_waiters); {}", self.limits.max_waiters, self.busy());
            return Err(Error::connection(ConnectionErrorKind::AcquireTimeout, message));
        }
        match tokio::time::timeout(self.limits.acquire, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(self.acquire_timeout()),
        }
    }

    fn refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        meter::refused(&self.name);
    }

    #[cold]
    fn acquire_timeout(&self) -> Error {
        self.refused();
        let message = format!("waited {:.1} s (acquire); {}", self.limits.acquire.as_secs_f64(), self.busy());
        Error::connection(ConnectionErrorKind::AcquireTimeout, message)
    }

    /// How many connections are in use, and who has them longest.
    fn busy(&self) -> String {
        let mut holders: Vec<_> = self.lock_holders().iter().map(|holder| (holder.since, holder.site)).collect();
        holders.sort_by_key(|(since, _)| *since);
        let longest: Vec<String> =
            holders.iter().take(3).map(|(since, site)| format!("{site} for {:.1} s", since.elapsed().as_secs_f64())).collect();
        let who = if longest.is_empty() { "nobody".to_owned() } else { longest.join(", ") };
        format!("{} of {} connections are in use, held longest by {who}", holders.len(), self.size)
    }

    /// A place among the streams that keep a connection: one fewer than there are connections, so that streams that read includes beside their rows never
    /// wait for each other.
    pub(crate) fn stream_place(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }

    /// Whether every connection is held, so that a second one for a holder would never come free.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.permits.available_permits() == 0
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

#[cold]
fn closed() -> Error {
    Error::of_usage(UsageErrorKind::Closed, "this Db was closed; connect again")
}

/// A random part of a pause, so that many clients do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u128() % 1000;
    let part = u32::try_from(random).unwrap_or(500);
    pause * (part + 1) / 1000
}

impl Pooled {
    /// The connection.
    pub(crate) fn get(&mut self) -> Result<&mut Box<dyn Connection>> {
        if self.pool.ended.load(Ordering::Relaxed) {
            return Err(closed());
        }
        match &mut self.slot {
            Some(slot) => Ok(&mut slot.connection),
            None => Err(Error::bug("a loan without its connection")),
        }
    }

    /// What stops the statement that runs on it.
    pub(crate) fn canceller(&self) -> Option<Arc<dyn Cancel>> {
        self.slot.as_ref().and_then(|slot| slot.cancel.clone())
    }

    /// Whether it is a loan of this pool.
    pub(crate) fn is_of(&self, pool: &Arc<ConnectionPool>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }

    /// How often the connection has waited for its server.
    pub(crate) fn trips(&self) -> u64 {
        self.slot.as_ref().map_or(0, |slot| slot.connection.round_trips())
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let now = Instant::now();
        let held = {
            let mut holders = self.pool.lock_holders();
            let place = holders.iter().position(|holder| holder.number == self.number);
            place.map(|place| now.saturating_duration_since(holders.swap_remove(place).since))
        };
        self.pool.counts.released(held.unwrap_or_default());
        meter::released(&self.pool.name, held.unwrap_or_default());
        let Some(slot) = self.slot.take() else { return };
        let (pool, permit) = (self.pool.clone(), self.permit.take());
        match slot.connection.status() {
            Status::Idle if !pool.closed.load(Ordering::Acquire) && slot.era == pool.role.era() => {
                pool.put_at(slot, now);
                drop(permit);
            }
            _ => clean(slot, pool, permit),
        }
    }
}

/// Cleans a connection while it keeps its permit: freeing the permit first would let the pool grow past its limit.
fn clean(mut slot: Idle, pool: Arc<ConnectionPool>, permit: Option<OwnedSemaphorePermit>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    // The fault laboratory builds Sequor without cleaning, to see that its tests notice.
    if cfg!(sequor_unclean) {
        return pool.put(slot);
    }
    runtime.spawn(async move {
        let clean = tokio::time::timeout(RESET_LIMIT, slot.connection.reset()).await;
        let of_use = !pool.closed.load(Ordering::Acquire) && slot.era == pool.role.era();
        if matches!(clean, Ok(Ok(()))) && slot.connection.status() == Status::Idle && of_use {
            pool.put(slot);
        } else {
            let _ = tokio::time::timeout(RESET_LIMIT, pool.close_one(slot.connection)).await;
        }
        drop(permit);
    });
}

#[cfg(test)]
mod schedules;
