//! [`Loader`] and [`RowBatch`]: rows of one model being read, without their type. Typed rows and records are loaded by the same code.

use super::Model;
use super::batch::TypedBatch;
use sequor_core::driver::{RowReader, RowSink};
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

/// Rows of one model, in the order in which they were read; a sink for statements whose rows are nothing but that.
pub trait RowBatch: RowSink {
    /// Reads one row whose columns start at a position.
    fn push(&mut self, row: &mut dyn RowReader, at: usize) -> Result<()>;
    /// Makes room for so many rows, before the first has come.
    fn make_room(&mut self, rows: usize);
    /// Says that the last row is the first one of another parent, and that all before it are complete. It is for batches that need not move them then.
    fn cut(&mut self) {}
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
    /// The number in a column of a row.
    fn number(&self, index: usize, column: usize) -> Option<i64> {
        if let Value::I64(number) = self.value(index, column) { Some(number) } else { None }
    }
    /// The numbers in a column of some rows; nothing where one of them holds anything else.
    fn numbers(&self, rows: Range<usize>, column: usize) -> Option<Vec<i64>> {
        rows.map(|row| self.number(row, column)).collect()
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
    Ok(Box::new(TypedBatch::<M>::new()))
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

/// The rows of a batch of a type.
pub(crate) fn rows_in<M: Model>(batch: Box<dyn RowBatch>) -> Result<Vec<M>> {
    let batch: Box<dyn Any> = batch;
    batch.downcast::<TypedBatch<M>>().map(|batch| batch.into_rows()).map_err(|_| Error::bug("rows of another model came back"))
}

/// The first row of a batch of a type.
pub(crate) fn first_in<M: Model>(batch: Box<dyn RowBatch>) -> Result<Option<M>> {
    let batch: Box<dyn Any> = batch;
    let batch = batch.downcast::<TypedBatch<M>>().map_err(|_| Error::bug("rows of another model came back"))?;
    Ok(batch.into_first())
}

/// Turns what [`RowBatch::finish`] gives back into rows of a type.
pub(crate) fn rows_of<M: Model>(finished: Box<dyn Any + Send>) -> Result<Vec<M>> {
    finished.downcast::<Vec<M>>().map(|rows| *rows).map_err(|_| Error::bug("rows of another model came back"))
}
