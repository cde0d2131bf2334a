//! [`ValidationError`]: every rule that some values break, at once.

use crate::Value;
use std::fmt;

/// The failures of one validation.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, #[field(validate(email))] email: String, #[field(validate(min(18)))] age: i32 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let error = draft!(User { email: "ann", age: 3 }).create(&db).await.unwrap_err();
/// let Error::Validation(error) = error else { return Err(error) };
/// assert_eq!(error.items.len(), 2, "every failure at once");
/// assert_eq!(error.get("email")[0].message, "Validation isEmail on email failed");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ValidationError {
    /// One item per failed rule.
    pub items: Vec<ValidationItem>,
    /// Whether the items come from a bulk write and carry the index of their row (Sequelize's AggregateError).
    pub bulk: bool,
}

/// One failed rule.
///
/// ```
/// use sequor::{Error, ValidationError, ValidationItem};
/// // A rule of your own, in a hook.
/// let item = ValidationItem::new("ends_at", "order", "ends_at must be later than starts_at");
/// let error = Error::Validation(ValidationError::one(item));
/// assert_eq!(error.to_string(), "Validation error: ends_at must be later than starts_at");
/// ```
#[derive(Debug, Clone)]
pub struct ValidationItem {
    /// The sentence for people.
    pub message: String,
    /// The field, or the name of a model-wide rule.
    pub path: String,
    /// What sort of failure it is.
    pub kind: ItemKind,
    /// The rule: `isEmail`, `len`, ..; `is_null` and `not_unique` as Sequelize has them.
    pub validator_key: String,
    /// The arguments of the rule.
    pub validator_args: Vec<Value>,
    /// The offending value; `None` for a `sensitive` field.
    pub value: Option<Value>,
    /// Who found it.
    pub origin: Origin,
    /// The index of the row in a bulk write.
    pub record: Option<usize>,
}

/// Sequelize's `type` of an item.
///
/// ```
/// assert_eq!(sequor::ItemKind::NotNull.as_str(), "notNull Violation");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A rule of the model failed.
    Validation,
    /// NULL where none may be.
    NotNull,
    /// A list or object where text must be.
    String,
    /// A unique key is taken.
    Unique,
}

/// Who found a failure.
///
/// ```
/// use sequor::{Origin, ValidationItem};
/// assert_eq!(ValidationItem::new("age", "old", "too old").origin, Origin::Function);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Sequor itself.
    Core,
    /// The database.
    Db,
    /// A function of the program.
    Function,
}

impl ItemKind {
    /// Sequelize's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemKind::Validation => "Validation error",
            ItemKind::NotNull => "notNull Violation",
            ItemKind::String => "string violation",
            ItemKind::Unique => "unique violation",
        }
    }
}

impl ValidationItem {
    /// An item with the defaults of a failed rule.
    pub fn new(path: impl Into<String>, key: impl Into<String>, message: impl Into<String>) -> ValidationItem {
        ValidationItem {
            message: message.into(),
            path: path.into(),
            kind: ItemKind::Validation,
            validator_key: key.into(),
            validator_args: Vec::new(),
            value: None,
            origin: Origin::Function,
            record: None,
        }
    }
}

impl ValidationError {
    /// An error of one item.
    pub fn one(item: ValidationItem) -> ValidationError {
        ValidationError { items: vec![item], bulk: false }
    }

    /// The items of one field.
    pub fn get(&self, path: &str) -> Vec<&ValidationItem> {
        self.items.iter().filter(|item| item.path == path).collect()
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if f.alternate() { ",\n" } else { ", " };
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            if let Some(record) = item.record {
                write!(f, "row {record}: ")?;
            }
            write!(f, "{}: {}", item.kind.as_str(), item.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ValidationError {}

impl From<ValidationError> for super::Error {
    fn from(error: ValidationError) -> super::Error {
        super::Error::Validation(error)
    }
}
