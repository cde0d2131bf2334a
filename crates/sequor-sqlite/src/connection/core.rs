//! [`Core`]: the database handle of a connection and what is done with it, on whatever thread that happens.

use super::Shared;
use super::mailbox::Control;
use crate::connect::{SqliteOptions, clean_session};
use crate::statements::transaction;
use rusqlite::Connection;
use sequor_core::driver::Begin;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The handle and how its session stands.
pub(super) struct Core {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    options: Arc<SqliteOptions>,
    /// The transaction may only read: `query_only` is on until it ends.
    query_only: bool,
}

/// Takes the handle. What a panic left behind is seen by the next status, as after any cut exchange.
pub(super) fn lock(core: &Mutex<Core>) -> MutexGuard<'_, Core> {
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub(super) fn new(connection: Connection, shared: Arc<Shared>, options: Arc<SqliteOptions>) -> Core {
        Core { connection, shared, options, query_only: false }
    }

    /// Takes note of how the transaction stands, and ends what was only for the transaction.
    pub(super) fn settle(&mut self) {
        let autocommit = self.connection.is_autocommit();
        if self.query_only && autocommit {
            self.query_only = self.connection.execute_batch("PRAGMA query_only = off").is_err();
        }
        self.shared.set_autocommit(autocommit);
    }

    pub(super) fn control(&mut self, control: Control) -> Result<()> {
        match control {
            Control::Begin(begin) => self.begin(begin),
            Control::Commit => self.commit(),
            Control::Rollback => transaction::rollback(&self.connection),
            Control::Savepoint(number) => self.inside(&format!("SAVEPOINT s{number}")),
            Control::Release(number) => self.inside(&format!("RELEASE s{number}")),
            Control::RollbackTo(number) => {
                self.inside(&format!("ROLLBACK TO s{number}"))?;
                self.inside(&format!("RELEASE s{number}"))
            }
            Control::Reset => self.reset(),
            Control::Ping => transaction::execute(&self.connection, "SELECT 1"),
        }
    }

    /// Isolation levels are all the same here: SQLite's transactions are serializable.
    fn begin(&mut self, begin: Begin) -> Result<()> {
        if !self.connection.is_autocommit() {
            return Err(Error::usage("this connection is in a transaction already; nest with a savepoint"));
        }
        if begin.read_only {
            self.query_only = true;
            transaction::execute(&self.connection, "PRAGMA query_only = on")?;
        }
        let immediate = begin.immediate && !begin.read_only;
        transaction::execute(&self.connection, if immediate { "BEGIN IMMEDIATE" } else { "BEGIN" })
    }

    fn commit(&mut self) -> Result<()> {
        if self.connection.is_autocommit() {
            return Err(transaction::finished());
        }
        transaction::commit(&self.connection)
    }

    /// Commits, or leaves the transaction open and gives `None` when that would have to wait for another connection.
    pub(super) fn try_commit(&mut self) -> Option<Result<()>> {
        if self.connection.is_autocommit() {
            return Some(Err(transaction::finished()));
        }
        let result = transaction::execute(&self.connection, "COMMIT");
        if result.is_err() && !self.connection.is_autocommit() {
            if Shared::take_refused() {
                return None;
            }
            return Some(transaction::rollback(&self.connection).and(result));
        }
        Some(result)
    }

    /// Outside of a transaction SAVEPOINT would begin one.
    fn inside(&mut self, sql: &str) -> Result<()> {
        if self.connection.is_autocommit() { Err(transaction::finished()) } else { transaction::execute(&self.connection, sql) }
    }

    fn reset(&mut self) -> Result<()> {
        transaction::rollback(&self.connection)?;
        self.settle();
        if self.shared.dirty() {
            clean_session(&mut self.connection, &self.shared, &self.options)?;
            self.shared.set_dirty(false);
        }
        if self.query_only || !self.connection.is_autocommit() {
            return Err(Error::connection(ConnectionErrorKind::Broken, "the connection could not be brought out of its transaction"));
        }
        Ok(())
    }
}
