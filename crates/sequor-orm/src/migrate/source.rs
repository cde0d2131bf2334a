//! [`Migration`]: one migration's files, from the program or from a folder.

use crate::model::EmbeddedMigration;
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// One migration: its name and its SQL files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    name: String,
    files: BTreeMap<String, String>,
}

impl Migration {
    /// A migration without files.
    pub fn new(name: impl Into<String>) -> Migration {
        Migration { name: name.into(), files: BTreeMap::new() }
    }

    /// Adds a file: `up.sql`, `down.sql`, `up.postgres.sql`, ..
    #[must_use]
    pub fn with(mut self, file: impl Into<String>, sql: impl Into<String>) -> Migration {
        self.files.insert(file.into(), sql.into());
        self
    }

    pub(crate) fn embedded(embedded: &EmbeddedMigration) -> Migration {
        let mut migration = Migration::new(embedded.name);
        let own = embedded.others.iter().any(|(file, _)| file.starts_with("up."));
        if !(embedded.up.is_empty() && own) {
            migration = migration.with("up.sql", embedded.up);
        }
        if let Some(down) = embedded.down {
            migration = migration.with("down.sql", down);
        }
        embedded.others.iter().fold(migration, |migration, (file, sql)| migration.with(*file, *sql))
    }

    /// Its name, as the folder has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, sql)| (name.as_str(), sql.as_str()))
    }

    /// What names are compared by: `-` and `_` are the same.
    pub(crate) fn key(&self) -> String {
        key(&self.name)
    }

    fn file(&self, part: &str, dialect: Dialect) -> Option<(&str, &str)> {
        let own: &[&str] = if dialect == Dialect::Mariadb { &["mariadb", "mysql"] } else { &[dialect.name()] };
        let names = own.iter().map(|dialect| format!("{part}.{dialect}.sql")).chain([format!("{part}.sql")]);
        names.into_iter().find_map(|name| self.files.get_key_value(&name)).map(|(name, sql)| (name.as_str(), sql.as_str()))
    }

    /// The file that runs forwards on this database, with its name.
    pub(crate) fn up(&self, dialect: Dialect) -> Result<(&str, &str)> {
        self.file("up", dialect).ok_or_else(|| {
            Error::migration(format!("{} has no up.sql for this database: write up.sql or up.{}.sql", self.name, dialect.name()))
        })
    }

    /// The file that runs backwards on this database, with its name.
    pub(crate) fn down(&self, dialect: Dialect) -> Option<(&str, &str)> {
        self.file("down", dialect)
    }

    /// The checksum of what runs forwards on this database.
    pub(crate) fn checksum(&self, dialect: Dialect) -> Result<String> {
        Ok(checksum(self.up(dialect)?.1))
    }
}

/// A name as names are compared: `-` and `_` are the same, a file's ending does not count.
pub(crate) fn key(name: &str) -> String {
    let endings = [".sql", ".js", ".cjs", ".mjs", ".ts", ".cts"];
    let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    stem.replace('-', "_")
}

/// SHA-256 of a script; line ends and white space at the end of lines do not count.
pub(crate) fn checksum(script: &str) -> String {
    let mut hash = Sha256::new();
    for line in script.trim_end().lines() {
        hash.update(line.trim_end().as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The migrations of a folder: folders of files, or files `name.up.sql` and `name.down.sql`.
pub(crate) fn read_folder(path: &Path) -> Result<Vec<Migration>> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Error::migration(format!("{} cannot be read: {error}; make the folder with `sequor init`", path.display()))
    };
    let mut found: BTreeMap<String, Migration> = BTreeMap::new();
    let mut add = |name: &str, file: String, path: &Path| -> Result<()> {
        let sql = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        found.entry(name.to_owned()).or_insert_with(|| Migration::new(name)).files.insert(file, sql);
        Ok(())
    };
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let entry = entry.map_err(|error| unreadable(path, error))?.path();
        let Some(name) = entry.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else { continue };
        if entry.is_dir() {
            for file in std::fs::read_dir(&entry).map_err(|error| unreadable(&entry, error))? {
                let file = file.map_err(|error| unreadable(&entry, error))?.path();
                let Some(part) = file.file_name().and_then(|part| part.to_str()).filter(|part| part.ends_with(".sql")) else { continue };
                add(name, part.to_owned(), &file)?;
            }
        } else if let Some(stem) = name.strip_suffix(".sql") {
            let (migration, part) = stem.split_once('.').unwrap_or((stem, "up"));
            add(migration, format!("{part}.sql"), &entry)?;
        }
    }
    Ok(found.into_values().collect())
}
