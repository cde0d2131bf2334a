//! Queries inside conditions: scalar, `in`, `exists`, correlated by [`outer`]; tuples; the rows that a relation reaches.

use super::functions::IntoTyped;
use super::shape::{All, Fetch};
use super::{Columns, Filter, Find, QueryState, Selection};
use crate::FieldType;
use crate::model::{Column, Model, Relation, RowsGrain as Rows, TypedExpr};
use crate::query::shape::Picked;
use sequor_core::Name;
use sequor_core::statement::{Expr, LogicalQuery, QueryUse};
use std::sync::Arc;

fn logical(state: QueryState, usage: QueryUse) -> Expr {
    Expr::Query(LogicalQuery { state: Arc::new(state), usage })
}

/// A query that selects one column of type `T`, its `Option` aside: what a value can be looked for in.
pub trait OneColumn<T> {
    /// The query.
    fn into_state(self) -> QueryState;
}

impl<N, C, G, T> OneColumn<T> for Find<N, All<Picked<N, C>, G>>
where
    N: 'static,
    G: 'static,
    C: Selection<N> + 'static,
    C::Row: FieldType<Base = T>,
{
    fn into_state(self) -> QueryState {
        self.state
    }
}

/// A column or expression of the row around a sub-query: `Post::USER_ID.eq(outer(User::ID))`.
pub fn outer<M, N, T>(of: impl IntoTyped<N, T>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::Outer(Box::new(of.into_typed())))
}

macro_rules! in_query {
    ($name:ident < M, T $(, $grain:ident)? >) => {
        impl<M, T: FieldType $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Among the values that a query selects. Sequelize: `{ [Op.in]: literal('(SELECT ..)') }`.
            pub fn in_query(self, query: impl OneColumn<T::Base>) -> Filter<M> {
                Filter::new(logical(query.into_state(), QueryUse::In { exprs: vec![IntoTyped::into_typed(self)], negated: false }))
            }

            /// Not among the values that a query selects; a NULL among them makes it match nothing, as SQL has it.
            pub fn not_in_query(self, query: impl OneColumn<T::Base>) -> Filter<M> {
                Filter::new(logical(query.into_state(), QueryUse::In { exprs: vec![IntoTyped::into_typed(self)], negated: true }))
            }
        }
    };
}

in_query!(Column<M, T>);
in_query!(TypedExpr<M, T, G>);

impl<M> Filter<M> {
    /// Where a query, which may name the row around it by [`outer`], has a row.
    #[must_use]
    pub fn exists<N, D: Fetch, G: 'static>(query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::Exists { negated: false }))
    }

    /// Where a query, which may name the row around it by [`outer`], has no row.
    #[must_use]
    pub fn not_exists<N, D: Fetch, G: 'static>(query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::Exists { negated: true }))
    }
}

/// The one value that a query selects; NULL where it has no row. More than one row is the database's error, or its first row (SQLite).
pub fn scalar<M, N, C, G>(query: Find<N, All<Picked<N, C>, G>>) -> TypedExpr<M, Option<<C::Row as FieldType>::Base>, Rows>
where
    N: 'static,
    G: 'static,
    C: Selection<N> + 'static,
    C::Row: FieldType,
{
    TypedExpr::new(logical(query.state, QueryUse::Scalar))
}

/// Columns side by side, to be compared as one: `tuple((PostTag::POST_ID, PostTag::TAG_ID)).in_query(..)`.
pub fn tuple<M>(columns: impl Columns<M>) -> Tuple<M> {
    Tuple { exprs: columns.exprs(), marker: std::marker::PhantomData }
}

/// Columns side by side.
pub struct Tuple<M> {
    exprs: Vec<Expr>,
    marker: std::marker::PhantomData<fn() -> M>,
}

impl<M> Tuple<M> {
    /// Among the rows that a query selects; it selects as many columns.
    pub fn in_query<N, D: Fetch, G: 'static>(self, query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::In { exprs: self.exprs, negated: false }))
    }

    /// Not among the rows that a query selects.
    pub fn not_in_query<N, D: Fetch, G: 'static>(self, query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::In { exprs: self.exprs, negated: true }))
    }
}

impl<M: Model, K> Relation<M, M, K> {
    /// Rows that match, and all that are reached from them over this relation to the model itself, however far: the descendants over
    /// a to-many relation, the ancestors over a to-one. One recursive statement, and circles end.
    pub fn reached_from(self, start: Filter<M>) -> Filter<M> {
        let mut state = QueryState::new(M::model().clone());
        state.clauses.filters.push(start.expr);
        Filter::new(logical(state, QueryUse::Reached { relation: Name::Borrowed(self.name()) }))
    }
}
