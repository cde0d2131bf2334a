//! `migrate generate`, `check`, `squash` and `up --plan`, as processes.

use super::Project;
use sequor::prelude::*;

/// A project without migrations, on the database of the test.
async fn project(db: &Db) -> Option<Project> {
    let project = Project::on(if db.dialect().is_mysql() { "mysql" } else { db.dialect().name() }).await?;
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    Some(project)
}

fn files(project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(project.path().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // The time in front is another one each time.
        let name = name.trim_start_matches(|letter: char| letter.is_ascii_digit()).to_owned();
        if path.is_dir() {
            let inner = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            found.extend(inner.map(|file| format!("{name}/{file}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[sequor::test]
async fn a_migration_is_written_run_checked_and_undone(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    assert!(project.db("migrate check").bad().contains("snapshot.json is missing: run `sequor migrate generate NAME`"));
    let made = project.db("migrate generate start").good();
    assert_eq!(made.lines().next(), Some("  create table users"));
    assert!(made.contains("New migration was created at migrations/") && made.ends_with("-start ."), "{made}");
    assert_eq!(files(&project), ["-start/before.json", "-start/down.sql", "-start/up.sql", "snapshot.json"]);
    let pending = project.db("migrate check").bad();
    assert!(pending.contains("has not run: run `sequor migrate up`"), "{pending}");
    assert!(project.db("migrate up --plan").good().contains("CREATE TABLE"));
    assert_eq!(project.db("migrate up").good().matches("migrated (TIME)").count(), 1);
    assert_eq!(project.db("migrate check").good(), "Models, migrations and database agree.");
    assert_eq!(project.db("migrate generate again").good(), "Nothing to do: the models are as the snapshot says.");
    assert_eq!(files(&project).len(), 4);
    assert!(project.db("migrate discard --yes").bad().contains("-start has run here: undo it first with `sequor migrate down --name "));

    // What somebody does by hand is found.
    let url = project.url();
    let by_hand = Db::connect(&url).await?;
    by_hand.execute_sql_script("ALTER TABLE users ADD COLUMN surprise integer").await?;
    let drift = project.db("migrate check");
    assert!(drift.out.contains("LOSES column users.surprise") && drift.status == 1, "{drift:?}");
    by_hand.execute_sql_script("ALTER TABLE users DROP COLUMN surprise").await?;
    by_hand.close().await?;
    assert_eq!(project.db("migrate check").good(), "Models, migrations and database agree.");
    project.db("migrate down").good();
    // What was generated wrongly is taken back.
    assert!(project.db("migrate discard").bad().contains("This removes migrations/"));
    assert!(project.db("migrate discard --yes").good().ends_with("-start is gone, and the snapshot is as before it."));
    assert!(files(&project).is_empty());
    assert!(project.db("migrate discard --yes").bad().contains("there are no migrations, so none was generated"));
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn changes_of_the_models_are_found_by_their_snapshot(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate generate start").good();
    // As an older program left it: another name for one column, one that is gone, one that is missing.
    let path = project.path().join("migrations/snapshot.json");
    let mut old: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let columns = old["tables"]["users"]["columns"].as_object_mut().unwrap();
    let email = columns.shift_remove("email").unwrap();
    columns.insert("mail".into(), email);
    columns.insert("gone".into(), json!({ "type": "i32", "nullable": true }));
    columns.shift_remove("age");
    let index = &mut old["tables"]["users"]["indexes"][0];
    index["on"] = json!(["mail"]);
    index["name"] = json!("users_mail_key");
    std::fs::write(&path, old.to_string())?;

    assert!(project.db("migrate check").bad().contains("the models differ from the snapshot"));
    assert!(project.db("migrate generate x --rename users.post:email").bad().contains("the old column is not in the snapshot"));
    assert!(project.db("migrate generate x --rename users").bad().contains("write old:new"));
    let made = project.db("migrate generate change --rename users.mail:email").good();
    assert!(made.contains("rename column users.mail to email") && made.contains("LOSES column users.gone"), "{made}");
    assert!(!made.contains("LOSES column users.mail"), "{made}");
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn values_that_may_not_fit_need_a_word(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate generate start").good();
    project.db("migrate up").good();
    // As an older program left it: a text where a number is now, NULL where there is none any more.
    let by_hand = Db::connect(&project.url()).await?;
    for sql in ["DROP COLUMN age", "ADD COLUMN age varchar(20)", "DROP COLUMN active", "ADD COLUMN active boolean"] {
        let sql =
            if db.dialect() == sequor::Dialect::Sqlite { sql.replace("boolean", "integer CHECK (active IN (0, 1))") } else { sql.into() };
        by_hand.execute_sql_script(&format!("ALTER TABLE users {sql}")).await?;
    }
    let row = "INSERT INTO users (email, age, created_at, updated_at) VALUES ('ann@example.com', '41', '2024-01-01 00:00:00', '2024-01-01 00:00:00')";
    by_hand.execute_sql_script(row).await?;
    let path = project.path().join("migrations/snapshot.json");
    let mut old: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let columns = &mut old["tables"]["users"]["columns"];
    columns["age"] = json!({ "type": "varchar(20)", "nullable": true });
    columns["active"] = json!({ "type": "bool", "nullable": true });
    std::fs::write(&path, old.to_string())?;

    let refused = project.db("migrate generate ages").bad();
    assert!(refused.contains("users.age changes from") && refused.contains("--cast users.age"), "{refused}");
    assert!(project.db("migrate generate ages --cast age").bad().contains("--cast age: write table.column"));
    assert!(project.db("migrate generate ages --fill users.active").bad().contains("--fill users.active: write table.column=SQL"));
    project.db("migrate generate ages --cast users.age --fill users.active=(1=0)").good();
    project.db("migrate up").good();
    assert_eq!(project.db("migrate check").good(), "Models, migrations and database agree.");
    let rows: Vec<(i64, bool)> = by_hand.query_as(sql!("SELECT age, active FROM users")).await?;
    assert_eq!(rows, [(41, false)]);
    by_hand.close().await?;
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn many_migrations_become_one(db: Db) -> sequor::Result<()> {
    let Some(project) = Project::on(if db.dialect().is_mysql() { "mysql" } else { db.dialect().name() }).await else { return Ok(()) };
    project.alone("migrate up").good();
    assert!(project.alone("migrate squash start").bad().contains("nobody is there to confirm it: say --yes"));
    assert_eq!(project.alone("migrate squash start --yes").good(), "migrations/20240102000000-start stands for 2 migrations now.");
    assert_eq!(project.alone("migrate status").good(), "up 20240102000000-start");
    assert_eq!(project.alone("migrate up").good(), "No migrations were executed, database schema was already up to date.");
    assert_eq!(project.alone("migrate status --json").good().matches("applied").count(), 2);
    project.alone("migrate redo").good();
    project.alone("migrate status --check").good();
    project.remove().await;
    Ok(())
}

#[tokio::test]
async fn without_a_database_there_is_a_file_for_each() {
    let project = Project::empty();
    assert!(project.alone("migrate generate x").bad().contains("this program knows no models"));
    project.db("migrate generate start").good();
    assert_eq!(
        files(&project),
        [
            "-start/before.json",
            "-start/down.mysql.sql",
            "-start/down.postgres.sql",
            "-start/down.sqlite.sql",
            "-start/up.mysql.sql",
            "-start/up.postgres.sql",
            "-start/up.sqlite.sql",
            "snapshot.json"
        ]
    );
    insta::assert_snapshot!("snapshot_file", std::fs::read_to_string(project.path().join("migrations/snapshot.json")).unwrap());
    project.remove().await;
    let project = Project::empty();
    project.db("migrate generate start --dialect sqlite").good();
    assert_eq!(files(&project), ["-start/before.json", "-start/down.sql", "-start/up.sql", "snapshot.json"]);
    let folder = std::fs::read_dir(project.path().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    insta::assert_snapshot!("first_migration", std::fs::read_to_string(folder.join("up.sql")).unwrap());
    project.remove().await;
}

/// Two branches that each brought a migration, of which this database knows the later one.
#[sequor::test]
async fn a_branch_is_put_behind_another(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.db("migrate generate start").good();
    assert_eq!(project.db("migrate rebase").good(), "Nothing to do: each migration was generated after the one before it.");
    let start = std::fs::read_dir(project.path().join("migrations"))?.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let start = start.into_iter().find(|name| name.ends_with("-start")).unwrap();
    let branch = |name: &str, after: &str, sql: &str| {
        project.file(&format!("migrations/{name}/up.sql"), sql);
        let table = name.split('-').nth(1).unwrap();
        project.file(&format!("migrations/{name}/before.json"), &json!({ "tables": { table: null }, "after": after }).to_string());
    };
    branch("20990102000000-mine", &start, "CREATE TABLE mine (id integer);");
    branch("20990103000000-more", "20990102000000-mine", "INSERT INTO mine VALUES (7);");
    project.db("migrate up").good();
    branch("20990101000000-theirs", &start, "CREATE TABLE theirs (id integer);");
    let found = project.db("migrate rebase").bad();
    assert!(
        found.contains(&format!(
            "20990102000000-mine was generated after {start}, without 20990101000000-theirs, which another branch brought"
        )),
        "{found}"
    );
    assert!(project.db("migrate check").bad().contains("`sequor migrate rebase 20990102000000-mine` puts yours last"));
    assert!(project.db("migrate up").bad().contains("20990101000000-theirs has not run, but a later migration has"));
    assert!(project.db("migrate rebase nothing").bad().contains("there is no migration nothing"));

    let said = project.db("migrate rebase 20990102000000-mine").good();
    assert!(said.contains("20990102000000-mine is 20990103000001-mine now\n  20990103000000-more is 20990103000002-more now"), "{said}");
    let mine = project.path().join("migrations/20990103000001-mine");
    assert_eq!(std::fs::read_to_string(mine.join("up.sql"))?, "-- sequor: rebased 20990102000000-mine\nCREATE TABLE mine (id integer);");
    assert!(std::fs::read_to_string(mine.join("before.json"))?.contains("\"after\": \"20990101000000-theirs\""));
    assert_eq!(project.db("migrate rebase").good(), "Nothing to do: each migration was generated after the one before it.");
    let ran = project.db("migrate up").good();
    assert!(ran.contains("theirs: migrated") && !ran.contains("mine: migrated"), "{ran}");
    let status = project.db("migrate status --check").good();
    assert_eq!(status.lines().filter(|line| line.starts_with("up ")).count(), 4, "{status}");
    assert_eq!(db_rows(&project).await?, 1);
    project.remove().await;
    Ok(())
}

async fn db_rows(project: &Project) -> sequor::Result<i64> {
    let db = project.connect().await;
    let rows = db.query_as::<(i64,)>(sql!("SELECT count(1) FROM mine WHERE id = 7")).await?;
    db.close().await?;
    Ok(rows[0].0)
}
