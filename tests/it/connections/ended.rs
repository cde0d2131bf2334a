//! How transactions end: by the program, by the database, by a panic; and what may still run then.

use super::{Account, on_each_server, sized, until};
use sequor::UsageErrorKind;
use sequor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn usage(error: &Error) -> Option<UsageErrorKind> {
    match error {
        Error::Usage(error) => Some(error.kind),
        _ => None,
    }
}

on_each_server! {
    // T-01
    async fn a_swallowed_error_never_commits_half(bed) {
        let db = bed.db(2).await?;
        draft!(Account { id: 1, balance: 1 }).create(&db).await?;
        let ran = Arc::new(AtomicU32::new(0));
        let count = ran.clone();
        let result = db.transaction(async |tx| {
            let count = count.clone();
            tx.after_commit(async move { count.fetch_add(1, Ordering::SeqCst); });
            draft!(Account { id: 2, balance: 2 }).create(tx).await?;
            let taken = draft!(Account { id: 1, balance: 3 }).create(tx).await;
            assert!(matches!(taken, Err(Error::UniqueConstraint { .. })), "{taken:?}");
            Ok(())
        }).await;
        // PostgreSQL dooms the transaction; the others lose the statement alone.
        let stored = Account::count().exec(&db).await?;
        assert_eq!(stored, if result.is_ok() { 2 } else { 1 });
        assert_eq!(ran.load(Ordering::SeqCst), u32::from(result.is_ok()));
        assert_eq!(result.is_err(), bed.database == "postgres");
        db.close().await
    }

    // T-10
    async fn a_raw_commit_ends_the_transaction_and_later_writes_are_refused(bed) {
        let db = bed.db(2).await?;
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        tx.execute(sql!("COMMIT")).await?;
        for id in 2..7 {
            let error = draft!(Account { id, balance: 0 }).create(&tx).await.unwrap_err();
            assert_eq!(usage(&error), Some(UsageErrorKind::TransactionFinished), "{error}");
        }
        assert!(tx.commit().await.is_err());
        assert_eq!(Account::count().exec(&db).await?, 1);
        db.close().await
    }

    async fn errors_of_usage_name_the_place_in_the_program(bed) {
        let here = |error: &Error| format!("{error:#}").contains("connections/ended.rs:");
        let db = bed.db(1).await?;
        let tx = db.begin().await?;
        tx.execute(sql!("COMMIT")).await?;
        let error = tx.commit().await.unwrap_err();
        assert!(here(&error), "{error:#}");
        let outer = db.clone();
        let error = db.transaction(async |_tx| Account::find_all().stream(&outer).next().await.transpose().map(drop)).await.unwrap_err();
        assert!(here(&error), "{error:#}");
        db.close().await?;
        let errors = [db.begin().await.map(drop).unwrap_err(), Db::options(&bed.url).pool(Pool { max: 0, ..Pool::default() }).connect().await.map(drop).unwrap_err()];
        for error in errors {
            assert!(here(&error), "{error:#}");
        }
        Ok(())
    }

    // T-14
    async fn a_handle_that_outlives_its_transaction_is_refused(bed) {
        let db = bed.db(2).await?;
        let kept = db.transaction(async |tx| Ok(tx.clone())).await?;
        let error = Account::count().exec(&kept).await.unwrap_err();
        assert_eq!(usage(&error), Some(UsageErrorKind::TransactionFinished), "{error}");
        let undone: sequor::Result<()> = db.transaction(async |_tx| Err(Error::usage("no"))).await;
        assert!(undone.is_err());
        db.close().await
    }

    // T-12, P-09
    async fn a_panic_or_a_lost_race_rolls_back(bed) {
        let db = bed.db(1).await?;
        let rounds = sized(10, 1_000);
        for _ in 0..rounds {
            let panicking = { let db = db.clone(); tokio::spawn(async move {
                db.transaction(async |tx| -> sequor::Result<()> {
                    draft!(Account { id: 1, balance: 1 }).create(tx).await?;
                    std::panic::resume_unwind(Box::new("on purpose"))
                }).await
            }) };
            assert!(panicking.await.is_err_and(|error| error.is_panic()));
            let slow = db.transaction(async |tx| {
                draft!(Account { id: 2, balance: 2 }).create(tx).await?;
                std::future::pending::<()>().await;
                Ok(())
            });
            tokio::select! {
                _ = slow => panic!("it never ends"),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
            assert_eq!(Account::count().exec(&db).await?, 0);
        }
        until("all are back", async || db.pool_status().in_use == 0).await;
        assert!(db.pool_status().opened <= 3 + rounds / 10, "{:?}", db.pool_status());
        db.close().await
    }

    async fn a_dropped_savepoint_is_undone_before_what_comes_next(bed) {
        let db = bed.db(1).await?;
        let undone = Arc::new(AtomicU32::new(0));
        let count = undone.clone();
        db.transaction(async |tx| {
            draft!(Account { id: 1, balance: 1 }).create(tx).await?;
            let (count, written) = (count.clone(), tokio::sync::Notify::new());
            let inner = tx.transaction(async |sp| {
                draft!(Account { id: 2, balance: 2 }).create(sp).await?;
                sp.after_commit(async move { count.fetch_add(1, Ordering::SeqCst); });
                written.notify_one();
                std::future::pending::<sequor::Result<()>>().await
            });
            tokio::select! {
                ended = inner => panic!("it never ends: {ended:?}"),
                () = written.notified() => {}
            }
            draft!(Account { id: 3, balance: 3 }).create(tx).await?;
            Ok(())
        }).await?;
        let ids: Vec<i64> = Account::find_all().select(Account::ID).order_by(Account::ID.asc()).exec(&db).await?;
        assert_eq!(ids, [1, 3]);
        assert_eq!(undone.load(Ordering::SeqCst), 0);
        // Nothing comes after it but the commit.
        db.transaction(async |tx| {
            let written = tokio::sync::Notify::new();
            let inner = tx.transaction(async |sp| {
                draft!(Account { id: 4, balance: 4 }).create(sp).await?;
                written.notify_one();
                std::future::pending::<sequor::Result<()>>().await
            });
            tokio::select! {
                ended = inner => panic!("it never ends: {ended:?}"),
                () = written.notified() => {}
            }
            Ok(())
        }).await?;
        assert_eq!(Account::count().exec(&db).await?, 2);
        db.close().await
    }

    async fn the_outer_db_inside_a_closure_is_an_error_or_joins(bed) {
        let db = bed.db(3).await?;
        let outer = db.clone();
        let error = db.transaction(async |_tx| outer.transaction(async |tx| Account::count().exec(tx).await).await).await.unwrap_err();
        assert_eq!(usage(&error), Some(UsageErrorKind::OutsideTransaction), "{error}");
        assert!(error.to_string().contains("ended.rs:"), "{error}");
        let error = db.transaction(async |_tx| outer.begin().await.map(|_| ())).await.unwrap_err();
        assert_eq!(usage(&error), Some(UsageErrorKind::OutsideTransaction), "{error}");
        let error = db.transaction(async |tx| tx.transaction_with(Tx::serializable(), async |_| Ok(())).await).await.unwrap_err();
        assert!(error.to_string().contains("savepoint"), "{error}");
        let joined = Db::options(&bed.url).implicit_transactions(true).connect().await?;
        let outer = joined.clone();
        let undone: sequor::Result<()> = joined.transaction(async |_tx| {
            draft!(Account { id: 1, balance: 1 }).create(&outer).await?;
            outer.transaction(async |sp| draft!(Account { id: 2, balance: 2 }).create(sp).await).await?;
            Err(Error::usage("undo"))
        }).await;
        assert!(undone.is_err());
        assert_eq!(Account::count().exec(&joined).await?, 0);
        joined.close().await?;
        db.close().await
    }

    // T-06
    async fn one_hot_row_counts_exactly(bed) {
        let (tasks, turns) = sized((8, 5), (16, 50));
        let db = bed.db(tasks).await?;
        draft!(Account { id: 1, balance: 0 }).create(&db).await?;
        let called = Arc::new(AtomicU32::new(0));
        let running: Vec<_> = (0..tasks).map(|_| {
            let (db, called) = (db.clone(), called.clone());
            tokio::spawn(async move {
                for _ in 0..turns {
                    let called = called.clone();
                    db.transaction_with(Tx::serializable().retry(200), async move |tx| {
                        let balance = Account::find_by_pk(1).or_fail().exec(tx).await?.balance;
                        Account::update_all().set(Account::BALANCE, balance + 1).filter(Account::ID.eq(1)).exec(tx).await?;
                        tx.after_commit(async move { called.fetch_add(1, Ordering::SeqCst); });
                        Ok(())
                    }).await?;
                }
                Ok::<_, Error>(())
            })
        }).collect();
        for task in running {
            task.await.map_err(Error::other)??;
        }
        let count = Account::find_by_pk(1).or_fail().exec(&db).await?.balance;
        assert_eq!(usize::try_from(count), Ok(tasks * turns));
        assert_eq!(i64::from(called.load(Ordering::SeqCst)), count);
        db.close().await
    }

    async fn callbacks_run_by_the_outcome(bed) {
        let db = bed.db(1).await?;
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |what: &'static str| { let seen = seen.clone(); async move { seen.lock().expect("a list").push(what) } };
        db.transaction(async |tx| {
            tx.after_commit(note("committed"));
            tx.after_rollback(note("never"));
            let undone: sequor::Result<()> = tx.transaction(async |sp| { sp.after_commit(note("never")); Err(Error::usage("undo")) }).await;
            assert!(undone.is_err());
            tx.transaction(async |sp| { sp.after_commit(note("inner")); Ok(()) }).await
        }).await?;
        let undone: sequor::Result<()> = db.transaction(async |tx| {
            tx.after_commit(note("never"));
            tx.after_rollback(note("rolled back"));
            Err(Error::usage("undo"))
        }).await;
        assert!(undone.is_err());
        assert_eq!(*seen.lock().expect("a list"), ["committed", "inner", "rolled back"]);
        db.close().await
    }

    // H-04: whoever waits for a commit may go away at any poll.
    async fn what_follows_a_commit_runs_whenever_it_is_stored(bed) {
        let db = bed.db(2).await?;
        let ran = Arc::new(AtomicU32::new(0));
        for (id, polls) in (1..).zip(sequor_tests::polls::cuts(1)) {
            ran.store(0, Ordering::SeqCst);
            let tx = db.begin().await?;
            draft!(Account { id, balance: 0 }).create(&tx).await?;
            for _ in 0..3 {
                let ran = ran.clone();
                tx.after_commit(async move {
                    tokio::task::yield_now().await;
                    ran.fetch_add(1, Ordering::SeqCst);
                });
            }
            let done = sequor_tests::polls::Polls::new(polls, tx.commit()).await.transpose()?.is_some();
            until("the connection is back", async || db.pool_status().in_use == 0).await;
            let stored = Account::find_by_pk(id).exec(&db).await?.is_some();
            until("all or none have run", async || ran.load(Ordering::SeqCst) == if stored { 3 } else { 0 }).await;
            if done {
                assert!(stored);
                return db.close().await;
            }
        }
        panic!("it does not end");
    }

    async fn read_only_transactions_cannot_write(bed) {
        let db = bed.db(1).await?;
        let written = db.transaction_with(Tx::serializable().read_only(), async |tx| draft!(Account { id: 1, balance: 1 }).create(tx).await).await;
        assert!(written.is_err());
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    // T-13
    async fn statements_of_one_transaction_run_one_at_a_time(bed) {
        let db = bed.db(1).await?;
        db.transaction(async |tx| {
            let (one, two, three) = tokio::join!(
                draft!(Account { id: 1, balance: 1 }).create(tx),
                draft!(Account { id: 2, balance: 2 }).create(tx),
                Account::count().exec(tx),
            );
            one?;
            two?;
            assert!(three? <= 2);
            Ok(())
        }).await?;
        assert_eq!(Account::count().exec(&db).await?, 2);
        db.close().await
    }
}
