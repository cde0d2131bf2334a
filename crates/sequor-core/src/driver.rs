//! [`Driver`] and [`Connection`]: everything a database client must do for Sequor.
//!
//! A driver takes text and parameters and pushes rows; it never sees a model and never writes SQL of its own but for
//! `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints and session set-up.

mod batch;
mod body;
mod capability;
mod notification;
mod row;
mod stranger;
mod value_row;

pub use batch::{Batch, BatchMode, Derive, Earlier, Params, Step, StepDone};
pub use body::{Bodies, Body};
pub use capability::{Product, ServerInfo};
pub use notification::Notification;
pub use row::{Discard, Flow, RowReader, RowSink};
pub use stranger::{PROBE, Waited, recognize, wait_for};
pub use value_row::ValueRow;

use crate::error::{Error, Result};
use crate::types::BindType;
use crate::value::Value;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

/// A boxed future: futures are boxed here and nowhere else in the engine.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One bound parameter: the value and how it travels.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The value.
    pub value: Value,
    /// How it travels; [`BindType::default`] lets the server infer.
    pub bind: BindType,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// The isolation level; `None` is the server's default.
    pub isolation: Option<Isolation>,
    /// Whether it may only read.
    pub read_only: bool,
    /// SQLite: take the write lock at once (`BEGIN IMMEDIATE`). Others ignore it.
    pub immediate: bool,
    /// PostgreSQL: `DEFERRABLE`.
    pub deferrable: bool,
    /// SQLite: it may begin with its first statement, in one way to the connection's thread and back. The others always do.
    pub with_statement: bool,
}

/// The levels of SQL-92.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// READ UNCOMMITTED.
    ReadUncommitted,
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ.
    RepeatableRead,
    /// SERIALIZABLE.
    Serializable,
}

/// What the server says about the transaction of a connection; never a client's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No transaction.
    Idle,
    /// In a transaction.
    InTransaction,
    /// In a transaction that can only be rolled back.
    Failed,
    /// An exchange was cut short (a dropped future): unknown until [`Connection::reset`].
    Unknown,
    /// The connection is of no more use.
    Broken,
}

/// Makes connections to one database.
pub trait Driver: Send + Sync + std::fmt::Debug {
    /// Opens one connection, ready for use. Errors are [`crate::Error::Connection`] of the exact kind.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>>;

    /// Host, port and database for messages; never credentials.
    fn target(&self) -> String;

    /// The most connections that make sense (`sqlite::memory:` is one connection).
    fn max_connections(&self) -> Option<usize> {
        None
    }

    /// The file that the database is, where it is one.
    fn file(&self) -> Option<&Path> {
        None
    }
}

/// One connection. Every method's future may be dropped at any await: the connection then says [`Status::Unknown`] and
/// [`Connection::reset`] either proves it clean or fails, whereupon it is closed.
pub trait Connection: Send {
    /// What the server is.
    fn server(&self) -> &ServerInfo;

    /// Runs the steps of a batch in order. On an error the steps after it have not run.
    ///
    /// A step whose sink answers [`Flow::Pause`] ends the call: the step's [`StepDone::paused`] is set and [`Connection::resume`] goes on.
    /// Only a step that reads, and that is alone in its batch, may pause.
    fn run(&mut self, batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>>;

    /// Runs one step: what most statements are. The same as [`Connection::run`] with a batch of it, without the lists around it.
    fn run_step(&mut self, step: Step) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(async move { self.run(Batch::one(step)).await?.pop().ok_or_else(|| Error::bug("a batch of one step has no answer")) })
    }

    /// Goes on with a paused step, pushing into this sink.
    fn resume(&mut self, sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>>;

    /// Runs text without parameters that may hold several statements (migrations, session set-up).
    fn execute_script(&mut self, sql: String) -> BoxFuture<'_, Result<()>>;

    /// Begins a transaction. May be deferred to ride in the flush of the first statement; one that could not begin then has not run that statement, and tries again with the
    /// next one.
    fn begin(&mut self, begin: Begin) -> BoxFuture<'_, Result<()>>;

    /// Commits; Ok only if the server's answer says COMMIT. A line that breaks after the bytes were sent is `CommitUnknown`.
    fn commit(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Rolls back.
    fn rollback(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Sets savepoint `s<number>`.
    fn savepoint(&mut self, number: u32) -> BoxFuture<'_, Result<()>>;

    /// Releases savepoint `s<number>`.
    fn release(&mut self, number: u32) -> BoxFuture<'_, Result<()>>;

    /// Rolls back to savepoint `s<number>` and forgets it.
    fn rollback_to(&mut self, number: u32) -> BoxFuture<'_, Result<()>>;

    /// The transaction's state, as the server last said.
    fn status(&self) -> Status;

    /// Proves the connection clean (drains cut exchanges, rolls back, undoes session changes), or fails.
    fn reset(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Takes the settings that the session has now for its beginning: they are no change that makes the connection unclean. A [`Connection::reset`] that has
    /// another change to undo may undo them too; whoever made them makes them again behind it.
    fn keep_session(&mut self);

    /// Whether the socket still looks alive after lying unused for `idle`; costs no round trip, and for one in steady use no system call.
    fn is_alive(&mut self, idle: Duration) -> bool;

    /// One trivial round trip.
    fn ping(&mut self) -> BoxFuture<'_, Result<()>>;

    /// A handle that asks the server to stop what this connection runs. `None` where that cannot be.
    fn canceller(&self) -> Option<Box<dyn Cancel>>;

    /// The number that the server gave this session when it began, where servers tell it: a pooler in between tells another one.
    fn session_number(&self) -> Option<i64> {
        None
    }

    /// The last measured round trip, where it is known.
    fn round_trip(&self) -> Option<Duration> {
        None
    }

    /// How often this connection has waited for its server since it was opened.
    fn round_trips(&self) -> u64 {
        0
    }

    /// Waits for what other sessions tell this one, after a `LISTEN`. Dropping the future loses nothing.
    fn notification(&mut self) -> BoxFuture<'_, Result<Notification>> {
        Box::pin(std::future::ready(Err(Error::unsupported("this database sends no notifications"))))
    }

    /// Copies the database, as it is now, into a new file while it is in use.
    fn backup(&mut self, _to: PathBuf) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Err(no_file())))
    }

    /// Makes the database's file smaller, or writes a small copy of it into a new file.
    fn vacuum(&mut self, _into: Option<PathBuf>) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Err(no_file())))
    }

    /// Closes politely, at most a short while.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

#[cold]
fn no_file() -> Error {
    Error::unsupported(
        "backup() and vacuum() are SQLite's: servers have tools of their own (pg_dump, mariadb-dump, VACUUM, OPTIMIZE TABLE)",
    )
}

/// Asks a server to stop a running statement.
pub trait Cancel: Send + Sync {
    /// Sends the request; the statement then ends with an error of its own.
    fn cancel(&self) -> BoxFuture<'_, Result<()>>;

    /// The number that the server gave the connection's session, where servers tell it: a pooler in between tells another one.
    fn session(&self) -> Option<i64> {
        None
    }
}
