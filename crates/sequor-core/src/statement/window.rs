//! [`Window`]: a function over the rows beside a row, and [`Frame`]: which of them it looks at.

use super::{Expr, OrderBy};

/// A function over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The function.
    pub call: Expr,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<OrderBy>,
    /// The rows from here to there; the database's own choice without one.
    pub frame: Option<Frame>,
}

/// A part of a window that moves with the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// What its bounds count.
    pub unit: FrameUnit,
    /// Where it begins; [`FrameBound::Unbounded`] is the first row.
    pub from: FrameBound,
    /// Where it ends; [`FrameBound::Unbounded`] is the last row.
    pub to: FrameBound,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Distances of the value that the window is ordered by.
    Range,
    /// Groups of rows that are equal in the order of the window.
    Groups,
}

/// A bound of a frame, seen from the row.
///
/// ```
/// use sequor::{FrameBound, Window, prelude::*};
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Day { #[field(primary_key)] id: i64, sold: i32 }
///
/// let week = Window::new().order_by(Day::ID.asc()).rows_between(FrameBound::Preceding(6), FrameBound::CurrentRow);
/// let sql = Day::find_all().select(sum(Day::SOLD).over(week)).to_sql(Dialect::Postgres)?;
/// assert!(sql.to_string().contains("ROWS BETWEEN 6 PRECEDING AND CURRENT ROW"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameBound {
    /// The first row where a frame begins, the last one where it ends.
    Unbounded,
    /// So many before.
    Preceding(u64),
    /// The row itself; by distance or group, its equals too.
    CurrentRow,
    /// So many behind.
    Following(u64),
}

impl Frame {
    /// The same rows, seen in the reversed order.
    #[must_use]
    pub fn reversed(self) -> Frame {
        Frame { unit: self.unit, from: self.to.reversed(), to: self.from.reversed() }
    }

    /// Whether its end lies before its beginning whatever the row is.
    pub fn is_backwards(&self) -> bool {
        self.from.side().zip(self.to.side()).is_some_and(|(from, to)| from > to)
    }
}

impl FrameBound {
    fn reversed(self) -> FrameBound {
        match self {
            FrameBound::Preceding(count) => FrameBound::Following(count),
            FrameBound::Following(count) => FrameBound::Preceding(count),
            same => same,
        }
    }

    fn side(self) -> Option<u8> {
        match self {
            FrameBound::Unbounded => None,
            FrameBound::Preceding(_) => Some(0),
            FrameBound::CurrentRow => Some(1),
            FrameBound::Following(_) => Some(2),
        }
    }
}
