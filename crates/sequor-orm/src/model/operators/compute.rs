//! Operators that compute: casts, text, numbers, ranges, lists.

use super::super::column::{Column, TypedExpr};
use super::super::convert::{IntoValue, Operand, bound};
use super::{Listed, Numeric, Ranged, Textual, list_of, text};
use crate::FieldType;
use crate::query::Filter;
use sequor_core::Name;
use sequor_core::statement::{BinaryOp, CastType, Expr, Func, Quantifier};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::value::Value;

fn number(value: u32) -> Expr {
    Expr::Value(Value::I64(i64::from(value)), BindType::one(ScalarType::I32))
}

/// Types with digits behind the point: they are rounded.
#[diagnostic::on_unimplemented(message = "`{Self}` has no digits behind the point", label = "rounding needs an `f32` or `f64` column")]
pub trait Fractional: Numeric {}
impl Fractional for f32 {}
impl Fractional for f64 {}
impl Fractional for Option<f32> {}
impl Fractional for Option<f64> {}

macro_rules! compute {
    ($name:ident < M, T $(, $grain:ident)? >) => {
        impl<M, T: FieldType $(, $grain)?> $name<M, T $(, $grain)?> {
            /// The value as another type; what does not convert is the database's error, or its idea of zero (MySQL, SQLite). Sequelize: `cast`.
            pub fn cast<U: FieldType>(self) -> TypedExpr<M, U $(, $grain)?> {
                TypedExpr::new(Expr::Cast(Box::new(self.expr()), CastType::Column(U::column_type())))
            }

            /// NULL where it equals a value.
            pub fn null_if(self, value: impl Operand<M, T>) -> TypedExpr<M, Option<T::Base> $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::NullIf, vec![self.expr(), value.into_operand()]))
            }
        }

        impl<M, T: Textual $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Without spaces at both ends.
            pub fn trim(self) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Trim, vec![self.expr()]))
            }

            /// With each occurrence of a part replaced; case matters on every database.
            pub fn replace(self, from: impl Into<String>, to: impl Into<String>) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Replace, vec![self.expr(), text(from.into()), text(to.into())]))
            }

            /// So many characters from a place, which is counted from 1.
            pub fn substring(self, from: u32, length: u32) -> TypedExpr<M, T $(, $grain)?> {
                if from == 0 {
                    return TypedExpr::new(Expr::Invalid(Name::Borrowed("substring counts characters from 1")));
                }
                TypedExpr::new(Expr::call(Func::Substring, vec![self.expr(), number(from), number(length)]))
            }
        }

        impl<M, T: Numeric $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Without its sign.
            pub fn abs(self) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Abs, vec![self.expr()]))
            }
        }

        impl<M, T: Fractional $(, $grain)?> $name<M, T $(, $grain)?> {
            /// The largest whole number that is not above it.
            pub fn floor(self) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Floor, vec![self.expr()]))
            }

            /// The smallest whole number that is not below it.
            pub fn ceil(self) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Ceil, vec![self.expr()]))
            }

            /// The nearest whole number; how halves of binary fractions go is the database's matter.
            pub fn round(self) -> TypedExpr<M, T $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Round, vec![self.expr()]))
            }
        }

        impl<M, T: Listed $(, $grain)?> $name<M, T $(, $grain)?> {
            /// How many elements.
            pub fn count_elements(self) -> TypedExpr<M, Option<i64> $(, $grain)?> {
                TypedExpr::new(Expr::call(Func::Cardinality, vec![self.expr()]))
            }

            /// Equals some of these lists' elements: `value = ANY (column)`. The same as [`Self::has`]; Sequelize: `Op.any`.
            pub fn any_is(self, value: impl IntoValue<T::Element>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contains, list_of::<T::Element>([value.into_value()])))
            }

            /// Every element is below a value: `value > ALL (column)`; of an empty list true. On MySQL, MariaDB and SQLite for numbers and
            /// texts. Sequelize: `Op.all`.
            pub fn all_below(self, value: impl IntoValue<T::Element>) -> Filter<M> {
                Filter::new(quantified::<T::Element>(BinaryOp::Greater, &value.into_value(), self.expr()))
            }

            /// Every element is above a value: `value < ALL (column)`; of an empty list true. On MySQL, MariaDB and SQLite for numbers and
            /// texts. Sequelize: `Op.all`.
            pub fn all_above(self, value: impl IntoValue<T::Element>) -> Filter<M> {
                Filter::new(quantified::<T::Element>(BinaryOp::Less, &value.into_value(), self.expr()))
            }
        }

        impl<M, T: Ranged $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Holds another range whole. PostgreSQL only. Sequelize: `Op.contains`.
            pub fn contains_range(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contains, other.into_operand()))
            }

            /// Lies within another range. PostgreSQL only. Sequelize: `Op.contained`.
            pub fn within(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contained, other.into_operand()))
            }

            /// Ends before another begins. PostgreSQL only. Sequelize: `Op.strictLeft`.
            pub fn before(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::StrictLeft, other.into_operand()))
            }

            /// Begins after another ends. PostgreSQL only. Sequelize: `Op.strictRight`.
            pub fn after(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::StrictRight, other.into_operand()))
            }

            /// Does not reach further right than another. PostgreSQL only. Sequelize: `Op.noExtendRight`.
            pub fn ends_no_later(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::NoExtendRight, other.into_operand()))
            }

            /// Does not reach further left than another. PostgreSQL only. Sequelize: `Op.noExtendLeft`.
            pub fn begins_no_earlier(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::NoExtendLeft, other.into_operand()))
            }
        }
    };
}

compute!(Column<M, T>);
compute!(TypedExpr<M, T, G>);

fn quantified<T: FieldType>(op: BinaryOp, value: &T, list: Expr) -> Expr {
    Expr::Quantified { op, left: Box::new(bound(value)), quantifier: Quantifier::All, right: Box::new(list) }
}
