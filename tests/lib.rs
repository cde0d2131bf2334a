//! What several test programs share: the ledger, and futures that are dropped on their way. The tests themselves are in `it/`.

pub mod ledger;
pub mod polls;
