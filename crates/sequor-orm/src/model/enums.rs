//! [`DbEnum`]: a Rust enum as a column type. `#[derive(DbEnum)]` emits the labels, [`crate::FieldType`] and this.

use crate::Scalar;
use sequor_core::types::EnumDef;
use std::sync::Arc;

/// An enum whose variants are labels of the database.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// use sequor::DbEnumType;
///
/// #[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
/// #[db_enum(rename_all = "SCREAMING_SNAKE_CASE")]
/// enum Role { Admin, SchoolAdmin }
///
/// fn labels<E: DbEnumType>() -> Vec<&'static str> {
///     E::VARIANTS.iter().map(E::label).collect()
/// }
/// assert_eq!(labels::<Role>(), ["ADMIN", "SCHOOL_ADMIN"]);
/// assert_eq!(Role::from_label("ADMIN"), Some(Role::Admin));
/// assert_eq!(Role::definition().labels.len(), 2);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an enum of the database",
    label = "this type has no labels",
    note = "add `#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]` to `{Self}`"
)]
pub trait DbEnum: Scalar {
    /// All variants, in order.
    const VARIANTS: &'static [Self];

    /// The enum type as data.
    fn definition() -> &'static Arc<EnumDef>;
    /// The label of this variant.
    fn label(&self) -> &'static str;
    /// The variant of a label.
    fn from_label(label: &str) -> Option<Self>;
}

/// The error of a label that the enum does not have. What the derive calls.
#[cold]
pub fn unknown_label(name: &str) -> crate::Error {
    crate::Error::decode(format!("the text is not a label of the enum {name}"))
}
