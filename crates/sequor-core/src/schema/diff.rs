//! [`diff`]: the changes that lead from one description to another, in an order in which a database takes them.

mod casts;
mod columns;
mod enums;
mod parts;
mod rebuild;
mod renames;
mod unsaid;

pub use casts::{Cast, cast};
pub use renames::Renames;
pub use unsaid::told;

use super::{OpaqueKind, Schema, TableDef, TableName, ViewDef};
use crate::Name;
use crate::error::{Error, Result};
use crate::statement::Ddl;
use std::collections::HashMap;

/// One change, and what it may lose.
#[derive(Clone, Debug)]
pub struct Change {
    /// The change.
    pub ddl: Ddl,
    /// What is gone afterwards: `table users`, `column users.age`; nothing for a change that keeps everything.
    pub loses: Option<String>,
    /// What somebody should know before it runs.
    pub note: Option<String>,
}

/// What somebody decided who knows the data.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Columns whose values may become another type although some may be refused: table and column.
    pub casts: Vec<(Name, Name)>,
    /// Every column may.
    pub every_cast: bool,
    /// Every column may whose values the database itself refuses when they do not fit.
    pub checked: bool,
    /// What stands for NULL in columns that are NOT NULL now: table, column, SQL.
    pub fills: Vec<(Name, Name, Name)>,
    /// Columns that would have no value get zero, the empty text, the first label: on the way back, where the values are lost.
    pub zeroes: bool,
}

/// How a database takes changes, and how it sees a table.
pub trait Ways {
    /// Whether a table that exists is changed by making it anew (SQLite).
    fn rebuilds(&self) -> bool;
    /// Whether enums are types with names (PostgreSQL).
    fn enum_types(&self) -> bool;
    /// Whether a foreign key has an index of its own, and a column that is NOT NULL fills itself silently (MySQL).
    fn keys_have_indexes(&self) -> bool;
    /// Whether keys and checks may have other names (PostgreSQL); elsewhere they are dropped and made again.
    fn renames_constraints(&self) -> bool;
    /// Whether a value of another type is refused, not kept as it is (all but SQLite).
    fn is_strict(&self) -> bool;
    /// A table in the database's own terms, so that two descriptions of the same are equal: types, defaults and expressions as canonical text, names filled
    /// in, what the database does not have left out. Columns stand in expressions as `[name]`, in lower case.
    fn physical(&self, table: &TableDef) -> Result<TableDef>;
    /// Why the database cannot have a table, where its word about it would come too late.
    fn refuses(&self, _table: &TableDef) -> Option<String> {
        None
    }
    /// A view's query as canonical text.
    fn query(&self, query: &str) -> String;
}

/// The changes from one description to another.
///
/// # Errors
/// `Migration` for what needs a decision of the developer, each with what to say: values that may not fit their new type.
pub fn diff(from: &Schema, to: &Schema, renames: &Renames, asked: &Asked, ways: &dyn Ways) -> Result<Vec<Change>> {
    let to = &told(from, to, renames);
    let mut plan = Plan { from, to, renames, asked, ways, phases: Default::default(), refused: Vec::new() };
    let mut pairs = plan.pairs()?;
    plan.refused.extend(to.tables.iter().filter_map(|table| ways.refuses(table)));
    if ways.enum_types() {
        plan.enums(&mut pairs);
    }
    for pair in &mut pairs {
        plan.table(pair);
    }
    if !ways.rebuilds() {
        plan.foreign_keys(&pairs);
    }
    plan.schemas(&pairs);
    plan.created(&pairs);
    plan.dropped();
    plan.views();
    plan.others();
    if !plan.refused.is_empty() {
        return Err(Error::migration(plan.refused.join("; ")));
    }
    Ok(plan.phases.into_iter().flatten().collect())
}

/// The order of changes.
#[derive(Clone, Copy)]
enum Phase {
    DropOthers,
    DropViews,
    DropKeys,
    DropParts,
    DropTables,
    Rename,
    Needed,
    Enums,
    Functions,
    Columns,
    PrimaryKeys,
    Create,
    AddParts,
    AddKeys,
    DropFunctions,
    DropEnums,
    Views,
    Triggers,
}

/// A table that was there and is there, both ways of looking at it.
struct Pair<'a> {
    new: &'a TableDef,
    /// The old name.
    old_name: TableName,
    /// The old description in the new names.
    old: TableDef,
    /// The old one as the database sees it.
    was: TableDef,
    /// The new one as the database sees it.
    is: TableDef,
    /// Columns whose type changes: keys, checks and partial indexes over them are made again.
    touched: Vec<Name>,
    /// Columns that are dropped and made again.
    remade: Vec<Name>,
}

struct Plan<'a> {
    from: &'a Schema,
    to: &'a Schema,
    renames: &'a Renames,
    asked: &'a Asked,
    ways: &'a dyn Ways,
    phases: [Vec<Change>; 18],
    refused: Vec<String>,
}

impl<'a> Plan<'a> {
    fn keep(&mut self, phase: Phase, ddl: Ddl) {
        self.phases[phase as usize].push(Change { ddl, loses: None, note: None });
    }

    fn lose(&mut self, phase: Phase, ddl: Ddl, what: String) {
        self.phases[phase as usize].push(Change { ddl, loses: Some(what), note: None });
    }

    fn note(&mut self, phase: Phase, ddl: Ddl, note: Option<String>) {
        self.phases[phase as usize].push(Change { ddl, loses: None, note });
    }

    fn pairs(&self) -> Result<Vec<Pair<'a>>> {
        let known: HashMap<&TableName, &TableDef> = self.from.tables.iter().map(|table| (&table.name, table)).collect();
        let mut pairs = Vec::with_capacity(self.to.tables.len());
        for new in &self.to.tables {
            let old_name = self.renames.old_name(&new.name);
            let Some(found) = known.get(&old_name) else { continue };
            let old = self.renames.applied_to(found);
            let mut was = self.ways.physical(&old)?;
            for (from, to) in self.renames.columns_of(&new.name.name) {
                rename_in_expressions(&mut was, from, to);
            }
            let is = self.ways.physical(new)?;
            pairs.push(Pair { new, old_name, old, was, is, touched: Vec::new(), remade: Vec::new() });
        }
        Ok(pairs)
    }

    fn table(&mut self, pair: &mut Pair<'a>) {
        if pair.old_name != pair.new.name {
            self.keep(Phase::Rename, Ddl::RenameTable { from: pair.old_name.clone(), to: pair.new.name.clone() });
        }
        for (from, to) in self.renames.columns_of(&pair.new.name.name) {
            if pair.old.column(to).is_some() {
                let ddl = Ddl::RenameColumn { table: pair.new.name.clone(), from: from.clone(), to: to.clone() };
                self.keep(Phase::Rename, ddl);
            }
        }
        if self.ways.rebuilds() {
            return self.in_place_or_anew(pair);
        }
        if pair.was.options != pair.is.options {
            self.refused.push(unsaid::other_options(pair));
        }
        self.columns(pair);
        if pair.was.primary_key != pair.is.primary_key {
            let (had, columns) = (!pair.was.primary_key.is_empty(), pair.new.primary_key.clone());
            self.keep(Phase::PrimaryKeys, Ddl::ChangePrimaryKey { table: pair.new.name.clone(), had, columns });
        }
        self.parts(pair);
    }

    /// Schemas that tables and views name and that none was in before. What else lies in a schema nobody knows here, so that it is never dropped.
    fn schemas(&mut self, pairs: &[Pair<'a>]) {
        let (from, to) = (self.from, self.to);
        if self.ways.rebuilds() {
            return;
        }
        let known = |schema: &Name| {
            let is_in = |name: &TableName| name.schema.as_ref() == Some(schema);
            from.tables.iter().any(|table| is_in(&table.name)) || from.views.iter().any(|view| is_in(&view.name))
        };
        let fresh = to.tables.iter().filter(|table| !pairs.iter().any(|pair| pair.new.name == table.name)).map(|table| &table.name);
        let mut named: Vec<&Name> = fresh.chain(to.views.iter().map(|view| &view.name)).filter_map(|name| name.schema.as_ref()).collect();
        named.sort();
        named.dedup();
        for schema in named.into_iter().filter(|schema| !known(schema)) {
            self.keep(Phase::Needed, Ddl::CreateSchema { name: schema.clone(), if_not_exists: true });
        }
    }

    /// Tables that were not there. A key to a table that is made later, or changed in the same plan, is added when everything stands.
    fn created(&mut self, pairs: &[Pair<'a>]) {
        for (place, table) in self.to.tables.iter().enumerate() {
            if pairs.iter().any(|pair| pair.new.name == table.name) {
                continue;
            }
            let mut made = table.clone();
            if !self.ways.rebuilds() {
                let later = &self.to.tables[place + 1..];
                let moving = |key: &super::ForeignKeyDef| {
                    later.iter().any(|other| other.name == key.table)
                        || pairs.iter().any(|pair| {
                            pair.new.name == key.table
                                && (pair.was.primary_key != key.target || key.target.iter().any(|name| pair.touched.contains(name)))
                        })
                };
                let (late, now): (Vec<_>, Vec<_>) = made.foreign_keys.into_iter().partition(moving);
                made.foreign_keys = now;
                for key in late {
                    self.keep(Phase::AddKeys, Ddl::AddForeignKey { table: table.name.clone(), key });
                }
            }
            self.keep(Phase::Create, Ddl::CreateTable { table: Box::new(made), if_not_exists: false });
            for index in table.indexes.iter().filter(|index| !(index.constraint && index.unique)) {
                if self.ways.physical(table).is_ok_and(|seen| parts::has_index(&seen, &index.name_in(&table.name))) {
                    self.keep(Phase::Create, Ddl::CreateIndex { table: table.name.clone(), index: index.clone(), if_not_exists: false });
                }
            }
        }
    }

    /// Tables that are gone, children first.
    fn dropped(&mut self) {
        let kept: Vec<TableName> = self.to.tables.iter().map(|table| self.renames.old_name(&table.name)).collect();
        let gone: Vec<&TableDef> = self.from.tables.iter().filter(|table| !kept.contains(&table.name)).collect();
        for (place, table) in gone.iter().enumerate() {
            let closes = |key: &&super::ForeignKeyDef| gone[place + 1..].iter().any(|other| other.name == key.table);
            for key in table.foreign_keys.iter().filter(closes).filter(|_| !self.ways.rebuilds()) {
                let name = key.name_in(&table.name);
                self.phases[Phase::DropKeys as usize].push(Change {
                    ddl: Ddl::DropConstraint { table: table.name.clone(), name },
                    loses: None,
                    note: None,
                });
            }
        }
        for table in gone.iter().rev() {
            let ddl = Ddl::DropTable { table: table.name.clone(), if_exists: false, cascade: false };
            self.lose(Phase::DropTables, ddl, format!("table {}", table.name));
        }
    }

    /// Views are made again when their query differs, or when a table under them changes in a way that a view forbids.
    fn views(&mut self) {
        let hard = !self.ways.rebuilds()
            && self.phases.iter().flatten().any(|change| {
                matches!(change.ddl, Ddl::AlterColumn { .. } | Ddl::DropColumn { .. } | Ddl::ReplaceEnum { .. } | Ddl::DropTable { .. })
            });
        let same = |one: &ViewDef, other: &ViewDef| {
            one.name == other.name && one.kept == other.kept && self.ways.query(&one.query) == self.ways.query(&other.query)
        };
        let stays = |one: &ViewDef, others: &[ViewDef]| !hard && others.iter().any(|other| same(one, other));
        let drop: Vec<&ViewDef> = self.from.views.iter().filter(|view| !stays(view, &self.to.views)).collect();
        let make: Vec<&ViewDef> = self.to.views.iter().filter(|view| !stays(view, &self.from.views)).collect();
        for view in drop.into_iter().rev() {
            self.keep(Phase::DropViews, Ddl::DropView(view.clone()));
        }
        for view in make {
            self.keep(Phase::Views, Ddl::CreateView(view.clone()));
        }
    }
}

impl Plan<'_> {
    /// Extensions, sequences and functions come before what uses them, triggers last. What belongs to a table that goes, goes with it; a function whose
    /// text is another is written over.
    fn others(&mut self) {
        let (from, to) = (self.from, self.to);
        for gone in from.others.iter().filter(|one| !one.is_among(&to.others)) {
            let table_stays = |name: &Name| to.tables.iter().any(|table| table.name.name == *name);
            let written_over = gone.kind == OpaqueKind::Function && to.others.iter().any(|one| one.is_named_as(gone));
            if gone.kind != OpaqueKind::Extension && !written_over && gone.table.as_ref().is_none_or(table_stays) {
                // The columns of a domain, and what uses a function, go first; a function before the types that it takes.
                let phase = match gone.kind {
                    OpaqueKind::Function => Phase::DropFunctions,
                    OpaqueKind::Domain => Phase::DropEnums,
                    OpaqueKind::Constraint => Phase::DropKeys,
                    _ => Phase::DropOthers,
                };
                self.lose(phase, Ddl::DropOther(gone.clone()), format!("{} {}", gone.kind.word(), gone.name));
            }
        }
        for new in to.others.iter().filter(|one| !one.is_among(&from.others)) {
            let phase = match new.kind {
                OpaqueKind::Trigger => Phase::Triggers,
                OpaqueKind::Function => Phase::Functions,
                OpaqueKind::Partition | OpaqueKind::Constraint => Phase::AddParts,
                OpaqueKind::Sequence | OpaqueKind::Extension | OpaqueKind::Domain => Phase::Needed,
            };
            self.keep(phase, Ddl::CreateOther(new.clone()));
        }
    }
}

/// How a column stands in a canonical expression.
fn marked(name: &str) -> String {
    format!("[{}]", name.to_lowercase())
}

fn rename_in_expressions(table: &mut TableDef, from: &Name, to: &Name) {
    let (old, new) = (marked(from), marked(to));
    let change = |text: &mut Name| {
        if text.contains(&old) {
            *text = text.replace(&old, &new).into();
        }
    };
    table.checks.iter_mut().for_each(|check| change(&mut check.expression));
    for index in &mut table.indexes {
        index.filter.iter_mut().for_each(change);
        index.parts.iter_mut().filter_map(|part| part.expression.as_mut()).for_each(change);
    }
    for column in &mut table.columns {
        column.check.iter_mut().for_each(change);
        column.generated.iter_mut().for_each(|generated| change(&mut generated.expression));
    }
}

#[cfg(test)]
mod tests;
