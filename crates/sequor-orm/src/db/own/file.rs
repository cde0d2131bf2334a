//! Locks where the database has none: SQLite's are files beside the database, locked by the operating system; in memory they are names.

use super::{OwnSessions, lock::Hold};
use sequor_core::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of a lock: beside the database, so that every program that opens the database finds it.
fn place(database: &Path, key: i64) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("-lock-{:016x}", key.cast_unsigned()));
    PathBuf::from(name)
}

/// Takes a lock between processes, or says that somebody has it. It ends with its process, however that ends.
pub(super) async fn take(database: &Path, key: i64) -> Result<Option<Hold>> {
    let database = database.to_owned();
    let work = tokio::task::spawn_blocking(move || {
        // One file has one lock, by whatever link or folder a program comes to it.
        let path = place(&database.canonicalize().unwrap_or(database), key);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| Error::usage(format!("the lock's file {} cannot be opened: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::usage(format!("{} cannot be locked: {error}", path.display()))),
        }
    });
    Ok(work.await.map_err(Error::other)??.map(Hold::File))
}

/// A lock of a database in memory.
pub(super) struct Here {
    own: Arc<OwnSessions>,
    key: i64,
}

impl Here {
    pub(super) fn take(own: &Arc<OwnSessions>, key: i64) -> Option<Here> {
        own.lock_names().insert(key).then(|| Here { own: own.clone(), key })
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.own.lock_names().remove(&self.key);
    }
}
