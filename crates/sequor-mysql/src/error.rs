//! The server's numbers → [`Error`]. Nowhere else does a number become an error.
//!
//! Messages keep the names that the server quotes and lose the values.

use crate::wire::ServerError;
use sequor_core::Error;
use sequor_core::error::{ConnectionErrorKind, Detail};

/// The number that says a statement cannot be prepared.
pub(crate) const NOT_PREPARABLE: u16 = 1295;
/// The server wants the statement prepared again, or has forgotten it.
pub(crate) const STALE_STATEMENT: [u16; 2] = [1615, 1243];

/// The error of a statement.
#[cold]
pub(crate) fn statement_error(error: &ServerError) -> Error {
    if let Some(kind) = lost_line(error.code) {
        return Error::connection(kind, format!("the server ended the connection (error {})", error.code));
    }
    let mut detail = Detail { code: Some(error.code.to_string()), ..Detail::message(without_values(error)) };
    match error.code {
        1062 | 1586 => unique(error, detail),
        1216 | 1217 | 1451 | 1452 => foreign_key(error, detail),
        3730 => pointed_to(error, detail),
        1048 | 1263 | 1364 => not_null(error, detail),
        3819 | 4025 => check(error, detail),
        1213 => Error::Deadlock { detail: retryable(detail) },
        1020 => Error::Serialization { detail: retryable(detail) },
        1205 | 3572 => {
            detail.hint =
                Some("another transaction holds the lock; only this statement was undone, roll back and run the transaction again".into());
            Error::Timeout { detail: retryable(detail) }
        }
        1317 | 1969 | 3024 => Error::Timeout { detail: Box::new(detail) },
        code => {
            detail.hint = hint(code).map(str::to_owned);
            detail.column = column(error);
            Error::Database { code: code.to_string(), detail: Box::new(detail) }
        }
    }
}

fn retryable(detail: Detail) -> Box<Detail> {
    Box::new(Detail { retryable: true, ..detail })
}

/// Whether this error ends the connection, and as what.
pub(crate) fn lost_line(code: u16) -> Option<ConnectionErrorKind> {
    match code {
        1053 => Some(ConnectionErrorKind::NotReady),
        1077 | 1079 | 1080 | 1152 | 1158..=1161 | 1184 | 1927 | 4031 => Some(ConnectionErrorKind::Broken),
        1047 | 1156 | 1835 => Some(ConnectionErrorKind::Protocol),
        _ => None,
    }
}

/// The error of a login. The server's sentence names the user, so it is not repeated.
#[cold]
pub(crate) fn connect_error(error: &ServerError, target: &str) -> Error {
    use ConnectionErrorKind as K;
    let (kind, why) = match error.code {
        1040 | 1203 | 1226 => (
            K::ServerFull,
            "raise max_connections or max_user_connections on the server, or lower Pool { max } of the programs that use it",
        ),
        1053 | 1077 => (K::NotReady, "the server is starting or stopping"),
        1044 => (K::AccessDenied, "this user may not use the database"),
        1045 | 1698 => (K::AccessDenied, "wrong user or password; check both in the URL, or MYSQL_USER and MYSQL_PWD"),
        1129 | 1130 => (K::AccessDenied, "the server does not take connections from this host"),
        1227 | 1251 | 1275 | 1524 | 1820 | 1862 | 3118 | 4151 => (K::AccessDenied, "the server does not let this account log in"),
        1049 => {
            (K::UnknownDatabase, "there is no such database on the server; check the name behind the host in the URL, or MYSQL_DATABASE")
        }
        1835 | 3159 => (K::Tls, "the server takes encrypted connections only; set ssl-mode to verify-full, verify-ca or require"),
        _ => (lost_line(error.code).unwrap_or(K::Protocol), "the server refused the connection"),
    };
    Error::connection(kind, format!("{target}: {why} (error {})", error.code))
}

fn hint(code: u16) -> Option<&'static str> {
    match code {
        1146 => Some("the table is missing: run the migrations, or db.sync"),
        1054 => Some("the table does not have this column: run the migrations, or db.sync"),
        1153 => Some("raise max_allowed_packet on the server, or send less at once"),
        1290 | 1792 | 1836 => Some("this server, or this transaction, only reads: write on the primary"),
        1461 => Some("the server holds too many prepared statements: raise max_prepared_stmt_count, or use fewer connections"),
        1406 | 1264 => Some("the value does not fit into the column"),
        _ => None,
    }
}

fn unique(error: &ServerError, mut detail: Detail) -> Error {
    // The value comes first and may hold anything: the key is behind the last "for key".
    let key = error.message.rsplit_once("for key '").map(|(_, key)| key.trim_end_matches('\''));
    if let Some(key) = key {
        match key.split_once('.') {
            Some((table, name)) => {
                detail.table = Some(table.to_owned());
                detail.constraint = Some(name.to_owned());
            }
            None => detail.constraint = Some(key.to_owned()),
        }
    }
    Error::UniqueConstraint { fields: Vec::new(), detail: Box::new(detail) }
}

/// `(`db`.`table`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES ..`
fn foreign_key(error: &ServerError, mut detail: Detail) -> Error {
    let message = &error.message;
    let mut fields = Vec::new();
    if let Some((place, rest)) = message.split_once(", CONSTRAINT ") {
        detail.table = place.rsplit_once('(').and_then(|(_, names)| last_name(names));
        let (constraint, rest) = rest.split_once(" FOREIGN KEY ").unwrap_or((rest, ""));
        detail.constraint = last_name(constraint);
        let names = rest.split_once(')').map_or("", |(names, _)| names).trim_start_matches('(');
        fields = names.split(", ").filter_map(last_name).collect();
    }
    Error::ForeignKeyConstraint { fields, detail: Box::new(detail) }
}

/// MySQL's answer to dropping a table: `Cannot drop table 'a' referenced by a foreign key constraint 'name' on table 'b'.`
fn pointed_to(error: &ServerError, mut detail: Detail) -> Error {
    let mut names = error.message.split('\'').skip(3).step_by(2).map(str::to_owned);
    detail.constraint = names.next();
    detail.table = names.next();
    Error::ForeignKeyConstraint { fields: Vec::new(), detail: Box::new(detail) }
}

/// The last of the names quoted with backticks.
fn last_name(text: &str) -> Option<String> {
    let text = text.trim().strip_suffix('`')?;
    let start = text.rfind('`')?;
    text.get(start + 1..).map(str::to_owned)
}

fn not_null(error: &ServerError, mut detail: Detail) -> Error {
    let field = column(error);
    detail.column = field.clone();
    Error::NotNull { fields: field.into_iter().collect(), detail: Box::new(detail) }
}

fn check(error: &ServerError, mut detail: Detail) -> Error {
    // MySQL: Check constraint 'name' is violated. MariaDB: CONSTRAINT `name` failed for `db`.`table`
    let message = &error.message;
    let name = message.split(['\'', '`']).nth(1).unwrap_or_default().to_owned();
    detail.constraint = Some(name.clone());
    detail.table = message.split_once(" failed for ").and_then(|(_, table)| last_name(table));
    Error::CheckConstraint { constraint: name, detail: Box::new(detail) }
}

/// The column that a message names.
fn column(error: &ServerError) -> Option<String> {
    let message = &error.message;
    let named = match error.code {
        1048 | 1054 | 1263 | 1364 => message.split('\'').nth(1),
        1264 | 1265 | 1292 | 1366 | 1406 => {
            message.rsplit_once("for column ").map(|(_, rest)| rest.split(" at row").next().unwrap_or(rest))
        }
        _ => None,
    }?;
    let name = named.trim_matches(['\'', '`']).rsplit(['.', '`']).next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The server's sentence, without what it quotes unless that is a name.
fn without_values(error: &ServerError) -> String {
    let message = error.message.trim();
    match error.code {
        1062 | 1586 => "the key is taken".to_owned(),
        1044 | 1045 | 1698 => "access denied".to_owned(),
        1366 | 1292 => match message.split_once(['\'', ':']) {
            Some((before, _)) => {
                format!("{}{}", before.trim_end(), column(error).map_or(String::new(), |name| format!(" for column {name}")))
            }
            None => message.to_owned(),
        },
        code if quotes_names_only(code) => message.to_owned(),
        _ => cut_quoted(message),
    }
}

/// Errors whose quotes hold names of the schema, or the statement's own text.
fn quotes_names_only(code: u16) -> bool {
    matches!(
        code,
        1005 | 1007..=1010
            | 1046
            | 1048..=1052
            | 1054..=1056
            | 1060
            | 1061
            | 1064
            | 1066..=1075
            | 1091
            | 1101
            | 1109
            | 1142
            | 1143
            | 1146
            | 1170
            | 1193
            | 1205
            | 1213
            | 1216
            | 1217
            | 1227
            | 1231
            | 1263..=1265
            | 1290
            | 1305
            | 1317
            | 1364
            | 1370
            | 1406
            | 1451
            | 1452
            | 1553
            | 1792
            | 1824
            | 1826
            | 1901
            | 3818
            | 3819
            | 4025
    )
}

/// From the first quote to the last: a value may hold quotes itself.
fn cut_quoted(message: &str) -> String {
    match (message.find(['\'', '"', '`']), message.rfind(['\'', '"', '`'])) {
        (Some(first), Some(last)) if last > first => {
            let (before, after) = (message.get(..first).unwrap_or_default(), message.get(last + 1..).unwrap_or_default());
            format!("{before}'..'{after}")
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
