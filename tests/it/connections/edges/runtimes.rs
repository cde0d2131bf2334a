//! Pools and the runtimes that they were made on: one that ends, and two that share a pool.

use crate::connections::{Account, on_each_server};
use sequor::prelude::*;
use std::sync::{Arc, Barrier};
use std::time::Instant;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Runs something on a runtime of its own, which has ended when this returns.
fn elsewhere<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    std::thread::spawn(move || runtime().block_on(work)).join().expect("no panic")
}

on_each_server! {
    // P-10
    async fn a_pool_outlives_its_runtime(bed) {
        bed.db(1).await?.close().await?;
        let url = bed.url.clone();
        let db = tokio::task::block_in_place(|| elsewhere(async move {
            let db = Db::options(&url).pool(Pool { max: 2, min: 2, ..Pool::default() }).connect().await?;
            Account::count().exec(&db).await.map(|_| db)
        }))?;
        // Its connections went with the runtime: that is seen, and others are opened.
        let start = Instant::now();
        for _ in 0..4 {
            assert_eq!(Account::count().exec(&db).await?, 0);
        }
        assert!(start.elapsed() < crate::connections::PATIENCE, "{:?}", start.elapsed());
        let status = db.pool_status();
        assert!(status.in_use == 0 && status.idle <= 2, "{status:?}");
        // Dropped where there is no runtime at all, with a transaction open.
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        std::thread::spawn(move || drop((tx, db))).join().expect("no panic");
        let db = bed.db(1).await?;
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    // P-10
    async fn two_runtimes_share_a_pool(bed) {
        let db = bed.db(2).await?;
        let both = Arc::new(Barrier::new(2));
        let threads: Vec<_> = (0..2_i64).map(|number| {
            let (db, both, runtime) = (db.clone(), both.clone(), runtime());
            std::thread::spawn(move || {
                let result = runtime.block_on(async move {
                    for round in 0..20 {
                        draft!(Account { id: number * 100 + round, balance: 0 }).create(&db).await?;
                    }
                    Ok::<_, Error>(())
                });
                // Neither runtime ends under a connection that the other one uses.
                both.wait();
                result
            })
        }).collect();
        tokio::task::block_in_place(|| threads.into_iter().try_for_each(|thread| thread.join().expect("no panic")))?;
        assert_eq!(Account::count().exec(&db).await?, 40);
        db.close().await
    }
}

/// Reads of SQLite that run in place never wait: a loop of them must not keep the other tasks of its thread from theirs, nor hold connections meanwhile.
#[test]
fn a_loop_of_reads_lets_other_tasks_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let db = Db::connect("sqlite::memory:").await.expect("a database");
        db.sync::<Account>(SyncMode::Create).await.expect("a table");
        let other = tokio::spawn({
            let db = db.clone();
            async move { Account::count().exec(&db).await }
        });
        let mut reads = 0;
        while !other.is_finished() {
            assert_eq!(Account::count().exec(&db).await.expect("a count"), 0);
            reads += 1;
            assert!(reads < 10_000, "the other task never had its turn");
        }
        assert_eq!(other.await.expect("no panic").expect("a count"), 0);
        db.close().await.expect("an end");
    });
}
