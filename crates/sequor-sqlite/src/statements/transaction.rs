//! BEGIN, COMMIT, ROLLBACK and savepoints.

use crate::error::of_sqlite;
use rusqlite::Connection;
use sequor_core::error::{Error, Result, UsageErrorKind};

/// Runs one statement of the driver's own.
pub(crate) fn execute(connection: &Connection, sql: &str) -> Result<()> {
    let run = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    };
    run().map_err(|error| of_sqlite(error, Some(sql)))
}

/// Commits. A commit that fails is rolled back: its transaction could do nothing else any more.
pub(crate) fn commit(connection: &Connection) -> Result<()> {
    match execute(connection, "COMMIT") {
        Ok(()) => Ok(()),
        Err(error) => {
            rollback(connection)?;
            Err(error)
        }
    }
}

/// Rolls back; without a transaction there is nothing to do.
pub(crate) fn rollback(connection: &Connection) -> Result<()> {
    // An interrupt that came late can hit the ROLLBACK itself, once.
    for _ in 0..3 {
        if connection.is_autocommit() {
            return Ok(());
        }
        if let Err(error @ Error::Database { .. }) = execute(connection, "ROLLBACK") {
            return Err(error);
        }
    }
    if connection.is_autocommit() { Ok(()) } else { Err(Error::bug("ROLLBACK does not end the transaction of this SQLite connection")) }
}

/// The transaction is not there any more.
#[cold]
pub(crate) fn finished() -> Error {
    Error::of_usage(UsageErrorKind::TransactionFinished, "the transaction has ended already")
}
