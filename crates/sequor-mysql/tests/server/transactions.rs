//! Transactions: what the server says is what counts.

use crate::bed::*;
use crate::on_server;
use sequor_core::driver::{Batch, BatchMode, Begin, Connection, Isolation, Status, Step};
use sequor_core::error::{ConnectionErrorKind, UsageErrorKind};
use sequor_core::{Error, Value};
use std::time::Duration;

async fn table(connection: &mut dyn Connection) {
    run(connection, "create table t (id int primary key, a int) engine=innodb").await.unwrap();
    run(connection, "insert into t values (1, 0), (2, 0)").await.unwrap();
}

fn is_finished(error: &Error) -> bool {
    matches!(error, Error::Usage(usage) if usage.kind == UsageErrorKind::TransactionFinished)
}

on_server! {
    async fn a_begin_rides_with_the_first_statement(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        table(&mut *one).await;
        one.begin(Begin::default()).await.unwrap();
        assert_eq!(one.status(), Status::InTransaction);
        run(&mut *one, "update t set a = 1").await.unwrap();
        assert_eq!(one.status(), Status::InTransaction);
        assert_eq!(number(&mut *two, "select cast(sum(a) as signed) from t").await, 0);
        one.commit().await.unwrap();
        assert_eq!(one.status(), Status::Idle);
        assert_eq!(number(&mut *two, "select cast(sum(a) as signed) from t").await, 2);

        one.begin(Begin::default()).await.unwrap();
        run(&mut *one, "update t set a = 7").await.unwrap();
        one.rollback().await.unwrap();
        assert_eq!(one.status(), Status::Idle);
        assert_eq!(number(&mut *two, "select cast(sum(a) as signed) from t").await, 2);

        one.begin(Begin::default()).await.unwrap();
        one.commit().await.unwrap();
        assert_eq!(one.status(), Status::Idle);
        one.begin(Begin::default()).await.unwrap();
        assert!(one.begin(Begin::default()).await.is_err());
        one.rollback().await.unwrap();
        assert!(is_finished(&one.commit().await.unwrap_err()));
        one.rollback().await.unwrap();
    }

    async fn isolation_and_read_only_are_what_was_asked_for(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        for (isolation, name) in [
            (Isolation::ReadUncommitted, "READ UNCOMMITTED"),
            (Isolation::ReadCommitted, "READ COMMITTED"),
            (Isolation::RepeatableRead, "REPEATABLE READ"),
            (Isolation::Serializable, "SERIALIZABLE"),
        ] {
            c.begin(Begin { isolation: Some(isolation), ..Begin::default() }).await.unwrap();
            number(c, "select count(*) from t").await;
            // The server answers from a copy that is a tenth of a second old.
            tokio::time::sleep(Duration::from_millis(150)).await;
            let text = "select trx_isolation_level from information_schema.innodb_trx where trx_mysql_thread_id = connection_id()";
            assert_eq!(rows(c, text).await, [[Value::from(name)]]);
            c.commit().await.unwrap();
        }
        c.begin(Begin { read_only: true, ..Begin::default() }).await.unwrap();
        let error = run(c, "update t set a = 1").await.err().unwrap();
        assert!(matches!(&error, Error::Database { code, .. } if code == "1792"), "{error}");
        assert_eq!(c.status(), Status::InTransaction);
        c.rollback().await.unwrap();
        run(c, "update t set a = 1").await.unwrap();
    }

    async fn savepoints_undo_their_part(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        assert!(is_finished(&c.savepoint(1).await.unwrap_err()));
        c.begin(Begin::default()).await.unwrap();
        c.savepoint(1).await.unwrap();
        run(c, "insert into t values (3, 0)").await.unwrap();
        c.savepoint(2).await.unwrap();
        run(c, "insert into t values (4, 0)").await.unwrap();
        c.rollback_to(2).await.unwrap();
        assert!(matches!(c.rollback_to(2).await.unwrap_err(), Error::Database { .. }));
        assert_eq!(c.status(), Status::InTransaction);
        c.release(1).await.unwrap();
        c.commit().await.unwrap();
        assert_eq!(number(c, "select count(*) from t").await, 3);
    }

    async fn a_taken_key_leaves_the_transaction_alive(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        c.begin(Begin::default()).await.unwrap();
        run(c, "insert into t values (3, 0)").await.unwrap();
        assert!(matches!(run(c, "insert into t values (1, 0)").await.err().unwrap(), Error::UniqueConstraint { .. }));
        assert_eq!(c.status(), Status::InTransaction);
        c.commit().await.unwrap();
        assert_eq!(number(c, "select count(*) from t").await, 3);
    }

    async fn a_deadlock_ends_the_transaction_and_the_status_says_so(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        table(&mut *one).await;
        one.begin(Begin::default()).await.unwrap();
        two.begin(Begin::default()).await.unwrap();
        run(&mut *one, "update t set a = 1 where id = 1").await.unwrap();
        run(&mut *two, "update t set a = 2 where id = 2").await.unwrap();
        let (first, second) = tokio::join!(run(&mut *one, "update t set a = 1 where id = 2"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            run(&mut *two, "update t set a = 2 where id = 1").await
        });
        assert!(first.is_err() != second.is_err());
        let (lost, mut victim, mut winner) = if let Err(error) = first { (error, one, two) } else { (second.err().unwrap(), two, one) };
        assert!(matches!(lost, Error::Deadlock { .. }), "{lost}");
        assert!(lost.is_retryable());
        assert_eq!(victim.status(), Status::Idle);
        assert!(is_finished(&victim.commit().await.unwrap_err()));
        assert!(is_finished(&victim.savepoint(1).await.unwrap_err()));
        winner.commit().await.unwrap();
    }

    async fn a_lock_timeout_leaves_the_transaction_alive(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        table(&mut *one).await;
        run(&mut *two, "set innodb_lock_wait_timeout = 1").await.unwrap();
        one.begin(Begin::default()).await.unwrap();
        run(&mut *one, "update t set a = 1 where id = 1").await.unwrap();
        two.begin(Begin::default()).await.unwrap();
        run(&mut *two, "update t set a = 2 where id = 2").await.unwrap();
        let error = run(&mut *two, "update t set a = 2 where id = 1").await.err().unwrap();
        assert!(matches!(&error, Error::Timeout { detail } if detail.retryable), "{error}");
        assert_eq!(two.status(), Status::InTransaction);
        two.rollback().await.unwrap();
        one.commit().await.unwrap();
        assert_eq!(number(&mut *one, "select a from t where id = 2").await, 0);
    }

    async fn ddl_commits_and_the_status_says_so(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        c.begin(Begin::default()).await.unwrap();
        run(c, "update t set a = 1").await.unwrap();
        run(c, "create table u (id int)").await.unwrap();
        assert_eq!(c.status(), Status::Idle);
        assert!(is_finished(&c.commit().await.unwrap_err()));
    }

    async fn an_atomic_batch_is_all_or_nothing(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        let insert = |id: i64| Step::execute("insert into t values (?, 0)", vec![param(id)]);
        let error = c.run(batch(BatchMode::Atomic, vec![insert(3), insert(4), insert(1)])).await.err().unwrap();
        assert!(matches!(error, Error::UniqueConstraint { .. }));
        assert_eq!(c.status(), Status::Idle);
        assert_eq!(number(c, "select count(*) from t").await, 2);
        c.run(batch(BatchMode::Atomic, vec![insert(3), insert(4)])).await.unwrap();
        assert_eq!(number(c, "select count(*) from t").await, 4);
        let lists = |ids: &[i64]| ids.iter().map(|id| vec![param(*id)]).collect();
        let wrong = many("insert into t values (?, 0)", lists(&[5, 6, 1]));
        assert!(c.run(batch(BatchMode::Atomic, vec![wrong])).await.is_err());
        assert_eq!(number(c, "select count(*) from t").await, 4);
        let mut done = c.run(batch(BatchMode::Atomic, vec![many("insert into t values (?, 0)", lists(&[5, 6]))])).await.unwrap();
        assert_eq!(done.remove(0).affected, 2);
        assert_eq!(c.status(), Status::Idle);
        assert_eq!(number(c, "select count(*) from t").await, 6);
        c.begin(Begin::default()).await.unwrap();
        c.run(batch(BatchMode::Atomic, vec![insert(7), insert(8)])).await.unwrap();
        assert_eq!(c.status(), Status::InTransaction);
        c.rollback().await.unwrap();
        assert_eq!(number(c, "select count(*) from t").await, 6);
    }

    async fn many_writes_on_their_way_are_all_or_nothing(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        table(c).await;
        let lists = |ids: std::ops::Range<i64>| ids.map(|id| vec![param(id)]).collect::<Vec<_>>();
        let insert = |lists| vec![many("insert into t values (?, 0)", lists)];
        let questions = &counter(c, "questions");
        let done = c.run(batch(BatchMode::Atomic, insert(lists(10..1010)))).await.unwrap();
        assert_eq!(done[0].affected, 1000);
        assert_eq!(number(c, "select count(*) from t").await, 1002);
        let mut wrong = lists(2000..3000);
        wrong[700] = vec![param(1i64)];
        assert!(matches!(c.run(batch(BatchMode::Atomic, insert(wrong))).await.err().unwrap(), Error::UniqueConstraint { .. }));
        let mut wrong = lists(2000..3000);
        wrong[700] = vec![param(f64::NAN)];
        assert!(matches!(c.run(batch(BatchMode::Atomic, insert(wrong))).await.err().unwrap(), Error::Usage(_)));
        assert_eq!(number(c, "select count(*) from t").await, 1002);
        assert_eq!(number(c, "select @@autocommit").await, 1);
        assert_eq!(c.status(), Status::Idle);
        let before = number(c, questions).await;
        c.reset().await.unwrap();
        assert_eq!(number(c, questions).await, before + 1, "the session is as it was");
        let reads = many("select a from t where id = ?", lists(10..510));
        let done = c.run(batch(BatchMode::Plain, vec![reads])).await.unwrap().remove(0);
        assert_eq!(collected(done).rows.len(), 500);
    }

    async fn a_deadlock_among_writes_on_their_way_stores_none(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        run(&mut *one, "create table t (id int primary key, a int) engine=innodb").await.unwrap();
        sequences(&mut *one, &[2_000]).await;
        run(&mut *one, "insert into t select seq, 0 from seq_1_to_2000").await.unwrap();
        two.begin(Begin::default()).await.unwrap();
        run(&mut *two, "update t set a = 7 where id > 1000").await.unwrap();
        let lists = (1..=400i64).chain([1500]).chain(401..=900).map(|id| vec![param(id)]).collect();
        let (lost, won) = tokio::join!(one.run(batch(BatchMode::Atomic, vec![many("update t set a = 1 where id = ?", lists)])), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            run(&mut *two, "update t set a = 7 where id = 5").await
        });
        assert!(matches!(lost.err().unwrap(), Error::Deadlock { .. }));
        won.unwrap();
        two.commit().await.unwrap();
        assert_eq!(one.status(), Status::Idle);
        assert_eq!(number(&mut *one, "select count(*) from t where a = 1").await, 0);
        assert_eq!(number(&mut *one, "select @@autocommit").await, 1);
    }

    async fn a_snapshot_sees_one_state(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        table(&mut *one).await;
        sequences(&mut *one, &[20]).await;
        // On a line of its own: whoever says SET has a session that only a reset makes clean.
        let mut setting = bed.connect().await;
        run(&mut *setting, "set global transaction isolation level read committed").await.unwrap();
        let mut loose = bed.connect().await;
        run(&mut *setting, "set global transaction isolation level repeatable read").await.unwrap();
        for reader in [&mut one, &mut loose] {
            let before = number(&mut *two, "select count(*) from t").await;
            let slow = "select count(*), sleep(0.3) from t";
            let steps = vec![
                Step::query(slow, vec![], Box::new(Collect::default())),
                Step::query("select count(*) from t", vec![], Box::new(Collect::default())),
            ];
            let (done, _) = tokio::join!(reader.run(Batch { steps, mode: BatchMode::Snapshot }), async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                run(&mut *two, "insert into t select max(id) + 1, 0 from t").await.unwrap();
            });
            let mut done = done.unwrap();
            assert_eq!(collected(done.remove(1)).rows, [[Value::I64(before)]]);
            assert_eq!(reader.status(), Status::Idle);
        }
        let steps = vec![Step::execute("select 1", vec![]), Step::execute("insert into t values (100, 0)", vec![]), Step::execute("select 1", vec![])];
        assert!(one.run(batch(BatchMode::Snapshot, steps)).await.is_err());
        assert_eq!(one.status(), Status::Idle);
        let sink = Collect { at: Some((5, sequor_core::driver::Flow::Pause)), ..Collect::default() };
        let steps = vec![Step::execute("select 1", vec![]), Step::query("select seq from seq_1_to_20", vec![], Box::new(sink))];
        let mut done = one.run(batch(BatchMode::Snapshot, steps)).await.unwrap();
        assert!(done.remove(1).paused);
        let done = one.resume(Box::new(Collect::default())).await.unwrap();
        assert_eq!(collected(done).rows.len(), 15);
        assert_eq!(one.status(), Status::Idle);
    }

    async fn a_killed_connection_is_broken_and_a_commit_on_it_fails(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        table(&mut *one).await;
        one.begin(Begin::default()).await.unwrap();
        run(&mut *one, "update t set a = 1").await.unwrap();
        let id = number(&mut *one, "select connection_id()").await;
        run(&mut *two, &format!("kill {id}")).await.unwrap();
        for _ in 0..500 {
            if !one.is_alive(std::time::Duration::MAX) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!one.is_alive(std::time::Duration::MAX));
        let error = one.commit().await.unwrap_err();
        assert!(
            matches!(&error, Error::Connection(error) if matches!(error.kind, ConnectionErrorKind::CommitUnknown | ConnectionErrorKind::Broken)),
            "{error}"
        );
        assert_eq!(one.status(), Status::Broken);
        assert!(one.reset().await.is_err());
        assert!(matches!(run(&mut *one, "select 1").await.err().unwrap(), Error::Connection(_)));
        assert_eq!(number(&mut *two, "select cast(sum(a) as signed) from t").await, 0);
    }
}
