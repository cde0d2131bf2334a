//! Commands out, packets in: what every call is made of, and how a call begins and ends.

use super::{Activity, MysqlConnection};
use crate::connection::batch::Paused;
use crate::error::{lost_line, statement_error};
use crate::wire::{Event, Malformed, Reply, ServerError};
use mysql_common::constants::{Command, StatusFlags};
use sequor_core::error::{ConnectionErrorKind, Detail};
use sequor_core::{Error, Result};
use std::io;
use std::ops::Range;

impl MysqlConnection {
    /// Begins a call: drains what a pause left, refuses after a cut exchange, and waits for a late cancel to be over.
    #[inline]
    pub(super) async fn enter(&mut self) -> Result<()> {
        match self.activity {
            Activity::Settled => self.activity = Activity::Busy,
            Activity::Paused(_) => {
                let paused = self.enter_paused()?;
                self.abandon(paused).await?;
            }
            Activity::Busy => return Err(self.cut_short()),
            Activity::Broken => return Err(self.is_broken()),
        }
        self.refusal = None;
        self.shared.start_turn();
        if self.shared.is_struck() {
            self.absorb_kill().await?;
        }
        Ok(())
    }

    /// Goes on with a paused statement.
    pub(super) fn enter_paused(&mut self) -> Result<Box<Paused>> {
        match std::mem::replace(&mut self.activity, Activity::Busy) {
            Activity::Paused(paused) => {
                self.refusal = None;
                Ok(paused)
            }
            other => {
                self.activity = other;
                Err(Error::bug("nothing is paused on this connection"))
            }
        }
    }

    /// Ends a call. After an error every answer is read first, and the server is asked whether its transaction lives.
    #[inline]
    pub(super) async fn leave<T>(&mut self, result: Result<T>) -> Result<T> {
        if result.is_err() && !self.is_lost() {
            // Whatever goes wrong here has broken the connection; the caller learns what went wrong first.
            let _ = self.calm_down().await;
        }
        self.shared.end_turn();
        if matches!(self.activity, Activity::Busy) {
            self.activity = Activity::Settled;
        }
        result
    }

    async fn calm_down(&mut self) -> Result<()> {
        self.settle().await?;
        // Error packets carry no status: after 1213 the transaction is gone, after 1205 and 1062 it lives.
        if self.refusal.is_some() && self.in_transaction() {
            self.command(Command::COM_PING, b"", Reply::Ok)?;
            self.flush().await?;
            self.expect_ok().await?;
        }
        Ok(())
    }

    #[cold]
    fn cut_short(&self) -> Error {
        Error::bug("an exchange was cut short on this connection, and it was used without a reset")
    }

    #[cold]
    pub(super) fn is_broken(&self) -> Error {
        Error::connection(ConnectionErrorKind::Broken, format!("{}: the connection is closed", self.options().target()))
    }

    /// Whether the connection broke.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.activity, Activity::Broken)
    }

    /// Whether the server says that a transaction is open.
    #[inline]
    pub(super) fn in_transaction(&self) -> bool {
        self.replies.status().contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    }

    /// Queues a command. Statements that are of no more use are closed before it.
    pub(super) fn command(&mut self, command: Command, body: &[u8], reply: Reply) -> Result<()> {
        if body.len() >= self.longest_packet {
            return Err(too_long(body.len(), self.longest_packet));
        }
        self.close_statements();
        let mark = self.wire.open();
        let out = self.wire.output();
        out.push(command as u8);
        out.extend_from_slice(body);
        let sequence = self.wire.seal(mark, 0);
        self.replies.expect(reply, sequence);
        Ok(())
    }

    /// Tells the server which statements to forget; it does not answer.
    #[inline]
    pub(super) fn close_statements(&mut self) {
        while let Some(id) = self.statements.closing().pop() {
            let mark = self.wire.open();
            let out = self.wire.output();
            out.push(Command::COM_STMT_CLOSE as u8);
            out.extend_from_slice(&id.to_le_bytes());
            self.wire.seal(mark, 0);
        }
    }

    /// Sends what is queued.
    #[inline]
    pub(super) async fn flush(&mut self) -> Result<()> {
        self.round_trips += 1;
        match self.wire.flush().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.write_failed(error).await),
        }
    }

    /// A server that will not read on may have said why: a packet too long, its shutdown.
    #[cold]
    async fn write_failed(&mut self, error: io::Error) -> Error {
        if !self.wire.has_sent() {
            self.at_stake = false;
        }
        while let Ok(()) = self.wire.fill().await {
            while let Ok(Some((event, range))) = self.buffered_event() {
                if event == Event::Failed {
                    let said = ServerError::parse(self.wire.body(range));
                    self.activity = Activity::Broken;
                    return statement_error(&said);
                }
            }
        }
        self.line_broke(&error)
    }

    /// Waits for bytes.
    #[inline]
    pub(super) async fn fill(&mut self) -> Result<()> {
        match self.wire.fill().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.line_broke(&error)),
        }
    }

    /// The line is gone. If a commit was on its way nobody knows what became of it.
    #[cold]
    pub(super) fn line_broke(&mut self, error: &io::Error) -> Error {
        self.activity = Activity::Broken;
        let kind = if self.at_stake { ConnectionErrorKind::CommitUnknown } else { ConnectionErrorKind::Broken };
        tracing::debug!(target = self.options().target(), %error, "the line broke");
        let why = if error.kind() == io::ErrorKind::UnexpectedEof { "the server closed the line".to_owned() } else { error.to_string() };
        Error::connection(kind, format!("{}: {why}", self.options().target()))
    }

    /// The server broke the protocol: nothing it says can be believed any more.
    #[cold]
    pub(super) fn malformed(&mut self, malformed: Malformed) -> Error {
        self.activity = Activity::Broken;
        let kind = if self.at_stake { ConnectionErrorKind::CommitUnknown } else { ConnectionErrorKind::Protocol };
        Error::connection(kind, format!("{}: {}", self.options().target(), malformed.0))
    }

    /// The next packet and what it is.
    #[inline]
    pub(super) async fn event(&mut self) -> Result<(Event, Range<usize>)> {
        loop {
            match self.buffered_event() {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => self.fill().await?,
                Err(malformed) => return Err(self.malformed(malformed)),
            }
        }
    }

    #[inline]
    pub(super) fn buffered_event(&mut self) -> Result<Option<(Event, Range<usize>)>, Malformed> {
        if let Some(sequence) = self.replies.first_sequence() {
            self.wire.expect_sequence(sequence);
        }
        let Some(range) = self.wire.packet()? else { return Ok(None) };
        let event = self.replies.feed(self.wire.body(range.clone()))?;
        Ok(Some((event, range)))
    }

    /// The server refused.
    #[cold]
    pub(super) fn refused(&mut self, range: Range<usize>) -> Error {
        let error = ServerError::parse(self.wire.body(range));
        self.refused_as(&error)
    }

    /// The server refused with this.
    #[cold]
    pub(super) fn refused_as(&mut self, error: &ServerError) -> Error {
        self.refusal = Some(error.code);
        if lost_line(error.code).is_some() || error.code == 1153 {
            self.activity = Activity::Broken;
            if self.at_stake && error.code != 1153 {
                let message = format!("{}: the server ended the connection (error {})", self.options().target(), error.code);
                return Error::connection(ConnectionErrorKind::CommitUnknown, message);
            }
        }
        let mut refusal = statement_error(error);
        if let (true, Error::Timeout { detail }) = (self.at_stake, &mut refusal) {
            detail.hint.get_or_insert_with(|| "the statement was stopped; whether it was stored before that is not known".to_owned());
        }
        refusal
    }

    /// Reads an answer that is OK or an error.
    pub(super) async fn expect_ok(&mut self) -> Result<()> {
        match self.event().await? {
            (Event::Done(_), _) => Ok(()),
            (Event::Failed, range) => Err(self.refused(range)),
            _ => Err(self.malformed(Malformed("neither OK nor an error"))),
        }
    }

    /// Reads the answer that is being read to its end.
    pub(super) async fn finish_reply(&mut self) -> Result<()> {
        let left = self.replies.pending().saturating_sub(1);
        self.drain_to(left).await
    }

    /// Sends what is queued and reads every answer.
    pub(super) async fn settle(&mut self) -> Result<()> {
        if self.wire.has_output() {
            self.flush().await?;
        }
        self.drain_to(0).await?;
        self.opening = 0;
        self.at_stake = false;
        if let Some(id) = self.preparing.take() {
            self.statements.close(id);
        }
        Ok(())
    }

    async fn drain_to(&mut self, left: usize) -> Result<()> {
        while self.replies.pending() > left {
            if let (Event::Prepared { id, .. }, _) = self.event().await? {
                self.statements.close(id);
            }
        }
        Ok(())
    }
}

/// Longer than the server takes; nothing of it was sent.
#[cold]
pub(super) fn too_long(length: usize, longest: usize) -> Error {
    let message =
        format!("the statement and its parameters have {length} bytes, the server takes less than {longest} (max_allowed_packet)");
    let hint = Some("raise max_allowed_packet on the server, or send less at once".to_owned());
    let detail = Detail { code: Some("1153".to_owned()), hint, ..Detail::message(message) };
    Error::Database { code: "1153".to_owned(), detail: Box::new(detail) }
}
