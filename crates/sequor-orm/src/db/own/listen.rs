//! [`Listener`]: what other sessions send by `NOTIFY`, on a session of its own that comes back when its line is cut.

use super::{Entered, OwnSessions, own_session};
use crate::db::pool::{ConnectionPool, jittered};
use crate::db::{Db, Run};
use futures_core::Stream;
use sequor_core::driver::{Batch, Connection, Notification, Step};
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// So many notifications wait for the program; then the session reads no further.
const WAITING: usize = 1_024;
/// The first and the longest pause between two attempts at coming back.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Notifications, as they come. Made by [`Db::listen`]; dropping it ends its session.
///
/// It is a `Stream`, and has [`Listener::next`] for programs without one. When the line is cut it connects again by itself and then gives one
/// [`Notification`] for each channel whose `after_gap` is set: what was sent in between is lost, so look for it where it is stored.
///
/// ```no_run
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// // Sequor connects again by itself when the line is cut, and says so with `after_gap`: look once for what was missed.
/// let db = Db::connect("postgres://localhost/app").await?;
/// let mut jobs = db.listen("jobs").await?;
/// while let Some(job) = jobs.next().await {
///     let job = job?;
///     println!("{}", if job.after_gap { "look for all open jobs" } else { &job.payload });
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    receiver: mpsc::Receiver<Result<Notification>>,
}

impl Db {
    /// Listens to a channel on a session of its own. PostgreSQL only; a pooler in transaction mode, behind which nothing would be
    /// heard, is recognised and refused.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # async fn example(db: Db) -> sequor::Result<()> {
    /// let mut jobs = db.listen("jobs").await?;
    /// db.notify("jobs", "id=7").await?;
    /// while let Some(notification) = jobs.next().await {
    ///     println!("{}", notification?.payload);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` on other databases, and for a name that cannot be a channel; those of the connection.
    pub async fn listen(&self, channel: &str) -> Result<Listener> {
        self.listen_all([channel]).await
    }

    /// Listens to several channels on one session.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("postgres://localhost/app").await?;
    /// let mut news = db.listen_all(["orders", "prices"]).await?;
    /// while let Some(notification) = news.next().await {
    ///     let notification = notification?;
    ///     println!("{}: {}", notification.channel, notification.payload);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::listen`].
    pub async fn listen_all<C: Into<String>>(&self, channels: impl IntoIterator<Item = C>) -> Result<Listener> {
        let channels: Vec<String> = channels.into_iter().map(Into::into).collect();
        if channels.is_empty() {
            return Err(Error::usage("listen_all() needs a channel"));
        }
        let script = sequor_sql::session::listen(self.dialect(), &channels)?;
        let pool = self.inner.pool.clone();
        pool.check_open()?;
        let entered = pool.own().enter();
        let ears = Ears { pool, script, channels };
        let connection = ears.open().await?;
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(ears.hear(connection, sender, entered));
        Ok(Listener { receiver })
    }

    /// Tells the listeners of a channel something: in a transaction once that is durable, and never when it is rolled back.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("postgres://localhost/app").await?;
    /// db.transaction(async |tx| tx.notify("orders", "42").await).await?;   // heard once it is committed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` on other databases than PostgreSQL, and for a payload of more than 7,999 bytes; those of the connection.
    #[track_caller]
    pub fn notify(&self, channel: &str, payload: &str) -> impl Future<Output = Result<()>> + Send + use<> {
        let sql = sequor_sql::session::notify(self.dialect(), channel, payload);
        let (db, site) = (self.clone(), Location::caller());
        async move {
            let sql = sql?;
            let run = Run { operation: "notify", model: None, site, write: true };
            db.run(Batch::one(Step::execute(sql.text, sql.params)), run).await.map(|_| ())
        }
    }
}

/// What a session needs to listen, again and again.
struct Ears {
    pool: Arc<ConnectionPool>,
    script: String,
    channels: Vec<String>,
}

impl Ears {
    async fn open(&self) -> Result<Box<dyn Connection>> {
        let mut connection = own_session(&self.pool, Dialect::Postgres).await?;
        connection.execute_script(self.script.clone()).await?;
        Ok(connection)
    }

    async fn hear(self, mut connection: Box<dyn Connection>, sender: mpsc::Sender<Result<Notification>>, entered: Entered) {
        let own: Arc<OwnSessions> = entered.0.clone();
        let mut closed = std::pin::pin!(own.closed());
        loop {
            let heard = tokio::select! {
                () = &mut closed => break,
                () = sender.closed() => break,
                heard = connection.notification() => heard,
            };
            let notifications = match heard {
                Ok(notification) => vec![notification],
                Err(error) => {
                    tracing::warn!(channels = ?self.channels, %error, "a listener's line is cut; it connects again");
                    let again = tokio::select! {
                        () = &mut closed => break,
                        () = sender.closed() => break,
                        again = self.again() => again,
                    };
                    match again {
                        Ok(new) => {
                            connection = new;
                            self.channels.iter().map(Notification::gap).collect()
                        }
                        Err(error) => {
                            let _ = sender.send(Err(error)).await;
                            return;
                        }
                    }
                }
            };
            for notification in notifications {
                tokio::select! {
                    () = &mut closed => break,
                    sent = sender.send(Ok(notification)) => if sent.is_err() { break },
                }
            }
        }
        connection.close().await;
    }

    /// Connects again, for as long as that can help.
    async fn again(&self) -> Result<Box<dyn Connection>> {
        let mut pause = PAUSES.0;
        loop {
            match self.open().await {
                Ok(connection) => return Ok(connection),
                Err(Error::Connection(error)) if !error.kind().is_transient() => return Err(Error::Connection(error)),
                Err(_) => {
                    tokio::time::sleep(pause / 2 + jittered(pause / 2)).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }
}

impl Listener {
    /// The next notification; `None` after `db.close()`. An error is the last word: its cause does not go away by itself.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("postgres://localhost/app").await?;
    /// let mut jobs = db.listen("jobs").await?;
    /// if let Some(job) = jobs.next().await {
    ///     println!("{}", job?.payload);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<Notification>> {
        self.receiver.recv().await
    }
}

impl Stream for Listener {
    type Item = Result<Notification>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context)
    }
}
