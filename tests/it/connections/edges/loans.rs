//! Loans that are long, and streams that want a second connection.

use crate::connections::observing::listened;
use crate::connections::{Account, Bed, on_each_server};
use sequor::prelude::*;
use sequor_tests::ledger::Transfer;
use std::time::{Duration, Instant};

/// An owner, for streams that read something beside their rows.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "owners")]
pub struct Owner {
    #[field(primary_key)]
    pub id: i64,
    pub account: BelongsTo<Account>,
    pub account_id: i64,
}

async fn long_loans(bed: &Bed, listener: &crate::connections::observing::Listener) -> sequor::Result<()> {
    let pool = Pool { max: 2, hold_warning: Some(millis(60)), evict: millis(10), ..Pool::default() };
    let db = Db::options(&bed.url).pool(pool).connect().await?;
    let before = db.pool_status();
    let outer = Instant::now();
    let (tx, line) = (db.begin().await?, line!());
    let inner = Instant::now();
    let reports = || -> Vec<String> {
        let told = listener.events().into_iter().filter(|event| event.get("message").is_some_and(|text| text.contains("held for long")));
        told.map(|event| event.get("site").cloned().unwrap_or_default()).collect()
    };
    let mut seen = Vec::new();
    while inner.elapsed() < Duration::from_millis(400) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen.extend(reports());
        let status = db.pool_status();
        assert_eq!((status.in_use, status.waiting, status.max), (1, 0, 2));
    }
    let (least, busy, most) = (inner.elapsed(), db.pool_status().busy_micros - before.busy_micros, outer.elapsed());
    tx.rollback().await?;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains(&format!("loans.rs:{line}")), "{seen:?}");
    let (least, most) = (least.as_micros() * 99 / 100, most.as_micros() * 101 / 100 + 1000);
    assert!((least..=most).contains(&u128::from(busy)), "{least} <= {busy} <= {most}");
    let after = db.pool_status();
    assert!(after.in_use == 0 && after.utilization_permille > 0, "{after:?}");
    db.close().await
}

// P-07
mod a_long_loan_is_reported_once_with_its_place {
    use super::*;

    #[test]
    fn sqlite() {
        listened("sqlite", long_loans);
    }

    #[test]
    fn postgres() {
        listened("postgres", long_loans);
    }

    #[test]
    fn mysql() {
        listened("mysql", long_loans);
    }
}

on_each_server! {
    // P-02: each stream keeps a connection, and reads its includes on another one.
    async fn as_many_streams_with_includes_as_connections_do_not_wait_for_each_other(bed) {
        let db = bed.with(Pool { max: 3, acquire: secs(5), ..Pool::default() }).await?;
        db.sync::<Owner>(SyncMode::Create).await?;
        Account::bulk_create((0..1200).map(|id| draft!(Account { id, balance: id }))).exec(&db).await?;
        Owner::bulk_create((0..1200).map(|id| draft!(Owner { id, account_id: id }))).exec(&db).await?;
        let all = std::sync::Arc::new(tokio::sync::Barrier::new(6));
        let tasks: Vec<_> = (0..6).map(|_| {
            let (db, all) = (db.clone(), all.clone());
            tokio::spawn(async move {
                let mut stream = Owner::find_all().include(Owner::ACCOUNT).stream(&db);
                let mut count = 0;
                while let Some(row) = stream.next().await {
                    let row = row?;
                    assert!(row.account.get().is_some());
                    count += 1;
                    if count == 1 {
                        // All are open at once.
                        all.wait().await;
                    }
                }
                Ok::<_, Error>(count)
            })
        }).collect();
        for task in tasks {
            assert_eq!(task.await.map_err(Error::other)??, 1200);
        }
        // One inside the other, with a write beside them.
        db.sync::<Transfer>(SyncMode::Create).await?;
        let mut outer = Owner::find_all().include(Owner::ACCOUNT).limit(3).stream(&db);
        let mut rows = 0;
        while let Some(row) = outer.next().await {
            let id = row?.id;
            let mut inner = Owner::find_all().include(Owner::ACCOUNT).limit(600).stream(&db);
            while inner.next().await.transpose()?.is_some() {
                rows += 1;
            }
            draft!(Transfer { id, amount: 0 }).create(&db).await?;
        }
        assert_eq!(rows, 1800);
        drop(outer);
        crate::connections::until("all are back", async || db.pool_status().in_use == 0).await;
        db.close().await
    }
}
