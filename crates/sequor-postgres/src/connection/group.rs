//! Batches: which steps share a flush, how a flush is written, and what is done when it fails.
//!
//! A flush has one Sync, so the server skips what follows a failed step: steps after it have not run. Outside of a transaction steps that write are therefore
//! sent one at a time, while queries travel together.

mod write;

use super::exchange::{Progress, Role};
use super::{PostgresConnection, control};
use crate::params::needs_types;
use crate::statements::{hash, is_select};
use postgres_protocol::message::frontend;
use sequor_core::driver::{Batch, BatchMode, Earlier, Param, Params, RowSink, Step, StepDone};
use sequor_core::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// How often a flush is sent again because of stale plans: the schema may change once more in between.
const MOST_RETRIES: u32 = 3;

/// Steps that share one flush.
struct Group {
    steps: Range<usize>,
    /// The BEGIN that goes before them.
    begin: Option<Arc<str>>,
    /// Whether COMMIT follows them.
    commit: bool,
    /// Only reads outside of the caller's transaction: all are bound before the first runs, so that a stale plan shows before any row.
    reads: bool,
}

impl PostgresConnection {
    pub(super) async fn run_batch(&mut self, batch: Batch) -> Result<Vec<StepDone>> {
        self.settle(false).await?;
        let Batch { mut steps, mode } = batch;
        self.counts.clear();
        self.counts.resize(steps.len(), 0);
        let own = mode != BatchMode::Plain && !self.in_transaction();
        let progress = match self.run_steps(&mut steps, mode, own).await {
            Ok(progress) => progress,
            Err(error) => return Err(Box::pin(self.undo(own, error)).await),
        };
        let paused = progress == Progress::Paused;
        if paused {
            self.paused = Some(own);
        }
        let last = steps.len();
        let counts = &self.counts;
        let done = steps.into_iter().enumerate().map(|(index, step)| StepDone {
            sink: step.sink,
            affected: counts.get(index).copied().unwrap_or(0),
            last_insert_id: None,
            key_step: 1,
            paused: paused && index + 1 == last,
            params: step.params,
        });
        Ok(done.collect())
    }

    /// Runs one step outside of any batch.
    pub(super) async fn run_alone(&mut self, mut step: Step) -> Result<StepDone> {
        self.settle(false).await?;
        self.counts.clear();
        self.counts.push(0);
        let steps = std::slice::from_mut(&mut step);
        let progress = match self.alone(steps) {
            Some(group) => self.run_group(steps, &group).await?,
            None => Box::pin(self.run_steps(steps, BatchMode::Plain, false)).await?,
        };
        let paused = progress == Progress::Paused;
        if paused {
            self.paused = Some(false);
        }
        let affected = self.counts.first().copied().unwrap_or(0);
        Ok(StepDone { sink: step.sink, affected, last_insert_id: None, key_step: 1, paused, params: step.params })
    }

    /// The flush of a step that needs nothing before it.
    fn alone(&mut self, steps: &[Step]) -> Option<Group> {
        let [Step { text, params: Params::Fixed(params), .. }] = steps else { return None };
        if needs_types(params) {
            return None;
        }
        let reads = !self.in_transaction() && is_select(text);
        Some(Group { steps: 0..1, begin: self.begin.take(), commit: false, reads })
    }

    /// Goes on with a paused step.
    pub(super) async fn resume_step(&mut self, sink: Box<dyn RowSink>) -> Result<StepDone> {
        self.check_usable()?;
        let Some(own) = self.paused.take() else { return Err(Error::usage("no step of this connection is paused")) };
        if let Some(unit) = self.exchange.units.get_mut(self.exchange.running) {
            unit.role = Role::Step(0);
        }
        self.counts.clear();
        self.counts.push(0);
        let mut steps = [Step { text: "".into(), params: Params::Fixed(Vec::new()), sink, cache: false }];
        let progress = self.drive(&mut steps, false).await;
        let result = match progress {
            Ok(Progress::Paused) => {
                self.paused = Some(own);
                Ok(())
            }
            Ok(Progress::More | Progress::Ready) => self.outcome(),
            Err(error) => Err(error),
        };
        let result = match result {
            Ok(()) if own && !self.exchange.pending => self.close_own().await,
            other => other,
        };
        if let Err(error) = result {
            return Err(self.undo(own, error).await);
        }
        let [step] = steps;
        Ok(StepDone {
            sink: step.sink,
            affected: self.counts.first().copied().unwrap_or(0),
            last_insert_id: None,
            key_step: 1,
            paused: self.paused.is_some(),
            params: Params::default(),
        })
    }

    /// Ends the transaction that a failed batch had opened for itself.
    async fn undo(&mut self, own: bool, error: Error) -> Error {
        if own && !self.broken && self.server_status != b'I' {
            // When this fails the status says so, and the connection is cleaned or closed.
            let _ = self.simple("ROLLBACK").await;
        }
        error
    }

    async fn run_steps(&mut self, steps: &mut [Step], mode: BatchMode, own: bool) -> Result<Progress> {
        let mut next = 0;
        let mut open = false;
        let mut progress = Progress::Ready;
        while next < steps.len() {
            let (mut earlier, rest) = steps.split_at_mut(next);
            let Some(step) = rest.first_mut() else { break };
            if !derive(step, &mut earlier)? {
                next += 1;
                continue;
            }
            let end = self.group_end(steps, next, own);
            for (text, params) in self.unknown_types(steps.get(next..end).unwrap_or_default()) {
                Box::pin(self.prepare(&text, &params)).await?;
            }
            let reads = match mode {
                BatchMode::Plain => {
                    !self.in_transaction() && steps.get(next..end).unwrap_or_default().iter().all(|step| is_select(&step.text))
                }
                BatchMode::Snapshot => own,
                BatchMode::Atomic => false,
            };
            let begin = match (own && !open, mode) {
                (true, BatchMode::Snapshot) => Some(control::snapshot()),
                (true, _) => Some(control::plain_begin()),
                (false, _) => self.begin.take(),
            };
            let commit = own && end == steps.len();
            let group = Group { steps: next..end, begin, commit, reads };
            progress = self.run_group(steps, &group).await?;
            open = own;
            next = end;
        }
        if own && self.server_status != b'I' && !self.exchange.pending {
            Box::pin(self.close_own()).await?;
        }
        Ok(progress)
    }

    /// Ends the transaction that a batch has opened for itself, where its last flush did not.
    async fn close_own(&mut self) -> Result<()> {
        match self.server_status {
            // The last steps derived nothing.
            b'T' => self.commit_now().await,
            // A step that was stopped has been cancelled.
            b'E' => self.simple("ROLLBACK").await,
            _ => Ok(()),
        }
    }

    /// Where the flush that starts at a step ends.
    fn group_end(&self, steps: &[Step], start: usize, own: bool) -> usize {
        let together = own || self.in_transaction();
        let joins = |step: &&Step| match &step.params {
            Params::Derived(_) => false,
            Params::Fixed(_) => together || is_select(&step.text),
            Params::Many(_) => together,
        };
        let first = steps.get(start);
        if !first.is_some_and(|step| joins(&step)) {
            return start + 1;
        }
        start + steps.get(start..).unwrap_or_default().iter().take_while(joins).count()
    }

    /// Runs a flush; again when a plan was stale and nothing was done or shown yet.
    async fn run_group(&mut self, steps: &mut [Step], group: &Group) -> Result<Progress> {
        let fresh = group.begin.is_some() || !self.in_transaction();
        for attempt in 0u32.. {
            let progress = self.attempt(steps, group).await?;
            let stale = self.exchange.failure.as_ref().is_some_and(|failure| failure.is_stale_plan());
            if !stale {
                if self.exchange.failure.is_some() {
                    self.statements.forget_unfinished();
                }
                return if progress == Progress::Ready { self.outcome().map(|()| progress) } else { Ok(progress) };
            }
            self.note_forgotten();
            self.statements.forget_unfinished();
            let units = self.exchange.units.get(self.exchange.binding..).unwrap_or_default();
            units.iter().for_each(|unit| self.statements.forget(unit.number));
            if attempt >= MOST_RETRIES || !fresh || self.exchange.fed {
                break;
            }
            if self.server_status != b'I' {
                Box::pin(self.simple("ROLLBACK")).await?;
            }
            for count in self.counts.get_mut(group.steps.clone()).unwrap_or_default() {
                *count = 0;
            }
        }
        self.outcome()?;
        Ok(Progress::Ready)
    }

    /// A server that forgets names a second time is behind a proxy that shares it: from then on there are no names.
    fn note_forgotten(&mut self) {
        if !self.exchange.failure.as_ref().is_some_and(|failure| failure.is_forgotten()) {
            return;
        }
        if let Some(times) = &mut self.forgotten {
            *times += 1;
            if *times > 1 {
                self.unnamed = true;
                self.forgotten = None;
                tracing::info!(target: "sequor::postgres", "the server forgets prepared statements, as behind a proxy: they are no longer named");
            }
        }
    }

    /// Writes a flush, sends it and reads its answers. What the server says is in the exchange afterwards.
    async fn attempt(&mut self, steps: &mut [Step], group: &Group) -> Result<Progress> {
        self.exchange.begin(self.wire.position());
        self.exchange.harmless = group.reads;
        let written = self.write_group(steps, group).await;
        let paused = match written {
            Ok(paused) => paused,
            Err(error) => return Err(Box::pin(self.abandon(steps, group, error)).await),
        };
        self.finish_writing(group)?;
        if paused {
            return Ok(Progress::Paused);
        }
        self.drive(steps, false).await
    }

    /// A parameter cannot be written: the server forgets what it was sent of the flush, or nothing was sent.
    async fn abandon(&mut self, steps: &mut [Step], group: &Group, error: Error) -> Error {
        if self.broken {
            return error;
        }
        if self.wire.written() == self.exchange.began_at {
            self.wire.drop_unsent();
            self.exchange.pending = false;
            self.exchange.count -= 1;
            self.statements.forget_unfinished();
            if self.server_status == b'I' && group.begin.is_some() && !group.commit {
                self.begin = group.begin.clone();
            }
            return error;
        }
        // Half of a flush is on its way: the Sync alone would keep it. An error of the server undoes it.
        let undone = frontend::parse("", "!", [], &mut self.wire.out);
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        if undone.is_err() || self.drive(steps, false).await.is_err() {
            self.broken = true;
        }
        self.statements.forget_unfinished();
        error
    }

    /// The statements whose parameters cannot be written before the server has named their types.
    #[inline]
    fn unknown_types(&self, steps: &[Step]) -> Vec<(Arc<str>, Vec<Param>)> {
        let unknown = |step: &Step| match &step.params {
            Params::Fixed(params) if needs_types(params) && !self.unnamed => Some((step.text.clone(), params.clone())),
            Params::Fixed(_) | Params::Many(_) | Params::Derived(_) => None,
        };
        steps.iter().filter_map(unknown).collect()
    }

    /// Prepares a statement in an exchange of its own, to learn the types of its parameters.
    async fn prepare(&mut self, text: &Arc<str>, params: &[Param]) -> Result<()> {
        let key = hash(text);
        let known = self
            .statements
            .find(key, text, params, 0)
            .and_then(|place| self.statements.get(place))
            .is_some_and(|known| known.described.is_some());
        if known {
            return Ok(());
        }
        self.exchange.begin(self.wire.position());
        let result = self.write_statement(text, true, params, Role::Prepare, 0);
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        if let Err(error) = result {
            self.wire.drop_unsent();
            self.exchange.pending = false;
            self.exchange.count -= 1;
            self.statements.forget_unfinished();
            return Err(error);
        }
        self.drive(&mut [], false).await?;
        self.statements.forget_unfinished();
        self.outcome()
    }
}

/// Resolves a derived step. False when it is to be skipped.
fn derive(step: &mut Step, earlier: &mut dyn Earlier) -> Result<bool> {
    match std::mem::replace(&mut step.params, Params::Fixed(Vec::new())) {
        Params::Derived(derive) => match derive(earlier)? {
            Some(params) => {
                step.params = Params::Fixed(params);
                Ok(true)
            }
            None => {
                step.params = Params::Many(Vec::new());
                Ok(false)
            }
        },
        known => {
            let empty = matches!(&known, Params::Many(lists) if lists.is_empty());
            step.params = known;
            Ok(!empty)
        }
    }
}
