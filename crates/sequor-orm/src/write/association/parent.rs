//! The one row that a `BelongsTo` points to: the key lies in the row itself, so that linking changes this row and never the other.

use super::{Side, equals, key_of, set_columns};
use crate::Value;
use crate::db::Db;
use crate::query::QueryState;
use crate::write::insert::bound;
use crate::write::{RowState, WriteOptions};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::sync::Arc;

/// The row itself as a query.
fn itself(parent: &RowState) -> Result<QueryState> {
    let model: &Arc<ModelDef> = &parent.model;
    let mut query = QueryState::new(model.clone());
    query.clauses.unscoped = true;
    query.clauses.filters = equals(model, &model.primary_key, &parent.stored_key()?);
    Ok(query)
}

/// Points the row to one row, or to none.
pub(super) async fn point(db: &Db, Side { parent, def, link }: Side<'_>, rows: &[RowState], options: &WriteOptions) -> Result<()> {
    let key = match rows {
        [] => vec![Value::Null; link.source.len()],
        [row] => key_of(row, &link.columns),
        _ => return Err(Error::usage(format!("{}.{} points to one row, not to {}", parent.model.name, def.name, rows.len()))),
    };
    let set = link.source.iter().zip(&key).map(|(position, value)| (*position, bound(&parent.model, *position, value))).collect();
    set_columns(db, itself(parent)?, set, options).await
}

/// Points the row to none, if it points to one of these now.
pub(super) async fn unpoint(db: &Db, Side { parent, link, .. }: Side<'_>, rows: &[RowState], options: &WriteOptions) -> Result<()> {
    for row in rows {
        let mut query = itself(parent)?;
        query.clauses.filters.extend(equals(&parent.model, &link.source, &key_of(row, &link.columns)));
        let set = link.source.iter().map(|position| (*position, bound(&parent.model, *position, &Value::Null))).collect();
        set_columns(db, query, set, options).await?;
    }
    Ok(())
}
