//! Files: content on disk, metadata in the database; neither without the other.

use crate::models::File;
use sequor::prelude::*;
use std::path::Path;
use std::time::Duration;

/// The largest content, in bytes.
pub const LARGEST: usize = 5 * 1024 * 1024;

/// Stores a file. The content is written beside its place and moved there before the row is stored; a row that is refused takes it away again.
pub async fn store(user_id: i64, name: &str, mime_type: &str, content: &[u8], folder: &Path, db: &Db) -> Result<File> {
    tokio::fs::create_dir_all(folder).await?;
    let path = Uuid::now_v7().to_string();
    let (unfinished, place) = (folder.join(format!("{path}.part")), folder.join(&path));
    tokio::fs::write(&unfinished, content).await?;
    tokio::fs::rename(&unfinished, &place).await?;
    let size = i64::try_from(content.len()).map_err(|_| Error::usage("the file is too large"))?;
    let stored = draft!(File { user_id, name, mime_type, size, path }).create(db).await;
    if stored.is_err() {
        tokio::fs::remove_file(&place).await?;
    }
    stored
}

/// Removes a file: the row first, so that nobody is shown what is gone.
pub async fn remove(file: File, folder: &Path, db: &Db) -> Result<()> {
    let place = folder.join(&file.path);
    file.destroy(db).await?;
    match tokio::fs::remove_file(place).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Removes what an upload or a removal that was cut off left behind: contents without a row.
///
/// What is younger than an hour stays: another program of this service may be writing it.
pub async fn sweep(folder: &Path, db: &Db) -> Result<()> {
    let mut entries = match tokio::fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    while let Some(entry) = entries.next_entry().await? {
        let age = entry.metadata().await?.modified()?.elapsed().unwrap_or_default();
        let Ok(name) = entry.file_name().into_string() else { continue };
        if age > Duration::from_secs(3600) && File::count().filter(File::PATH.eq(&name)).exec(db).await? == 0 {
            tokio::fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}
