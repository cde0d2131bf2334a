//! What the configuration of a Sequelize project says that Sequor would do otherwise. Where silence would run migrations again or open the line of somebody else, it
//! is an error that says what to do; encryption becomes a parameter of the URL.

use sequor_core::error::{Error, Result};
use serde_json::Value as Json;

/// Settings of sequelize-cli by which the history lies elsewhere: name, what is usual, the way out.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    ("migrationStorage", "sequelize", MIGRATIONS),
    ("migrationStorageTableName", "SequelizeMeta", MIGRATIONS),
    ("migrationStorageTableSchema", "", MIGRATIONS),
    ("migrationStoragePath", "", MIGRATIONS),
    ("seederStorageTableName", "SequelizeData", SEEDERS),
    ("seederStoragePath", "sequelize-data.json", SEEDERS),
];

const MIGRATIONS: &str = "Sequor looks for what has run in the table SequelizeMeta: copy the names there, or write them down with `sequor migrate baseline` and name \
                          the database in sequor.toml";
const SEEDERS: &str = "Sequor remembers seeders in the table SequelizeData or the file sequelize-data.json: copy the names there, and name the database in sequor.toml";

/// Refuses a history that lies elsewhere.
///
/// # Errors
/// `Usage` that names the setting.
pub(super) fn refuse_other_history(section: &Json, place: &str) -> Result<()> {
    for (name, usual, way_out) in ELSEWHERE {
        if let Some(said) = section[name].as_str().filter(|said| *said != usual) {
            return Err(Error::usage(format!("{place} says {name}: {said:?}, and {way_out}")));
        }
    }
    Ok(())
}

/// `dialectOptions: { ssl: .. }` as a parameter of the URL.
///
/// # Errors
/// `Usage` for certificates, which the file holds as text.
pub(super) fn encryption(section: &Json, url: &str, place: &str) -> Result<Option<&'static str>> {
    let ssl = if section["dialectOptions"]["ssl"].is_null() { &section["ssl"] } else { &section["dialectOptions"]["ssl"] };
    if url.starts_with("sqlite") || url.contains("sslmode=") || url.contains("ssl-mode=") {
        return Ok(None);
    }
    match ssl {
        Json::Null => Ok(None),
        Json::Bool(false) => Ok(Some("sslmode=disable")),
        Json::Object(options) if ["ca", "cert", "key"].iter().any(|name| options.contains_key(*name)) => Err(Error::usage(format!(
            "{place} holds the text of a certificate in dialectOptions.ssl; Sequor takes files: write the url with ?sslmode=verify-full&sslrootcert=ca.pem (and sslcert, sslkey) \
             into sequor.toml"
        ))),
        Json::Object(options) if options.get("rejectUnauthorized") == Some(&Json::Bool(false)) => Ok(Some("sslmode=require")),
        _ => Ok(Some("sslmode=verify-full")),
    }
}
