//! Accounts from outside: over HTTP and as a process, on SQLite and MariaDB.

mod bad_input;
mod commands;
mod failures;
mod flows;
mod process;
mod sequelize;
mod start;
mod starting;
