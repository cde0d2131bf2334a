//! [`Exchange`]: who waits for the rows of a batch, over its pauses.

use crate::connection::{Command, Mailbox, Reply, Request, Shared};
use sequor_core::driver::{RowSink, StepDone};
use sequor_core::error::{Error, Result};

/// One batch and its pauses: who gets the next answer, and the steps done since the last one.
pub(crate) struct Exchange<'m> {
    place: Place<'m>,
    waiting: Waiting,
    done: Vec<StepDone>,
    /// The batch has a transaction of its own around it.
    wrapped: bool,
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
    Run(Reply<Vec<StepDone>>),
    Resume(Reply<StepDone>),
    Nobody,
}

/// The last answer of an exchange.
pub(crate) struct Ending {
    waiting: Waiting,
    result: Result<Vec<StepDone>>,
}

impl<'m> Exchange<'m> {
    pub(crate) fn new(mailbox: &'m mut Mailbox, reply: Reply<Vec<StepDone>>) -> Exchange<'m> {
        Exchange { place: Place::Thread(mailbox), waiting: Waiting::Run(reply), done: Vec::new(), wrapped: false }
    }

    /// An exchange in place, whose sinks never pause.
    pub(super) fn in_place(shared: &'m Shared) -> Exchange<'m> {
        Exchange { place: Place::Caller(shared), waiting: Waiting::Caller, done: Vec::new(), wrapped: false }
    }

    fn shared(&self) -> &Shared {
        match &self.place {
            Place::Thread(mailbox) => &mailbox.shared,
            Place::Caller(shared) => shared,
        }
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

    /// Hands a step over that is not at its end, and waits until its rows are wanted again: the sink for them, or `None` when something else is asked for.
    pub(super) fn pause(&mut self, done: StepDone, autocommit: bool) -> Option<Box<dyn RowSink>> {
        let Place::Thread(mailbox) = &mut self.place else { return None };
        self.done.push(done);
        mailbox.shared.set_autocommit(autocommit || self.wrapped);
        mailbox.shared.set_paused(true);
        let waiting = std::mem::replace(&mut self.waiting, Waiting::Nobody);
        Ending { waiting, result: Ok(std::mem::take(&mut self.done)) }.send();
        let request = mailbox.next();
        mailbox.shared.set_paused(false);
        let request = request?;
        match request {
            Request { command: Command::Resume(sink, reply), begin: None, .. } => {
                self.waiting = Waiting::Resume(reply);
                Some(sink)
            }
            other => {
                mailbox.put_back(other);
                None
            }
        }
    }

    /// After a panic: what was collected is of no use.
    pub(super) fn abandon(&mut self) {
        self.done.clear();
    }

    /// Takes the result; it is sent when the connection's state has been noted.
    pub(crate) fn end(self, result: Result<()>) -> Ending {
        let done = self.done;
        Ending { waiting: self.waiting, result: result.map(|()| done) }
    }
}

impl Ending {
    /// Answers whoever waits; nobody does when the future was dropped, or the rest of the rows was given up.
    pub(crate) fn send(self) {
        match self.waiting {
            Waiting::Run(reply) => drop(reply.send(self.result)),
            Waiting::Resume(reply) => {
                let one = self.result.and_then(|mut done| done.pop().ok_or_else(|| Error::bug("a resumed step did not answer")));
                drop(reply.send(one));
            }
            Waiting::Caller | Waiting::Nobody => {}
        }
    }
}
