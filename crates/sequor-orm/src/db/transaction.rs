//! A running transaction: what is known of it, one statement at a time on its connection, and its end.

mod ending;
mod fate;
mod kind;
mod limits;
mod managed;
mod savepoint;
mod unmanaged;

pub use kind::Tx;
pub use unmanaged::Transaction;

use super::DbInner;
use super::pool::Pooled;
use ending::{Limits, answered, commit_unanswered, run_callbacks};
use fate::Numbered;
use sequor_core::driver::{BoxFuture, Cancel, Status};
use sequor_core::error::{Detail, Error, Result, UsageErrorKind};
use sequor_sql::session::undoes_alone;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use tracing::Instrument;

tokio::task_local! {
    /// The managed transactions around the running code, innermost last.
    static AROUND: Vec<TxHandle>;
}

/// A running transaction, shared by the handles that belong to it.
#[derive(Clone)]
pub(crate) struct TxHandle {
    shared: Arc<Shared>,
    /// The savepoints that this handle is inside of: 0 is the transaction itself.
    level: u32,
}

struct Shared {
    pool: usize,
    connection: tokio::sync::Mutex<Option<Pooled>>,
    savepoints: AtomicU32,
    state: Mutex<State>,
    limits: Limits,
    /// Stops what it runs.
    cancel: Option<Arc<dyn Cancel>>,
    /// Whether it was begun to read only.
    reads: bool,
    /// Where an end that nobody told can be asked for.
    numbered: Option<Numbered>,
    /// Its name, once somebody asked for it.
    name: OnceLock<uuid::Uuid>,
}

#[derive(Default)]
struct State {
    finished: Option<&'static str>,
    /// Callbacks with the level at which they were given.
    after_commit: Vec<(u32, Callback)>,
    after_rollback: Vec<(u32, Callback)>,
    /// Savepoints whose closures were dropped: they are rolled back before anything else runs.
    undo: Vec<u32>,
    /// When its last statement ended.
    touched: Option<Instant>,
    /// The savepoint, or 0, in which the database undid a statement alone.
    undone_alone: Option<u32>,
    /// Whether a statement failed in a way after which all of it may be tried again.
    may_be_tried_again: bool,
}

impl State {
    /// Ends without a commit.
    fn end(&mut self, how: &'static str) {
        self.finished = Some(how);
        self.after_commit.clear();
        self.after_rollback.clear();
    }
}

type Callback = BoxFuture<'static, ()>;

/// The innermost managed transaction around the running code, of this database.
pub(super) fn current(inner: &Arc<DbInner>) -> Option<TxHandle> {
    let id = Arc::as_ptr(&inner.pool).addr();
    AROUND.try_with(|around| around.iter().rev().find(|tx| tx.shared.pool == id).cloned()).ok().flatten()
}

/// How a transaction ends without us: by a deadlock on MySQL, or by a statement that commits.
const ENDED: &str = "ended by the database";

#[cold]
fn ended_by_deadlock() -> Error {
    let detail = Detail::message(
        "the database ended the transaction to break a circle of locks, and undid all of it; the closure went on without it",
    );
    Error::Deadlock { detail: Box::new(detail) }
}

#[cold]
fn finished(how: &str) -> Error {
    Error::of_usage(UsageErrorKind::TransactionFinished, format!("the transaction has already been {how}; begin another"))
}

/// Which transaction it is; it stays different from later ones.
pub(crate) struct TxId(std::sync::Weak<Shared>);

impl PartialEq for TxId {
    fn eq(&self, other: &TxId) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl TxHandle {
    /// Which transaction it is.
    pub(crate) fn id(&self) -> TxId {
        TxId(Arc::downgrade(&self.shared))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> Result<()> {
        let state = self.state();
        match state.finished {
            Some(ENDED) if state.may_be_tried_again => Err(ended_by_deadlock()),
            Some(how) => Err(finished(how)),
            None => Ok(()),
        }
    }

    /// The database has ended it. After a deadlock, of which a closure may have taken no notice, all of it can be tried again.
    fn ended(&self) -> Error {
        let mut state = self.state();
        state.finished = Some(ENDED);
        if state.may_be_tried_again { ended_by_deadlock() } else { finished(ENDED) }
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.with(async |pooled| pooled.get()?.ping().await).await
    }

    pub(super) async fn script(&self, sql: String) -> Result<()> {
        self.with(async |pooled| pooled.get()?.execute_script(sql).await).await
    }

    /// Does something on the connection, one at a time; the server's status decides whether there still is a transaction.
    async fn with<T>(&self, f: impl AsyncFnOnce(&mut Pooled) -> Result<T>) -> Result<T> {
        self.check()?;
        let mut guard = self.shared.connection.lock().await;
        self.check()?;
        let pooled = guard.as_mut().ok_or_else(|| finished("ended"))?;
        match pooled.get()?.status() {
            Status::InTransaction | Status::Failed => {}
            Status::Idle => {
                return Err(self.ended());
            }
            Status::Unknown | Status::Broken => {
                return Err(Error::of_usage(
                    UsageErrorKind::TransactionFinished,
                    "a statement of this transaction was cut short: it can only be rolled back",
                ));
            }
        }
        let before = pooled.trips();
        self.undo_dropped(pooled).await?;
        let result = f(pooled).await;
        if let (Err(error), false) = (&result, self.shared.reads) {
            pooled.refused_write(error);
        }
        if let Err(error) = &result
            && error.detail().and_then(|detail| detail.code.as_deref()).is_some_and(undoes_alone)
        {
            let level = self.state().undone_alone.map_or(self.level, |known| known.min(self.level));
            self.state().undone_alone = Some(level);
        }
        {
            // A wait for a lock that is over undoes its statement alone: what ends the transaction later is something else.
            let ended = pooled.get().is_ok_and(|connection| connection.status() != Status::InTransaction);
            let mut state = self.state();
            state.may_be_tried_again |= ended && result.as_ref().is_err_and(Error::is_retryable);
            state.touched = Some(Instant::now());
        }
        super::session::expect::note_trips(pooled.trips() - before);
        result
    }

    async fn commit(&self) -> Result<()> {
        let mut trips = 0;
        let result = if self.state().after_commit.is_empty() {
            self.commit_here(&mut trips).await
        } else {
            // What is to follow the commit follows it also where the caller goes away meanwhile.
            let handle = self.clone();
            let ending = async move {
                let mut trips = 0;
                (handle.commit_here(&mut trips).await, trips)
            };
            let (result, counted) = tokio::spawn(ending.in_current_span()).await.map_err(Error::other)?;
            trips = counted;
            result
        };
        super::session::expect::note_trips(trips);
        result
    }

    async fn commit_here(&self, trips: &mut u64) -> Result<()> {
        self.check()?;
        let mut guard = self.shared.connection.lock().await;
        let mut pooled = guard.take().ok_or_else(|| finished("ended"))?;
        self.state().finished = Some("committed");
        let before = pooled.trips();
        let result = match pooled.get()?.status() {
            Status::InTransaction => match self.undo_dropped(&mut pooled).await {
                Ok(()) => {
                    let limit = self.shared.limits.ending();
                    let answer = answered(limit, pooled.get()?.commit()).await;
                    answer.unwrap_or_else(|| Err(commit_unanswered(limit.unwrap_or_default())))
                }
                Err(error) => Err(error),
            },
            Status::Idle => Err(self.ended()),
            Status::Failed | Status::Unknown | Status::Broken => {
                let _ = answered(self.shared.limits.ending(), pooled.get()?.rollback()).await;
                Err(self.not_committed())
            }
        };
        *trips = pooled.trips() - before;
        let pool = pooled.pool();
        drop(pooled);
        drop(guard);
        let result = self.settled(result, &pool).await;
        let callbacks = {
            let mut state = self.state();
            let commits = std::mem::take(&mut state.after_commit);
            let rollbacks = std::mem::take(&mut state.after_rollback);
            if result.is_ok() { commits } else { rollbacks }
        };
        run_callbacks(callbacks).await;
        result
    }

    /// A statement failed, and the closure took no notice of it.
    fn not_committed(&self) -> Error {
        let message = "a statement of this transaction failed: the database rolled it back instead of committing";
        if self.state().may_be_tried_again {
            return Error::Serialization { detail: Box::new(Detail::message(message)) };
        }
        Error::of_usage(UsageErrorKind::TransactionFinished, message)
    }

    /// Rolls back when the database undid a statement alone: whoever took no notice of its error would commit the rest.
    async fn is_whole(&self) -> Result<()> {
        if self.state().undone_alone.is_none() {
            return Ok(());
        }
        self.rollback().await?;
        Err(Error::of_usage(
            UsageErrorKind::TransactionFinished,
            "a statement of this transaction waited too long for a lock and was undone alone, so the transaction was rolled back as a whole: return the error from the closure, \
             or run such a statement in a savepoint (tx.transaction)",
        ))
    }

    async fn rollback(&self) -> Result<()> {
        self.check()?;
        let mut guard = self.shared.connection.lock().await;
        let mut pooled = guard.take().ok_or_else(|| finished("ended"))?;
        self.state().finished = Some("rolled back");
        let result = match pooled.get()?.status() {
            Status::InTransaction | Status::Failed => {
                let answer = answered(self.shared.limits.ending(), pooled.get()?.rollback()).await;
                answer.unwrap_or_else(|| {
                    Err(Error::timeout("the server did not answer ROLLBACK in time; nothing was stored, and the connection is closed"))
                })
            }
            // Nothing to roll back, or the connection's return cleans it.
            Status::Idle | Status::Unknown | Status::Broken => Ok(()),
        };
        drop(pooled);
        drop(guard);
        let callbacks = {
            let mut state = self.state();
            state.after_commit.clear();
            std::mem::take(&mut state.after_rollback)
        };
        run_callbacks(callbacks).await;
        result
    }
}
