//! COMMITs that nobody answered, and what the server says of them afterwards.
//!
//! PostgreSQL alone keeps what became of a transaction by its number.

use crate::connections::silent::before;
use crate::connections::{Account, Bed, has_server, note, on_each_server, run, sized, until};
use sequor::ConnectionErrorKind;
use sequor::prelude::*;
use sequor_tools::faultd::{Fault, Way};
use std::sync::Arc;

/// What happens to the line while COMMIT is under way: its answer is cut or held, or it is cut, held or lost itself.
const FAULTS: [(Way, Fault); 5] = [
    (Way::Down, Fault::CutAfter(0)),
    (Way::Down, Fault::Hold),
    (Way::Up, Fault::CutAfter(3)),
    (Way::Up, Fault::Hold),
    (Way::Up, Fault::Swallow),
];

#[derive(Default)]
struct Ends {
    stored: Vec<i64>,
    gone: Vec<i64>,
    unknown: Vec<i64>,
}

async fn resolve(bed: &Bed) -> sequor::Result<()> {
    bed.db(1).await?.close().await?;
    let (proxy, rounds) = (before(bed), sized(2, 40));
    let options = Db::options(&proxy.url(&bed.url)).pool(Pool { max: 2, ..Pool::default() });
    let db = options.statement_timeout(millis(200)).resolve_commits(secs(20)).connect().await?;
    let (mut ends, mut id) = (Ends::default(), 0);
    for (way, fault) in std::iter::repeat_n(FAULTS, rounds).flatten() {
        id += 1;
        let tx = db.begin().await?;
        Account::count().exec(&tx).await?;
        draft!(Account { id, balance: 1 }).create(&tx).await?;
        proxy.set(way, fault);
        let (outcome, ()) = tokio::join!(tx.commit(), async {
            tokio::time::sleep(millis(400)).await;
            proxy.heal();
        });
        match outcome {
            Ok(()) => ends.stored.push(id),
            Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::Broken => {
                assert!(error.message.contains("nothing of it is stored"), "{error}");
                ends.gone.push(id);
            }
            Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::CommitUnknown => ends.unknown.push(id),
            Err(error) => return Err(error),
        }
        until("the connection is back or gone", async || db.pool_status().in_use == 0).await;
    }
    let Ends { stored, gone, unknown } = ends;
    let found: Vec<i64> = Account::find_all().order_by(Account::ID.asc()).exec(&db).await?.into_iter().map(|one| one.id).collect();
    assert_eq!(found, stored, "{gone:?} were said not to be stored, {unknown:?} are unknown");
    let all = rounds * FAULTS.len();
    note(&format!(
        "| postgres | COMMIT without an answer | {all} | {} stored, {} not, {} unknown |",
        stored.len(),
        gone.len(),
        unknown.len()
    ));
    assert!(unknown.len() * 100 <= all && stored.len() >= rounds * 2 && gone.len() >= rounds, "{stored:?} {gone:?} {unknown:?}");
    db.close().await
}

// T-03
#[test]
fn a_commit_that_nobody_answered_is_asked_for() {
    if has_server("postgres") {
        run("postgres", async |bed: Arc<Bed>| resolve(&bed).await);
    }
}

on_each_server! {
    async fn who_cannot_be_asked_says_so(bed) {
        let options = Db::options(&bed.url).resolve_commits(secs(5));
        if bed.database == "mysql" {
            let error = options.connect().await.expect_err("nobody can be asked").to_string();
            assert!(error.contains("resolve_commits") && error.contains("leave it out"), "{error}");
            return Ok(());
        }
        // Nothing else changes: a transaction that only reads, that writes, that goes back.
        let db = options.connect().await?;
        db.sync::<Account>(SyncMode::Create).await?;
        db.transaction(async |tx| {
            assert_eq!(Account::count().exec(tx).await?, 0);
            let made = draft!(Account { id: 1, balance: 1 }).create(tx).await?;
            assert_eq!(made.balance, 1);
            Account::update_all().set(Account::BALANCE, 2).every_row().exec(tx).await
        })
        .await?;
        let tx = db.begin().await?;
        draft!(Account { id: 2, balance: 1 }).create(&tx).await?;
        tx.rollback().await?;
        assert_eq!(Account::find_all().exec(&db).await?.iter().map(|one| one.balance).collect::<Vec<_>>(), [2]);
        db.close().await
    }
}
