//! [`Statement`]: what is to be done, dialect-free. Writers turn it into text, planners build it.

mod ddl;
mod expr;
mod function;
mod search;
mod select;
mod walk;
mod window;
mod write;

pub use ddl::{CopyRule, Ddl, Fill};
pub use expr::{
    Alias, BinaryOp, CaseArm, CastType, Expr, Field, JsonAs, JsonSegment, LikeKind, LogicalQuery, Quantifier, QueryTree, QueryUse, RawPart,
    RelationExpr, UnaryOp, escape_like,
};
pub use function::{Exact, Func, Ranking};
pub use search::{Search, SearchIndex};
pub use select::{Cte, Distinct, Hint, Join, JoinKind, Lock, LockMode, LockWait, OrderBy, Select, SelectItem, SetOp, Source, SourceKind};
pub use walk::walk;
pub use window::{Frame, FrameBound, FrameUnit, Window};
pub use write::{Conflict, ConflictAction, Delete, Insert, InsertColumn, Update, UpdateMany};

/// One statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Reads rows.
    Select(Box<Select>),
    /// Adds rows.
    Insert(Box<Insert>),
    /// Changes rows.
    Update(Box<Update>),
    /// Changes many rows, each to its own values.
    UpdateMany(Box<UpdateMany>),
    /// Removes rows.
    Delete(Box<Delete>),
    /// Changes the schema.
    Ddl(Box<Ddl>),
}
