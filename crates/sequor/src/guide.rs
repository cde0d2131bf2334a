//! The examples of the book, compiled and run with the documentation's tests.

#[doc = include_str!("../../../docs/src/introduction.md")]
mod introduction {}
#[doc = include_str!("../../../docs/src/models.md")]
mod models {}
#[doc = include_str!("../../../docs/src/reading.md")]
mod reading {}
#[doc = include_str!("../../../docs/src/relations.md")]
mod relations {}
#[doc = include_str!("../../../docs/src/writing.md")]
mod writing {}
#[doc = include_str!("../../../docs/src/validation.md")]
mod validation {}
#[doc = include_str!("../../../docs/src/hooks.md")]
mod hooks {}
#[doc = include_str!("../../../docs/src/scopes.md")]
mod scopes {}
#[doc = include_str!("../../../docs/src/soft-deletion.md")]
mod soft_deletion {}
#[doc = include_str!("../../../docs/src/change-tracking.md")]
mod change_tracking {}
#[doc = include_str!("../../../docs/src/transactions.md")]
mod transactions {}
#[doc = include_str!("../../../docs/src/from-sequelize.md")]
mod from_sequelize {}
#[doc = include_str!("../../../docs/src/your-sequelize-query.md")]
mod your_sequelize_query {}
