//! [`SeederStorage`]: where seeders that ran are remembered, as Sequelize's `seederStorage` has it.

use sequor_core::error::{Error, Result};
use sequor_core::statement::RawPart;
use sequor_orm::__private::{RawSql, raw_value};
use sequor_orm::db::Db;

const FILE: &str = "sequelize-data.json";

/// Where seeders that ran are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SeederStorage {
    /// Nowhere: every seeder runs each time.
    #[default]
    None,
    /// In the table `SequelizeData`.
    Table,
    /// In the file `sequelize-data.json`.
    File,
}

impl std::str::FromStr for SeederStorage {
    type Err = Error;

    fn from_str(text: &str) -> Result<SeederStorage> {
        match text {
            "none" => Ok(SeederStorage::None),
            "sequelize" | "table" => Ok(SeederStorage::Table),
            "json" | "file" => Ok(SeederStorage::File),
            other => Err(Error::usage(format!("seeder_storage is none, sequelize or json, not {other:?}"))),
        }
    }
}

fn table(db: &Db) -> &'static str {
    if db.dialect().is_mysql() { "`SequelizeData`" } else { "\"SequelizeData\"" }
}

fn with_name(db: &Db, before: &str, after: &str, name: &str) -> RawSql {
    RawSql::new(vec![RawPart::Text(format!("{before} {} {after}", table(db)).into()), raw_value(&name.to_owned())])
}

impl SeederStorage {
    /// Makes the place, before the first transaction.
    pub(crate) async fn prepare(&self, db: &Db) -> Result<()> {
        if *self == SeederStorage::Table {
            db.execute_sql_script(&format!("CREATE TABLE IF NOT EXISTS {} (name VARCHAR(255) NOT NULL PRIMARY KEY)", table(db))).await?;
        }
        Ok(())
    }

    /// The seeders that ran.
    pub(crate) async fn names(&self, db: &Db) -> Result<Vec<String>> {
        match self {
            SeederStorage::None => Ok(Vec::new()),
            SeederStorage::File => file(),
            SeederStorage::Table => {
                let sql = RawSql::new(vec![RawPart::Text(format!("SELECT name FROM {} ORDER BY name", table(db)).into())]);
                Ok(db.query_as::<(String,)>(sql).await?.into_iter().map(|(name,)| name).collect())
            }
        }
    }

    pub(super) async fn remember(&self, db: &Db, name: &str) -> Result<()> {
        if *self == SeederStorage::Table {
            db.execute(with_name(db, "DELETE FROM", "WHERE name =", name)).await?;
            let text = format!("INSERT INTO {} (name) VALUES (", table(db));
            db.execute(RawSql::new(vec![RawPart::Text(text.into()), raw_value(&name.to_owned()), RawPart::Text(")".into())])).await?;
        }
        Ok(())
    }

    pub(super) async fn forget(&self, db: &Db, name: &str) -> Result<()> {
        if *self == SeederStorage::Table {
            db.execute(with_name(db, "DELETE FROM", "WHERE name =", name)).await?;
        }
        Ok(())
    }

    pub(super) fn remember_in_file(&self, name: &str) -> Result<()> {
        self.change_file(|names| {
            names.retain(|known| known != name);
            names.push(name.to_owned());
        })
    }

    pub(super) fn forget_in_file(&self, name: &str) -> Result<()> {
        self.change_file(|names| names.retain(|known| known != name))
    }

    fn change_file(&self, change: impl FnOnce(&mut Vec<String>)) -> Result<()> {
        if *self == SeederStorage::File {
            let mut names = file()?;
            change(&mut names);
            std::fs::write(FILE, serde_json::to_string_pretty(&names)?)?;
        }
        Ok(())
    }
}

fn file() -> Result<Vec<String>> {
    match std::fs::read_to_string(FILE) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| Error::usage(format!("{FILE}: {error}"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a seeder ran, whatever its file's ending was under Sequelize.
pub(crate) fn is_remembered(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.strip_suffix(".js").unwrap_or(known).replace('_', "-") == name.replace('_', "-"))
}
