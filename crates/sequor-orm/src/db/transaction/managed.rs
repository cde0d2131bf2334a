//! Beginning transactions: around a closure, which ends them, or by hand.

use super::ending::{Limits, OnDrop};
use super::fate::Numbered;
use super::{AROUND, Shared, State, Transaction, Tx, TxHandle, current, limits};
use crate::db::Db;
use crate::db::pool::jittered;
use sequor_core::error::{Error, Result, UsageErrorKind};
use std::panic::Location;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tracing::Instrument;

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
                    Err(error) if error.is_retryable() && attempt > 1 => return Err(given_up(error, attempt)),
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

    pub(in crate::db) async fn run_transaction<T, F>(&self, tx: Tx, f: F, site: &'static Location<'static>) -> Result<T>
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
                Err(_) => Err(Error::timeout(format!("the transaction took longer than {} s and was rolled back", limit.as_secs_f64()))),
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

    /// Joins the transaction of this handle, or begins one. The latter on the heap: whoever may need a transaction carries no room for one.
    pub(crate) async fn in_transaction<T>(&self, f: impl AsyncFnOnce(&Db) -> Result<T>) -> Result<T> {
        let site = Location::caller();
        match self.session(site)? {
            Some(tx) => f(&Db { tx: Some(tx), ..self.clone() }).await,
            None => Box::pin(self.run_transaction(Tx::default(), f, site)).await,
        }
    }

    /// A savepoint of the transaction of this handle, or a transaction.
    pub(crate) async fn in_savepoint<T>(&self, f: impl AsyncFnOnce(&Db) -> Result<T>) -> Result<T> {
        let site = Location::caller();
        match self.session(site)? {
            Some(tx) => Box::pin(self.savepoint(&tx, f)).await,
            None => Box::pin(self.run_transaction(Tx::default(), f, site)).await,
        }
    }
}

/// The error of the last attempt says that there were others before it.
#[cold]
fn given_up(mut error: Error, attempts: u32) -> Error {
    if let Some(detail) = error.detail_mut() {
        let told = format!("the transaction was tried {attempts} times");
        detail.hint = Some(detail.hint.take().map_or(told.clone(), |hint| format!("{told}; {hint}")));
    }
    error
}
