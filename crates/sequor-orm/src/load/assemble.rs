//! A tree of batches: each statement fills some, and in the end children move into their parents.

use super::key::{self, Groups, KeyHash, Keys, Owners, Rows};
use super::reader::TreeSink;
use super::runs::Runs;
use super::siblings::Joins;
use crate::db::{Db, Run};
use crate::model::{Loader, RowBatch, RowShape};
use crate::plan::{self, Lately, Many, Node, Parents, Prepared};
use crate::query::IncludeState;
use sequor_core::driver::{Batch, BatchMode, Params, RowReader, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::{Name, Value};
use std::any::Any;
use std::sync::Arc;

/// The rows of one model in one statement, with those of the to-one relations beside them.
pub struct LoadedTree {
    batch: Box<dyn RowBatch>,
    loader: Box<dyn Loader>,
    /// The row of the parent that each row hangs on; empty for a root.
    owners: Vec<usize>,
    relation: usize,
    name: Name,
    at: usize,
    presence: Option<usize>,
    /// Nothing of its rows was asked for, so they do not appear.
    blank: bool,
    /// There are to-many includes to load, here or beside.
    levels: bool,
    /// The integer key that the rows of each parent are sorted by here.
    by_key: Option<usize>,
    ones: Vec<LoadedTree>,
    many: Vec<Many>,
    /// The rows' keys for relations whose rows are being read, by the names that those will have.
    linked: Vec<(Name, Owners)>,
    children: Vec<Children>,
    lately: Arc<Lately>,
    /// Who makes the rows known to each other while they are read.
    joins: Option<Joins>,
}

/// The loaded rows of a to-many relation.
pub(super) struct Children {
    pub(super) relation: usize,
    pub(super) name: Name,
    pub(super) tree: LoadedTree,
    pub(super) hung: Hung,
    pub(super) between: Option<Box<dyn RowBatch>>,
    /// How the rows between are shown.
    pub(super) shown: (Option<Name>, Option<Vec<Name>>),
}

/// The parents that rows hang on.
pub(super) enum Hung {
    /// Those of each row.
    Each(Vec<Rows>),
    /// Rows come parent by parent: where those of each begin, up to the last parent that has any.
    InOrder(Vec<usize>),
}

impl LoadedTree {
    pub(super) fn new(node: Node, loader: Box<dyn Loader>) -> Result<LoadedTree> {
        let levels = node.has_many();
        let mut ones = Vec::with_capacity(node.ones.len());
        for one in node.ones {
            let inner = loader.relation(one.relation).ok_or_else(|| Error::bug("a relation has no loader"))?;
            ones.push(LoadedTree::new(one, inner)?);
        }
        let batch = loader.batch(&node.shape)?;
        Ok(LoadedTree {
            levels,
            batch,
            loader,
            owners: Vec::new(),
            relation: node.relation,
            name: node.name,
            at: node.at,
            presence: node.presence,
            blank: node.shape.items.as_ref().is_some_and(Vec::is_empty),
            by_key: node.by_key,
            ones,
            many: node.many,
            linked: Vec::new(),
            children: Vec::new(),
            lately: node.lately,
            joins: None,
        })
    }

    /// Makes room for as many rows as there were lately, though for no more than so many.
    pub(super) fn make_room(&mut self, most: usize) {
        self.batch.make_room(self.lately.rows().min(most));
        self.ones.iter_mut().for_each(|one| one.make_room(usize::MAX));
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.batch.len() == 0
    }

    /// Reads a row; gives its number.
    pub(super) fn push(&mut self, row: &mut dyn RowReader) -> Result<usize> {
        let index = self.batch.len();
        self.batch.push(row, self.at)?;
        if let Some(joins) = &mut self.joins {
            joins.pushed(&mut *self.batch, index + 1, || self.loader.model());
        }
        for one in &mut self.ones {
            let present = match one.presence {
                Some(cell) => !row.is_null(cell)?,
                None => true,
            };
            if present {
                one.owners.push(index);
                one.push(row)?;
            }
        }
        Ok(index)
    }

    /// Calls a function on the rows of each model, from the root down.
    pub(super) fn each_batch(&self, visit: &mut dyn FnMut(&dyn RowBatch, &ModelDef)) {
        visit(&*self.batch, &self.loader.model());
        self.ones.iter().for_each(|one| one.each_batch(visit));
        self.children.iter().for_each(|children| children.tree.each_batch(visit));
    }

    /// Has the rows made known to each other while they are read.
    pub(super) fn joined(mut self, joins: Option<&Joins>) -> LoadedTree {
        self.ones = self.ones.into_iter().map(|one| one.joined(joins)).collect();
        self.joins = joins.map(Joins::again);
        self
    }

    /// Makes the rows that are not yet known to each other, and those below.
    pub(super) fn join_rest(&mut self, joins: &Joins) {
        self.joins.get_or_insert_with(|| joins.again()).rest(&mut *self.batch, &self.loader.model());
        self.ones.iter_mut().for_each(|one| one.join_rest(joins));
        self.children.iter_mut().for_each(|children| children.tree.join_rest(joins));
    }

    /// Notes whom the last row hangs on.
    pub(super) fn note(&mut self, runs: &mut Runs, row: usize) {
        runs.note(&mut *self.batch, row);
    }

    /// The column that the rows of each parent are to be sorted by.
    pub(super) fn by_key(&self) -> Option<usize> {
        self.by_key
    }

    /// The value of a column of a row.
    pub(super) fn value(&self, row: usize, column: usize) -> Value {
        self.batch.value(row, column)
    }

    /// The numbers in a column, if it holds nothing else.
    pub(super) fn numbers(&self, column: usize) -> Option<Vec<i64>> {
        self.batch.numbers(0..self.batch.len(), column)
    }

    /// The rows' keys for a relation, each once, and the rows that have them.
    fn keys(&self, columns: &[usize]) -> (Owners, Keys) {
        let rows = 0..self.batch.len();
        if let [column] = columns
            && let Some(numbers) = self.batch.numbers(rows.clone(), *column)
        {
            return key::owners_of_numbers(numbers);
        }
        let key = |row: usize| columns.iter().map(|column| self.batch.value(row, *column)).collect::<Vec<_>>();
        key::owners(columns.len(), rows.map(key))
    }

    /// The rows of a to-one path.
    fn at(&mut self, path: &[usize]) -> Result<&mut LoadedTree> {
        let mut tree = self;
        for step in path {
            tree = tree.ones.get_mut(*step).ok_or_else(|| Error::bug("a to-one path leads nowhere"))?;
        }
        Ok(tree)
    }

    /// The keys of the rows of a to-one path, each once, for a relation whose rows will come; who has them is remembered.
    pub(super) fn link(&mut self, path: &[usize], relation: Name, columns: &[usize]) -> Result<Keys> {
        let tree = self.at(path)?;
        let (owners, keys) = tree.keys(columns);
        tree.linked.push((relation, owners));
        Ok(keys)
    }

    /// Hangs the rows of a relation below those of a to-one path.
    pub(super) fn adopt(&mut self, path: &[usize], many: Many, sink: TreeSink) -> Result<()> {
        let tree = self.at(path)?;
        let linked = tree.linked.iter().position(|(name, _)| *name == many.name);
        let owners = match linked {
            Some(place) => tree.linked.swap_remove(place).1,
            None => tree.keys(&many.link.source).0,
        };
        tree.children.push(sink.into_children(many, &owners)?);
        Ok(())
    }

    /// The keys that the rows of each parent are sorted by here.
    fn keys_of_rows(&self) -> Option<Vec<i64>> {
        self.numbers(self.by_key?)
    }

    /// The value of a column of the last row.
    pub(super) fn last_value(&self, column: usize) -> Option<Value> {
        let last = self.batch.len().checked_sub(1)?;
        Some(self.batch.value(last, column))
    }

    /// The rows, each with its relations, as a `Vec` of the model.
    pub(crate) fn finish(mut self) -> Result<Box<dyn Any + Send>> {
        self.attach()?;
        Ok(self.batch.finish())
    }

    /// Hangs all children on the rows, deepest first.
    fn attach(&mut self) -> Result<()> {
        let count = self.batch.len();
        self.lately.note(count);
        for mut one in std::mem::take(&mut self.ones) {
            one.attach()?;
            if one.blank && one.children.is_empty() && one.ones.is_empty() {
                continue;
            }
            let mut owner = vec![None; count];
            for (row, parent) in one.owners.iter().enumerate() {
                if let Some(slot) = owner.get_mut(*parent) {
                    *slot = Some(row);
                }
            }
            for (parent, row) in owner.into_iter().enumerate() {
                one.batch.hand(row.as_slice(), false, &mut |rows| self.batch.attach(parent, one.relation, &one.name, rows, None))?;
            }
        }
        for mut children in std::mem::take(&mut self.children) {
            children.tree.attach()?;
            if children.tree.blank {
                continue;
            }
            self.batch.between_shape(children.shown.0.as_ref(), children.shown.1.as_deref());
            let parents = match children.hung {
                Hung::Each(parents) => parents,
                Hung::InOrder(mut starts) => {
                    starts.resize(count + 1, children.tree.len());
                    let attach = &mut |parent, rows: &mut dyn Any| self.batch.attach(parent, children.relation, &children.name, rows, None);
                    children.tree.batch.hand_in_order(&starts, attach)?;
                    continue;
                }
            };
            let shared = parents.iter().any(|parents| parents.as_slice().len() > 1);
            let groups = Groups::new(count, &parents, children.tree.keys_of_rows().as_deref());
            if let (Some(starts), None) = (groups.in_order(), &children.between) {
                let attach = &mut |parent, rows: &mut dyn Any| self.batch.attach(parent, children.relation, &children.name, rows, None);
                children.tree.batch.hand_in_order(starts, attach)?;
                continue;
            }
            for parent in 0..count {
                let picks = groups.of(parent);
                let mut attach = |rows: &mut dyn Any, between: Option<&mut dyn Any>| {
                    self.batch.attach(parent, children.relation, &children.name, rows, between)
                };
                children.tree.batch.hand(picks, shared, &mut |rows| match &mut children.between {
                    Some(between) => between.hand(picks, shared, &mut |between| attach(rows, Some(between))),
                    None => attach(rows, None),
                })?;
            }
        }
        Ok(())
    }
}

/// The step that reads the rows of a statement into a tree.
pub(super) fn reading(Prepared { text, params, node }: Prepared, loader: Box<dyn Loader>, joins: Option<&Joins>) -> Result<Step> {
    let sink = Box::new(TreeSink::new(Arc::unwrap_or_clone(node), loader, None)?.joined(joins));
    Ok(Step { text, params: Params::Fixed(params), sink, cache: true })
}

/// Runs such a step, reads all the to-many includes below its rows, and what comes of a statement that travels with it.
///
/// What it holds while it waits is small, and the statement's own future is on the heap: a find is one of the most frequent things there are.
pub(super) async fn read_tree(db: &Db, step: Step, beside: Option<Step>, run: Run) -> Result<(Box<TreeSink>, Option<StepDone>)> {
    let (mut batch, accompanied) = (Batch::one(step), beside.is_some());
    batch.steps.extend(beside);
    if accompanied && db.dialect().chains() {
        // A snapshot costs a database in the program next to nothing, and a page and its count then tell of the same rows.
        batch.mode = BatchMode::Snapshot;
    }
    let mut done = Box::pin(db.run(batch, run.clone())).await?;
    let beside = if accompanied { done.pop() } else { None };
    let done = done.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"))?;
    let mut sink: Box<TreeSink> = super::unsink_boxed(done)?;
    if sink.tree.levels {
        Box::pin(load_levels(db, &mut [&mut sink.tree], run)).await?;
    }
    Ok((sink, beside))
}

/// Loads the to-many includes of some trees, all of one level in one batch, then the levels below.
pub(super) async fn load_levels(db: &Db, trees: &mut [&mut LoadedTree], run: Run) -> Result<()> {
    let mut batch = Batch { steps: Vec::new(), mode: BatchMode::Plain };
    let mut waiting: Vec<(Vec<usize>, Many, Owners)> = Vec::new();
    for (number, tree) in trees.iter_mut().enumerate() {
        plan_levels(db, tree, &[number], &mut batch, &mut waiting)?;
    }
    if batch.steps.is_empty() {
        return Ok(());
    }
    let done = db.run(batch, run.clone()).await?;
    for ((path, many, parents), done) in waiting.into_iter().zip(done) {
        let children = super::unsink::<TreeSink>(done)?.into_children(many, &parents)?;
        if let Some((tree, path)) = path.split_first().and_then(|(number, path)| Some((trees.get_mut(*number)?, path))) {
            tree.at(path)?.children.push(children);
        }
    }
    let mut below: Vec<&mut LoadedTree> = Vec::new();
    for tree in trees.iter_mut() {
        collect_children(tree, &mut below);
    }
    Box::pin(load_levels(db, &mut below, run)).await
}

fn collect_children<'a>(tree: &'a mut LoadedTree, below: &mut Vec<&'a mut LoadedTree>) {
    below.extend(tree.children.iter_mut().map(|children| &mut children.tree));
    for one in &mut tree.ones {
        collect_children(one, below);
    }
}

fn plan_levels(
    db: &Db,
    tree: &mut LoadedTree,
    path: &[usize],
    batch: &mut Batch,
    waiting: &mut Vec<(Vec<usize>, Many, Owners)>,
) -> Result<()> {
    for many in std::mem::take(&mut tree.many) {
        let (parents, keys) = tree.keys(&many.link.source);
        let loader = tree.loader.relation(many.relation).ok_or_else(|| Error::bug("a relation has no loader"))?;
        if keys.is_empty() {
            let (plan, _) =
                plan::plan_many(&many, Parents::Keys(Vec::new()), (plan::Sorting::Reader, plan::Cutting::of(db.dialect())), &db.models())?;
            let empty = LoadedTree::new(Node { many: Vec::new(), ..plan.node }, loader)?;
            let between = between_of(&*tree.loader, &many)?;
            tree.children.push(Children {
                relation: many.relation,
                name: many.name,
                tree: empty,
                hung: Hung::InOrder(Vec::new()),
                between,
                shown: (None, None),
            });
            continue;
        }
        batch.steps.push(many_step(db, &many, keys, (loader, tree.joins.as_ref()), &*tree.loader)?);
        waiting.push((path.to_vec(), many, parents));
    }
    for (number, one) in tree.ones.iter_mut().enumerate() {
        let mut path = path.to_vec();
        path.push(number);
        plan_levels(db, one, &path, batch, waiting)?;
    }
    Ok(())
}

pub(super) fn between_of(loader: &dyn Loader, many: &Many) -> Result<Option<Box<dyn RowBatch>>> {
    if many.link.through.is_none() {
        return Ok(None);
    }
    let loader = loader.through(many.relation).ok_or_else(|| Error::bug("a relation has no loader for its through rows"))?;
    loader.batch(&RowShape::default()).map(Some)
}

/// The rows of a relation of one row, and the rows between: what a relation field takes.
pub(crate) type Filling = (Box<dyn Any + Send>, Option<Box<dyn Any + Send>>);

/// A relation of a model that is to be loaded, and what is asked of its rows.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) model: &'a ModelDef,
    pub(crate) relation: usize,
    pub(crate) include: &'a IncludeState,
}

/// Loads a relation of rows that exist already, so many of them with these values in their columns: for each of them, what its relation field takes.
pub(crate) async fn load_detached(
    db: &Db,
    Wanted { model, relation, include }: Wanted<'_>,
    values: (usize, &(dyn Fn(usize, usize) -> Value + Sync)),
    loader: Box<dyn Loader>,
    run: Run,
) -> Result<Vec<Filling>> {
    let def = model.relations.get(relation).ok_or_else(|| Error::bug("a relation without a definition"))?.clone();
    let link = def.link(model, &db.models())?;
    let single = !def.kind.is_many();
    let (link, def) = (Arc::new(link), Arc::new(def));
    let many = Many { relation, name: def.name.clone(), source: None, link, def, include: include.clone(), within: Vec::new() };
    let (count, value) = values;
    let key = |row: usize| many.link.source.iter().map(|column| value(row, *column)).collect::<Vec<_>>();
    let (seen, keys) = key::owners(many.link.source.len(), (0..count).map(key));
    let inner = loader.relation(relation).ok_or_else(|| Error::bug("a relation has no loader"))?;
    let mut parents: Vec<Rows> = Vec::new();
    let (mut tree, mut between) = if keys.is_empty() {
        let (plan, _) =
            plan::plan_many(&many, Parents::Keys(Vec::new()), (plan::Sorting::Reader, plan::Cutting::of(db.dialect())), &db.models())?;
        (LoadedTree::new(Node { many: Vec::new(), ..plan.node }, inner)?, between_of(&*loader, &many)?)
    } else {
        let options = crate::write::WriteOptions::at(run.site);
        let (tree, keys, between) = read_many(db, &many, keys, inner, &*loader, run).await?;
        super::told(db, &tree, &options).await?;
        parents = keys.iter().map(|key| seen.get(key).unwrap_or_default()).collect();
        (tree, between)
    };
    tree.attach()?;
    let shared = seen.shared() || many.link.through.is_some();
    let groups = Groups::new(count, &parents, tree.keys_of_rows().as_deref());
    let mut filling = |row| {
        let picks = groups.of(row);
        // A has-one whose key is not unique keeps its first row.
        let picks = if single { &picks[..picks.len().min(1)] } else { picks };
        let between = between.as_mut().map(|between| between.take(picks, shared));
        (tree.batch.take(picks, shared), between)
    };
    Ok((0..count).map(&mut filling).collect())
}

type Read = (LoadedTree, Vec<KeyHash>, Option<Box<dyn RowBatch>>);

async fn read_many(db: &Db, many: &Many, keys: Keys, inner: Box<dyn Loader>, owner: &dyn Loader, run: Run) -> Result<Read> {
    let step = many_step(db, many, keys, (inner, None), owner)?;
    let done = super::run_one(db, step, run.clone()).await?;
    let (mut tree, keys, between) = super::unsink::<TreeSink>(done)?.into_parts()?;
    load_levels(db, &mut [&mut tree], run).await?;
    Ok((tree, keys, between))
}

/// The statement of a to-many include, with the sink that reads it.
fn many_step(db: &Db, many: &Many, keys: Keys, (inner, joins): (Box<dyn Loader>, Option<&Joins>), owner: &dyn Loader) -> Result<Step> {
    let (prepared, link) = plan::prepare_many(db, many, &owner.model(), keys)?;
    let tree = LoadedTree::new(Arc::unwrap_or_clone(prepared.node), inner)?.joined(joins);
    let sink = TreeSink::linked(many, link, tree, between_of(owner, many)?);
    Ok(Step { text: prepared.text, params: Params::Fixed(prepared.params), sink: Box::new(sink), cache: true })
}
