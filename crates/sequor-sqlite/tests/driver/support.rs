//! Connections, files that go away, and a sink that keeps what it is given.

use sequor_core::Value;
use sequor_core::driver::{Batch, Connection, Driver, Flow, Param, RowReader, RowSink, Step, StepDone};
use sequor_core::error::Result;
use sequor_core::types::{BindType, ColumnType};
use sequor_sqlite::{SqliteDriver, SqliteOptions};
use std::any::Any;
use std::path::PathBuf;

/// A database file that is removed at the end, with its companions.
pub struct File(pub PathBuf);

impl File {
    pub fn new() -> File {
        File(std::env::temp_dir().join(format!("sequor-sqlite-{}.db", uuid::Uuid::new_v4())))
    }

    pub fn driver(&self) -> SqliteDriver {
        SqliteDriver::new(SqliteOptions::file(&self.0))
    }

    pub async fn connect(&self) -> Box<dyn Connection> {
        self.driver().connect().await.unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

pub async fn memory() -> Box<dyn Connection> {
    SqliteDriver::new(SqliteOptions::memory()).connect().await.unwrap()
}

/// Keeps rows as values; pauses or stops after a number of them.
#[derive(Default)]
pub struct Keep {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    pub types: Option<Vec<ColumnType>>,
    pub pause_every: Option<usize>,
    pub stop_after: Option<usize>,
    pub headers: usize,
}

impl RowSink for Keep {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.headers += 1;
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let mut values = Vec::new();
        for index in 0..row.len() {
            values.push(match &self.types {
                Some(types) => row.value(index, &types[index])?,
                None => row.any(index)?,
            });
        }
        self.rows.push(values);
        if self.stop_after == Some(self.rows.len()) {
            return Ok(Flow::Stop);
        }
        Ok(if self.pause_every.is_some_and(|every| self.rows.len().is_multiple_of(every)) { Flow::Pause } else { Flow::Continue })
    }
}

pub fn keep(sink: Box<dyn RowSink>) -> Keep {
    *(sink as Box<dyn Any>).downcast::<Keep>().unwrap()
}

pub fn params(values: impl IntoIterator<Item = Value>) -> Vec<Param> {
    values.into_iter().map(|value| Param { value, bind: BindType::default() }).collect()
}

pub fn typed(value: impl Into<Value>, ty: &ColumnType) -> Param {
    Param { value: value.into(), bind: ty.bind() }
}

pub async fn run(connection: &mut dyn Connection, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<StepDone> {
    let step = Step::query(sql, params(values), Box::new(Keep::default()));
    Ok(connection.run(Batch::one(step)).await?.pop().unwrap())
}

pub async fn rows(connection: &mut dyn Connection, sql: &str, values: impl IntoIterator<Item = Value>) -> Vec<Vec<Value>> {
    keep(run(connection, sql, values).await.unwrap().sink).rows
}

pub async fn one(connection: &mut dyn Connection, sql: &str, values: impl IntoIterator<Item = Value>) -> Value {
    rows(connection, sql, values).await.remove(0).remove(0)
}

pub async fn script(connection: &mut dyn Connection, sql: &str) {
    connection.execute_script(sql.to_owned()).await.unwrap();
}

pub async fn fails(connection: &mut dyn Connection, sql: &str, values: impl IntoIterator<Item = Value>) -> sequor_core::Error {
    match run(connection, sql, values).await {
        Ok(_) => panic!("this should fail: {sql}"),
        Err(error) => error,
    }
}
