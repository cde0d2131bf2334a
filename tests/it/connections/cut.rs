//! The poll sweep: every step of a transaction is dropped at its first, second, .. poll, and nothing of it may be left.

use super::{Account, Bed, Polls, cuts, on_each_server};
use sequor::prelude::*;

/// A step that is cut, on a database with one connection: what it left is seen by the next borrower.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Begin,
    Execute,
    Savepoint,
    Commit,
    Rollback,
    Closure,
    Bulk,
    Find,
}

async fn step(db: &Db, step: Step, polls: u32) -> sequor::Result<bool> {
    let row = || draft!(Account { id: 7, balance: 7 });
    match step {
        Step::Begin => Ok(Polls::new(polls, db.begin()).await.transpose()?.is_some()),
        Step::Execute => {
            let tx = db.begin().await?;
            let done = Polls::new(polls, row().create(&tx)).await.transpose()?.is_some();
            drop(tx);
            Ok(done)
        }
        Step::Savepoint => {
            let tx = db.begin().await?;
            let nested = tx.transaction(async |sp| row().create(sp).await);
            let done = Polls::new(polls, nested).await.transpose()?.is_some();
            drop(tx);
            Ok(done)
        }
        Step::Commit => {
            let tx = db.begin().await?;
            row().create(&tx).await?;
            Ok(Polls::new(polls, tx.commit()).await.transpose()?.is_some())
        }
        Step::Rollback => {
            let tx = db.begin().await?;
            row().create(&tx).await?;
            Ok(Polls::new(polls, tx.rollback()).await.transpose()?.is_some())
        }
        Step::Closure => {
            let work = db.transaction(async |tx| {
                row().create(tx).await?;
                tx.transaction(async |sp| draft!(Account { id: 8, balance: 8 }).create(sp).await).await
            });
            Ok(Polls::new(polls, work).await.transpose()?.is_some())
        }
        Step::Bulk => {
            let rows: Vec<_> = (7..9).map(|id| draft!(Account { id, balance: id })).collect();
            Ok(Polls::new(polls, Account::bulk_create(rows).exec(db)).await.transpose()?.is_some())
        }
        Step::Find => Ok(Polls::new(polls, Account::find_all().order_by(Account::ID.asc()).exec(db)).await.transpose()?.is_some()),
    }
}

async fn sweep(bed: &Bed, what: Step) -> sequor::Result<()> {
    let db = bed.db(1).await?;
    draft!(Account { id: 1, balance: 100 }).create(&db).await?;
    for polls in cuts(1) {
        let done = step(&db, what, polls).await?;
        // The next borrower writes a mark, and sees its own and nothing half done.
        let mark = Account::update_all().set(Account::BALANCE, 100 + i64::from(polls)).filter(Account::ID.eq(1)).exec(&db).await?;
        assert_eq!(mark, 1, "{what:?} cut at poll {polls}");
        let rows: Vec<(i64, i64)> =
            Account::find_all().select((Account::ID, Account::BALANCE)).order_by(Account::ID.asc()).exec(&db).await?;
        assert_eq!(rows[0], (1, 100 + i64::from(polls)), "{what:?} cut at poll {polls}");
        let stored = rows.len() - 1;
        match what {
            // A cut COMMIT may have arrived: all or nothing.
            Step::Commit => assert!(stored <= 1 && (!done || stored == 1), "{what:?} cut at poll {polls}: {rows:?}"),
            Step::Closure | Step::Bulk => assert!(stored == 0 || stored == 2, "{what:?} cut at poll {polls}: {rows:?}"),
            _ => assert_eq!(stored, 0, "{what:?} cut at poll {polls}: {rows:?}"),
        }
        Account::destroy_all().filter(Account::ID.gt(1)).exec(&db).await?;
        let status = db.pool_status();
        assert_eq!((status.waiting, status.max), (0, 1));
        if done {
            return db.close().await;
        }
    }
    panic!("{what:?} does not end");
}

on_each_server! {
    async fn a_cut_begin(bed) { sweep(&bed, Step::Begin).await }
    async fn a_cut_statement(bed) { sweep(&bed, Step::Execute).await }
    async fn a_cut_savepoint(bed) { sweep(&bed, Step::Savepoint).await }
    async fn a_cut_commit(bed) { sweep(&bed, Step::Commit).await }
    async fn a_cut_rollback(bed) { sweep(&bed, Step::Rollback).await }
    async fn a_cut_closure(bed) { sweep(&bed, Step::Closure).await }
    async fn a_cut_bulk_insert(bed) { sweep(&bed, Step::Bulk).await }
    async fn a_cut_find(bed) { sweep(&bed, Step::Find).await }
}
