//! The plugins' exchanges, and what is never sent. The hashes have their vectors in `mysql_common`.

use super::*;

const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";
const KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxSKOcxiet8lLMn8ImyUE
bGGKob5EdRz/4wdiw12ED0GfKKTKhVnodFCfm1mdy7bKOX5QxL9skrvYodpW43eR
R5bfOzIgy1qIB8RYb6qOXRBw1oA4snBDqtUjDv/lbHLJN+IbzM4oU+e3Lt9rXyLX
VY289ewONPweXHqSCnTL91w+wkU1peIFV2QhZ+upUCdCtwOn5hnJPNgxtbklFoya
C8W3Z7Xx7He2QDJsEWAqX197efw0L6j8X8Tyd8Uwb7zUB1tfMGhHfm9EwejPAtzx
4GztQNtNMtGS2oGZLQBLV9hib4dDL92iiZeckg2LAf4GsJofLLR8mcHCRoqVbQJ1
YQIDAQAB
-----END PUBLIC KEY-----
";

fn options(url: &str) -> MysqlOptions {
    MysqlOptions::parse(url).unwrap()
}

fn sent(step: Result<Step>) -> Option<Vec<u8>> {
    match step.unwrap() {
        Step::Send(bytes) => Some(bytes),
        Step::Wait => None,
    }
}

#[test]
fn a_known_password_takes_one_answer() {
    let options = options("mysql://ann:Grd5!R27@db.example.com/x");
    let (mut login, first) = Login::begin(&options, false, b"caching_sha2_password", NONCE).unwrap();
    assert_eq!(first.len(), 32);
    assert_eq!(sent(login.go_on(&[3])), None);
    let (login, first) = Login::begin(&options, false, b"mysql_native_password", NONCE).unwrap();
    assert_eq!((login.plugin(), first.len()), (NATIVE, 20));
    let (_, first) = Login::begin(&options, false, b"client_ed25519", &[7; 32]).unwrap();
    assert_eq!(first.len(), 64);
    let (_, first) = Login::begin(&self::options("mysql://ann:@h/x"), false, b"caching_sha2_password", NONCE).unwrap();
    assert_eq!(first, b"");
}

#[test]
fn all_of_the_password_goes_over_private_lines_only() {
    let remote = options("mysql://ann:secret@db.example.com/x");
    let (mut login, _) = Login::begin(&remote, true, b"caching_sha2_password", NONCE).unwrap();
    assert_eq!(sent(login.go_on(FULL)).unwrap(), b"secret\0");
    let (mut login, _) = Login::begin(&remote, false, b"caching_sha2_password", NONCE).unwrap();
    let error = login.go_on(FULL).err().unwrap().to_string();
    assert!(error.contains("TLS") && !error.contains("secret"), "{error}");
    assert!(Login::begin(&remote, false, b"sha256_password", NONCE).is_err());
    for url in ["mysql://ann:secret@127.0.0.1/x", "mysql://ann:secret@db.example.com/x?allow-public-key-retrieval=true"] {
        let options = options(url);
        let (mut login, _) = Login::begin(&options, false, b"caching_sha2_password", NONCE).unwrap();
        assert_eq!(sent(login.go_on(FULL)).unwrap(), [2], "asks for the server's key");
        assert_eq!(sent(login.go_on(KEY.as_bytes())).unwrap().len(), 256);
    }
}

#[test]
fn the_clear_plugin_needs_a_checked_line_and_consent() {
    for (url, private, allowed) in [
        ("mysql://ann:secret@h/x", true, false),
        ("mysql://ann:secret@h/x?enable-cleartext-plugin=true", false, false),
        ("mysql://ann:secret@h/x?enable-cleartext-plugin=true&ssl-mode=require", true, false),
        ("mysql://ann:secret@h/x?enable-cleartext-plugin=true&ssl-mode=verify-ca", true, true),
        ("mysql://ann:secret@/x?enable-cleartext-plugin=true&socket=/s", true, true),
    ] {
        let options = options(url);
        let (mut login, _) = Login::begin(&options, private, NATIVE, NONCE).unwrap();
        let step = login.switch(&[b"mysql_clear_password\0", &NONCE[..], &[0]].concat());
        assert_eq!(step.is_ok(), allowed, "{url}");
        if allowed {
            assert_eq!(sent(step).unwrap(), b"secret\0");
        }
    }
}

#[test]
fn no_prefix_and_no_flip_of_a_key_is_a_panic() {
    assert!(is_rsa_key(KEY.as_bytes()));
    let (der, _) = pem_to_der(KEY).unwrap();
    let pem = |der: &[u8]| {
        let text = sequor_core::value::Value::Bytes(der.to_vec()).to_json();
        let text = text["$bytes"].as_str().unwrap().to_owned();
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    };
    let use_it = |key: &str| {
        if is_rsa_key(key.as_bytes()) {
            let _ = mysql_common::crypto::encrypt(b"secret\0", key.as_bytes());
        }
    };
    for end in 0..der.len() {
        assert!(!is_rsa_key(pem(&der[..end]).as_bytes()), "{end}");
    }
    for place in (0..60).chain(der.len() - 20..der.len()) {
        for mask in [1, 0x80, 0xff] {
            let mut flipped = der.clone();
            flipped[place] ^= mask;
            use_it(&pem(&flipped));
        }
    }
    assert!(!is_rsa_key(&vec![b'x'; 20 << 10]));
}
