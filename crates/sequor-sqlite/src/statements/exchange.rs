//! [`Exchange`]: who waits for the rows of a batch, over its pauses.

use crate::connection::{Command, Mailbox, Ran, Reply, Request, Shared};
use crate::rows::Part;
use sequor_core::driver::StepDone;
use sequor_core::error::{Error, Result};
use std::time::{Duration, Instant};

/// One batch and its pauses: who gets the next answer, and the steps done since the last one.
pub(crate) struct Exchange<'m> {
    place: Place<'m>,
    waiting: Waiting,
    done: Vec<StepDone>,
    /// The last rows of a step that hands them over in parts.
    part: Option<Box<Part>>,
    /// The batch has a transaction of its own around it.
    wrapped: bool,
    cost: Cost,
    since: Instant,
    /// The statement can be ended and begun anew elsewhere: a sink that cannot forget rows gets them when they are all there.
    gathers: bool,
    /// Room for them.
    room: Option<Box<Part>>,
}

/// What the steps of an exchange took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Instructions of SQLite's virtual machine, some 10 to 20 ns each.
    pub(crate) instructions: u64,
    /// Something was written: the end of it may wait for the disk.
    pub(crate) writes: bool,
    pub(crate) time: Duration,
}

/// Where it runs.
enum Place<'m> {
    /// On the connection's thread, which reads the next request while a statement is paused.
    Thread(&'m mut Mailbox),
    /// On the caller's thread, which waits for the end.
    Caller(&'m Shared),
}

enum Waiting {
    Caller,
    Run(Reply<Ran>),
    Resume(Reply<Box<Part>>),
    Nobody,
}

/// The last answer of an exchange.
pub(crate) struct Ending {
    waiting: Waiting,
    result: Result<Ran>,
}

impl<'m> Exchange<'m> {
    pub(crate) fn new(mailbox: &'m mut Mailbox, reply: Reply<Ran>) -> Exchange<'m> {
        Exchange::of(Place::Thread(mailbox), Waiting::Run(reply), None)
    }

    /// An exchange in place, whose sinks never pause; with room for rows, they are gathered there first.
    pub(super) fn in_place(shared: &'m Shared, room: Option<Box<Part>>) -> Exchange<'m> {
        Exchange::of(Place::Caller(shared), Waiting::Caller, room)
    }

    fn of(place: Place<'m>, waiting: Waiting, room: Option<Box<Part>>) -> Exchange<'m> {
        Exchange {
            place,
            waiting,
            done: Vec::new(),
            part: None,
            wrapped: false,
            cost: Cost::default(),
            since: Instant::now(),
            gathers: room.is_some(),
            room,
        }
    }

    /// Whether rows are gathered before a sink that cannot forget them gets the first.
    pub(super) fn gathers(&self) -> bool {
        self.gathers
    }

    /// Room for them.
    pub(super) fn take_room(&mut self) -> Box<Part> {
        self.room.take().unwrap_or_default()
    }

    pub(super) fn give_room(&mut self, room: Box<Part>) {
        self.room = Some(room);
    }

    /// Whether what ran in place is for the thread: it took too long, or met a lock.
    pub(super) fn is_for_the_thread(&self) -> bool {
        Shared::take_refused() || self.gathers && self.shared().took_too_long()
    }

    fn shared(&self) -> &Shared {
        match &self.place {
            Place::Thread(mailbox) => &mailbox.shared,
            Place::Caller(shared) => shared,
        }
    }

    /// Steps that ran in place before these.
    pub(super) fn go_on_after(&mut self, done: Vec<StepDone>) {
        self.done = done;
    }

    /// All steps of an exchange in place.
    pub(super) fn all(&mut self) -> Vec<StepDone> {
        std::mem::take(&mut self.done)
    }

    pub(crate) fn set_wrapped(&mut self, wrapped: bool) {
        self.wrapped = wrapped;
    }

    /// The steps that have run; before a pause, which only the last of a batch makes, that is all of them.
    pub(super) fn earlier(&mut self) -> &mut Vec<StepDone> {
        &mut self.done
    }

    /// Adds what a step took.
    pub(super) fn spend(&mut self, instructions: i32, writes: bool) {
        self.cost.instructions = self.cost.instructions.saturating_add(u64::try_from(instructions).unwrap_or(u64::MAX));
        self.cost.writes |= writes;
    }

    /// Whether it has taken more than this by now.
    pub(super) fn lasts_longer_than(&self, limit: Duration) -> bool {
        self.since.elapsed() > limit
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { time: self.since.elapsed(), ..self.cost }
    }

    pub(super) fn push(&mut self, done: StepDone) {
        self.done.push(done);
    }

    /// An error when the caller has given up.
    pub(super) fn check(&self) -> Result<()> {
        // Whoever gave a paused batch up does not want its later steps either.
        if self.shared().is_cancelled() || matches!(self.waiting, Waiting::Nobody) { Err(crate::error::cancelled()) } else { Ok(()) }
    }

    pub(super) fn mark_dirty(&self) {
        self.shared().set_dirty(true);
    }

    /// Whether rows can be handed over in parts.
    pub(super) fn may_pause(&self) -> bool {
        matches!(self.place, Place::Thread(_))
    }

    /// Hands rows of a step over that is not at its end, with the step before its first ones, and waits until more are wanted: the place for them, or `None` when something
    /// else is asked for.
    pub(super) fn pause(&mut self, step: Option<StepDone>, mut part: Box<Part>, autocommit: bool) -> Option<Box<Part>> {
        let Place::Thread(mailbox) = &mut self.place else { return None };
        self.done.extend(step);
        part.more = true;
        mailbox.shared.set_autocommit(autocommit || self.wrapped);
        mailbox.shared.set_paused(true);
        let waiting = std::mem::replace(&mut self.waiting, Waiting::Nobody);
        Ending { waiting, result: Ok(Ran { done: std::mem::take(&mut self.done), part: Some(part), cost: self.cost }) }.send();
        let request = mailbox.next();
        mailbox.shared.set_paused(false);
        let request = request?;
        match request {
            Request { command: Command::Resume(part, reply), begin: None, .. } => {
                self.waiting = Waiting::Resume(reply);
                Some(part)
            }
            other => {
                mailbox.put_back(other);
                None
            }
        }
    }

    /// The last rows of a step that hands them over in parts.
    pub(super) fn set_part(&mut self, part: Box<Part>) {
        self.part = Some(part);
    }

    /// After a panic: what was collected is of no use.
    pub(super) fn abandon(&mut self) {
        self.done.clear();
        self.part = None;
    }

    /// Takes the result; it is sent when the connection's state has been noted.
    pub(crate) fn end(self, result: Result<()>) -> Ending {
        let cost = self.cost();
        let Exchange { waiting, done, part, .. } = self;
        Ending { waiting, result: result.map(|()| Ran { done, part, cost }) }
    }
}

impl Ending {
    /// Answers whoever waits; nobody does when the future was dropped, or the rest of the rows was given up.
    pub(crate) fn send(self) {
        match self.waiting {
            Waiting::Run(reply) => drop(reply.send(self.result)),
            Waiting::Resume(reply) => {
                let part = self.result.and_then(|ran| ran.part.ok_or_else(|| Error::bug("a resumed step did not answer")));
                drop(reply.send(part));
            }
            Waiting::Caller | Waiting::Nobody => {}
        }
    }
}
