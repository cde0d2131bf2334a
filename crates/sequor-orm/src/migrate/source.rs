//! [`Migration`]: one migration's files, from the program or from a folder.

use super::code::{Code, Codes};
use crate::model::EmbeddedMigration;
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use sequor_sql::migration::asks_for;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// One migration: its name, its SQL files, and its functions where it is written in Rust.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// use sequor::Migration;
/// let migration = Migration::new("20240101000000-pets")
///     .with("up.sql", "CREATE TABLE pets (name text)")
///     .with("down.sql", "DROP TABLE pets");
/// assert_eq!(migration.name(), "20240101000000-pets");
/// assert_eq!(migration.files().map(|(file, _)| file).collect::<Vec<_>>(), ["down.sql", "up.sql"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    name: String,
    files: BTreeMap<String, String>,
    code: Codes,
    repeatable: bool,
}

impl Migration {
    /// A migration without files.
    pub fn new(name: impl Into<String>) -> Migration {
        Migration { name: name.into(), files: BTreeMap::new(), code: Codes::default(), repeatable: false }
    }

    /// Adds a file: `up.sql`, `down.sql`, `up.postgres.sql`, `verify.sql`, ..
    #[must_use]
    pub fn with(mut self, file: impl Into<String>, sql: impl Into<String>) -> Migration {
        let (file, sql) = (file.into(), sql.into());
        self.repeatable |= file.starts_with("up.") && asks_for(&sql, "repeatable");
        self.files.insert(file, sql);
        self
    }

    /// Whether it runs again whenever its text changes, after all others: its `up.sql` says `-- sequor: repeatable`.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
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
        let mut migration = embedded.others.iter().fold(migration, |migration, (file, sql)| migration.with(*file, *sql));
        migration.code = Codes { up: embedded.up_code.map(Code::embedded), down: embedded.down_code.map(Code::embedded) };
        migration
    }

    /// Adds what runs forwards, written in Rust.
    pub(super) fn with_code(mut self, backwards: bool, code: Code) -> Migration {
        let file = if backwards { "down.rs" } else { "up.rs" };
        self.files.entry(file.to_owned()).or_default();
        *(if backwards { &mut self.code.down } else { &mut self.code.up }) = Some(code);
        self
    }

    /// The function of one direction.
    pub(super) fn code(&self, backwards: bool) -> Option<&Code> {
        if backwards { self.code.down.as_ref() } else { self.code.up.as_ref() }
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
        let names = names.chain([format!("{part}.rs")]);
        names.into_iter().find_map(|name| self.files.get_key_value(&name)).map(|(name, sql)| (name.as_str(), sql.as_str()))
    }

    /// The questions that are asked when it has run, with their file's name.
    pub(crate) fn verify(&self, dialect: Dialect) -> Option<(&str, &str)> {
        self.file("verify", dialect)
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

    /// The checksum of what runs forwards on this database. Rust has to compile for ever, so its text may change after it has run.
    pub(crate) fn checksum(&self, dialect: Dialect) -> Result<String> {
        let (file, text) = self.up(dialect)?;
        Ok(if is_code(file) { "rust".to_owned() } else { checksum(text) })
    }

    /// Whether a direction is written in Rust.
    pub fn has_code(&self) -> bool {
        self.files.keys().any(|file| is_code(file))
    }
}

/// Whether a file is written in Rust.
pub(crate) fn is_code(file: &str) -> bool {
    file.ends_with(".rs")
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
        let migration = found.remove(name).unwrap_or_else(|| Migration::new(name));
        found.insert(name.to_owned(), migration.with(file, sql));
        Ok(())
    };
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let entry = entry.map_err(|error| unreadable(path, error))?.path();
        let Some(name) = entry.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else { continue };
        if entry.is_dir() {
            for file in std::fs::read_dir(&entry).map_err(|error| unreadable(&entry, error))? {
                let file = file.map_err(|error| unreadable(&entry, error))?.path();
                let Some(part) = file
                    .file_name()
                    .and_then(|part| part.to_str())
                    .filter(|part| part.ends_with(".sql") || matches!(*part, "up.rs" | "down.rs"))
                else {
                    continue;
                };
                add(name, part.to_owned(), &file)?;
            }
        } else if let Some(stem) = name.strip_suffix(".sql") {
            let (migration, part) = stem.split_once('.').unwrap_or((stem, "up"));
            add(migration, format!("{part}.sql"), &entry)?;
        }
    }
    Ok(found.into_values().collect())
}
