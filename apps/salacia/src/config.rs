//! Settings, from the environment.

use sequor::prelude::*;
use std::env::VarError;

/// Which data layer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The one on Sequor.
    Sequor,
    /// The one by hand.
    Classic,
}

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`; `sqlite://salacia.db`.
    pub url: String,
    /// `HOST` and `PORT`; `127.0.0.1:3000`.
    pub address: String,
    /// `USE_SEQUOR`, or `USE_SEQUELIZE`; true.
    pub layer: Layer,
    /// `APP_ENV` or `NODE_ENV` is `production`.
    pub production: bool,
    /// `DB_POOL_MAX`, `DB_POOL_MIN`, `DB_POOL_IDLE`, `DB_POOL_ACQUIRE` (milliseconds).
    pub pool: Pool,
}

impl Config {
    /// Reads the environment; the error names the variable.
    pub fn from_env() -> Result<Config> {
        Config::read(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(Error::usage(format!("{name} is not Unicode"))),
        })
    }

    fn read(variable: impl Fn(&str) -> Result<Option<String>>) -> Result<Config> {
        let environment = variable("APP_ENV")?.or(variable("NODE_ENV")?);
        let production = environment.as_deref() == Some("production");
        let number = |name: &str, otherwise: u64| -> Result<u64> {
            let Some(text) = variable(name)? else { return Ok(otherwise) };
            text.parse().map_err(|_| Error::usage(format!("{name} is a whole number, not {text:?}")))
        };
        let flag = |name: &str| -> Result<Option<bool>> {
            let Some(text) = variable(name)? else { return Ok(None) };
            text.parse().map(Some).map_err(|_| Error::usage(format!("{name} is true or false, not {text:?}")))
        };
        let (max, min) = if production { (20, 5) } else { (10, 2) };
        let size = |value: u64| usize::try_from(value).map_err(|_| Error::usage("a pool that large cannot be"));
        let pool = Pool {
            max: size(number("DB_POOL_MAX", max)?)?,
            min: size(number("DB_POOL_MIN", min)?)?,
            idle: millis(number("DB_POOL_IDLE", 30_000)?),
            acquire: millis(number("DB_POOL_ACQUIRE", 60_000)?),
            ..Pool::default()
        };
        let url = variable("DATABASE_URL")?.unwrap_or_else(|| "sqlite://salacia.db".into());
        if production
            && url.starts_with("postgres")
            && ["disable", "allow", "prefer", "no-verify"].iter().any(|mode| url.contains(&format!("sslmode={mode}")))
        {
            return Err(Error::usage(
                "production needs TLS with verification: remove sslmode from DATABASE_URL, or set sslmode=verify-full",
            ));
        }
        let use_sequor = flag("USE_SEQUOR")?.or(flag("USE_SEQUELIZE")?).unwrap_or(true);
        let host = variable("HOST")?.unwrap_or_else(|| "127.0.0.1".into());
        let port = number("PORT", 3000)?;
        let layer = if use_sequor { Layer::Sequor } else { Layer::Classic };
        Ok(Config { url, address: format!("{host}:{port}"), layer, production, pool })
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Layer};

    fn read(variables: &[(&str, &str)]) -> sequor::Result<Config> {
        Config::read(|name| Ok(variables.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())))
    }

    #[test]
    fn defaults_follow_the_environment() {
        let development = read(&[]).unwrap();
        assert_eq!((development.pool.max, development.pool.min, development.layer), (10, 2, Layer::Sequor));
        let production = read(&[("NODE_ENV", "production"), ("USE_SEQUELIZE", "false"), ("DB_POOL_MIN", "0")]).unwrap();
        assert_eq!((production.pool.max, production.pool.min, production.layer), (20, 0, Layer::Classic));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let error = read(&[("DB_POOL_MAX", "many")]).unwrap_err().to_string();
        assert!(error.contains("DB_POOL_MAX is a whole number"), "{error}");
        let error = read(&[("APP_ENV", "production"), ("DATABASE_URL", "postgres://db/salacia?sslmode=disable")]).unwrap_err().to_string();
        assert!(error.contains("production needs TLS") && !error.contains("db/salacia"), "{error}");
    }
}
