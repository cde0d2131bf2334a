//! What URLs and variables mean.

use super::*;
use sequor_core::Error;
use sequor_core::error::ConnectionErrorKind;

fn parse(url: &str) -> Result<PostgresOptions> {
    with(url, &[("USER", "ann")])
}

fn with(url: &str, environment: &[(&str, &str)]) -> Result<PostgresOptions> {
    PostgresOptions::parse_with(url, &|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

fn refused(url: &str) -> String {
    match parse(url) {
        Err(Error::Connection(error)) if error.kind == ConnectionErrorKind::Invalid => error.message,
        other => panic!("{url}: {other:?}"),
    }
}

fn host(name: &str, port: u16) -> Host {
    Host { name: name.into(), address: None, port }
}

#[test]
fn the_parts_of_a_url_are_read_and_decoded() {
    let options =
        parse("postgres://us%40er:p%3A%2Fw%20d@db.example:6543/my%2Fdb?application_name=a%26b&connect_timeout=3&statement_timeout=500")
            .unwrap();
    assert_eq!((options.user.as_str(), options.password.as_deref(), options.database.as_str()), ("us@er", Some("p:/w d"), "my/db"));
    assert_eq!(options.hosts, [host("db.example", 6543)]);
    assert_eq!(options.connect_timeout, Some(Duration::from_secs(3)));
    let settings: Vec<_> = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(settings, [("application_name", "a&b"), ("statement_timeout", "500")]);
    assert_eq!(options.tls_mode(&options.hosts[0]), TlsMode::VerifyFull);
    assert_eq!(options.target_of(&options.hosts[0]), "db.example:6543/my/db");
    // An @ and a : in the password need no encoding.
    let options = parse("postgresql://ann:a@b:c@h/d").unwrap();
    assert_eq!((options.password.as_deref(), options.hosts[0].name.as_str()), (Some("a@b:c"), "h"));
}

#[test]
fn hosts_come_in_every_form() {
    let hosts = |url: &str| parse(url).unwrap().hosts;
    assert_eq!(
        hosts("postgres://h1,h2:6000,[::1]:7000,[fe80::1]/d"),
        [host("h1", 5432), host("h2", 6000), host("::1", 7000), host("fe80::1", 5432)]
    );
    assert_eq!(hosts("postgres://%2Fvar%2Frun%2Fpg/d"), [host("/var/run/pg", 5432)]);
    assert_eq!(hosts("postgres:///d?host=/tmp/x&port=5433"), [host("/tmp/x", 5433)]);
    assert_eq!(hosts("postgres://?host=a,b&port=1,2"), [host("a", 1), host("b", 2)]);
    assert_eq!(hosts("postgres://a,b/d?port=7"), [host("a", 7), host("b", 7)]);
    assert_eq!(hosts("postgres://a/d?hostaddr=10.0.0.1"), [Host { address: Some("10.0.0.1".parse().unwrap()), ..host("a", 5432) }]);
    let options = parse("postgres://[::1]:7/d").unwrap();
    assert_eq!(options.target_of(&options.hosts[0]), "[::1]:7/d");
    for (url, mode) in [
        ("postgres://localhost/d", TlsMode::Disable),
        ("postgres://127.0.0.1/d", TlsMode::Disable),
        ("postgres://[::1]/d", TlsMode::Disable),
        ("postgres:///d?host=/tmp", TlsMode::Disable),
        ("postgres://10.0.0.1/d", TlsMode::VerifyFull),
        ("postgres://h/d?sslmode=require", TlsMode::Require),
        ("postgres://localhost/d?sslmode=verify-ca", TlsMode::VerifyCa),
        ("postgres://localhost/d?hostaddr=10.0.0.1", TlsMode::VerifyFull),
    ] {
        let options = parse(url).unwrap();
        assert_eq!(options.tls_mode(&options.hosts[0]), mode, "{url}");
    }
}

#[test]
fn the_environment_fills_what_is_left_out() {
    let environment = [
        ("PGHOST", "envhost"),
        ("PGPORT", "1234"),
        ("PGUSER", "envuser"),
        ("PGPASSWORD", "secret"),
        ("PGDATABASE", "envdb"),
        ("PGSSLMODE", "require"),
        ("PGAPPNAME", "app"),
    ];
    let options = with("postgres://", &environment).unwrap();
    assert_eq!(options.hosts, [host("envhost", 1234)]);
    assert_eq!((options.user.as_str(), options.password.as_deref(), options.database.as_str()), ("envuser", Some("secret"), "envdb"));
    assert_eq!(options.tls.mode, Some(TlsMode::Require));
    let options = with("postgres://u:p@h:1/d?sslmode=disable&application_name=mine", &environment).unwrap();
    assert_eq!((options.hosts, options.user.as_str(), options.password.as_deref()), (vec![host("h", 1)], "u", Some("p")));
    assert_eq!((options.tls.mode, options.settings), (Some(TlsMode::Disable), vec![("application_name".to_owned(), "mine".to_owned())]));
    let message = |result: Result<PostgresOptions>| result.map(|_| ()).unwrap_err().to_string();
    assert!(message(with("postgres://h/d", &[("USER", "a"), ("PGSSLMODE", "prefer")])).contains("PGSSLMODE prefer is refused"));
    assert!(message(with("postgres://h/d", &[])).contains("no user"));
    for (variable, value, part) in [
        ("PGSERVICE", "prod", "PGSERVICE is refused: service files"),
        ("PGSSLCRL", "/x", "revocation"),
        ("PGREQUIREPEER", "postgres", "owner"),
        ("PGREQUIRESSL", "1", "sslmode"),
        ("PGSSLNEGOTIATION", "direct", "asking"),
    ] {
        assert!(message(with("postgres://u@h/d", &[(variable, value)])).contains(part), "{variable}");
    }
    assert!(with("postgres://u@h/d", &[("PGMAXPROTOCOLVERSION", "latest"), ("PGKRBSRVNAME", "x")]).is_ok());
    assert_eq!(parse("postgres://h").unwrap().database, "ann");
}

#[test]
fn wrong_urls_say_what_is_wrong_and_show_no_secret() {
    for (url, part) in [
        ("mysql://h/d", "postgres://"),
        ("postgres://u:SECRET%zz@h/d", "password"),
        ("postgres://u:SECRET%4@h/d", "%25"),
        ("postgres://u:SECRET%00@h/d", "NUL"),
        ("postgres://u:SECRET%ff@h/d", "UTF-8"),
        ("postgres://u:SEC#RET@h/d", "%23"),
        ("postgres://u:SECRET@h:x/d", "port"),
        ("postgres://u:SECRET@h:0/d", "port"),
        ("postgres://u:SECRET@h:99999/d", "port"),
        ("postgres://[::1/d", "["),
        ("postgres://[::1]x/d", "]"),
        ("postgres://h/a/b", "%2F"),
        ("postgres://h/d?nonsense", "name=value"),
        ("postgres://a b/d", "host"),
        ("postgres://h/d?port=1,2", "2 ports for 1"),
        ("postgres://h/d?hostaddr=1.1.1.1,2.2.2.2", "2 addresses for 1"),
        ("postgres://h/d?hostaddr=name", "numeric"),
        ("postgres://h/d?sslmode=require&sslmode=disable", "twice"),
    ] {
        let message = refused(url);
        assert!(message.contains(part), "{url}: {message}");
        assert!(!message.contains("SEC"), "{message}");
    }
}

#[test]
fn every_parameter_is_obeyed_or_refused_with_the_reason() {
    for (parameter, part) in [
        ("sslmode=prefer", "unnoticed"),
        ("sslmode=allow", "unnoticed"),
        ("sslmode=no-verify", "verify-full"),
        ("ssl_min_protocol_version=TLSv1.1", "broken"),
        ("connect_timeout=soon", "seconds"),
        ("target_session_attrs=best", "read-write"),
        ("keepalives=maybe", "keepalives can be"),
        ("client_encoding=latin1", "UTF-8"),
        ("gssencmode=require", "GSSAPI"),
        ("load_balance_hosts=random", "replicas"),
        ("sslcompression=1", "unsafe"),
        ("sslnegotiation=direct", "asking"),
        ("require_auth=gss", "scram-sha-256"),
        ("require_auth=md5,!none", "either"),
        ("service=x", "service files"),
        ("ssl=true", "sslmode"),
        ("pgbouncer=true", "statement_mode"),
        ("schema=x", "db.schema"),
        ("replication=database", "not supported"),
        ("sslcrl=x", "revocation"),
        ("=1", "no name"),
        ("sslaccept=strict", "verify-full"),
        ("statement_cache_size=0", "unnamed"),
        ("nonsense=1", "known are allow_cleartext, application_name"),
    ] {
        let message = refused(&format!("postgres://u:SECRET@h/d?{parameter}"));
        assert!(message.contains(part), "{parameter}: {message}");
        assert!(!message.contains("SECRET"), "{message}");
    }
    let all = "client_encoding=UTF8&gssencmode=prefer&load_balance_hosts=disable&sslcompression=0&sslnegotiation=postgres&sslcertmode=allow&min_protocol_version=3.0\
        &max_protocol_version=latest&keepalives=1&keepalives_idle=9&keepalives_interval=0&keepalives_count=2&tcp_user_timeout=0&target_session_attrs=prefer-standby\
        &channel_binding=require&require_auth=!password,!md5&options=-c%20geqo%3Doff&passfile=/x&sslsni=0&ssl_min_protocol_version=TLSv1.3&fallback_application_name=f\
        &statement_mode=unnamed&lock_timeout=1s&idle_in_transaction_session_timeout=1min&search_path=a,b&connect_timeout=0&allow_cleartext=1&dbname=other&user=bob&password=pw";
    let options = parse(&format!("postgres://u@h/d?{all}")).unwrap();
    assert_eq!((options.user.as_str(), options.database.as_str(), options.password.as_deref()), ("bob", "other", Some("pw")));
    assert_eq!(options.keepalive, Some(Keepalive { idle: Duration::from_secs(9), interval: Duration::from_secs(5), count: 2 }));
    assert_eq!(
        (options.connect_timeout, options.tcp_user_timeout, options.statements, options.tls.no_sni, options.tls.only_13),
        (None, None, StatementMode::Unnamed, true, true)
    );
    assert_eq!(options.methods, Methods { none: true, password: false, md5: false, scram: true });
    assert_eq!((options.session, options.channel_binding), (SessionKind::PreferStandby, ChannelBinding::Require));
    assert_eq!(options.settings.len(), 5);
}

#[test]
fn debug_shows_no_password() {
    let options = parse("postgres://u:SECRET@h/d?sslmode=require").unwrap();
    let shown = format!("{options:?} {:?}", super::super::PostgresDriver::new(options.clone()));
    assert!(!shown.contains("SECRET") && shown.contains("\"u\""), "{shown}");
}

#[test]
fn any_text_is_options_or_an_error() {
    let seed = "postgres://u%41:p@h1:5,[::1]:6/d%2f?sslmode=require&host=/tmp,x&port=1,2&connect_timeout=3&require_auth=!md5";
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[place] = b"%:/@?&=,[]#\0 a1\xc3"[usize::try_from(state >> 20).unwrap() % 16];
        }
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}

/// The parameters and variables of libpq in PostgreSQL 18 (section 32.1.2 and 32.15 of its manual), and those that node's `pg` and its URL parser read, which
/// Sequelize hands them.
#[test]
fn every_parameter_of_libpq_and_of_sequelize_is_known() {
    const LIBPQ: &str = "application_name channel_binding client_encoding connect_timeout dbname fallback_application_name gssdelegation gssencmode gsslib host \
        hostaddr keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version \
        oauth_client_id oauth_client_secret oauth_issuer oauth_scope options passfile password port replication require_auth requirepeer requiressl \
        scram_client_key scram_server_key service servicefile ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl \
        sslcrldir sslkey sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout user authtype tty";
    const SEQUELIZE: &str = "application_name binary client_encoding clientMinMessages connectionTimeoutMillis database databaseVersion enableChannelBinding encoding \
        idle_in_transaction_session_timeout idleTimeoutMillis keepAlive keepAliveInitialDelayMillis lock_timeout max min minifyAliases native options \
        prependSearchPath query_timeout schema searchPath ssl standardConformingStrings statement_timeout stream types uselibpqcompat username pool \
        allowExitOnIdle maxUses maxLifetimeSeconds parseInputDatesAsUTC logging timezone dialect protocol storage benchmark quoteIdentifiers isolationLevel \
        keepDefaultTimezone logQueryParameters retry";
    for name in LIBPQ.split_whitespace().chain(SEQUELIZE.split_whitespace()) {
        // Whatever the value: the name is obeyed, or refused with what to do instead.
        if let Err(error) = parse(&format!("postgres://u@h/d?{name}=SECRET")) {
            let message = error.to_string();
            assert!(!message.contains("is not known") && !message.contains("SECRET"), "{name}: {message}");
        }
    }
    const VARIABLES: &str = "PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGREQUIREAUTH PGCHANNELBINDING PGSERVICE PGSERVICEFILE PGOPTIONS PGAPPNAME \
        PGSSLMODE PGREQUIRESSL PGSSLNEGOTIATION PGSSLCOMPRESSION PGSSLCERT PGSSLKEY PGSSLCERTMODE PGSSLROOTCERT PGSSLCRL PGSSLCRLDIR PGSSLSNI PGREQUIREPEER \
        PGSSLMINPROTOCOLVERSION PGSSLMAXPROTOCOLVERSION PGGSSENCMODE PGCONNECT_TIMEOUT PGCLIENTENCODING PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS \
        PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION PGDATESTYLE PGTZ PGGEQO";
    // Obeyed by reading them, or settings of GSSAPI's libraries and of other programs, which are left alone.
    const ELSEWHERE: [&str; 11] = [
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGUSER",
        "PGPASSWORD",
        "PGPASSFILE",
        "PGSERVICEFILE",
        "PGSSLCOMPRESSION",
        "PGDATESTYLE",
        "PGTZ",
        "PGGEQO",
    ];
    let known = |name: &str| super::super::parameters::VARIABLES.iter().any(|(known, _)| *known == name) || ELSEWHERE.contains(&name);
    assert_eq!(VARIABLES.split_whitespace().filter(|name| !known(name)).collect::<Vec<_>>(), Vec::<&str>::new());
}
