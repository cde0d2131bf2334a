//! Statement → text and parameters, for one dialect. Pure and total: Ok or a usage error, never a panic.

mod dialect;

pub use dialect::Dialect;

use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::statement::{Ddl, Statement};

/// A rendered statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    /// The text, with placeholders.
    pub text: String,
    /// The parameters, in the order of the placeholders.
    pub params: Vec<Param>,
}

/// Renders a statement for one dialect.
pub fn render(_statement: &Statement, _dialect: Dialect) -> Result<Sql> {
    Err(sequor_core::Error::bug("not there yet"))
}

/// Renders a change of the schema: one or several statements without parameters.
pub fn render_ddl(_ddl: &Ddl, _dialect: Dialect) -> Result<Vec<String>> {
    Err(sequor_core::Error::bug("not there yet"))
}

/// Renders a query for one dialect.
pub fn render_select(_select: &sequor_core::statement::Select, _dialect: Dialect) -> Result<Sql> {
    Err(sequor_core::Error::bug("not there yet"))
}
