//! [`AdvisoryLock`]: one holder of a name among all programs that use the database.

use super::file::{self, Here};
use super::{ANSWER, Entered, OwnSessions, ask, is_yes, own_session};
use crate::db::Db;
use crate::db::pool::jittered;
use sequor_core::driver::Connection;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use sequor_sql::session::{AdvisoryLockSql, advisory_lock};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// How often the holder's session is asked whether it still has the lock.
const PROBE: Duration = Duration::from_secs(2);
/// The shortest and the longest pause of somebody who waits.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// A name that nobody else holds, until this is dropped. Made by [`Db::lock`].
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let lock = db.lock("nightly report").await?;
/// assert_eq!(lock.name(), "nightly report");
/// assert!(lock.is_held());
/// lock.release().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropping the lock releases it"]
pub struct AdvisoryLock {
    name: String,
    hold: Hold,
}

/// What holds it.
pub(super) enum Hold {
    /// A task with a session of its own.
    Session(Kept),
    /// A locked file.
    File(File),
    /// A name of a database in memory.
    Here(#[allow(dead_code)] Here),
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Hold::Session(_) => "a session of its own",
            Hold::File(_) => "a file",
            Hold::Here(_) => "in memory",
        })
    }
}

/// The handle of the task that keeps a session. Dropping it ends the session.
pub(super) struct Kept {
    release: oneshot::Sender<oneshot::Sender<Result<()>>>,
    lost: watch::Receiver<bool>,
}

impl Db {
    /// Takes the lock of a name, which one holder has at a time among all programs that use the database; waits at most `Pool::acquire`. Dropping it
    /// gives it back.
    ///
    /// PostgreSQL's `pg_advisory_lock` and MySQL's `GET_LOCK` on a session of its own, which ends with its program: the pool's connections are not
    /// held, and a pooler in transaction mode is recognised and refused. On SQLite it is a locked file beside the database (`app.db-lock-…`), for all
    /// programs of this machine; a database in memory has its locks to itself. Nothing else is locked: rows and tables stay as they are.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let lock = db.lock("nightly report").await?;
    /// assert!(db.try_lock("nightly report").await?.is_none());
    /// lock.release().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Timeout` when somebody else has it for so long; `Usage` behind a pooler that shares sessions between transactions; those of the connection.
    pub async fn lock(&self, name: &str) -> Result<AdvisoryLock> {
        self.lock_within(name, self.inner.pool.patience()).await
    }

    /// Takes the lock of a name, waiting at most so long.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let lock = db.lock_within("nightly report", secs(5)).await?;
    /// let error = db.lock_within("nightly report", millis(1)).await.unwrap_err();
    /// assert!(matches!(error, Error::Timeout { .. }));
    /// drop(lock);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::lock`].
    pub async fn lock_within(&self, name: &str, limit: Duration) -> Result<AdvisoryLock> {
        match self.wait_for_lock(name, limit).await? {
            Some(lock) => Ok(lock),
            None => Err(Error::timeout(format!(
                "somebody else has held the lock {name:?} for {:.1} s: wait longer by lock_within(), or ask by try_lock()",
                limit.as_secs_f64()
            ))),
        }
    }

    /// Takes the lock of a name, or says `None` at once when somebody has it.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let lock = db.try_lock("nightly report").await?;
    /// assert!(lock.is_some_and(|lock| lock.is_held()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn try_lock(&self, name: &str) -> Result<Option<AdvisoryLock>> {
        self.wait_for_lock(name, Duration::ZERO).await
    }

    async fn wait_for_lock(&self, name: &str, limit: Duration) -> Result<Option<AdvisoryLock>> {
        let until = Instant::now().checked_add(limit);
        let mut asking = Asking::new(self, name).await?;
        let mut pause = PAUSES.0;
        loop {
            if let Some(hold) = asking.ask().await? {
                return Ok(Some(AdvisoryLock { name: name.to_owned(), hold }));
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                asking.leave().await;
                return Ok(None);
            }
            // A statement that waits would hold a snapshot on PostgreSQL, and so keep the dead rows of the whole database: it is asked again instead.
            tokio::time::sleep((pause / 2 + jittered(pause / 2)).min(left)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Somebody who wants a lock, with the session that will hold it.
struct Asking {
    own: Arc<OwnSessions>,
    key: i64,
    place: Place,
}

enum Place {
    Session { connection: Option<Box<dyn Connection>>, sql: AdvisoryLockSql, entered: Option<Entered> },
    File(std::path::PathBuf),
    Here,
}

impl Asking {
    async fn new(db: &Db, name: &str) -> Result<Asking> {
        let pool = &db.inner.pool;
        let own = pool.own();
        let key = key_of(name);
        let place = match (advisory_lock(db.dialect(), key), pool.file()) {
            (Some(sql), _) => {
                let entered = Some(own.enter());
                Place::Session { connection: Some(own_session(pool, db.dialect()).await?), sql, entered }
            }
            (None, Some(file)) => Place::File(file.to_owned()),
            (None, None) => Place::Here,
        };
        pool.check_open()?;
        Ok(Asking { own: own.clone(), key, place })
    }

    async fn ask(&mut self) -> Result<Option<Hold>> {
        let (connection, sql, entered) = match &mut self.place {
            Place::File(database) => return file::take(database, self.key).await,
            Place::Here => return Ok(Here::take(&self.own, self.key).map(Hold::Here)),
            Place::Session { connection, sql, entered } => (connection, sql, entered),
        };
        let Some(mut session) = connection.take() else { return Err(Error::bug("a lock without its session")) };
        let answer = tokio::time::timeout(ANSWER, ask(&mut session, sql.take.clone())).await;
        let rows = answer.map_err(|_| Error::timeout("the server did not say whether the lock is free"))??;
        if !is_yes(&rows) {
            *connection = Some(session);
            return Ok(None);
        }
        let Some(entered) = entered.take() else { return Err(Error::bug("a lock that was taken twice")) };
        Ok(Some(Hold::Session(Kept::begin(session, sql.clone(), entered))))
    }

    /// Goes away without the lock.
    async fn leave(self) {
        if let Place::Session { connection: Some(connection), .. } = self.place {
            connection.close().await;
        }
    }
}

/// The same number for the same name in every program.
fn key_of(name: &str) -> i64 {
    let hash = Sha256::digest(format!("sequor lock {name}"));
    hash.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

impl Kept {
    fn begin(connection: Box<dyn Connection>, sql: AdvisoryLockSql, entered: Entered) -> Kept {
        let (release, released) = oneshot::channel();
        let (losing, lost) = watch::channel(false);
        let closed = entered.0.closed();
        tokio::spawn(async move {
            keep(connection, sql, released, closed, losing).await;
            drop(entered);
        });
        Kept { release, lost }
    }
}

/// Keeps a session, and with it the lock, until it is given back.
async fn keep(
    mut connection: Box<dyn Connection>,
    sql: AdvisoryLockSql,
    mut released: oneshot::Receiver<oneshot::Sender<Result<()>>>,
    closed: impl Future<Output = ()>,
    losing: watch::Sender<bool>,
) {
    let mut closed = std::pin::pin!(closed);
    let mut answer = None;
    loop {
        tokio::select! {
            asked = &mut released => {
                answer = asked.ok();
                break;
            }
            () = &mut closed => break,
            () = cut(&mut connection) => return tell_lost(&losing),
            () = tokio::time::sleep(PROBE) => {
                let held = tokio::time::timeout(ANSWER, ask(&mut connection, sql.holds.clone())).await;
                if !matches!(held, Ok(Ok(rows)) if is_yes(&rows)) {
                    return tell_lost(&losing);
                }
            }
        }
    }
    let result = match tokio::time::timeout(ANSWER, ask(&mut connection, sql.release)).await {
        Ok(Ok(rows)) if is_yes(&rows) => Ok(()),
        _ => Err(Error::connection(
            ConnectionErrorKind::Broken,
            "the lock was lost before it was given back: its session had ended, and others may have had it since",
        )),
    };
    losing.send_replace(true);
    connection.close().await;
    if let Some(answer) = answer {
        let _ = answer.send(result);
    }
}

fn tell_lost(losing: &watch::Sender<bool>) {
    tracing::error!("an advisory lock is lost: its session has ended, or a pooler gave it to somebody else");
    losing.send_replace(true);
}

/// Waits until the line is cut, where the driver can tell at once.
async fn cut(connection: &mut Box<dyn Connection>) {
    loop {
        match connection.notification().await {
            Ok(_) => {}
            Err(Error::Usage(_)) => pending().await,
            Err(_) => return,
        }
    }
}

impl AdvisoryLock {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the lock is held, as far as is known: the session is asked every 2 seconds. A server that is restarted, and a line that is cut, end it.
    pub fn is_held(&self) -> bool {
        match &self.hold {
            Hold::Session(kept) => !*kept.lost.borrow(),
            Hold::File(_) | Hold::Here(_) => true,
        }
    }

    /// Waits until the lock is lost, for `select!` beside the work that it protects. A file's lock is never lost.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let lock = db.lock("nightly report").await?;
    /// let report = async { "42 orders" };
    /// let written = tokio::select! {
    ///     report = report => report,
    ///     () = lock.lost() => return Err(Error::usage("somebody else may be writing the report now")),
    /// };
    /// lock.release().await?;
    /// assert_eq!(written, "42 orders");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn lost(&self) {
        match &self.hold {
            Hold::Session(kept) => {
                let mut lost = kept.lost.clone();
                let _ = lost.wait_for(|lost| *lost).await;
            }
            Hold::File(_) | Hold::Here(_) => pending().await,
        }
    }

    /// Gives the lock back, and waits until others can have it.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let lock = db.lock("nightly report").await?;
    /// lock.release().await?;
    /// assert!(db.try_lock("nightly report").await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection` when it had been lost before, so that others may have had it too.
    pub async fn release(self) -> Result<()> {
        match self.hold {
            Hold::Session(kept) => {
                let (answer, answered) = oneshot::channel();
                let lost = || Error::connection(ConnectionErrorKind::Broken, "the lock was lost before it was given back");
                kept.release.send(answer).map_err(|_| lost())?;
                answered.await.map_err(|_| lost())?
            }
            Hold::File(file) => Ok(file.unlock()?),
            Hold::Here(_) => Ok(()),
        }
    }
}
