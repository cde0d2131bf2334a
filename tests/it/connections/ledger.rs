//! The ledger: many tasks move money at once while their futures are dropped and sessions are killed; the sum stays, every acknowledged transfer is there
//! once.

use super::{Account, Polls, on_each_server, until};
use sequor::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One transfer, written in the transaction that moves the money.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "transfers")]
pub struct Transfer {
    #[field(primary_key)]
    pub id: i64,
    pub amount: i64,
}

const ACCOUNTS: i64 = 8;
const TASKS: i64 = 16;

async fn transfer(db: &Db, id: i64) -> sequor::Result<()> {
    let (from, to, amount) = (id % ACCOUNTS, (id / 3 + 1) % ACCOUNTS, id % 7 + 1);
    db.transaction_with(Tx::serializable().retry(50), async move |tx| {
        // In one order, so that two transfers wait for each other less often.
        for (account, change) in if from < to { [(from, -amount), (to, amount)] } else { [(to, amount), (from, -amount)] } {
            Account::update_all().set(Account::BALANCE, Account::BALANCE + change).filter(Account::ID.eq(account)).exec(tx).await?;
        }
        draft!(Transfer { id, amount }).create(tx).await?;
        Ok(())
    })
    .await
}

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

on_each_server! {
    async fn money_is_neither_made_nor_lost(bed) {
        let (db, watch) = (bed.db(6).await?, bed.db(1).await?);
        db.sync::<Transfer>(SyncMode::Create).await?;
        Account::bulk_create((0..ACCOUNTS).map(|id| draft!(Account { id, balance: 1000 })).collect::<Vec<_>>()).exec(&db).await?;
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let end = Instant::now() + Duration::from_millis(2500);
        let tasks: Vec<_> = (0..TASKS).map(|task| {
            let (db, acknowledged) = (db.clone(), acknowledged.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while Instant::now() < end {
                    number += 1;
                    let id = task * 1_000_000 + number;
                    // Every ninth future is dropped somewhere on its way.
                    let answer = if number % 9 == 0 {
                        Polls::new(u32::try_from(number % 23).unwrap_or(0) + 1, transfer(&db, id)).await
                    } else {
                        Some(transfer(&db, id).await)
                    };
                    match answer {
                        Some(Ok(())) => { acknowledged.lock().expect("a set").insert(id); }
                        Some(Err(Error::Validation(error))) => panic!("{error}"),
                        _ => {}
                    }
                }
            })
        }).collect();
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(300)).await;
            kill_sessions(&watch, bed.database).await?;
        }
        for task in tasks {
            task.await.map_err(Error::other)?;
        }
        until("all are back", async || db.pool_status().in_use == 0).await;
        let sum: Vec<i64> = Account::find_all().select(Account::BALANCE).exec(&watch).await?;
        assert_eq!(sum.iter().sum::<i64>(), ACCOUNTS * 1000);
        let stored: BTreeSet<i64> = Transfer::find_all().select(Transfer::ID).exec(&watch).await?.into_iter().collect();
        let acknowledged = acknowledged.lock().expect("a set").clone();
        assert!(acknowledged.len() > 20, "only {} transfers", acknowledged.len());
        assert_eq!(acknowledged.difference(&stored).count(), 0, "acknowledged and lost");
        let status = db.pool_status();
        assert_eq!((status.in_use, status.waiting), (0, 0));
        db.close().await?;
        watch.close().await
    }
}
