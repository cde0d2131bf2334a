//! The one order of a write: validate → before hooks → statement → after hooks → after commit.
//!
//! Everything here works on [`RowState`]; drafts, edits and records are thin shells around it.

mod draft;
mod state;

pub use draft::{Children, Draft};
pub use state::{Child, RowState};
