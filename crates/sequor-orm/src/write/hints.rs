//! Names that other libraries give to what models do here. None of them can be called: they are there for the compiler to say what to write. Their bounds hold for
//! nothing, and stand at each model, so that methods of these names of a program's own never meet them.

use super::Draft;
use crate::db::Db;
use crate::model::{Column, TypedExpr};
use std::cmp::Ordering;

/// What no row is.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is saved through an edit",
    label = "this row is not being edited",
    note = "begin with `let mut row = row.edit();`, change its fields, then `row.save(&db)` writes what changed; a new row is `draft!({Self} {{ .. }}).create(&db)`"
)]
pub trait BeingEdited {}

/// What no draft is.
#[diagnostic::on_unimplemented(
    message = "a draft is created, not saved",
    label = "write `.create(&db)`",
    note = "`draft!(User {{ .. }}).create(&db)` stores a new row; `save` belongs to the edit of a row that is stored: `row.edit()`"
)]
pub trait Stored {}

/// `row.save(&db)` without an edit.
pub trait SavesEdits: Sized {
    /// Never called.
    fn save(self, _: &Db) {}
}

impl<M> SavesEdits for Draft<M> where Draft<M>: Stored {}

/// What no model has.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has another name for this",
    label = "models have no verb of this name",
    note = "a new row: `draft!({Self} {{ .. }}).create(&db)`, many: `{Self}::bulk_create(drafts).exec(&db)`",
    note = "a changed row: `let mut row = row.edit();`, its fields, `row.save(&db)`, many: `{Self}::update_all().set(..).filter(..).exec(&db)`",
    note = "a row that goes: `row.destroy(&db)`, many: `{Self}::destroy_all().filter(..).exec(&db)`",
    note = "reading: `{Self}::find_by_pk(1)`, `{Self}::find_all().filter(..)`, and at the end `.exec(&db).await`"
)]
pub trait VerbsOfOtherNames {} // they are find_by_pk, find_all, draft!(..).create, edit().save, destroy

/// Verbs of other libraries.
pub trait OtherVerbs: Sized {
    /// Never called: `draft!`.
    fn create<A>(self, _: A) {}
    /// Never called: `draft!`.
    fn insert<A>(self, _: A) {}
    /// Never called: `find_all`.
    fn query(self) {}
    /// Never called: `edit`, or `update_all`.
    fn update<A>(self, _: A) {}
    /// Never called: `destroy`.
    fn delete<A>(self, _: A) {}
    /// Never called: `destroy`.
    fn remove<A>(self, _: A) {}
    /// Never called: `find_by_pk`.
    fn find<A>(self, _: A) {}
    /// Never called: `find_all`.
    fn all(self) {}
}

/// What nothing is.
#[diagnostic::on_unimplemented(
    message = "columns and expressions are compared by methods, which make a filter",
    label = "write `.eq(..)`, `.ne(..)`, `.gt(..)`, `.gte(..)`, `.lt(..)` or `.lte(..)`",
    note = "`User::AGE.gte(18).and(User::NAME.eq(\"Ann\"))` is a `Filter<User>`: an operator of Rust would have to be a `bool` here"
)]
pub trait ComparedByMethods {}

macro_rules! never_equal {
    ($($name:ident < $($parameter:ident),* >),*) => {$(
        #[doc(hidden)]
        impl<$($parameter,)* V: ComparedByMethods> PartialEq<V> for $name<$($parameter),*> {
            fn eq(&self, _: &V) -> bool {
                false
            }
        }

        #[doc(hidden)]
        impl<$($parameter,)* V: ComparedByMethods> PartialOrd<V> for $name<$($parameter),*> {
            fn partial_cmp(&self, _: &V) -> Option<Ordering> {
                None
            }
        }
    )*};
}

never_equal!(Column<M, T>, TypedExpr<M, T, G>);
