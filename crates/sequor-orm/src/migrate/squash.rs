//! Many migrations as one, and databases where the many have run.

use super::Migrator;
use super::history::Known;
use super::runner::Runner;
use super::source::{Migration, key};
use sequor_core::error::{Error, Result};
use sequor_sql::Dialect;
use std::collections::BTreeMap;

/// The line that names what a file stands for.
const REPLACES: &str = "-- sequor: replaces ";

/// The line that names what a migration was called before it was put behind others.
pub const REBASED: &str = "-- sequor: rebased ";

impl Migration {
    /// The migrations that this one stands for.
    pub(crate) fn replaces(&self, dialect: Dialect) -> Vec<String> {
        let Ok((_, script)) = self.up(dialect) else { return Vec::new() };
        let names = script.lines().filter_map(|line| line.trim().strip_prefix(REPLACES).or_else(|| line.trim().strip_prefix(REBASED)));
        names.flat_map(|names| names.split([',', ' '])).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

impl Migration {
    /// The names that it had before it was put behind others; nothing where it was not.
    pub(crate) fn rebased(&self, dialect: Dialect) -> Vec<String> {
        let Ok((_, script)) = self.up(dialect) else { return Vec::new() };
        script.lines().filter_map(|line| line.trim().strip_prefix(REBASED)).map(|name| name.trim().to_owned()).collect()
    }
}

impl Migrator {
    /// One migration that does what all of them do, in order: its files are theirs, one behind the other, and its head names them. On a database where
    /// they have run it counts as applied. `down.sql` is there when each of them has one. Repeatable ones stay as they are; `verify.sql` is left out.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, migrator) = pets().await?;
    /// let one = migrator.squash("03-pets")?;
    /// migrator.up(&db).await?;
    /// let squashed = Migrator::new([one]);
    /// assert!(squashed.up(&db).await?.names().is_empty(), "where the two have run, the one counts as applied");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration` when there are fewer than two, one is written in Rust, or one has no file for a database for which another has one.
    pub fn squash(&self, name: &str) -> Result<Migration> {
        let ordered = Migrator { migrations: self.migrations.iter().filter(|one| !one.is_repeatable()).cloned().collect(), ..self.clone() };
        if ordered.migrations.len() < 2 {
            return Err(Error::migration("there are fewer than two migrations: nothing to squash"));
        }
        if let Some(one) = ordered.migrations.iter().find(|one| one.has_code()) {
            return Err(Error::migration(format!(
                "{} is written in Rust, which no file of SQL can stand for: where it has run everywhere, remove it first and say --ignore-missing once",
                one.name()
            )));
        }
        let mut made = Migration::new(name);
        for (part, backwards) in [("up", false), ("down", true)] {
            for (file, text) in ordered.joined(part, backwards)? {
                made = made.with(file, text);
            }
        }
        Ok(made)
    }

    /// The files of one direction, by name; none when one migration has none.
    fn joined(&self, part: &str, backwards: bool) -> Result<BTreeMap<String, String>> {
        let prefix = format!("{part}.");
        let endings = |migration: &Migration| -> Vec<String> {
            migration.files().filter(|(file, _)| file.starts_with(&prefix)).map(|(file, _)| file.to_owned()).collect()
        };
        let mut names: Vec<String> = self.migrations.iter().flat_map(&endings).collect();
        names.sort();
        names.dedup();
        let general = format!("{part}.sql");
        if names.len() > 1 && self.migrations.iter().any(|migration| endings(migration).iter().any(|file| *file != general)) {
            names.retain(|file| *file != general);
        }
        let mut files = BTreeMap::new();
        for file in names {
            let mut texts = Vec::new();
            for migration in &self.migrations {
                let text =
                    migration.files().find(|(known, _)| *known == file).or_else(|| migration.files().find(|(known, _)| *known == general));
                match text {
                    Some((_, text)) => texts.push((migration.name(), text)),
                    None if backwards => return Ok(BTreeMap::new()),
                    None => return Err(Error::migration(format!("{} has neither {file} nor {general}", migration.name()))),
                }
            }
            if backwards {
                texts.reverse();
            }
            let mut whole = String::new();
            if !backwards {
                let names: Vec<&str> = self.migrations.iter().map(Migration::name).collect();
                whole.push_str(&format!("{REPLACES}{}\n", names.join(", ")));
            }
            for (name, text) in texts {
                let own: Vec<&str> =
                    text.lines().filter(|line| ![REPLACES, REBASED].iter().any(|head| line.trim().starts_with(head))).collect();
                whole.push_str(&format!("\n-- {name}\n{}\n", own.join("\n").trim_end()));
            }
            files.insert(file, whole);
        }
        Ok(files)
    }
}

impl Known {
    /// Whether every migration has run that this one stands for; an error when only some have.
    pub(crate) fn stands_for(&self, migration: &Migration, dialect: Dialect) -> Result<bool> {
        let replaces = migration.replaces(dialect);
        if replaces.is_empty() || self.is_applied(migration.name()) {
            return Ok(false);
        }
        let missing: Vec<&str> = replaces.iter().filter(|name| !self.is_applied(name)).map(String::as_str).collect();
        if missing.len() == replaces.len() {
            return Ok(false);
        }
        // One that was renamed more than once has run under one of its names.
        if missing.is_empty() || migration.rebased(dialect).len() == replaces.len() {
            return Ok(true);
        }
        Err(Error::migration(format!(
            "{} stands for {} migrations, of which {} have not run here: run them from the version before it, then this one",
            migration.name(),
            replaces.len(),
            missing.join(", ")
        )))
    }
}

impl Runner<'_> {
    /// Writes down that a migration has run which stands for others that have.
    pub(crate) async fn adopt(&mut self) -> Result<()> {
        let known = self.known().await?;
        for migration in &self.migrator.migrations {
            if !known.stands_for(migration, self.dialect)? {
                continue;
            }
            let entry = self.applied(migration)?;
            self.session.begin().await?;
            self.session.execute(self.history.insert(&entry)?).await?;
            for name in migration.replaces(self.dialect) {
                if let Some(old) = known.entries.iter().find(|entry| key(&entry.name) == key(&name)) {
                    self.session.execute(self.history.delete(&old.name)?).await?;
                }
            }
            self.session.commit().await?;
        }
        Ok(())
    }
}
