//! Migrations, the catalog of a live database, and the way from one schema to another.

mod history;
mod migrating;
mod rebuilding;
mod syncing;
