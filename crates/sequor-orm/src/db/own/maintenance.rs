//! Looking after a file: copies while it is in use, checks, and making it smaller. SQLite's; servers have tools of their own.

use crate::db::own::ask;
use crate::db::session::placed;
use crate::db::{Db, Run};
use sequor_core::driver::{BoxFuture, Connection};
use sequor_core::error::{Error, Result};
use sequor_core::value::Value;
use std::panic::Location;
use std::path::Path;

impl Db {
    /// Copies the database into a new file while it is in use: others read and write meanwhile, and the copy is of the moment at which it began. It gets
    /// its name only when it is whole. SQLite only.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// # let folder = std::env::temp_dir().join(format!("sequor-backup-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// db.execute_sql_script("CREATE TABLE pets (name text)").await?;
    /// db.backup(folder.join("tonight.db")).await?;
    /// assert!(db.backup(folder.join("tonight.db")).await.is_err(), "a file that is there is never written over");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` on other databases, inside a transaction, and when the file is there already; those of the disk.
    #[track_caller]
    pub fn backup<P: AsRef<Path>>(&self, to: P) -> impl Future<Output = Result<()>> + Send + use<P> {
        let (db, to, site) = (self.clone(), to.as_ref().to_owned(), Location::caller());
        async move { db.maintain("backup", site, move |connection| connection.backup(to)).await }
    }

    /// Writes a copy of the database without its free pages into a new file. SQLite only: `VACUUM INTO`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// # let folder = std::env::temp_dir().join(format!("sequor-vacuum-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.vacuum_into(folder.join("copy.db")).await?;
    /// assert!(db.check_integrity().await?.is_empty());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::backup`].
    #[track_caller]
    pub fn vacuum_into<P: AsRef<Path>>(&self, to: P) -> impl Future<Output = Result<()>> + Send + use<P> {
        let (db, to, site) = (self.clone(), to.as_ref().to_owned(), Location::caller());
        async move { db.maintain("vacuum_into", site, move |connection| connection.vacuum(Some(to))).await }
    }

    /// Makes the database's file smaller; nobody writes meanwhile. SQLite only: `VACUUM`.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.vacuum().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::backup`].
    #[track_caller]
    pub fn vacuum(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move { db.maintain("vacuum", site, |connection| connection.vacuum(None)).await }
    }

    /// What is wrong with the database's file and its foreign keys, a line for each; empty when all is well. SQLite only.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert!(db.check_integrity().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` on other databases; those of the disk.
    #[track_caller]
    pub fn check_integrity(&self) -> impl Future<Output = Result<Vec<String>>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move {
            let questions = sequor_sql::session::integrity(db.dialect())?;
            let mut pooled = db.borrow(site).await?;
            let mut wrong = Vec::new();
            for question in questions {
                let rows = ask(pooled.get()?, question).await?;
                let lines = rows.into_iter().filter_map(|row| match row.into_iter().next() {
                    Some(Value::Text(line)) if line != "ok" => Some(line),
                    _ => None,
                });
                wrong.extend(lines);
            }
            Ok(wrong)
        }
    }

    async fn maintain<F>(&self, operation: &'static str, site: &'static Location<'static>, work: F) -> Result<()>
    where
        F: for<'a> FnOnce(&'a mut Box<dyn Connection>) -> BoxFuture<'a, Result<()>> + Send,
    {
        if self.session(site)?.is_some() {
            return Err(Error::usage(format!("{operation}() at {site} cannot run inside a transaction: use the outer db")));
        }
        let mut pooled = self.borrow(site).await?;
        let run = Run { operation, model: None, site, write: true };
        work(pooled.get()?).await.map_err(|error| placed(error, &run))
    }
}
