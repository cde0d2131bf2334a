//! [`TreeSink`]: reads the rows of one statement into a tree, with the keys of the parents that they hang on.

use super::assemble::{Children, Hung, LoadedTree};
use super::key::{self, KeyHash, Owners};
use super::runs::Runs;
use super::siblings::Joins;
use crate::model::{Loader, RowBatch, TOGETHER};
use crate::plan::{LinkAt, Many, Node};
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::{Error, Result};
use sequor_core::types::ColumnType;

/// Reads the rows of one statement into a tree.
pub(super) struct TreeSink {
    pub(super) tree: LoadedTree,
    /// Pauses once so many rows were read.
    most: Option<usize>,
    /// The cells of the linking columns, behind those of the tree.
    link: Option<LinkCells>,
}

/// Where the link to the parents stands in a row.
struct LinkCells {
    at: LinkAt,
    columns: Vec<ColumnType>,
    keys: Vec<KeyHash>,
    between: Option<(Box<dyn RowBatch>, Vec<usize>)>,
    /// Where each parent's rows begin, if the rows hold its key.
    runs: Option<Runs>,
}

impl TreeSink {
    /// A sink for the rows of a statement of their own.
    pub(super) fn new(node: Node, loader: Box<dyn Loader>, most: Option<usize>) -> Result<TreeSink> {
        let mut tree = LoadedTree::new(node, loader)?;
        tree.make_room(usize::MAX);
        Ok(TreeSink { tree, most, link: None })
    }

    /// Has the rows made known to each other while they are read.
    pub(super) fn joined(mut self, joins: Option<&Joins>) -> TreeSink {
        self.tree = self.tree.joined(joins);
        self
    }

    /// A sink for the rows of a relation, whose link to their parents stands at a cell.
    pub(super) fn linked(many: &Many, at: LinkAt, mut tree: LoadedTree, between: Option<Box<dyn RowBatch>>) -> TreeSink {
        let between = many.link.through.as_ref().and_then(|through| between.map(|batch| (batch, through.to_source.clone())));
        let columns = many.link.columns.iter().map(|column| many.link.target.columns[*column].ty.clone()).collect();
        // Rows that hold their parent's key lie in lists of a few parents.
        tree.make_room(if at.own.is_some() { TOGETHER } else { usize::MAX });
        let runs = at.own.map(|column| Runs::new(column, tree.by_key()));
        TreeSink { tree, most: None, link: Some(LinkCells { at, columns, keys: Vec::new(), between, runs }) }
    }

    /// The rows as children of their parents.
    pub(super) fn into_children(self, many: Many, owners: &Owners) -> Result<Children> {
        let mut link = self.link.ok_or_else(|| Error::bug("an include came back without its link"))?;
        let in_order = link.runs.as_ref().and_then(|runs| runs.in_order(owners));
        let hung = if let Some(starts) = in_order {
            Hung::InOrder(starts)
        } else if let Some(numbers) = link.at.own.and_then(|column| self.tree.numbers(column)) {
            Hung::Each(key::owned(&numbers, |number| owners.get(&KeyHash::Integer(*number))))
        } else {
            Hung::Each(key::owned(&link.taken(&self.tree), |key| owners.get(key)))
        };
        Ok(Children {
            relation: many.relation,
            name: many.name,
            tree: self.tree,
            hung,
            between: link.between.map(|(between, _)| between),
            shown: (many.include.through_alias, many.include.through_attributes),
        })
    }

    /// The rows, the keys of their parents, and the rows between.
    pub(super) fn into_parts(self) -> Result<(LoadedTree, Vec<KeyHash>, Option<Box<dyn RowBatch>>)> {
        let mut link = self.link.ok_or_else(|| Error::bug("an include came back without its link"))?;
        let keys = link.taken(&self.tree);
        Ok((self.tree, keys, link.between.map(|(between, _)| between)))
    }
}

impl LinkCells {
    /// The keys of the parents that the rows hang on.
    fn taken(&mut self, tree: &LoadedTree) -> Vec<KeyHash> {
        match self.at.own {
            Some(column) => (0..tree.len()).map(|row| KeyHash::one(tree.value(row, column))).collect(),
            None => std::mem::take(&mut self.keys),
        }
    }

    /// The key of the parent that a row hangs on, where the row does not hold it itself.
    fn read(&mut self, row: &mut dyn RowReader) -> Result<KeyHash> {
        match (&mut self.between, self.columns.as_slice()) {
            (Some((between, columns)), _) => {
                let index = between.len();
                between.push(row, self.at.between)?;
                Ok(match columns.as_slice() {
                    [column] => KeyHash::one(between.value(index, *column)),
                    several => KeyHash::Several(several.iter().map(|column| KeyHash::one(between.value(index, *column))).collect()),
                })
            }
            (None, [ty]) => KeyHash::read(row, self.at.cells.first().copied().unwrap_or_default(), ty),
            (None, several) => {
                let read = |(cell, ty): (&usize, &ColumnType)| KeyHash::read(row, *cell, ty);
                self.at.cells.iter().zip(several).map(read).collect::<Result<_>>().map(KeyHash::Several)
            }
        }
    }
}

impl RowSink for TreeSink {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let index = self.tree.push(row)?;
        match &mut self.link {
            Some(LinkCells { runs: Some(runs), .. }) => self.tree.note(runs, index),
            Some(link) => {
                let key = link.read(row)?;
                link.keys.push(key);
            }
            None => {}
        }
        if self.most.is_some_and(|most| index + 1 >= most) {
            return Ok(Flow::Pause);
        }
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        self.most.is_none()
    }
}
