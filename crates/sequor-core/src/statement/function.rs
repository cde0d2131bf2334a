//! [`Func`]: the closed list of functions.

use crate::Name;
use std::sync::Arc;

/// The closed list of functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Func {
    /// Aggregate.
    Count,
    /// Aggregate.
    Sum,
    /// Aggregate.
    Avg,
    /// Aggregate: `avg`, as exact everywhere as a float is: MySQL's own gives four digits behind the point for whole numbers.
    Mean,
    /// Aggregate.
    Min,
    /// Aggregate.
    Max,
    /// Aggregate: list of values as JSON.
    JsonAgg,
    /// Aggregate: text joined by the second argument.
    StringAgg,
    /// Aggregate: true if all are.
    BoolAnd,
    /// Aggregate: true if any is.
    BoolOr,
    /// Text in lower case.
    Lower,
    /// Text in upper case.
    Upper,
    /// Number of characters.
    Length,
    /// Number of elements of a list column.
    Cardinality,
    /// Without spaces at the ends.
    Trim,
    /// The first that is not NULL.
    Coalesce,
    /// NULL when the two are equal.
    NullIf,
    /// Text joined.
    Concat,
    /// Part of a text: from (1-based), length.
    Substring,
    /// Text with a part replaced.
    Replace,
    /// Absolute value.
    Abs,
    /// Rounded to so many digits.
    Round,
    /// Rounded down.
    Floor,
    /// Rounded up.
    Ceil,
    /// The larger or largest.
    Greatest,
    /// The smaller or smallest.
    Least,
    /// Part of a date: the first argument is a text constant (`year`, `month`, `day`, `hour`, `minute`, `second`, `dow`, `doy`, `week`, `quarter`, `epoch`).
    DatePart,
    /// A date cut to a unit: the first argument is a text constant (`year` .. `second`).
    DateTrunc,
    /// A random number.
    Random,
    /// Row number in a window.
    RowNumber,
    /// Rank in a window.
    Rank,
    /// Rank without gaps in a window.
    DenseRank,
    /// Value of an earlier row in a window.
    Lag,
    /// Value of a later row in a window.
    Lead,
    /// First value of a window.
    FirstValue,
    /// Last value of a window.
    LastValue,
    /// The value of a frame's row of a number.
    NthValue,
    /// The number of one of so many parts of a window.
    Ntile,
    /// The rank between 0 and 1.
    PercentRank,
    /// The share of rows up to this one and its equals.
    CumeDist,
    /// A percentile: fraction, ordered expression.
    Percentile,
    /// A value as something that stands in its own order where the database has none for it, or another.
    Ranked(Ranking),
    /// The value of which [`Func::Ranked`] made something else.
    Unranked(Ranking),
    /// What keeps decimals exact where the database has none.
    Exact(Exact),
    /// A function that the program allowed by name; checked to be an identifier.
    Named(Name),
}

impl Func {
    /// Whether it answers for a group of rows.
    #[must_use]
    pub fn is_aggregate(&self) -> bool {
        matches!(
            self,
            Func::Count
                | Func::Sum
                | Func::Avg
                | Func::Mean
                | Func::Min
                | Func::Max
                | Func::JsonAgg
                | Func::StringAgg
                | Func::BoolAnd
                | Func::BoolOr
                | Func::Percentile
                | Func::Exact(Exact::Sum | Exact::Average)
        )
    }
}

/// Arithmetic over decimals, which a database without decimals does by functions of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exact {
    /// The value itself, compared and ordered as a number.
    Value,
    /// Aggregate.
    Sum,
    /// Aggregate; the mean as a floating-point number.
    Average,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `-a`
    Negate,
    /// Absolute value.
    Absolute,
    /// Rounded to so many digits.
    Round,
}

/// Values whose order is not the same on every database, or not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ranking {
    /// Labels of an enum, in their order: their places where the database sorts by place and compares as text (MySQL).
    Labels(Arc<[Name]>),
    /// UUIDs: their text where the database has no smallest one (PostgreSQL before 18).
    Uuid,
    /// Bytes: their hexadecimal text where the database has no smallest ones (PostgreSQL before 18).
    Bytes,
}
