//! Replicas: which server a read goes to.

mod look;

pub(super) use look::Sample;

use super::options::{DbOptions, Pool, Retry, driver};
use super::pool::{ConnectionPool, Pooled};
use super::{Db, Run};
use crate::hook::HookTable;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which of several replicas a read goes to.
///
/// ```no_run
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// use sequor::ReplicaChoice;
/// let db = Db::options("postgres://primary/app")
///     .read_replicas(["postgres://replica1/app", "postgres://replica2/app"])
///     .replica_choice(ReplicaChoice::LeastBusy)
///     .read_your_writes(secs(5))
///     .replica_lag(secs(3))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplicaChoice {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest connections in use.
    LeastBusy,
}

/// What the options say about replicas.
#[derive(Clone, Debug)]
pub(super) struct ReplicaOptions {
    pub(super) urls: Vec<String>,
    pub(super) window: Duration,
    pub(super) choice: ReplicaChoice,
    /// `None` follows the window.
    pub(super) lag: Option<Duration>,
}

/// The replicas of a database.
pub(crate) struct Replicas {
    list: Vec<Replica>,
    choice: ReplicaChoice,
    next: AtomicUsize,
    window: Duration,
    /// A replica that is further behind serves nothing.
    most_lag: Option<Duration>,
    born: Instant,
    /// When the last write began, in milliseconds after `born`, plus one; 0 for never.
    written: AtomicU64,
    /// Where the primary was, and when.
    samples: Mutex<VecDeque<Sample>>,
}

struct Replica {
    pool: Arc<ConnectionPool>,
    state: Mutex<State>,
}

/// What is known of a replica.
#[derive(Clone, Debug, Default)]
struct State {
    /// It did not answer; the next look decides.
    out: bool,
    /// It says that it no longer follows its primary.
    stopped: bool,
    lag: Option<Duration>,
    error: Option<String>,
}

/// A replica, for health answers.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// for replica in db.health().await.replicas {
///     println!("{}: {:?} ms behind, serves: {}", replica.target, replica.lag_millis, replica.serves);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ReplicaHealth {
    /// Host, port and database.
    pub target: String,
    /// Whether it answered when it was last looked at or used.
    pub ok: bool,
    /// Whether reads go to it now: it answers, and is not too far behind.
    pub serves: bool,
    /// How far it is behind the primary at most, in milliseconds, where that can be known.
    pub lag_millis: Option<u64>,
    /// Why it does not answer, or its last failure.
    pub error: Option<String>,
    /// Its pool.
    pub pool: super::PoolStatus,
}

impl Replica {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serves(&self, most_lag: Option<Duration>) -> bool {
        let state = self.state();
        let late = most_lag.is_some_and(|most| state.lag.is_some_and(|lag| lag > most));
        !(state.out || state.stopped || late)
    }

    fn leave_out(&self, error: &Error) {
        let mut state = self.state();
        if !state.out {
            tracing::warn!(replica = %self.pool.target(), %error, "a replica does not answer; it is left out until it does");
        }
        state.out = true;
        state.error = Some(error.to_string());
    }

    fn busy(&self) -> u64 {
        let status = self.pool.status();
        u64::try_from(status.in_use).unwrap_or(u64::MAX).saturating_add(status.waiting)
    }
}

impl Replicas {
    pub(super) fn new(options: &ReplicaOptions, limits: &Pool, hooks: &Arc<HookTable>) -> Result<Replicas> {
        let list = options
            .urls
            .iter()
            .map(|url| {
                let pool = Arc::new(ConnectionPool::new(driver(url)?, limits.clone(), Retry::default(), hooks.clone(), url));
                Ok(Replica { pool, state: Mutex::default() })
            })
            .collect::<Result<_>>()?;
        // The lag is known as of the last look: two looks less than the window keep its promise.
        let within = (!options.window.is_zero()).then(|| options.window.saturating_sub(look::EVERY * 2));
        Ok(Replicas {
            list,
            choice: options.choice,
            next: AtomicUsize::new(0),
            window: options.window,
            most_lag: options.lag.or(within),
            born: Instant::now(),
            written: AtomicU64::new(0),
            samples: Mutex::default(),
        })
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

    /// The replica whose turn it is, of those that serve.
    fn pick(&self) -> Option<&Replica> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turns = (0..self.list.len()).filter_map(|turn| self.list.get(first.wrapping_add(turn) % self.list.len()));
        let mut serving = turns.filter(|replica| replica.serves(self.most_lag));
        match self.choice {
            ReplicaChoice::RoundRobin => serving.next(),
            ReplicaChoice::LeastBusy => serving.min_by_key(|replica| replica.busy()),
        }
    }

    /// Takes note of a line that broke in the middle of a read.
    pub(super) fn broke(&self, pooled: &Pooled, error: &Error) {
        let Error::Connection(_) = error else { return };
        if let Some(replica) = self.list.iter().find(|replica| pooled.is_of(&replica.pool)) {
            replica.leave_out(error);
        }
    }

    pub(super) fn health(&self) -> Vec<ReplicaHealth> {
        let health = |replica: &Replica| {
            let state = replica.state().clone();
            ReplicaHealth {
                target: replica.pool.target(),
                ok: !state.out,
                serves: replica.serves(self.most_lag),
                lag_millis: state.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
                error: state.error,
                pool: replica.pool.status(),
            }
        };
        self.list.iter().map(health).collect()
    }
}

impl DbOptions {
    /// Copies of the database that serve reads outside of transactions, in turn; one that does not answer or is too far behind is left out until it is
    /// back. Locking reads, raw SQL and everything in a transaction go to the primary. Sequelize: `replication.read`.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::options("postgres://primary/app").read_replicas(["postgres://replica1/app"]).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_replicas<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> DbOptions {
        self.replicas.urls = urls.into_iter().map(Into::into).collect();
        self
    }

    /// For how long after a write of this `Db` reads go to the primary, so that a program reads what it wrote; 5 s.
    pub fn read_your_writes(mut self, window: Duration) -> DbOptions {
        self.replicas.window = window;
        self
    }

    /// Which of several replicas a read goes to; in turn unless said.
    pub fn replica_choice(mut self, choice: ReplicaChoice) -> DbOptions {
        self.replicas.choice = choice;
        self
    }

    /// How far a replica may be behind; one that is further serves no reads until it has caught up. Unless said it is two seconds less than
    /// `read_your_writes`, so that who wrote never reads from before the write.
    pub fn replica_lag(mut self, most: Duration) -> DbOptions {
        self.replicas.lag = Some(most);
        self
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
        Box::pin(self.copy(run)).await
    }

    async fn copy(&self, run: &Run) -> Result<Pooled> {
        let replicas = &self.inner.replicas;
        // One that fails is left out, so it is not picked again.
        for _ in 0..replicas.list.len() {
            let Some(replica) = replicas.pick() else { break };
            match replica.pool.acquire(run.site).await {
                Ok(pooled) => return Ok(pooled),
                // Busy is not dead.
                Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::AcquireTimeout => {
                    return Err(Error::Connection(error));
                }
                Err(error @ Error::Connection(_)) => replica.leave_out(&error),
                Err(error) => return Err(error),
            }
        }
        self.inner.pool.acquire(run.site).await
    }
}
