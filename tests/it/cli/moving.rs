//! The chapter on moving a Sequelize project, executed with the real sequelize-cli; not a row is lost.

use super::Project;
use super::book::Book;
use super::databases::project;
use sequor::prelude::*;
use std::path::Path;
use std::process::Command;

/// As the chapter has it.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users", timestamps, rename_all = "camelCase")]
struct User {
    #[field(primary_key, auto_increment)]
    id: i32,
    #[field(unique, validate(email))]
    email: String,
    phone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Goes through the chapter; only the URL is the test's own.
fn follow(project: &Project) {
    let book = Book::new(project)
        .program("npx sequelize-cli", |project| {
            let mut command = Command::new("node");
            command
                .arg("node_modules/.bin/sequelize-cli")
                .current_dir(project.path())
                .env("DATABASE_URL", &project.url)
                .env_remove("NODE_ENV");
            command
        })
        .program("sequor", |project| project.command(env!("CARGO_BIN_EXE_sequor-tests-alone"), "", &[("DATABASE_URL", &project.url)]));
    book.run(include_str!("../../../docs/src/moving-a-sequelize-project.md"));
}

/// PostgreSQL and MariaDB: Sequelize's client of SQLite has to be compiled, which takes minutes.
#[sequor::test]
async fn a_sequelize_project_moves_and_loses_no_row(db: Db) -> sequor::Result<()> {
    if db.dialect() == sequor::Dialect::Sqlite {
        return Ok(());
    }
    let Some(project) = project(&db).await else { return Ok(()) };
    let Some(cli) = std::env::var_os("SEQUOR_SEQUELIZE_CLI").filter(|folder| !folder.is_empty()) else {
        assert!(std::env::var_os("SEQUOR_TEST_ALL").is_none(), "SEQUOR_SEQUELIZE_CLI is not set: cargo xtask test installs it");
        eprintln!("SKIPPED: SEQUOR_SEQUELIZE_CLI is not set; cargo xtask test sets it");
        return project.remove_quietly().await;
    };
    std::fs::remove_dir_all(project.path().join("migrations"))?;
    std::os::unix::fs::symlink(Path::new(&cli).join("node_modules"), project.path().join("node_modules"))?;
    follow(&project);

    let db = project.connect().await;
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    let emails: Vec<&str> = users.iter().map(|user| user.email.as_str()).collect();
    assert_eq!(
        (emails, users[0].created_at.timestamp(), &users[1].phone),
        (vec!["ann@example.com", "bo@example.com"], 1_704_103_200, &None)
    );
    let made = draft!(User { email: "cy@example.com", phone: "123" }).create(&db).await?;
    assert_eq!((made.id, User::count().exec(&db).await?), (3, 3));
    db.close().await?;
    project.remove_quietly().await
}
