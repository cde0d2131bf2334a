//! Connections and sinks for the tests.

use sequor_core::driver::{Batch, BatchMode, Connection, Driver, Flow, Param, Params, RowReader, RowSink, Step, StepDone};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Error, Result, Value};
use sequor_postgres::{PostgresDriver, PostgresOptions};
use std::any::Any;
use std::time::Duration;

/// Says something even where the test harness swallows what tests print.
pub fn shout(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "\n{text}");
}

/// The server's URL; says aloud that a test is skipped without one.
pub fn url() -> Option<String> {
    let url = std::env::var("SEQUOR_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        shout("SKIPPED: SEQUOR_POSTGRES_URL is not set, nothing was tested against PostgreSQL");
    }
    url
}

/// How often something is done: so often in the usual run, as often as `docs/reliability-cases.md` says in the long one.
pub fn sized<T>(usual: T, long: T) -> T {
    if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { long } else { usual }
}

/// Kilobytes of memory that this process has in use; 0 where the system does not say.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Runs a test on a runtime of its own, at most for a minute, in the long run for an hour.
pub fn on_server<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    let Some(url) = url() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(sized(60, 3600)), test(url)).await.expect("the test hangs") });
}

pub fn driver(url: &str) -> PostgresDriver {
    PostgresDriver::new(PostgresOptions::parse(url).unwrap())
}

pub async fn connect(url: &str) -> Box<dyn Connection> {
    driver(url).connect().await.unwrap()
}

/// Collects names and rows.
#[derive(Default)]
pub struct Collect {
    pub names: Vec<String>,
    pub announced: usize,
    pub rows: Vec<Vec<Value>>,
    /// What to say after so many rows.
    pub at: Option<(usize, Flow)>,
    /// Fail after so many rows.
    pub fail_at: Option<usize>,
}

impl RowSink for Collect {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.announced += 1;
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        if self.fail_at == Some(self.rows.len()) {
            return Err(Error::usage("the sink has had enough"));
        }
        self.rows.push((0..row.len()).map(|index| row.any(index)).collect::<Result<_>>()?);
        Ok(match self.at {
            Some((count, flow)) if count == self.rows.len() => flow,
            _ => Flow::Continue,
        })
    }
}

/// What a sink of a finished step collected.
pub fn collected(done: StepDone) -> Collect {
    let sink: Box<dyn Any> = done.sink;
    *sink.downcast::<Collect>().expect("the sink is a Collect")
}

pub fn param(value: impl Into<Value>, scalar: ScalarType) -> Param {
    Param { value: value.into(), bind: BindType::one(scalar) }
}

pub fn query(text: &str, params: Vec<Param>) -> Step {
    Step::query(text, params, Box::new(Collect::default()))
}

pub fn many(text: &str, lists: Vec<Vec<Param>>) -> Step {
    Step { text: text.into(), params: Params::Many(lists), sink: Box::new(Collect::default()), cache: true }
}

pub async fn rows(connection: &mut dyn Connection, text: &str, params: Vec<Param>) -> Result<Vec<Vec<Value>>> {
    let done = connection.run(Batch::one(query(text, params))).await?;
    Ok(collected(done.into_iter().next().unwrap()).rows)
}

pub async fn one(connection: &mut dyn Connection, text: &str) -> Value {
    let mut rows = rows(connection, text, Vec::new()).await.unwrap();
    rows.remove(0).remove(0)
}

pub async fn execute(connection: &mut dyn Connection, text: &str) -> Result<u64> {
    Ok(connection.run(Batch::one(Step::execute(text, Vec::new()))).await?.remove(0).affected)
}

pub fn batch(mode: BatchMode, steps: Vec<Step>) -> Batch {
    Batch { steps, mode }
}

pub fn code(error: &Error) -> &str {
    error.detail().and_then(|detail| detail.code.as_deref()).unwrap_or_default()
}
