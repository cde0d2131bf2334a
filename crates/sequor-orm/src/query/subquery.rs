//! Queries inside conditions: scalar, `in`, `exists`, correlated by [`outer`]; tuples; the rows that a relation reaches.

use super::functions::IntoTyped;
use super::shape::{All, Fetch};
use super::{Columns, Filter, Find, QueryState, Selection};
use crate::FieldType;
use crate::model::{Column, IntoValue, Model, Relation, RowsGrain as Rows, TypedExpr, bind_of};
use crate::query::shape::Picked;
use sequor_core::statement::{Expr, LogicalQuery, QueryUse};
use sequor_core::types::BindType;
use sequor_core::{Name, Value};
use std::sync::Arc;

fn logical(state: QueryState, usage: QueryUse) -> Expr {
    Expr::Query(LogicalQuery { state: Arc::new(state), usage })
}

/// `expr IN (query)`.
pub(crate) fn among_query<T>(expr: Expr, query: impl OneColumn<T>, negated: bool) -> Expr {
    logical(query.into_state(), QueryUse::In { exprs: vec![expr], negated })
}

/// A query that selects one column of type `T`, its `Option` aside: what a value can be looked for in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no query of one column of type `{T}`",
    label = "expected a query that selects one column of type `{T}`",
    note = "write `Post::find_all().filter(..).select(Post::USER_ID)`"
)]
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
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// draft!(Post { title: "Hi", user_id: ann.id }).create(&db).await?;
/// let writers = Filter::exists(Post::find_all().filter(Post::USER_ID.eq(outer(User::ID))));
/// assert_eq!(User::find_all().filter(writers).exec(&db).await?, [ann]);
/// # Ok(())
/// # }
/// ```
pub fn outer<M, N, T>(of: impl IntoTyped<N, T>) -> TypedExpr<M, T> {
    TypedExpr::new(Expr::Outer(Box::new(of.into_typed())))
}

macro_rules! in_query {
    ($name:ident < M, T $(, $grain:ident)? >) => {
        impl<M, T: FieldType $(, $grain)?> $name<M, T $(, $grain)?> {
            /// Among the values that a query selects. Sequelize: `{ [Op.in]: literal('(SELECT ..)') }`.
            pub fn in_query(self, query: impl OneColumn<T::Base>) -> Filter<M> {
                Filter::new(among_query(IntoTyped::into_typed(self), query, false))
            }

            /// Not among the values that a query selects; a NULL among them makes it match nothing, as SQL has it.
            pub fn not_in_query(self, query: impl OneColumn<T::Base>) -> Filter<M> {
                Filter::new(among_query(IntoTyped::into_typed(self), query, true))
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
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let newest = scalar(Post::find_all().filter(Post::USER_ID.eq(outer(User::ID))).select(max(Post::TITLE)));
/// assert_eq!(User::find_all().select((User::NAME, newest)).exec(&db).await?, [("Ann".into(), None)]);
/// # Ok(())
/// # }
/// ```
pub fn scalar<M, N, C, G>(query: Find<N, All<Picked<N, C>, G>>) -> TypedExpr<M, Option<<C::Row as FieldType>::Base>, Rows>
where
    N: 'static,
    G: 'static,
    C: Selection<N> + 'static,
    C::Row: FieldType,
{
    TypedExpr::new(logical(query.state, QueryUse::Scalar))
}

/// Columns side by side, to be compared as one: `tuple((PostTag::POST_ID, PostTag::TAG_ID)).is_in([(post, 1), (post, 2)])`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::tuple;
/// let users = User::find_all().filter(tuple((User::ID, User::NAME)).is_in([(1, "Ann"), (2, "Bo")])).exec(&db).await?;
/// assert_eq!(users, [ann]);
/// # Ok(())
/// # }
/// ```
pub fn tuple<M, C: Columns<M>>(columns: C) -> Tuple<M, C> {
    Tuple { exprs: columns.exprs(), marker: std::marker::PhantomData }
}

/// Columns side by side.
pub struct Tuple<M, C = ()> {
    exprs: Vec<Expr>,
    marker: std::marker::PhantomData<fn() -> (M, C)>,
}

/// Columns that rows of values are compared with, one value for each.
#[diagnostic::on_unimplemented(
    message = "`{V}` is not a row of values for these columns",
    label = "expected a tuple with one value for each column, in their order"
)]
pub trait TupleOf<M, V> {
    /// How the values are bound.
    fn binds() -> Vec<BindType>;
    /// A row as values.
    fn row(row: V) -> Vec<Value>;
}

macro_rules! tuple_of {
    ($($column:ident $value:ident $place:tt),+) => {
        impl<M, $($column: FieldType, $value: IntoValue<$column>),+> TupleOf<M, ($($value,)+)> for ($(Column<M, $column>,)+) {
            fn binds() -> Vec<BindType> {
                vec![$(bind_of::<$column>()),+]
            }

            fn row(row: ($($value,)+)) -> Vec<Value> {
                vec![$(row.$place.into_value().moved()),+]
            }
        }
    };
}

tuple_of!(A P 0, B Q 1);
tuple_of!(A P 0, B Q 1, C R 2);
tuple_of!(A P 0, B Q 1, C R 2, D S 3);
tuple_of!(A P 0, B Q 1, C R 2, D S 3, E T 4);

impl<M, C> Tuple<M, C> {
    /// Among the rows that a query selects; it selects as many columns.
    pub fn in_query<N, D: Fetch, G: 'static>(self, query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::In { exprs: self.exprs, negated: false }))
    }

    /// Not among the rows that a query selects.
    pub fn not_in_query<N, D: Fetch, G: 'static>(self, query: Find<N, All<D, G>>) -> Filter<M> {
        Filter::new(logical(query.state, QueryUse::In { exprs: self.exprs, negated: true }))
    }

    /// One of a list of rows; an empty list matches nothing, and neither does a row with a NULL in it.
    pub fn is_in<V>(self, rows: impl IntoIterator<Item = V>) -> Filter<M>
    where
        C: TupleOf<M, V>,
    {
        self.among(rows, false)
    }

    /// None of a list of rows; an empty list matches everything. Rows with a NULL in them are dropped, and where a column is NULL it is not known.
    pub fn not_in<V>(self, rows: impl IntoIterator<Item = V>) -> Filter<M>
    where
        C: TupleOf<M, V>,
    {
        self.among(rows, true)
    }

    fn among<V>(self, rows: impl IntoIterator<Item = V>, negated: bool) -> Filter<M>
    where
        C: TupleOf<M, V>,
    {
        let rows = rows.into_iter().map(C::row).filter(|row| !row.iter().any(Value::is_null)).collect();
        Filter::new(Expr::InValues { exprs: self.exprs, rows, binds: C::binds(), negated, scanned: false })
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
