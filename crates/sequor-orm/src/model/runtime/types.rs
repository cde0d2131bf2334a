//! Sequelize's type strings.

use sequor_core::types::{ColumnType, EnumDef};
use std::sync::Arc;

/// Reads `STRING(80)`, `DECIMAL(10,2)`, `ENUM('a','b')`, `ARRAY(INTEGER)`, ..
pub(super) fn parse(text: &str, enum_name: &str) -> Result<ColumnType, String> {
    let text = text.trim();
    let (name, inside) = match text.split_once('(') {
        Some((name, rest)) => (
            name.trim(),
            Some(rest.strip_suffix(')').ok_or_else(|| format!("the type {} has no closing parenthesis", text.escape_debug()))?),
        ),
        None => (text, None),
    };
    let number =
        |otherwise: u32| inside.map_or(Ok(otherwise), |inside| inside.trim().parse().map_err(|_| format!("{name} takes a number")));
    let digits = |otherwise: u8| {
        inside.map_or(Ok(otherwise), |inside| inside.trim().parse().map_err(|_| format!("{name} takes a number of digits")))
    };
    Ok(match name {
        "STRING" => ColumnType::VarChar(number(255)?),
        "CHAR" => ColumnType::Char(number(255)?),
        "STRING.BINARY" => ColumnType::Bytes,
        "TEXT" => ColumnType::Text,
        "CITEXT" => ColumnType::CiText,
        "TINYINT" => ColumnType::I8,
        "SMALLINT" => ColumnType::I16,
        "MEDIUMINT" | "INTEGER" => ColumnType::I32,
        "BIGINT" => ColumnType::I64,
        "INTEGER.UNSIGNED" => ColumnType::U32,
        "BIGINT.UNSIGNED" => ColumnType::U64,
        "SMALLINT.UNSIGNED" => ColumnType::U16,
        "TINYINT.UNSIGNED" => ColumnType::U8,
        "FLOAT" | "DOUBLE" | "DOUBLE PRECISION" => ColumnType::F64,
        "REAL" => ColumnType::F32,
        "DECIMAL" | "NUMERIC" => match inside {
            None => ColumnType::Decimal(None),
            Some(inside) => {
                let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
                let read = |text: &str| text.trim().parse().map_err(|_| "DECIMAL takes precision and scale".to_owned());
                ColumnType::Decimal(Some((read(precision)?, read(scale)?)))
            }
        },
        "BOOLEAN" => ColumnType::Bool,
        "DATE" => ColumnType::DateTime(digits(6)?),
        "DATEONLY" => ColumnType::Date,
        "TIME" => ColumnType::Time,
        "UUID" => ColumnType::Uuid,
        "JSON" => ColumnType::Json(false),
        "JSONB" => ColumnType::Json(true),
        "BLOB" => ColumnType::Bytes,
        "INET" => ColumnType::Inet,
        "CIDR" => ColumnType::Cidr,
        "MACADDR" => ColumnType::MacAddr,
        "HSTORE" => ColumnType::HStore,
        "TSVECTOR" => ColumnType::TsVector,
        "ENUM" => {
            let labels = labels(inside.unwrap_or_default())?;
            ColumnType::Enum(Arc::new(EnumDef { name: enum_name.to_owned().into(), labels }))
        }
        "ARRAY" => ColumnType::Array(Box::new(parse(inside.unwrap_or_default(), enum_name)?)),
        "RANGE" => ColumnType::Range(Box::new(parse(inside.unwrap_or("INTEGER"), enum_name)?)),
        "VIRTUAL" => {
            return Err("VIRTUAL has no column, and every attribute of a run-time model has one: leave it out. What is only shown is added to the JSON of the rows, \
                        what is only given (a password) is turned into its column before create; a derived model has computed(..) and set_with for them"
                .into());
        }
        other => return Err(format!("unknown type {}", other.escape_debug())),
    })
}

/// `{ type: "ENUM", values: ["a", "b"] }`: the labels as a list of their own, as Sequelize takes them too.
pub(super) fn of_labels(values: &serde_json::Value, enum_name: &str) -> Result<ColumnType, String> {
    let labels = values.as_array().into_iter().flatten().map(|label| label.as_str().map(|label| label.to_owned().into()));
    match labels.collect::<Option<Vec<sequor_core::Name>>>() {
        Some(labels) if !labels.is_empty() => Ok(ColumnType::Enum(Arc::new(EnumDef { name: enum_name.to_owned().into(), labels }))),
        _ => Err("the values of an ENUM are a list of texts, at least one".into()),
    }
}

/// `'a','it''s'`: labels in single or double quotes, a quote inside doubled; bare words as well.
fn labels(text: &str) -> Result<Vec<sequor_core::Name>, String> {
    let mut labels: Vec<sequor_core::Name> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut label = String::new();
        match letter {
            ',' => continue,
            blank if blank.is_whitespace() => continue,
            quote @ ('\'' | '"') => loop {
                match letters.next() {
                    None => return Err("a label of an ENUM has no closing quote".into()),
                    Some(inner) if inner == quote && letters.peek() == Some(&quote) => {
                        letters.next();
                        label.push(quote);
                    }
                    Some(inner) if inner == quote => break,
                    Some(inner) => label.push(inner),
                }
            },
            first => {
                label.push(first);
                while let Some(inner) = letters.next_if(|inner| *inner != ',') {
                    label.push(inner);
                }
                label.truncate(label.trim_end().len());
            }
        }
        labels.push(label.into());
    }
    if labels.is_empty() { Err("ENUM needs at least one value".into()) } else { Ok(labels) }
}
