//! Types as servers spell them: one spelling for each, and the column type behind it.

use crate::Dialect;
use sequor_core::Name;
use sequor_core::types::{ColumnType, EnumDef};
use std::sync::Arc;

/// A type in one spelling. SQLite's is its affinity, the only thing that matters there.
pub(crate) fn canonical_type(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Postgres => postgres(text),
        Dialect::Mysql | Dialect::Mariadb => mysql(text),
        Dialect::Sqlite => sqlite(text),
    }
}

/// A name and what stands in brackets behind it, and the rest.
fn cut(text: &str) -> (&str, Option<&str>, &str) {
    match text.split_once('(') {
        Some((name, rest)) => {
            let (inside, rest) = rest.split_once(')').unwrap_or((rest, ""));
            (name.trim(), Some(inside.trim()), rest.trim())
        }
        None => (text, None, ""),
    }
}

fn sized(name: &str, inside: Option<&str>) -> String {
    match inside {
        Some(inside) => format!("{name}({})", inside.split(',').map(str::trim).collect::<Vec<_>>().join(",")),
        None => name.to_owned(),
    }
}

fn postgres(text: &str) -> String {
    let text = text.trim();
    if let Some(element) = text.strip_suffix("[]") {
        return format!("{}[]", postgres(element));
    }
    if let Some(quoted) = text.strip_suffix('"').and_then(|text| text.rsplit_once('"')) {
        return quoted.1.to_owned();
    }
    let lower = text.to_lowercase();
    let (name, inside, rest) = cut(&lower);
    let name = if rest.is_empty() { name.to_owned() } else { format!("{name} {rest}") };
    let six = |name: &str| if inside == Some("6") { name.to_owned() } else { sized(name, inside) };
    match name.as_str() {
        "character varying" | "varchar" => sized("varchar", inside),
        "character" | "char" | "bpchar" => sized("char", inside.or(Some("1"))),
        "timestamp with time zone" | "timestamptz" => six("timestamptz"),
        "timestamp without time zone" | "timestamp" => six("timestamp"),
        "time without time zone" | "time" => six("time"),
        "int" | "int4" | "integer" | "serial" => "integer".into(),
        "int8" | "bigint" | "bigserial" => "bigint".into(),
        "int2" | "smallint" | "smallserial" => "smallint".into(),
        "bool" | "boolean" => "boolean".into(),
        "float8" | "double precision" | "float" => "double precision".into(),
        "float4" | "real" => "real".into(),
        "numeric" | "decimal" => match inside {
            Some(inside) if !inside.contains(',') => sized("numeric", Some(&format!("{inside},0"))),
            inside => sized("numeric", inside),
        },
        other => sized(other.rsplit('.').next().unwrap_or(other), inside),
    }
}

fn mysql(text: &str) -> String {
    let text = text.trim();
    let lower = text.to_lowercase();
    if lower.starts_with("enum(") || lower.starts_with("set(") {
        let end = text.rfind(')').map_or(text.len(), |end| end + 1);
        let start = text.find('(').unwrap_or(0);
        return format!("{}{}", &lower[..start], &text[start..end]);
    }
    let bare = lower.split(" character set ").next().unwrap_or_default();
    let bare = bare.split(" collate ").next().unwrap_or_default();
    let (name, inside, rest) = cut(bare);
    let (name, unsigned) = match name.strip_suffix(" unsigned") {
        Some(name) => (name, true),
        None => (name, rest.contains("unsigned")),
    };
    let name = match name {
        "integer" => "int",
        "bool" | "boolean" => return "tinyint(1)".into(),
        "double precision" | "real" => "double",
        "numeric" | "dec" => "decimal",
        other => other,
    };
    let made = match (name, inside) {
        ("tinyint", Some("1")) => "tinyint(1)".to_owned(),
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "float" | "double" | "year", _) => name.to_owned(),
        ("decimal", None) => "decimal(10,0)".to_owned(),
        ("decimal", Some(inside)) if !inside.contains(',') => format!("decimal({inside},0)"),
        ("char", None) => "char(1)".to_owned(),
        (name, inside) => sized(name, inside),
    };
    if unsigned { format!("{made} unsigned") } else { made }
}

/// The rules of https://sqlite.org/datatype3.html, section 3.1, with the collation.
fn sqlite(text: &str) -> String {
    let lower = text.to_lowercase();
    let (name, collation) = lower.split_once(" collate ").map_or((lower.as_str(), ""), |(name, collation)| (name, collation.trim()));
    let affinity = if name.contains("int") {
        "integer"
    } else if ["char", "clob", "text"].iter().any(|part| name.contains(part)) {
        "text"
    } else if name.contains("blob") || name.is_empty() {
        "blob"
    } else if ["real", "floa", "doub"].iter().any(|part| name.contains(part)) {
        "real"
    } else {
        "numeric"
    };
    match collation.trim_matches(['"', '`']) {
        "" | "binary" => affinity.to_owned(),
        other => format!("{affinity} collate {other}"),
    }
}

/// The column type behind a spelling; what is not known is text. `named`: the enum of that name, where enums have names.
pub(crate) fn column_type(dialect: Dialect, text: &str, named: &dyn Fn(&str) -> Option<Arc<EnumDef>>) -> ColumnType {
    let made = canonical_type(dialect, text);
    match dialect {
        Dialect::Postgres => {
            if let Some(element) = made.strip_suffix("[]") {
                return ColumnType::Array(Box::new(column_type(dialect, element, named)));
            }
            named(&made).map_or_else(|| known(&made), ColumnType::Enum)
        }
        Dialect::Mysql | Dialect::Mariadb => {
            if let Some(labels) = made.strip_prefix("enum(").and_then(|labels| labels.strip_suffix(')')) {
                return ColumnType::Enum(Arc::new(EnumDef { name: Name::Borrowed(""), labels: labels_of(labels) }));
            }
            known(&made)
        }
        Dialect::Sqlite => match sqlite(text).as_str() {
            "integer" => ColumnType::I64,
            "real" => ColumnType::F64,
            "blob" => ColumnType::Bytes,
            "text collate nocase" => ColumnType::CiText,
            "text collate sequor_decimal" | "numeric" => ColumnType::Decimal(None),
            _ => ColumnType::Text,
        },
    }
}

/// `'a','b''c'`
pub(crate) fn labels_of(text: &str) -> Vec<Name> {
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(letter) = letters.next() {
            if letter == '\'' {
                if letters.peek() != Some(&'\'') {
                    break;
                }
                letters.next();
            }
            label.push(letter);
        }
        found.push(Name::Owned(label));
    }
    found
}

fn known(text: &str) -> ColumnType {
    let (name, inside, rest) = cut(text);
    let unsigned = rest.contains("unsigned") || name.ends_with(" unsigned");
    let name = name.strip_suffix(" unsigned").unwrap_or(name);
    let number = || inside.and_then(|inside| inside.parse::<u32>().ok());
    let digits = |otherwise: u8| inside.and_then(|inside| inside.parse::<u8>().ok()).unwrap_or(otherwise);
    match name {
        "boolean" => ColumnType::Bool,
        "tinyint" if inside == Some("1") => ColumnType::Bool,
        "tinyint" => {
            if unsigned {
                ColumnType::U8
            } else {
                ColumnType::I8
            }
        }
        "smallint" => {
            if unsigned {
                ColumnType::U16
            } else {
                ColumnType::I16
            }
        }
        "int" | "integer" | "mediumint" => {
            if unsigned {
                ColumnType::U32
            } else {
                ColumnType::I32
            }
        }
        "bigint" => {
            if unsigned {
                ColumnType::U64
            } else {
                ColumnType::I64
            }
        }
        "real" | "float" => ColumnType::F32,
        "double" | "double precision" => ColumnType::F64,
        "numeric" | "decimal" => ColumnType::Decimal(inside.and_then(|inside| {
            let (precision, scale) = inside.split_once(',')?;
            Some((precision.parse().ok()?, scale.parse().ok()?))
        })),
        "varchar" => number().map_or(ColumnType::Text, ColumnType::VarChar),
        "char" => number().map_or(ColumnType::Char(1), ColumnType::Char),
        "citext" => ColumnType::CiText,
        "uuid" => ColumnType::Uuid,
        "timestamptz" => ColumnType::DateTime(digits(6)),
        "datetime" => ColumnType::DateTime(digits(0)),
        "timestamp" => ColumnType::NaiveDateTime(digits(6)),
        "date" => ColumnType::Date,
        "time" => ColumnType::Time,
        "bytea" | "blob" | "longblob" | "mediumblob" | "tinyblob" | "varbinary" | "binary" => ColumnType::Bytes,
        "jsonb" => ColumnType::Json(true),
        "json" => ColumnType::Json(false),
        "inet" => ColumnType::Inet,
        "cidr" => ColumnType::Cidr,
        "macaddr" => ColumnType::MacAddr,
        "interval" => ColumnType::Interval,
        "hstore" => ColumnType::HStore,
        "tsvector" => ColumnType::TsVector,
        "int4range" => ColumnType::Range(Box::new(ColumnType::I32)),
        "int8range" => ColumnType::Range(Box::new(ColumnType::I64)),
        "numrange" => ColumnType::Range(Box::new(ColumnType::Decimal(None))),
        "tstzrange" => ColumnType::Range(Box::new(ColumnType::DateTime(6))),
        "tsrange" => ColumnType::Range(Box::new(ColumnType::NaiveDateTime(6))),
        "daterange" => ColumnType::Range(Box::new(ColumnType::Date)),
        _ => ColumnType::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_is_one() {
        for (dialect, given, made) in [
            (Dialect::Postgres, "character varying(20)", "varchar(20)"),
            (Dialect::Postgres, "timestamp(3) with time zone", "timestamptz(3)"),
            (Dialect::Postgres, "\"user_role\"", "user_role"),
            (Dialect::Postgres, "\"t\".\"Role\"[]", "Role[]"),
            (Dialect::Postgres, "numeric(20, 0)", "numeric(20,0)"),
            (Dialect::Mariadb, "int(11)", "int"),
            (Dialect::Mariadb, "bigint(20) unsigned", "bigint unsigned"),
            (Dialect::Mariadb, "tinyint(1)", "tinyint(1)"),
            (Dialect::Mariadb, "char(36) character set ascii", "char(36)"),
            (Dialect::Mariadb, "ENUM('A','b')", "enum('A','b')"),
            (Dialect::Sqlite, "VARCHAR(255)", "text"),
            (Dialect::Sqlite, "TEXT COLLATE sequor_decimal", "text collate sequor_decimal"),
        ] {
            assert_eq!(canonical_type(dialect, given), made);
        }
        assert_eq!(labels_of("'a','it''s'"), ["a", "it's"]);
    }
}
