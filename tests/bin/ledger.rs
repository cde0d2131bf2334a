//! A program that moves money until it is killed, or told to end: `sequor-tests-ledger URL FILE FIRST`. Every acknowledged id is a line of the file, written
//! before the next operation of its task begins.

use sequor::prelude::*;
use sequor_tests::ledger::Ledger;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(file), Some(first)) = (args.next(), args.next(), args.next()) else { return Err("URL FILE FIRST".into()) };
    let mut told = signal(SignalKind::terminate())?;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    let db = Db::options(&url).pool(Pool { max: 6, ..Pool::default() }).connect().await?;
    let ledger = Arc::new(Ledger::telling(first.parse()?, move |id| {
        // One write for one line: a line is there as a whole or not at all.
        let _ = (&file).write_all(format!("{id}\n").as_bytes());
    }));
    let tasks = ledger.start(&db);
    told.recv().await;
    // Tasks that still ask are told that the database is closed.
    db.close_within(Duration::from_secs(2)).await?;
    ledger.end();
    for task in tasks {
        task.await?;
    }
    Ok(())
}
