//! A table that is made anew keeps the rows that point to it; runners of several programs on one SQLite file.

use sequor::Migration;
use sequor::prelude::*;

fn parents_and_children() -> Migration {
    Migration::new("1-start").with(
        "up.sql",
        "CREATE TABLE parents (id integer PRIMARY KEY, name text);
         CREATE TABLE children (id integer PRIMARY KEY, parent_id integer REFERENCES parents (id) ON DELETE CASCADE);
         INSERT INTO parents VALUES (1, 'Ann'); INSERT INTO children VALUES (1, 1), (2, 1);",
    )
}

#[tokio::test]
async fn a_rebuilt_table_keeps_its_children() -> sequor::Result<()> {
    let db = Db::connect("sqlite::memory:").await?;
    let rebuild = Migration::new("2-rebuild").with(
        "up.sql",
        "-- sequor: foreign-keys-off
         CREATE TABLE parents_new (id integer PRIMARY KEY, name text NOT NULL DEFAULT '');
         INSERT INTO parents_new SELECT id, name FROM parents;
         DROP TABLE parents;
         ALTER TABLE parents_new RENAME TO parents;",
    );
    Migrator::new([parents_and_children(), rebuild.clone()]).up(&db).await?;
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM children")).await?, [(2,)]);
    assert_eq!(db.query_as::<(i64,)>(sql!("PRAGMA foreign_keys")).await?, [(1,)]);

    let careless = Migration::new("3-careless").with("up.sql", "-- sequor: foreign-keys-off\nDELETE FROM parents;");
    let all = Migrator::new([parents_and_children(), rebuild, careless]);
    let error = all.up(&db).await.expect_err("children without parents").to_string();
    assert!(error.contains("rows of children would point nowhere"), "{error}");
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM parents")).await?, [(1,)]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_programs_share_one_file() -> sequor::Result<()> {
    let file = std::env::temp_dir().join(format!("sequor-migrate-{}.db", Uuid::new_v4()));
    let url = format!("sqlite://{}", file.display());
    let runners: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Migrator::new([parents_and_children()]).up(&Db::connect(&url).await?).await })
        })
        .collect();
    let mut done = 0;
    for runner in runners {
        done += runner.await.map_err(sequor::Error::other)??.done.len();
    }
    assert_eq!(done, 1);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(())
}
