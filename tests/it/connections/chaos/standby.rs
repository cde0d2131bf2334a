//! A primary with a streaming standby that is killed and comes back, while the ledger runs and others read. Tier 1.

use super::fault::Laboratory;
use super::{RECOVERY, runtime};
use crate::connections::{has_server, is_tier_one, note, until};
use sequor::prelude::*;
use sequor_tests::ledger::{self, Account, Ledger, Wrong};
use sequor_tools::servers;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the readers saw.
#[derive(Default)]
struct Seen {
    reads: AtomicU64,
    errors: AtomicU64,
    stale: AtomicU64,
    ended: AtomicBool,
}

/// Writes a number and reads it back: the read after a write has to see it.
async fn read_own_writes(db: Db, seen: Arc<Seen>) {
    let mut number = BALANCE;
    while !seen.ended.load(Ordering::SeqCst) {
        number += 1;
        let wrote = Account::update_all().set(Account::BALANCE, number).filter(Account::ID.eq(100)).exec(&db).await.is_ok();
        if wrote && Account::find_by_pk(100).exec(&db).await.is_ok_and(|row| row.is_some_and(|row| row.balance < number)) {
            seen.stale.fetch_add(1, Ordering::SeqCst);
        }
    }
}

const BALANCE: i64 = 1;

/// Reads only, so that its reads go to the standby.
async fn read(db: Db, seen: Arc<Seen>) {
    while !seen.ended.load(Ordering::SeqCst) {
        match Account::find_by_pk(1).exec(&db).await {
            Ok(_) => seen.reads.fetch_add(1, Ordering::SeqCst),
            Err(error) => {
                note(&format!("a read failed: {error}"));
                seen.errors.fetch_add(1, Ordering::SeqCst)
            }
        };
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn run() -> sequor::Result<()> {
    let laboratory = Laboratory::open("postgres").map_err(Error::usage)?;
    let watch = Db::connect(laboratory.server.url()).await?;
    ledger::prepare(&watch).await?;
    let mut standby = servers::standby(&laboratory.server).map_err(Error::usage)?;
    let db = laboratory.connect(6).await?;
    let reader = Db::options(laboratory.server.url()).read_replicas([standby.url()]).connect().await?;
    let writer = Db::options(laboratory.server.url()).read_replicas([standby.url()]).connect().await?;
    let seen = Arc::new(Seen::default());
    let ledger = Arc::new(Ledger::default());
    let mut tasks = ledger.start(&db);
    tasks.extend((0..4).map(|_| tokio::spawn(read(reader.clone(), seen.clone()))));
    tasks.push(tokio::spawn(read_own_writes(writer.clone(), seen.clone())));
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let reads = seen.reads.load(Ordering::SeqCst);
        until("reads go on", async || seen.reads.load(Ordering::SeqCst) > reads + 50).await;
        tokio::task::block_in_place(|| standby.kill());
        let (start, reads, count) = (Instant::now(), seen.reads.load(Ordering::SeqCst), ledger.acknowledged());
        until("reads go to the primary", async || seen.reads.load(Ordering::SeqCst) > reads).await;
        until("writes go on", async || ledger.acknowledged() > count).await;
        longest = longest.max(start.elapsed());
        tokio::task::block_in_place(|| standby.start_again()).map_err(Error::usage)?;
    }
    seen.ended.store(true, Ordering::SeqCst);
    ledger.end();
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(20), task).await.expect("no operation hangs").map_err(Error::other)?;
    }
    let answers = ledger.answers();
    assert_eq!(ledger::check(&watch, &answers).await?, Wrong::default());
    let (reads, errors, stale) = (seen.reads.load(Ordering::SeqCst), seen.errors.load(Ordering::SeqCst), seen.stale.load(Ordering::SeqCst));
    note(&format!(
        "| postgres | the standby is killed | 20 | {} writes, {reads} reads ({errors} failed, {stale} stale) | 0 | 0 | {longest:?} |",
        answers.acknowledged.len()
    ));
    assert_eq!(stale, 0);
    assert!(longest <= RECOVERY, "{longest:?}");
    Ok(())
}

// N-01, P-11
#[test]
fn a_standby_is_killed_and_comes_back() {
    if is_tier_one() && has_server("postgres") {
        runtime().block_on(run()).unwrap_or_else(|error| panic!("failed: {error:#}"));
    }
}
