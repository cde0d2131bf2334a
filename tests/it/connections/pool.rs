//! The pool's limits: who waits, for how long, in which order, and which connections are kept.

use super::{Account, PATIENCE, on_each_server, sized, until};
use sequor::prelude::*;
use sequor::{ConnectionErrorKind, UsageErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Barrier, Mutex};

/// Of readers there can be several on SQLite too.
const READ: Tx = Tx::serializable().read_only();

fn kind(error: &Error) -> Option<ConnectionErrorKind> {
    match error {
        Error::Connection(error) => Some(error.kind()),
        _ => None,
    }
}

on_each_server! {
    async fn the_acquire_timeout_names_the_holders(bed) {
        let db = bed.with(Pool { max: 2, acquire: millis(200), ..Pool::default() }).await?;
        let (one, two) = (db.begin_with(READ).await?, db.begin_with(READ).await?);
        let line = line!() - 1;
        let start = Instant::now();
        let error = Account::count().exec(&db).await.unwrap_err();
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(200) && took < PATIENCE, "{took:?}");
        assert_eq!(kind(&error), Some(ConnectionErrorKind::AcquireTimeout));
        let text = error.to_string();
        assert!(text.contains("2 of 2 connections are in use"), "{text}");
        assert!(text.contains(&format!("connections/pool.rs:{line}")), "{text}");
        assert!(text.contains(&format!("connections/pool.rs:{}:", line + 3)) && text.contains("waited 0.2 s") && text.contains("raise Pool { max }"), "{text}");
        assert_eq!(db.pool_status().refused, 1);
        one.rollback().await?;
        two.rollback().await?;
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    async fn transactions_that_want_a_second_connection_are_told_so(bed) {
        let db = bed.db(3).await?;
        let barrier = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..3).map(|_| {
            let (db, barrier) = (db.clone(), barrier.clone());
            tokio::spawn(async move {
                let outer = db.clone();
                db.transaction_with(Tx::serializable().read_only(), async move |_tx| {
                    barrier.wait().await;
                    let start = Instant::now();
                    let error = Account::count().exec(&outer.detached()).await.unwrap_err();
                    let took = start.elapsed();
                    barrier.wait().await;
                    assert!(took < secs(8), "{took:?}");
                    Ok(matches!(error, Error::Usage(error) if error.kind == UsageErrorKind::OutsideTransaction))
                }).await
            })
        }).collect();
        for task in tasks {
            assert!(task.await.map_err(Error::other)??);
        }
        until("all are back", async || db.pool_status().in_use == 0).await;
        db.close().await
    }

    async fn too_many_waiters_are_refused_at_once(bed) {
        let db = bed.with(Pool { max: 1, max_waiters: 2, ..Pool::default() }).await?;
        let held = db.begin_with(READ).await?;
        let waiters: Vec<_> = (0..2).map(|_| { let db = db.clone(); tokio::spawn(async move { Account::count().exec(&db).await }) }).collect();
        until("two wait", async || db.pool_status().waiting == 2).await;
        let start = Instant::now();
        let error = Account::count().exec(&db).await.unwrap_err();
        assert!(start.elapsed() < secs(8));
        assert!(error.to_string().contains("max_waiters"), "{error}");
        held.rollback().await?;
        for waiter in waiters {
            assert_eq!(waiter.await.map_err(Error::other)??, 0);
        }
        db.close().await
    }

    async fn waiters_are_served_in_the_order_in_which_they_came(bed) {
        let db = bed.db(1).await?;
        let held = db.begin_with(READ).await?;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..20 {
            let (waiter, served) = (db.clone(), served.clone());
            tasks.push(tokio::spawn(async move {
                let tx = waiter.begin_with(READ).await?;
                served.lock().await.push(number);
                tx.rollback().await
            }));
            until("one more waits", async || db.pool_status().waiting == number + 1).await;
        }
        held.rollback().await?;
        for task in tasks {
            task.await.map_err(Error::other)??;
        }
        assert_eq!(*served.lock().await, (0..20).collect::<Vec<_>>());
        db.close().await
    }

    async fn cancelled_waiters_lose_no_permit(bed) {
        let db = bed.db(2).await?;
        let done = Arc::new(AtomicU64::new(0));
        let count = sized(200, 10_000u64);
        let tasks: Vec<_> = (0..count).map(|number| {
            let (db, done) = (db.clone(), done.clone());
            tokio::spawn(async move {
                let read = async { Account::count().exec(&db).await.map(|_| done.fetch_add(1, Ordering::Relaxed)) };
                if number % 2 == 0 {
                    let _ = crate::connections::Polls::new(1 + u32::try_from(number % 7).unwrap_or(1), read).await;
                    Ok(())
                } else {
                    read.await.map(|_| ())
                }
            })
        }).collect();
        for task in tasks {
            task.await.map_err(Error::other)??;
        }
        assert!(done.load(Ordering::Relaxed) >= count / 2);
        until("all come back", async || db.pool_status().in_use == 0).await;
        let status = db.pool_status();
        assert_eq!((status.waiting, status.in_use), (0, 0));
        let (one, two) = (db.begin_with(READ).await?, db.begin_with(READ).await?);
        one.rollback().await?;
        two.rollback().await?;
        db.close().await
    }

    async fn connections_are_replaced_after_their_uses_and_their_lifetime(bed) {
        let db = bed.with(Pool { max: 1, max_uses: Some(3), ..Pool::default() }).await?;
        let before = db.pool_status();
        for _ in 0..9 {
            Account::count().exec(&db).await?;
        }
        assert_eq!(db.pool_status().opened - before.opened, 3);
        db.close().await?;
        let db = bed.with(Pool { max: 1, lifetime: Some(millis(20)), ..Pool::default() }).await?;
        let before = db.pool_status().opened;
        tokio::time::sleep(Duration::from_millis(30)).await;
        Account::count().exec(&db).await?;
        assert_eq!(db.pool_status().opened, before + 1);
        db.close().await
    }

    async fn idle_connections_go_down_to_min_and_missing_ones_are_opened(bed) {
        let db = bed.with(Pool { max: 4, min: 2, idle: millis(50), evict: millis(10), ..Pool::default() }).await?;
        assert!(db.pool_status().opened >= 2, "warmed up");
        let all = [db.begin_with(READ).await?, db.begin_with(READ).await?, db.begin_with(READ).await?, db.begin_with(READ).await?];
        assert_eq!(db.pool_status().in_use, 4);
        for tx in all {
            tx.rollback().await?;
        }
        until("two stay", async || db.pool_status().idle == 2).await;
        db.close().await?;
        let db = bed.with(Pool { max: 4, min: 2, lifetime: Some(millis(40)), evict: millis(10), ..Pool::default() }).await?;
        let before = db.pool_status().opened;
        until("old ones are replaced", async || db.pool_status().opened >= before + 2 && db.pool_status().idle == 2).await;
        db.close().await
    }

    async fn nobody_is_served_three_times_less_than_another(bed) {
        let db = bed.db(5).await?;
        let counts: Arc<Vec<AtomicU64>> = Arc::new((0..200).map(|_| AtomicU64::new(0)).collect());
        let end = Instant::now() + Duration::from_millis(1500);
        let tasks: Vec<_> = (0..200).map(|number| {
            let (db, counts) = (db.clone(), counts.clone());
            tokio::spawn(async move {
                while Instant::now() < end {
                    Account::count().exec(&db).await?;
                    counts[number].fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Error>(())
            })
        }).collect();
        for task in tasks {
            task.await.map_err(Error::other)??;
        }
        let served: Vec<u64> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let (least, most) = (served.iter().min().copied().unwrap_or(0), served.iter().max().copied().unwrap_or(0));
        assert!(least > 0 && most <= least * 3 + 2, "from {least} to {most}");
        let status = db.pool_status();
        assert_eq!((status.in_use, status.waiting), (0, 0));
        assert!(status.opened <= 5 && status.idle <= 5, "{status:?}");
        assert!(status.acquired >= served.iter().sum::<u64>() && status.busy_micros > 0 && status.longest_acquire_micros > 0);
        db.close().await
    }

    async fn a_session_that_was_changed_is_clean_for_the_next(bed) {
        let db = bed.db(1).await?;
        let (change, look) = match bed.database {
            "postgres" => (sql!("SET application_name = 'changed'"), sql!("SELECT current_setting('application_name')")),
            "mysql" => (sql!("SET @@session.sql_mode = 'ANSI'"), sql!("SELECT @@session.sql_mode")),
            _ => (sql!("CREATE TEMP TABLE left_over (a int)"), sql!("SELECT CAST(count(*) AS text) FROM sqlite_temp_master")),
        };
        let before: Vec<(String,)> = db.query_as(look.clone()).await?;
        db.execute(change).await?;
        let after: Vec<(String,)> = db.query_as(look).await?;
        assert_eq!(after, before);
        db.close().await
    }
}
