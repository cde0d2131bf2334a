//! What a migrator says to a database: its script cut into statements, its history, its lock.

mod history;
mod removal;
mod script;

pub use history::{Entry, HISTORY_COLUMNS, History};
pub use removal::{Removal, removals};
pub use script::{Piece, asks_for, changes_one_table, needs_no_transaction, split, stands_alone};
