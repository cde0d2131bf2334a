//! Batches: what shares a flush, what shares a transaction, and what an error leaves.

use crate::proxy::{Cut, Proxy};
use crate::support::*;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Params, Status, Step, StepDone};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};
use std::time::Duration;

async fn table(connection: &mut dyn Connection, name: &str) {
    for text in [format!("drop table if exists {name}"), format!("create table {name} (id int8 primary key, note text)")] {
        execute(connection, &text).await.unwrap();
    }
}

async fn count(connection: &mut dyn Connection, name: &str) -> Value {
    one(connection, &format!("select count(*) from {name}")).await
}

#[test]
fn many_lists_run_one_statement_and_add_up() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        table(&mut *connection, "b_many").await;
        // Large enough to fill every socket buffer in both directions several times.
        let lists: Vec<_> = (0..20_000i64).map(|id| vec![param(id, ScalarType::I64), param("n".repeat(200), ScalarType::Text)]).collect();
        let step = many("insert into b_many values ($1, $2) returning id, note", lists);
        let done = connection.run(batch(BatchMode::Plain, vec![step])).await.unwrap().remove(0);
        assert_eq!(done.affected, 20_000);
        let sink = collected(done);
        assert_eq!((sink.rows.len(), sink.announced), (20_000, 1));
        assert!(sink.rows.iter().enumerate().all(|(place, row)| row[0] == Value::I64(i64::try_from(place).unwrap())));
        assert_eq!(count(&mut *connection, "b_many").await, Value::I64(20_000));
        // One of them fails: none is there.
        let lists = (20_000..30_000i64).chain([5]).map(|id| vec![param(id, ScalarType::I64), param("x", ScalarType::Text)]).collect();
        let error =
            connection.run(batch(BatchMode::Plain, vec![many("insert into b_many values ($1, $2)", lists)])).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::UniqueConstraint { .. }), "{error:?}");
        // A parameter of one of the last cannot be written: none is there either.
        let bad = |id: i64| if id == 29_999 { param("x\0", ScalarType::Text) } else { param("x".repeat(100), ScalarType::Text) };
        let lists = (20_000..30_000i64).map(|id| vec![param(id, ScalarType::I64), bad(id)]).collect();
        let error =
            connection.run(batch(BatchMode::Plain, vec![many("insert into b_many values ($1, $2)", lists)])).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        assert_eq!(count(&mut *connection, "b_many").await, Value::I64(20_000));
        let done = connection.run(batch(BatchMode::Plain, vec![many("select $1", vec![])])).await.unwrap().remove(0);
        assert_eq!(done.affected, 0);
        assert_eq!(connection.status(), Status::Idle);
    });
}

#[test]
fn a_derived_step_sees_what_earlier_sinks_saw() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        table(&mut *connection, "b_derived").await;
        let first = query("insert into b_derived values (1, 'a'), (2, 'b') returning id", vec![]);
        let derived = Step {
            text: "insert into b_derived values ($1, 'sum') returning id".into(),
            params: Params::Derived(Box::new(|earlier| {
                let sink: &mut dyn std::any::Any = earlier.sink(0).unwrap();
                let rows = &sink.downcast_mut::<Collect>().unwrap().rows;
                let sum: i64 = rows.iter().flatten().map(|id| if let Value::I64(id) = id { *id } else { 0 }).sum();
                assert!(earlier.sink(1).is_none(), "only what has run is seen");
                Ok(Some(vec![param(sum, ScalarType::I64)]))
            })),
            sink: Box::new(Collect::default()),
            cache: true,
        };
        let skipped =
            Step { text: "".into(), params: Params::Derived(Box::new(|_| Ok(None))), sink: Box::new(Collect::default()), cache: true };
        let mut done = connection.run(batch(BatchMode::Atomic, vec![first, derived, skipped])).await.unwrap();
        assert_eq!(done.iter().map(|done| done.affected).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(done.iter().map(StepDone::is_skipped).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(collected(done.remove(1)).rows, vec![vec![Value::I64(3)]]);
        assert_eq!(connection.status(), Status::Idle);
        assert_eq!(count(&mut *connection, "b_derived").await, Value::I64(3));
        // A derivation that fails undoes what its batch did.
        let fails = Step {
            text: "".into(),
            params: Params::Derived(Box::new(|_| Err(Error::usage("no")))),
            sink: Box::new(Collect::default()),
            cache: true,
        };
        let insert = query("insert into b_derived values (10, 'x')", vec![]);
        assert!(connection.run(batch(BatchMode::Atomic, vec![insert, fails])).await.is_err());
        assert_eq!(connection.status(), Status::Idle);
        assert_eq!(count(&mut *connection, "b_derived").await, Value::I64(3));
    });
}

#[test]
fn an_atomic_batch_is_all_or_nothing() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        table(&mut *connection, "b_atomic").await;
        let insert = |id: i64| query("insert into b_atomic values ($1, 'x')", vec![param(id, ScalarType::I64)]);
        connection.run(batch(BatchMode::Atomic, vec![insert(1), insert(2)])).await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
        let error = connection.run(batch(BatchMode::Atomic, vec![insert(3), insert(1), insert(4)])).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::UniqueConstraint { .. }), "{error:?}");
        assert_eq!(connection.status(), Status::Idle);
        let bad = query("insert into b_atomic values ($1, 'x')", vec![param("x", ScalarType::I64)]);
        assert!(connection.run(batch(BatchMode::Atomic, vec![insert(3), bad])).await.is_err());
        assert_eq!(connection.status(), Status::Idle);
        assert_eq!(count(&mut *connection, "b_atomic").await, Value::I64(2));
        // Inside of the caller's transaction the batch neither begins nor commits.
        connection.begin(Begin::default()).await.unwrap();
        connection.run(batch(BatchMode::Atomic, vec![insert(3), insert(4)])).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        connection.rollback().await.unwrap();
        assert_eq!(count(&mut *connection, "b_atomic").await, Value::I64(2));
        // A deferred constraint fails at COMMIT, which rides in the same flush.
        execute(
            &mut *connection,
            "alter table b_atomic add constraint b_atomic_self foreign key (id) references b_atomic (id) deferrable initially deferred",
        )
        .await
        .unwrap();
        execute(&mut *connection, "alter table b_atomic add parent int8 references b_atomic (id) deferrable initially deferred")
            .await
            .unwrap();
        let orphan = query("insert into b_atomic values (9, 'x', 1000)", vec![]);
        let error = connection.run(batch(BatchMode::Atomic, vec![orphan])).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::ForeignKeyConstraint { .. }), "{error:?}");
        assert_eq!(count(&mut *connection, "b_atomic").await, Value::I64(2));
    });
}

#[test]
fn steps_after_a_failed_one_have_not_run() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        table(&mut *connection, "b_plain").await;
        let insert = |id: i64| query("insert into b_plain values ($1, 'x')", vec![param(id, ScalarType::I64)]);
        let error = connection.run(batch(BatchMode::Plain, vec![insert(1), insert(1), insert(2)])).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::UniqueConstraint { .. }), "{error:?}");
        // Each by itself: the first one stays.
        assert_eq!(one(&mut *connection, "select string_agg(id::text, ',') from b_plain").await, Value::from("1"));
        let selects = vec![query("select 1", vec![]), query("select 1/0", vec![]), query("select nextval('b_sequence')", vec![])];
        execute(&mut *connection, "drop sequence if exists b_sequence").await.unwrap();
        execute(&mut *connection, "create sequence b_sequence").await.unwrap();
        assert!(connection.run(batch(BatchMode::Plain, selects)).await.is_err());
        assert_eq!(one(&mut *connection, "select nextval('b_sequence')").await, Value::I64(1));
    });
}

#[test]
fn reads_of_a_batch_travel_in_one_flush_and_a_snapshot_is_one() {
    on_server(async |url| {
        let proxy = Proxy::start(&url, Cut::Never).await;
        let mut connection = connect(&proxy.url(&url)).await;
        let mut other = connect(&url).await;
        table(&mut *connection, "b_snapshot").await;
        for mode in [BatchMode::Plain, BatchMode::Snapshot] {
            for round in 0..2 {
                let before = proxy.flushes();
                let steps = (0..4)
                    .map(|step| query(&format!("select count(*), {step} from b_snapshot where $1"), vec![param(true, ScalarType::Bool)]))
                    .collect();
                let done = connection.run(batch(mode, steps)).await.unwrap();
                assert_eq!(proxy.flushes() - before, 1, "{mode:?}, round {round}");
                assert_eq!(done.len(), 4);
                for (place, done) in done.into_iter().enumerate() {
                    assert_eq!(done.affected, 1);
                    assert_eq!(collected(done).rows[0][1], Value::I64(i64::try_from(place).unwrap()));
                }
            }
        }
        // A writer in the middle of the snapshot is not seen by its later steps.
        let slow = vec![query("select pg_sleep(0.3)", vec![]), query("select count(*) from b_snapshot", vec![])];
        let read = connection.run(batch(BatchMode::Snapshot, slow));
        let write = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            execute(&mut *other, "insert into b_snapshot values (1, 'late')").await.unwrap();
        };
        let (done, ()) = tokio::join!(read, write);
        assert_eq!(collected(done.unwrap().remove(1)).rows[0][0], Value::I64(0));
        assert_eq!(connection.status(), Status::Idle);
        let write = query("insert into b_snapshot values (2, 'x')", vec![]);
        let error = connection.run(batch(BatchMode::Snapshot, vec![write])).await.map(|_| ()).unwrap_err();
        assert_eq!(code(&error), "25006");
        assert_eq!(connection.status(), Status::Idle);
        // BEGIN rides with the first statement.
        connection.begin(Begin { read_only: true, ..Begin::default() }).await.unwrap();
        let before = proxy.flushes();
        assert_eq!(one(&mut *connection, "select current_setting('transaction_read_only')").await, Value::from("on"));
        assert_eq!(proxy.flushes() - before, 1);
        connection.commit().await.unwrap();
    });
}

#[test]
fn a_statement_twice_in_one_flush_and_uncached_ones_work() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let same = || query("select $1 as twice", vec![param(1i64, ScalarType::I64)]);
        let done = connection.run(batch(BatchMode::Snapshot, vec![same(), same()])).await.unwrap();
        assert!(done.into_iter().all(|done| collected(done).rows == vec![vec![Value::I64(1)]]));
        let uncached = |number: i64| Step { cache: false, ..query(&format!("select $1 + {number}"), vec![param(1i64, ScalarType::I64)]) };
        let done = connection.run(batch(BatchMode::Plain, vec![uncached(1), uncached(2), same()])).await.unwrap();
        let numbers: Vec<_> = done.into_iter().map(|done| collected(done).rows[0][0].clone()).collect();
        assert_eq!(numbers, [Value::I64(2), Value::I64(3), Value::I64(1)]);
        let prepared = "select count(*) from pg_prepared_statements";
        let before = one(&mut *connection, prepared).await;
        connection.run(batch(BatchMode::Plain, vec![uncached(7)])).await.unwrap();
        assert_eq!(one(&mut *connection, prepared).await, before);
    });
}

#[test]
fn one_text_with_parameters_of_two_types_is_two_statements() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for _ in 0..2 {
            let number = rows(&mut *connection, "select $1", vec![param(5i64, ScalarType::I64)]).await.unwrap();
            let text = rows(&mut *connection, "select $1", vec![param("five", ScalarType::Text)]).await.unwrap();
            assert_eq!((&number[0][0], &text[0][0]), (&Value::I64(5), &Value::from("five")));
        }
    });
}

#[test]
fn distinct_statements_do_not_pile_up_on_the_server() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        // C-16: each tenth is dropped on its way.
        let mut start = 0;
        for number in 0..sized(700, 100_000) {
            let text = format!("select {number}");
            if number % 10 == 3 {
                let call = connection.run(Batch::one(query(&text, vec![])));
                let _ = tokio::time::timeout(Duration::from_micros(u64::try_from(number).unwrap_or(0) % 40 * 5), call).await;
                connection.reset().await.unwrap();
            } else {
                assert_eq!(one(&mut *connection, &text).await, Value::I64(number));
            }
            if number == 500 {
                start = resident();
            }
        }
        let Value::I64(count) = one(&mut *connection, "select count(*) from pg_prepared_statements").await else { panic!() };
        assert!((1..=257).contains(&count), "{count}");
        // Other tests of this process need some too.
        let grown = resident().saturating_sub(start);
        assert!(grown < 64 * 1024, "{grown} kB more than after the first 500");
    });
}
