//! SQLite's answers as [`Error`]s. No message holds a bound value.

mod codes;

use crate::connect::SqliteOptions;
use codes::name;
use rusqlite::ffi;
use sequor_core::error::{ConnectionErrorKind, Detail, Error, UsageErrorKind};

/// The error of a statement; `sql` is its text.
#[cold]
pub(crate) fn of_sqlite(error: rusqlite::Error, sql: Option<&str>) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let message = message.unwrap_or_else(|| code.to_string());
            of_code(code.extended_code, without_values(&message, sql))
        }
        // Found while the text was prepared: no value was bound yet.
        rusqlite::Error::SqlInputError { error, msg, .. } => of_code(error.extended_code, msg),
        rusqlite::Error::MultipleStatement => Error::of_usage(
            UsageErrorKind::Other,
            "the text holds more than one statement; send one at a time, or use a script for text without values",
        ),
        other => Error::Database {
            code: "SQLITE_MISUSE".into(),
            detail: Box::new(Detail { source: Some(Box::new(other)), ..Detail::message("the statement cannot run") }),
        },
    }
}

/// The error of a request that the caller gave up.
#[cold]
pub(crate) fn cancelled() -> Error {
    of_code(ffi::SQLITE_INTERRUPT, "the statement was interrupted".into())
}

/// The error of opening a database.
#[cold]
pub(crate) fn of_open(error: rusqlite::Error, options: &SqliteOptions) -> Error {
    let target = options.target();
    let rusqlite::Error::SqliteFailure(code, message) = &error else {
        return Error::connection(ConnectionErrorKind::Invalid, format!("{target}: {error}"));
    };
    let mut message = message.clone().unwrap_or_else(|| code.to_string());
    if let Some(why) = why_not(code.code, std::path::Path::new(&target)) {
        message = why;
    }
    let kind = match code.code {
        rusqlite::ErrorCode::CannotOpen => ConnectionErrorKind::UnknownDatabase,
        rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt => ConnectionErrorKind::Protocol,
        rusqlite::ErrorCode::PermissionDenied | rusqlite::ErrorCode::ReadOnly => ConnectionErrorKind::AccessDenied,
        rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => ConnectionErrorKind::NotReady,
        _ => ConnectionErrorKind::Invalid,
    };
    Error::connection(kind, format!("{target}: {message}"))
}

/// What SQLite does not say about a file that it cannot open.
fn why_not(code: rusqlite::ErrorCode, path: &std::path::Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match code {
        rusqlite::ErrorCode::CannotOpen if path.is_dir() => Some("this is a folder; name a file in it".into()),
        rusqlite::ErrorCode::CannotOpen if folder.is_some_and(|folder| !folder.exists()) => {
            Some("its folder does not exist; make it first".into())
        }
        rusqlite::ErrorCode::CannotOpen if !path.exists() => {
            Some("there is no such file, or it may not be made here; mode=rwc in the URL, which is the default, makes it".into())
        }
        rusqlite::ErrorCode::CannotOpen => {
            Some("the file is there and cannot be opened; check who may read and write it and its folder".into())
        }
        rusqlite::ErrorCode::NotADatabase => Some("this is no SQLite database, or an encrypted one; check the path".into()),
        _ => None,
    }
}

fn of_code(code: i32, message: String) -> Error {
    let mut detail = Detail { message, code: Some(name(code)), ..Detail::default() };
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            let fields = named(&mut detail);
            Error::UniqueConstraint { fields, detail: Box::new(detail) }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let fields = named(&mut detail);
            Error::NotNull { fields, detail: Box::new(detail) }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::ForeignKeyConstraint { fields: Vec::new(), detail: Box::new(detail) },
        // A foreign key's RESTRICT action is raised as a trigger's error; a trigger of the user's own carries the user's own words.
        ffi::SQLITE_CONSTRAINT_TRIGGER if detail.message.starts_with("FOREIGN KEY") => {
            Error::ForeignKeyConstraint { fields: Vec::new(), detail: Box::new(detail) }
        }
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let constraint = tail(&detail.message).to_owned();
            detail.constraint = Some(constraint.clone());
            Error::CheckConstraint { constraint, detail: Box::new(detail) }
        }
        _ => of_primary(code, detail),
    }
}

fn of_primary(code: i32, mut detail: Detail) -> Error {
    let hint = match code & 0xff {
        ffi::SQLITE_INTERRUPT => return Error::Timeout { detail: Box::new(detail) },
        ffi::SQLITE_BUSY if code == ffi::SQLITE_BUSY => {
            detail.retryable = true;
            detail.hint = Some("another connection holds the lock; keep write transactions short, or raise busy_timeout".into());
            return Error::Timeout { detail: Box::new(detail) };
        }
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            detail.retryable = true;
            Some("run the whole transaction again; a transaction that will write begins as one (BEGIN IMMEDIATE)")
        }
        ffi::SQLITE_CANTOPEN => return Error::connection(ConnectionErrorKind::UnknownDatabase, detail.message),
        ffi::SQLITE_NOTADB => return Error::connection(ConnectionErrorKind::Protocol, detail.message),
        ffi::SQLITE_FULL => Some("the disk is full, or max_page_count is reached"),
        ffi::SQLITE_READONLY => Some("the file, its folder, the connection (mode=ro) or the transaction only allows reading"),
        ffi::SQLITE_CORRUPT => Some("the file is damaged: restore a copy, or save what can be read with sqlite3's .recover"),
        ffi::SQLITE_IOERR => Some("the operating system could not read or write the file"),
        ffi::SQLITE_MISUSE => Some("the text holds no statement"),
        ffi::SQLITE_ERROR if detail.message.starts_with("no such table") => Some("run the migrations, or db.sync()"),
        ffi::SQLITE_ERROR if detail.message.contains("no such column") || detail.message.contains("has no column named") => {
            Some("the table is older than the model: run the migrations, or db.sync(); double-quoted text is a name here, never a value")
        }
        _ => None,
    };
    detail.hint = hint.map(str::to_owned);
    detail.table = detail.message.strip_prefix("no such table: ").map(str::to_owned);
    Error::Database { code: detail.code.clone().unwrap_or_default(), detail: Box::new(detail) }
}

/// What stands behind `.. constraint failed: `.
fn tail(message: &str) -> &str {
    message.split_once(": ").map_or(message, |(_, tail)| tail)
}

/// Reads `users.email, users.name` or `index 'name'` of a constraint's message; the columns go to the fields, the rest into the detail.
fn named(detail: &mut Detail) -> Vec<String> {
    let mut fields = Vec::new();
    let message = std::mem::take(&mut detail.message);
    let tail = tail(&message);
    if let Some(index) = tail.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        detail.constraint = Some(index.to_owned());
    } else {
        for column in tail.split(", ") {
            let (table, column) = column.rsplit_once('.').unwrap_or(("", column));
            if !table.is_empty() {
                detail.table = Some(table.to_owned());
            }
            fields.push(column.to_owned());
        }
    }
    detail.message = message;
    fields
}

/// Cuts what a message quotes when that is not in the statement's own text: then it is of a value (a JSON path, a search text).
fn without_values(message: &str, sql: Option<&str>) -> String {
    let Some(sql) = sql else { return message.to_owned() };
    if message.contains("constraint failed") || message.starts_with(crate::functions::MARK) {
        return message.strip_prefix(crate::functions::MARK).unwrap_or(message).to_owned();
    }
    let (head, quoted) = match (message.split_once(": "), message.split_once('"')) {
        (_, Some((head, rest))) => (head, rest.split('"').next().unwrap_or(rest)),
        (Some((head, rest)), None) => (head, rest),
        (None, None) => return message.to_owned(),
    };
    if sql.contains(quoted.trim_matches('\'')) { message.to_owned() } else { head.trim_end().to_owned() }
}
