//! [`RowStream`]: rows one after another in constant memory. [`Batches`]: rows in lists of so many, read key after key.

use super::shape::{Cursored, Fetch};
use super::{Cursor, Find, Key, QueryState, after_keys, keys_of, marks_fit, total_order};
use crate::db::Db;
use crate::load::{self, Chunk};
use crate::model::{Model, TypedLoader, rows_of};
use futures_core::Stream;
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Rows of a query, read in chunks with their includes. It owns its `Db`; dropping it early gives the connection back.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut rows = User::find_all().include(User::POSTS).stream(&db);
/// while let Some(user) = rows.next().await {
///     println!("{}", user?.name);
/// }
/// # Ok(())
/// # }
/// ```
pub struct RowStream<R> {
    source: Source<R>,
    ready: VecDeque<R>,
}

enum Source<R> {
    Reading(Reading<R>),
    Waiting(Rest<R>),
    Ended,
}

/// Some rows, and how the others are read.
struct Part<R> {
    rows: Vec<R>,
    rest: Option<Rest<R>>,
}

type Reading<R> = BoxFuture<'static, Result<Part<R>>>;
type Rest<R> = Box<dyn FnOnce() -> Reading<R> + Send>;

impl<M: Model> RowStream<M> {
    pub(crate) fn new(db: Db, state: QueryState, site: &'static Location<'static>) -> RowStream<M> {
        RowStream::of(whole(load::open(db, state, TypedLoader::<M>::boxed, site)))
    }
}

/// A chunk of whole rows.
fn whole<M: Model>(chunk: impl Future<Output = Result<Chunk>> + Send + 'static) -> Reading<M> {
    Box::pin(async move {
        let chunk = chunk.await?;
        let rest = chunk.rest.map(|rest| -> Rest<M> { Box::new(move || whole(rest.next())) });
        Ok(Part { rows: rows_of(chunk.tree.finish()?)?, rest })
    })
}

impl<R: Send + 'static> RowStream<R> {
    fn of(reading: Reading<R>) -> RowStream<R> {
        RowStream { source: Source::Reading(reading), ready: VecDeque::new() }
    }

    /// Rows of a selection or projection, key after key.
    pub(super) fn picked<D: Fetch<Row = R>>(db: Db, mut state: QueryState, site: &'static Location<'static>) -> RowStream<R> {
        let dialect = db.dialect();
        let mut sorted = state.clone();
        total_order(&mut sorted);
        let keys = keys_of(&sorted, |direction| dialect.nulls(direction)).filter(|keys| !keys.is_empty() && marks_fit(&sorted));
        match keys {
            Some(keys) => {
                let left = sorted.clauses.limit;
                RowStream::of(Picks::<D> { db, state: sorted, keys, last: None, left, site, rows: PhantomData }.read())
            }
            // Groups and orders by expressions have no key to go on from: all rows are read at once.
            None => RowStream::of(Box::pin(async move {
                state.clauses.unordered |= state.clauses.order.is_empty();
                Ok(Part { rows: D::fetch(db, state, None, site).await?.0, rest: None })
            })),
        }
    }

    /// The next row, or `None` at the end.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut rows = User::find_all().stream(&db);
    /// assert_eq!(rows.next().await.transpose()?, Some(ann));
    /// assert!(rows.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<R>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

/// A selection or projection that is read in parts, each behind the last row of the one before.
struct Picks<D: Fetch> {
    db: Db,
    state: QueryState,
    keys: Vec<Key>,
    /// The key of the last row.
    last: Option<Vec<Value>>,
    /// How many rows the query's limit leaves.
    left: Option<u64>,
    site: &'static Location<'static>,
    rows: PhantomData<fn() -> D>,
}

impl<D: Fetch> Picks<D> {
    fn read(mut self) -> Reading<D::Row> {
        Box::pin(async move {
            let size = self.left.map_or(load::CHUNK, |left| left.min(load::CHUNK));
            let mut state = self.state.clone();
            state.clauses.limit = Some(size);
            if let Some(last) = &self.last {
                state.clauses.offset = None;
                state.clauses.filters.push(after_keys(&state.model, &self.keys, last, false));
            }
            let columns = self.keys.iter().map(|key| key.position).collect();
            let (rows, ends) = D::fetch_marked(self.db.clone(), state, (columns, usize::MAX), self.site).await?;
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.last = ends.last;
            self.left = self.left.map(|left| left.saturating_sub(count));
            let ended = count < size || self.left == Some(0);
            Ok(Part { rows, rest: (!ended).then(|| -> Rest<D::Row> { Box::new(move || self.read()) }) })
        })
    }
}

/// Rows are moved out one by one, never pinned.
impl<R> Unpin for RowStream<R> {}

impl<R: Send + 'static> Stream for RowStream<R> {
    type Item = Result<R>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::mem::replace(&mut this.source, Source::Ended) {
                Source::Ended => return Poll::Ready(None),
                Source::Waiting(rest) => this.source = Source::Reading(rest()),
                Source::Reading(mut future) => match future.as_mut().poll(cx) {
                    Poll::Pending => {
                        this.source = Source::Reading(future);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(part)) => {
                        this.source = part.rest.map_or(Source::Ended, Source::Waiting);
                        this.ready.extend(part.rows);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                },
            }
        }
    }
}

/// Rows in lists of so many. Rows that others add or remove meanwhile neither repeat nor hide those that stand still.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut batches = User::find_all().find_in_batches(500, &db);
/// while let Some(users) = batches.next().await? {
///     assert_eq!(users[0], ann);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Batches<M: Model> {
    find: Find<M>,
    size: u64,
    db: Db,
    place: Option<Cursor>,
    ended: bool,
}

impl<M: Model> Batches<M> {
    pub(super) fn new(find: Find<M>, size: u64, db: Db) -> Batches<M> {
        Batches { find, size, db, place: None, ended: false }
    }

    /// The next list; `None` at the end.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut batches = User::find_all().find_in_batches(500, &db);
    /// assert_eq!(batches.next().await?, Some(vec![ann]));
    /// assert_eq!(batches.next().await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(&mut self) -> Result<Option<Vec<M>>> {
        if self.ended {
            return Ok(None);
        }
        let find: Find<M, Cursored<_>> = self.find.clone().cursor(self.place.take(), self.size);
        let page = find.exec(&self.db).await?;
        self.ended = page.next.is_none();
        self.place = page.next;
        Ok(if page.rows.is_empty() { None } else { Some(page.rows) })
    }
}
