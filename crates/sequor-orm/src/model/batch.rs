//! [`TypedBatch`]: the rows of a Rust type while they are read, and how they reach their parents.

use super::erased::RowBatch;
use super::relation::Part;
use super::{KnownSiblings, LoadedRows, Model, RelationCell, value_of};
use sequor_core::Value;
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

/// The most memory that is asked for before the first row has come.
const ROOM: usize = 1 << 20;

/// Makes room in an empty list for so many rows and some more.
pub(in crate::model) fn make_room<T>(rows: &mut Vec<T>, count: usize) {
    rows.reserve_exact((count + count / 8).min(ROOM / size_of::<T>().max(1)));
}

/// Gives back room that was made for more rows than came.
pub(in crate::model) fn settle<T>(rows: &mut Vec<T>) {
    if rows.capacity() > 16 && rows.capacity() / 2 > rows.len() {
        rows.shrink_to_fit();
    }
}

/// So many rows of several parents lie in one list at most: whoever keeps one of them keeps them all.
pub(crate) const TOGETHER: usize = 128;

/// Parents whose rows lie in one list: as many as have few enough, at least one.
fn runs(starts: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let count = starts.len().saturating_sub(1);
    let mut next = 0;
    std::iter::from_fn(move || {
        let begin = next;
        let first = *starts.get(begin).filter(|_| begin < count)?;
        next += 1;
        while next < count && starts.get(next + 1).is_some_and(|end| end - first <= TOGETHER) {
            next += 1;
        }
        Some(begin..next)
    })
}

/// Rows of a Rust type; a row that was taken leaves `None`.
///
/// Where it is told which rows have one parent, it makes the lists that parents will share while rows are still coming, in the memory where they were read:
/// that is less work than moving all of them once the last one is there, and it is done while the server is busy.
pub(super) struct TypedBatch<M> {
    /// Lists of whole parents, each with the number of its first row.
    lists: Vec<(usize, Vec<M>)>,
    /// The rows behind those.
    rows: Vec<Option<M>>,
    /// The number of the first of them.
    first: usize,
    /// Where among them the rows of the last parent begin.
    parent: usize,
}

/// The part of some rows, the first of which has a number, that lies in a range of numbers.
fn clip(first: usize, count: usize, range: &Range<usize>) -> Range<usize> {
    let at = |number: usize| number.saturating_sub(first).min(count);
    at(range.start)..at(range.end)
}

impl<M: Model> TypedBatch<M> {
    pub(super) fn new() -> TypedBatch<M> {
        TypedBatch { lists: Vec::new(), rows: Vec::new(), first: 0, parent: 0 }
    }

    /// The rows that are left, in the same memory.
    pub(super) fn into_rows(mut self) -> Vec<M> {
        self.flatten();
        let mut rows = whole(self.rows);
        settle(&mut rows);
        rows
    }

    pub(super) fn into_first(mut self) -> Option<M> {
        self.flatten();
        self.rows.into_iter().next().flatten()
    }

    fn get(&self, index: usize) -> Option<&M> {
        let Some(index) = index.checked_sub(self.first) else {
            let (first, rows) = self.lists.get(self.list(index)?)?;
            return rows.get(index - first);
        };
        self.rows.get(index)?.as_ref()
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut M> {
        let Some(index) = index.checked_sub(self.first) else {
            let list = self.list(index)?;
            let (first, rows) = self.lists.get_mut(list)?;
            return rows.get_mut(index - *first);
        };
        self.rows.get_mut(index)?.as_mut()
    }

    /// The list that a row lies in.
    fn list(&self, index: usize) -> Option<usize> {
        self.lists.partition_point(|(first, _)| *first <= index).checked_sub(1)
    }

    /// Makes a list of the rows that are in none.
    fn seal(&mut self) {
        let mut rows = whole(std::mem::take(&mut self.rows));
        settle(&mut rows);
        let first = self.first;
        self.first += rows.len();
        self.parent = 0;
        self.lists.push((first, rows));
    }

    /// Takes the lists apart.
    fn flatten(&mut self) {
        if self.lists.is_empty() {
            return;
        }
        let mut all = Vec::with_capacity(self.len());
        all.extend(std::mem::take(&mut self.lists).into_iter().flat_map(|(_, rows)| rows).map(Some));
        all.append(&mut self.rows);
        (self.rows, self.first, self.parent) = (all, 0, 0);
    }

    /// Rows as their parents' relation takes them.
    fn loaded(&mut self, picks: &[usize], again: bool) -> LoadedRows<M> {
        self.flatten();
        let mut one = |pick: &usize| self.rows.get_mut(*pick).and_then(|slot| if again { slot.clone() } else { slot.take() });
        Some(match picks {
            [pick] => Arc::new(one(pick)),
            [] => Arc::new(Vec::new()),
            several => {
                let mut taken = Vec::with_capacity(several.len());
                taken.extend(several.iter().filter_map(one));
                Arc::new(taken)
            }
        })
    }

    /// The lists, if each of them has all rows of the parents that begin in it.
    fn lists_of(&mut self, starts: &[usize]) -> Vec<(usize, Vec<M>)> {
        if !self.lists.is_empty() && self.lists.iter().all(|(first, _)| starts.binary_search(first).is_ok()) {
            if !self.rows.is_empty() {
                self.seal();
            }
            return std::mem::take(&mut self.lists);
        }
        self.flatten();
        let list = |parents: Range<usize>| {
            let (first, last) = (starts.get(parents.start)?, starts.get(parents.end)?);
            let taken = self.rows.get_mut(*first..*last)?;
            let mut rows = Vec::with_capacity(taken.len());
            rows.extend(taken.iter_mut().filter_map(Option::take));
            Some((*first, rows))
        };
        runs(starts).filter_map(list).collect()
    }
}

/// The rows that are left, in the same memory: on the way from `Option<M>` to `M` the standard library copies only with `filter_map`.
#[allow(clippy::filter_map_identity, reason = "flatten() would move all rows to another place")]
fn whole<M>(rows: Vec<Option<M>>) -> Vec<M> {
    rows.into_iter().filter_map(|row| row).collect()
}

impl<M: Model> RowSink for TypedBatch<M> {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.push(row, 0)?;
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.lists.clear();
        self.rows.clear();
        (self.first, self.parent) = (0, 0);
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

impl<M: Model> RowBatch for TypedBatch<M> {
    fn push(&mut self, row: &mut dyn RowReader, at: usize) -> Result<()> {
        self.rows.push(Some(M::decode(row, at)?));
        Ok(())
    }

    fn make_room(&mut self, rows: usize) {
        make_room(&mut self.rows, rows);
    }

    fn cut(&mut self) {
        let complete = self.rows.len().saturating_sub(1);
        let last = complete.saturating_sub(self.parent);
        if complete == 0 || complete + last <= TOGETHER {
            self.parent = complete;
            return;
        }
        let next = self.rows.pop();
        if complete > TOGETHER && self.parent > 0 {
            let many = self.rows.split_off(self.parent);
            self.seal();
            self.rows = many;
        }
        self.seal();
        self.rows = Vec::with_capacity(TOGETHER);
        self.rows.extend(next);
    }

    fn len(&self) -> usize {
        self.first + self.rows.len()
    }

    fn value(&self, index: usize, column: usize) -> Value {
        self.get(index).map_or(Value::Null, |row| value_of(row, column))
    }

    fn take(&mut self, picks: &[usize], again: bool) -> Box<dyn Any + Send> {
        Box::new(self.loaded(picks, again))
    }

    fn hand(&mut self, picks: &[usize], again: bool, to: &mut dyn FnMut(&mut dyn Any) -> Result<()>) -> Result<()> {
        to(&mut self.loaded(picks, again))
    }

    fn hand_in_order(&mut self, starts: &[usize], to: &mut dyn FnMut(usize, &mut dyn Any) -> Result<()>) -> Result<()> {
        let mut parents = starts.iter().zip(starts.iter().skip(1)).enumerate().peekable();
        for (first, rows) in self.lists_of(starts) {
            let (count, all) = (rows.len(), Arc::new(rows));
            while let Some((parent, (start, end))) = parents.next_if(|(_, (_, end))| **end <= first + count) {
                let range = clip(first, count, &(*start..*end));
                let loaded: LoadedRows<M> =
                    Some(if range.len() == count { all.clone() } else { Arc::new(Part { all: all.clone(), range }) });
                to(parent, &mut { loaded })?;
            }
        }
        // Where there are no rows there are no lists.
        for (parent, _) in parents {
            let loaded: LoadedRows<M> = Some(Arc::new(Vec::new()));
            to(parent, &mut { loaded })?;
        }
        Ok(())
    }

    fn attach(&mut self, index: usize, relation: usize, _name: &str, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()> {
        let row = self.get_mut(index).ok_or_else(|| Error::bug("a parent row was taken before its children came"))?;
        let cell: &mut dyn RelationCell = row.relation_cell_mut(relation).ok_or_else(|| Error::bug("a relation has no field"))?;
        cell.put(rows, between)
    }

    fn number(&self, index: usize, column: usize) -> Option<i64> {
        self.get(index)?.cell(column)?.number()
    }

    fn numbers(&self, rows: Range<usize>, column: usize) -> Option<Vec<i64>> {
        let mut numbers = Vec::with_capacity(rows.len());
        let mut add = |row: &M| row.cell(column)?.number().map(|number| numbers.push(number));
        for (first, list) in &self.lists {
            list.get(clip(*first, list.len(), &rows))?.iter().try_for_each(&mut add)?;
        }
        let rest = self.rows.get(clip(self.first, self.rows.len(), &rows))?;
        rest.iter().try_for_each(|row| row.as_ref().and_then(&mut add))?;
        (numbers.len() == rows.len()).then_some(numbers)
    }

    fn join(&mut self, range: Range<usize>, group: &Arc<dyn Any + Send + Sync>) {
        let mut siblings = None;
        let mut tell = |index: usize, row: &mut M| {
            if let (Some(cell), Ok(index)) = (row.relation_cell_mut(0), u32::try_from(index)) {
                cell.join(siblings.get_or_insert_with(|| Arc::new(KnownSiblings { names: cell.names(), group: group.clone() })), index);
            }
        };
        for (first, rows) in &mut self.lists {
            let part = clip(*first, rows.len(), &range);
            let offset = (*first + part.start).saturating_sub(range.start);
            rows.get_mut(part).unwrap_or_default().iter_mut().enumerate().for_each(|(index, row)| tell(offset + index, row));
        }
        let part = clip(self.first, self.rows.len(), &range);
        let offset = (self.first + part.start).saturating_sub(range.start);
        let rows = self.rows.get_mut(part).unwrap_or_default().iter_mut().enumerate();
        rows.for_each(|(index, row)| row.iter_mut().for_each(|row| tell(offset + index, row)));
    }

    fn finish(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(self.into_rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_of_some_parents_lie_together() {
        let all = |starts: &[usize]| runs(starts).collect::<Vec<_>>();
        assert!(all(&[0]).is_empty());
        assert!(all(&[]).is_empty());
        assert_eq!(all(&[0, 0, 5, 128, 129]), vec![0..3, 3..4], "at most 128 rows");
        assert_eq!(all(&[0, 500, 501, 501]), [0..1, 1..3], "one parent's rows stay together, however many");
        assert_eq!(all(&[0, 1, 200]), [0..1, 1..2]);
    }

    #[test]
    fn room_is_made_for_what_is_expected_and_given_back() {
        let mut rows: Vec<u64> = Vec::new();
        make_room(&mut rows, 0);
        assert_eq!(rows.capacity(), 0);
        make_room(&mut rows, 800);
        assert_eq!(rows.capacity(), 900);
        rows.extend(0..500);
        settle(&mut rows);
        assert_eq!(rows.capacity(), 900, "less than twice of what is there");
        rows.truncate(3);
        settle(&mut rows);
        assert!(rows.capacity() < 16, "{}", rows.capacity());
        let mut rows: Vec<[u8; 1024]> = Vec::new();
        make_room(&mut rows, usize::MAX / 2);
        assert_eq!(rows.capacity(), 1024, "no more than a megabyte");
    }
}
