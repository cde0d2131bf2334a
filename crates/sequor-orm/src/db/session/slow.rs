//! [`SlowQuery`]: which queries were slow, how often, from where, and how the database runs them.

use super::Run;
use crate::db::Db;
use crate::db::own::ask;
use chrono::{DateTime, Utc};
use sequor_core::driver::{Begin, Connection, Param, Params, Step};
use sequor_core::error::Result;
use sequor_core::value::Value;
use sequor_sql::session::{PlanSql, plan_of};
use sequor_sql::{Dialect, Sql};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many different queries are remembered.
const MOST: usize = 100;
/// The parameters of a statement are kept for its plan when they are no larger.
const SMALL: usize = 16 * 1024;
/// How long making a plan may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A query that was slow, with all its runs that were.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::options("sqlite::memory:").slow_query(millis(0)).connect().await?;
/// db.execute_sql_script("CREATE TABLE pets (name text)").await?;
/// db.query_as::<(i64,)>(sql!("SELECT count(*) FROM pets")).await?;
/// let slow = db.slow_queries();
/// assert!(slow.iter().any(|query| query.text.contains("count(*)") && query.count == 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct SlowQuery {
    /// The same for the same query, whatever its values and the length of its lists.
    pub fingerprint: String,
    /// The text of its last slow run; values are placeholders.
    pub text: String,
    /// `find`, `create`, ..
    pub operation: &'static str,
    /// The model.
    pub model: Option<String>,
    /// Where the program last asked for it: file, line and column.
    pub site: String,
    /// How often it was slow.
    pub count: u64,
    /// How often it failed thereby.
    pub failed: u64,
    /// How long all its slow runs took, in microseconds.
    pub total_micros: u64,
    /// How long the slowest took, in microseconds.
    pub longest_micros: u64,
    /// When it was last slow.
    pub last_at: DateTime<Utc>,
    /// How the database said it would run it; no values.
    pub plan: Option<String>,
}

/// One slow run.
pub(super) struct Slow {
    pub(super) fingerprint: String,
    pub(super) text: Arc<str>,
    pub(super) micros: u64,
    pub(super) failed: bool,
}

/// The slow queries of a database.
#[derive(Default)]
pub(in crate::db) struct SlowQueries {
    list: Mutex<HashMap<String, SlowQuery>>,
}

/// The parameters of the first statement, where they are small enough to be kept for its plan.
pub(super) fn keep(steps: &[Step]) -> Option<Vec<Param>> {
    let Params::Fixed(list) = &steps.first()?.params else { return None };
    let size: usize = list.iter().map(|param| size_of(&param.value)).sum();
    (size <= SMALL).then(|| list.clone())
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Json(_) => 256,
        Value::Array(list) => list.iter().map(size_of).sum(),
        _ => 16,
    }
}

/// A hash of a text without its comments, its placeholders' numbers and the length of its lists.
pub(super) fn fingerprint(text: &str) -> String {
    let hash = Sha256::digest(normal(text));
    hash.iter().take(8).fold(String::with_capacity(16), |mut shown, byte| {
        let _ = write!(shown, "{byte:02x}");
        shown
    })
}

/// `$1` and `?` become `?`, lists of them become one, `/* tags */` go.
fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'*') => {
                let mut last = ' ';
                for letter in letters.by_ref() {
                    if last == '*' && letter == '/' {
                        break;
                    }
                    last = letter;
                }
            }
            '$' => {
                while letters.next_if(char::is_ascii_digit).is_some() {}
                normal.push('?');
            }
            other => normal.push(other),
        }
    }
    for (list, one) in [("?, ?", "?"), ("(?), (?)", "(?)"), ("?,?", "?"), ("(?),(?)", "(?)")] {
        while normal.contains(list) {
            normal = normal.replace(list, one);
        }
    }
    normal.truncate(normal.trim_end().len());
    normal
}

impl SlowQueries {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, SlowQuery>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a slow run; asks for the plan once.
    pub(super) fn note(&self, db: &Db, slow: Slow, run: &Run, params: Option<Vec<Param>>) {
        let mut list = self.lock();
        if list.len() >= MOST && !list.contains_key(&slow.fingerprint) {
            let least = list.values().min_by_key(|query| query.total_micros).map(|query| query.fingerprint.clone());
            least.map(|least| list.remove(&least));
        }
        let query = list.entry(slow.fingerprint.clone()).or_insert_with(|| SlowQuery {
            fingerprint: slow.fingerprint.clone(),
            text: String::new(),
            operation: run.operation,
            model: run.model.as_deref().map(str::to_owned),
            site: String::new(),
            count: 0,
            failed: 0,
            total_micros: 0,
            longest_micros: 0,
            last_at: Utc::now(),
            plan: None,
        });
        query.text = slow.text.to_string();
        query.site = run.site.to_string();
        query.count += 1;
        query.failed += u64::from(slow.failed);
        query.total_micros = query.total_micros.saturating_add(slow.micros);
        query.longest_micros = query.longest_micros.max(slow.micros);
        query.last_at = Utc::now();
        // A text that failed may not even be one statement.
        let wanted = query.plan.is_none() && !slow.failed;
        drop(list);
        if let (true, Some(params)) = (wanted, params) {
            let db = db.detached();
            tokio::spawn(async move { db.explain_slow(slow, params).await });
        }
    }
}

impl Db {
    /// The queries that took longer than `slow_query(..)`, those first that took the most time in all; at most 100 different ones are remembered.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::options("sqlite::memory:").slow_query(millis(0)).connect().await?;
    /// for id in 0..3 {
    ///     db.query_as::<(i64,)>(sql!("SELECT {id}")).await?;
    /// }
    /// assert_eq!(db.slow_queries()[0].count, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn slow_queries(&self) -> Vec<SlowQuery> {
        let mut list: Vec<SlowQuery> = self.inner.slow.lock().values().cloned().collect();
        list.sort_by(|one, other| other.total_micros.cmp(&one.total_micros).then_with(|| one.fingerprint.cmp(&other.fingerprint)));
        list
    }

    /// Asks how the database runs a slow query, when a connection is free for that.
    async fn explain_slow(&self, slow: Slow, params: Vec<Param>) {
        let pool = &self.inner.pool;
        if !explainable(&slow.text) || pool.is_exhausted() {
            return;
        }
        let plan = plan_of(self.dialect(), &slow.text);
        let asked = async {
            let mut pooled = pool.acquire(Location::caller()).await?;
            explain(pooled.get()?, plan, params).await
        };
        let Ok(Ok(rows)) = tokio::time::timeout(LIMIT, asked).await else { return };
        let plan = rows.iter().map(|row| line(row, self.dialect())).collect::<Vec<_>>().join("\n");
        tracing::warn!(fingerprint = slow.fingerprint, plan, "plan of a slow query");
        if let Some(query) = self.inner.slow.lock().get_mut(&slow.fingerprint) {
            query.plan = Some(plan);
        }
    }
}

async fn explain(connection: &mut Box<dyn Connection>, plan: PlanSql, params: Vec<Param>) -> Result<Vec<Vec<Value>>> {
    let question = Sql { text: plan.ask, params: if plan.binds { params } else { Vec::new() } };
    let Some(after) = plan.after else { return ask(connection, question).await };
    connection.begin(Begin::default()).await?;
    let asked = async {
        for text in plan.before {
            ask(connection, Sql { text, params: Vec::new() }).await?;
        }
        ask(connection, question).await
    };
    let rows = asked.await;
    connection.rollback().await?;
    connection.execute_script(after.to_owned()).await?;
    rows
}

/// Whether EXPLAIN only plans it.
fn explainable(text: &str) -> bool {
    ["select", "insert", "update", "delete", "with"]
        .iter()
        .any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// A line of a plan. SQLite's first cells are numbers that only place it.
fn line(row: &[Value], dialect: Dialect) -> String {
    let cells = if dialect == Dialect::Sqlite { row.get(3..).unwrap_or_default() } else { row };
    let shown = cells.iter().map(|value| match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) => text.clone(),
        other => other.to_json().to_string(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_lengths_do_not_change_a_fingerprint() {
        let same = [
            "SELECT \"id\" FROM \"t\" WHERE \"a\" IN ($1, $2) AND \"b\" = $3",
            "SELECT \"id\" FROM \"t\" WHERE \"a\" IN ($1, $2, $3, $4) AND \"b\" = $5 /*route='%2Fx'*/",
            "SELECT \"id\" FROM \"t\" WHERE \"a\" IN (?) AND \"b\" = ?",
        ];
        assert!(same.iter().all(|text| fingerprint(text) == fingerprint(same[0])));
        assert_eq!(normal("INSERT INTO t VALUES (?, ?), (?, ?)"), "INSERT INTO t VALUES (?)");
        assert_ne!(fingerprint("SELECT a"), fingerprint("SELECT b"));
        assert_eq!(fingerprint("").len(), 16);
        assert_eq!(normal("SELECT 1 /* no end"), "SELECT 1");
    }
}
