//! The fault laboratory: private servers that can be killed and started again, and a proxy that breaks the lines to them.
//!
//! Threads and blocking sockets throughout: what it does never depends on the runtime of the program under test.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod corpus;
pub mod faultd;
pub mod process;
pub mod servers;
