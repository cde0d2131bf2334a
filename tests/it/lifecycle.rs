//! The lifecycle of rows: hooks and their classes, their order, cascades, soft deletion, change tracking, reads that are told, names that are not there.

mod captured;
mod cascades;
mod classes;
mod following;
mod live;
mod matching;
mod moments;
mod order;
mod reads;
mod rules;
mod sentences;
mod stale;
mod together;
mod tracking;
mod unknown;
mod unsent;
