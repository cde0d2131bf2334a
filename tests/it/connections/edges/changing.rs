//! Tables that change while others read them.

use crate::connections::{Account, note, on_each_server, sized};
use sequor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

on_each_server! {
    // C-07
    async fn readers_see_no_error_while_their_table_changes(bed) {
        let (readers, changes) = sized((3, 12), (8, 500));
        let db = bed.db(readers + 1).await?;
        draft!(Account { id: 1, balance: 7 }).create(&db).await?;
        let ended = Arc::new(AtomicBool::new(false));
        let (began, mut beginnings) = tokio::sync::mpsc::channel(readers);
        let reading: Vec<_> = (0..readers)
            .map(|_| {
                let (db, ended, began) = (db.clone(), ended.clone(), began.clone());
                tokio::spawn(async move {
                    let mut count = 0u64;
                    while !ended.load(Ordering::SeqCst) {
                        assert_eq!(Account::find_by_pk(1).exec(&db).await?.map(|row| row.balance), Some(7));
                        // Without a list of columns the plan itself is stale.
                        let rows = db.query_json("SELECT * FROM accounts", json!({ "type": "SELECT" })).await?;
                        assert_eq!(rows.as_array().map(Vec::len), Some(1));
                        count += 2;
                        if count == 2 {
                            began.send(()).await.map_err(Error::other)?;
                        }
                    }
                    Ok::<_, Error>(count)
                })
            })
            .collect();
        drop(began);
        // Nothing changes before everybody reads: one that fails at once ends the wait too.
        for _ in 0..readers {
            beginnings.recv().await;
        }
        for change in 0..changes {
            let text = if change % 2 == 0 { sql!("ALTER TABLE accounts ADD COLUMN extra integer") } else { sql!("ALTER TABLE accounts DROP COLUMN extra") };
            db.execute(text).await?;
        }
        ended.store(true, Ordering::SeqCst);
        let mut reads = 0;
        for reader in reading {
            reads += reader.await.map_err(Error::other)??;
        }
        note(&format!("| {} | the table changes under {readers} readers | {changes} | {reads} reads, no error |", bed.database));
        assert!(reads > 0);
        db.close().await
    }
}
