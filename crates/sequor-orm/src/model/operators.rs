//! The operators of columns and expressions, written once for both.

mod among;
mod compute;
mod document;
mod json;
mod listed;

pub use among::Among;
pub use compute::Fractional;
pub(crate) use document::set_inside;
pub(crate) use json::parse_path;
pub use json::{JsonOperand, JsonPath};

use super::column::{Column, TypedExpr};
use super::convert::{IntoValue, Operand, bind_of, bound};
use crate::query::{Filter, Order};
use crate::{FieldType, Json, Scalar};
use sequor_core::Name;
use sequor_core::schema::{Nulls, SortDirection};
use sequor_core::statement::{BinaryOp, Expr, Func, JsonAs, LikeKind, Search, escape_like};
use sequor_core::types::{BindType, CiText, ColumnType, Range, ScalarType};
use sequor_core::value::Value;

/// The grain of columns: a value for each row.
pub struct Rows;

/// The grain of aggregates without groups: one value in all.
pub struct Single;

/// How many rows a selection has.
pub trait Grain: 'static {
    /// The grain of this beside that.
    type With<G: Grain>: Grain;
    /// Whether there is exactly one row.
    const SINGLE: bool;
}

impl Grain for Rows {
    type With<G: Grain> = Rows;
    const SINGLE: bool = false;
}

impl Grain for Single {
    type With<G: Grain> = G;
    const SINGLE: bool = true;
}

/// Types that are text: they have `like`, `contains`, `starts_with`, ..
#[diagnostic::on_unimplemented(message = "`{Self}` is not text", label = "text operators need a text column")]
pub trait Textual: FieldType {}
impl Textual for String {}
impl Textual for CiText {}
#[diagnostic::do_not_recommend]
impl<T: Textual + Scalar> Textual for Option<T> {}

/// Types that are numbers, their `Option` included: they have arithmetic, `sum` and `avg`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number", label = "arithmetic needs a numeric column")]
pub trait Numeric: FieldType {
    /// The type of their sum.
    type Sum: Scalar;
}

macro_rules! numeric {
    ($($ty:ty => $sum:ty),* $(,)?) => {$(
        impl Numeric for $ty { type Sum = $sum; }
    )*};
}

#[diagnostic::do_not_recommend]
impl<T: Numeric + Scalar> Numeric for Option<T> {
    type Sum = T::Sum;
}

numeric! {
    i8 => i64, i16 => i64, i32 => i64, i64 => i64, u8 => i64, u16 => i64, u32 => i64, u64 => u64, f32 => f64, f64 => f64,
    rust_decimal::Decimal => rust_decimal::Decimal,
}

/// Types that are JSON documents: they have `path`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a JSON column", label = "paths need a `Json` column")]
pub trait JsonColumn: FieldType {}
impl<T> JsonColumn for Json<T> where Json<T>: Scalar {}
impl<T> JsonColumn for Option<Json<T>> where Json<T>: Scalar {}

/// Types that are lists: they have `contains_all`, `overlaps`, ..
#[diagnostic::on_unimplemented(message = "`{Self}` is not a list", label = "list operators need a `Vec` column")]
pub trait Listed: FieldType {
    /// One element.
    type Element: Scalar;
}

impl<T: Scalar> Listed for Vec<T>
where
    Vec<T>: Scalar,
{
    type Element = T;
}

impl<T: Scalar> Listed for Option<Vec<T>>
where
    Vec<T>: Scalar,
{
    type Element = T;
}

/// Types that are ranges.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a range", label = "expected a column of type `Range<T>`")]
pub trait Ranged: FieldType {
    /// One end.
    type Element: Scalar;
}

impl<T: Scalar> Ranged for Range<T>
where
    Range<T>: Scalar,
{
    type Element = T;
}

impl<T: Scalar> Ranged for Option<Range<T>>
where
    Range<T>: Scalar,
{
    type Element = T;
}

/// `a = NULL` is never true; what people mean is `a IS NULL`.
pub(crate) fn compare(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    match (&op, &right) {
        (BinaryOp::Equal, Expr::Value(Value::Null, _)) => Expr::IsNull { expr: Box::new(left), negated: false },
        (BinaryOp::NotEqual, Expr::Value(Value::Null, _)) => Expr::IsNull { expr: Box::new(left), negated: true },
        _ => left.binary(op, right),
    }
}

/// A list of values; NULLs are dropped, and `NOT IN` of a list that had one also asks for NOT NULL (decision 14).
pub(crate) fn in_values(expr: Expr, values: Vec<Value>, bind: BindType, negated: bool) -> Expr {
    let count = values.len();
    let rows: Vec<Vec<Value>> = values.into_iter().filter(|value| !value.is_null()).map(|value| vec![value]).collect();
    let had_null = rows.len() < count;
    let list = Expr::InValues { exprs: vec![expr.clone()], rows, binds: vec![bind], negated, scanned: false };
    if negated && had_null { list.and(Expr::IsNull { expr: Box::new(expr), negated: true }) } else { list }
}

fn like(expr: Expr, pattern: Expr, kind: LikeKind, negated: bool) -> Expr {
    Expr::Like { expr: Box::new(expr), pattern: Box::new(pattern), kind, negated }
}

fn text(value: String) -> Expr {
    Expr::Value(Value::Text(value), BindType::one(ScalarType::Text))
}

macro_rules! operators {
    ($name:ident < M, T $(, $grain:ident)? >) => {
        impl<M, T: FieldType $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Equal; with `None`, IS NULL. Sequelize: `{ [Op.eq]: value }`.
            #[allow(clippy::should_implement_trait)]
            pub fn eq(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(compare(BinaryOp::Equal, self.expr(), other.into_operand()))
            }

            /// Not equal; with `None`, IS NOT NULL. NULLs do not match. Sequelize: `{ [Op.ne]: value }`.
            #[allow(clippy::should_implement_trait)]
            pub fn ne(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(compare(BinaryOp::NotEqual, self.expr(), other.into_operand()))
            }

            /// Greater. Sequelize: `Op.gt`.
            #[allow(clippy::should_implement_trait)]
            pub fn gt(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Greater, other.into_operand()))
            }

            /// Greater or equal. Sequelize: `Op.gte`.
            pub fn gte(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::GreaterEqual, other.into_operand()))
            }

            /// Less. Sequelize: `Op.lt`.
            #[allow(clippy::should_implement_trait)]
            pub fn lt(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Less, other.into_operand()))
            }

            /// Less or equal. Sequelize: `Op.lte`.
            pub fn lte(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::LessEqual, other.into_operand()))
            }

            /// Equal, where NULL equals NULL.
            pub fn is_same(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Same, other.into_operand()))
            }

            /// Not equal, where NULL equals NULL.
            pub fn is_not_same(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::NotSame, other.into_operand()))
            }

            /// Between two values, both included. Sequelize: `Op.between`.
            pub fn between(self, low: impl Operand<M, T>, high: impl Operand<M, T>) -> Filter<M> {
                let (expr, low, high) = (Box::new(self.expr()), Box::new(low.into_operand()), Box::new(high.into_operand()));
                Filter::new(Expr::Between { expr, low, high, negated: false })
            }

            /// Not between two values. Sequelize: `Op.notBetween`.
            pub fn not_between(self, low: impl Operand<M, T>, high: impl Operand<M, T>) -> Filter<M> {
                let (expr, low, high) = (Box::new(self.expr()), Box::new(low.into_operand()), Box::new(high.into_operand()));
                Filter::new(Expr::Between { expr, low, high, negated: true })
            }

            /// One of a list, or of what a query selects; an empty list matches nothing, NULLs in it are dropped. Sequelize: `Op.in`.
            pub fn is_in<How>(self, values: impl Among<T, How>) -> Filter<M> {
                Filter::new(values.among(self.expr(), false))
            }

            /// None of a list, or of what a query selects; an empty list matches everything, a NULL in it adds IS NOT NULL. Sequelize: `Op.notIn`.
            pub fn not_in<How>(self, values: impl Among<T, How>) -> Filter<M> {
                Filter::new(values.among(self.expr(), true))
            }

            /// IS NULL. Sequelize: `{ [Op.is]: null }`.
            pub fn is_null(self) -> Filter<M> {
                Filter::new(Expr::IsNull { expr: Box::new(self.expr()), negated: false })
            }

            /// IS NOT NULL. Sequelize: `{ [Op.not]: null }`.
            pub fn is_not_null(self) -> Filter<M> {
                Filter::new(Expr::IsNull { expr: Box::new(self.expr()), negated: true })
            }

            /// Smallest first.
            pub fn asc(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Ascending, None)
            }

            /// Largest first.
            pub fn desc(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Descending, None)
            }

            /// Smallest first, NULLs before all on every database.
            pub fn asc_nulls_first(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Ascending, Some(Nulls::First))
            }

            /// Smallest first, NULLs behind all on every database.
            pub fn asc_nulls_last(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Ascending, Some(Nulls::Last))
            }

            /// Largest first, NULLs before all on every database.
            pub fn desc_nulls_first(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Descending, Some(Nulls::First))
            }

            /// Largest first, NULLs behind all on every database.
            pub fn desc_nulls_last(self) -> Order<M> {
                Order::new(self.expr(), SortDirection::Descending, Some(Nulls::Last))
            }
        }

        impl<M, T: Textual $(, $grain)?> $name<M, T $(, $grain)?> {
            /// LIKE with your own `%` and `_`; case as the database has it. Sequelize: `Op.like`.
            pub fn like(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(like(self.expr(), text(pattern.into()), LikeKind::Like, false))
            }

            /// NOT LIKE. Sequelize: `Op.notLike`.
            pub fn not_like(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(like(self.expr(), text(pattern.into()), LikeKind::Like, true))
            }

            /// LIKE without case, on every database. Sequelize: `Op.iLike`.
            pub fn ilike(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(like(self.expr(), text(pattern.into()), LikeKind::ILike, false))
            }

            /// NOT LIKE without case. Sequelize: `Op.notILike`.
            pub fn not_ilike(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(like(self.expr(), text(pattern.into()), LikeKind::ILike, true))
            }

            /// Holds a text; `%`, `_` and `\` stand for themselves. Sequelize: `Op.substring`.
            pub fn contains(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("%{}%", escape_like(part.as_ref()))), LikeKind::Escaped, false))
            }

            /// Begins with a text. Sequelize: `Op.startsWith`.
            pub fn starts_with(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("{}%", escape_like(part.as_ref()))), LikeKind::Escaped, false))
            }

            /// Ends with a text. Sequelize: `Op.endsWith`.
            pub fn ends_with(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("%{}", escape_like(part.as_ref()))), LikeKind::Escaped, false))
            }

            /// Holds a text, without case.
            pub fn icontains(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("%{}%", escape_like(part.as_ref()))), LikeKind::IEscaped, false))
            }

            /// Begins with a text, without case.
            pub fn istarts_with(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("{}%", escape_like(part.as_ref()))), LikeKind::IEscaped, false))
            }

            /// Ends with a text, without case.
            pub fn iends_with(self, part: impl AsRef<str>) -> Filter<M> {
                Filter::new(like(self.expr(), text(format!("%{}", escape_like(part.as_ref()))), LikeKind::IEscaped, false))
            }

            /// Matches a regular expression of the database. Sequelize: `Op.regexp`.
            pub fn regexp(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Regexp, text(pattern.into())))
            }

            /// Does not match a regular expression. Sequelize: `Op.notRegexp`.
            pub fn not_regexp(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::NotRegexp, text(pattern.into())))
            }

            /// Matches a regular expression without case. Sequelize: `Op.iRegexp`.
            pub fn iregexp(self, pattern: impl Into<String>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::IRegexp, text(pattern.into())))
            }

            /// Every word of a search occurs, whatever the case; MySQL and MariaDB need a FULLTEXT index. Sequelize: `Op.match`.
            pub fn matches(self, search: impl Into<String>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Match, text(search.into())))
            }

            /// How well the text answers a search, to select and sort by: larger is better, 0 where a word is missing.
            pub fn match_rank(self, search: impl Into<String>) -> TypedExpr<M, f64> {
                TypedExpr::new(Expr::Search(Box::new(Search { rank: true, ..Search::new(vec![self.expr()], search) })))
            }

            /// In lower case.
            pub fn lower(self) -> TypedExpr<M, T> {
                TypedExpr::new(Expr::call(Func::Lower, vec![self.expr()]))
            }

            /// In upper case.
            pub fn upper(self) -> TypedExpr<M, T> {
                TypedExpr::new(Expr::call(Func::Upper, vec![self.expr()]))
            }

            /// The number of characters.
            pub fn length(self) -> TypedExpr<M, Option<i64>> {
                TypedExpr::new(Expr::call(Func::Length, vec![self.expr()]))
            }

            /// Joined with another text.
            pub fn concat(self, other: impl Operand<M, T>) -> TypedExpr<M, T> {
                TypedExpr::new(self.expr().binary(BinaryOp::Concat, other.into_operand()))
            }
        }

        impl<M, T: JsonColumn $(, $grain)?> $name<M, T $(, $grain)?> {
            /// A path into the document: `messages[0].role`; a key with a dot is written `["a.b"]`.
            pub fn path(self, path: impl AsRef<str>) -> JsonPath<M> {
                JsonPath::parse(self.expr(), path.as_ref())
            }

            /// The whole document as text.
            pub fn as_text(self) -> TypedExpr<M, String> {
                TypedExpr::new(Expr::Json { expr: Box::new(self.expr()), path: Vec::new(), take: JsonAs::Text })
            }

            /// Holds a document: every key and element of it occurs. Sequelize: `Op.contains`.
            pub fn contains_json(self, part: serde_json::Value) -> Filter<M> {
                let part = Expr::Value(Value::from(part), BindType::one(ScalarType::Jsonb));
                Filter::new(self.expr().binary(BinaryOp::Contains, part))
            }
        }

        impl<M, T: Listed $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Holds all of these elements. Sequelize: `Op.contains`.
            pub fn contains_all<V: IntoValue<T::Element>>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contains, list_of(values.into_iter().map(IntoValue::into_value))))
            }

            /// Holds no other than these elements. Sequelize: `Op.contained`.
            pub fn contained_in<V: IntoValue<T::Element>>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contained, list_of(values.into_iter().map(IntoValue::into_value))))
            }

            /// Holds at least one of these elements. Sequelize: `Op.overlap`.
            pub fn overlaps<V: IntoValue<T::Element>>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Overlap, list_of(values.into_iter().map(IntoValue::into_value))))
            }

            /// Holds this element. Sequelize: `{ [Op.contains]: [value] }`.
            pub fn has(self, value: impl IntoValue<T::Element>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contains, list_of::<T::Element>([value.into_value()])))
            }
        }

        impl<M, T: Ranged $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Holds a value. PostgreSQL only. Sequelize: `Op.contains`.
            pub fn contains_value(self, value: impl IntoValue<T::Element>) -> Filter<M> {
                let value = bound::<T::Element>(&value.into_value());
                Filter::new(self.expr().binary(BinaryOp::Contains, value))
            }

            /// Has members in common with another range. PostgreSQL only. Sequelize: `Op.overlap`.
            pub fn overlaps_range(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Overlap, other.into_operand()))
            }

            /// Touches another range without overlap. PostgreSQL only. Sequelize: `Op.adjacent`.
            pub fn adjacent_to(self, other: impl Operand<M, T>) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Adjacent, other.into_operand()))
            }
        }
    };
}

operators!(Column<M, T>);
operators!(TypedExpr<M, T, G>);

fn list_of<T: Scalar>(values: impl IntoIterator<Item = T>) -> Expr {
    let values = values.into_iter().map(|value| value.moved()).collect();
    Expr::Value(Value::Array(values), BindType::list(bind_of::<T>().scalar))
}

impl<M, T, G> TypedExpr<M, T, G> {
    pub(crate) fn expr(self) -> Expr {
        self.expr
    }
}

/// Databases disagree about what is left of a float, and whether whole numbers give one.
fn computed<T: Numeric>(left: Expr, op: BinaryOp, right: Expr) -> Expr {
    let float = matches!(T::column_type(), ColumnType::F32 | ColumnType::F64);
    let decimal = matches!(T::column_type(), ColumnType::Decimal(_));
    match op {
        BinaryOp::Modulo if float => {
            Expr::Invalid(Name::Borrowed("% is for whole numbers and decimals: of floats not every database has it"))
        }
        BinaryOp::Divide if !float && !decimal => left.binary(BinaryOp::DivideWhole, right),
        _ => left.binary(op, right),
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $op:ident),*) => {$(
        impl<M, T: Numeric, V: Operand<M, T>> std::ops::$trait<V> for Column<M, T> {
            type Output = TypedExpr<M, T>;

            fn $method(self, other: V) -> TypedExpr<M, T> {
                TypedExpr::new(computed::<T>(self.expr(), BinaryOp::$op, other.into_operand()))
            }
        }

        impl<M, T: Numeric, G, V: Operand<M, T>> std::ops::$trait<V> for TypedExpr<M, T, G> {
            type Output = TypedExpr<M, T, G>;

            fn $method(self, other: V) -> TypedExpr<M, T, G> {
                TypedExpr::new(computed::<T>(self.expr(), BinaryOp::$op, other.into_operand()))
            }
        }
    )*};
}

arithmetic!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide, Rem rem Modulo);
