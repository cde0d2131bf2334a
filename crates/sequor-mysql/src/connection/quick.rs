//! The commonest call: one statement that is prepared already. One write, one read, and as little code between them as can be: after each wait the
//! processor finds little of it in its cache.

use super::execute::Job;
use super::reply::{Ended, Outcome, Progress, Reading};
use super::{Activity, MysqlConnection};
use crate::statements::hash;
use sequor_core::driver::{Batch, Param, Params, RowSink, Step, StepDone};
use sequor_core::{Error, Result};
use std::sync::Arc;

/// A step with its parameters known and its statement prepared.
pub(super) struct Quick {
    place: usize,
    text: Arc<str>,
    params: Vec<Param>,
    sink: Box<dyn RowSink>,
}

impl MysqlConnection {
    /// Takes the step apart when it is a quick one.
    #[inline]
    pub(super) fn quick(&mut self, step: Step) -> Result<Quick, Step> {
        if self.begin.is_some() || !step.cache || !matches!(self.activity, Activity::Settled) {
            return Err(step);
        }
        let Some(place) = self.statements.find(hash(&step.text), &step.text) else { return Err(step) };
        match step {
            Step { text, params: Params::Fixed(params), sink, .. } => Ok(Quick { place, text, params, sink }),
            step => Err(step),
        }
    }

    /// The same for a batch of one step.
    pub(super) fn quick_batch(&mut self, mut batch: Batch) -> Result<Quick, Batch> {
        if batch.steps.len() != 1 {
            return Err(batch);
        }
        let Some(step) = batch.steps.pop() else { return Err(batch) };
        self.quick(step).map_err(|step| {
            batch.steps.push(step);
            batch
        })
    }

    pub(super) async fn run_quick(&mut self, quick: Quick) -> Result<StepDone> {
        let Quick { place, text, params, mut sink } = quick;
        self.activity = Activity::Busy;
        self.refusal = None;
        self.shared.start_turn();
        if self.shared.is_struck() {
            Box::pin(self.absorb_kill()).await?;
        }
        let mut reading = Reading::prepared(place);
        let mut progress = match self.queue_execute(place, &params, true) {
            Ok(()) => Progress::More,
            Err(error) => Progress::Failed(error),
        };
        if matches!(progress, Progress::More) {
            progress = match self.flush().await {
                Ok(()) => self.advance(&mut reading, &mut *sink),
                Err(error) => Progress::Failed(error),
            };
        }
        while matches!(progress, Progress::More) {
            progress = match self.fill().await {
                Ok(()) => self.advance(&mut reading, &mut *sink),
                Err(error) => Progress::Failed(error),
            };
        }
        if matches!(progress, Progress::Finished) {
            self.at_stake = false;
            self.activity = Activity::Settled;
            self.shared.end_turn();
            return Ok(StepDone { params: Params::Fixed(params), ..self.done(sink, reading.outcome, false) });
        }
        let quick = Quick { place, text, params, sink };
        let result = Box::pin(self.end_slowly(progress, reading, quick)).await;
        Box::pin(self.leave(result)).await
    }

    #[cold]
    async fn end_slowly(&mut self, progress: Progress, reading: Reading, quick: Quick) -> Result<StepDone> {
        let Quick { place, text, params, mut sink } = quick;
        let ended = match progress {
            Progress::More => Err(Error::bug("an answer was left half read")),
            Progress::Finished => Ok(Ended::Finished(reading.outcome)),
            Progress::Stopped(None) => self.finish_reply().await.map(|()| Ended::Finished(reading.outcome)),
            Progress::Paused => Ok(Ended::Paused(reading)),
            Progress::Stopped(Some(error)) => self.finish_reply().await.and(Err(error)),
            Progress::Failed(error) => Err(error),
        };
        self.at_stake = false;
        let job = Job { text: &text, params: &params, keep: true, commit: false };
        let ended = if ended.is_err() && (self.refusal.is_some() || self.unsent) {
            self.try_again(place, hash(&text), &job, &mut *sink, ended).await?
        } else {
            ended?
        };
        Ok(StepDone { params: Params::Fixed(params), ..self.step_done(sink, ended) })
    }

    /// What a step has done.
    pub(super) fn done(&self, sink: Box<dyn RowSink>, Outcome { affected, last_insert_id, .. }: Outcome, paused: bool) -> StepDone {
        StepDone { sink, affected, last_insert_id, key_step: self.key_step, paused, params: Params::default() }
    }
}
