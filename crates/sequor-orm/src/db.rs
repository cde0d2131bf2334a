//! [`Db`]: what every statement runs on: a pool, or a transaction of it. One concrete type, cheaply cloned.

mod admin;
mod health;
mod options;
mod own;
mod place;
mod pool;
mod replica;
mod session;
mod transaction;
mod types;

pub use admin::DatabaseOptions;
pub use health::{Health, LastError};
pub use options::{Configuration, DbOptions, Pool, Retry, millis, secs};
pub use own::{AdvisoryLock, Listener};
pub(crate) use own::{Rows, answered, asking, is_yes};
pub(crate) use place::Place;
pub use pool::PoolStatus;
pub(crate) use pool::{Pooled, jittered};
pub use replica::{ReplicaChoice, ReplicaHealth};
pub(crate) use session::OpenRead;
pub use session::{Run, SlowQuery};
pub(crate) use transaction::TxId;
pub use transaction::{Transaction, Tx};
pub use types::TypeMap;

use crate::hook::HookTable;
use crate::model::Registry;
use chrono::{DateTime, Utc};
use pool::ConnectionPool;
use sequor_core::error::Result;
use sequor_core::schema::{ModelDef, Models};
use sequor_sql::Dialect;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use transaction::TxHandle;

/// A database: connections, models, hooks. Cloning is cheap; a transaction hands out the same type.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// // Every function takes a `&Db`, and works in and out of transactions.
/// async fn birthday(db: &Db, id: i64) -> Result<User> {
///     let user = User::find_by_pk(id).or_fail().exec(db).await?;
///     user.increment(User::AGE, 1, db).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// birthday(&db, ann.id).await?;
/// let ann = db.transaction(async |tx| birthday(tx, ann.id).await).await?;
/// assert_eq!(ann.age, Some(33));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Db {
    pub(crate) inner: Arc<DbInner>,
    /// The transaction that this handle belongs to.
    pub(crate) tx: Option<TxHandle>,
    /// What this handle carries for hooks: the actor and other extras.
    pub(crate) context: Arc<TypeMap>,
    /// Whether statements outside of the transaction around them are meant.
    pub(crate) detached: bool,
    /// The schema, settings and server of this handle's statements.
    pub(crate) place: Arc<place::Place>,
}

pub(crate) struct DbInner {
    pub(crate) pool: Arc<ConnectionPool>,
    pub(crate) replicas: Arc<replica::Replicas>,
    pub(crate) dialect: Dialect,
    pub(crate) registry: Arc<Registry>,
    pub(crate) hooks: Arc<HookTable>,
    pub(crate) settings: Settings,
    kept: health::Kept,
    labels: session::Labels,
    slow: session::SlowQueries,
    /// The statements written so far.
    pub(crate) statements: crate::plan::Statements,
    /// How many statements that may write were run.
    pub(crate) writes: AtomicU64,
    /// The instant at which a test has stopped the clock, in microseconds.
    pub(crate) frozen: AtomicI64,
    /// By how many microseconds the database's clock is ahead of the program's, where that one counts.
    pub(crate) ahead: AtomicI64,
}

/// The clock is not stopped.
pub(crate) const RUNNING: i64 = i64::MIN;

/// What `Db::options` sets beside the pool.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) slow_query: Option<Duration>,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) transaction_timeout: Option<Duration>,
    pub(crate) idle_in_transaction: Option<Duration>,
    /// How long a COMMIT that nobody answered is asked for.
    pub(crate) resolve_commits: Option<Duration>,
    /// Whether slow queries are explained.
    pub(crate) plans: bool,
    pub(crate) logging: bool,
    /// Whether values are shown.
    pub(crate) parameters: bool,
    pub(crate) implicit_transactions: bool,
    pub(crate) strict_loading: bool,
    pub(crate) auto_batch: bool,
    pub(crate) clock: fn() -> DateTime<Utc>,
}

/// The models that a `Db` knows, for planners.
#[derive(Clone)]
pub(crate) struct DbModels(Arc<Registry>);

impl Models for DbModels {
    fn by_name(&self, name: &str) -> Option<Arc<ModelDef>> {
        self.0.by_name(name)
    }
}

impl Db {
    /// Connects with the defaults: `postgres://`, `mysql://`, `mariadb://`, `sqlite://path`, `sqlite::memory:`. Sequelize: `new Sequelize(url)`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert_eq!(db.dialect(), Dialect::Sqlite);
    /// assert_eq!(db.pool_status().in_use, 0);
    /// assert!(db.round_trip().is_none(), "there is no network");
    /// let error = Db::connect("sqlit://app.db").await.unwrap_err();
    /// assert!(matches!(error, Error::Connection(_)), "{error}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection` of the exact kind.
    #[track_caller]
    pub fn connect(url: impl AsRef<str>) -> impl Future<Output = Result<Db>> + Send {
        Db::options(url).connect()
    }

    /// Begins to connect with options of your own.
    pub fn options(url: impl AsRef<str>) -> DbOptions {
        DbOptions::new(url.as_ref())
    }

    /// Options from `sequor.toml`, `.env` and the environment; later wins, and methods called on the options win over all: `DATABASE_URL`,
    /// `DB_POOL_MAX`, `DB_POOL_MIN`, `DB_POOL_ACQUIRE`, `DB_POOL_IDLE`, `DB_POOL_EVICT`, `DB_RETRY_MAX`, `DB_RETRY_DELAY`, `DB_SLOW_QUERY`
    /// (milliseconds) and `DB_LOGGING`; in `sequor.toml` the same as `url`, `pool_max`, .. in the section of `SEQUOR_ENV`, `APP_ENV` or `NODE_ENV`
    /// (`development` when none is set). A wrong or missing setting is the `Usage` error of `connect`.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// // DATABASE_URL=postgres://localhost/app DB_POOL_MAX=20 cargo run
    /// let db = Db::from_env().statement_timeout(secs(30)).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_env() -> DbOptions {
        match options::from_environment() {
            Ok(options) => options,
            Err(error) => DbOptions::new("").failing(error),
        }
    }

    /// One trivial round trip. Sequelize: `authenticate()`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.authenticate().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection` of the exact kind.
    #[track_caller]
    pub fn authenticate(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, site) = (self.clone(), std::panic::Location::caller());
        async move { db.ping(site).await }
    }

    /// Waits for running work, at most the pool's acquire time-out, then closes every connection; later use is `Usage(Closed)`.
    /// Sequelize: `close()`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.close().await?;
    /// assert!(db.authenticate().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As those of [`Db::close_within`].
    pub async fn close(&self) -> Result<()> {
        self.close_within(self.inner.pool.patience()).await
    }

    /// Closes as [`Db::close`] does, with a deadline of its own: for a graceful shutdown.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.close_within(secs(5)).await?;
    /// assert!(db.authenticate().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Timeout`, with the call sites of the holders, when connections were still in use at the end of that time: what they ran was stopped on the server.
    pub async fn close_within(&self, limit: Duration) -> Result<()> {
        let start = std::time::Instant::now();
        let mut result = self.inner.pool.close(limit).await;
        for replica in self.inner.replicas.pools() {
            result = result.and(replica.close(limit.saturating_sub(start.elapsed())).await);
        }
        result
    }

    /// A connection of its own, beside the pool: for locks that belong to a session.
    pub(crate) async fn direct(&self) -> Result<Box<dyn sequor_core::driver::Connection>> {
        self.inner.pool.direct().await
    }

    /// A connection of the pool for several statements.
    pub(crate) async fn borrow(&self, site: &'static std::panic::Location<'static>) -> Result<Pooled> {
        self.session(site)?;
        self.inner.pool.acquire(site).await
    }

    /// The dialect of the database.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// The pool's numbers.
    pub fn pool_status(&self) -> PoolStatus {
        self.inner.pool.status()
    }

    /// The measured round trip to the server, where it decides how include trees are read (PostgreSQL).
    pub fn round_trip(&self) -> Option<Duration> {
        self.inner.pool.round_trip()
    }

    /// The models that this database knows.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.registry().register_all()?;
    /// assert!(db.registry().all().iter().any(|model| model.name == "User"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Stops the clock, or lets it run.
    #[cfg_attr(not(feature = "testing"), allow(dead_code))]
    pub(crate) fn freeze(&self, instant: Option<DateTime<Utc>>) {
        self.inner.frozen.store(instant.map_or(RUNNING, |instant| instant.timestamp_micros()), Ordering::Release);
    }

    /// How many statements that may write were run so far by this program.
    pub(crate) fn writes(&self) -> u64 {
        self.inner.writes.load(Ordering::Acquire)
    }

    pub(crate) fn wrote(&self) {
        self.inner.writes.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn models(&self) -> DbModels {
        DbModels(self.inner.registry.clone())
    }

    pub(crate) fn hook_table(&self) -> &HookTable {
        &self.inner.hooks
    }

    /// The present instant, by the clock of the options.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let before = db.now();
    /// assert!(db.now() >= before);
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(&self) -> DateTime<Utc> {
        match self.inner.frozen.load(Ordering::Acquire) {
            RUNNING => (self.inner.settings.clock)() + chrono::TimeDelta::microseconds(self.inner.ahead.load(Ordering::Acquire)),
            micros => DateTime::from_timestamp_micros(micros).unwrap_or_else(self.inner.settings.clock),
        }
    }

    /// The same database on behalf of somebody: hooks, userstamps and audit read it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let as_ann = db.actor(ann.id).with_extra("from the web");
    /// assert_eq!(as_ann.extras().get::<i64>(), Some(&ann.id));
    /// assert_eq!(as_ann.extras().get::<&str>(), Some(&"from the web"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn actor<A: Clone + Send + Sync + 'static>(&self, actor: A) -> Db {
        self.with_extra(actor)
    }

    /// The same database with a typed extra that hooks read.
    #[must_use]
    pub fn with_extra<E: Clone + Send + Sync + 'static>(&self, extra: E) -> Db {
        let mut context = (*self.context).clone();
        context.insert(extra);
        Db { context: Arc::new(context), ..self.clone() }
    }

    /// The typed extras of this handle.
    pub fn extras(&self) -> &TypeMap {
        &self.context
    }

    /// Says that a statement outside of the transaction around it is meant.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// db.transaction(async |tx| {
    ///     ann.increment(User::AGE, 1, tx).await?;
    ///     assert!(User::count().exec(&db).await.is_err(), "is `tx` meant, or a second connection?");
    ///     let detached = db.detached();
    ///     assert!(!detached.is_in_transaction());
    ///     Ok(())
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detached(&self) -> Db {
        Db { tx: None, detached: true, ..self.clone() }
    }

    /// Whether this handle is in a transaction.
    pub fn is_in_transaction(&self) -> bool {
        self.tx.is_some()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({}{})", self.inner.pool.target(), if self.tx.is_some() { ", in a transaction" } else { "" })
    }
}
