//! Statement → text and parameters, for one dialect. Pure and total: Ok or a usage error, never a panic.

mod bound;
pub mod catalog;
mod ddl;
mod dialect;
mod expr;
mod function;
mod json;
pub mod migration;
mod select;
pub mod session;
mod write;
mod writer;

pub use bound::{Bound, bound_column};
pub use ddl::{has_type, render_ddl, render_ddl_in, rule_as_check, typed_null};
pub use dialect::{Bulk, Dialect, KeyList};
pub use expr::{LONG_LIST, MOST_MARKS};

use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::statement::{Select, Statement};
use writer::SqlWriter;

/// A rendered statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    /// The text, with placeholders.
    pub text: String,
    /// The parameters, in the order of the placeholders.
    pub params: Vec<Param>,
}

/// Renders a statement for one dialect. A [`Statement::Ddl`] of several statements is joined by `; `.
///
/// # Errors
/// `Usage` for what the dialect cannot do.
pub fn render(statement: &Statement, dialect: Dialect) -> Result<Sql> {
    render_in(statement, dialect, None)
}

/// Renders a statement whose tables live in a schema, unless they name their own.
///
/// # Errors
/// As [`render`].
pub fn render_in(statement: &Statement, dialect: Dialect, schema: Option<&str>) -> Result<Sql> {
    let mut writer = SqlWriter::inside(dialect, schema);
    match statement {
        Statement::Select(select) => writer.select(select)?,
        Statement::Insert(insert) => writer.insert(insert)?,
        Statement::Update(update) => writer.update(update)?,
        Statement::UpdateMany(update) => writer.update_many(update)?,
        Statement::Delete(delete) => writer.delete(delete)?,
        Statement::Ddl(ddl) => return Ok(Sql { text: render_ddl_in(ddl, dialect, schema)?.join("; "), params: Vec::new() }),
    }
    Ok(writer.finish())
}

/// Renders a query for one dialect.
///
/// # Errors
/// `Usage` for what the dialect cannot do.
pub fn render_select(select: &Select, dialect: Dialect) -> Result<Sql> {
    render_select_in(select, dialect, None)
}

/// Renders a query whose tables live in a schema, unless they name their own.
///
/// # Errors
/// As [`render`].
pub fn render_select_in(select: &Select, dialect: Dialect, schema: Option<&str>) -> Result<Sql> {
    let mut writer = SqlWriter::inside(dialect, schema);
    writer.select(select)?;
    Ok(writer.finish())
}

/// Renders a condition for a check or a partial index, which take no parameters: values are literals of a closed set of types.
///
/// # Errors
/// `Usage` for a value that has no literal, and for what the dialect cannot do.
pub fn render_condition(expr: &sequor_core::statement::Expr, dialect: Dialect) -> Result<String> {
    let mut writer = SqlWriter::new(dialect);
    writer.inline = true;
    writer.expr(expr)?;
    writer.finish_inline()
}
