//! [`RowStream`]: rows one after another in constant memory. [`Batches`]: rows in lists of so many, read key after key.

use super::shape::Cursored;
use super::{Cursor, Find, QueryState};
use crate::db::Db;
use crate::load::{self, Chunk};
use crate::model::{Model, TypedLoader, rows_of};
use futures_core::Stream;
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Rows of a query, read in chunks with their includes. It owns its `Db`; dropping it early gives the connection back.
pub struct RowStream<M> {
    source: Source,
    ready: VecDeque<M>,
}

enum Source {
    Reading(BoxFuture<'static, Result<Chunk>>),
    Waiting(load::Rest),
    Ended,
}

impl<M: Model> RowStream<M> {
    pub(crate) fn new(db: Db, state: QueryState, site: &'static Location<'static>) -> RowStream<M> {
        RowStream { source: Source::Reading(Box::pin(load::open(db, state, TypedLoader::<M>::boxed, site))), ready: VecDeque::new() }
    }

    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Option<Result<M>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn take(&mut self, chunk: Chunk) -> Result<()> {
        self.source = chunk.rest.map_or(Source::Ended, Source::Waiting);
        self.ready.extend(rows_of::<M>(chunk.tree.finish()?)?);
        Ok(())
    }
}

/// Rows are moved out one by one, never pinned.
impl<M> Unpin for RowStream<M> {}

impl<M: Model> Stream for RowStream<M> {
    type Item = Result<M>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<M>>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::mem::replace(&mut this.source, Source::Ended) {
                Source::Ended => return Poll::Ready(None),
                Source::Waiting(rest) => this.source = Source::Reading(Box::pin(rest.next())),
                Source::Reading(mut future) => match future.as_mut().poll(cx) {
                    Poll::Pending => {
                        this.source = Source::Reading(future);
                        return Poll::Pending;
                    }
                    Poll::Ready(chunk) => {
                        if let Err(error) = chunk.and_then(|chunk| this.take(chunk)) {
                            this.source = Source::Ended;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                },
            }
        }
    }
}

/// Rows in lists of so many. Rows that others add or remove meanwhile neither repeat nor hide those that stand still.
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
