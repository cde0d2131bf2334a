//! Opening a database and setting its connection up.

use super::{Location, OpenMode, SqliteOptions};
use crate::connection::Shared;
use crate::error::{of_open, of_sqlite};
use crate::functions;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After so many steps of SQLite's machine a running statement looks whether it was cancelled, or has had its time.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;

/// Opens the database on the thread that will own the connection.
pub(crate) fn open(options: &SqliteOptions) -> Result<(Connection, Arc<Shared>)> {
    let (path, flags) = place(options);
    let mut connection = Connection::open_with_flags(&path, flags).map_err(|error| of_open(error, options))?;
    let shared = Arc::new(Shared::new(connection.get_interrupt_handle(), options.busy_timeout));
    harden(&connection).map_err(|error| of_open(error, options))?;
    watch(&mut connection, &shared)?;
    set_up(&connection, options)?;
    functions::register(&connection).map_err(|error| of_open(error, options))?;
    connection.set_prepared_statement_cache_capacity(options.statement_cache);
    Ok((connection, shared))
}

fn place(options: &SqliteOptions) -> (PathBuf, OpenFlags) {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
        | match options.mode {
            OpenMode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            OpenMode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
            OpenMode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
    let path = match &options.location {
        Location::Memory => PathBuf::from(":memory:"),
        Location::SharedMemory(name) => {
            flags |= OpenFlags::SQLITE_OPEN_URI;
            PathBuf::from(format!("file:{}?mode=memory&cache=shared", uri_encode(name)))
        }
        // The library takes `file:` and `:memory:` as more than a name; behind `./` they are one.
        Location::File(path) if path.is_relative() => Path::new(".").join(path),
        Location::File(path) => path.clone(),
    };
    (path, flags)
}

fn uri_encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

/// Closes the doors that a hostile statement or file could use.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(())
}

fn watch(connection: &mut Connection, shared: &Arc<Shared>) -> Result<()> {
    let watched = Arc::clone(shared);
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || watched.must_stop())).map_err(|error| of_sqlite(error, None))?;
    shared.wait_for_locks();
    connection.busy_handler(Some(Shared::wait as fn(i32) -> bool)).map_err(|error| of_sqlite(error, None))
}

fn set_up(connection: &Connection, options: &SqliteOptions) -> Result<()> {
    let until = Instant::now().checked_add(options.busy_timeout);
    if !options.location.in_memory() {
        retry(until, || journal(connection, options)).map_err(|error| of_open(error, options))?;
    }
    session(connection, options).map_err(|error| of_open(error, options))
}

/// Reads the file's header, so that a file that is no database is found out now, and sets the journal where it differs.
fn journal(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    let _: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
    let (Some(wanted), true) = (options.journal_mode, options.mode != OpenMode::ReadOnly) else { return Ok(()) };
    let found: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if found == wanted.word() {
        return Ok(());
    }
    let now: String = connection.query_row(&format!("PRAGMA journal_mode = {}", wanted.word()), [], |row| row.get(0))?;
    if now == wanted.word() {
        return Ok(());
    }
    let message = format!("this file cannot have journal_mode {}; it stays {now}", wanted.word());
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(message)))
}

/// Changing the journal needs the file alone and does not wait for others by itself.
fn retry(until: Option<Instant>, mut attempt: impl FnMut() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    loop {
        match attempt() {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if matches!(error.code, rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
                    && until.is_none_or(|until| Instant::now() < until) =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// The settings of a session, as they are after opening and after a reset.
fn session(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    let keys = if options.foreign_keys { "on" } else { "off" };
    connection.execute_batch(&format!("PRAGMA foreign_keys = {keys}; PRAGMA synchronous = {};", options.synchronous.word()))
}

/// Undoes what a borrower can have changed in a session: settings and temporary tables.
pub(crate) fn clean_session(connection: &mut Connection, shared: &Arc<Shared>, options: &SqliteOptions) -> Result<()> {
    connection.flush_prepared_statement_cache();
    let failed = |error| of_sqlite(error, None);
    connection
        .execute_batch(
            "PRAGMA query_only = off; PRAGMA ignore_check_constraints = off; PRAGMA recursive_triggers = off; PRAGMA case_sensitive_like = off; \
             PRAGMA read_uncommitted = off; PRAGMA reverse_unordered_selects = off; PRAGMA locking_mode = normal; PRAGMA temp_store = memory; PRAGMA temp_store = default; \
             PRAGMA max_page_count = 4294967294; PRAGMA cache_size = -2000; PRAGMA legacy_alter_table = off; PRAGMA automatic_index = on; PRAGMA defer_foreign_keys = off;",
        )
        .map_err(failed)?;
    harden(connection).map_err(failed)?;
    watch(connection, shared)?;
    session(connection, options).map_err(failed)?;
    let left: i64 = connection.query_row("SELECT count(*) FROM temp.sqlite_master", [], |row| row.get(0)).map_err(failed)?;
    let keys: bool = connection.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).map_err(failed)?;
    if left != 0 || keys != options.foreign_keys {
        return Err(Error::connection(ConnectionErrorKind::Broken, "the session could not be brought back to how it began"));
    }
    Ok(())
}
