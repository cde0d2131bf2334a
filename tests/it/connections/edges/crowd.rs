//! Many more tasks than connections: everybody is served, about equally soon, and a task that waits costs little memory.

use crate::connections::{Account, note, on_each_server, sized, until};
use sequor::prelude::*;
#[cfg(target_os = "linux")]
use sequor_tests::memory::{alone, resident};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each of these tasks waited for each of its reads.
async fn crowd(db: &Db, tasks: usize, reads: usize) -> sequor::Result<Vec<Duration>> {
    let start = Arc::new(tokio::sync::Barrier::new(tasks));
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (db, start) = (db.clone(), start.clone());
            tokio::spawn(async move {
                let mut waits = Vec::with_capacity(reads);
                start.wait().await;
                for _ in 0..reads {
                    let asked = Instant::now();
                    Account::count().exec(&db).await?;
                    waits.push(asked.elapsed());
                }
                Ok::<_, Error>(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await.map_err(Error::other)??);
    }
    waits.sort_unstable();
    Ok(waits)
}

/// So many waiters are as many as a pool takes.
#[cfg(target_os = "linux")]
const WAITERS: u64 = 9_000;

/// What a task costs that waits for the pool, beside a task that waits for something else.
#[cfg(target_os = "linux")]
async fn weigh(db: &Db) -> sequor::Result<()> {
    let held = [db.begin_with(READ).await?, db.begin_with(READ).await?];
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let before = resident();
    let mut tasks: Vec<_> = (0..WAITERS)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move { drop(gate.acquire().await) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let others = resident();
    tasks.extend((0..WAITERS).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { drop(db.begin_with(READ).await) })
    }));
    until("all wait", async || db.pool_status().waiting == WAITERS).await;
    let bytes = |from: u64, to: u64| to.saturating_sub(from) * 1024 / WAITERS;
    let (task, waiter) = (bytes(before, others), bytes(others, resident()));
    println!("{}: {waiter} bytes for each task that waits for the pool, {task} for one that waits for something else", db.dialect().name());
    assert!(task > 0 && waiter > 0 && waiter < task + 2048, "{waiter} and {task}");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    until("nobody waits", async || db.pool_status().waiting == 0).await;
    for tx in held {
        tx.rollback().await?;
    }
    Ok(())
}

/// Of readers there can be several on SQLite too.
const READ: Tx = Tx::serializable().read_only();

on_each_server! {
    // P-05
    async fn two_thousand_tasks_are_all_served_about_equally_soon(bed) {
        let db = bed.db(5).await?;
        let (tasks, reads) = sized((500, 3), (2_000, 20));
        let mut seen = Vec::new();
        // A machine that stands still for a moment makes one wait long: once of three times has to be even.
        for _ in 0..3 {
            let (start, before) = (Instant::now(), db.pool_status().acquired);
            let waits = crowd(&db, tasks, reads).await?;
            assert_eq!(waits.len(), tasks * reads);
            assert!(db.pool_status().acquired - before >= u64::try_from(waits.len()).unwrap_or(u64::MAX));
            let (median, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
            seen.push((median, most, start.elapsed()));
            if most < median * 4 {
                break;
            }
        }
        note(&format!("| {} | {tasks} tasks, 5 connections | {} reads | median and longest wait, all: {seen:?} |", bed.database, tasks * reads));
        assert!(seen.last().is_some_and(|(median, most, _)| *most < *median * 4), "{seen:?}");
        let status = db.pool_status();
        assert_eq!((status.in_use, status.waiting, status.refused), (0, 0, 0));
        assert!(status.opened <= 5, "{status:?}");
        db.close().await
    }

    // P-05
    async fn a_task_that_waits_costs_little(bed) {
        #[cfg(target_os = "linux")]
        {
            const CHILD: &str = "SEQUOR_WEIGHS_WAITERS";
            if std::env::var(CHILD).is_ok() {
                let db = bed.with(Pool { max: 2, ..Pool::default() }).await?;
                weigh(&db).await?;
                return db.close().await;
            }
            // In a process of its own: other tests would be weighed with it.
            let test = format!("connections::edges::crowd::a_task_that_waits_costs_little::{}", bed.database);
            let text = alone(&test, CHILD)?;
            note(text.lines().find(|line| line.contains("bytes for each task")).unwrap_or_default());
        }
        Ok(())
    }
}
