//! Transactions: closures, unmanaged ones, and what runs after their end.

mod ending;
mod fate;
mod kind;
mod limits;
mod savepoint;
mod unmanaged;

pub use kind::Tx;
pub use unmanaged::Transaction;

use super::pool::{Pooled, jittered};
use super::{Db, DbInner};
use ending::{Limits, OnDrop, answered, commit_unanswered, run_callbacks};
use fate::Numbered;
use sequor_core::driver::{BoxFuture, Cancel, Status};
use sequor_core::error::{Detail, Error, Result, UsageErrorKind};
use sequor_sql::session::undoes_alone;
use std::panic::Location;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
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
        super::session::expect::note_trips(pooled.trips() - before);
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

impl Db {
    /// Runs a closure in a transaction: commits on Ok, rolls back on Err, panic or drop. Inside a transaction it is a savepoint.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = db.transaction(async |tx| {
    ///     let post = draft!(Post { title: "Hi", user_id: ann.id }).create(tx).await?;
    ///     ann.increment(User::AGE, 1, tx).await?;
    ///     Ok(post)
    /// }).await?;
    /// assert_eq!(post.title, "Hi");
    ///
    /// let failed: Result<()> = db.transaction(async |tx| {
    ///     ann.force_destroy(tx).await?;
    ///     Err(Error::usage("on second thoughts, no"))
    /// }).await;
    /// assert!(failed.is_err());
    /// assert_eq!(User::count().exec(&db).await?, 1, "it was rolled back");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The closure's error; that of the commit.
    #[track_caller]
    pub fn transaction<'a, T, F>(&'a self, f: F) -> impl Future<Output = Result<T>> + use<'a, T, F>
    where
        F: AsyncFnOnce(&Db) -> Result<T>, // write `async |tx| ..`: with `|tx| async move ..` the future cannot borrow `tx`
    {
        let site = Location::caller();
        async move {
            match self.session(site)? {
                Some(handle) => self.savepoint(&handle, f).await,
                None => self.run_transaction(Tx::default(), f, site).await,
            }
        }
    }

    /// The same with an error type of your own.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// #[derive(Debug)]
    /// enum Refusal { TooYoung, Database(Error) }
    ///
    /// impl From<Error> for Refusal {
    ///     fn from(error: Error) -> Refusal { Refusal::Database(error) }
    /// }
    ///
    /// let done = db.try_transaction::<User, Refusal>(async |tx| {
    ///     let user = User::find_by_pk(ann.id).or_fail().exec(tx).await?;
    ///     if user.age < Some(65) { Err(Refusal::TooYoung) } else { Ok(user) }
    /// }).await;
    /// assert!(matches!(done, Err(Refusal::TooYoung)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The closure's error; that of the commit.
    pub async fn try_transaction<T, E>(&self, f: impl AsyncFnOnce(&Db) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        let mut own = None;
        let result = self
            .transaction(async |tx| match f(tx).await {
                Ok(value) => Ok(value),
                Err(error) => {
                    own = Some(error);
                    Err(Error::usage("rolled back by an error of the program"))
                }
            })
            .await;
        match (result, own) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(own)) => Err(own),
            (Err(error), None) => Err(E::from(error)),
        }
    }

    /// Runs a closure in a transaction of its own kind; each attempt runs a clone of it. Inside a transaction it is a savepoint, which can have no level
    /// of its own.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let count = db.transaction_with(Tx::serializable().retry(5).timeout(secs(5)), async |tx| User::count().exec(tx).await).await?;
    /// assert_eq!(count, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The closure's error; that of the commit; `Timeout`; `Usage` for a level, read only or deferrable inside a transaction.
    #[track_caller]
    pub fn transaction_with<'a, T, F>(&'a self, tx: Tx, f: F) -> impl Future<Output = Result<T>> + use<'a, T, F>
    where
        F: AsyncFnOnce(&Db) -> Result<T> + Clone, // write `async |tx| ..`: with `|tx| async move ..` the future cannot borrow `tx`
    {
        let site = Location::caller();
        async move {
            if let Some(handle) = self.session(site)? {
                tx.check_nested(site)?;
                return self.savepoint(&handle, f).await;
            }
            let mut pause = Duration::from_millis(10);
            let mut attempt = 1;
            loop {
                match self.run_transaction(tx, f.clone(), site).await {
                    Err(error) if error.is_retryable() && attempt < tx.attempts => {
                        tokio::time::sleep(jittered(pause)).await;
                        pause = (pause * 2).min(Duration::from_secs(1));
                        attempt += 1;
                    }
                    other => return other,
                }
            }
        }
    }

    /// Begins an unmanaged transaction.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let tx = db.begin().await?;
    /// draft!(Post { title: "Hi" }).create(&tx).await?;
    /// tx.commit().await?;
    /// assert_eq!(Post::count().exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send + use<> {
        self.begin_with(Tx::default())
    }

    /// Begins an unmanaged transaction of its own kind.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let tx = db.begin_with(Tx::serializable().read_only()).await?;
    /// assert_eq!(User::count().exec(&tx).await?, 1);
    /// tx.rollback().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    #[track_caller]
    pub fn begin_with(&self, tx: Tx) -> impl Future<Output = Result<Transaction>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move {
            if db.session(site)?.is_some() {
                return Err(Error::of_usage(
                    UsageErrorKind::OutsideTransaction,
                    format!(
                        "begin() at {site} is inside a transaction: use tx.transaction(..) for a savepoint, or db.detached() for a second one"
                    ),
                )
                .seen_at(site));
            }
            // Whoever begins by hand has begun when this is done, with the locks that belong to it.
            let handle = db.start(tx, site, false).await.map_err(|error| error.seen_at(site))?;
            if let Some(limit) = tx.timeout.or(db.inner.settings.transaction_timeout) {
                limits::watch_end(&handle, limit, site);
            }
            let db = Db { tx: Some(handle.clone()), ..db };
            Ok(Transaction { db, handle })
        }
    }

    async fn start(&self, tx: Tx, site: &'static Location<'static>, with_statement: bool) -> Result<TxHandle> {
        if !self.detached && current(&self.inner).is_some() && self.inner.pool.is_exhausted() {
            return Err(Error::of_usage(
                UsageErrorKind::OutsideTransaction,
                format!(
                    "the transaction at {site} is begun inside another one while all {} connections are in use: use the closure's tx",
                    self.inner.pool.size()
                ),
            ));
        }
        let mut pooled = self.inner.pool.acquire(site).await?;
        let mut begin = tx.begin;
        // A reader that becomes a writer later cannot wait for other writers on SQLite: the lock is taken at once.
        begin.immediate = !begin.read_only;
        begin.with_statement = with_statement;
        let settings = self.settings_batch()?;
        self.limited(pooled.get()?.begin(begin)).await?;
        if let Some(settings) = settings {
            self.limited(pooled.get()?.run(settings)).await?;
        }
        self.inner.replicas.wrote(!begin.read_only);
        let shared = Shared {
            pool: Arc::as_ptr(&self.inner.pool).addr(),
            cancel: pooled.canceller(),
            reads: begin.read_only,
            numbered: Numbered::new(self.inner.settings.resolve_commits, self.dialect(), begin.read_only),
            connection: tokio::sync::Mutex::new(Some(pooled)),
            savepoints: AtomicU32::new(0),
            limits: Limits::new(self.inner.settings.statement_timeout, tx.timeout.or(self.inner.settings.transaction_timeout)),
            state: Mutex::new(State { touched: Some(Instant::now()), ..State::default() }),
            name: OnceLock::new(),
        };
        let handle = TxHandle { shared: Arc::new(shared), level: 0 };
        if let Some(limit) = self.inner.settings.idle_in_transaction {
            limits::watch_idle(&handle, limit, site);
        }
        Ok(handle)
    }

    pub(super) async fn run_transaction<T, F>(&self, tx: Tx, f: F, site: &'static Location<'static>) -> Result<T>
    where
        F: AsyncFnOnce(&Db) -> Result<T>,
    {
        let handle = self.start(tx, site, true).await?;
        let mut guard = OnDrop { handle: handle.clone(), armed: true };
        let db = Db { tx: Some(handle.clone()), detached: false, ..self.clone() };
        let mut around = AROUND.try_with(Clone::clone).unwrap_or_default();
        around.push(handle.clone());
        let span = tracing::info_span!(target: "sequor::transaction", "transaction", otel.kind = "internal", %site);
        let work = AROUND.scope(around, f(&db)).instrument(span);
        let result = match tx.timeout.or(self.inner.settings.transaction_timeout) {
            None => work.await,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(result) => result,
                Err(_) => Err(Error::timeout(format!("the transaction took longer than {:.1} s and was rolled back", limit.as_secs_f64()))),
            },
        };
        guard.armed = false;
        match result {
            Ok(value) => {
                handle.is_whole().await?;
                handle.commit().await?;
                Ok(value)
            }
            Err(error) => {
                if handle.state().finished.is_none()
                    && let Err(second) = handle.rollback().await
                {
                    tracing::warn!(error = %second, "rolling back failed; the connection was closed");
                }
                Err(error)
            }
        }
    }

    /// Joins the transaction of this handle, or begins one.
    pub(crate) async fn in_transaction<T>(&self, f: impl AsyncFnOnce(&Db) -> Result<T>) -> Result<T> {
        let site = Location::caller();
        match self.session(site)? {
            Some(tx) => f(&Db { tx: Some(tx), ..self.clone() }).await,
            None => self.run_transaction(Tx::default(), f, site).await,
        }
    }

    /// A savepoint of the transaction of this handle, or a transaction.
    pub(crate) async fn in_savepoint<T>(&self, f: impl AsyncFnOnce(&Db) -> Result<T>) -> Result<T> {
        let site = Location::caller();
        match self.session(site)? {
            Some(tx) => self.savepoint(&tx, f).await,
            None => self.run_transaction(Tx::default(), f, site).await,
        }
    }
}
