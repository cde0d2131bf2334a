//! Queries, writes, transactions.

use crate::support::*;
use sequor_core::driver::{Batch, Begin, Status, Step};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};

#[test]
fn a_query_returns_names_and_rows() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        assert!(connection.server().version.0 >= 12, "{:?}", connection.server());
        let step = query("select $1 + 1 as a, $2 as \"B c\", null as n", vec![param(41i64, ScalarType::I64), param("x", ScalarType::Text)]);
        for _ in 0..3 {
            let step = query(&step.text, vec![param(41i64, ScalarType::I64), param("x", ScalarType::Text)]);
            let done = connection.run(Batch::one(step)).await.unwrap().remove(0);
            assert_eq!(done.affected, 1);
            let sink = collected(done);
            assert_eq!((sink.names, sink.announced), (vec!["a".to_owned(), "B c".into(), "n".into()], 1));
            assert_eq!(sink.rows, vec![vec![Value::I64(42), Value::from("x"), Value::Null]]);
        }
        assert_eq!(connection.status(), Status::Idle);
        assert!(connection.is_alive(std::time::Duration::MAX));
        connection.ping().await.unwrap();
        assert!(connection.round_trip().is_some());
        connection.close().await;
    });
}

#[test]
fn an_empty_result_announces_its_columns_and_a_write_none() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let done = connection.run(Batch::one(query("select 1 as a where false", vec![]))).await.unwrap().remove(0);
        let sink = collected(done);
        assert_eq!((sink.names.as_slice(), sink.announced, sink.rows.len()), (&["a".to_owned()][..], 1, 0));
        execute(&mut *connection, "create temp table t_empty (id int)").await.unwrap();
        let done = connection.run(Batch::one(query("insert into t_empty values (1), (2)", vec![]))).await.unwrap().remove(0);
        assert_eq!(done.affected, 2);
        assert_eq!(collected(done).announced, 0);
        let done = connection.run(Batch::one(query("", vec![]))).await.unwrap().remove(0);
        assert_eq!(done.affected, 0);
    });
}

#[test]
fn an_error_leaves_the_connection_usable() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for text in ["select * from table_that_is_missing", "select from from", "select column_that_is_missing", "select 1/0"] {
            let error = rows(&mut *connection, text, vec![]).await.unwrap_err();
            assert!(matches!(error, Error::Database { .. }), "{error:?}");
            assert_eq!(connection.status(), Status::Idle);
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        }
        let error = rows(&mut *connection, "select * from table_that_is_missing", vec![]).await.unwrap_err();
        assert_eq!(code(&error), "42P01");
        assert!(error.to_string().contains("db.sync"), "{error}");
    });
}

#[test]
fn transactions_begin_with_their_first_statement_and_end_by_the_servers_word() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        execute(&mut *connection, "create temp table t_tx (id int)").await.unwrap();
        connection.begin(Begin::default()).await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        execute(&mut *connection, "insert into t_tx values (1)").await.unwrap();
        assert_eq!(connection.status(), Status::InTransaction);
        connection.savepoint(1).await.unwrap();
        execute(&mut *connection, "insert into t_tx values (2)").await.unwrap();
        connection.rollback_to(1).await.unwrap();
        connection.savepoint(2).await.unwrap();
        execute(&mut *connection, "insert into t_tx values (3)").await.unwrap();
        connection.release(2).await.unwrap();
        connection.commit().await.unwrap();
        assert_eq!(connection.status(), Status::Unknown, "the temporary table makes the session dirty");
        assert_eq!(one(&mut *connection, "select sum(id) from t_tx").await, Value::I64(4));

        connection.begin(Begin::default()).await.unwrap();
        execute(&mut *connection, "insert into t_tx values (10)").await.unwrap();
        connection.rollback().await.unwrap();
        connection.begin(Begin::default()).await.unwrap();
        connection.commit().await.unwrap();
        connection.begin(Begin::default()).await.unwrap();
        connection.rollback().await.unwrap();
        assert_eq!(one(&mut *connection, "select sum(id) from t_tx").await, Value::I64(4));

        connection.begin(Begin::default()).await.unwrap();
        execute(&mut *connection, "insert into t_tx values (10)").await.unwrap();
        assert!(rows(&mut *connection, "select 1/0", vec![]).await.is_err());
        assert_eq!(connection.status(), Status::Failed);
        let error = connection.run(Batch::one(Step::execute("insert into t_tx values (11)", vec![]))).await.map(|_| ()).unwrap_err();
        assert_eq!(code(&error), "25P02");
        let error = connection.commit().await.unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{error:?}");
        assert_eq!(one(&mut *connection, "select sum(id) from t_tx").await, Value::I64(4));
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
        assert!(rows(&mut *connection, "select * from t_tx", vec![]).await.is_err());
    });
}

#[test]
fn a_server_must_be_what_the_url_wants() {
    on_server(async |url| {
        use sequor_core::driver::Driver;
        let with = |parameters: &str| format!("{url}{}{parameters}", if url.contains('?') { '&' } else { '?' });
        for wanted in ["any", "read-write", "primary", "prefer-standby"] {
            assert!(!connect(&with(&format!("target_session_attrs={wanted}"))).await.server().read_only, "{wanted}");
        }
        connect(&with("target_session_attrs=read-only&options=-c%20default_transaction_read_only%3Don")).await;
        for wanted in ["standby", "read-only", "read-write&options=-c%20default_transaction_read_only%3Don"] {
            let error = driver(&with(&format!("target_session_attrs={wanted}"))).connect().await.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("target_session_attrs"), "{error}");
        }
        let refused = "127.0.0.1:1";
        let (head, tail) = url.rsplit_once('@').unwrap();
        connect(&format!("{head}@{refused},{tail}")).await;
    });
}

#[test]
fn a_sink_that_panics_takes_nothing_with_it() {
    on_server(async |url| {
        struct Panics;
        impl sequor_core::driver::RowSink for Panics {
            fn row(&mut self, _row: &mut dyn sequor_core::driver::RowReader) -> sequor_core::Result<sequor_core::driver::Flow> {
                panic!("in a sink")
            }
        }
        let mut connection = connect(&url).await;
        connection.begin(Begin::default()).await.unwrap();
        let mut running = connection.run(Batch::one(Step::query("select generate_series(1, 1000)", vec![], Box::new(Panics))));
        let caught = std::future::poll_fn(|context| {
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.as_mut().poll(context))) {
                Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
                Ok(std::task::Poll::Ready(_)) => std::task::Poll::Ready(false),
                Err(_) => std::task::Poll::Ready(true),
            }
        })
        .await;
        assert!(caught);
        drop(running);
        assert_eq!(connection.status(), Status::Unknown);
        connection.reset().await.unwrap();
        assert_eq!(connection.status(), Status::Idle);
        assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
    });
}
