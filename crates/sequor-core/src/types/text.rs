//! Text, bytes, UUIDs and the types that a server spells as text.

use super::ColumnType;
use super::numbers::scalar;
use crate::decode::{malformed, unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::Result;
use crate::value::Value;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

scalar!(
    String,
    ColumnType::Text,
    |row, index| row.string(index),
    |this| Value::Text(this.clone()),
    moved | this | Value::Text(this),
    |value| {
        match value {
            Value::Text(text) => Ok(text),
            Value::Uuid(value) => Ok(value.to_string()),
            other => Err(unexpected(&other, "text")),
        }
    }
);

scalar!(
    Vec<u8>,
    ColumnType::Bytes,
    |row, index| Ok(row.bytes(index)?.map(<[u8]>::to_vec)),
    |this| Value::Bytes(this.clone()),
    moved | this | Value::Bytes(this),
    |value| {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(unexpected(&other, "bytes")),
        }
    }
);

scalar!(Uuid, ColumnType::Uuid, |row, index| row.uuid(index), |this| Value::Uuid(*this), |value| match &value {
    Value::Uuid(value) => Ok(*value),
    Value::Text(text) => text.parse().map_err(|_| malformed("uuid")),
    _ => Err(unexpected(&value, "uuid")),
});

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $column:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(text.to_owned())
            }
        }

        scalar!(
            $name,
            $column,
            |row, index| Ok(row.text(index)?.map(|text| $name(text.to_owned()))),
            |this| Value::Text(this.0.clone()),
            moved |this| Value::Text(this.0),
            |value| match value {
                Value::Text(text) => Ok($name(text)),
                other => Err(unexpected(&other, "text")),
            }
        );
    };
}

text_type!(
    /// A host or network address (`inet`), as the server spells it. PostgreSQL only.
    ///
    /// ```
    /// use sequor::IpNetwork;
    /// assert_eq!(IpNetwork::from("10.0.0.1/24").to_string(), "10.0.0.1/24");
    /// ```
    IpNetwork,
    ColumnType::Inet
);
text_type!(
    /// A network (`cidr`). PostgreSQL only.
    ///
    /// ```
    /// use sequor::Cidr;
    /// assert_eq!(Cidr::from("10.0.0.0/8").to_string(), "10.0.0.0/8");
    /// ```
    Cidr,
    ColumnType::Cidr
);
text_type!(
    /// A hardware address (`macaddr`). PostgreSQL only.
    ///
    /// ```
    /// use sequor::MacAddr;
    /// assert_eq!(MacAddr::from("08:00:2b:01:02:03").to_string(), "08:00:2b:01:02:03");
    /// ```
    MacAddr,
    ColumnType::MacAddr
);
text_type!(
    /// A span of time (`interval`), in the server's spelling. PostgreSQL only.
    ///
    /// ```
    /// use sequor::Interval;
    /// assert_eq!(Interval::from("1 day 02:00:00").to_string(), "1 day 02:00:00");
    /// ```
    Interval,
    ColumnType::Interval
);
text_type!(
    /// Text that compares without case (`citext`). PostgreSQL only.
    ///
    /// ```
    /// use sequor::CiText;
    /// assert_eq!(CiText::from("Ann@X.io").to_string(), "Ann@X.io");
    /// ```
    CiText,
    ColumnType::CiText
);

/// Text keys to text values (`hstore`). PostgreSQL only.
///
/// ```
/// use sequor::{HStore, prelude::*};
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Product { #[field(primary_key, auto_increment)] id: i64, labels: HStore }
///
/// let labels = HStore([("color".to_owned(), Some("red".to_owned()))].into());
/// let draft: Draft<Product> = draft!(Product { labels });
/// assert_eq!(draft.get(Product::LABELS).map(|labels| labels.0.len()), Some(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct HStore(pub BTreeMap<String, Option<String>>);

impl HStore {
    fn from_json(value: &serde_json::Value) -> Option<HStore> {
        let entries = value.as_object()?.iter().map(|(key, value)| match value {
            serde_json::Value::Null => Some((key.clone(), None)),
            serde_json::Value::String(text) => Some((key.clone(), Some(text.clone()))),
            _ => None,
        });
        entries.collect::<Option<_>>().map(HStore)
    }
}

impl FieldType for HStore {
    type Base = HStore;
    const NULLABLE: bool = false;

    fn column_type() -> ColumnType {
        ColumnType::HStore
    }

    fn decode(row: &mut dyn RowReader, index: usize) -> Result<Self> {
        Self::decode_option(row, index)?.ok_or_else(unexpected_null)
    }

    fn to_value(&self) -> Value {
        let entries = self.0.iter().map(|(key, value)| (key.clone(), value.clone().map_or(serde_json::Value::Null, Into::into)));
        Value::Json(Box::new(serde_json::Value::Object(entries.collect())))
    }

    fn from_value(value: Value) -> Result<Self> {
        match &value {
            Value::Json(json) => HStore::from_json(json).ok_or_else(|| malformed("hstore")),
            _ => Err(unexpected(&value, "hstore")),
        }
    }
}

impl Scalar for HStore {
    fn decode_option(row: &mut dyn RowReader, index: usize) -> Result<Option<Self>> {
        match row.value(index, &ColumnType::HStore)? {
            Value::Null => Ok(None),
            value => HStore::from_value(value).map(Some),
        }
    }
}
