//! [`Mailbox`]: what a connection's thread is asked to do.

use super::Shared;
use crate::rows::Part;
use crate::statements::{Cost, Errand};
use sequor_core::driver::{Begin, StepDone};
use sequor_core::error::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T>>;

/// A numbered request.
pub(crate) struct Request {
    pub(crate) number: u64,
    /// The transaction that begins before the command, in which it runs.
    pub(crate) begin: Option<Begin>,
    pub(crate) command: Command,
}

/// What the thread can do.
pub(crate) enum Command {
    Run(Errand, Reply<Ran>),
    /// The next rows of a paused statement, in the place of these.
    Resume(Box<Part>, Reply<Box<Part>>),
    Script(String, Reply<()>),
    Control(Control, Reply<()>),
    Backup(PathBuf, Reply<()>),
    Vacuum(Option<PathBuf>, Reply<()>),
    Close(oneshot::Sender<()>),
}

/// What came of a batch.
pub(crate) struct Ran {
    pub(crate) done: Vec<StepDone>,
    /// The rows of its only step, where its sink may want them in parts.
    pub(crate) part: Option<Box<Part>>,
    pub(crate) cost: Cost,
}

/// Requests without rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Begin(Begin),
    Commit,
    Rollback,
    Savepoint(u32),
    Release(u32),
    RollbackTo(u32),
    Reset,
    Ping,
}

impl Command {
    /// Whether a dropped future or a canceller may stop it.
    pub(crate) fn cancellable(&self) -> bool {
        match self {
            Command::Run(..) | Command::Resume(..) | Command::Script(..) | Command::Backup(..) | Command::Vacuum(..) => true,
            Command::Control(control, _) => control.cancellable(),
            Command::Close(_) => false,
        }
    }
}

impl Command {
    /// Answers a command that is not carried out.
    pub(super) fn refuse(self, error: Error) {
        // Nobody waits any more when the future was dropped.
        match self {
            Command::Run(_, reply) => drop(reply.send(Err(error))),
            Command::Resume(_, reply) => drop(reply.send(Err(error))),
            Command::Script(_, reply) | Command::Control(_, reply) | Command::Backup(_, reply) | Command::Vacuum(_, reply) => {
                drop(reply.send(Err(error)));
            }
            Command::Close(reply) => drop(reply.send(())),
        }
    }
}

impl Control {
    pub(crate) fn cancellable(self) -> bool {
        matches!(self, Control::Begin(_) | Control::Ping)
    }

    /// Whether it is over at once, unless another connection holds a lock.
    pub(super) fn is_short(self) -> bool {
        !matches!(self, Control::Reset)
    }
}

/// The requests of one connection. A paused statement reads the next request too, and puts back one that is not its own.
pub(crate) struct Mailbox {
    pub(crate) shared: Arc<Shared>,
    inbox: Receiver<Request>,
    put_back: Option<Request>,
}

impl Mailbox {
    pub(super) fn new(shared: Arc<Shared>, inbox: Receiver<Request>) -> Mailbox {
        Mailbox { shared, inbox, put_back: None }
    }

    /// Waits for the next request; `None` when the connection was dropped.
    pub(crate) fn next(&mut self) -> Option<Request> {
        let request = match self.put_back.take() {
            Some(request) => request,
            None => super::soon::request(&self.inbox)?,
        };
        self.shared.begin(request.number, request.command.cancellable());
        Some(request)
    }

    /// Puts a request back to be the next one.
    pub(crate) fn put_back(&mut self, request: Request) {
        self.put_back = Some(request);
    }
}
