//! `inline=auto`, which is the default: what only reads and was short when it ran last runs on the caller's thread.

use crate::inline::{Numbers, Threads, WRITING, numbers};
use crate::support::{File, memory, one, params, script};
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Driver, Earlier, Flow, Params, RowReader, RowSink, Status, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_sqlite::{JournalMode, SqliteDriver, SqliteOptions};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// The numbers from 1 to a parameter.
const COUNT: &str = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?) SELECT i FROM c";
/// Their sum.
const SUM: &str = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?) SELECT sum(i) FROM c";

async fn ask(connection: &mut dyn Connection, text: &Arc<str>, parameter: i64) -> Result<(Vec<i64>, bool)> {
    let threads = Threads::default();
    let step = Step::query(Arc::clone(text), params([parameter.into()]), Box::new(Numbers(Vec::new(), threads.clone())));
    let done = connection.run(Batch::one(step)).await?;
    assert!(matches!(connection.status(), Status::InTransaction | Status::Idle));
    let rows = done[0].affected;
    let found = numbers(done);
    assert_eq!(u64::try_from(found.len()).unwrap(), rows);
    let here = threads.0.lock().unwrap().iter().all(|thread| *thread == std::thread::current().id());
    Ok((found, here))
}

/// Asks until it runs in place: on a busy machine a short statement takes long now and then. The answer has to be the same each time.
async fn settle(connection: &mut dyn Connection, text: &Arc<str>, parameter: i64, answer: &[i64]) {
    for _ in 0..1_000 {
        let (found, here) = ask(connection, text, parameter).await.unwrap();
        assert_eq!(found, answer);
        if here && !answer.is_empty() {
            return;
        }
    }
    assert!(answer.is_empty(), "it never ran in place");
}

async fn learns(connection: &mut dyn Connection) {
    let text: Arc<str> = COUNT.into();
    assert_eq!(ask(connection, &text, 2).await.unwrap(), (vec![1, 2], false), "nothing is known of it");
    settle(connection, &text, 3, &[1, 2, 3]).await;
    settle(connection, &text, 1, &[1]).await;
}

#[tokio::test]
async fn what_was_short_runs_in_place_on_a_runtime_of_one_thread() {
    learns(&mut *File::new().connect().await).await;
    learns(&mut *memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_short_runs_in_place_on_a_runtime_of_several_threads_and_in_its_local_sets() {
    tokio::spawn(async { learns(&mut *memory().await).await }).await.unwrap();
    tokio::task::LocalSet::new().run_until(async { learns(&mut *memory().await).await }).await;
}

#[tokio::test]
async fn what_takes_long_this_time_is_begun_anew_on_the_thread() {
    let mut connection = memory().await;
    let text: Arc<str> = COUNT.into();
    settle(&mut *connection, &text, 2, &[1, 2]).await;
    let (found, here) = ask(&mut *connection, &text, 20_000).await.unwrap();
    assert!(found == (1..=20_000).collect::<Vec<_>>() && !here, "every row comes once");
    assert_eq!(ask(&mut *connection, &text, 2).await.unwrap(), (vec![1, 2], false), "it is not known to be short any more");
    settle(&mut *connection, &text, 2, &[1, 2]).await;
}

/// Few instructions read a hundred long texts; they are neither all held in memory nor read on the caller's thread.
#[tokio::test]
async fn what_reads_long_texts_this_time_is_begun_anew_on_the_thread() {
    let mut connection = memory().await;
    let text: Arc<str> = format!("SELECT i, zeroblob(CASE WHEN i > 9 THEN 1000000 ELSE 1 END) FROM ({COUNT})").into();
    settle(&mut *connection, &text, 2, &[1, 2]).await;
    let (found, here) = ask(&mut *connection, &text, 100).await.unwrap();
    assert!(found == (1..=100).collect::<Vec<_>>() && !here, "every row comes once");
    settle(&mut *connection, &text, 2, &[1, 2]).await;
}

/// In place nobody would look at the time limit before the end, on a runtime of one thread.
#[tokio::test]
async fn a_time_limit_stops_what_was_short_before() {
    let mut connection = memory().await;
    let text: Arc<str> = SUM.into();
    settle(&mut *connection, &text, 2, &[3]).await;
    let cut = tokio::time::timeout(Duration::from_millis(30), ask(&mut *connection, &text, i64::MAX)).await;
    assert!(cut.is_err());
    assert_eq!(connection.status(), Status::Unknown);
    connection.reset().await.unwrap();
    assert_eq!(ask(&mut *connection, &text, 4).await.unwrap(), (vec![10], false));
    settle(&mut *connection, &text, 4, &[10]).await;
}

#[tokio::test]
async fn what_writes_or_changes_the_session_stays_on_the_thread() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    let write: Arc<str> = "INSERT INTO t VALUES (?) RETURNING x".into();
    for number in 0..3 {
        assert_eq!(ask(&mut *connection, &write, number).await.unwrap(), (vec![number], false));
    }
    let fails: Arc<str> = "SELECT abs(-9223372036854775807 - ?)".into();
    assert_eq!(ask(&mut *connection, &fails, 0).await.unwrap(), (vec![i64::MAX], false));
    assert!(matches!(ask(&mut *connection, &fails, 1).await, Err(Error::Database { .. })), "in place an error is what it is on the thread");
    assert_eq!(ask(&mut *connection, &fails, 0).await.unwrap(), (vec![i64::MAX], false));
}

#[tokio::test]
async fn a_transaction_reads_in_place_what_it_has_written() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    let read: Arc<str> = "SELECT x FROM t WHERE x >= ?".into();
    settle(&mut *connection, &read, 0, &[]).await;
    connection.begin(Begin { with_statement: true, ..WRITING }).await.unwrap();
    assert_eq!(ask(&mut *connection, &read, 0).await.unwrap().0, [0; 0], "its first statement begins it");
    assert_eq!(connection.status(), Status::InTransaction);
    let write: Arc<str> = "INSERT INTO t VALUES (?) RETURNING x".into();
    ask(&mut *connection, &write, 7).await.unwrap();
    settle(&mut *connection, &read, 0, &[7]).await;
    assert_eq!(connection.status(), Status::InTransaction);
    connection.rollback().await.unwrap();
    assert_eq!(ask(&mut *connection, &read, 0).await.unwrap().0, [0; 0]);
    assert_eq!(connection.status(), Status::Idle);
}

#[tokio::test]
async fn what_meets_a_lock_waits_for_it_on_the_thread() {
    let file = File::new();
    let open = async || {
        let options = SqliteOptions { journal_mode: Some(JournalMode::Delete), ..SqliteOptions::file(&file.0) };
        SqliteDriver::new(options).connect().await.unwrap()
    };
    let (mut connection, mut other) = (open().await, open().await);
    script(&mut *other, "CREATE TABLE t (x); INSERT INTO t VALUES (7)").await;
    let read: Arc<str> = "SELECT x FROM t WHERE x > ?".into();
    settle(&mut *connection, &read, 0, &[7]).await;
    script(&mut *other, "BEGIN EXCLUSIVE").await;
    let (found, ()) = tokio::join!(ask(&mut *connection, &read, 0), async { script(&mut *other, "COMMIT").await });
    assert_eq!(found.unwrap(), (vec![7], false));
}

/// A sink that has enough with its first row.
struct First(Option<i64>);

impl RowSink for First {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.0 = row.i64(0)?;
        Ok(Flow::Stop)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Forgets rows that it was given; notes the threads on which they came.
struct Forgets(Vec<i64>, Threads);

impl RowSink for Forgets {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.0.extend(row.i64(0)?);
        self.1.row(row)
    }

    fn forget(&mut self) -> bool {
        self.0.clear();
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_sink_that_forgets_gets_rows_at_once_and_again_on_the_thread() {
    let mut connection = memory().await;
    let ask = async |connection: &mut dyn Connection, parameter: i64| {
        let threads = Threads::default();
        let step = Step::query(COUNT, params([parameter.into()]), Box::new(Forgets(Vec::new(), threads.clone())));
        let done = connection.run(Batch::one(step)).await.unwrap().remove(0);
        let affected = usize::try_from(done.affected).unwrap();
        let found = (done.sink as Box<dyn Any>).downcast::<Forgets>().unwrap().0;
        assert_eq!(found.len(), affected);
        (found, threads.0.lock().unwrap().clone())
    };
    let here = std::thread::current().id();
    for round in 0.. {
        ask(&mut *connection, 2).await;
        let (found, threads) = ask(&mut *connection, 20_000).await;
        assert_eq!(found, (1..=20_000).collect::<Vec<i64>>());
        if threads.contains(&here) {
            assert!(threads.len() > 20_000 && threads[threads.len() - 20_000..].iter().all(|thread| *thread != here));
            break;
        }
        assert!(round < 100, "it never began in place");
    }
}

#[tokio::test]
async fn a_sink_that_has_enough_gets_no_more_rows() {
    let mut connection = memory().await;
    let text: Arc<str> = COUNT.into();
    for _ in 0..3 {
        let step = Step::query(Arc::clone(&text), params([9.into()]), Box::new(First(None)));
        let done = connection.run(Batch::one(step)).await.unwrap().remove(0);
        assert_eq!(done.affected, 1);
        assert_eq!((done.sink as Box<dyn Any>).downcast::<First>().unwrap().0, Some(1));
    }
}

/// The number of rows, and then the numbers from 1 to the last of them.
fn chained(texts: &[Arc<str>; 2], parameter: i64, threads: &Threads) -> Batch {
    let sink = || Box::new(Numbers(Vec::new(), threads.clone()));
    let derive = |earlier: &mut dyn Earlier| {
        let sink: &mut dyn Any = earlier.sink(0).unwrap();
        let last = sink.downcast_mut::<Numbers>().unwrap().0.last().copied();
        Ok(last.map(|last| params([last.into()])))
    };
    let second = Step { text: Arc::clone(&texts[1]), params: Params::Derived(Box::new(derive)), sink: sink(), cache: true };
    Batch { steps: vec![Step::query(Arc::clone(&texts[0]), params([parameter.into()]), sink()), second], mode: BatchMode::Snapshot }
}

fn both(done: Vec<StepDone>) -> Vec<Vec<i64>> {
    done.into_iter().map(|done| numbers(vec![done])).collect()
}

/// Asks with 9 until both run in place.
async fn in_place(connection: &mut dyn Connection, texts: &[Arc<str>; 2], answer: &[Vec<i64>; 2]) {
    for _ in 0..1_000 {
        let threads = Threads::default();
        let done = connection.run(chained(texts, 9, &threads)).await.unwrap();
        assert_eq!(both(done), answer);
        if threads.0.lock().unwrap().iter().all(|thread| *thread == std::thread::current().id()) {
            return;
        }
    }
    panic!("they never ran in place");
}

#[tokio::test]
async fn the_thread_goes_on_with_a_snapshot_that_takes_long() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x); INSERT INTO t VALUES (2), (30000)").await;
    let texts: [Arc<str>; 2] = ["SELECT x FROM t WHERE x <= ?".into(), COUNT.into()];
    let here = std::thread::current().id();
    for inside in [false, true] {
        if inside {
            connection.begin(WRITING).await.unwrap();
        }
        for round in 0.. {
            in_place(&mut *connection, &texts, &[vec![2], vec![1, 2]]).await;
            let threads = Threads::default();
            let done = connection.run(chained(&texts, 99_999, &threads)).await.unwrap();
            assert_eq!(both(done), [vec![2, 30_000], (1..=30_000).collect()]);
            let seen = threads.0.lock().unwrap().clone();
            assert!(seen[2..].iter().all(|thread| *thread != here));
            if seen[..2].iter().all(|thread| *thread == here) {
                break;
            }
            assert!(round < 100, "its first rows are read in place");
        }
        assert_eq!(connection.status() == Status::InTransaction, inside);
        if inside {
            connection.rollback().await.unwrap();
        }
        assert_eq!(connection.status(), Status::Idle);
    }
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, 2i64.into());
}

#[tokio::test]
async fn a_snapshot_that_the_thread_went_on_with_is_cut_by_a_time_limit() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x); INSERT INTO t VALUES (2), (9223372036854775807)").await;
    let texts: [Arc<str>; 2] = ["SELECT x FROM t WHERE x <= ?".into(), SUM.into()];
    in_place(&mut *connection, &texts, &[vec![2], vec![3]]).await;
    let cut = tokio::time::timeout(Duration::from_millis(30), connection.run(chained(&texts, i64::MAX, &Threads::default()))).await;
    assert!(cut.is_err());
    connection.reset().await.unwrap();
    assert_eq!(connection.status(), Status::Idle);
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, 2i64.into());
    script(&mut *connection, "INSERT INTO t VALUES (1)").await;
}

/// A loop of reads in place must not keep the other tasks of its thread from theirs; outside of transactions the pool sees to that.
#[tokio::test]
async fn other_tasks_get_their_turn_between_the_reads_of_a_transaction() {
    let mut connection = memory().await;
    connection.begin(WRITING).await.unwrap();
    let text: Arc<str> = COUNT.into();
    settle(&mut *connection, &text, 2, &[1, 2]).await;
    let other = tokio::spawn(async {});
    let mut reads = 0;
    while !other.is_finished() {
        ask(&mut *connection, &text, 2).await.unwrap();
        reads += 1;
        assert!(reads < 10_000, "the other task never ran");
    }
}
