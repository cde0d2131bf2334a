//! [`ConnectionError`]: why there is no connection.

use std::fmt;

/// A connection that could not be made or that broke.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let error = Db::connect("sqlite:///no/such/folder/app.db").await.unwrap_err();
/// if let Error::Connection(error) = &error {
///     println!("{:?}: {}", error.kind(), error.message);
/// }
/// assert!(matches!(error, Error::Connection(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConnectionError {
    /// What went wrong.
    pub kind: ConnectionErrorKind,
    /// The sentence: host and port, never credentials.
    pub message: String,
    /// The error underneath.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`ConnectionError`].
///
/// ```
/// use sequor::ConnectionErrorKind;
/// assert!(ConnectionErrorKind::Refused.is_transient(), "the server may come back");
/// assert!(!ConnectionErrorKind::AccessDenied.is_transient(), "the password stays wrong");
/// assert_eq!(ConnectionErrorKind::TimedOut.sequelize_name(), "SequelizeConnectionTimedOutError");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionErrorKind {
    /// Nobody listens there.
    Refused,
    /// Wrong user or password, or not allowed from here.
    AccessDenied,
    /// The database does not exist.
    UnknownDatabase,
    /// The name does not resolve.
    HostNotFound,
    /// There is no way to that host.
    HostNotReachable,
    /// The server did not answer in time.
    TimedOut,
    /// No connection came free in time.
    AcquireTimeout,
    /// The connection broke.
    Broken,
    /// The line broke after COMMIT was sent: the transaction may or may not be durable.
    CommitUnknown,
    /// TLS could not be agreed on, or the certificate was refused.
    Tls,
    /// What answered does not speak the protocol, or breaks it.
    Protocol,
    /// The URL or an option is wrong.
    Invalid,
    /// The server is starting or stopping.
    NotReady,
    /// The server has no connection left.
    ServerFull,
}

impl ConnectionErrorKind {
    /// The class that Sequelize would have thrown.
    pub fn sequelize_name(self) -> &'static str {
        match self {
            ConnectionErrorKind::Refused => "SequelizeConnectionRefusedError",
            ConnectionErrorKind::AccessDenied => "SequelizeAccessDeniedError",
            ConnectionErrorKind::HostNotFound => "SequelizeHostNotFoundError",
            ConnectionErrorKind::HostNotReachable => "SequelizeHostNotReachableError",
            ConnectionErrorKind::TimedOut => "SequelizeConnectionTimedOutError",
            ConnectionErrorKind::AcquireTimeout => "SequelizeConnectionAcquireTimeoutError",
            ConnectionErrorKind::Invalid => "SequelizeInvalidConnectionError",
            ConnectionErrorKind::UnknownDatabase
            | ConnectionErrorKind::Broken
            | ConnectionErrorKind::CommitUnknown
            | ConnectionErrorKind::Tls
            | ConnectionErrorKind::Protocol
            | ConnectionErrorKind::NotReady
            | ConnectionErrorKind::ServerFull => "SequelizeConnectionError",
        }
    }

    /// Whether trying again later can help.
    pub fn is_transient(self) -> bool {
        !matches!(
            self,
            ConnectionErrorKind::AccessDenied
                | ConnectionErrorKind::UnknownDatabase
                | ConnectionErrorKind::Tls
                | ConnectionErrorKind::Protocol
                | ConnectionErrorKind::Invalid
                | ConnectionErrorKind::CommitUnknown
        )
    }
}

impl ConnectionError {
    /// A connection error with its sentence.
    #[cold]
    pub fn new(kind: ConnectionErrorKind, message: impl Into<String>) -> ConnectionError {
        ConnectionError { kind, message: message.into(), source: None }
    }

    /// What went wrong.
    pub fn kind(&self) -> ConnectionErrorKind {
        self.kind
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ConnectionErrorKind::Refused => "connection refused",
            ConnectionErrorKind::AccessDenied => "access denied",
            ConnectionErrorKind::UnknownDatabase => "unknown database",
            ConnectionErrorKind::HostNotFound => "host not found",
            ConnectionErrorKind::HostNotReachable => "host not reachable",
            ConnectionErrorKind::TimedOut => "connecting timed out",
            ConnectionErrorKind::AcquireTimeout => "no connection came free in time",
            ConnectionErrorKind::Broken => "the connection broke",
            ConnectionErrorKind::CommitUnknown => "the connection broke after COMMIT was sent: the transaction may or may not be stored",
            ConnectionErrorKind::Tls => "TLS failed",
            ConnectionErrorKind::Protocol => "not the protocol that was expected",
            ConnectionErrorKind::Invalid => "invalid connection setting",
            ConnectionErrorKind::NotReady => "the server is not ready",
            ConnectionErrorKind::ServerFull => "the server has no connection left",
        };
        write!(f, "{what}: {}", self.message)
    }
}
