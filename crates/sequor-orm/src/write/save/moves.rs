//! Rows that the database changes because the key that they point to got another value: read and locked before, told after.

use crate::db::Db;
use crate::hook;
use crate::load::KeyHash;
use crate::write::delete::cascade::{Becomes, Event, Reach, as_stored, children, reaches};
use crate::write::{RowState, WriteOptions};
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The row whose key a child has.
#[derive(Clone, Copy)]
enum Parent {
    /// One of the rows that are written.
    Root(usize),
    /// A child that moves itself.
    Moved(usize),
}

/// A row that follows the key of its parents.
pub(crate) struct Moved {
    before: RowState,
    follows: Vec<(Parent, Arc<Reach>)>,
}

/// Whether other columns may point to one of these.
pub(crate) fn may_be_pointed_to(model: &ModelDef, positions: &[usize]) -> bool {
    positions.iter().any(|position| model.is_in_unique_key(*position))
}

/// Whether a change of these columns changes rows of other models about which somebody wants to know.
pub(crate) fn is_heard(db: &Db, model: &ModelDef, positions: &[usize]) -> bool {
    if !may_be_pointed_to(model, positions) {
        return false;
    }
    let all = db.registry().all();
    if !all.iter().any(|other| hook::captures(db, other)) {
        return false;
    }
    let mut seen = HashSet::from([(model.name.to_string(), positions.to_vec())]);
    let mut waiting = vec![(model.clone(), positions.to_vec())];
    while let Some((model, positions)) = waiting.pop() {
        for reach in reaches(db, &model, &all, Event::Update) {
            if !reach.target.iter().any(|target| positions.contains(target)) {
                continue;
            }
            if hook::captures(db, &reach.child) {
                return true;
            }
            if seen.insert((reach.child.name.to_string(), reach.own.clone())) {
                waiting.push(((*reach.child).clone(), reach.own));
            }
        }
    }
    false
}

fn key_of(row: &RowState, positions: &[usize]) -> KeyHash {
    let key: Vec<Value> = positions.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect();
    KeyHash::new(&key)
}

/// Reads and locks the rows that follow these columns of these rows.
pub(crate) async fn capture(db: &Db, rows: &[RowState], positions: &[usize], options: &WriteOptions) -> Result<Vec<Moved>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    if !is_heard(db, &first.model, positions) {
        return Ok(Vec::new());
    }
    let all = db.registry().all();
    let mut moved: Vec<Moved> = Vec::new();
    let mut known: HashMap<(String, KeyHash), usize> = HashMap::new();
    let roots = rows.iter().enumerate().map(|(place, row)| (Parent::Root(place), row.clone())).collect::<Vec<_>>();
    let mut waiting = vec![(roots, positions.to_vec())];
    while let Some((parents, positions)) = waiting.pop() {
        let model = parents[0].1.model.clone();
        for reach in reaches(db, &model, &all, Event::Update) {
            if !reach.target.iter().any(|target| positions.contains(target)) {
                continue;
            }
            let reach = Arc::new(reach);
            let places: HashMap<KeyHash, Parent> = parents.iter().map(|(place, row)| (key_of(row, &reach.target), *place)).collect();
            let rows: Vec<RowState> = parents.iter().map(|(_, row)| row.clone()).collect();
            let mut next = Vec::new();
            for child in children(db, &rows, &reach, options).await? {
                let Some(parent) = places.get(&key_of(&child, &reach.own)).copied() else { continue };
                let name = (child.model.name.to_string(), KeyHash::new(&child.stored_key()?));
                let fresh = moved.len();
                let place = *known.entry(name).or_insert(fresh);
                if place == fresh {
                    moved.push(Moved { before: child.clone(), follows: Vec::new() });
                    next.push((Parent::Moved(place), child));
                }
                moved[place].follows.push((parent, reach.clone()));
            }
            if !next.is_empty() {
                waiting.push((next, reach.own.clone()));
            }
        }
    }
    Ok(moved)
}

/// Tells the listeners how the rows followed; `after` are the written rows in the order in which they were captured.
pub(crate) async fn tell(db: &Db, moved: Vec<Moved>, after: &[Option<&RowState>], options: &WriteOptions) -> Result<()> {
    let mut followed: Vec<RowState> = Vec::with_capacity(moved.len());
    for Moved { before, follows } in &moved {
        let mut row = before.clone();
        for (parent, reach) in follows {
            let parent = match parent {
                Parent::Root(place) => after.get(*place).copied().flatten(),
                Parent::Moved(place) => followed.get(*place),
            };
            let Some(parent) = parent else { continue };
            let moves = reach.own.iter().zip(&reach.target).any(|(own, target)| before.values[*own] != parent.values[*target]);
            for (own, target) in reach.own.iter().zip(&reach.target).filter(|_| moves) {
                row.values[*own] = if reach.becomes == Becomes::Follows { parent.values[*target].clone() } else { Some(Value::Null) };
            }
        }
        followed.push(row);
    }
    let defaults = |moved: &Moved| moved.follows.iter().any(|(_, reach)| reach.becomes == Becomes::Default);
    let unknown: Vec<usize> = (0..moved.len()).filter(|place| defaults(&moved[*place])).collect();
    let stored = as_stored(db, &unknown.iter().map(|place| &moved[*place].before).collect::<Vec<_>>(), options).await?;
    for (place, row) in unknown.into_iter().zip(stored) {
        followed[place] = row.unwrap_or_else(|| moved[place].before.clone());
    }
    for (Moved { before, .. }, row) in moved.iter().zip(&followed).filter(|(moved, row)| moved.before.values != row.values) {
        hook::changed_among_many(db, hook::Operation::Update, Some(before), Some(row), options).await?;
    }
    Ok(())
}
