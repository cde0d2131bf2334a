//! Tour section 7: closures, savepoints, unmanaged transactions.

use crate::models::*;
use sequor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Barrier;

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn commits_on_ok_and_rolls_back_on_err(db: Db) -> sequor::Result<()> {
    let made = db.transaction(async |tx| draft!(Tag { name: "kept" }).create(tx).await).await?;
    assert_eq!(made.name, "kept");
    let failed: sequor::Result<()> = db
        .transaction(async |tx| {
            draft!(Tag { name: "lost" }).create(tx).await?;
            Err(Error::usage("no"))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(Tag::count().exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn savepoints_roll_back_alone(db: Db) -> sequor::Result<()> {
    db.transaction(async |tx| {
        draft!(Tag { name: "outer" }).create(tx).await?;
        tx.transaction(async |sp| {
            draft!(Tag { name: "inner" }).create(sp).await?;
            Err::<(), _>(Error::usage("undo"))
        })
        .await
        .ok();
        draft!(Tag { name: "after" }).create(tx).await?;
        Ok(())
    })
    .await?;
    let names: Vec<String> = Tag::find_all().select(Tag::NAME).order_by(Tag::ID.asc()).exec(&db).await?;
    assert_eq!(names, ["outer", "after"]);
    let tx = db.begin().await?;
    draft!(Tag { name: "unmanaged" }).create(&tx).await?;
    tx.rollback().await?;
    let tx = db.begin().await?;
    draft!(Tag { name: "committed" }).create(&tx).await?;
    tx.commit().await?;
    assert_eq!(Tag::count().exec(&db).await?, 3);
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn a_statement_on_the_outer_db_is_an_error(db: Db) -> sequor::Result<()> {
    let outer = db.clone();
    let result = db.transaction(async |_tx| Tag::count().exec(&outer).await).await;
    assert!(matches!(result, Err(Error::Usage(_))));
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn whole_transactions_can_be_spawned(db: Db) -> sequor::Result<()> {
    let handle = tokio::spawn(async move {
        let name = String::from("spawned");
        let mut count = 0;
        db.transaction(async |tx| {
            count += 1;
            draft!(Tag { name: name.as_str() }).create(tx).await?;
            tx.transaction(async |sp| draft!(Tag { name: "nested" }).create(sp).await).await?;
            Ok(())
        })
        .await?;
        db.transaction_with(Tx::serializable().retry(3), async |tx| Tag::count().exec(tx).await).await
    });
    let count = handle.await.map_err(Error::other)??;
    assert_eq!(count, 2);
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn a_deadlock_that_a_closure_takes_no_notice_of_is_tried_again(db: Db) -> sequor::Result<()> {
    let tags = Tag::bulk_create(["a", "b"].map(|name| draft!(Tag { name }))).exec(&db).await?;
    let met = Arc::new(Barrier::new(2));
    let tasks = [(tags[0].id, tags[1].id), (tags[1].id, tags[0].id)].map(|(own, other)| {
        let (db, met) = (db.clone(), met.clone());
        tokio::spawn(async move {
            // One writer at a time is all that SQLite has: there is no circle to meet in.
            let meets = AtomicBool::new(db.dialect() != Dialect::Sqlite);
            db.transaction_with(Tx::default().retry(9), async |tx| {
                Tag::update_all().set(Tag::NAME, format!("own {own}")).filter(Tag::ID.eq(own)).exec(tx).await?;
                if meets.swap(false, Ordering::Relaxed) {
                    met.wait().await;
                }
                let name = format!("other of {own}");
                let change = async |sp: &Db| Tag::update_all().set(Tag::NAME, name.as_str()).filter(Tag::ID.eq(other)).exec(sp).await;
                tx.transaction(change).await.ok();
                Ok(())
            })
            .await
        })
    });
    for task in tasks {
        task.await.map_err(Error::other)??;
    }
    assert_eq!(Tag::count().filter(Tag::NAME.is_in(["a", "b"])).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn the_last_attempt_says_how_many_there_were(db: Db) -> sequor::Result<()> {
    let again = || Error::Serialization { detail: Box::new(sequor::Detail::message("try again")) };
    let attempts = AtomicUsize::new(0);
    let failed = db
        .transaction_with(Tx::default().retry(3), async |tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            draft!(Tag { name: "a" }).create(tx).await?;
            Err::<(), Error>(again())
        })
        .await
        .unwrap_err();
    assert!(matches!(failed, Error::Serialization { .. }), "{failed}");
    assert!(failed.to_string().ends_with("try again; the transaction was tried 3 times"), "{failed}");
    assert_eq!((attempts.into_inner(), Tag::count().exec(&db).await?), (3, 0));
    let once = db.transaction(async |_| Err::<(), Error>(again())).await.unwrap_err();
    assert!(once.to_string().ends_with("try again"), "one attempt needs no number: {once}");
    // What cannot be tried again ends it at once.
    let refused = db.transaction_with(Tx::default().retry(3), async |_| Err::<(), Error>(Error::usage("no"))).await.unwrap_err();
    assert_eq!(refused.to_string(), "no");
    Ok(())
}
