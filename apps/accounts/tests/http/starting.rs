//! How the program starts: before its database, in development, in production.

use crate::process::{Server, fail};
use crate::start::{Place, variable};
use sequor::prelude::*;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The URL of a server at another address.
fn at(url: &str, port: u16) -> String {
    let (head, tail) = url.split_once('@').unwrap();
    format!("{head}@127.0.0.1:{port}/{}", tail.split_once('/').unwrap().1)
}

/// The address of a server.
pub fn address(url: &str) -> String {
    url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_for_a_database_that_starts_later() {
    let Some(place) = Place::mysql() else { return };
    Db::create_database(&place.url).await.unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Server::begin(place.folder.path(), &at(&place.url, port), &[("RUST_LOG", "warn")]);
    server.wait_for_log("connecting failed, trying again");
    let line = crate::failures::Line::open_at(port, &address(&place.url)).await;
    server.wait();
    assert_eq!(reqwest::get(format!("{}/me", server.url)).await.unwrap().status(), 401);
    server.kill();
    drop(line);
    place.remove().await;
}

#[test]
fn gives_up_after_three_attempts_a_second_apart() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let began = Instant::now();
    let ran = fail(folder.path(), &format!("mysql://nobody:secret@127.0.0.1:{port}/none"), &[("RUST_LOG", "warn")]);
    assert_eq!(ran.error.matches("connecting failed, trying again").count(), 2, "{}", ran.error);
    assert!(ran.error.lines().last().unwrap().starts_with("accounts: ") && !ran.error.contains("secret"), "{}", ran.error);
    // The pauses: one second, then two, each a little longer by chance.
    assert!(began.elapsed() > Duration::from_secs(3) && began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_is_migrated_and_never_synchronised() {
    let mut places = vec![Place::sqlite()];
    places.extend(Place::mysql());
    for place in places {
        Db::create_database(&place.url).await.unwrap();
        let refused = fail(place.folder.path(), &place.url, &[("APP_ENV", "production")]);
        assert!(
            refused.error.contains("20240101000000-create-initial-schema has not run") && refused.error.contains("accounts db:migrate")
        );
        let db = place.connect().await;
        assert!(db.execute(sql!("SELECT 1 FROM users")).await.is_err(), "production made a table");
        accounts::commands::migrator().up(&db).await.unwrap();
        let server = Server::start(&place, &[("NODE_ENV", "production")]);
        assert_eq!(reqwest::get(format!("{}/me", server.url)).await.unwrap().status(), 401);
        server.kill();
        assert_eq!(accounts::models::User::count().exec(&db).await.unwrap(), 0, "production got demo data");
        db.close().await.unwrap();
        place.remove().await;
    }
}

#[test]
fn production_needs_a_secret() {
    let place = Place::sqlite();
    for secret in ["", "short"] {
        let refused = fail(place.folder.path(), &place.url, &[("APP_ENV", "production"), ("APP_SECRET", secret)]);
        assert!(refused.error.contains("APP_SECRET") && refused.error.contains("32 characters"), "{}", refused.error);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn development_alters_the_tables_and_fills_an_empty_file() {
    let place = Place::sqlite();
    let mut server = Server::begin(place.folder.path(), &place.url, &[]);
    let printed = server.wait();
    assert!(printed.contains("demo data: log in as demo@example.com with the password demo-password"), "{printed}");
    server.kill();
    let db = place.connect().await;
    // As before a column of the model was written.
    db.execute(sql!("ALTER TABLE files DROP COLUMN mime_type")).await.unwrap();
    db.close().await.unwrap();
    let mut server = Server::begin(place.folder.path(), &place.url, &[]);
    assert!(!server.wait().contains("demo data"), "it was filled twice");
    let db = place.connect().await;
    db.execute(sql!("SELECT mime_type FROM files")).await.unwrap();
    // The commands work on what the server made.
    assert!(crate::process::run(&place, "db:migrate").good().contains("No migrations were executed"));
}

#[test]
fn a_server_is_never_skipped_in_silence() {
    if std::env::var_os("SEQUOR_TEST_ALL").is_some() {
        assert!(variable("SEQUOR_MYSQL_URL").is_some());
    }
}
