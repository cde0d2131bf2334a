//! Every parameter that a PostgreSQL URL may carry: obeyed, or refused with the reason. Others are errors that list the known ones.

use super::options::{ChannelBinding, Methods, SessionKind, StatementMode, TlsMode};
use super::url::invalid;
use sequor_core::Result;
use std::path::PathBuf;
use std::time::Duration;

/// Variables of the environment and the parameters that they stand for.
///
/// Those of GSSAPI's libraries say nothing here and are left alone; one that names a service file or asks for a check that is not made is refused.
pub(crate) const VARIABLES: [(&str, &str); 26] = [
    ("PGHOSTADDR", "hostaddr"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
    ("PGSERVICE", "service"),
    ("PGREQUIRESSL", "requiressl"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
];

/// The parameters that are obeyed.
const KNOWN: [&str; 40] = [
    "allow_cleartext",
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "host",
    "hostaddr",
    "idle_in_transaction_session_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "lock_timeout",
    "max_protocol_version",
    "min_protocol_version",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "search_path",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "statement_mode",
    "statement_timeout",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// The parameters that other clients know, and why they are refused.
const REFUSED: [(&str, &str); 70] = [
    ("allowExitOnIdle", "the pool never keeps a program alive: leave it out"),
    ("authtype", "it has meant nothing for decades: leave it out"),
    ("benchmark", "how long statements take is in their spans and metrics"),
    ("binary", "results are always binary: leave it out"),
    ("clientMinMessages", "notices are always logged by their level"),
    ("connection_limit", "the pool's size is set by Pool { max }"),
    ("connectionTimeoutMillis", "write connect_timeout, in seconds"),
    ("database", "write dbname, or the database behind the host"),
    ("databaseVersion", "the server says its version itself"),
    ("dialect", "the beginning of the URL says it: postgres://"),
    ("enableChannelBinding", "write channel_binding=prefer, require or disable"),
    ("encoding", "text is always UTF-8: leave it out"),
    ("gssdelegation", "GSSAPI is not supported"),
    ("gsslib", "GSSAPI is not supported"),
    ("host_addr", "write hostaddr"),
    ("idleTimeoutMillis", "how long a connection stays idle is set by Pool { idle }"),
    ("isolationLevel", "each transaction says its own: .transaction_with(Tx::serializable(), ..)"),
    ("keepAlive", "write keepalives"),
    ("keepAliveInitialDelayMillis", "write keepalives_idle, in seconds"),
    ("keepDefaultTimezone", "the session's time zone is always UTC"),
    ("krbsrvname", "GSSAPI is not supported"),
    ("logging", "statements are reported by .logging(true)"),
    ("logQueryParameters", "values are shown by .log_query_parameters(true)"),
    ("max", "the pool's size is set by Pool { max }"),
    ("maxLifetimeSeconds", "how old a connection may become is set by Pool { lifetime }"),
    ("maxUses", "how often a connection is used is set by Pool { max_uses }"),
    ("min", "how many connections are kept is set by Pool { min }"),
    ("minifyAliases", "long names are always made short and distinct"),
    ("native", "there is one driver: leave it out"),
    ("oauth_client_id", "OAuth is not supported"),
    ("oauth_client_secret", "OAuth is not supported"),
    ("oauth_issuer", "OAuth is not supported"),
    ("oauth_scope", "OAuth is not supported"),
    ("parseInputDatesAsUTC", "dates are always typed, and instants are UTC"),
    ("pgbouncer", "write statement_mode=unnamed"),
    ("pool", "the pool's limits are set by Pool { .. }"),
    ("pool_timeout", "the pool's patience is set by Pool { acquire }"),
    ("prepared_statements", "write statement_mode=named or unnamed"),
    ("prepareThreshold", "write statement_mode=named or unnamed"),
    ("prependSearchPath", "write search_path"),
    ("protocol", "the beginning of the URL says it: postgres://"),
    ("query_timeout", "write statement_timeout"),
    ("quoteIdentifiers", "names are always quoted"),
    ("replication", "replication connections are not supported"),
    ("requirepeer", "checking the owner of a Unix socket is not supported; protect its directory"),
    ("requiressl", "write sslmode=require, verify-ca or verify-full"),
    ("retry", "attempts at connecting are set by .retry(Retry { .. })"),
    ("schema", "tables are qualified by db.schema(..); search_path sets the server's own"),
    ("scram_client_key", "give the password"),
    ("scram_server_key", "give the password"),
    ("searchPath", "write search_path"),
    ("service", "service files are not read: write the settings into the URL"),
    ("servicefile", "service files are not read: write the settings into the URL"),
    ("socket_timeout", "write statement_timeout, and tcp_user_timeout for the line"),
    ("ssl", "write sslmode=require, verify-ca or verify-full"),
    ("sslaccept", "write sslmode=require, verify-ca or verify-full"),
    ("sslcrl", "revocation lists are not supported"),
    ("sslcrldir", "revocation lists are not supported"),
    ("sslidentity", "write sslcert and sslkey"),
    ("sslkeylogfile", "session keys are never written to a file"),
    ("sslpassword", "encrypted keys are not supported: decrypt the key file and protect it by its permissions"),
    ("standardConformingStrings", "it is always on: leave it out"),
    ("statement_cache_size", "write statement_mode=unnamed to keep no statements"),
    ("storage", "it is SQLite's: write sqlite://path"),
    ("stream", "the socket cannot be chosen"),
    ("timezone", "the session's time zone is always UTC"),
    ("tty", "it has meant nothing for decades: leave it out"),
    ("types", "cells are read by the type of the model's field"),
    ("uselibpqcompat", "sslmode always means what libpq says, and prefer and allow are refused: leave it out"),
    ("username", "write user"),
];

/// What parameters say, before it is put together.
#[derive(Default)]
pub(crate) struct Given {
    names: Vec<String>,
    pub(crate) hosts: Option<String>,
    pub(crate) host_addresses: Option<String>,
    pub(crate) ports: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) passfile: Option<PathBuf>,
    pub(crate) database: Option<String>,
    pub(crate) tls_mode: Option<TlsMode>,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) no_sni: bool,
    pub(crate) only_13: bool,
    pub(crate) only_12: bool,
    pub(crate) connect_timeout: Option<Option<Duration>>,
    pub(crate) session: Option<SessionKind>,
    pub(crate) application_name: Option<String>,
    pub(crate) fallback_application_name: Option<String>,
    pub(crate) keepalives: Option<bool>,
    pub(crate) keepalive_idle: Option<Duration>,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) keepalive_count: Option<u32>,
    pub(crate) tcp_user_timeout: Option<Option<Duration>>,
    pub(crate) channel_binding: Option<ChannelBinding>,
    pub(crate) allow_cleartext: bool,
    pub(crate) methods: Option<Methods>,
    pub(crate) statements: StatementMode,
    pub(crate) settings: Vec<(String, String)>,
}

impl Given {
    /// Whether a parameter was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// Takes one parameter; `source` is the name that messages use. Values are not shown: some are secrets.
pub(crate) fn take(given: &mut Given, name: &str, value: &str, source: &str) -> Result<()> {
    if given.has(name) {
        return Err(invalid(format!("the parameter {source} is given twice")));
    }
    given.names.push(name.to_owned());
    let text = || Some(value.to_owned());
    let path = || Some(PathBuf::from(value));
    match name {
        "host" => given.hosts = text(),
        "hostaddr" => given.host_addresses = text(),
        "port" => given.ports = text(),
        "user" => given.user = text(),
        "password" => given.password = text(),
        "passfile" => given.passfile = path(),
        "dbname" => given.database = text(),
        "sslmode" => given.tls_mode = Some(tls_mode(value, source)?),
        "sslrootcert" => given.root_certificate = path(),
        "sslcert" => given.certificate = path(),
        "sslkey" => given.key = path(),
        "sslsni" => given.no_sni = !flag(value, source)?,
        "ssl_min_protocol_version" => given.only_13 = tls_version(value, source)? == 3,
        "ssl_max_protocol_version" => given.only_12 = tls_version(value, source)? == 2,
        "connect_timeout" => given.connect_timeout = Some(seconds(value, source)?),
        "target_session_attrs" => given.session = Some(session(value, source)?),
        "application_name" => given.application_name = text(),
        "fallback_application_name" => given.fallback_application_name = text(),
        "keepalives" => given.keepalives = Some(flag(value, source)?),
        "keepalives_idle" => given.keepalive_idle = seconds(value, source)?,
        "keepalives_interval" => given.keepalive_interval = seconds(value, source)?,
        "keepalives_count" => given.keepalive_count = Some(number(value, source)?).filter(|count| *count > 0),
        "tcp_user_timeout" => {
            given.tcp_user_timeout = Some(Some(Duration::from_millis(number(value, source)?.into())).filter(|limit| !limit.is_zero()))
        }
        "channel_binding" => given.channel_binding = Some(channel_binding(value, source)?),
        "require_auth" => given.methods = Some(methods(value, source)?),
        "allow_cleartext" => given.allow_cleartext = flag(value, source)?,
        "statement_mode" => given.statements = statement_mode(value, source)?,
        "options" | "search_path" | "statement_timeout" | "lock_timeout" | "idle_in_transaction_session_timeout" => {
            given.settings.push((name.to_owned(), value.to_owned()));
        }
        _ => only_default(name, value, source)?,
    }
    Ok(())
}

/// Parameters that are obeyed by doing what is always done, and all others.
fn only_default(name: &str, value: &str, source: &str) -> Result<()> {
    let (fine, reason): (&[&str], &str) = match name {
        "client_encoding" => (&["utf8", "utf-8", "unicode", "auto"], "text is always UTF-8"),
        "gssencmode" => (&["disable", "prefer"], "GSSAPI is not supported"),
        "load_balance_hosts" => (&["disable"], "hosts are tried in their order; spread reads by read replicas"),
        "max_protocol_version" | "min_protocol_version" => (&["3.0", "latest"], "protocol 3.0 is what is spoken"),
        "sslcertmode" => (&["allow"], "a certificate is sent when sslcert is given"),
        "sslcompression" => (&["0"], "TLS compression is unsafe"),
        "sslnegotiation" => (&["postgres"], "TLS begins by asking the server"),
        _ => return Err(unknown(name, source)),
    };
    match fine.iter().any(|fine| value.eq_ignore_ascii_case(fine)) {
        true => Ok(()),
        false => Err(invalid(format!("{source} can only be {}: {reason}", fine.join(" or ")))),
    }
}

#[cold]
fn unknown(name: &str, source: &str) -> sequor_core::Error {
    if name.is_empty() {
        return invalid("a parameter of the URL has no name");
    }
    match REFUSED.iter().find(|(refused, _)| *refused == name) {
        Some((_, reason)) => invalid(format!("{source} is refused: {reason}")),
        None => invalid(format!("the parameter {} is not known; known are {}", source.escape_debug(), KNOWN.join(", "))),
    }
}

fn one_of<T: Copy>(value: &str, source: &str, known: &[(&str, T)]) -> Result<T> {
    match known.iter().find(|(name, _)| *name == value) {
        Some((_, meaning)) => Ok(*meaning),
        None => Err(invalid(format!("{source} can be {}", known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))),
    }
}

fn statement_mode(value: &str, source: &str) -> Result<StatementMode> {
    one_of(value, source, &[("auto", StatementMode::Auto), ("named", StatementMode::Named), ("unnamed", StatementMode::Unnamed)])
}

fn tls_mode(value: &str, source: &str) -> Result<TlsMode> {
    if matches!(value, "prefer" | "allow") {
        return Err(invalid(format!(
            "{source} {value} is refused: who listens in or stands between could turn encryption off unnoticed; write disable, require, verify-ca or verify-full"
        )));
    }
    let known = [
        ("disable", TlsMode::Disable),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];
    one_of(value, source, &known)
}

fn tls_version(value: &str, source: &str) -> Result<u8> {
    if matches!(value, "TLSv1" | "TLSv1.1") {
        return Err(invalid(format!("{source} {value} is refused: it is broken; the oldest version is TLSv1.2")));
    }
    one_of(value, source, &[("TLSv1.2", 2), ("TLSv1.3", 3)])
}

fn session(value: &str, source: &str) -> Result<SessionKind> {
    let known = [
        ("any", SessionKind::Any),
        ("read-write", SessionKind::ReadWrite),
        ("read-only", SessionKind::ReadOnly),
        ("primary", SessionKind::Primary),
        ("standby", SessionKind::Standby),
        ("prefer-standby", SessionKind::PreferStandby),
    ];
    one_of(value, source, &known)
}

fn channel_binding(value: &str, source: &str) -> Result<ChannelBinding> {
    one_of(value, source, &[("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)])
}

/// A list of methods, or of methods with `!` that are not accepted.
fn methods(value: &str, source: &str) -> Result<Methods> {
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    let negated = names.iter().all(|name| name.starts_with('!'));
    if !negated && names.iter().any(|name| name.starts_with('!')) {
        return Err(invalid(format!("{source} either lists what is accepted or, each with a !, what is not")));
    }
    let mut methods = if negated { Methods::ALL } else { Methods::NONE };
    for name in names {
        let slot = match name.trim_start_matches('!') {
            "none" => &mut methods.none,
            "password" => &mut methods.password,
            "md5" => &mut methods.md5,
            "scram-sha-256" => &mut methods.scram,
            "gss" | "sspi" | "oauth" if negated => continue,
            _ => return Err(invalid(format!("{source} can hold none, password, md5, scram-sha-256"))),
        };
        *slot = !negated;
    }
    Ok(methods)
}

fn flag(value: &str, source: &str) -> Result<bool> {
    one_of(value, source, &[("1", true), ("0", false), ("true", true), ("false", false), ("on", true), ("off", false)])
}

fn number(value: &str, source: &str) -> Result<u32> {
    value.trim().parse().map_err(|_| invalid(format!("{source} is a whole number")))
}

/// Seconds; 0 is the system's own, or for ever.
fn seconds(value: &str, source: &str) -> Result<Option<Duration>> {
    let seconds = value.trim().parse::<u32>().map_err(|_| invalid(format!("{source} is a whole number of seconds")))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds.into())))
}
