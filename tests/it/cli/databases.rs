//! What works on a database, on every one.

use super::Project;
use sequor::prelude::*;

/// Runs a test of a project on the database of the test.
pub async fn project(db: &Db) -> Option<Project> {
    Project::on(if db.dialect().is_mysql() { "mysql" } else { db.dialect().name() }).await
}

#[sequor::test]
async fn migrations_go_up_and_down_by_both_spellings(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    assert_eq!(project.alone("migrate status").good(), "down 20240101000000-users\ndown 20240102000000-tags");
    assert!(project.alone("migrate up --plan").good().contains("CREATE TABLE tags"));
    assert_eq!(project.alone("migrate status --check").bad().lines().count(), 1);
    assert_eq!(
        project.alone("db:migrate --to 20240101000000-users.js").good(),
        "== 20240101000000-users: migrating =======\n== 20240101000000-users: migrated (TIME)"
    );
    assert_eq!(project.alone("db:migrate:status").good(), "up 20240101000000-users\ndown 20240102000000-tags");
    assert_eq!(project.alone("migrate up").good(), "== 20240102000000-tags: migrating =======\n== 20240102000000-tags: migrated (TIME)");
    assert_eq!(project.alone("migrate up").good(), "No migrations were executed, database schema was already up to date.");
    project.alone("migrate status --check").good();
    // `up` never undoes, whatever it is told to go up to.
    let backwards = project.alone("db:migrate --to 20240101000000-users").bad();
    assert!(backwards.contains("only goes forward") && backwards.contains("sequor migrate to"), "{backwards}");
    project.alone("migrate status --check").good();
    assert!(project.alone("migrate redo").good().contains("== 20240102000000-tags: reverted (TIME)\n== 20240102000000-tags: migrating"));
    assert_eq!(
        project.alone("db:migrate:undo").good(),
        "== 20240102000000-tags: reverting =======\n== 20240102000000-tags: reverted (TIME)"
    );
    let up = project.alone("migrate to 20240102000000-tags --json").good();
    let up: serde_json::Value = serde_json::from_str(&up)?;
    assert_eq!((&up["migrations"][0]["name"], &up["migrations"][0]["direction"]), (&json!("20240102000000-tags"), &json!("up")));
    assert_eq!(project.alone("db:migrate:undo:all --to 20240101000000-users").good().matches("reverted").count(), 2);
    assert_eq!(project.alone("migrate reset").good(), "No executed migrations found.");
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn seeders_of_every_kind_run_and_are_undone(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate up").good();
    project.file("seeders/20240101000000-users.csv", "email,age,active\nann@example.com,30,1\nbo@example.com,,0\n");
    project.file("seeders/20240102000000-more.yaml", "User:\n  - { email: cy@example.com, age: 5 }\n");
    project.file("seeders/20240104000000-tags/up.sql", "INSERT INTO tags VALUES ('a');\nINSERT INTO tags VALUES ('b');\n");
    project.file("seeders/20240104000000-tags/down.sql", "DELETE FROM tags;\n");
    project.file("seeders/production/20240105000000-live.sql", "INSERT INTO tags VALUES ('live');\n");
    let names = ["20240101000000-users", "20240102000000-more", "20240103000000-demo", "20240104000000-tags"];
    let lines = |begins: &str, ended: &str, names: &[&str]| {
        names.iter().map(|name| format!("== {name}: {begins} =======\n== {name}: {ended} (TIME)")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(project.db("db:seed:all").good(), lines("migrating", "migrated", &names));
    assert!(
        project
            .db("seed run 20240101000000-users.csv")
            .bad()
            .contains("the seeder 20240101000000-users failed, and nothing of it was kept")
    );
    let mut back = names;
    back.reverse();
    assert_eq!(project.db("db:seed:undo --yes").good(), lines("reverting", "reverted", &back[..1]));
    project.db("db:seed --seed 20240104000000-tags").good();
    assert_eq!(project.db("db:seed:undo:all --yes").good(), lines("reverting", "reverted", &back));
    assert_eq!(project.db("seed run").good().matches("migrated (TIME)").count(), 4);
    assert!(project.db("seed one none").bad().contains("there is no seeder none; there are 20240101000000-users"));
    assert!(project.db("db:seed").bad().contains("name a seeder"));
    if db.dialect().is_mysql() {
        project.file("seeders/20240106000000-table.sql", "INSERT INTO tags VALUES ('c');\nCREATE TABLE more (id int);\n");
        let refused = project.db("db:seed --seed 20240106000000-table").bad();
        assert!(refused.contains("statement 2") && refused.contains("write a migration"), "{refused}");
    }
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn seeders_are_remembered_where_the_settings_say(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate up").good();
    for storage in ["sequelize", "json"] {
        project.file("sequor.toml", &format!("seeder_storage = \"{storage}\"\n"));
        assert_eq!(project.db("seed run").good().matches("migrated (TIME)").count(), 1);
        assert_eq!(project.db("seed run").good(), "No seeders found.");
        assert_eq!(project.db("seed reset --yes").good().matches("reverted (TIME)").count(), 1);
        assert_eq!(project.db("seed undo --yes").good(), "No seeders found.");
    }
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn rows_are_not_lost_without_a_yes(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate up").good();
    // Nothing is lost with an empty table.
    project.db("migrate redo").good();
    project.db("seed run").good();
    project.file("seeders/20240104000000-tags.sql", "INSERT INTO tags VALUES ('a');\nINSERT INTO tags VALUES ('b');\n");
    project.db("seed one tags").bad();
    project.db("seed one 20240104000000-tags").good();
    let name = Db::database_name(&project.url)?;
    for (line, lost) in [
        ("migrate down", "2 rows of tags"),
        ("migrate redo", "2 rows of tags"),
        ("db:migrate:undo --steps 2", "2 rows of tags, 1 row of users"),
        ("migrate reset", "2 rows of tags, 1 row of users"),
        ("migrate to 20240101000000-users", "2 rows of tags"),
    ] {
        let refused = project.db(line).bad();
        assert!(refused.contains(&format!("removes {lost}, and nobody is there to confirm it: say --yes")), "{line}: {refused}");
        let production = project.db(&format!("{line} --env production --yes")).bad();
        assert!(production.contains(&format!("say --confirm {name}")), "{line}: {production}");
    }
    assert!(project.db("seed undo").bad().contains("say --yes"));
    assert!(project.db("seed reset --env production --yes").bad().contains(&format!("say --confirm {name}")));
    assert_eq!(project.db("migrate status").good(), "up 20240101000000-users\nup 20240102000000-tags");
    project.db(&format!("migrate down --env production --confirm {name}")).good();
    project.db("migrate reset -y").good();
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn a_database_made_otherwise_and_late_files_are_taken_as_the_flags_say(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.file("migrations/20240101000000-users/up.sql", "CREATE TABLE users (id integer);\n");
    let by_hand = project.connect().await;
    by_hand.execute(sql!("CREATE TABLE users (id integer)")).await?;
    by_hand.close().await?;
    assert_eq!(project.alone("migrate baseline 20240101000000-users").good(), "20240101000000-users: written down as run");
    assert_eq!(project.alone("migrate baseline 20240101000000_users").good(), "They were written down already.");
    assert_eq!(project.alone("migrate up").good().matches("20240102000000-tags").count(), 2);
    project.file("migrations/20240101120000-late/up.sql", "CREATE TABLE late (id integer);\n");
    let late = project.alone("migrate up").bad();
    assert!(late.contains("20240101120000-late has not run, but a later migration has") && late.contains("--out-of-order"), "{late}");
    project.alone("migrate up --out-of-order").good();
    std::fs::remove_dir_all(project.path().join("migrations/20240101120000-late"))?;
    let missing = project.alone("migrate up").bad();
    assert!(missing.contains("its file is gone") && missing.contains("--ignore-missing"), "{missing}");
    project.alone("migrate up --ignore-missing").good();
    let nothing = project.alone("migrate resolve 20240101000000-users --done").bad();
    assert!(nothing.contains("there is nothing to resolve"), "{nothing}");
    project.file("migrations/20240102000000-tags/up.sql", "CREATE TABLE tags (name varchar(80) PRIMARY KEY);\n");
    let changed = project.alone("migrate up --ignore-missing").bad();
    assert!(changed.contains("was changed after it had run") && changed.contains("resolve 20240102000000-tags --applied"), "{changed}");
    project.alone("migrate resolve 20240102000000-tags --applied").good();
    project.alone("migrate up --ignore-missing").good();
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn databases_are_made_and_dropped(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    let name = Db::database_name(&project.url)?;
    project.db("db drop --yes").good();
    assert_eq!(project.db("db create").good(), format!("Database {name} created."));
    assert_eq!(project.db("db:create").good(), format!("Database {name} is there already."));
    let refused = project.db("db drop").bad();
    assert_eq!(refused, format!("ERROR: This removes the database {name} with all its rows, and nobody is there to confirm it: say --yes"));
    assert!(project.db("db drop --yes --env production").bad().contains(&format!("say --confirm {name}")));
    assert!(project.db("db drop --confirm other --env production").bad().contains("nothing was done"));
    let reset = project.db("db reset --yes").good();
    assert!(reset.starts_with(&format!("Database {name} dropped.\nDatabase {name} created.\n== 20240101000000-users")), "{reset}");
    assert!(reset.ends_with("== 20240103000000-demo: migrated (TIME)"), "{reset}");
    assert_eq!(project.db(&format!("db:drop --env production --confirm {name}")).good(), format!("Database {name} dropped."));
    assert!(project.db("db setup --no-seed").good().contains("20240102000000-tags: migrated"));
    project.remove().await;
    Ok(())
}
