//! Every behaviour of Sequor, on every database.

mod decimals;
mod hooks;
mod loading;
mod models;
mod reading;
mod schema;
mod testing;
mod tour;
mod transactions;
mod types;
mod writing;
