//! What a migrator says to a database: its script cut into statements, its history, its lock, the text of a plan.

mod advice;
mod effect;
mod history;
mod plan;
mod removal;
mod script;

pub use advice::advice;
pub use effect::{Effect, Work, effect, makes};
pub use history::{Entry, HISTORY_COLUMNS, History};
pub use plan::{PlanStep, script, steps};
pub use removal::{Removal, plain, removals};
pub use script::{Piece, asks_for, changes_one_table, needs_no_transaction, split, stands_alone};
