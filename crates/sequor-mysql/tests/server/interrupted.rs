//! Calls that are cut short: dropped at every poll, cancelled, left in a pause. The next user must not notice.

use crate::bed::*;
use crate::on_server;
use sequor_core::driver::{BatchMode, Begin, Connection, Flow, Status, Step};
use sequor_core::{Error, Result, Value};
use std::future::Future;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Polls a future so many times and drops it; `Some` when it ended before.
async fn polled<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn operation(c: &mut dyn Connection, number: usize) -> Result<()> {
    let insert = || Step::execute("insert into t (a) values (?)", vec![param(1i64)]);
    match number {
        0 => run(c, "select 1").await.map(drop),
        1 => with(c, "select ?", vec![param(7i64)]).await.map(drop),
        2 => run(c, "select seq, repeat('x', 1000) from seq_1_to_5000").await.map(drop),
        3 => c.begin(Begin::default()).await,
        4 => {
            c.begin(Begin::default()).await?;
            run(c, "insert into t (a) values (1)").await?;
            c.savepoint(1).await?;
            run(c, "insert into t (a) values (2)").await?;
            c.rollback_to(1).await?;
            c.rollback().await
        }
        5 => c
            .run(batch(BatchMode::Atomic, vec![insert(), insert(), Step::execute("insert into t (id) values (1)", vec![])]))
            .await
            .map(drop),
        6 => c.run(batch(BatchMode::Snapshot, vec![Step::execute("select 1", vec![]), Step::execute("select 2", vec![])])).await.map(drop),
        7 => one(c, many("select ?", (0..20i64).map(|number| vec![param(number)]).collect())).await.map(drop),
        8 => c.execute_script("set @a = 1; select 1; select 2".into()).await,
        9 => c.ping().await,
        10 => run(c, "insert into t (id) values (1)").await.map(drop),
        12 => {
            let lists = (0..40i64).map(|number| vec![param(number)]).chain([vec![param(1i64)]]).collect();
            c.run(batch(BatchMode::Atomic, vec![insert(), many("insert into t (id) values (?)", lists)])).await.map(drop)
        }
        11 => with(c, "select length(?)", vec![param("x".repeat(3 << 20))]).await.map(drop),
        _ => {
            let sink = Collect { at: Some((10, Flow::Pause)), ..Collect::default() };
            one(c, Step::query("select seq from seq_1_to_20000", vec![], Box::new(sink))).await?;
            c.resume(Box::new(Collect::default())).await.map(drop)
        }
    }
}

on_server! {
    async fn a_call_dropped_at_any_poll_leaves_nothing_behind(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key auto_increment, a int)").await.unwrap();
        run(c, "insert into t values (1, 0)").await.unwrap();
        sequences(c, &[5_000, 20_000]).await;
        let mut drops = 0;
        for number in 0..=13 {
            for times in 1.. {
                let ended = polled(operation(c, number), times).await.is_some();
                if !ended {
                    drops += 1;
                    assert!(matches!(c.status(), Status::Unknown | Status::Idle | Status::InTransaction), "{number} {times}");
                }
                c.reset().await.unwrap_or_else(|error| panic!("{number} {times}: {error}"));
                assert_eq!(c.status(), Status::Idle);
                let text = format!("select ?, {}, @a, (select count(*) from t), @@autocommit", in_transaction(c));
                let seen = collected(with(c, &text, vec![param("marker")]).await.unwrap()).rows;
                assert_eq!(seen, [[Value::from("marker"), Value::I64(0), Value::Null, Value::I64(1), Value::I64(1)]], "{number} {times}");
                if ended {
                    break;
                }
            }
        }
        assert!(drops > 40, "{drops}");
    }

    async fn a_cut_connection_refuses_work_until_it_is_reset(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        assert!(polled(run(c, "select sleep(0.2)"), 2).await.is_none());
        assert_eq!(c.status(), Status::Unknown);
        assert!(run(c, "select 1").await.is_err());
        assert_eq!(c.status(), Status::Unknown);
        c.reset().await.unwrap();
        assert_eq!(number(c, "select 1").await, 1);
    }

    async fn a_long_statement_is_stopped_by_the_reset(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        sequences(c, &[100_000_000, 1_000_000_000]).await;
        for text in ["select sleep(30)", "select count(*) from seq_1_to_1000000000 where sha2(seq, 512) = 'x'", "select seq from seq_1_to_100000000"] {
            assert!(tokio::time::timeout(Duration::from_millis(100), run(c, text)).await.is_err());
            let start = Instant::now();
            c.reset().await.unwrap();
            assert!(start.elapsed() < Duration::from_secs(20), "{text}: {:?}", start.elapsed());
            assert_eq!(number(c, "select 7").await, 7);
        }
        let text = "select count(*) from information_schema.processlist where info like '%sleep(30)%' and id <> connection_id()";
        assert_eq!(number(c, text).await, 0);
    }

    async fn a_cancel_ends_the_statement_that_runs_and_no_other(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        sequences(c, &[1_000_000_000]).await;
        let canceller = c.canceller().unwrap();
        canceller.cancel().await.unwrap();
        let start = Instant::now();
        let (ended, cancelled) = tokio::join!(run(c, "select count(*) from seq_1_to_1000000000 where sha2(seq, 512) = 'x'"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            canceller.cancel().await
        });
        cancelled.unwrap();
        assert!(matches!(ended.err().unwrap(), Error::Timeout { .. }));
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(c.status(), Status::Idle);
        //
        for round in 0..sized(200, 100_000) {
            let canceller = c.canceller().unwrap();
            let (ended, cancelled) = tokio::join!(run(c, "select sleep(0.001)"), async {
                tokio::time::sleep(Duration::from_micros(round % 200 * 20)).await;
                canceller.cancel().await
            });
            cancelled.unwrap();
            // Stopped or not, and nothing else.
            if let Err(error) = ended {
                assert!(matches!(error, Error::Timeout { .. }), "{error}");
            }
            assert_eq!(number(c, "select 7").await, 7);
        }
    }

    async fn the_next_user_finds_a_clean_session(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key auto_increment)").await.unwrap();
        let isolation = if is_mysql(c) { "transaction_isolation" } else { "tx_isolation" };
        let facts = &format!(
            "select @@sql_mode, @@time_zone, @@autocommit, @@collation_connection, @@lock_wait_timeout, database(), @a, \
             is_used_lock('sequor'), @@session.{isolation}, {}",
            in_transaction(c)
        );
        let before = rows(c, facts).await;
        for change in [
            "set sql_mode = ''",
            "set time_zone = '+05:00'",
            "set autocommit = 0",
            "set names latin1",
            "set lock_wait_timeout = 7",
            "use mysql",
            "set @a = 1",
            "select @a := 1",
            "select get_lock('sequor', 1)",
            "set session transaction isolation level serializable",
            "start transaction",
            "lock tables t write",
            "create temporary table x (id int)",
            "prepare s from 'select 1'",
        ] {
            run(c, change).await.unwrap();
            c.reset().await.unwrap();
            assert_eq!(c.status(), Status::Idle);
            assert_eq!(rows(c, facts).await, before, "{change}");
            assert!(run(c, "select * from x").await.is_err(), "{change}");
            assert!(run(c, "execute s").await.is_err(), "{change}");
            let mut other = bed.connect().await;
            run(&mut *other, "insert into t values ()").await.unwrap();
        }
        c.execute_script("set @a = 1; delimiter //\ncreate procedure p() begin select 1; select 2; end//\ndelimiter ;\ncall p()".into()).await.unwrap();
        c.reset().await.unwrap();
        assert_eq!(rows(c, facts).await, before);
        let error = c.execute_script("select 1; select nothing; set @a = 2".into()).await.unwrap_err();
        assert!(matches!(error, Error::Database { .. }));
        assert_eq!(rows(c, "select @a").await, [[Value::Null]]);
    }

    async fn a_clean_connection_is_reset_without_a_round_trip(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key)").await.unwrap();
        with(c, "insert into t values (?)", vec![param(1i64)]).await.unwrap();
        c.begin(Begin::default()).await.unwrap();
        with(c, "insert into t values (?)", vec![param(2i64)]).await.unwrap();
        c.commit().await.unwrap();
        c.ping().await.unwrap();
        let questions = &counter(c, "questions");
        let before = number(c, questions).await;
        for _ in 0..10 {
            c.reset().await.unwrap();
        }
        assert_eq!(number(c, questions).await, before + 1);
    }

    async fn the_server_keeps_no_more_statements_than_the_cache(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        let count = &counter(c, "prepared_stmt_count");
        let mut other = bed.connect().await;
        let before = number(&mut *other, count).await;
        // C-16
        for number in 0..sized(600, 100_000) {
            let text = format!("select {number}, ?");
            if number % 10 == 3 {
                let _ = polled(with(c, &text, vec![param(1i64)]), 1 + number / 10 % 4).await;
                c.reset().await.unwrap();
            } else {
                with(c, &text, vec![param(1i64)]).await.unwrap();
            }
        }
        let uncached = Step { cache: false, ..Step::query("select 'once', ?", vec![param(1i64)], Box::new(Collect::default())) };
        one(c, uncached).await.unwrap();
        with(c, "select 1, ?", vec![param(1i64)]).await.unwrap();
        let open = number(&mut *other, count).await - before;
        // The other tests of this run prepare statements too.
        assert!(open <= 256 + 64, "{open}");
    }
}
