//! Tables of a database that changes them by making them anew.

use super::columns::{has_default, same_column};
use super::{Pair, Phase, Plan};
use crate::Name;
use crate::schema::description::enum_of;
use crate::schema::{Default, IndexDef, TableColumn, TableDef};
use crate::statement::{CopyRule, Ddl};

impl<'a> Plan<'a> {
    /// Adds columns and indexes where that is enough, else makes the table anew.
    pub(super) fn in_place_or_anew(&mut self, pair: &mut Pair<'a>) {
        if needs_rebuild(pair) {
            return self.anew(pair);
        }
        for column in pair.new.columns.iter().filter(|column| pair.was.column(&column.name).is_none()) {
            let ddl = Ddl::AddColumn { table: pair.new.name.clone(), column: Box::new(column.clone()), after: None };
            self.keep(Phase::Columns, ddl);
        }
        self.parts(pair);
    }

    fn anew(&mut self, pair: &Pair<'a>) {
        let mut copies = Vec::new();
        let mut loses: Vec<String> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        for column in &pair.new.columns {
            let fill = self.fill(&pair.new.name.name, column);
            let Some((was, is)) = pair.was.column(&column.name).zip(pair.is.column(&column.name)) else {
                if !column.nullable && !has_default(column) {
                    match fill {
                        Some(fill) => {
                            copies.push(CopyRule { column: column.name.clone(), fill: Some(fill), labels: Vec::new(), cast: false })
                        }
                        None => {
                            notes.push(super::columns::missing_value(&pair.new.name.name, &column.name));
                        }
                    }
                }
                continue;
            };
            if was.generated.is_none() && is.generated.is_some() {
                loses.push(format!("column {}.{}", pair.new.name, column.name));
            }
            let cast = was.db_type != is.db_type;
            if cast {
                self.check_cast(pair, was, is);
            }
            let labels = enum_of(&column.ty).map(|definition| self.renames.labels_of(&definition.name)).unwrap_or_default();
            let fill = fill.filter(|_| was.nullable && !is.nullable);
            if let Some(old) = pair.old.column(&column.name)
                && let Some(gone) = super::enums::gone_labels(&old.ty, &column.ty).filter(|_| labels.is_empty())
            {
                loses.push(format!("{gone} of {}.{}", pair.new.name, column.name));
            }
            if fill.is_some() || cast || !labels.is_empty() {
                copies.push(CopyRule { column: column.name.clone(), fill, labels, cast });
            }
        }
        let gone = pair.old.columns.iter().filter(|column| pair.new.column(&column.name).is_none());
        loses.extend(gone.map(|column| format!("column {}.{}", pair.new.name, column.name)));
        let (from, to) = (Box::new(pair.old.clone()), Box::new(pair.new.clone()));
        self.phases[Phase::Columns as usize].push(super::Change {
            ddl: Ddl::RebuildTable { from, to, renames: Vec::new(), copies },
            loses: (!loses.is_empty()).then(|| loses.join(", ")),
            note: (!notes.is_empty()).then(|| notes.join(", ")),
        });
    }
}

/// Whether ALTER TABLE is not enough: it adds nullable or defaulted columns, and nothing else of a table's own text.
fn needs_rebuild(pair: &Pair<'_>) -> bool {
    let (was, is) = (&pair.was, &pair.is);
    let constant = |column: &TableColumn| matches!(column.default, Default::Value(_));
    let easy = |column: &TableColumn| {
        (column.nullable || constant(column))
            && !matches!(column.default, Default::Db(_))
            && column.generated.is_none()
            && !column.auto_increment
    };
    was.primary_key != is.primary_key
        || was.options != is.options
        || !same_members(&was.checks, &is.checks)
        || !same_members(&was.foreign_keys, &is.foreign_keys)
        || was.columns.iter().any(|column| !is.column(&column.name).is_some_and(|kept| same_column(column, kept)))
        || pair.new.columns.iter().any(|column| was.column(&column.name).is_none() && !easy(column))
        || !same_members(&constraints(was), &constraints(is))
}

fn constraints(table: &TableDef) -> Vec<(Vec<Name>, Option<Name>)> {
    let unique = |index: &&IndexDef| index.constraint && index.unique;
    let columns = |index: &IndexDef| index.parts.iter().filter_map(|part| part.column.clone()).collect();
    table.indexes.iter().filter(unique).map(|index| (columns(index), index.extra.clone())).collect()
}

fn same_members<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.len() == other.len() && one.iter().all(|member| other.contains(member))
}
