//! [`PostgresConnection`]: one connection, driven by the task that uses it. There is no other task and no lock.

mod cancel;
mod control;
mod exchange;
mod group;
mod notify;
mod recover;

use cancel::Flights;
pub(crate) use cancel::Peer;

use crate::connect::StatementMode;
use crate::error;
use crate::rows::Cell;
use crate::statements::{CAPACITY, Statements};
use crate::wire::Wire;
use exchange::Exchange;
use sequor_core::driver::{Batch, Begin, BoxFuture, Cancel, Connection, Notification, RowSink, ServerInfo, Status, Step, StepDone};
use sequor_core::{Error, Result};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// One connection.
pub(crate) struct PostgresConnection {
    wire: Wire,
    exchange: Exchange,
    statements: Statements,
    cells: Vec<Cell>,
    scratch: String,
    /// What each step of the running batch changed or returned.
    counts: Vec<u64>,
    info: ServerInfo,
    peer: Arc<Peer>,
    key: Option<(i32, i32)>,
    flights: Arc<Flights>,
    /// The status byte of the last ReadyForQuery.
    server_status: u8,
    /// A BEGIN that rides with the next statement.
    begin: Option<Arc<str>>,
    /// A paused step; the flag says whether the batch opened a transaction of its own.
    paused: Option<bool>,
    /// Something may be left in the session that the next borrower must not see.
    session_changed: bool,
    /// Statements are prepared without a name: for proxies that share server connections.
    unnamed: bool,
    /// How often the server had forgotten a name, where that decides about names.
    forgotten: Option<u32>,
    /// When the last exchange ended.
    broken: bool,
    round_trip: Option<Duration>,
    /// What other sessions told and nobody asked for yet.
    notifications: VecDeque<Notification>,
}

/// What a connection is made of, once the server has said that it is ready.
pub(crate) struct Established {
    pub(crate) wire: Wire,
    pub(crate) info: ServerInfo,
    pub(crate) peer: Arc<Peer>,
    pub(crate) key: Option<(i32, i32)>,
    pub(crate) statements: StatementMode,
}

impl PostgresConnection {
    /// A connection that is ready for queries.
    pub(crate) fn new(parts: Established) -> PostgresConnection {
        PostgresConnection {
            wire: parts.wire,
            exchange: Exchange::default(),
            statements: Statements::new(CAPACITY),
            cells: Vec::new(),
            scratch: String::new(),
            counts: Vec::new(),
            info: parts.info,
            peer: parts.peer,
            key: parts.key,
            flights: Arc::default(),
            server_status: b'I',
            begin: None,
            paused: None,
            session_changed: false,
            unnamed: parts.statements == StatementMode::Unnamed,
            forgotten: (parts.statements == StatementMode::Auto).then_some(0),
            broken: false,
            round_trip: None,
            notifications: VecDeque::new(),
        }
    }

    /// Whether statements run inside a transaction that somebody else than a batch began.
    fn in_transaction(&self) -> bool {
        self.server_status != b'I' || self.begin.is_some()
    }

    fn check_usable(&self) -> Result<()> {
        if self.broken {
            let error = io::Error::new(io::ErrorKind::NotConnected, "the connection is closed after an earlier failure");
            return Err(error::broken(error, &self.peer.target));
        }
        Ok(())
    }
}

impl Connection for PostgresConnection {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn run(&mut self, batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>> {
        Box::pin(self.run_batch(batch))
    }

    fn run_step(&mut self, step: Step) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(self.run_alone(step))
    }

    fn resume(&mut self, sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(self.resume_step(sink))
    }

    fn execute_script(&mut self, sql: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.run_script(sql))
    }

    fn begin(&mut self, begin: Begin) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.begin_later(begin))
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.commit_now())
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.rollback_now())
    }

    fn savepoint(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.control(&format!("SAVEPOINT s{number}")).await })
    }

    fn release(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.control(&format!("RELEASE SAVEPOINT s{number}")).await })
    }

    fn rollback_to(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.control(&format!("ROLLBACK TO SAVEPOINT s{number}; RELEASE SAVEPOINT s{number}")).await })
    }

    fn status(&self) -> Status {
        match self.server_status {
            _ if self.broken => Status::Broken,
            b'T' if self.paused == Some(false) => Status::InTransaction,
            _ if self.exchange.pending => Status::Unknown,
            b'T' => Status::InTransaction,
            b'E' => Status::Failed,
            _ if self.begin.is_some() => Status::InTransaction,
            // Only a reset makes it clean.
            _ if self.session_changed || self.flights.any() => Status::Unknown,
            _ => Status::Idle,
        }
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.reset_now())
    }

    fn keep_session(&mut self) {
        self.session_changed = false;
    }

    fn is_alive(&mut self, idle: Duration) -> bool {
        self.looks_alive(idle)
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ping_now())
    }

    fn session_number(&self) -> Option<i64> {
        self.key.map(|(process, _)| i64::from(process))
    }

    fn canceller(&self) -> Option<Box<dyn Cancel>> {
        Some(Box::new(self.own_canceller()?))
    }

    fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    fn round_trips(&self) -> u64 {
        self.exchange.count
    }

    fn notification(&mut self) -> BoxFuture<'_, Result<Notification>> {
        Box::pin(self.next_notification())
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.say_goodbye().await })
    }
}

/// An error that no server can cause.
#[cold]
fn impossible(what: &str) -> Error {
    Error::bug(what)
}
