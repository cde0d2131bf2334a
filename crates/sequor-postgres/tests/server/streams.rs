//! Long results: pausing, stopping, failing sinks.

use crate::support::*;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Flow, Status, Step};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};
use std::time::Instant;

const SERIES: &str = "select generate_series(1, $1) as n, repeat('x', 50)";

fn paused_at(text: &str, rows: i64, at: usize, flow: Flow) -> Step {
    let sink = Collect { at: Some((at, flow)), ..Collect::default() };
    Step::query(text, vec![param(rows, ScalarType::I64)], Box::new(sink))
}

async fn check_usable(connection: &mut dyn Connection) {
    assert_eq!(one(connection, "select 42").await, Value::I64(42));
    assert_eq!(connection.status(), Status::Idle);
}

#[test]
fn a_paused_step_goes_on_where_it_stopped() {
    on_server(async |url| {
        for mode in [BatchMode::Plain, BatchMode::Snapshot] {
            let mut connection = connect(&url).await;
            let steps = vec![query("select 'first'", vec![]), paused_at(SERIES, 100_000, 1000, Flow::Pause)];
            let mut done = connection.run(batch(mode, steps)).await.unwrap();
            assert!(done[1].paused && !done[0].paused);
            assert_eq!(connection.status(), Status::Unknown);
            let mut seen = collected(done.remove(1)).rows;
            let mut pauses = 0;
            loop {
                let done = connection.resume(Box::new(Collect { at: Some((7777, Flow::Pause)), ..Collect::default() })).await.unwrap();
                let paused = done.paused;
                if !paused {
                    assert_eq!(done.affected, 100_000);
                }
                seen.extend(collected(done).rows);
                if !paused {
                    break;
                }
                pauses += 1;
            }
            assert_eq!((seen.len(), pauses), (100_000, 12));
            assert!(seen.iter().enumerate().all(|(place, row)| row[0] == Value::I64(i64::try_from(place).unwrap() + 1)));
            check_usable(&mut *connection).await;
            assert!(connection.resume(Box::new(Collect::default())).await.is_err());
        }
    });
}

#[test]
fn what_comes_after_a_pause_is_right_without_resuming() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for mode in [BatchMode::Plain, BatchMode::Snapshot, BatchMode::Atomic] {
            connection.run(batch(mode, vec![paused_at(SERIES, 50_000, 10, Flow::Pause)])).await.unwrap();
            check_usable(&mut *connection).await;
            connection.run(batch(mode, vec![paused_at(SERIES, 50_000, 10, Flow::Pause)])).await.unwrap();
            connection.ping().await.unwrap();
            connection.run(batch(mode, vec![paused_at(SERIES, 50_000, 10, Flow::Pause)])).await.unwrap();
            connection.reset().await.unwrap();
            check_usable(&mut *connection).await;
        }
        connection.begin(Begin::default()).await.unwrap();
        connection.run(Batch::one(paused_at(SERIES, 50_000, 10, Flow::Pause))).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        assert_eq!(connection.status(), Status::InTransaction);
        connection.run(Batch::one(paused_at(SERIES, 50_000, 10, Flow::Pause))).await.unwrap();
        connection.commit().await.unwrap();
        check_usable(&mut *connection).await;
    });
}

#[test]
fn a_pause_in_the_middle_of_many_lists_keeps_the_rest() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let lists = (0..5000i64).map(|number| vec![param(number, ScalarType::I64), param("x".repeat(100), ScalarType::Text)]).collect();
        let mut step = many("select $1, $2", lists);
        step.sink = Box::new(Collect { at: Some((100, Flow::Pause)), ..Collect::default() });
        let done = connection.run(Batch::one(step)).await.unwrap().remove(0);
        assert!(done.paused);
        let rest = connection.resume(Box::new(Collect::default())).await.unwrap();
        assert_eq!(collected(done).rows.len() + collected(rest).rows.len(), 5000);
        check_usable(&mut *connection).await;
    });
}

#[test]
fn a_stopped_step_ends_soon_and_well() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for mode in [BatchMode::Plain, BatchMode::Snapshot] {
            let start = Instant::now();
            // The whole result would take minutes.
            let done = connection.run(batch(mode, vec![paused_at(SERIES, 500_000_000, 3, Flow::Stop)])).await.unwrap().remove(0);
            assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
            assert!(!done.paused);
            assert_eq!(collected(done).rows.len(), 3);
            check_usable(&mut *connection).await;
        }
        // In a transaction nothing is cancelled: that would end it.
        connection.begin(Begin::default()).await.unwrap();
        connection.run(Batch::one(paused_at(SERIES, 100_000, 3, Flow::Stop))).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        connection.commit().await.unwrap();
        // A write is never cancelled because its rows are not wanted.
        execute(&mut *connection, "drop table if exists s_stop").await.unwrap();
        execute(&mut *connection, "create table s_stop (n int8, x text)").await.unwrap();
        let text = "insert into s_stop select n, repeat('x', 50) from generate_series(1, $1) n returning *";
        connection.run(batch(BatchMode::Atomic, vec![paused_at(text, 50_000, 3, Flow::Stop)])).await.unwrap();
        connection.run(Batch::one(paused_at(text, 50_000, 3, Flow::Stop))).await.unwrap();
        assert_eq!(one(&mut *connection, "select count(*) from s_stop").await, Value::I64(100_000));
    });
}

#[test]
fn the_error_of_a_sink_is_what_the_caller_gets() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for mode in [BatchMode::Plain, BatchMode::Snapshot, BatchMode::Atomic] {
            let step = || {
                Step::query(SERIES, vec![param(10_000i64, ScalarType::I64)], Box::new(Collect { fail_at: Some(17), ..Collect::default() }))
            };
            let error = connection.run(batch(mode, vec![step()])).await.map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Usage(_)) && error.to_string().contains("enough"), "{error:?}");
            check_usable(&mut *connection).await;
            let error = connection.run(batch(mode, vec![step(), query("select 1", vec![])])).await.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("enough"), "{error:?}");
            check_usable(&mut *connection).await;
        }
        let pausing = vec![paused_at(SERIES, 10, 3, Flow::Pause), query("select 1", vec![])];
        assert!(connection.run(batch(BatchMode::Plain, pausing)).await.is_err(), "only the last step may pause");
        check_usable(&mut *connection).await;
    });
}
