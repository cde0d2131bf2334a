//! A chain: all levels of an include tree in one batch, whose later steps take their parents from the rows of earlier ones. For a database that lives in
//! the program (SQLite) the whole tree is one message to its thread, and one read transaction.

use super::assemble::{LoadedTree, between_of};
use super::flush::{Below, Level, gathered, strip};
use super::reader::TreeSink;
use super::siblings::Joins;
use crate::db::{Db, Run};
use crate::hook::HookKind;
use crate::model::Loader;
use crate::plan::{self, Many, Node, Prepared};
use crate::query::{QueryState, Strategy};
use sequor_core::driver::{Batch, BatchMode, Derive, Earlier, Params, Step, StepDone};
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::sync::Arc;

/// Whether a query may be read in a chain.
pub(super) fn wanted(db: &Db, state: &QueryState) -> bool {
    // Hooks around statements run before each of them.
    let heard = || db.hook_table().any(HookKind::BeforeQuery) || db.hook_table().any(HookKind::AfterQuery);
    db.dialect().chains() && state.clauses.strategy != Some(Strategy::Sequential) && !heard()
}

/// The steps of a tree, each but the first made from the rows of one before.
pub(super) struct Chain {
    steps: Vec<Step>,
    levels: Vec<Level>,
}

impl Chain {
    /// The chain of a planned query; nothing where the statement of an include depends on more than its shape and its parents' keys.
    pub(super) fn new(db: &Db, prepared: &Prepared, loader: &dyn Loader, joins: &Joins) -> Result<Option<Chain>> {
        if !prepared.node.has_many() {
            return Ok(None);
        }
        let mut node = Node::clone(&prepared.node);
        let below = strip(&mut node, loader.again(), &[])?;
        let mut chain = Chain { steps: Vec::new(), levels: Vec::new() };
        let sink = Box::new(TreeSink::new(node, loader.again(), None)?.joined(Some(joins)));
        chain.steps.push(Step { text: prepared.text.clone(), params: Params::default(), sink, cache: true });
        Ok(chain.levels((db, joins), 0, below)?.then_some(chain))
    }

    /// Adds the steps of the includes below a step, and those below them; `false` where one of them cannot be part of a chain.
    fn levels(&mut self, (db, joins): (&Db, &Joins), parent: usize, below: Vec<Below>) -> Result<bool> {
        for Below { path, many, loader, owner, .. } in below {
            let Some(later) = plan::prepare_later(db, &many, &owner.model()) else { return Ok(false) };
            let mut node = Arc::unwrap_or_clone(later.node);
            let again = owner.relation(many.relation).ok_or_else(|| Error::bug("a relation has no loader"))?;
            let below = strip(&mut node, again, &[])?;
            let tree = LoadedTree::new(node, loader)?.joined(Some(joins));
            let sink = TreeSink::linked(&many, later.link, tree, between_of(&*owner, &many)?);
            let params = Params::Derived(derive(parent, path.clone(), &many, later.params));
            let number = self.steps.len();
            self.steps.push(Step { text: later.text, params, sink: Box::new(sink), cache: true });
            self.levels.push(Level { parent, path, many });
            if !self.levels((db, joins), number, below)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the whole tree, and a statement that travels with it.
    pub(super) async fn read(
        self,
        db: &Db,
        prepared: Prepared,
        beside: Option<Step>,
        run: Run,
    ) -> Result<(Box<TreeSink>, Option<StepDone>)> {
        let Chain { mut steps, levels } = self;
        if let Some(root) = steps.first_mut() {
            root.params = Params::Fixed(prepared.params);
        }
        let (done, beside) = super::run_beside(db, Batch { steps, mode: BatchMode::Snapshot }, beside, run).await?;
        Ok((gathered(done, levels)?, beside))
    }
}

/// The parameters of a level, made of the keys of its parents once they are read.
fn derive(parent: usize, path: Vec<usize>, many: &Many, params: plan::KeyParams) -> Derive {
    let (link, name) = (many.link.clone(), many.name.clone());
    Box::new(move |earlier: &mut dyn Earlier| {
        let sink: &mut dyn Any = earlier.sink(parent).ok_or_else(|| Error::bug("a level stands before its parents"))?;
        let sink = sink.downcast_mut::<TreeSink>().ok_or_else(|| Error::bug("a sink came back as another"))?;
        let keys = sink.tree.link(&path, name, &link.source)?;
        if keys.is_empty() {
            return Ok(None);
        }
        params.of(&keys).map(Some).ok_or_else(|| Error::bug("a key of a parent is no whole number"))
    })
}
