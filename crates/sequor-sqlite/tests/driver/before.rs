//! Updates that tell their rows as they were: ahead of what comes back, of the rows that change alone, and nothing stays behind.

use crate::support::{Keep, fails, keep, memory, one, params, rows, run, script};
use sequor_core::Value;
use sequor_core::driver::{Batch, Connection, Params, Step};
use sequor_core::types::ColumnType;

const UPDATE: &str = "UPDATE m SET n = CASE WHEN sequor_before(id, t, n) THEN n * 10 END WHERE n > 1";

async fn table(schema: &str) -> Box<dyn Connection> {
    let mut connection = memory().await;
    script(&mut *connection, &format!("CREATE TABLE m (id INTEGER PRIMARY KEY, t TEXT, n INTEGER) {schema}")).await;
    script(&mut *connection, "INSERT INTO m VALUES (1, 'a', 1), (2, 'ß', 2), (3, NULL, 3), (4, '', 4)").await;
    connection
}

fn row(id: i64, text: Option<&str>, number: i64) -> Vec<Value> {
    vec![Value::I64(id), text.map_or(Value::Null, Value::from), Value::I64(number)]
}

#[tokio::test]
async fn rows_are_told_as_they_were_ahead_of_what_comes_back() {
    for schema in ["", "WITHOUT ROWID"] {
        let mut connection = table(schema).await;
        let done = run(&mut *connection, UPDATE, []).await.unwrap();
        let before = [row(2, Some("ß"), 2), row(3, None, 3), row(4, Some(""), 4)];
        assert_eq!((done.affected, keep(done.sink).rows), (3, before.to_vec()));
        let done = run(&mut *connection, &format!("{UPDATE} RETURNING id, n"), []).await.unwrap();
        let returned = [(2, 200), (3, 300), (4, 400)].map(|(id, n)| vec![Value::I64(id), Value::I64(n)]);
        let before = [row(2, Some("ß"), 20), row(3, None, 30), row(4, Some(""), 40)];
        assert_eq!((done.affected, keep(done.sink).rows), (3, [&before[..], &returned].concat()));
        let lists = vec![params([Value::I64(300)]), params([Value::I64(2)])];
        let sql = "UPDATE m SET n = CASE WHEN sequor_before(id) THEN n + 1 END WHERE n <= ?";
        let step = Step { params: Params::Many(lists), ..Step::query(sql, Vec::new(), Box::new(Keep::default())) };
        let done = connection.run(Batch::one(step)).await.unwrap().pop().unwrap();
        assert_eq!((done.affected, keep(done.sink).rows.concat()), (4, [1, 2, 3, 1].map(Value::I64).to_vec()), "{schema}");
    }
}

#[tokio::test]
async fn rows_that_do_not_change_are_not_told() {
    let mut connection = table("").await;
    let sql = "UPDATE m SET n = CASE WHEN sequor_before(id) THEN 0 END WHERE id IN (SELECT max(id) FROM m) OR t IS NULL";
    assert_eq!(rows(&mut *connection, sql, []).await.concat(), [3, 4].map(Value::I64));
    assert!(rows(&mut *connection, UPDATE, []).await.len() == 1 && rows(&mut *connection, "UPDATE m SET n = 0", []).await.is_empty());
}

#[tokio::test]
async fn an_update_that_fails_changes_nothing_and_leaves_nothing_behind() {
    let mut connection = table("").await;
    script(&mut *connection, "CREATE TRIGGER x BEFORE UPDATE ON m WHEN old.id = 3 BEGIN SELECT RAISE(ABORT, 'not this one'); END").await;
    assert!(fails(&mut *connection, UPDATE, []).await.to_string().contains("not this one"));
    assert_eq!(one(&mut *connection, "SELECT sum(n) FROM m", []).await, Value::I64(10));
    script(&mut *connection, "DROP TRIGGER x").await;
    // A row that does not fit what the sink reads.
    let types = Some(vec![ColumnType::I64, ColumnType::Uuid, ColumnType::I64]);
    let step = Step::query(UPDATE, Vec::new(), Box::new(Keep { types, ..Keep::default() }));
    let Err(error) = connection.run(Batch::one(step)).await else { panic!("a text that is no UUID") };
    assert!(error.to_string().contains("uuid"), "{error}");
    let step = Step::query(UPDATE, Vec::new(), Box::new(Keep { pause_every: Some(2), ..Keep::default() }));
    assert!(connection.run(Batch::one(step)).await.is_err(), "an update does not pause");
    assert_eq!(one(&mut *connection, "SELECT sum(n) FROM m", []).await, Value::I64(10));
    assert!(fails(&mut *connection, "SELECT sequor_before(1)", []).await.to_string().contains("updates of Sequor's own"));
    assert_eq!(rows(&mut *connection, UPDATE, []).await.len(), 3);
}

#[tokio::test]
async fn nobody_else_calls_it() {
    let mut connection = table("").await;
    for sql in ["SELECT sequor_before(id) FROM m", "INSERT INTO m SELECT sequor_before(9), 'x', 0"] {
        fails(&mut *connection, sql, []).await;
    }
    script(&mut *connection, "CREATE TRIGGER x AFTER DELETE ON m BEGIN UPDATE m SET n = sequor_before(id); END").await;
    fails(&mut *connection, "DELETE FROM m WHERE id = 1", []).await;
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM m", []).await, Value::I64(4));
}
