//! [`Settings`]: what a command works on. What comes later wins: Sequelize's files, `sequor.toml`, `.env`, the environment, flags.

use crate::project;
use crate::seed::SeederStorage;
use clap::ArgMatches;
use sequor_core::error::{Error, Result};
use sequor_orm::db::{Configuration, Db, DbOptions};
use std::path::PathBuf;

/// What a command works on.
#[derive(Debug, Clone)]
pub struct Settings {
    configuration: Configuration,
    /// The folder of migrations; `migrations`.
    pub migrations: PathBuf,
    /// Whether a flag names that folder.
    pub(crate) migrations_named: bool,
    /// The folder of seeders; `seeders`.
    pub seeders: PathBuf,
    /// Where seeders that ran are remembered; nowhere, as in Sequelize.
    pub seeder_storage: SeederStorage,
}

impl Settings {
    pub(crate) fn read(matches: &ArgMatches, default_url: Option<&str>) -> Result<Settings> {
        let flag = |name: &str| matches.get_one::<String>(name).cloned();
        let mut configuration = Configuration::read(&PathBuf::new(), flag("env").as_deref())?;
        let files = project::SequelizeFiles { options: flag("options-path"), config: flag("config") };
        let named = configuration.get("url").is_some() || configuration.demand("url").is_err() || flag("url").is_some();
        let asked = files.config.is_some();
        let sequelize = if named && !asked { files.folders()? } else { files.read(&configuration)? };
        for (key, place, value) in &sequelize.settings {
            if asked || configuration.get(key).is_none() && configuration.demand(key).is_ok() {
                configuration.set(key, place, value.clone());
            }
        }
        if let Some(url) = flag("url") {
            configuration.set("url", "--url", url);
        }
        let unnamed = configuration.get("url").is_none() && configuration.demand("url").is_ok();
        if let Some(url) = default_url.filter(|_| unnamed && configuration.environment() != "production") {
            configuration.set("url", "the program", url);
        }
        // The database is not needed by every command.
        for key in configuration.missing().filter(|key| *key != "url") {
            configuration.demand(key)?;
        }
        let migrations_named = flag("migrations-path").is_some();
        let folder = |flag_name: &str, key: &str, otherwise: &str| {
            flag(flag_name).or_else(|| configuration.get(key).map(str::to_owned)).unwrap_or_else(|| otherwise.to_owned()).into()
        };
        let seeder_storage = configuration.get("seeder_storage").unwrap_or("none").parse()?;
        Ok(Settings {
            migrations: folder("migrations-path", "migrations", "migrations"),
            seeders: folder("seeders-path", "seeders", "seeders"),
            migrations_named,
            seeder_storage,
            configuration,
        })
    }

    /// `development`, `production`, ..
    pub fn environment(&self) -> &str {
        self.configuration.environment()
    }

    /// The URL of the database.
    ///
    /// # Errors
    /// `Usage` that tells where to write it.
    pub fn url(&self) -> Result<&str> {
        self.configuration.demand("url")?;
        self.configuration.get("url").ok_or_else(|| {
            let known = match self.configuration.sections() {
                [] => "(sequor init writes one)".to_owned(),
                sections => format!("(it has {})", sections.iter().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ")),
            };
            Error::usage(format!(
                "no database is named for {}: set DATABASE_URL, say --url, or write `url` in [{}] of sequor.toml {known}",
                self.environment(),
                self.environment()
            ))
        })
    }

    /// The options to connect with.
    ///
    /// # Errors
    /// As [`Settings::url`], and for settings that are not of their kind.
    pub fn options(&self) -> Result<DbOptions> {
        self.url()?;
        self.configuration.options()
    }

    /// Whether the URL names a file of SQLite's that is not there.
    pub(crate) fn absent_file(&self) -> Result<bool> {
        let url = self.url()?;
        let path = url.split('?').next().and_then(|address| address.strip_prefix("sqlite:"));
        let path = path.map(|path| path.strip_prefix("//").unwrap_or(path));
        Ok(path.is_some_and(|path| !path.is_empty() && path != ":memory:" && !std::path::Path::new(path).exists()))
    }

    /// The name of the database, for questions.
    ///
    /// # Errors
    /// As [`Settings::url`].
    pub fn database(&self) -> Result<String> {
        Db::database_name(self.url()?)
    }
}
