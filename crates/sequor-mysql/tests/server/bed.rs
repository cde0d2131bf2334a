//! A database of its own for each test, and short ways to run statements.

use sequor_core::driver::{Batch, BatchMode, Connection, Driver, Flow, Param, Params, Product, RowReader, RowSink, Step, StepDone};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Error, Result, Value};
use sequor_mysql::{MysqlDriver, MysqlOptions};
use std::any::Any;
use std::io::Write;

/// The options of the server under test, or nothing, aloud.
pub fn options(test: &str) -> Option<MysqlOptions> {
    match std::env::var("SEQUOR_MYSQL_URL") {
        Ok(url) if !url.is_empty() => Some(MysqlOptions::parse(&url).expect("SEQUOR_MYSQL_URL")),
        _ => {
            // Past the capture of the test harness: a skipped test must be seen.
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: SEQUOR_MYSQL_URL names no server");
            None
        }
    }
}

/// A database that is dropped and made anew.
pub struct Bed {
    pub options: MysqlOptions,
}

impl Bed {
    pub async fn new(options: MysqlOptions, name: &str) -> Bed {
        let mut connection = MysqlDriver::new(options.clone()).connect().await.expect("connect");
        let name = name.get(..50).unwrap_or(name);
        run(&mut *connection, &format!("drop database if exists `sequor_{name}`")).await.unwrap();
        run(&mut *connection, &format!("create database `sequor_{name}` character set utf8mb4")).await.unwrap();
        connection.close().await;
        Bed { options: options.database(Some(format!("sequor_{name}"))) }
    }

    pub async fn connect(&self) -> Box<dyn Connection> {
        MysqlDriver::new(self.options.clone()).connect().await.expect("connect")
    }
}

/// Whether this is MySQL, and not MariaDB: where the two have other words for the same.
pub fn is_mysql(connection: &dyn Connection) -> bool {
    connection.server().product == Product::Mysql
}

/// Makes what MariaDB has by itself: the numbers from 1 as the tables `seq_1_to_..`, stored up to a hundred thousand, made while they are read above.
pub async fn sequences(c: &mut dyn Connection, lengths: &[u64]) {
    if !is_mysql(c) {
        return;
    }
    let digits = (0..10).map(|digit| format!("row({digit})")).collect::<Vec<_>>().join(", ");
    run(c, &format!("create view digits as select column_0 as d from (values {digits}) as v")).await.unwrap();
    for length in lengths {
        let places = (length - 1).ilog10() + 1;
        let sum = (0..places).map(|place| format!("d{place}.d * {}", 10u64.pow(place))).collect::<Vec<_>>().join(" + ");
        let from = (0..places).map(|place| format!("digits d{place}")).collect::<Vec<_>>().join(", ");
        let select = format!("select {sum} + 1 as seq from {from} where {sum} < {length}");
        if *length <= 100_000 {
            run(c, &format!("create table seq_1_to_{length} (seq bigint primary key)")).await.unwrap();
            run(c, &format!("insert into seq_1_to_{length} {select}")).await.unwrap();
        } else {
            run(c, &format!("create view seq_1_to_{length} as {select}")).await.unwrap();
        }
    }
}

/// Asks for a counter of the server, or of the session where it has its own.
pub fn counter(c: &dyn Connection, name: &str) -> String {
    let schema = if is_mysql(c) { "performance_schema" } else { "information_schema" };
    format!("select cast(variable_value as signed) from {schema}.session_status where variable_name = '{name}'")
}

/// Whether a transaction is open that the session began, as an expression.
pub fn in_transaction(c: &dyn Connection) -> &'static str {
    if is_mysql(c) {
        "(select count(*) from performance_schema.events_transactions_current where thread_id = ps_current_thread_id() and state = 'ACTIVE' and autocommit = 'NO')"
    } else {
        "@@in_transaction"
    }
}

/// How often something is done: so often in the usual run, as often as `docs/reliability-cases.md` says in the long one.
pub fn sized<T>(usual: T, long: T) -> T {
    if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { long } else { usual }
}

/// Runs a test on a database of its own.
#[macro_export]
macro_rules! on_server {
    ($(async fn $name:ident($bed:ident) $body:block)*) => {$(
        #[tokio::test(flavor = "current_thread")]
        async fn $name() {
            let name = concat!(module_path!(), "::", stringify!($name));
            let Some(options) = $crate::bed::options(name) else { return };
            let $bed = $crate::bed::Bed::new(options, stringify!($name)).await;
            tokio::time::timeout(std::time::Duration::from_secs($crate::bed::sized(60, 3600)), async { $body }).await.expect("a test must end");
        }
    )*};
}

/// Collects rows as the server's own types say.
#[derive(Default)]
pub struct Collect {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// What to answer at a row, counted from 1.
    pub at: Option<(usize, Flow)>,
    /// The row, counted from 1, that is refused.
    pub refuse: Option<usize>,
}

impl RowSink for Collect {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let values = (0..row.len()).map(|index| row.any(index)).collect::<Result<_>>()?;
        self.rows.push(values);
        if self.refuse == Some(self.rows.len()) {
            return Err(Error::usage("this row is refused"));
        }
        match self.at {
            Some((row, flow)) if row == self.rows.len() => Ok(flow),
            _ => Ok(Flow::Continue),
        }
    }
}

/// A sink made of a closure.
pub struct Each<F>(pub F);

impl<F: FnMut(&mut dyn RowReader) -> Result<()> + Send + 'static> RowSink for Each<F> {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        (self.0)(row).map(|()| Flow::Continue)
    }
}

pub fn collected(done: StepDone) -> Collect {
    let sink: Box<dyn Any> = done.sink;
    *sink.downcast::<Collect>().expect("a Collect")
}

pub fn param(value: impl Into<Value>) -> Param {
    Param { value: value.into(), bind: BindType::default() }
}

pub fn typed(scalar: ScalarType, value: impl Into<Value>) -> Param {
    Param { value: value.into(), bind: BindType::one(scalar) }
}

/// Runs a statement and gives what it did.
pub async fn run(connection: &mut dyn Connection, text: &str) -> Result<StepDone> {
    one(connection, Step::query(text, Vec::new(), Box::new(Collect::default()))).await
}

pub async fn one(connection: &mut dyn Connection, step: Step) -> Result<StepDone> {
    let mut done = connection.run(Batch::one(step)).await?;
    assert_eq!(done.len(), 1);
    Ok(done.remove(0))
}

pub async fn with(connection: &mut dyn Connection, text: &str, params: Vec<Param>) -> Result<StepDone> {
    one(connection, Step::query(text, params, Box::new(Collect::default()))).await
}

pub async fn rows(connection: &mut dyn Connection, text: &str) -> Vec<Vec<Value>> {
    collected(run(connection, text).await.unwrap()).rows
}

pub async fn number(connection: &mut dyn Connection, text: &str) -> i64 {
    match rows(connection, text).await.as_slice() {
        [row] => match row.as_slice() {
            [Value::I64(number)] => *number,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub fn batch(mode: BatchMode, steps: Vec<Step>) -> Batch {
    Batch { steps, mode }
}

pub fn many(text: &str, lists: Vec<Vec<Param>>) -> Step {
    Step { text: text.into(), params: Params::Many(lists), sink: Box::new(Collect::default()), cache: true }
}
