//! [`Filter`]: a condition on the rows of one model.

use sequor_core::statement::Expr;
use std::fmt;
use std::marker::PhantomData;

/// A condition on the rows of `M`. Filters compose with [`Filter::and`], [`Filter::or`] and `!`; `a & b` and `a | b` mean the same.
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
        self.expr.fmt(f)
    }
}
