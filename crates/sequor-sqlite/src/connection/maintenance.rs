//! Copies of a database while it is in use, and making its file smaller.

use super::Shared;
use crate::error::{cancelled, of_sqlite};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use sequor_core::error::{Error, Result};
use std::path::{Path, PathBuf};

/// So many pages are copied between two looks whether the copy is still wanted.
const PAGES: i32 = 256;

/// Copies the database, as it is now, page by page into a new file. Others read and, in WAL mode, write meanwhile; the copy has none of what they write.
pub(super) fn backup(from: &Connection, shared: &Shared, to: &Path) -> Result<()> {
    let part = prepare(to, "part")?;
    // The copy is of one snapshot: without this transaction it would begin anew whenever somebody writes.
    from.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(|error| of_sqlite(error, None))?;
    let copied = copy(from, shared, &part);
    let ended = from.execute_batch("COMMIT").map_err(|error| of_sqlite(error, None));
    finish(copied.and(ended), &part, to)
}

fn copy(from: &Connection, shared: &Shared, part: &Path) -> Result<()> {
    let failed = |error| of_sqlite(error, None);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(part, flags).map_err(failed)?;
    let backup = Backup::new(from, &mut copy).map_err(failed)?;
    loop {
        if shared.is_cancelled() {
            return Err(cancelled());
        }
        match backup.step(PAGES).map_err(failed)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

/// Makes the file smaller, or writes a small copy of it.
pub(super) fn vacuum(connection: &Connection, into: Option<&Path>) -> Result<()> {
    let Some(to) = into else { return attached(connection, || connection.execute("VACUUM", [])) };
    let part = prepare(to, "part")?;
    let Some(name) = part.to_str() else { return Err(Error::usage("the path of the copy is not UTF-8")) };
    let copied = attached(connection, || connection.execute("VACUUM INTO ?1", [name]));
    finish(copied, &part, to)
}

/// VACUUM attaches a database by itself; nobody else may.
fn attached(connection: &Connection, work: impl FnOnce() -> rusqlite::Result<usize>) -> Result<()> {
    let failed = |error| of_sqlite(error, None);
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).map_err(failed)?;
    let done = work().map_err(failed);
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).map_err(failed)?;
    done.map(|_| ())
}

/// The name under which a copy is made: a copy that was cut short never has the name of a whole one.
fn prepare(to: &Path, suffix: &str) -> Result<PathBuf> {
    if to.exists() {
        return Err(Error::usage(format!("{} is there already: a copy never overwrites a file", to.display())));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".");
    part.push(suffix);
    let part = PathBuf::from(part);
    let _ = std::fs::remove_file(&part);
    Ok(part)
}

fn finish(copied: Result<()>, part: &Path, to: &Path) -> Result<()> {
    let done = copied.and_then(|()| Ok(std::fs::rename(part, to)?));
    if done.is_err() {
        let _ = std::fs::remove_file(part);
    }
    done
}
