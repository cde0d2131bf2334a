//! Sequor's MySQL and MariaDB driver: text and parameters in, rows out.
//!
//! An own core on `mysql_common`'s constants and authentication plugins. The socket is driven inline by the caller's task, rows are decoded straight from the
//! read buffer, and no byte of a server can panic a decoder.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod connect;
mod connection;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod options;
mod params;
mod rows;
mod script;
mod statements;
mod wire;

pub use connect::MysqlDriver;
pub use options::{MysqlOptions, TlsMode};
