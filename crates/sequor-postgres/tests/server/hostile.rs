//! Servers that are none, or that lie. No real server is needed.

use crate::support::driver;
use sequor_core::Error;
use sequor_core::driver::Driver;
use sequor_core::error::ConnectionErrorKind as Kind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A message of a server.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn refusal(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0").as_bytes())
}

fn asks(kind: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes()[..], rest].concat())
}

/// Runs a test without a server.
fn alone<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test()).await.expect("the test hangs") });
}

/// Says these pieces, one after each that the client says, then closes. Gives what the client said.
async fn scripted(pieces: Vec<Vec<u8>>) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        let mut buffer = vec![0; 65536];
        for piece in pieces {
            let count = socket.read(&mut buffer).await.unwrap_or(0);
            heard.extend_from_slice(&buffer[..count]);
            if count == 0 || socket.write_all(&piece).await.is_err() {
                return heard;
            }
        }
        let count = tokio::time::timeout(Duration::from_millis(500), socket.read(&mut buffer)).await.unwrap_or(Ok(0)).unwrap_or(0);
        heard.extend_from_slice(&buffer[..count]);
        heard
    });
    (port, task)
}

async fn outcome(pieces: Vec<Vec<u8>>, parameters: &str) -> (Option<Kind>, String, Vec<u8>) {
    let (port, server) = scripted(pieces).await;
    let result = driver(&format!("postgres://ann:hunter2@127.0.0.1:{port}/db?{parameters}")).connect().await.map(|_| ());
    let heard = server.await.unwrap();
    match result {
        Ok(()) => (None, String::new(), heard),
        Err(Error::Connection(error)) => {
            assert!(!format!("{error} {error:?}").contains("hunter2"));
            (Some(error.kind), error.to_string(), heard)
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_is_no_postgresql_is_recognised() {
    alone(async || {
        for piece in [
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            b"J\0\0\0\n8.0.33\0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_vec(),
            vec![0; 64],
            vec![0xff; 64],
            message(b'Q', b"select 1\0"),
            message(b'R', b"\0\0"),
        ] {
            let (kind, text, _) = outcome(vec![piece.clone()], "").await;
            assert_eq!(kind, Some(Kind::Protocol), "{}: {text}", String::from_utf8_lossy(&piece));
        }
        assert_eq!(outcome(vec![vec![]], "").await.0, Some(Kind::Broken));
    });
}

#[test]
fn refusals_while_connecting_are_told_apart() {
    alone(async || {
        for (code, expected) in [
            ("28P01", Kind::AccessDenied),
            ("28000", Kind::AccessDenied),
            ("3D000", Kind::UnknownDatabase),
            ("57P03", Kind::NotReady),
            ("53300", Kind::ServerFull),
            ("57P01", Kind::Broken),
            ("XX000", Kind::Broken),
        ] {
            let (kind, text, _) = outcome(vec![refusal(code, "no")], "").await;
            assert_eq!(kind, Some(expected), "{text}");
            assert!(text.contains("127.0.0.1") && text.contains("/db") && text.contains(code), "{text}");
        }
    });
}

#[test]
fn weak_and_unknown_logins_are_refused_with_the_password_unsaid() {
    alone(async || {
        // Over an unverified line to another machine even md5 is refused; here the line is this machine's own.
        for (kind, rest) in [
            (3, &b""[..]),
            (2, b""),
            (6, b""),
            (7, b""),
            (8, b""),
            (9, b""),
            (10, b"SCRAM-SHA-1\0\0"),
            (10, b"\0"),
            (10, b""),
            (11, b"x"),
            (12, b"x"),
            (99, b""),
        ] {
            let (outcome, text, heard) = outcome(vec![asks(kind, rest), vec![]], "").await;
            assert_eq!(outcome, Some(Kind::AccessDenied), "{kind}: {text}");
            assert!(!contains(&heard, b"hunter2"), "{kind}");
        }
        let (kind, _, heard) = outcome(vec![asks(5, b"salt"), vec![]], "require_auth=scram-sha-256").await;
        assert_eq!(kind, Some(Kind::AccessDenied));
        assert!(!contains(&heard, b"md5"));
        let (_, _, heard) = outcome(vec![asks(3, b""), vec![]], "allow_cleartext=1").await;
        assert!(contains(&heard, b"hunter2"), "asked for, it is said");
        // A server that claims success before any proof of either side.
        let early = [asks(0, b""), message(b'Z', b"I")].concat();
        assert_eq!(outcome(vec![early], "require_auth=scram-sha-256").await.0, Some(Kind::AccessDenied));
    });
}

#[test]
fn a_server_that_cheats_in_scram_is_refused() {
    alone(async || {
        let start = Instant::now();
        for challenge in ["r=short,s=AAAA,i=4096", "r=,s=AAAA,i=1", "nonsense", "r=x,s=AAAA,i=2147483647"] {
            let (kind, text, heard) = outcome(vec![asks(10, b"SCRAM-SHA-256\0\0"), asks(11, challenge.as_bytes()), vec![]], "").await;
            assert_eq!(kind, Some(Kind::AccessDenied), "{text}");
            assert!(text.contains("not trusted") && !contains(&heard, b"p="), "{text}");
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        // Skips the proof.
        let skips = vec![asks(10, b"SCRAM-SHA-256\0\0"), [asks(0, b""), message(b'Z', b"I")].concat()];
        assert_eq!(outcome(skips, "").await.0, Some(Kind::AccessDenied));
    });
}

#[test]
fn tls_is_not_talked_out_of() {
    alone(async || {
        let (kind, text, heard) = outcome(vec![b"N".to_vec(), vec![]], "sslmode=require").await;
        assert_eq!(kind, Some(Kind::Tls), "{text}");
        assert!(!contains(&heard, b"ann"), "not even the user goes over the open line");
        let (kind, text, heard) = outcome(vec![[&b"S"[..], &asks(3, b"")].concat(), vec![]], "sslmode=require").await;
        assert_eq!(kind, Some(Kind::Tls), "{text}");
        assert!(text.contains("before the encryption") && !contains(&heard, b"ann"), "{text}");
        assert_eq!(outcome(vec![b"S".to_vec(), b"garbage, not a handshake".to_vec()], "sslmode=require").await.0, Some(Kind::Tls));
        assert_eq!(outcome(vec![refusal("0A000", "no")], "sslmode=require").await.0, Some(Kind::Tls));
        assert_eq!(outcome(vec![b"H".to_vec()], "sslmode=require").await.0, Some(Kind::Protocol));
    });
}

#[test]
fn a_host_that_is_silent_closed_or_unknown_is_told_apart() {
    alone(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let kind = async |url: String| match driver(&url).connect().await.map(|_| ()) {
            Err(Error::Connection(error)) => error.kind,
            other => panic!("{other:?}"),
        };
        let start = Instant::now();
        assert_eq!(kind(format!("postgres://a@127.0.0.1:{port}/d?connect_timeout=1")).await, Kind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(8));
        drop(listener);
        let start = Instant::now();
        assert_eq!(kind(format!("postgres://a@127.0.0.1:{port}/d")).await, Kind::Refused);
        assert!(start.elapsed() < Duration::from_secs(8));
        assert_eq!(kind("postgres://a@host.invalid/d".into()).await, Kind::HostNotFound);
        assert_eq!(kind(format!("postgres://a@127.0.0.1:{port},127.0.0.1:{port}/d")).await, Kind::Refused);
    });
}

#[test]
fn answers_that_break_the_protocol_break_the_connection_and_nothing_else() {
    alone(async || {
        let hello = [asks(0, b""), message(b'S', b"server_version\x0015.1\0"), message(b'K', &[0; 8]), message(b'Z', b"I")].concat();
        let pong = message(b'Z', b"I");
        let columns = message(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x14\0\x08\xff\xff\xff\xff\0\x01");
        let described = [message(b'1', b""), message(b't', b"\0\0"), columns.clone(), message(b'2', b"")].concat();
        for lie in [
            message(b'Z', b"X"),
            message(b'?', b""),
            message(b'T', b"\xff\xff"),
            message(b'T', b"\0\x02a\0"),
            message(b's', b""),
            vec![b'D', 0xff, 0xff, 0xff, 0xff],
            vec![b'D', 0, 0, 0, 1],
            [described.clone(), message(b'D', b"")].concat(),
            [described.clone(), message(b'D', b"\0\x02\xff\xff\xff\xff\xff\xff\xff\xff")].concat(),
            [described.clone(), message(b'D', b"\0\x01\x7f\xff\xff\xff")].concat(),
            [described.clone(), message(b'D', b"\0\x01\xff\xff\xff\xfe")].concat(),
            [message(b'D', b"\0\0")].concat(),
            [described.clone(), message(b'2', b""), message(b'2', b"")].concat(),
        ] {
            let (port, server) = scripted(vec![hello.clone(), pong.clone(), lie.clone()]).await;
            let mut connection = driver(&format!("postgres://ann@127.0.0.1:{port}/db")).connect().await.unwrap();
            let error = crate::support::rows(&mut *connection, "select 1", vec![]).await.unwrap_err();
            assert!(matches!(error, Error::Connection(_)), "{lie:?}: {error:?}");
            assert_eq!(connection.status(), sequor_core::driver::Status::Broken);
            drop(connection);
            server.abort();
        }
    });
}
