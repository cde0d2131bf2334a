//! Servers that lie, ask for what is not theirs, or fall silent. They are scripted here, so these tests need no database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod encrypted;
mod lies;
mod lines;
mod logins;
mod script;
