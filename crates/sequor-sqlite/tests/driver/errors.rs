//! Each refusal of SQLite is the error that a program expects, without values.

use crate::support::{fails, memory, run, script};
use sequor_core::Value;
use sequor_core::driver::Connection;
use sequor_core::error::Error;

async fn shop() -> Box<dyn Connection> {
    let mut connection = memory().await;
    script(
        &mut *connection,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, age INTEGER CONSTRAINT adult CHECK (age >= 18), a TEXT, b TEXT, UNIQUE (a, b));
         CREATE TABLE names (name TEXT); CREATE UNIQUE INDEX lower_name ON names (lower(name)); INSERT INTO names VALUES ('secret');
         CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users (id));
         CREATE TABLE strict (n INTEGER) STRICT;
         CREATE TRIGGER no_zero BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, 'users stay'); END;
         INSERT INTO users (id, email, a, b) VALUES (1, 'secret@x', 'p', 'q');",
    )
    .await;
    connection
}

fn hidden(error: &Error) {
    assert!(!format!("{error:#} {error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn constraints_name_their_columns() {
    let mut connection = shop().await;
    let insert = "INSERT INTO users (id, email, age, a, b) VALUES (?, ?, ?, ?, ?)";
    let row = |id: i64, email: Value, age: i64, a: &str| [id.into(), email, age.into(), a.into(), "q".into()];
    let error = fails(&mut *connection, insert, row(2, "secret@x".into(), 20, "x")).await;
    let Error::UniqueConstraint { fields, detail } = &error else { panic!("{error:?}") };
    assert_eq!(
        (fields.as_slice(), detail.table.as_deref(), detail.code.as_deref()),
        (&["email".to_owned()][..], Some("users"), Some("SQLITE_CONSTRAINT_UNIQUE"))
    );
    hidden(&error);
    let error = fails(&mut *connection, "INSERT INTO names VALUES (?)", ["SECRET".into()]).await;
    let Error::UniqueConstraint { fields, detail } = &error else { panic!("{error:?}") };
    assert_eq!((fields.len(), detail.constraint.as_deref()), (0, Some("lower_name")));
    let error = fails(&mut *connection, insert, row(2, "b".into(), 20, "p")).await;
    assert!(matches!(&error, Error::UniqueConstraint { fields, .. } if fields.as_slice() == ["a", "b"]), "{error:?}");
    let error = fails(&mut *connection, insert, row(1, "c".into(), 20, "y")).await;
    let Error::UniqueConstraint { fields, detail } = &error else { panic!("{error:?}") };
    assert_eq!((fields.as_slice(), detail.code.as_deref()), (&["id".to_owned()][..], Some("SQLITE_CONSTRAINT_PRIMARYKEY")));
    let error = fails(&mut *connection, insert, row(2, Value::Null, 20, "z")).await;
    assert!(
        matches!(&error, Error::NotNull { fields, detail } if fields.as_slice() == ["email"] && detail.table.as_deref() == Some("users")),
        "{error:?}"
    );
    let error = fails(&mut *connection, insert, row(2, "d".into(), 17, "z")).await;
    assert!(matches!(&error, Error::CheckConstraint { constraint, .. } if constraint == "adult"), "{error:?}");
    let error = fails(&mut *connection, "INSERT INTO posts (author) VALUES (?)", [Value::I64(99)]).await;
    assert!(
        matches!(&error, Error::ForeignKeyConstraint { detail, .. } if detail.code.as_deref() == Some("SQLITE_CONSTRAINT_FOREIGNKEY")),
        "{error:?}"
    );
}

#[tokio::test]
async fn everything_else_is_named() {
    let mut connection = shop().await;
    for (sql, code, says) in [
        ("SELECT * FROM nowhere", "SQLITE_ERROR", "db.sync()"),
        ("SELECT missing FROM users", "SQLITE_ERROR", "migrations"),
        ("SELECT \"text\" FROM users", "SQLITE_ERROR", "double-quoted"),
        ("SELEC 1", "SQLITE_ERROR", "syntax error"),
        ("DELETE FROM users", "SQLITE_CONSTRAINT_TRIGGER", "users stay"),
        ("INSERT INTO strict VALUES ('secret')", "SQLITE_CONSTRAINT_DATATYPE", "INTEGER column strict.n"),
        ("INSERT INTO users (id, email) VALUES ('secret', 'x')", "SQLITE_MISMATCH", "mismatch"),
        ("SELECT abs(-9223372036854775808)", "SQLITE_ERROR", "overflow"),
    ] {
        let error = fails(&mut *connection, sql, []).await;
        assert!(matches!(&error, Error::Database { code: found, .. } if found == code), "{sql}: {error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn no_message_holds_a_bound_value() {
    let mut connection = shop().await;
    script(&mut *connection, "CREATE VIRTUAL TABLE search USING fts5 (body)").await;
    let secret = |text: &str| [Value::from(text)];
    for (sql, value) in [
        ("SELECT json_extract('{}', ?)", secret("secret path")),
        ("SELECT * FROM search WHERE search MATCH ?", secret("secret\" AND")),
        ("SELECT * FROM search WHERE search MATCH ?", secret("secret:word")),
        ("SELECT regexp(?, 'x')", secret("(secret")),
        ("SELECT sequor_decimal_add(?, 1)", secret("secret")),
        ("SELECT sequor_json_contains(?, '1')", secret("secret")),
        ("INSERT INTO strict VALUES (?)", secret("secret")),
        ("SELECT 'a' LIKE 'b' ESCAPE ?", secret("secret")),
        ("SELECT json(?)", secret("{secret")),
    ] {
        let error = fails(&mut *connection, sql, value).await;
        assert!(matches!(error, Error::Database { .. }), "{sql}: {error:?}");
        hidden(&error);
    }
    assert!(run(&mut *connection, "SELECT 1", []).await.is_ok());
}

// C-10: real lengths; the pages are never touched, so they take no memory.
#[tokio::test]
async fn values_longer_than_sqlite_can_hold_are_refused() {
    let mut connection = memory().await;
    for length in [(1usize << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 5] {
        let error = fails(&mut *connection, "SELECT ?", [Value::Bytes(vec![0; length])]).await;
        assert!(error.to_string().contains("more than 256 MiB"), "{length}: {error}");
        assert!(run(&mut *connection, "SELECT ?", [Value::Bytes(vec![1])]).await.is_ok());
    }
}
