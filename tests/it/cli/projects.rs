//! Projects of Sequelize: `.sequelizerc`, `config/config.json`, `SequelizeMeta`.

use super::Project;
use sequor::prelude::*;

#[tokio::test]
async fn the_files_of_sequelize_name_database_and_folders() {
    let project = Project::empty();
    project.file(
        ".sequelizerc",
        "const path = require('path');\nmodule.exports = {\n  'config': path.resolve('db', 'config.json'),\n  'migrations-path': path.resolve('db', 'up'),\n};\n",
    );
    project.file(
        "db/config.json",
        "{ \"development\": { \"dialect\": \"sqlite\", \"storage\": \"old.db\" }, \"test\": { \"use_env_variable\": \"OLD_URL\" } }",
    );
    project.file("db/up/20240101000000-users.sql", "CREATE TABLE users (id integer PRIMARY KEY);\n");
    project.file("db/up/20240102000000-tags.sql", "CREATE TABLE tags (id integer PRIMARY KEY);\n");
    // As sequelize-cli leaves a database whose first migration ran.
    let db = Db::connect(&format!("sqlite://{}/old.db", project.path().display())).await.unwrap();
    db.execute_sql_script(
        "CREATE TABLE `SequelizeMeta` (`name` VARCHAR(255) NOT NULL UNIQUE PRIMARY KEY); INSERT INTO `SequelizeMeta` VALUES ('20240101000000-users.js'); CREATE TABLE users (id integer PRIMARY KEY)",
    )
    .await
    .unwrap();
    assert_eq!(project.alone("db:migrate:status").good(), "up 20240101000000-users\ndown 20240102000000-tags");
    assert_eq!(project.alone("db:migrate").good().matches("20240102000000-tags").count(), 2);
    let names: Vec<(String,)> = db.query_as(sql!("SELECT name FROM SequelizeMeta ORDER BY name")).await.unwrap();
    assert_eq!(names.len(), 2);
    db.close().await.unwrap();
    assert!(project.alone("db:migrate:status --env test").bad().contains("db/config.json takes the URL from OLD_URL, which is not set"));
    assert_eq!(project.alone_with("db:migrate:status --env test", &[("OLD_URL", "sqlite://old.db")]).good().lines().count(), 2);
    project.remove().await;
}

#[tokio::test]
async fn a_history_that_lies_elsewhere_is_refused_and_encryption_is_kept() {
    let project = Project::empty();
    project.file("migrations/20240101000000-users/up.sql", "CREATE TABLE users (id integer PRIMARY KEY);\n");
    let said = |settings: &str| {
        project.file("config/config.json", &format!("{{ \"development\": {{ {settings} }} }}"));
        project.alone("db:migrate:status").bad()
    };
    let error = said("\"dialect\": \"sqlite\", \"storage\": \"old.db\", \"migrationStorageTableName\": \"ran\"");
    assert!(
        error.contains("config/config.json says migrationStorageTableName: \"ran\"") && error.contains("sequor migrate baseline"),
        "{error}"
    );
    let error = said("\"dialect\": \"sqlite\", \"storage\": \"old.db\", \"migrationStorage\": \"json\"");
    assert!(error.contains("SequelizeMeta"), "{error}");
    // Nobody listens there; what is said about encryption reaches the driver first.
    let server = "\"dialect\": \"postgres\", \"host\": \"127.0.0.1\", \"port\": 1, \"username\": \"ann\", \"database\": \"app\"";
    let error = said(&format!("{server}, \"dialectOptions\": {{ \"ssl\": {{ \"ca\": \"-----BEGIN\" }} }}"));
    assert!(error.contains("sslrootcert=ca.pem") && !error.contains("BEGIN"), "{error}");
    let error = said(&format!("{server}, \"dialectOptions\": {{ \"ssl\": {{ \"rejectUnauthorized\": false }} }}"));
    assert!(error.contains("nobody listens there"), "{error}");
    project.remove().await;
}

#[tokio::test]
async fn a_wrong_environment_and_a_wrong_url_name_their_place() {
    let project = Project::empty();
    project.file("migrations/20240101000000-users/up.sql", "CREATE TABLE users (id integer PRIMARY KEY);\n");
    project.file("sequor.toml", "[development]\nurl = \"hunter2\"\n\n[production]\nurl = \"sqlite://live.db\"\n");
    let error = project.alone_with("migrate status", &[]).bad();
    assert_eq!(
        error,
        "ERROR: url in [development] of sequor.toml is no URL of a database: it begins with sqlite:, postgres:// or mysql://"
    );
    let error = project.alone_with("migrate status --env prod", &[]).bad();
    assert!(error.ends_with("write `url` in [prod] of sequor.toml (it has [development], [production])"), "{error}");
    project.remove().await;
}

/// What goes with columns of a table that SQLite makes anew is asked about, too.
#[tokio::test]
async fn columns_that_go_with_a_rebuild_are_named_before() {
    let project = Project::empty();
    project.file("migrations/20240101000000-users/up.sql", "CREATE TABLE users (id integer PRIMARY KEY, name text, role text);\n");
    let anew = "-- sequor: foreign-keys-off\nCREATE TABLE \"sequor_new_users\" (\"id\" INTEGER PRIMARY KEY, \"name\" TEXT);\n\
                INSERT INTO \"sequor_new_users\" (\"id\", \"name\") SELECT \"id\", \"name\" FROM \"users\";\n\
                DELETE FROM sqlite_sequence WHERE name = 'sequor_new_users';\nDROP TABLE \"users\";\n\
                ALTER TABLE \"sequor_new_users\" RENAME TO \"users\";\n";
    project.file("migrations/20240102000000-roles/up.sql", "CREATE TABLE counted (id integer PRIMARY KEY AUTOINCREMENT);\n");
    project.file("migrations/20240102000000-roles/down.sql", anew);
    let variables = [("DATABASE_URL", "sqlite://app.db")];
    project.alone_with("migrate up", &variables).good();
    let db = Db::connect(&format!("sqlite://{}/app.db", project.path().display())).await.unwrap();
    db.execute_sql_script("INSERT INTO users VALUES (1, 'Ann', 'admin')").await.unwrap();
    db.close().await.unwrap();
    let error = project.alone_with("migrate down", &variables).bad();
    assert!(error.contains("removes 1 row of \"users\" (columns role)") && !error.contains("sqlite_sequence"), "{error}");
    project.remove().await;
}
