//! [`FieldType`]: a Rust type that can be a field of a model. Scalars are in `types/`; `Option` of each is here.

use crate::driver::RowReader;
use crate::error::Result;
use crate::types::ColumnType;
use crate::value::Value;
use std::fmt::Debug;

/// A Rust type that a column can hold, `Option` of one included.
///
/// ```
/// use sequor::{FieldType, prelude::*};
/// // Generic code over columns of any type.
/// fn is_optional<M: Model, T: FieldType>(_: Column<M, T>) -> bool { T::NULLABLE }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, age: Option<i32> }
/// assert!(is_optional(User::AGE) && !is_optional(User::ID));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a column",
    label = "not a column type",
    note = "column types are the scalars of the tour, section 13, `Option` and `Vec` of them, `Json<T>`, and types with `#[derive(DbEnum)]` or `#[derive(DbType)]`; a struct with `#[derive(Embed)]` is spread over columns by `#[field(embed)]` on a model and by `#[projection(embed)]` in a projection"
)]
pub trait FieldType: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// The type without its `Option`.
    type Base: Scalar;
    /// Whether NULL is a value.
    const NULLABLE: bool;

    /// The kind of column that holds it.
    fn column_type() -> ColumnType;
    /// Reads one cell.
    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self>;
    /// The value as a parameter.
    fn to_value(&self) -> Value;
    /// The value, where it is a whole number that an `i64` holds.
    fn to_number(&self) -> Option<i64> {
        if let Value::I64(number) = self.to_value() { Some(number) } else { None }
    }
    /// The same of a value that nobody needs any more: its memory moves where it can.
    fn moved(self) -> Value {
        self.to_value()
    }
    /// The value from a parameter, with the conversions that lose nothing.
    fn from_value(value: Value) -> Result<Self>;
}

/// A column type that is not an `Option`.
///
/// ```
/// use sequor::{FieldType, Scalar, Value};
/// fn stored<T: Scalar>(value: Option<T>) -> Value { value.to_value() }
/// assert_eq!((stored(Some(7_i32)), stored::<String>(None)), (Value::I64(7), Value::Null));
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a scalar column type", label = "not a scalar")]
pub trait Scalar: FieldType<Base = Self> {
    /// Reads one cell, `None` for NULL.
    fn decode_option(row: &mut dyn RowReader, index: usize) -> Result<Option<Self>>;
}

impl<T: Scalar> FieldType for Option<T> {
    type Base = T;
    const NULLABLE: bool = true;

    fn column_type() -> ColumnType {
        T::column_type()
    }

    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
        T::decode_option(row, index)
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn to_number(&self) -> Option<i64> {
        self.as_ref().and_then(T::to_number)
    }

    fn moved(self) -> Value {
        self.map_or(Value::Null, T::moved)
    }

    fn from_value(value: Value) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

/// A primary key: a scalar, or a tuple for composite keys.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be a primary key", label = "a key is a scalar or a tuple of up to eight scalars")]
pub trait KeyValues: Clone + Send + Sync + 'static {
    /// The values, in the order of the key's columns.
    fn key_values(&self) -> Vec<Value>;

    /// How many columns it has, as a type: [`OneColumn`] or [`ManyColumns`].
    type Width;

    /// The value, where the key is of one column.
    fn single(&self) -> Option<Value> {
        None
    }
}

/// The width of a key of one column.
pub struct OneColumn;

/// The width of a key of several columns, or of none.
pub struct ManyColumns;

impl<T: Scalar> KeyValues for T {
    type Width = OneColumn;

    fn key_values(&self) -> Vec<Value> {
        vec![self.to_value()]
    }

    fn single(&self) -> Option<Value> {
        Some(self.to_value())
    }
}

macro_rules! key_tuple {
    ($($name:ident $place:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: Scalar),+> KeyValues for ($($name,)+) {
            type Width = ManyColumns;

            fn key_values(&self) -> Vec<Value> {
                vec![$(self.$place.to_value()),+]
            }
        }
    };
}

key_tuple!(A 0, B 1);
key_tuple!(A 0, B 1, C 2);
key_tuple!(A 0, B 1, C 2, D 3);
key_tuple!(A 0, B 1, C 2, D 3, E 4);
key_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
key_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
key_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The key of a model without one.
impl KeyValues for () {
    type Width = ManyColumns;

    fn key_values(&self) -> Vec<Value> {
        Vec::new()
    }
}
