//! The lifecycle of rows: hooks and their classes, their order, cascades, soft deletion, change tracking, reads that are told.

mod cascades;
mod classes;
mod order;
mod reads;
mod tracking;
