//! Whole rows with their includes, typed or not.

use super::assemble;
use super::before_find;
use super::chain::{self, Chain};
use super::reader::TreeSink;
use super::siblings::Joins;
use super::{flush, heard, hooked, reading, reads, reads_of, siblings};
use crate::db::{Db, Run};
use crate::hook::{self, HookKind, HookSubject};
use crate::model::{Loader, Model, Record, RowBatch, first_in, rows_in, rows_of};
use crate::plan::{self, Prepared};
use crate::query::QueryState;
use sequor_core::driver::{Params, Step, StepDone};
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::panic::Location;

/// What was read: a tree, or rows that have nothing below or beside them, for which the tree around them would cost more than they do.
enum Root {
    Plain(Box<dyn RowBatch>),
    Tree(Box<TreeSink>),
}

impl Root {
    fn finish(self) -> Result<Box<dyn Any + Send>> {
        match self {
            Root::Plain(batch) => Ok(batch.finish()),
            Root::Tree(sink) => sink.tree.finish(),
        }
    }

    fn rows<M: Model>(self) -> Result<Vec<M>> {
        match self {
            Root::Plain(batch) => rows_in(batch),
            Root::Tree(sink) => rows_of(sink.tree.finish()?),
        }
    }
}

/// Reads whole rows with their includes.
pub(crate) async fn find_models<M: Model>(db: &Db, state: QueryState, site: &'static Location<'static>) -> Result<Vec<M>> {
    Ok(find_models_beside(db, state, None, site).await?.0)
}

/// Reads the first row with its includes.
pub(crate) async fn find_model<M: Model>(db: &Db, state: QueryState, site: &'static Location<'static>) -> Result<Option<M>> {
    if let Some(batch) = read_key(db, &state, &M::LOADER, site).await? {
        return first_in(batch);
    }
    Ok(Box::pin(find_models(db, state, site)).await?.into_iter().next())
}

/// Reads whole records with their includes.
pub(crate) async fn find_records(
    db: &Db,
    state: QueryState,
    loader: Box<dyn Loader>,
    site: &'static Location<'static>,
) -> Result<Vec<Record>> {
    Ok(find_records_beside(db, state, loader, None, site).await?.0)
}

/// Reads whole records with their includes, and a statement that travels with them.
pub(crate) async fn find_records_beside(
    db: &Db,
    state: QueryState,
    loader: Box<dyn Loader>,
    beside: Option<Step>,
    site: &'static Location<'static>,
) -> Result<(Vec<Record>, Option<StepDone>)> {
    let (root, mut ended, beside) = read_root(db, state, &*loader, beside, site).await?;
    let mut rows = *root.finish()?.downcast::<Vec<Record>>().map_err(|_| Error::bug("records came back as another kind of rows"))?;
    ended.tell(db, &mut rows).await?;
    Ok((rows, beside))
}

/// What is told once the rows of a find are there.
struct Ended {
    state: QueryState,
    reads: Vec<hook::ReadRows>,
    site: &'static Location<'static>,
}

impl Ended {
    #[allow(clippy::ptr_arg, reason = "hooks get the list as its own type")]
    async fn tell<R: Send + 'static>(&mut self, db: &Db, rows: &mut Vec<R>) -> Result<()> {
        if self.reads.is_empty() && !heard(db, &self.state) {
            return Ok(());
        }
        let options = hooked(&self.state, self.site);
        hook::fire(db, &self.state.model, HookKind::AfterFind, HookSubject::Found(rows), &options).await?;
        hook::tell_reads(db, std::mem::take(&mut self.reads), &options).await
    }
}

/// Reads whole rows with their includes, and a statement that travels with them.
pub(crate) async fn find_models_beside<M: Model>(
    db: &Db,
    state: QueryState,
    beside: Option<Step>,
    site: &'static Location<'static>,
) -> Result<(Vec<M>, Option<StepDone>)> {
    let (root, mut ended, beside) = read_root(db, state, &M::LOADER, beside, site).await?;
    let mut rows: Vec<M> = root.rows()?;
    ended.tell(db, &mut rows).await?;
    Ok((rows, beside))
}

/// The row of a key that nothing else was asked of and nobody is told of, which is most reads of many programs: there is nothing to plan, to mark or
/// to hang up. Nothing where the query needs more than that.
async fn read_key(db: &Db, state: &QueryState, loader: &dyn Loader, site: &'static Location<'static>) -> Result<Option<Box<dyn RowBatch>>> {
    if state.clauses.only_key().is_none() || hook::hears_finds(db, &state.model) || hook::reads_are_told(db) {
        return Ok(None);
    }
    let Some(prepared) = plan::prepare_key(db, state).filter(Prepared::is_plain) else { return Ok(None) };
    let run = Run { operation: "find", model: Some(state.model.name.clone()), site, write: false };
    match read_batch(db, prepared, loader, &run).await {
        // The line broke: the query is read once more, as any other.
        Err(error) if db.may_read_again(&run, &error) => Ok(None),
        read => read.map(Some),
    }
}

/// Reads rows of any kind with their includes, and a statement that travels with them.
async fn read_root(
    db: &Db,
    mut state: QueryState,
    loader: &dyn Loader,
    beside: Option<Step>,
    site: &'static Location<'static>,
) -> Result<(Root, Ended, Option<StepDone>)> {
    before_find(db, &mut state, site).await?;
    let run = reading(&state, "find", site);
    let flushed = flush::wanted(db, &mut state, &run)?;
    let alone = beside.is_none();
    let (mut root, beside) = match read_whole(db, &state, loader, beside, (run.clone(), flushed)).await {
        Err(error) if alone && db.may_read_again(&run, &error) => Box::pin(read_whole(db, &state, loader, None, (run, flushed))).await?,
        read => read?,
    };
    let reads = met(db, &mut root, &state);
    Ok((root, Ended { state, reads, site }, beside))
}

/// Makes the rows known to each other, and says which rows are to be told.
fn met(db: &Db, root: &mut Root, state: &QueryState) -> Vec<hook::ReadRows> {
    match root {
        Root::Plain(batch) => {
            siblings::join_batch(db, &mut **batch, &state.model, state.clauses.strict_loading);
            if hook::reads_are_told(db) { reads_of(db, &**batch, &state.model).into_iter().collect() } else { Vec::new() }
        }
        Root::Tree(sink) => {
            siblings::join(db, &mut sink.tree, state.clauses.strict_loading);
            reads(db, &sink.tree)
        }
    }
}

/// Plans a query and reads its whole tree; in one flush where that is said.
async fn read_whole(
    db: &Db,
    state: &QueryState,
    loader: &dyn Loader,
    beside: Option<Step>,
    (run, flushed): (Run, bool),
) -> Result<(Root, Option<StepDone>)> {
    if flushed {
        return Box::pin(read_flushed(db, state, loader, beside, run)).await;
    }
    let prepared = plan::prepare(db, state)?;
    if beside.is_none() && prepared.is_plain() {
        return Ok((read_plain(db, prepared, loader, run).await?, None));
    }
    let joins = Joins::new(db, state.clauses.strict_loading);
    let chain = if chain::wanted(db, state) { Chain::new(db, &prepared, loader, &joins)? } else { None };
    let (tree, beside) = match chain {
        Some(chain) => Box::pin(chain.read(db, prepared, beside, run)).await?,
        None => Box::pin(assemble::read_tree(db, assemble::reading(prepared, loader.again(), Some(&joins))?, beside, run)).await?,
    };
    Ok((Root::Tree(tree), beside))
}

/// Reads rows of a statement that has nothing else: the batch itself is the sink.
async fn read_plain(db: &Db, prepared: Prepared, loader: &dyn Loader, run: Run) -> Result<Root> {
    read_batch(db, prepared, loader, &run).await.map(Root::Plain)
}

async fn read_batch(db: &Db, Prepared { text, params, node }: Prepared, loader: &dyn Loader, run: &Run) -> Result<Box<dyn RowBatch>> {
    let mut sink = loader.batch(&node.shape)?;
    sink.make_room(node.lately.rows());
    // On the heap, in two pieces: the allocator keeps small ones at hand.
    let done = Box::pin(db.run_step(Step { text, params: Params::Fixed(params), sink, cache: true }, run)).await?;
    let batch = loader.back(done.sink).ok_or_else(|| Error::bug("a batch came back as another"))?;
    node.lately.note(batch.len());
    Ok(batch)
}

async fn read_flushed(
    db: &Db,
    state: &QueryState,
    loader: &dyn Loader,
    beside: Option<Step>,
    run: Run,
) -> Result<(Root, Option<StepDone>)> {
    let (plan, joins) = (plan::plan(state, &db.models())?, Joins::new(db, state.clauses.strict_loading));
    let (tree, beside) = if plan.node.has_many() {
        flush::read_flush((db, joins), plan, loader.again(), beside, run).await?
    } else {
        assemble::read_tree(db, assemble::reading(plan::write(db, plan)?, loader.again(), Some(&joins))?, beside, run).await?
    };
    Ok((Root::Tree(tree), beside))
}
