//! `sequor_before(..)`: tells the rows that an UPDATE changes as they were, in the one pass that changes them.
//!
//! It stands beside a value that the update sets, which SQLite asks for once for each row that it changes: its arguments are the row's columns before. They go
//! to the sink of the step, which is lent for as long as the statement runs. In a schema it is refused, in what
//! reads or inserts an error.

use super::failed;
use crate::rows::Cells;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};
use sequor_core::driver::{Discard, Flow, RowSink};
use sequor_core::error::Error;
use std::cell::RefCell;

/// How the call begins in a text.
pub(crate) const CALL: &str = "sequor_before(";

/// Who is told of the rows of the statement that this thread runs.
struct Listener {
    sink: Box<dyn RowSink>,
    rows: u64,
    /// Why the sink took no more.
    refused: Option<Error>,
}

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// A sink that is lent to the statement of this thread. Dropped, it leaves nothing behind.
pub(crate) struct Lent(());

impl Lent {
    /// Lends a sink; in its place is one that forgets.
    pub(crate) fn new(sink: &mut Box<dyn RowSink>) -> Lent {
        let sink = std::mem::replace(sink, Box::new(Discard));
        LISTENER.set(Some(Listener { sink, rows: 0, refused: None }));
        Lent(())
    }

    /// Gives the sink back: how many rows it was told, and its error.
    pub(crate) fn end(self, sink: &mut Box<dyn RowSink>) -> (u64, Option<Error>) {
        match LISTENER.take() {
            Some(listener) => {
                *sink = listener.sink;
                (listener.rows, listener.refused)
            }
            None => (0, Some(Error::bug("a sink that was lent is gone"))),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

pub(super) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(c"sequor_before", -1, flags, |context| {
        LISTENER.with_borrow_mut(|listener| {
            let Some(listener) = listener else { return Err(failed("sequor_before() stands in updates of Sequor's own alone")) };
            listener.rows += 1;
            match listener.sink.row(&mut Cells::new(context)) {
                Ok(Flow::Continue) => Ok(true),
                Ok(Flow::Pause | Flow::Stop) => Err(failed("the rows of an update are told without a pause")),
                Err(error) => {
                    listener.refused = Some(error);
                    Err(failed("the row could not be read"))
                }
            }
        })
    })
}
