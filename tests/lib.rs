//! What several test programs share: the ledger, futures that are dropped on their way, and models of a crate that is not the program's. The tests themselves are in `it/`.

pub mod directory;
pub mod ledger;
pub mod polls;

/// Sequor under a name of this crate's own, which its derives are told.
pub use sequor as orm;
