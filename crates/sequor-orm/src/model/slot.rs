//! [`Field`]: the slots that `draft!` fills, one for each field of a model.

use super::column::Column;
use super::convert::IntoValue;
use super::relation::Relation;
use super::{Embed, EmbeddedColumn, Model};
use crate::FieldType;
use crate::write::{Children, Draft};

/// A slot of a draft: whether it was given, and what it stands for.
pub struct Field<C> {
    /// Set by `draft!` at compile time.
    pub given: bool,
    /// The column or relation.
    pub column: C,
}

impl<C> Field<C> {
    /// An empty slot. What the derive writes.
    pub const fn new(column: C) -> Field<C> {
        Field { given: false, column }
    }
}

impl<M: Model, T: FieldType> Field<Column<M, T>> {
    /// Stores a value in the draft.
    pub fn put(self, draft: &mut Draft<M>, value: impl IntoValue<T>) {
        draft.put(self.column.position(), value.into_value().moved());
    }
}

impl<M: Model, E: Embed> Field<EmbeddedColumn<M, E>> {
    /// Stores an embedded struct in the draft.
    pub fn put(self, draft: &mut Draft<M>, value: E) {
        for position in 0..E::COUNT {
            if let Some(cell) = value.cell(usize::from(position)) {
                let column: Column<M, ()> = self.column.at(Column::new("", position));
                draft.put(column.position(), cell.to_value());
            }
        }
    }
}

impl<M: Model, T: 'static, K> Field<Relation<M, T, K>> {
    /// Hangs drafts or rows on the draft.
    pub fn put(self, draft: &mut Draft<M>, children: impl Children<T, K>) {
        draft.hang(self.column.position(), children.into_children());
    }
}

/// The slots of the model that a relation leads to, for the compile-time check of a nested draft.
pub const fn target_fields<M, T: Model, K>(_slot: &Field<Relation<M, T, K>>) -> T::Fields {
    T::FIELDS
}

/// An empty draft of the model that a relation leads to, and its slots.
pub fn draft_for<M, T: Model, K>(_slot: &Field<Relation<M, T, K>>) -> (Draft<T>, T::Fields) {
    (Draft::new(), T::FIELDS)
}

/// Compares two names at compile time.
pub const fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut place = 0;
    while place < a.len() {
        if a[place] != b[place] {
            return false;
        }
        place += 1;
    }
    true
}
