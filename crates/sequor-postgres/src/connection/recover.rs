//! What becomes of an exchange that its caller has given up, and how a connection is made clean for the next one.

use super::PostgresConnection;
use super::exchange::{Progress, Role};
use crate::error;
use postgres_protocol::message::frontend;
use sequor_core::Result;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A connection that is not clean by then is closed.
const LIMIT: Duration = Duration::from_secs(2);
/// A statement that ends by itself this soon is not cancelled.
const GRACE: Duration = Duration::from_millis(20);
/// A connection that was used so lately is not looked at closely.
const FRESH: Duration = Duration::from_millis(2);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// What `DISCARD ALL` does, without forgetting the prepared statements.
const CLEAN: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP";

impl PostgresConnection {
    /// Reads what is left of an earlier exchange: its caller paused it or gave it up.
    #[inline]
    pub(super) async fn settle(&mut self, cancel: bool) -> Result<()> {
        self.check_usable()?;
        if self.exchange.pending {
            Box::pin(self.drain(cancel)).await?;
        }
        if self.flights.any() {
            Box::pin(self.flights.landed()).await;
        }
        Ok(())
    }

    #[cold]
    async fn drain(&mut self, cancel: bool) -> Result<()> {
        let batch = self.paused.take();
        if !self.exchange.ended {
            frontend::sync(&mut self.wire.out);
            self.exchange.ended = true;
        }
        self.ignore_rows();
        if cancel || self.exchange.harmless {
            self.cancel_to_end().await?;
        } else {
            self.read_to_end().await?;
        }
        self.statements.forget_unfinished();
        // The paused batch had opened this transaction; nobody else ends it.
        if batch == Some(true) && self.server_status != b'I' {
            self.simple("ROLLBACK").await?;
        }
        Ok(())
    }

    /// Reads to the end, and asks the server to come to one. It ignores a request that arrives before it has begun the statement, so the request is repeated;
    /// none can hit a later statement, because each is awaited while this one is still under way.
    async fn cancel_to_end(&mut self) -> Result<()> {
        let mut patience = GRACE;
        loop {
            if let Ok(result) = tokio::time::timeout(patience, self.read_to_end()).await {
                return result;
            }
            if let Some(canceller) = self.own_canceller() {
                // When it cannot be sent there is still the end of the statement to wait for.
                let _ = tokio::time::timeout(LIMIT, canceller.send()).await;
            }
            patience = (patience * 2).min(LIMIT);
        }
    }

    /// What still comes is for nobody.
    fn ignore_rows(&mut self) {
        for unit in &mut self.exchange.units {
            if matches!(unit.role, Role::Step(_)) {
                unit.role = Role::Prepare;
            }
        }
        self.exchange.stopped = false;
    }

    async fn read_to_end(&mut self) -> Result<()> {
        while self.drive(&mut [], false).await? != Progress::Ready {}
        Ok(())
    }

    pub(super) async fn reset_now(&mut self) -> Result<()> {
        self.check_usable()?;
        let result = tokio::time::timeout(LIMIT, self.clean()).await;
        match result {
            Ok(result) => {
                self.broken |= result.is_err();
                result
            }
            Err(_) => {
                self.broken = true;
                Err(error::broken(
                    io::Error::new(io::ErrorKind::TimedOut, "the connection could not be cleaned in time"),
                    &self.peer.target,
                ))
            }
        }
    }

    async fn clean(&mut self) -> Result<()> {
        self.begin = None;
        if self.exchange.pending {
            if self.wire.written() == self.exchange.began_at {
                // Not a byte of it was sent.
                self.wire.drop_unsent();
                self.exchange.pending = false;
                self.paused = None;
                self.statements.forget_unfinished();
            } else {
                // Statements that nobody began to send are not sent any more.
                if self.wire.drop_unsent() {
                    self.exchange.ended = false;
                }
                self.drain(true).await?;
            }
        }
        self.flights.landed().await;
        if self.server_status != b'I' {
            self.simple("ROLLBACK").await?;
        }
        if self.session_changed {
            self.simple(CLEAN).await?;
            self.session_changed = false;
            self.notifications.clear();
        }
        Ok(())
    }

    /// Looks at what the socket has to say without waiting.
    pub(super) fn looks_alive(&mut self, idle: Duration) -> bool {
        if self.broken {
            return false;
        }
        if self.exchange.pending {
            return true;
        }
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(read) = self.wire.poll(&mut context, false) {
            // A server that shuts down says so; notices and changed settings are harmless.
            if read.is_err() || self.process(&mut []).is_err() || self.broken {
                self.broken = true;
                return false;
            }
        }
        // The runtime may not have been told yet; a connection in steady use is not worth the system call.
        if idle > FRESH && self.wire.socket().is_closed() {
            self.broken = true;
        }
        !self.broken
    }

    pub(super) async fn say_goodbye(&mut self) {
        if self.broken || self.exchange.pending {
            return;
        }
        frontend::terminate(&mut self.wire.out);
        let wire = &mut self.wire;
        let written = std::future::poll_fn(|context| wire.poll(context, true));
        let _ = tokio::time::timeout(GOODBYE, written).await;
    }
}
