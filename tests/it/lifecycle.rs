//! The lifecycle of rows: hooks and their classes, their order, cascades, soft deletion, change tracking, reads that are told.

mod captured;
mod cascades;
mod classes;
mod following;
mod live;
mod moments;
mod order;
mod reads;
mod rules;
mod together;
mod tracking;
