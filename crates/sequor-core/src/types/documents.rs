//! [`Json`]: a JSON document, untyped or of a Rust type.

use super::ColumnType;
use crate::decode::{unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::{Error, Result};
use crate::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::fmt::Debug;
use std::ops::{Deref, DerefMut};

/// A JSON column: `Json` holds any document, `Json<T>` one that is read into and written from a `T`.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Settings { theme: String }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, settings: Json<Settings>, notes: Json }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<User>(SyncMode::Create).await?;
/// let user = draft!(User { settings: Json(Settings { theme: "dark".into() }), notes: json!({ "a": [1] }) }).create(&db).await?;
/// assert_eq!((user.settings.theme.as_str(), &user.notes["a"][0]), ("dark", &json!(1)));
/// assert_eq!(User::count().filter(User::SETTINGS.path("theme").eq("dark")).exec(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Json<T = serde_json::Value>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Json<T> {
        Json(value)
    }
}

impl PartialEq<serde_json::Value> for Json {
    fn eq(&self, other: &serde_json::Value) -> bool {
        self.0 == *other
    }
}

impl<T> FieldType for Json<T>
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static,
{
    type Base = Json<T>;
    const NULLABLE: bool = false;

    fn column_type() -> ColumnType {
        ColumnType::Json(true)
    }

    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
        Self::decode_option(row, index)?.ok_or_else(unexpected_null)
    }

    fn to_value(&self) -> Value {
        // To copy it would take stack for each level: what stands for it is as deep as the drivers refuse.
        if let Some(document) = (&self.0 as &dyn Any).downcast_ref::<serde_json::Value>()
            && is_too_deep(document)
        {
            let stub = (0..=DEEPEST).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]));
            return Value::Json(Box::new(stub));
        }
        // A document that cannot be JSON (a map with keys that are not text) becomes null here; drafts and edits refuse it before.
        Value::Json(Box::new(serde_json::to_value(&self.0).unwrap_or_default()))
    }

    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Json(json) => serde_json::from_value(*json).map(Json).map_err(document_error),
            other => Err(unexpected(&other, "json")),
        }
    }
}

impl<T> Scalar for Json<T>
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static,
{
    fn decode_option(row: &mut dyn RowReader, index: usize) -> Result<Option<Self>> {
        match row.json(index)? {
            Some(text) => serde_json::from_str(text).map(|value| Some(Json(value))).map_err(document_error),
            None => Ok(None),
        }
    }
}

/// serde's message may quote the document; only its place is kept.
#[cold]
fn document_error(error: serde_json::Error) -> Error {
    Error::decode(format!("the JSON document does not fit its type (line {}, column {})", error.line(), error.column()))
}

/// As deep as JSON text is read: 128 levels with that of the row around it.
const DEEPEST: usize = 127;

/// Whether a document is nested deeper than its text could be read again. Looked at level by level, so that no depth takes stack.
pub fn is_too_deep(document: &serde_json::Value) -> bool {
    let inside = |item: &'_ serde_json::Value| item.is_array() || item.is_object();
    let mut level: Vec<&serde_json::Value> = Some(document).into_iter().filter(|item| inside(item)).collect();
    for _ in 0..DEEPEST {
        if level.is_empty() {
            return false;
        }
        let mut below = Vec::new();
        for item in level {
            match item {
                serde_json::Value::Array(list) => below.extend(list.iter().filter(|item| inside(item))),
                serde_json::Value::Object(map) => below.extend(map.values().filter(|item| inside(item))),
                _ => {}
            }
        }
        level = below;
    }
    !level.is_empty()
}

/// The text of a document, for a driver to send.
///
/// # Errors
/// `Decode` where it is nested so deep that nobody could read it again.
pub fn document_text(document: &serde_json::Value) -> Result<String> {
    if is_too_deep(document) {
        return Err(Error::decode(
            "the document is nested deeper than 128 levels with its row, and could not be read again; keep its parts in rows of their own",
        ));
    }
    serde_json::to_string(document).map_err(Error::other)
}
