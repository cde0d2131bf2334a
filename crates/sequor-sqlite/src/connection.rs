//! [`SqliteConnection`]: the caller's side of a connection. It sends requests to the thread and awaits answers.

mod core;
mod inline;
mod mailbox;
mod maintenance;
mod reading;
mod shared;
mod short;
mod soon;
mod worker;

pub(crate) use mailbox::{Command, Mailbox, Ran, Reply, Request};
pub(crate) use shared::{LONG, Shared};

use crate::connect::SqliteOptions;
use crate::statements::Errand;
use inline::{Done, Inline};
use mailbox::Control;
use reading::Reading;
use sequor_core::driver::{Batch, Begin, BoxFuture, Cancel, Connection, RowSink, ServerInfo, Status, Step, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;
use worker::Opened;

/// One open connection: a channel to the thread that owns it.
pub(crate) struct SqliteConnection {
    /// Short requests run in place. Dropped before the thread hears of the end, so that the thread closes the database.
    inline: Option<Inline>,
    requests: Sender<Request>,
    thread: JoinHandle<()>,
    shared: Arc<Shared>,
    server: ServerInfo,
    /// A request was sent and its answer not taken yet: true between calls only when a future was dropped.
    open: bool,
    broken: bool,
    patience: soon::Patience,
    /// The statement whose rows come in parts.
    reading: Option<Box<Reading>>,
    /// How the transaction begins that the caller is in: with the next request, in one way to the thread and back.
    begins: Option<Begin>,
}

impl SqliteConnection {
    /// Starts a thread and opens the database there.
    pub(crate) async fn connect(options: Arc<SqliteOptions>) -> Result<SqliteConnection> {
        let (requests, inbox) = channel();
        let mode = options.inline;
        let (ready, opened) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("sequor-sqlite".into())
            .spawn(move || worker::serve(options, inbox, ready))
            .map_err(|error| Error::connection(ConnectionErrorKind::NotReady, format!("no thread for the connection: {error}")))?;
        let Opened { shared, server, core } = opened.await.map_err(|_| gone())??;
        let inline = Inline::new(mode, core);
        Ok(SqliteConnection {
            inline,
            requests,
            thread,
            shared,
            server,
            open: false,
            broken: false,
            patience: soon::Patience::default(),
            reading: None,
            begins: None,
        })
    }

    /// Sends a request and awaits its answer. When the future is dropped before that, what can be stopped is stopped.
    async fn ask<T>(&mut self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let command = command(reply);
        let number = self.shared.number();
        let cancellable = command.cancellable();
        let begin = self.begins.take();
        if self.broken || self.requests.send(Request { number, begin, command }).is_err() {
            self.broken = true;
            return Err(gone());
        }
        self.open = true;
        let result = self.answer(answer, number, cancellable).await;
        if self.shared.take_not_begun() {
            self.begins = begin;
        }
        result
    }

    /// Has the thread run a batch, and learns whether it is one to run in place.
    async fn ask_to_run(&mut self, errand: Errand) -> Result<Ran> {
        let ran = self.ask(|reply| Command::Run(errand, reply)).await;
        if let Some(inline) = &mut self.inline {
            inline.learn(ran.as_ref().ok().map(|ran| ran.cost));
        }
        ran
    }

    /// The answer to a request; dropped before it has come, it stops what can be stopped.
    async fn answer<T>(&mut self, answer: oneshot::Receiver<Result<T>>, number: u64, cancellable: bool) -> Result<T> {
        let guard = Guard { shared: &self.shared, number, armed: cancellable };
        let result = soon::answer(answer, &mut self.patience).await;
        guard.disarm();
        self.open = false;
        result.unwrap_or_else(|_| {
            self.broken = true;
            Err(gone())
        })
    }

    async fn control(&mut self, control: Control) -> Result<()> {
        let control = match &self.inline {
            // A cut exchange may still run on the thread.
            Some(inline) if !self.open && !self.broken => match inline.control(control, &self.shared) {
                Done::Here(result) => return result,
                Done::ForTheThread(control) => control,
            },
            _ => control,
        };
        self.ask(|reply| Command::Control(control, reply)).await
    }

    /// What has to be over before a call: a statement that comes in parts is given up. A cut exchange may still run: nothing but a rollback or a reset may follow it.
    async fn be_free(&mut self) -> Result<()> {
        if self.reading.is_some() && !self.open {
            Box::pin(self.give_up()).await;
        }
        if self.open {
            return Err(Error::connection(
                ConnectionErrorKind::Broken,
                "the call before was dropped before its end; the connection has to be reset first",
            ));
        }
        Ok(())
    }
}

/// Lets other tasks have their turn now and then. Outside of transactions that is the matter of whoever lends connections: a loan is not to be held meanwhile.
async fn yield_in_transaction(shared: &Shared) {
    if !shared.autocommit() {
        consume_budget().await;
    }
}

#[cold]
fn gone() -> Error {
    Error::connection(ConnectionErrorKind::Broken, "the thread of this SQLite connection has ended")
}

/// Stops a request when the future that waits for it is dropped.
struct Guard<'a> {
    shared: &'a Shared,
    number: u64,
    armed: bool,
}

impl Guard<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.interrupt(self.number);
        }
    }
}

impl Connection for SqliteConnection {
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn run(&mut self, batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>> {
        Box::pin(async move {
            self.be_free().await?;
            let errand = match &mut self.inline {
                Some(inline) if !self.broken => {
                    yield_in_transaction(&self.shared).await;
                    match inline.run(batch, &self.shared, self.begins.is_none()) {
                        Done::Here(result) => return result,
                        Done::ForTheThread(errand) => errand,
                    }
                }
                _ => batch.into(),
            };
            let ran = self.ask_to_run(errand).await?;
            self.first(ran).await
        })
    }

    fn run_step(&mut self, step: Step) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(async move {
            self.be_free().await?;
            let step = match &mut self.inline {
                Some(inline) if !self.broken => {
                    yield_in_transaction(&self.shared).await;
                    match inline.run_step(step, &self.shared, self.begins.is_none()) {
                        Done::Here(result) => return result,
                        Done::ForTheThread(step) => step,
                    }
                }
                _ => step,
            };
            let ran = self.ask_to_run(Batch::one(step).into()).await?;
            self.first(ran).await?.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"))
        })
    }

    fn resume(&mut self, sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(self.next_rows(sink))
    }

    fn execute_script(&mut self, sql: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.ask(|reply| Command::Script(sql, reply)).await
        })
    }

    fn begin(&mut self, begin: Begin) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            let may_wait = begin.with_statement && !self.inline.as_ref().is_some_and(Inline::controls);
            if may_wait && self.begins.is_none() && self.shared.autocommit() && !self.broken {
                self.begins = Some(begin);
                return Ok(());
            }
            self.control(Control::Begin(begin)).await
        })
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            if self.begins.take().is_some() {
                return Ok(());
            }
            match self.control(Control::Commit).await {
                Err(Error::Connection(error)) if error.kind == ConnectionErrorKind::Broken && self.broken => {
                    Err(Error::connection(ConnectionErrorKind::CommitUnknown, error.message))
                }
                result => result,
            }
        })
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if self.begins.take().is_some() {
                return Ok(());
            }
            self.control(Control::Rollback).await
        })
    }

    fn savepoint(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.control(Control::Savepoint(number)).await
        })
    }

    fn release(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.control(Control::Release(number)).await
        })
    }

    fn rollback_to(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.control(Control::RollbackTo(number)))
    }

    fn status(&self) -> Status {
        if self.broken {
            Status::Broken
        } else if self.open || self.reading.is_some() {
            // A paused statement holds a snapshot of its own. A reset ends it.
            Status::Unknown
        } else if !self.shared.autocommit() || self.begins.is_some() {
            Status::InTransaction
        } else if self.shared.paused() || self.shared.dirty() {
            // A changed setting must not meet the next borrower. A reset ends it.
            Status::Unknown
        } else {
            Status::Idle
        }
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.begins = None;
            if self.reading.is_some() {
                Box::pin(self.give_up()).await;
            }
            if self.status() == Status::Idle {
                return Ok(());
            }
            let result = self.control(Control::Reset).await;
            self.broken |= result.is_err();
            result
        })
    }

    fn keep_session(&mut self) {
        self.shared.set_dirty(false);
    }

    fn is_alive(&mut self, _idle: Duration) -> bool {
        !self.broken && !self.thread.is_finished()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.control(Control::Ping).await
        })
    }

    fn round_trips(&self) -> u64 {
        self.shared.requests()
    }

    fn canceller(&self) -> Option<Box<dyn Cancel>> {
        Some(Box::new(Canceller { shared: Arc::clone(&self.shared) }))
    }

    fn backup(&mut self, to: PathBuf) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.ask(|reply| Command::Backup(to, reply)).await
        })
    }

    fn vacuum(&mut self, into: Option<PathBuf>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.be_free().await?;
            self.ask(|reply| Command::Vacuum(into, reply)).await
        })
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.inline.take());
            self.stop_reading();
            let (reply, closed) = oneshot::channel();
            let number = self.shared.number();
            if self.requests.send(Request { number, begin: None, command: Command::Close(reply) }).is_ok() {
                let _ = closed.await;
            }
        })
    }
}

/// Stops what a connection runs at this moment, and nothing that it runs later.
struct Canceller {
    shared: Arc<Shared>,
}

impl Cancel for Canceller {
    fn cancel(&self) -> BoxFuture<'_, Result<()>> {
        self.shared.cancel_last();
        Box::pin(std::future::ready(Ok(())))
    }
}
