//! Databases of a test's own, and the application inside of the test on a free port.

use accounts::commands;
use accounts::http::{App, router};
use accounts::tokens::Keys;
use reqwest::{Client, StatusCode};
use sequor::prelude::*;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

/// The secret of the tests.
pub const SECRET: &str = "a secret of the tests, long enough for production";

/// A database of a test's own.
pub struct Place {
    pub url: String,
    pub folder: tempfile::TempDir,
    is_server: bool,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Place {
    /// A file that is not there yet.
    pub fn sqlite() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("accounts.db").display());
        Place { url, folder, is_server: false }
    }

    /// A database that is not there yet on the server of the test run; without one `None`, said aloud, and a failure when all databases are asked for.
    pub fn mysql() -> Option<Place> {
        let server = variable("SEQUOR_MYSQL_URL")?;
        let (head, tail) = server.split_once('?').map_or((server.as_str(), String::new()), |(head, tail)| (head, format!("?{tail}")));
        let name = format!("accounts_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}/{name}{tail}", head.rsplit_once('/').unwrap().0);
        Some(Place { url, folder: tempfile::tempdir().unwrap(), is_server: true })
    }

    pub async fn connect(&self) -> Db {
        Db::options(&self.url).register_all().connect().await.unwrap()
    }

    /// A database with the tables of the migrations.
    pub async fn migrated(&self) -> Db {
        Db::create_database(&self.url).await.unwrap();
        let db = self.connect().await;
        commands::migrator().up(&db).await.unwrap();
        db
    }

    pub async fn remove(self) {
        if self.is_server {
            Db::drop_database(&self.url).await.unwrap();
        }
    }
}

/// A variable of the test run: never missed in silence.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        assert!(std::env::var_os("SEQUOR_TEST_ALL").is_none(), "{name} is not set, and every database was asked for");
        eprintln!("SKIPPED: {name} is not set; cargo xtask test sets it");
    }
    value
}

/// A running application.
pub struct Running {
    pub url: String,
    pub client: Client,
    pub folder: tempfile::TempDir,
}

impl Running {
    pub async fn start(db: Db) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let app = App { db, keys: Keys::new(SECRET.as_bytes()), files: folder.path().into(), shows_codes: true };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router(app)).await });
        // A refused body ends its connection, and a client that keeps connections may send its next request on one that it does not yet know to be closed.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Running { url, client, folder }
    }

    pub async fn send(&self, method: &str, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        send(&self.client, &self.url, method, path, token, body).await
    }

    /// Registers and confirms somebody; the access token.
    pub async fn somebody(&self, name: &str) -> String {
        let email = format!("{name}@example.com");
        let (status, body) = self.send("POST", "/register", "", json!({ "email": email, "name": name, "password": "correct horse" })).await;
        assert_eq!(status, 201, "{body}");
        assert!(body["user"].get("password").is_none() && body["user"]["confirmed"] == false, "{body}");
        let (status, body) = self.send("POST", "/confirm", "", json!({ "email": email, "code": body["code"] })).await;
        assert_eq!(status, 200, "{body}");
        body["accessToken"].as_str().unwrap().to_owned()
    }

    /// Sends a file's content.
    pub async fn upload(&self, token: &str, name: &str, content: Vec<u8>) -> reqwest::Result<reqwest::Response> {
        upload(&self.client, &self.url, token, name, content).await
    }
}

/// Sends a JSON body, and reads a JSON answer.
pub async fn send(client: &Client, url: &str, method: &str, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    let mut request = client.request(method.parse().unwrap(), format!("{url}{path}")).bearer_auth(token);
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Sends a file's content.
pub async fn upload(client: &Client, url: &str, token: &str, name: &str, content: Vec<u8>) -> reqwest::Result<reqwest::Response> {
    let request = client.post(format!("{url}/files?name={name}")).bearer_auth(token);
    request.header("content-type", "text/plain").body(content).send().await
}
