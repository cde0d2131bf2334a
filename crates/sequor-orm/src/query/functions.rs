//! The functions of expressions: aggregates, dates, and the rest of the closed list.

mod case;
mod window;

pub use case::{Case, when};
pub use window::{
    FrameBound, Window, WindowCall, cume_dist, dense_rank, first_value, lag, lag_by, last_value, lead, lead_by, nth_value, ntile,
    percent_rank, rank, row_number,
};

use super::{Columns, Filter, RawSql};
use crate::model::{Column, Numeric, Operand, RowsGrain as Rows, Single, Textual, TypedExpr, owned};
use crate::{FieldType, Scalar};
use sequor_core::Name;
use sequor_core::statement::{CastType, Expr, Func, Search};
use sequor_core::types::{BindType, ColumnType, ScalarType};

/// What a function takes: a column or an expression.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no column or expression of type `{T}`",
    label = "expected a column or an expression of `{M}`, of type `{T}`",
    note = "columns are the constants of a model, `User::AGE`; expressions are made of them: `User::AGE + 1`, `User::NAME.lower()`, `coalesce(User::AGE, 0)`"
)]
pub trait IntoTyped<M, T> {
    /// The expression.
    fn into_typed(self) -> Expr;
}

impl<M, T> IntoTyped<M, T> for Column<M, T> {
    fn into_typed(self) -> Expr {
        self.to_expr().expr
    }
}

impl<M, T, G> IntoTyped<M, T> for TypedExpr<M, T, G> {
    fn into_typed(self) -> Expr {
        self.expr
    }
}

/// What a field of a projection is made of: a column or an expression of its type; where the field is an `Option`, also one that is never NULL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fill a field of type `{T}`",
    label = "expected a column or an expression of `{M}`, of type `{T}`",
    note = "a column of a related row that may be missing is `Post::USER.maybe_at(User::NAME)`, in a field that is an `Option`"
)]
pub trait IntoProjected<M, T> {
    /// The expression.
    fn into_projected(self) -> Expr;
}

macro_rules! projected {
    ($(<$($parameter:ident $(: $bound:ident)?),*> $from:ty => $to:ty),* $(,)?) => {$(
        impl<M $(, $parameter $(: $bound)?)*> IntoProjected<M, $to> for $from {
            fn into_projected(self) -> Expr {
                IntoTyped::<M, _>::into_typed(self)
            }
        }
    )*};
}

projected!(
    <T> Column<M, T> => T,
    <T: Scalar> Column<M, T> => Option<T>,
    <T, G> TypedExpr<M, T, G> => T,
    <T: Scalar, G> TypedExpr<M, T, G> => Option<T>,
    <> &str => String,
);

macro_rules! constants {
    ($($ty:ty),* $(,)?) => {$(
        impl<M> IntoTyped<M, $ty> for $ty {
            fn into_typed(self) -> Expr {
                owned(self)
            }
        }

        projected!(<> $ty => $ty);
    )*};
}

constants!(bool, i16, i32, i64, f32, f64, String, uuid::Uuid, rust_decimal::Decimal, chrono::DateTime<chrono::Utc>, chrono::NaiveDate);

impl<M> IntoTyped<M, String> for &str {
    fn into_typed(self) -> Expr {
        owned(self.to_owned())
    }
}

/// The number of rows. Sequelize: `fn('COUNT', col('*'))`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(count_all()).one().exec(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
pub fn count_all<M>() -> TypedExpr<M, i64, Single> {
    TypedExpr::new(Expr::call(Func::Count, vec![Expr::Star]))
}

/// The number of values that are not NULL.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(count(User::AGE)).one().exec(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
pub fn count<M, T>(of: impl IntoTyped<M, T>) -> TypedExpr<M, i64, Single> {
    TypedExpr::new(Expr::call(Func::Count, vec![of.into_typed()]))
}

/// The number of different values that are not NULL.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(count_distinct(User::AGE)).one().exec(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
pub fn count_distinct<M, T>(of: impl IntoTyped<M, T>) -> TypedExpr<M, i64, Single> {
    TypedExpr::new(Expr::Call { func: Func::Count, args: vec![of.into_typed()], distinct: true, filter: None })
}

/// The sum; `None` without rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(sum(User::AGE)).one().exec(&db).await?, Some(31));
/// # Ok(())
/// # }
/// ```
pub fn sum<M, T: Numeric>(of: impl IntoTyped<M, T>) -> TypedExpr<M, Option<T::Sum>, Single> {
    TypedExpr::new(Expr::call(Func::Sum, vec![of.into_typed()]))
}

/// The average; `None` without rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(avg(User::AGE)).one().exec(&db).await?, Some(31.0));
/// # Ok(())
/// # }
/// ```
pub fn avg<M, T: Numeric>(of: impl IntoTyped<M, T>) -> TypedExpr<M, Option<f64>, Single> {
    TypedExpr::new(Expr::call(Func::Mean, vec![of.into_typed()]))
}

/// The smallest value; `None` without rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(min(User::AGE)).one().exec(&db).await?, Some(31));
/// # Ok(())
/// # }
/// ```
pub fn min<M, T: FieldType>(of: impl IntoTyped<M, T>) -> TypedExpr<M, Option<T::Base>, Single> {
    let func = if matches!(T::column_type(), ColumnType::Bool) { Func::BoolAnd } else { Func::Min };
    TypedExpr::new(Expr::call(func, vec![of.into_typed()]))
}

/// The largest value; `None` without rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select((min(User::NAME), max(User::NAME))).one().exec(&db).await?, (Some("Ann".into()), Some("Ann".into())));
/// # Ok(())
/// # }
/// ```
pub fn max<M, T: FieldType>(of: impl IntoTyped<M, T>) -> TypedExpr<M, Option<T::Base>, Single> {
    let func = if matches!(T::column_type(), ColumnType::Bool) { Func::BoolOr } else { Func::Max };
    TypedExpr::new(Expr::call(func, vec![of.into_typed()]))
}

/// The first that is not NULL.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(coalesce(User::AGE, 0)).exec(&db).await?, [31]);
/// # Ok(())
/// # }
/// ```
pub fn coalesce<M, T: FieldType>(of: impl IntoTyped<M, Option<T>>, otherwise: impl Operand<M, T>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::call(Func::Coalesce, vec![of.into_typed(), otherwise.into_operand()]))
}

/// A part of a date: `year`, `month`, `day`, `hour`, `minute`, `second`, `dow` (0 is Sunday), `doy`, `week`, `quarter`, `epoch`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(date_part("year", User::DELETED_AT)).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn date_part<M, T>(part: &'static str, of: impl IntoTyped<M, T>) -> TypedExpr<M, Option<f64>> {
    let part = Expr::Value(part.into(), BindType::one(ScalarType::Text));
    TypedExpr::new(Expr::call(Func::DatePart, vec![part, of.into_typed()]))
}

/// A date cut to `year`, `month`, `week`, `day`, `hour`, `minute` or `second`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(date_trunc("day", User::DELETED_AT)).exec(&db).await?, [None]);
/// # Ok(())
/// # }
/// ```
pub fn date_trunc<M, T: FieldType>(unit: &'static str, of: impl IntoTyped<M, T>) -> TypedExpr<M, T> {
    let unit = Expr::Value(unit.into(), BindType::one(ScalarType::Text));
    TypedExpr::new(Expr::call(Func::DateTrunc, vec![unit, of.into_typed()]))
}

/// The larger of two; NULL where one is NULL on MySQL and SQLite, the other one on PostgreSQL.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::greatest;
/// assert_eq!(User::find_all().select(greatest(User::AGE, 40)).exec(&db).await?, [Some(40)]);
/// # Ok(())
/// # }
/// ```
pub fn greatest<M, T: FieldType>(a: impl IntoTyped<M, T>, b: impl Operand<M, T>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::call(Func::Greatest, vec![a.into_typed(), b.into_operand()]))
}

/// The smaller of two; NULL where one is NULL on MySQL and SQLite, the other one on PostgreSQL.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::least;
/// assert_eq!(User::find_all().select(least(User::AGE, 40)).exec(&db).await?, [Some(31)]);
/// # Ok(())
/// # }
/// ```
pub fn least<M, T: FieldType>(a: impl IntoTyped<M, T>, b: impl Operand<M, T>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::call(Func::Least, vec![a.into_typed(), b.into_operand()]))
}

/// The texts of a group, joined; `None` without rows. The separator is a constant of the program.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::string_agg;
/// assert_eq!(User::find_all().select(string_agg(User::NAME, ", ")).one().exec(&db).await?, Some("Ann".into()));
/// # Ok(())
/// # }
/// ```
pub fn string_agg<M, T: Textual>(of: impl IntoTyped<M, T>, separator: &'static str) -> TypedExpr<M, Option<String>, Single> {
    let separator = Expr::Value(separator.into(), BindType::one(ScalarType::Text));
    TypedExpr::new(Expr::call(Func::StringAgg, vec![of.into_typed(), separator]))
}

/// A function of the database by its name, which is checked to be one: `function("sqrt", (User::AGE,))`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::function;
/// let shouted = User::find_all().select(function::<_, String>("upper", (User::NAME,))).exec(&db).await?;
/// assert_eq!(shouted, ["ANN"]);
/// # Ok(())
/// # }
/// ```
pub fn function<M, T: FieldType>(name: &'static str, args: impl Columns<M>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::call(Func::Named(Name::Borrowed(name)), args.exprs()))
}

/// The value as text.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_all().select(cast_text(User::ID)).exec(&db).await?, ["1"]);
/// # Ok(())
/// # }
/// ```
pub fn cast_text<M, T>(of: impl IntoTyped<M, T>) -> TypedExpr<M, String> {
    TypedExpr::new(Expr::Cast(Box::new(of.into_typed()), CastType::Column(ColumnType::Text)))
}

/// A random number, to sort by.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let anybody = User::find_all().order_by(random()).limit(1).one().exec(&db).await?;
/// assert_eq!(anybody, Some(ann));
/// # Ok(())
/// # }
/// ```
pub fn random<M>() -> TypedExpr<M, f64> {
    TypedExpr::new(Expr::call(Func::Random, Vec::new()))
}

/// An alias of the selection, to sort or filter groups by.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let ages = User::find_all().select((User::AGE, count_all().alias("n"))).group_by(User::AGE).order_by(alias("n").desc()).exec(&db).await?;
/// assert_eq!(ages, [(Some(31), 1)]);
/// # Ok(())
/// # }
/// ```
pub fn alias<M>(name: &'static str) -> TypedExpr<M, i64> {
    TypedExpr::new(Expr::Alias(Name::Borrowed(name)))
}

/// Every word of a search occurs in some columns, whatever the case: `matches((Article::TITLE, Article::BODY), "two words")`. A full-text
/// index over these columns answers it; MySQL and MariaDB refuse without one.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::matches;
/// assert_eq!(User::find_all().filter(matches(User::NAME, "ann")).exec(&db).await?, [ann]);
/// # Ok(())
/// # }
/// ```
pub fn matches<M>(columns: impl Columns<M>, search: impl Into<String>) -> Filter<M> {
    Filter::new(Expr::Search(Box::new(Search::new(columns.exprs(), search))))
}

/// How well a row answers a search, to select and sort by: larger is better, 0 where a word is missing. Each database measures in its own way.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::match_rank;
/// let ranks = User::find_all().select(match_rank(User::NAME, "ann")).exec(&db).await?;
/// assert!(ranks[0] > 0.0);
/// # Ok(())
/// # }
/// ```
pub fn match_rank<M>(columns: impl Columns<M>, search: impl Into<String>) -> TypedExpr<M, f64> {
    TypedExpr::new(Expr::Search(Box::new(Search { rank: true, ..Search::new(columns.exprs(), search) })))
}

/// An expression in SQL, values bound. Sequelize: `literal`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let more = 9;
/// let sums: Vec<i64> = User::find_all().select(raw_expr::<_, i64>(sql!("age + {more}"))).exec(&db).await?;
/// assert_eq!(sums, [40]);
///
/// // A column by its field, whatever its name in the database and beside what it is joined.
/// let same: Vec<i64> = User::find_all().select(raw_expr::<User, i64>(sql!("{User::AGE} + {more}"))).exec(&db).await?;
/// assert_eq!(same, sums);
/// # Ok(())
/// # }
/// ```
pub fn raw_expr<M, T>(sql: RawSql) -> TypedExpr<M, T, Rows> {
    TypedExpr::new(Expr::Raw(sql.parts))
}
