//! What goes wrong in life: double submits, old tokens, huge bodies, a database that dies, a program that is killed in the middle of an upload.

use crate::process::Server;
use crate::start::{Place, Running, SECRET, send, upload};
use crate::starting::address;
use accounts::models::{File, User};
use accounts::tokens::{Claims, Keys, Use};
use sequor::prelude::*;
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A line to a server that can be cut.
pub struct Line {
    port: u16,
    server: String,
    accepting: JoinHandle<()>,
}

impl Line {
    /// Opens it at a port of this machine; 0 for a free one.
    pub async fn open_at(port: u16, server: &str) -> Line {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (port, target) = (listener.local_addr().unwrap().port(), server.to_owned());
        let accepting = tokio::spawn(async move {
            // The connections end with this task.
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let target = target.clone();
                lines.spawn(async move {
                    let Ok(mut server) = TcpStream::connect(&target).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Line { port, server: server.to_owned(), accepting }
    }

    /// Cuts it: every connection ends, and new ones are refused.
    pub async fn cut(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Opens it again where it was.
    pub async fn mend(self) -> Line {
        Line::open_at(self.port, &self.server).await
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn submitting_twice(running: &Running, db: &Db) {
    let body = json!({ "email": "twice@example.com", "name": "Twice", "password": "correct horse" });
    let (one, two) = tokio::join!(running.send("POST", "/register", "", body.clone()), running.send("POST", "/register", "", body));
    let mut statuses = [one.0.as_u16(), two.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(User::count().filter(User::EMAIL.eq("twice@example.com")).exec(db).await.unwrap(), 1);
    let token = running.somebody("twice-two").await;
    let link = json!({ "provider": "apple", "providerUserId": "7" });
    let (one, two) = tokio::join!(running.send("POST", "/social", &token, link.clone()), running.send("POST", "/social", &token, link));
    assert_eq!(one.0.as_u16() + two.0.as_u16(), 201 + 409);
}

async fn old_tokens(running: &Running, db: &Db) {
    let token = running.somebody("old").await;
    let user = User::find_one().filter(User::EMAIL.eq("old@example.com")).exec(db).await.unwrap().unwrap();
    let keys = Keys::new(SECRET.as_bytes());
    let until = |seconds: i64, good_for| {
        keys.sign_claims(&Claims { sub: user.id, exp: Utc::now().timestamp() + seconds, version: user.token_version, good_for })
    };
    assert_eq!(running.send("GET", "/me", &until(60, Use::Access), Value::Null).await.0, 200);
    for old in [until(0, Use::Access), until(-1, Use::Access), until(60, Use::Refresh), format!("{token}x"), token.replace('.', "")] {
        let (status, problem) = running.send("GET", "/me", &old, Value::Null).await;
        assert_eq!((status.as_u16(), problem["status"].as_i64()), (401, Some(401)));
    }
    for old in [until(-1, Use::Refresh), until(60, Use::Access)] {
        assert_eq!(running.send("POST", "/refresh", "", json!({ "refreshToken": old })).await.0, 401);
    }
    // Somebody who was removed has no tokens any more.
    user.destroy(db).await.unwrap();
    assert_eq!(running.send("GET", "/me", &token, Value::Null).await.0, 401);
}

async fn huge_bodies(running: &Running, db: &Db) {
    let token = running.somebody("huge").await;
    let users = User::count().exec(db).await.unwrap();
    let huge = vec![b' '; 10 * 1024 * 1024];
    for path in ["/register", "/confirm", "/login", "/refresh", "/social", "/payments", "/files?name=huge"] {
        let request = running.client.post(format!("{}{path}", running.url)).bearer_auth(&token).header("content-type", "application/json");
        // The server answers before it has read all, so that the client may see its line closed instead of the answer.
        if let Ok(answer) = request.header("idempotency-key", "huge-key").body(huge.clone()).send().await {
            assert_eq!(answer.status(), 413, "{path}");
        }
    }
    assert_eq!((User::count().exec(db).await.unwrap(), File::count().exec(db).await.unwrap()), (users, 0));
    assert_eq!(std::fs::read_dir(running.folder.path()).unwrap().count(), 0, "something was left on the disk");
}

async fn everything(db: Db) {
    let running = Running::start(db.clone()).await;
    submitting_twice(&running, &db).await;
    old_tokens(&running, &db).await;
    huge_bodies(&running, &db).await;
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn break_nothing_on_sqlite() {
    let place = Place::sqlite();
    everything(place.migrated().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn break_nothing_on_mysql() {
    let Some(place) = Place::mysql() else { return };
    everything(place.migrated().await).await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_is_a_503_until_it_is_back() {
    let Some(place) = Place::mysql() else { return };
    place.migrated().await.close().await.unwrap();
    let mut line = Line::open_at(0, &address(&place.url)).await;
    let through = place.url.replace(&address(&place.url), &format!("127.0.0.1:{}", line.port));
    let db = Db::options(&through).register_all().pool(Pool { acquire: secs(2), ..Pool::default() }).connect().await.unwrap();
    let running = Running::start(db).await;
    let token = running.somebody("patient").await;
    line.cut().await;
    let register = json!({ "email": "never@example.com", "name": "x", "password": "correct horse" });
    for (method, path, body) in [("GET", "/me", Value::Null), ("POST", "/register", register), ("GET", "/payments", Value::Null)] {
        let (status, problem) = running.send(method, path, &token, body).await;
        assert_eq!((status.as_u16(), problem["status"].as_i64()), (503, Some(503)), "{path}: {problem}");
    }
    // The file is not kept without its row.
    assert_eq!(running.upload(&token, "lost.txt", b"x".to_vec()).await.unwrap().status(), 503);
    assert_eq!(std::fs::read_dir(running.folder.path()).unwrap().count(), 0);
    let line = line.mend().await;
    assert_eq!(running.send("GET", "/me", &token, Value::Null).await.0, 200);
    assert_eq!(running.send("GET", "/files", &token, Value::Null).await.1["count"], 0);
    drop(line);
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_of_an_upload_leaves_nothing_behind() {
    let mut places = vec![Place::sqlite()];
    places.extend(Place::mysql());
    for place in places {
        place.migrated().await.close().await.unwrap();
        let client = reqwest::Client::new();
        let server = Server::start(&place, &[]);
        let body = json!({ "email": "up@example.com", "name": "Up", "password": "correct horse" });
        let code = send(&client, &server.url, "POST", "/register", "", body).await.1["code"].clone();
        let body = json!({ "email": "up@example.com", "code": code });
        let token = send(&client, &server.url, "POST", "/confirm", "", body).await.1["accessToken"].as_str().unwrap().to_owned();
        assert_eq!(upload(&client, &server.url, &token, "whole.txt", b"whole".to_vec()).await.unwrap().status(), 201);
        // Half of a body, then the end of the program.
        let mut half = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        let head =
            format!("POST /files?name=half.txt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2000\r\n\r\n");
        half.write_all(head.as_bytes()).await.unwrap();
        half.write_all(&[b'x'; 1000]).await.unwrap();
        half.flush().await.unwrap();
        server.kill();
        // What a program leaves that was killed between the file and its row, an hour ago.
        let folder = place.folder.path().join("files");
        for name in ["0190-left.part", "0190-left"] {
            std::fs::write(folder.join(name), "left").unwrap();
            let file = std::fs::File::options().write(true).open(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
        }
        let server = Server::start(&place, &[]);
        let files = send(&client, &server.url, "GET", "/files", &token, Value::Null).await.1;
        assert_eq!((files["count"].as_i64(), files["rows"][0]["name"].as_str()), (Some(1), Some("whole.txt")), "{files}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "something was left on the disk");
        assert_eq!(upload(&client, &server.url, &token, "half.txt", b"again".to_vec()).await.unwrap().status(), 201);
        server.kill();
        place.remove().await;
    }
}
