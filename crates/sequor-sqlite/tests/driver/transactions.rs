//! Transactions and savepoints, and the end that the database itself gives them.

use crate::support::{File, fails, memory, one, run, script};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Driver, Status, Step};
use sequor_core::error::{Error, UsageErrorKind};
use sequor_sqlite::{SqliteDriver, SqliteOptions};
use std::time::Duration;

async fn table() -> Box<dyn Connection> {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x INTEGER UNIQUE)").await;
    connection
}

async fn insert(connection: &mut dyn Connection, x: i64) {
    run(connection, "INSERT INTO t VALUES (?)", [x.into()]).await.unwrap();
}

async fn sum(connection: &mut dyn Connection) -> Value {
    one(connection, "SELECT coalesce(sum(x), 0) FROM t", []).await
}

fn finished(error: &Error) -> bool {
    matches!(error, Error::Usage(error) if error.kind == UsageErrorKind::TransactionFinished)
}

#[tokio::test]
async fn commit_rollback_and_savepoints() {
    let mut connection = table().await;
    for immediate in [false, true] {
        connection.begin(Begin { immediate, ..Begin::default() }).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        insert(&mut *connection, 1).await;
        connection.rollback().await.unwrap();
        assert_eq!((connection.status(), sum(&mut *connection).await), (Status::Idle, Value::I64(0)));
    }
    connection.begin(Begin::default()).await.unwrap();
    assert!(connection.begin(Begin::default()).await.is_err());
    insert(&mut *connection, 1).await;
    connection.savepoint(1).await.unwrap();
    insert(&mut *connection, 10).await;
    connection.savepoint(2).await.unwrap();
    insert(&mut *connection, 100).await;
    connection.rollback_to(2).await.unwrap();
    assert!(connection.release(2).await.is_err(), "it is forgotten");
    insert(&mut *connection, 1_000).await;
    connection.release(1).await.unwrap();
    connection.commit().await.unwrap();
    assert_eq!((connection.status(), sum(&mut *connection).await), (Status::Idle, Value::I64(1_011)));
}

#[tokio::test]
async fn it_may_begin_with_its_first_statement() {
    let begin = Begin { immediate: true, with_statement: true, ..Begin::default() };
    let mut connection = table().await;
    // Nothing but a beginning.
    for commits in [true, false] {
        connection.begin(begin).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        assert!(connection.begin(begin).await.is_err());
        if commits { connection.commit().await } else { connection.rollback().await }.unwrap();
        assert!(finished(&connection.commit().await.unwrap_err()));
    }
    let trips = connection.round_trips();
    connection.begin(begin).await.unwrap();
    insert(&mut *connection, 1).await;
    connection.rollback().await.unwrap();
    assert_eq!((connection.status(), connection.round_trips() - trips), (Status::Idle, 2));
    connection.begin(begin).await.unwrap();
    connection.savepoint(1).await.unwrap();
    insert(&mut *connection, 2).await;
    connection.rollback_to(1).await.unwrap();
    insert(&mut *connection, 3).await;
    connection.commit().await.unwrap();
    connection.begin(begin).await.unwrap();
    connection.reset().await.unwrap();
    assert_eq!((connection.status(), sum(&mut *connection).await), (Status::Idle, Value::I64(3)));
}

#[tokio::test]
async fn what_cannot_begin_runs_nothing() {
    let file = File::new();
    let mut holder = file.connect().await;
    script(&mut *holder, "CREATE TABLE t (x)").await;
    let options = SqliteOptions { busy_timeout: Duration::from_millis(1), ..SqliteOptions::file(&file.0) };
    let mut waiter = SqliteDriver::new(options).connect().await.unwrap();
    holder.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
    waiter.begin(Begin { immediate: true, with_statement: true, ..Begin::default() }).await.unwrap();
    for _ in 0..2 {
        let error = run(&mut *waiter, "INSERT INTO t VALUES (1)", []).await.err().unwrap();
        assert!(matches!(&error, Error::Timeout { .. }) && error.is_retryable(), "{error:?}");
        assert_eq!(waiter.status(), Status::InTransaction);
    }
    holder.commit().await.unwrap();
    // It begins with the statement that can; what follows is inside of it.
    insert(&mut *waiter, 1).await;
    insert(&mut *waiter, 2).await;
    waiter.rollback().await.unwrap();
    assert_eq!(sum(&mut *holder).await, Value::I64(0));
}

#[tokio::test]
async fn without_a_transaction_there_is_nothing_to_end() {
    let mut connection = table().await;
    assert!(finished(&connection.commit().await.unwrap_err()));
    assert!(finished(&connection.savepoint(1).await.unwrap_err()));
    assert!(finished(&connection.release(1).await.unwrap_err()));
    assert!(finished(&connection.rollback_to(1).await.unwrap_err()));
    connection.rollback().await.unwrap();
    assert_eq!(connection.status(), Status::Idle);
}

#[tokio::test]
async fn the_database_can_end_it() {
    let mut connection = table().await;
    connection.begin(Begin::default()).await.unwrap();
    insert(&mut *connection, 1).await;
    fails(&mut *connection, "INSERT OR ROLLBACK INTO t VALUES (1)", []).await;
    assert_eq!(connection.status(), Status::Idle);
    assert!(finished(&connection.commit().await.unwrap_err()));
    let steps = vec![Step::execute("INSERT INTO t VALUES (1)", vec![]), Step::execute("ROLLBACK", vec![])];
    let error = connection.run(Batch { steps, mode: BatchMode::Atomic }).await.err().unwrap();
    assert!(finished(&error), "{error}");
    assert_eq!(sum(&mut *connection).await, Value::I64(0));
}

#[tokio::test]
async fn an_error_does_not_doom() {
    let mut connection = table().await;
    connection.begin(Begin::default()).await.unwrap();
    insert(&mut *connection, 1).await;
    assert!(matches!(fails(&mut *connection, "INSERT INTO t VALUES (1)", []).await, Error::UniqueConstraint { .. }));
    assert_eq!(connection.status(), Status::InTransaction);
    insert(&mut *connection, 2).await;
    connection.commit().await.unwrap();
    assert_eq!(sum(&mut *connection).await, Value::I64(3));
}

#[tokio::test]
async fn a_read_only_transaction_only_reads() {
    let mut connection = table().await;
    connection.begin(Begin { read_only: true, immediate: true, ..Begin::default() }).await.unwrap();
    assert_eq!(sum(&mut *connection).await, Value::I64(0));
    let error = fails(&mut *connection, "INSERT INTO t VALUES (1)", []).await;
    assert!(matches!(&error, Error::Database { code, .. } if code == "SQLITE_READONLY"), "{error:?}");
    connection.commit().await.unwrap();
    insert(&mut *connection, 1).await;
    connection.begin(Begin { read_only: true, ..Begin::default() }).await.unwrap();
    connection.reset().await.unwrap();
    insert(&mut *connection, 2).await;
}

#[tokio::test]
async fn a_commit_that_fails_is_rolled_back() {
    let mut connection = memory().await;
    script(
        &mut *connection,
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .await;
    connection.begin(Begin::default()).await.unwrap();
    run(&mut *connection, "INSERT INTO c VALUES (7)", []).await.unwrap();
    assert!(matches!(connection.commit().await, Err(Error::ForeignKeyConstraint { .. })));
    assert_eq!(connection.status(), Status::Idle);
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM c", []).await, Value::I64(0));
}

#[tokio::test]
async fn a_snapshot_does_not_move() {
    let file = File::new();
    let (mut reader, mut writer) = (file.connect().await, file.connect().await);
    script(&mut *writer, "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)").await;
    reader.begin(Begin::default()).await.unwrap();
    assert_eq!(sum(&mut *reader).await, Value::I64(1));
    insert(&mut *writer, 10).await;
    assert_eq!(sum(&mut *reader).await, Value::I64(1));
    // Writing from a snapshot that is old: the whole transaction has to run again.
    let error = fails(&mut *reader, "INSERT INTO t VALUES (100)", []).await;
    assert!(error.is_retryable(), "{error:?}");
    assert!(matches!(&error, Error::Database { code, .. } if code == "SQLITE_BUSY_SNAPSHOT"), "{error:?}");
    reader.rollback().await.unwrap();
    assert_eq!(sum(&mut *reader).await, Value::I64(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_get_the_exact_sum() {
    let file = File::new();
    script(&mut *file.connect().await, "CREATE TABLE n (x INTEGER); INSERT INTO n VALUES (0)").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let driver = file.driver();
        tasks.spawn(async move {
            let mut connection = sequor_core::driver::Driver::connect(&driver).await.unwrap();
            for _ in 0..10 {
                connection.begin(Begin { immediate: true, ..Begin::default() }).await.unwrap();
                let Value::I64(x) = one(&mut *connection, "SELECT x FROM n", []).await else { panic!("no number") };
                run(&mut *connection, "UPDATE n SET x = ?", [(x + 1).into()]).await.unwrap();
                connection.commit().await.unwrap();
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(one(&mut *file.connect().await, "SELECT x FROM n", []).await, Value::I64(80));
}
