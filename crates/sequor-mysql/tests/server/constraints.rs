//! Each constraint and each refusal, as its own kind of error, without the value.

use crate::bed::*;
use crate::on_server;
use sequor_core::Error;
use sequor_core::driver::{Connection, Driver};
use sequor_core::error::ConnectionErrorKind;
use sequor_mysql::{MysqlDriver, MysqlOptions};
use std::time::{Duration, Instant};

async fn fails(c: &mut dyn Connection, text: &str) -> Error {
    let error = run(c, text).await.err().unwrap_or_else(|| panic!("{text} went well"));
    assert!(!format!("{error:?} {error:#}").contains("secret"), "{error:?}");
    error
}

async fn refused(options: MysqlOptions) -> (ConnectionErrorKind, String) {
    match MysqlDriver::new(options).connect().await {
        Err(Error::Connection(error)) => (error.kind, error.to_string()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected"),
    }
}

on_server! {
    async fn each_constraint_is_an_error_of_its_own(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table p (id int primary key, email varchar(40), a int not null, b enum('x'), s varchar(3), \
                constraint a_small check (a < 10), unique key email_key (email))").await.unwrap();
        run(c, "create table k (id int primary key, p_id int, constraint k_p foreign key (p_id) references p (id))").await.unwrap();
        run(c, "insert into p values (1, 'secret@x', 1, null, null)").await.unwrap();
        run(c, "insert into k values (1, 1)").await.unwrap();
        match fails(c, "insert into p values (2, 'secret@x', 1, null, null)").await {
            Error::UniqueConstraint { detail, .. } => assert_eq!(detail.constraint.as_deref(), Some("email_key")),
            other => panic!("{other}"),
        }
        match fails(c, "insert into p values (1, 'secret@y', 1, null, null)").await {
            Error::UniqueConstraint { detail, .. } => assert_eq!(detail.constraint.as_deref(), Some("PRIMARY")),
            other => panic!("{other}"),
        }
        for text in ["insert into k values (2, 99)", "delete from p where id = 1"] {
            match fails(c, text).await {
                Error::ForeignKeyConstraint { fields, detail } => {
                    assert_eq!(fields, ["p_id"]);
                    assert_eq!((detail.table.as_deref(), detail.constraint.as_deref()), (Some("k"), Some("k_p")));
                }
                other => panic!("{other}"),
            }
        }
        for text in ["insert into p values (2, 'b', null, null, null)", "insert into p (id) values (2)"] {
            match fails(c, text).await {
                Error::NotNull { fields, .. } => assert_eq!(fields, ["a"]),
                other => panic!("{other}"),
            }
        }
        match fails(c, "insert into p values (2, 'b', 10, null, null)").await {
            Error::CheckConstraint { constraint, detail } => {
                // MySQL does not say the table.
                assert_eq!((constraint.as_str(), detail.table.as_deref()), ("a_small", (!is_mysql(c)).then_some("p")));
            }
            other => panic!("{other}"),
        }
        for (text, code, column) in [
            ("insert into p values (2, 'b', 1, null, 'secret')", "1406", Some("s")),
            ("insert into p values (2, 'b', 99999999999, null, null)", "1264", Some("a")),
            ("insert into p values (2, 'b', 'secret', null, null)", "1366", Some("a")),
            ("insert into p values (2, 'b', 1, 'secret', null)", "1265", Some("b")),
            ("select * from nowhere", "1146", None),
            ("select nothing from p", "1054", Some("nothing")),
            ("selec 1", "1064", None),
        ] {
            match fails(c, text).await {
                Error::Database { code: found, detail } => assert_eq!((found.as_str(), detail.column.as_deref()), (code, column)),
                other => panic!("{text}: {other}"),
            }
        }
        sequences(c, &[1_000_000_000]).await;
        let (words, hint) = if is_mysql(c) { ("", "/*+ max_execution_time(50) */ ") } else { ("set statement max_statement_time = 0.05 for ", "") };
        run(c, &format!("{words}select {hint}1")).await.unwrap();
        let long = format!("{words}select {hint}count(*) from seq_1_to_1000000000 where sha2(seq, 512) = 'x'");
        assert!(matches!(fails(c, &long).await, Error::Timeout { .. }));
        assert_eq!(number(c, "select 7").await, 7);
    }

    async fn a_failed_connection_says_why(bed) {
        use ConnectionErrorKind as K;
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        for text in [
            "create user if not exists 'sequor_native'@'%' identified by 'p@ss:wörd/?'",
            "create user if not exists 'sequor_empty'@'%' identified by ''",
            "grant select on *.* to 'sequor_native'@'%'",
            "grant usage on *.* to 'sequor_empty'@'%'",
        ] {
            run(c, text).await.unwrap();
        }
        let url = std::env::var("SEQUOR_MYSQL_URL").unwrap();
        let place = url.split_once("://").unwrap().1.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        let options = |login: &str, database: &str| MysqlOptions::parse(&format!("mysql://{login}@{place}/{database}")).unwrap();
        let good = options("sequor_native:p%40ss%3Aw%C3%B6rd%2F%3F", "");
        let mut connection = MysqlDriver::new(good).connect().await.unwrap();
        assert_eq!(number(&mut *connection, "select 7").await, 7);
        MysqlDriver::new(options("sequor_empty", "")).connect().await.unwrap();
        for (options, kind) in [
            (options("sequor_native:secret", ""), K::AccessDenied),
            (options("sequor_nobody:secret", ""), K::AccessDenied),
            (options("sequor_native:", ""), K::AccessDenied),
            (options("sequor_empty:secret", ""), K::AccessDenied),
            (options("sequor_empty", "mysql"), K::AccessDenied),
            (options("sequor_native:p%40ss%3Aw%C3%B6rd%2F%3F", "nowhere"), K::UnknownDatabase),
        ] {
            let (found, text) = refused(options).await;
            assert_eq!(found, kind, "{text}");
            assert!(!text.contains("secret") && !text.contains("sequor_n") && !text.contains("sequor_e"), "{text}");
            assert!(text.contains(&place), "{text}");
        }
        let start = Instant::now();
        let (kind, _) = refused(MysqlOptions::parse("mysql://a:secret@127.0.0.1:1/x").unwrap()).await;
        assert_eq!(kind, K::Refused);
        assert!(start.elapsed() < Duration::from_secs(8));
        assert_eq!(refused(MysqlOptions::parse("mysql://a@/x?socket=/nowhere/s").unwrap()).await.0, K::Refused);
        assert_eq!(refused(MysqlOptions::parse("mysql://a@does-not-exist.invalid/x").unwrap()).await.0, K::HostNotFound);
    }

    // MySQL alone: MariaDB has neither plugin.
    async fn mysqls_plugins_of_sha256_log_in(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        if !is_mysql(c) {
            return;
        }
        let url = std::env::var("SEQUOR_MYSQL_URL").unwrap();
        let place = url.split_once("://").unwrap().1.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        for plugin in ["caching_sha2_password", "sha256_password"] {
            let user = format!("sequor_{plugin}");
            run(c, &format!("drop user if exists '{user}'@'%'")).await.unwrap();
            if run(c, &format!("create user '{user}'@'%' identified with {plugin} by 'p@ss:wörd/?'")).await.is_err() {
                eprintln!("SKIPPED the login by {plugin}: the server lacks the plugin");
                continue;
            }
            let options = |password: &str, more: &str| MysqlOptions::parse(&format!("mysql://{user}:{password}@{place}/?{more}")).unwrap();
            // The server knows the account after the first time and asks for less, until it forgets; over an open line the password is encrypted with its key.
            for more in ["ssl-mode=disable", "ssl-mode=disable", "ssl-mode=require", "ssl-mode=require"] {
                let mut connection = MysqlDriver::new(options("p%40ss%3Aw%C3%B6rd%2F%3F", more)).connect().await.unwrap();
                assert_eq!(number(&mut *connection, "select 7").await, 7);
                assert_eq!(refused(options("secret", more)).await.0, ConnectionErrorKind::AccessDenied);
                if more == "ssl-mode=require" {
                    run(c, "flush privileges").await.unwrap();
                }
            }
        }
    }

    // The plugin is MariaDB's alone; both have sockets.
    async fn mariadbs_ed25519_and_sockets_log_in(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        let url = std::env::var("SEQUOR_MYSQL_URL").unwrap();
        let place = url.split_once("://").unwrap().1.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        if is_mysql(c) {
            eprintln!("SKIPPED the login by ed25519: it is MariaDB's");
        } else if run(c, "create or replace user 'sequor_ed'@'%' identified via ed25519 using password('secret')").await.is_ok() {
            let options = |password: &str| MysqlOptions::parse(&format!("mysql://sequor_ed:{password}@{place}/")).unwrap();
            let mut connection = MysqlDriver::new(options("secret")).connect().await.unwrap();
            assert_eq!(number(&mut *connection, "select 7").await, 7);
            assert_eq!(refused(options("wrong")).await.0, ConnectionErrorKind::AccessDenied);
        } else {
            eprintln!("SKIPPED the login by ed25519: the server lacks the plugin");
        }
        let socket = match rows(c, "select @@socket").await.remove(0).remove(0) {
            sequor_core::Value::Text(path) => path,
            other => panic!("{other:?}"),
        };
        if std::path::Path::new(&socket).exists() {
            run(c, "drop user if exists 'sequor_sock'@'localhost'").await.unwrap();
            run(c, "create user 'sequor_sock'@'localhost' identified by 'secret'").await.unwrap();
            let options = MysqlOptions::parse(&format!("mysql://sequor_sock:secret@/?socket={socket}")).unwrap();
            let mut connection = MysqlDriver::new(options).connect().await.unwrap();
            assert!(connection.is_alive(std::time::Duration::MAX));
            assert_eq!(number(&mut *connection, "select 7").await, 7);
            connection.close().await;
        }
    }
}
