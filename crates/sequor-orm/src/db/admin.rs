//! Making and removing whole databases, for the command line and tests.

use super::{Db, DbOptions, Pool};
use sequor_core::error::{Error, Result};
use std::panic::Location;
use std::path::{Path, PathBuf};

/// Where a URL points: a file, memory, or a database of a server.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Memory,
    File(PathBuf),
    Server { maintenance: String, name: String },
}

impl Db {
    /// Makes the database that the URL names; `false` when it was there. Sequelize: `db:create`.
    ///
    /// # Errors
    /// `Connection` when the server does not answer; `Usage` for a URL without a database.
    pub async fn create_database(url: &str) -> Result<bool> {
        match target(url)? {
            Target::Memory => Ok(false),
            Target::File(path) => {
                if path.exists() {
                    return Ok(false);
                }
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::File::create(&path)?;
                Ok(true)
            }
            Target::Server { maintenance, name } => {
                let admin = single(&maintenance).connect().await?;
                let made = create_on(&admin, &name).await;
                let closed = admin.close().await;
                made.and_then(|made| closed.map(|()| made))
            }
        }
    }

    /// Removes the database that the URL names, with everything in it; `false` when it was not there. Sequelize: `db:drop`.
    ///
    /// # Errors
    /// As [`Db::create_database`].
    pub async fn drop_database(url: &str) -> Result<bool> {
        match target(url)? {
            Target::Memory => Ok(false),
            Target::File(path) => {
                let existed = path.exists();
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    match std::fs::remove_file(Path::new(&name)) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                        _ => {}
                    }
                }
                Ok(existed)
            }
            Target::Server { maintenance, name } => {
                let admin = single(&maintenance).connect().await?;
                let dropped = drop_on(&admin, &name).await;
                let closed = admin.close().await;
                dropped.and_then(|dropped| closed.map(|()| dropped))
            }
        }
    }

    /// The name of the database that a URL points to: the file's name on SQLite. Never a password.
    ///
    /// # Errors
    /// `Usage` for a URL without a database.
    pub fn database_name(url: &str) -> Result<String> {
        Ok(match target(url)? {
            Target::Memory => "memory".to_owned(),
            Target::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            Target::Server { name, .. } => name,
        })
    }

    /// Runs the statements of a script, as they stand. Only for text of the developer: nothing in it is a parameter.
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn execute_sql_script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, sql, site) = (self.clone(), sql.to_owned(), Location::caller());
        async move { db.execute_script(sql, site).await }
    }
}

fn single(url: &str) -> DbOptions {
    Db::options(url).pool(Pool { max: 1, ..Pool::default() })
}

async fn create_on(admin: &Db, name: &str) -> Result<bool> {
    if exists(admin, name).await? {
        return Ok(false);
    }
    admin.execute_script(format!("CREATE DATABASE {}", quoted(admin, name)), Location::caller()).await?;
    Ok(true)
}

async fn drop_on(admin: &Db, name: &str) -> Result<bool> {
    if !exists(admin, name).await? {
        return Ok(false);
    }
    let force = if admin.dialect().is_mysql() { "" } else { " WITH (FORCE)" };
    admin.execute_script(format!("DROP DATABASE {}{force}", quoted(admin, name)), Location::caller()).await?;
    Ok(true)
}

async fn exists(admin: &Db, name: &str) -> Result<bool> {
    use crate::__private::{RawPart, RawSql, raw_value};
    let text = if admin.dialect().is_mysql() {
        "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = "
    } else {
        "SELECT COUNT(*) FROM pg_database WHERE datname = "
    };
    let sql = RawSql::new(vec![RawPart::Text(text.into()), raw_value(&name.to_owned())]);
    let rows: Vec<(i64,)> = admin.query_as(sql).await?;
    Ok(rows.first().is_some_and(|(count,)| *count > 0))
}

fn quoted(admin: &Db, name: &str) -> String {
    let mark = if admin.dialect().is_mysql() { "`" } else { "\"" };
    format!("{mark}{}{mark}", name.replace(mark, &mark.repeat(2)))
}

fn target(url: &str) -> Result<Target> {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    if let Some(rest) = address.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        return Ok(if path == ":memory:" || path.is_empty() { Target::Memory } else { Target::File(PathBuf::from(path)) });
    }
    let host = address.find("://").map(|place| place + 3);
    let slash = host.and_then(|host| address[host..].find('/').map(|place| host + place));
    let Some(slash) = slash.filter(|slash| address.len() > slash + 1) else {
        return Err(Error::usage("the URL names no database: write it after the host, as in postgres://localhost/app"));
    };
    let maintenance = if address.starts_with("postgres") { "postgres" } else { "" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Target::Server { maintenance: format!("{}/{maintenance}{query}", &address[..slash]), name: address[slash + 1..].to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Target, target};

    #[test]
    fn urls_name_files_and_databases() {
        assert_eq!(target("sqlite://a/b.db?x=1").unwrap(), Target::File("a/b.db".into()));
        assert_eq!(target("sqlite::memory:").unwrap(), Target::Memory);
        let server = |maintenance: &str| Target::Server { maintenance: maintenance.into(), name: "app".into() };
        assert_eq!(target("postgres://u:p@h:1/app?sslmode=off").unwrap(), server("postgres://u:p@h:1/postgres?sslmode=off"));
        assert_eq!(target("mysql://h/app").unwrap(), server("mysql://h/"));
        assert!(target("postgres://h").unwrap_err().to_string().contains("names no database"));
    }
}
