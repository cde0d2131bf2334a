//! Every behaviour of Sequor, on every database.

mod bulk;
mod cli;
mod connections;
mod counters;
mod decimals;
mod expressions;
mod factories;
mod few_statements;
mod guide;
mod hooks;
mod json_door;
mod json_language;
mod lifecycle;
mod loading;
mod mistakes;
mod models;
mod reading;
mod said;
mod schema;
mod testing;
mod tour;
mod transactions;
mod types;
mod writing;
