//! The pool: waiters in order, the last used connection first, and no connection back that is not proven clean.

use super::options::{Pool, Retry};
use sequor_core::driver::{Connection, Driver, Product, Status};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that was not used for so long is asked whether it still lives.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How long a connection may take to become clean.
const RESET_LIMIT: Duration = Duration::from_secs(2);

pub(crate) struct ConnectionPool {
    driver: Arc<dyn Driver>,
    limits: Pool,
    permits: Arc<Semaphore>,
    size: usize,
    idle: Mutex<VecDeque<Idle>>,
    holders: Mutex<Vec<(u64, Instant, &'static Location<'static>)>>,
    waiting: AtomicU64,
    next: AtomicU64,
    opened: AtomicU64,
    closed: AtomicBool,
    /// The round trip that was measured last, in nanoseconds; 0 before that.
    round_trip: AtomicU64,
}

struct Idle {
    connection: Box<dyn Connection>,
    since: Instant,
    born: Instant,
    uses: u64,
}

/// The pool's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
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
}

/// A connection on loan. Dropping it cleans it and gives it back, or closes it.
pub(crate) struct Pooled {
    connection: Option<Box<dyn Connection>>,
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<ConnectionPool>,
    number: u64,
    born: Instant,
    uses: u64,
}

impl ConnectionPool {
    pub(crate) fn new(driver: Arc<dyn Driver>, limits: Pool) -> ConnectionPool {
        let size = driver.max_connections().map_or(limits.max, |most| limits.max.min(most));
        ConnectionPool {
            driver,
            permits: Arc::new(Semaphore::new(size)),
            size,
            limits,
            idle: Mutex::new(VecDeque::new()),
            holders: Mutex::new(Vec::new()),
            waiting: AtomicU64::new(0),
            next: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            round_trip: AtomicU64::new(0),
        }
    }

    pub(crate) fn target(&self) -> String {
        self.driver.target()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let idle = self.lock_idle().len();
        PoolStatus {
            in_use: self.size.saturating_sub(self.permits.available_permits()),
            idle,
            waiting: self.waiting.load(Ordering::Relaxed),
            max: self.size,
            opened: self.opened.load(Ordering::Relaxed),
        }
    }

    /// The measured round trip to the server.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        Some(self.round_trip.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the first connections, with the retries of the options.
    pub(crate) async fn open(self: &Arc<Self>, retry: &Retry) -> Result<Product> {
        let mut pause = retry.delay;
        let mut attempt = 1;
        let mut first = loop {
            match self.connect().await {
                Ok(connection) => break connection,
                Err(Error::Connection(error)) if attempt < retry.max && error.kind().is_transient() => {
                    tracing::warn!(attempt, %error, "connecting failed, trying again");
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(retry.max_delay);
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        let product = first.server().product;
        // Only PostgreSQL reads include trees in one flush, where the round trip decides.
        if product == Product::Postgres {
            first.ping().await?;
            let measured = first.round_trip().map_or(0, |trip| u64::try_from(trip.as_nanos()).unwrap_or(u64::MAX));
            self.round_trip.store(measured, Ordering::Relaxed);
        }
        self.put(first, Instant::now(), 0);
        for _ in 1..self.limits.min.min(self.size) {
            let connection = self.connect().await?;
            self.put(connection, Instant::now(), 0);
        }
        Ok(product)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection = self.driver.connect().await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    /// A connection that the pool does not count.
    pub(crate) async fn direct(&self) -> Result<Box<dyn Connection>> {
        self.driver.connect().await
    }

    fn put(&self, connection: Box<dyn Connection>, born: Instant, uses: u64) {
        self.lock_idle().push_back(Idle { connection, since: Instant::now(), born, uses });
    }

    /// Borrows a connection: waiters are served in the order in which they came.
    pub(crate) async fn acquire(self: &Arc<Self>, site: &'static Location<'static>) -> Result<Pooled> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let permit = match self.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut pooled = Pooled { connection: None, permit: Some(permit), pool: self.clone(), number, born: Instant::now(), uses: 0 };
        self.holders.lock().unwrap_or_else(PoisonError::into_inner).push((number, Instant::now(), site));
        loop {
            let Some(mut idle) = self.lock_idle().pop_back() else { break };
            if self.worn(&idle) || !idle.connection.is_alive() {
                tokio::spawn(idle.connection.close());
                continue;
            }
            if idle.since.elapsed() > PING_AFTER && idle.connection.ping().await.is_err() {
                continue;
            }
            pooled.born = idle.born;
            pooled.uses = idle.uses + 1;
            pooled.connection = Some(idle.connection);
            return Ok(pooled);
        }
        let connection = tokio::time::timeout(self.limits.acquire, self.connect()).await;
        pooled.connection = Some(connection.map_err(|_| self.acquire_timeout())??);
        pooled.uses = 1;
        Ok(pooled)
    }

    fn worn(&self, idle: &Idle) -> bool {
        self.limits.lifetime.is_some_and(|limit| idle.born.elapsed() > limit)
            || self.limits.max_uses.is_some_and(|limit| idle.uses >= limit)
    }

    async fn wait(self: &Arc<Self>) -> Result<OwnedSemaphorePermit> {
        let waiting = Waiting::new(self);
        if waiting.count > u64::try_from(self.limits.max_waiters).unwrap_or(u64::MAX) {
            return Err(Error::connection(
                ConnectionErrorKind::AcquireTimeout,
                format!("more than {} tasks wait for a connection", self.limits.max_waiters),
            ));
        }
        match tokio::time::timeout(self.limits.acquire, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(self.acquire_timeout()),
        }
    }

    #[cold]
    fn acquire_timeout(&self) -> Error {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        holders.sort_by_key(|(_, since, _)| *since);
        let longest: Vec<String> =
            holders.iter().take(3).map(|(_, since, site)| format!("{site} for {:.1} s", since.elapsed().as_secs_f64())).collect();
        let message = format!(
            "waited {:.1} s for one of {} connections, {} are in use; held longest by {}",
            self.limits.acquire.as_secs_f64(),
            self.size,
            holders.len(),
            if longest.is_empty() { "nobody".to_owned() } else { longest.join(", ") }
        );
        Error::connection(ConnectionErrorKind::AcquireTimeout, message)
    }

    /// Whether every connection is held, so that a second one for a holder would never come free.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.permits.available_permits() == 0
    }

    /// Closes idle connections that are too old, until the pool is gone.
    pub(crate) fn keep(pool: &Arc<ConnectionPool>) {
        let weak = Arc::downgrade(pool);
        let every = pool.limits.evict.max(Duration::from_millis(10));
        // In memory the one connection is the database.
        if pool.driver.max_connections() == Some(1) {
            return;
        }
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(pool) = weak.upgrade() else { return };
                if pool.closed.load(Ordering::Acquire) {
                    return;
                }
                for old in pool.expired() {
                    old.connection.close().await;
                }
            }
        });
    }

    fn expired(&self) -> Vec<Idle> {
        let mut idle = self.lock_idle();
        let spare = idle.len().saturating_sub(self.limits.min);
        let mut old = Vec::new();
        while old.len() < spare && idle.front().is_some_and(|first| first.since.elapsed() > self.limits.idle) {
            old.extend(idle.pop_front());
        }
        old
    }

    /// Waits for running work (at most the acquire time-out), then closes everything.
    pub(crate) async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(self.limits.acquire, self.permits.acquire_many(all)).await;
        self.permits.close();
        let idle: Vec<Idle> = self.lock_idle().drain(..).collect();
        for idle in idle {
            idle.connection.close().await;
        }
        match drained {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::timeout(format!(
                "close() waited {:.1} s for {} connections that are still in use; they are closed as they come back",
                self.limits.acquire.as_secs_f64(),
                self.status().in_use
            ))),
        }
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
        self.connection.as_mut().ok_or_else(|| Error::bug("a loan without its connection"))
    }

    /// How often the connection has waited for its server.
    pub(crate) fn trips(&self) -> u64 {
        self.connection.as_ref().map_or(0, |connection| connection.round_trips())
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.holders.lock().unwrap_or_else(PoisonError::into_inner).retain(|(number, _, _)| *number != self.number);
        let Some(connection) = self.connection.take() else { return };
        let (pool, permit, born, uses) = (self.pool.clone(), self.permit.take(), self.born, self.uses);
        match connection.status() {
            Status::Idle if !pool.closed.load(Ordering::Acquire) => {
                pool.put(connection, born, uses);
                drop(permit);
            }
            _ => clean(connection, pool, permit, born, uses),
        }
    }
}

/// Cleans a connection while it keeps its permit: freeing the permit first would let the pool grow past its limit.
fn clean(mut connection: Box<dyn Connection>, pool: Arc<ConnectionPool>, permit: Option<OwnedSemaphorePermit>, born: Instant, uses: u64) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let clean = tokio::time::timeout(RESET_LIMIT, connection.reset()).await;
        if matches!(clean, Ok(Ok(()))) && connection.status() == Status::Idle && !pool.closed.load(Ordering::Acquire) {
            pool.put(connection, born, uses);
        } else {
            let _ = tokio::time::timeout(RESET_LIMIT, connection.close()).await;
        }
        drop(permit);
    });
}
