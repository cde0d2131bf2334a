//! One statement: prepared, executed, its rows pushed.

use super::MysqlConnection;
use super::exchange::too_long;
use super::reply::{Ended, Reading};
use crate::error::{NOT_PREPARABLE, STALE_STATEMENT};
use crate::params::write_execute;
use crate::rows::Collector;
use crate::statements::{self, Kind, first_word};
use crate::wire::{Event, Malformed, Reply};
use mysql_common::constants::Command;
use sequor_core::driver::{Param, Product, RowSink};
use sequor_core::{Error, Result};
use std::sync::Arc;

/// One statement to run.
pub(super) struct Job<'a> {
    pub(super) text: &'a Arc<str>,
    pub(super) params: &'a [Param],
    /// Whether the prepared statement is kept.
    pub(super) keep: bool,
    /// Whether COMMIT goes out behind it: only after reads.
    pub(super) commit: bool,
}

impl MysqlConnection {
    /// Runs one statement and pushes its rows.
    #[inline]
    pub(super) async fn execute(&mut self, job: &Job<'_>, sink: &mut dyn RowSink) -> Result<Ended> {
        let hash = statements::hash(job.text);
        let place = match self.statements.find(hash, job.text) {
            Some(place) => place,
            None => {
                if job.params.is_empty() && is_plain(job.text) {
                    return self.query(job, sink).await;
                }
                match self.prepare(hash, job).await {
                    Ok(place) => place,
                    Err(_) if self.refusal == Some(NOT_PREPARABLE) && job.params.is_empty() => return self.query(job, sink).await,
                    Err(error) => return Err(error),
                }
            }
        };
        let ended = self.execute_prepared(place, job, sink).await;
        if ended.is_err() && (self.refusal.is_some() || self.unsent) {
            return self.try_again(place, hash, job, sink, ended).await;
        }
        if !job.keep {
            self.statements.remove(place);
        }
        ended
    }

    /// A statement that the server has lost, or that has to be prepared anew, did nothing: it is prepared and run once more.
    #[cold]
    pub(super) async fn try_again(
        &mut self,
        place: usize,
        hash: u64,
        job: &Job<'_>,
        sink: &mut dyn RowSink,
        ended: Result<Ended>,
    ) -> Result<Ended> {
        let is_unsent = std::mem::take(&mut self.unsent);
        let is_stale = is_unsent || self.refusal.is_some_and(|code| STALE_STATEMENT.contains(&code));
        if is_stale || !job.keep {
            self.statements.remove(place);
        } else if let Some(statement) = self.statements.at_mut(place) {
            // The server may have refused before it learnt the types.
            statement.types.clear();
        }
        if !is_stale || job.commit && !is_unsent || self.is_lost() {
            return ended;
        }
        self.refusal = None;
        let place = self.prepare(hash, job).await?;
        let ended = self.execute_prepared(place, job, sink).await;
        if !job.keep {
            self.statements.remove(place);
        }
        ended
    }

    /// Prepares a statement and gives it a place.
    async fn prepare(&mut self, hash: u64, job: &Job<'_>) -> Result<usize> {
        if job.keep {
            self.statements.make_room();
        }
        self.write_opening()?;
        self.command(Command::COM_STMT_PREPARE, job.text.as_bytes(), Reply::Prepare)?;
        self.flush().await?;
        self.read_opening().await?;
        let (id, parameters) = match self.event().await? {
            (Event::Prepared { id, parameters, .. }, _) => (id, parameters),
            (Event::Failed, range) => return Err(self.refused(range)),
            _ => return Err(self.malformed(Malformed("no answer to a prepare"))),
        };
        self.preparing = Some(id);
        let mut collector = Collector::new(Arc::default(), true, self.replies.layout().extended_definitions);
        while self.replies.in_definitions() {
            match self.event().await? {
                (Event::Definition, range) => collector.add(self.wire.body(range)),
                (Event::Skip, _) => {}
                (Event::Failed, range) => return Err(self.refused(range)),
                _ => return Err(self.malformed(Malformed("no definition"))),
            }
        }
        let columns = collector.finish().map_err(|malformed| self.malformed(malformed))?;
        self.preparing = None;
        self.watch(job.text);
        Ok(self.statements.insert(hash, job.text.clone(), id, parameters, columns))
    }

    async fn execute_prepared(&mut self, place: usize, job: &Job<'_>, sink: &mut dyn RowSink) -> Result<Ended> {
        if self.begin.is_some() {
            let kind = self.statements.at(place).map_or(Kind::Write, |statement| statement.kind);
            self.open_for(kind).await?;
        }
        self.queue_execute(place, job.params, true)?;
        if job.commit {
            self.command(Command::COM_QUERY, b"COMMIT", Reply::Ok)?;
        }
        self.flush().await?;
        if self.opening > 0 {
            self.read_opening().await?;
        }
        let ended = self.read_reply(Reading::prepared(place), sink).await;
        self.at_stake = false;
        ended
    }

    /// Begins the transaction that was asked for. A read may ride along; a write waits for the answer: a begin that fails (it was killed) would leave
    /// the write outside of any transaction.
    async fn open_for(&mut self, kind: Kind) -> Result<()> {
        self.write_opening()?;
        if kind == Kind::Write {
            self.flush().await?;
            self.read_opening().await?;
        }
        Ok(())
    }

    /// Queues one execution of a prepared statement. `anew`: the caller prepares a statement once more that is refused as stale.
    #[inline]
    pub(super) fn queue_execute(&mut self, place: usize, params: &[Param], anew: bool) -> Result<()> {
        self.close_statements();
        let in_transaction = self.in_transaction() || self.opening > 0 || self.manual;
        let Some(statement) = self.statements.at_mut(place) else { return Err(Error::bug("a statement has lost its place")) };
        if usize::from(statement.parameters) != params.len() {
            return Err(wrong_count(statement.parameters, params.len()));
        }
        let mark = self.wire.open();
        match write_execute(self.wire.output(), statement, params) {
            Ok(false) => {}
            // MySQL keeps the types of the first execution and turns later values into them: 'Ann' would be the number 0.
            // <https://dev.mysql.com/doc/refman/8.4/en/prepare.html>
            Ok(true) if anew && self.server.product == Product::Mysql => {
                self.wire.undo(mark);
                self.unsent = true;
                return Err(Error::bug("a statement that is to be prepared anew was not"));
            }
            Ok(true) => {}
            Err(error) => {
                self.wire.undo(mark);
                return Err(error.in_statement(&statement.text));
            }
        }
        let length = self.wire.opened_length(mark);
        if length >= self.longest_packet {
            self.wire.undo(mark);
            statement.types.clear();
            return Err(too_long(length, self.longest_packet));
        }
        self.at_stake = !in_transaction && statement.kind == Kind::Write;
        let sequence = self.wire.seal(mark, 0);
        self.replies.expect(Reply::Rows, sequence);
        Ok(())
    }

    /// Runs a statement as text: what cannot be prepared, and what it would not pay to prepare.
    pub(super) async fn query(&mut self, job: &Job<'_>, sink: &mut dyn RowSink) -> Result<Ended> {
        self.refusal = None;
        self.watch(job.text);
        let kind = statements::kind_of(job.text);
        if self.begin.is_some() {
            self.open_for(kind).await?;
        }
        self.at_stake = !self.in_transaction() && self.opening == 0 && !self.manual && kind == Kind::Write;
        self.command(Command::COM_QUERY, job.text.as_bytes(), Reply::Rows)?;
        if job.commit {
            self.command(Command::COM_QUERY, b"COMMIT", Reply::Ok)?;
        }
        self.flush().await?;
        self.read_opening().await?;
        let ended = self.read_reply(Reading::plain(), sink).await;
        self.at_stake = false;
        ended
    }
}

/// Statements about the session, the transaction or the schema: run once each, and many servers do not prepare them.
fn is_plain(text: &str) -> bool {
    const PLAIN: [&str; 22] = [
        "alter",
        "analyze",
        "begin",
        "check",
        "commit",
        "create",
        "drop",
        "flush",
        "grant",
        "kill",
        "lock",
        "optimize",
        "rename",
        "repair",
        "release",
        "revoke",
        "rollback",
        "savepoint",
        "set",
        "start",
        "unlock",
        "use",
    ];
    let word = first_word(text);
    word.is_empty() || PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(word))
}

#[cold]
fn wrong_count(expected: u16, given: usize) -> Error {
    Error::usage(format!("the statement takes {expected} parameters, {given} were given"))
}
