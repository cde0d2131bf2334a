//! [`Loader`] and [`RowBatch`]: rows of one model being read, without their type. Typed rows and records are loaded by the same code.

use super::relation::Part;
use super::{LoadedRows, Model, RelationCell, Sibling, value_of};
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::{Name, Value};
use std::any::Any;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// Makes batches for the rows of one model.
pub trait Loader: Send + Sync {
    /// The model.
    fn model(&self) -> Arc<ModelDef>;
    /// An empty batch for rows of a shape.
    ///
    /// # Errors
    /// `Usage` when the rows of this model are always whole.
    fn batch(&self, shape: &RowShape) -> Result<Box<dyn RowBatch>>;
    /// A batch of its own that was lent as the sink of a statement.
    fn back(&self, sink: Box<dyn RowSink>) -> Option<Box<dyn RowBatch>>;
    /// The same loader once more.
    fn again(&self) -> Box<dyn Loader>;
    /// Who loads the rows of a relation.
    fn relation(&self, position: usize) -> Option<Box<dyn Loader>>;
    /// Who loads the rows between, for a many-to-many relation.
    fn through(&self, position: usize) -> Option<Box<dyn Loader>>;
}

/// Which cells a row of a statement has.
#[derive(Clone, Debug, Default)]
pub struct RowShape {
    /// The selected items instead of all columns of the model, in order.
    pub items: Option<Vec<ShapeItem>>,
    /// Positions of columns that follow the items, for linking; not part of the row that programs see.
    pub hidden: Vec<usize>,
}

/// One selected item.
#[derive(Clone, Debug)]
pub struct ShapeItem {
    /// Its name in the row.
    pub name: Name,
    /// The column that it is, if it is one.
    pub column: Option<usize>,
    /// Whether it is what lies in a document, which not every database says of a cell.
    pub document: bool,
}

impl RowShape {
    /// How many cells such a row has.
    pub fn width(&self, model: &ModelDef) -> usize {
        self.items.as_ref().map_or(model.columns.len(), Vec::len) + self.hidden.len()
    }
}

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
const TOGETHER: usize = 128;

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

/// Rows of one model, in the order in which they were read; a sink for statements whose rows are nothing but that.
pub trait RowBatch: RowSink {
    /// Reads one row whose columns start at a position.
    fn push(&mut self, row: &mut dyn RowReader, at: usize) -> Result<()>;
    /// Makes room for so many rows, before the first has come.
    fn make_room(&mut self, rows: usize);
    /// How many rows.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The value of a column of a row.
    fn value(&self, index: usize, column: usize) -> Value;
    /// Takes rows out as what [`RowBatch::attach`] of the parents takes: each index of `picks` once, or cloned when it occurs more than once in all groups.
    fn take(&mut self, picks: &[usize], again: bool) -> Box<dyn Any + Send>;
    /// The same rows, handed on where they lie instead of in memory of their own.
    fn hand(&mut self, picks: &[usize], again: bool, to: &mut dyn FnMut(&mut dyn Any) -> Result<()>) -> Result<()>;
    /// All rows, handed on.
    fn hand_all(&mut self, to: &mut dyn FnMut(&mut dyn Any) -> Result<()>) -> Result<()> {
        let all: Vec<usize> = (0..self.len()).collect();
        self.hand(&all, false, to)
    }
    /// All rows, handed on parent by parent, where those of each come one after the other: `starts` says where, and where the last one's end.
    fn hand_in_order(&mut self, starts: &[usize], to: &mut dyn FnMut(usize, &mut dyn Any) -> Result<()>) -> Result<()> {
        let all: Vec<usize> = (0..self.len()).collect();
        for (parent, (start, end)) in starts.iter().zip(starts.iter().skip(1)).enumerate() {
            self.hand(all.get(*start..*end).unwrap_or_default(), false, &mut |rows| to(parent, rows))?;
        }
        Ok(())
    }
    /// Hangs taken rows on the relation of a row, under a name of the query's own where it gave one.
    fn attach(&mut self, index: usize, relation: usize, name: &str, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()>;
    /// How the rows between are shown on the next rows that are attached: their name, and which of their fields.
    fn between_shape(&mut self, _alias: Option<&Name>, _fields: Option<&[Name]>) {}
    /// The values of a column of some rows.
    fn values(&self, rows: Range<usize>, column: usize) -> Vec<Value> {
        rows.map(|row| self.value(row, column)).collect()
    }
    /// The numbers in a column of some rows; nothing where one of them holds anything else.
    fn numbers(&self, rows: Range<usize>, column: usize) -> Option<Vec<i64>> {
        let number = |row| if let Value::I64(number) = self.value(row, column) { Some(number) } else { None };
        rows.map(number).collect()
    }
    /// Tells rows that they are siblings; rows that are never loaded lazily need not know.
    fn join(&mut self, _rows: Range<usize>, _group: &Arc<dyn Any + Send + Sync>) {}
    /// Everything, as a `Vec` of the model.
    fn finish(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// The [`Loader`] of a Rust type, as a table of functions.
///
/// It has no type parameter: the loader of a model reaches those of its relations, and theirs reach on. A generic function on that way would be
/// instantiated within itself for each further model, which the compiler gives up after 128 of them.
#[derive(Clone, Copy)]
pub struct LoaderTable {
    model: fn() -> &'static Arc<ModelDef>,
    batch: fn(&RowShape) -> Result<Box<dyn RowBatch>>,
    back: fn(Box<dyn RowSink>) -> Option<Box<dyn RowBatch>>,
    relation: fn(usize) -> Option<Box<dyn Loader>>,
    through: fn(usize) -> Option<Box<dyn Loader>>,
}

impl LoaderTable {
    /// The table of a model.
    pub const fn of<M: Model>() -> LoaderTable {
        LoaderTable { model: M::model, batch: typed_batch::<M>, back: typed_back::<M>, relation: M::loader, through: M::through_loader }
    }

    /// The loader, boxed.
    pub fn boxed(self) -> Box<dyn Loader> {
        Box::new(self)
    }
}

impl Loader for LoaderTable {
    fn model(&self) -> Arc<ModelDef> {
        (self.model)().clone()
    }

    fn batch(&self, shape: &RowShape) -> Result<Box<dyn RowBatch>> {
        (self.batch)(shape)
    }

    fn back(&self, sink: Box<dyn RowSink>) -> Option<Box<dyn RowBatch>> {
        (self.back)(sink)
    }

    fn again(&self) -> Box<dyn Loader> {
        Box::new(*self)
    }

    fn relation(&self, position: usize) -> Option<Box<dyn Loader>> {
        (self.relation)(position)
    }

    fn through(&self, position: usize) -> Option<Box<dyn Loader>> {
        (self.through)(position)
    }
}

fn typed_batch<M: Model>(shape: &RowShape) -> Result<Box<dyn RowBatch>> {
    if shape.items.is_some() {
        return Err(Error::usage(format!("a {} is always whole: to read fewer columns, select(..) or project(..) them", M::NAME)));
    }
    Ok(Box::new(TypedBatch::<M> { rows: Vec::new() }))
}

fn typed_back<M: Model>(sink: Box<dyn RowSink>) -> Option<Box<dyn RowBatch>> {
    let sink: Box<dyn Any> = sink;
    Some(sink.downcast::<TypedBatch<M>>().ok()?)
}

/// The [`Loader`] of a Rust type.
pub struct TypedLoader<M>(PhantomData<fn() -> M>);

impl<M: Model> TypedLoader<M> {
    /// The loader, boxed.
    pub fn boxed() -> Box<dyn Loader> {
        M::LOADER.boxed()
    }
}

/// Rows of a Rust type; a row that was taken leaves `None`.
struct TypedBatch<M> {
    rows: Vec<Option<M>>,
}

impl<M: Model> TypedBatch<M> {
    /// The rows that are left, in the same memory: on the way from `Option<M>` to `M` the standard library copies only with `filter_map`.
    #[allow(clippy::filter_map_identity, reason = "flatten() would move all rows to another place")]
    fn into_rows(self) -> Vec<M> {
        let mut rows = self.rows.into_iter().filter_map(|row| row).collect();
        settle(&mut rows);
        rows
    }

    /// Rows as their parents' relation takes them.
    fn loaded(&mut self, picks: &[usize], again: bool) -> LoadedRows<M> {
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
}

impl<M: Model> RowSink for TypedBatch<M> {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.push(row, 0)?;
        Ok(Flow::Continue)
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

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn value(&self, index: usize, column: usize) -> Value {
        match self.rows.get(index) {
            Some(Some(row)) => value_of(row, column),
            _ => Value::Null,
        }
    }

    fn take(&mut self, picks: &[usize], again: bool) -> Box<dyn Any + Send> {
        Box::new(self.loaded(picks, again))
    }

    fn hand(&mut self, picks: &[usize], again: bool, to: &mut dyn FnMut(&mut dyn Any) -> Result<()>) -> Result<()> {
        to(&mut self.loaded(picks, again))
    }

    fn hand_in_order(&mut self, starts: &[usize], to: &mut dyn FnMut(usize, &mut dyn Any) -> Result<()>) -> Result<()> {
        for parents in runs(starts) {
            let bounds = starts.get(parents.start..=parents.end).unwrap_or_default();
            let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { continue };
            let taken = self.rows.get_mut(*first..*last).unwrap_or_default();
            let mut rows = Vec::with_capacity(taken.len());
            rows.extend(taken.iter_mut().filter_map(Option::take));
            let rows = Arc::new(rows);
            if parents.len() == 1 {
                let loaded: LoadedRows<M> = Some(rows);
                to(parents.start, &mut { loaded })?;
                continue;
            }
            for (parent, (start, end)) in parents.zip(bounds.iter().zip(bounds.iter().skip(1))) {
                let loaded: LoadedRows<M> = Some(Arc::new(Part { all: rows.clone(), range: start - first..end - first }));
                to(parent, &mut { loaded })?;
            }
        }
        Ok(())
    }

    fn attach(&mut self, index: usize, relation: usize, _name: &str, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()> {
        let row = self
            .rows
            .get_mut(index)
            .and_then(Option::as_mut)
            .ok_or_else(|| Error::bug("a parent row was taken before its children came"))?;
        let cell: &mut dyn RelationCell = row.relation_cell_mut(relation).ok_or_else(|| Error::bug("a relation has no field"))?;
        cell.put(rows, between)
    }

    fn values(&self, rows: Range<usize>, column: usize) -> Vec<Value> {
        let rows = self.rows.get(rows).unwrap_or_default().iter();
        rows.map(|row| row.as_ref().map_or(Value::Null, |row| value_of(row, column))).collect()
    }

    fn numbers(&self, rows: Range<usize>, column: usize) -> Option<Vec<i64>> {
        let rows = self.rows.get(rows)?;
        let mut numbers = Vec::with_capacity(rows.len());
        for row in rows {
            numbers.push(row.as_ref()?.cell(column)?.number()?);
        }
        Some(numbers)
    }

    fn join(&mut self, rows: Range<usize>, group: &Arc<dyn Any + Send + Sync>) {
        for (row, index) in self.rows.get_mut(rows).unwrap_or_default().iter_mut().zip(0..) {
            if let Some(cell) = row.as_mut().and_then(|row| row.relation_cell_mut(0)) {
                cell.join(Sibling { group: group.clone(), index });
            }
        }
    }

    fn finish(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(self.into_rows())
    }
}

/// The rows of a batch of a type.
pub(crate) fn rows_in<M: Model>(batch: Box<dyn RowBatch>) -> Result<Vec<M>> {
    let batch: Box<dyn Any> = batch;
    batch.downcast::<TypedBatch<M>>().map(|batch| batch.into_rows()).map_err(|_| Error::bug("rows of another model came back"))
}

/// The first row of a batch of a type.
pub(crate) fn first_in<M: Model>(batch: Box<dyn RowBatch>) -> Result<Option<M>> {
    let batch: Box<dyn Any> = batch;
    let batch = batch.downcast::<TypedBatch<M>>().map_err(|_| Error::bug("rows of another model came back"))?;
    Ok(batch.rows.into_iter().next().flatten())
}

/// Turns what [`RowBatch::finish`] gives back into rows of a type.
pub(crate) fn rows_of<M: Model>(finished: Box<dyn Any + Send>) -> Result<Vec<M>> {
    finished.downcast::<Vec<M>>().map(|rows| *rows).map_err(|_| Error::bug("rows of another model came back"))
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
