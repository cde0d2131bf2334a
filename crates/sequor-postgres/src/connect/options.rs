//! [`PostgresOptions`]: where to connect, as whom and how.

use super::{environment, url};
use sequor_core::Result;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a connection needs to know. Its `Debug` hides the password.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) hosts: Vec<Host>,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    /// Where passwords are looked up when none is given.
    pub(crate) passfile: Option<PathBuf>,
    pub(crate) database: String,
    pub(crate) tls: Tls,
    /// How long one host may take; `None` is for ever.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) session: SessionKind,
    /// Settings for the start of the session, in the order in which they were given.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) channel_binding: ChannelBinding,
    /// The password may go over an unencrypted or unverified line.
    pub(crate) allow_cleartext: bool,
    /// Which ways to authenticate are accepted.
    pub(crate) methods: Methods,
    pub(crate) statements: StatementMode,
}

/// Whether statements are prepared by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementMode {
    /// By name, until the server is seen to forget names: then a proxy shares its connections.
    #[default]
    Auto,
    /// By name.
    Named,
    /// Without names, each time anew: for proxies that share server connections between transactions.
    Unnamed,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// A name, an address or the directory of a Unix socket.
    pub(crate) name: String,
    /// The address to use instead of resolving the name.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

/// What a server must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SessionKind {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// TLS settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// `None` follows the host: none on this machine, verified elsewhere.
    pub(crate) mode: Option<TlsMode>,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// Whether the server's name is told to it.
    pub(crate) no_sni: bool,
    /// The newest and oldest version are both 1.3, or 1.2 is allowed.
    pub(crate) only_13: bool,
    pub(crate) only_12: bool,
}

/// How much TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    /// None.
    Disable,
    /// Encrypted, whoever answers.
    Require,
    /// The certificate must be of a known authority.
    VerifyCa,
    /// And for this host.
    VerifyFull,
}

/// TCP keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalive {
    pub(crate) idle: Duration,
    pub(crate) interval: Duration,
    pub(crate) count: u32,
}

/// Whether SCRAM must be bound to the TLS channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChannelBinding {
    Disable,
    #[default]
    Prefer,
    Require,
}

/// Ways to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Methods {
    pub(crate) none: bool,
    pub(crate) password: bool,
    pub(crate) md5: bool,
    pub(crate) scram: bool,
}

impl Methods {
    pub(crate) const ALL: Methods = Methods { none: true, password: true, md5: true, scram: true };
    pub(crate) const NONE: Methods = Methods { none: false, password: false, md5: false, scram: false };
}

impl Default for Keepalive {
    /// A silent peer is found within 30 seconds.
    fn default() -> Keepalive {
        Keepalive { idle: Duration::from_secs(15), interval: Duration::from_secs(5), count: 3 }
    }
}

impl Host {
    /// The directory of a Unix socket.
    pub(crate) fn socket_directory(&self) -> Option<&str> {
        self.name.starts_with('/').then_some(&*self.name)
    }

    /// Whether the server is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.socket_directory().is_some()
            || match (self.address, self.name.parse::<IpAddr>()) {
                (Some(address), _) => address.is_loopback(),
                (None, Ok(address)) => address.is_loopback(),
                (None, Err(_)) => self.name.eq_ignore_ascii_case("localhost"),
            }
    }
}

impl PostgresOptions {
    /// Reads a URL: `postgres://user:password@host:port/database?parameter=value`. What it leaves out comes from the `PG*` variables of the environment and
    /// from the password file.
    ///
    /// # Errors
    /// `Connection(Invalid)` that names the part or parameter, never a secret.
    pub fn parse(url: &str) -> Result<PostgresOptions> {
        PostgresOptions::parse_with(url, &|name| std::env::var(name).ok())
    }

    /// Reads a URL with another environment than the process has.
    pub(crate) fn parse_with(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<PostgresOptions> {
        environment::complete(url::parse(url)?, environment)
    }

    /// Whether statements are prepared by name.
    #[must_use]
    pub fn statement_mode(mut self, mode: StatementMode) -> PostgresOptions {
        self.statements = mode;
        self
    }

    /// The name that the server shows for connections.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> PostgresOptions {
        self.set("application_name", name.into());
        self
    }

    /// A setting of the session, given at its start: `statement_timeout`, `search_path`, ..
    #[must_use]
    pub fn setting(mut self, name: impl AsRef<str>, value: impl Into<String>) -> PostgresOptions {
        self.set(name.as_ref(), value.into());
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value));
    }

    /// Host, port and database of one server.
    pub(crate) fn target_of(&self, host: &Host) -> String {
        let name = if host.name.contains(':') { format!("[{}]", host.name) } else { host.name.clone() };
        format!("{name}:{}/{}", host.port, self.database)
    }

    /// How much TLS a host gets.
    pub(crate) fn tls_mode(&self, host: &Host) -> TlsMode {
        match self.tls.mode {
            _ if host.socket_directory().is_some() => TlsMode::Disable,
            Some(mode) => mode,
            None if host.is_local() => TlsMode::Disable,
            None => TlsMode::VerifyFull,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("hosts", &self.hosts)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("database", &self.database)
            .field("tls", &self.tls)
            .field("connect_timeout", &self.connect_timeout)
            .field("session", &self.session)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
