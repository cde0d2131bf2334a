//! Tests against a real server, whose URL `SEQUOR_POSTGRES_URL` holds. Without it every test says that it was skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod basics;
mod batches;
mod cluster;
mod constraints;
mod faults;
mod hostile;
mod logins;
mod plans;
mod proxy;
mod recovery;
mod scalars;
mod streams;
mod support;
