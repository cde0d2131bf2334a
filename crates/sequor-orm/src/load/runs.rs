//! Rows that come parent by parent, as a server mostly gives them for a list of keys: noted while they are read, when the reader waits for the server anyway.

use super::key::Owners;
use crate::model::RowBatch;

/// Where the rows of each parent begin.
pub(super) struct Runs {
    /// The column that holds the parent's key.
    column: usize,
    /// The column that the rows of each parent are to be sorted by.
    by_key: Option<usize>,
    /// Parents' keys, and the first row of each.
    starts: Vec<(i64, usize)>,
    last_key: i64,
    /// Whether all keys are numbers, and the rows of each parent sorted.
    plain: bool,
}

impl Runs {
    pub(super) fn new(column: usize, by_key: Option<usize>) -> Runs {
        Runs { column, by_key, starts: Vec::new(), last_key: 0, plain: true }
    }

    /// Notes the last row.
    pub(super) fn note(&mut self, batch: &mut dyn RowBatch, row: usize) {
        if self.plain {
            self.plain = self.noted(batch, row).is_some();
        }
    }

    fn noted(&mut self, batch: &mut dyn RowBatch, row: usize) -> Option<()> {
        let parent = batch.number(row, self.column)?;
        let key = match self.by_key {
            Some(column) => batch.number(row, column)?,
            None => 0,
        };
        match self.starts.last() {
            Some((last, _)) if *last == parent => {
                if key < self.last_key {
                    return None;
                }
            }
            _ => {
                self.starts.push((parent, row));
                batch.cut();
            }
        }
        self.last_key = key;
        Some(())
    }

    /// Where the rows of each parent begin, up to the last one that has any, if each row has one parent and all come in the parents' order.
    pub(super) fn in_order(&self, owners: &Owners) -> Option<Vec<usize>> {
        if !self.plain {
            return None;
        }
        let mut starts = Vec::with_capacity(self.starts.len());
        for (key, row) in &self.starts {
            let parent = owners.one(*key, starts.len())?;
            if parent < starts.len() {
                return None;
            }
            starts.resize(parent + 1, *row);
        }
        Some(starts)
    }
}
