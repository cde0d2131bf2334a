//! [`Lock`]: one of many starting programs migrates, the others wait.

use super::session::Session;
use super::{MigrationEvent, Migrator};
use crate::db::Db;
use sequor_core::error::{Error, Result};
use sequor_sql::migration::History;
use std::time::{Duration, Instant};

/// The lock, on a session of its own: it ends with its holder, however that ends. SQLite has none; there each migration takes the write lock.
pub(crate) struct Lock(Option<Session>);

impl Lock {
    pub(crate) async fn take(migrator: &Migrator, db: &Db, history: History) -> Result<Lock> {
        let Some(ask) = history.lock() else { return Ok(Lock(None)) };
        let mut session = Session::open(db).await?;
        let start = Instant::now();
        let mut pause = Duration::from_millis(20);
        while !session.says_yes(ask.clone()).await? {
            if start.elapsed() == Duration::ZERO || pause == Duration::from_millis(20) {
                migrator.tell(&MigrationEvent::Waiting);
            }
            if start.elapsed() > migrator.options.lock_wait {
                session.close().await;
                return Err(Error::migration(format!(
                    "another program has been migrating for {} s: wait for it or end it, its lock ends with its connection",
                    start.elapsed().as_secs()
                )));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
        Ok(Lock(Some(session)))
    }

    /// Proves that the lock is still held: its line may have been cut, or a pooler may have given its session to somebody else.
    pub(crate) async fn probe(&mut self, history: History) -> Result<()> {
        let (Some(session), Some(ask)) = (&mut self.0, history.holds_lock()) else { return Ok(()) };
        match session.says_yes(ask).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::migration(
                "the lock of the migrator is lost: nothing more was run; connect directly to the server, not through a pooler, and run it again",
            )),
        }
    }

    pub(crate) async fn release(self) {
        if let Some(session) = self.0 {
            session.close().await;
        }
    }
}
