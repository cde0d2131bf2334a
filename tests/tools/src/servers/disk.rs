//! A small disk in memory, for tests that fill it. Making one takes the rights of root.

use super::Account;
use crate::process::{Folder, Result, must};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of its own, unmounted and removed when it is dropped.
pub struct SmallDisk {
    folder: Folder,
    bytes: u64,
}

impl SmallDisk {
    /// Makes one of so many bytes.
    ///
    /// # Errors
    /// What `mount` says.
    pub fn new(bytes: u64) -> Result<SmallDisk> {
        let folder = Folder::new("disk")?;
        let mut mount = Command::new("mount");
        must(mount.args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0777"), "tmpfs"]).arg(folder.path()), "mount")?;
        Ok(SmallDisk { folder, bytes })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives it to the account of a server.
    ///
    /// # Errors
    /// There is no such account.
    pub fn give_to(&self, account: &str) -> Result<()> {
        Account::named(account)?.own(self.path())
    }

    /// How many bytes are free.
    ///
    /// # Errors
    /// What `df` says.
    pub fn free(&self) -> Result<u64> {
        let output =
            Command::new("df").args(["--output=avail", "--block-size=1"]).arg(self.path()).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).ok_or_else(|| format!("df: {text}"))
    }

    /// Fills it with a file until so many bytes are left; removing the file makes room.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn fill_but(&self, left: u64) -> Result<PathBuf> {
        let path = self.path().join("ballast");
        let text = |error: std::io::Error| error.to_string();
        let mut file = std::fs::File::create(&path).map_err(text)?;
        let page = vec![1u8; 1 << 16];
        // More than it holds: the end is the disk's.
        for _ in 0..=self.bytes >> 16 {
            if file.write_all(&page).is_err() {
                break;
            }
        }
        let length = file.metadata().map_err(text)?.len();
        file.set_len(length.saturating_sub(left)).map_err(text)?;
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = must(Command::new("umount").arg("-l").arg(self.folder.path()), "umount");
    }
}
