//! [`Select`]: a query.

use super::{Alias, Expr};
use crate::Name;
use crate::schema::{Nulls, SortDirection, TableName};

/// A query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    /// Common table expressions.
    pub with: Vec<Cte>,
    /// DISTINCT.
    pub distinct: Distinct,
    /// The select list; empty where only matters whether there is a row.
    pub columns: Vec<SelectItem>,
    /// FROM.
    pub from: Option<Source>,
    /// The joins, in order.
    pub joins: Vec<Join>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// HAVING.
    pub having: Option<Expr>,
    /// UNION, INTERSECT, EXCEPT.
    pub compound: Vec<(SetOp, Select)>,
    /// ORDER BY.
    pub order_by: Vec<OrderBy>,
    /// LIMIT, bound.
    pub limit: Option<u64>,
    /// OFFSET, bound.
    pub offset: Option<u64>,
    /// FOR UPDATE and the like.
    pub lock: Option<Lock>,
    /// Key-values for the comment behind the statement (sqlcommenter); encoded by the writer.
    pub tags: Vec<(String, String)>,
}

/// One item of the select list.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectItem {
    /// The expression.
    pub expr: Expr,
    /// Its name in the result.
    pub alias: Option<Name>,
}

/// A source of rows and its name in this statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Its name.
    pub alias: Option<Alias>,
    /// Index hints (MySQL; others ignore them).
    pub hints: Vec<Hint>,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// A table.
    Table(TableName),
    /// A query.
    Select(Box<Select>),
    /// A common table expression.
    Cte(Name),
}

/// An index hint of MySQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// USE, FORCE or IGNORE.
    pub kind: &'static str,
    /// The indexes.
    pub indexes: Vec<Name>,
}

/// A join.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Which kind.
    pub kind: JoinKind,
    /// What is joined.
    pub source: Source,
    /// ON.
    pub on: Option<Expr>,
}

/// Kinds of joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// INNER JOIN.
    Inner,
    /// LEFT JOIN.
    Left,
    /// CROSS JOIN.
    Cross,
    /// RIGHT JOIN.
    Right,
    /// CROSS JOIN LATERAL.
    Lateral,
}

/// DISTINCT.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Distinct {
    /// All rows.
    #[default]
    No,
    /// DISTINCT.
    Yes,
    /// DISTINCT ON (PostgreSQL; the writer emulates or refuses elsewhere).
    On(Vec<Expr>),
}

/// One item of ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderBy {
    /// The expression.
    pub expr: Expr,
    /// The direction.
    pub direction: SortDirection,
    /// Where NULLs go; `None` leaves it to Sequor's rule (smallest: first when ascending, on every database).
    pub nulls: Option<Nulls>,
}

/// Set operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// UNION.
    Union,
    /// UNION ALL.
    UnionAll,
    /// INTERSECT.
    Intersect,
    /// EXCEPT.
    Except,
}

/// A common table expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Name,
    /// Its columns.
    pub columns: Vec<Name>,
    /// The query.
    pub select: Box<Select>,
    /// Whether it refers to itself.
    pub recursive: bool,
}

/// A row lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// How strong.
    pub mode: LockMode,
    /// Only rows of these sources.
    pub of: Vec<Alias>,
    /// What to do when rows are locked.
    pub wait: LockWait,
}

/// Strengths of row locks. SQLite has none: a write transaction locks the whole database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// FOR UPDATE.
    Update,
    /// FOR SHARE.
    Share,
    /// FOR KEY SHARE (PostgreSQL).
    KeyShare,
    /// FOR NO KEY UPDATE (PostgreSQL).
    NoKeyUpdate,
}

/// What to do with rows that others have locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// Wait.
    #[default]
    Block,
    /// Fail at once.
    NoWait,
    /// Leave them out.
    SkipLocked,
}

impl Source {
    /// A table under an alias.
    pub fn table(name: TableName, alias: Alias) -> Source {
        Source { kind: SourceKind::Table(name), alias: Some(alias), hints: Vec::new() }
    }

    /// A query under an alias.
    pub fn select(select: Select, alias: Alias) -> Source {
        Source { kind: SourceKind::Select(Box::new(select)), alias: Some(alias), hints: Vec::new() }
    }
}

impl SelectItem {
    /// An expression without a name of its own.
    pub fn new(expr: Expr) -> SelectItem {
        SelectItem { expr, alias: None }
    }

    /// An expression under a name.
    pub fn named(expr: Expr, alias: impl Into<Name>) -> SelectItem {
        SelectItem { expr, alias: Some(alias.into()) }
    }
}
