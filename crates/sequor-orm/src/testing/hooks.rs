//! Hooks by name and kind, for tests that record them.

pub use crate::hook::HookSubject;

use crate::db::Db;
use crate::hook::{HookFn, HookKind};
use crate::query::{Place, bind_value};
use crate::write::RowState;
use sequor_core::error::Result;
use sequor_core::types::value_from_json;
use serde_json::Value as Json;
use std::sync::Arc;

/// Registers a hook of one model that gets whatever its kind works on.
pub fn record_hook(db: &Db, model: &str, kind: HookKind, name: &str, run: impl Fn(HookSubject<'_>) -> Result<()> + Send + Sync + 'static) {
    let run = Arc::new(run);
    let hook: HookFn = Arc::new(move |subject, _cx| {
        let result = run(subject);
        Box::pin(async move { result })
    });
    db.hook_table().register(Some(model), kind, name, hook);
}

fn assign_row(row: &mut RowState, values: &Json) -> Result<()> {
    for (name, value) in values.as_object().into_iter().flatten() {
        if let Some(position) = row.model.position(name) {
            row.values[position] = Some(value_from_json(&row.model.columns[position].ty, value.clone())?);
        }
    }
    Ok(())
}

/// Assigns values: to the row, to each row, or to what an update sets.
///
/// # Errors
/// `Decode` for a value that does not fit.
pub fn assign(subject: HookSubject<'_>, values: &Json) -> Result<()> {
    match subject {
        HookSubject::Row(row) => assign_row(row, values),
        HookSubject::Rows(rows) => rows.iter_mut().try_for_each(|row| assign_row(row, values)),
        HookSubject::Bulk(bulk) => {
            let model = bulk.query.model.clone();
            for (name, value) in values.as_object().into_iter().flatten() {
                if let Some(position) = model.position(name) {
                    let expr = bind_value(Place::new(&model, &()), Some(&model.columns[position].ty), value.clone())?;
                    bulk.set.retain(|(known, _)| *known != position);
                    bulk.set.push((position, expr));
                }
            }
            Ok(())
        }
        HookSubject::Query(_)
        | HookSubject::Found(_)
        | HookSubject::Change(_)
        | HookSubject::Failed(..)
        | HookSubject::Read(_)
        | HookSubject::Statement(_)
        | HookSubject::Moment => Ok(()),
    }
}

/// Adds a condition to the rows of a bulk write or a query.
///
/// # Errors
/// `Usage` for an unknown attribute or operator.
pub fn restrict(subject: HookSubject<'_>, filter: &Json) -> Result<()> {
    let query = match subject {
        HookSubject::Bulk(bulk) => &mut bulk.query,
        HookSubject::Query(query) => query,
        _ => return Ok(()),
    };
    let clauses = crate::query::clauses_from_json(&query.model, &(), serde_json::json!({ "where": filter }))?;
    query.clauses.merge(clauses);
    Ok(())
}
