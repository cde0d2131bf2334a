//! [`Renames`]: what has another name now. Declared by models or asked for, never guessed.

use crate::Name;
use crate::error::{Error, Result};
use crate::schema::{Schema, TableDef, TableName};

/// What was renamed. Without an entry a table or column that is gone is dropped, and one that is new is made: names are never guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames {
    /// Tables: the old name, the new name.
    pub tables: Vec<(Name, Name)>,
    /// Columns: the table's new name, the old name, the new name.
    pub columns: Vec<(Name, Name, Name)>,
    /// Labels: the enum, the old label, the new label.
    pub labels: Vec<(Name, Name, Name)>,
}

impl Renames {
    /// Those that models declare by `renamed_from` and that have not happened yet.
    pub fn declared(from: &Schema, to: &Schema) -> Renames {
        let mut renames = Renames::default();
        let named = |schema: &Schema, like: &TableDef, name: &Name| {
            schema.tables.iter().any(|table| table.name.name == *name && table.name.schema == like.name.schema)
        };
        for table in &to.tables {
            if let Some(old) = &table.renamed_from
                && named(from, table, old)
                && !named(from, table, &table.name.name)
            {
                renames.tables.push((old.clone(), table.name.name.clone()));
            }
            let Some(known) = renames.old_table(from, table) else { continue };
            for column in &table.columns {
                if let Some(old) = &column.renamed_from
                    && known.column(old).is_some()
                    && known.column(&column.name).is_none()
                {
                    renames.columns.push((table.name.name.clone(), old.clone(), column.name.clone()));
                }
            }
        }
        renames
    }

    /// Adds one that was asked for: `users:people` for a table, `people.mail:email` for a column, `role.ADMIN:OWNER` for a label of an enum.
    ///
    /// # Errors
    /// `Migration` when there is nothing of the old name, or nothing of the new one.
    pub fn ask(&mut self, text: &str, from: &Schema, to: &Schema) -> Result<()> {
        let wrong = |what: &str| Error::migration(format!("--rename {}: {what}", text.escape_debug()));
        let (old, new) = text.split_once(':').ok_or_else(|| wrong("write old:new, table.old:new or enum.old:new"))?;
        let owned = |text: &str| Name::Owned(text.to_owned());
        let Some((place, old)) = old.split_once('.') else {
            if !from.tables.iter().any(|table| table.name.name == old) || !to.tables.iter().any(|table| table.name.name == new) {
                return Err(wrong("the old table is not in the snapshot, or the new one is no model's"));
            }
            self.tables.push((owned(old), owned(new)));
            return Ok(());
        };
        let new = new.strip_prefix(place).and_then(|rest| rest.strip_prefix('.')).unwrap_or(new);
        if let Some(table) = to.tables.iter().find(|table| table.name.name == place) {
            let known = self.old_table(from, table).is_some_and(|known| known.column(old).is_some());
            if !known || table.column(new).is_none() {
                return Err(wrong("the old column is not in the snapshot, or the new one is not in the model"));
            }
            self.columns.push((owned(place), owned(old), owned(new)));
            return Ok(());
        }
        let has = |schema: &Schema, label: &str| {
            schema.enums.iter().any(|one| one.name == place && one.labels.iter().any(|known| known == label))
        };
        if !has(from, old) || !has(to, new) {
            return Err(wrong("there is no such table, and no enum with these labels"));
        }
        self.labels.push((owned(place), owned(old), owned(new)));
        Ok(())
    }

    /// The way back.
    #[must_use]
    pub fn reversed(&self) -> Renames {
        let old_name = |new: &Name| self.tables.iter().find(|(_, known)| known == new).map_or_else(|| new.clone(), |(old, _)| old.clone());
        Renames {
            tables: self.tables.iter().map(|(old, new)| (new.clone(), old.clone())).collect(),
            columns: self.columns.iter().map(|(table, old, new)| (old_name(table), new.clone(), old.clone())).collect(),
            labels: self.labels.iter().map(|(name, old, new)| (name.clone(), new.clone(), old.clone())).collect(),
        }
    }

    /// The name that a table had.
    pub(super) fn old_name(&self, table: &TableName) -> TableName {
        let renamed = self.tables.iter().find(|(_, new)| *new == table.name);
        renamed.map_or_else(|| table.clone(), |(old, _)| TableName { schema: table.schema.clone(), name: old.clone() })
    }

    /// The name that a table has now.
    pub(super) fn new_name(&self, table: &TableName) -> TableName {
        let renamed = self.tables.iter().find(|(old, _)| *old == table.name);
        renamed.map_or_else(|| table.clone(), |(_, new)| TableName { schema: table.schema.clone(), name: new.clone() })
    }

    /// The table that this one was.
    pub(super) fn old_table<'t>(&self, from: &'t Schema, table: &TableDef) -> Option<&'t TableDef> {
        from.table(&self.old_name(&table.name))
    }

    /// The columns of a table that have other names now: old, new.
    pub(super) fn columns_of<'r>(&'r self, table: &'r Name) -> impl Iterator<Item = (&'r Name, &'r Name)> {
        self.columns.iter().filter(move |(known, ..)| known == table).map(|(_, old, new)| (old, new))
    }

    /// The labels of an enum that have other names now: old, new.
    pub(super) fn labels_of(&self, name: &Name) -> Vec<(Name, Name)> {
        self.labels.iter().filter(|(known, ..)| known == name).map(|(_, old, new)| (old.clone(), new.clone())).collect()
    }

    /// A description in the new names, so that only what changed differs. Keys and indexes keep the names that they have by their old ones.
    pub(super) fn applied_to(&self, old: &TableDef) -> TableDef {
        let mut table = old.clone();
        for key in &mut table.foreign_keys {
            key.name = Some(key.name_in(&old.name));
        }
        for index in &mut table.indexes {
            index.name = Some(index.name_in(&old.name));
        }
        table.name = self.new_name(&old.name);
        for key in &mut table.foreign_keys {
            key.table = self.new_name(&key.table);
            for (from, to) in self.columns_of(&key.table.name) {
                key.target.iter_mut().for_each(|name| rename(name, from, to));
            }
        }
        for (from, to) in self.columns_of(&table.name.name) {
            rename_in(&mut table.columns, &mut table.primary_key, from, to);
            for key in &mut table.foreign_keys {
                key.columns.iter_mut().for_each(|name| rename(name, from, to));
            }
            for index in &mut table.indexes {
                index.include.iter_mut().for_each(|name| rename(name, from, to));
                let columns = index.parts.iter_mut().filter_map(|part| part.column.as_mut());
                columns.for_each(|name| rename(name, from, to));
            }
        }
        table
    }
}

fn rename(name: &mut Name, from: &Name, to: &Name) {
    if name == from {
        *name = to.clone();
    }
}

fn rename_in(columns: &mut [crate::schema::TableColumn], key: &mut [Name], from: &Name, to: &Name) {
    columns.iter_mut().for_each(|column| rename(&mut column.name, from, to));
    key.iter_mut().for_each(|name| rename(name, from, to));
}
