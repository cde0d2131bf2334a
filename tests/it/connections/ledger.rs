//! The ledger while futures are dropped and sessions are killed; the sum stays, every acknowledged transfer is there once.

use super::{Bed, on_each_server, until};
use sequor::prelude::*;
use sequor_tests::ledger::{self, Ledger, Wrong};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Kills all sessions of the database but the one that asks; SQLite has none.
async fn kill_sessions(watch: &Db, database: &str) -> sequor::Result<()> {
    match database {
        "postgres" => {
            let text = sql!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            );
            watch.query_as::<(i64,)>(text).await?;
        }
        "mysql" => {
            let sessions: Vec<(i64,)> = watch
                .query_as(sql!("SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"))
                .await?;
            for (id,) in sessions {
                let _ = watch.execute(sql!("KILL {id}")).await;
            }
        }
        _ => {}
    }
    Ok(())
}

async fn run(bed: &Bed) -> sequor::Result<()> {
    let (db, watch) = (bed.db(6).await?, bed.db(1).await?);
    ledger::prepare(&db).await?;
    let ledger = Arc::new(Ledger::default());
    let tasks = ledger.start(&db);
    let end = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(300)).await;
        kill_sessions(&watch, bed.database).await?;
    }
    ledger.end();
    for task in tasks {
        task.await.map_err(Error::other)?;
    }
    until("all are back", async || db.pool_status().in_use == 0).await;
    let answers = ledger.answers();
    assert!(answers.acknowledged.len() > 20, "only {} transfers", answers.acknowledged.len());
    assert_eq!(ledger::check(&watch, &answers).await?, Wrong::default());
    let status = db.pool_status();
    assert_eq!((status.in_use, status.waiting), (0, 0));
    db.close().await?;
    watch.close().await
}

on_each_server! {
    async fn money_is_neither_made_nor_lost(bed) { run(&bed).await }
}
