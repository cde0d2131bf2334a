//! The ledger through PgBouncer, in both of its modes, while lines, the pooler and the server break. Tier 1: the package is installed where it is missing.

use super::fault::{Fault, Laboratory};
use super::{chaos_in, note_rows, runtime};
use crate::connections::{has_server, is_tier_one};
use sequor_tools::servers::pgbouncer::PoolMode;

const FAULTS: &[Fault] =
    &[Fault::Reset, Fault::CutAnswers, Fault::CutRequests, Fault::SwallowAnswers, Fault::Slow, Fault::Kill, Fault::KillPooler];

// C-08
fn on(mode: PoolMode) {
    if !is_tier_one() || !has_server("postgres") {
        return;
    }
    let name = format!("postgres through PgBouncer ({mode:?})").to_lowercase();
    let laboratory = Laboratory::behind_pooler(mode).unwrap_or_else(|error| panic!("{error}"));
    match runtime().block_on(chaos_in(laboratory, &name, FAULTS, 20, std::time::Duration::from_secs(60))) {
        Ok(rows) => note_rows(&name, rows),
        Err(error) => panic!("failed: {error:#}"),
    }
}

#[test]
fn the_ledger_goes_through_pgbouncer_in_session_mode() {
    on(PoolMode::Session);
}

#[test]
fn the_ledger_goes_through_pgbouncer_in_transaction_mode() {
    on(PoolMode::Transaction);
}
