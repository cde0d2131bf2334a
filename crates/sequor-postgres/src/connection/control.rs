//! Transactions, savepoints, scripts and pings: commands that go by themselves, as one simple Query each.

use super::PostgresConnection;
use super::exchange::Progress;
use crate::error;
use crate::statements::contains;
use postgres_protocol::message::frontend;
use sequor_core::driver::{Begin, Isolation};
use sequor_core::{Error, Result};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

static SNAPSHOT: LazyLock<Arc<str>> = LazyLock::new(|| "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into());
static BEGIN: LazyLock<Arc<str>> = LazyLock::new(|| "BEGIN".into());
static COMMIT: LazyLock<Arc<str>> = LazyLock::new(|| "COMMIT".into());

/// The BEGIN of a batch that reads one snapshot.
pub(super) fn snapshot() -> Arc<str> {
    SNAPSHOT.clone()
}

/// The BEGIN without any wish.
pub(super) fn plain_begin() -> Arc<str> {
    BEGIN.clone()
}

/// The COMMIT that rides behind a batch.
pub(super) fn commit_text() -> Arc<str> {
    COMMIT.clone()
}

fn begin_text(begin: Begin) -> Arc<str> {
    let level = match begin.isolation {
        None => "",
        Some(Isolation::ReadUncommitted) => " ISOLATION LEVEL READ UNCOMMITTED",
        Some(Isolation::ReadCommitted) => " ISOLATION LEVEL READ COMMITTED",
        Some(Isolation::RepeatableRead) => " ISOLATION LEVEL REPEATABLE READ",
        Some(Isolation::Serializable) => " ISOLATION LEVEL SERIALIZABLE",
    };
    match (level, begin.read_only, begin.deferrable) {
        ("", false, false) => plain_begin(),
        (level, read_only, deferrable) => {
            format!("BEGIN{level}{}{}", if read_only { " READ ONLY" } else { "" }, if deferrable { " DEFERRABLE" } else { "" }).into()
        }
    }
}

impl PostgresConnection {
    /// Keeps the BEGIN for the flush of the first statement.
    pub(super) async fn begin_later(&mut self, begin: Begin) -> Result<()> {
        self.settle(false).await?;
        if self.in_transaction() {
            return Err(Error::usage("the connection is in a transaction already; use a savepoint"));
        }
        self.begin = Some(begin_text(begin));
        Ok(())
    }

    pub(super) async fn commit_now(&mut self) -> Result<()> {
        self.settle(false).await?;
        if self.begin.take().is_some() {
            // Nothing ran in it.
            return Ok(());
        }
        self.exchange.begin(self.wire.position());
        self.exchange.doubtful_from = Some(self.wire.position());
        self.query("COMMIT").await?;
        match self.exchange.tag.as_slice() {
            b"COMMIT" => Ok(()),
            tag => Err(error::not_committed(&String::from_utf8_lossy(tag))),
        }
    }

    pub(super) async fn rollback_now(&mut self) -> Result<()> {
        self.settle(true).await?;
        if self.begin.take().is_some() || self.server_status == b'I' {
            return Ok(());
        }
        self.simple("ROLLBACK").await
    }

    /// A command of a transaction; a deferred BEGIN goes before it.
    pub(super) async fn control(&mut self, text: &str) -> Result<()> {
        self.settle(false).await?;
        self.begin_now().await?;
        self.simple(text).await
    }

    /// Runs text that may hold several statements.
    pub(super) async fn run_script(&mut self, sql: String) -> Result<()> {
        self.settle(false).await?;
        self.begin_now().await?;
        self.session_changed = true;
        self.simple(&sql).await
    }

    /// Sends a deferred BEGIN by itself: when it failed, nothing may follow it.
    async fn begin_now(&mut self) -> Result<()> {
        match self.begin.take() {
            Some(begin) => self.simple(&begin).await,
            None => Ok(()),
        }
    }

    /// One simple Query that returns nothing of interest.
    pub(super) async fn simple(&mut self, text: &str) -> Result<()> {
        self.check_usable()?;
        self.exchange.begin(self.wire.position());
        // Inside of a transaction only a COMMIT of the script's own could store anything.
        if self.server_status == b'I' || contains(text, "commit") {
            self.exchange.doubtful_from = Some(self.wire.position());
        }
        self.query(text).await
    }

    /// Sends a Query in the exchange that was begun and reads its end.
    async fn query(&mut self, text: &str) -> Result<()> {
        if frontend::query(text, &mut self.wire.out).is_err() {
            self.wire.drop_unsent();
            self.exchange.pending = false;
            return Err(Error::usage("the text of the statement holds the character U+0000"));
        }
        self.exchange.ended = true;
        while self.drive(&mut [], false).await? != Progress::Ready {}
        self.outcome()
    }

    /// One round trip, measured.
    pub(crate) async fn ping_now(&mut self) -> Result<()> {
        self.settle(false).await?;
        self.check_usable()?;
        let start = Instant::now();
        self.exchange.begin(self.wire.position());
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        self.drive(&mut [], false).await?;
        self.round_trip = Some(start.elapsed());
        self.outcome()
    }
}
