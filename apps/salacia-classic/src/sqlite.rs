//! SQLite by `rusqlite`: one connection, used off the runtime's threads.

use crate::rows::{Cell, Row, write_time};
use crate::sql::{Flavor, Param, Sql};
use async_trait::async_trait;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use salacia_log::{LogError, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
}

fn failed(error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::CannotOpen) => LogError::Unavailable(error.to_string()),
        _ => LogError::Failed(error.to_string()),
    }
}

impl Sqlite {
    pub fn open(url: &str) -> Result<Sqlite> {
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // `holds(text, part)`: SQLite's own LIKE knows case only in ASCII.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function("holds", 2, flags, |context| {
                let (text, part): (Option<String>, String) = (context.get(0)?, context.get(1)?);
                Ok(text.map(|text| text.to_lowercase().contains(&part.to_lowercase())))
            })
            .map_err(failed)?;
        Ok(Sqlite { connection: Arc::new(Mutex::new(connection)) })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static) -> Result<T> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await;
        done.map_err(|error| LogError::Failed(error.to_string()))?.map_err(failed)
    }
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        Ok(ToSqlOutput::Owned(match self {
            Param::Text(value) => Value::Text(value.clone()),
            Param::OptionalText(value) => text(value.clone()),
            Param::Int(value) => value.map_or(Value::Null, |number| Value::Integer(number.into())),
            Param::Big(value) => Value::Integer(*value),
            Param::Time(value) => Value::Text(write_time(*value)),
            Param::Uuid(value) => text(value.map(|id| id.to_string())),
            Param::Json(value) => text(value.as_ref().map(ToString::to_string)),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[async_trait]
impl crate::Database for Sqlite {
    fn flavor(&self) -> Flavor {
        Flavor::Sqlite
    }

    async fn rows(&self, sql: Sql) -> Result<Vec<Row>> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql.text)?;
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(&sql.params))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push((0..width).map(|index| row.get_ref(index).map(cell)).collect::<rusqlite::Result<Row>>()?);
            }
            Ok(all)
        })
        .await
    }

    async fn execute(&self, all: Vec<Sql>) -> Result<Vec<u64>> {
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let mut touched = Vec::with_capacity(all.len());
            for sql in all {
                let count = transaction.prepare_cached(&sql.text)?.execute(rusqlite::params_from_iter(&sql.params))?;
                touched.push(u64::try_from(count).unwrap_or(u64::MAX));
            }
            transaction.commit()?;
            Ok(touched)
        })
        .await
    }
}
