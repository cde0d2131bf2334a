//! The errors of decoding: a NULL or a value that does not fit, named without showing the value.

use crate::error::Error;
use crate::value::Value;

/// NULL in a column that the model says is never NULL.
#[cold]
pub fn unexpected_null() -> Error {
    Error::decode("the database holds NULL, the field is not an Option")
}

/// A value of another kind than the field's.
#[cold]
pub fn unexpected(found: &Value, expected: &str) -> Error {
    Error::decode(format!("found a value of kind {}, expected {expected}", found.kind()))
}

/// A number outside of the field's type.
#[cold]
pub fn out_of_range(expected: &str) -> Error {
    Error::decode(format!("the number does not fit into {expected}"))
}

/// Text that does not spell a value of the field's type.
#[cold]
pub fn malformed(expected: &str) -> Error {
    Error::decode(format!("the text is not a valid {expected}"))
}
