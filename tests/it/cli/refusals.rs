//! What is wrong with files, names and the database is said with the next step, and nothing is left half-done.

use super::databases::project;
use sequor::Dialect;
use sequor::prelude::*;

#[sequor::test]
async fn a_syntax_error_names_its_place_and_the_servers_word(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    let broken = "migrations/20240103000000-broken/up.sql";
    project.file(broken, "INSERT INTO tags VALUES ('a');\n\nINSERT INTO tags\n  VALEUS ('b');\n");
    let error = project.alone("migrate up").bad();
    assert!(error.contains("20240103000000-broken/up.sql:4:3: statement 2 of 2: ") && error.contains("near"), "{error}");
    // The first two stay; of the third nothing is left where the database can undo it.
    let connected = project.connect().await;
    let left = connected.query_as::<(i64,)>(sql!("SELECT count(1) FROM tags")).await?;
    assert_eq!(left, [(i64::from(db.dialect().is_mysql()),)]);
    let status = project.alone("migrate status").good();
    assert!(status.starts_with("up 20240101000000-users\nup 20240102000000-tags\ndown 20240103000000-broken"), "{status}");
    project.file(broken, "INSERT INTO tags VALUES ('a');\n\nINSERT INTO tags\n  VALUES ('b');\n");
    project.alone("migrate up").good();
    assert_eq!(connected.query_as::<(i64,)>(sql!("SELECT count(1) FROM tags")).await?, [(2,)]);
    connected.close().await?;
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn wrong_names_and_files_say_what_to_do(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.alone("migrate up --to 20240101000000-users").good();
    for line in ["migrate to 2099-none", "migrate up --to 2099-none", "migrate baseline 2099-none", "migrate resolve 2099-none --applied"] {
        let error = project.alone(line).bad();
        assert!(error.contains("there is no migration 2099-none: there are 20240101000000-users, 20240102000000-tags"), "{line}: {error}");
    }
    let error = project.alone("db:migrate:undo:all --to 20240102000000-tags").bad();
    assert!(error.contains("has not run, so nothing was undone") && error.contains("sequor migrate status"), "{error}");
    project.file("migrations/20240102000000_tags/up.sql", "SELECT 1;\n");
    let error = project.alone("migrate up").bad();
    assert!(error.contains("two migrations are called 20240102000000") && error.contains("rename one of them"), "{error}");
    std::fs::remove_dir_all(project.path().join("migrations/20240102000000_tags"))?;
    project.file("migrations/20240102000000-tags/up.sql", "SELECT 'open;\n");
    let error = project.alone("migrate up").bad();
    assert!(error.contains("20240102000000-tags/up.sql: ") && error.contains("inside of a quoted text"), "{error}");
    assert_eq!(project.alone("migrate status").good(), "up 20240101000000-users\ndown 20240102000000-tags");
    std::fs::remove_file(project.path().join("migrations/20240101000000-users/down.sql"))?;
    let error = project.alone("migrate down").bad();
    assert!(error.contains("20240101000000-users/down.sql is missing") && error.contains("write the file, or restore a backup"), "{error}");
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn a_database_that_may_only_be_read_says_so(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    let connected = project.connect().await;
    let name = Db::database_name(&project.url)?;
    let reader = format!("reader_{}", name.rsplit_once("test_").map_or("x", |(_, end)| end));
    let read_only = match db.dialect() {
        Dialect::Sqlite => "sqlite://app.db?mode=ro".to_owned(),
        Dialect::Postgres => {
            connected.execute_sql_script(&format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on")).await?;
            project.url.clone()
        }
        Dialect::Mysql | Dialect::Mariadb => {
            connected.execute_sql_script(&format!("CREATE USER '{reader}'@'%' IDENTIFIED BY 'reader'")).await?;
            connected.execute_sql_script(&format!("GRANT SELECT ON `{name}`.* TO '{reader}'@'%'")).await?;
            format!("mysql://{reader}:reader@{}", project.url.split_once('@').map_or("", |(_, host)| host))
        }
    };
    let variables = [("DATABASE_URL", read_only.as_str())];
    // Looking is allowed.
    assert_eq!(project.alone_with("migrate status", &variables).good(), "down 20240101000000-users\ndown 20240102000000-tags");
    let error = project.alone_with("migrate up", &variables).bad();
    assert!(error.contains("nothing was run") && error.contains("connect with an account that may make tables"), "{error}");
    if db.dialect().is_mysql() {
        connected.execute_sql_script(&format!("DROP USER '{reader}'@'%'")).await?;
    }
    connected.close().await?;
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn what_files_and_history_disagree_about_is_shown_and_refused(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.alone("migrate up").good();
    let tags = "migrations/20240102000000-tags";
    let expect = |status: &str, error: &[&str]| {
        assert_eq!(project.alone("migrate status").good(), status);
        for line in ["migrate up", "migrate status --check"] {
            let said = project.alone(line).bad();
            assert!(error.iter().all(|part| said.contains(part)), "{line}: {said}");
        }
    };
    project.file(&format!("{tags}/up.sql"), "CREATE TABLE tags (name varchar(50) PRIMARY KEY);\n");
    expect(
        "up 20240101000000-users\nup 20240102000000-tags  its file was changed after it had run",
        &[
            "20240102000000-tags/up.sql was changed after it had run: put the old text back",
            "sequor migrate resolve 20240102000000-tags --applied",
        ],
    );
    std::fs::rename(project.path().join(tags), project.path().join("aside"))?;
    expect(
        "up 20240101000000-users\nup 20240102000000-tags  its file is gone",
        &["20240102000000-tags has run, but its file is gone: bring it back from version control", "--ignore-missing"],
    );
    project.file("migrations/20240102000001-labels/up.sql", "CREATE TABLE tags (name varchar(40) PRIMARY KEY);\n");
    let status = project.alone("migrate status").good();
    assert!(status.ends_with("down 20240102000001-labels  has run as 20240102000000-tags"), "{status}");
    std::fs::remove_dir_all(project.path().join("migrations/20240102000001-labels"))?;
    std::fs::rename(project.path().join("aside"), project.path().join(tags))?;
    project.alone("migrate resolve 20240102000000-tags --applied").good();
    project.file("migrations/20230101000000-early/up.sql", "CREATE TABLE early (id integer);\n");
    expect(
        "down 20230101000000-early  late: one that sorts behind it has run\nup 20240101000000-users\nup 20240102000000-tags",
        &[
            "20230101000000-early has not run, but a later migration has: put it last with `sequor migrate rebase 20230101000000-early`",
            "--out-of-order",
        ],
    );
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn what_ended_in_the_middle_is_told_by_every_command(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.alone("migrate up").good();
    project.file("migrations/20240103000000-half/up.sql", "CREATE TABLE half (id integer);\nINSERT INTO nowhere VALUES (1);\n");
    project.file("migrations/20240103000000-half/down.sql", "DROP TABLE half;\n");
    project.alone("migrate up").bad();
    let (status, check) = (project.alone("migrate status").good(), project.alone("migrate check").bad());
    if db.dialect().is_mysql() {
        assert!(status.contains("down 20240103000000-half  failed at up.sql:2:1: statement 2 of 2: "), "{status}");
        assert!(
            check.contains("20240103000000-half ended at up.sql:2:1: statement 2 of 2: ") && check.contains("mend it and run"),
            "{check}"
        );
        assert!(project.alone("migrate down").bad().contains("or undo its first statements by hand"));
    } else {
        assert!(status.ends_with("\ndown 20240103000000-half"), "{status}");
        assert!(check.contains("20240103000000-half has not run"), "{check}");
    }
    if db.dialect() == Dialect::Sqlite {
        let error = project.alone_with("migrate up", &[("DATABASE_URL", "sqlite://app.db?mode=ro")]).bad();
        assert!(error.contains("half/up.sql:1:1") && error.contains("(mode=ro) or the transaction only allows reading"), "{error}");
    }
    project.remove().await;
    Ok(())
}
