//! [`Insert`], [`Update`], [`Delete`].

use super::{Expr, OrderBy, SelectItem};
use crate::Name;
use crate::schema::TableName;
use crate::types::ColumnType;

/// Adds rows.
#[derive(Clone, Debug)]
pub struct Insert {
    /// The table.
    pub table: TableName,
    /// The columns that are written; none with one empty row is DEFAULT VALUES.
    pub columns: Vec<InsertColumn>,
    /// The rows: as many expressions as columns.
    pub rows: Vec<Vec<Expr>>,
    /// What happens when a key is taken.
    pub conflict: Option<Conflict>,
    /// What comes back.
    pub returning: Vec<SelectItem>,
    /// Key-values for the comment behind the statement.
    pub tags: Vec<(String, String)>,
}

/// A column of an insert.
#[derive(Clone, Debug)]
pub struct InsertColumn {
    /// Its name in the database.
    pub name: Name,
    /// Its type: lists of values travel as arrays of it.
    pub ty: ColumnType,
}

/// What happens when a key is taken.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The columns of the key; empty is any key (only with [`ConflictAction::Nothing`], and MySQL).
    pub target: Vec<Name>,
    /// The condition of a partial unique index, as the developer's SQL.
    pub target_filter: Option<Name>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a taken key.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// Leave the old row.
    Nothing,
    /// Change the old row; [`Expr::Proposed`] is the value that was offered, [`Expr::Column`] without table the old one.
    Update(Vec<(Name, Expr)>),
}

/// Changes rows.
#[derive(Clone, Debug)]
pub struct Update {
    /// The table.
    pub table: TableName,
    /// What is set.
    pub set: Vec<(Name, Expr)>,
    /// WHERE; columns without table.
    pub filter: Option<Expr>,
    /// Which rows first (with a limit).
    pub order_by: Vec<OrderBy>,
    /// At most so many.
    pub limit: Option<u64>,
    /// The key columns, for dialects that write a limit as a sub-query.
    pub key: Vec<Name>,
    /// What comes back; only where the server can.
    pub returning: Vec<SelectItem>,
    /// The columns whose values before the update are told to the step's sink, row by row and ahead of what comes back; only where the database can.
    pub before: Vec<Name>,
    /// Key-values for the comment behind the statement.
    pub tags: Vec<(String, String)>,
}

/// Changes many rows, each to its own values: one array for each column, joined by key (PostgreSQL). The text holds for any number of rows.
#[derive(Clone, Debug)]
pub struct UpdateMany {
    /// The table.
    pub table: TableName,
    /// The columns that a row is found by: its key, and its version where it has one.
    pub by: Vec<InsertColumn>,
    /// What is set.
    pub set: Vec<InsertColumn>,
    /// A number that is raised by one.
    pub raise: Option<Name>,
    /// What comes back.
    pub returning: Vec<SelectItem>,
}

/// Removes rows.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The table.
    pub table: TableName,
    /// WHERE; columns without table.
    pub filter: Option<Expr>,
    /// Which rows first (with a limit).
    pub order_by: Vec<OrderBy>,
    /// At most so many.
    pub limit: Option<u64>,
    /// The key columns, for dialects that write a limit as a sub-query.
    pub key: Vec<Name>,
    /// What comes back; only where the server can.
    pub returning: Vec<SelectItem>,
    /// Key-values for the comment behind the statement.
    pub tags: Vec<(String, String)>,
}
