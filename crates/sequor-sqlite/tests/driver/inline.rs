//! `inline=on`: short statements on the caller's thread, everything that could wait on the connection's.

use crate::support::{File, Keep, keep, one, params, rows, run, script};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Driver, Earlier, Flow, Params, RowReader, RowSink, Status, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_sqlite::{InlineMode, JournalMode, SqliteDriver, SqliteOptions};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

async fn connect(file: &File) -> Box<dyn Connection> {
    let options = SqliteOptions { inline: InlineMode::On, ..SqliteOptions::file(&file.0) };
    SqliteDriver::new(options).connect().await.unwrap()
}

/// Notes the threads on which rows are read.
#[derive(Clone, Default)]
pub struct Threads(pub Arc<Mutex<Vec<ThreadId>>>);

impl RowSink for Threads {
    fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
        self.0.lock().unwrap().push(std::thread::current().id());
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Whether a row of this statement is read on the caller's thread.
async fn is_in_place(connection: &mut dyn Connection, sql: &str) -> bool {
    let seen = Threads::default();
    connection.run(Batch::one(Step::query(sql, vec![], Box::new(seen.clone())))).await.unwrap();
    let threads = seen.0.lock().unwrap().clone();
    assert!(!threads.is_empty());
    threads.iter().all(|thread| *thread == std::thread::current().id())
}

/// `SELECT` of one value without a pause.
async fn look(connection: &mut dyn Connection, sql: &str) -> i64 {
    struct First(Option<i64>);
    impl RowSink for First {
        fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
            self.0 = row.i64(0)?;
            Ok(Flow::Continue)
        }
        fn never_pauses(&self) -> bool {
            true
        }
    }
    let done = connection.run(Batch::one(Step::query(sql, vec![], Box::new(First(None))))).await.unwrap().remove(0);
    (done.sink as Box<dyn std::any::Any>).downcast::<First>().unwrap().0.unwrap()
}

async fn write(connection: &mut dyn Connection, sql: &str) -> Result<u64> {
    Ok(connection.run(Batch::one(Step::execute(sql, vec![]))).await?.remove(0).affected)
}

pub const WRITING: Begin = Begin { isolation: None, read_only: false, immediate: true, deferrable: false, with_statement: false };

#[tokio::test]
async fn short_statements_run_in_place_on_a_runtime_of_one_thread() {
    let file = File::new();
    let mut connection = connect(&file).await;
    assert!(is_in_place(&mut *connection, "SELECT 1").await);
    let mut off = SqliteDriver::new(SqliteOptions { inline: InlineMode::Off, ..SqliteOptions::file(&file.0) }).connect().await.unwrap();
    for _ in 0..3 {
        assert!(!is_in_place(&mut *off, "SELECT 1").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_statements_run_in_place_on_a_runtime_of_several_threads() {
    let file = File::new();
    let mut connection = connect(&file).await;
    assert!(is_in_place(&mut *connection, "SELECT 1").await);
    let spawned = tokio::spawn(async move { is_in_place(&mut *connection, "SELECT 1").await });
    assert!(spawned.await.unwrap());
}

#[tokio::test]
async fn transactions_and_savepoints() {
    let file = File::new();
    let mut connection = connect(&file).await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    connection.begin(WRITING).await.unwrap();
    assert_eq!(connection.status(), Status::InTransaction);
    assert_eq!(write(&mut *connection, "INSERT INTO t VALUES (1)").await.unwrap(), 1);
    connection.savepoint(1).await.unwrap();
    write(&mut *connection, "INSERT INTO t VALUES (2)").await.unwrap();
    connection.rollback_to(1).await.unwrap();
    connection.commit().await.unwrap();
    assert_eq!((connection.status(), look(&mut *connection, "SELECT sum(x) FROM t").await), (Status::Idle, 1));
    assert!(connection.commit().await.is_err(), "there is nothing to commit");
    connection.begin(Begin { read_only: true, ..Begin::default() }).await.unwrap();
    assert!(write(&mut *connection, "INSERT INTO t VALUES (3)").await.is_err());
    connection.rollback().await.unwrap();
    assert_eq!(write(&mut *connection, "INSERT INTO t VALUES (3)").await.unwrap(), 1, "read only was for the transaction alone");
    connection.begin(WRITING).await.unwrap();
    write(&mut *connection, "DELETE FROM t").await.unwrap();
    assert_eq!(connection.status(), Status::InTransaction);
    connection.reset().await.unwrap();
    assert_eq!((connection.status(), look(&mut *connection, "SELECT count(*) FROM t").await), (Status::Idle, 2));
}

/// On one thread a wait in place would keep the holder of the lock from ever letting it go.
#[tokio::test]
async fn a_lock_is_awaited_without_holding_the_runtime_up() {
    let file = File::new();
    let (mut holder, mut waiter) = (connect(&file).await, connect(&file).await);
    script(&mut *holder, "CREATE TABLE t (x)").await;
    for round in 0..3 {
        holder.begin(WRITING).await.unwrap();
        write(&mut *holder, "INSERT INTO t VALUES (1)").await.unwrap();
        let waits = async {
            match round {
                0 => write(&mut *waiter, "INSERT INTO t VALUES (2)").await.map(|_| ()),
                1 => {
                    waiter.begin(WRITING).await?;
                    write(&mut *waiter, "INSERT INTO t VALUES (3)").await?;
                    waiter.commit().await
                }
                _ => {
                    let step = Step::query("INSERT INTO t VALUES (4) RETURNING x", vec![], Box::new(Threads::default()));
                    waiter.run(Batch::one(step)).await.map(|_| ())
                }
            }
        };
        let goes_on = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            holder.commit().await
        };
        let (waited, went_on) = tokio::join!(waits, goes_on);
        went_on.unwrap();
        waited.unwrap();
    }
    assert_eq!(look(&mut *waiter, "SELECT sum(x) FROM t").await, 3 + 2 + 3 + 4);
}

#[tokio::test]
async fn a_commit_waits_for_readers_of_a_rollback_journal() {
    let file = File::new();
    let options = SqliteOptions::parse(&format!("sqlite://{}?journal_mode=delete&inline=on", file.0.display())).unwrap();
    let driver = SqliteDriver::new(options);
    let (mut reader, mut writer) = (driver.connect().await.unwrap(), driver.connect().await.unwrap());
    script(&mut *writer, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
    reader.begin(Begin::default()).await.unwrap();
    assert_eq!(look(&mut *reader, "SELECT count(*) FROM t").await, 1);
    writer.begin(WRITING).await.unwrap();
    write(&mut *writer, "INSERT INTO t VALUES (2)").await.unwrap();
    let (committed, ended) = tokio::join!(writer.commit(), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        reader.rollback().await
    });
    ended.unwrap();
    committed.unwrap();
    assert_eq!((writer.status(), look(&mut *reader, "SELECT count(*) FROM t").await), (Status::Idle, 2));
}

#[tokio::test]
async fn a_dropped_wait_is_cut_and_a_reset_brings_the_connection_back() {
    let file = File::new();
    let (mut holder, mut waiter) = (connect(&file).await, connect(&file).await);
    script(&mut *holder, "CREATE TABLE t (x)").await;
    holder.begin(WRITING).await.unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(30), write(&mut *waiter, "INSERT INTO t VALUES (1)")).await;
    assert!(cut.is_err(), "it waits for the lock");
    assert_eq!(waiter.status(), Status::Unknown);
    waiter.reset().await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!((waiter.status(), look(&mut *waiter, "SELECT count(*) FROM t").await), (Status::Idle, 0));
    assert!(is_in_place(&mut *waiter, "SELECT 1").await);
}

#[tokio::test]
async fn streams_stay_on_the_thread_and_what_follows_ends_them() {
    let file = File::new();
    let mut connection = connect(&file).await;
    script(&mut *connection, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3), (4)").await;
    let paused = || Step::query("SELECT x FROM t", params([]), Box::new(Keep { pause_every: Some(2), ..Keep::default() }));
    let done = connection.run(Batch::one(paused())).await.unwrap().remove(0);
    assert!(done.paused);
    let rest = connection.resume(Box::new(Keep::default())).await.unwrap();
    assert_eq!((keep(done.sink).rows.len(), keep(rest.sink).rows.len()), (2, 2));
    assert!(is_in_place(&mut *connection, "SELECT 1").await);
    connection.run(Batch::one(paused())).await.unwrap();
    assert_eq!(look(&mut *connection, "SELECT count(*) FROM t").await, 4, "the rest of the rows is given up");
    assert_eq!(connection.status(), Status::Idle);
}

struct Panics;

impl RowSink for Panics {
    fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
        std::panic::resume_unwind(Box::new("a decoder of the application"))
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn errors_panics_and_sinks_that_break_their_word() {
    struct Liar;
    impl RowSink for Liar {
        fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
            Ok(Flow::Pause)
        }
        fn never_pauses(&self) -> bool {
            true
        }
    }
    let file = File::new();
    let mut connection = connect(&file).await;
    script(&mut *connection, "CREATE TABLE t (x UNIQUE)").await;
    write(&mut *connection, "INSERT INTO t VALUES (1)").await.unwrap();
    let twice = write(&mut *connection, "INSERT INTO t VALUES (1)").await;
    assert!(matches!(twice, Err(Error::UniqueConstraint { .. })), "{twice:?}");
    let panics = connection.run(Batch::one(Step::query("SELECT 1", vec![], Box::new(Panics)))).await.err().unwrap();
    assert!(panics.to_string().contains("panicked"), "{panics}");
    let lies = connection.run(Batch::one(Step::query("SELECT 1", vec![], Box::new(Liar)))).await.err().unwrap();
    assert!(lies.to_string().contains("never pauses"), "{lies}");
    assert_eq!((connection.status(), look(&mut *connection, "SELECT count(*) FROM t").await), (Status::Idle, 1));
}

#[tokio::test]
async fn a_changed_setting_keeps_statements_on_the_thread_until_the_reset() {
    let file = File::new();
    let mut connection = connect(&file).await;
    run(&mut *connection, "PRAGMA busy_timeout = 60000", []).await.unwrap();
    assert!(!is_in_place(&mut *connection, "SELECT 1").await, "SQLite's own wait would sleep in place");
    connection.reset().await.unwrap();
    assert!(is_in_place(&mut *connection, "SELECT 1").await);
    assert_eq!(rows(&mut *connection, "SELECT 1", []).await.len(), 1);
    assert_eq!(one(&mut *connection, "SELECT 2", []).await, Value::I64(2));
}

#[tokio::test]
async fn closing_closes_the_file() {
    let file = File::new();
    let mut connection = connect(&file).await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    let log = file.0.with_extension("db-wal");
    assert!(log.exists());
    connection.close().await;
    assert!(!log.exists(), "the last connection to a file takes its log along");
}

/// Keeps the numbers that it reads, and on which threads.
pub struct Numbers(pub Vec<i64>, pub Threads);

impl RowSink for Numbers {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.0.extend(row.i64(0)?);
        self.1.row(row)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Reads a number, and then one more than it, in one snapshot.
fn chained(threads: &Threads) -> Batch {
    let sink = || Box::new(Numbers(Vec::new(), threads.clone()));
    let derive = |earlier: &mut dyn Earlier| {
        let sink: &mut dyn std::any::Any = earlier.sink(0).unwrap();
        let first = sink.downcast_mut::<Numbers>().unwrap().0.first().copied();
        Ok(first.map(|first| params([first.into()])))
    };
    let second = Step { text: "SELECT ? + 1".into(), params: Params::Derived(Box::new(derive)), sink: sink(), cache: true };
    Batch { steps: vec![Step::query("SELECT id FROM t", vec![], sink()), second], mode: BatchMode::Snapshot }
}

pub fn numbers(done: Vec<StepDone>) -> Vec<i64> {
    done.into_iter().flat_map(|done| (done.sink as Box<dyn std::any::Any>).downcast::<Numbers>().unwrap().0).collect()
}

#[tokio::test]
async fn steps_of_one_snapshot_run_in_place() {
    let file = File::new();
    let mut connection = connect(&file).await;
    let threads = Threads::default();
    script(&mut *connection, "CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let done = connection.run(chained(&threads)).await.unwrap();
    assert!(done[1].is_skipped(), "there is no row to begin from");
    script(&mut *connection, "INSERT INTO t VALUES (7)").await;
    assert_eq!(numbers(connection.run(chained(&threads)).await.unwrap()), [7, 8]);
    assert_eq!(connection.status(), Status::Idle);
    connection.begin(WRITING).await.unwrap();
    assert_eq!(numbers(connection.run(chained(&threads)).await.unwrap()), [7, 8]);
    assert_eq!(connection.status(), Status::InTransaction, "a transaction around them goes on");
    connection.rollback().await.unwrap();
    let here = std::thread::current().id();
    let seen = threads.0.lock().unwrap().clone();
    assert!(seen.len() == 4 && seen.iter().all(|thread| *thread == here));
}

#[tokio::test]
async fn a_snapshot_that_meets_a_lock_waits_for_it_on_the_thread() {
    let file = File::new();
    let open = async |inline| {
        let journal_mode = Some(JournalMode::Delete);
        SqliteDriver::new(SqliteOptions { inline, journal_mode, ..SqliteOptions::file(&file.0) }).connect().await.unwrap()
    };
    let (mut connection, mut other) = (open(InlineMode::On).await, open(InlineMode::Off).await);
    script(&mut *other, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)").await;
    script(&mut *other, "BEGIN EXCLUSIVE").await;
    let threads = Threads::default();
    let (read, ()) = tokio::join!(connection.run(chained(&threads)), async {
        // The reader has asked first, and its caller goes on.
        script(&mut *other, "COMMIT").await;
    });
    assert_eq!(numbers(read.unwrap()), [7, 8]);
    assert!(threads.0.lock().unwrap().iter().all(|thread| *thread != std::thread::current().id()));
    assert_eq!(connection.status(), Status::Idle);
}
