//! What stands in the way of a migration while it runs: rights that are missing, disks that are full. The error says what to do, the history what has happened, and
//! `up` goes on afterwards.

use crate::connections::{Bed, has_server, is_tier_one, note, run};
use sequor::prelude::*;
use sequor::{Migration, MigrationState};
use sequor_tools::servers;
use sequor_tools::servers::disk::SmallDisk;
use std::sync::Arc;

async fn count(db: &Db, sql: sequor::__private::RawSql) -> sequor::Result<i64> {
    Ok(db.query_as::<(i64,)>(sql).await?[0].0)
}

/// Three statements, of which the second meets what is in the way.
fn three(second: &str) -> Migrator {
    let up = format!("INSERT INTO told VALUES (1);\n\n{second};\nINSERT INTO told VALUES (3);\n");
    let first = Migration::new("1-told").with("up.sql", "CREATE TABLE told (id integer PRIMARY KEY);");
    Migrator::new([first, Migration::new("2-three").with("up.sql", up)])
}

/// The migration ended at its second statement: what is there of it, and what is said.
async fn ended_at_second(migrator: &Migrator, db: &Db, error: &Error, advice: &str) -> sequor::Result<()> {
    let message = error.to_string();
    assert!(message.contains("2-three/up.sql:3:1: statement 2 of 3: ") && message.contains(advice), "{message}");
    let (stays, states) = (i64::from(db.dialect().is_mysql()), migrator.status(db).await?);
    assert_eq!(states[0].state, MigrationState::Applied);
    assert_eq!(count(db, sql!("SELECT count(1) FROM told")).await?, stays);
    match &states[1].state {
        MigrationState::Pending => assert_eq!(stays, 0),
        MigrationState::Failed { statement: 2, undo: false, message, .. } => assert!(stays == 1 && message.contains(advice), "{message}"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

/// A URL for an account of its own, which may write rows and make nothing; and what gives it the right.
async fn writer(bed: &Bed, db: &Db) -> sequor::Result<(String, String)> {
    let database = Db::database_name(&bed.url)?;
    let name = format!("writer_{}", Uuid::new_v4().simple()).chars().take(30).collect::<String>();
    let (script, right) = if db.dialect() == Dialect::Postgres {
        let script = format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'writer'; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}; \
             REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        );
        (script, format!("GRANT CREATE ON SCHEMA public TO {name}"))
    } else {
        let script = format!(
            "CREATE USER '{name}'@'%' IDENTIFIED BY 'writer'; GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.* TO '{name}'@'%'"
        );
        (script, format!("GRANT CREATE ON `{database}`.* TO '{name}'@'%'"))
    };
    db.execute_sql_script(&script).await?;
    let (scheme, rest) = bed.url.split_once("://").unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    Ok((format!("{scheme}://{name}:writer@{host}"), right))
}

async fn without_rights(bed: &Bed) -> sequor::Result<()> {
    let owner = Db::connect(&bed.url).await?;
    let migrator = three("CREATE TABLE forbidden (id integer)");
    migrator.to("1-told", &owner).await?;
    let (url, right) = writer(bed, &owner).await?;
    let db = Db::connect(&url).await?;
    for _ in 0..2 {
        // The second time begins where the first one ended.
        let error = migrator.up(&db).await.expect_err("no right to make tables");
        ended_at_second(&migrator, &db, &error, "give this account the right to do it, or connect with one that may").await?;
    }
    owner.execute_sql_script(&right).await?;
    assert_eq!(migrator.up(&db).await?.names(), ["2-three"]);
    assert_eq!(count(&db, sql!("SELECT count(1) FROM told")).await?, 2);
    migrator.check(&db).await?;
    db.close().await?;
    if owner.dialect() == Dialect::Postgres {
        let name = right.rsplit(' ').next().unwrap_or_default().to_owned();
        owner.execute_sql_script(&format!("REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")).await?;
    } else {
        owner.execute_sql_script(&format!("DROP USER {}", right.rsplit(' ').next().unwrap_or_default())).await?;
    }
    owner.close().await
}

/// SQLite has no accounts; a file that may only be read is `refusals`' affair.
#[test]
fn a_right_that_is_missing_is_said_and_the_migration_goes_on_once_it_is_given() {
    for database in ["postgres", "mysql"] {
        if has_server(database) {
            run(database, async |bed: Arc<Bed>| without_rights(&bed).await);
        }
    }
}

/// More rows than the disk has room for, into a table that is on it.
async fn filled(db: &Db, disk: &SmallDisk, many: &str) -> sequor::Result<()> {
    let migrator = three(many);
    migrator.to("1-told", db).await?;
    let ballast = disk.fill_but(3 << 20).map_err(Error::usage)?;
    let error = migrator.up(db).await.expect_err("the disk is full");
    ended_at_second(&migrator, db, &error, "make room on the server's disk, then run this again").await?;
    let again = migrator.up(db).await.expect_err("it is still full");
    ended_at_second(&migrator, db, &again, "make room").await?;
    std::fs::remove_file(&ballast)?;
    assert_eq!(migrator.up(db).await?.names(), ["2-three"]);
    assert_eq!(count(db, sql!("SELECT count(1) FROM told")).await?, 2);
    assert_eq!(count(db, sql!("SELECT count(1) FROM filled")).await?, 40);
    migrator.check(db).await
}

fn disk() -> Option<SmallDisk> {
    SmallDisk::new(32 << 20).inspect_err(|error| note(&format!("SKIPPED: no small disk can be made: {error}"))).ok()
}

#[tokio::test]
async fn a_disk_that_is_full_is_said_and_the_migration_goes_on_once_there_is_room_sqlite() -> sequor::Result<()> {
    let Some(disk) = disk() else { return Ok(()) };
    let db = Db::connect(&format!("sqlite://{}", disk.path().join("app.db").display())).await?;
    db.execute_sql_script("CREATE TABLE filled (id integer PRIMARY KEY, bytes blob)").await?;
    let many =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO filled SELECT i, zeroblob(200000) FROM n";
    filled(&db, &disk, many).await?;
    db.close().await
}

/// Tier 1: it starts a server.
#[tokio::test]
async fn a_disk_that_is_full_is_said_and_the_migration_goes_on_once_there_is_room_postgres() -> sequor::Result<()> {
    let Some(disk) = is_tier_one().then(disk).flatten() else { return Ok(()) };
    let server = servers::lasting("postgres").map_err(Error::usage)?;
    disk.give_to("postgres").map_err(Error::usage)?;
    let db = Db::connect(server.url()).await?;
    db.execute_sql_script(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display())).await?;
    db.execute_sql_script(
        "CREATE TABLE filled (id bigint PRIMARY KEY, bytes bytea NOT NULL) TABLESPACE small; ALTER TABLE filled ALTER bytes SET STORAGE EXTERNAL",
    )
    .await?;
    let many = "INSERT INTO filled SELECT i, decode(repeat(md5(i::text), 12000), 'hex') FROM generate_series(1, 40) i";
    filled(&db, &disk, many).await?;
    db.close().await
}

/// Tier 1: it starts a server, which ends itself when its table's file cannot grow, and is started again.
#[tokio::test]
async fn a_disk_that_is_full_is_said_and_the_migration_goes_on_once_there_is_room_mysql() -> sequor::Result<()> {
    let Some(disk) = is_tier_one().then(disk).flatten() else { return Ok(()) };
    let mut server = servers::lasting("mariadb").map_err(Error::usage)?;
    disk.give_to("mysql").map_err(Error::usage)?;
    let retry = Retry { max: 1_000, delay: millis(5), max_delay: millis(100) };
    let db = Db::options(server.url()).retry(retry).connect().await?;
    let place = disk.path().display();
    db.execute_sql_script(&format!("CREATE TABLE filled (id bigint PRIMARY KEY, bytes longblob NOT NULL) DATA DIRECTORY = '{place}'"))
        .await?;
    let migrator = three(
        "INSERT INTO filled WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i, repeat('x', 200000) FROM n",
    );
    migrator.to("1-told", &db).await?;
    let ballast = disk.fill_but(3 << 20).map_err(Error::usage)?;
    let error = migrator.up(&db).await.expect_err("the disk is full");
    note(&format!("| mysql | a migration meets a full disk | {error} |"));
    std::fs::remove_file(&ballast)?;
    if error.to_string().contains("statement 2 of 3: ") && error.to_string().contains("make room") {
        ended_at_second(&migrator, &db, &error, "make room on the server's disk").await?;
    } else {
        server.kill();
        server.start_again().map_err(Error::usage)?;
    }
    assert_eq!(migrator.up(&db).await?.names(), ["2-three"]);
    assert_eq!(count(&db, sql!("SELECT count(1) FROM told")).await?, 2);
    assert_eq!(count(&db, sql!("SELECT count(1) FROM filled")).await?, 40);
    migrator.check(&db).await?;
    db.close().await
}
