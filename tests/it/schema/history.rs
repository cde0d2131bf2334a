//! What the history says about files that were changed, lost, added late, renamed or written by Sequelize.

use sequor::prelude::*;
use sequor::{Migration, MigrationState};

fn table(name: &str) -> Migration {
    let table = name.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == '_');
    let (up, down) = (format!("CREATE TABLE {table} (id integer);\n"), format!("DROP TABLE {table};\n"));
    Migration::new(name).with("up.sql", up).with("down.sql", down)
}

async fn verdict(migrator: &Migrator, db: &Db, name: &str) -> sequor::Result<MigrationState> {
    let all = migrator.status(db).await?;
    Ok(all.into_iter().find(|one| one.name == name).map_or(MigrationState::Pending, |one| one.state))
}

#[sequor::test]
async fn each_contradiction_has_its_verdict(db: Db) -> sequor::Result<()> {
    Migrator::new([table("1-a"), table("3-c")]).up(&db).await?;

    let late = Migrator::new([table("1-a"), table("2-b"), table("3-c")]);
    assert_eq!(verdict(&late, &db, "2-b").await?, MigrationState::Late);
    assert!(late.up(&db).await.expect_err("late").to_string().contains("--out-of-order"));
    assert_eq!(late.clone().out_of_order().up(&db).await?.names(), ["2-b"]);

    let changed = Migrator::new([table("1-a"), table("2-b"), Migration::new("3-c").with("up.sql", "CREATE TABLE c (id bigint);")]);
    assert_eq!(verdict(&changed, &db, "3-c").await?, MigrationState::Changed);
    assert!(changed.up(&db).await.expect_err("changed").to_string().contains("3-c/up.sql was changed"));

    let spaces = Migration::new("3_c").with("up.sql", "CREATE TABLE c (id integer);  \r\n\r\n");
    Migrator::new([table("1-a"), table("2-b"), spaces]).check(&db).await?;

    let missing = Migrator::new([table("1-a"), table("2-b")]);
    assert_eq!(verdict(&missing, &db, "3-c").await?, MigrationState::Missing);
    assert!(missing.up(&db).await.is_err());
    missing.ignore_missing().up(&db).await?;

    let renamed = Migration::new("4-c").with("up.sql", "CREATE TABLE c (id integer);\n");
    let renamed = Migrator::new([table("1-a"), table("2-b"), renamed]).ignore_missing();
    assert_eq!(verdict(&renamed, &db, "4-c").await?, MigrationState::Renamed { from: "3-c".into() });

    let twice = Migrator::new([table("1-a"), table("1_a"), table("2-b"), table("3-c")]);
    assert!(twice.up(&db).await.expect_err("twice").to_string().contains("two migrations are called"));
    let unknown = Migrator::new([table("1-a")]).to("9-z", &db).await.expect_err("unknown").to_string();
    assert!(unknown.contains("there is no migration 9-z") && unknown.contains("1-a"), "{unknown}");
    Ok(())
}

#[sequor::test]
async fn a_database_made_otherwise_is_taken_over(db: Db) -> sequor::Result<()> {
    db.execute(sql!("CREATE TABLE a (id integer)")).await?;
    let migrator = Migrator::new([table("1-a"), table("2-b")]);
    assert_eq!(migrator.baseline("1-a", &db).await?.names(), ["1-a"]);
    assert_eq!(migrator.up(&db).await?.names(), ["2-b"]);
    Ok(())
}

#[sequor::test]
async fn sequelizes_history_is_honoured_and_written(db: Db) -> sequor::Result<()> {
    if db.dialect().is_mysql() {
        db.execute(sql!("CREATE TABLE `SequelizeMeta` (name varchar(255) NOT NULL PRIMARY KEY)")).await?;
        db.execute(sql!("INSERT INTO `SequelizeMeta` VALUES ('20200101-a.js')")).await?;
    } else {
        db.execute(sql!("CREATE TABLE \"SequelizeMeta\" (name varchar(255) NOT NULL PRIMARY KEY)")).await?;
        db.execute(sql!("INSERT INTO \"SequelizeMeta\" VALUES ('20200101-a.js')")).await?;
    }
    db.execute(sql!("CREATE TABLE a (id integer)")).await?;

    let migrator = Migrator::new([table("20200101-a"), table("20200102-b")]);
    assert_eq!(verdict(&migrator, &db, "20200101-a").await?, MigrationState::Applied);
    assert_eq!(migrator.up(&db).await?.names(), ["20200102-b"]);
    let names = |db: Db| async move {
        let rows = match db.dialect().is_mysql() {
            true => db.query_as::<(String,)>(sql!("SELECT name FROM `SequelizeMeta` ORDER BY name")).await?,
            false => db.query_as::<(String,)>(sql!("SELECT name FROM \"SequelizeMeta\" ORDER BY name")).await?,
        };
        Ok::<_, Error>(rows.into_iter().map(|row| row.0).collect::<Vec<_>>())
    };
    assert_eq!(names(db.clone()).await?, ["20200101-a.js", "20200102-b.js"]);
    assert_eq!(migrator.down_many(2, &db).await?.names(), ["20200102-b", "20200101-a"]);
    assert!(names(db.clone()).await?.is_empty());
    Ok(())
}

#[sequor::test]
async fn a_squash_of_what_ran_only_in_part_says_what_is_missing(db: Db) -> sequor::Result<()> {
    let all = [table("1-a"), table("2-b"), table("3-c")];
    Migrator::new(all.clone()).to("2-b", &db).await?;
    let squashed = Migrator::new([Migrator::new(all.clone()).squash("3-all")?, table("4-d")]);
    let error = squashed.up(&db).await.unwrap_err().to_string();
    assert!(
        error.contains("3-all stands for 3 migrations, of which 3-c have not run here: run them from the version before it"),
        "{error}"
    );
    assert!(db.execute(sql!("SELECT 1 FROM d")).await.is_err(), "nothing was run");
    Migrator::new(all).up(&db).await?;
    assert_eq!(squashed.up(&db).await?.names(), ["4-d"]);
    squashed.check(&db).await?;
    assert_eq!(squashed.down_all(&db).await?.names(), ["4-d", "3-all"]);
    assert!(db.execute(sql!("SELECT 1 FROM a")).await.is_err());
    Ok(())
}
