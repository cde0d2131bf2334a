//! [`diff`]: the changes that lead from one set of tables to another, in an order in which a database takes them.

use super::{Default, ForeignKeyDef, IndexDef, TableColumn, TableDef, TableName};
use crate::Name;
use crate::error::{Error, Result};
use crate::statement::Ddl;
use crate::types::{ColumnType, EnumDef};
use std::sync::Arc;

/// One change, and what it may lose.
#[derive(Clone, Debug)]
pub struct Change {
    /// The change.
    pub ddl: Ddl,
    /// What is gone afterwards: `table users`, `column users.age`; nothing for a change that keeps everything.
    pub loses: Option<String>,
}

/// What was renamed. Without an entry a table or column that is gone is dropped, and one that is new is made: names are never guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames {
    /// Tables: the old name, the new name.
    pub tables: Vec<(Name, Name)>,
    /// Columns: the table's new name, the old name, the new name.
    pub columns: Vec<(Name, Name, Name)>,
}

/// How a database takes changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// A table that exists is changed by making it anew (SQLite).
    pub rebuilds: bool,
    /// Enums are types with names (PostgreSQL).
    pub enum_types: bool,
}

/// The changes from one set of tables to another. `to` is in the order of [`super::tables`], parents first.
///
/// # Errors
/// `Usage` for what cannot be done without a decision of the developer: another primary key, labels of a named enum that are removed or reordered.
pub fn diff(from: &[TableDef], to: &[TableDef], renames: &Renames, ways: Ways) -> Result<Vec<Change>> {
    let mut plan = Plan { changes: Vec::new(), late: Vec::new(), renames, ways };
    if ways.enum_types {
        plan.enums(from, to)?;
    }
    for (place, table) in to.iter().enumerate() {
        match plan.old_table(from, table) {
            Some(old) => plan.table(old, table)?,
            None => plan.create(table, &to[place + 1..]),
        }
    }
    for (table, key) in std::mem::take(&mut plan.late) {
        plan.keep(Ddl::AddForeignKey { table, key });
    }
    for old in from.iter().rev() {
        if !to.iter().any(|table| plan.old_name(table) == old.name) {
            let ddl = Ddl::DropTable { table: old.name.clone(), if_exists: false, cascade: false };
            plan.lose(ddl, format!("table {}", old.name));
        }
    }
    if ways.enum_types {
        let kept = enums(to);
        for gone in enums(from).into_iter().filter(|old| !kept.iter().any(|new| new.name == old.name)) {
            plan.keep(Ddl::DropEnum { schema: None, name: gone.name.clone() });
        }
    }
    Ok(plan.changes)
}

/// The enum types of some tables, each once.
pub fn enums(tables: &[TableDef]) -> Vec<Arc<EnumDef>> {
    let mut found: Vec<Arc<EnumDef>> = Vec::new();
    for column in tables.iter().flat_map(|table| &table.columns) {
        let ty = match &column.ty {
            ColumnType::Array(element) => element,
            ty => ty,
        };
        if let ColumnType::Enum(definition) = ty
            && !found.iter().any(|known| known.name == definition.name)
        {
            found.push(definition.clone());
        }
    }
    found
}

struct Plan<'a> {
    changes: Vec<Change>,
    late: Vec<(TableName, ForeignKeyDef)>,
    renames: &'a Renames,
    ways: Ways,
}

impl Plan<'_> {
    fn keep(&mut self, ddl: Ddl) {
        self.changes.push(Change { ddl, loses: None });
    }

    fn lose(&mut self, ddl: Ddl, what: String) {
        self.changes.push(Change { ddl, loses: Some(what) });
    }

    fn old_name(&self, table: &TableDef) -> TableName {
        let renamed = self.renames.tables.iter().find(|(_, new)| *new == table.name.name);
        renamed.map_or_else(|| table.name.clone(), |(old, _)| TableName { schema: table.name.schema.clone(), name: old.clone() })
    }

    fn old_table<'t>(&self, from: &'t [TableDef], table: &TableDef) -> Option<&'t TableDef> {
        let name = self.old_name(table);
        from.iter().find(|old| old.name == name)
    }

    fn old_column(&self, table: &TableDef, column: &Name) -> Name {
        let renamed = self.renames.columns.iter().find(|(known, _, new)| *known == table.name.name && new == column);
        renamed.map_or_else(|| column.clone(), |(_, old, _)| old.clone())
    }

    fn enums(&mut self, from: &[TableDef], to: &[TableDef]) -> Result<()> {
        let known = enums(from);
        for new in enums(to) {
            let Some(old) = known.iter().find(|old| old.name == new.name) else {
                self.keep(Ddl::CreateEnum { schema: None, definition: (*new).clone() });
                continue;
            };
            let kept: Vec<&Name> = new.labels.iter().filter(|label| old.labels.contains(label)).collect();
            if kept != old.labels.iter().collect::<Vec<_>>() {
                return Err(Error::unsupported(format!(
                    "labels of the enum {} were removed or reordered, which no statement does: make a new type and cast the columns to it in a migration of your own",
                    new.name
                )));
            }
            for (place, label) in new.labels.iter().enumerate().filter(|(_, label)| !old.labels.contains(label)) {
                let after = place.checked_sub(1).map(|before| new.labels[before].clone());
                self.keep(Ddl::AddEnumLabel { schema: None, name: new.name.clone(), label: label.clone(), after });
            }
        }
        Ok(())
    }

    fn create(&mut self, table: &TableDef, later: &[TableDef]) {
        let mut made = table.clone();
        if !self.ways.rebuilds {
            let (late, now) = made.foreign_keys.into_iter().partition(|key| later.iter().any(|other| other.name == key.table));
            made.foreign_keys = now;
            self.late.extend(Vec::into_iter(late).map(|key| (table.name.clone(), key)));
        }
        self.keep(Ddl::CreateTable { table: Box::new(made), if_not_exists: false });
        for index in table.indexes.iter().filter(|index| !is_constraint(index)) {
            self.keep(Ddl::CreateIndex { table: table.name.clone(), index: index.clone(), if_not_exists: false });
        }
    }

    fn table(&mut self, old: &TableDef, new: &TableDef) -> Result<()> {
        if old.name != new.name {
            self.keep(Ddl::RenameTable { from: old.name.clone(), to: new.name.clone() });
        }
        let mut renamed = TableDef { name: new.name.clone(), ..named(old) };
        for column in &new.columns {
            let before = self.old_column(new, &column.name);
            if before != column.name && old.columns.iter().any(|known| known.name == before) {
                self.keep(Ddl::RenameColumn { table: new.name.clone(), from: before.clone(), to: column.name.clone() });
                rename_in(&mut renamed, &before, &column.name);
            }
        }
        if self.ways.rebuilds && needs_rebuild(&renamed, new) {
            let gone = renamed.columns.iter().find(|column| !new.columns.iter().any(|kept| kept.name == column.name));
            let loses = gone.map(|column| format!("column {}.{}", new.name, column.name));
            let ddl = Ddl::RebuildTable { from: Box::new(renamed), to: Box::new(new.clone()), renames: Vec::new() };
            self.changes.push(Change { ddl, loses });
            return Ok(());
        }
        if renamed.primary_key != new.primary_key {
            return Err(Error::unsupported(format!(
                "the primary key of {} changes from ({}) to ({}): write that migration by hand",
                new.name,
                renamed.primary_key.join(", "),
                new.primary_key.join(", ")
            )));
        }
        self.drop_parts(&renamed, new);
        self.columns(&renamed, new);
        self.add_parts(&renamed, new);
        Ok(())
    }

    fn columns(&mut self, old: &TableDef, new: &TableDef) {
        for (place, column) in new.columns.iter().enumerate() {
            match old.columns.iter().find(|known| known.name == column.name) {
                None => {
                    let after = place.checked_sub(1).map(|before| new.columns[before].name.clone());
                    self.keep(Ddl::AddColumn { table: new.name.clone(), column: Box::new(column.clone()), after });
                }
                Some(known) if !same_column(known, column) => {
                    let (from, to) = (Box::new(known.clone()), Box::new(column.clone()));
                    self.keep(Ddl::AlterColumn { table: new.name.clone(), from, to });
                }
                Some(_) => {}
            }
        }
        for gone in old.columns.iter().filter(|column| !new.columns.iter().any(|kept| kept.name == column.name)) {
            let ddl = Ddl::DropColumn { table: new.name.clone(), column: gone.name.clone() };
            self.lose(ddl, format!("column {}.{}", new.name, gone.name));
        }
    }

    fn drop_parts(&mut self, old: &TableDef, new: &TableDef) {
        for key in old.foreign_keys.iter().filter(|key| !new.foreign_keys.iter().any(|kept| same_key(old, key, new, kept))) {
            self.keep(Ddl::DropConstraint { table: new.name.clone(), name: key.name_in(&old.name) });
        }
        for check in old.checks.iter().filter(|check| !new.checks.contains(check)) {
            self.keep(Ddl::DropConstraint { table: new.name.clone(), name: check.name.clone() });
        }
        for index in old.indexes.iter().filter(|index| !new.indexes.iter().any(|kept| same_index(old, index, new, kept))) {
            let name = index.name_in(&old.name);
            self.keep(Ddl::DropIndex { table: new.name.clone(), name, constraint: is_constraint(index), if_exists: false });
        }
    }

    fn add_parts(&mut self, old: &TableDef, new: &TableDef) {
        for index in new.indexes.iter().filter(|index| !old.indexes.iter().any(|known| same_index(old, known, new, index))) {
            self.keep(Ddl::CreateIndex { table: new.name.clone(), index: index.clone(), if_not_exists: false });
        }
        for check in new.checks.iter().filter(|check| !old.checks.contains(check)) {
            self.keep(Ddl::AddCheck { table: new.name.clone(), check: check.clone() });
        }
        for key in new.foreign_keys.iter().filter(|key| !old.foreign_keys.iter().any(|known| same_key(old, known, new, key))) {
            self.late.push((new.name.clone(), key.clone()));
        }
    }
}

fn is_constraint(index: &IndexDef) -> bool {
    index.constraint && index.unique
}

fn same_column(one: &TableColumn, other: &TableColumn) -> bool {
    let default = |column: &TableColumn| match &column.default {
        Default::Value(value) => format!("{value:?}"),
        Default::Db(sql) => format!("({sql})"),
        // These are made by the program; the table has none.
        Default::None | Default::Generator(_) | Default::Function(_) => String::new(),
    };
    one.ty == other.ty
        && one.db_type == other.db_type
        && one.nullable == other.nullable
        && one.auto_increment == other.auto_increment
        && one.generated == other.generated
        && one.comment == other.comment
        && one.in_key == other.in_key
        && default(one) == default(other)
}

fn same_key(old: &TableDef, one: &ForeignKeyDef, new: &TableDef, other: &ForeignKeyDef) -> bool {
    let named = |key: &ForeignKeyDef, table: &TableDef| ForeignKeyDef { name: Some(key.name_in(&table.name)), ..key.clone() };
    named(one, old) == named(other, new)
}

fn same_index(old: &TableDef, one: &IndexDef, new: &TableDef, other: &IndexDef) -> bool {
    let named = |index: &IndexDef, table: &TableDef| IndexDef {
        name: Some(index.name_in(&table.name)),
        message: None,
        concurrently: false,
        ..index.clone()
    };
    named(one, old) == named(other, new)
}

/// Whether SQLite's ALTER TABLE is not enough: it adds nullable or defaulted columns, and nothing else of a table's own text.
fn needs_rebuild(old: &TableDef, new: &TableDef) -> bool {
    let added = |column: &&TableColumn| !old.columns.iter().any(|known| known.name == column.name);
    let constant = |column: &TableColumn| matches!(column.default, Default::Value(_));
    old.primary_key != new.primary_key
        || old.checks != new.checks
        || old.foreign_keys.len() != new.foreign_keys.len()
        || !old.foreign_keys.iter().all(|key| new.foreign_keys.iter().any(|kept| same_key(old, key, new, kept)))
        || old.columns.iter().any(|column| !new.columns.iter().any(|kept| kept.name == column.name && same_shape(column, kept)))
        || new
            .columns
            .iter()
            .filter(added)
            .any(|column| (!column.nullable && !constant(column)) || matches!(column.default, Default::Db(_)) || column.generated.is_some())
        || old.indexes.iter().chain(&new.indexes).filter(|index| is_constraint(index)).any(|index| {
            let both = [(old, &old.indexes), (new, &new.indexes)];
            !both.into_iter().all(|(table, known)| known.iter().any(|other| same_index(table, other, table, index)))
        })
}

/// The same column to a database whose types do not depend on keys.
fn same_shape(one: &TableColumn, other: &TableColumn) -> bool {
    same_column(
        &TableColumn { in_key: false, comment: None, ..one.clone() },
        &TableColumn { in_key: false, comment: None, ..other.clone() },
    )
}

/// A table whose keys and indexes say their names, so that they keep them when the table or a column gets another.
fn named(table: &TableDef) -> TableDef {
    let mut named = table.clone();
    for key in &mut named.foreign_keys {
        key.name = Some(key.name_in(&table.name));
    }
    for index in &mut named.indexes {
        index.name = Some(index.name_in(&table.name));
    }
    named
}

/// A column's new name wherever a table speaks of it; keys and indexes have their names already.
fn rename_in(table: &mut TableDef, from: &Name, to: &Name) {
    let change = |name: &mut Name| {
        if name == from {
            *name = to.clone();
        }
    };
    for key in &mut table.foreign_keys {
        key.columns.iter_mut().for_each(change);
    }
    for index in &mut table.indexes {
        index.include.iter_mut().for_each(change);
        index.parts.iter_mut().filter_map(|part| part.column.as_mut()).for_each(change);
    }
    table.primary_key.iter_mut().for_each(change);
    table.columns.iter_mut().for_each(|column| change(&mut column.name));
}

#[cfg(test)]
mod tests;
