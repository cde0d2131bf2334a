//! [`DbOptions`]: everything that can be set before connecting.

mod connect;
mod environment;

pub(super) use connect::driver;
pub use environment::Configuration;
pub(super) use environment::from_environment;

use super::pool::ConnectionPool;
use super::replica::{ReplicaChoice, ReplicaOptions, Replicas};
use super::{Db, DbInner, Settings, TypeMap};
use crate::hook::{GlobalHooks, HookTable};
use crate::model::{ModelList, Registry};
use crate::sync::SyncMode;
use chrono::{DateTime, Utc};
use sequor_core::driver::Product;
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

/// Limits of the pool. Sequelize's names and, but for `max`, its defaults.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let pool = Pool { max: 4, min: 1, acquire: secs(5), ..Pool::default() };
/// let db = Db::options("sqlite::memory:").pool(pool).connect().await?;
/// assert_eq!(db.pool_status().max, 1, "memory is one connection's; a file and a server have as many as the pool says");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The most connections; 10.
    pub max: usize,
    /// Connections that are kept and opened at connect; 0.
    pub min: usize,
    /// How long to wait for a connection; 60 s.
    pub acquire: Duration,
    /// How long an idle connection is kept; 10 s.
    pub idle: Duration,
    /// How often idle connections are looked at; 1 s.
    pub evict: Duration,
    /// How old a connection may become; 30 min.
    pub lifetime: Option<Duration>,
    /// How often a connection is used before it is replaced; without limit.
    pub max_uses: Option<u64>,
    /// How many tasks may wait; 10,000.
    pub max_waiters: usize,
    /// A connection that is held longer is reported once, with the call site of its holder; 60 s.
    pub hold_warning: Option<Duration>,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool {
            max: 10,
            min: 0,
            acquire: secs(60),
            idle: secs(10),
            evict: secs(1),
            lifetime: Some(secs(1800)),
            max_uses: None,
            max_waiters: 10_000,
            hold_warning: Some(secs(60)),
        }
    }
}

/// Attempts at connecting. Access denied, unknown database and TLS errors are never tried again.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// // A container that starts beside the database: ten attempts, half a second apart at first.
/// let retry = Retry { max: 10, delay: millis(500), ..Retry::default() };
/// let db = Db::options("sqlite::memory:").retry(retry).connect().await?;
/// # drop(db);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Attempts in all; 1.
    pub max: u32,
    /// The first pause; it doubles, with jitter. 1 s.
    pub delay: Duration,
    /// The longest pause; 30 s.
    pub max_delay: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { max: 1, delay: secs(1), max_delay: secs(30) }
    }
}

/// So many seconds.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// assert_eq!(secs(2), std::time::Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many milliseconds.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// assert_eq!(millis(250) * 4, secs(1));
/// # Ok(())
/// # }
/// ```
pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A database that is about to be connected to.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let db = Db::options("sqlite::memory:")
///     .pool(Pool { max: 4, acquire: secs(5), ..Pool::default() })
///     .retry(Retry { max: 3, ..Retry::default() })
///     .slow_query(millis(200))
///     .statement_timeout(secs(30))
///     .strict_loading(true)
///     .connect()
///     .await?;
/// assert!(db.health().await.ok);
/// db.close().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "options do nothing until .connect()"]
pub struct DbOptions {
    url: String,
    pool: Pool,
    retry: Retry,
    settings: Settings,
    registry: Result<Registry>,
    pub(super) replicas: ReplicaOptions,
    auto_sync: Option<SyncMode>,
    hooks: Arc<HookTable>,
    database_clock: bool,
}

impl DbOptions {
    pub(crate) fn new(url: &str) -> DbOptions {
        let settings = Settings {
            slow_query: None,
            statement_timeout: None,
            transaction_timeout: None,
            idle_in_transaction: None,
            resolve_commits: None,
            plans: true,
            logging: false,
            parameters: false,
            implicit_transactions: false,
            strict_loading: false,
            auto_batch: true,
            clock: Utc::now,
        };
        DbOptions {
            url: url.to_owned(),
            pool: Pool::default(),
            retry: Retry::default(),
            settings,
            registry: Ok(Registry::default()),
            replicas: ReplicaOptions { urls: Vec::new(), window: secs(5), choice: ReplicaChoice::RoundRobin, lag: None },
            auto_sync: None,
            hooks: Arc::default(),
            database_clock: false,
        }
    }

    /// Options that cannot connect; `connect` says why.
    pub(super) fn failing(mut self, error: Error) -> DbOptions {
        self.registry = Err(error);
        self
    }

    /// The limits of the pool.
    pub fn pool(mut self, pool: Pool) -> DbOptions {
        self.pool = pool;
        self
    }

    /// The attempts at connecting.
    pub fn retry(mut self, retry: Retry) -> DbOptions {
        self.retry = retry;
        self
    }

    /// Reports statements that take longer than this: as warnings in the log, in `db.slow_queries()`, and once with the database's plan.
    pub fn slow_query(mut self, limit: Duration) -> DbOptions {
        self.settings.slow_query = Some(limit);
        self
    }

    /// Whether the database is asked how it runs a slow query, once for each; on unless said. It happens on a connection that is free.
    pub fn slow_query_plans(mut self, on: bool) -> DbOptions {
        self.settings.plans = on;
        self
    }

    /// The longest that a statement may run; then the server is told to stop it and the error is `Timeout`. Without limit unless set. A transaction in
    /// which that happens can only be rolled back. Waiting for a connection does not count (`Pool::acquire`).
    pub fn statement_timeout(mut self, limit: Duration) -> DbOptions {
        self.settings.statement_timeout = Some(limit);
        self
    }

    /// The longest that a transaction may take, where `Tx::timeout` says nothing else: then what it runs is stopped on the server and it is rolled back.
    /// Without limit unless set.
    pub fn transaction_timeout(mut self, limit: Duration) -> DbOptions {
        self.settings.transaction_timeout = Some(limit);
        self
    }

    /// The longest that a transaction may stand without a statement: then it is rolled back, and its next statement is `Usage(TransactionFinished)`.
    /// Without limit unless set.
    pub fn idle_in_transaction(mut self, limit: Duration) -> DbOptions {
        self.settings.idle_in_transaction = Some(limit);
        self
    }

    /// Asks the server, for at most so long, what became of a transaction whose COMMIT was sent and never answered: it is then `Ok`, or `Connection(Broken)` with nothing
    /// stored, and `Connection(CommitUnknown)` only when nobody can say. PostgreSQL tells; the transaction's number is asked for in the flush of its first write, a
    /// small statement more. Off unless set. Writes outside of transactions have no number.
    pub fn resolve_commits(mut self, limit: Duration) -> DbOptions {
        self.settings.resolve_commits = Some(limit);
        self
    }

    /// Reports every statement (without its values).
    pub fn logging(mut self, on: bool) -> DbOptions {
        self.settings.logging = on;
        self
    }

    /// Shows the values of statements in logs and spans, but those of statements that touch a table with a `sensitive` column. Off unless said.
    /// Sequelize: `logQueryParameters`.
    pub fn log_query_parameters(mut self, on: bool) -> DbOptions {
        self.settings.parameters = on;
        self
    }

    /// Lets statements on the outer `Db` join the transaction around them. Sequelize: CLS.
    pub fn implicit_transactions(mut self, on: bool) -> DbOptions {
        self.settings.implicit_transactions = on;
        self
    }

    /// Loads lazily for all rows of a result at once, when one of them asks; on by default. After a write of this program rows load one by one.
    pub fn auto_batch(mut self, on: bool) -> DbOptions {
        self.settings.auto_batch = on;
        self
    }

    /// Makes every lazy load an error.
    pub fn strict_loading(mut self, on: bool) -> DbOptions {
        self.settings.strict_loading = on;
        self
    }

    /// The clock for timestamps, for tests.
    pub fn clock(mut self, clock: fn() -> DateTime<Utc>) -> DbOptions {
        self.settings.clock = clock;
        self
    }

    /// Registers hooks before anything is connected, so that those of connections see the first one too:
    /// `.with_hooks(|hooks| hooks.after_connect("zone", |connection| Box::pin(connection.execute("SET TIME ZONE 'UTC'"))))`.
    pub fn with_hooks(self, register: impl FnOnce(&GlobalHooks<'_>)) -> DbOptions {
        register(&GlobalHooks::new(&self.hooks, None));
        self
    }

    /// Takes the time of timestamps from the database's clock: how far it is ahead of the program's is measured at connect, and again by
    /// [`Db::measure_clock`]. Programs on several machines then agree, and no statement asks for the time.
    pub fn database_clock(mut self, on: bool) -> DbOptions {
        self.database_clock = on;
        self
    }

    /// Makes models known by name: one, a tuple, or a list of `models!`.
    pub fn register<L: ModelList>(self) -> DbOptions {
        if let Ok(registry) = &self.registry {
            L::register(registry);
        }
        self
    }

    /// Makes every model known that is linked into the program.
    pub fn register_all(mut self) -> DbOptions {
        if let Ok(registry) = &self.registry
            && let Err(error) = registry.register_all()
        {
            self.registry = Err(error);
        }
        self
    }

    /// Makes the tables of the registered models when it connects, for development: `SyncMode::Create` leaves those that are there as they are.
    /// Where `SEQUOR_ENV`, `APP_ENV` or `NODE_ENV` says `production`, connecting is an error instead: production is migrated.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # #[model(table = "notes")]
    /// # struct Note { #[field(primary_key, auto_increment)] id: i64, text: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::options("sqlite::memory:").register::<Note>().auto_sync(SyncMode::Create).connect().await?;
    /// assert_eq!(Note::count().exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn auto_sync(mut self, mode: SyncMode) -> DbOptions {
        self.auto_sync = Some(mode);
        self
    }

    /// Connects, and opens `min` connections.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::options("sqlite::memory:")
    ///     .slow_query(millis(200)).slow_query_plans(true)
    ///     .statement_timeout(secs(30)).transaction_timeout(secs(60)).idle_in_transaction(secs(60)).resolve_commits(secs(5))
    ///     .logging(false).log_query_parameters(false)
    ///     .implicit_transactions(true).auto_batch(true).strict_loading(false)
    ///     .clock(Utc::now).database_clock(true)
    ///     .connect()
    ///     .await?;
    /// db.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection` of the exact kind; `Usage` for wrong options.
    #[track_caller]
    pub fn connect(self) -> impl Future<Output = Result<Db>> + Send {
        let site = std::panic::Location::caller();
        async move { self.open().await.map_err(|error| error.seen_at(site)) }
    }

    async fn open(self) -> Result<Db> {
        let registry = self.registry?;
        if self.pool.max == 0 || self.pool.min > self.pool.max {
            return Err(Error::usage("the pool needs max >= 1 and min <= max"));
        }
        if self.auto_sync.is_some() && environment::name()? == "production" {
            return Err(Error::usage(
                "auto_sync is for development, and this environment is production: leave it out there, and run the migrations with `sequor migrate up`",
            ));
        }
        if let Some(other) = self.replicas.urls.iter().find(|replica| family(replica) != family(&self.url)) {
            return Err(Error::usage(format!(
                "a read replica is a copy of the primary, which is {}, and cannot be {}: give replicas URLs of the same kind",
                family(&self.url),
                family(other)
            )));
        }
        let driver = driver(&self.url)?;
        let replicas = Arc::new(Replicas::new(&self.replicas, &self.pool, &self.hooks)?);
        let pool = Arc::new(ConnectionPool::new(driver, self.pool, self.retry, self.hooks.clone(), &self.url));
        let product = pool.open().await?;
        ConnectionPool::keep(&pool);
        let dialect = spoken_by(product);
        if self.settings.resolve_commits.is_some() && dialect.is_mysql() {
            return Err(Error::unsupported(
                "resolve_commits: MySQL and MariaDB cannot be asked what became of a transaction: leave it out, and look for the rows after a CommitUnknown",
            ));
        }
        let labels = super::session::Labels::new(dialect, &pool.target());
        replicas.pools().for_each(ConnectionPool::keep);
        Replicas::keep(&replicas, &pool, dialect);
        let inner = DbInner {
            pool,
            replicas,
            dialect,
            registry: Arc::new(registry),
            hooks: self.hooks,
            settings: self.settings,
            kept: super::health::Kept::default(),
            labels,
            slow: super::session::SlowQueries::default(),
            writes: AtomicU64::new(0),
            frozen: AtomicI64::new(super::RUNNING),
            statements: crate::plan::Statements::default(),
            ahead: AtomicI64::new(0),
        };
        let db = Db { inner: Arc::new(inner), tx: None, context: Arc::new(TypeMap::default()), detached: false, place: Arc::default() };
        if self.database_clock {
            db.measure_clock().await?;
        }
        if let Some(mode) = self.auto_sync {
            db.sync_all(mode).await?;
        }
        Ok(db)
    }
}

impl std::fmt::Debug for DbOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DbOptions").field("pool", &self.pool).field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// What a server speaks.
pub(super) fn spoken_by(product: Product) -> Dialect {
    match product {
        Product::Postgres => Dialect::Postgres,
        Product::Mysql => Dialect::Mysql,
        Product::Mariadb => Dialect::Mariadb,
        Product::Sqlite => Dialect::Sqlite,
    }
}

/// The kind of database that a URL names.
fn family(url: &str) -> &str {
    match url.split(':').next().unwrap_or_default() {
        "postgresql" => "postgres",
        "mariadb" => "mysql",
        other => other,
    }
}
