//! Issue "reading in full": every operator and construct, on every database.

mod compute;
mod corpus;
mod documents;
mod grid;
mod kinds;
mod long;
mod matches;
pub mod models;
mod paths;
mod ranges;
mod sales;
mod snapshots;
mod subqueries;
mod windows;
