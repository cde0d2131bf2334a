//! Futures that are dropped, sessions that are left dirty, statements that are cancelled.

use crate::proxy::{Cut, Proxy};
use crate::support::*;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Status, Step};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Polls a future at most so many times, then drops it. `None` when it was dropped.
async fn polled<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

fn insert(id: i64) -> Step {
    Step::execute("insert into r_sweep values ($1, repeat('x', 100)) on conflict do nothing", vec![param(id, ScalarType::I64)])
}

fn many_inserts() -> Step {
    let lists = (1000..1600i64).map(|id| vec![param(id, ScalarType::I64), param("y".repeat(300), ScalarType::Text)]).collect();
    many("insert into r_sweep values ($1, $2) on conflict do nothing returning id, note", lists)
}

type Operation = (&'static str, fn(&mut dyn Connection) -> sequor_core::driver::BoxFuture<'_, sequor_core::Result<()>>);

fn operations() -> Vec<Operation> {
    vec![
        ("query", |c| {
            Box::pin(async move {
                c.run(Batch::one(query("select n, repeat('z', 100) from generate_series(1, 3000) n", vec![]))).await.map(|_| ())
            })
        }),
        ("insert", |c| Box::pin(async move { c.run(Batch::one(insert(1))).await.map(|_| ()) })),
        ("many", |c| Box::pin(async move { c.run(Batch::one(many_inserts())).await.map(|_| ()) })),
        ("snapshot", |c| {
            Box::pin(async move {
                c.run(batch(BatchMode::Snapshot, vec![query("select count(*) from r_sweep", vec![]), query("select 1 as fresh", vec![])]))
                    .await
                    .map(|_| ())
            })
        }),
        ("atomic", |c| Box::pin(async move { c.run(batch(BatchMode::Atomic, vec![insert(2), insert(3)])).await.map(|_| ()) })),
        ("transaction", |c| {
            Box::pin(async move {
                c.begin(Begin::default()).await?;
                c.run(Batch::one(insert(4))).await?;
                c.savepoint(1).await?;
                c.run(Batch::one(insert(5))).await?;
                c.rollback_to(1).await?;
                c.run(Batch::one(insert(6))).await?;
                c.commit().await
            })
        }),
        ("rollback", |c| {
            Box::pin(async move {
                c.begin(Begin::default()).await?;
                c.run(Batch::one(insert(7))).await?;
                c.rollback().await
            })
        }),
        ("script", |c| Box::pin(async move { c.execute_script("select 1; set search_path = r_nowhere; select 2".into()).await })),
        ("slow", |c| Box::pin(async move { c.run(Batch::one(query("select pg_sleep(0.05)", vec![]))).await.map(|_| ()) })),
        ("ping", |c| Box::pin(async move { c.ping().await })),
        ("failing", |c| {
            Box::pin(async move {
                let _ = c.run(Batch::one(query("select 1/0", vec![]))).await;
                let _ = c.run(Batch::one(query("select broken from nowhere", vec![]))).await;
                Ok(())
            })
        }),
    ]
}

#[test]
fn an_operation_may_be_dropped_at_every_poll() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let mut watcher = connect(&url).await;
        for text in ["drop table if exists r_sweep", "create table r_sweep (id int8 primary key, note text)"] {
            execute(&mut *watcher, text).await.unwrap();
        }
        let Value::I64(process) = one(&mut *connection, "select pg_backend_pid()").await else { panic!() };
        for (name, operation) in operations() {
            // A connection that knows the statements and one that does not.
            for times in 0.. {
                let finished = polled(operation(&mut *connection), times).await;
                connection.reset().await.unwrap_or_else(|error| panic!("{name} after {times} polls: {error}"));
                assert_eq!(connection.status(), Status::Idle, "{name} after {times} polls");
                assert!(connection.is_alive(std::time::Duration::MAX));
                let marker = i64::try_from(times).unwrap() + 7_000_000;
                let read =
                    rows(&mut *connection, "select $1, count(*) from r_sweep where id = 7", vec![param(marker, ScalarType::I64)]).await;
                let read = read.unwrap_or_else(|error| panic!("{name} after {times} polls: {error}"));
                assert_eq!(read, vec![vec![Value::I64(marker), Value::I64(0)]], "{name} after {times} polls");
                assert_eq!(one(&mut *connection, "show search_path").await, Value::from("\"$user\", public"));
                let busy = "select count(*) from pg_stat_activity where pid = $1 and state <> 'idle'";
                let busy = rows(&mut *watcher, busy, vec![param(process, ScalarType::I64)]).await.unwrap();
                assert_eq!(busy[0][0], Value::I64(0), "{name} after {times} polls");
                if let Some(result) = finished {
                    result.unwrap();
                    break;
                }
            }
        }
        // Each atomic or transactional operation is there whole or not at all.
        let whole = "select count(*) filter (where id in (2, 3)) in (0, 2), count(*) filter (where id in (4, 6)) in (0, 2), count(*) filter (where id in (5, 7)) = 0, count(*) filter (where id >= 1000) in (0, 600) from r_sweep";
        assert_eq!(rows(&mut *watcher, whole, vec![]).await.unwrap(), vec![vec![Value::Bool(true); 4]]);
        assert_eq!(one(&mut *connection, "select pg_backend_pid()").await, Value::I64(process), "it was the same session all the time");
    });
}

#[test]
fn a_transaction_goes_on_after_a_dropped_statement() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for text in ["drop table if exists r_tx", "create table r_tx (id int8 primary key)"] {
            execute(&mut *connection, text).await.unwrap();
        }
        for times in 1..4 {
            connection.begin(Begin::default()).await.unwrap();
            let id = i64::try_from(times).unwrap();
            let step = Step::execute("insert into r_tx values ($1)", vec![param(id, ScalarType::I64)]);
            let _ = polled(connection.run(Batch::one(step)), times).await;
            // Whatever became of it, the next statement is in the same transaction.
            assert_eq!(
                rows(&mut *connection, "insert into r_tx values ($1) returning id", vec![param(id + 100, ScalarType::I64)])
                    .await
                    .unwrap()
                    .len(),
                1
            );
            assert_eq!(connection.status(), Status::InTransaction);
            connection.rollback().await.unwrap();
            assert_eq!(one(&mut *connection, "select count(*) from r_tx").await, Value::I64(0));
        }
    });
}

#[test]
fn a_long_statement_is_cancelled_when_its_future_is_dropped() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for _ in 0..5 {
            let start = Instant::now();
            let slow = connection.run(Batch::one(query("select pg_sleep(30)", vec![])));
            assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
            assert_eq!(connection.status(), Status::Unknown);
            connection.reset().await.unwrap();
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        }
        // A huge result, dropped after its first rows.
        for _ in 0..5 {
            let endless = connection.run(Batch::one(Step::execute("select repeat('x', 1000), generate_series(1, 100000000)", vec![])));
            assert!(tokio::time::timeout(Duration::from_millis(30), endless).await.is_err());
            connection.reset().await.unwrap();
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        }
    });
}

#[test]
fn a_canceller_ends_a_statement_and_never_the_next_one() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let canceller = connection.canceller().unwrap();
        let slow = connection.run(Batch::one(query("select pg_sleep(30)", vec![])));
        let (result, cancelled) = tokio::join!(slow, async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            canceller.cancel().await
        });
        cancelled.unwrap();
        let error = result.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        //
        for number in 0..sized(200, 100_000) {
            // Too late: nothing runs.
            canceller.cancel().await.unwrap();
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1), "{number}");
        }
    });
}

/// A request that is slow on its way, and arrives when its statement has ended by itself: the server would stop whatever runs by then.
#[test]
fn a_cancel_request_that_comes_late_meets_no_later_statement() {
    on_server(async |url| {
        let proxy = Proxy::start(&url, Cut::Cancels).await;
        let mut connection = connect(&proxy.url(&url)).await;
        let sleep = || Batch::one(query("select pg_sleep(0.3)", vec![]));
        for reset in [false, true] {
            let (canceller, held) = (connection.canceller().unwrap(), proxy.held.0.load(Ordering::SeqCst));
            let request = tokio::spawn(async move { canceller.cancel().await });
            let (slept, ()) = tokio::join!(connection.run(sleep()), async {
                while proxy.held.0.load(Ordering::SeqCst) == held {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            slept.unwrap();
            assert_eq!(connection.status(), Status::Unknown, "it is not given to anybody");
            let (next, ()) = tokio::join!(
                async {
                    if reset {
                        connection.reset().await.unwrap();
                        assert_eq!(connection.status(), Status::Idle);
                    }
                    connection.run(sleep()).await.map(|_| ())
                },
                async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    proxy.held.1.add_permits(1);
                }
            );
            next.unwrap();
            request.await.unwrap().unwrap();
            assert_eq!(connection.status(), Status::Idle);
        }
    });
}

#[test]
fn a_reset_leaves_nothing_of_the_last_borrower() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let mut other = connect(&url).await;
        let state = "select current_setting('work_mem'), current_setting('search_path'), current_setting('role'), \
            (select count(*) from pg_listening_channels()), (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), \
            (select count(*) from pg_cursors where is_holdable), (select count(*) from pg_class where relpersistence = 't' and pg_table_is_visible(oid)), \
            current_setting('r.custom', true), current_user::text, current_setting('TimeZone')";
        let before = rows(&mut *connection, state, vec![]).await.unwrap();
        let changes = [
            "set work_mem = '7MB'",
            "select set_config('search_path', 'pg_catalog', false)",
            "set role pg_monitor",
            "listen r_channel",
            "select pg_advisory_lock(4711)",
            "declare r_cursor cursor with hold for select 1",
            "create temp table r_temp (id int)",
            "set r.custom = 'x'",
            "set session authorization pg_monitor",
            "set time zone 'Asia/Tokyo'",
        ];
        for script in [false, true] {
            for change in changes {
                if script {
                    connection.execute_script(change.into()).await.unwrap();
                } else {
                    execute(&mut *connection, change).await.unwrap();
                }
                assert_ne!(connection.status(), Status::Idle, "{change}: nobody may take it as clean");
                connection.reset().await.unwrap();
                assert_eq!(connection.status(), Status::Idle, "{change}");
                let mut after = rows(&mut *connection, state, vec![]).await.unwrap();
                // Asking for the unset custom setting gives '' once it was set.
                if after[0][7] == Value::from("") {
                    after[0][7] = Value::Null;
                }
                assert_eq!(after, before, "{change}");
            }
        }
        assert_eq!(one(&mut *other, "select pg_try_advisory_lock(4711)").await, Value::Bool(true));
        // A clean session costs nothing.
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
    });
}

#[test]
fn copy_is_refused_and_leaves_the_connection_usable() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        execute(&mut *connection, "create temp table r_copy (id int)").await.unwrap();
        assert!(execute(&mut *connection, "copy r_copy from stdin").await.is_err());
        assert_eq!(one(&mut *connection, "select count(*) from r_copy").await, Value::I64(0));
        assert!(connection.execute_script("copy r_copy from stdin".into()).await.is_err());
        connection.execute_script("copy r_copy to stdout".into()).await.unwrap();
        execute(&mut *connection, "copy (select 1) to stdout").await.unwrap();
        assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
    });
}

/// The server refuses it by itself, before it has read that we do: its answers must not be taken for those of the next statement.
#[test]
fn a_copy_that_the_server_refuses_too_gives_nobody_a_wrong_answer() {
    on_server(async |url| {
        for _ in 0..5 {
            let mut connection = connect(&url).await;
            execute(&mut *connection, "create temp view r_seen as select 1 as id").await.unwrap();
            assert!(execute(&mut *connection, "copy r_seen from stdin").await.is_err());
            for number in 0..3i64 {
                let answer = rows(&mut *connection, &format!("select {number}"), vec![]).await;
                match answer {
                    Ok(read) => assert_eq!(read, vec![vec![Value::I64(number)]]),
                    // It is closed: the pool opens another one.
                    Err(_) => assert_eq!(connection.status(), Status::Broken),
                }
            }
        }
    });
}
