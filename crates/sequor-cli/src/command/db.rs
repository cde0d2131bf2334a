//! `sequor db ..`: the database itself.

pub(super) mod create;
pub(super) mod drop;
pub(super) mod reset;
pub(super) mod setup;
