//! Batches: many lists, derived steps, pauses, stops, one transaction around all.

use crate::support::{File, Keep, fails, keep, memory, one, params, rows, run, script};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Connection, Discard, Earlier, Flow, Params, RowReader, RowSink, Status, Step, StepDone};
use sequor_core::error::{Error, Result};

async fn table() -> Box<dyn Connection> {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)").await;
    connection
}

fn many(sql: &str, lists: Vec<Vec<Value>>, sink: Box<dyn RowSink>) -> Step {
    Step { text: sql.into(), params: Params::Many(lists.into_iter().map(params).collect()), sink, cache: true }
}

#[tokio::test]
async fn many_lists_run_one_statement() {
    let mut connection = table().await;
    let lists = (1..=1_000).map(|number| vec![Value::Text(format!("n{number}"))]).collect();
    let step = many("INSERT INTO t (name) VALUES (?) RETURNING id", lists, Box::new(Keep::default()));
    let done = connection.run(Batch { steps: vec![step], mode: BatchMode::Atomic }).await.unwrap().pop().unwrap();
    assert_eq!((done.affected, done.last_insert_id, done.paused), (1_000, Some(1_000), false));
    let sink = keep(done.sink);
    assert_eq!((sink.rows.len(), sink.rows[999][0].clone()), (1_000, Value::I64(1_000)));
    assert_eq!(connection.status(), Status::Idle);
    let step = many("SELECT id FROM t WHERE id = ?", vec![vec![1.into()], vec![0.into()], vec![2.into()]], Box::new(Keep::default()));
    assert_eq!(connection.run(Batch::one(step)).await.unwrap()[0].affected, 2);
}

#[tokio::test]
async fn an_atomic_batch_is_all_or_nothing() {
    let mut connection = table().await;
    let lists = ["a", "b", "a"].map(|name| vec![Value::from(name)]).into();
    let batch = Batch { steps: vec![many("INSERT INTO t (name) VALUES (?)", lists, Box::new(Discard))], mode: BatchMode::Atomic };
    assert!(matches!(connection.run(batch).await, Err(Error::UniqueConstraint { .. })));
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, Value::I64(0));
    assert_eq!(connection.status(), Status::Idle);
}

#[tokio::test]
async fn a_derived_step_sees_what_came_before() {
    let mut connection = table().await;
    script(&mut *connection, "INSERT INTO t (name) VALUES ('a'), ('b'), ('c')").await;
    let first = Step::query("SELECT id FROM t WHERE name > ?", params(["a".into()]), Box::new(Keep::default()));
    let derive = |earlier: &mut dyn Earlier| {
        let sink: &mut dyn std::any::Any = earlier.sink(0).unwrap();
        let ids: Vec<_> = sink.downcast_mut::<Keep>().unwrap().rows.iter().flatten().map(Value::to_json).collect();
        assert!(earlier.sink(1).is_none(), "only what has run is seen");
        Ok(Some(params([serde_json::Value::Array(ids).to_string().into()])))
    };
    let step =
        |text: &str, derive| Step { text: text.into(), params: Params::Derived(derive), sink: Box::new(Keep::default()), cache: true };
    let second = step("SELECT name FROM t WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", Box::new(derive));
    let third = step("SELECT name FROM t", Box::new(|_: &mut dyn Earlier| Ok(None)));
    let mut done = connection.run(Batch { steps: vec![first, second, third], mode: BatchMode::Snapshot }).await.unwrap();
    assert_eq!(done.iter().map(StepDone::is_skipped).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(done.len(), 3);
    assert_eq!(keep(done.remove(1).sink).rows, vec![vec![Value::from("b")], vec![Value::from("c")]]);
    assert_eq!(keep(done.remove(1).sink).headers, 0);
    assert_eq!(connection.status(), Status::Idle);
}

#[tokio::test]
async fn a_paused_step_goes_on_where_it_was() {
    let mut connection = memory().await;
    let sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000) SELECT x FROM n";
    let sink = || Box::new(Keep { pause_every: Some(700), ..Keep::default() });
    let mut done = connection.run(Batch::one(Step::query(sql, vec![], sink()))).await.unwrap().pop().unwrap();
    let mut seen = Vec::new();
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(done.paused == (done.affected == 700), "{}", done.affected);
        seen.extend(keep(done.sink).rows.into_iter().flatten());
        if !done.paused {
            break;
        }
        assert_eq!(connection.status(), Status::Unknown);
        done = connection.resume(sink()).await.unwrap();
    }
    assert_eq!(rounds, 15);
    assert_eq!(seen, (1..=10_000).map(Value::I64).collect::<Vec<_>>());
    assert_eq!(connection.status(), Status::Idle);
    let error = connection.resume(sink()).await.err().unwrap();
    assert!(matches!(error, Error::Usage(_)), "{error}");
}

const NUMBERS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) SELECT x FROM n";

#[tokio::test]
async fn rows_that_nobody_takes_keep_nothing_back() {
    let sink = || Box::new(Keep { pause_every: Some(2), ..Keep::default() });
    // The rest, which is read ahead, never ends by itself, or fails, or is there long before it is given up.
    let first = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n";
    let rest = [
        format!("{first}) SELECT x FROM n WHERE x <= 600"),
        format!("{first} WHERE x < 700) SELECT CASE WHEN x < 600 THEN x ELSE abs(-9223372036854775808) END FROM n"),
        NUMBERS.to_owned(),
    ];
    for sql in rest {
        for closes in [false, true] {
            let mut connection = memory().await;
            let sql = sql.clone();
            assert!(connection.run(Batch::one(Step::query(sql, vec![], sink()))).await.unwrap()[0].paused);
            assert_eq!(connection.status(), Status::Unknown, "it is in the middle of something");
            if closes {
                connection.close().await;
                continue;
            }
            connection.reset().await.unwrap();
            assert_eq!((connection.status(), one(&mut *connection, "SELECT 7", []).await), (Status::Idle, Value::I64(7)));
        }
    }
}

#[tokio::test]
async fn rows_of_any_size_come_in_parts_as_they_are() {
    let mut connection = memory().await;
    // Some parts end with their number of rows, others with their bytes; one row is larger than a part.
    let sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500) \
               SELECT x, printf('%.*c', CASE x WHEN 900 THEN 300000 WHEN 901 THEN 0 ELSE x % 300 END, 'ä'), zeroblob(x % 7), NULL, x / 2.0 FROM n";
    let sink = || Box::new(Keep { pause_every: Some(333), ..Keep::default() });
    let mut done = connection.run(Batch::one(Step::query(sql, vec![], sink()))).await.unwrap().pop().unwrap();
    let (mut seen, mut more) = (Vec::new(), true);
    while more {
        more = done.paused;
        seen.extend(keep(done.sink).rows);
        done = if more { connection.resume(sink()).await.unwrap() } else { break };
    }
    assert_eq!(connection.status(), Status::Idle);
    let whole = Step::query(sql, vec![], Box::new(Keep::default()));
    let whole = connection.run(Batch { steps: vec![whole, Step::execute("SELECT 1", vec![])], mode: BatchMode::Snapshot }).await.unwrap();
    let whole = keep(whole.into_iter().next().unwrap().sink).rows;
    assert!(seen.len() == 1500 && seen == whole, "in parts as in one piece");
}

#[tokio::test]
async fn a_reader_that_fails_or_stops_behind_the_first_part_leaves_nothing_behind() {
    /// Fails with an error, a panic or a stop at one row.
    struct Until(usize, u8);
    impl RowSink for Until {
        fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
            self.0 -= 1;
            match (self.0, self.1) {
                (0, 0) => Err(Error::decode("not this one")),
                (0, 1) => std::panic::resume_unwind(Box::new("a decoder of the application")),
                (0, _) => Ok(Flow::Stop),
                _ => Ok(Flow::Continue),
            }
        }
    }
    let mut connection = memory().await;
    let many = NUMBERS.replace("2000", "20000");
    for (sql, rows) in [(NUMBERS, 1), (NUMBERS, 512), (NUMBERS, 513), (NUMBERS, 1999), (NUMBERS, 2000), (&many, 1), (&many, 5000)] {
        for how in 0..3 {
            let done = connection.run(Batch::one(Step::query(sql, vec![], Box::new(Until(rows, how))))).await;
            match (how, done) {
                (0, Err(error)) => assert!(error.to_string().contains("not this one"), "{error}"),
                (1, Err(error)) => assert!(error.to_string().contains("panicked"), "{error}"),
                (2, Ok(done)) => assert_eq!((done[0].affected, done[0].paused), (u64::try_from(rows).unwrap(), false)),
                (_, done) => panic!("{how}: {:?}", done.err()),
            }
            assert_eq!((connection.status(), one(&mut *connection, "SELECT 7", []).await), (Status::Idle, Value::I64(7)), "{rows} {how}");
        }
    }
}

#[tokio::test]
async fn another_call_ends_a_paused_step() {
    let file = File::new();
    let mut connection = file.connect().await;
    script(&mut *connection, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)").await;
    for mode in [BatchMode::Plain, BatchMode::Snapshot] {
        let sink = || Box::new(Keep { pause_every: Some(1), ..Keep::default() });
        let done = connection.run(Batch { steps: vec![Step::query("SELECT x FROM t", vec![], sink())], mode }).await.unwrap();
        assert!(done.len() == 1 && done[0].paused);
        assert_eq!(connection.status(), Status::Unknown, "{mode:?}");
        assert_eq!(rows(&mut *connection, "SELECT count(*) FROM t", []).await, vec![vec![Value::I64(3)]]);
        assert_eq!(connection.status(), Status::Idle, "{mode:?}");
        // A reset ends one as well, and its snapshot.
        let step = Step::query("SELECT x FROM t", vec![], sink());
        assert!(connection.run(Batch { steps: vec![step], mode }).await.unwrap()[0].paused);
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
    }
    // What is not alone, or writes, has no rest to wait with.
    let pausing = |sql: &str| Step::query(sql, vec![], Box::new(Keep { pause_every: Some(1), ..Keep::default() }));
    for steps in [vec![Step::execute("SELECT 1", vec![]), pausing("SELECT x FROM t")], vec![pausing("DELETE FROM t RETURNING x")]] {
        let error = connection.run(Batch { steps, mode: BatchMode::Atomic }).await.err().unwrap();
        assert!(matches!(error, Error::Usage(_)) && connection.status() == Status::Idle, "{error}");
    }
    let mut other = file.connect().await;
    script(&mut *other, "DROP TABLE t").await;
    let step = Step::query("SELECT 1 UNION SELECT 2", vec![], Box::new(Keep { pause_every: Some(1), ..Keep::default() }));
    assert!(connection.run(Batch::one(step)).await.unwrap()[0].paused);
    drop(connection);
}

#[tokio::test]
async fn a_stop_ends_the_rows_and_not_the_writes() {
    let mut connection = table().await;
    let stop = || Box::new(Keep { stop_after: Some(2), ..Keep::default() });
    let lists = ["a", "b", "c", "d"].map(|name| vec![Value::from(name)]).into();
    let done =
        connection.run(Batch::one(many("INSERT INTO t (name) VALUES (?) RETURNING id", lists, stop()))).await.unwrap().pop().unwrap();
    assert_eq!((done.affected, keep(done.sink).rows.len()), (4, 2));
    let done = connection.run(Batch::one(Step::query("SELECT id FROM t", vec![], stop()))).await.unwrap().pop().unwrap();
    assert_eq!((done.affected, done.paused, keep(done.sink).rows.len()), (2, false, 2));
    let done = connection.run(Batch::one(Step::query("DELETE FROM t RETURNING id", vec![], stop()))).await.unwrap().pop().unwrap();
    assert_eq!((done.affected, keep(done.sink).rows.len()), (4, 2));
}

#[tokio::test]
async fn affected_counts_the_rows_of_this_statement() {
    let mut connection = table().await;
    let insert = run(&mut *connection, "INSERT INTO t (name) VALUES ('a'), ('b'), ('c')", []).await.unwrap();
    assert_eq!((insert.affected, insert.last_insert_id), (3, Some(3)));
    let update = run(&mut *connection, "UPDATE t SET name = name WHERE id < 3", []).await.unwrap();
    assert_eq!((update.affected, update.last_insert_id), (2, None));
    for sql in [
        "CREATE INDEX i ON t (name)",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u RENAME TO t",
        "PRAGMA user_version = 3",
        "DELETE FROM t WHERE 0",
    ] {
        assert_eq!(run(&mut *connection, sql, []).await.unwrap().affected, 0, "{sql}");
    }
    let ignored = run(&mut *connection, "INSERT INTO t (name) VALUES ('a') ON CONFLICT DO NOTHING", []).await.unwrap();
    assert_eq!((ignored.affected, ignored.last_insert_id), (0, None));
    assert_eq!(run(&mut *connection, "SELECT * FROM t", []).await.unwrap().affected, 3);
    assert_eq!(connection.run(Batch::one(Step::execute("SELECT * FROM t", vec![]))).await.unwrap()[0].affected, 3);
    assert_eq!(run(&mut *connection, "/* all */ DELETE FROM t", []).await.unwrap().affected, 3);
}

#[tokio::test]
async fn one_statement_a_call_with_as_many_values_as_places() {
    let mut connection = table().await;
    for sql in ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE t", "INSERT INTO t (name) VALUES ('x'); --\nDELETE FROM t"] {
        let error = fails(&mut *connection, sql, []).await;
        assert!(matches!(error, Error::Usage(_)), "{sql}: {error}");
    }
    assert!(matches!(fails(&mut *connection, "SELECT 1\0; DROP TABLE t", []).await, Error::Usage(_)));
    assert!(matches!(fails(&mut *connection, "SELECT ?, ?", [Value::I64(1)]).await, Error::Usage(_)));
    assert!(matches!(fails(&mut *connection, "SELECT ?", [Value::I64(1), Value::I64(2)]).await, Error::Usage(_)));
    for sql in ["", " ", "-- nothing", ";"] {
        let error = fails(&mut *connection, sql, []).await;
        assert!(error.to_string().contains("no statement"), "{sql:?}: {error}");
    }
    assert_eq!(rows(&mut *connection, "SELECT 1 ; -- the end", []).await.len(), 1);
    assert_eq!(one(&mut *connection, "SELECT count(*) FROM t", []).await, Value::I64(0));
}

#[tokio::test]
async fn an_error_of_the_sink_is_the_callers() {
    struct Refuse;
    impl RowSink for Refuse {
        fn row(&mut self, _: &mut dyn RowReader) -> Result<Flow> {
            Err(Error::usage("enough"))
        }
    }
    let mut connection = memory().await;
    let step = Step::query("SELECT 1", vec![], Box::new(Refuse));
    assert_eq!(connection.run(Batch { steps: vec![step], mode: BatchMode::Snapshot }).await.err().unwrap().to_string(), "enough");
    assert_eq!(connection.status(), Status::Idle);
    assert_eq!(rows(&mut *connection, "SELECT 1", []).await.len(), 1);
    assert!(connection.run(Batch::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn statements_survive_changes_of_the_schema() {
    let mut connection = table().await;
    script(&mut *connection, "INSERT INTO t (name) VALUES ('a')").await;
    assert_eq!(rows(&mut *connection, "SELECT * FROM t", []).await[0].len(), 2);
    script(&mut *connection, "ALTER TABLE t ADD COLUMN more INTEGER").await;
    let sink = keep(run(&mut *connection, "SELECT * FROM t", []).await.unwrap().sink);
    assert_eq!((sink.rows[0].len(), sink.names.len()), (3, 3));
    let uncached = Step { cache: false, ..Step::query("SELECT 1", vec![], Box::new(Keep::default())) };
    assert_eq!(connection.run(Batch::one(uncached)).await.unwrap()[0].affected, 1);
}

#[tokio::test]
async fn a_table_may_be_altered_after_another_connection_did() {
    let file = File::new();
    let (mut one, mut two) = (file.connect().await, file.connect().await);
    script(&mut *one, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t (name) VALUES ('a')").await;
    let (add, drop_it) = ("ALTER TABLE t ADD COLUMN extra INTEGER", "ALTER TABLE t DROP COLUMN extra");
    for _ in 0..2 {
        // Each looks at the table before the other one changes it.
        assert_eq!(rows(&mut *two, "SELECT * FROM t", []).await[0].len(), 2);
        run(&mut *one, add, []).await.unwrap();
        run(&mut *two, drop_it, []).await.unwrap();
        run(&mut *one, add, []).await.unwrap();
        script(&mut *two, drop_it).await;
        script(&mut *one, add).await;
        run(&mut *two, drop_it, []).await.unwrap();
    }
    assert!(run(&mut *one, drop_it, []).await.is_err(), "it is not there");
}
