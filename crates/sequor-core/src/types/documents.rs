//! [`Json`]: a JSON document, untyped or of a Rust type.

use super::ColumnType;
use crate::decode::{unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::{Error, Result};
use crate::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
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
