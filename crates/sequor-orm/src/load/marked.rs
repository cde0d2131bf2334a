//! Selections read with the values of some columns of each row, behind which a cursor or a stream goes on.

use super::find_decoded;
use crate::db::Db;
use crate::plan;
use crate::query::QueryState;
use sequor_core::Value;
use sequor_core::driver::RowReader;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, SelectItem};
use sequor_core::types::ColumnType;
use std::panic::Location;
use std::sync::Arc;

/// Rows, and for each the values of the columns that were asked for.
pub(crate) type Marked<R> = (Vec<R>, Vec<Vec<Value>>);

/// Reads a selection and some columns of the model beside it.
pub(crate) async fn find_marked<R: Send + 'static>(
    db: Db,
    mut state: QueryState,
    decode: fn(&mut dyn RowReader) -> Result<R>,
    columns: Vec<usize>,
    site: &'static Location<'static>,
) -> Result<Marked<R>> {
    let model = state.model.clone();
    let select = state.clauses.select.get_or_insert_default();
    let start = select.len();
    select.extend(columns.iter().map(|column| SelectItem::new(Expr::Field(plan::field(&model, *column)))));
    let types: Arc<[ColumnType]> = columns.iter().map(|column| model.columns[*column].ty.clone()).collect();
    let read = move |row: &mut dyn RowReader| -> Result<(R, Vec<Value>)> {
        let marks = types.iter().enumerate().map(|(index, ty)| row.value(start + index, ty)).collect::<Result<_>>()?;
        Ok((decode(row)?, marks))
    };
    Ok(find_decoded(db, state, read, None, site).await?.0.into_iter().unzip())
}
