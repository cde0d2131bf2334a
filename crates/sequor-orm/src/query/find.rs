//! [`Find`]: the builder of every read, and the static finders of a model.

mod answers;
mod locks;

pub use locks::Lock;

use super::clauses::{Deleted, NamedQuery, QueryState, Strategy, Wanted};
use super::shape::{All, Counted, One, Shape, Total, Whole};
use super::{Clauses, Columns, Filter, IntoOrder, RowStream};
use crate::Dialect;
use crate::db::Db;
use crate::load::QueryPlan;
use crate::model::{IntoInclude, IntoKey, KeyValues, Model};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Distinct, Expr, Field};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A read that has not run yet; `S` says what [`Find::exec`] gives.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// fn adults(users: Find<User>) -> Find<User> {
///     users.filter(User::AGE.gte(18)).order_by(User::NAME.asc())
/// }
/// let users = adults(User::find_all()).reorder(User::ID.desc()).limit(10).exec(&db).await?;
/// assert_eq!(users, [ann]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a query does nothing until .exec"]
pub struct Find<M, S: Shape = All<Whole<M>>> {
    pub(crate) state: QueryState,
    request: S::Request,
    marker: PhantomData<fn() -> (M, S)>,
}

/// A reusable part of a query: a function from [`Find`] to [`Find`].
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// fn older_than(age: i32) -> impl Scope<User> {
///     move |users| users.filter(User::AGE.gt(age))
/// }
/// assert_eq!(User::find_all().scope(older_than(18)).exec(&db).await?, [ann]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope of `{M}`",
    label = "expected a function that takes a `Find<{M}>` and gives one",
    note = "write `pub fn active(q: Find<{M}>) -> Find<{M}>`, or with arguments `pub fn older_than(age: i32) -> impl Scope<{M}> {{ move |q| q.filter(..) }}`"
)]
pub trait Scope<M: Model>: FnOnce(Find<M>) -> Find<M> {}
impl<M: Model, F: FnOnce(Find<M>) -> Find<M>> Scope<M> for F {}

/// The finders of a model.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert_eq!(User::find_by_pk(ann.id).exec(&db).await?, Some(ann.clone()));
/// assert_eq!(User::find_one().filter(User::NAME.eq("Ann")).exec(&db).await?, Some(ann.clone()));
/// assert_eq!(User::find_all().exec(&db).await?, [ann]);
/// assert_eq!(User::count().exec(&db).await?, 1);
/// assert_eq!(User::find_and_count_all().exec(&db).await?.count, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model, so it has no finders",
    label = "this type has no table",
    note = "add `#[derive(Model, Clone, Debug, PartialEq)]` to `{Self}`; a generic function says `fn f<M: Model>(..)`"
)]
pub trait ModelQueries: Model {
    /// All rows. Sequelize: `findAll()`.
    fn find_all() -> Find<Self> {
        Find::new(QueryState::new(Self::model().clone()))
    }

    /// The first row. Sequelize: `findOne()`.
    fn find_one() -> Find<Self, One<Whole<Self>>> {
        Self::find_all().reshape()
    }

    /// The row of a primary key; a tuple for composite keys. Sequelize: `findByPk(key)`.
    fn find_by_pk<By>(key: impl IntoKey<Self::Key, By>) -> Find<Self, One<Whole<Self>>> {
        let (model, key) = (Self::model(), key.into_key());
        let clauses = match (key.single(), model.primary_key.as_slice()) {
            (Some(key), [_]) => Wanted::of_key(model, key),
            _ => Wanted::from(Clauses { filters: vec![key_filter(model, key.key_values())], ..Clauses::default() }),
        };
        Find::new(QueryState { model: model.clone(), clauses })
    }

    /// How many rows. Sequelize: `count()`.
    fn count() -> Find<Self, Total> {
        Self::find_all().reshape()
    }

    /// Rows, and how many there are without limit and offset. Sequelize: `findAndCountAll()`.
    fn find_and_count_all() -> Find<Self, Counted<Whole<Self>>> {
        Self::find_all().reshape()
    }
}

impl<M: Model> ModelQueries for M {}

pub(crate) fn key_filter(model: &ModelDef, values: Vec<sequor_core::Value>) -> Expr {
    let equal = |position: usize, value| {
        let column = &model.columns[position];
        let field = Expr::Field(Field { path: Vec::new(), name: column.name.clone(), position: u16::try_from(position).ok() });
        field.binary(BinaryOp::Equal, Expr::Value(value, column.ty.bind()))
    };
    let mut values = values.into_iter();
    match model.primary_key.as_slice() {
        // A model without a key has no row of a key.
        [] => Expr::Or(Vec::new()),
        [position] => values.next().map_or_else(|| Expr::Or(Vec::new()), |value| equal(*position, value)),
        several => Expr::And(several.iter().zip(values).map(|(position, value)| equal(*position, value)).collect()),
    }
}

impl<M: Model> Find<M> {
    pub(crate) fn from_clauses(clauses: impl Into<Wanted>) -> Find<M> {
        Find::new(QueryState { model: M::model().clone(), clauses: clauses.into() })
    }

    /// Reads rows one after another in constant memory. Sequelize has nothing like it.
    #[track_caller]
    pub fn stream(self, db: &Db) -> RowStream<M> {
        RowStream::new(db.clone(), self.state, Location::caller())
    }
}

impl<M, S: Shape> Find<M, S> {
    pub(crate) fn new(state: QueryState) -> Find<M, S> {
        Find { state, request: S::Request::default(), marker: PhantomData }
    }

    fn reshape<T: Shape>(self) -> Find<M, T> {
        Find::new(self.state)
    }

    pub(super) fn recast<T: Shape<Request = S::Request>>(self) -> Find<M, T> {
        Find { state: self.state, request: self.request, marker: PhantomData }
    }

    pub(super) fn with_clauses(mut self, change: impl FnOnce(&mut Clauses)) -> Find<M, S> {
        change(&mut self.state.clauses);
        self
    }

    /// Only rows that match; several filters must all match. Sequelize: `where`.
    pub fn filter(self, filter: Filter<M>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.filters.push(filter.expr))
    }

    /// Sorts; several orders append. Sequelize: `order`.
    pub fn order_by(self, order: impl IntoOrder<M>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.order.extend(order.into_order()))
    }

    /// Sorts anew: the orders so far, also of scopes, are forgotten.
    pub fn reorder(self, order: impl IntoOrder<M>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.order = order.into_order())
    }

    /// Leaves out the order by primary key that a limit brings.
    pub fn unordered(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.unordered = true)
    }

    /// At most so many rows; without an order, in the order of the primary key.
    pub fn limit(self, limit: u64) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.limit = Some(limit))
    }

    /// Leaves out so many rows first.
    pub fn offset(self, offset: u64) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.offset = Some(offset))
    }

    /// Loads a relation with the rows. Sequelize: `include`.
    pub fn include<T, K>(self, include: impl IntoInclude<M, T, K>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.add_include(include.into_include().state))
    }

    /// Different rows only.
    pub fn distinct(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.distinct = Distinct::Yes)
    }

    /// The first row of each group of equal columns, in the order of the query (`DISTINCT ON`; numbered by a window where there is none).
    pub fn distinct_on(self, columns: impl Columns<M>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.distinct = Distinct::On(columns.exprs()))
    }

    /// Only groups that match. Sequelize: `having`.
    pub fn having(self, filter: Filter<M>) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.having.push(filter.expr))
    }

    /// Also rows that are deleted. Sequelize: `paranoid: false`.
    pub fn with_deleted(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.deleted = Deleted::Included)
    }

    /// Only rows that are deleted.
    pub fn only_deleted(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.deleted = Deleted::Only)
    }

    /// Without the default scope. Sequelize: `unscoped()`.
    pub fn unscoped(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.unscoped = true)
    }

    /// Gives a query a name, under which this one and the sub-queries in it may read its rows: `from_cte(name)` (WITH).
    pub fn with_cte<N>(self, name: &'static str, query: Find<N>) -> Find<M, S>
    where
        N: Model,
    {
        self.named(name, query.state, None)
    }

    /// The same for rows that follow from each other: those of `start`, and all that match `next`, in which `outer(..)` is a row that is
    /// there already: `Category::PARENT_ID.eq(outer(Category::ID))`. Each row is there once, so that circles end (WITH RECURSIVE).
    pub fn with_recursive<N>(self, name: &'static str, start: Find<N>, next: Filter<N>) -> Find<M, S>
    where
        N: Model,
    {
        self.named(name, start.state, Some(next.expr))
    }

    fn named(self, name: &'static str, query: QueryState, next: Option<Expr>) -> Find<M, S> {
        let named = NamedQuery { name: Name::Borrowed(name), query: Arc::new(query), next };
        self.with_clauses(|clauses| clauses.named.push(named))
    }

    /// Reads the rows of a query that was given a name, instead of the table's.
    pub fn from_cte(self, name: &'static str) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.from_named = Some(Name::Borrowed(name)))
    }

    /// Runs without hooks when `false`. Sequelize: `hooks: false`.
    pub fn hooks(self, run: bool) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.without_hooks = !run)
    }

    /// How the levels of the include tree are read.
    pub fn include_strategy(self, strategy: Strategy) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.strategy = Some(strategy))
    }

    /// Makes lazy loads of these rows an error.
    pub fn strict_loading(self, strict: bool) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.strict_loading = Some(strict))
    }

    /// A deadline for the statement.
    pub fn timeout(self, limit: Duration) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.timeout = Some(limit))
    }

    /// Reads from the primary server, not from a replica. Sequelize: `useMaster: true`.
    pub fn primary(self) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.primary = true)
    }

    /// Carries a typed extra, which hooks, audit and SQL comments read.
    pub fn with<E: Clone + Send + Sync + 'static>(self, extra: E) -> Find<M, S> {
        self.with_clauses(|clauses| {
            if let Some(tag) = (&extra as &dyn std::any::Any).downcast_ref::<SqlTag>() {
                clauses.tags.retain(|(key, _)| key != tag.0);
                clauses.tags.push((tag.0.to_owned(), tag.1.to_owned()));
            }
            clauses.extras.insert(extra);
        })
    }

    /// The SQL of this query, without a database.
    ///
    /// # Errors
    /// `Usage` when the dialect cannot do it.
    pub fn to_sql(&self, dialect: Dialect) -> Result<String> {
        let mut state = self.state.clone();
        S::prepare(&mut state, &self.request, dialect)?;
        let select = if S::COUNTS { crate::plan::plan_count(&state, &())? } else { crate::plan::plan(&state, &())?.select };
        Ok(sequor_sql::render_select(&select, dialect)?.text)
    }

    /// How the database would run this query, as a tree of steps and in its own words.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// println!("{}", User::find_all().explain(&db).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn explain(self, db: &Db) -> impl Future<Output = Result<QueryPlan>> + Send + use<M, S> {
        let (db, mut state, request, site) = (db.clone(), self.state, self.request, Location::caller());
        async move {
            S::prepare(&mut state, &request, db.dialect())?;
            crate::load::explain(db, state, site).await
        }
    }

    /// Runs the query.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let adults: Vec<User> = User::find_all().filter(User::AGE.gte(18)).exec(&db).await?;
    /// assert_eq!(adults, [ann]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; `Decode` when a row does not fit; `Usage` when the database cannot do it.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<S::Output>> + Send + use<M, S> {
        let (limit, site) = (self.state.timeout(), Location::caller());
        let run = S::run(self.state.server(db), self.state, self.request, site);
        async move {
            let answer = match limit {
                // Dropping the run cancels the statement on the server.
                Some((limit, model)) => tokio::time::timeout(limit, run).await.unwrap_or_else(|_| Err(took_longer(&model, limit))),
                None => run.await,
            };
            answer.map_err(|error| error.seen_at(site))
        }
    }
}

impl<M: Model, S: Shape> Find<M, S> {
    /// Applies a scope: a function from query to query. Sequelize: `scope(..)`.
    pub fn scope(self, scope: impl Scope<M>) -> Find<M, S> {
        let find = scope(Find::new(self.state));
        Find { state: find.state, request: self.request, marker: PhantomData }
    }
}

impl<M, S: Shape> fmt::Debug for Find<M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::clauses::ShownQuery(&self.state).fmt(f)
    }
}

impl<M, S: Shape> Clone for Find<M, S>
where
    S::Request: Clone,
{
    fn clone(&self) -> Self {
        Find { state: self.state.clone(), request: self.request.clone(), marker: PhantomData }
    }
}

/// A query that its own deadline ended.
#[cold]
fn took_longer(model: &ModelDef, limit: Duration) -> Error {
    let mut error = Error::timeout(format!("the query took longer than {:.3} s", limit.as_secs_f64())).at(&model.name, None);
    if let Some(detail) = error.detail_mut() {
        detail.operation = Some("find");
        detail.hint = Some("the server was told to stop it; `timeout(..)` sets the limit".into());
    }
    error
}

/// A key and value for the comment behind the statement (sqlcommenter): `find_all().with(SqlTag("route", "/users"))`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let users = User::find_all().with(SqlTag("route", "/users")).exec(&db).await?;      // .. /*route='%2Fusers'*/
/// assert_eq!(users, [ann]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlTag(pub &'static str, pub &'static str);
