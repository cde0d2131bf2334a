//! A row that is to be written: its state, what fills it, and how errors name its fields.

pub(super) mod fill;
pub(super) mod graph;
pub(super) mod insert;
pub(super) mod naming;
pub(super) mod options;
pub(crate) mod parents;
pub(super) mod state;
