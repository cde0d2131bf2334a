//! Functions over windows: `row_number().over(Window::new().partition_by(User::ROLE).order_by(User::AGE.desc()))`.

use super::IntoTyped;
use crate::FieldType;
use crate::model::{Single, TypedExpr};
use crate::query::{Columns, IntoOrder};
use sequor_core::schema::Nulls;
use sequor_core::statement::{Expr, Func, OrderBy, Window as CoreWindow};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::value::Value;
use std::marker::PhantomData;

/// The rows beside a row that a function over a window looks at; all of them, until it is divided.
pub struct Window<M> {
    partition: Vec<Expr>,
    order: Vec<OrderBy>,
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
        Window { partition: Vec::new(), order: Vec::new(), marker: PhantomData }
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
}

/// A function that needs a window.
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
    TypedExpr::new(Expr::Over(Box::new(CoreWindow { call, partition: window.partition, order: window.order })))
}

/// The number of the row in its window, from 1.
pub fn row_number<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::RowNumber, Vec::new())
}

/// The rank of the row: equals share one, and the next has a gap before it.
pub fn rank<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::Rank, Vec::new())
}

/// The rank of the row without gaps.
pub fn dense_rank<M>() -> WindowCall<M, i64> {
    WindowCall::new(Func::DenseRank, Vec::new())
}

/// The value of the row before; `None` for the first.
pub fn lag<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lag, vec![of.into_typed(), one()])
}

/// The value of the row behind; `None` for the last.
pub fn lead<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::Lead, vec![of.into_typed(), one()])
}

/// The value of the window's first row.
pub fn first_value<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall::new(Func::FirstValue, vec![of.into_typed()])
}

/// The value of the window's last row: the first one of the reversed order, so that no frame has to be said.
pub fn last_value<M, T: FieldType>(of: impl IntoTyped<M, T>) -> WindowCall<M, Option<T::Base>> {
    WindowCall { backwards: true, ..WindowCall::new(Func::FirstValue, vec![of.into_typed()]) }
}

fn one() -> Expr {
    Expr::Value(Value::I64(1), BindType::one(ScalarType::I32))
}
