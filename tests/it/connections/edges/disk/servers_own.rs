//! Disks that are full on which a server has what is its own: the log of PostgreSQL, the temporary files of both. MariaDB's log of changes has its full length from the start.

use super::{Account, Filled, fill, is_whole, rounds};
use crate::connections::{has_server, is_tier_one, note, until};
use sequor::prelude::*;
use sequor_tools::servers::disk::SmallDisk;
use sequor_tools::servers::{self, Server};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn run(program: &str, arguments: &[&Path]) -> sequor::Result<()> {
    let status = Command::new(program).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(Error::usage(format!("{program} {arguments:?}: {status}"))) }
}

/// Puts a folder of a server that does not run on the small disk.
fn put_on_disk(server: &Server, disk: &SmallDisk, folder: &str) -> sequor::Result<()> {
    let (from, to) = (server.folder().join(folder), disk.path().join("own"));
    run("cp", &[Path::new("-a"), &from, &to])?;
    std::fs::remove_dir_all(&from)?;
    std::os::unix::fs::symlink(&to, &from)?;
    Ok(())
}

async fn log_is_full(disk: &SmallDisk) -> sequor::Result<()> {
    let mut server = servers::lasting("postgres").map_err(Error::usage)?;
    disk.give_to("postgres").map_err(Error::usage)?;
    server.kill();
    put_on_disk(&server, disk, "data/pg_wal")?;
    server.start_again().map_err(Error::usage)?;
    let retry = Retry { max: 10_000, delay: millis(5), max_delay: millis(100) };
    let db = Db::options(server.url()).pool(Pool { max: 3, ..Pool::default() }).retry(retry).connect().await?;
    db.sync::<(Filled, Account)>(SyncMode::Create).await?;
    // Stored as they are: compressed, rows of one byte's repetition would hardly fill a log that is written in circles.
    db.execute_sql_script("ALTER TABLE filled ALTER COLUMN bytes SET STORAGE EXTERNAL").await?;
    // The log stays well below the disk, so that there is room to recover in once the ballast is gone.
    for setting in ["ALTER SYSTEM SET max_wal_size = '48MB'", "ALTER SYSTEM SET min_wal_size = '32MB'", "SELECT pg_reload_conf()"] {
        db.execute_sql_script(setting).await?;
    }
    draft!(Account { id: 1, balance: -1 }).create(&db).await?;
    let (mut acknowledged, mut longest, mut last) = (0, Duration::ZERO, String::new());
    for _ in 0..rounds() {
        let ballast = disk.fill_but(1 << 20).map_err(Error::usage)?;
        let (rows, error) = fill(&db, 0).await?;
        let unsure = matches!(&error, Error::Connection(error) if error.kind() == sequor::ConnectionErrorKind::CommitUnknown);
        assert!(matches!(error, Error::Database { .. } | Error::Connection(_)), "{error:?}");
        // It ends itself, and cannot come up again before there is room.
        std::fs::remove_file(&ballast)?;
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
        Filled::truncate().exec(&db).await?;
        Account::update_all().set(Account::BALANCE, -1).every_row().exec(&db).await?;
        db.execute_sql_script("CHECKPOINT").await?;
    }
    note(&format!(
        "| postgres | the disk of the log is full | {} | {acknowledged} rows acknowledged, none lost; writes go on after {longest:?} | {last} |",
        rounds()
    ));
    db.close().await
}

/// A statement that needs more temporary room than there is, alone and in a transaction.
async fn temporary_files(db: &Db, disk: &SmallDisk, name: &str, text: fn() -> sequor::__private::RawSql) -> sequor::Result<()> {
    let (mut longest, mut last) = (Duration::ZERO, String::new());
    db.query_as::<(i64,)>(text()).await?;
    for round in 0..rounds() {
        let ballast = disk.fill_but(1 << 20).map_err(Error::usage)?;
        let error = db.query_as::<(i64,)>(text()).await.expect_err("there is no room");
        assert!(matches!(error, Error::Database { .. }), "{error:?}");
        last = error.to_string();
        let id = i64::from(round) + 2;
        let both = db
            .transaction(async |tx| {
                draft!(Account { id, balance: 1 }).create(tx).await?;
                tx.query_as::<(i64,)>(text()).await
            })
            .await;
        assert!(both.is_err() && Account::find_by_pk(id).exec(db).await?.is_none(), "nothing of it is stored");
        draft!(Account { id: -id, balance: 1 }).create(db).await?;
        std::fs::remove_file(&ballast)?;
        let start = Instant::now();
        until("it goes on", async || db.query_as::<(i64,)>(text()).await.is_ok()).await;
        longest = longest.max(start.elapsed());
        until("all are back", async || db.pool_status().in_use == 0).await;
    }
    note(&format!(
        "| {name} | the disk of temporary files is full | {} | the statement works again after {longest:?}, itself included | {last} |",
        rounds()
    ));
    Ok(())
}

fn large_sort() -> sequor::__private::RawSql {
    sql!("SELECT count(DISTINCT t) FROM (SELECT repeat(md5(i::text), 10) AS t FROM generate_series(1, 30000) i) s")
}

fn large_table() -> sequor::__private::RawSql {
    sql!("SELECT count(*) FROM (SELECT DISTINCT concat(repeat(md5(seq), 10), seq) AS t FROM seq_1_to_30000) s")
}

async fn temporary_postgres(disk: &SmallDisk) -> sequor::Result<()> {
    let server = servers::lasting("postgres").map_err(Error::usage)?;
    disk.give_to("postgres").map_err(Error::usage)?;
    let first = Db::connect(server.url()).await?;
    first.execute_sql_script(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display())).await?;
    first
        .execute_sql_script("ALTER DATABASE postgres SET temp_tablespaces = 'small'; ALTER DATABASE postgres SET work_mem = '64kB'")
        .await?;
    first.close().await?;
    let db = Db::connect(server.url()).await?;
    db.sync::<Account>(SyncMode::Create).await?;
    temporary_files(&db, disk, "postgres", large_sort).await?;
    db.close().await
}

async fn temporary_mariadb(disk: &SmallDisk) -> sequor::Result<()> {
    let mut server = servers::lasting("mariadb").map_err(Error::usage)?;
    disk.give_to("mysql").map_err(Error::usage)?;
    server.kill();
    put_on_disk(&server, disk, "tmp")?;
    server.start_again().map_err(Error::usage)?;
    let first = Db::connect(server.url()).await?;
    first.execute_sql_script("SET GLOBAL tmp_memory_table_size = 65536; SET GLOBAL max_heap_table_size = 65536").await?;
    first.close().await?;
    let db = Db::connect(server.url()).await?;
    db.sync::<Account>(SyncMode::Create).await?;
    temporary_files(&db, disk, "mysql", large_table).await?;
    db.close().await
}

fn on(database: &str, bytes: u64, test: impl AsyncFnOnce(&SmallDisk) -> sequor::Result<()>) {
    if !is_tier_one() || !has_server(database) {
        return;
    }
    let disk = SmallDisk::new(bytes).expect("tier 1 may mount a small disk");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(test(&disk)).expect("a full disk is an error like others");
}

// T-11
#[test]
fn a_full_log_of_postgres_loses_nothing() {
    on("postgres", 128 << 20, async |disk| log_is_full(disk).await);
}

// T-11
#[test]
fn full_temporary_files_of_postgres_are_an_error_of_their_statement() {
    on("postgres", 32 << 20, async |disk| temporary_postgres(disk).await);
}

// T-11
#[test]
fn full_temporary_files_of_mariadb_are_an_error_of_their_statement() {
    on("mysql", 32 << 20, async |disk| temporary_mariadb(disk).await);
}
