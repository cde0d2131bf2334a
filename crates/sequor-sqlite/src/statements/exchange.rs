//! [`Exchange`]: who waits for the rows of a batch, over its pauses.

use crate::connection::{Command, Mailbox, Reply, Request};
use sequor_core::driver::{RowSink, StepDone};
use sequor_core::error::{Error, Result};

/// One batch and its pauses: who gets the next answer, and the steps done since the last one.
pub(crate) struct Exchange<'m> {
    mailbox: &'m mut Mailbox,
    waiting: Waiting,
    done: Vec<StepDone>,
    /// The batch has a transaction of its own around it.
    wrapped: bool,
}

enum Waiting {
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
        Exchange { mailbox, waiting: Waiting::Run(reply), done: Vec::new(), wrapped: false }
    }

    pub(crate) fn set_wrapped(&mut self, wrapped: bool) {
        self.wrapped = wrapped;
    }

    pub(super) fn push(&mut self, done: StepDone) {
        self.done.push(done);
    }

    /// An error when the caller has given up.
    pub(super) fn check(&self) -> Result<()> {
        // Whoever gave a paused batch up does not want its later steps either.
        if self.mailbox.shared.is_cancelled() || matches!(self.waiting, Waiting::Nobody) { Err(crate::error::cancelled()) } else { Ok(()) }
    }

    pub(super) fn mark_dirty(&self) {
        self.mailbox.shared.set_dirty(true);
    }

    /// Hands a step over that is not at its end, and waits until its rows are wanted again: the sink for them, or `None` when something else is asked for.
    pub(super) fn pause(&mut self, done: StepDone, autocommit: bool) -> Option<Box<dyn RowSink>> {
        self.done.push(done);
        self.mailbox.shared.set_autocommit(autocommit || self.wrapped);
        self.mailbox.shared.set_paused(true);
        let waiting = std::mem::replace(&mut self.waiting, Waiting::Nobody);
        Ending { waiting, result: Ok(std::mem::take(&mut self.done)) }.send();
        let request = self.mailbox.next();
        self.mailbox.shared.set_paused(false);
        let request = request?;
        match request.command {
            Command::Resume(sink, reply) => {
                self.waiting = Waiting::Resume(reply);
                Some(sink)
            }
            command => {
                self.mailbox.put_back(Request { number: request.number, command });
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
            Waiting::Nobody => {}
        }
    }
}
