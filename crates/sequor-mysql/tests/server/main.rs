//! The driver against a real server: `SEQUOR_MYSQL_URL` names one whose user may create databases. Without it every test skips, aloud.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod basics;
mod bed;
mod constraints;
mod interrupted;
mod transactions;
mod types;
