//! The driver through its contract, one module for each behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "driver/auto.rs"]
mod auto;
#[path = "driver/batches.rs"]
mod batches;
#[path = "driver/before.rs"]
mod before;
#[path = "driver/cancelling.rs"]
mod cancelling;
#[path = "driver/errors.rs"]
mod errors;
#[path = "driver/functions.rs"]
mod functions;
#[path = "driver/inline.rs"]
mod inline;
#[path = "driver/opening.rs"]
mod opening;
#[path = "driver/support.rs"]
mod support;
#[path = "driver/transactions.rs"]
mod transactions;
#[path = "driver/values.rs"]
mod values;
