//! [`Include`]: a relation to load, with what is asked of its rows.

use super::clauses::{Deleted, IncludeState};
use super::{Filter, IntoOrder, Scope};
use crate::model::{IntoInclude, Model, Relation, RelationKindMarker, Single, Through, ToManyKind, TypedExpr};
use sequor_core::statement::{Expr, Func, Quantifier, RelationExpr};
use std::fmt;
use std::marker::PhantomData;

/// A relation from `M` to `T` with clauses.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Include;
/// let posts: Include<User, Post, _> = User::POSTS.filter(Post::TITLE.ne("")).order_by(Post::ID.desc()).limit(3);
/// let users = User::find_all().include(posts).exec(&db).await?;
/// assert!(users[0].posts.loaded()?.is_empty());
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
pub struct Include<M, T, K> {
    pub(crate) state: IncludeState,
    marker: PhantomData<fn() -> (M, T, K)>,
}

impl<M, T, K> Include<M, T, K> {
    pub(crate) fn new(state: IncludeState) -> Include<M, T, K> {
        Include { state, marker: PhantomData }
    }
}

/// The clauses, once for the bare relation and once for an include.
macro_rules! clauses {
    ($name:ident, |$this:ident| $include:expr) => {
        impl<M, T, K> $name<M, T, K> {
            /// Only related rows that match. Parents stay, whatever matches.
            #[must_use]
            pub fn filter(self, filter: Filter<T>) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.filters.push(filter.expr);
                include
            }

            /// Only parents that have a related row: an inner join.
            #[must_use]
            pub fn required(self) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.required = true;
                include
            }

            /// Loads a relation of the related rows.
            #[must_use]
            pub fn include<U, L>(self, inner: impl IntoInclude<T, U, L>) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.add_include(inner.into_include().state);
                include
            }

            /// Also related rows that are deleted.
            #[must_use]
            pub fn with_deleted(self) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.deleted = Deleted::Included;
                include
            }

            /// Only related rows that are deleted.
            #[must_use]
            pub fn only_deleted(self) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.deleted = Deleted::Only;
                include
            }

            /// Without the default scope of the related model.
            #[must_use]
            pub fn unscoped(self) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.unscoped = true;
                include
            }
        }

        impl<M, T, K: ToManyKind> $name<M, T, K> {
            /// The order of the related rows.
            #[must_use]
            pub fn order_by(self, order: impl IntoOrder<T>) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.order.extend(order.into_order());
                include
            }

            /// At most so many related rows for each parent.
            #[must_use]
            pub fn limit(self, limit: u64) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.limit = Some(limit);
                include
            }

            /// Leaves out so many related rows of each parent first.
            #[must_use]
            pub fn offset(self, offset: u64) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                include.state.clauses.offset = Some(offset);
                include
            }
        }

        impl<M, T: Model, K: RelationKindMarker> $name<M, T, K> {
            /// Applies a scope of the related model.
            #[must_use]
            pub fn scope(self, scope: impl Scope<T>) -> Include<M, T, K> {
                let $this = self;
                let mut include: Include<M, T, K> = $include;
                let find = super::Find::<T>::from_clauses(std::mem::take(&mut include.state.clauses));
                include.state.clauses = scope(find).state.clauses.into_clauses();
                include
            }
        }

        impl<M, T, J> $name<M, T, Through<J>> {
            /// Only pairs whose row between matches.
            #[must_use]
            pub fn through(self, filter: Filter<J>) -> Include<M, T, Through<J>> {
                let $this = self;
                let mut include: Include<M, T, Through<J>> = $include;
                include.state.through = Some(match include.state.through.take() {
                    Some(known) => known.and(filter.expr),
                    None => filter.expr,
                });
                include
            }
        }
    };
}

/// What is asked of the related rows, as an expression: order, limit and includes say nothing here.
impl<M, T, K: ToManyKind> Include<M, T, K> {
    fn aggregated(self, quantifier: Quantifier, aggregate: Option<Expr>) -> Expr {
        let clauses = self.state.clauses;
        Expr::Relation(Box::new(RelationExpr {
            relation: self.state.relation,
            quantifier,
            filter: crate::plan::all(clauses.filters),
            through: self.state.through,
            aggregate,
            with_deleted: clauses.deleted != Deleted::Hidden,
        }))
    }

    /// How many related rows match, to select, filter or sort by: `User::POSTS.filter(Post::PUBLISHED.eq(true)).count().gt(3)`.
    pub fn count(self) -> TypedExpr<M, i64> {
        TypedExpr::new(self.aggregated(Quantifier::Aggregate, Some(Expr::call(Func::Count, vec![Expr::Star]))))
    }

    /// An aggregate over the related rows that match.
    pub fn aggregate<V>(self, aggregate: TypedExpr<T, V, Single>) -> TypedExpr<M, V> {
        TypedExpr::new(self.aggregated(Quantifier::Aggregate, Some(aggregate.expr)))
    }

    /// Rows that have a related row that matches.
    pub fn exists(self) -> Filter<M> {
        Filter::new(self.aggregated(Quantifier::Any, None))
    }
}

/// A relation from a model to itself.
macro_rules! depth {
    ($name:ident) => {
        impl<M, K> $name<M, M, K> {
            /// Loads the relation again on its rows, so many levels in all: one statement a level, none for to-one relations.
            #[must_use]
            pub fn depth(self, levels: u32) -> Include<M, M, K> {
                let mut include: Include<M, M, K> = self.into_include();
                let template = include.state.clone();
                // A tree that is too deep is refused when it is planned; it need not be built for that.
                for _ in 1..levels.min(64) {
                    let mut outer = template.clone();
                    outer.clauses.add_include(include.state);
                    include.state = outer;
                }
                include
            }
        }
    };
}

depth!(Relation);
depth!(Include);
clauses!(Relation, |relation| relation.into_include());
clauses!(Include, |include| include);

impl<M, T, K> Clone for Include<M, T, K> {
    fn clone(&self) -> Self {
        Include::new(self.state.clone())
    }
}

impl<M, T, K> fmt::Debug for Include<M, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::clauses::ShownInclude(&self.state).fmt(f)
    }
}
