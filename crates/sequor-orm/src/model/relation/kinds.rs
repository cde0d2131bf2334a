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
pub trait RelationKindMarker: 'static {}

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

impl RelationKindMarker for Many {}
impl<J: 'static> RelationKindMarker for Through<J> {}
impl RelationKindMarker for ToOne {}
impl RelationKindMarker for ToParent {}
impl ToManyKind for Many {}
impl<J: 'static> ToManyKind for Through<J> {}
impl ToOneKind for ToOne {}
impl ToOneKind for ToParent {}
