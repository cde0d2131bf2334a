//! What a session of its own says to its server: advisory locks, notifications, how far a replica is behind.

use crate::writer::SqlWriter;
use crate::{Dialect, Sql};
use sequor_core::error::{Error, Result};
use sequor_core::types::{BindType, ScalarType};

/// The longest payload of a notification.
const PAYLOAD: usize = 7_999;
/// The longest name of a channel.
const CHANNEL: usize = 63;

/// The statements of an advisory lock: of its session, until it is given back or the session ends.
#[derive(Clone, Debug)]
pub struct AdvisoryLockSql {
    /// Asks for it without waiting: one cell, true or 1 when it was given.
    pub take: Sql,
    /// Whether this session has it: one cell.
    pub holds: Sql,
    /// Gives it back.
    pub release: Sql,
}

fn plain(text: String) -> Sql {
    Sql { text, params: Vec::new() }
}

/// The statements of the lock with this key; `None` where the database has no such locks.
pub fn advisory_lock(dialect: Dialect, key: i64) -> Option<AdvisoryLockSql> {
    match dialect {
        Dialect::Postgres => {
            // The two halves as `pg_locks` shows them.
            let bits = key.cast_unsigned();
            let (high, low) = (bits >> 32, bits & 0xffff_ffff);
            Some(AdvisoryLockSql {
                take: plain(format!("SELECT pg_catalog.pg_try_advisory_lock({key})")),
                holds: plain(format!(
                    "SELECT count(1) = 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
                     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
                     AND pid = pg_catalog.pg_backend_pid() AND classid = {high} AND objid = {low}"
                )),
                release: plain(format!("SELECT pg_catalog.pg_advisory_unlock({key})")),
            })
        }
        Dialect::Mysql | Dialect::Mariadb => {
            // Names are the whole server's and at most 64 letters long.
            let name = format!("CONCAT('sequor:', MD5(CONCAT(COALESCE(DATABASE(), ''), ':', {key})))");
            Some(AdvisoryLockSql {
                take: plain(format!("SELECT GET_LOCK({name}, 0) = 1")),
                holds: plain(format!("SELECT IS_USED_LOCK({name}) = CONNECTION_ID()")),
                release: plain(format!("SELECT RELEASE_LOCK({name})")),
            })
        }
        Dialect::Sqlite => None,
    }
}

fn check_channel(channel: &str) -> Result<()> {
    if channel.is_empty() || channel.len() > CHANNEL || channel.contains('\0') {
        return Err(Error::usage(format!("the name of a channel has 1 to {CHANNEL} bytes and no NUL; this one has {}", channel.len())));
    }
    Ok(())
}

fn check_notifications(dialect: Dialect) -> Result<()> {
    match dialect {
        Dialect::Postgres => Ok(()),
        Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => Err(Error::unsupported(format!(
            "listen() and notify() are PostgreSQL's, this database is {}: ask a table at intervals, or use the outbox",
            dialect.name()
        ))),
    }
}

/// Listens to channels, for a script.
///
/// # Errors
/// `Usage` where there are no notifications, and for a name that cannot be one.
pub fn listen(dialect: Dialect, channels: &[String]) -> Result<String> {
    check_notifications(dialect)?;
    let mut sql = SqlWriter::new(dialect);
    for channel in channels {
        check_channel(channel)?;
        sql.push("LISTEN ");
        sql.name(channel)?;
        sql.push("; ");
    }
    Ok(sql.finish().text)
}

/// Tells the listeners of a channel something, once the transaction is durable.
///
/// # Errors
/// `Usage` where there are no notifications, for a name that cannot be one, and for a payload that is too long.
pub fn notify(dialect: Dialect, channel: &str, payload: &str) -> Result<Sql> {
    check_notifications(dialect)?;
    check_channel(channel)?;
    if payload.len() > PAYLOAD {
        return Err(Error::usage(format!(
            "a notification carries at most {PAYLOAD} bytes, this one has {}: send the key of a row instead",
            payload.len()
        )));
    }
    let text = || BindType::one(ScalarType::Text);
    let mut sql = SqlWriter::new(dialect);
    sql.push("SELECT pg_catalog.pg_notify(");
    sql.bind(channel.into(), text());
    sql.push(", ");
    sql.bind(payload.into(), text());
    sql.push(")");
    Ok(sql.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        let text = listen(Dialect::Postgres, &["jobs".into(), "a\"; DROP TABLE x; --".into()]).unwrap();
        assert_eq!(text, "LISTEN \"jobs\"; LISTEN \"a\"\"; DROP TABLE x; --\"; ");
        for channel in ["", "a\0b", &"x".repeat(64)] {
            assert!(listen(Dialect::Postgres, &[channel.to_owned()]).is_err());
            assert!(notify(Dialect::Postgres, channel, "").is_err());
        }
        let error = notify(Dialect::Postgres, "jobs", &"x".repeat(8_000)).unwrap_err();
        assert!(error.to_string().contains("8000"), "{error}");
        assert_eq!(notify(Dialect::Postgres, "jobs", "'; --").unwrap().text, "SELECT pg_catalog.pg_notify($1, $2)");
    }

    #[test]
    fn a_key_is_looked_up_as_the_server_shows_it() {
        let sql = advisory_lock(Dialect::Postgres, -2).unwrap();
        assert!(sql.holds.text.ends_with("classid = 4294967295 AND objid = 4294967294"), "{}", sql.holds.text);
        assert!(advisory_lock(Dialect::Sqlite, 1).is_none());
    }
}
