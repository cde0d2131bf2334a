//! What a database cascade will change, read and locked before it happens, so that listeners of changes miss nothing.

use super::super::{RowState, WriteOptions};
use super::tree::{keys_of, locked, within};
use crate::db::Db;
use crate::hook;
use crate::load::{KeyHash, find_rows};
use crate::query::{Deleted, QueryState};
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::schema::{Action, ForeignKeyDef, ModelDef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What happens to the row that a key points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It goes.
    Delete,
    /// Its key gets another value.
    Update,
}

/// A key by which the database changes rows of a model when something happens to the row pointed to.
pub(crate) struct Reach {
    pub(crate) child: Arc<ModelDef>,
    pub(crate) own: Vec<usize>,
    pub(crate) target: Vec<usize>,
    pub(crate) becomes: Becomes,
}

/// What becomes of a row whose key points to one that goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Becomes {
    /// It follows: it goes too, or gets the same key.
    Follows,
    /// Its key becomes NULL.
    Null,
    /// Its key becomes the default of its columns, which the database alone knows for certain.
    Default,
}

/// A row that a cascade changes: as it was, and as it will be.
pub(super) struct Cascaded {
    before: RowState,
    after: After,
}

/// What a row will be behind a cascade.
enum After {
    Gone,
    Changed(RowState),
    /// To be read once it happened.
    Unread,
}

/// Whether a deletion in a table changes rows of others about which somebody wants to know.
pub(super) fn is_heard(db: &Db, model: &ModelDef) -> bool {
    let all = db.registry().all();
    if !all.iter().any(|other| hook::captures(db, other)) {
        return false;
    }
    let (mut seen, mut waiting) = (HashSet::from([model.name.to_string()]), vec![model.clone()]);
    while let Some(model) = waiting.pop() {
        for reach in reaches(db, &model, &all, Event::Delete) {
            if hook::captures(db, &reach.child) {
                return true;
            }
            if reach.becomes == Becomes::Follows && seen.insert(reach.child.name.to_string()) {
                waiting.push((*reach.child).clone());
            }
        }
    }
    false
}

/// The keys that point to a model and make the database change rows.
pub(crate) fn reaches(db: &Db, model: &ModelDef, all: &[Arc<ModelDef>], event: Event) -> Vec<Reach> {
    let mut found = Vec::new();
    for table in db.registry().tables().iter() {
        let Some(child) = all.iter().find(|child| child.table == table.name && child.view.is_none()) else { continue };
        for key in table.foreign_keys.iter().filter(|key| key.table == model.table) {
            found.extend(reach(child, model, key, event));
        }
    }
    found
}

fn reach(child: &Arc<ModelDef>, model: &ModelDef, key: &ForeignKeyDef, event: Event) -> Option<Reach> {
    let action = match event {
        Event::Delete => key.on_delete,
        Event::Update => key.on_update,
    };
    let becomes = match action {
        Some(Action::Cascade) => Becomes::Follows,
        Some(Action::SetNull) => Becomes::Null,
        Some(Action::SetDefault) => Becomes::Default,
        Some(Action::Restrict | Action::NoAction) | None => return None,
    };
    let place = |model: &ModelDef, name: &sequor_core::Name| model.columns.iter().position(|column| column.column == *name);
    let own = key.columns.iter().map(|name| place(child, name)).collect::<Option<_>>()?;
    let target = key.target.iter().map(|name| place(model, name)).collect::<Option<_>>()?;
    Some(Reach { child: child.clone(), own, target, becomes })
}

/// Reads and locks all rows that the deletion of these will change through the database.
pub(super) async fn capture(db: &Db, rows: &[RowState], options: &WriteOptions) -> Result<Vec<Cascaded>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    if !is_heard(db, &first.model) {
        return Ok(Vec::new());
    }
    let all = db.registry().all();
    let mut seen: HashSet<(String, KeyHash)> = HashSet::new();
    for row in rows {
        seen.insert((row.model.name.to_string(), KeyHash::new(&row.stored_key()?)));
    }
    let (mut cascaded, mut waiting) = (Vec::new(), vec![rows.to_vec()]);
    while let Some(rows) = waiting.pop() {
        for reach in reaches(db, &rows[0].model, &all, Event::Delete) {
            let mut gone = Vec::new();
            for row in children(db, &rows, &reach, options).await? {
                let after = match reach.becomes {
                    Becomes::Default => After::Unread,
                    Becomes::Null => {
                        let mut after = row.clone();
                        reach.own.iter().for_each(|position| after.values[*position] = Some(Value::Null));
                        After::Changed(after)
                    }
                    Becomes::Follows => {
                        if !seen.insert((row.model.name.to_string(), KeyHash::new(&row.stored_key()?))) {
                            continue;
                        }
                        gone.push(row.clone());
                        After::Gone
                    }
                };
                cascaded.push(Cascaded { before: row, after });
            }
            if !gone.is_empty() {
                waiting.push(gone);
            }
        }
    }
    Ok(cascaded)
}

pub(crate) async fn children(db: &Db, rows: &[RowState], reach: &Reach, options: &WriteOptions) -> Result<Vec<RowState>> {
    let mut found = Vec::new();
    for rows in rows.chunks(1_000) {
        let keys = keys_of(rows, &reach.target);
        if keys.is_empty() {
            continue;
        }
        let mut query = QueryState::new(reach.child.clone());
        query.clauses.unscoped = true;
        query.clauses.deleted = Deleted::Included;
        query.clauses.filters.push(within(&reach.child, &reach.own, keys));
        found.extend(find_rows(db, locked(query), options.site).await?);
    }
    Ok(found)
}

/// Tells the listeners what the cascade did, the deepest rows first.
pub(super) async fn tell(db: &Db, cascaded: Vec<Cascaded>, options: &WriteOptions) -> Result<()> {
    let unread: Vec<&RowState> = cascaded.iter().filter(|row| matches!(row.after, After::Unread)).map(|row| &row.before).collect();
    let mut read = as_stored(db, &unread, options).await?.into_iter().rev();
    for Cascaded { before, after } in cascaded.into_iter().rev() {
        let after = match after {
            After::Gone => None,
            After::Changed(after) => Some(after),
            After::Unread => match read.next().flatten() {
                // One that goes by another key is told by that.
                None => continue,
                found => found,
            },
        };
        let operation = if after.is_some() { hook::Operation::Update } else { hook::Operation::Destroy };
        hook::changed_among_many(db, operation, Some(&before), after.as_ref(), options).await?;
    }
    Ok(())
}

/// Rows as they are stored now, by their keys; few statements for each model.
pub(crate) async fn as_stored(db: &Db, rows: &[&RowState], options: &WriteOptions) -> Result<Vec<Option<RowState>>> {
    let mut models: Vec<(Arc<ModelDef>, Vec<RowState>)> = Vec::new();
    for row in rows {
        match models.iter_mut().find(|(model, _)| model.name == row.model.name) {
            Some((_, list)) => list.push((*row).clone()),
            None => models.push((row.model.clone(), vec![(*row).clone()])),
        }
    }
    let mut stored = HashMap::new();
    for (model, rows) in models {
        for rows in rows.chunks(1_000) {
            let mut query = QueryState::new(model.clone());
            query.clauses.unscoped = true;
            query.clauses.deleted = Deleted::Included;
            query.clauses.filters.push(within(&model, &model.primary_key, keys_of(rows, &model.primary_key)));
            for row in find_rows(db, query, options.site).await? {
                stored.insert((model.name.to_string(), KeyHash::new(&row.stored_key()?)), row);
            }
        }
    }
    rows.iter().map(|row| Ok(stored.get(&(row.model.name.to_string(), KeyHash::new(&row.stored_key()?))).cloned())).collect()
}
