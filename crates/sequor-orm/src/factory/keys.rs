//! Unique keys: every row has one of its own, alone or of several columns.

use crate::write::RowState;
use sequor_core::schema::ModelDef;
use std::collections::HashSet;

/// The unique keys of a model, and those that are taken.
pub(super) struct Keys {
    groups: Vec<Vec<usize>>,
    taken: Vec<HashSet<String>>,
}

impl Keys {
    pub(super) fn of(model: &ModelDef) -> Keys {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut named: Vec<(String, Vec<usize>)> = Vec::new();
        for (position, column) in model.columns.iter().enumerate() {
            match column.unique.as_ref().map(|unique| unique.group.as_ref()) {
                None => {}
                Some(None) => groups.push(vec![position]),
                Some(Some(group)) => match named.iter_mut().find(|(known, _)| **known == **group) {
                    Some((_, positions)) => positions.push(position),
                    None => named.push((group.to_string(), vec![position])),
                },
            }
        }
        groups.extend(named.into_iter().map(|(_, positions)| positions));
        for index in model.indexes.iter().filter(|index| index.unique) {
            let column = |name: &str| model.columns.iter().position(|column| *column.name == *name || *column.column == *name);
            let positions: Option<Vec<usize>> = index.parts.iter().map(|part| column(part.column.as_ref()?)).collect();
            groups.extend(positions);
        }
        if model.primary_key.iter().all(|position| !model.columns[*position].auto_increment) {
            groups.push(model.primary_key.clone());
        }
        groups.retain(|group| !group.is_empty());
        Keys { taken: vec![HashSet::new(); groups.len()], groups }
    }

    /// Whether a column is a key by itself.
    pub(super) fn is_alone(&self, position: usize) -> bool {
        self.groups.iter().any(|group| group[..] == [position])
    }

    /// Whether these columns are a key, or hold one.
    pub(super) fn is_covered(&self, positions: &[usize]) -> bool {
        self.groups.iter().any(|group| group.iter().all(|position| positions.contains(position)))
    }

    /// Takes the keys of a row; false when one of them is taken. A key with a NULL in it is never.
    pub(super) fn take(&mut self, row: &RowState) -> bool {
        let mut found = Vec::new();
        for (place, group) in self.groups.iter().enumerate() {
            let values: Option<Vec<String>> = group
                .iter()
                .map(|position| row.values[*position].as_ref().filter(|value| !value.is_null()).map(|value| value.to_json().to_string()))
                .collect();
            let Some(values) = values else { continue };
            let key = values.join("\u{0}");
            if self.taken[place].contains(&key) {
                return false;
            }
            found.push((place, key));
        }
        for (place, key) in found {
            self.taken[place].insert(key);
        }
        true
    }
}
