//! [`Inline`]: short requests run on the caller's own thread, without the way to the connection's thread and back.
//!
//! By itself (`inline=auto`) that is what only reads and was short when it ran last. It runs with a limit: what takes much longer this time is ended before anybody has seen
//! a row of it, and begun anew on the thread. With `inline=on` it is whatever has one step, or reads one snapshot. Nothing ever sleeps in place: what would have to wait for another
//! connection's lock, what pauses and what has several steps that write goes to the thread as always. What runs in place is over before its future can be dropped.
//!
//! With `inline=on` a runtime of several threads is told before a statement runs that is not known to be short, so that another thread goes on with the other tasks; that takes
//! longer than many a statement.

use super::Shared;
use super::core::{Core, lock};
use super::mailbox::Control;
use super::short::Short;
use crate::connect::InlineMode;
use crate::rows::Part;
use crate::statements::{self, Attempt, Attempted, Cost, Errand};
use sequor_core::driver::{Batch, BatchMode, Params, Step, StepDone};
use sequor_core::error::Result;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Handle, RuntimeFlavor};

/// A statement that was short and has looked so often whether it must stop, every thousand instructions, is not short any more.
const LOOKS: u32 = 10;

/// The caller's way to the handle.
pub(super) struct Inline {
    core: Arc<Mutex<Core>>,
    short: Short,
    /// Whether all runs in place that may (`inline=on`).
    all: bool,
    /// Where rows are gathered that may have to be given up.
    room: Option<Box<Part>>,
    /// What went to the thread and may be short.
    asked: Option<u64>,
}

/// A request that ran, or that is for the thread.
pub(super) enum Done<T, R> {
    Here(Result<T>),
    ForTheThread(R),
}

impl Inline {
    /// The way for this mode, if it has one.
    pub(super) fn new(mode: InlineMode, core: Arc<Mutex<Core>>) -> Option<Inline> {
        let all = mode == InlineMode::On;
        (mode != InlineMode::Off).then(|| Inline { core, short: Short::default(), all, room: None, asked: None })
    }

    /// Whether transactions begin and end in place.
    pub(super) fn controls(&self) -> bool {
        self.all
    }

    /// A paused statement lies on the thread; a changed setting can make SQLite itself wait for locks.
    fn may_run(shared: &Shared) -> bool {
        !shared.paused() && !shared.dirty()
    }

    /// Whether a request of this mark is tried in place, which does not begin transactions; if not, what the thread says of it is wanted.
    fn tries(&mut self, mark: u64, begun: bool) -> bool {
        let tries = begun && (self.all || self.short.contains(mark));
        self.asked = (!tries).then_some(mark);
        tries
    }

    /// Takes note of what the thread took for the last request, nothing where it failed.
    pub(super) fn learn(&mut self, cost: Option<Cost>) {
        if let Some(mark) = self.asked.take() {
            self.short.note(mark, cost);
        }
    }

    /// Runs a batch of one step whose sink never pauses, or of several such steps that read one snapshot; where the transaction that they belong to is `begun`.
    pub(super) fn run(&mut self, mut batch: Batch, shared: &Shared, begun: bool) -> Done<Vec<StepDone>, Errand> {
        self.asked = None;
        let alone = batch.steps.len() == 1;
        let Some(step) = batch.steps.pop_if(|_| alone) else { return self.run_snapshot(batch, shared, begun) };
        match self.run_step(step, shared, begun) {
            Done::Here(result) => Done::Here(result.map(|done| vec![done])),
            Done::ForTheThread(step) => {
                batch.steps.push(step);
                Done::ForTheThread(batch.into())
            }
        }
    }

    /// Runs a request of this mark, which never waits for a lock; what met one is for the thread, and what has become long.
    fn attempt<T, R>(&mut self, mark: u64, shared: &Shared, work: impl FnOnce(&Core, Option<Box<Part>>) -> Attempted<T, R>) -> Done<T, R> {
        let room = (!self.all).then(|| self.room.take().unwrap_or_default());
        let here = || {
            let mut core = lock(&self.core);
            shared.begin(shared.number(), true);
            if room.is_some() {
                shared.limit(LOOKS);
            }
            let attempted = work(&core, room);
            shared.lift();
            core.settle();
            attempted
        };
        let Attempted { attempt, cost, room } = if !self.all || self.short.contains(mark) { untold(here) } else { in_place(here) };
        self.room = room;
        if let Some(room) = &mut self.room {
            room.shrink();
        }
        match attempt {
            Attempt::Done(result) => {
                self.short.note(mark, result.is_ok().then_some(cost));
                Done::Here(result)
            }
            Attempt::ForTheThread(rest) => {
                self.short.note(mark, None);
                Done::ForTheThread(rest)
            }
        }
    }

    /// Runs steps that read one snapshot: once the first has its rows, no lock keeps the others from theirs.
    fn run_snapshot(&mut self, batch: Batch, shared: &Shared, begun: bool) -> Done<Vec<StepDone>, Errand> {
        let known = batch.steps.first().is_some_and(|step| matches!(step.params, Params::Fixed(_)));
        let short = known && batch.steps.iter().all(|step| step.sink.never_pauses() && !matches!(step.params, Params::Many(_)));
        if batch.mode != BatchMode::Snapshot || !short || !Inline::may_run(shared) {
            return Done::ForTheThread(batch.into());
        }
        let mark = Short::mark(&batch.steps);
        if !self.tries(mark, begun) {
            return Done::ForTheThread(batch.into());
        }
        self.attempt(mark, shared, |core, room| statements::attempt_snapshot(&core.connection, &core.shared, batch, room))
    }

    /// Runs a step whose sink never pauses.
    pub(super) fn run_step(&mut self, step: Step, shared: &Shared, begun: bool) -> Done<StepDone, Step> {
        self.asked = None;
        let short = matches!(&step, Step { params: Params::Fixed(_), sink, .. } if sink.never_pauses());
        if !short || !Inline::may_run(shared) {
            return Done::ForTheThread(step);
        }
        let mark = Short::mark(std::slice::from_ref(&step));
        if !self.tries(mark, begun) {
            return Done::ForTheThread(step);
        }
        self.attempt(mark, shared, |core, room| statements::attempt(&core.connection, &core.shared, step, room))
    }

    /// Begins, ends or marks a transaction.
    pub(super) fn control(&self, control: Control, shared: &Shared) -> Done<(), Control> {
        if !self.all || !Inline::may_run(shared) || !control.is_short() {
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
