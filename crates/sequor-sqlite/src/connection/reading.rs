//! [`Reading`]: a statement that the thread reads in parts, a little ahead of its caller, who makes rows of them.
//!
//! A thread that waited for each part to be asked for would wait for as long as its caller takes to be woken. Two parts are asked for beforehand: while one is on its way
//! the other is being read.

use super::mailbox::{Command, Control, Ran, Request};
use super::{SqliteConnection, gone};
use crate::rows::{Cells, Part};
use crate::statements::panicked;
use sequor_core::driver::{Flow, Params, RowSink, StepDone};
use sequor_core::error::{Error, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;

/// How many parts are asked for before they are wanted.
const AHEAD: usize = 2;

/// Where the rows of a statement stand.
pub(super) struct Reading {
    part: Box<Part>,
    /// The first row of the part that nobody has got yet.
    next: usize,
    ahead: VecDeque<Ahead>,
}

/// A part that was asked for.
pub(super) struct Ahead {
    number: u64,
    answer: oneshot::Receiver<Result<Box<Part>>>,
}

impl Reading {
    /// Gives a sink its rows, up to its pause or the end of the part: how many, and what it said last.
    fn give(&mut self, sink: &mut dyn RowSink) -> Result<(u64, Flow)> {
        let (mut rows, mut flow) = (0, Flow::Continue);
        for row in self.part.from(self.next) {
            rows += 1;
            flow = sink.row(&mut Cells::new(&row))?;
            if flow != Flow::Continue {
                break;
            }
        }
        self.next += rows;
        Ok((u64::try_from(rows).unwrap_or(u64::MAX), flow))
    }
}

impl SqliteConnection {
    /// The answer of a batch; the rows of a last step that come in parts go to its sink first.
    pub(super) async fn first(&mut self, ran: Ran) -> Result<Vec<StepDone>> {
        let Ran { mut done, part, .. } = ran;
        if let Some(part) = part
            && let Some(mut step) = done.pop()
        {
            if step.sink.wants_names() {
                step.sink.columns(&part.names())?;
            }
            self.reading = Some(Box::new(Reading { part, next: 0, ahead: VecDeque::new() }));
            self.ask_ahead(None);
            done.push(Box::pin(self.fill(step)).await?);
        }
        Ok(done)
    }

    /// The next rows of a statement whose sink has paused it.
    pub(super) async fn next_rows(&mut self, sink: Box<dyn RowSink>) -> Result<StepDone> {
        if self.reading.is_none() || self.open {
            self.be_free().await?;
            return Err(Error::bug("no statement is paused on this SQLite connection"));
        }
        self.fill(StepDone { sink, affected: 0, last_insert_id: None, key_step: 1, paused: false, params: Params::default() }).await
    }

    /// Gives a step's sink rows until it has enough, or there are no more.
    async fn fill(&mut self, mut step: StepDone) -> Result<StepDone> {
        step.affected = 0;
        step.paused = false;
        while let Some(reading) = &mut self.reading {
            // A panic of the code that reads a row ends the statement and not the program's task, as on the thread.
            let given = catch_unwind(AssertUnwindSafe(|| reading.give(&mut *step.sink))).unwrap_or_else(|_| Err(panicked()));
            let (rows, flow) = match given {
                Ok(given) => given,
                Err(error) => {
                    self.give_up().await;
                    return Err(error);
                }
            };
            step.affected += rows;
            match flow {
                Flow::Pause => {
                    step.paused = true;
                    break;
                }
                Flow::Continue if reading.part.more => self.next_part().await?,
                Flow::Continue | Flow::Stop => self.give_up().await,
            }
        }
        Ok(step)
    }

    /// Takes the part that was asked for first.
    async fn next_part(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else { return Err(gone()) };
        let Some(Ahead { number, answer }) = reading.ahead.pop_front() else { return Err(gone()) };
        // Whoever drops this wants none of the others either.
        let last = reading.ahead.back().map_or(number, |last| last.number);
        self.open = true;
        match self.answer(answer, last, true).await {
            Ok(part) => {
                if let Some(reading) = &mut self.reading {
                    reading.next = 0;
                    let before = std::mem::replace(&mut reading.part, part);
                    self.ask_ahead(Some(before));
                }
                Ok(())
            }
            Err(error) => {
                self.give_up().await;
                Err(error)
            }
        }
    }

    /// Asks for more parts, where there are any; the first in the place of one that is not needed any more.
    fn ask_ahead(&mut self, mut spare: Option<Box<Part>>) {
        let Some(reading) = &mut self.reading else { return };
        while reading.part.more && reading.ahead.len() < AHEAD {
            let (reply, answer) = oneshot::channel();
            let number = self.shared.number();
            let command = Command::Resume(spare.take().unwrap_or_default(), reply);
            // A thread that is gone is seen by whoever awaits the answer.
            let _ = self.requests.send(Request { number, begin: None, command });
            reading.ahead.push_back(Ahead { number, answer });
        }
    }

    /// Ends the statement, and waits until its thread is free.
    pub(super) async fn give_up(&mut self) {
        if let Some(Ahead { number, answer }) = self.stop_reading() {
            self.open = true;
            // Rows, or that there is no statement any more: nobody wants to know.
            let _ = self.answer(answer, number, true).await;
        }
        if self.shared.paused() {
            // It waits behind the parts that it was asked for; any request ends it.
            let _ = self.ask(|reply| Command::Control(Control::Ping, reply)).await;
        }
    }

    /// Ends the statement: what was asked for last, behind whose answer the thread is free.
    pub(super) fn stop_reading(&mut self) -> Option<Ahead> {
        let last = self.reading.take()?.ahead.pop_back()?;
        self.shared.interrupt(last.number);
        Some(last)
    }
}
