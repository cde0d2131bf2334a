//! [`SqliteConnection`]: the caller's end of a connection; the other end is a thread.

use crate::connect::SqliteOptions;
use crate::worker::{self, Answer, Command};
use rusqlite::InterruptHandle;
use sequor_core::driver::{Batch, Begin, BoxFuture, Cancel, Connection, Product, RowSink, ServerInfo, Status, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;

/// One connection. Commands go to its thread; a future that is dropped interrupts what runs there.
pub(crate) struct SqliteConnection {
    commands: Sender<Command>,
    interrupt: Arc<InterruptHandle>,
    server: ServerInfo,
    status: Status,
}

#[cold]
fn gone() -> Error {
    Error::connection(ConnectionErrorKind::Broken, "the thread of this SQLite connection has ended")
}

/// Interrupts the thread when the future that waits for it is dropped.
struct Guard {
    interrupt: Option<Arc<InterruptHandle>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
    }
}

impl SqliteConnection {
    pub(crate) async fn open(options: SqliteOptions) -> Result<SqliteConnection> {
        let (commands, inbox) = std::sync::mpsc::channel();
        let (ready, opened) = oneshot::channel();
        std::thread::Builder::new().name("sequor-sqlite".into()).spawn(move || worker::serve(&options, &inbox, ready))?;
        let interrupt = opened.await.map_err(|_| gone())??;
        let version = rusqlite::version_number();
        let part = |divisor: i32| u32::try_from(version / divisor % 1000).unwrap_or(0);
        let server = ServerInfo { product: Product::Sqlite, version: (part(1_000_000), part(1_000), part(1)), read_only: false };
        Ok(SqliteConnection { commands, interrupt: Arc::new(interrupt), server, status: Status::Idle })
    }

    /// Sends a command and waits for its answer; until then the state is unknown.
    async fn ask<T>(&mut self, make: impl FnOnce(oneshot::Sender<Answer<T>>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.status = Status::Unknown;
        if self.commands.send(make(reply)).is_err() {
            self.status = Status::Broken;
            return Err(gone());
        }
        let mut guard = Guard { interrupt: Some(self.interrupt.clone()) };
        let answer = answer.await;
        guard.interrupt = None;
        match answer {
            Ok(answer) => {
                self.status = answer.status;
                answer.result
            }
            Err(_) => {
                self.status = Status::Broken;
                Err(gone())
            }
        }
    }

    fn control(&mut self, sql: impl Into<String>) -> BoxFuture<'_, Result<()>> {
        let sql = sql.into();
        Box::pin(self.ask(move |reply| Command::Script(sql, reply)))
    }
}

impl Connection for SqliteConnection {
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn run(&mut self, batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>> {
        Box::pin(self.ask(move |reply| Command::Run(batch, reply)))
    }

    fn resume(&mut self, sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(self.ask(move |reply| Command::Resume(sink, reply)))
    }

    fn execute_script(&mut self, sql: String) -> BoxFuture<'_, Result<()>> {
        self.control(sql)
    }

    fn begin(&mut self, begin: Begin) -> BoxFuture<'_, Result<()>> {
        self.control(match (begin.read_only, begin.immediate) {
            (true, _) => "BEGIN; PRAGMA query_only = 1",
            (false, true) => "BEGIN IMMEDIATE",
            (false, false) => "BEGIN",
        })
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ask(Command::Commit))
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ask(Command::Rollback))
    }

    fn savepoint(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.control(format!("SAVEPOINT s{number}"))
    }

    fn release(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.control(format!("RELEASE s{number}"))
    }

    fn rollback_to(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.control(format!("ROLLBACK TO s{number}; RELEASE s{number}"))
    }

    fn status(&self) -> Status {
        self.status
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        // The command waits behind whatever was cut short; that was interrupted when its future was dropped.
        Box::pin(self.ask(Command::Rollback))
    }

    fn is_alive(&mut self) -> bool {
        self.status != Status::Broken
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        self.control("SELECT 1")
    }

    fn canceller(&self) -> Option<Box<dyn Cancel>> {
        Some(Box::new(Interrupt(self.interrupt.clone())))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (reply, closed) = oneshot::channel();
            if self.commands.send(Command::Close(reply)).is_ok() {
                let _ = closed.await;
            }
        })
    }
}

struct Interrupt(Arc<InterruptHandle>);

impl Cancel for Interrupt {
    fn cancel(&self) -> BoxFuture<'_, Result<()>> {
        self.0.interrupt();
        Box::pin(async { Ok(()) })
    }
}
