//! TLS: certificates that are good, wrong, strange and old, and what may be sent over which line.

use crate::script::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use sequor_core::driver::{Batch, Driver, Step};
use sequor_core::error::ConnectionErrorKind as K;
use sequor_core::{Error, Result};
use sequor_mysql::{MysqlDriver, MysqlOptions};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, and its key.
fn certificate(authority: &Authority, name: &str, old: bool) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if old {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().der().clone(), key)
}

/// Writes a file that is gone with the process.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sequor-mysql-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn server(certificate: CertificateDer<'static>, key: &KeyPair, clients: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()))
}

/// A server with TLS whose account logs in by all of its password; gives what it read over the encrypted line.
async fn listen(acceptor: TlsAcceptor) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&greeting(FLAGS | TLS, NONCE, "caching_sha2_password")).await.unwrap();
        let mut request = [0; 36];
        stream.read_exact(&mut request).await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { return Vec::new() };
        let mut heard = Vec::new();
        for answer in [packet(3, &[1, 4]), ok(5, 2), [ok(1, 2), facts()].concat(), ok(1, 2)] {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes).await {
                Ok(count @ 1..) => heard.extend_from_slice(&bytes[..count]),
                _ => break,
            }
            let _ = stream.write_all(&answer).await;
        }
        heard
    });
    (port, task)
}

async fn connect(host: &str, port: u16, query: &str) -> Result<()> {
    let options = MysqlOptions::parse(&format!("mysql://ann:secret@{host}:{port}/app?{query}")).unwrap();
    let mut connection = MysqlDriver::new(options).connect().await?;
    assert!(connection.is_alive(std::time::Duration::MAX));
    connection.run(Batch::one(Step::execute("set @a = 1", vec![]))).await?;
    connection.close().await;
    Ok(())
}

#[tokio::test]
async fn certificates_are_checked_as_far_as_the_mode_says() {
    let (good, other) = (authority("good"), authority("other"));
    let (ca, wrong_ca) = (file("good.pem", &good.pem()), file("other.pem", &other.pem()));
    for (name, issuer, old, host, query, expected) in [
        ("localhost", &good, false, "localhost", format!("ssl-mode=verify-full&ssl-ca={}", ca.display()), None),
        ("127.0.0.1", &good, false, "127.0.0.1", format!("ssl-mode=verify-full&ssl-ca={}", ca.display()), None),
        ("example.com", &good, false, "localhost", format!("ssl-mode=verify-full&ssl-ca={}", ca.display()), Some(K::Tls)),
        ("example.com", &good, false, "localhost", format!("ssl-mode=verify-ca&ssl-ca={}", ca.display()), None),
        ("localhost", &good, false, "localhost", format!("ssl-mode=verify-ca&ssl-ca={}", wrong_ca.display()), Some(K::Tls)),
        ("localhost", &good, false, "localhost", format!("ssl-mode=verify-full&ssl-ca={}", wrong_ca.display()), Some(K::Tls)),
        ("localhost", &good, true, "localhost", format!("ssl-mode=verify-full&ssl-ca={}", ca.display()), Some(K::Tls)),
        ("localhost", &good, true, "localhost", format!("ssl-mode=verify-ca&ssl-ca={}", ca.display()), Some(K::Tls)),
        ("example.com", &other, true, "localhost", "ssl-mode=require".to_owned(), None),
        ("localhost", &good, false, "localhost", "ssl-mode=verify-full&ssl-ca=/nowhere.pem".to_owned(), Some(K::Invalid)),
    ] {
        let (certificate, key) = certificate(issuer, name, old);
        let (port, task) = listen(server(certificate, &key, None)).await;
        let found = connect(host, port, &query).await;
        match expected {
            None => found.unwrap_or_else(|error| panic!("{name} {query}: {error}")),
            Some(expected) => {
                let error = found.unwrap_err();
                assert!(matches!(&error, Error::Connection(error) if error.kind == expected), "{name} {query}: {error}");
                assert!(!format!("{error:?}").contains("secret"));
            }
        }
        if expected == Some(K::Invalid) {
            task.abort();
            continue;
        }
        let heard = task.await.unwrap();
        assert_eq!(contains(&heard, b"secret\0"), expected.is_none(), "{name} {query}");
    }
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = authority("good");
    let ca = file("clients.pem", &authority.pem());
    let (mine, my_key) = certificate(&authority, "ann", false);
    let pem = |tag: &str, der: &[u8]| {
        let text = sequor_core::Value::Bytes(der.to_vec()).to_json();
        format!("-----BEGIN {tag}-----\n{}\n-----END {tag}-----\n", text["$bytes"].as_str().unwrap())
    };
    let cert = file("ann.pem", &pem("CERTIFICATE", &mine));
    let key = file("ann.key", &my_key.serialize_pem());
    for (query, works) in [
        (format!("ssl-mode=verify-full&ssl-ca={}&ssl-cert={}&ssl-key={}", ca.display(), cert.display(), key.display()), true),
        (format!("ssl-mode=verify-full&ssl-ca={}", ca.display()), false),
    ] {
        let (certificate, key) = certificate(&authority, "localhost", false);
        let (port, task) = listen(server(certificate, &key, Some(&authority))).await;
        assert_eq!(connect("localhost", port, &query).await.is_ok(), works);
        task.await.unwrap();
    }
}
