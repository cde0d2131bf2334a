//! [`MysqlOptions`]: where the server is and how to log in. Read from a URL, with the `MYSQL_*` variables for what it leaves out.

mod url;

use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The port of MySQL and MariaDB.
const PORT: u16 = 3306;

/// How the line to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// In the clear.
    Disable,
    /// Encrypted, whoever answers.
    Require,
    /// Encrypted, and the certificate comes from a known authority.
    VerifyCa,
    /// Encrypted, and the certificate is this host's.
    VerifyFull,
}

/// What a server must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionKind {
    Any,
    ReadWrite,
    ReadOnly,
}

/// Where the server is and how to log in.
#[derive(Clone)]
pub struct MysqlOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket: Option<PathBuf>,
    /// Servers to try when the first does not answer, in order: names with their ports.
    pub(crate) others: Vec<(String, u16)>,
    /// What a server must be.
    pub(crate) wanted: SessionKind,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) tls: Option<TlsMode>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) server_key: Option<PathBuf>,
    pub(crate) fetch_server_key: bool,
    pub(crate) cleartext: bool,
    pub(crate) statements: usize,
}

impl MysqlOptions {
    /// Reads a URL: `mysql://user:password@host:port/database?ssl-mode=verify-full`.
    ///
    /// What it leaves out comes from `MYSQL_HOST`, `MYSQL_TCP_PORT`, `MYSQL_USER`, `MYSQL_PWD`, `MYSQL_DATABASE` and `MYSQL_UNIX_PORT`.
    ///
    /// # Errors
    /// `Connection(Invalid)` that says what to change; no message holds the password.
    pub fn parse(url: &str) -> Result<MysqlOptions> {
        url::parse(url, &|name| std::env::var(name).ok())
    }

    fn with_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<MysqlOptions> {
        let port = match variable("MYSQL_TCP_PORT").filter(|port| !port.is_empty()) {
            Some(port) => port.parse().map_err(|_| invalid("MYSQL_TCP_PORT is not a port number"))?,
            None => PORT,
        };
        let host = variable("MYSQL_HOST").filter(|host| !host.is_empty());
        let socket = variable("MYSQL_UNIX_PORT").filter(|path| host.is_none() && !path.is_empty());
        Ok(MysqlOptions {
            host: host.unwrap_or_else(|| "localhost".to_owned()),
            port,
            socket: socket.map(PathBuf::from),
            others: Vec::new(),
            wanted: SessionKind::Any,
            user: variable("MYSQL_USER").or_else(|| variable("USER")).unwrap_or_default(),
            password: variable("MYSQL_PWD"),
            database: variable("MYSQL_DATABASE").filter(|name| !name.is_empty()),
            tls: None,
            ca: None,
            cert: None,
            key: None,
            connect_timeout: Duration::from_secs(10),
            server_key: None,
            fetch_server_key: false,
            cleartext: false,
            statements: crate::statements::CAPACITY,
        })
    }

    /// Uses another password, for one that does not come in the URL.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> MysqlOptions {
        self.password = Some(password.into());
        self
    }

    /// Uses another database; `None` connects to none.
    #[must_use]
    pub fn database(mut self, database: Option<String>) -> MysqlOptions {
        self.database = database;
        self
    }

    /// Gives up connecting after this long.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> MysqlOptions {
        self.connect_timeout = limit;
        self
    }

    /// The name of the database.
    pub fn database_name(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// These options for each server alone, in order.
    pub(crate) fn each(&self) -> impl Iterator<Item = MysqlOptions> + '_ {
        let first = MysqlOptions { others: Vec::new(), ..self.clone() };
        let others = self.others.iter().map(|(host, port)| {
            let socket = host.starts_with('/').then(|| PathBuf::from(host));
            MysqlOptions { host: host.clone(), port: *port, socket, others: Vec::new(), ..self.clone() }
        });
        std::iter::once(first).chain(others)
    }

    /// Whether a server of this kind is what the URL wants.
    pub(crate) fn check(&self, read_only: bool) -> Result<()> {
        let word = match (self.wanted, read_only) {
            (SessionKind::ReadWrite, true) => "read-write",
            (SessionKind::ReadOnly, false) => "read-only",
            (SessionKind::Any | SessionKind::ReadWrite | SessionKind::ReadOnly, _) => return Ok(()),
        };
        Err(Error::connection(ConnectionErrorKind::NotReady, format!("{} is not {word} (target_session_attrs)", self.target())))
    }

    /// Host, port and database for messages; never credentials.
    pub fn target(&self) -> String {
        let database = self.database.as_deref().unwrap_or_default();
        match &self.socket {
            Some(socket) => format!("{}/{database}", socket.display()),
            None if self.host.contains(':') => format!("[{}]:{}/{database}", self.host, self.port),
            None => format!("{}:{}/{database}", self.host, self.port),
        }
    }

    /// The protection of the line: as asked for, else full off this machine and none on it.
    pub(crate) fn tls_mode(&self) -> TlsMode {
        match self.tls {
            _ if self.socket.is_some() => TlsMode::Disable,
            Some(mode) => mode,
            None if self.is_loopback() => TlsMode::Disable,
            None => TlsMode::VerifyFull,
        }
    }

    /// Whether the server is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.socket.is_some()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Debug for MysqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlOptions")
            .field("target", &self.target())
            .field("tls", &self.tls_mode())
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, message)
}
