//! [`ColumnType`]: the closed list of column types, and [`BindType`], how a parameter of each travels.

use crate::Name;
use std::sync::Arc;

/// The kind of a column, dialect-free. How each database spells it is in the table of the tour, section 13.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnType {
    /// `bool`.
    Bool,
    /// `i8`.
    I8,
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `u8`.
    U8,
    /// `u16`.
    U16,
    /// `u32`.
    U32,
    /// `u64`.
    U64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// An exact decimal; `None` leaves precision and scale to the dialect.
    Decimal(Option<(u8, u8)>),
    /// Text of any length.
    Text,
    /// Text of at most so many characters.
    VarChar(u32),
    /// Text of exactly so many characters.
    Char(u32),
    /// Case-insensitive text (PostgreSQL's citext).
    CiText,
    /// A UUID.
    Uuid,
    /// An instant in UTC, with so many fractional digits (6 unless given).
    DateTime(u8),
    /// A date and time without zone, with so many fractional digits.
    NaiveDateTime(u8),
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// Bytes.
    Bytes,
    /// A JSON document; `true` for PostgreSQL's `jsonb`, `false` for its `json`.
    Json(bool),
    /// One of a closed list of labels.
    Enum(Arc<EnumDef>),
    /// A list of scalars.
    Array(Box<ColumnType>),
    /// A range of scalars (PostgreSQL).
    Range(Box<ColumnType>),
    /// A host address (PostgreSQL's inet).
    Inet,
    /// A network (PostgreSQL).
    Cidr,
    /// A hardware address (PostgreSQL).
    MacAddr,
    /// A span of time (PostgreSQL).
    Interval,
    /// Text keys to text values (PostgreSQL).
    HStore,
    /// A text search document (PostgreSQL).
    TsVector,
}

/// An enum type: its name in the database and its labels in order.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumDef {
    /// The type's name where the database names its enums (PostgreSQL).
    pub name: Name,
    /// The labels, in order.
    pub labels: Vec<Name>,
}

/// How a parameter travels to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct BindType {
    /// The type of the value, or of each element.
    pub scalar: ScalarType,
    /// Whether it is a list of them.
    pub array: bool,
}

/// The scalar part of a [`BindType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ScalarType {
    /// The server works it out from where the parameter stands; the value travels as text (enums, ranges, inet ..).
    #[default]
    Inferred,
    /// A truth value.
    Bool,
    /// 16 bits.
    I16,
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
    /// Unsigned 64 bits: `numeric` where the server has none.
    U64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Exact decimal.
    Decimal,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// UUID.
    Uuid,
    /// Instant.
    DateTime,
    /// Date and time without zone.
    NaiveDateTime,
    /// Date.
    Date,
    /// Time of day.
    Time,
    /// JSON text.
    Json,
    /// PostgreSQL's binary JSON.
    Jsonb,
}

impl BindType {
    /// One value of this kind.
    pub const fn one(scalar: ScalarType) -> BindType {
        BindType { scalar, array: false }
    }

    /// A list of values of this kind.
    pub const fn list(scalar: ScalarType) -> BindType {
        BindType { scalar, array: true }
    }
}

impl ColumnType {
    /// How a parameter for a column of this type travels.
    pub fn bind(&self) -> BindType {
        use ScalarType as S;
        BindType::one(match self {
            ColumnType::Bool => S::Bool,
            ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => S::I16,
            ColumnType::I32 | ColumnType::U16 => S::I32,
            ColumnType::I64 | ColumnType::U32 => S::I64,
            ColumnType::U64 => S::U64,
            ColumnType::F32 => S::F32,
            ColumnType::F64 => S::F64,
            ColumnType::Decimal(_) => S::Decimal,
            ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => S::Text,
            ColumnType::Uuid => S::Uuid,
            ColumnType::DateTime(_) => S::DateTime,
            ColumnType::NaiveDateTime(_) => S::NaiveDateTime,
            ColumnType::Date => S::Date,
            ColumnType::Time => S::Time,
            ColumnType::Bytes => S::Bytes,
            ColumnType::Json(true) => S::Jsonb,
            ColumnType::Json(false) => S::Json,
            ColumnType::Array(element) => return BindType::list(element.bind().scalar),
            ColumnType::CiText
            | ColumnType::Enum(_)
            | ColumnType::Range(_)
            | ColumnType::Inet
            | ColumnType::Cidr
            | ColumnType::MacAddr
            | ColumnType::Interval
            | ColumnType::HStore
            | ColumnType::TsVector => S::Inferred,
        })
    }

    /// Whether values are text to the application.
    pub fn is_text(&self) -> bool {
        matches!(self, ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) | ColumnType::CiText)
    }

    /// Whether values are whole numbers.
    pub fn is_integer(&self) -> bool {
        self.integer_bounds().is_some()
    }

    /// Whether values are numbers of any kind.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, ColumnType::F32 | ColumnType::F64 | ColumnType::Decimal(_))
    }

    /// Smallest and largest value of an integer type.
    pub fn integer_bounds(&self) -> Option<(i128, i128)> {
        Some(match self {
            ColumnType::I8 => (i8::MIN.into(), i8::MAX.into()),
            ColumnType::I16 => (i16::MIN.into(), i16::MAX.into()),
            ColumnType::I32 => (i32::MIN.into(), i32::MAX.into()),
            ColumnType::I64 => (i64::MIN.into(), i64::MAX.into()),
            ColumnType::U8 => (0, u8::MAX.into()),
            ColumnType::U16 => (0, u16::MAX.into()),
            ColumnType::U32 => (0, u32::MAX.into()),
            ColumnType::U64 => (0, u64::MAX.into()),
            _ => return None,
        })
    }

    /// A word for messages: `integer`, `text`, ..
    pub fn word(&self) -> &'static str {
        match self {
            ColumnType::Bool => "boolean",
            ColumnType::I8 | ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => "integer",
            ColumnType::U8 | ColumnType::U16 | ColumnType::U32 | ColumnType::U64 => "unsigned integer",
            ColumnType::F32 | ColumnType::F64 => "float",
            ColumnType::Decimal(_) => "decimal",
            ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) | ColumnType::CiText => "text",
            ColumnType::Uuid => "uuid",
            ColumnType::DateTime(_) => "instant",
            ColumnType::NaiveDateTime(_) => "date and time",
            ColumnType::Date => "date",
            ColumnType::Time => "time",
            ColumnType::Bytes => "bytes",
            ColumnType::Json(_) => "json",
            ColumnType::Enum(_) => "enum",
            ColumnType::Array(_) => "list",
            ColumnType::Range(_) => "range",
            ColumnType::Inet | ColumnType::Cidr => "network address",
            ColumnType::MacAddr => "hardware address",
            ColumnType::Interval => "interval",
            ColumnType::HStore => "hstore",
            ColumnType::TsVector => "text search document",
        }
    }
}

mod documents;
mod lists;
mod numbers;
mod text;
mod times;

pub use documents::{Json, document_text, is_too_deep};
pub use lists::Range;
pub use text::{CiText, Cidr, HStore, Interval, IpNetwork, MacAddr};
pub use times::{parse_instant, parse_naive};
mod from_json;

pub use from_json::value_from_json;
