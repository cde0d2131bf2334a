//! [`SqliteOptions`]: where the database is and how each connection is set up.

use sequor_core::error::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a database is and how its connections are set up.
///
/// Foreign keys are checked, files are in WAL mode, a lock is awaited for 5 seconds; double-quoted text, `ATTACH` and extensions are off and cannot be turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Where the database is.
    pub location: Location,
    /// Whether it may be written and made.
    pub mode: OpenMode,
    /// How long a statement waits for the lock of another connection.
    pub busy_timeout: Duration,
    /// The journal; `None` leaves what the file says.
    pub journal_mode: Option<JournalMode>,
    /// How much is synced to the disk, and when.
    pub synchronous: Synchronous,
    /// Whether foreign keys are checked.
    pub foreign_keys: bool,
    /// How many prepared statements a connection keeps.
    pub statement_cache: usize,
    /// Which statements run on the caller's own thread instead of the connection's.
    pub inline: InlineMode,
}

/// Which statements run on the caller's own thread instead of the connection's. A look-up by key then takes half the time or less.
///
/// Streams, and statements that would wait for another connection's lock, go to the connection's thread in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineMode {
    /// None (`off`).
    Off,
    /// Those that only read and were short when they ran last (`auto`, the default): 2,000 instructions of SQLite's machine and half a millisecond at most. One that takes five
    /// times as long this time is ended, and begun anew on the connection's thread.
    Auto,
    /// All but the long (`on`), inside of `block_in_place` where they write or are not known to be short.
    ///
    /// On a runtime of one thread the statement holds that thread up; a time limit around it is looked at when it has ended. Not inside a `LocalSet` on a
    /// runtime of several threads: tokio forbids `block_in_place` there.
    On,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory, gone with its one connection.
    Memory,
    /// In memory under a name that other pools of this process can open too.
    SharedMemory(String),
    /// In a file.
    File(PathBuf),
}

/// What may be done to a database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Read only (`ro`).
    ReadOnly,
    /// Read and write a file that exists (`rw`).
    ReadWrite,
    /// Read and write, made when missing (`rwc`).
    Create,
}

/// SQLite's journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalMode {
    /// A write-ahead log: readers and the one writer do not block each other.
    Wal,
    /// A rollback journal that is deleted at the end.
    Delete,
    /// A rollback journal that is truncated at the end.
    Truncate,
    /// A rollback journal whose header is cleared at the end.
    Persist,
    /// A rollback journal in memory: a crash in a write can damage the file.
    Memory,
}

/// How much is synced to the disk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// Never: a power loss can damage the file.
    Off,
    /// At checkpoints: with WAL a power loss can lose the last commits, never damage the file.
    Normal,
    /// At every commit.
    Full,
    /// At every commit, the folder included.
    Extra,
}

impl SqliteOptions {
    /// A database in memory.
    pub fn memory() -> SqliteOptions {
        SqliteOptions { journal_mode: None, ..SqliteOptions::at(Location::Memory) }
    }

    /// A database in a file, made when it is missing.
    pub fn file(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions::at(Location::File(path.as_ref().to_owned()))
    }

    /// Reads `sqlite::memory:`, `sqlite://path`, `sqlite:///absolute/path` or `sqlite:path`, with settings after `?`.
    ///
    /// # Errors
    /// `Connection(Invalid)` names the part that is wrong and lists the settings that are known.
    pub fn parse(url: &str) -> Result<SqliteOptions> {
        super::url::parse(url)
    }

    pub(super) fn at(location: Location) -> SqliteOptions {
        SqliteOptions {
            location,
            mode: OpenMode::Create,
            busy_timeout: Duration::from_secs(5),
            journal_mode: Some(JournalMode::Wal),
            synchronous: Synchronous::Normal,
            foreign_keys: true,
            statement_cache: 256,
            inline: InlineMode::Auto,
        }
    }

    /// What messages call this database.
    pub(crate) fn target(&self) -> String {
        match &self.location {
            Location::Memory => "sqlite::memory:".to_owned(),
            Location::SharedMemory(name) => format!("sqlite:{name} (in memory)"),
            Location::File(path) => path.display().to_string(),
        }
    }
}

impl Location {
    /// Whether the database lives in memory.
    pub fn in_memory(&self) -> bool {
        matches!(self, Location::Memory | Location::SharedMemory(_))
    }
}

impl JournalMode {
    pub(crate) fn word(self) -> &'static str {
        match self {
            JournalMode::Wal => "wal",
            JournalMode::Delete => "delete",
            JournalMode::Truncate => "truncate",
            JournalMode::Persist => "persist",
            JournalMode::Memory => "memory",
        }
    }
}

impl Synchronous {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Synchronous::Off => "off",
            Synchronous::Normal => "normal",
            Synchronous::Full => "full",
            Synchronous::Extra => "extra",
        }
    }
}
