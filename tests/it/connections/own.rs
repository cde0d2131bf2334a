//! Sessions of their own: advisory locks, and notifications.

use super::{Account, Bed, on_each_server, run, until};
use sequor::prelude::*;
use sequor::{Listener, Notification, UsageErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

on_each_server! {
    async fn a_lock_has_one_holder_at_a_time(bed) {
        let (db, other) = (bed.db(1).await?, bed.db(1).await?);
        let lock = db.lock("report").await?;
        assert!(lock.is_held() && lock.name() == "report");
        assert!(other.try_lock("report").await?.is_none());
        let elsewhere = other.lock("another's name").await?;
        let start = Instant::now();
        let Err(error) = other.lock_within("report", millis(100)).await else { panic!("somebody else has it") };
        assert!(matches!(error, Error::Timeout { .. }) && error.to_string().contains("\"report\""), "{error}");
        assert!(start.elapsed() >= millis(100) && start.elapsed() < secs(20), "{:?}", start.elapsed());
        // Neither the pool's connections nor its tables are held.
        draft!(Account { id: 1, balance: 1 }).create(&other).await?;
        lock.release().await?;
        let again = other.try_lock("report").await?.expect("it was given back");
        drop(again);
        drop(elsewhere);
        until("dropping gives back", async || db.try_lock("report").await.is_ok_and(|lock| lock.is_some())).await;
        db.close().await?;
        other.close().await
    }

    async fn who_waits_gets_the_lock_in_turn(bed) {
        let db = bed.db(2).await?;
        let (inside, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..8).map(|_| {
            let (db, inside, most) = (db.clone(), inside.clone(), most.clone());
            tokio::spawn(async move {
                let lock = db.lock("turns").await?;
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                lock.release().await
            })
        }).collect();
        for task in tasks {
            task.await.map_err(Error::other)??;
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
        db.close().await
    }

    async fn closing_gives_locks_back(bed) {
        let (db, other) = (bed.db(1).await?, bed.db(1).await?);
        let lock = db.lock("close").await?;
        db.close().await?;
        // A file's lock is its holder's; sessions end with the pool.
        if bed.database != "sqlite" {
            assert!(!lock.is_held());
            other.try_lock("close").await?.expect("the session has ended").release().await?;
        }
        assert!(matches!(db.lock("close").await, Err(Error::Usage(error)) if error.kind == UsageErrorKind::Closed));
        other.close().await
    }
}

/// Ends every session of a bed but that of the watcher.
async fn end_sessions(watch: &Db, database: &str) -> sequor::Result<()> {
    if database == "postgres" {
        let text = sql!(
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        );
        watch.query_as::<(String,)>(text).await?;
        return Ok(());
    }
    let list = sql!("SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()");
    for (id,) in watch.query_as::<(i64,)>(list).await? {
        // It may have gone by itself.
        let _ = watch.execute(sql!("KILL {id}")).await;
    }
    Ok(())
}

#[test]
fn a_lock_whose_session_ends_is_lost() {
    for database in ["postgres", "mysql"] {
        run(database, async |bed: Arc<Bed>| {
            let (db, watch) = (bed.db(1).await?, bed.db(1).await?);
            let lock = db.lock("lost").await?;
            end_sessions(&watch, database).await?;
            assert!(tokio::time::timeout(secs(30), lock.lost()).await.is_ok());
            assert!(!lock.is_held());
            assert!(lock.release().await.is_err());
            watch.lock("lost").await?.release().await?;
            db.close().await?;
            watch.close().await
        });
    }
}

async fn heard(listener: &mut Listener) -> Notification {
    let next = tokio::time::timeout(Duration::from_secs(30), listener.next()).await;
    next.expect("within half a minute").expect("the listener goes on").expect("it listens")
}

#[test]
fn notifications_come_in_order_once_they_are_durable() {
    run("postgres", async |bed: Arc<Bed>| {
        let db = bed.db(2).await?;
        let mut listener = db.listen_all(["jobs", "Mail \"x\""]).await?;
        db.notify("jobs", "first").await?;
        db.notify("nobody listens", "lost").await?;
        let undone = db
            .transaction(async |tx| {
                tx.notify("jobs", "undone").await?;
                Err::<(), _>(Error::usage("no"))
            })
            .await;
        assert!(undone.is_err());
        db.transaction(async |tx| {
            tx.notify("Mail \"x\"", "").await?;
            tx.notify("jobs", "ü").await
        })
        .await?;
        let mut texts = Vec::new();
        for _ in 0..3 {
            let notification = heard(&mut listener).await;
            assert!(notification.process > 0 && !notification.after_gap);
            texts.push((notification.channel, notification.payload));
        }
        let pair = |channel: &str, payload: &str| (channel.to_owned(), payload.to_owned());
        assert_eq!(texts, [pair("jobs", "first"), pair("Mail \"x\"", ""), pair("jobs", "ü")]);
        // More than a buffer holds, faster than anybody takes them.
        db.execute(sql!("SELECT pg_notify('jobs', repeat('x', 100) || i) FROM generate_series(1, 3000) AS i")).await?;
        for number in 1..=3000 {
            assert!(heard(&mut listener).await.payload.ends_with(&format!("x{number}")));
        }
        let too_long = db.notify("jobs", &"x".repeat(8000)).await.unwrap_err();
        assert!(too_long.to_string().contains("7999"), "{too_long}");
        db.close().await?;
        assert!(listener.next().await.is_none());
        Ok(())
    });
}

#[test]
fn a_listener_comes_back_and_tells_of_the_gap() {
    run("postgres", async |bed: Arc<Bed>| {
        let (db, watch) = (bed.db(1).await?, bed.db(1).await?);
        let mut listener = db.listen("jobs").await?;
        for round in 0..3 {
            end_sessions(&watch, "postgres").await?;
            let gap = heard(&mut listener).await;
            assert!(gap.after_gap && gap.channel == "jobs" && gap.payload.is_empty(), "{gap:?}");
            watch.notify("jobs", &round.to_string()).await?;
            assert_eq!(heard(&mut listener).await.payload, round.to_string());
        }
        let listening = async || {
            let count = sql!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");
            watch.query_as::<(i64,)>(count).await.map_or(-1, |rows| rows[0].0)
        };
        // A session that was ended is counted until the server has cleaned up behind it.
        until("one session listens", async || listening().await == 1).await;
        drop(listener);
        until("dropping ends the session", async || listening().await == 0).await;
        db.close().await?;
        watch.close().await
    });
}

#[test]
fn elsewhere_listening_is_an_error_that_says_what_to_do() {
    for database in ["sqlite", "mysql"] {
        run(database, async |bed: Arc<Bed>| {
            let db = bed.db(1).await?;
            for error in [db.listen("jobs").await.err(), db.notify("jobs", "").await.err()] {
                let error = error.expect("there are no notifications");
                assert!(matches!(&error, Error::Usage(error) if error.kind == UsageErrorKind::Unsupported), "{error}");
                assert!(error.to_string().contains("outbox"), "{error}");
            }
            db.close().await
        });
    }
}

/// A program that finds the database by a link waits for one that was told its real place.
#[cfg(unix)]
#[test]
fn a_database_behind_a_link_has_the_same_locks() {
    run("sqlite", |bed| async move {
        let file = bed.url.trim_start_matches("sqlite://");
        let link = format!("{file}-link");
        let db = bed.db(1).await?;
        std::os::unix::fs::symlink(file, &link)?;
        let other = Db::connect(format!("sqlite://{link}")).await?;
        let lock = db.lock("report").await?;
        assert!(other.try_lock("report").await?.is_none());
        lock.release().await?;
        assert!(other.try_lock("report").await?.is_some());
        other.close().await?;
        db.close().await
    });
}
