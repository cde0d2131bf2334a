//! Logins that want more than they should.

use crate::script::*;
use sequor_core::error::ConnectionErrorKind as K;
use std::time::{Duration, Instant};

const LINE: &str = "";

fn switch(plugin: &str, nonce: &[u8]) -> Vec<u8> {
    packet(2, &[&[0xfe][..], plugin.as_bytes(), &[0], nonce, &[0]].concat())
}

/// A server that greets with a plugin and then says one thing.
async fn after_greeting(plugin: &str, nonce: &[u8], say: Vec<Vec<u8>>) -> Rogue {
    let mut script = vec![Act::Say(greeting(FLAGS, nonce, plugin))];
    for bytes in say {
        script.push(Act::Hear);
        script.push(Act::Say(bytes));
    }
    script.push(Act::Hear);
    Rogue::plays(script).await
}

#[tokio::test]
async fn the_password_is_never_sent_in_the_clear_unasked() {
    for plugin in ["mysql_clear_password", "dialog", "auth_gssapi_client", "mysql_old_password", "", "\u{7}\u{8}evil"] {
        for query in [LINE, "?enable-cleartext-plugin=true"] {
            let rogue = after_greeting("mysql_native_password", NONCE, vec![switch(plugin, NONCE)]).await;
            assert_eq!(kind(&rogue.refuses(query).await), K::AccessDenied, "{plugin}");
            assert!(!contains(&rogue.heard().await, b"secret"), "{plugin}");
        }
    }
    let rogue = after_greeting("mysql_clear_password", NONCE, vec![ok(2, 2)]).await;
    let _ = rogue.refuses(LINE).await;
    assert!(!contains(&rogue.heard().await, b"secret"));
}

#[tokio::test]
async fn an_empty_or_short_nonce_is_refused() {
    for nonce in [&[0; 20][..]] {
        let rogue = after_greeting("mysql_native_password", nonce, vec![]).await;
        assert_eq!(kind(&rogue.refuses(LINE).await), K::AccessDenied);
        assert_eq!(rogue.heard().await, b"");
    }
    for nonce in [&b""[..], b"short", &[0; 20]] {
        let rogue = after_greeting("mysql_native_password", NONCE, vec![switch("caching_sha2_password", nonce)]).await;
        assert_eq!(kind(&rogue.refuses(LINE).await), K::AccessDenied);
    }
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused_without_a_panic() {
    let pem = |body: &str| format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n").into_bytes();
    for key in [b"".to_vec(), b"xx".to_vec(), pem(""), pem("MA=="), pem("MAA="), pem("////////"), vec![0xff; 70_000]] {
        let rogue = after_greeting("caching_sha2_password", NONCE, vec![packet(2, &[1, 4]), packet(4, &[&[1][..], &key].concat())]).await;
        let error = rogue.refuses(LINE).await;
        assert!(matches!(kind(&error), K::AccessDenied | K::Protocol), "{error}");
        assert!(!contains(&rogue.heard().await, b"secret"));
    }
}

#[tokio::test]
async fn a_login_without_an_end_ends() {
    let say = (0..30).map(|round| packet(2 + 2 * round, &[&[0xfe][..], b"mysql_native_password\0", NONCE, &[0]].concat())).collect();
    let rogue = after_greeting("mysql_native_password", NONCE, say).await;
    assert_eq!(kind(&rogue.refuses(LINE).await), K::Protocol);
}

#[tokio::test]
async fn what_is_no_server_is_told_so() {
    for (says, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n".to_vec(), K::Protocol),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), K::Protocol),
        (packet(0, b"\x09old\0"), K::Protocol),
        (packet(0, b""), K::Protocol),
        (packet(7, b"\x0a5.5\0"), K::Protocol),
        (refusal(0, 1040, "Too many connections"), K::ServerFull),
        (packet(0, b"\xff\x10\x04Too many connections"), K::ServerFull),
        (refusal(0, 1130, "Host is not allowed"), K::AccessDenied),
        (greeting(0x1, NONCE, "mysql_native_password"), K::Protocol),
    ] {
        let rogue = Rogue::plays(vec![Act::Say(says.clone()), Act::Close]).await;
        let error = rogue.refuses(LINE).await;
        let found = kind(&error);
        // A server that promises more than it sends has closed the line in the middle of its greeting.
        assert!(found == expected || (says.starts_with(b"HTTP") || says.starts_with(b"SSH")) && found == K::NotReady, "{says:?}: {error}");
        assert_eq!(rogue.heard().await, b"");
    }
    let rogue = Rogue::plays(vec![Act::Close]).await;
    assert_eq!(kind(&rogue.refuses(LINE).await), K::NotReady);
}

#[tokio::test]
async fn a_silent_server_ends_at_the_time_limit() {
    let rogue = Rogue::plays(vec![Act::Silence]).await;
    let start = Instant::now();
    let driver = sequor_mysql::MysqlDriver::new(rogue.options("").connect_timeout(Duration::from_millis(300)));
    let error = sequor_core::driver::Driver::connect(&driver).await.err().unwrap();
    assert_eq!(kind(&error), K::TimedOut);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn a_line_that_should_be_encrypted_is_not_used_in_the_clear() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let query = format!("?ssl-mode={mode}&ssl-ca={}/tests/rogue/none.pem", env!("CARGO_MANIFEST_DIR"));
        let rogue = Rogue::plays(vec![Act::Say(greeting(FLAGS, NONCE, "mysql_native_password")), Act::Hear]).await;
        assert_eq!(kind(&rogue.refuses(&query).await), K::Tls, "{mode}");
        assert_eq!(rogue.heard().await, b"", "nothing is sent before the line is encrypted");

        // Bytes in the clear between the greeting and the encrypted line.
        let said = [greeting(FLAGS | TLS, NONCE, "mysql_native_password"), ok(2, 2)].concat();
        let rogue = Rogue::plays(vec![Act::Say(said), Act::Hear]).await;
        let found = kind(&rogue.refuses(&query).await);
        assert!(matches!(found, K::Tls | K::Invalid), "{mode}: {found:?}");
        assert!(!contains(&rogue.heard().await, b"ann"));
    }
    // What answers the request for TLS is no TLS.
    let rogue =
        Rogue::plays(vec![Act::Say(greeting(FLAGS | TLS, NONCE, "mysql_native_password")), Act::Hear, Act::Say(ok(2, 2)), Act::Hear]).await;
    assert_eq!(kind(&rogue.refuses("?ssl-mode=require").await), K::Tls);
    assert!(!contains(&rogue.heard().await, b"ann"));
}
