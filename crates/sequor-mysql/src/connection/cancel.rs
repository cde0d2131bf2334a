//! [`Canceller`]: KILL QUERY over a second line, and the care that it never meets a later statement.

use crate::connect;
use crate::options::MysqlOptions;
use crate::wire::{Replies, Reply};
use mysql_common::constants::Command;
use sequor_core::driver::{BoxFuture, Cancel};
use sequor_core::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What a connection and those who would stop its statements know of each other.
#[derive(Debug)]
pub(super) struct Shared {
    options: Arc<MysqlOptions>,
    id: u32,
    /// Odd while a call runs, and another number for each.
    turn: AtomicU64,
    /// How many kills are on their way.
    flying: AtomicU32,
    /// Whether a kill was sent that may not have met its statement.
    struck: AtomicBool,
}

impl Shared {
    pub(super) fn new(options: Arc<MysqlOptions>, id: u32) -> Arc<Shared> {
        Arc::new(Shared { options, id, turn: AtomicU64::new(0), flying: AtomicU32::new(0), struck: AtomicBool::new(false) })
    }

    pub(super) fn options(&self) -> &MysqlOptions {
        &self.options
    }

    /// A call begins.
    pub(super) fn start_turn(&self) {
        let turn = self.turn.load(Ordering::SeqCst);
        self.turn.store(turn + 1 + turn % 2, Ordering::SeqCst);
    }

    /// A call has ended.
    pub(super) fn end_turn(&self) {
        let turn = self.turn.load(Ordering::SeqCst);
        self.turn.store(turn + turn % 2, Ordering::SeqCst);
    }

    /// Whether a kill is on its way, or one was sent that nobody has noticed.
    #[inline]
    pub(super) fn is_struck(&self) -> bool {
        self.flying.load(Ordering::SeqCst) > 0 || self.struck.load(Ordering::SeqCst)
    }

    /// Waits until no kill is on its way.
    pub(super) async fn wait_for_kills(&self) {
        while self.flying.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        self.struck.store(false, Ordering::SeqCst);
    }

    /// Asks the server to stop the statement that runs now, if one does.
    pub(super) async fn kill(self: Arc<Shared>) -> Result<()> {
        let turn = self.turn.load(Ordering::SeqCst);
        if turn.is_multiple_of(2) {
            return Ok(());
        }
        self.flying.fetch_add(1, Ordering::SeqCst);
        let flight = Flight(self);
        // On a task of its own: a kill that is half sent must be waited for, whatever becomes of the caller.
        let task = tokio::spawn(async move {
            let limit = flight.0.options.connect_timeout;
            timeout(limit, flight.0.send_kill(turn)).await.unwrap_or_else(|_| Err(Error::timeout("the request to stop the statement")))
        });
        task.await.unwrap_or_else(|_| Err(Error::timeout("the request to stop the statement")))
    }

    async fn send_kill(&self, turn: u64) -> Result<()> {
        let greeted = connect::open(&self.options).await?;
        if self.turn.load(Ordering::SeqCst) != turn {
            return Ok(());
        }
        self.struck.store(true, Ordering::SeqCst);
        tracing::debug!(target = self.options.target(), connection = self.id, "stopping a statement");
        let (mut wire, mut replies) = (greeted.wire, Replies::new(greeted.layout, 0));
        let mark = wire.open();
        wire.output().push(Command::COM_QUERY as u8);
        wire.output().extend_from_slice(format!("KILL QUERY {}", self.id).as_bytes());
        let sequence = wire.seal(mark, 0);
        replies.expect(Reply::Ok, sequence);
        wire.expect_sequence(sequence);
        wire.flush().await?;
        // Its answer says that the server has passed the kill on; an error says that the connection is gone.
        while let Ok(None) = wire.packet() {
            wire.fill().await?;
        }
        Ok(())
    }
}

/// Counts a kill as on its way until it has ended, however it ends.
struct Flight(Arc<Shared>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.flying.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks the server to stop what a connection runs.
pub(super) struct Canceller {
    shared: Arc<Shared>,
}

impl Canceller {
    pub(super) fn new(shared: Arc<Shared>) -> Canceller {
        Canceller { shared }
    }
}

impl Cancel for Canceller {
    fn cancel(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.shared.clone().kill())
    }

    fn session(&self) -> Option<i64> {
        Some(i64::from(self.shared.id))
    }
}
