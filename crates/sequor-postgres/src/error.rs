//! What the server says when it refuses, and which [`Error`] that is. DETAIL and CONTEXT hold values of rows and are never copied.

mod fields;

pub(crate) use fields::ServerMessage;

use sequor_core::Error;
use sequor_core::error::{ConnectionError, ConnectionErrorKind, Detail};
use std::io;

/// Why a connection can no longer be used, as far as it is known.
#[cold]
pub(crate) fn broken(error: io::Error, target: &str) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::InvalidData => ConnectionErrorKind::Protocol,
        io::ErrorKind::TimedOut => ConnectionErrorKind::TimedOut,
        _ => ConnectionErrorKind::Broken,
    };
    connection(kind, format!("{target}: {error}"), error)
}

/// A line that broke when nobody can say whether the work was stored.
#[cold]
pub(crate) fn commit_unknown(cause: Error, target: &str) -> Error {
    connection(ConnectionErrorKind::CommitUnknown, target.to_owned(), cause)
}

/// Something that no server says at this point.
#[cold]
pub(crate) fn protocol(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server broke the protocol: {what}"))
}

/// A connection error with the error underneath.
#[cold]
pub(crate) fn connection(kind: ConnectionErrorKind, message: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Connection(ConnectionError { kind, message, source: Some(source.into()) })
}

/// COMMIT answered with another tag: the work is not stored.
#[cold]
pub(crate) fn not_committed(tag: &str) -> Error {
    let message =
        format!("COMMIT was answered with {}: an earlier error had ended the transaction, nothing of it is stored", tag.escape_default());
    let detail = Detail { message, code: Some("25P02".into()), ..Detail::default() };
    Error::Database { code: "25P02".into(), detail: Box::new(detail) }
}

impl ServerMessage {
    /// The error that this answer is, outside of connecting.
    #[cold]
    pub(crate) fn into_error(self, target: &str) -> Error {
        let code = self.code.clone();
        if let Some(kind) = self.connection_kind() {
            return Error::connection(kind, format!("{target}: {} ({code})", self.safe_message()));
        }
        match code.as_str() {
            "23505" => Error::UniqueConstraint { fields: self.keys.clone(), detail: self.constraint_detail() },
            "23503" => Error::ForeignKeyConstraint { fields: self.keys.clone(), detail: self.constraint_detail() },
            "23502" => Error::NotNull { fields: self.column.clone().into_iter().collect(), detail: self.constraint_detail() },
            "23514" => Error::CheckConstraint {
                constraint: self.constraint.clone().unwrap_or_else(|| "of the domain or type".into()),
                detail: self.constraint_detail(),
            },
            "23P01" => Error::ExclusionConstraint { detail: self.constraint_detail() },
            "40P01" => Error::Deadlock { detail: self.retryable_detail() },
            "40001" => Error::Serialization { detail: self.retryable_detail() },
            "57014" | "55P03" | "25P04" => Error::Timeout { detail: self.full_detail() },
            _ => Error::Database { code, detail: self.full_detail() },
        }
    }

    /// The error that this answer is while connecting.
    #[cold]
    pub(crate) fn into_connect_error(self, target: &str) -> Error {
        if self.code == "53300" {
            let hint = "raise max_connections on the server, or lower Pool { max } of the programs that use it";
            let message = format!("{target}: {} (53300): {hint}", self.safe_message());
            return Error::connection(ConnectionErrorKind::ServerFull, message);
        }
        let kind = match (self.code.as_str(), self.connection_kind()) {
            (_, Some(kind)) => kind,
            (code, None) if code.starts_with("28") => ConnectionErrorKind::AccessDenied,
            ("3D000", None) => ConnectionErrorKind::UnknownDatabase,
            ("42501", None) => ConnectionErrorKind::AccessDenied,
            ("42704" | "22023" | "55P02", None) => ConnectionErrorKind::Invalid,
            _ => ConnectionErrorKind::Broken,
        };
        let next = match kind {
            ConnectionErrorKind::AccessDenied => {
                "; check user and password in the URL, or PGUSER and PGPASSWORD, and pg_hba.conf on the server"
            }
            ConnectionErrorKind::UnknownDatabase => "; check the name behind the host in the URL, or PGDATABASE",
            _ => "",
        };
        Error::connection(kind, format!("{target}: {} ({}){next}", self.safe_message(), self.code))
    }

    /// The kind of connection error, for the codes that say that the connection or the server ends.
    fn connection_kind(&self) -> Option<ConnectionErrorKind> {
        Some(match self.code.as_str() {
            "57P03" => ConnectionErrorKind::NotReady,
            "53300" if self.fatal => ConnectionErrorKind::ServerFull,
            "57P01" | "57P02" | "57P04" | "57P05" | "25P03" => ConnectionErrorKind::Broken,
            "08P01" if !self.fatal => return None,
            code if code.starts_with("08") => ConnectionErrorKind::Broken,
            _ => return None,
        })
    }

    /// Whether the server does not know a name that it was told.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.code == "26000"
    }

    /// Whether the plan of a prepared statement no longer fits, or the statement is gone.
    pub(crate) fn is_stale_plan(&self) -> bool {
        // The text is translated by servers, so the place in the server's source decides where it is given.
        // Internal errors are not translated: a type that was dropped and made anew has another number.
        self.is_forgotten()
            || (self.code == "XX000" && self.message.starts_with("cache lookup failed for type"))
            || (self.code == "0A000" && (self.routine == "RevalidateCachedQuery" || self.message.contains("cached plan")))
    }

    /// One tracing event for a notice, whatever is in it.
    #[cold]
    pub(crate) fn log(&self) {
        let message = self.safe_message();
        let (message, code) = (message.escape_debug(), self.code.escape_debug());
        match self.severity.as_str() {
            "WARNING" => tracing::warn!(target: "sequor::postgres", %code, "{message}"),
            "DEBUG" | "LOG" => tracing::trace!(target: "sequor::postgres", %code, "{message}"),
            _ => tracing::debug!(target: "sequor::postgres", %code, "{message}"),
        }
    }

    fn constraint_detail(self) -> Box<Detail> {
        Box::new(Detail {
            message: String::new(),
            column: self.column,
            table: self.table,
            constraint: self.constraint,
            code: Some(self.code),
            ..Detail::default()
        })
    }

    fn retryable_detail(self) -> Box<Detail> {
        Box::new(Detail { retryable: true, table: self.table, code: Some(self.code), ..Detail::default() })
    }

    fn full_detail(self) -> Box<Detail> {
        let hint = match self.code.as_str() {
            "42P01" => Some("the table is missing in this database: run the migrations, or db.sync()".to_owned()),
            "42703" => Some("the column is missing in this database: run the migrations, or db.sync()".to_owned()),
            "25P02" => Some("an earlier error ended the transaction: roll it back; what may fail in between belongs into a transaction of its own, a savepoint: tx.transaction(..)".to_owned()),
            "42883" if self.message.contains("binary output") => Some("cast the column to text in the query".to_owned()),
            "0A000" | "26000" | "XX000" if self.is_stale_plan() => {
                Some("the schema changed under this transaction: run it again".to_owned())
            }
            _ => None,
        };
        Box::new(Detail {
            message: self.safe_message(),
            column: self.column.clone(),
            table: self.table.clone(),
            constraint: self.constraint.clone(),
            hint,
            retryable: self.is_stale_plan(),
            code: Some(self.code),
            ..Detail::default()
        })
    }
}

#[cfg(test)]
mod tests;
