//! The URL and its parameters: each known one is obeyed or refused with the reason, any other is an error that lists them.

use super::{MysqlOptions, PORT, SessionKind, TlsMode, invalid};
use sequor_core::Result;
use std::path::PathBuf;
use std::time::Duration;

/// The parameters that are obeyed.
const OBEYED: &[&str] = &[
    "allow-public-key-retrieval",
    "charset",
    "connect_timeout",
    "database",
    "enable-cleartext-plugin",
    "host",
    "password",
    "port",
    "server-public-key",
    "socket",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "statement-cache",
    "target_session_attrs",
    "timezone",
    "user",
];

/// The parameters of other clients that are refused, and why.
const REFUSED: &[(&str, &str)] = &[
    ("acquiretimeout", "how long a task waits for a connection is set by Pool { acquire }"),
    ("allowlocalinfile", "files of this machine are never sent to a server"),
    ("allowmultiqueries", "each call sends one statement; use a migration for scripts"),
    ("arrayparenthesis", "lists are always bound value by value"),
    ("authplugins", "the ways to log in are built in; the server chooses"),
    ("authswitchhandler", "the ways to log in are built in; the server chooses"),
    ("autojsonmap", "JSON columns are read by the type of the model's field"),
    ("autoreconnect", "the pool opens new connections by itself; a statement that was sent is never sent again"),
    ("benchmark", "how long statements take is in their spans and metrics"),
    ("bigintasnumber", "64-bit integers are always exact"),
    ("bignumberstrings", "64-bit integers are always exact"),
    ("bitoneisboolean", "rows are read by the models"),
    ("bulk", "each bulk write takes the fastest way that the server has"),
    ("cachingrsapublickey", "write server-public-key"),
    ("character-set", "charset is always utf8mb4, which holds every text"),
    ("charsetnumber", "charset is always utf8mb4, which holds every text"),
    ("checkduplicate", "rows are read by the models"),
    ("checknumberrange", "numbers are always exact, or an error"),
    ("collation", "each table and column has its own; set it there"),
    ("compress", "compressed lines are not supported"),
    ("compression", "compressed lines are not supported"),
    ("compression-algorithms", "compressed lines are not supported"),
    ("connectattributes", "attributes of the connection are not supported"),
    ("connection_limit", "the pool's size is set by Pool { max }"),
    ("connectionlimit", "the pool's size is set by Pool { max }"),
    ("databaseversion", "the server says its version itself"),
    ("datestrings", "dates are always typed, and instants are UTC"),
    ("debug", "statements are reported by .logging(true)"),
    ("decimalasnumber", "decimals are always exact"),
    ("decimalnumbers", "decimals are always exact"),
    ("default-auth", "the ways to log in are built in; the server chooses"),
    ("default-character-set", "charset is always utf8mb4, which holds every text"),
    ("dialect", "the beginning of the URL says it: mysql:// or mariadb://"),
    ("disableeval", "rows are read by the models"),
    ("enablecleartextplugin", "write enable-cleartext-plugin"),
    ("enableintegerdecoding", "results are always binary"),
    ("enablekeepalive", "TCP keep-alive is always on: a silent server is found within 30 s"),
    ("flags", "the capabilities are fixed; affected rows are always the matched ones"),
    ("foundrows", "affected rows are always the matched ones"),
    ("get-server-public-key", "write allow-public-key-retrieval"),
    ("gracefulend", "connections are always closed politely"),
    ("idletimeout", "how long a connection stays idle is set by Pool { idle }"),
    ("infilestreamfactory", "files of this machine are never sent to a server"),
    ("init-command", "the session is always set up in the same way; what a program changes is undone"),
    ("initializationtimeout", "write connect_timeout, in seconds"),
    ("initsql", "the session is always set up in the same way; what a program changes is undone"),
    ("insecureauth", "logins older than mysql_native_password are not supported"),
    ("insertidasnumber", "64-bit integers are always exact"),
    ("isolationlevel", "each transaction says its own: .transaction_with(Tx::serializable(), ..)"),
    ("jsonstrings", "JSON columns are read by the type of the model's field"),
    ("keepaliveinitialdelay", "TCP keep-alive is always on: a silent server is found within 30 s"),
    ("keepeof", "rows are read by the models"),
    ("leakdetectiontimeout", "long loans are reported after Pool { hold_warning }"),
    ("local-infile", "files of this machine are never sent to a server"),
    ("localaddress", "the local address cannot be chosen"),
    ("localinfile", "files of this machine are never sent to a server"),
    ("logger", "statements are reported by .logging(true)"),
    ("logging", "statements are reported by .logging(true)"),
    ("logpackets", "statements are reported by .logging(true)"),
    ("logparam", "values are shown by .log_query_parameters(true)"),
    ("logqueryparameters", "values are shown by .log_query_parameters(true)"),
    ("max-allowed-packet", "the server's max_allowed_packet decides"),
    ("maxallowedpacket", "the server's max_allowed_packet decides"),
    ("maxidle", "how many connections are kept is set by Pool { min }"),
    ("maxpreparedstatements", "write statement-cache"),
    ("metaasarray", "rows are read by the models"),
    ("metaenumerable", "rows are read by the models"),
    ("mindelayvalidation", "connections that were idle for 15 s are asked whether they live"),
    ("minifyaliases", "long names are always made short and distinct"),
    ("minimumidle", "how many connections are kept is set by Pool { min }"),
    ("multiplestatements", "each call sends one statement; use a migration for scripts"),
    ("namedplaceholders", "named parameters belong to the query, not to the connection"),
    ("native", "there is one driver: leave it out"),
    ("nesttables", "rows are read by the models"),
    ("nocontrolafteruse", "connections are always cleaned before their next use"),
    ("password1", "logins by several passwords are not supported"),
    ("password2", "logins by several passwords are not supported"),
    ("password3", "logins by several passwords are not supported"),
    ("passwordsha1", "give the password"),
    ("permitconnectionwhenexpired", "a password that has expired has to be changed first"),
    ("permitlocalinfile", "files of this machine are never sent to a server"),
    ("permitsetmultiparamentries", "values are always bound one by one"),
    ("pingtimeout", "an idle connection is asked for at most 2 s whether it lives"),
    ("pipelining", "statements are sent one after the other"),
    ("plugin-dir", "the ways to log in are built in; the server chooses"),
    ("pool", "the pool's limits are set by Pool { .. }"),
    ("pool_timeout", "how long a task waits for a connection is set by Pool { acquire }"),
    ("preparecachelength", "write statement-cache"),
    ("protocol", "a host is reached by TCP, a path by its Unix socket: write host or socket"),
    ("queryformat", "values are always bound"),
    ("querytimeout", "the longest that a statement may run is set by .statement_timeout(..)"),
    ("queuelimit", "how many tasks may wait is set by Pool { max_waiters }"),
    ("quoteidentifiers", "names are always quoted"),
    ("resetafteruse", "connections are always cleaned before their next use"),
    ("restrictedauth", "the ways to log in are built in; weak ones need an encrypted line"),
    ("retry", "attempts at connecting are set by .retry(Retry { .. })"),
    ("rowsasarray", "rows are read by the models"),
    ("rsapublickey", "write server-public-key"),
    ("schema", "tables are qualified by db.schema(..)"),
    ("servertimezone", "timezone is always +00:00: instants are UTC"),
    ("sessionvariables", "the session is always set up in the same way; what a program changes is undone"),
    ("skipsettimezone", "timezone is always +00:00: instants are UTC"),
    ("socket_timeout", "the longest that a statement may run is set by .statement_timeout(..)"),
    ("sockettimeout", "the longest that a statement may run is set by .statement_timeout(..)"),
    ("sql_mode", "the session is always strict"),
    ("ssl", "say ssl-mode=verify-full, verify-ca, require or disable"),
    ("ssl-capath", "write ssl-ca: one file may hold several authorities"),
    ("ssl-cipher", "the ciphers are rustls's, all of them strong"),
    ("ssl-crl", "revocation lists are not supported"),
    ("ssl-crlpath", "revocation lists are not supported"),
    ("sslaccept", "say ssl-mode=verify-full, verify-ca, require or disable"),
    ("sslcrl", "revocation lists are not supported"),
    ("sslidentity", "say ssl-cert and ssl-key"),
    ("sslpassword", "encrypted keys are not supported: decrypt the key file and protect it by its permissions"),
    ("storage", "it is SQLite's: write sqlite://path"),
    ("stream", "the socket cannot be chosen"),
    ("stringifyobjects", "values are always bound, so no object becomes text"),
    ("supportbignumbers", "64-bit integers are always exact"),
    ("tls-ciphersuites", "the ciphers are rustls's, all of them strong"),
    ("tls-version", "TLS 1.2 and 1.3 are spoken; the newest that the server has is taken"),
    ("trace", "statements are reported by .logging(true)"),
    ("typecast", "cells are read by the type of the model's field"),
    ("username", "write user"),
    ("usessl", "say ssl-mode=verify-full, verify-ca, require or disable"),
    ("verifyservercertificate", "say ssl-mode=verify-full, verify-ca, require or disable"),
    ("waitforconnections", "tasks always wait; how many is set by Pool { max_waiters }"),
];

/// Reads a URL; `variable` reads the environment.
pub(super) fn parse(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<MysqlOptions> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("a URL looks like mysql://user:password@host:3306/database"))?;
    if !["mysql", "mariadb"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(invalid("the URL must start with mysql:// or mariadb://"));
    }
    let mut options = MysqlOptions::with_variables(variable)?;
    if rest.contains('#') {
        return Err(invalid("a # in the URL is written %23"));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may hold an @ that was not escaped: the host is behind the last one.
    let (authority, database) = match rest.rfind('@') {
        Some(at) => match rest.get(at..).unwrap_or_default().find('/') {
            Some(slash) => (rest.get(..at + slash).unwrap_or_default(), rest.get(at + slash + 1..).unwrap_or_default()),
            None => (rest, ""),
        },
        None => rest.split_once('/').unwrap_or((rest, "")),
    };
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    read_login(&mut options, login)?;
    read_place(&mut options, place)?;
    if !database.is_empty() {
        options.database = Some(decode(database, "the database")?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        read_parameter(&mut options, &decode(name, "a parameter")?, &decode(&value.replace('+', " "), name)?)?;
    }
    if options.cert.is_some() != options.key.is_some() {
        return Err(invalid("a client certificate needs both ssl-cert and ssl-key"));
    }
    Ok(options)
}

fn read_login(options: &mut MysqlOptions, login: &str) -> Result<()> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    if !user.is_empty() {
        options.user = decode(user, "the user")?;
    }
    if let Some(password) = password {
        options.password = Some(decode(password, "the password")?);
    }
    Ok(())
}

fn read_place(options: &mut MysqlOptions, places: &str) -> Result<()> {
    let mut list = places.split(',');
    read_host(options, list.next().unwrap_or_default())?;
    for place in list {
        let mut other = MysqlOptions { host: String::new(), port: PORT, ..options.clone() };
        read_host(&mut other, place)?;
        if other.host.is_empty() {
            return Err(invalid("between two commas of the URL stands a host"));
        }
        options.others.push((other.host, other.port));
    }
    Ok(())
}

/// One host and its port.
fn read_host(options: &mut MysqlOptions, place: &str) -> Result<()> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| invalid("the IPv6 address lacks its closing bracket"))?;
            (host, rest.strip_prefix(':'))
        }
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    if !host.is_empty() {
        options.host = decode(host, "the host")?;
        options.socket = None;
        // A host may be the path of a socket, escaped.
        if options.host.starts_with('/') {
            options.socket = Some(PathBuf::from(&options.host));
        }
    }
    if let Some(port) = port.filter(|port| !port.is_empty()) {
        options.port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| invalid("the port is not a number from 1 to 65535"))?;
    }
    Ok(())
}

fn read_parameter(options: &mut MysqlOptions, name: &str, value: &str) -> Result<()> {
    let folded = name.to_ascii_lowercase();
    match folded.as_str() {
        "host" => read_host(options, &value.replace(':', "%3A"))?,
        "port" => read_host(options, &format!(":{value}"))?,
        "database" => options.database = Some(value.to_owned()),
        "user" => options.user = value.to_owned(),
        "password" => options.password = Some(value.to_owned()),
        "socket" | "socketpath" | "unix_socket" => options.socket = Some(PathBuf::from(value)),
        "ssl-mode" | "sslmode" | "ssl_mode" => options.tls = Some(tls_mode(value)?),
        "ssl-ca" | "sslca" | "ssl_ca" | "sslrootcert" => options.ca = Some(PathBuf::from(value)),
        "ssl-cert" | "sslcert" | "ssl_cert" => options.cert = Some(PathBuf::from(value)),
        "ssl-key" | "sslkey" | "ssl_key" => options.key = Some(PathBuf::from(value)),
        "connect_timeout" | "connect-timeout" => options.connect_timeout = Duration::from_secs(positive(name, value)?),
        "connecttimeout" => options.connect_timeout = Duration::from_millis(positive(name, value)?),
        "server-public-key" | "server-public-key-path" => options.server_key = Some(PathBuf::from(value)),
        "allow-public-key-retrieval" | "allowpublickeyretrieval" => options.fetch_server_key = truth(name, value)?,
        "enable-cleartext-plugin" => options.cleartext = truth(name, value)?,
        "statement-cache" => options.statements = usize::try_from(positive(name, value)?).unwrap_or(crate::statements::CAPACITY),
        "target_session_attrs" => options.wanted = session_kind(value)?,
        "charset" if value.eq_ignore_ascii_case("utf8mb4") => {}
        "charset" => return Err(invalid("charset is always utf8mb4, which holds every text")),
        "timezone" if matches!(value, "Z" | "+00:00" | "UTC" | " 00:00") => {}
        "timezone" => return Err(invalid("timezone is always +00:00: instants are UTC")),
        other => return Err(unknown(other)),
    }
    Ok(())
}

#[cold]
fn unknown(name: &str) -> sequor_core::Error {
    match REFUSED.iter().find(|(known, _)| *known == name) {
        Some((_, why)) => invalid(format!("the parameter {name} is refused: {why}")),
        None => invalid(format!("unknown parameter {name}; known are {}", OBEYED.join(", "))),
    }
}

fn session_kind(value: &str) -> Result<SessionKind> {
    match value {
        "any" => Ok(SessionKind::Any),
        "read-write" | "primary" => Ok(SessionKind::ReadWrite),
        "read-only" | "standby" => Ok(SessionKind::ReadOnly),
        _ => Err(invalid("target_session_attrs is one of any, read-write, primary, read-only, standby")),
    }
}

fn tls_mode(value: &str) -> Result<TlsMode> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(TlsMode::Disable),
        "require" | "required" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" | "verify-identity" => Ok(TlsMode::VerifyFull),
        "prefer" | "preferred" | "allow" => Err(invalid(
            "ssl-mode prefer protects nothing: whoever sits between can switch it off; say verify-full, verify-ca, require or disable",
        )),
        _ => Err(invalid("ssl-mode is one of disable, require, verify-ca, verify-full")),
    }
}

fn positive(name: &str, value: &str) -> Result<u64> {
    value.parse().ok().filter(|number| *number > 0).ok_or_else(|| invalid(format!("{name} takes a whole number above zero")))
}

fn truth(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(invalid(format!("{name} is true or false"))),
    }
}

/// Undoes percent-encoding.
fn decode(text: &str, what: &str) -> Result<String> {
    let wrong = || invalid(format!("{what} in the URL is not escaped rightly"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(rest.next()).ok_or_else(wrong)?, digit(rest.next()).ok_or_else(wrong)?);
        bytes.push(high << 4 | low);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| wrong())?;
    if decoded.contains('\0') { Err(wrong()) } else { Ok(decoded) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequor_core::Error;
    use sequor_core::error::ConnectionErrorKind;

    fn options(url: &str) -> Result<MysqlOptions> {
        parse(url, &|_| None)
    }

    #[test]
    fn every_part_of_a_url_is_read() {
        let read = options("mysql://ann:p%40ss%3Aw%2Frd@db.example.com:3307/my%20app?ssl-mode=verify_ca&ssl-ca=/ca.pem&connect_timeout=3")
            .unwrap();
        assert_eq!((read.user.as_str(), read.password.as_deref()), ("ann", Some("p@ss:w/rd")));
        assert_eq!((read.host.as_str(), read.port), ("db.example.com", 3307));
        assert_eq!(read.database.as_deref(), Some("my app"));
        assert_eq!(read.tls_mode(), TlsMode::VerifyCa);
        assert_eq!(read.connect_timeout, Duration::from_secs(3));
        assert_eq!(read.target(), "db.example.com:3307/my app");
        assert!(!format!("{read:?}").contains("p@ss"));

        let read = options("mariadb://[::1]/x").unwrap();
        assert_eq!((read.host.as_str(), read.port, read.tls_mode()), ("::1", 3306, TlsMode::Disable));
        assert_eq!(read.target(), "[::1]:3306/x");
        let read = options("mysql://ann@/app?socket=/run/my.sock").unwrap();
        assert_eq!(read.socket.as_deref(), Some(std::path::Path::new("/run/my.sock")));
        assert_eq!(options("mysql://%2Frun%2Fmy.sock/app").unwrap().socket, read.socket);
        assert_eq!(options("mysql://a:p@ss/word@db.example.com/x").unwrap().password.as_deref(), Some("p@ss/word"));
        assert_eq!(options("mysql://db.example.com").unwrap().tls_mode(), TlsMode::VerifyFull);
    }

    #[test]
    fn several_hosts_are_tried_in_order() {
        let read = options("mysql://ann:p@one:1,[::1]:2,%2Frun%2Fmy.sock,two/app?target_session_attrs=read-write").unwrap();
        let targets: Vec<String> = read.each().map(|each| each.target()).collect();
        assert_eq!(targets, ["one:1/app", "[::1]:2/app", "/run/my.sock/app", "two:3306/app"]);
        let modes: Vec<TlsMode> = read.each().map(|each| each.tls_mode()).collect();
        assert_eq!(modes, [TlsMode::VerifyFull, TlsMode::Disable, TlsMode::Disable, TlsMode::VerifyFull]);
        assert!(read.check(false).is_ok() && read.check(true).is_err());
    }

    #[test]
    fn the_environment_fills_what_is_left_out() {
        let variable = |name: &str| {
            let known = [("MYSQL_HOST", "h"), ("MYSQL_TCP_PORT", "33"), ("MYSQL_USER", "u"), ("MYSQL_PWD", "p"), ("MYSQL_DATABASE", "d")];
            known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let read = parse("mysql://", &variable).unwrap();
        assert_eq!(read.target(), "h:33/d");
        assert_eq!((read.user.as_str(), read.password.as_deref()), ("u", Some("p")));
        assert_eq!(parse("mysql://x@y:1/z", &variable).unwrap().target(), "y:1/z");
        let socket = |name: &str| (name == "MYSQL_UNIX_PORT").then(|| "/s".to_owned());
        assert!(parse("mysql://", &socket).unwrap().socket.is_some());
        assert!(parse("mysql://host", &socket).unwrap().socket.is_none());
    }

    /// The settings of `mysql2` and `mariadb`, node's clients that Sequelize hands its URL's parameters to, and of the `mysql` program.
    #[test]
    fn every_parameter_of_sequelizes_clients_is_known() {
        const MYSQL2: &str = "authPlugins authSwitchHandler bigNumberStrings charset charsetNumber compress connectAttributes connectTimeout connectionLimit database \
            dateStrings debug decimalNumbers disableEval enableCleartextPlugin enableKeepAlive flags gracefulEnd host idleTimeout infileStreamFactory insecureAuth \
            jsonStrings keepAliveInitialDelay localAddress maxIdle maxPreparedStatements multipleStatements namedPlaceholders nestTables password password1 password2 \
            password3 passwordSha1 pool port queryFormat queueLimit rowsAsArray socketPath ssl stream stringifyObjects supportBigNumbers timezone trace typeCast user \
            waitForConnections";
        const MARIADB: &str = "acquireTimeout allowPublicKeyRetrieval arrayParenthesis autoJsonMap bigIntAsNumber bitOneIsBoolean bulk cachingRsaPublicKey checkDuplicate \
            checkNumberRange collation decimalAsNumber foundRows idleTimeout infileStreamFactory initSql initializationTimeout insertIdAsNumber keepEof \
            leakDetectionTimeout logger logPackets logParam maxAllowedPacket metaAsArray metaEnumerable minDelayValidation minimumIdle noControlAfterUse \
            permitConnectionWhenExpired permitLocalInfile permitSetMultiParamEntries pingTimeout pipelining prepareCacheLength queryTimeout resetAfterUse \
            restrictedAuth rsaPublicKey sessionVariables skipSetTimezone socketTimeout sslca";
        const PROGRAM: &str = "ssl-mode ssl-ca ssl-capath ssl-cert ssl-key ssl-cipher ssl-crl ssl-crlpath tls-version tls-ciphersuites default-auth plugin-dir \
            default-character-set character-set connect-timeout max-allowed-packet local-infile init-command protocol socket server-public-key-path \
            get-server-public-key compression-algorithms";
        const SEQUELIZE: &str = "dialect storage username logging benchmark schema isolationLevel retry logQueryParameters native databaseVersion minifyAliases quoteIdentifiers";
        let names = [MYSQL2, MARIADB, PROGRAM, SEQUELIZE].into_iter().flat_map(str::split_whitespace);
        let unknown: Vec<String> = names
            .filter_map(|name| options(&format!("mysql://u@h/d?{name}=SECRET")).err().map(|error| (name, error.to_string())))
            .filter(|(_, message)| message.contains("unknown parameter") || message.contains("SECRET"))
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(unknown, Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_named_and_the_password_is_not() {
        for (url, part) in [
            ("localhost", "mysql://user"),
            ("postgres://x", "must start with"),
            ("mysql://a:secret@h:99999", "the port"),
            ("mysql://a:secret@h:x", "the port"),
            ("mysql://a:%zzsecret@h", "the password"),
            ("mysql://a:secret@h1,/x", "between two commas"),
            ("mysql://a:secret@h1,h2:0/x", "the port"),
            ("mysql://a:secret@h/x?target_session_attrs=best", "read-write"),
            ("mysql://a:secret@h/x?ssl-mode=prefer", "protects nothing"),
            ("mysql://a:secret@h/x?ssl-mode=maybe", "one of disable"),
            ("mysql://a:secret@h/x?multipleStatements=true", "refused"),
            ("mysql://a:secret@h/x?charset=latin1", "utf8mb4"),
            ("mysql://a:secret@h/x?timezone=%2B02:00", "UTC"),
            ("mysql://a:secret@h/x?connectionLimit=5", "Pool { max }"),
            ("mysql://a:sec#ret@h/x", "%23"),
            ("mysql://a:secret@h/x?colour=red", "known are allow-public-key-retrieval"),
            ("mysql://a:secret@h/x?ssl-key=/k", "both"),
            ("mysql://a:secret@h/x?connect_timeout=0", "above zero"),
            ("mysql://a:secret@[::1/x", "bracket"),
        ] {
            let error = options(url).unwrap_err();
            assert!(matches!(&error, Error::Connection(connection) if connection.kind == ConnectionErrorKind::Invalid));
            assert!(error.to_string().contains(part), "{url}: {error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
