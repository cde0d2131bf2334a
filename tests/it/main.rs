//! Every behaviour of Sequor, on every database.

mod hooks;
mod loading;
mod models;
mod reading;
mod testing;
mod tour;
mod transactions;
mod types;
mod writing;
