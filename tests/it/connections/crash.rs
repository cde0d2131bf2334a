//! Programs that are killed (`kill -9`) while they move money: what they were told is stored is there, and nothing is there by half.

use super::{is_tier_one, note, on_each_server, until};
use sequor::prelude::*;
use sequor_tests::ledger::{self, Answers, Wrong};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often the program is killed.
fn kills() -> u32 {
    if is_tier_one() { 40 } else { 3 }
}

/// The sessions of other programs, which the server needs a moment to end.
pub(super) async fn others(db: &Db, database: &str) -> sequor::Result<i64> {
    let counts = match database {
        "postgres" => {
            let text = sql!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            );
            db.query_as::<(i64,)>(text).await?
        }
        "mysql" => {
            let text = sql!("SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()");
            db.query_as::<(i64,)>(text).await?
        }
        _ => vec![(0,)],
    };
    Ok(counts[0].0)
}

on_each_server! {
    async fn a_killed_program_leaves_what_was_acknowledged_and_no_halves(bed) {
        let db = bed.db(1).await?;
        ledger::prepare(&db).await?;
        let file = std::env::temp_dir().join(format!("sequor-acknowledged-{}-{}", std::process::id(), bed.database));
        let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        for round in 0..kills() {
            let (before, first) = (lines(), (i64::from(round) + 1) * 100_000_000);
            let mut program = Command::new(env!("CARGO_BIN_EXE_sequor-tests-ledger"))
                .arg(&bed.url).arg(&file).arg(first.to_string())
                .stdin(Stdio::null())
                .spawn()?;
            until("it works", async || lines() >= before + 10).await;
            // Not always at the same place.
            tokio::time::sleep(Duration::from_millis(u64::from(round) * 37 % 100)).await;
            program.kill()?;
            assert!(!program.wait()?.success());
        }
        until("the server has ended its sessions", async || others(&db, bed.database).await.is_ok_and(|count| count == 0)).await;
        let said = std::fs::read_to_string(&file)?;
        let acknowledged = said.lines().map(|line| line.parse().map_err(Error::other)).collect::<sequor::Result<_>>()?;
        let answers = Answers { acknowledged, ..Answers::default() };
        assert_eq!(ledger::check(&db, &answers).await?, Wrong::default());
        note(&format!("| {} | the program is killed | {} | {} |", bed.database, kills(), answers.acknowledged.len()));
        std::fs::remove_file(&file)?;
        db.close().await
    }
}
