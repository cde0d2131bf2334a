//! Sessions of their own, beside the pool: advisory locks and listeners. They end with `db.close()`.

mod file;
mod listen;
mod lock;
mod maintenance;

pub use listen::Listener;
pub use lock::AdvisoryLock;

use super::pool::ConnectionPool;
use crate::load::unsink;
use sequor_core::driver::{Batch, Begin, Connection, Flow, RowReader, RowSink, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::value::Value;
use sequor_sql::{Dialect, Sql};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a session may take to answer before its line is taken for dead.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// The sessions of their own of one database, counted, so that closing can wait for them.
pub(crate) struct OwnSessions {
    open: watch::Sender<usize>,
    closing: watch::Sender<bool>,
    /// Locks of a database in memory, which nobody else can see.
    names: Mutex<HashSet<i64>>,
}

impl Default for OwnSessions {
    fn default() -> OwnSessions {
        OwnSessions { open: watch::Sender::new(0), closing: watch::Sender::new(false), names: Mutex::default() }
    }
}

impl OwnSessions {
    /// Counts a session until the guard is dropped.
    fn enter(self: &Arc<Self>) -> Entered {
        self.open.send_modify(|count| *count += 1);
        Entered(self.clone())
    }

    /// Waits until the database is closed.
    fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closing = self.closing.subscribe();
        async move { drop(closing.wait_for(|closing| *closing).await) }
    }

    /// Tells all sessions to end, and waits for that at most so long.
    pub(super) async fn close(&self, limit: Duration) {
        self.closing.send_replace(true);
        let mut open = self.open.subscribe();
        let _ = tokio::time::timeout(limit, open.wait_for(|count| *count == 0)).await;
    }

    fn lock_names(&self) -> std::sync::MutexGuard<'_, HashSet<i64>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entered(Arc<OwnSessions>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.open.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// How often a pooler is asked for one session twice.
const LOOKS: u32 = 3;

/// A session of its own. One that a pooler shares between transactions is refused: what is held there, the next one has.
pub(super) async fn own_session(pool: &ConnectionPool, dialect: Dialect) -> Result<Box<dyn Connection>> {
    let mut connection = pool.direct().await?;
    let (Some(sql), Some(told)) = (sequor_sql::session::session_number(dialect), connection.session_number()) else {
        return Ok(connection);
    };
    if first_number(&ask(&mut connection, sql.clone()).await?) == Some(told) {
        return Ok(connection);
    }
    // A pooler is in between. It shares sessions when another client gets the one that served this client just now.
    for _ in 0..LOOKS {
        let mine = first_number(&ask(&mut connection, sql.clone()).await?);
        let mut other = pool.direct().await?;
        other.begin(Begin::default()).await?;
        let theirs = first_number(&ask(&mut other, sql.clone()).await?);
        other.rollback().await?;
        other.close().await;
        if mine == theirs {
            return Err(Error::usage(
                "locks and listeners need a session of their own, and this URL leads through a pooler that shares sessions between transactions: \
                 give this program a URL of the server itself",
            ));
        }
    }
    Ok(connection)
}

pub(super) fn first_number(rows: &[Vec<Value>]) -> Option<i64> {
    match rows.first()?.first()? {
        Value::I64(number) => Some(*number),
        _ => None,
    }
}

/// Collects whole rows.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl RowSink for Rows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let cells: Result<Vec<Value>> = (0..row.len()).map(|index| row.any(index)).collect();
        self.rows.push(cells?);
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.rows.clear();
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Runs a small statement on a connection, and reads its rows.
pub(crate) async fn ask(connection: &mut Box<dyn Connection>, sql: Sql) -> Result<Vec<Vec<Value>>> {
    Ok(ask_named(connection, sql).await?.rows)
}

/// Runs a small statement on a connection, and reads its rows with the names of their columns.
pub(crate) async fn ask_named(connection: &mut Box<dyn Connection>, sql: Sql) -> Result<Rows> {
    answered(connection.run(asking(sql)).await?)
}

/// A small statement whose rows are read whole.
pub(crate) fn asking(sql: Sql) -> Batch {
    Batch::one(Step { cache: false, ..Step::query(sql.text, sql.params, Box::new(Rows::default())) })
}

/// The rows of [`asking`].
pub(crate) fn answered(mut done: Vec<StepDone>) -> Result<Rows> {
    unsink::<Rows>(done.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"))?)
}

/// Whether the first cell of an answer says yes.
pub(crate) fn is_yes(rows: &[Vec<Value>]) -> bool {
    matches!(rows.first().and_then(|row| row.first()), Some(Value::Bool(true) | Value::I64(1)))
}
