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

/// How a database is made, as far as it is not as the server makes them. Sequelize: the options of `db:create`.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// use sequor::DatabaseOptions;
/// // On PostgreSQL and MySQL the options are part of CREATE DATABASE; a file has none, and says so.
/// let options = DatabaseOptions { charset: Some("utf8mb4".into()), ..DatabaseOptions::default() };
/// assert!(Db::create_database_with("sqlite://app.db", &options).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// MySQL's character set: `utf8mb4`.
    pub charset: Option<String>,
    /// The collation: `utf8mb4_unicode_ci`, `de_DE.UTF-8`.
    pub collate: Option<String>,
    /// PostgreSQL's encoding: `UTF8`.
    pub encoding: Option<String>,
    /// PostgreSQL's character classes: `de_DE.UTF-8`.
    pub ctype: Option<String>,
    /// The database that PostgreSQL copies: `template0`.
    pub template: Option<String>,
}

impl Db {
    /// Makes the database that the URL names; `false` when it was there. Sequelize: `db:create`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// # let folder = std::env::temp_dir().join(format!("sequor-create-{}", std::process::id()));
    /// let url = format!("sqlite://{}", folder.join("app.db").display());
    /// assert!(Db::create_database(&url).await?);
    /// assert!(!Db::create_database(&url).await?, "it was there");
    /// assert_eq!(Db::database_name(&url)?, "app.db");
    /// assert!(Db::drop_database(&url).await?);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection` when the server does not answer; `Usage` for a URL without a database.
    pub async fn create_database(url: &str) -> Result<bool> {
        Db::create_database_with(url, &DatabaseOptions::default()).await
    }

    /// As [`Db::create_database`], with a character set, a collation or a template.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// use sequor::DatabaseOptions;
    /// let options = DatabaseOptions { template: Some("template0".into()), collate: Some("de_DE.UTF-8".into()), ..DatabaseOptions::default() };
    /// Db::create_database_with("postgres://localhost/app", &options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::create_database`]; `Usage` for an option that this database does not have.
    pub async fn create_database_with(url: &str, options: &DatabaseOptions) -> Result<bool> {
        let clauses = options.clauses(url)?;
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
                let made = create_on(&admin, &name, &clauses).await;
                let closed = admin.close().await;
                made.and_then(|made| closed.map(|()| made))
            }
        }
    }

    /// Removes the database that the URL names, with everything in it; `false` when it was not there. Sequelize: `db:drop`.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// assert!(Db::drop_database("postgres://localhost/app_of_a_test").await?);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.execute_sql_script("CREATE TABLE pets (name text NOT NULL); INSERT INTO pets VALUES ('Rex'), ('Tom')").await?;
    /// let names: Vec<(String,)> = db.query_as(sql!("SELECT name FROM pets ORDER BY name")).await?;
    /// assert_eq!(names[0].0, "Rex");
    /// # Ok(())
    /// # }
    /// ```
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

impl DatabaseOptions {
    /// What follows the name in `CREATE DATABASE`, each value checked: none of them can be a parameter.
    fn clauses(&self, url: &str) -> Result<String> {
        let known: &[(&str, &str)] = match url.split(':').next() {
            Some("postgres" | "postgresql") => {
                &[("encoding", " ENCODING "), ("collate", " LC_COLLATE "), ("ctype", " LC_CTYPE "), ("template", " TEMPLATE ")]
            }
            Some("mysql" | "mariadb") => &[("charset", " CHARACTER SET "), ("collate", " COLLATE ")],
            _ => &[],
        };
        let given = [
            ("charset", &self.charset),
            ("collate", &self.collate),
            ("encoding", &self.encoding),
            ("ctype", &self.ctype),
            ("template", &self.template),
        ];
        let mut clauses = String::new();
        for (name, value) in given {
            let Some(value) = value else { continue };
            let Some((_, words)) = known.iter().find(|(known, _)| *known == name) else {
                let has: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
                let has = if has.is_empty() { "none of these options".to_owned() } else { has.join(", ") };
                return Err(Error::usage(format!("a database of this kind has no {name} when it is made; it has {has}")));
            };
            if value.is_empty() || !value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.@".contains(letter)) {
                return Err(Error::usage(format!("{value:?} is no {name}: letters, digits, _ - . and @ make one")));
            }
            let mark = if words.contains("LC_") || words.contains("ENCODING") { "'" } else { "" };
            let mark = if *words == " TEMPLATE " { "\"" } else { mark };
            clauses.push_str(&format!("{words}{mark}{value}{mark}"));
        }
        Ok(clauses)
    }
}

async fn create_on(admin: &Db, name: &str, clauses: &str) -> Result<bool> {
    if exists(admin, name).await? {
        return Ok(false);
    }
    admin.execute_script(format!("CREATE DATABASE {}{clauses}", quoted(admin, name)), Location::caller()).await?;
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
    use super::{DatabaseOptions, Target, target};

    #[test]
    fn options_are_those_of_the_database() {
        let text = |value: &str| Some(value.to_owned());
        let options = DatabaseOptions { encoding: text("UTF8"), template: text("template0"), ..DatabaseOptions::default() };
        assert_eq!(options.clauses("postgres://h/app").unwrap(), " ENCODING 'UTF8' TEMPLATE \"template0\"");
        assert!(
            options.clauses("mysql://h/app").unwrap_err().to_string().contains("has no encoding when it is made; it has charset, collate")
        );
        let options = DatabaseOptions { charset: text("utf8mb4"), collate: text("x; DROP"), ..DatabaseOptions::default() };
        assert!(options.clauses("mysql://h/app").unwrap_err().to_string().contains("is no collate"));
    }

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
