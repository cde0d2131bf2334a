//! Migrations, the catalog of a live database, and the way from one schema to another.

mod altering;
mod beside;
mod evolving;
mod history;
mod migrating;
mod obstacles;
mod odd;
mod own_words;
mod random;
mod real;
mod rebuilding;
mod syncing;
mod written;
