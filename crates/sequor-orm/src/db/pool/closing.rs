//! The end of a pool: running work may finish, up to a deadline; then it is stopped on the server.

use super::{ConnectionPool, Idle};
use crate::db::options::spoken_by;
use crate::db::own::{ask, first_number};
use sequor_core::driver::Driver;
use sequor_core::error::{Error, Result};
use sequor_sql::session::{end_session, session_number};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a statement that was stopped may take to give its connection back.
const STOPPING: Duration = Duration::from_millis(150);

/// How long locks and listeners may take to end.
const OWN: Duration = Duration::from_secs(2);

impl ConnectionPool {
    /// How long `close()` waits.
    pub(crate) fn patience(&self) -> Duration {
        self.limits.acquire
    }

    /// Waits for running work at most so long, stops what still runs, then closes everything.
    pub(crate) async fn close(&self, limit: Duration) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let start = Instant::now();
        self.own.close(limit.min(OWN)).await;
        let rest = limit.saturating_sub(start.elapsed());
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(rest, self.permits.acquire_many(all)).await.is_ok();
        let left = if drained { String::new() } else { self.busy() };
        if !drained {
            self.ended.store(true, Ordering::Release);
            let stopped = async {
                self.stop_all().await;
                self.permits.acquire_many(all).await.map(|_| ())
            };
            if tokio::time::timeout(STOPPING, stopped).await.is_err() {
                self.end_sessions();
            }
        }
        self.permits.close();
        let idle: Vec<Idle> = self.lock_idle().drain(..).collect();
        for slot in idle {
            self.close_one(slot.connection).await;
        }
        if drained {
            return Ok(());
        }
        Err(Error::timeout(format!(
            "close() waited {:.1} s and then stopped what still ran: {left}; connections that are still on loan close as they come back",
            limit.as_secs_f64()
        )))
    }

    /// Ends the sessions of loans that do not come back, as those of streams that were forgotten: nobody reads from them any more, and their servers would wait for that.
    fn end_sessions(&self) {
        let sessions: Vec<i64> = self.lock_holders().iter().filter_map(|holder| holder.cancel.as_ref()?.session()).collect();
        if !sessions.is_empty() {
            let driver = self.driver.clone();
            tokio::spawn(tokio::time::timeout(OWN, end_sessions(driver, sessions)));
        }
    }

    /// Asks the server to stop what the holders run.
    async fn stop_all(&self) {
        let cancels: Vec<_> = self.lock_holders().iter().filter_map(|holder| holder.cancel.clone()).collect();
        let requests: Vec<_> = cancels.into_iter().map(|cancel| tokio::spawn(async move { cancel.cancel().await })).collect();
        for request in requests {
            let _ = request.await;
        }
    }
}

async fn end_sessions(driver: Arc<dyn Driver>, sessions: Vec<i64>) -> Result<()> {
    let mut connection = driver.connect().await?;
    let dialect = spoken_by(connection.server().product);
    // A pooler in between has numbers of its own, which are those of other sessions on the server.
    let own = match session_number(dialect) {
        Some(sql) => first_number(&ask(&mut connection, sql).await?),
        None => connection.session_number(),
    };
    if own == connection.session_number() {
        for sql in sessions.into_iter().filter_map(|number| end_session(dialect, number)) {
            // It may have gone by itself.
            let _ = connection.execute_script(sql.text).await;
        }
    }
    connection.close().await;
    Ok(())
}
