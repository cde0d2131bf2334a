//! Salacia from outside: over HTTP, on SQLite and PostgreSQL, under both data layers, and in a browser.

mod bad_input;
mod browser;
mod cursors;
mod driver;
mod events;
mod fallback;
mod killed;
mod load;
mod openapi;
mod same_answers;
mod search_index;
mod start;
