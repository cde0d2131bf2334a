//! Programs that are told to end (SIGTERM) while they work: they end in time, by themselves, and leave nothing behind.

use crate::connections::crash::others;
use crate::connections::{is_tier_one, note, on_each_server, until};
use sequor::prelude::*;
use sequor_tests::ledger::{self, Answers, Wrong};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

on_each_server! {
    //
    async fn a_program_that_is_told_to_end_ends_in_time(bed) {
        let db = bed.db(1).await?;
        ledger::prepare(&db).await?;
        let file = std::env::temp_dir().join(format!("sequor-told-{}-{}", std::process::id(), bed.database));
        let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        let (mut longest, rounds) = (Duration::ZERO, if is_tier_one() { 50 } else { 3 });
        for round in 0..rounds {
            let (before, first) = (lines(), (i64::from(round) + 1) * 100_000_000);
            let mut program = Command::new(env!("CARGO_BIN_EXE_sequor-tests-ledger"))
                .arg(&bed.url).arg(&file).arg(first.to_string())
                .stdin(Stdio::null())
                .spawn()?;
            until("it works", async || lines() >= before + 10).await;
            tokio::time::sleep(Duration::from_millis(u64::try_from(round).unwrap_or(0) * 37 % 100)).await;
            let start = Instant::now();
            let told = Command::new("kill").args(["-TERM", &program.id().to_string()]).status()?;
            assert!(told.success());
            until("it ends", async || program.try_wait().is_ok_and(|ended| ended.is_some())).await;
            longest = longest.max(start.elapsed());
            let ended = program.wait()?;
            assert!(ended.success(), "it ended by {ended}");
            until("no session is left", async || others(&db, bed.database).await.is_ok_and(|count| count == 0)).await;
        }
        let said = std::fs::read_to_string(&file)?;
        let acknowledged = said.lines().map(|line| line.parse().map_err(Error::other)).collect::<sequor::Result<_>>()?;
        let answers = Answers { acknowledged, ..Answers::default() };
        assert_eq!(ledger::check(&db, &answers).await?, Wrong::default());
        note(&format!("| {} | the program is told to end | {rounds} | {} | after {longest:?} |", bed.database, answers.acknowledged.len()));
        assert!(longest < crate::connections::PATIENCE, "{longest:?}");
        std::fs::remove_file(&file)?;
        db.close().await
    }
}
