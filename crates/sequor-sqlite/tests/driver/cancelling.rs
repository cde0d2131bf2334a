//! Dropped futures, cancels, panics: the connection is clean after a reset, and never hangs.

use crate::support::{File, Keep, memory, one, params, rows, run, script};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Begin, Driver, Flow, RowReader, RowSink, Status, Step};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use sequor_sqlite::{SqliteDriver, SqliteOptions};
use std::time::{Duration, Instant};

const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

fn endless() -> Batch {
    Batch::one(Step::execute(ENDLESS, vec![]))
}

async fn drop_after<T>(wait: Duration, future: impl Future<Output = T>) {
    assert!(tokio::time::timeout(wait, future).await.is_err(), "it ended by itself");
}

const SOON: Duration = Duration::from_millis(30);
const QUICK: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_dropped_future_stops_the_statement() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
    for _ in 0..5 {
        drop_after(SOON, connection.run(endless())).await;
        assert_eq!(connection.status(), Status::Unknown);
        let error = run(&mut *connection, "SELECT 1", []).await.err().unwrap();
        assert!(matches!(&error, Error::Connection(error) if error.kind == ConnectionErrorKind::Broken), "{error}");
        let since = Instant::now();
        connection.reset().await.unwrap();
        assert!(since.elapsed() < QUICK);
        assert_eq!(connection.status(), Status::Idle);
        assert_eq!(rows(&mut *connection, "SELECT x FROM t", []).await.len(), 1, "what was in memory is still there");
    }
}

#[tokio::test]
async fn a_future_dropped_in_a_transaction_leaves_nothing() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    connection.begin(Begin::default()).await.unwrap();
    run(&mut *connection, "INSERT INTO t VALUES (1)", []).await.unwrap();
    drop_after(SOON, connection.run(endless())).await;
    assert!(connection.commit().await.is_err());
    connection.rollback().await.unwrap();
    assert_eq!(connection.status(), Status::Idle);
    let steps = vec![Step::execute("INSERT INTO t VALUES (2)", vec![]), Step::execute(ENDLESS, vec![])];
    drop_after(SOON, connection.run(Batch { steps, mode: BatchMode::Atomic })).await;
    connection.reset().await.unwrap();
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, Value::I64(0));
}

#[tokio::test]
async fn a_future_that_was_never_polled_did_nothing() {
    let mut connection = memory().await;
    drop(connection.run(endless()));
    assert_eq!(connection.status(), Status::Idle);
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn later_steps_and_lists_do_not_run() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    let steps = vec![Step::execute(ENDLESS, vec![]), Step::execute("INSERT INTO t VALUES (1)", vec![])];
    drop_after(SOON, connection.run(Batch { steps, ..Batch::default() })).await;
    connection.reset().await.unwrap();
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, Value::I64(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceller_stops_what_runs_and_nothing_later() {
    let mut connection = memory().await;
    let canceller = connection.canceller().unwrap();
    canceller.cancel().await.unwrap();
    assert_eq!(rows(&mut *connection, "SELECT 1", []).await.len(), 1, "a cancel that came late");
    let cancelled = async {
        tokio::time::sleep(SOON).await;
        canceller.cancel().await.unwrap();
    };
    let (result, ()) = tokio::join!(connection.run(endless()), cancelled);
    let error = result.err().unwrap();
    assert!(matches!(&error, Error::Timeout { detail } if detail.code.as_deref() == Some("SQLITE_INTERRUPT")), "{error:?}");
    assert_eq!(connection.status(), Status::Idle);
    let canceller = std::sync::Arc::new(canceller);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (other, stopped) = (std::sync::Arc::clone(&canceller), std::sync::Arc::clone(&stop));
    let storm = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            drop(other.cancel());
        }
    });
    let mut ended = (0, 0);
    //
    let count = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 100_000 } else { 300 };
    for _ in 0..count {
        match run(&mut *connection, "SELECT 1", []).await {
            Ok(_) => ended.0 += 1,
            Err(Error::Timeout { .. }) => ended.1 += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    storm.join().unwrap();
    assert_eq!(ended.0 + ended.1, count);
    assert_eq!(rows(&mut *connection, "SELECT 1", []).await.len(), 1);
}

#[tokio::test]
async fn waiting_for_a_lock_ends_with_the_future() {
    let file = File::new();
    let (mut holder, mut waiter) = (file.connect().await, file.connect().await);
    script(&mut *holder, "CREATE TABLE t (x)").await;
    holder.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
    let since = Instant::now();
    drop_after(SOON, waiter.begin(Begin { immediate: true, ..Begin::default() })).await;
    waiter.reset().await.unwrap();
    assert!(since.elapsed() < QUICK, "{:?}", since.elapsed());
    assert_eq!(waiter.status(), Status::Idle);
    drop(waiter.begin(Begin { immediate: true, ..Begin::default() }));
    drop(waiter);
    holder.commit().await.unwrap();
}

#[tokio::test]
async fn busy_is_a_timeout_that_may_be_tried_again() {
    let file = File::new();
    let mut holder = file.connect().await;
    script(&mut *holder, "CREATE TABLE t (x)").await;
    let options = SqliteOptions { busy_timeout: Duration::from_millis(60), ..SqliteOptions::file(&file.0) };
    let mut waiter = SqliteDriver::new(options).connect().await.unwrap();
    holder.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
    let since = Instant::now();
    let error = waiter.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap_err();
    assert!(since.elapsed() >= Duration::from_millis(55) && since.elapsed() < QUICK, "{:?}", since.elapsed());
    assert!(matches!(&error, Error::Timeout { detail } if detail.code.as_deref() == Some("SQLITE_BUSY")), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(waiter.status(), Status::Idle);
    assert_eq!(one(&mut *waiter, "SELECT count(*) FROM t", []).await, Value::I64(0), "readers do not wait");
    holder.rollback().await.unwrap();
    waiter.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
}

struct Panics;

impl RowSink for Panics {
    fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
        // As a panic, without its message on the screen.
        std::panic::resume_unwind(Box::new("a decoder of the application"))
    }
}

#[tokio::test]
async fn a_panic_in_a_sink_is_an_error() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    for mode in [BatchMode::Plain, BatchMode::Snapshot, BatchMode::Atomic] {
        let steps = vec![Step::execute("INSERT INTO t VALUES (1)", vec![]), Step::query("SELECT 1", vec![], Box::new(Panics))];
        let error = connection.run(Batch { steps, mode }).await.err().unwrap();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(connection.status(), Status::Idle);
        let expected = u64::from(mode == BatchMode::Plain);
        assert_eq!(run(&mut *connection, "DELETE FROM t", []).await.unwrap().affected, expected);
    }
    assert!(connection.is_alive(std::time::Duration::MAX));
}

#[tokio::test]
async fn a_reset_undoes_what_a_borrower_changed() {
    let file = File::new();
    let mut connection = file.connect().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    let changes = [
        "PRAGMA foreign_keys = off",
        "PRAGMA query_only = on",
        "PRAGMA synchronous = off",
        "PRAGMA busy_timeout = 1",
        "PRAGMA recursive_triggers = on",
        "PRAGMA ignore_check_constraints = on",
        "PRAGMA case_sensitive_like = on",
        "CREATE TEMP TABLE own (x)",
        "PRAGMA temp_store = memory",
        "BEGIN",
    ];
    for change in changes {
        run(&mut *connection, change, []).await.unwrap();
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle, "{change}");
        for (asked, value) in [
            ("foreign_keys", 1),
            ("query_only", 0),
            ("synchronous", 1),
            ("recursive_triggers", 0),
            ("ignore_check_constraints", 0),
            ("temp_store", 0),
        ] {
            assert_eq!(one(&mut *connection, &format!("PRAGMA {asked}"), []).await, Value::I64(value), "{asked} after {change}");
        }
        assert_eq!(one(&mut *connection, "SELECT 'A' LIKE 'a'", []).await, Value::I64(1));
        assert_eq!(one(&mut *connection, "SELECT count(*) FROM temp.sqlite_master", []).await, Value::I64(0), "{change}");
    }
    script(&mut *connection, "CREATE TEMP TABLE own (x); PRAGMA foreign_keys = off").await;
    connection.reset().await.unwrap();
    assert_eq!(one(&mut *connection, "PRAGMA foreign_keys", []).await, Value::I64(1));
    let mut holder = file.connect().await;
    holder.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
    drop_after(SOON, connection.run(Batch::one(Step::execute("INSERT INTO t VALUES (?)", params([1.into()]))))).await;
    connection.reset().await.unwrap();
}

#[tokio::test]
async fn closing_ends_the_thread() {
    let mut connection = memory().await;
    assert!(connection.is_alive(std::time::Duration::MAX));
    let step = Step::query("SELECT 1 UNION SELECT 2", vec![], Box::new(Keep { pause_every: Some(1), ..Keep::default() }));
    assert!(connection.run(Batch::one(step)).await.unwrap()[0].paused);
    connection.close().await;
    let mut connection = memory().await;
    drop_after(SOON, connection.run(endless())).await;
    connection.close().await;
}

/// Polls once, waits without polling, then drops: the cut falls anywhere in what the thread does.
async fn cut_after<T>(micros: u64, future: impl Future<Output = T>) {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| {
        if future.as_mut().poll(context).is_pending() {
            let until = Instant::now() + Duration::from_micros(micros);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_cut_at_any_moment_leaves_all_or_nothing() {
    let file = File::new();
    let mut connection = file.connect().await;
    script(&mut *connection, "CREATE TABLE t (tag INTEGER)").await;
    for tag in 0..200i64 {
        let lists = (0..40).map(|_| params([tag.into()])).collect();
        let insert = Step { params: sequor_core::driver::Params::Many(lists), ..Step::execute("INSERT INTO t VALUES (?)", vec![]) };
        let micros = u64::try_from(tag).unwrap() * 3;
        if tag % 2 == 0 {
            cut_after(micros, connection.run(Batch { steps: vec![insert], mode: BatchMode::Atomic })).await;
        } else {
            connection.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
            connection.run(Batch::one(insert)).await.unwrap();
            cut_after(micros, connection.commit()).await;
        }
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
        let count = one(&mut *connection, "SELECT count(*) FROM t WHERE tag = ?", [tag.into()]).await;
        assert!(count == Value::I64(0) || count == Value::I64(40), "{tag}: {count:?}");
    }
}
