//! A database that the real sequelize-cli migrated, continued by Accounts and then again by sequelize-cli.

use crate::process::{Server, run};
use crate::start::{Place, send, upload, variable};
use accounts::models::User;
use sequor::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project of the application on Sequelize, with this many of its migrations.
fn project(place: &Place, cli: &str, migrations: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sequelize");
    let folder = place.folder.path().join("sequelize");
    std::fs::create_dir_all(folder.join("migrations")).unwrap();
    for file in
        [".sequelizerc", "config.js"].into_iter().map(str::to_owned).chain(migrations.iter().map(|name| format!("migrations/{name}.js")))
    {
        std::fs::copy(source.join(&file), folder.join(&file)).unwrap();
    }
    if !folder.join("node_modules").exists() {
        std::os::unix::fs::symlink(Path::new(cli).join("node_modules"), folder.join("node_modules")).unwrap();
    }
    folder
}

fn sequelize(place: &Place, folder: &Path, command: &str) -> String {
    let mut node = Command::new("node");
    node.args(["node_modules/.bin/sequelize-cli", command]).current_dir(folder).env("DATABASE_URL", &place.url).env_remove("NODE_ENV");
    let output = node.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

async fn names(db: &Db) -> Vec<String> {
    let rows: Vec<(String,)> = db.query_as(sql!("SELECT name FROM `SequelizeMeta` ORDER BY name")).await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

const INITIAL: &str = "20240101000000-create-initial-schema";
const OWN: &str = "20240215000000-revoke-tokens";
const PHONE: &str = "20240301000000-add-phone";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_sequor_take_turns_on_mysql() {
    let (Some(place), Some(cli)) = (Place::mysql(), variable("SEQUOR_SEQUELIZE_CLI")) else { return };
    Db::create_database(&place.url).await.unwrap();
    let folder = project(&place, &cli, &[INITIAL]);
    assert!(sequelize(&place, &folder, "db:migrate").contains(&format!("{INITIAL}: migrated")));

    // Accounts counts it as applied, and goes on.
    assert_eq!(run(&place, "db:migrate:status").good(), format!("up {INITIAL}\ndown {OWN}\n"));
    let migrated = run(&place, "db:migrate").good();
    assert!(migrated.contains(&format!("{OWN}: migrated")) && !migrated.contains(INITIAL), "{migrated}");
    let db = place.connect().await;
    assert_eq!(names(&db).await, [format!("{INITIAL}.js"), format!("{OWN}.js")]);

    // sequelize-cli knows nothing of ours but its name, and goes on as well.
    project(&place, &cli, &[INITIAL, PHONE]);
    let migrated = sequelize(&place, &folder, "db:migrate");
    assert!(migrated.contains(&format!("{PHONE}: migrated")) && !migrated.contains(INITIAL), "{migrated}");
    assert_eq!(names(&db).await, [INITIAL, OWN, PHONE].map(|name| format!("{name}.js")));
    assert!(run(&place, "db:migrate").good().contains("No migrations were executed"));
    run(&place, "migrate status --check").good();
    works(&place, &db).await;

    // Each undoes its own; nothing of the rows is lost.
    assert!(sequelize(&place, &folder, "db:migrate:undo").contains(&format!("{PHONE}: reverted")));
    assert!(run(&place, "db:migrate:undo --yes").good().contains(&format!("{OWN}: reverted")));
    assert_eq!(names(&db).await, [format!("{INITIAL}.js")]);
    let kept: Vec<(i64,)> = db.query_as(sql!("SELECT count(1) FROM users")).await.unwrap();
    assert_eq!(kept, [(2,)]);
    db.close().await.unwrap();
    place.remove().await;
}

/// The application on the tables that Sequelize made.
async fn works(place: &Place, db: &Db) {
    let old = User::find_one().filter(User::EMAIL.eq("old@example.com")).exec(db).await.unwrap().unwrap();
    assert_eq!((old.confirmed, old.token_version, old.created_at.timestamp()), (true, 0, 1_704_067_200));
    // Outside of production, for the code in the answer, but with nothing left to alter.
    accounts::commands::migrator().check(db).await.unwrap();
    let server = Server::start(place, &[("APP_ENV", "production")]);
    let client = reqwest::Client::new();
    let body = json!({ "email": "new@example.com", "name": "New", "password": "correct horse" });
    assert_eq!(send(&client, &server.url, "POST", "/register", "", body).await.0, 201);
    User::update_all().set(User::CONFIRMED, true).filter(User::EMAIL.eq("new@example.com")).exec(db).await.unwrap();
    let body = json!({ "email": "new@example.com", "password": "correct horse" });
    let tokens = send(&client, &server.url, "POST", "/login", "", body).await.1;
    let token = tokens["accessToken"].as_str().unwrap();
    assert_eq!(upload(&client, &server.url, token, "a.txt", b"a".to_vec()).await.unwrap().status(), 201);
    let pay = client.post(format!("{}/payments", server.url)).bearer_auth(token).header("idempotency-key", "a-first-key");
    let paid: Value = pay.json(&json!({ "amount": "10.20", "currency": "EUR" })).send().await.unwrap().json().await.unwrap();
    let step = format!("/payments/{}/authorize", paid["id"]);
    assert_eq!(send(&client, &server.url, "POST", &step, token, Value::Null).await.1["status"], "authorized");
    assert_eq!(send(&client, &server.url, "POST", "/logout", token, Value::Null).await.0, 204);
}
