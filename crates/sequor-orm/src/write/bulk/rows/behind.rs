//! What a database whose INSERT gives nothing back (MySQL) made of the rows of a bulk create: read by their keys, behind it.

use super::super::{BulkOptions, OnDuplicate, covered_key};
use super::answer::matched;
use super::counts_up;
use super::groups::Group;
use crate::db::Db;
use crate::load::KeyHash;
use crate::plan;
use crate::query::{Deleted, QueryState};
use crate::write::RowState;
use crate::write::insert::unknown;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, Lock, LockMode, LockWait};
use std::collections::HashMap;
use std::sync::Arc;

/// How many rows are read at once.
const PAGE: usize = 1_000;

/// Whether something of these rows is known to the database alone. A key that counts itself up is told beside the answer, unless rows may have met old ones.
pub(super) fn is_needed(db: &Db, model: &ModelDef, group: &Group, options: &BulkOptions) -> bool {
    if db.dialect().insert_returning() || !options.returning {
        return false;
    }
    let open = unknown(model, &group.positions, &group.rows);
    let is_counted = || counts_up(model, &group.positions) && model.primary_key == open;
    let meets = !group.fresh && !matches!(options.duplicates, OnDuplicate::Fail);
    meets || group.computed || !(open.is_empty() || is_counted())
}

/// Fills rows that are written with what the database holds. One that nothing tells from others stays as it was given.
pub(super) async fn fill(db: &Db, model: &Arc<ModelDef>, group: &mut Group, options: &BulkOptions) -> Result<()> {
    let by = match &options.duplicates {
        _ if group.fresh => model.primary_key.clone(),
        OnDuplicate::Update { key: Some(key), .. } => key.clone(),
        OnDuplicate::Update { key: None, .. } | OnDuplicate::Ignore => {
            covered_key(model, &group.positions).unwrap_or_else(|_| model.primary_key.clone())
        }
        OnDuplicate::Fail => model.primary_key.clone(),
    };
    let ignoring = !group.fresh && matches!(options.duplicates, OnDuplicate::Ignore);
    for rows in group.rows.chunks_mut(PAGE) {
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row, &by)).filter(|key| !key.iter().any(Value::is_null)).collect();
        if by.is_empty() || keys.is_empty() {
            continue;
        }
        let stored = read(db, model, (&by, keys), ignoring, options).await?;
        if ignoring {
            // As where the database gives them back itself: a row that is stored otherwise was left out, and has no key.
            let stored = stored.into_iter().map(|row| row.values.into_iter().map(Option::unwrap_or_default).collect()).collect();
            let found = matched(stored, rows, &group.positions);
            for (row, values) in rows.iter_mut().zip(found) {
                values.into_iter().for_each(|values| take(row, values.into_iter().map(Some)));
            }
            continue;
        }
        let places: HashMap<KeyHash, RowState> = stored.into_iter().map(|row| (KeyHash::new(&values_of(&row, &by)), row)).collect();
        let mut others = Vec::new();
        for (place, row) in rows.iter_mut().enumerate() {
            match places.get(&KeyHash::new(&values_of(row, &by))) {
                Some(found) => take(row, found.values.iter().cloned()),
                None => others.push(place),
            }
        }
        // What a collation calls equal: asked for one by one.
        for place in others {
            let key = values_of(&rows[place], &by);
            if key.iter().any(Value::is_null) {
                continue;
            }
            if let Some(found) = read(db, model, (&by, vec![key]), false, options).await?.pop() {
                take(&mut rows[place], found.values.into_iter());
            }
        }
    }
    Ok(())
}

/// The values of a row in some columns.
fn values_of(row: &RowState, positions: &[usize]) -> Vec<Value> {
    positions.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect()
}

fn take(row: &mut RowState, values: impl Iterator<Item = Option<Value>>) {
    row.computed.clear();
    for (place, value) in row.values.iter_mut().zip(values) {
        *place = value;
    }
}

/// The rows that have these values in these columns.
async fn read(
    db: &Db,
    model: &Arc<ModelDef>,
    (by, keys): (&[usize], Vec<Vec<Value>>),
    ignoring: bool,
    options: &BulkOptions,
) -> Result<Vec<RowState>> {
    let mut query = QueryState::new(model.clone());
    let exprs = by.iter().map(|position| Expr::Field(plan::field(model, *position))).collect();
    let binds = by.iter().map(|position| model.columns[*position].ty.bind()).collect();
    query.clauses.filters.push(Expr::InValues { exprs, rows: keys, binds, negated: false, scanned: false });
    query.clauses.unscoped = true;
    // Of a key among live rows a deleted row may have the same value.
    query.clauses.deleted = if model.key_condition(by).is_some() { Deleted::Hidden } else { Deleted::Included };
    if ignoring {
        // A row that was met and left as it is may be younger than the transaction's view of the others; its conflict has locked it already.
        query.clauses.lock = Some(Lock { mode: LockMode::Share, of: Vec::new(), wait: LockWait::Block });
    }
    crate::load::find_rows(db, query, options.write.site).await
}
