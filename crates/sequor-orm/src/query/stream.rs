//! [`RowStream`]: rows one after another in constant memory.

use super::QueryState;
use crate::db::Db;
use crate::load;
use crate::model::Model;
use futures_core::Stream;
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Rows of a query, read in chunks. It owns its `Db`; dropping it early gives the connection back.
pub struct RowStream<M> {
    state: Option<QueryState>,
    source: Source<M>,
    ready: VecDeque<M>,
    db: Db,
    site: &'static Location<'static>,
    after: u64,
}

type Chunk<M> = Result<Vec<M>>;

enum Source<M> {
    Idle,
    Reading(BoxFuture<'static, Chunk<M>>),
    Ended,
}

/// How many rows a chunk has.
const CHUNK: u64 = 500;

impl<M: Model> RowStream<M> {
    pub(crate) fn new(db: Db, mut state: QueryState, site: &'static Location<'static>) -> RowStream<M> {
        super::page::total_order(&mut state);
        RowStream { state: Some(state), source: Source::Idle, ready: VecDeque::new(), db, site, after: 0 }
    }

    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Option<Result<M>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The query of the next chunk; `None` when the limit of the query is reached.
    fn chunk(&mut self) -> Option<BoxFuture<'static, Chunk<M>>> {
        let state = self.state.as_ref()?;
        let rest = match state.clauses.limit {
            Some(limit) if limit <= self.after => return None,
            Some(limit) => (limit - self.after).min(CHUNK),
            None => CHUNK,
        };
        let mut state = state.clone();
        state.clauses.offset = Some(state.clauses.offset.unwrap_or(0) + self.after);
        state.clauses.limit = Some(rest);
        let (db, site) = (self.db.clone(), self.site);
        Some(Box::pin(async move { load::find_models::<M>(&db, state, site).await }))
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
            match &mut this.source {
                Source::Ended => return Poll::Ready(None),
                Source::Idle => match this.chunk() {
                    Some(future) => this.source = Source::Reading(future),
                    None => this.source = Source::Ended,
                },
                Source::Reading(future) => match future.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => {
                        this.source = Source::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Poll::Ready(Ok(rows)) => {
                        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                        this.after += count;
                        this.source = if count < CHUNK { Source::Ended } else { Source::Idle };
                        this.ready.extend(rows);
                    }
                },
            }
        }
    }
}
