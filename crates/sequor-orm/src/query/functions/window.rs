//! Functions over windows: `row_number().over(Window::new().partition_by(User::ROLE).order_by(User::AGE.desc()))`.

use super::IntoTyped;
use crate::FieldType;
use crate::model::{Single, TypedExpr};
use crate::query::{Columns, IntoOrder};
use sequor_core::schema::Nulls;
pub use sequor_core::statement::FrameBound;
use sequor_core::statement::{Expr, Frame, FrameUnit, Func, OrderBy, Window as CoreWindow};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::value::Value;
use std::marker::PhantomData;

/// The rows beside a row that a function over a window looks at; all of them, until it is divided.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{FrameBound, Window};
/// let ages = Window::new().partition_by(User::NAME).order_by(User::AGE.asc());
/// let rows = User::find_all().select((row_number().over(ages), sum(User::AGE).over(Window::new()))).exec(&db).await?;
/// assert_eq!(rows, [(1, Some(31))]);
/// let near = Window::new().order_by(User::AGE.asc()).range_between(FrameBound::Preceding(5), FrameBound::Following(5));
/// assert_eq!(User::find_all().select(count_all().over(near)).exec(&db).await?, [1]);
/// let equals = Window::new().order_by(User::AGE.asc()).groups_between(FrameBound::CurrentRow, FrameBound::CurrentRow);
/// assert_eq!(User::find_all().select(count_all().over(equals)).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub struct Window<M> {
    partition: Vec<Expr>,
    order: Vec<OrderBy>,
    frame: Option<Frame>,
    marker: PhantomData<fn() -> M>,
}

impl<M> Default for Window<M> {
    fn default() -> Self {
        Window::new()
    }
}

impl<M> Window<M> {
    /// All rows of the query.
    pub fn new() -> Window<M> {
        Window { partition: Vec::new(), order: Vec::new(), frame: None, marker: PhantomData }
    }

    /// Only rows with equal values. PARTITION BY.
    #[must_use]
    pub fn partition_by(mut self, columns: impl Columns<M>) -> Window<M> {
        self.partition.extend(columns.exprs());
        self
    }

    /// Their order; with one, aggregates run from the first row to this one and its equals.
    #[must_use]
    pub fn order_by(mut self, order: impl IntoOrder<M>) -> Window<M> {
        self.order.extend(order.into_order());
        self
    }

    /// Only the rows from so many before or behind to so many before or behind. ROWS BETWEEN.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # use sequor::{FrameBound, Window};
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # struct Day { #[field(primary_key)] id: i64, sold: i32 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # db.sync::<Day>(sequor::SyncMode::Create).await?;
    /// # Day::bulk_create((1..=4).map(|id| draft!(Day { id: id, sold: 10 })).collect::<Vec<_>>()).exec(&db).await?;
    /// let three_days = Window::new().order_by(Day::ID.asc()).rows_between(FrameBound::Preceding(2), FrameBound::CurrentRow);
    /// let sums = Day::find_all().select(sum(Day::SOLD).over(three_days)).order_by(Day::ID.asc()).exec(&db).await?;
    /// assert_eq!(sums, [Some(10), Some(20), Some(30), Some(30)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rows_between(self, from: FrameBound, to: FrameBound) -> Window<M> {
        self.framed(FrameUnit::Rows, from, to)
    }

    /// Only the rows whose value of the window's order (one number) is at most so much smaller or larger. RANGE BETWEEN.
    #[must_use]
    pub fn range_between(self, from: FrameBound, to: FrameBound) -> Window<M> {
        self.framed(FrameUnit::Range, from, to)
    }

    /// Only the rows of so many groups of equal rows before or behind; not on MySQL and MariaDB. GROUPS BETWEEN.
    #[must_use]
    pub fn groups_between(self, from: FrameBound, to: FrameBound) -> Window<M> {
        self.framed(FrameUnit::Groups, from, to)
    }

    fn framed(mut self, unit: FrameUnit, from: FrameBound, to: FrameBound) -> Window<M> {
        self.frame = Some(Frame { unit, from, to });
        self
    }
}

/// A function that needs a window.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, WindowCall};
/// let number: WindowCall<User, i64> = row_number();
/// assert_eq!(User::find_all().select(number.over(Window::new().order_by(User::ID.asc()))).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub struct WindowCall<M, T> {
    call: Expr,
    backwards: bool,
    marker: PhantomData<fn() -> (M, T)>,
}

impl<M, T> WindowCall<M, T> {
    fn new(func: Func, args: Vec<Expr>) -> WindowCall<M, T> {
        WindowCall { call: Expr::call(func, args), backwards: false, marker: PhantomData }
    }

    /// The function over a window: a value for each row.
    pub fn over(self, mut window: Window<M>) -> TypedExpr<M, T> {
        if self.backwards {
            for by in &mut window.order {
                by.direction = by.direction.reverse();
                by.nulls = by.nulls.map(|nulls| match nulls {
                    Nulls::First => Nulls::Last,
                    Nulls::Last => Nulls::First,
                });
            }
            window.frame = window.frame.map(Frame::reversed);
        }
        over(self.call, window)
    }
}

impl<M, T> TypedExpr<M, T, Single> {
    /// The aggregate over a window: a value for each row instead of one in all.
    pub fn over(self, window: Window<M>) -> TypedExpr<M, T> {
        over(self.expr, window)
    }
}

fn over<M, T>(call: Expr, window: Window<M>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::Over(Box::new(CoreWindow { call, partition: window.partition, order: window.order, frame: window.frame })))
}

/// The number of the row in its window, from 1.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Window;
/// assert_eq!(User::find_all().select(row_number().over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub fn row_number<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::RowNumber, Vec::new())
}

/// The rank of the row: equals share one, and the next has a gap before it.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, rank};
/// assert_eq!(User::find_all().select(rank().over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub fn rank<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::Rank, Vec::new())
}

/// The rank of the row without gaps.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, dense_rank};
/// assert_eq!(User::find_all().select(dense_rank().over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub fn dense_rank<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::DenseRank, Vec::new())
}

/// The number of the row's part, from 1, when the window is divided into so many parts of one size.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, ntile};
/// assert_eq!(User::find_all().select(ntile(4).over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [1]);
/// # Ok(())
/// # }
/// ```
pub fn ntile<M>(parts: u32) -> WindowCall<M, i64> {
    WindowCall::new(Func::Ntile, vec![number(parts)])
}

/// The rank of the row between 0 and 1.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, percent_rank};
/// assert_eq!(User::find_all().select(percent_rank().over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [0.0]);
/// # Ok(())
/// # }
/// ```
pub fn percent_rank<M>() -> WindowCall<M, f64> {
    WindowCall::new(Func::PercentRank, Vec::new())
}

/// The share of the window's rows that come no later than this one.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, cume_dist};
/// assert_eq!(User::find_all().select(cume_dist().over(Window::new().order_by(User::AGE.desc()))).exec(&db).await?, [1.0]);
/// # Ok(())
/// # }
/// ```
pub fn cume_dist<M>() -> WindowCall<M, f64> {
    WindowCall::new(Func::CumeDist, Vec::new())
}

/// The value of the row before; `None` for the first.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, lag};
/// assert_eq!(User::find_all().select(lag(User::NAME).over(Window::new().order_by(User::ID.asc()))).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn lag<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lag, vec![of.into_typed(), number(1)])
}

/// The value of the row behind; `None` for the last.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, lead};
/// assert_eq!(User::find_all().select(lead(User::NAME).over(Window::new().order_by(User::ID.asc()))).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn lead<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lead, vec![of.into_typed(), number(1)])
}

/// The value of the window's first row.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, first_value};
/// let first = first_value(User::NAME).over(Window::new().order_by(User::ID.asc()));
/// assert_eq!(User::find_all().select(first).exec(&db).await?, [Some("Ann".into())]);
/// # Ok(())
/// # }
/// ```
pub fn first_value<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::FirstValue, vec![of.into_typed()])
}

/// The value of the window's last row: the first one of the reversed order, so that no frame has to be said.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, last_value};
/// let last = last_value(User::NAME).over(Window::new().order_by(User::ID.asc()));
/// assert_eq!(User::find_all().select(last).exec(&db).await?, [Some("Ann".into())]);
/// # Ok(())
/// # }
/// ```
pub fn last_value<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall { backwards: true, ..WindowCall::new(Func::FirstValue, vec![of.into_typed()]) }
}

/// The value of the row so many before.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, lag_by};
/// assert_eq!(User::find_all().select(lag_by(User::AGE, 2).over(Window::new().order_by(User::ID.asc()))).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn lag_by<M, T: FieldType>(of: impl IntoTyped<M, T>, rows: u32) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lag, vec![of.into_typed(), number(rows)])
}

/// The value of the row so many behind.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, lead_by};
/// assert_eq!(User::find_all().select(lead_by(User::AGE, 2).over(Window::new().order_by(User::ID.asc()))).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn lead_by<M, T: FieldType>(of: impl IntoTyped<M, T>, rows: u32) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lead, vec![of.into_typed(), number(rows)])
}

/// The value of the frame's row of this number, from 1. With an order and without a frame, only rows up to this one and its equals are seen.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Window, nth_value};
/// let first = nth_value(User::NAME, 1).over(Window::new().order_by(User::ID.asc()));
/// assert_eq!(User::find_all().select(first).exec(&db).await?, [Some("Ann".into())]);
/// # Ok(())
/// # }
/// ```
pub fn nth_value<M, T: FieldType>(of: impl IntoTyped<M, T>, row: u32) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::NthValue, vec![of.into_typed(), number(row)])
}

/// What counts rows is a number of 32 bits: PostgreSQL takes no other.
fn number(rows: u32) -> Expr {
    Expr::Value(Value::I64(i64::from(rows)), BindType::one(ScalarType::I32))
}
