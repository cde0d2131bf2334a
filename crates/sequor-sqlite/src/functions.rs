//! Functions and collations that Sequor's SQL uses on SQLite.

use rusqlite::Connection;

/// What the messages of these functions begin with.
pub(crate) const MARK: &str = "sequor: ";

/// Registers everything on a connection.
pub(crate) fn register(_connection: &Connection) -> rusqlite::Result<()> {
    Ok(())
}
