//! What became of a transaction whose COMMIT was sent and never answered: on PostgreSQL its number tells.
//!
//! The number is asked for in the flush of the transaction's first write (`DbOptions::resolve_commits`). It belongs to one history of the database: a standby that was
//! promoted meanwhile gives the same numbers to other transactions, so the history is remembered beside it, and under another one nobody knows.

use super::TxHandle;
use crate::db::own::{Rows, ask};
use crate::db::pool::ConnectionPool;
use crate::load::unsink;
use sequor_core::driver::{Batch, BoxFuture, Connection, Step, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use sequor_core::value::Value;
use sequor_sql::session::{TransactionNumber, transaction_number};
use sequor_sql::{Dialect, Sql};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a COMMIT may still be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is known of a transaction whose end may have to be asked for.
pub(super) struct Numbered {
    /// How long somebody may ask.
    limit: Duration,
    ask: &'static str,
    number: OnceLock<TransactionNumber>,
}

impl Numbered {
    /// Of a transaction that may write, where that was asked for and the database can tell.
    pub(super) fn new(limit: Option<Duration>, dialect: Dialect, reads: bool) -> Option<Numbered> {
        let (limit, ask) = limit.filter(|_| !reads).zip(transaction_number(dialect))?;
        Some(Numbered { limit, ask, number: OnceLock::new() })
    }
}

impl TxHandle {
    /// What asks for the number, while it is not known.
    fn asks(&self, write: bool) -> Option<(&Numbered, Step)> {
        let numbered = self.shared.numbered.as_ref().filter(|numbered| write && numbered.number.get().is_none())?;
        Some((numbered, Step::query(numbered.ask, Vec::new(), Box::new(Rows::default()))))
    }

    pub(in crate::db) async fn run(&self, mut batch: Batch, write: bool) -> Result<Vec<StepDone>> {
        let asks = self.asks(write).map(|(numbered, step)| {
            batch.steps.push(step);
            numbered
        });
        let mut done = self.with(async |pooled| pooled.get()?.run(batch).await).await?;
        if let Some(numbered) = asks {
            numbered.note(done.pop())?;
        }
        Ok(done)
    }

    pub(in crate::db) async fn run_step(&self, step: Step, write: bool) -> Result<StepDone> {
        if self.asks(write).is_none() {
            return self.with(async |pooled| pooled.get()?.run_step(step).await).await;
        }
        let done: BoxFuture<'_, Result<Vec<StepDone>>> = Box::pin(self.run(Batch::one(step), write));
        done.await?.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"))
    }

    /// The outcome of a COMMIT; one that nobody answered is asked for.
    pub(super) async fn settled(&self, outcome: Result<()>, pool: &Arc<ConnectionPool>) -> Result<()> {
        let unknown = matches!(&outcome, Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::CommitUnknown);
        let known = self.shared.numbered.as_ref().filter(|_| unknown).and_then(|numbered| Some((numbered.limit, numbered.number.get()?)));
        let Some((limit, number)) = known else { return outcome };
        match Box::pin(fate(pool, number, limit)).await {
            Some(true) => Ok(()),
            Some(false) => Err(Error::connection(
                ConnectionErrorKind::Broken,
                format!(
                    "{}: it broke at COMMIT, and the server says that the transaction was rolled back: nothing of it is stored",
                    pool.target()
                ),
            )),
            None => outcome,
        }
    }
}

impl Numbered {
    fn note(&self, done: Option<StepDone>) -> Result<()> {
        let rows = unsink::<Rows>(done.ok_or_else(|| Error::bug("a step that was asked for has no answer"))?)?.rows;
        if let Some(number) = cell(&rows).and_then(TransactionNumber::read) {
            let _ = self.number.set(number);
        }
        Ok(())
    }
}

fn cell(rows: &[Vec<Value>]) -> Option<&str> {
    match rows.first()?.first()? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether the transaction is stored; `None` when nobody says so in time.
async fn fate(pool: &Arc<ConnectionPool>, number: &TransactionNumber, limit: Duration) -> Option<bool> {
    let start = Instant::now();
    // A limit beyond what the clock can say is as good as a year.
    let end = start.checked_add(limit).unwrap_or(start + YEAR);
    // A server that is being started again refuses connections for a while.
    while Instant::now() < end {
        let question = async {
            let mut connection = pool.direct().await?;
            let answer = question(&mut connection, number, start.elapsed() > ON_ITS_WAY).await;
            connection.close().await;
            answer
        };
        match timeout_at(end, question).await {
            Ok(Ok(Some(stored))) => return Some(stored),
            Ok(Ok(None)) | Ok(Err(_)) => sleep(PAUSE).await,
            Err(_) => break,
        }
    }
    None
}

async fn question(connection: &mut Box<dyn Connection>, number: &TransactionNumber, late: bool) -> Result<Option<bool>> {
    let plain = |text: String| Sql { text, params: Vec::new() };
    let rows = ask(connection, plain(number.fate())).await?;
    match cell(&rows) {
        Some("committed") => Ok(Some(true)),
        Some("aborted") => Ok(Some(false)),
        // A session that still waits for its next statement never got the COMMIT, and never will: its line is gone.
        Some("in progress") if late => ask(connection, plain(number.end_waiting())).await.map(|_| None),
        _ => Ok(None),
    }
}
