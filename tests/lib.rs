//! What several test programs share: the ledger, futures that are dropped on their way, memory that is measured, and models of a crate that is not the program's. The tests themselves are in `it/`.

pub mod directory;
pub mod ledger;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod polls;

/// Sequor under a name of this crate's own, which its derives are told.
pub use sequor as orm;
