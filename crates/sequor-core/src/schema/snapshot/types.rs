//! The names of column types in a snapshot.

use crate::Name;
use crate::error::{Error, Result};
use crate::types::{ColumnType, EnumDef};
use serde_json::json;
use std::sync::Arc;

/// The types whose name says everything.
const PLAIN: [(&str, ColumnType); 26] = [
    ("bool", ColumnType::Bool),
    ("i8", ColumnType::I8),
    ("i16", ColumnType::I16),
    ("i32", ColumnType::I32),
    ("i64", ColumnType::I64),
    ("u8", ColumnType::U8),
    ("u16", ColumnType::U16),
    ("u32", ColumnType::U32),
    ("u64", ColumnType::U64),
    ("f32", ColumnType::F32),
    ("f64", ColumnType::F64),
    ("decimal", ColumnType::Decimal(None)),
    ("text", ColumnType::Text),
    ("citext", ColumnType::CiText),
    ("uuid", ColumnType::Uuid),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("bytes", ColumnType::Bytes),
    ("jsonb", ColumnType::Json(true)),
    ("json", ColumnType::Json(false)),
    ("inet", ColumnType::Inet),
    ("cidr", ColumnType::Cidr),
    ("macaddr", ColumnType::MacAddr),
    ("interval", ColumnType::Interval),
    ("hstore", ColumnType::HStore),
    ("tsvector", ColumnType::TsVector),
];

pub(super) fn type_text(ty: &ColumnType) -> String {
    if let Some((name, _)) = PLAIN.iter().find(|(_, known)| known == ty) {
        return (*name).to_owned();
    }
    match ty {
        ColumnType::Decimal(Some((precision, scale))) => format!("decimal({precision},{scale})"),
        ColumnType::VarChar(length) => format!("varchar({length})"),
        ColumnType::Char(length) => format!("char({length})"),
        ColumnType::DateTime(digits) => format!("datetime({digits})"),
        ColumnType::NaiveDateTime(digits) => format!("naive_datetime({digits})"),
        // Where enums have no names (MySQL, SQLite), the labels say which it is.
        ColumnType::Enum(definition) if definition.name.is_empty() => format!("enum of {}", json!(definition.labels)),
        ColumnType::Enum(definition) => format!("enum {}", definition.name),
        ColumnType::Array(element) => format!("list of {}", type_text(element)),
        ColumnType::Range(element) => format!("range of {}", type_text(element)),
        other => other.word().to_owned(),
    }
}

pub(super) fn parse_type(text: &str, enums: &[Arc<EnumDef>]) -> Result<ColumnType> {
    if let Some((_, ty)) = PLAIN.iter().find(|(name, _)| *name == text) {
        return Ok(ty.clone());
    }
    let unknown = || Error::migration(format!("there is no type {}", text.escape_debug()));
    if let Some(element) = text.strip_prefix("list of ") {
        return Ok(ColumnType::Array(Box::new(parse_type(element, enums)?)));
    }
    if let Some(element) = text.strip_prefix("range of ") {
        return Ok(ColumnType::Range(Box::new(parse_type(element, enums)?)));
    }
    if let Some(labels) = text.strip_prefix("enum of ").and_then(|labels| serde_json::from_str::<Vec<String>>(labels).ok()) {
        let labels = labels.into_iter().map(Name::Owned).collect();
        return Ok(ColumnType::Enum(Arc::new(EnumDef { name: Name::Borrowed(""), labels })));
    }
    if let Some(name) = text.strip_prefix("enum ") {
        return enums.iter().find(|one| one.name == name).map(|one| ColumnType::Enum(one.clone())).ok_or_else(unknown);
    }
    let (name, inside) = text.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(unknown)?;
    let number = || inside.parse::<u32>().map_err(|_| unknown());
    let digits = || inside.parse::<u8>().map_err(|_| unknown());
    Ok(match name {
        "varchar" => ColumnType::VarChar(number()?),
        "char" => ColumnType::Char(number()?),
        "datetime" => ColumnType::DateTime(digits()?),
        "naive_datetime" => ColumnType::NaiveDateTime(digits()?),
        "decimal" => {
            let (precision, scale) = inside.split_once(',').ok_or_else(unknown)?;
            let part = |text: &str| text.trim().parse::<u8>().map_err(|_| unknown());
            ColumnType::Decimal(Some((part(precision)?, part(scale)?)))
        }
        _ => return Err(unknown()),
    })
}
