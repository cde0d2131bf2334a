//! Migrators that are killed (`kill -9`) at every place, and many that start at once.

use super::Project;
use super::databases::project;
use sequor::prelude::*;
use sequor::{MigrationState, Resolve};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

/// Twenty statements, of which none may run twice.
const TWENTY: [&str; 20] = [
    "CREATE TABLE a (id integer PRIMARY KEY, n integer NOT NULL)",
    "INSERT INTO a VALUES (1, 10)",
    "INSERT INTO a VALUES (2, 20)",
    "CREATE INDEX a_n ON a (n)",
    "ALTER TABLE a ADD COLUMN label varchar(40)",
    "UPDATE a SET label = 'first' WHERE id = 1",
    "UPDATE a SET n = n + 1",
    "CREATE TABLE b (id integer PRIMARY KEY, a_id integer NOT NULL, FOREIGN KEY (a_id) REFERENCES a (id))",
    "INSERT INTO b SELECT id * 10, id FROM a",
    "ALTER TABLE b ADD COLUMN note varchar(20) DEFAULT 'none'",
    "CREATE UNIQUE INDEX b_note ON b (id, note)",
    "INSERT INTO a VALUES (3, 30, NULL)",
    "DELETE FROM a WHERE id = 3",
    "CREATE VIEW big AS SELECT id FROM a WHERE n > 15",
    "INSERT INTO a (id, n) VALUES (4, 40)",
    "UPDATE a SET n = n * 2",
    "CREATE TABLE c (id integer PRIMARY KEY)",
    "ALTER TABLE c ADD COLUMN n integer NOT NULL DEFAULT 5",
    "INSERT INTO c (id) SELECT id FROM a",
    "ALTER TABLE a RENAME COLUMN label TO title",
];

fn twenty(project: &Project) {
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    project.file("migrations/1-twenty/up.sql", &format!("{};\n", TWENTY.join(";\n")));
    project.file("migrations/1-twenty/down.sql", "DROP VIEW big;\nDROP TABLE c;\nDROP TABLE b;\nDROP TABLE a;\n");
}

/// Every row, and that nothing is missing from the tables.
async fn state(db: &Db) -> sequor::Result<String> {
    let a: Vec<(i64, i64, Option<String>)> = db.query_as(sql!("SELECT id, n, title FROM a ORDER BY id")).await?;
    let b: Vec<(i64, i64, Option<String>)> = db.query_as(sql!("SELECT id, a_id, note FROM b ORDER BY id")).await?;
    let c: Vec<(i64, i64)> = db.query_as(sql!("SELECT id, n FROM c ORDER BY id")).await?;
    let big: Vec<(i64,)> = db.query_as(sql!("SELECT id FROM big ORDER BY id")).await?;
    Ok(format!("{a:?} {b:?} {c:?} {big:?}"))
}

#[sequor::test]
async fn a_migration_that_is_killed_at_any_statement_ends_the_same(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    twenty(&project);
    let migrator = Migrator::from_directory(project.path().join("migrations"))?;
    let db = project.connect().await;
    migrator.up(&db).await?;
    let expected = state(&db).await?;
    assert_eq!(expected.matches("Some(\"first\")").count(), 1, "{expected}");
    for number in 1..=TWENTY.len() {
        migrator.down(&db).await?;
        // Before a statement and after one are the same place; both sides of it are tried, in turn.
        let how = if number % 2 == 1 { "kill-before" } else { "kill-after" };
        let killed = project.tool(&format!("migrate {how} {number}"), &[]);
        assert_eq!((killed.status, killed.error.as_str()), (-1, ""), "{how} {number}: it was not killed");
        let up = project.alone("migrate up").good();
        assert!(up.contains("1-twenty: migrated"), "{how} {number}: {up}");
        assert_eq!(state(&db).await?, expected, "{how} {number}");
        migrator.check(&db).await?;
    }
    db.close().await?;
    project.remove().await;
    Ok(())
}

/// Waits until the server says that somebody waits for a lock on a table; its session.
async fn until_it_waits(db: &Db) -> sequor::Result<i64> {
    let start = Instant::now();
    loop {
        let waiting: Vec<(i64,)> = db
            .query_as(sql!(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'Waiting for table metadata lock'"
            ))
            .await?;
        if let Some((id,)) = waiting.first() {
            return Ok(*id);
        }
        assert!(start.elapsed() < Duration::from_secs(30), "nobody waits");
    }
}

/// MySQL and MariaDB only: elsewhere the end of the program is the end of the statement.
#[sequor::test]
async fn what_came_of_a_running_statement_is_seen_in_the_tables(db: Db) -> sequor::Result<()> {
    if !db.dialect().is_mysql() {
        return Ok(());
    }
    let Some(project) = project(&db).await else { return Ok(()) };
    twenty(&project);
    let migrator = Migrator::from_directory(project.path().join("migrations"))?;
    let db = project.connect().await;
    migrator.up(&db).await?;
    let expected = state(&db).await?;
    for done in [true, false] {
        migrator.down(&db).await?;
        // Killed before the fifth, then again while the fifth waits for our lock on its table.
        assert_eq!(project.tool("migrate kill-before 5", &[]).status, -1);
        let holder = db.begin().await?;
        holder.query_as::<(i64,)>(sql!("SELECT count(1) FROM a")).await?;
        let mut running = project.start_tool("migrate kill-after 5");
        let id = until_it_waits(&db).await?;
        running.kill()?;
        running.wait()?;
        let status = migrator.status(&db).await?;
        assert!(matches!(status[0].state, MigrationState::Failed { statement: 5, .. }), "{status:?}");
        if !done {
            let killed = db.execute_sql_script(&format!("KILL {id}")).await;
            // While it waits for the lock the server may see by itself that its client is gone: then there is no such session any more.
            if let Err(error) = killed {
                assert_eq!(error.detail().and_then(|detail| detail.code.as_deref()), Some("1094"), "{error}");
            }
            while !db.query_as::<(i64,)>(sql!("SELECT id FROM information_schema.processlist WHERE id = {id}")).await?.is_empty() {}
        }
        // Without that, the server does it as soon as it can, although nobody waits for its answer.
        holder.commit().await?;
        project.alone("migrate up").good();
        assert_eq!(state(&db).await?, expected, "done: {done}");
    }
    // What nobody can see in the tables is for somebody to say.
    migrator.down(&db).await?;
    assert_eq!(project.tool("migrate kill-before 5", &[]).status, -1);
    db.execute(sql!("UPDATE sequor_migrations SET started = done + 1, message = ''")).await?;
    let unknown = project.alone("migrate up").bad();
    assert!(unknown.contains("statement 5 of 1-twenty/up.sql") && unknown.contains("resolve 1-twenty --done"), "{unknown}");
    project.alone("migrate resolve 1-twenty --not-done").good();
    project.alone("migrate up").good();
    assert_eq!(state(&db).await?, expected);
    assert!(migrator.resolve("1-twenty", Resolve::StatementDone, &db).await.is_err());
    db.close().await?;
    project.remove().await;
    Ok(())
}

fn wait_until_it_holds(child: &mut Child) {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "holding\n");
}

#[sequor::test]
async fn the_lock_of_a_dead_program_holds_nobody_up(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    let mut holder = project.start_tool("migrate hold 1");
    wait_until_it_holds(&mut holder);
    if db.dialect().row_locks() {
        // While it lives, others wait, and say for what.
        let refused = project.alone("migrate up --lock-wait 0").bad();
        assert!(
            refused.contains("another program has been migrating") && refused.contains("its lock ends with its connection"),
            "{refused}"
        );
    }
    let waiting = project.start_alone("migrate up");
    holder.kill()?;
    holder.wait()?;
    let output = waiting.wait_with_output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    project.alone("migrate status --check").good();
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn twenty_programs_at_once_run_each_migration_once(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.file("migrations/20240103000000-row/up.sql", "INSERT INTO tags VALUES ('only once');\n");
    project.alone("migrate status").good();
    let programs: Vec<Child> = (0..20).map(|_| project.start_alone("migrate up")).collect();
    let mut migrated = Vec::new();
    for program in programs {
        let output = program.wait_with_output()?;
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}{error}");
        migrated.extend(out.lines().filter_map(|line| Some(line.split_once(": migrated")?.0.to_owned())));
    }
    migrated.sort();
    assert_eq!(migrated, ["== 20240101000000-users", "== 20240102000000-tags", "== 20240103000000-row"]);
    let db = project.connect().await;
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM tags")).await?, [(1,)]);
    db.close().await?;
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn auto_sync_makes_tables_in_development_and_is_refused_in_production(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    for variable in ["APP_ENV", "NODE_ENV", "SEQUOR_ENV"] {
        let refused = project.tool("auto-sync", &[(variable, "production")]);
        assert!(refused.status == 1 && refused.error.contains("auto_sync is for development"), "{refused:?}");
    }
    let connected = project.connect().await;
    assert!(connected.execute(sql!("SELECT 1 FROM notes")).await.is_err(), "production made a table");
    assert_eq!(project.tool("auto-sync", &[]).good(), "1");
    assert_eq!(project.tool("auto-sync", &[("APP_ENV", "staging")]).good(), "2");
    connected.close().await?;
    project.remove().await;
    Ok(())
}
