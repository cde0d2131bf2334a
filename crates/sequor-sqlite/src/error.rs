//! SQLite's codes → [`Error`].

use rusqlite::ffi;
use sequor_core::error::{ConnectionErrorKind, Detail, Error};

fn code_name(code: i32) -> String {
    let known = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE => "SQLITE_CONSTRAINT_UNIQUE",
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY => "SQLITE_CONSTRAINT_PRIMARYKEY",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "SQLITE_CONSTRAINT_NOTNULL",
        ffi::SQLITE_CONSTRAINT_CHECK => "SQLITE_CONSTRAINT_CHECK",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "SQLITE_CONSTRAINT_FOREIGNKEY",
        ffi::SQLITE_BUSY_SNAPSHOT => "SQLITE_BUSY_SNAPSHOT",
        _ => match code & 0xff {
            ffi::SQLITE_ERROR => "SQLITE_ERROR",
            ffi::SQLITE_BUSY => "SQLITE_BUSY",
            ffi::SQLITE_LOCKED => "SQLITE_LOCKED",
            ffi::SQLITE_READONLY => "SQLITE_READONLY",
            ffi::SQLITE_INTERRUPT => "SQLITE_INTERRUPT",
            ffi::SQLITE_IOERR => "SQLITE_IOERR",
            ffi::SQLITE_CORRUPT => "SQLITE_CORRUPT",
            ffi::SQLITE_FULL => "SQLITE_FULL",
            ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
            ffi::SQLITE_TOOBIG => "SQLITE_TOOBIG",
            ffi::SQLITE_CONSTRAINT => "SQLITE_CONSTRAINT",
            ffi::SQLITE_MISMATCH => "SQLITE_MISMATCH",
            ffi::SQLITE_AUTH => "SQLITE_AUTH",
            ffi::SQLITE_NOTADB => "SQLITE_NOTADB",
            _ => return format!("SQLITE_{code}"),
        },
    };
    known.to_owned()
}

/// `users.email, users.name` → table and columns.
fn columns_of(list: &str) -> (Option<String>, Vec<String>) {
    let mut table = None;
    let columns = list
        .split(", ")
        .map(|part| match part.rsplit_once('.') {
            Some((owner, column)) => {
                table = Some(owner.to_owned());
                column.to_owned()
            }
            None => part.to_owned(),
        })
        .collect();
    (table, columns)
}

/// The error of a statement.
pub(crate) fn of(source: rusqlite::Error) -> Error {
    let (code, message) = match &source {
        rusqlite::Error::SqliteFailure(failure, message) => (failure.extended_code, message.clone().unwrap_or_else(|| failure.to_string())),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
        rusqlite::Error::MultipleStatement => return Error::usage("one statement at a time: the text holds a second one"),
        rusqlite::Error::InvalidParameterCount(given, wanted) => return Error::usage(format!("the statement takes {wanted} parameters, {given} were given")),
        _ => (ffi::SQLITE_ERROR, source.to_string()),
    };
    let mut detail = Box::new(Detail { code: Some(code_name(code)), ..Detail::default() });
    let subject = message.split_once("constraint failed: ").map(|(_, subject)| subject.to_owned());
    detail.source = Some(Box::new(source));
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            let subject = subject.unwrap_or_default();
            if let Some(index) = subject.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
                detail.constraint = Some(index.to_owned());
                return Error::UniqueConstraint { fields: Vec::new(), detail };
            }
            let (table, fields) = columns_of(&subject);
            detail.table = table;
            Error::UniqueConstraint { fields, detail }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let (table, fields) = columns_of(&subject.unwrap_or_default());
            detail.table = table;
            Error::NotNull { fields, detail }
        }
        ffi::SQLITE_CONSTRAINT_CHECK => Error::CheckConstraint { constraint: subject.unwrap_or_default(), detail },
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => Error::ForeignKeyConstraint { fields: Vec::new(), detail },
        _ => other(code, message, detail),
    }
}

fn other(code: i32, message: String, mut detail: Box<Detail>) -> Error {
    detail.message = message;
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            detail.retryable = true;
            detail.hint = Some("another connection is writing: run the transaction again, or use Tx::retry".into());
            Error::Timeout { detail }
        }
        ffi::SQLITE_INTERRUPT => {
            detail.message = "the statement was interrupted".into();
            Error::Timeout { detail }
        }
        _ => {
            if detail.message.contains("no such table") || detail.message.contains("no such column") || detail.message.contains("has no column") {
                detail.hint = Some("run the migrations, or db.sync in development".into());
            }
            Error::Database { code: code_name(code), detail }
        }
    }
}

/// The error of preparing a statement.
pub(crate) fn preparing(source: rusqlite::Error, _text: &str) -> Error {
    of(source)
}

/// The error of opening a database.
pub(crate) fn connecting(source: rusqlite::Error, target: &str) -> Error {
    let code = source.sqlite_error().map_or(ffi::SQLITE_ERROR, |failure| failure.extended_code);
    let (kind, why) = match code & 0xff {
        ffi::SQLITE_CANTOPEN => (ConnectionErrorKind::UnknownDatabase, "the file cannot be opened: check the path and its folder's rights, and mode=rw"),
        ffi::SQLITE_NOTADB => (ConnectionErrorKind::Protocol, "the file is not an SQLite database"),
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH | ffi::SQLITE_READONLY => (ConnectionErrorKind::AccessDenied, "the file cannot be written"),
        ffi::SQLITE_BUSY => (ConnectionErrorKind::NotReady, "the file is locked"),
        _ => (ConnectionErrorKind::Invalid, "SQLite refuses the database or a setting"),
    };
    let mut error = sequor_core::error::ConnectionError::new(kind, format!("{target}: {why}"));
    error.source = Some(Box::new(source));
    Error::Connection(error)
}
