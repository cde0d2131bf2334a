//! [`Filter`]: a condition on the rows of one model.

use sequor_core::Name;
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
    /// How many levels of AND, OR, NOT and relations are in it.
    depth: u16,
    marker: PhantomData<fn() -> M>,
}

/// The levels that a condition may have, as in JSON: to plan, write and drop it costs stack for each.
const DEEPEST: u16 = 128;
/// A condition over a relation is a query of its own.
const RELATION: u16 = 4;

impl<M> Filter<M> {
    pub(crate) fn new(expr: Expr) -> Filter<M> {
        Filter { expr, depth: 0, marker: PhantomData }
    }

    /// A condition around others, of which the deepest has so many levels. Beyond the limit they are dropped, so that no tree is ever deeper.
    fn around(depth: u16, levels: u16, expr: impl FnOnce() -> Expr) -> Filter<M> {
        let depth = depth.saturating_add(levels);
        if depth > DEEPEST {
            return Filter::new(Expr::Invalid(Name::Borrowed(
                "the filter is nested deeper than 128 levels: put conditions side by side in all_of, any_of or is_in",
            )));
        }
        Filter { depth, ..Filter::new(expr()) }
    }

    /// A condition over a relation, whose rows have to meet this one.
    pub(crate) fn reached<T>(filter: Filter<T>, expr: impl FnOnce(Expr) -> Expr) -> Filter<M> {
        Filter::around(filter.depth, RELATION, || expr(filter.expr))
    }

    /// Two lists of one kind become one; anything else is a level more.
    fn joined(self, other: Filter<M>, list: fn(Vec<Expr>) -> Expr, of: fn(Expr) -> std::result::Result<Vec<Expr>, Expr>) -> Filter<M> {
        let (left, right) = (of(self.expr), of(other.expr));
        let depth = |list: &std::result::Result<Vec<Expr>, Expr>, depth: u16| if list.is_ok() { depth.saturating_sub(1) } else { depth };
        let inner = depth(&left, self.depth).max(depth(&right, other.depth));
        Filter::around(inner, 1, || {
            let mut all = left.unwrap_or_else(|one| vec![one]);
            match right {
                Ok(more) => all.extend(more),
                Err(one) => all.push(one),
            }
            list(all)
        })
    }

    fn listed(filters: impl IntoIterator<Item = Filter<M>>, list: fn(Vec<Expr>) -> Expr) -> Filter<M> {
        let mut depth = 0;
        let exprs = filters.into_iter().map(|filter| {
            depth = depth.max(filter.depth);
            filter.expr
        });
        let exprs: Vec<Expr> = exprs.collect();
        Filter::around(depth, 1, || list(exprs))
    }

    /// Both. Sequelize: `Op.and`.
    #[must_use]
    pub fn and(self, other: Filter<M>) -> Filter<M> {
        self.joined(other, Expr::And, |expr| match expr {
            Expr::And(list) => Ok(list),
            other => Err(other),
        })
    }

    /// Either. Sequelize: `Op.or`.
    #[must_use]
    pub fn or(self, other: Filter<M>) -> Filter<M> {
        self.joined(other, Expr::Or, |expr| match expr {
            Expr::Or(list) => Ok(list),
            other => Err(other),
        })
    }

    /// All of a list; an empty list is true.
    #[must_use]
    pub fn all_of(filters: impl IntoIterator<Item = Filter<M>>) -> Filter<M> {
        Filter::listed(filters, Expr::And)
    }

    /// Any of a list; an empty list is false.
    #[must_use]
    pub fn any_of(filters: impl IntoIterator<Item = Filter<M>>) -> Filter<M> {
        Filter::listed(filters, Expr::Or)
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
        Filter::around(self.depth, 1, || self.expr.negate())
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
        Filter { depth: self.depth, ..Filter::new(self.expr.clone()) }
    }
}

impl<M> fmt::Debug for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::clauses::ShownExpr(&self.expr).fmt(f)
    }
}
