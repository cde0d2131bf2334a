//! [`Field`]: the slots that `draft!` fills, one for each field of a model.

use super::column::Column;
use super::convert::IntoValue;
use super::relation::{Relation, RelationKindMarker};
use super::{Embed, EmbeddedColumn, Model};
use crate::FieldType;
use crate::write::{ChildList, Children, Draft};

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

    /// An empty list, for one that mixes rows and fields in braces.
    pub fn list(&self) -> ChildList<T, K> {
        ChildList::new()
    }
}

/// What fields in braces behind a relation are checked against and put into.
pub struct NestedFields<T: Model> {
    /// The slots of the model that the relation leads to.
    pub fields: T::Fields,
    /// The fields that a nested draft does not owe, because its parent's key fills them: those of the relation when the child holds the key.
    pub key: &'static str,
    /// The fields that a nested draft does not owe, because the scope of the relation fills them.
    pub scope: &'static str,
}

impl<T: Model> NestedFields<T> {
    /// An empty draft of the model that the relation leads to, and its slots.
    pub fn draft(self) -> (Draft<T>, T::Fields) {
        (Draft::new(), self.fields)
    }
}

impl<M: Model, T: Model, K: RelationKindMarker> Field<Relation<M, T, K>> {
    /// The relation, for fields in braces. Its name is what the compiler says where another field has them; all that `draft!` does behind it is silent then.
    pub const fn only_relations_take_braces(&self) -> NestedFields<T> {
        let key = if K::CHILD_HOLDS_KEY { self.column.key() } else { "" };
        NestedFields { fields: T::FIELDS, key, scope: self.column.scope_fields() }
    }
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
