//! [`Draft`]: a row that is not stored yet, and what can hang on it.

use super::{Child, RowState};
use crate::model::{Model, values_of};
use sequor_core::Value;
use std::marker::PhantomData;

/// A row of `M` that is not stored yet. Made by `draft!`.
pub struct Draft<M> {
    pub(crate) state: RowState,
    marker: PhantomData<fn() -> M>,
}

/// What a relation slot of a draft takes: drafts, rows that exist, one or a list.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot hang on this relation",
    label = "expected rows or drafts of `{T}`",
    note = "write `[{{ .. }}, {{ .. }}]`, `[row]`, or a `Vec` of drafts for a to-many relation, `{{ .. }}` or a row for a to-one relation"
)]
pub trait Children<T, K> {
    /// The rows.
    fn into_children(self) -> Vec<Child>;
}

impl<M: Model> Draft<M> {
    /// A draft without values. `draft!` checks that the required ones are given; this does not.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Draft<M> {
        Draft { state: RowState::new(M::model().clone()), marker: PhantomData }
    }

    pub(crate) fn from_state(state: RowState) -> Draft<M> {
        Draft { state, marker: PhantomData }
    }

    pub(crate) fn put(&mut self, position: usize, value: Value) {
        if let Some(slot) = self.state.values.get_mut(position) {
            *slot = Some(value);
        }
    }

    pub(crate) fn hang(&mut self, relation: usize, children: Vec<Child>) {
        self.state.children.push((relation, children));
    }
}

impl<M> Clone for Draft<M> {
    fn clone(&self) -> Self {
        Draft { state: self.state.clone(), marker: PhantomData }
    }
}

fn draft_child<T>(draft: Draft<T>) -> Child {
    Child { row: draft.state, through: Vec::new() }
}

fn row_child<T: Model>(row: &T) -> Child {
    Child { row: RowState::stored(T::model().clone(), values_of(row)), through: Vec::new() }
}

impl<T: Model, K> Children<T, K> for Draft<T> {
    fn into_children(self) -> Vec<Child> {
        vec![draft_child(self)]
    }
}

impl<T: Model, K> Children<T, K> for Vec<Draft<T>> {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(draft_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [Draft<T>; N] {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(draft_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for T {
    fn into_children(self) -> Vec<Child> {
        vec![row_child(&self)]
    }
}

impl<T: Model, K> Children<T, K> for &T {
    fn into_children(self) -> Vec<Child> {
        vec![row_child(self)]
    }
}

impl<T: Model, K> Children<T, K> for Vec<T> {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for &[T] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for &Vec<T> {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [T; N] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [&T; N] {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(row_child).collect()
    }
}
