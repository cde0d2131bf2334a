//! Prepared statements whose tables change under them.

use crate::support::*;
use sequor_core::Value;
use sequor_core::driver::{BatchMode, Begin, Connection, Status};
use sequor_core::types::ScalarType;

async fn alter(connection: &mut dyn Connection, text: &str) {
    execute(connection, text).await.unwrap();
}

#[test]
fn a_stale_plan_is_healed_outside_of_a_transaction() {
    on_server(async |url| {
        let mut reader = connect(&url).await;
        let mut owner = connect(&url).await;
        for table in ["p_one", "p_two"] {
            alter(&mut *owner, &format!("drop table if exists {table}")).await;
            alter(&mut *owner, &format!("create table {table} (id int8)")).await;
            alter(&mut *owner, &format!("insert into {table} values (1)")).await;
        }
        let read = |table: &str| query(&format!("select * from {table} where id = $1"), vec![param(1i64, ScalarType::I64)]);
        for round in 0..8 {
            for mode in [BatchMode::Plain, BatchMode::Snapshot, BatchMode::Atomic] {
                // Each is alone, first or last in its flush.
                let steps = if round % 2 == 0 { vec![read("p_one")] } else { vec![read("p_two"), read("p_one")] };
                let single = steps.len() == 1;
                if mode == BatchMode::Atomic && !single {
                    continue;
                }
                let last = steps.len() - 1;
                let mut done = reader.run(batch(mode, steps)).await.unwrap();
                let sink = collected(done.remove(last));
                assert_eq!((sink.rows.len(), sink.announced), (1, 1));
                assert_eq!(reader.status(), Status::Idle);
                alter(&mut *owner, "alter table p_one add column if not exists extra text").await;
                let mut done = reader.run(batch(mode, vec![read("p_one")])).await.unwrap();
                assert_eq!(collected(done.remove(0)).rows[0].len(), 2);
                alter(&mut *owner, "alter table p_one drop column extra").await;
            }
        }
    });
}

#[test]
fn readers_see_no_error_while_the_schema_changes() {
    on_server(async |url| {
        let mut owner = connect(&url).await;
        for table in ["p_busy_a", "p_busy_b", "p_busy_c"] {
            alter(&mut *owner, &format!("drop table if exists {table}")).await;
            alter(&mut *owner, &format!("create table {table} (id int8)")).await;
            alter(&mut *owner, &format!("insert into {table} values (1)")).await;
        }
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (url, done) = (url.clone(), done.clone());
                tokio::spawn(async move {
                    let mut connection = connect(&url).await;
                    let mut reads = 0;
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        let mode = if reader % 2 == 0 { BatchMode::Snapshot } else { BatchMode::Plain };
                        let steps =
                            ["p_busy_a", "p_busy_b", "p_busy_c"].map(|table| query(&format!("select * from {table}"), vec![])).into();
                        let read = connection.run(batch(mode, steps)).await.unwrap();
                        assert!(read.into_iter().all(|done| collected(done).rows.len() == 1));
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for round in 0..60 {
            let table = ["p_busy_a", "p_busy_b", "p_busy_c"][round % 3];
            let change = if round % 2 == 0 { "add column if not exists extra text" } else { "drop column if exists extra" };
            alter(&mut *owner, &format!("alter table {table} {change}")).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.unwrap() > 10);
        }
    });
}

#[test]
fn a_stale_plan_in_a_transaction_is_an_error_that_says_run_again() {
    on_server(async |url| {
        let mut reader = connect(&url).await;
        let mut owner = connect(&url).await;
        alter(&mut *owner, "drop table if exists p_tx").await;
        alter(&mut *owner, "create table p_tx (id int8)").await;
        let read = "select * from p_tx";
        rows(&mut *reader, read, vec![]).await.unwrap();
        alter(&mut *owner, "alter table p_tx add column extra text").await;
        // As the first statement of a transaction nothing is lost by beginning again.
        reader.begin(Begin::default()).await.unwrap();
        rows(&mut *reader, read, vec![]).await.unwrap();
        assert_eq!(reader.status(), Status::InTransaction);
        reader.rollback().await.unwrap();
        alter(&mut *owner, "alter table p_tx add column more text").await;
        reader.begin(Begin::default()).await.unwrap();
        one(&mut *reader, "select 1").await;
        let error = rows(&mut *reader, read, vec![]).await.unwrap_err();
        assert!(error.is_retryable() && code(&error) == "0A000", "{error:?}");
        reader.rollback().await.unwrap();
        // Run again, it works.
        reader.begin(Begin::default()).await.unwrap();
        one(&mut *reader, "select 1").await;
        rows(&mut *reader, read, vec![]).await.unwrap();
        reader.commit().await.unwrap();
    });
}

#[test]
fn statements_that_the_server_forgot_are_prepared_again() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for text in ["deallocate all", "discard all"] {
            assert_eq!(one(&mut *connection, "select 1 as forgotten").await, Value::I64(1));
            connection.execute_script(text.into()).await.unwrap();
            assert_eq!(one(&mut *connection, "select 1 as forgotten").await, Value::I64(1));
        }
        // Behind the driver's back.
        connection.execute_script("do $$ begin execute 'deallocate all'; end $$".into()).await.unwrap();
        assert_eq!(one(&mut *connection, "select 1 as forgotten").await, Value::I64(1));
        connection.reset().await.unwrap();
        assert_eq!(one(&mut *connection, "select 1 as forgotten").await, Value::I64(1));
    });
}

#[test]
fn statements_without_names_leave_nothing_on_the_server() {
    on_server(async |url| {
        let url = format!("{url}{}statement_mode=unnamed", if url.contains('?') { '&' } else { '?' });
        let mut connection = connect(&url).await;
        for number in 0..5 {
            assert_eq!(one(&mut *connection, &format!("select {number}")).await, Value::I64(number));
        }
        connection.begin(Begin::default()).await.unwrap();
        let steps = (0..3).map(|number| query(&format!("select {number}"), vec![])).collect();
        connection.run(batch(BatchMode::Plain, steps)).await.unwrap();
        connection.commit().await.unwrap();
        let steps = (0..3).map(|number| query(&format!("select {number}"), vec![])).collect();
        let done = connection.run(batch(BatchMode::Snapshot, steps)).await.unwrap();
        assert_eq!(done.into_iter().map(|done| collected(done).rows[0][0].clone()).collect::<Vec<_>>(), [0, 1, 2].map(Value::I64));
        assert_eq!(one(&mut *connection, "select count(*) from pg_prepared_statements where name <> ''").await, Value::I64(0));
    });
}

#[test]
fn a_bound_pattern_is_planned_with_its_value_each_time() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        connection
            .execute_script("create temp table words as select 'w' || i as word from generate_series(1, 20000) i".into())
            .await
            .unwrap();
        connection.execute_script("create index on words (word text_pattern_ops); analyze words".into()).await.unwrap();
        for number in 1..19 {
            let pattern = vec![param(format!("w{number}99%"), ScalarType::Text)];
            let found = rows(&mut *connection, "select count(*) from words where word LIKE $1", pattern.clone()).await.unwrap();
            assert_eq!(found, [[Value::I64(if number == 1 { 111 } else { 11 })]]);
            let plan = rows(&mut *connection, "explain select count(*) from words where word LIKE $1", pattern).await.unwrap();
            let plan = format!("{plan:?}");
            assert!(plan.contains("Index Cond"), "run {number}: {plan}");
        }
        // It keeps a name while the server plans it with its values, and gets another one before the server would plan it for all values.
        let plans = "select max(custom_plans), sum(generic_plans)::int8, count(*) from pg_prepared_statements where statement like 'select count(*) from words where%'";
        let plans = rows(&mut *connection, plans, vec![]).await.unwrap();
        assert_eq!(plans, [[Value::I64(3), Value::I64(0), Value::I64(1)]]);
    });
}

#[test]
fn names_are_given_up_behind_a_proxy_that_shares_its_connections() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for round in 0..4 {
            assert_eq!(one(&mut *connection, "select 1 as shared").await, Value::I64(1));
            // As if the proxy had passed the next statement to another server connection.
            connection.execute_script("do $$ begin execute 'deallocate all'; end $$".into()).await.unwrap();
            let named = one(&mut *connection, "select count(*) from pg_prepared_statements where name <> ''").await;
            assert_eq!(named == Value::I64(0), round >= 1, "{round}: {named:?}");
        }
    });
}
