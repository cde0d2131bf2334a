//! Lines that break, and what is said about the work that was under way.

use crate::proxy::{Cut, Proxy};
use crate::support::*;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Status, Step};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};

fn kind(error: &Error) -> ConnectionErrorKind {
    match error {
        Error::Connection(error) => error.kind,
        other => panic!("{other:?}"),
    }
}

async fn prepare(url: &str, table: &str) -> Box<dyn Connection> {
    let mut connection = connect(url).await;
    execute(&mut *connection, &format!("drop table if exists {table}")).await.unwrap();
    execute(&mut *connection, &format!("create table {table} (id int8 primary key)")).await.unwrap();
    connection
}

#[test]
fn a_line_that_breaks_around_commit_says_whether_anybody_can_know() {
    on_server(async |url| {
        let mut watcher = prepare(&url, "f_commit").await;
        for (id, cut, expected) in [
            (1i64, Cut::Before("COMMIT"), ConnectionErrorKind::CommitUnknown),
            (2, Cut::After("COMMIT"), ConnectionErrorKind::CommitUnknown),
            (3, Cut::Before("f_commit"), ConnectionErrorKind::Broken),
            (4, Cut::After("f_commit"), ConnectionErrorKind::Broken),
        ] {
            let proxy = Proxy::start(&url, cut).await;
            let mut connection = connect(&proxy.url(&url)).await;
            connection.begin(Begin::default()).await.unwrap();
            let inserted = connection
                .run(Batch::one(Step::execute("insert into f_commit values ($1)", vec![param(id, ScalarType::I64)])))
                .await
                .map(|_| ());
            let result = match inserted {
                Ok(()) => connection.commit().await,
                Err(error) => Err(error),
            };
            assert_eq!(kind(&result.unwrap_err()), expected, "{cut:?}");
            assert_eq!(connection.status(), Status::Broken);
            assert!(!connection.is_alive(std::time::Duration::MAX));
            assert!(connection.reset().await.is_err());
            assert!(connection.ping().await.is_err());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(one(&mut *watcher, "select string_agg(id::text, ',' order by id) from f_commit").await, Value::from("2"));
    });
}

#[test]
fn a_bare_write_whose_answer_is_lost_is_unknown_and_a_read_is_not() {
    on_server(async |url| {
        let _watcher = prepare(&url, "f_bare").await;
        let insert = || Step::execute("insert into f_bare values (1) on conflict do nothing", vec![]);
        let read = || query("select 1 from f_bare", vec![]);
        for (mode, step, expected) in [
            (BatchMode::Plain, insert(), ConnectionErrorKind::CommitUnknown),
            (BatchMode::Atomic, insert(), ConnectionErrorKind::CommitUnknown),
            (BatchMode::Plain, read(), ConnectionErrorKind::Broken),
        ] {
            let proxy = Proxy::start(&url, Cut::After("f_bare")).await;
            let mut connection = connect(&proxy.url(&url)).await;
            let error = connection.run(batch(mode, vec![step])).await.map(|_| ()).unwrap_err();
            assert_eq!(kind(&error), expected, "{mode:?}");
        }
    });
}

#[test]
fn a_session_that_the_server_ends_is_broken_with_its_reason() {
    on_server(async |url| {
        let mut watcher = connect(&url).await;
        let mut connection = connect(&url).await;
        let end = |process: Value| vec![param(process, ScalarType::I32)];
        let process = one(&mut *connection, "select pg_backend_pid()").await;
        rows(&mut *watcher, "select pg_terminate_backend($1)", end(process)).await.unwrap();
        // Idle: seen without a round trip.
        for _ in 0..100 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if !connection.is_alive(std::time::Duration::MAX) {
                break;
            }
        }
        assert!(!connection.is_alive(std::time::Duration::MAX));
        assert_eq!(connection.status(), Status::Broken);
        // Busy, with a write that never ended: known not to be stored.
        let mut connection = connect(&url).await;
        let process = one(&mut *connection, "select pg_backend_pid()").await;
        let write = connection.run(Batch::one(Step::execute("insert into pg_temp.x select pg_sleep(30)", vec![])));
        drop(write);
        execute(&mut *connection, "create temp table f_end (x text)").await.unwrap();
        let write = connection.run(Batch::one(Step::execute("insert into f_end select pg_sleep(30)", vec![])));
        let (result, _) = tokio::join!(write, async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            rows(&mut *watcher, "select pg_terminate_backend($1)", end(process)).await
        });
        let error = result.map(|_| ()).unwrap_err();
        assert_eq!(kind(&error), ConnectionErrorKind::Broken, "{error:?}");
        assert!(error.to_string().contains("57P01"), "{error}");
    });
}

#[test]
fn a_line_cut_after_any_byte_is_an_error_and_never_a_wrong_answer() {
    on_server(async |url| {
        // Where the answers of the startup end differs; all cuts after it are of interest.
        for limit in (300..900).step_by(7) {
            let proxy = Proxy::start(&url, Cut::Answers(limit)).await;
            let Ok(mut connection) = sequor_core::driver::Driver::connect(&driver(&proxy.url(&url))).await else { continue };
            for number in 0..10i64 {
                match rows(&mut *connection, "select $1, 'some text'", vec![param(number, ScalarType::I64)]).await {
                    Ok(read) => assert_eq!(read, vec![vec![Value::I64(number), Value::from("some text")]]),
                    Err(error) => {
                        assert_eq!(kind(&error), ConnectionErrorKind::Broken);
                        break;
                    }
                }
            }
        }
    });
}

// C-10: real lengths; the pages are never touched, so they take no memory.
#[test]
fn lengths_that_the_protocol_cannot_say_are_refused_before_anything_is_sent() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let text = "select $1::bytea is not null, $2::bytea is not null";
        let both = |bytes: Vec<u8>| vec![param(vec![1u8], ScalarType::Bytes), param(bytes, ScalarType::Bytes)];
        let yes = vec![vec![Value::Bool(true), Value::Bool(true)]];
        assert_eq!(rows(&mut *connection, text, both(vec![2])).await.unwrap(), yes);
        for length in [(1usize << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 5] {
            let trips = connection.round_trips();
            let start = std::time::Instant::now();
            let error = rows(&mut *connection, text, both(vec![0; length])).await.unwrap_err();
            assert!(error.to_string().contains("256 MiB"), "{length}: {error}");
            assert_eq!(connection.round_trips(), trips, "{length}: something was sent");
            assert!(start.elapsed() < std::time::Duration::from_secs(20), "{length}: {:?}", start.elapsed());
            assert_eq!(rows(&mut *connection, text, both(vec![3])).await.unwrap(), yes);
        }
    });
}
