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
