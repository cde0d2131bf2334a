//! Transactions: a begin rides with the first statement, a commit is believed by the server's answer alone.

use super::{Activity, MysqlConnection};
use crate::wire::Reply;
use mysql_common::constants::Command;
use sequor_core::driver::{Begin, BoxFuture, Isolation};
use sequor_core::error::UsageErrorKind;
use sequor_core::{Error, Result};
use std::time::Duration;

/// A transaction that begins with the next statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// As the caller asks.
    Begin(Begin),
    /// One state of the data for several reads.
    Snapshot,
    /// Nothing is stored until COMMIT, whatever ends a transaction before.
    Manual,
}

impl MysqlConnection {
    pub(super) fn begin_later(&mut self, begin: Begin) -> Result<()> {
        if self.begin.is_some() || self.in_transaction() {
            return Err(Error::usage("this connection is in a transaction already"));
        }
        self.begin = Some(Opening::Begin(begin));
        Ok(())
    }

    /// Queues what begins the transaction that was asked for.
    #[inline]
    pub(super) fn write_opening(&mut self) -> Result<()> {
        match self.begin.take() {
            None => Ok(()),
            Some(opening) => self.write_begin(opening),
        }
    }

    fn write_begin(&mut self, opening: Opening) -> Result<()> {
        let (isolation, start) = match opening {
            Opening::Manual => {
                self.manual = true;
                (None, "SET autocommit = 0")
            }
            Opening::Begin(Begin { isolation, read_only: false, .. }) => (isolation, "START TRANSACTION"),
            Opening::Begin(Begin { isolation, .. }) => (isolation, "START TRANSACTION READ ONLY"),
            Opening::Snapshot => {
                let isolation = (!self.repeatable).then_some(Isolation::RepeatableRead);
                (isolation, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            }
        };
        if let Some(isolation) = isolation {
            let level = match isolation {
                Isolation::ReadUncommitted => "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
                Isolation::ReadCommitted => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                Isolation::RepeatableRead => "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                Isolation::Serializable => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            };
            self.command(Command::COM_QUERY, level.as_bytes(), Reply::Ok)?;
            self.opening += 1;
        }
        self.command(Command::COM_QUERY, start.as_bytes(), Reply::Ok)?;
        self.opening += 1;
        Ok(())
    }

    /// Reads the answers to the beginning of a transaction.
    #[inline]
    pub(super) async fn read_opening(&mut self) -> Result<()> {
        while self.opening > 0 {
            self.opening -= 1;
            self.expect_own_ok().await?;
        }
        Ok(())
    }

    /// Reads the answer to a command of ours: the server may report that it changed the session, which is nobody's business.
    async fn expect_own_ok(&mut self) -> Result<()> {
        let was_changed = self.is_reported_changed();
        let answer = self.expect_ok().await;
        if !was_changed {
            self.replies.clear_session_change();
        }
        answer
    }

    /// Switches autocommit on again, behind COMMIT or ROLLBACK. A connection where that fails must not be used; what was stored is stored.
    pub(super) async fn end_manual(&mut self) -> Result<()> {
        self.command(Command::COM_QUERY, b"SET autocommit = 1", Reply::Ok)?;
        let answer = match self.flush().await {
            Ok(()) => self.expect_own_ok().await,
            Err(error) => Err(error),
        };
        if answer.is_err() {
            self.activity = Activity::Broken;
        }
        self.manual = false;
        Ok(())
    }

    pub(super) async fn commit_now(&mut self) -> Result<()> {
        if self.begin.take().is_some() {
            return Ok(());
        }
        if !self.in_transaction() {
            return Err(finished());
        }
        self.send_commit().await
    }

    /// Commits. A commit that fails leaves a connection that nobody should use.
    pub(super) async fn send_commit(&mut self) -> Result<()> {
        if !self.wire.stream().is_quiet(Duration::MAX) {
            // The server has spoken or gone before the commit was sent: it is not on its way yet.
            self.activity = Activity::Broken;
            return Err(self.is_broken());
        }
        self.command(Command::COM_QUERY, b"COMMIT", Reply::Ok)?;
        self.at_stake = true;
        let answer = match self.flush().await {
            Ok(()) => self.expect_ok().await,
            Err(error) => Err(error),
        };
        self.at_stake = false;
        if answer.is_err() {
            self.activity = Activity::Broken;
        }
        answer
    }

    pub(super) async fn rollback_now(&mut self) -> Result<()> {
        if self.begin.take().is_some() {
            return Ok(());
        }
        self.send_rollback().await
    }

    /// Rolls back, if there is anything to.
    pub(super) async fn send_rollback(&mut self) -> Result<()> {
        if !self.in_transaction() && !self.manual {
            return Ok(());
        }
        self.command(Command::COM_QUERY, b"ROLLBACK", Reply::Ok)?;
        let answer = match self.flush().await {
            Ok(()) => self.expect_ok().await,
            Err(error) => Err(error),
        };
        if answer.is_err() {
            self.activity = Activity::Broken;
        }
        answer
    }

    /// Runs commands that make sense in a transaction only; the server would take them outside of one too, and do nothing.
    pub(super) fn in_transaction_run(&mut self, commands: Vec<String>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.run_commands(&commands).await;
            self.leave(result).await
        })
    }

    async fn run_commands(&mut self, commands: &[String]) -> Result<()> {
        if self.begin.is_none() && !self.in_transaction() {
            return Err(finished());
        }
        self.write_opening()?;
        for command in commands {
            self.command(Command::COM_QUERY, command.as_bytes(), Reply::Ok)?;
        }
        self.flush().await?;
        self.read_opening().await?;
        for _command in commands {
            self.expect_ok().await?;
        }
        Ok(())
    }
}

#[cold]
fn finished() -> Error {
    Error::of_usage(UsageErrorKind::TransactionFinished, "the server has ended this transaction already; nothing was sent")
}
