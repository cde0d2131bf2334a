//! Opening: modes, missing and foreign files, and the doors that stay closed.

use crate::support::{File, fails, memory, one, rows, run, script};
use sequor_core::Value;
use sequor_core::driver::{Connection, Driver, Product};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use sequor_sqlite::{JournalMode, OpenMode, SqliteDriver, SqliteOptions};

async fn open(url: &str) -> Result<Box<dyn Connection>> {
    SqliteDriver::new(SqliteOptions::parse(url).unwrap()).connect().await
}

async fn refused(url: &str) -> (ConnectionErrorKind, String) {
    match open(url).await {
        Err(Error::Connection(error)) => (error.kind, error.to_string()),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("{url} opened"),
    }
}

#[tokio::test]
async fn a_file_is_made_and_set_up() {
    let file = File::new();
    let mut connection = open(&format!("sqlite://{}", file.0.display())).await.unwrap();
    for (pragma, value) in [("journal_mode", Value::from("wal")), ("foreign_keys", 1.into()), ("synchronous", 1.into())] {
        assert_eq!(one(&mut *connection, &format!("PRAGMA {pragma}"), []).await, value);
    }
    assert_eq!((connection.server().product, connection.server().read_only), (Product::Sqlite, false));
    assert!(connection.server().version >= (3, 35, 0));
    script(&mut *connection, "CREATE TABLE t (x)").await;
    connection.ping().await.unwrap();
    connection.close().await;
    let mut reader = open(&format!("sqlite://{}?mode=ro", file.0.display())).await.unwrap();
    assert!(reader.server().read_only);
    let error = fails(&mut *reader, "INSERT INTO t VALUES (1)", []).await;
    assert!(matches!(&error, Error::Database { code, .. } if code == "SQLITE_READONLY"), "{error:?}");
    let options = SqliteOptions { journal_mode: Some(JournalMode::Delete), mode: OpenMode::ReadWrite, ..SqliteOptions::file(&file.0) };
    drop(reader);
    let mut other = SqliteDriver::new(options).connect().await.unwrap();
    assert_eq!(one(&mut *other, "PRAGMA journal_mode", []).await, Value::from("delete"));
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let file = File::new();
    let path = file.0.display().to_string();
    for mode in ["rw", "ro"] {
        let (kind, text) = refused(&format!("sqlite://{path}?mode={mode}")).await;
        assert_eq!(kind, ConnectionErrorKind::UnknownDatabase);
        assert!(text.contains(&path), "{text}");
    }
    let (kind, text) = refused("sqlite:///nowhere/at/all.db").await;
    assert_eq!(kind, ConnectionErrorKind::UnknownDatabase);
    assert!(text.contains("/nowhere/at/all.db"), "{text}");
    std::fs::write(
        &file.0,
        "this is a text of more than a hundred bytes, and therefore long enough to be taken for the header of a database file",
    )
    .unwrap();
    assert_eq!(refused(&format!("sqlite://{path}")).await.0, ConnectionErrorKind::Protocol);
}

#[tokio::test]
async fn names_are_only_names() {
    let folder = std::env::temp_dir().join(format!("sequor-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    for name in ["file:x?mode=memory", "a b%ü?.db", ":memory:x"] {
        let path = folder.join(name);
        SqliteDriver::new(SqliteOptions::file(&path)).connect().await.unwrap().close().await;
        assert!(path.exists(), "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn memory_is_one_connection() {
    let driver = SqliteDriver::new(SqliteOptions::parse("sqlite::memory:").unwrap());
    assert_eq!((driver.max_connections(), driver.target().as_str()), (Some(1), "sqlite::memory:"));
    assert_eq!(File::new().driver().max_connections(), None);
    let name = format!("sqlite:{}?mode=memory&cache=shared", uuid::Uuid::new_v4());
    let mut first = open(&name).await.unwrap();
    script(&mut *first, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
    assert_eq!(rows(&mut *open(&name).await.unwrap(), "SELECT * FROM t", []).await.len(), 1);
}

#[tokio::test]
async fn the_doors_stay_closed() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    for sql in [
        "ATTACH ':memory:' AS other",
        "SELECT load_extension('x')",
        "SELECT \"text\"",
        "UPDATE sqlite_schema SET sql = ''",
        "VACUUM INTO '/tmp/sequor-copy.db'",
    ] {
        assert!(matches!(fails(&mut *connection, sql, []).await, Error::Database { .. }), "{sql}");
    }
    run(&mut *connection, "PRAGMA writable_schema = on", []).await.unwrap();
    fails(&mut *connection, "UPDATE sqlite_schema SET sql = ''", []).await;
    let file = File::new();
    let mut connection = file.connect().await;
    script(&mut *connection, "CREATE TABLE t (x)").await;
    run(&mut *connection, "VACUUM", []).await.unwrap();
    script(&mut *connection, "VACUUM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_open_a_new_file_at_once() {
    let file = File::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let driver = file.driver();
        tasks.spawn(async move { driver.connect().await.map(drop) });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap().unwrap();
    }
}
