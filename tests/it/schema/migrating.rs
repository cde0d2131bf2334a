//! Running migrations: each once, in order, back again, and what a refused statement leaves behind.

use sequor::prelude::*;
use sequor::{Migration, MigrationEvent, MigrationState, Resolve};
use std::sync::{Arc, Mutex};

fn library() -> Migrator {
    Migrator::embedded(migrations!("fixtures/library"))
}

async fn states(migrator: &Migrator, db: &Db) -> sequor::Result<Vec<MigrationState>> {
    Ok(migrator.status(db).await?.into_iter().map(|one| one.state).collect())
}

async fn count(db: &Db, sql: sequor::__private::RawSql) -> sequor::Result<i64> {
    Ok(db.query_as::<(i64,)>(sql).await?[0].0)
}

/// On SQLite the write lock is that of the migrators, whoever has it.
#[tokio::test]
async fn who_holds_the_write_lock_is_waited_for_and_named() -> sequor::Result<()> {
    let file = std::env::temp_dir().join(format!("sequor-waiting-{}.db", Uuid::new_v4().simple()));
    let db = Db::connect(&format!("sqlite://{}?busy_timeout=20", file.display())).await?;
    let one = Migration::new("1-rooms").with("up.sql", "CREATE TABLE rooms (id integer)");
    let two = Migration::new("2-doors").with("up.sql", "CREATE TABLE doors (id integer)");
    Migrator::new([one.clone()]).up(&db).await?;
    let migrator = Migrator::new([one, two]);
    let holder = db.begin().await?;
    let error = migrator.clone().lock_wait(millis(0)).up(&db).await.expect_err("somebody writes");
    assert!(error.to_string().contains("another program holds SQLite's write lock"), "{error}");
    let waiting = {
        let (migrator, db) = (migrator.clone(), db.clone());
        tokio::spawn(async move { migrator.lock_wait(secs(60)).up(&db).await.map(|report| report.names().len()) })
    };
    tokio::time::sleep(millis(300)).await;
    holder.rollback().await?;
    assert_eq!(waiting.await.map_err(Error::other)??, 1);
    db.close().await?;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    Ok(())
}

#[sequor::test]
async fn embedded_migrations_run_once_and_go_back(db: Db) -> sequor::Result<()> {
    let migrator = library();
    assert_eq!(states(&migrator, &db).await?, [MigrationState::Pending, MigrationState::Pending]);
    assert_eq!(migrator.plan(&db).await?[0].statements.len(), 2);
    assert!(migrator.check(&db).await.is_err());
    assert_eq!(migrator.up(&db).await?.names(), ["20240101000000-authors", "20240102000000_books"]);
    assert!(migrator.up(&db).await?.names().is_empty());
    migrator.check(&db).await?;
    assert_eq!(count(&db, sql!("SELECT count(1) FROM authors WHERE name = 'Ann; the first'")).await?, 1);

    assert_eq!(migrator.down(&db).await?.names(), ["20240102000000_books"]);
    assert!(db.execute(sql!("SELECT 1 FROM books")).await.is_err());
    assert_eq!(migrator.to("20240102000000-books", &db).await?.names(), ["20240102000000_books"]);
    assert_eq!(migrator.redo(&db).await?.names(), ["20240102000000_books", "20240102000000_books"]);
    assert_eq!(migrator.to("20240101000000_authors", &db).await?.names(), ["20240102000000_books"]);
    assert_eq!(migrator.down_all(&db).await?.names(), ["20240101000000-authors"]);
    assert_eq!(states(&migrator, &db).await?, [MigrationState::Pending, MigrationState::Pending]);
    Ok(())
}

#[sequor::test]
async fn a_folder_is_the_same_as_what_is_embedded(db: Db) -> sequor::Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/library");
    let migrator = Migrator::from_directory(folder)?;
    assert_eq!(migrator.migrations(), library().migrations());
    migrator.up(&db).await?;
    library().check(&db).await?;
    assert!(Migrator::from_directory("no/such/folder").is_err());
    Ok(())
}

#[sequor::test]
async fn eight_runners_at_once_run_each_migration_once(db: Db) -> sequor::Result<()> {
    let runners: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { library().up(&db).await })
        })
        .collect();
    let mut done = 0;
    for runner in runners {
        done += runner.await.map_err(sequor::Error::other)??.done.len();
    }
    assert_eq!(done, 2);
    assert_eq!(count(&db, sql!("SELECT count(1) FROM authors")).await?, 1);
    Ok(())
}

#[sequor::test]
async fn a_syntax_error_is_shown_in_its_place_and_nothing_stays(db: Db) -> sequor::Result<()> {
    let broken = Migrator::new([Migration::new("1-broken").with("up.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a\n  VALEUS (2);\n")]);
    db.execute(sql!("CREATE TABLE a (id integer)")).await?;
    let error = broken.up(&db).await.expect_err("a syntax error");
    assert!(matches!(error, Error::Migration { .. }));
    let message = error.to_string();
    assert!(message.contains("1-broken/up.sql:3:3: statement 2 of 2"), "{message}");
    let stays = i64::from(db.dialect().is_mysql());
    assert_eq!(count(&db, sql!("SELECT count(1) FROM a")).await?, stays);
    if stays == 0 {
        assert_eq!(states(&broken, &db).await?, [MigrationState::Pending]);
    }
    let mended = Migrator::new([Migration::new("1-broken").with("up.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n")]);
    mended.up(&db).await?;
    assert_eq!(count(&db, sql!("SELECT count(1) FROM a")).await?, 2);
    Ok(())
}

/// Five statements that cannot be in a transaction, or are said not to be; the third is refused.
fn five(third: &str) -> Migrator {
    let sql = format!(
        "-- sequor: no-transaction\nCREATE TABLE a (id integer PRIMARY KEY);\nINSERT INTO a VALUES (1);\n{third};\nINSERT INTO a VALUES (3);\nCREATE TABLE c (id integer);"
    );
    Migrator::new([Migration::new("1-five").with("up.sql", sql)])
}

#[sequor::test]
async fn what_has_no_transaction_goes_on_after_the_refused_statement(db: Db) -> sequor::Result<()> {
    let error = five("INSERT INTO a VALUES (1)").up(&db).await.expect_err("a taken key");
    assert!(error.to_string().contains("1-five/up.sql:4:1: statement 3 of 5"), "{error}");
    let state = &states(&five("x"), &db).await?[0];
    assert!(matches!(state, MigrationState::Failed { statement: 3, undo: false, .. }), "{state:?}");
    // What is done may not change.
    let other = Migrator::new([Migration::new("1-five").with("up.sql", "-- sequor: no-transaction\nSELECT 1; SELECT 2; SELECT 3;")]);
    assert!(other.up(&db).await.expect_err("another beginning").to_string().contains("first 2 statements"));
    assert_eq!(five("INSERT INTO a VALUES (2)").up(&db).await?.names(), ["1-five"]);
    assert_eq!(count(&db, sql!("SELECT count(1) FROM a")).await?, 3);
    five("INSERT INTO a VALUES (2)").check(&db).await
}

#[sequor::test]
async fn an_unknown_end_is_for_somebody_to_say(db: Db) -> sequor::Result<()> {
    let migrator = five("INSERT INTO a VALUES (2)");
    five("INSERT INTO a VALUES (1)").up(&db).await.expect_err("a taken key");
    // As a program leaves it that was killed while the third statement ran.
    db.execute(sql!("UPDATE sequor_migrations SET message = ''")).await?;
    let error = migrator.up(&db).await.expect_err("unknown").to_string();
    assert!(error.contains("statement 3 of 1-five/up.sql") && error.contains("resolve 1-five"), "{error}");
    migrator.resolve("1_five", Resolve::StatementNotDone, &db).await?;
    migrator.up(&db).await?;
    assert_eq!(count(&db, sql!("SELECT count(1) FROM a")).await?, 3);
    Ok(())
}

#[sequor::test]
async fn what_cannot_be_undone_is_said_before_anything_runs(db: Db) -> sequor::Result<()> {
    let all = library().migrations().to_vec();
    let oneway = Migration::new("20240103-oneway").with("up.sql", "CREATE TABLE d (id integer);");
    let back = Migration::new("20240104-back").with("up.sql", "CREATE TABLE e (id integer);").with("down.sql", "DROP TABLE e;");
    let migrator = Migrator::new(all.into_iter().chain([oneway, back]));
    migrator.up(&db).await?;
    for error in [migrator.down_all(&db).await, migrator.to("20240101000000-authors", &db).await, migrator.down_many(2, &db).await] {
        let message = error.expect_err("no way back").to_string();
        assert!(message.contains("20240103-oneway/down.sql is missing"), "{message}");
    }
    db.execute(sql!("DROP TABLE e")).await?;
    Ok(())
}

#[sequor::test]
async fn events_say_what_is_being_done(db: Db) -> sequor::Result<()> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = seen.clone();
    let migrator = library().on_event(move |event| {
        if let MigrationEvent::Statement { name, number, of, .. } = event {
            heard.lock().unwrap().push(format!("{name} {number}/{of}"));
        }
    });
    migrator.up(&db).await?;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[..2], ["20240101000000-authors 1/2", "20240101000000-authors 2/2"]);
    assert_eq!(seen.len(), 4);
    Ok(())
}

#[sequor::test]
async fn a_plan_tells_who_waits_and_how_many_rows_are_read(db: Db) -> sequor::Result<()> {
    let table = "CREATE TABLE notes (id int PRIMARY KEY, text varchar(20));\nCREATE INDEX early ON notes (text);";
    let table = Migration::new("1-notes").with("up.sql", table);
    let all = Migrator::new([table, Migration::new("2-index").with("up.sql", "CREATE INDEX late ON notes (text);")]);
    let plan = all.plan(&db).await?;
    assert!(plan[0].effects.is_empty(), "what is new keeps nobody waiting: {:?}", plan[0].effects);
    assert_eq!((plan[1].effects[0].work.as_str(), plan[1].effects[0].rows), ("reads", None));
    all.to("1-notes", &db).await?;
    db.execute_sql_script("INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'c')").await?;
    let plan = all.plan(&db).await?;
    let [effect] = plan[0].effects.as_slice() else { panic!("{plan:?}") };
    assert_eq!((effect.statement, effect.table.as_deref(), effect.rows), (0, Some("notes"), Some(3)));
    assert!(effect.to_string().contains("write") && effect.to_string().ends_with("; notes: reads 3 rows"), "{effect}");
    Ok(())
}
