//! [`IntoValue`] and [`Operand`]: which Rust values stand where. No impl widens a number: literals would no longer infer.

use super::column::{Column, TypedExpr};
use crate::{FieldType, Json, Scalar};
use sequor_core::encode::{ManyColumns, OneColumn};
use sequor_core::statement::Expr;
use sequor_core::types::{BindType, CiText, Cidr, Interval, IpNetwork, MacAddr, Range};
use std::borrow::Cow;
use std::ops;
use std::sync::Arc;

/// A value that is stored: in a draft, as a key, as a default, as a step.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be stored where a `{T}` is expected",
    label = "expected a value of type `{T}`",
    note = "`T`, `&T`, a `&str` for a `String`, and a `T` where the field is an `Option<T>` convert by themselves; an `Option<&str>` by `.map(str::to_owned)`, an `Option` of `json!` by `.map(Json)`; numbers are never widened"
)]
pub trait IntoValue<T> {
    /// The value as the field's type.
    fn into_value(self) -> T;
}

/// A primary key: a value, or a tuple with a value for each part of a composite key, each converted as [`IntoValue`] does. `By` is found by the
/// compiler.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not the primary key of this model, which is a `{K}`",
    label = "expected a key of type `{K}`",
    note = "give a composite key as a tuple, its parts in the order of the fields"
)]
pub trait IntoKey<K, By> {
    /// The key as the model's type.
    fn into_key(self) -> K;
}

impl<K: Scalar, V: IntoValue<K>> IntoKey<K, OneColumn> for V {
    fn into_key(self) -> K {
        self.into_value()
    }
}

macro_rules! keys {
    ($($part:ident $given:ident $value:ident),+) => {
        #[diagnostic::do_not_recommend]
        impl<$($part, $given: IntoValue<$part>),+> IntoKey<($($part,)+), ManyColumns> for ($($given,)+) {
            fn into_key(self) -> ($($part,)+) {
                let ($($value,)+) = self;
                ($($value.into_value(),)+)
            }
        }
    };
}

keys!(A X a, B Y b);
keys!(A X a, B Y b, C Z c);
keys!(A X a, B Y b, C Z c, D W d);
keys!(A X a, B Y b, C Z c, D W d, E V e);
keys!(A X a, B Y b, C Z c, D W d, E V e, F U f);
keys!(A X a, B Y b, C Z c, D W d, E V e, F U f, G T g);
keys!(A X a, B Y b, C Z c, D W d, E V e, F U f, G T g, H S h);

impl IntoKey<(), ManyColumns> for () {
    fn into_key(self) {}
}

/// The right side of an operator: a value, a column of the same model and type, or an expression.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be compared with a `{T}`",
    label = "expected a value, column or expression of type `{T}`",
    note = "`T`, `&T`, a `&str` for a `String`, and a `T` where the column is an `Option<T>` convert by themselves; an `Option<&str>` by `.map(str::to_owned)`, an `Option` of `json!` by `.map(Json)`; numbers are never widened"
)]
pub trait Operand<M, T> {
    /// The expression.
    fn into_operand(self) -> Expr;
}

/// A value as a bound parameter of its type.
pub(crate) fn owned<T: FieldType>(value: T) -> Expr {
    Expr::Value(value.moved(), bind_of::<T>())
}

/// The same of a value that stays.
pub(crate) fn bound<T: FieldType>(value: &T) -> Expr {
    Expr::Value(value.to_value(), bind_of::<T>())
}

pub(crate) fn bind_of<T: FieldType>() -> BindType {
    T::column_type().bind()
}

impl<T> IntoValue<T> for T {
    fn into_value(self) -> T {
        self
    }
}

impl<T: Scalar> IntoValue<Option<T>> for T {
    fn into_value(self) -> Option<T> {
        Some(self)
    }
}

impl<T: FieldType> IntoValue<T> for &T {
    fn into_value(self) -> T {
        self.clone()
    }
}

impl<T: Scalar> IntoValue<Option<T>> for &T {
    fn into_value(self) -> Option<T> {
        Some(self.clone())
    }
}

impl<M, T: FieldType> Operand<M, T> for T {
    fn into_operand(self) -> Expr {
        owned(self)
    }
}

impl<M, T: Scalar> Operand<M, Option<T>> for T {
    fn into_operand(self) -> Expr {
        owned(self)
    }
}

impl<M, T: FieldType> Operand<M, T> for &T {
    fn into_operand(self) -> Expr {
        bound(self)
    }
}

impl<M, T: Scalar> Operand<M, Option<T>> for &T {
    fn into_operand(self) -> Expr {
        bound(self)
    }
}

/// A column that may be NULL beside one that is not: the comparison is not true where it is NULL.
impl<M, T: Scalar> Operand<M, T> for Column<M, Option<T>> {
    fn into_operand(self) -> Expr {
        self.expr()
    }
}

impl<M, T> Operand<M, T> for Column<M, T> {
    fn into_operand(self) -> Expr {
        self.expr()
    }
}

impl<M, T> Operand<M, Option<T>> for Column<M, T> {
    fn into_operand(self) -> Expr {
        self.expr()
    }
}

impl<M, T, G> Operand<M, T> for TypedExpr<M, T, G> {
    fn into_operand(self) -> Expr {
        self.expr
    }
}

impl<M, T, G> Operand<M, Option<T>> for TypedExpr<M, T, G> {
    fn into_operand(self) -> Expr {
        self.expr
    }
}

/// An expression that may be NULL beside a column that is not: the comparison is not true where it is NULL.
impl<M, T: Scalar, G> Operand<M, T> for TypedExpr<M, Option<T>, G> {
    fn into_operand(self) -> Expr {
        self.expr
    }
}

macro_rules! from_text {
    ($(#[$shown:meta])* $text:ty: $from:ty) => {
        $(#[$shown])*
        impl IntoValue<$text> for $from {
            fn into_value(self) -> $text {
                <$text>::from(&*self)
            }
        }

        $(#[$shown])*
        impl IntoValue<Option<$text>> for $from {
            fn into_value(self) -> Option<$text> {
                Some(<$text>::from(&*self))
            }
        }

        $(#[$shown])*
        impl<M> Operand<M, $text> for $from {
            fn into_operand(self) -> Expr {
                owned(<$text>::from(&*self))
            }
        }

        $(#[$shown])*
        impl<M> Operand<M, Option<$text>> for $from {
            fn into_operand(self) -> Expr {
                owned(<$text>::from(&*self))
            }
        }
    };
}

from_text!(String: &str);
from_text!(String: Box<str>);
from_text!(String: Arc<str>);
from_text!(String: Cow<'_, str>);
// These are not named where a type does not fit: the ones that are meant would not be seen among them.
from_text!(#[diagnostic::do_not_recommend] CiText: &str);
from_text!(#[diagnostic::do_not_recommend] CiText: String);
from_text!(#[diagnostic::do_not_recommend] CiText: Cow<'_, str>);
from_text!(#[diagnostic::do_not_recommend] IpNetwork: &str);
from_text!(#[diagnostic::do_not_recommend] Cidr: &str);
from_text!(#[diagnostic::do_not_recommend] MacAddr: &str);
from_text!(#[diagnostic::do_not_recommend] Interval: &str);

/// A document is given as it is.
impl<T> IntoValue<Json<T>> for T {
    fn into_value(self) -> Json<T> {
        Json(self)
    }
}

impl<T> IntoValue<Option<Json<T>>> for T {
    fn into_value(self) -> Option<Json<T>> {
        Some(Json(self))
    }
}

impl<M, T> Operand<M, Json<T>> for T
where
    Json<T>: FieldType,
{
    fn into_operand(self) -> Expr {
        owned(Json(self))
    }
}

impl<M, T> Operand<M, Option<Json<T>>> for T
where
    Json<T>: FieldType,
{
    fn into_operand(self) -> Expr {
        owned(Json(self))
    }
}

macro_rules! from_range {
    ($($from:ty),*) => {$(
        impl<T> IntoValue<Range<T>> for $from {
            fn into_value(self) -> Range<T> {
                self.into()
            }
        }

        impl<T> IntoValue<Option<Range<T>>> for $from {
            fn into_value(self) -> Option<Range<T>> {
                Some(self.into())
            }
        }

        impl<M, T> Operand<M, Range<T>> for $from
        where
            Range<T>: FieldType,
        {
            fn into_operand(self) -> Expr {
                bound::<Range<T>>(&self.into())
            }
        }

        impl<M, T> Operand<M, Option<Range<T>>> for $from
        where
            Range<T>: FieldType,
        {
            fn into_operand(self) -> Expr {
                bound::<Range<T>>(&self.into())
            }
        }
    )*};
}

from_range!(ops::Range<T>, ops::RangeInclusive<T>, ops::RangeFrom<T>, ops::RangeTo<T>, ops::RangeToInclusive<T>);

impl<T, V: IntoValue<T>, const N: usize> IntoValue<Vec<T>> for [V; N] {
    fn into_value(self) -> Vec<T> {
        self.into_iter().map(V::into_value).collect()
    }
}

impl<T, V: IntoValue<T>, const N: usize> IntoValue<Option<Vec<T>>> for [V; N] {
    fn into_value(self) -> Option<Vec<T>> {
        Some(self.into_value())
    }
}

impl<M, T, V: IntoValue<T>, const N: usize> Operand<M, Vec<T>> for [V; N]
where
    Vec<T>: FieldType,
{
    fn into_operand(self) -> Expr {
        let list: Vec<T> = self.into_value();
        bound(&list)
    }
}

impl<M, T, V: IntoValue<T>, const N: usize> Operand<M, Option<Vec<T>>> for [V; N]
where
    Vec<T>: FieldType,
{
    fn into_operand(self) -> Expr {
        let list: Vec<T> = self.into_value();
        bound(&list)
    }
}

macro_rules! from_slice {
    ($([$($n:ident)?] $from:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T, V: IntoValue<T> + Clone $(, const $n: usize)?> IntoValue<Vec<T>> for $from {
            fn into_value(self) -> Vec<T> {
                self.iter().cloned().map(V::into_value).collect()
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T, V: IntoValue<T> + Clone $(, const $n: usize)?> IntoValue<Option<Vec<T>>> for $from {
            fn into_value(self) -> Option<Vec<T>> {
                Some(self.into_value())
            }
        }

        #[diagnostic::do_not_recommend]
        impl<M, T, V: IntoValue<T> + Clone $(, const $n: usize)?> Operand<M, Vec<T>> for $from
        where
            Vec<T>: FieldType,
        {
            fn into_operand(self) -> Expr {
                let list: Vec<T> = self.into_value();
                owned(list)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<M, T, V: IntoValue<T> + Clone $(, const $n: usize)?> Operand<M, Option<Vec<T>>> for $from
        where
            Vec<T>: FieldType,
        {
            fn into_operand(self) -> Expr {
                let list: Vec<T> = self.into_value();
                owned(list)
            }
        }
    )*};
}

from_slice!([N] & [V; N], [] & [V]);
