//! From a URL to a driver: the one place that knows which databases there are.

use sequor_core::driver::Driver;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::sync::Arc;

/// The driver of a URL's scheme.
pub(in crate::db) fn driver(url: &str) -> Result<Arc<dyn Driver>> {
    let scheme = url.split(':').next().unwrap_or_default();
    match scheme {
        "sqlite" => sqlite(url),
        "postgres" | "postgresql" => postgres(url),
        "mysql" | "mariadb" => mysql(url),
        other => {
            let shown = if other.len() < 32 && url.contains(':') { other.escape_debug().to_string() } else { "nothing".to_owned() };
            Err(invalid(format!("a database URL begins with sqlite:, postgres:// or mysql://, this one with {shown}")))
        }
    }
}

#[cold]
fn invalid(message: String) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, message)
}

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
#[cold]
fn missing(feature: &str) -> Error {
    invalid(format!("this program was built without {feature}: add the feature \"{feature}\" to the dependency on sequor"))
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &str) -> Result<Arc<dyn Driver>> {
    Ok(Arc::new(sequor_sqlite::SqliteDriver::new(sequor_sqlite::SqliteOptions::parse(url)?)))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_url: &str) -> Result<Arc<dyn Driver>> {
    Err(missing("sqlite"))
}

#[cfg(feature = "postgres")]
fn postgres(url: &str) -> Result<Arc<dyn Driver>> {
    Ok(Arc::new(sequor_postgres::PostgresDriver::new(sequor_postgres::PostgresOptions::parse(url)?)))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_url: &str) -> Result<Arc<dyn Driver>> {
    Err(missing("postgres"))
}

#[cfg(feature = "mysql")]
fn mysql(url: &str) -> Result<Arc<dyn Driver>> {
    Ok(Arc::new(sequor_mysql::MysqlDriver::new(sequor_mysql::MysqlOptions::parse(url)?)))
}

#[cfg(not(feature = "mysql"))]
fn mysql(_url: &str) -> Result<Arc<dyn Driver>> {
    Err(missing("mysql"))
}
