//! Rows of any shape as JSON or text.

use crate::db::{Db, Run};
use crate::load::{run_one, step, unsink};
use sequor_core::Value;
use sequor_core::driver::{Flow, Param, RowReader, RowSink};
use sequor_core::error::Result;
use sequor_core::types::{BindType, ScalarType};
use sequor_sql::Sql;
use std::panic::Location;

/// The rows of a statement with the names of their cells.
#[derive(Default)]
pub(super) struct AnyRows {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl RowSink for AnyRows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.rows.push((0..row.len()).map(|index| row.any(index)).collect::<Result<_>>()?);
        Ok(Flow::Continue)
    }
}

/// Runs a catalog query: cells as text.
pub(super) async fn texts(db: &Db, text: &str, params: &[&str], site: &'static Location<'static>) -> Result<Vec<Vec<Option<String>>>> {
    let params = params.iter().map(|param| Param { value: (*param).into(), bind: BindType::one(ScalarType::Text) }).collect();
    let run = Run { operation: "catalog", model: None, site, write: true };
    let sql = Sql { text: text.to_owned(), params };
    let found = unsink::<AnyRows>(run_one(db, step(sql, Box::new(AnyRows::default())), run).await?)?;
    Ok(found.rows.into_iter().map(|row| row.into_iter().map(text_of).collect()).collect())
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => match other.to_json() {
            serde_json::Value::String(text) => Some(text),
            json => Some(json.to_string()),
        },
    }
}
