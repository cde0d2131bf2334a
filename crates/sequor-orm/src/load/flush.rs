//! One flush: every level of an include tree finds its parents by itself, so that all of them travel together and read one snapshot (PostgreSQL).

use super::assemble::{LoadedTree, between_of};
use super::reader::TreeSink;
use super::siblings::Joins;
use super::{step, unsink_boxed};
use crate::db::{Db, Run};
use crate::model::Loader;
use crate::plan::{self, Many, Node, Parents, Plan};
use crate::query::{QueryState, Strategy};
use sequor_core::driver::{Batch, BatchMode, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::statement::Select;
use std::time::Duration;

/// Below this, waiting for the server costs less than finding the parents anew.
const NEAR: Duration = Duration::from_micros(100);

/// Whether a query is to be read in one flush; makes its order total where that takes it.
pub(super) fn wanted(db: &Db, state: &mut QueryState, run: &Run) -> Result<bool> {
    Ok(state.clauses.includes.iter().any(|include| !include.joined) && wanted_below(db, state, run)?)
}

/// Whether a query that has something below its rows is to be read in one flush.
pub(super) fn wanted_below(db: &Db, state: &mut QueryState, run: &Run) -> Result<bool> {
    let far = match state.clauses.strategy.unwrap_or_default() {
        Strategy::Sequential => false,
        Strategy::OneFlush => true,
        Strategy::Auto => db.round_trip().is_some_and(|measured| measured >= NEAR),
    };
    // In a transaction each statement may have a snapshot of its own, and then parents could differ from level to level.
    let free = !db.needs_settings() && db.session(run.site)?.is_none();
    Ok(far && free && db.dialect().flushes() && plan::repeatable(state))
}

/// A level of the tree: the step that reads its parents, and where among their to-one rows they stand.
pub(super) struct Level {
    pub(super) parent: usize,
    pub(super) path: Vec<usize>,
    pub(super) many: Many,
}

/// A to-many include of a statement that is planned.
pub(super) struct Below {
    pub(super) path: Vec<usize>,
    pub(super) many: Many,
    /// Where the parents' keys stand.
    cells: Vec<usize>,
    pub(super) loader: Box<dyn Loader>,
    /// Who loads the rows that own the relation.
    pub(super) owner: Box<dyn Loader>,
}

struct Flush<'a> {
    db: &'a Db,
    joins: Joins,
    steps: Vec<Step>,
    levels: Vec<Level>,
}

/// Reads a planned query and its whole tree, and a statement that travels with them.
pub(super) async fn read_flush(
    (db, joins): (&Db, Joins),
    plan: Plan,
    loader: Box<dyn Loader>,
    beside: Option<Step>,
    run: Run,
) -> Result<(Box<TreeSink>, Option<StepDone>)> {
    let Plan { select, mut node } = plan;
    let mut flush = Flush { db, joins, steps: Vec::new(), levels: Vec::new() };
    let below = strip(&mut node, loader.again(), &[])?;
    let sql = db.render_select(&select)?;
    flush.steps.push(step(sql, Box::new(TreeSink::new(node, loader, None)?.joined(Some(&flush.joins)))));
    flush.levels(0, &select, below)?;
    let Flush { steps, levels, .. } = flush;
    let (done, beside) = super::run_beside(db, Batch { steps, mode: BatchMode::Snapshot }, beside, run).await?;
    Ok((gathered(done, levels)?, beside))
}

/// Hangs what the steps of all levels have read on the rows of the first.
pub(super) fn gathered(done: Vec<StepDone>, levels: Vec<Level>) -> Result<Box<TreeSink>> {
    let mut sinks = done.into_iter().map(unsink_boxed::<TreeSink>).collect::<Result<Vec<_>>>()?;
    // Children stand behind their parents, so the last have none that are still missing.
    for level in levels.into_iter().rev() {
        let (Some(sink), Some(parent)) = (sinks.pop(), sinks.get_mut(level.parent)) else {
            return Err(Error::bug("a level of a tree has no answer"));
        };
        parent.tree.adopt(&level.path, level.many, *sink)?;
    }
    sinks.pop().ok_or_else(|| Error::bug("a tree has no answer"))
}

impl Flush<'_> {
    /// Adds the statements of the includes below a step, and those below them.
    fn levels(&mut self, parent: usize, select: &Select, below: Vec<Below>) -> Result<()> {
        for Below { path, many, cells, loader, owner } in below {
            let parents = Parents::of(select, &cells).ok_or_else(|| Error::bug("a parent's key is not read"))?;
            let (mut planned, link) =
                plan::plan_many(&many, parents, (plan::Sorting::Reader, plan::Cutting::of(self.db.dialect())), &self.db.models())?;
            let again = owner.relation(many.relation).ok_or_else(|| Error::bug("a relation has no loader"))?;
            let below = strip(&mut planned.node, again, &[])?;
            let sql = self.db.render_select(&planned.select)?;
            let tree = LoadedTree::new(planned.node, loader)?.joined(Some(&self.joins));
            let sink = TreeSink::linked(&many, link, tree, between_of(&*owner, &many)?);
            let number = self.steps.len();
            self.steps.push(step(sql, Box::new(sink)));
            self.levels.push(Level { parent, path, many });
            self.levels(number, &planned.select, below)?;
        }
        Ok(())
    }
}

/// Takes the to-many includes out of a node and of the to-one rows beside it.
pub(super) fn strip(node: &mut Node, owner: Box<dyn Loader>, path: &[usize]) -> Result<Vec<Below>> {
    let mut below = Vec::new();
    let missing = || Error::bug("a relation has no loader");
    for (number, one) in node.ones.iter_mut().enumerate() {
        let inner = owner.relation(one.relation).ok_or_else(missing)?;
        below.extend(strip(one, inner, &[path, &[number]].concat())?);
    }
    for many in std::mem::take(&mut node.many) {
        let cells = many.link.source.iter().map(|column| node.cell(*column).ok_or_else(|| Error::bug("a parent's key is not read")));
        let cells = cells.collect::<Result<_>>()?;
        let loader = owner.relation(many.relation).ok_or_else(missing)?;
        below.push(Below { path: path.to_vec(), many, cells, loader, owner: owner.again() });
    }
    Ok(below)
}
