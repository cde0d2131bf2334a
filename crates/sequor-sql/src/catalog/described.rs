//! Columns in the words of Sequelize's `describeTable`.

use crate::Dialect;
use sequor_core::schema::TableColumn;
use sequor_core::types::ColumnType;
use serde_json::Value as Json;

/// The name under which the catalog knows a table: SQLite's tables of a tenant have its name before their own.
pub fn stored_name(dialect: Dialect, schema: Option<&str>, table: &str) -> String {
    match schema {
        Some(schema) if dialect == Dialect::Sqlite => format!("{schema}.{table}"),
        _ => table.to_owned(),
    }
}

/// Whether two names are those of one table: SQLite's names take any case.
pub fn same_table(dialect: Dialect, one: &str, other: &str) -> bool {
    one == other || (dialect == Dialect::Sqlite && one.eq_ignore_ascii_case(other))
}

/// A type in the words of Sequelize's `describeTable`.
pub fn described_type(dialect: Dialect, column: &TableColumn) -> String {
    let spelt = column.db_type.as_deref().unwrap_or_default();
    if dialect != Dialect::Postgres {
        // The labels of an enum keep their case.
        return match spelt.strip_prefix("enum(") {
            Some(labels) => format!("ENUM({labels}"),
            None => spelt.split(" COLLATE ").next().unwrap_or_default().to_uppercase(),
        };
    }
    match &column.ty {
        ColumnType::Enum(_) => "USER-DEFINED".to_owned(),
        ColumnType::Array(_) => "ARRAY".to_owned(),
        _ => match spelt.split_once('(').filter(|_| !spelt.starts_with("char")) {
            Some((name, rest)) => format!("{name}{}", rest.split_once(')').map_or("", |(_, rest)| rest)).to_uppercase(),
            None => spelt.to_uppercase(),
        },
    }
}

/// A default without quotes and casts; `None` for NULL and for a counter.
pub fn described_default(dialect: Dialect, text: &str) -> Option<Json> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("null") || text.starts_with("NULL::") || text.starts_with("nextval(") {
        return None;
    }
    // `'x'::character varying`
    let bare = if dialect == Dialect::Postgres { text.rsplit_once("::").map_or(text, |(value, _)| value) } else { text };
    let quoted = bare.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(match (quoted, bare) {
        (Some(inner), _) => inner.replace("''", "'").into(),
        (None, "true") if dialect == Dialect::Postgres => true.into(),
        (None, "false") if dialect == Dialect::Postgres => false.into(),
        (None, other) => other.into(),
    })
}
