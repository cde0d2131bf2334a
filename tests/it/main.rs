//! Every behaviour of Sequor, on every database.

mod hooks;
mod models;
mod reading;
mod transactions;
mod types;
mod writing;
