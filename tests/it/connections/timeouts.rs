//! Statements that take too long, or whose futures are dropped, end on the server too.

use super::{Account, Bed, PATIENCE, note, on_each_server, sized, until};
use sequor::UsageErrorKind;
use sequor::prelude::*;
use std::time::{Duration, Instant};

/// Work for more than a minute. MariaDB may look up from `SLEEP()` seconds after it was told to stop, from work it does at once.
async fn work(bed: &Bed, db: &Db) -> sequor::Result<u64> {
    if bed.database != "mysql" {
        return bed.minute(db).await;
    }
    let counting = sql!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT count(*) FROM n a, n b, n c, n d WHERE a.i + b.i + c.i + d.i < 0"
    );
    db.execute(counting).await
}

/// How many sessions do such work.
async fn works(bed: &Bed, db: &Db) -> sequor::Result<i64> {
    if bed.database != "mysql" {
        return bed.minutes_running(db).await;
    }
    let text = sql!(
        "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND info LIKE '%a.i + b.i%' AND id <> connection_id()"
    );
    Ok(db.query_as::<(i64,)>(text).await?[0].0)
}

on_each_server! {
    async fn a_statement_ends_at_its_limit_on_the_server_too(bed) {
        let watch = bed.db(1).await?;
        // Ten at once, since one after the other would take minutes.
        let (size, rounds) = sized((3, 1), (10, 50));
        let db = Db::options(&bed.url).pool(Pool { max: size, ..Pool::default() }).statement_timeout(millis(500)).connect().await?;
        let mut longest = Duration::ZERO;
        for _ in 0..rounds {
            let tasks = (0..size).map(|_| {
                let (bed, db) = (bed.clone(), db.clone());
                tokio::spawn(async move {
                    let start = Instant::now();
                    (work(&bed, &db).await, start.elapsed())
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                let (ended, took) = task.await.map_err(Error::other)?;
                let error = ended.unwrap_err();
                assert!(matches!(error, Error::Timeout { .. }), "{error}");
                assert!(error.to_string().contains("statement_timeout"), "{error}");
                assert!(took >= Duration::from_millis(500) && took < PATIENCE, "{took:?}");
                longest = longest.max(took);
            }
        }
        note(&format!("| {} | a statement of a minute ends at 500 ms | {} | {longest:?} at most |", bed.database, rounds * size));
        until("nothing runs on the server", async || works(&bed, &watch).await.is_ok_and(|count| count == 0)).await;
        until("all are back", async || db.pool_status().in_use == 0).await;
        db.authenticate().await?;
        db.close().await?;
        watch.close().await
    }

    async fn a_truncation_that_waits_for_others_ends_at_its_limit(bed) {
        let holder = bed.db(1).await?;
        draft!(Account { id: 1, balance: 1 }).create(&holder).await?;
        let db = Db::options(&bed.url).pool(Pool { max: 1, ..Pool::default() }).statement_timeout(millis(500)).connect().await?;
        let held = holder.begin().await?;
        Account::update_all().set(Account::BALANCE, 2).filter(Account::ID.eq(1)).exec(&held).await?;
        for restart in [false, true] {
            let truncation = if restart { Account::truncate().restart_identity() } else { Account::truncate() };
            let start = Instant::now();
            let error = tokio::time::timeout(PATIENCE, truncation.exec(&db)).await.expect("it ends").unwrap_err();
            assert!(matches!(error, Error::Timeout { .. }), "{error}");
            assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
            until("the connection is back", async || db.pool_status().in_use == 0).await;
        }
        held.rollback().await?;
        assert_eq!(Account::count().exec(&db).await?, 1);
        Account::truncate().restart_identity().exec(&db).await?;
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await?;
        holder.close().await
    }

    async fn in_a_transaction_the_limit_dooms_it(bed) {
        let db = Db::options(&bed.url).pool(Pool { max: 1, ..Pool::default() }).statement_timeout(millis(500)).connect().await?;
        db.sync::<Account>(SyncMode::Create).await?;
        let result = db.transaction(async |tx| {
            draft!(Account { id: 1, balance: 1 }).create(tx).await?;
            assert!(matches!(bed.minute(tx).await, Err(Error::Timeout { .. })));
            // Swallowed: what comes now must not be stored either.
            assert!(draft!(Account { id: 2, balance: 2 }).create(tx).await.is_err());
            Ok(())
        }).await;
        assert!(result.is_err());
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    /// Without a `statement_timeout` it is 30 seconds.
    async fn a_detached_statement_that_waits_for_the_transaction_around_it_is_told_so(bed) {
        bed.db(1).await?.close().await?;
        let db = Db::options(&bed.url).pool(Pool { max: 2, ..Pool::default() }).statement_timeout(millis(500)).connect().await?;
        draft!(Account { id: 1, balance: 1 }).create(&db).await?;
        let start = Instant::now();
        let result = db.transaction(async |tx| {
            Account::update_all().set(Account::BALANCE, 2).filter(Account::ID.eq(1)).exec(tx).await?;
            Account::update_all().set(Account::BALANCE, 3).filter(Account::ID.eq(1)).exec(&db.detached()).await
        }).await;
        let took = start.elapsed();
        match result {
            Err(Error::Usage(error)) => {
                assert_eq!(error.kind, UsageErrorKind::OutsideTransaction);
                assert!(error.to_string().contains("use the transaction's own handle"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert!(took >= Duration::from_millis(500) && took < PATIENCE, "{took:?}");
        // The transaction was rolled back, and an error of the detached statement says that nothing is stored.
        assert_eq!(Account::find_by_pk(1).or_fail().exec(&db).await?.balance, 1);
        db.close().await
    }

    async fn a_dropped_statement_is_stopped_on_the_server(bed) {
        let (db, watch) = (bed.db(1).await?, bed.db(1).await?);
        for wait in [1, 20, 60] {
            let cut = tokio::time::timeout(Duration::from_millis(wait), bed.minute(&db)).await;
            assert!(cut.is_err());
            // The only connection serves the next at once, and with its own answer.
            let start = Instant::now();
            assert_eq!(Account::count().exec(&db).await?, 0);
            assert!(start.elapsed() < PATIENCE);
            assert_eq!(bed.minutes_running(&watch).await?, 0);
        }
        db.close().await?;
        watch.close().await
    }

    async fn a_transaction_ends_at_its_limit(bed) {
        let db = bed.db(1).await?;
        let start = Instant::now();
        let result = db.transaction_with(Tx::serializable().timeout(millis(500)), async |tx| {
            draft!(Account { id: 1, balance: 1 }).create(tx).await?;
            std::future::pending::<()>().await;
            Ok(())
        }).await;
        let took = start.elapsed();
        assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
        assert!(took >= Duration::from_millis(500) && took < PATIENCE, "{took:?}");
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    async fn a_transaction_that_stands_idle_is_rolled_back(bed) {
        bed.db(1).await?.close().await?;
        let db = Db::options(&bed.url).pool(Pool { max: 1, ..Pool::default() }).idle_in_transaction(millis(600)).connect().await?;
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        until("its connection is free", async || db.pool_status().in_use == 0).await;
        let error = draft!(Account { id: 2, balance: 1 }).create(&tx).await.unwrap_err();
        assert!(matches!(&error, Error::Usage(error) if error.kind == UsageErrorKind::TransactionFinished), "{error}");
        assert!(error.to_string().contains("idle_in_transaction"), "{error}");
        assert!(tx.commit().await.is_err());
        assert_eq!(Account::count().exec(&db).await?, 0);
        // One that works for longer than that, with short pauses, lives.
        let start = Instant::now();
        let tx = db.begin().await?;
        for id in 1.. {
            draft!(Account { id, balance: 1 }).create(&tx).await?;
            tokio::time::sleep(millis(10)).await;
            if start.elapsed() > millis(900) {
                break;
            }
        }
        tx.commit().await?;
        let result: sequor::Result<()> = db.transaction(async |tx| {
            Account::count().exec(tx).await?;
            until("it is rolled back", async || db.pool_status().in_use == 0).await;
            Ok(())
        }).await;
        assert!(result.unwrap_err().to_string().contains("idle"));
        db.close().await
    }

    async fn an_unmanaged_transaction_ends_at_its_limit(bed) {
        let watch = bed.db(1).await?;
        let db = Db::options(&bed.url).pool(Pool { max: 1, ..Pool::default() }).transaction_timeout(millis(500)).connect().await?;
        let start = Instant::now();
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        let stopped = bed.minute(&tx).await;
        let took = start.elapsed();
        assert!(took >= millis(500) && took < PATIENCE, "{took:?}");
        assert!(stopped.is_err() || bed.database == "mysql", "{stopped:?}");
        let error = tx.commit().await.unwrap_err();
        assert!(error.to_string().contains("time-out"), "{error}");
        until("nothing runs on the server", async || bed.minutes_running(&watch).await.is_ok_and(|count| count == 0)).await;
        assert_eq!(Account::count().exec(&db).await?, 0);
        // The transaction's own limit goes first.
        let tx = db.begin_with(Tx::serializable().timeout(secs(30))).await?;
        tokio::time::sleep(millis(550)).await;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        tx.commit().await?;
        db.close().await?;
        watch.close().await
    }
}
