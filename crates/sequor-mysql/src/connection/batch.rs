//! Batches: steps one after another, the transaction around them, and what a pause leaves behind.

use super::execute::Job;
use super::many::WORTH;
use super::reply::{Ended, Outcome, Reading};
use super::transaction::Opening;
use super::{Activity, MysqlConnection};
use sequor_core::Result;
use sequor_core::driver::{Batch, BatchMode, Begin, Params, RowSink, Step, StepDone};

/// A step whose sink wanted a pause.
pub(super) struct Paused {
    reading: Reading,
    around: Around,
}

/// The transaction that a batch opened for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// None.
    Nothing,
    /// A read-only snapshot; COMMIT goes out with the last step.
    Snapshot,
    /// All or nothing.
    Atomic,
}

impl MysqlConnection {
    pub(super) async fn run_batch(&mut self, batch: Batch) -> Result<Vec<StepDone>> {
        let around = self.around(&batch);
        let count = batch.steps.len();
        let mut all = Vec::with_capacity(count);
        for (place, step) in batch.steps.into_iter().enumerate() {
            match self.run_step(step, &mut all, around, place + 1 == count).await {
                Ok(done) => all.push(done),
                Err(error) => {
                    self.give_up(around).await;
                    return Err(error);
                }
            }
        }
        if around != Around::Nothing && !matches!(self.activity, Activity::Paused(_)) {
            self.finish(around).await?;
        }
        Ok(all)
    }

    /// The transaction that the batch needs; it begins with its first statement.
    fn around(&mut self, batch: &Batch) -> Around {
        let is_single = match batch.steps.as_slice() {
            [] => true,
            [step] => !matches!(&step.params, Params::Many(lists) if lists.len() > 1),
            _ => false,
        };
        if is_single || self.begin.is_some() || self.in_transaction() {
            return Around::Nothing;
        }
        let (around, opening) = match batch.mode {
            BatchMode::Plain => return Around::Nothing,
            BatchMode::Snapshot => (Around::Snapshot, Opening::Snapshot),
            BatchMode::Atomic if batch.steps.iter().any(has_many) => (Around::Atomic, Opening::Manual),
            BatchMode::Atomic => (Around::Atomic, Opening::Begin(Begin::default())),
        };
        self.begin = Some(opening);
        around
    }

    async fn run_step(&mut self, step: Step, earlier: &mut Vec<StepDone>, around: Around, is_last: bool) -> Result<StepDone> {
        let Step { text, params, mut sink, cache } = step;
        let list = match params {
            Params::Fixed(list) => list,
            Params::Many(lists) => {
                let outcome = self.execute_many(&text, &lists, cache, &mut *sink).await?;
                return Ok(StepDone { params: Params::Many(lists), ..self.done(sink, outcome, false) });
            }
            Params::Derived(derive) => match derive(earlier)? {
                Some(list) => list,
                None => return Ok(StepDone { params: Params::Many(Vec::new()), ..self.done(sink, Outcome::default(), false) }),
            },
        };
        if is_last && around != Around::Nothing {
            // The only statement of the batch is a transaction by itself.
            self.begin = None;
        }
        let commit = is_last && around == Around::Snapshot && self.in_transaction();
        let job = Job { text: &text, params: &list, keep: cache, commit };
        if !is_last {
            let outcome = self.execute_whole(&job, &mut *sink).await?;
            return Ok(StepDone { params: Params::Fixed(list), ..self.done(sink, outcome, false) });
        }
        let ended = self.execute(&job, &mut *sink).await?;
        Ok(StepDone { params: Params::Fixed(list), ..self.step_ended(sink, ended, around) })
    }

    /// What a step has done that may have been paused and has no transaction of its own around it.
    pub(super) fn step_done(&mut self, sink: Box<dyn RowSink>, ended: Ended) -> StepDone {
        self.step_ended(sink, ended, Around::Nothing)
    }

    fn step_ended(&mut self, sink: Box<dyn RowSink>, ended: Ended, around: Around) -> StepDone {
        match ended {
            Ended::Finished(outcome) => self.done(sink, outcome, false),
            Ended::Paused(reading) => {
                let outcome = reading.outcome;
                self.activity = Activity::Paused(Box::new(Paused { reading, around }));
                self.done(sink, outcome, true)
            }
        }
    }

    /// Ends the batch's own transaction after its last step.
    async fn finish(&mut self, around: Around) -> Result<()> {
        if self.begin.take().is_some() {
            // No step had anything to send.
            return Ok(());
        }
        if self.replies.pending() > 0 {
            return self.expect_ok().await;
        }
        if around != Around::Nothing && (self.manual || self.in_transaction()) {
            self.send_commit().await?;
        }
        if self.manual { self.end_manual().await } else { Ok(()) }
    }

    /// Undoes the batch's own transaction after an error.
    async fn give_up(&mut self, around: Around) {
        if around == Around::Nothing || self.is_lost() {
            return;
        }
        self.begin = None;
        let undone = async {
            self.settle().await?;
            self.send_rollback().await?;
            if self.manual { self.end_manual().await } else { Ok(()) }
        };
        // A failure has broken the connection; the error of the step is what the caller gets.
        if undone.await.is_err() {
            self.activity = Activity::Broken;
        }
    }

    pub(super) async fn resume_step(&mut self, paused: Box<Paused>, mut sink: Box<dyn RowSink>) -> Result<StepDone> {
        let Paused { reading, around } = *paused;
        match self.read_reply(reading, &mut *sink).await {
            Ok(Ended::Finished(outcome)) => {
                self.finish(around).await?;
                Ok(self.done(sink, outcome, false))
            }
            Ok(paused) => Ok(self.step_ended(sink, paused, around)),
            Err(error) => {
                self.give_up(around).await;
                Err(error)
            }
        }
    }

    /// Reads and throws away what a pause has left; the batch was run and is ended as if it had been read.
    pub(super) async fn abandon(&mut self, paused: Box<Paused>) -> Result<()> {
        self.settle().await?;
        if paused.around == Around::Nothing { Ok(()) } else { self.finish(paused.around).await }
    }
}

fn has_many(step: &Step) -> bool {
    matches!(&step.params, Params::Many(lists) if lists.len() > WORTH)
}
