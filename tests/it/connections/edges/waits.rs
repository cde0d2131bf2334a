//! A statement of a transaction that waits too long for the locks of another one.

use crate::connections::{Account, Bed, has_server, on_each_server, run, until};
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

on_each_server! {
    /// `Duration::MAX` is what a program says that wants no limit.
    async fn limits_beyond_the_clock_are_none(bed) {
        let forever = std::time::Duration::MAX;
        let pool = Pool { max: 2, acquire: forever, idle: forever, evict: forever, lifetime: Some(forever), ..Pool::default() };
        let retry = Retry { max: 3, delay: forever, max_delay: secs(1), ..Retry::default() };
        let mut options = Db::options(&bed.url).pool(pool).retry(retry);
        options = options.statement_timeout(forever).transaction_timeout(forever).idle_in_transaction(forever).slow_query(forever);
        if bed.database == "postgres" {
            options = options.resolve_commits(forever);
        }
        let db = options.connect().await?;
        db.sync::<Account>(SyncMode::Create).await?;
        draft!(Account { id: 1, balance: 0 }).create(&db).await?;
        db.transaction(async |tx| draft!(Account { id: 2, balance: 0 }).create(tx).await).await?;
        db.transaction_with(Tx::default().timeout(forever), async |tx| draft!(Account { id: 3, balance: 0 }).create(tx).await).await?;
        let tx = db.begin_with(Tx::default().timeout(forever)).await?;
        draft!(Account { id: 4, balance: 0 }).create(&tx).await?;
        tx.commit().await?;
        let lock = db.lock_within("forever", forever).await?;
        assert!(db.try_lock("forever").await?.is_none());
        lock.release().await?;
        assert_eq!(Account::count().exec(&db).await?, 4);
        db.close_within(forever).await
    }
}

#[tokio::test]
async fn a_first_pause_beyond_the_clock_panics_nowhere() {
    let retry = Retry { max: 3, delay: std::time::Duration::MAX, max_delay: secs(1), ..Retry::default() };
    let connecting = Db::options("postgres://ann:secret@127.0.0.1:1/none").retry(retry).connect();
    assert!(tokio::time::timeout(secs(1), connecting).await.is_err(), "it waits for its second attempt");
}
