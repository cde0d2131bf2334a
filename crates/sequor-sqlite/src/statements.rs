//! Batches: their steps in order, in one transaction where that is asked for, with pauses between rows.

mod exchange;
mod step;
pub(crate) mod transaction;
mod words;

pub(crate) use exchange::{Cost, Exchange};

use crate::connection::Shared;
use crate::error::of_sqlite;
use crate::rows::Part;
use rusqlite::Connection;
use sequor_core::driver::{Batch, BatchMode, Params, Step, StepDone};
use sequor_core::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a connection's thread is to run: a batch, or the rest of one that began in place.
pub(crate) struct Errand {
    batch: Batch,
    /// The steps before.
    done: Vec<StepDone>,
    /// The batch's own transaction is open already.
    begun: bool,
}

impl From<Batch> for Errand {
    fn from(batch: Batch) -> Errand {
        Errand { batch, done: Vec::new(), begun: false }
    }
}

/// Runs a batch; what its steps did is in the exchange.
pub(crate) fn run_batch(connection: &Connection, exchange: &mut Exchange<'_>, errand: Errand) -> Result<()> {
    let Errand { batch, done, begun } = errand;
    if done.is_empty() {
        let Some(begin) = wrapping(connection, &batch) else { return guarded(connection, exchange, batch.steps) };
        transaction::execute(connection, begin)?;
    } else {
        exchange.go_on_after(done);
        if !begun {
            return guarded(connection, exchange, batch.steps);
        }
    }
    exchange.set_wrapped(true);
    let result = guarded(connection, exchange, batch.steps);
    match result {
        // A statement of the batch can have ended the transaction (ON CONFLICT ROLLBACK); then it is all undone and its error was the result.
        Ok(()) if connection.is_autocommit() => Err(transaction::finished()),
        Ok(()) => transaction::commit(connection),
        Err(error) => {
            transaction::rollback(connection)?;
            Err(error)
        }
    }
}

/// The statement that begins the batch's own transaction. A single statement is atomic and sees one snapshot by itself.
fn wrapping(connection: &Connection, batch: &Batch) -> Option<&'static str> {
    let single = matches!(batch.steps.as_slice(), [] | [Step { params: Params::Fixed(_) | Params::Derived(_), .. }]);
    match batch.mode {
        BatchMode::Plain => None,
        BatchMode::Snapshot | BatchMode::Atomic if single || !connection.is_autocommit() => None,
        BatchMode::Snapshot => Some("BEGIN"),
        BatchMode::Atomic => Some("BEGIN IMMEDIATE"),
    }
}

/// What came of an attempt in place.
pub(crate) enum Attempt<T, R> {
    Done(Result<T>),
    /// It would have had to wait for another connection's lock, or took too long: nothing has come of it.
    ForTheThread(R),
}

/// An attempt in place with what it took, and the room for rows that it was given.
pub(crate) struct Attempted<T, R> {
    pub(crate) attempt: Attempt<T, R>,
    pub(crate) cost: Cost,
    pub(crate) room: Option<Box<Part>>,
}

impl<T, R> Attempted<T, R> {
    fn of(attempt: Attempt<T, R>, mut exchange: Exchange<'_>) -> Attempted<T, R> {
        Attempted { attempt, cost: exchange.cost(), room: exchange.gathers().then(|| exchange.take_room()) }
    }
}

/// Runs one step on the caller's thread, and says what it took. It never waits for a lock. With room for its rows it only reads, and obeys a limit.
pub(crate) fn attempt(connection: &Connection, shared: &Shared, step: Step, room: Option<Box<Part>>) -> Attempted<StepDone, Step> {
    let mut exchange = Exchange::in_place(shared, room);
    let run = AssertUnwindSafe(|| step::attempt(connection, &mut exchange, step));
    let attempt = catch_unwind(run).unwrap_or_else(|_| Attempt::Done(Err(panicked())));
    Attempted::of(attempt, exchange)
}

/// Runs the steps of a snapshot likewise; the thread goes on where it stopped.
pub(crate) fn attempt_snapshot(
    connection: &Connection,
    shared: &Shared,
    batch: Batch,
    room: Option<Box<Part>>,
) -> Attempted<Vec<StepDone>, Errand> {
    let mut exchange = Exchange::in_place(shared, room);
    let attempt = whole_snapshot(connection, &mut exchange, batch);
    Attempted::of(attempt, exchange)
}

fn whole_snapshot(connection: &Connection, exchange: &mut Exchange<'_>, batch: Batch) -> Attempt<Vec<StepDone>, Errand> {
    let begin = wrapping(connection, &batch);
    if let Some(begin) = begin
        && let Err(error) = transaction::execute(connection, begin)
    {
        return Attempt::Done(Err(error));
    }
    let run = AssertUnwindSafe(|| snapshot(connection, exchange, batch));
    let attempt = match catch_unwind(run) {
        Ok(Ok(None)) => Attempt::Done(Ok(exchange.all())),
        Ok(Ok(Some(batch))) => Attempt::ForTheThread(Errand { batch, done: exchange.all(), begun: begin.is_some() }),
        Ok(Err(error)) => Attempt::Done(Err(error)),
        Err(_) => Attempt::Done(Err(panicked())),
    };
    let goes_on = matches!(&attempt, Attempt::ForTheThread(errand) if !errand.done.is_empty());
    if begin.is_none() || goes_on {
        return attempt;
    }
    let end = if matches!(attempt, Attempt::Done(Ok(_))) { transaction::commit(connection) } else { transaction::rollback(connection) };
    end.map_or_else(|error| Attempt::Done(Err(error)), |()| attempt)
}

fn snapshot(connection: &Connection, exchange: &mut Exchange<'_>, batch: Batch) -> Result<Option<Batch>> {
    let Batch { steps, mode } = batch;
    let mut rest = steps.into_iter();
    while let Some(step) = rest.next() {
        if let Some(step) = step::attempt_next(connection, exchange, step)? {
            return Ok(Some(Batch { steps: std::iter::once(step).chain(rest).collect(), mode }));
        }
    }
    Ok(None)
}

#[cold]
pub(crate) fn panicked() -> Error {
    Error::usage("the code that reads a row panicked; the statement was ended and its own transaction, if it had one, rolled back")
}

/// Runs the steps. A panic in a sink or closure of the caller becomes an error: it must not take the thread, or in memory the database, along.
fn guarded(connection: &Connection, exchange: &mut Exchange<'_>, steps: Vec<Step>) -> Result<()> {
    let run = AssertUnwindSafe(|| {
        let alone = steps.len() == 1 && exchange.earlier().is_empty();
        steps.into_iter().try_for_each(|step| step::run(connection, exchange, step, alone))
    });
    catch_unwind(run).unwrap_or_else(|_| {
        exchange.abandon();
        Err(panicked())
    })
}

/// Whether a script can leave a changed setting or a temporary table behind.
pub(crate) fn script_may_change_session(sql: &str) -> bool {
    let letters = sql.to_ascii_lowercase();
    letters.contains("pragma") || letters.contains("temp")
}

/// Runs text that may hold several statements.
pub(crate) fn run_script(connection: &Connection, sql: &str) -> Result<()> {
    words::refuse_zero_bytes(sql)?;
    let single = !sql.trim_end().trim_end_matches(';').contains(';');
    let _room = if single { step::Room::for_vacuum(connection, sql) } else { None };
    step::read_schema_again(connection);
    connection.execute_batch(sql).map_err(|error| of_sqlite(error, Some(sql)))
}
