//! Columns of a table that is changed in place.

use super::{Cast, Pair, Phase, Plan, cast};
use crate::Name;
use crate::schema::{Default, Generator, TableColumn};
use crate::statement::{Ddl, Fill};
use crate::types::ColumnType;

/// Whether two columns are the same to the database that sees them so.
pub(super) fn same_column(one: &TableColumn, other: &TableColumn) -> bool {
    one.db_type == other.db_type
        && one.nullable == other.nullable
        && one.auto_increment == other.auto_increment
        && one.generated == other.generated
        && one.comment == other.comment
        && one.check == other.check
        && one.extra == other.extra
        && default_text(one) == default_text(other)
}

fn default_text(column: &TableColumn) -> Option<&str> {
    match &column.default {
        Default::Db(sql) => Some(sql),
        // Physical descriptions have nothing but SQL; the program's own defaults are none of the table's.
        Default::None | Default::Generator(_) | Default::Function(_) | Default::Value(_) => None,
    }
}

/// Whether the table itself gives new rows a value.
pub(super) fn has_default(column: &TableColumn) -> bool {
    matches!(column.default, Default::Value(_) | Default::Db(_)) || column.auto_increment || column.generated.is_some()
}

impl<'a> Plan<'a> {
    pub(super) fn columns(&mut self, pair: &mut Pair<'a>) {
        for (place, column) in pair.new.columns.iter().enumerate() {
            match pair.was.column(&column.name).zip(pair.is.column(&column.name)) {
                None => {
                    let after = place.checked_sub(1).map(|before| pair.new.columns[before].name.clone());
                    self.add_column(pair, column, after);
                }
                Some((was, is)) if was.generated != is.generated => {
                    pair.remade.push(column.name.clone());
                    self.remake(pair, column, was.generated.is_none());
                }
                Some((was, is)) if !same_column(was, is) => {
                    let (was, is) = (was.clone(), is.clone());
                    if was.db_type != is.db_type {
                        pair.touched.push(column.name.clone());
                        self.check_cast(pair, &was, &is);
                    }
                    self.alter_column(pair, column, was.nullable && !is.nullable);
                }
                Some(_) => {}
            }
        }
        for gone in pair.old.columns.iter().filter(|column| pair.new.column(&column.name).is_none()) {
            let ddl = Ddl::DropColumn { table: pair.new.name.clone(), column: gone.name.clone() };
            self.lose(Phase::Columns, ddl, format!("column {}.{}", pair.new.name, gone.name));
        }
    }

    /// A type may change when every value has its place, or when somebody said so.
    pub(super) fn check_cast(&mut self, pair: &Pair<'a>, was: &TableColumn, is: &TableColumn) {
        // A label that goes is told as a loss, and rows that have it make the database refuse.
        if let (ColumnType::Enum(_), ColumnType::Enum(_)) = (&was.ty, &is.ty) {
            return;
        }
        let (table, column) = (&pair.new.name.name, &is.name);
        let asked = self.asked.every_cast || self.asked.casts.iter().any(|(known, name)| known == table && name == column);
        let (old, new) = (was.db_type.as_deref().unwrap_or_default(), is.db_type.as_deref().unwrap_or_default());
        match cast(&was.ty, &is.ty) {
            Cast::Safe => {}
            Cast::Checked(_) | Cast::Lossy(_) if asked => {}
            Cast::Checked(_) if self.asked.checked && self.ways.is_strict() => {}
            Cast::Checked(what) | Cast::Lossy(what) => self.refused.push(format!(
                "{table}.{column} changes from {old} to {new}, and {what} would be refused or lost: say --cast {table}.{column} if there are none, or write that migration by hand"
            )),
            Cast::No => self.refused.push(format!(
                "{table}.{column} changes from {old} to {new}, which no cast does: add another column, move the values in a migration of your own, and drop the old one"
            )),
        }
    }

    /// What rows get that have no value in a column that shall have one.
    pub(super) fn fill(&self, table: &Name, column: &TableColumn) -> Option<Fill> {
        let given = self.asked.fills.iter().find(|(known, name, _)| known == table && *name == column.name);
        if let Some((_, _, sql)) = given {
            return Some(Fill::Sql(sql.clone()));
        }
        match &column.default {
            Default::Value(_) | Default::Db(_) => Some(Fill::Default),
            Default::Generator(Generator::Now) => Some(Fill::Now),
            Default::None | Default::Generator(_) | Default::Function(_) => self.asked.zeroes.then_some(Fill::Zero),
        }
    }

    fn add_column(&mut self, pair: &Pair<'a>, column: &TableColumn, after: Option<Name>) {
        let table = pair.new.name.clone();
        let add = |column: &TableColumn| Ddl::AddColumn { table: table.clone(), column: Box::new(column.clone()), after: after.clone() };
        if column.nullable || has_default(column) {
            return self.keep(Phase::Columns, add(column));
        }
        let fill = self.fill(&table.name, column);
        let note = missing_value(&table.name, &column.name);
        if fill.is_none() && !self.ways.keys_have_indexes() {
            return self.note(Phase::Columns, add(column), Some(note));
        }
        // MySQL would give the rows that are there an empty value without a word.
        let open = TableColumn { nullable: true, ..column.clone() };
        self.keep(Phase::Columns, add(&open));
        let filled = fill.is_some();
        if let Some(fill) = fill {
            self.keep(Phase::Columns, Ddl::FillNulls { table: table.clone(), column: Box::new(column.clone()), fill });
        }
        let ddl = Ddl::AlterColumn { table, from: Box::new(open), to: Box::new(column.clone()) };
        self.note(Phase::Columns, ddl, (!filled).then_some(note));
    }

    fn alter_column(&mut self, pair: &Pair<'a>, column: &TableColumn, closes: bool) {
        let table = pair.new.name.clone();
        let Some(old) = pair.old.column(&column.name) else { return };
        let labels = match (&old.ty, &column.ty) {
            (ColumnType::Enum(_), ColumnType::Enum(new)) if !self.ways.enum_types() => self.renames.labels_of(&new.name),
            _ => Vec::new(),
        };
        let mut old = old.clone();
        if !labels.is_empty() {
            let both = TableColumn { ty: super::enums::union(&old.ty, &column.ty), db_type: None, default: Default::None, ..old.clone() };
            let ddl = Ddl::AlterColumn { table: table.clone(), from: Box::new(old), to: Box::new(both.clone()) };
            self.keep(Phase::Columns, ddl);
            for (from, to) in labels {
                self.keep(Phase::Columns, Ddl::Relabel { table: table.clone(), column: column.name.clone(), from, to });
            }
            old = both;
        }
        let mut note = None;
        if closes {
            match self.fill(&table.name, column) {
                Some(fill) => {
                    let column = Box::new(TableColumn { ty: old.ty.clone(), db_type: old.db_type.clone(), ..column.clone() });
                    self.keep(Phase::Columns, Ddl::FillNulls { table: table.clone(), column, fill });
                }
                None => note = Some(missing_value(&table.name, &column.name)),
            }
        }
        let gone = super::enums::gone_labels(&old.ty, &column.ty).filter(|_| !self.ways.enum_types());
        let ddl = Ddl::AlterColumn { table, from: Box::new(old), to: Box::new(column.clone()) };
        match gone {
            Some(gone) => self.lose(Phase::Columns, ddl, format!("{gone} of {}.{}", pair.new.name, column.name)),
            None => self.note(Phase::Columns, ddl, note),
        }
    }

    /// A column that the database computes is dropped and added: there are no values of its own to keep.
    fn remake(&mut self, pair: &Pair<'a>, column: &TableColumn, had_values: bool) {
        let drop = Ddl::DropColumn { table: pair.new.name.clone(), column: column.name.clone() };
        match had_values {
            true => self.lose(Phase::Columns, drop, format!("column {}.{}", pair.new.name, column.name)),
            false => self.keep(Phase::Columns, drop),
        }
        self.add_column(pair, column, None);
    }
}

pub(super) fn missing_value(table: &Name, column: &Name) -> String {
    format!("rows without a value in {table}.{column} make this fail: say --fill {table}.{column}=SQL to give them one")
}
