//! Sequor's PostgreSQL driver: text and parameters in, rows out.
//!
//! A thin protocol core of its own on `postgres-protocol`. The socket is driven inline by the caller's task, all messages of a batch leave in one write, and rows
//! are decoded where they lie in the read buffer. The server's word decides what happened: COMMIT by its tag, the transaction by the status byte.

mod connect;
mod connection;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod oid;
mod params;
mod rows;
mod statements;
mod tls;
mod wire;

pub use connect::{PostgresDriver, PostgresOptions, StatementMode};
