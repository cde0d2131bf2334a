//! The server's messages, one by one: rows to their sinks, errors and statuses into the exchange.

use super::{Progress, Role};
use crate::connection::{PostgresConnection, impossible, notify};
use crate::error::{self, ServerMessage, protocol};
use crate::rows::{Row, find_cells, parse_columns};
use crate::statements::Described;
use crate::wire::Message;
use postgres_protocol::message::frontend;
use sequor_core::Result;
use sequor_core::driver::{Flow, Step};
use std::io;
use std::sync::Arc;

/// No message of PostgreSQL is longer.
const LONGEST: usize = 0x4000_0000;
/// Names of so many columns are handed to a sink without an allocation.
const FEW: usize = 24;

impl PostgresConnection {
    /// Looks at the messages that are in the buffer.
    pub(in crate::connection) fn process(&mut self, steps: &mut [Step]) -> io::Result<Progress> {
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
                exchange.sink_error.get_or_insert_with(|| impossible("only the last step of a batch may pause"));
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
        // An error of its own before the server read our refusal leaves an answer to one Sync more, or none: nobody can say, and whoever came next might get it.
        if self.exchange.refused_copy && !self.exchange.failure.as_ref().is_some_and(|said| said.message.contains(NO_COPY)) {
            self.broken = true;
        }
        self.server_status = status;
        self.exchange.pending = false;
        self.wire.clear_written();
        self.wire.shrink();
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
            b'A' => notify::heard(body, &mut self.notifications),
            b'K' => {}
            b's' => return Err(protocol("a suspended portal that nobody asked for")),
            // COPY FROM STDIN: there is nothing to give. Inside a batch the Sync was swallowed by it, so another one follows.
            b'G' | b'W' => {
                let refused = frontend::copy_fail(NO_COPY, &mut self.wire.out);
                refused.map_err(|_| protocol("COPY"))?;
                if !self.exchange.units.is_empty() {
                    if self.exchange.units.len() > 1 {
                        return Err(io::Error::new(io::ErrorKind::InvalidInput, "COPY FROM STDIN inside of a batch of several statements"));
                    }
                    frontend::sync(&mut self.wire.out);
                    self.exchange.refused_copy = true;
                }
            }
            // COPY TO STDOUT: thrown away.
            b'H' | b'd' | b'c' => {}
            _ => return Err(protocol("a message of an unknown kind")),
        }
        Ok(())
    }
}

/// What COPY FROM STDIN is refused with; the server repeats it.
const NO_COPY: &str = "COPY from the client is not supported here";

/// Tells a sink the names of the columns.
fn announce(step: &mut Step, described: &Described) -> Result<()> {
    if !step.sink.wants_names() {
        return Ok(());
    }
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
