//! A statement of a transaction that waits too long for the locks of another one.

use crate::connections::{Account, Bed, has_server, run, until};
use sequor::UsageErrorKind;
use sequor::prelude::*;
use std::sync::Arc;

async fn three_writes(bed: &Bed) -> sequor::Result<()> {
    let db = bed.db(4).await?;
    db.sync::<Account>(SyncMode::Create).await?;
    for id in 1..=3 {
        draft!(Account { id, balance: 0 }).create(&db).await?;
    }
    let add = |id: i64| Account::update_all().set(Account::BALANCE, Account::BALANCE + 1).filter(Account::ID.eq(id));
    let holder = db.begin().await?;
    add(2).exec(&holder).await?;
    for swallow in [false, true] {
        let outcome = db
            .transaction(async |tx| {
                tx.execute(sql!("SET innodb_lock_wait_timeout = 1")).await?;
                add(1).exec(tx).await?;
                match add(2).exec(tx).await {
                    Err(error) if swallow => assert!(matches!(error, Error::Timeout { .. }), "{error:?}"),
                    other => drop(other?),
                }
                add(3).exec(tx).await.map(drop)
            })
            .await;
        assert!(outcome.is_err(), "a transaction that lost a statement was committed");
        let sum: i64 = Account::find_all().exec(&db).await?.iter().map(|account| account.balance).sum();
        assert_eq!(sum, 0, "a part of it was stored");
    }
    // In a savepoint it is undone with the savepoint, and the rest is kept.
    db.transaction(async |tx| {
        tx.execute(sql!("SET innodb_lock_wait_timeout = 1")).await?;
        add(1).exec(tx).await?;
        tx.transaction(async |sp| add(2).exec(sp).await).await.expect_err("the lock is held");
        add(3).exec(tx).await.map(drop)
    })
    .await?;
    let sum: i64 = Account::find_all().exec(&db).await?.iter().map(|account| account.balance).sum();
    assert_eq!(sum, 2);
    holder.rollback().await?;
    db.close().await
}

// T-05, with the server's usual setting (innodb_rollback_on_timeout = off).
#[test]
fn a_transaction_whose_statement_waited_too_long_stores_nothing() {
    if has_server("mysql") {
        run("mysql", async |bed: Arc<Bed>| three_writes(&bed).await);
    }
}

/// A server that ends the whole transaction of a statement that waited too long.
async fn nothing_is_left(db: &Db) -> sequor::Result<()> {
    db.sync::<Account>(SyncMode::Create).await?;
    for id in 1..=3 {
        draft!(Account { id, balance: 0 }).create(db).await?;
    }
    let add = |id: i64| Account::update_all().set(Account::BALANCE, Account::BALANCE + 1).filter(Account::ID.eq(id));
    let sum = async || Ok::<i64, Error>(Account::find_all().exec(db).await?.iter().map(|account| account.balance).sum());
    let holder = db.begin().await?;
    add(2).exec(&holder).await?;
    for swallow in [false, true] {
        let outcome = db
            .transaction(async |tx| {
                tx.execute(sql!("SET innodb_lock_wait_timeout = 1")).await?;
                add(1).exec(tx).await?;
                match add(2).exec(tx).await {
                    Err(error) if swallow => assert!(matches!(error, Error::Timeout { .. }), "{error:?}"),
                    other => drop(other?),
                }
                // The transaction is gone: outside of it this would be stored at once.
                let error = add(3).exec(tx).await.expect_err("there is no transaction any more");
                assert!(matches!(&error, Error::Usage(usage) if usage.kind == UsageErrorKind::TransactionFinished), "{error:?}");
                Ok(())
            })
            .await;
        assert!(outcome.is_err(), "a transaction that the server ended was committed");
        assert_eq!(sum().await?, 0, "a part of it was stored");
    }
    // A savepoint went with its transaction.
    let outcome = db
        .transaction(async |tx| {
            tx.execute(sql!("SET innodb_lock_wait_timeout = 1")).await?;
            add(1).exec(tx).await?;
            tx.transaction(async |sp| add(2).exec(sp).await).await.expect_err("the lock is held");
            add(3).exec(tx).await.expect_err("there is no transaction any more");
            Ok(())
        })
        .await;
    assert!(outcome.is_err() && sum().await? == 0);
    // Nor does a handle that nobody manages write on outside.
    let tx = db.begin().await?;
    tx.execute(sql!("SET innodb_lock_wait_timeout = 1")).await?;
    add(1).exec(&tx).await?;
    add(2).exec(&tx).await.expect_err("the lock is held");
    add(3).exec(&tx).await.expect_err("there is no transaction any more");
    assert!(tx.commit().await.is_err() && sum().await? == 0);
    holder.rollback().await?;
    until("all are back", async || db.pool_status().in_use == 0).await;
    Ok(())
}

// T-05, with innodb_rollback_on_timeout = on.
#[test]
fn a_server_that_ends_the_whole_transaction_is_believed() {
    if !has_server("mysql") {
        return;
    }
    let server = sequor_tools::servers::mariadb_with(&["--innodb-rollback-on-timeout=ON"]).expect("a server");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let db = Db::options(server.url()).pool(Pool { max: 4, acquire: secs(20), ..Pool::default() }).connect().await.expect("it answers");
        nothing_is_left(&db).await.unwrap_or_else(|error| panic!("{error:#}"));
        db.close().await.expect("it closes");
    });
}
