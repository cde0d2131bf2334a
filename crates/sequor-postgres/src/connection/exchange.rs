//! One exchange: what was sent up to a Sync, and what the server answers up to its ReadyForQuery.

mod answers;

use super::PostgresConnection;
use crate::error::{self, ServerMessage};
use crate::statements::Described;
use sequor_core::driver::Step;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

/// After so many bytes of unwanted rows the server is asked to stop.
const ENOUGH_DISCARDED: usize = 512 * 1024;
/// A server that is always faster than we are must not keep the runtime from its timers and other tasks.
const READS_BEFORE_YIELD: u32 = 32;

/// The state of the exchange that is under way, or of the last one.
#[derive(Default)]
pub(super) struct Exchange {
    /// Set before the first byte is queued, cleared by ReadyForQuery.
    pub(super) pending: bool,
    /// Whether the Sync (or Query) that ends it is queued.
    pub(super) ended: bool,
    /// Statements in the order in which they were sent.
    pub(super) units: Vec<Unit>,
    /// The unit that the next BindComplete is for.
    pub(super) binding: usize,
    /// The unit whose rows come.
    pub(super) running: usize,
    /// The server's first complaint.
    pub(super) failure: Option<ServerMessage>,
    /// The error of a sink, or a broken rule of the contract.
    pub(super) sink_error: Option<Error>,
    /// Whether any sink saw anything: then nothing can be run again.
    pub(super) fed: bool,
    /// Nobody wants the rows that still come.
    pub(super) stopped: bool,
    /// Stopping the server's work loses nothing: only reads, and no transaction of the caller.
    pub(super) harmless: bool,
    /// Once more than this is written, the work may be stored although no answer says so.
    pub(super) doubtful_from: Option<u64>,
    /// Where in [`crate::wire::Wire::written`] it began.
    pub(super) began_at: u64,
    /// COPY FROM STDIN was refused, and the server asked to come to an end once more.
    pub(super) refused_copy: bool,
    /// The last command tag.
    pub(super) tag: Vec<u8>,
    /// Exchanges so far.
    pub(super) count: u64,
    discarded: usize,
    cancelled: bool,
    types: Vec<u32>,
}

/// One statement of an exchange.
pub(super) struct Unit {
    pub(super) role: Role,
    /// What the server says of it, where that is known.
    pub(super) described: Option<Arc<Described>>,
    /// The number of its prepared statement; 0 for the unnamed one.
    pub(super) number: u64,
    /// BindCompletes to come.
    pub(super) binds: usize,
    /// Results to come.
    pub(super) executions: usize,
    announced: bool,
    muted: bool,
}

/// What a unit is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Begins a transaction.
    Begin,
    /// A step of the batch, by its index.
    Step(usize),
    /// Ends the batch's own transaction.
    Commit,
    /// Only prepares.
    Prepare,
}

/// How far the answers were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More must be read.
    More,
    /// The server is ready for the next exchange.
    Ready,
    /// A sink paused.
    Paused,
}

impl Unit {
    pub(super) fn new(role: Role, number: u64, described: Option<Arc<Described>>, times: usize) -> Unit {
        Unit { role, described, number, binds: times, executions: times, announced: false, muted: false }
    }
}

impl Exchange {
    /// Begins a new exchange at this place of the stream.
    pub(super) fn begin(&mut self, position: u64) {
        self.count += 1;
        self.pending = true;
        self.ended = false;
        self.units.clear();
        (self.binding, self.running) = (0, 0);
        self.failure = None;
        self.sink_error = None;
        (self.fed, self.stopped, self.harmless, self.cancelled) = (false, false, false, false);
        self.refused_copy = false;
        self.doubtful_from = None;
        self.began_at = position;
        self.discarded = 0;
        self.tag.clear();
    }
}

impl PostgresConnection {
    /// Writes and reads until the server is ready, a sink pauses or, where that is asked for, all is written.
    pub(super) async fn drive(&mut self, steps: &mut [Step], until_written: bool) -> Result<Progress> {
        for reads in 1u32.. {
            match self.process(steps) {
                Ok(Progress::More) => {}
                Ok(progress) => return Ok(progress),
                Err(error) => return Err(self.lost(error)),
            }
            if until_written && self.wire.is_written() {
                self.wire.clear_written();
                return Ok(Progress::More);
            }
            if self.exchange.stopped && self.exchange.harmless && !self.exchange.cancelled && self.exchange.discarded > ENOUGH_DISCARDED {
                self.exchange.cancelled = true;
                if let Some(canceller) = self.own_canceller() {
                    // When this fails the rows are read and thrown away.
                    let _ = Box::pin(canceller.send()).await;
                }
            }
            let wire = &mut self.wire;
            if let Err(error) = poll_fn(|context| wire.poll(context, until_written)).await {
                return Err(self.lost(error));
            }
            if reads.is_multiple_of(READS_BEFORE_YIELD) {
                tokio::task::yield_now().await;
            }
        }
        Ok(Progress::More)
    }

    /// What came of an exchange that has ended.
    pub(super) fn outcome(&mut self) -> Result<()> {
        if let Some(error) = self.exchange.sink_error.take() {
            return Err(error);
        }
        match self.exchange.failure.take() {
            // The end that Sequor itself asked for.
            Some(failure) if self.exchange.cancelled && failure.code == "57014" => Ok(()),
            Some(failure) => Err(failure.into_error(&self.peer.target)),
            None => Ok(()),
        }
    }

    /// The line is lost: says what that means for the work that was under way.
    #[cold]
    pub(super) fn lost(&mut self, error: io::Error) -> Error {
        self.broken = true;
        let said = self.exchange.failure.take();
        let doubtful = self.exchange.doubtful_from.is_some_and(|from| self.wire.written() > from);
        // A server that ends a connection with an error has undone what was not at its end by then.
        let ends = match self.exchange.units.last() {
            Some(unit) if unit.role == Role::Commit => self.exchange.units.len() - 1,
            _ => self.exchange.units.len(),
        };
        let uncertain = doubtful && (said.is_none() || self.exchange.running >= ends);
        let cause = match said {
            Some(message) => match message.clone().into_error(&self.peer.target) {
                Error::Connection(cause) => Error::Connection(cause),
                other => error::connection(ConnectionErrorKind::Broken, format!("{}: {other}", self.peer.target), error),
            },
            None => error::broken(error, &self.peer.target),
        };
        if uncertain { error::commit_unknown(cause, &self.peer.target) } else { cause }
    }
}
