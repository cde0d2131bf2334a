//! Indexes, checks and foreign keys of tables that are changed in place.

use super::{Pair, Phase, Plan, marked};
use crate::Name;
use crate::schema::{CheckDef, ForeignKeyDef, IndexDef, TableDef, shorten};
use crate::statement::Ddl;

/// Whether the database that sees a table so has an index of this name.
pub(super) fn has_index(table: &TableDef, name: &Name) -> bool {
    table.indexes.iter().any(|index| index.name.as_ref() == Some(name))
}

fn mentions(text: Option<&Name>, columns: &[Name]) -> bool {
    text.is_some_and(|text| columns.iter().any(|column| text.contains(&marked(column))))
}

/// Whether an index must be made again because of what happens to columns.
fn index_moves(index: &IndexDef, pair: &Pair<'_>) -> bool {
    let speaks = mentions(index.filter.as_ref(), &pair.touched)
        || index
            .parts
            .iter()
            .any(|part| mentions(part.expression.as_ref(), &pair.touched) || mentions(part.expression.as_ref(), &pair.remade));
    speaks
        || mentions(index.filter.as_ref(), &pair.remade)
        || index.parts.iter().any(|part| part.column.as_ref().is_some_and(|name| pair.remade.contains(name)))
}

fn check_moves(check: &CheckDef, pair: &Pair<'_>) -> bool {
    mentions(Some(&check.expression), &pair.touched) || mentions(Some(&check.expression), &pair.remade)
}

impl<'a> Plan<'a> {
    pub(super) fn parts(&mut self, pair: &mut Pair<'a>) {
        if !self.ways.rebuilds() {
            self.rename_indexes(pair);
            self.rename_checks(pair);
        }
        let dropped = |index: &IndexDef| index_moves(index, pair) || !pair.is.indexes.contains(index);
        for index in pair.was.indexes.iter().filter(|index| dropped(index)) {
            let name = index.name.clone().unwrap_or_default();
            let constraint = index.constraint && index.unique;
            let marker = Name::Owned(shorten(&format!("{name}_key"), 64));
            let search = index.is_full_text();
            self.keep(Phase::DropParts, Ddl::DropIndex { table: pair.old_name.clone(), name, constraint, search, if_exists: false });
            // MySQL's partial key has a column of its own.
            if index.filter.is_some() && self.ways.keys_have_indexes() {
                self.keep(Phase::DropParts, Ddl::DropColumn { table: pair.old_name.clone(), column: marker });
            }
        }
        for check in pair.was.checks.iter().filter(|check| check_moves(check, pair) || !pair.is.checks.contains(check)) {
            self.keep(Phase::DropParts, Ddl::DropConstraint { table: pair.old_name.clone(), name: check.name.clone() });
        }
        for index in &pair.new.indexes {
            let name = index.name_in(&pair.new.name);
            let Some(seen) = pair.is.indexes.iter().find(|seen| seen.name.as_ref() == Some(&name)) else { continue };
            if !pair.was.indexes.contains(seen) || index_moves(seen, pair) {
                self.keep(Phase::AddParts, Ddl::CreateIndex { table: pair.new.name.clone(), index: index.clone(), if_not_exists: false });
            }
        }
        for check in &pair.new.checks {
            let Some(seen) = pair.is.checks.iter().find(|seen| seen.name == check.name) else { continue };
            if !pair.was.checks.contains(seen) || check_moves(seen, pair) {
                self.keep(Phase::AddParts, Ddl::AddCheck { table: pair.new.name.clone(), check: check.clone() });
            }
        }
    }

    /// Indexes that differ in nothing but their names, as those of a renamed table do: making them anew would read every row, and let doubles in meanwhile.
    fn rename_indexes(&mut self, pair: &mut Pair<'a>) {
        for place in 0..pair.was.indexes.len() {
            let old = &pair.was.indexes[place];
            // MySQL's partial key has a column of its own, by its name.
            let hidden = old.filter.is_some() && self.ways.keys_have_indexes();
            if hidden || index_moves(old, pair) || pair.is.indexes.contains(old) {
                continue;
            }
            let like = |new: &&IndexDef| !pair.was.indexes.contains(new) && IndexDef { name: old.name.clone(), ..(*new).clone() } == *old;
            let Some(new) = pair.is.indexes.iter().find(like) else { continue };
            if let (Some(from), Some(to)) = (old.name.clone(), new.name.clone())
                && self.is_free(&to)
            {
                let (table, constraint) = (pair.new.name.clone(), old.constraint && old.unique);
                self.keep(Phase::Rename, Ddl::RenameIndex { table, from, to: to.clone(), constraint });
                pair.was.indexes[place].name = Some(to);
            }
        }
    }

    fn rename_checks(&mut self, pair: &mut Pair<'a>) {
        for place in 0..pair.was.checks.len() {
            let old = &pair.was.checks[place];
            if !self.ways.renames_constraints() || check_moves(old, pair) || pair.is.checks.contains(old) {
                continue;
            }
            let free = |name: &Name| !pair.was.checks.iter().any(|known| known.name == *name);
            let Some(new) = pair.is.checks.iter().find(|new| new.expression == old.expression && free(&new.name)) else { continue };
            let (table, from, to) = (pair.new.name.clone(), old.name.clone(), new.name.clone());
            self.keep(Phase::Rename, Ddl::RenameConstraint { table, from, to: to.clone() });
            pair.was.checks[place].name = to;
        }
    }

    /// Whether no index had this name: all of a schema's share one list of names on PostgreSQL.
    fn is_free(&self, name: &Name) -> bool {
        !self.from.tables.iter().any(|table| table.indexes.iter().any(|index| index.name_in(&table.name) == *name))
    }

    /// The keys of a table that differ in nothing but their names: the old name, the new one.
    fn renamed_keys(&self, pair: &Pair<'a>, pairs: &[Pair<'a>]) -> Vec<(Name, Name)> {
        let mut renamed: Vec<(Name, Name)> = Vec::new();
        for old in &pair.was.foreign_keys {
            if pair.is.foreign_keys.contains(old) || self.key_moves(old, pair, pairs) {
                continue;
            }
            let like = |new: &&ForeignKeyDef| {
                let free = |name: &Name| !pair.was.foreign_keys.iter().any(|known| known.name.as_ref() == Some(name));
                let taken = |name: &Name| renamed.iter().any(|(_, known)| known == name);
                new.name.as_ref().is_some_and(|name| free(name) && !taken(name))
                    && ForeignKeyDef { name: old.name.clone(), ..(*new).clone() } == *old
            };
            let new = pair.is.foreign_keys.iter().find(like).and_then(|new| new.name.clone());
            renamed.extend(old.name.clone().zip(new));
        }
        renamed
    }

    /// Keys of all tables, when it is known what happens to the columns at both ends.
    pub(super) fn foreign_keys(&mut self, pairs: &[Pair<'a>]) {
        for pair in pairs {
            let renamed = self.renamed_keys(pair, pairs);
            let (in_place, table) = (self.ways.renames_constraints(), &pair.new.name);
            for (from, to) in renamed.iter().filter(|_| in_place).cloned() {
                self.keep(Phase::Rename, Ddl::RenameConstraint { table: table.clone(), from, to });
            }
            let was_renamed = |key: &ForeignKeyDef| renamed.iter().find(|(old, _)| key.name.as_ref() == Some(old));
            let is_renamed = |key: &ForeignKeyDef| in_place && renamed.iter().any(|(_, new)| key.name.as_ref() == Some(new));
            for key in pair.was.foreign_keys.iter().filter(|key| !in_place || was_renamed(key).is_none()) {
                let stays = pair.is.foreign_keys.contains(key);
                if !stays || self.key_moves(key, pair, pairs) {
                    let name = key.name_in(&pair.was.name);
                    self.keep(Phase::DropKeys, Ddl::DropConstraint { table: pair.old_name.clone(), name });
                }
                if !stays && self.ways.keys_have_indexes() && !is_covered(key, &pair.was) && !takes_over(key, pair) {
                    // The key is made again, its index is not.
                    if let Some((from, to)) = was_renamed(key).filter(|_| !is_covered(key, &pair.is)).cloned() {
                        self.keep(Phase::Rename, Ddl::RenameIndex { table: table.clone(), from, to, constraint: false });
                        continue;
                    }
                    let (table, name) = (pair.old_name.clone(), key.name_in(&pair.was.name));
                    self.keep(Phase::DropParts, Ddl::DropIndex { table, name, constraint: false, search: false, if_exists: false });
                }
            }
            for (key, seen) in pair.new.foreign_keys.iter().zip(&pair.is.foreign_keys).filter(|(_, seen)| !is_renamed(seen)) {
                if !pair.was.foreign_keys.contains(seen) || self.key_moves(seen, pair, pairs) {
                    self.keep(Phase::AddKeys, Ddl::AddForeignKey { table: pair.new.name.clone(), key: key.clone() });
                }
            }
        }
    }

    /// Whether a key must be made again: a column at one of its ends becomes another type, or the key that it points to or its index is made again.
    fn key_moves(&self, key: &ForeignKeyDef, pair: &Pair<'a>, pairs: &[Pair<'a>]) -> bool {
        let moved = |pair: &Pair<'_>, names: &[Name]| names.iter().any(|name| pair.touched.contains(name) || pair.remade.contains(name));
        if moved(pair, &key.columns) {
            return true;
        }
        if self.ways.keys_have_indexes() && uncovered(key, pair) {
            return true;
        }
        let target = if key.table == pair.new.name { Some(pair) } else { pairs.iter().find(|other| other.new.name == key.table) };
        target.is_some_and(|target| {
            moved(target, &key.target)
                || (target.was.primary_key == key.target && target.is.primary_key != key.target)
                || target
                    .was
                    .indexes
                    .iter()
                    .any(|index| index.unique && columns_of(index) == key.target && !target.is.indexes.contains(index))
        })
    }
}

fn columns_of(index: &IndexDef) -> Vec<Name> {
    index.parts.iter().filter_map(|part| part.column.clone()).collect()
}

/// Whether an index of the table begins with the key's columns, so that the server made none of its own.
fn is_covered(key: &ForeignKeyDef, table: &TableDef) -> bool {
    table.primary_key.starts_with(&key.columns) || table.indexes.iter().any(|index| columns_of(index).starts_with(&key.columns))
}

/// Whether the index that a key leans on is dropped.
fn uncovered(key: &ForeignKeyDef, pair: &Pair<'_>) -> bool {
    pair.was
        .indexes
        .iter()
        .any(|index| columns_of(index).starts_with(&key.columns) && (!pair.is.indexes.contains(index) || index_moves(index, pair)))
        || (pair.was.primary_key.starts_with(&key.columns) && pair.was.primary_key != pair.is.primary_key)
}

/// Whether a new key over the same columns goes on with the index of an old one.
fn takes_over(key: &ForeignKeyDef, pair: &Pair<'_>) -> bool {
    pair.is.foreign_keys.iter().any(|other| other.columns == key.columns && other.name == key.name)
}
