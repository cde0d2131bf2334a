//! Disks that are full, and a write-ahead log that grows.

mod servers_own;

use crate::connections::observing::{Listener, listened};
use crate::connections::{Account, Bed, has_server, is_tier_one, note, run, until};
use sequor::Migration;
use sequor::prelude::*;
use sequor_tools::servers;
use sequor_tools::servers::disk::SmallDisk;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A row that takes room.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "filled")]
pub struct Filled {
    #[field(primary_key)]
    pub id: i64,
    pub bytes: Vec<u8>,
}

async fn grow(bed: &Bed, listener: &Listener) -> sequor::Result<()> {
    let db = Db::options(&bed.url).pool(Pool { max: 3, evict: millis(50), ..Pool::default() }).connect().await?;
    db.sync::<Filled>(SyncMode::Create).await?;
    draft!(Filled { id: 0, bytes: vec![0] }).create(&db).await?;
    let old = db.begin_with(Tx::serializable().read_only()).await?;
    assert_eq!(Filled::count().exec(&old).await?, 1);
    let long = || db.pool_status().log_bytes.unwrap_or(0);
    let mut id = 0;
    while long() < 70 << 20 {
        id += 1;
        draft!(Filled { id, bytes: vec![7; 4 << 20] }).create(&db).await?;
    }
    let reports =
        || listener.events().into_iter().filter(|event| event.get("message").is_some_and(|text| text.contains("write-ahead"))).count();
    let mut told = 0;
    until("it is reported", async || {
        told += reports();
        told > 0
    })
    .await;
    // While somebody reads what is old it stays, and others write all the same.
    draft!(Filled { id: -1, bytes: vec![7] }).create(&db).await?;
    assert_eq!(Filled::count().exec(&old).await?, 1);
    assert!(long() >= 64 << 20 && told + reports() == 1, "{} bytes, {told} reports", long());
    old.rollback().await?;
    let start = Instant::now();
    until("it is small again", async || long() < 1 << 20).await;
    assert!(start.elapsed() < crate::connections::PATIENCE, "{:?}", start.elapsed());
    assert!(serde_json::to_value(db.health().await)?["pool"]["log_bytes"].is_u64());
    db.close().await
}

// T-09
#[test]
fn a_write_ahead_log_that_an_old_read_keeps_is_reported_and_made_small_after_it() {
    listened("sqlite", grow);
}

/// Fills the disk until a write is refused; how many rows were acknowledged.
async fn fill(db: &Db, first: i64) -> sequor::Result<(i64, Error)> {
    for id in first.. {
        let wrote = db
            .transaction(async |tx| {
                draft!(Filled { id, bytes: vec![7; 200_000] }).create(tx).await?;
                Account::update_all().set(Account::BALANCE, id).filter(Account::ID.eq(1)).exec(tx).await
            })
            .await;
        if let Err(error) = wrote {
            return Ok((id, error));
        }
    }
    Err(Error::usage("the disk is never full"))
}

/// What is stored is what was acknowledged, each transaction whole.
async fn is_whole(db: &Db, rows: i64) -> sequor::Result<()> {
    let count = i64::try_from(Filled::count().exec(db).await?).unwrap_or(-1);
    let balance = Account::find_by_pk(1).or_fail().exec(db).await?.balance;
    assert_eq!((count, balance), (rows, rows - 1));
    Ok(())
}

/// How often a disk is filled; `SEQUOR_DISK_ROUNDS` says another number.
fn rounds() -> u32 {
    std::env::var("SEQUOR_DISK_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

/// Fills a disk again and again, and makes room.
async fn exhaust(db: &Db, disk: &SmallDisk, name: &str) -> sequor::Result<()> {
    let rounds = rounds();
    let (mut kinds, mut longest) = (std::collections::BTreeSet::new(), Duration::ZERO);
    for round in 0..rounds {
        Filled::truncate().exec(db).await.map_err(|error| Error::usage(format!("round {round}: {error}")))?;
        if name == "sqlite" {
            db.vacuum().await?;
            // The log keeps its largest size. What is acknowledged on a full disk stands there alone, until there is room to copy it into the file; a log that grew in
            // every round would hold more than the disk could take twice, and then a deletion finds no room either.
            db.query_as::<(i64, i64, i64)>(sql!("PRAGMA wal_checkpoint(TRUNCATE)")).await?;
        }
        Account::update_all().set(Account::BALANCE, -1).every_row().exec(db).await?;
        let ballast = disk.fill_but(3 << 20).map_err(Error::usage)?;
        let (rows, error) = fill(db, 0).await?;
        assert!(matches!(error, Error::Database { .. }), "{error:?}");
        kinds.insert(error.to_string().chars().take(60).collect::<String>());
        is_whole(db, rows).await?;
        // It stays full, and nothing is stored by half.
        let (more, _) = fill(db, rows).await?;
        is_whole(db, more).await?;
        std::fs::remove_file(&ballast)?;
        let start = Instant::now();
        until("writes go on", async || draft!(Filled { id: 1_000_000, bytes: vec![7; 200_000] }).create(db).await.is_ok()).await;
        longest = longest.max(start.elapsed());
        until("all are back", async || db.pool_status().in_use == 0).await;
    }
    note(&format!("| {name} | the disk is full | {rounds} | writes go on after {longest:?} | {kinds:?} |"));
    assert!(longest < crate::connections::PATIENCE, "{longest:?}");
    Ok(())
}

fn disk() -> Option<SmallDisk> {
    match SmallDisk::new(24 << 20) {
        Ok(disk) => Some(disk),
        Err(error) => {
            note(&format!("SKIPPED: no small disk can be made: {error}"));
            None
        }
    }
}

// T-11: data and write-ahead log are on the small disk.
#[test]
fn sqlite_on_a_full_disk_loses_nothing() {
    if !is_tier_one() {
        return;
    }
    let Some(disk) = disk() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let outcome: sequor::Result<()> = runtime.block_on(async {
        let url = format!("sqlite://{}", disk.path().join("app.db").display());
        let db = Db::options(&url).pool(Pool { max: 3, ..Pool::default() }).connect().await?;
        db.sync::<(Filled, Account)>(SyncMode::Create).await?;
        draft!(Account { id: 1, balance: -1 }).create(&db).await?;
        exhaust(&db, &disk, "sqlite").await?;
        db.close().await
    });
    outcome.expect("a full disk is an error like others");
}

async fn table_on(db: &Db, disk: &Path) -> sequor::Result<()> {
    db.sync::<Account>(SyncMode::Create).await?;
    let place = disk.display();
    let place = Migration::new("1-place").with("up.sql", format!("CREATE TABLESPACE small LOCATION '{place}';"));
    let table = "CREATE TABLE filled (id bigint PRIMARY KEY, bytes bytea NOT NULL) TABLESPACE small;\n\
                 ALTER TABLE filled ALTER bytes SET STORAGE EXTERNAL;";
    Migrator::new([place, Migration::new("2-filled").with("up.sql", table)]).up(db).await.map(drop)
}

async fn server_on_small_disk(disk: &SmallDisk) -> sequor::Result<()> {
    let server = servers::lasting("postgres").map_err(Error::usage)?;
    disk.give_to("postgres").map_err(Error::usage)?;
    let db = Db::options(server.url()).pool(Pool { max: 3, ..Pool::default() }).connect().await?;
    table_on(&db, disk.path()).await?;
    draft!(Account { id: 1, balance: -1 }).create(&db).await?;
    exhaust(&db, disk, "postgres").await?;
    db.close().await
}

/// MariaDB's server may end itself when a file of its own cannot grow, at once or seconds later: it is ended and started again once there is room.
async fn mariadb_on_small_disk(disk: &SmallDisk) -> sequor::Result<()> {
    let mut server = servers::lasting("mariadb").map_err(Error::usage)?;
    disk.give_to("mysql").map_err(Error::usage)?;
    let retry = Retry { max: 10_000, delay: millis(5), max_delay: millis(100) };
    let db = Db::options(server.url()).pool(Pool { max: 3, ..Pool::default() }).retry(retry).connect().await?;
    db.sync::<Account>(SyncMode::Create).await?;
    draft!(Account { id: 1, balance: -1 }).create(&db).await?;
    let place = disk.path().display();
    let columns = "(id bigint PRIMARY KEY, bytes longblob NOT NULL)";
    let table = format!("DROP TABLE IF EXISTS filled; CREATE TABLE filled {columns} DATA DIRECTORY = '{place}'");
    let (mut acknowledged, mut longest, mut last) = (0, Duration::ZERO, String::new());
    for _ in 0..rounds() {
        // A new table each time: after a crash TRUNCATE leaves the file as long as it was, and soon there were no room that a ballast could take.
        db.execute_sql_script(&table).await?;
        until("the file of the table before is gone", async || disk.free().is_ok_and(|free| free > 16 << 20)).await;
        let ballast = disk.fill_but(3 << 20).map_err(Error::usage)?;
        let (rows, error) = fill(&db, 0).await?;
        let unsure = matches!(&error, Error::Connection(error) if error.kind() == sequor::ConnectionErrorKind::CommitUnknown);
        assert!(matches!(error, Error::Database { .. } | Error::Connection(_)), "{error:?}");
        std::fs::remove_file(&ballast)?;
        // Whether it ends itself, and when, is a matter of which page it could not write: it is ended now, whatever it would do.
        server.kill();
        server.start_again().map_err(Error::usage)?;
        let start = Instant::now();
        until("writes go on", async || draft!(Filled { id: 1_000_000, bytes: vec![7; 200_000] }).create(&db).await.is_ok()).await;
        longest = longest.max(start.elapsed());
        Filled::destroy_all().filter(Filled::ID.eq(1_000_000)).exec(&db).await?;
        let stored = i64::try_from(Filled::count().exec(&db).await?).unwrap_or(-1);
        assert!(stored == rows || unsure && stored == rows + 1, "{stored} of {rows} acknowledged rows are there: {error}");
        is_whole(&db, stored).await?;
        (acknowledged, last) = (acknowledged + rows, error.to_string());
        Account::update_all().set(Account::BALANCE, -1).every_row().exec(&db).await?;
    }
    note(&format!(
        "| mysql | the disk of a table is full | {} | {acknowledged} rows acknowledged, none lost; writes go on after {longest:?} | {last} |",
        rounds()
    ));
    db.close().await
}

// T-11: the file of the table is on the small disk.
#[test]
fn a_mariadb_table_whose_disk_is_full_loses_nothing() {
    if !is_tier_one() || !has_server("mysql") {
        return;
    }
    let Some(disk) = disk() else { return };
    run("mysql", async |_bed: Arc<Bed>| mariadb_on_small_disk(&disk).await);
}

// T-11: the tables are on the small disk.
#[test]
fn a_server_whose_disk_is_full_is_an_error_and_loses_nothing() {
    if !is_tier_one() || !has_server("postgres") {
        return;
    }
    let Some(disk) = disk() else { return };
    run("postgres", async |_bed: Arc<Bed>| server_on_small_disk(&disk).await);
}
