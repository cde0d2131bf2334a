//! PgBouncer in its modes: the ledger through it while lines, the pooler and the server break, the whole suite through it, and what cannot be had there.
//! Tier 1: the package is installed where it is missing.

use super::fault::{Fault, Laboratory};
use super::{chaos_in, note_rows, runtime};
use crate::connections::{has_server, is_tier_one, note};
use sequor::prelude::*;
use sequor_tools::servers::pgbouncer::PoolMode;
use std::process::Command;
use std::time::Duration;

const FAULTS: &[Fault] =
    &[Fault::Reset, Fault::CutAnswers, Fault::CutRequests, Fault::SwallowAnswers, Fault::Slow, Fault::Kill, Fault::KillPooler];

fn behind(mode: PoolMode) -> Option<Laboratory> {
    let wanted = is_tier_one() && has_server("postgres");
    wanted.then(|| Laboratory::behind_pooler(mode).unwrap_or_else(|error| panic!("{error}")))
}

// C-08
fn ledger_through(mode: PoolMode) {
    let Some(laboratory) = behind(mode) else { return };
    let name = format!("postgres through PgBouncer ({mode:?})").to_lowercase();
    match runtime().block_on(chaos_in(laboratory, &name, FAULTS, 20, Duration::from_secs(60))) {
        Ok(rows) => note_rows(&name, rows),
        Err(error) => panic!("failed: {error:#}"),
    }
}

#[test]
fn the_ledger_goes_through_pgbouncer_in_session_mode() {
    ledger_through(PoolMode::Session);
}

#[test]
fn the_ledger_goes_through_pgbouncer_in_transaction_mode() {
    ledger_through(PoolMode::Transaction);
}

/// A pooler that has ended by itself is noticed, started again, and counted from then on.
#[test]
fn the_ledger_goes_on_when_pgbouncer_ends_by_itself() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let Some(laboratory) = behind(mode) else { return };
        let name = format!("postgres through PgBouncer ({mode:?}), which ends").to_lowercase();
        match runtime().block_on(chaos_in(laboratory, &name, &[Fault::LosePooler], 20, Duration::ZERO)) {
            Ok(rows) => note_rows(&name, rows),
            Err(error) => panic!("failed: {error:#}"),
        }
    }
}

/// What needs a session of its own, which sessions that are shared between transactions cannot give; each is an error that says so.
const OWN_SESSION: &[&str] = &["connections::own", "connections::sweep::a_lock", "listen", "schema::", "cli", "migrat"];

/// What starts servers of its own, goes past the pooler in other ways, or measures the server that it was given.
const ELSEWHERE: &[&str] =
    &["connections::chaos", "connections::crash", "connections::edges", "connections::silent", "connections::replicas"];

/// Runs every test on PostgreSQL once more, with the pooler as its server.
fn suite_through(mode: PoolMode) {
    let Some(laboratory) = behind(mode) else { return };
    let shared = mode == PoolMode::Transaction;
    let url = format!("{}{}", laboratory.pooler_url(), if shared { "?statement_mode=unnamed" } else { "" });
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("::postgres").args(["--test-threads", "2"]);
    for name in ELSEWHERE.iter().chain(OWN_SESSION.iter().filter(|_| shared)) {
        command.args(["--skip", name]);
    }
    let output =
        command.env("SEQUOR_POSTGRES_URL", url).env("SEQUOR_TIER", "0").env_remove("SEQUOR_TEST_ALL").output().expect("the suite runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = said.lines().filter(|line| line.ends_with("FAILED") && line.starts_with("test ")).collect();
    let passed = said.lines().filter(|line| line.starts_with("test ") && line.ends_with("... ok")).count();
    note(&format!("| the suite through PgBouncer ({mode:?}) | {passed} passed | {} failed |", failed.len()));
    assert!(output.status.success() && failed.is_empty() && passed > 150, "{passed} passed, {failed:#?}\n{said}");
}

// C-08
#[test]
fn the_suite_goes_through_pgbouncer_in_session_mode() {
    suite_through(PoolMode::Session);
}

#[test]
fn the_suite_goes_through_pgbouncer_in_transaction_mode() {
    suite_through(PoolMode::Transaction);
}

async fn locks_and_listeners(laboratory: &Laboratory, shared: bool) -> sequor::Result<()> {
    let url = format!("{}{}", laboratory.pooler_url(), if shared { "?statement_mode=unnamed" } else { "" });
    let (db, other) = (Db::connect(&url).await?, Db::connect(&url).await?);
    if shared {
        for error in [db.lock("report").await.map(drop).unwrap_err(), db.listen("jobs").await.map(drop).unwrap_err()] {
            assert!(matches!(error, Error::Usage(_)) && error.to_string().contains("a URL of the server itself"), "{error}");
        }
    } else {
        let lock = db.lock("report").await?;
        assert!(other.try_lock("report").await?.is_none());
        lock.release().await?;
        let mut jobs = db.listen("jobs").await?;
        other.notify("jobs", "7").await?;
        assert_eq!(jobs.next().await.transpose()?.map(|heard| heard.payload), Some("7".to_owned()));
    }
    db.close().await?;
    other.close().await
}

#[test]
fn what_needs_a_session_is_refused_where_sessions_are_shared() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let Some(laboratory) = behind(mode) else { return };
        let done = runtime().block_on(locks_and_listeners(&laboratory, mode == PoolMode::Transaction));
        done.unwrap_or_else(|error| panic!("{mode:?}: {error:#}"));
    }
}

async fn statement_mode(laboratory: &Laboratory) -> sequor::Result<()> {
    let db = Db::connect(&format!("{}?statement_mode=unnamed", laboratory.pooler_url())).await?;
    for number in 0..20i64 {
        assert_eq!(db.query_as::<(i64,)>(sql!("SELECT CAST({number} AS bigint)")).await?, [(number,)]);
    }
    // A transaction cannot be had: an error, at once, and the pool is well.
    let refused: sequor::Result<()> = db.transaction(async |tx| tx.query_as::<(i32,)>(sql!("SELECT 1")).await.map(drop)).await;
    assert!(refused.is_err());
    assert_eq!(db.query_as::<(i32,)>(sql!("SELECT 1")).await?, [(1,)]);
    db.close().await
}

#[test]
fn pgbouncer_in_statement_mode_reads_and_refuses_transactions() {
    let Some(laboratory) = behind(PoolMode::Statement) else { return };
    runtime().block_on(statement_mode(&laboratory)).unwrap_or_else(|error| panic!("{error:#}"));
}
