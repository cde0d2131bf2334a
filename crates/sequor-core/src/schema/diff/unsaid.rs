//! What only the database says: options of tables, columns and indexes in its own words. Where the new description is silent, what is there stays, so that no
//! change takes it away by the by.

use super::{Pair, Renames};
use crate::schema::{IndexDef, Schema, TableColumn, TableDef};
use crate::types::ColumnType;

/// The new description, with what only the old one says: options of tables, columns and indexes in the database's own words.
pub fn told(from: &Schema, to: &Schema, renames: &Renames) -> Schema {
    let mut told = to.clone();
    for table in &mut told.tables {
        if let Some(old) = renames.old_table(from, table).filter(|old| says(old)) {
            tell(&renames.applied_to(old), table);
        }
    }
    told
}

/// Why a table whose options are others cannot be changed.
pub(super) fn other_options(pair: &Pair<'_>) -> String {
    let said = |table: &TableDef| table.options.as_deref().unwrap_or("nothing").to_owned();
    format!(
        "the options of {} differ ({} there, {} wanted), which cannot be changed without knowing the table: write that migration by hand (migrate new)",
        pair.new.name,
        said(&pair.was),
        said(&pair.is)
    )
}

fn says(table: &TableDef) -> bool {
    table.options.is_some()
        || table.columns.iter().any(|column| column.extra.is_some())
        || table.indexes.iter().any(|index| index.extra.is_some() || index.parts.iter().any(|part| part.nulls.is_some()))
}

fn tell(old: &TableDef, new: &mut TableDef) {
    if new.options.is_none() {
        new.options.clone_from(&old.options);
    }
    for column in new.columns.iter_mut().filter(|column| column.extra.is_none()) {
        if let Some(was) = old.column(&column.name).filter(|was| holds_for(was, column)) {
            column.extra.clone_from(&was.extra);
        }
    }
    for index in &mut new.indexes {
        let name = index.name_in(&new.name);
        let known =
            old.indexes.iter().find(|was| was.name_in(&old.name) == name || (was.unique && index.unique && same_columns(was, index)));
        if let Some(was) = known.filter(|was| same_columns(was, index)) {
            if index.extra.is_none() {
                index.extra.clone_from(&was.extra);
            }
            for (part, was) in index.parts.iter_mut().zip(&was.parts) {
                part.nulls = part.nulls.or(was.nulls.filter(|_| part.direction == was.direction));
            }
        }
    }
}

/// Whether what is said of a column can still be said of it: a character set goes with texts, a counter with counted keys.
fn holds_for(was: &TableColumn, is: &TableColumn) -> bool {
    kind(&was.ty) == kind(&is.ty) && was.auto_increment == is.auto_increment && (was.nullable == is.nullable || !is.nullable)
}

fn kind(ty: &ColumnType) -> u8 {
    match ty {
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) | ColumnType::CiText | ColumnType::Enum(_) | ColumnType::Uuid => 1,
        ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) => 2,
        ty if ty.is_numeric() => 3,
        _ => 4,
    }
}

fn same_columns(one: &IndexDef, other: &IndexDef) -> bool {
    one.parts.len() == other.parts.len() && one.parts.iter().zip(&other.parts).all(|(one, other)| one.column == other.column)
}
