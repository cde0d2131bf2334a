//! [`Inline`]: short requests run on the caller's own thread (`inline=on`), without the way to the connection's thread and back.
//!
//! A request that would have to wait for another connection's lock, that pauses or that has several steps goes to the thread as always: in place nothing
//! ever sleeps. What runs in place is over before its future can be dropped.
//!
//! A runtime of several threads is told before a statement runs, so that another thread goes on with the other tasks; that takes longer than many a statement, so those
//! that were short when they ran last are not told of.

use super::Shared;
use super::core::{Core, lock};
use super::mailbox::Control;
use super::short::Short;
use crate::statements::{self, Attempt, Cost};
use sequor_core::driver::{Batch, BatchMode, Params, Step, StepDone};
use sequor_core::error::Result;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The caller's way to the handle.
pub(super) struct Inline {
    core: Arc<Mutex<Core>>,
    short: Short,
}

/// A request that ran, or that is for the thread.
pub(super) enum Done<T, R> {
    Here(Result<T>),
    ForTheThread(R),
}

impl Inline {
    pub(super) fn new(core: Arc<Mutex<Core>>) -> Inline {
        Inline { core, short: Short::default() }
    }

    /// A paused statement lies on the thread; a changed setting can make SQLite itself wait for locks.
    fn may_run(shared: &Shared) -> bool {
        !shared.paused() && !shared.dirty()
    }

    /// Runs a batch of one step whose sink never pauses, or of several such steps that read one snapshot.
    pub(super) fn run(&mut self, mut batch: Batch, shared: &Shared) -> Done<Vec<StepDone>, Batch> {
        let alone = batch.steps.len() == 1;
        let Some(step) = batch.steps.pop_if(|_| alone) else { return self.run_snapshot(batch, shared) };
        match self.run_step(step, shared) {
            Done::Here(result) => Done::Here(result.map(|done| vec![done])),
            Done::ForTheThread(step) => {
                batch.steps.push(step);
                Done::ForTheThread(batch)
            }
        }
    }

    /// Runs a request of this mark, which never waits for a lock; what met one is for the thread.
    fn attempt<T, R>(&mut self, mark: usize, shared: &Shared, work: impl FnOnce(&Core) -> (Attempt<T, R>, Cost)) -> Done<T, R> {
        let here = || {
            let mut core = lock(&self.core);
            shared.begin(shared.number(), true);
            let attempt = work(&core);
            core.settle();
            attempt
        };
        let (attempt, cost) = if self.short.contains(mark) { untold(here) } else { in_place(here) };
        match attempt {
            Attempt::Done(result) => {
                self.short.note(mark, result.is_ok().then_some(cost));
                Done::Here(result)
            }
            Attempt::Locked(rest) => Done::ForTheThread(rest),
        }
    }

    /// Runs steps that read one snapshot: once the first has its rows, no lock keeps the others from theirs.
    fn run_snapshot(&mut self, batch: Batch, shared: &Shared) -> Done<Vec<StepDone>, Batch> {
        let known = batch.steps.first().is_some_and(|step| matches!(step.params, Params::Fixed(_)));
        let short = known && batch.steps.iter().all(|step| step.sink.never_pauses() && !matches!(step.params, Params::Many(_)));
        if batch.mode != BatchMode::Snapshot || !short || !Inline::may_run(shared) {
            return Done::ForTheThread(batch);
        }
        self.attempt(Short::mark(&batch.steps), shared, |core| statements::attempt_snapshot(&core.connection, &core.shared, batch))
    }

    /// Runs a step whose sink never pauses.
    pub(super) fn run_step(&mut self, step: Step, shared: &Shared) -> Done<StepDone, Step> {
        let short = matches!(&step, Step { params: Params::Fixed(_), sink, .. } if sink.never_pauses());
        if !short || !Inline::may_run(shared) {
            return Done::ForTheThread(step);
        }
        self.attempt(Short::mark(std::slice::from_ref(&step)), shared, |core| statements::attempt(&core.connection, &core.shared, step))
    }

    /// Begins, ends or marks a transaction.
    pub(super) fn control(&self, control: Control, shared: &Shared) -> Done<(), Control> {
        if !Inline::may_run(shared) || !control.is_short() {
            return Done::ForTheThread(control);
        }
        in_place(|| {
            let mut core = lock(&self.core);
            shared.begin(shared.number(), control.cancellable());
            let result = if matches!(control, Control::Commit) { core.try_commit() } else { Some(core.control(control)) };
            core.settle();
            match result {
                Some(Err(_)) if Shared::take_refused() => Done::ForTheThread(control),
                Some(result) => Done::Here(result),
                None => Done::ForTheThread(control),
            }
        })
    }
}

/// On a runtime of several threads the others go on with its tasks meanwhile; on a runtime of one thread there is nobody else.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| untold(work)),
        _ => untold(work),
    }
}

/// Runs what is over before anybody would have been told.
fn untold<T>(work: impl FnOnce() -> T) -> T {
    Shared::take_refused();
    work()
}
