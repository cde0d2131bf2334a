//! The thread of a connection: takes commands, runs batches, pushes rows.

use crate::connect::SqliteOptions;
use crate::rows::SqliteRow;
use crate::{error, params};
use rusqlite::{Connection as Sqlite, InterruptHandle, Statement};
use sequor_core::driver::{Batch, BatchMode, Discard, Flow, Param, Params, RowSink, Status, Step, StepDone};
use sequor_core::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// What a connection is asked to do.
pub(crate) enum Command {
    /// Run a batch.
    Run(Batch, oneshot::Sender<Answer<Vec<StepDone>>>),
    /// Go on with a paused step.
    Resume(Box<dyn RowSink>, oneshot::Sender<Answer<StepDone>>),
    /// Run statements without parameters.
    Script(String, oneshot::Sender<Answer<()>>),
    /// Commit.
    Commit(oneshot::Sender<Answer<()>>),
    /// Roll back, if there is a transaction.
    Rollback(oneshot::Sender<Answer<()>>),
    /// End.
    Close(oneshot::Sender<()>),
}

/// What came of it, and the state of the transaction after it.
pub(crate) struct Answer<T> {
    pub(crate) result: Result<T>,
    pub(crate) status: Status,
}

fn status(sqlite: &Sqlite) -> Status {
    if sqlite.is_autocommit() { Status::Idle } else { Status::InTransaction }
}

fn answer<T>(sqlite: &Sqlite, reply: oneshot::Sender<Answer<T>>, result: Result<T>) {
    // A receiver that is gone dropped its future; the next command is its reset.
    let _ = reply.send(Answer { result, status: status(sqlite) });
}

/// The life of a connection's thread.
pub(crate) fn serve(options: &SqliteOptions, inbox: &Receiver<Command>, ready: oneshot::Sender<Result<InterruptHandle>>) {
    let sqlite = match options.open() {
        Ok(sqlite) => sqlite,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(sqlite.get_interrupt_handle())).is_err() {
        return;
    }
    let mut next = inbox.recv().ok();
    while let Some(command) = next.take() {
        match command {
            Command::Run(batch, reply) => {
                next = run(&sqlite, batch, reply, inbox);
                if next.is_some() {
                    continue;
                }
            }
            Command::Resume(_, reply) => answer(&sqlite, reply, Err(Error::bug("no statement is paused"))),
            Command::Script(sql, reply) => {
                let result = sqlite.execute_batch(&sql).map_err(error::of);
                answer(&sqlite, reply, result);
            }
            Command::Commit(reply) => {
                let result = commit(&sqlite);
                answer(&sqlite, reply, result);
            }
            Command::Rollback(reply) => {
                let result = rollback(&sqlite);
                answer(&sqlite, reply, result);
            }
            Command::Close(reply) => {
                drop(sqlite);
                let _ = reply.send(());
                return;
            }
        }
        next = inbox.recv().ok();
    }
}

fn commit(sqlite: &Sqlite) -> Result<()> {
    if sqlite.is_autocommit() {
        // Disk full and ON CONFLICT ROLLBACK end a transaction behind its back.
        return Err(Error::of_usage(sequor_core::error::UsageErrorKind::TransactionFinished, "the database has already rolled this transaction back"));
    }
    let result = sqlite.execute_batch("COMMIT").map_err(error::of);
    let _ = sqlite.pragma_update(None, "query_only", false);
    result
}

fn rollback(sqlite: &Sqlite) -> Result<()> {
    let result = if sqlite.is_autocommit() { Ok(()) } else { sqlite.execute_batch("ROLLBACK").map_err(error::of) };
    let _ = sqlite.pragma_update(None, "query_only", false);
    result
}

/// Runs a batch and answers; gives back the command that came while its last step was paused.
fn run(sqlite: &Sqlite, batch: Batch, reply: oneshot::Sender<Answer<Vec<StepDone>>>, inbox: &Receiver<Command>) -> Option<Command> {
    let around = sqlite.is_autocommit() && batch.mode != BatchMode::Plain && batch.steps.len() > usize::from(batch.mode == BatchMode::Snapshot);
    if around {
        let begin = if batch.mode == BatchMode::Atomic { "BEGIN IMMEDIATE" } else { "BEGIN" };
        if let Err(source) = sqlite.execute_batch(begin) {
            answer(sqlite, reply, Err(error::of(source)));
            return None;
        }
    }
    let mut done = Vec::with_capacity(batch.steps.len());
    let mut reply = Some(reply);
    for step in batch.steps {
        let result = catch_unwind(AssertUnwindSafe(|| run_step(sqlite, step, &mut done, &mut reply, inbox)));
        match result {
            Ok(Ok(Ended::Step)) => {}
            Ok(Ok(Ended::Paused(next))) => {
                return next;
            }
            failed => {
                let failure = match failed {
                    Ok(Err(failure)) => failure,
                    _ => Error::bug("reading a row panicked"),
                };
                if around && !sqlite.is_autocommit() {
                    let _ = sqlite.execute_batch("ROLLBACK");
                }
                if let Some(reply) = reply.take() {
                    answer(sqlite, reply, Err(failure));
                }
                return None;
            }
        }
    }
    let mut result = Ok(done);
    if around {
        if let Err(source) = sqlite.execute_batch("COMMIT") {
            let _ = sqlite.execute_batch("ROLLBACK");
            result = Err(error::of(source));
        }
    }
    if let Some(reply) = reply.take() {
        answer(sqlite, reply, result);
    }
    None
}

enum Ended {
    /// The step is in the list of those that are done.
    Step,
    /// It was paused, the batch was answered, and this command came after its end.
    Paused(Option<Command>),
}

fn run_step(
    sqlite: &Sqlite,
    step: Step,
    done: &mut Vec<StepDone>,
    reply: &mut Option<oneshot::Sender<Answer<Vec<StepDone>>>>,
    inbox: &Receiver<Command>,
) -> Result<Ended> {
    let Step { text, params, mut sink, cache } = step;
    let (text, lists) = match params {
        Params::Fixed(params) => (text, vec![params]),
        Params::Many(lists) => (text, lists),
        Params::Derived(derive) => match derive()? {
            Some((text, params)) => (text, vec![params]),
            None => {
                done.push(StepDone { sink, affected: 0, last_insert_id: None, paused: false });
                return Ok(Ended::Step);
            }
        },
    };
    let mut affected = 0;
    if cache {
        let mut statement = sqlite.prepare_cached(&text).map_err(|source| error::preparing(source, &text))?;
        for list in lists {
            match run_statement(sqlite, &mut statement, list, &mut sink, inbox, done, reply)? {
                Ran::Ended(count) => affected += count,
                Ran::Paused(next) => return Ok(Ended::Paused(next)),
            }
        }
    } else {
        let mut statement = sqlite.prepare(&text).map_err(|source| error::preparing(source, &text))?;
        for list in lists {
            match run_statement(sqlite, &mut statement, list, &mut sink, inbox, done, reply)? {
                Ran::Ended(count) => affected += count,
                Ran::Paused(next) => return Ok(Ended::Paused(next)),
            }
        }
    }
    done.push(StepDone { sink, affected, last_insert_id: Some(sqlite.last_insert_rowid()), paused: false });
    Ok(Ended::Step)
}

enum Ran {
    Ended(u64),
    Paused(Option<Command>),
}

fn run_statement(
    sqlite: &Sqlite,
    statement: &mut Statement<'_>,
    list: Vec<Param>,
    sink: &mut Box<dyn RowSink>,
    inbox: &Receiver<Command>,
    done: &mut Vec<StepDone>,
    reply: &mut Option<oneshot::Sender<Answer<Vec<StepDone>>>>,
) -> Result<Ran> {
    params::bind(statement, list)?;
    let width = statement.column_count();
    let reads = statement.readonly();
    if width > 0 {
        let names = (0..width).map(|index| statement.column_name(index)).collect::<rusqlite::Result<Vec<&str>>>().map_err(error::of)?;
        sink.columns(&names)?;
    }
    let mut rows = statement.raw_query();
    let mut count = 0;
    loop {
        let row = match rows.next().map_err(error::of)? {
            Some(row) => row,
            None => break,
        };
        count += 1;
        match sink.row(&mut SqliteRow::new(row, width))? {
            Flow::Continue => {}
            Flow::Stop => break,
            Flow::Pause => {
                let full = std::mem::replace(sink, Box::new(Discard));
                done.push(StepDone { sink: full, affected: count, last_insert_id: None, paused: true });
                if let Some(reply) = reply.take() {
                    answer(sqlite, reply, Ok(std::mem::take(done)));
                }
                // The statement stays open on this stack until it is resumed to its end, or another command comes.
                loop {
                    let (mut again, reply) = match inbox.recv() {
                        Ok(Command::Resume(sink, reply)) => (sink, reply),
                        Ok(other) => return Ok(Ran::Paused(Some(other))),
                        Err(_) => return Ok(Ran::Paused(None)),
                    };
                    let result = fill(&mut rows, &mut again, width);
                    let paused = matches!(result, Ok(true));
                    let result = result.map(|_| StepDone { sink: again, affected: 0, last_insert_id: None, paused });
                    if !paused {
                        drop(rows);
                        answer(sqlite, reply, result);
                        return Ok(Ran::Paused(None));
                    }
                    answer(sqlite, reply, result);
                }
            }
        }
    }
    drop(rows);
    Ok(Ran::Ended(if reads { count } else { sqlite.changes() }))
}

/// Pushes rows until the sink pauses (true) or they end (false).
fn fill(rows: &mut rusqlite::Rows<'_>, sink: &mut Box<dyn RowSink>, width: usize) -> Result<bool> {
    while let Some(row) = rows.next().map_err(error::of)? {
        match sink.row(&mut SqliteRow::new(row, width))? {
            Flow::Continue => {}
            Flow::Stop => return Ok(false),
            Flow::Pause => return Ok(true),
        }
    }
    Ok(false)
}
