//! [`Ways`] of each dialect: how a database sees a table, so that a model, a snapshot and a catalog that mean the same are equal.

use super::types::{canonical_type, column_type};
use super::{canonical as canonical_text, canonical_query};
use super::{search, words};
use crate::Dialect;
use crate::ddl::{default_text, implied_check, type_name};
use sequor_core::Name;
use sequor_core::error::Result;
use sequor_core::schema::{
    Action, CheckDef, Default, ForeignKeyDef, Generated, IndexDef, IndexPart, SortDirection, TableColumn, TableDef, Ways,
};
use sequor_core::types::{ColumnType, EnumDef, ScalarType, parse_instant, parse_naive};
use std::sync::Arc;

impl Ways for Dialect {
    fn rebuilds(&self) -> bool {
        *self == Dialect::Sqlite
    }

    fn enum_types(&self) -> bool {
        *self == Dialect::Postgres
    }

    fn keys_have_indexes(&self) -> bool {
        self.is_mysql()
    }

    fn renames_constraints(&self) -> bool {
        *self == Dialect::Postgres
    }

    fn is_strict(&self) -> bool {
        *self != Dialect::Sqlite
    }

    fn physical(&self, table: &TableDef) -> Result<TableDef> {
        let dialect = *self;
        let columns = table.columns.iter().map(|column| physical_column(dialect, table, column)).collect::<Result<Vec<_>>>()?;
        let implicit = |index: &IndexDef| {
            dialect.is_mysql() && !index.unique && table.foreign_keys.iter().any(|key| key.name.is_some() && key.name == index.name)
        };
        let indexes = table.indexes.iter().filter(|index| !implicit(index)).filter_map(|index| physical_index(dialect, table, index));
        let check = |check: &CheckDef| CheckDef { name: check.name.clone(), expression: canonical(dialect, &check.expression).into() };
        Ok(TableDef {
            name: table.name.clone(),
            columns,
            primary_key: table.primary_key.clone(),
            foreign_keys: table.foreign_keys.iter().map(|key| physical_key(dialect, table, key)).collect(),
            indexes: indexes.collect(),
            checks: table.checks.iter().map(check).collect(),
            comment: table.comment.clone().filter(|_| dialect != Dialect::Sqlite),
            options: words::of_table(dialect, table).map(|text| Name::Owned(text.to_owned())),
            made_with: None,
            renamed_from: None,
        })
    }

    fn refuses(&self, table: &TableDef) -> Option<String> {
        if self.is_mysql() { refused_check(*self, table).or_else(|| refused_computation(*self, table)) } else { None }
    }

    fn query(&self, query: &str) -> String {
        canonical_query(query)
    }
}

/// MySQL and MariaDB let no check name a column whose values come without a statement: one that counts by itself, or one that a foreign key changes.
fn refused_check(dialect: Dialect, table: &TableDef) -> Option<String> {
    let own = |column: &TableColumn| column.check.as_ref().map(|check| (column.name.clone(), check.clone()));
    let checks =
        table.checks.iter().map(|check| (check.name.clone(), check.expression.clone())).chain(table.columns.iter().filter_map(own));
    for (name, expression) in checks {
        let text = canonical(dialect, &expression);
        for column in table.columns.iter().filter(|column| text.contains(&format!("[{}]", column.name.to_lowercase()))) {
            let changes = |key: &&ForeignKeyDef| {
                key.columns.contains(&column.name)
                    && (matches!(key.on_delete, Some(Action::SetNull | Action::SetDefault))
                        || matches!(key.on_update, Some(Action::Cascade | Action::SetNull | Action::SetDefault)))
            };
            let why = match table.foreign_keys.iter().find(changes) {
                Some(key) => format!("the foreign key to {} changes (ON UPDATE CASCADE, ON DELETE SET NULL, ..)", key.table.name),
                None if column.auto_increment => "counts by itself".to_owned(),
                None => continue,
            };
            return Some(format!(
                "the check {name} of {} names the column {}, which {why}, and MySQL and MariaDB refuse that: take the column out of the check, or say --dialect where the \
                 project has no such database",
                table.name, column.name
            ));
        }
    }
    None
}

/// Nor does a computed column name a column that counts by itself, and a unique key among some rows has one that computes its condition.
fn refused_computation(dialect: Dialect, table: &TableDef) -> Option<String> {
    let filters = table.indexes.iter().filter(|index| index.unique).filter_map(|index| {
        let filter = index.filter.as_ref()?;
        Some((format!("the condition of the unique index {}", index.name_in(&table.name)), filter))
    });
    let computed = table.columns.iter().filter_map(|column| {
        let generated = column.generated.as_ref()?;
        Some((format!("the computed column {}", column.name), &generated.expression))
    });
    let counts: Vec<&TableColumn> = table.columns.iter().filter(|column| column.auto_increment).collect();
    filters.chain(computed).find_map(|(what, expression)| {
        let text = canonical(dialect, expression);
        let column = counts.iter().find(|column| text.contains(&format!("[{}]", column.name.to_lowercase())))?;
        Some(format!(
            "{what} of {} names the column {}, which counts by itself, and MySQL and MariaDB refuse that: take the column out of it, or say --dialect where the project \
             has no such database",
            table.name, column.name
        ))
    })
}

/// An expression in one spelling. MariaDB writes quotes inside of texts with a backslash.
fn canonical(dialect: Dialect, text: &str) -> String {
    if dialect.is_mysql() && text.contains('\\') {
        return canonical_text(&text.replace("\\\\", "\\").replace("\\'", "''"));
    }
    canonical_text(text)
}

fn enum_of(ty: &ColumnType) -> Option<&Arc<EnumDef>> {
    match ty {
        ColumnType::Enum(definition) => Some(definition),
        ColumnType::Array(element) => enum_of(element),
        _ => None,
    }
}

fn physical_column(dialect: Dialect, table: &TableDef, column: &TableColumn) -> Result<TableColumn> {
    let spelt = match &column.db_type {
        Some(own) => canonical_type(dialect, own),
        None => canonical_type(dialect, &type_name(&column.ty, dialect, column.in_key)?),
    };
    let ty = if dialect == Dialect::Sqlite {
        column.ty.clone()
    } else {
        let named = |name: &str| enum_of(&column.ty).filter(|known| dialect.is_mysql() || known.name == name).cloned();
        match &column.ty {
            ColumnType::Enum(_) if column.db_type.is_none() => column.ty.clone(),
            _ => column_type(dialect, &spelt, &named),
        }
    };
    let check = match (&column.check, &column.db_type) {
        (Some(check), _) => Some(canonical(dialect, check).into()),
        (None, None) => implied_check(column, dialect)?.map(|check| canonical(dialect, &check).into()),
        (None, Some(_)) => None,
    };
    let in_key = table.primary_key.contains(&column.name);
    let counts = column.auto_increment && (dialect != Dialect::Sqlite || table.primary_key.len() == 1 && in_key);
    let generated = column.generated.as_ref().map(|one| Generated {
        expression: canonical(dialect, &one.expression).into(),
        stored: one.stored || dialect == Dialect::Postgres,
    });
    let default = if generated.is_some() || counts { None } else { default_text(column, dialect)? };
    Ok(TableColumn {
        db_type: Some(spelt.into()),
        nullable: if in_key { false } else { column.nullable || generated.is_some() },
        auto_increment: counts,
        default: default.and_then(|sql| canonical_default(dialect, &ty, &sql)).map_or(Default::None, |sql| Default::Db(sql.into())),
        generated,
        comment: column.comment.clone().filter(|_| dialect != Dialect::Sqlite),
        check,
        extra: words::of_column(dialect, column).map(|text| Name::Owned(text.to_owned())),
        ..TableColumn::new(column.name.clone(), ty)
    })
}

/// A default in one spelling: what a literal means to its type, not how it is written.
fn canonical_default(dialect: Dialect, ty: &ColumnType, sql: &str) -> Option<String> {
    let text = canonical(dialect, sql);
    if text == "null" {
        return None;
    }
    if dialect == Dialect::Sqlite {
        return Some(text);
    }
    let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    let literal = quoted.unwrap_or(&text);
    let meant = match ty {
        ColumnType::Bool => match literal {
            "1" | "t" | "true" => Some("1".to_owned()),
            "0" | "f" | "false" => Some("0".to_owned()),
            _ => None,
        },
        ty if ty.is_numeric() => literal.parse::<f64>().is_ok().then(|| canonical(dialect, literal)),
        ColumnType::Json(_) | ColumnType::Array(_) => quoted.and_then(|text| serde_json::from_str(text).ok()).map(|json| sorted(&json)),
        ColumnType::DateTime(_) => quoted.and_then(parse_instant).map(|instant| instant.to_rfc3339()),
        ColumnType::NaiveDateTime(_) => quoted.and_then(parse_naive).map(|instant| instant.to_string()),
        ColumnType::Time => quoted.map(|text| text.trim_end_matches('0').trim_end_matches('.').to_owned()),
        ColumnType::Uuid => quoted.map(str::to_lowercase),
        _ => None,
    };
    Some(meant.unwrap_or(text))
}

/// JSON with its keys in order: the server keeps them in one of its own.
fn sorted(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key:?}:{}", sorted(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn physical_key(dialect: Dialect, table: &TableDef, key: &ForeignKeyDef) -> ForeignKeyDef {
    let action = |action: Option<Action>| match action {
        None | Some(Action::NoAction | Action::Restrict) if dialect.is_mysql() => Some(Action::Restrict),
        None => Some(Action::NoAction),
        given => given,
    };
    ForeignKeyDef {
        // SQLite's keys cannot be asked for by name.
        name: (dialect != Dialect::Sqlite).then(|| key.name_in(&table.name)),
        columns: key.columns.clone(),
        table: key.table.clone(),
        target: key.target.clone(),
        on_delete: action(key.on_delete),
        on_update: action(key.on_update),
        deferrable: key.deferrable.filter(|_| !dialect.is_mysql()),
    }
}

/// Whether the primary key is the number of the row.
fn is_numbered(table: &TableDef) -> bool {
    let [key] = table.primary_key.as_slice() else { return false };
    let integer = |ty: &ColumnType| matches!(ty.bind().scalar, ScalarType::I16 | ScalarType::I32 | ScalarType::I64);
    table.columns.iter().any(|column| {
        column.name == *key && integer(&column.ty) && column.db_type.as_ref().is_none_or(|ty| ty.eq_ignore_ascii_case("integer"))
    })
}

/// `None` for an index that the database does not have.
fn physical_index(dialect: Dialect, table: &TableDef, index: &IndexDef) -> Option<IndexDef> {
    if !dialect.is_mysql()
        && let Some((columns, language)) = search::of_index(dialect, table, index)
    {
        // SQLite finds the rows of an index of words by their number.
        let kept = dialect == Dialect::Postgres || is_numbered(table);
        let language = language.filter(|language| language != "simple" && (dialect == Dialect::Postgres || language == "english"));
        let (name, method) = (Some(index.name_in(&table.name)), Some(Name::Borrowed("fulltext")));
        return kept.then(|| IndexDef { name, method, language: language.map(Name::Owned), ..IndexDef::on(columns) });
    }
    if dialect.is_mysql() && index.filter.is_some() && !index.unique {
        return None;
    }
    let postgres = dialect == Dialect::Postgres;
    let part = |part: &IndexPart| IndexPart {
        column: part.column.clone(),
        expression: part.expression.as_ref().map(|text| canonical(dialect, text).into()),
        direction: part.direction.filter(|direction| *direction == SortDirection::Descending),
        length: part.length.filter(|_| dialect.is_mysql()),
        operator_class: part.operator_class.clone().filter(|_| postgres),
        collation: part.collation.clone().filter(|_| postgres || dialect == Dialect::Sqlite),
        nulls: part.nulls.filter(|_| postgres),
    };
    let constraint = index.constraint && index.unique && !dialect.is_mysql();
    let method = index.method.as_deref().map(str::to_ascii_lowercase).filter(|method| match method.as_str() {
        "fulltext" | "spatial" => dialect.is_mysql(),
        "btree" => false,
        _ => postgres,
    });
    let filter = index.filter.as_ref().map(|filter| canonical(dialect, filter));
    Some(IndexDef {
        name: if constraint && dialect == Dialect::Sqlite { None } else { Some(index.name_in(&table.name)) },
        parts: index.parts.iter().map(part).collect(),
        unique: index.unique,
        constraint,
        filter: filter.map(Name::Owned),
        method: method.map(Name::Owned),
        include: if postgres { index.include.clone() } else { Vec::new() },
        extra: words::of_index(dialect, index).map(|text| Name::Owned(text.to_owned())),
        ..IndexDef::default()
    })
}

#[cfg(test)]
mod tests;
