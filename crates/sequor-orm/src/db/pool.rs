//! The pool: waiters in order, the last used connection first, and no connection back that is not proven clean.

mod closing;
mod full;
mod keeper;
mod lending;
mod loan;
mod role;
mod status;

pub(crate) use loan::Pooled;
pub use status::PoolStatus;

use super::options::{Pool, Retry};
use super::own::OwnSessions;
use super::session::meter;
use crate::hook::{HookTable, PoolMoment};
use sequor_core::driver::{Cancel, Connection, Driver, Product};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a server may take to answer the first questions, which no setting limits.
const FIRST_ANSWERS: Duration = Duration::from_secs(10);

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
    /// What `after_connect` executed on it.
    setup: Vec<String>,
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
            let measuring = tokio::time::timeout(FIRST_ANSWERS, measured(&mut *first.connection));
            let trip = measuring.await.map_err(|_| {
                let message = format!("{}: it let us in, and did not answer within {} s", self.name, FIRST_ANSWERS.as_secs());
                Error::connection(ConnectionErrorKind::TimedOut, message)
            })??;
            self.round_trip.store(trip, Ordering::Relaxed);
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
        let (connection, setup) = loop {
            match self.ask_for_one().await {
                Ok(opened) => break opened,
                // One of ours comes back sooner than a full server has another.
                Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::ServerFull && self.full.open() > 0 => {
                    return Err(Error::Connection(error));
                }
                Err(Error::Connection(error)) if attempt < self.retry.max && error.kind().is_transient() => {
                    tracing::warn!(attempt, %error, "connecting failed, trying again");
                    // Never shorter than what was asked for, and not the same for all who lost the same server.
                    tokio::time::sleep(self.full.left().max(pause.saturating_add(jittered(pause / 4)))).await;
                    pause = pause.saturating_mul(2).min(self.retry.max_delay);
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
            setup,
            cancel,
            since: now,
            expires: self.limits.lifetime.and_then(|limit| now.checked_add(limit)),
            uses: 0,
            era,
            _open: self.full.count(),
        })
    }

    /// Opens a connection where the hooks say, and lets them set it up: with what, stands beside it.
    async fn open_one(&self) -> Result<(Box<dyn Connection>, Vec<String>)> {
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
        Ok(self.open_one().await?.0)
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

#[cold]
fn closed() -> Error {
    Error::of_usage(UsageErrorKind::Closed, "this Db was closed; connect again")
}

/// The shortest of some round trips, in nanoseconds: a single one may have waited for a processor, and the first finds a server that has just begun. On a busy
/// machine all of the first may have waited, so that it is asked for as long as the server may still be near; one that is certainly far is asked once.
async fn measured(connection: &mut dyn Connection) -> Result<u64> {
    const NEAR: u64 = 50_000;
    const FAR: u64 = 2_000_000;
    const LONGEST: Duration = Duration::from_millis(5);
    let began = Instant::now();
    let mut least = u64::MAX;
    for number in 0..40 {
        connection.ping().await?;
        let trip = connection.round_trip().map_or(0, |trip| u64::try_from(trip.as_nanos()).unwrap_or(u64::MAX));
        least = least.min(trip);
        if least < NEAR || trip > FAR || number >= 4 && began.elapsed() > LONGEST {
            break;
        }
    }
    Ok(least)
}

/// A random part of a pause, so that many clients do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u128() % 1000;
    let part = u32::try_from(random).unwrap_or(500);
    pause.checked_mul(part + 1).map_or(pause / 1000 * (part + 1), |random| random / 1000)
}

#[cfg(test)]
mod schedules;
