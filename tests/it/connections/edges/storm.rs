//! Many programs that come back after an outage, and load that comes in waves. Tier 1.

use crate::connections::{Account, Bed, has_server, is_tier_one, note, on_each_server, run, until};
use sequor::prelude::*;
use sequor_tests::ledger;
use sequor_tools::faultd::{End, Proxy};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many programs, each with a pool of six connections.
const PROGRAMS: usize = 8;

/// Programs that are ended when this is dropped.
struct Programs(Vec<Child>);

impl Drop for Programs {
    fn drop(&mut self) {
        for program in &mut self.0 {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

async fn come_back(bed: &Bed) -> sequor::Result<()> {
    let db = bed.db(1).await?;
    ledger::prepare(&db).await?;
    let address = bed.url.rsplit_once('@').and_then(|(_, rest)| rest.split(['/', '?']).next()).expect("a place");
    let address = std::net::ToSocketAddrs::to_socket_addrs(address)?.next().expect("an address");
    let proxy = Proxy::before(address, 1)?;
    let file = std::env::temp_dir().join(format!("sequor-storm-{}-{}", std::process::id(), bed.database));
    let programs: Result<Vec<Child>, _> = (0..PROGRAMS)
        .map(|number| {
            Command::new(env!("CARGO_BIN_EXE_sequor-tests-ledger"))
                .arg(proxy.url(&bed.url))
                .arg(&file)
                .arg(((number + 1) * 100_000_000).to_string())
                .stdin(Stdio::null())
                .spawn()
        })
        .collect();
    let programs = Programs(programs?);
    until("all are connected", async || proxy.lines() >= PROGRAMS * 6).await;
    proxy.refuse(true);
    proxy.end_lines(End::Reset);
    tokio::time::sleep(Duration::from_secs(60)).await;
    proxy.heal();
    let start = Instant::now();
    let mut opened = vec![(start, proxy.opened())];
    while proxy.lines() < PROGRAMS * 6 {
        assert!(start.elapsed() < crate::connections::PATIENCE, "{} lines after half a minute", proxy.lines());
        tokio::time::sleep(Duration::from_millis(50)).await;
        opened.push((Instant::now(), proxy.opened()));
    }
    let full = start.elapsed();
    let most = opened
        .iter()
        .map(|(at, before)| {
            let later = opened.iter().rfind(|(later, _)| *later <= *at + Duration::from_secs(1));
            later.map_or(0, |(_, count)| count - before)
        })
        .max()
        .unwrap_or_default();
    note(&format!(
        "| {} | {PROGRAMS} programs come back after 60 s | at most {most} connects in a second | full after {full:?} |",
        bed.database
    ));
    assert!(most <= 40, "{most} connects within a second");
    drop(programs);
    let _ = std::fs::remove_file(file);
    db.close().await
}

// P-06
mod programs_come_back_one_after_the_other {
    use super::*;

    fn on(database: &'static str) {
        if is_tier_one() && has_server(database) {
            run(database, async |bed: Arc<Bed>| come_back(&bed).await);
        }
    }

    #[test]
    fn postgres() {
        on("postgres");
    }

    #[test]
    fn mysql() {
        on("mysql");
    }
}

on_each_server! {
    // P-12: the wave is as long as a second at tier 0, for one time.
    async fn load_in_waves_opens_few_connections(bed) {
        let (waves, long) = if is_tier_one() { (60, Duration::from_secs(5)) } else { (2, Duration::from_millis(600)) };
        let (min, max) = (2, 6);
        let db = bed.with(Pool { max, min, idle: millis(200), evict: millis(50), ..Pool::default() }).await?;
        until("it is warm", async || db.pool_status().idle >= min).await;
        let before = db.pool_status().opened;
        for _ in 0..waves {
            let ended = Arc::new(AtomicBool::new(false));
            let tasks: Vec<_> = (0..12).map(|_| {
                let (db, ended) = (db.clone(), ended.clone());
                tokio::spawn(async move {
                    while !ended.load(Ordering::SeqCst) {
                        // Each holds its connection for as long as it waits for something: a look at SQLite alone is over before another task has its turn.
                        db.transaction_with(Tx::serializable().read_only(), async |tx| Account::count().exec(tx).await).await?;
                    }
                    Ok::<_, Error>(())
                })
            }).collect();
            let start = Instant::now();
            while start.elapsed() < long {
                let status = db.pool_status();
                assert!(status.in_use <= max && status.idle <= max, "{status:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            ended.store(true, Ordering::SeqCst);
            for task in tasks {
                task.await.map_err(Error::other)??;
            }
            until("it has gone down", async || db.pool_status().idle == min && db.pool_status().in_use == 0).await;
        }
        let opened = db.pool_status().opened - before;
        let (step, waves) = (u64::try_from(max - min).unwrap_or(0), u64::try_from(waves).unwrap_or(0));
        assert!(opened * 10 <= 12 * step * waves, "{opened} connections were opened in {waves} waves of {step}");
        note(&format!("| {} | {waves} waves | {opened} connections opened |", bed.database));
        db.close().await
    }
}
