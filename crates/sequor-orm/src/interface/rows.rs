//! Plain writes of rows: no hooks, no validation, nothing managed.

use super::QueryInterface;
use crate::model::plain;
use crate::query::{QueryState, clauses_from_json};
use crate::write::{BulkOptions, DestroyOptions, OnDuplicate, RowState, UpdateOptions, WriteOptions, bulk_create, destroy_all, update_all};
use sequor_core::error::{Error, Result};
use sequor_core::statement::Expr;
use sequor_core::types::value_from_json;
use serde_json::{Value as Json, json};
use std::sync::Arc;

impl QueryInterface {
    fn write(&self) -> WriteOptions {
        let mut write = WriteOptions::at(self.site);
        write.validate = false;
        write.hooks = false;
        write
    }

    /// Writes rows into a table, all or none; gives their number. Sequelize: `bulkInsert(table, rows)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// assert_eq!(schema.bulk_insert("pets", json!([{ "name": "Tom" }, { "name": "Kit", "age": 2 }])).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a column that is not there; constraint errors.
    pub async fn bulk_insert(&self, table: &str, rows: Json) -> Result<u64> {
        let Json::Array(list) = rows else { return Err(Error::usage("bulk_insert takes a list of rows")) };
        let model = Arc::new(self.db.reflect_def(table).await?);
        let mut made = Vec::with_capacity(list.len());
        for row in list {
            let Json::Object(map) = row else { return Err(Error::usage("a row is an object of values by column")) };
            let mut state = RowState::new(model.clone());
            for (name, value) in map {
                let position = model.position(&name).ok_or_else(|| model.unknown(&name))?;
                state.values[position] =
                    Some(value_from_json(&model.columns[position].ty, plain(value)).map_err(|error| error.at(table, Some(&name)))?);
            }
            made.push(state);
        }
        let count = u64::try_from(made.len()).unwrap_or(u64::MAX);
        let options =
            BulkOptions { write: self.write(), duplicates: OnDuplicate::Fail, individual_hooks: false, returning: false, records: false };
        bulk_create(&self.db, made, &options).await?;
        Ok(count)
    }

    async fn matching(&self, table: &str, filter: Json) -> Result<QueryState> {
        let model = Arc::new(self.db.reflect_def(table).await?);
        let mut query = QueryState::new(model.clone());
        *query.clauses = clauses_from_json(&model, &(), json!({ "where": filter }))?;
        Ok(query)
    }

    /// Sets values in the rows that match. Sequelize: `bulkUpdate(table, values, where)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// assert_eq!(schema.bulk_update("pets", json!({ "age": 4 }), json!({ "name": "Rex" })).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a column that is not there; constraint errors.
    pub async fn bulk_update(&self, table: &str, values: Json, filter: Json) -> Result<u64> {
        let query = self.matching(table, filter).await?;
        let Json::Object(values) = values else { return Err(Error::usage("bulk_update takes an object of values by column")) };
        let model = query.model.clone();
        let mut set = Vec::with_capacity(values.len());
        for (name, value) in values {
            let position = model.position(&name).ok_or_else(|| model.unknown(&name))?;
            let column = &model.columns[position];
            set.push((position, Expr::Value(value_from_json(&column.ty, plain(value))?, column.ty.bind())));
        }
        let options = UpdateOptions { write: self.write(), every_row: true, returning: false, individual_hooks: false };
        Ok(update_all(&self.db, query, set, &options).await?.0)
    }

    /// Deletes the rows that match. Sequelize: `bulkDelete(table, where)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/schema.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let schema = schema().await?;
    /// assert_eq!(schema.bulk_delete("pets", json!({ "age": { "$lt": 10 } })).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a column that is not there; constraint errors.
    pub async fn bulk_delete(&self, table: &str, filter: Json) -> Result<u64> {
        let query = self.matching(table, filter).await?;
        let options = DestroyOptions { write: self.write(), every_row: true, returning: false, individual_hooks: false };
        Ok(destroy_all(&self.db, query, &options).await?.0)
    }
}
