//! Enum types with names: labels added, renamed, removed and moved.

use super::{Pair, Phase, Plan};
use crate::Name;
use crate::schema::description::enum_of;
use crate::schema::{Default, TableColumn, TableName};
use crate::statement::Ddl;
use crate::types::{ColumnType, EnumDef};
use crate::value::Value;
use std::sync::Arc;

/// An enum with the labels of both, so that values can move from one to the other.
pub(super) fn union(one: &ColumnType, other: &ColumnType) -> ColumnType {
    match (one, other) {
        (ColumnType::Enum(one), ColumnType::Enum(other)) => {
            let more = other.labels.iter().filter(|label| !one.labels.contains(label));
            let labels = one.labels.iter().chain(more).cloned().collect();
            ColumnType::Enum(Arc::new(EnumDef { name: other.name.clone(), labels }))
        }
        _ => other.clone(),
    }
}

/// The labels that an enum no longer has, in words.
pub(super) fn gone_labels(old: &ColumnType, new: &ColumnType) -> Option<String> {
    match (enum_of(old), enum_of(new)) {
        (Some(old), Some(new)) => gone(&old.labels, new),
        _ => None,
    }
}

fn gone(old: &[Name], new: &EnumDef) -> Option<String> {
    let gone: Vec<&str> = old.iter().filter(|label| !new.labels.contains(label)).map(AsRef::as_ref).collect();
    match gone.as_slice() {
        [] => None,
        [one] => Some(format!("label {one}")),
        many => Some(format!("labels {}", many.join(", "))),
    }
}

impl<'a> Plan<'a> {
    pub(super) fn enums(&mut self, pairs: &mut [Pair<'a>]) {
        for new in &self.to.enums {
            match self.from.enums.iter().find(|old| old.name == new.name) {
                None => self.keep(Phase::Enums, Ddl::CreateEnum { schema: None, definition: (**new).clone() }),
                Some(old) => self.labels(old, new, pairs),
            }
        }
        for gone in self.from.enums.iter().filter(|old| !self.to.enums.iter().any(|new| new.name == old.name)) {
            self.keep(Phase::DropEnums, Ddl::DropEnum { schema: None, name: gone.name.clone() });
        }
    }

    fn labels(&mut self, old: &EnumDef, new: &Arc<EnumDef>, pairs: &mut [Pair<'a>]) {
        let mut labels = old.labels.clone();
        for (from, to) in self.renames.labels_of(&new.name) {
            if let Some(label) = labels.iter_mut().find(|label| **label == from) {
                *label = to.clone();
                self.keep(Phase::Enums, Ddl::RenameEnumLabel { name: new.name.clone(), from, to });
            }
        }
        let kept: Vec<&Name> = new.labels.iter().filter(|label| labels.contains(label)).collect();
        let added: Vec<&Name> = new.labels.iter().filter(|label| !labels.contains(label)).collect();
        if kept != labels.iter().collect::<Vec<_>>() || self.is_default(new, &added) {
            return self.replace(&labels, new, pairs);
        }
        for (place, label) in new.labels.iter().enumerate().filter(|(_, label)| !labels.contains(label)) {
            let after = place.checked_sub(1).map(|before| new.labels[before].clone());
            let before = if after.is_none() { kept.first().map(|label| (*label).clone()) } else { None };
            self.keep(Phase::Enums, Ddl::AddEnumLabel { schema: None, name: new.name.clone(), label: label.clone(), after, before });
        }
    }

    /// PostgreSQL lets nobody use a label in the transaction that added it; a type that is made anew can be used at once.
    fn is_default(&self, definition: &EnumDef, added: &[&Name]) -> bool {
        let columns = self.to.tables.iter().flat_map(|table| &table.columns);
        columns.filter(|column| enum_of(&column.ty).is_some_and(|one| one.name == definition.name)).any(|column| match &column.default {
            Default::Value(Value::Text(text)) => added.iter().any(|label| **label == *text),
            Default::Value(_) | Default::Db(_) => !added.is_empty(),
            Default::None | Default::Generator(_) | Default::Function(_) => false,
        })
    }

    fn replace(&mut self, old: &[Name], new: &Arc<EnumDef>, pairs: &mut [Pair<'a>]) {
        let mut columns: Vec<(TableName, TableColumn)> = Vec::new();
        for pair in pairs {
            for column in &pair.new.columns {
                let of_type = |ty: &ColumnType| enum_of(ty).is_some_and(|one| one.name == new.name);
                if of_type(&column.ty) && pair.old.column(&column.name).is_some_and(|old| of_type(&old.ty)) {
                    columns.push((pair.new.name.clone(), column.clone()));
                    pair.touched.push(column.name.clone());
                }
            }
        }
        let aside = Name::Owned(format!("{}_old", new.name));
        // Columns that are dropped or become another type have it a little longer.
        self.keep(Phase::DropEnums, Ddl::DropEnum { schema: None, name: aside.clone() });
        let ddl = Ddl::ReplaceEnum { definition: (**new).clone(), old: aside, columns };
        match gone(old, new) {
            Some(gone) => self.lose(Phase::Enums, ddl, format!("{gone} of the enum {}", new.name)),
            None => self.keep(Phase::Enums, ddl),
        }
    }
}
