//! Accounts: users, one-time codes, social logins, files and payments.

#![allow(missing_docs, reason = "an application, not a library: the names of its fields are those of the tables and of the API")]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod codes;
pub mod commands;
pub mod config;
pub mod files;
pub mod http;
pub mod models;
pub mod passwords;
pub mod payments;
pub mod seeders;
pub mod tokens;
