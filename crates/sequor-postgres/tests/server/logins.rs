//! Logins and TLS against a server of our own.

use crate::cluster::Cluster;
use crate::support::*;
use sequor_core::driver::Driver;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Value};
use std::time::Duration;

async fn attempt(url: &str) -> Result<(), (ConnectionErrorKind, String)> {
    match driver(url).connect().await {
        Ok(mut connection) => {
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
            connection.close().await;
            Ok(())
        }
        Err(Error::Connection(error)) => {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("right") && !text.contains("wrong"), "no password may be shown: {text}");
            Err((error.kind, error.to_string()))
        }
        Err(other) => panic!("{other:?}"),
    }
}

async fn denied(url: &str) {
    let (kind, message) = attempt(url).await.unwrap_err();
    assert_eq!(kind, ConnectionErrorKind::AccessDenied, "{message}");
}

#[test]
fn logins_and_tls() {
    let Some(cluster) = Cluster::start("logins") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), async {
            users(&cluster).await;
            passwords(&cluster).await;
            encrypted(&cluster).await;
            certificates(&cluster).await;
            restarted(&cluster).await;
        })
        .await
        .expect("the test hangs");
    });
}

async fn users(cluster: &Cluster) {
    let socket = format!("postgres://postgres@/postgres?host={}&port={}", cluster.folder.display(), cluster.port);
    let mut admin = connect(&socket).await;
    for text in [
        "create role scram login password 'right ß'",
        "create role plain login password 'right'",
        "create role certified login",
        "create role locked login",
        "set password_encryption = 'md5'",
        "create role weak login password 'right'",
    ] {
        execute(&mut *admin, text).await.unwrap();
    }
    admin.close().await;
}

async fn passwords(cluster: &Cluster) {
    attempt(&cluster.url("scram:right%20%C3%9F", "127.0.0.1", "")).await.unwrap();
    denied(&cluster.url("scram:wrong", "127.0.0.1", "")).await;
    denied(&cluster.url("scram:", "127.0.0.1", "")).await;
    denied(&cluster.url("nobody:wrong", "127.0.0.1", "")).await;
    denied(&cluster.url("locked", "127.0.0.1", "")).await;
    denied(&cluster.url("scram:right%20%C3%9F", "127.0.0.1", "require_auth=md5")).await;
    denied(&cluster.url("scram:right%20%C3%9F", "127.0.0.1", "channel_binding=require")).await;
    denied(&cluster.url("postgres", "127.0.0.1", "require_auth=scram-sha-256")).await;
    attempt(&cluster.url("weak:right", "127.0.0.1", "")).await.unwrap();
    denied(&cluster.url("weak:wrong", "127.0.0.1", "")).await;
    denied(&cluster.url("plain:right", "127.0.0.1", "")).await;
    attempt(&cluster.url("plain:right", "127.0.0.1", "allow_cleartext=1")).await.unwrap();
    let (kind, _) = attempt(&cluster.url("postgres", "127.0.0.1", "dbname=nowhere")).await.unwrap_err();
    assert_eq!(kind, ConnectionErrorKind::UnknownDatabase);
    let (kind, _) = attempt(&cluster.url("postgres", "127.0.0.1", "options=-c%20nonsense%3D1")).await.unwrap_err();
    assert_eq!(kind, ConnectionErrorKind::Invalid);
    // The password file.
    let file = cluster.folder.join("passwords");
    std::fs::write(&file, format!("127.0.0.1:{}:*:scram:right ß\n", cluster.port)).unwrap();
    let url = cluster.url("scram", "127.0.0.1", &format!("passfile={}", file.display()));
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    denied(&url).await;
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    attempt(&url).await.unwrap();
}

async fn encrypted(cluster: &Cluster) {
    let root = format!("sslrootcert={}", cluster.path("ca.crt"));
    let full = format!("sslmode=verify-full&{root}");
    let mut connection = connect(&cluster.url("scram:right%20%C3%9F", "localhost", &format!("{full}&channel_binding=require"))).await;
    assert_eq!(one(&mut *connection, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").await, Value::Bool(true));
    let large = one(&mut *connection, "select repeat('x', 5000000)").await;
    assert_eq!(large, Value::from("x".repeat(5_000_000)));
    let lists = (0..20_000i64)
        .map(|n| vec![param(n, sequor_core::types::ScalarType::I64), param("y".repeat(100), sequor_core::types::ScalarType::Text)])
        .collect();
    let done = connection.run(sequor_core::driver::Batch::one(many("select $1, $2", lists))).await.unwrap().remove(0);
    assert_eq!(collected(done).rows.len(), 20_000);
    // Cancelling goes over TLS, too.
    let slow = connection.run(sequor_core::driver::Batch::one(query("select pg_sleep(30)", vec![])));
    assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
    connection.reset().await.unwrap();
    assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
    assert!(connection.is_alive(std::time::Duration::MAX));
    connection.close().await;
    attempt(&cluster.url("plain:right", "localhost", &full)).await.unwrap();
    denied(&cluster.url("plain:right", "localhost", "sslmode=require")).await;
    attempt(&cluster.url("weak:right", "localhost", "sslmode=require&ssl_max_protocol_version=TLSv1.2")).await.unwrap();
    attempt(&cluster.url("weak:right", "localhost", "sslmode=require&ssl_min_protocol_version=TLSv1.3&sslsni=0")).await.unwrap();
    let client = format!("{full}&sslcert={}&sslkey={}", cluster.path("client.crt"), cluster.path("client.key"));
    attempt(&cluster.url("certified", "localhost", &client)).await.unwrap();
    denied(&cluster.url("certified", "localhost", &full)).await;
}

async fn certificates(cluster: &Cluster) {
    let root = format!("sslrootcert={}", cluster.path("ca.crt"));
    let stranger = format!("sslrootcert={}", cluster.path("stranger.crt"));
    let kind =
        async |host: &str, parameters: String| attempt(&cluster.url("weak:right", host, &parameters)).await.map_err(|(kind, _)| kind);
    let tls = Err(ConnectionErrorKind::Tls);
    assert_eq!(kind("localhost", format!("sslmode=verify-full&{stranger}")).await, tls);
    assert_eq!(kind("localhost", format!("sslmode=verify-ca&{stranger}")).await, tls);
    assert_eq!(kind("localhost", "sslmode=verify-full".into()).await, tls, "the system's authorities do not know ours");
    assert_eq!(kind("127.0.0.1", format!("sslmode=verify-full&{root}")).await, tls, "the certificate is for a name");
    assert_eq!(kind("127.0.0.1", format!("sslmode=verify-ca&{root}")).await, Ok(()));
    assert_eq!(kind("localhost", format!("sslmode=verify-full&{root}&sslcert=/nowhere")).await, Err(ConnectionErrorKind::Invalid));
    assert_eq!(kind("localhost", "sslmode=verify-full&sslrootcert=/nowhere".into()).await, Err(ConnectionErrorKind::Invalid));
    for (certificate, full, only_ca) in [("other", tls, Ok(())), ("expired", tls, tls), ("stranger", tls, tls), ("server", Ok(()), Ok(()))]
    {
        let original = certificate == "server";
        if !original {
            std::fs::copy(cluster.folder.join("server.crt"), cluster.folder.join("kept.crt")).unwrap();
            std::fs::copy(cluster.folder.join("server.key"), cluster.folder.join("kept.key")).unwrap();
            cluster.present(certificate);
        }
        // A reload takes a moment.
        for _ in 0..100 {
            if kind("localhost", format!("sslmode=verify-full&{root}")).await == full {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(kind("localhost", format!("sslmode=verify-full&{root}")).await, full, "{certificate}");
        assert_eq!(kind("localhost", format!("sslmode=verify-ca&{root}")).await, only_ca, "{certificate}");
        if !original {
            cluster.present("kept");
        }
    }
}

async fn restarted(cluster: &Cluster) {
    let url = cluster.url("postgres", "127.0.0.1", "");
    let mut connection = connect(&url).await;
    cluster.down();
    let error = rows(&mut *connection, "select 1", vec![]).await.unwrap_err();
    assert!(matches!(&error, Error::Connection(error) if error.kind == ConnectionErrorKind::Broken), "{error:?}");
    let start = std::time::Instant::now();
    let (kind, message) = attempt(&url).await.unwrap_err();
    assert_eq!(kind, ConnectionErrorKind::Refused, "{message}");
    assert!(start.elapsed() < Duration::from_secs(8));
    let socket = format!("postgres://postgres@/postgres?host={}&port={}", cluster.folder.display(), cluster.port);
    assert_eq!(attempt(&socket).await.unwrap_err().0, ConnectionErrorKind::Refused);
    cluster.up();
    attempt(&url).await.unwrap();
}
