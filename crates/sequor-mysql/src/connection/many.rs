//! One statement with many lists of parameters: several executions are on their way at once where that is safe.
//!
//! Reads always are. Writes are in a batch's own transaction with autocommit off: a deadlock ends the transaction in the middle of what is on its way, and
//! what comes after it must not be stored by itself. Everywhere else each execution waits for the answer to the one before.

use super::MysqlConnection;
use super::execute::Job;
use super::reply::{Ended, Outcome, Reading};
use crate::statements::{Kind, hash};
use sequor_core::driver::{Param, RowSink};
use sequor_core::{Error, Result};
use std::sync::Arc;

/// How many lists are worth the two round trips that switching autocommit takes.
pub(super) const WORTH: usize = 4;
/// How much may be on its way unanswered: what the buffers of any socket hold.
const BYTES: usize = 16 << 10;
const EXECUTIONS: usize = 64;

impl MysqlConnection {
    pub(super) async fn execute_many(
        &mut self,
        text: &Arc<str>,
        lists: &[Vec<Param>],
        keep: bool,
        sink: &mut dyn RowSink,
    ) -> Result<Outcome> {
        let ran = self.execute_lists(text, lists, sink).await;
        let place = if keep { None } else { self.statements.find(hash(text), text) };
        if let Some(place) = place {
            self.statements.remove(place);
        }
        ran
    }

    async fn execute_lists(&mut self, text: &Arc<str>, lists: &[Vec<Param>], sink: &mut dyn RowSink) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut lists = lists.iter();
        // The first one prepares the statement and begins the transaction.
        while let Some(list) = lists.next() {
            outcome.add(self.execute_whole(&Job { text, params: list, keep: true, commit: false }, sink).await?);
            if let Some(place) = self.place_to_pipeline(text) {
                return self.pipeline(place, lists.as_slice(), sink, outcome).await;
            }
        }
        Ok(outcome)
    }

    fn place_to_pipeline(&mut self, text: &Arc<str>) -> Option<usize> {
        let place = self.statements.find(hash(text), text)?;
        let reads = self.statements.at(place)?.kind == Kind::Read;
        (reads || self.manual).then_some(place)
    }

    async fn pipeline(&mut self, place: usize, mut lists: &[Vec<Param>], sink: &mut dyn RowSink, mut outcome: Outcome) -> Result<Outcome> {
        while !lists.is_empty() {
            let mut sent = 0;
            while let Some((list, rest)) = lists.split_first() {
                if sent == EXECUTIONS || self.wire.output().len() > BYTES {
                    break;
                }
                self.queue_execute(place, list, false)?;
                (lists, sent) = (rest, sent + 1);
            }
            self.flush().await?;
            for _execution in 0..sent {
                match self.read_reply(Reading::prepared(place), sink).await? {
                    Ended::Finished(done) => outcome.add(done),
                    Ended::Paused(_) => return Err(may_not_pause()),
                }
            }
        }
        Ok(outcome)
    }

    /// Runs a statement whose sink may not pause.
    pub(super) async fn execute_whole(&mut self, job: &Job<'_>, sink: &mut dyn RowSink) -> Result<Outcome> {
        match self.execute(job, sink).await? {
            Ended::Finished(outcome) => Ok(outcome),
            Ended::Paused(_) => Err(may_not_pause()),
        }
    }
}

#[cold]
fn may_not_pause() -> Error {
    Error::bug("only the last step of a batch may pause, and none with many lists of parameters")
}
