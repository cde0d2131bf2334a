//! What came of a statement that changes tables and commits by itself, when the program ended while it ran: the tables tell.
//!
//! Before such a statement the journal gets a checksum of all tables. When the tables are still the same, the statement was not done; when they are others,
//! it was, because the lock keeps other migrators away and the server does one such statement whole or not at all.

use super::runner::Runner;
use super::session::{number, text};
use super::steps::done_checksum;
use sequor_core::error::{Error, Result};
use sequor_sql::migration::{Entry, Piece, changes_one_table};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

const MARK: &str = "tables:";

/// Whether the journal can prove what came of the statement that it has begun.
pub(crate) fn is_proof(message: &str) -> bool {
    message.starts_with(MARK)
}

/// What is written down before a statement; nothing where it would prove nothing.
pub(crate) async fn before(runner: &mut Runner<'_>, piece: &Piece) -> Result<String> {
    if !changes_one_table(&piece.text) {
        return Ok(String::new());
    }
    Ok(checksum(runner).await?.map_or_else(String::new, |sum| format!("{MARK}{sum}")))
}

/// Finds out what came of the statement that was begun and never ended.
pub(crate) async fn settle(runner: &mut Runner<'_>, pieces: &[Piece], entry: &mut Entry) -> Result<()> {
    let Some(known) = entry.message.strip_prefix(MARK).filter(|_| entry.started > entry.done).map(str::to_owned) else { return Ok(()) };
    let begun = usize::try_from(entry.started).unwrap_or(0);
    if let Some(piece) = begun.checked_sub(1).and_then(|place| pieces.get(place)) {
        wait_for(runner, &piece.text).await?;
    }
    let now = checksum(runner).await?.unwrap_or_default();
    if now == known {
        entry.started = entry.done;
    } else {
        entry.done = entry.started;
        entry.done_checksum = done_checksum(pieces, begun);
    }
    entry.message = String::new();
    let update = runner.history.update(entry)?;
    runner.session.execute(update).await
}

/// The server may still be at the statement of a program that is gone.
async fn wait_for(runner: &mut Runner<'_>, statement: &str) -> Result<()> {
    let Some(ask) = runner.history.still_running(statement) else { return Ok(()) };
    let (start, mut pause) = (Instant::now(), Duration::from_millis(20));
    while number(runner.session.rows(ask.clone()).await?.first().and_then(|row| row.first())) > 0 {
        if start.elapsed() > runner.migrator.options.lock_wait {
            return Err(Error::migration(
                "the server is still at a statement of a migrator that is gone: wait for it, or end it there, and run this again",
            ));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    Ok(())
}

async fn checksum(runner: &mut Runner<'_>) -> Result<Option<String>> {
    let Some(query) = runner.history.all_tables() else { return Ok(None) };
    let mut lines: Vec<String> = runner.session.rows(query).await?.iter().map(|row| text(row.first())).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    Ok(Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}
