//! [`Worker`]: the thread of a connection, which alone touches SQLite.

use super::Shared;
use super::mailbox::{Command, Control, Mailbox, Reply, Request};
use super::maintenance;
use crate::connect::{SqliteOptions, clean_session, open};
use crate::statements::{self, Exchange, transaction};
use rusqlite::Connection;
use sequor_core::driver::{Batch, Begin, Product, ServerInfo, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// What the thread says once the database is open.
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) server: ServerInfo,
}

/// A connection with its requests.
struct Worker {
    connection: Connection,
    mailbox: Mailbox,
    options: Arc<SqliteOptions>,
    /// The transaction may only read: `query_only` is on until it ends.
    query_only: bool,
}

/// The body of the thread: opens the database, then serves until the connection is closed or dropped.
pub(super) fn serve(options: Arc<SqliteOptions>, inbox: Receiver<Request>, ready: oneshot::Sender<Result<Opened>>) {
    match open(&options) {
        Err(error) => drop(ready.send(Err(error))),
        Ok((connection, shared)) => {
            let read_only = connection.is_readonly("main").unwrap_or(false);
            let server = ServerInfo { product: Product::Sqlite, version: version(), read_only };
            let mailbox = Mailbox::new(Arc::clone(&shared), inbox);
            if ready.send(Ok(Opened { shared, server })).is_ok() {
                Worker { connection, mailbox, options, query_only: false }.work();
            }
        }
    }
}

fn version() -> (u32, u32, u32) {
    let number = u32::try_from(rusqlite::version_number()).unwrap_or(0);
    (number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

impl Worker {
    fn work(mut self) {
        while let Some(request) = self.mailbox.next() {
            match request.command {
                Command::Run(batch, reply) => self.run(batch, reply),
                Command::Resume(_, reply) => self.reply(reply, Err(Error::bug("no statement is paused on this SQLite connection"))),
                Command::Script(sql, reply) => {
                    if statements::script_may_change_session(&sql) {
                        self.mailbox.shared.set_dirty(true);
                    }
                    let result = statements::run_script(&self.connection, &sql);
                    self.reply(reply, result);
                }
                Command::Control(control, reply) => {
                    let result = self.control(control);
                    self.reply(reply, result);
                }
                Command::Backup(to, reply) => {
                    let result = maintenance::backup(&self.connection, &self.mailbox.shared, &to);
                    self.reply(reply, result);
                }
                Command::Vacuum(into, reply) => {
                    let result = maintenance::vacuum(&self.connection, into.as_deref());
                    self.reply(reply, result);
                }
                Command::Close(reply) => {
                    drop(self);
                    let _ = reply.send(());
                    return;
                }
            }
        }
    }

    fn run(&mut self, batch: Batch, reply: Reply<Vec<StepDone>>) {
        let mut exchange = Exchange::new(&mut self.mailbox, reply);
        let result = statements::run_batch(&self.connection, &mut exchange, batch);
        let ending = exchange.end(result);
        self.settle();
        ending.send();
    }

    fn reply<T>(&mut self, reply: Reply<T>, result: Result<T>) {
        self.settle();
        // Nobody waits any more when the future was dropped.
        let _ = reply.send(result);
    }

    /// Takes note of how the transaction stands, and ends what was only for the transaction.
    fn settle(&mut self) {
        let autocommit = self.connection.is_autocommit();
        if self.query_only && autocommit {
            self.query_only = self.connection.execute_batch("PRAGMA query_only = off").is_err();
        }
        self.mailbox.shared.set_autocommit(autocommit);
    }

    fn control(&mut self, control: Control) -> Result<()> {
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

    /// Outside of a transaction SAVEPOINT would begin one.
    fn inside(&mut self, sql: &str) -> Result<()> {
        if self.connection.is_autocommit() { Err(transaction::finished()) } else { transaction::execute(&self.connection, sql) }
    }

    fn reset(&mut self) -> Result<()> {
        transaction::rollback(&self.connection)?;
        self.settle();
        if self.mailbox.shared.dirty() {
            clean_session(&mut self.connection, &self.mailbox.shared, &self.options)?;
            self.mailbox.shared.set_dirty(false);
        }
        if self.query_only || !self.connection.is_autocommit() {
            return Err(Error::connection(ConnectionErrorKind::Broken, "the connection could not be brought out of its transaction"));
        }
        Ok(())
    }
}
