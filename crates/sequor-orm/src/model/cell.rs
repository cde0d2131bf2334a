//! [`Cell`]: one field of a row behind a trait object.

use crate::FieldType;
use sequor_core::error::Result;
use sequor_core::value::Value;
use std::any::Any;
use std::fmt;

/// A field of a row, whatever its type.
pub trait Cell: Any + Send + Sync {
    /// The value as a parameter.
    fn to_value(&self) -> Value;
    /// The value, where it is a whole number.
    fn number(&self) -> Option<i64>;
    /// Replaces the value.
    ///
    /// # Errors
    /// `Decode` when the value does not fit the field's type.
    fn set_value(&mut self, value: Value) -> Result<()>;
    /// Whether two fields of one type are equal.
    fn same(&self, other: &dyn Cell) -> bool;
    /// `Debug` of the value.
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// The field as its own type.
    fn as_any(&self) -> &dyn Any;
    /// The field as its own type, to be changed.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: FieldType> Cell for T {
    fn to_value(&self) -> Value {
        FieldType::to_value(self)
    }

    fn number(&self) -> Option<i64> {
        self.to_number()
    }

    fn set_value(&mut self, value: Value) -> Result<()> {
        *self = T::from_value(value)?;
        Ok(())
    }

    fn same(&self, other: &dyn Cell) -> bool {
        other.as_any().downcast_ref::<T>().is_some_and(|other| self == other)
    }

    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A cell in `Debug` output.
pub(super) struct Shown<'a>(pub(super) &'a dyn Cell);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(f)
    }
}
