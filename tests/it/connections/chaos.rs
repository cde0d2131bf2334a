//! The ledger against servers of its own, PostgreSQL and MariaDB, which are killed (`kill -9`) and started again, while their lines are cut, held,
//! swallowed and refused. SQLite has neither server nor line: there the program itself is killed, in `crash`.

mod fault;
mod pooler;
mod standby;

use super::{PATIENCE, is_tier_one, note, sized, until};
use fault::{FAULTS, Fault, Laboratory};
use sequor::prelude::*;
use sequor_tests::ledger::{self, Ledger, Wrong};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon the first operation has to be acknowledged, once the fault is over.
const RECOVERY: Duration = Duration::from_secs(1);

/// What one kind of fault did.
#[derive(Default)]
struct Row {
    times: u32,
    longest: Duration,
    /// Operations that were acknowledged from its first injection to its last recovery.
    acknowledged: u64,
}

/// Moves money while every fault is injected in turn, until so many rounds and so much time are over.
async fn chaos(database: &str, faults: &[Fault], rounds: u32, time: Duration) -> sequor::Result<BTreeMap<String, Row>> {
    let laboratory = Laboratory::open(database).map_err(Error::usage)?;
    chaos_in(laboratory, database, faults, rounds, time).await
}

async fn chaos_in(
    mut laboratory: Laboratory,
    name: &str,
    faults: &[Fault],
    rounds: u32,
    time: Duration,
) -> sequor::Result<BTreeMap<String, Row>> {
    let watch = Db::connect(laboratory.server.url()).await?;
    ledger::prepare(&watch).await?;
    let db = laboratory.connect(6).await?;
    let ledger = Arc::new(Ledger::default());
    let tasks = ledger.start(&db);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let (start, mut round) = (Instant::now(), 0);
    while round < rounds || start.elapsed() < time {
        for fault in faults {
            let row = rows.entry(format!("{fault:?}")).or_default();
            let before = ledger.acknowledged();
            let (mut start, wanted) = (Instant::now(), before + sized(5, 50));
            while ledger.acknowledged() < wanted {
                assert!(start.elapsed() < PATIENCE, "no work within {PATIENCE:?} before {fault:?}, round {round}");
                if start.elapsed() > Duration::from_secs(5) && laboratory.revive_pooler().map_err(Error::usage)? {
                    note(&format!("| {name} | PgBouncer ended itself before {fault:?}, round {round} |"));
                    start = Instant::now();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            laboratory.inject(*fault, round).await.map_err(Error::usage)?;
            let (mut healed, count) = (Instant::now(), ledger.acknowledged());
            while ledger.acknowledged() <= count {
                assert!(
                    healed.elapsed() < PATIENCE,
                    "no work within {PATIENCE:?} after {fault:?}, round {round}: {:?}\n{:?}\n{}",
                    ledger.answers().refused.last_key_value(),
                    db.pool_status(),
                    laboratory.sessions(&watch).await
                );
                if healed.elapsed() > Duration::from_secs(2) && laboratory.revive_pooler().map_err(Error::usage)? {
                    note(&format!("| {name} | PgBouncer ended itself after {fault:?}, round {round} |"));
                    healed = Instant::now();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            row.times += 1;
            row.longest = row.longest.max(healed.elapsed());
            row.acknowledged += ledger.acknowledged() - before;
        }
        round += 1;
    }
    ledger.end();
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(20), task).await.expect("no operation hangs").map_err(Error::other)?;
    }
    until("all are back", async || db.pool_status().in_use == 0).await;
    let answers = ledger.answers();
    assert_eq!(ledger::check(&watch, &answers).await?, Wrong::default());
    until("no transaction is open", async || laboratory.open_transactions(&watch).await.is_ok_and(|count| count == 0)).await;
    let longest = rows.values().map(|row| row.longest).max().unwrap_or_default();
    // Tier 1 has the machine to itself.
    let most = if is_tier_one() { RECOVERY } else { PATIENCE };
    assert!(longest <= most, "the longest recovery took {longest:?}");
    note(&format!(
        "| {name} | all | {} | {} | 0 | 0 | {longest:?} |",
        rows.values().map(|row| row.times).sum::<u32>(),
        answers.acknowledged.len()
    ));
    db.close().await?;
    watch.close().await?;
    Ok(rows)
}

fn on(database: &str, faults: &[Fault]) {
    if !super::has_server(database) {
        return;
    }
    let (rounds, time) = if is_tier_one() { (20, Duration::from_secs(60)) } else { (1, Duration::from_millis(500)) };
    match runtime().block_on(chaos(database, faults, rounds, time)) {
        Ok(rows) => note_rows(database, rows),
        Err(error) => panic!("failed on {database}: {error:#}"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn note_rows(name: &str, rows: BTreeMap<String, Row>) {
    for (fault, row) in rows {
        note(&format!("| {name} | {fault} | {} | {} | 0 | 0 | {:?} |", row.times, row.acknowledged, row.longest));
    }
}

// C-03, P-04, T-03
mod the_ledger_survives_broken_lines {
    #[test]
    fn postgres() {
        super::on("postgres", super::FAULTS);
    }

    #[test]
    fn mysql() {
        super::on("mysql", super::FAULTS);
    }
}

// C-03
mod the_ledger_survives_a_killed_server {
    use super::Fault;

    #[test]
    fn postgres() {
        super::on("postgres", &[Fault::Kill]);
    }

    #[test]
    fn mysql() {
        super::on("mysql", &[Fault::Kill]);
    }
}
