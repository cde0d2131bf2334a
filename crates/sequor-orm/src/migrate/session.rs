//! [`Session`]: the connection that a migrator works on, statement by statement.

use crate::db::{Db, Pooled, Run, answered, asking, is_yes};
use sequor_core::driver::{Batch, Begin, Connection, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::value::Value;
use sequor_sql::Sql;
use std::panic::Location;

/// One connection: its own where the server has several, a loan of the pool on SQLite (whose memory is one connection). Or a handle, while a migration in Rust
/// runs: that of its transaction.
pub(crate) enum Session {
    Own(Box<dyn Connection>),
    Loan(Pooled),
    In(Db),
}

impl Session {
    pub(crate) async fn open(db: &Db) -> Result<Session> {
        if db.is_in_transaction() {
            return Err(Error::usage("migrations and catalogs cannot run inside a transaction: use the outer db"));
        }
        if let Some(schema) = &db.place.schema {
            return Err(Error::unsupported(format!(
                "migrations run in the schema of the connection, not in that of db.schema(\"{schema}\"): connect with that schema, or name it in the files"
            )));
        }
        Session::connect(db).await
    }

    /// A connection for statements that name the schema of their tables themselves.
    pub(crate) async fn connect(db: &Db) -> Result<Session> {
        if db.dialect().row_locks() {
            return Ok(Session::Own(db.direct().await?));
        }
        Ok(Session::Loan(db.borrow(Location::caller()).await?))
    }

    /// A connection of the pool, for reading.
    pub(crate) async fn loan(db: &Db) -> Result<Session> {
        Ok(Session::Loan(db.borrow(Location::caller()).await?))
    }

    fn connection(&mut self) -> Result<&mut Box<dyn Connection>> {
        match self {
            Session::Own(connection) => Ok(connection),
            Session::Loan(pooled) => pooled.get(),
            Session::In(_) => Err(Error::bug("a migrator that lent its connection to a migration uses it")),
        }
    }

    async fn run(&mut self, batch: Batch) -> Result<Vec<StepDone>> {
        match self {
            Session::In(db) => db.run(batch, Run { operation: "migrate", model: None, site: Location::caller(), write: true }).await,
            Session::Own(_) | Session::Loan(_) => self.connection()?.run(batch).await,
        }
    }

    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.connection()?.begin(Begin { immediate: true, ..Begin::default() }).await
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.connection()?.commit().await
    }

    /// Rolls back; a failure closes the connection, which does the same.
    pub(crate) async fn rollback(&mut self) {
        if let Ok(connection) = self.connection() {
            let _ = connection.rollback().await;
        }
    }

    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        match self {
            Session::In(db) => db.execute_sql_script(sql).await,
            Session::Own(_) | Session::Loan(_) => self.connection()?.execute_script(sql.to_owned()).await,
        }
    }

    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<()> {
        let step = Step { cache: false, ..Step::execute(sql.text, sql.params) };
        self.run(Batch::one(step)).await.map(|_| ())
    }

    pub(crate) async fn rows(&mut self, sql: Sql) -> Result<Vec<Vec<Value>>> {
        Ok(answered(self.run(asking(sql)).await?)?.rows)
    }

    /// Whether the first cell says yes.
    pub(crate) async fn says_yes(&mut self, sql: Sql) -> Result<bool> {
        Ok(is_yes(&self.rows(sql).await?))
    }

    pub(crate) async fn close(self) {
        match self {
            Session::Own(connection) => connection.close().await,
            Session::Loan(pooled) => drop(pooled),
            Session::In(_) => {}
        }
    }
}

/// A cell as text; nothing for NULL.
pub(crate) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::Null) | None => String::new(),
        Some(other) => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

/// A cell as a whole number; 0 for NULL.
pub(crate) fn number(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::I64(number)) => *number,
        Some(Value::Bool(value)) => i64::from(*value),
        other => text(other).parse().unwrap_or(0),
    }
}
