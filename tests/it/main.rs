//! Every behaviour of Sequor, on every database.

mod models;
mod reading;
mod transactions;
mod writing;
