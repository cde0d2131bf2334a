//! The kinds of relations as types, so that `any` exists on lists and `is` on single rows.

use std::marker::PhantomData;

/// `HasMany`.
pub struct Many;

/// `BelongsToMany` through the model `J`.
pub struct Through<J>(PhantomData<fn() -> J>);

/// `HasOne`.
pub struct ToOne;

/// `BelongsTo`.
pub struct ToParent;

/// Any kind of relation.
pub trait RelationKindMarker: 'static {
    /// Whether the other row holds the key, so that a nested draft does not owe it.
    const CHILD_HOLDS_KEY: bool = false;
}

/// Kinds that lead to a list.
#[diagnostic::on_unimplemented(
    message = "this relation leads to one row, not to a list",
    label = "`any`, `none`, `all` and `count` are for to-many relations",
    note = "use `.is(..)` for a to-one relation"
)]
pub trait ToManyKind: RelationKindMarker {}

/// Kinds that lead to one row.
#[diagnostic::on_unimplemented(
    message = "this relation leads to a list, not to one row",
    label = "`is` is for to-one relations",
    note = "use `.any(..)`, `.none(..)` or `.all(..)` for a to-many relation"
)]
pub trait ToOneKind: RelationKindMarker {}

impl RelationKindMarker for Many {
    const CHILD_HOLDS_KEY: bool = true;
}
impl<J: 'static> RelationKindMarker for Through<J> {}
impl RelationKindMarker for ToOne {
    const CHILD_HOLDS_KEY: bool = true;
}
impl RelationKindMarker for ToParent {}
impl ToManyKind for Many {}
impl<J: 'static> ToManyKind for Through<J> {}
impl ToOneKind for ToOne {}
impl ToOneKind for ToParent {}
