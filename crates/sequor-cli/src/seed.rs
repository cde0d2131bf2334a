//! [`Seeder`]: one seeder, of SQL, of rows (JSON, CSV, YAML) or in Rust; and the folder of them.

mod rows;
mod storage;

pub use storage::SeederStorage;
pub(crate) use storage::is_remembered;

use sequor_core::error::{Error, Result};
use sequor_orm::db::Db;
use sequor_sql::migration::split;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

/// What a step of a seeder in Rust gives.
pub type Step = Pin<Box<dyn Future<Output = Result<()>> + Send>>;
type Function = Arc<dyn Fn(Db) -> Step + Send + Sync>;

/// One seeder.
#[derive(Clone)]
pub struct Seeder {
    /// `20240101000000-demo-data`
    pub name: String,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Sql { up: PathBuf, down: Option<PathBuf> },
    Rows(PathBuf),
    Rust { up: Function, down: Option<Function> },
}

impl Seeder {
    /// A seeder in Rust. It runs in a transaction; `db` is that transaction.
    pub fn new(name: impl Into<String>, up: impl Fn(Db) -> Step + Send + Sync + 'static) -> Seeder {
        Seeder { name: name.into(), source: Source::Rust { up: Arc::new(up), down: None } }
    }

    /// How it is undone.
    #[must_use]
    pub fn undo(mut self, function: impl Fn(Db) -> Step + Send + Sync + 'static) -> Seeder {
        if let Source::Rust { down, .. } = &mut self.source {
            *down = Some(Arc::new(function));
        }
        self
    }

    /// Runs it, and remembers that, in one transaction.
    pub(crate) async fn run(&self, db: &Db, storage: &SeederStorage) -> Result<()> {
        let seeder = self.clone();
        let stored = storage.clone();
        db.transaction(async move |tx| {
            match &seeder.source {
                Source::Sql { up, .. } => script(tx, up).await?,
                Source::Rows(path) => rows::insert(tx, path).await?,
                Source::Rust { up, .. } => up(tx.clone()).await?,
            }
            stored.remember(tx, &seeder.name).await
        })
        .await
        .map_err(|error| named(&self.name, &error))?;
        storage.remember_in_file(&self.name)
    }

    /// Undoes it, and forgets it, in one transaction.
    pub(crate) async fn revert(&self, db: &Db, storage: &SeederStorage) -> Result<()> {
        let seeder = self.clone();
        let stored = storage.clone();
        db.transaction(async move |tx| {
            match &seeder.source {
                Source::Sql { down: Some(down), .. } => script(tx, down).await?,
                Source::Sql { up, .. } => return Err(no_undo(&seeder.name, &format!("write its down.sql beside {}", up.display()))),
                Source::Rows(path) => rows::remove(tx, path).await?,
                Source::Rust { down: Some(down), .. } => down(tx.clone()).await?,
                Source::Rust { .. } => return Err(no_undo(&seeder.name, "give it one with Seeder::undo")),
            }
            stored.forget(tx, &seeder.name).await
        })
        .await
        .map_err(|error| named(&self.name, &error))?;
        storage.forget_in_file(&self.name)
    }
}

#[cold]
fn no_undo(name: &str, way: &str) -> Error {
    Error::usage(format!("the seeder {name} cannot be undone: {way}"))
}

#[cold]
fn named(name: &str, error: &Error) -> Error {
    Error::migration(format!("the seeder {name} failed, and nothing of it was kept: {error}"))
}

async fn script(db: &Db, path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::usage(format!("{} cannot be read: {error}", path.display())))?;
    no_tables(&text, path, db)?;
    db.execute_sql_script(&text).await
}

/// MySQL and MariaDB commit by themselves when a table changes: the seeder would no longer be all or nothing.
fn no_tables(text: &str, path: &Path, db: &Db) -> Result<()> {
    if db.dialect().transactional_ddl() {
        return Ok(());
    }
    for (number, piece) in split(text, db.dialect())?.iter().enumerate() {
        let word = piece.text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if ["create", "alter", "drop", "truncate", "rename"].contains(&word.as_str()) {
            return Err(Error::usage(format!(
                "{}: statement {} changes tables, which this database commits at once: write a migration for it",
                path.display(),
                number + 1
            )));
        }
    }
    Ok(())
}

/// The seeders of a folder and of its folder for this environment, with those of the program, by name.
pub(crate) fn seeders(folder: &Path, environment: &str, own: &[Seeder]) -> Result<Vec<Seeder>> {
    let mut found: BTreeMap<String, Seeder> = BTreeMap::new();
    read(folder, &mut found)?;
    read(&folder.join(environment), &mut found)?;
    for seeder in own {
        if found.insert(seeder.name.clone(), seeder.clone()).is_some() {
            return Err(Error::usage(format!("there are two seeders {}: one is a file, one is in the program", seeder.name)));
        }
    }
    Ok(found.into_values().collect())
}

fn read(folder: &Path, found: &mut BTreeMap<String, Seeder>) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        let exists = |path: PathBuf| path.is_file().then_some(path);
        let (name, source) = if let Some(up) = exists(path.join("up.sql")) {
            (file.clone(), Source::Sql { up, down: exists(path.join("down.sql")) })
        } else if let Some(name) = file.strip_suffix(".sql").filter(|name| !name.ends_with(".down")) {
            let name = name.strip_suffix(".up").unwrap_or(name);
            (name.to_owned(), Source::Sql { up: path.clone(), down: exists(folder.join(format!("{name}.down.sql"))) })
        } else if let Some((name, _)) = file.rsplit_once('.').filter(|(_, kind)| matches!(*kind, "json" | "csv" | "yaml" | "yml")) {
            (name.to_owned(), Source::Rows(path.clone()))
        } else {
            continue;
        };
        if found.insert(name.clone(), Seeder { name: name.clone(), source }).is_some() {
            return Err(Error::usage(format!("there are two seeders {name} in {}: give one another name", folder.display())));
        }
    }
    Ok(())
}

/// Finds the seeders that were named, with or without their ending.
pub(crate) fn choose(all: &[Seeder], names: &[String]) -> Result<Vec<Seeder>> {
    let stem = |name: &str| {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let stem = [".sql", ".json", ".csv", ".yaml", ".yml", ".js"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        stem.replace('_', "-")
    };
    names
        .iter()
        .map(|name| {
            all.iter().find(|seeder| seeder.name.replace('_', "-") == stem(name)).cloned().ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|seeder| seeder.name.as_str()).collect();
                Error::usage(format!(
                    "there is no seeder {name}; there are {}",
                    if known.is_empty() { "none".into() } else { known.join(", ") }
                ))
            })
        })
        .collect()
}
