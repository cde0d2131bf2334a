//! [`SqliteDriver`]: opens connections to one database.

mod open;
mod options;
mod url;

pub use options::{InlineMode, JournalMode, Location, OpenMode, SqliteOptions, Synchronous};

pub(crate) use open::{clean_session, open};

use crate::connection::SqliteConnection;
use sequor_core::driver::{BoxFuture, Connection, Driver};
use sequor_core::error::Result;
use std::path::Path;
use std::sync::Arc;

/// Opens connections to one SQLite database.
#[derive(Clone, Debug)]
pub struct SqliteDriver {
    options: Arc<SqliteOptions>,
}

impl SqliteDriver {
    /// A driver for the database of these options.
    pub fn new(options: SqliteOptions) -> SqliteDriver {
        SqliteDriver { options: Arc::new(options) }
    }

    /// The options that every connection is opened with.
    pub fn options(&self) -> &SqliteOptions {
        &self.options
    }
}

impl Driver for SqliteDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let connection = SqliteConnection::connect(Arc::clone(&self.options)).await?;
            Ok(Box::new(connection) as Box<dyn Connection>)
        })
    }

    fn target(&self) -> String {
        self.options.target()
    }

    fn max_connections(&self) -> Option<usize> {
        // A database in memory is gone with its connection, and another connection would see another database.
        self.options.location.in_memory().then_some(1)
    }

    fn file(&self) -> Option<&Path> {
        match &self.options.location {
            Location::File(path) => Some(path),
            Location::Memory | Location::SharedMemory(_) => None,
        }
    }
}
