//! [`Shape`]: what `exec` gives. [`Fetch`]: how one row of it is read.

use super::page::{CursorPage, Page, PageRequest, RowsAndCount};
use super::{IncludeState, Projection, ProjectionItem, ProjectionList, QueryState, Selection};
use crate::db::Db;
use crate::load;
use crate::model::{Grain, Model, RowsGrain as Rows, Single};
use sequor_core::driver::{BoxFuture, RowReader, Step, StepDone};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::statement::{Expr, SelectItem};
use sequor_sql::Dialect;
use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;
use std::panic::Location;

/// What `exec` gives.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Shape;
/// // What `exec` answers follows the query: a list, an `Option`, a number, a tuple.
/// async fn run<S: Shape>(find: Find<User, S>, db: &Db) -> Result<S::Output> {
///     find.filter(User::AGE.gte(18)).exec(db).await
/// }
/// assert_eq!(run(User::find_one(), &db).await?, Some(ann));
/// assert_eq!(run(User::count(), &db).await?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a query cannot give a `{Self}`",
    label = "`{Self}` is no shape of an answer",
    note = "shapes come from `find_all`, `one`, `or_fail`, `page`, `cursor`, `select`, `project` and the like"
)]
pub trait Shape: 'static {
    /// The answer.
    type Output: Send + 'static;
    /// What the shape needs to know beside the query.
    type Request: Send + Default + 'static;
    /// Whether the statement counts the rows and reads none.
    const COUNTS: bool = false;

    /// What the shape asks of the query beside its clauses.
    fn prepare(_state: &mut QueryState, _request: &Self::Request, _dialect: Dialect) -> Result<()> {
        Ok(())
    }

    /// Runs the query.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert_eq!(User::find_all().exec(&db).await?, [ann]);      // `exec` calls it; programs never do
    /// # Ok(())
    /// # }
    /// ```
    fn run(db: Db, state: QueryState, request: Self::Request, site: &'static Location<'static>)
    -> BoxFuture<'static, Result<Self::Output>>;
}

/// Rows, and what came of the statement that travelled with them.
pub type Fetched<R> = BoxFuture<'static, Result<(Vec<R>, Option<StepDone>)>>;

/// Rows, and the values of some columns at their ends.
pub type FetchedMarked<R> = BoxFuture<'static, Result<(Vec<R>, Ends)>>;

/// The values of some columns in the first of the rows and in the last of those that are kept, between which a page lies.
#[derive(Default)]
pub struct Ends {
    pub(super) first: Option<Vec<crate::Value>>,
    pub(super) last: Option<Vec<crate::Value>>,
}

impl Ends {
    /// The ends of so many rows, of which so many are kept at most.
    fn of(count: usize, most: usize, mut values: impl FnMut(usize) -> Option<Vec<crate::Value>>) -> Ends {
        let Some(last) = count.min(most).checked_sub(1) else { return Ends::default() };
        Ends { first: values(0), last: values(last) }
    }

    fn among(marks: &[Vec<crate::Value>], most: usize) -> Ends {
        Ends::of(marks.len(), most, |row| marks.get(row).cloned())
    }
}

/// How the rows of a query are read.
#[diagnostic::on_unimplemented(message = "rows cannot be read as a `{Self}`", label = "`{Self}` is no kind of rows")]
pub trait Fetch: 'static {
    /// One row.
    type Row: Send + 'static;

    /// Runs the query, and a statement that travels with it, and reads all rows.
    fn fetch(db: Db, state: QueryState, beside: Option<Step>, site: &'static Location<'static>) -> Fetched<Self::Row>;

    /// Runs the query and reads all rows, and the values of some columns of the model at the ends of the first `most`, where a cursor or a stream goes on.
    fn fetch_marked(db: Db, state: QueryState, marks: (Vec<usize>, usize), site: &'static Location<'static>) -> FetchedMarked<Self::Row>;

    /// Runs the query and gives the first of its rows.
    fn first(db: Db, state: QueryState, site: &'static Location<'static>) -> BoxFuture<'static, Result<Option<Self::Row>>> {
        let rows = Self::all(db, state, site);
        Box::pin(async move { Ok(rows.await?.into_iter().next()) })
    }

    /// Runs the query and reads all rows.
    fn all(db: Db, state: QueryState, site: &'static Location<'static>) -> BoxFuture<'static, Result<Vec<Self::Row>>> {
        let rows = Self::fetch(db, state, None, site);
        Box::pin(async move { Ok(rows.await?.0) })
    }
}

/// Whole rows of a model.
pub struct Whole<M>(PhantomData<fn() -> M>);

/// Tuples of a selection.
pub struct Picked<M, C>(PhantomData<fn() -> (M, C)>);

/// Structs of a projection.
pub struct Projected<P>(PhantomData<fn() -> P>);

impl<M: Model> Fetch for Whole<M> {
    type Row = M;

    fn fetch(db: Db, state: QueryState, beside: Option<Step>, site: &'static Location<'static>) -> Fetched<M> {
        Box::pin(async move { load::find_models_beside::<M>(&db, state, beside, site).await })
    }

    fn fetch_marked(db: Db, state: QueryState, (columns, most): (Vec<usize>, usize), site: &'static Location<'static>) -> FetchedMarked<M> {
        Box::pin(async move {
            let rows = load::find_models::<M>(&db, state, site).await?;
            let values = |row: usize| Some(columns.iter().map(|column| crate::model::value_of(&rows[row], *column)).collect());
            let ends = Ends::of(rows.len(), most, values);
            Ok((rows, ends))
        })
    }

    fn first(db: Db, state: QueryState, site: &'static Location<'static>) -> BoxFuture<'static, Result<Option<M>>> {
        Box::pin(async move { load::find_model::<M>(&db, state, site).await })
    }

    fn all(db: Db, state: QueryState, site: &'static Location<'static>) -> BoxFuture<'static, Result<Vec<M>>> {
        Box::pin(async move { load::find_models::<M>(&db, state, site).await })
    }
}

/// A column beside an aggregate of all rows: PostgreSQL refuses it, and the others take the column from any row.
fn refuse_mixed(db: &Db, state: &QueryState) -> Result<()> {
    let clauses = &*state.clauses;
    let (Some(items), true) = (&clauses.select, clauses.group.is_empty()) else { return Ok(()) };
    let column = items.iter().find_map(|item| match &item.expr {
        Expr::Field(field) if field.path.is_empty() => Some(&field.name),
        _ => None,
    });
    let aggregate = |item: &SelectItem| matches!(&item.expr, Expr::Call { func, .. } if func.is_aggregate());
    let Some(column) = column.filter(|_| items.iter().any(aggregate)) else { return Ok(()) };
    if crate::plan::may_be_scoped(&state.model, clauses) && crate::plan::is_grouped(state, &db.models()) {
        return Ok(());
    }
    let (model, constant) = (&state.model.name, column.to_uppercase());
    Err(crate::plan::refused(&format!(
        "{model}.{column} is selected beside an aggregate of all rows: add .group_by({model}::{constant}), or take one of its values, as by max({model}::{constant})"
    )))
}

impl<M: 'static, C: Selection<M> + 'static> Fetch for Picked<M, C> {
    type Row = C::Row;

    fn fetch(db: Db, state: QueryState, beside: Option<Step>, site: &'static Location<'static>) -> Fetched<C::Row> {
        if let Err(error) = refuse_mixed(&db, &state) {
            return Box::pin(async move { Err(error.seen_at(site)) });
        }
        Box::pin(load::find_decoded(db, state, |row: &mut dyn RowReader| C::decode(row, 0), beside, site))
    }

    fn fetch_marked(
        db: Db,
        state: QueryState,
        (columns, most): (Vec<usize>, usize),
        site: &'static Location<'static>,
    ) -> FetchedMarked<C::Row> {
        Box::pin(async move {
            let (rows, marks) = load::find_marked(db, state, |row| C::decode(row, 0), columns, site).await?;
            Ok((rows, Ends::among(&marks, most)))
        })
    }
}

impl<P: Projection> Fetch for Projected<P> {
    type Row = P;

    fn fetch(db: Db, mut state: QueryState, beside: Option<Step>, site: &'static Location<'static>) -> Fetched<P> {
        if !state.clauses.single() {
            let mut items = Vec::with_capacity(P::WIDTH);
            super::spread(P::items(), &[], false, &mut items);
            state.clauses.select = Some(items);
        }
        if P::LISTS == 0 {
            return Box::pin(load::find_decoded(db, state, |row: &mut dyn RowReader| P::decode(row, 0), beside, site));
        }
        Box::pin(async move {
            let (rows, _, beside) = load::find_projected(db, state, whole_list::<P>()?, Vec::new(), beside, site).await?;
            Ok((projected(rows)?, beside))
        })
    }

    fn fetch_marked(db: Db, state: QueryState, (columns, most): (Vec<usize>, usize), site: &'static Location<'static>) -> FetchedMarked<P> {
        Box::pin(async move {
            let (rows, marks) = if P::LISTS == 0 {
                load::find_marked(db, state, |row| P::decode(row, 0), columns, site).await?
            } else {
                let (rows, marks, _) = load::find_projected(db, state, whole_list::<P>()?, columns, None, site).await?;
                (projected(rows)?, marks)
            };
            Ok((rows, Ends::among(&marks, most)))
        })
    }
}

/// The rows of a query as the list at the root of a projection.
fn whole_list<P: Projection>() -> Result<ProjectionList> {
    match ProjectionItem::many::<P>(IncludeState::new(""), "") {
        ProjectionItem::Many(list) => Ok(*list),
        _ => Err(Error::bug("a list that is none")),
    }
}

fn projected<P: Projection>(rows: Box<dyn std::any::Any + Send>) -> Result<Vec<P>> {
    rows.downcast::<Vec<P>>().map(|rows| *rows).map_err(|_| Error::bug("a projection came back as another"))
}

/// All rows: a `Vec`.
pub struct All<D, G = Rows>(PhantomData<fn() -> (D, G)>);

/// The first row: an `Option`.
pub struct One<D>(PhantomData<fn() -> D>);

/// The one row that aggregates without groups always have.
pub struct Only<D>(PhantomData<fn() -> D>);

/// The first row, or an error.
pub struct OrFail<D>(PhantomData<fn() -> D>);

/// A numbered page.
pub struct Paged<D>(PhantomData<fn() -> D>);

/// A page between two cursors.
pub struct Cursored<D>(PhantomData<fn() -> D>);

/// Rows and how many there are without the limit.
pub struct Counted<D>(PhantomData<fn() -> D>);

/// Rows in a map by a column.
pub struct Mapped<M, T>(PhantomData<fn() -> (M, T)>);

/// How many rows there are.
pub struct Total;

/// What `one()` gives for each grain.
pub trait GrainShape: Grain {
    /// The shape.
    type Answer<D: Fetch>: Shape;
}

impl GrainShape for Rows {
    type Answer<D: Fetch> = One<D>;
}

impl GrainShape for Single {
    type Answer<D: Fetch> = Only<D>;
}

impl<D: Fetch, G: 'static> Shape for All<D, G> {
    type Output = Vec<D::Row>;
    type Request = ();

    fn run(db: Db, state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        D::all(db, state, site)
    }
}

/// Any row will do, so none is sorted for it. Where the whole primary key is given there is no second row to leave out (Sequelize adds no limit there
/// either).
fn first_only(state: &mut QueryState) {
    if state.clauses.only_key().is_some() {
        return;
    }
    if !state.is_of_one_key() {
        state.clauses.limit = Some(1);
    }
    state.clauses.unordered = true;
}

impl<D: Fetch> Shape for One<D> {
    type Output = Option<D::Row>;
    type Request = ();

    fn prepare(state: &mut QueryState, (): &(), _dialect: Dialect) -> Result<()> {
        first_only(state);
        Ok(())
    }

    fn run(db: Db, mut state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        first_only(&mut state);
        D::first(db, state, site)
    }
}

impl<D: Fetch> Shape for Only<D> {
    type Output = D::Row;
    type Request = ();

    fn run(db: Db, state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        let rows = D::all(db, state, site);
        Box::pin(async move { rows.await?.into_iter().next().ok_or_else(|| Error::bug("an aggregate has no row")) })
    }
}

impl<D: Fetch> Shape for OrFail<D> {
    type Output = D::Row;
    type Request = ();

    fn prepare(state: &mut QueryState, (): &(), _dialect: Dialect) -> Result<()> {
        first_only(state);
        Ok(())
    }

    fn run(db: Db, mut state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        first_only(&mut state);
        let model = state.model.name.clone();
        let row = D::first(db, state, site);
        Box::pin(async move { row.await?.ok_or_else(|| Error::not_found(&*model)) })
    }
}

/// Rows, and how many there are without limit and offset: one round trip on PostgreSQL.
async fn with_count<D: Fetch>(db: Db, state: QueryState, site: &'static Location<'static>) -> Result<(Vec<D::Row>, u64)> {
    let count = load::count_step(&db, state.clone(), site).await?;
    let (rows, count) = D::fetch(db, state, Some(count), site).await?;
    Ok((rows, load::counted(count.ok_or_else(|| Error::bug("a count has no answer"))?)?))
}

impl<D: Fetch> Shape for Paged<D> {
    type Output = Page<D::Row>;
    type Request = (u64, u64);

    fn prepare(state: &mut QueryState, (page, size): &(u64, u64), _dialect: Dialect) -> Result<()> {
        if *page == 0 || *size == 0 {
            return Err(Error::of_usage(UsageErrorKind::Page, "page(..) counts from 1, and a page has at least one row"));
        }
        super::page::total_order(state);
        state.clauses.limit = Some(*size);
        state.clauses.offset = Some((page - 1).saturating_mul(*size));
        Ok(())
    }

    fn run(
        db: Db,
        mut state: QueryState,
        (page, size): (u64, u64),
        site: &'static Location<'static>,
    ) -> BoxFuture<'static, Result<Self::Output>> {
        Box::pin(async move {
            Self::prepare(&mut state, &(page, size), db.dialect())?;
            let (rows, count) = with_count::<D>(db, state, site).await?;
            Ok(Page::new(rows, count, page, size))
        })
    }
}

impl<D: Fetch> Shape for Counted<D> {
    type Output = RowsAndCount<D::Row>;
    type Request = ();

    fn run(db: Db, state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        Box::pin(async move {
            let (rows, count) = with_count::<D>(db, state, site).await?;
            Ok(RowsAndCount { rows, count })
        })
    }
}

impl<M: Model, T: crate::FieldType + Eq + Hash> Shape for Mapped<M, T> {
    type Output = HashMap<T, M>;
    type Request = usize;

    fn run(db: Db, state: QueryState, column: usize, site: &'static Location<'static>) -> BoxFuture<'static, Result<Self::Output>> {
        Box::pin(async move {
            let rows = load::find_models::<M>(&db, state, site).await?;
            rows.into_iter().map(|row| Ok((T::from_value(crate::model::value_of(&row, column))?, row))).collect()
        })
    }
}

impl Shape for Total {
    type Output = u64;
    type Request = ();
    const COUNTS: bool = true;

    fn run(db: Db, state: QueryState, (): (), site: &'static Location<'static>) -> BoxFuture<'static, Result<u64>> {
        Box::pin(async move { load::count(&db, state, site).await })
    }
}

impl<D: Fetch> Shape for Cursored<D> {
    type Output = CursorPage<D::Row>;
    type Request = PageRequest;

    fn prepare(state: &mut QueryState, request: &PageRequest, dialect: Dialect) -> Result<()> {
        request.clone().apply(state, dialect).map(drop)
    }

    fn run(
        db: Db,
        mut state: QueryState,
        request: PageRequest,
        site: &'static Location<'static>,
    ) -> BoxFuture<'static, Result<Self::Output>> {
        Box::pin(async move {
            let plan = request.apply(&mut state, db.dialect())?;
            let (rows, ends) = D::fetch_marked(db, state, plan.marks(), site).await?;
            Ok(plan.page(rows, ends))
        })
    }
}
