//! What loaders and derives see of a relation field: its rows behind trait objects, filled once, compared and shown without knowing their model.

use super::super::{Instance, Model, debug, same};
use once_cell::sync::OnceCell;
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The loaded rows of a relation, whatever their type. Auto traits and drop glue of models stop here.
pub trait RelationRows<T>: Send + Sync {
    /// The rows.
    fn rows(&self) -> &[T];
    /// The rows behind trait objects.
    fn row(&self, index: usize) -> Option<&dyn Instance>;
}

impl<T: Model> RelationRows<T> for Vec<T> {
    fn rows(&self) -> &[T] {
        self
    }

    fn row(&self, index: usize) -> Option<&dyn Instance> {
        self.get(index).map(|row| row as &dyn Instance)
    }
}

/// One row, or none, without a list around it.
impl<T: Model> RelationRows<T> for Option<T> {
    fn rows(&self) -> &[T] {
        self.as_slice()
    }

    fn row(&self, index: usize) -> Option<&dyn Instance> {
        self.as_slice().get(index).map(|row| row as &dyn Instance)
    }
}

/// Some rows that lie in one list with those of other parents, which costs less than a list for each. The whole list lives for as long as one of them, so it
/// is short.
pub(in crate::model) struct Part<T> {
    pub(in crate::model) all: Arc<Vec<T>>,
    pub(in crate::model) range: Range<usize>,
}

impl<T: Model> RelationRows<T> for Part<T> {
    fn rows(&self) -> &[T] {
        self.all.get(self.range.clone()).unwrap_or_default()
    }

    fn row(&self, index: usize) -> Option<&dyn Instance> {
        self.rows().get(index).map(|row| row as &dyn Instance)
    }
}

/// A relation field of a row, whatever its type.
pub trait RelationCell: Send + Sync {
    /// Whether rows were loaded, or found missing.
    fn is_loaded(&self) -> bool;
    /// How many rows are loaded.
    fn count(&self) -> usize;
    /// One of the loaded rows.
    fn row(&self, index: usize) -> Option<&dyn Instance>;
    /// One of the loaded rows between (many-to-many).
    fn between(&self, _index: usize) -> Option<&dyn Instance> {
        None
    }
    /// Puts rows in: `rows` is [`LoadedRows`] of the target, `between` of the through model. Once loaded, a second call changes nothing.
    fn fill(&self, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()>;
    /// The same where nobody else sees the row, which costs a fifth: a cell that is made full need not be guarded while it is filled.
    fn put(&mut self, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()>;
    /// Whether the loaded rows are equal.
    fn same(&self, other: &dyn RelationCell) -> bool {
        self.is_loaded() == other.is_loaded()
            && self.count() == other.count()
            && (0..self.count()).all(|index| match (self.row(index), other.row(index)) {
                (Some(a), Some(b)) => same(a, b),
                _ => false,
            })
    }
    /// Whether it is a list in JSON.
    fn is_list(&self) -> bool;
    /// Model and relation, for messages.
    fn names(&self) -> Names;
    /// Remembers the row's siblings, and its number among them; of a row's relations the first one does.
    fn join(&mut self, _siblings: &Arc<KnownSiblings>, _index: u32) {}
    /// The row's siblings, and its number among them.
    fn sibling(&self) -> Option<(&Arc<KnownSiblings>, u32)> {
        None
    }
}

/// Model and relation, for messages: put in by the derive, behind a reference because every row holds them.
pub type Names = &'static (&'static str, &'static str);

/// The rows that came with a row in one result. Who they are is the loaders' business.
pub struct KnownSiblings {
    /// Of the relation field that remembers them.
    pub(crate) names: Names,
    pub(crate) group: Arc<dyn Any + Send + Sync>,
}

/// What a relation field knows beside its rows: its names, and once they were told its row's siblings, which know the names too. Every row holds it for each
/// relation, so both share one place.
#[derive(Clone)]
pub(super) enum Known {
    Alone(Names),
    Joined(u32, Arc<KnownSiblings>),
}

impl Known {
    /// Remembers the siblings, where none are known.
    pub(super) fn join(&mut self, siblings: &Arc<KnownSiblings>, index: u32) {
        if let Known::Alone(_) = self {
            *self = Known::Joined(index, siblings.clone());
        }
    }

    pub(super) fn sibling(&self) -> Option<(&Arc<KnownSiblings>, u32)> {
        match self {
            Known::Alone(_) => None,
            Known::Joined(index, siblings) => Some((siblings, *index)),
        }
    }

    pub(super) fn names(&self) -> Names {
        match self {
            Known::Alone(names) => names,
            Known::Joined(_, siblings) => siblings.names,
        }
    }

    #[cold]
    pub(super) fn not_loaded(&self) -> Error {
        let (model, relation) = self.names();
        Error::not_loaded(*model, *relation)
    }
}

pub(super) type Slot<T> = OnceCell<Arc<dyn RelationRows<T>>>;

/// Makes an empty slot a full one.
pub(super) fn put<T: 'static>(slot: &mut Slot<T>, rows: &mut dyn Any) -> Result<()> {
    let rows = unpack(rows)?;
    if slot.get_mut().is_none() {
        *slot = OnceCell::with_value(rows);
    }
    Ok(())
}

/// Rows on their way into a relation field, which takes them out of it. Once their type is known they lie behind the trait object already: if
/// [`RelationCell::fill`] put them there, each model's code would reach that of its relations, theirs that of the next, and the compiler gives up after 128
/// models.
pub type LoadedRows<T> = Option<Arc<dyn RelationRows<T>>>;

pub(super) fn unpack<T: 'static>(rows: &mut dyn Any) -> Result<Arc<dyn RelationRows<T>>> {
    let rows = rows.downcast_mut::<LoadedRows<T>>().and_then(Option::take);
    rows.ok_or_else(|| Error::bug("rows of another model were loaded into a relation"))
}

pub(super) fn same_rows<T>(a: &Slot<T>, b: &Slot<T>) -> bool {
    match (a.get(), b.get()) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.rows().len() == b.rows().len()
                && (0..a.rows().len()).all(|index| match (a.row(index), b.row(index)) {
                    (Some(a), Some(b)) => same(a, b),
                    _ => false,
                })
        }
        _ => false,
    }
}

pub(super) fn debug_rows<T>(slot: &Slot<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match slot.get() {
        None => f.write_str("NotLoaded"),
        Some(rows) => {
            let count = rows.rows().len();
            f.debug_list().entries((0..count).filter_map(|index| rows.row(index)).map(ShownRow)).finish()
        }
    }
}

struct ShownRow<'a>(&'a dyn Instance);

impl fmt::Debug for ShownRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self.0, f)
    }
}

/// A relation in `Debug` output.
pub(in crate::model) struct ShownRelation<'a>(pub(in crate::model) &'a dyn RelationCell);

impl fmt::Debug for ShownRelation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.0.count()).filter_map(|index| self.0.row(index)).map(ShownRow)).finish()
    }
}
