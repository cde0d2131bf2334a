//! [`Among`]: what a value is looked for in: a list, or what a query selects.

use super::super::convert::{IntoValue, bind_of};
use super::in_values;
use crate::FieldType;
use crate::query::{Find, OneColumn, Shape, among_query};
use sequor_core::statement::Expr;
use std::marker::PhantomData;

/// What `is_in` and `not_in` take: a list of values, each converted as [`IntoValue`] does, or a query of one column. `How` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "a value cannot be looked for in a `{Self}`",
    label = "expected a list of `{T}`, or a query that selects one column of this type",
    note = "lists are arrays, `Vec`s, slices, ranges and every other iterator; a query is written `Post::find_all().select(Post::USER_ID)`"
)]
pub trait Among<T, How> {
    /// The condition.
    fn among(self, expr: Expr, negated: bool) -> Expr;
}

/// A list of values.
pub struct ByList<V>(PhantomData<V>);

/// A query.
pub struct ByQuery;

impl<T: FieldType, V: IntoValue<T>, I: IntoIterator<Item = V>> Among<T, ByList<V>> for I {
    fn among(self, expr: Expr, negated: bool) -> Expr {
        let values = self.into_iter().map(|value| value.into_value().moved()).collect();
        in_values(expr, values, bind_of::<T>(), negated)
    }
}

#[diagnostic::do_not_recommend]
impl<T: FieldType, N, S: Shape> Among<T, ByQuery> for Find<N, S>
where
    Find<N, S>: OneColumn<T::Base>,
{
    fn among(self, expr: Expr, negated: bool) -> Expr {
        among_query(expr, self, negated)
    }
}
