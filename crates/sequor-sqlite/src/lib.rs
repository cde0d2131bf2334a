//! Sequor's SQLite driver: one thread for each connection, a whole batch for each message.
//!
//! The rows of a batch are decoded on the connection's thread by the sinks, which travel there and back; the caller's task
//! sends one message and awaits one answer. What only reads and was short when it ran last runs on the caller's thread.
//! How values are stored is in `params`, how they are read in `rows`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod connect;
mod connection;
mod error;
mod functions;
mod params;
mod rows;
mod statements;

pub use connect::{InlineMode, JournalMode, Location, OpenMode, SqliteDriver, SqliteOptions, Synchronous};
