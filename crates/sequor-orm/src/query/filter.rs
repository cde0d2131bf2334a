//! [`Filter`]: a condition on the rows of one model.

use sequor_core::statement::Expr;
use std::fmt;
use std::marker::PhantomData;

/// A condition on the rows of `M`. Filters compose with [`Filter::and`], [`Filter::or`] and `!`; `a & b` and `a | b` mean the same.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// fn search(text: Option<&str>, least: Option<i32>) -> Filter<User> {
///     let text = text.map(|text| User::NAME.icontains(text));
///     let least = least.map(|least| User::AGE.gte(least));
///     Filter::all_of(text.into_iter().chain(least))
/// }
/// assert_eq!(User::find_all().filter(search(Some("ann"), None)).exec(&db).await?, [ann.clone()]);
/// assert_eq!(User::find_all().filter(search(None, None).and(!User::AGE.gt(40).or(User::AGE.is_null()))).exec(&db).await?, [ann]);
/// let (most, any) = (10, Filter::any_of([User::AGE.eq(1), User::AGE.eq(2)]));
/// assert_eq!(User::count().filter(Filter::raw(sql!("length(name) > {most}")).or(any)).exec(&db).await?, 0);
/// # Ok(())
/// # }
/// ```
pub struct Filter<M> {
    pub(crate) expr: Expr,
    marker: PhantomData<fn() -> M>,
}

impl<M> Filter<M> {
    pub(crate) fn new(expr: Expr) -> Filter<M> {
        Filter { expr, marker: PhantomData }
    }

    /// Both. Sequelize: `Op.and`.
    #[must_use]
    pub fn and(self, other: Filter<M>) -> Filter<M> {
        Filter::new(self.expr.and(other.expr))
    }

    /// Either. Sequelize: `Op.or`.
    #[must_use]
    pub fn or(self, other: Filter<M>) -> Filter<M> {
        Filter::new(self.expr.or(other.expr))
    }

    /// All of a list; an empty list is true.
    #[must_use]
    pub fn all_of(filters: impl IntoIterator<Item = Filter<M>>) -> Filter<M> {
        Filter::new(Expr::And(filters.into_iter().map(|filter| filter.expr).collect()))
    }

    /// Any of a list; an empty list is false.
    #[must_use]
    pub fn any_of(filters: impl IntoIterator<Item = Filter<M>>) -> Filter<M> {
        Filter::new(Expr::Or(filters.into_iter().map(|filter| filter.expr).collect()))
    }

    /// A condition in SQL, values bound: `Filter::raw(sql!("length(name) > {n}"))`.
    #[must_use]
    pub fn raw(sql: super::RawSql) -> Filter<M> {
        Filter::new(Expr::Raw(sql.parts))
    }
}

impl<M> From<super::RawSql> for Filter<M> {
    fn from(sql: super::RawSql) -> Filter<M> {
        Filter::raw(sql)
    }
}

impl<M> std::ops::Not for Filter<M> {
    type Output = Filter<M>;

    fn not(self) -> Filter<M> {
        Filter::new(self.expr.negate())
    }
}

impl<M> std::ops::BitAnd for Filter<M> {
    type Output = Filter<M>;

    fn bitand(self, other: Filter<M>) -> Filter<M> {
        self.and(other)
    }
}

impl<M> std::ops::BitOr for Filter<M> {
    type Output = Filter<M>;

    fn bitor(self, other: Filter<M>) -> Filter<M> {
        self.or(other)
    }
}

impl<M> Clone for Filter<M> {
    fn clone(&self) -> Self {
        Filter::new(self.expr.clone())
    }
}

impl<M> fmt::Debug for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::clauses::ShownExpr(&self.expr).fmt(f)
    }
}
