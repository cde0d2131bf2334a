//! One exchange: what was sent up to a Sync, and what the server answers up to its ReadyForQuery.

use super::PostgresConnection;
use crate::error::{self, ServerMessage, protocol};
use crate::rows::{Row, find_cells, parse_columns};
use crate::statements::Described;
use crate::wire::Message;
use postgres_protocol::message::frontend;
use sequor_core::driver::{Flow, Step};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

/// No message of PostgreSQL is longer.
const LONGEST: usize = 0x4000_0000;
/// After so many bytes of unwanted rows the server is asked to stop.
const ENOUGH_DISCARDED: usize = 512 * 1024;
/// A server that is always faster than we are must not keep the runtime from its timers and other tasks.
const READS_BEFORE_YIELD: u32 = 32;
/// Names of so many columns are handed to a sink without an allocation.
const FEW: usize = 24;

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
    /// The last command tag.
    pub(super) tag: Vec<u8>,
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
        self.pending = true;
        self.ended = false;
        self.units.clear();
        (self.binding, self.running) = (0, 0);
        self.failure = None;
        self.sink_error = None;
        (self.fed, self.stopped, self.harmless, self.cancelled) = (false, false, false, false);
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
                    let _ = canceller.send().await;
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

    /// Looks at the messages that are in the buffer.
    pub(super) fn process(&mut self, steps: &mut [Step]) -> io::Result<Progress> {
        while let Some(message) = self.wire.next(LONGEST)? {
            match message.tag {
                b'D' => {
                    if self.row(message, steps)? == Flow::Pause {
                        return Ok(Progress::Paused);
                    }
                }
                b'2' => self.bound()?,
                b'C' => self.completed(message, steps)?,
                b'Z' => return self.ready(message),
                b'1' | b'3' => {}
                b'I' => self.completed(Message { end: message.start, ..message }, steps)?,
                b't' => self.parameter_types(message)?,
                b'T' | b'n' => self.described(message)?,
                b'E' => self.failed(message)?,
                _ => self.aside(message)?,
            }
        }
        Ok(Progress::More)
    }

    /// One row: to the sink of the step that runs.
    #[inline]
    fn row(&mut self, message: Message, steps: &mut [Step]) -> io::Result<Flow> {
        let exchange = &mut self.exchange;
        let Some(unit) = exchange.units.get_mut(exchange.running) else {
            // Rows of a script, or of an exchange that nobody listens to any more.
            return if exchange.pending { Ok(Flow::Continue) } else { Err(protocol("a row that nobody asked for")) };
        };
        let (Role::Step(index), false) = (unit.role, unit.muted) else {
            exchange.discarded += message.end - message.start;
            return Ok(Flow::Continue);
        };
        let Some(step) = steps.get_mut(index) else { return Ok(Flow::Continue) };
        let described = unit.described.as_deref().ok_or_else(|| protocol("a row of a statement without columns"))?;
        if !unit.announced {
            unit.announced = true;
            exchange.fed = true;
            if let Err(error) = announce(step, described) {
                unit.muted = true;
                exchange.stopped = true;
                exchange.sink_error.get_or_insert(error);
                return Ok(Flow::Continue);
            }
        }
        let body = self.wire.body(message);
        if !find_cells(body, described.columns.len(), &mut self.cells) {
            return Err(protocol("a row that does not fit its description"));
        }
        let mut row = Row::new(body, &self.cells, &described.columns, &mut self.scratch);
        match step.sink.row(&mut row) {
            Ok(Flow::Continue) => Ok(Flow::Continue),
            Ok(Flow::Pause) if index + 1 == steps.len() => Ok(Flow::Pause),
            Ok(Flow::Pause) => {
                unit.muted = true;
                exchange.sink_error.get_or_insert_with(|| super::impossible("only the last step of a batch may pause"));
                Ok(Flow::Continue)
            }
            Ok(Flow::Stop) => {
                unit.muted = true;
                exchange.stopped = index + 1 == steps.len();
                Ok(Flow::Continue)
            }
            Err(error) => {
                unit.muted = true;
                exchange.stopped = index + 1 == steps.len();
                exchange.sink_error.get_or_insert(error);
                Ok(Flow::Continue)
            }
        }
    }

    fn bound(&mut self) -> io::Result<()> {
        let Some(unit) = self.exchange.units.get_mut(self.exchange.binding) else { return Err(protocol("a BindComplete too many")) };
        unit.binds = unit.binds.saturating_sub(1);
        if unit.binds == 0 {
            self.exchange.binding += 1;
        }
        Ok(())
    }

    /// A statement ended: its tag says what it did.
    fn completed(&mut self, message: Message, steps: &mut [Step]) -> io::Result<()> {
        let body = self.wire.input.get(message.start..message.end).unwrap_or_default();
        let tag = body.strip_suffix(&[0]).unwrap_or(body);
        self.exchange.tag.clear();
        self.exchange.tag.extend_from_slice(tag.get(..tag.len().min(64)).unwrap_or_default());
        if matches!(tag, b"DEALLOCATE ALL" | b"DISCARD ALL") {
            self.statements.clear();
        }
        let exchange = &mut self.exchange;
        let Some(unit) = exchange.units.get_mut(exchange.running) else {
            return if exchange.pending { Ok(()) } else { Err(protocol("a result that nobody asked for")) };
        };
        unit.executions = unit.executions.saturating_sub(1);
        if unit.executions == 0 {
            exchange.running += 1;
        }
        match unit.role {
            Role::Step(index) => {
                if let Some(count) = self.counts.get_mut(index) {
                    *count += rows_of(tag);
                }
                let (Some(step), false, false) = (steps.get_mut(index), unit.announced, unit.muted) else { return Ok(()) };
                unit.announced = true;
                if let Some(described) = unit.described.as_deref().filter(|described| !described.columns.is_empty()) {
                    exchange.fed = true;
                    if let Err(error) = announce(step, described) {
                        exchange.sink_error.get_or_insert(error);
                    }
                }
            }
            Role::Commit if tag != b"COMMIT" => {
                exchange.sink_error = Some(error::not_committed(&String::from_utf8_lossy(tag)));
            }
            // The status byte comes only with the end of the exchange, and a pause may come before.
            Role::Begin => self.server_status = b'T',
            Role::Commit | Role::Prepare => {}
        }
        Ok(())
    }

    fn parameter_types(&mut self, message: Message) -> io::Result<()> {
        let body = self.wire.input.get(message.start + 2..message.end).unwrap_or_default();
        self.exchange.types.clear();
        self.exchange.types.extend(body.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)));
        Ok(())
    }

    /// The description of the statement that is being prepared. Scripts describe their rows, too; nobody wants those.
    fn described(&mut self, message: Message) -> io::Result<()> {
        let exchange = &mut self.exchange;
        let Some(unit) = exchange.units.get_mut(exchange.binding) else { return Ok(()) };
        let columns = match message.tag {
            b'T' => parse_columns(self.wire.input.get(message.start..message.end).unwrap_or_default()),
            _ => Some(Vec::new()),
        };
        let columns = columns.ok_or_else(|| protocol("a malformed description of columns"))?;
        let described = Arc::new(Described { columns, types: std::mem::take(&mut exchange.types) });
        unit.described = Some(described.clone());
        let number = unit.number;
        if unit.binds == 0 {
            exchange.binding += 1;
        }
        if number != 0 {
            self.statements.describe(number, &described);
            // The same text again in one flush.
            let again = exchange.units.iter_mut().filter(|unit| unit.number == number && unit.described.is_none());
            again.for_each(|unit| unit.described = Some(described.clone()));
        }
        Ok(())
    }

    fn ready(&mut self, message: Message) -> io::Result<Progress> {
        let status = match self.wire.body(message) {
            [status @ (b'I' | b'T' | b'E')] => *status,
            _ => return Err(protocol("a status that does not exist")),
        };
        if !self.exchange.pending {
            return Err(protocol("a ReadyForQuery that nobody asked for"));
        }
        self.server_status = status;
        self.exchange.pending = false;
        self.wire.clear_written();
        Ok(Progress::Ready)
    }

    #[cold]
    fn failed(&mut self, message: Message) -> io::Result<()> {
        let said = ServerMessage::parse(self.wire.body(message));
        if said.fatal || !self.exchange.pending {
            self.broken = true;
        }
        self.exchange.failure.get_or_insert(said);
        Ok(())
    }

    /// Messages that belong to no statement, and COPY.
    #[cold]
    fn aside(&mut self, message: Message) -> io::Result<()> {
        let body = self.wire.input.get(message.start..message.end).unwrap_or_default();
        match message.tag {
            b'N' => ServerMessage::parse(body).log(),
            b'S' => {
                let mut parts = body.split(|byte| *byte == 0);
                let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                match name {
                    b"in_hot_standby" => self.info.read_only = value == b"on",
                    b"is_superuser" => {}
                    // A setting that the server reports was changed by a statement.
                    _ => self.session_changed = true,
                }
            }
            // Nobody listens on this connection, but a script may have.
            b'A' | b'K' => {}
            b's' => return Err(protocol("a suspended portal that nobody asked for")),
            // COPY FROM STDIN: there is nothing to give. Inside a batch the Sync was swallowed by it, so another one follows.
            b'G' | b'W' => {
                let refused = frontend::copy_fail("COPY from the client is not supported here", &mut self.wire.out);
                refused.map_err(|_| protocol("COPY"))?;
                if !self.exchange.units.is_empty() {
                    if self.exchange.units.len() > 1 {
                        return Err(io::Error::new(io::ErrorKind::InvalidInput, "COPY FROM STDIN inside of a batch of several statements"));
                    }
                    frontend::sync(&mut self.wire.out);
                }
            }
            // COPY TO STDOUT: thrown away.
            b'H' | b'd' | b'c' => {}
            _ => return Err(protocol("a message of an unknown kind")),
        }
        Ok(())
    }
}

/// Tells a sink the names of the columns.
fn announce(step: &mut Step, described: &Described) -> Result<()> {
    let columns = &described.columns;
    let mut few = [""; FEW];
    match few.get_mut(..columns.len()) {
        Some(names) => {
            for (name, column) in names.iter_mut().zip(columns) {
                *name = &column.name;
            }
            step.sink.columns(names)
        }
        None => step.sink.columns(&columns.iter().map(|column| &*column.name).collect::<Vec<_>>()),
    }
}

/// The number at the end of a command tag: `INSERT 0 5`, `SELECT 3`.
fn rows_of(tag: &[u8]) -> u64 {
    let mut number = 0u64;
    let mut factor = 1u64;
    for byte in tag.iter().rev() {
        match byte {
            b'0'..=b'9' => number = number.saturating_add(u64::from(byte - b'0').saturating_mul(factor)),
            b' ' => return number,
            _ => return 0,
        }
        factor = factor.saturating_mul(10);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_the_last_word_of_the_tag() {
        for (tag, count) in [
            ("INSERT 0 5", 5),
            ("SELECT 10000", 10_000),
            ("UPDATE 0", 0),
            ("CREATE TABLE", 0),
            ("BEGIN", 0),
            ("", 0),
            ("7", 0),
            ("X 99999999999999999999999", u64::MAX),
        ] {
            assert_eq!(rows_of(tag.as_bytes()), count, "{tag}");
        }
    }
}
