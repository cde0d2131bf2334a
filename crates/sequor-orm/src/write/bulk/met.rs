//! The rows that a bulk write meets: read before it where somebody wants to know of them, since its answer does not tell old rows from new ones.

use super::conflict::covered_key;
use super::{BulkOptions, OnDuplicate};
use crate::db::Db;
use crate::hook::{self, Operation};
use crate::load::KeyHash;
use crate::write::{RowState, parents};
use sequor_core::Value;
use sequor_core::error::Result;
use std::collections::{BTreeMap, HashMap};

/// The rows that a conflict is about to meet, as they are, locked: for listeners, and where they move to another parent.
pub(super) async fn met(db: &Db, rows: &[RowState], options: &BulkOptions) -> Result<Vec<RowState>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let model = &first.model;
    let wanted = match &options.duplicates {
        OnDuplicate::Fail => false,
        OnDuplicate::Ignore => hook::listens(db, model),
        OnDuplicate::Update { fields, .. } => hook::listens(db, model) || parents::moves(db, model, fields)?,
    };
    if !wanted {
        return Ok(Vec::new());
    }
    let mut keys: BTreeMap<Vec<usize>, Vec<Vec<Value>>> = BTreeMap::new();
    for row in rows {
        for key in met_by(db, row, options) {
            if let Some(values) = values_of(row, &key) {
                keys.entry(key).or_default().push(values);
            }
        }
    }
    let (mut met, mut known) = (Vec::new(), HashMap::new());
    for (key, values) in keys {
        for row in parents::locked(db, model, &key, values, &options.write).await? {
            if known.insert(KeyHash::new(&row.present_key()), ()).is_none() {
                met.push(row);
            }
        }
    }
    Ok(met)
}

/// The keys by which a row may meet an old one. Without any nothing is met, and where that is a mistake the write says so.
fn met_by(db: &Db, row: &RowState, options: &BulkOptions) -> Vec<Vec<usize>> {
    let named = match &options.duplicates {
        // MySQL's clause names no key: any of them meets.
        OnDuplicate::Update { .. } if db.dialect().is_mysql() => None,
        OnDuplicate::Update { key: Some(key), .. } => Some(key.clone()),
        OnDuplicate::Update { key: None, .. } => {
            let given: Vec<usize> = (0..row.values.len()).filter(|position| row.values[*position].is_some()).collect();
            Some(covered_key(&row.model, &given).unwrap_or_default())
        }
        OnDuplicate::Fail | OnDuplicate::Ignore => None,
    };
    let keys = named.map_or_else(|| row.model.unique_keys(), |key| vec![key]);
    keys.into_iter().filter(|key| !key.is_empty()).collect()
}

/// What a row has in these columns; a NULL meets nothing.
fn values_of(row: &RowState, key: &[usize]) -> Option<Vec<Value>> {
    key.iter().map(|position| row.values[*position].clone().filter(|value| !value.is_null())).collect()
}

/// Tells what became of the rows of a bulk write, and counts them where they belong. Where nobody read what a conflict clause met, it is counted anew.
pub(super) async fn created(db: &Db, stored: &[RowState], met: &[RowState], hooked: bool, options: &BulkOptions) -> Result<()> {
    let before: HashMap<KeyHash, &RowState> = met.iter().map(|row| (KeyHash::new(&row.present_key()), row)).collect();
    let old = |row: &RowState| before.get(&KeyHash::new(&row.present_key())).copied();
    let ignores = matches!(options.duplicates, OnDuplicate::Ignore);
    let left_out = if ignores { left_out(stored, met) } else { vec![false; stored.len()] };
    let told = || stored.iter().zip(&left_out).filter(|(_, left_out)| !**left_out).map(|(row, _)| (old(row), Some(row)));
    let (updated, new): (Vec<_>, Vec<_>) = told().partition(|(before, _)| before.is_some());
    for (operation, pairs) in [(Operation::Create, new), (Operation::Update, updated)] {
        if !hooked {
            hook::tell_all(db, operation, &pairs, &options.write).await?;
            continue;
        }
        for (before, after) in pairs {
            hook::tell(db, operation, before, after, &options.write).await?;
        }
    }
    if matches!(options.duplicates, OnDuplicate::Fail) {
        return hook::followed(db, stored.iter().map(|row| (None, Some(row))).collect(), &options.write).await;
    }
    match stored.first() {
        Some(first) => {
            parents::recount(db, &first.model, met, &options.write).await?;
            parents::recount(db, &first.model, stored, &options.write).await
        }
        None => Ok(()),
    }
}

/// Which rows are not there, since an old one has a key of theirs: some have no key of their own, others were given theirs beforehand.
fn left_out(stored: &[RowState], met: &[RowState]) -> Vec<bool> {
    let Some(first) = stored.first() else { return Vec::new() };
    let model = &first.model;
    let keys = model.unique_keys();
    // Of a key among live rows a deleted row may have the same value.
    let takes = |row: &&RowState, key: &[usize]| {
        model.key_condition(key).is_none() || !model.is_deleted(|position| row.values.get(position).cloned().flatten())
    };
    let hash = |row: &RowState, key: &[usize]| values_of(row, key).map(|values| KeyHash::new(&values));
    let taken_by = |key: &Vec<usize>| met.iter().filter(|row| takes(row, key)).filter_map(|row| Some((hash(row, key)?, ()))).collect();
    let taken: Vec<HashMap<KeyHash, ()>> = keys.iter().map(taken_by).collect();
    let is_left_out = |row: &RowState| {
        row.present_key().iter().any(Value::is_null)
            || keys.iter().zip(&taken).any(|(key, taken)| hash(row, key).is_some_and(|hash| taken.contains_key(&hash)))
    };
    stored.iter().map(is_left_out).collect()
}
