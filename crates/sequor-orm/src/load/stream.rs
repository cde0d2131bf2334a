//! Rows in chunks: from one open statement, or key after key where no second connection is to be had.
//!
//! An open statement keeps its connection, and the includes of a chunk are read on another one. Inside a transaction, under settings of a tenant, and where only one
//! connection of the pool (`sqlite::memory:` has no other) is left by the streams that are open, other statements of the program must run between the chunks: there
//! each chunk is a statement of its own that begins behind the last row's key, so rows that are written meanwhile neither shift nor repeat those that
//! stood still.

use super::assemble::{LoadedTree, load_levels};
use super::reader::TreeSink;
use super::siblings::join;
use super::{after_find, before_find, hooked, reading, step, told, unsink};
use crate::db::{Db, OpenRead, Run};
use crate::model::Loader;
use crate::plan::{self, Node};
use crate::query::{Key, QueryState, after_keys, keys_of, total_order};
use sequor_core::Value;
use sequor_core::error::Result;
use std::panic::Location;
use tokio::sync::OwnedSemaphorePermit;

/// How many rows a chunk has.
pub(crate) const CHUNK: u64 = 500;

/// The same as a length.
const ROWS: usize = 500;

/// Some rows with their includes, and where the rest is.
pub(crate) struct Chunk {
    /// The rows.
    pub(crate) tree: LoadedTree,
    /// The rest.
    pub(crate) rest: Option<Rest>,
}

/// The rows that are still to come.
pub(crate) enum Rest {
    /// Those of a statement that is open.
    Open(Box<Open>),
    /// Those behind the last key.
    Keys(Box<Keys>),
}

/// A statement that is open, and how its rows are read.
pub(crate) struct Open {
    source: Source,
    read: Held,
    node: Node,
}

/// An open statement in its place among the streams.
struct Held {
    read: OpenRead,
    _place: OwnedSemaphorePermit,
}

/// A query in an order of plain columns.
pub(crate) struct Keys {
    source: Source,
    keys: Vec<Key>,
    /// The values of the last row.
    last: Option<Vec<Value>>,
    /// How many rows the query's limit leaves.
    left: Option<u64>,
}

/// What all chunks of a stream have in common.
struct Source {
    db: Db,
    state: QueryState,
    loader: fn() -> Box<dyn Loader>,
    run: Run,
    site: &'static Location<'static>,
}

/// Reads the first chunk of a query.
pub(crate) async fn open(
    db: Db,
    mut state: QueryState,
    loader: fn() -> Box<dyn Loader>,
    site: &'static Location<'static>,
) -> Result<Chunk> {
    before_find(&db, &mut state, site).await?;
    let run = reading(&state, "stream", site);
    let alone = db.session(site)?.is_some() || db.needs_settings();
    let place = if alone { None } else { db.stream_place() };
    let source = Source { db, state, loader, run, site };
    match place {
        Some(place) => source.by_statement(place).await,
        None => source.by_keys().await,
    }
}

impl Source {
    async fn by_statement(self, place: OwnedSemaphorePermit) -> Result<Chunk> {
        let plan = plan::plan(&self.state, &self.db.models())?;
        let begin = || async {
            let sql = self.db.render_select(&plan.select)?;
            let sink = TreeSink::new(plan.node.clone(), (self.loader)(), Some(ROWS))?;
            self.db.open(step(sql, Box::new(sink)), &self.run).await
        };
        let (done, read) = match begin().await {
            // No row of it has been handed out.
            Err(error) if self.db.may_read_again(&self.run, &error) => begin().await?,
            read => read?,
        };
        let read = read.map(|read| Held { read, _place: place });
        Open::chunk(unsink::<TreeSink>(done)?.tree, self, read, plan.node).await
    }

    async fn by_keys(mut self) -> Result<Chunk> {
        let (order, unordered) = (self.state.clauses.order.clone(), self.state.clauses.unordered);
        let apart = crate::query::taken_apart(&mut self.state);
        total_order(&mut self.state);
        let dialect = self.db.dialect();
        match keys_of(&self.state, |direction| dialect.nulls(direction)).filter(|_| apart) {
            Some(keys) if !keys.is_empty() => {
                let left = self.state.clauses.limit;
                Box::new(Keys { source: self, keys, last: None, left }).next().await
            }
            // An order by an expression has no key to go on from: all rows are read at once.
            _ => {
                self.state.clauses.order = order;
                self.state.clauses.unordered = unordered;
                let Source { db, mut state, loader, run, site } = self;
                let mut tree = super::read_planned(&db, &state, loader(), run).await?;
                join(&db, &mut tree, state.clauses.strict_loading);
                told(&db, &tree, &hooked(&state, site)).await?;
                after_find(&db, &mut state, site).await?;
                Ok(Chunk { tree, rest: None })
            }
        }
    }
}

impl Rest {
    /// Reads the next chunk.
    pub(crate) async fn next(self) -> Result<Chunk> {
        match self {
            Rest::Open(open) => open.next().await,
            Rest::Keys(keys) => keys.next().await,
        }
    }
}

impl Open {
    async fn next(self: Box<Self>) -> Result<Chunk> {
        let Open { source, read, node } = *self;
        let Held { read, _place } = read;
        let sink = Box::new(TreeSink::new(node.clone(), (source.loader)(), Some(ROWS))?);
        let (done, read) = source.db.limited(read.next(sink)).await?;
        let read = read.map(|read| Held { read, _place });
        Open::chunk(unsink::<TreeSink>(done)?.tree, source, read, node).await
    }

    /// Loads the includes of a chunk. A statement that has ended has given its connection back by then.
    async fn chunk(mut tree: LoadedTree, mut source: Source, read: Option<Held>, node: Node) -> Result<Chunk> {
        load_levels(&source.db, &mut [&mut tree], source.run.clone()).await?;
        join(&source.db, &mut tree, source.state.clauses.strict_loading);
        told(&source.db, &tree, &hooked(&source.state, source.site)).await?;
        let Some(read) = read else {
            after_find(&source.db, &mut source.state, source.site).await?;
            return Ok(Chunk { tree, rest: None });
        };
        Ok(Chunk { tree, rest: Some(Rest::Open(Box::new(Open { source, read, node }))) })
    }
}

impl Keys {
    async fn next(mut self: Box<Self>) -> Result<Chunk> {
        let size = self.left.map_or(CHUNK, |left| left.min(CHUNK));
        let mut state = self.source.state.clone();
        state.clauses.limit = Some(size);
        if let Some(last) = &self.last {
            state.clauses.offset = None;
            state.clauses.filters.push(after_keys(&state.model, &self.keys, last, false));
        }
        let mut tree = super::read_planned(&self.source.db, &state, (self.source.loader)(), self.source.run.clone()).await?;
        join(&self.source.db, &mut tree, state.clauses.strict_loading);
        told(&self.source.db, &tree, &hooked(&state, self.source.site)).await?;
        let count = u64::try_from(tree.len()).unwrap_or(u64::MAX);
        self.last = self.keys.iter().map(|key| tree.last_value(key.position)).collect();
        self.left = self.left.map(|left| left.saturating_sub(count));
        if count < size || self.left == Some(0) {
            after_find(&self.source.db, &mut self.source.state, self.source.site).await?;
            return Ok(Chunk { tree, rest: None });
        }
        Ok(Chunk { tree, rest: Some(Rest::Keys(self)) })
    }
}
