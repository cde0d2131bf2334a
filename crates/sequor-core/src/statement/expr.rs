//! [`Expr`]: every expression that Sequor can write.

use super::{Func, Select, Window};
use crate::Name;
use crate::types::{BindType, ColumnType};
use crate::value::Value;

/// An expression. `Field` and `Relation` are logical: the planner replaces them before a writer sees the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A field of the query's model, or of a model reached over relations. Logical.
    Field(Field),
    /// A condition or aggregate over a relation of the query's model. Logical.
    Relation(Box<RelationExpr>),
    /// A column of a source.
    Column {
        /// The source; `None` where only one is in sight (update, delete, insert).
        table: Option<Alias>,
        /// The column's name in the database.
        name: Name,
    },
    /// An alias of the select list (in ORDER BY, GROUP BY, HAVING).
    Alias(Name),
    /// A bound value.
    Value(Value, BindType),
    /// DEFAULT in the values of an insert or update.
    Default,
    /// The server's present instant.
    Now,
    /// `*`, only inside `count(*)`.
    Star,
    /// The row that was proposed, in an ON CONFLICT update (`excluded.x`, `VALUES(x)`).
    Proposed(Name),
    /// In the RETURNING of an insert with a conflict clause: whether the row is new. Not on MySQL and MariaDB, which cannot tell.
    Inserted,
    /// All of them; the empty list is true.
    And(Vec<Expr>),
    /// Any of them; the empty list is false.
    Or(Vec<Expr>),
    /// A prefix operator.
    Unary(UnaryOp, Box<Expr>),
    /// An infix operator.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a IS [NOT] NULL`.
    IsNull {
        /// What is tested.
        expr: Box<Expr>,
        /// IS NOT NULL.
        negated: bool,
    },
    /// `a [NOT] BETWEEN b AND c`.
    Between {
        /// What is tested.
        expr: Box<Expr>,
        /// Lower end, inclusive.
        low: Box<Expr>,
        /// Upper end, inclusive.
        high: Box<Expr>,
        /// NOT BETWEEN.
        negated: bool,
    },
    /// `a [NOT] IN (list of values)`; the writer chooses array, JSON or placeholders. Empty: false; negated: true.
    InValues {
        /// What is tested: one expression, or as many as each row has.
        exprs: Vec<Expr>,
        /// The values; each inner list is as long as `exprs`. No NULLs.
        rows: Vec<Vec<Value>>,
        /// How the values of each expression travel.
        binds: Vec<BindType>,
        /// NOT IN.
        negated: bool,
        /// No index of the model begins with what is tested: every row is compared with the list.
        scanned: bool,
    },
    /// `a [NOT] IN (e1, e2, ..)` with expressions.
    InExprs {
        /// What is tested.
        expr: Box<Expr>,
        /// The list.
        list: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// `a [NOT] IN (SELECT ..)`.
    InSelect {
        /// What is tested: one expression or a tuple.
        expr: Box<Expr>,
        /// The query.
        select: Box<Select>,
        /// NOT IN.
        negated: bool,
    },
    /// `[NOT] EXISTS (SELECT ..)`.
    Exists {
        /// The query.
        select: Box<Select>,
        /// NOT EXISTS.
        negated: bool,
    },
    /// A scalar sub-query.
    Select(Box<Select>),
    /// Text matching.
    Like {
        /// What is tested.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// Which kind.
        kind: LikeKind,
        /// NOT.
        negated: bool,
    },
    /// `a op ANY/ALL (b)`, where b is a list.
    Quantified {
        /// The operator.
        op: BinaryOp,
        /// The left side.
        left: Box<Expr>,
        /// ANY or ALL.
        quantifier: Quantifier,
        /// The list: an array column, a bound list, or a sub-query.
        right: Box<Expr>,
    },
    /// A JSON path.
    Json {
        /// The document.
        expr: Box<Expr>,
        /// The way into it; empty is the whole document.
        path: Vec<JsonSegment>,
        /// As what it is taken.
        take: JsonAs,
    },
    /// A new document with a path set, removed or merged.
    JsonSet {
        /// The document.
        expr: Box<Expr>,
        /// The way into it.
        path: Vec<JsonSegment>,
        /// The new value (JSON); `None` removes the path.
        value: Option<Box<Expr>>,
    },
    /// A function of the closed list.
    Call {
        /// The function.
        func: Func,
        /// Its arguments.
        args: Vec<Expr>,
        /// DISTINCT inside an aggregate.
        distinct: bool,
        /// FILTER (WHERE ..) of an aggregate.
        filter: Option<Box<Expr>>,
    },
    /// A full-text search over some columns, or how well a row answers it.
    Search(Box<super::Search>),
    /// A function with a window.
    Over(Box<Window>),
    /// `CASE WHEN .. THEN .. ELSE .. END`.
    Case {
        /// The arms.
        arms: Vec<CaseArm>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// `CAST(a AS type)`.
    Cast(Box<Expr>, CastType),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// An array constructor with expressions.
    List(Vec<Expr>),
    /// Text of the developer with bound values between.
    Raw(Vec<RawPart>),
    /// A query of the program as part of a condition. Logical: the planner makes a [`Select`] of it.
    Query(LogicalQuery),
    /// An expression in terms of the query around a sub-query. Logical.
    Outer(Box<Expr>),
    /// An expression of the row that the rows of a relation hang on, in the conditions of an include. Logical.
    Parent(Box<Expr>),
    /// A part that a builder could not make (a malformed JSON path, ..): planners and writers answer with this usage error.
    Invalid(Name),
}

/// A query that is not planned yet, and what is asked of it.
#[derive(Clone, Debug)]
pub struct LogicalQuery {
    /// The planner's own query tree.
    pub state: std::sync::Arc<dyn QueryTree>,
    /// What is asked of it.
    pub usage: QueryUse,
}

/// The same query asked the same; queries are told apart by where they lie.
impl PartialEq for LogicalQuery {
    fn eq(&self, other: &LogicalQuery) -> bool {
        std::sync::Arc::ptr_eq(&self.state, &other.state) && self.usage == other.usage
    }
}

/// The planner's query tree, which this crate knows nothing about.
pub trait QueryTree: std::any::Any + Send + Sync + std::fmt::Debug {}

/// What is asked of a query inside a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryUse {
    /// Its one value.
    Scalar,
    /// Whether it has a row.
    Exists {
        /// NOT EXISTS.
        negated: bool,
    },
    /// Whether a value, or a tuple of values, is among its rows.
    In {
        /// What is looked for; more than one are a tuple.
        exprs: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// Whether a row is one of its rows, or is reached from them over a relation of the model to itself.
    Reached {
        /// The relation that is followed again and again.
        relation: Name,
    },
}

/// A field by name, possibly over to-one relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The relations to follow from the query's model.
    pub path: Vec<Name>,
    /// The field's name.
    pub name: Name,
    /// Its position in the model, where the compiler knows it.
    pub position: Option<u16>,
}

/// A condition or aggregate over the rows of a relation.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationExpr {
    /// The relation of the query's model.
    pub relation: Name,
    /// What is asked of its rows.
    pub quantifier: Quantifier,
    /// The condition on the rows, in terms of the target model.
    pub filter: Option<Expr>,
    /// The condition on the rows between (many-to-many), in terms of the through model.
    pub through: Option<Expr>,
    /// The aggregate, for [`Quantifier::Aggregate`], in terms of the target model.
    pub aggregate: Option<Expr>,
    /// Whether deleted rows count.
    pub with_deleted: bool,
}

/// How many rows must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one.
    Any,
    /// None.
    None,
    /// Every one.
    All,
    /// An aggregate over them.
    Aggregate,
}

/// The name of a source inside one statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Alias {
    /// `t0`, `t1`, ..: what the planner gives.
    T(u16),
    /// A name: a common table expression, a table as itself.
    Named(Name),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// NOT.
    Not,
    /// Minus.
    Negate,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// Equal, NULL equals NULL.
    Same,
    /// Not [`BinaryOp::Same`].
    NotSame,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `/` of whole numbers, cut towards zero.
    DivideWhole,
    /// Remainder.
    Modulo,
    /// Text concatenation.
    Concat,
    /// Regular expression.
    Regexp,
    /// Not a match.
    NotRegexp,
    /// Regular expression without case.
    IRegexp,
    /// Not a match, without case.
    NotIRegexp,
    /// Arrays, ranges, JSON: contains.
    Contains,
    /// Arrays, ranges, JSON: is contained.
    Contained,
    /// Arrays, ranges: have members in common.
    Overlap,
    /// Ranges: adjacent.
    Adjacent,
    /// Ranges: strictly left of.
    StrictLeft,
    /// Ranges: strictly right of.
    StrictRight,
    /// Ranges: does not extend to the right of.
    NoExtendRight,
    /// Ranges: does not extend to the left of.
    NoExtendLeft,
    /// Full text match: the right side is the search text.
    Match,
}

/// Kinds of text matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikeKind {
    /// The caller's own wildcards, case as the database has it.
    Like,
    /// The caller's own wildcards, without case.
    ILike,
    /// The pattern's text was escaped with `\` by [`escape_like`].
    Escaped,
    /// Escaped, without case.
    IEscaped,
}

/// One step of a JSON path. The text is bound or escaped by the writer, never copied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonSegment {
    /// A key of an object.
    Key(Name),
    /// An index of a list, counted from 0.
    Index(u32),
}

/// As what a JSON path is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonAs {
    /// A JSON value.
    Json,
    /// Text, unquoted.
    Text,
    /// Text as the database itself compares it: SQLite tells texts from numbers, the others do not.
    Loose,
    /// A number.
    Number,
    /// A number with all its digits, for whole numbers that a float cannot hold.
    Exact,
    /// A truth value.
    Boolean,
    /// An instant.
    DateTime,
    /// Whether the path exists (also when its value is JSON null).
    Exists,
    /// The length of a list, the number of keys of an object.
    Length,
    /// The kind: object, array, string, number, boolean, null.
    Kind,
}

/// One arm of a CASE.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseArm {
    /// WHEN.
    pub when: Expr,
    /// THEN.
    pub then: Expr,
}

/// What an expression can be cast to.
#[derive(Clone, Debug, PartialEq)]
pub enum CastType {
    /// A column type.
    Column(ColumnType),
    /// MySQL's SIGNED, else a 64-bit integer.
    Signed,
    /// MySQL's UNSIGNED, else a 64-bit integer.
    Unsigned,
}

/// A piece of raw text or a bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum RawPart {
    /// The developer's text.
    Text(Name),
    /// A value between.
    Value(Value, BindType),
    /// An expression between.
    Expr(Box<Expr>),
    /// A NULL of this type, of which a list without items is made.
    NoneOf(ColumnType),
}

impl Expr {
    /// The value of which something was made that stands in its own order; the expression itself where that was not done.
    pub fn unranked(&self) -> &Expr {
        match self {
            Expr::Call { func: Func::Ranked(_), args, .. } => args.first().unwrap_or(self),
            other => other,
        }
    }

    /// A field of the query's model by name.
    pub fn field(name: impl Into<Name>) -> Expr {
        Expr::Field(Field { path: Vec::new(), name: name.into(), position: None })
    }

    /// A column of a source.
    pub fn column(table: Alias, name: impl Into<Name>) -> Expr {
        Expr::Column { table: Some(table), name: name.into() }
    }

    /// A value whose type the server infers.
    pub fn value(value: impl Into<Value>) -> Expr {
        Expr::Value(value.into(), BindType::default())
    }

    /// `self op other`.
    #[must_use]
    pub fn binary(self, op: BinaryOp, other: Expr) -> Expr {
        Expr::Binary(op, Box::new(self), Box::new(other))
    }

    /// NOT of it.
    #[must_use]
    pub fn negate(self) -> Expr {
        Expr::Unary(UnaryOp::Not, Box::new(self))
    }

    /// Both, flattened.
    #[must_use]
    pub fn and(self, other: Expr) -> Expr {
        match self {
            Expr::And(mut list) => {
                list.push(other);
                Expr::And(list)
            }
            first => Expr::And(vec![first, other]),
        }
    }

    /// Either, flattened.
    #[must_use]
    pub fn or(self, other: Expr) -> Expr {
        match self {
            Expr::Or(mut list) => {
                list.push(other);
                Expr::Or(list)
            }
            first => Expr::Or(vec![first, other]),
        }
    }

    /// A call without extras.
    pub fn call(func: Func, args: Vec<Expr>) -> Expr {
        Expr::Call { func, args, distinct: false, filter: None }
    }
}

/// Text for inside a LIKE pattern: `%`, `_` and `\` stand for themselves.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
