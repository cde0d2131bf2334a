//! Wrong requests on every route: the right 4xx, nothing stored, nothing leaked.

use crate::start::{Place, Running};
use accounts::models::{File, Otp, Payment, SocialAuth, User};
use reqwest::Response;
use sequor::prelude::*;
use serde_json::{Map, Value};

/// The routes that take a JSON body: the body that is right, and whether a token is needed.
fn bodies() -> Vec<(&'static str, Value, bool)> {
    vec![
        ("/register", json!({ "email": "new@example.com", "name": "New", "password": "correct horse" }), false),
        ("/confirm", json!({ "email": "owner@example.com", "code": "000000" }), false),
        ("/login", json!({ "email": "owner@example.com", "password": "wrong horse" }), false),
        ("/refresh", json!({ "refreshToken": "a.b.c" }), false),
        ("/social", json!({ "provider": "github", "providerUserId": "1" }), true),
        ("/payments", json!({ "amount": "1.00", "currency": "EUR" }), true),
    ]
}

/// Texts that have broken other programs.
const TEXTS: [&str; 14] = [
    "' OR 1=1 --",
    "'; DROP TABLE users; --",
    "\"; DROP TABLE users; --",
    "\\' UNION SELECT password FROM users --",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "a\u{0}b",
    "\u{202e}di",
    "=cmd|' /C calc'!A0",
    "\r\nSet-Cookie: x=1",
    "$1 ? :name {x}",
    "",
];

async fn counts(db: &Db) -> [u64; 5] {
    [
        User::count().exec(db).await.unwrap(),
        Otp::count().exec(db).await.unwrap(),
        SocialAuth::count().exec(db).await.unwrap(),
        File::count().exec(db).await.unwrap(),
        Payment::count().exec(db).await.unwrap(),
    ]
}

/// A problem that says nothing of our insides.
async fn refused(answer: Response, wanted: &[u16], what: &str) {
    let status = answer.status().as_u16();
    assert!(wanted.contains(&status), "{what}: {status}, not one of {wanted:?}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
    assert!(answer.headers().get("set-cookie").is_none(), "{what}");
    let text = answer.text().await.unwrap();
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"].as_u64(), Some(status.into()), "{what}: {text}");
    for inside in ["SELECT", "INSERT", "sqlite", "mariadb", "argon2", "otps", "src/", "panicked"] {
        assert!(!text.contains(inside), "{what} leaks {inside}: {text}");
    }
}

struct Attacker<'a> {
    running: &'a Running,
    token: String,
}

impl Attacker<'_> {
    async fn post(&self, path: &str, with_token: bool, kind: &str, body: Vec<u8>) -> Response {
        let mut request = self.running.client.post(format!("{}{path}", self.running.url)).header("content-type", kind).body(body);
        if with_token {
            request = request.bearer_auth(&self.token).header("idempotency-key", "a-key-of-its-own");
        }
        request.send().await.unwrap()
    }

    async fn get(&self, method: &str, path: &str) -> Response {
        let request = self.running.client.request(method.parse().unwrap(), format!("{}{path}", self.running.url));
        request.bearer_auth(&self.token).send().await.unwrap()
    }

    async fn shapes(&self, path: &str, right: &Map<String, Value>, with_token: bool) {
        let json = "application/json";
        let post = async |body: &Value| self.post(path, with_token, json, serde_json::to_vec(body).unwrap()).await;
        for body in [json!(null), json!([]), json!("text"), json!(1), json!({}), json!([right])] {
            refused(post(&body).await, &[422], &format!("{path} {body}")).await;
        }
        let mut more = right.clone();
        more.insert("isAdmin".into(), json!(true));
        refused(post(&more.into()).await, &[422], &format!("{path} with a field more")).await;
        for field in right.keys() {
            let with = |value: Value| {
                let mut body = right.clone();
                body.insert(field.clone(), value);
                Value::Object(body)
            };
            let mut less = right.clone();
            less.remove(field);
            refused(post(&less.into()).await, &[422], &format!("{path} without {field}")).await;
            for wrong in [json!(null), json!(1), json!(true), json!([]), json!({ "$ne": null }), json!(["a"])] {
                refused(post(&with(wrong.clone())).await, &[422], &format!("{path} {field} = {wrong}")).await;
            }
            let long = "x".repeat(60_000);
            refused(post(&with(long.into())).await, &[401, 422], &format!("{path} with a long {field}")).await;
        }
        for (kind, body, status) in
            [(json, "{", 400), (json, "", 400), (json, "{\"email", 400), ("text/plain", "{}", 415), ("text/xml", "<a/>", 415)]
        {
            refused(self.post(path, with_token, kind, body.into()).await, &[status], &format!("{path} {kind} {body}")).await;
        }
        let deep = "[".repeat(10_000);
        refused(self.post(path, with_token, json, deep.into()).await, &[400, 422], &format!("{path} deep")).await;
        refused(self.post(path, with_token, json, vec![b'"', 0xff, 0xfe, b'"']).await, &[400, 422], &format!("{path} no UTF-8")).await;
    }

    async fn texts(&self, path: &str, right: &Map<String, Value>, with_token: bool) {
        // What may be any text, and is only ever hashed or kept, is looked at in the end.
        for field in right.keys().filter(|field| !matches!(field.as_str(), "name" | "password")) {
            // Any text of some length may be the name that a provider knows somebody by.
            for text in TEXTS.iter().filter(|text| !(*field == "providerUserId" && !text.is_empty())) {
                let mut body = right.clone();
                body.insert(field.clone(), json!(text));
                let answer = self.post(path, with_token, "application/json", serde_json::to_vec(&body).unwrap()).await;
                refused(answer, &[401, 422], &format!("{path} {field} = {text:?}")).await;
            }
        }
    }
}

async fn everything(db: Db) {
    let running = Running::start(db.clone()).await;
    let attacker = Attacker { token: running.somebody("owner").await, running: &running };
    let before = counts(&db).await;
    for (path, right, with_token) in bodies() {
        let Value::Object(right) = right else { unreachable!() };
        attacker.shapes(path, &right, with_token).await;
        attacker.texts(path, &right, with_token).await;
        for method in ["PUT", "DELETE", "PATCH"] {
            refused(attacker.get(method, path).await, &[405], &format!("{method} {path}")).await;
        }
    }
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/files?page=0", 422),
        ("GET", "/files?page=-1", 400),
        ("GET", "/files?page=1e3", 400),
        ("GET", "/files?page=99999999999999999999", 400),
        ("GET", "/payments?page=9223372036854775807", 422),
        ("GET", "/payments?page=1&page=2", 400),
        ("GET", "/payments?limit=1000000", 400),
        ("GET", "/files?page[$ne]=1", 400),
        ("GET", "/files/abc", 404),
        ("GET", "/files/1%20OR%201=1", 404),
        ("GET", "/files/9223372036854775808", 404),
        ("GET", "/files/..%2F..%2Fetc%2Fpasswd", 404),
        ("DELETE", "/files/1%00", 404),
        ("POST", "/payments/1/steal", 404),
        ("POST", "/payments/abc/capture", 404),
        ("POST", "/files", 400),
        ("POST", "/files?name=", 422),
        ("POST", "/files?name=..%2Fup", 422),
        ("POST", "/files?name=a%00b", 422),
        ("POST", "/files?name=a%0d%0ab", 422),
        ("POST", "/files?name=.htaccess", 422),
        ("POST", "/files?name=a&owner=2", 400),
    ] {
        refused(attacker.get(method, path).await, &[status], &format!("{method} {path}")).await;
    }
    let long = format!("/files?name={}", "n".repeat(256));
    refused(attacker.get("POST", &long).await, &[422], "a long name").await;
    for (method, path) in
        [("GET", "/me"), ("GET", "/files"), ("POST", "/files?name=a"), ("GET", "/payments"), ("GET", "/social"), ("POST", "/logout")]
    {
        for token in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOjF9.", &"x".repeat(7000)] {
            let request = running.client.request(method.parse().unwrap(), format!("{}{path}", running.url)).bearer_auth(token);
            refused(request.send().await.unwrap(), &[401], &format!("{method} {path} with the token {token:.20}")).await;
        }
    }
    for key in ["", "short", &"k".repeat(101)] {
        let body = json!({ "amount": "1.00", "currency": "EUR" });
        let request = running.client.post(format!("{}/payments", running.url)).bearer_auth(&attacker.token);
        refused(request.header("idempotency-key", key).json(&body).send().await.unwrap(), &[422], "a wrong key").await;
    }
    assert_eq!(counts(&db).await, before, "something was stored");
    assert_eq!(std::fs::read_dir(running.folder.path()).map_or(0, Iterator::count), 0, "something was left on the disk");
    // What may be any text comes back as it was given.
    for (number, text) in TEXTS.iter().filter(|text| text.contains(['\'', '<', '\0', '\u{202e}', '\n'])).enumerate() {
        let body = json!({ "email": format!("text{number}@example.com"), "name": text, "password": format!("{text} and more") });
        let (status, body) = running.send("POST", "/register", "", body).await;
        assert_eq!((status.as_u16(), body["user"]["name"].as_str()), (201, Some(*text)), "{body}");
    }
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_refused_on_sqlite() {
    let place = Place::sqlite();
    everything(place.migrated().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_refused_on_mysql() {
    let Some(place) = Place::mysql() else { return };
    everything(place.migrated().await).await;
    place.remove().await;
}
