//! Settings, from the environment: `DATABASE_URL`, `HOST`, `PORT`, `APP_SECRET`, `FILES_DIR`, `APP_ENV`.

use sequor::prelude::*;
use std::path::PathBuf;

/// The database where none is named.
pub const DEVELOPMENT_URL: &str = "sqlite://accounts.db";

#[derive(Clone, Debug)]
pub struct Config {
    pub url: String,
    pub address: String,
    pub secret: Vec<u8>,
    pub files: PathBuf,
    pub production: bool,
}

impl Config {
    pub fn from_env() -> Result<Config> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let production = variable("APP_ENV").or_else(|| variable("NODE_ENV")).as_deref() == Some("production");
        let secret = match variable("APP_SECRET") {
            Some(secret) if secret.len() >= 32 => secret,
            Some(_) => return Err(Error::usage("APP_SECRET needs 32 characters or more")),
            None if production => return Err(Error::usage("production needs APP_SECRET, a random text of 32 characters or more")),
            None => "development only: anybody may read this".into(),
        };
        Ok(Config {
            url: variable("DATABASE_URL").unwrap_or_else(|| DEVELOPMENT_URL.into()),
            address: format!(
                "{}:{}",
                variable("HOST").unwrap_or_else(|| "127.0.0.1".into()),
                variable("PORT").unwrap_or_else(|| "3001".into())
            ),
            secret: secret.into_bytes(),
            files: variable("FILES_DIR").unwrap_or_else(|| "files".into()).into(),
            production,
        })
    }

    /// Whether an empty database gets the demo data: SQLite outside of production.
    pub fn has_demo_data(&self) -> bool {
        !self.production && self.url.starts_with("sqlite")
    }

    /// Connects; a database that is not up yet is tried three times.
    pub async fn connect(&self) -> Result<Db> {
        Db::options(&self.url)
            .pool(Pool { max: 10, min: 0, acquire: secs(30), idle: secs(10), ..Pool::default() })
            .retry(Retry { max: 3, delay: secs(1), ..Retry::default() })
            .register_all()
            .connect()
            .await
    }
}
