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

/// Reads the server's clock: one cell, microseconds since 1970. `None` where the database has the program's own clock.
pub fn clock(dialect: Dialect) -> Option<Sql> {
    match dialect {
        Dialect::Postgres => Some(plain("SELECT CAST(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000000 AS bigint)".to_owned())),
        Dialect::Mysql | Dialect::Mariadb => Some(plain("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)".to_owned())),
        Dialect::Sqlite => None,
    }
}

fn plain(text: String) -> Sql {
    Sql { text, params: Vec::new() }
}

/// Asks which session of the server runs this: one cell. `None` where no pooler can stand in between.
pub fn session_number(dialect: Dialect) -> Option<Sql> {
    (dialect == Dialect::Postgres).then(|| plain("SELECT pg_catalog.pg_backend_pid()::bigint".to_owned()))
}

/// Ends another session of the server by the number that it gave that one. `None` where there are no sessions.
pub fn end_session(dialect: Dialect, number: i64) -> Option<Sql> {
    match dialect {
        Dialect::Postgres => Some(plain(format!("SELECT pg_catalog.pg_terminate_backend({number})"))),
        Dialect::Mysql | Dialect::Mariadb => Some(plain(format!("KILL {number}"))),
        Dialect::Sqlite => None,
    }
}

/// Asks for the number of the running transaction, once it has written something: one cell for [`TransactionNumber::read`], else NULL. `None` where nobody could be asked
/// later what became of it.
pub fn transaction_number(dialect: Dialect) -> Option<&'static str> {
    let text = "SELECT pg_catalog.txid_current_if_assigned()::text || ' ' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8)";
    (dialect == Dialect::Postgres).then_some(text)
}

/// The number of a transaction in one history of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionNumber {
    number: u64,
    /// The timeline, as the log's files are called.
    history: String,
}

impl TransactionNumber {
    /// What the server answered.
    pub fn read(cell: &str) -> Option<TransactionNumber> {
        let (number, history) = cell.split_once(' ')?;
        let is_history = history.len() == 8 && history.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.parse().ok()?;
        is_history.then(|| TransactionNumber { number, history: history.to_owned() })
    }

    /// Asks what became of it: one cell, `committed`, `aborted`, `in progress`, or NULL where that is not known; an error on a standby.
    pub fn fate(&self) -> String {
        let TransactionNumber { number, history } = self;
        format!(
            "SELECT CASE WHEN left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) = '{history}' THEN pg_catalog.txid_status({number}) END"
        )
    }

    /// Ends the session that is in this transaction and waits for its next statement.
    pub fn end_waiting(&self) -> String {
        // The list of sessions has the number's lower half.
        let short = self.number & 0xffff_ffff;
        format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
             WHERE backend_xid::text = '{short}' AND state LIKE 'idle in transaction%' AND pid <> pg_catalog.pg_backend_pid()"
        )
    }
}

/// Makes the write-ahead log of a file small, where nobody reads from it; a script. `None` where the server does so itself.
pub fn shrink_log(dialect: Dialect) -> Option<&'static str> {
    // Without waiting for readers: while this waits nobody else can write.
    (dialect == Dialect::Sqlite).then_some("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")
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
            let name = format!("CONCAT('sequor:', LEFT(SHA2(CONCAT(COALESCE(DATABASE(), ''), ':', {key}), 256), 32))");
            Some(AdvisoryLockSql {
                take: plain(format!("SELECT GET_LOCK({name}, 0) = 1")),
                holds: plain(format!("SELECT IS_USED_LOCK({name}) = CONNECTION_ID()")),
                release: plain(format!("SELECT RELEASE_LOCK({name})")),
            })
        }
        Dialect::Sqlite => None,
    }
}

/// Where the primary's log is: one cell. `None` where a replica counts by itself.
pub fn primary_position(dialect: Dialect) -> Option<Sql> {
    let text = "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
                ELSE pg_catalog.pg_current_wal_flush_lsn() END)::text";
    (dialect == Dialect::Postgres).then(|| plain(text.to_owned()))
}

/// How far a replica has followed: the place in the log as its first cell (PostgreSQL), or a column `Seconds_Behind_..`; NULL or no row where it is no
/// replica. `None` where there are no replicas.
pub fn replica_position(dialect: Dialect) -> Option<Sql> {
    let text = match dialect {
        Dialect::Postgres => "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() END)::text",
        Dialect::Mysql => "SHOW REPLICA STATUS",
        Dialect::Mariadb => "SHOW SLAVE STATUS",
        Dialect::Sqlite => return None,
    };
    Some(plain(text.to_owned()))
}

/// What asks how a statement would be run, before its text.
pub fn explain_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN",
        Dialect::Postgres | Dialect::Mariadb => "EXPLAIN",
        // Since 9.5 the plain word asks for a tree, which shows the values of parameters.
        Dialect::Mysql => "EXPLAIN FORMAT = TRADITIONAL",
    }
}

/// What asks PostgreSQL for a plan as a tree, before the statement's text.
pub const EXPLAIN_TREE: &str = "EXPLAIN (FORMAT JSON)";

/// How a plan is asked for that shows no values.
#[derive(Clone, Debug)]
pub struct PlanSql {
    /// What has to run before, in a transaction that is rolled back.
    pub before: Vec<String>,
    /// The question.
    pub ask: String,
    /// What has to run after the transaction.
    pub after: Option<&'static str>,
    /// Whether the question takes the statement's parameters.
    pub binds: bool,
}

/// Asks how a statement is run. PostgreSQL writes the values of parameters into its plans, so there it is asked for the plan that fits all values.
pub fn plan_of(dialect: Dialect, text: &str) -> PlanSql {
    let plain = |word: &str| PlanSql { before: Vec::new(), ask: format!("{word} {text}"), after: None, binds: true };
    match dialect {
        Dialect::Sqlite | Dialect::Mysql | Dialect::Mariadb => plain(explain_word(dialect)),
        Dialect::Postgres => {
            let nothing = vec!["NULL"; highest_placeholder(text)].join(", ");
            let values = if nothing.is_empty() { String::new() } else { format!("({nothing})") };
            PlanSql {
                before: vec!["SET LOCAL plan_cache_mode = force_generic_plan".to_owned(), format!("PREPARE sequor_plan AS {text}")],
                ask: format!("EXPLAIN EXECUTE sequor_plan{values}"),
                after: Some("DEALLOCATE ALL"),
                binds: false,
            }
        }
    }
}

/// The highest `$n` of a text.
fn highest_placeholder(text: &str) -> usize {
    let number = |part: &str| part.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    text.split('$').skip(1).filter_map(number).max().unwrap_or(0)
}

/// Asks what is wrong with a file: each answers a line of text for each fault, or `ok`.
///
/// # Errors
/// `Usage` where the server looks after its files.
pub fn integrity(dialect: Dialect) -> Result<Vec<Sql>> {
    match dialect {
        Dialect::Sqlite => Ok(vec![
            plain("SELECT integrity_check FROM pragma_integrity_check".to_owned()),
            plain(
                "SELECT 'row ' || coalesce(rowid, '?') || ' of ' || \"table\" || ' points to no row of ' || parent FROM pragma_foreign_key_check"
                    .to_owned(),
            ),
        ]),
        Dialect::Postgres | Dialect::Mysql | Dialect::Mariadb => Err(Error::unsupported(format!(
            "check_integrity() is SQLite's: {} looks after its files with tools of its own (pg_amcheck, mariadb-check)",
            dialect.name()
        ))),
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

/// Whether an error of this code undoes its statement alone, while the transaction that it was part of goes on as if nothing had been: MySQL's wait for a lock that took too
/// long.
pub fn undoes_alone(code: &str) -> bool {
    code == "1205"
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
    fn a_plan_of_postgres_is_asked_for_without_values() {
        let plan = plan_of(Dialect::Postgres, "SELECT $2, $1 FROM t WHERE a = $12");
        assert!(plan.ask.matches("NULL").count() == 12 && !plan.binds && plan.before.len() == 2);
        assert_eq!(plan_of(Dialect::Postgres, "SELECT 1").ask, "EXPLAIN EXECUTE sequor_plan");
        assert_eq!(plan_of(Dialect::Sqlite, "SELECT ?").ask, "EXPLAIN QUERY PLAN SELECT ?");
    }

    #[test]
    fn a_key_is_looked_up_as_the_server_shows_it() {
        let sql = advisory_lock(Dialect::Postgres, -2).unwrap();
        assert!(sql.holds.text.ends_with("classid = 4294967295 AND objid = 4294967294"), "{}", sql.holds.text);
        assert!(advisory_lock(Dialect::Sqlite, 1).is_none());
    }
}
