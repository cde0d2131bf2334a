//! Each refusal of the server is the error that it is, and shows no value of a row.

use crate::support::*;
use sequor_core::driver::{Begin, Connection, Isolation, Status};
use sequor_core::types::ScalarType;
use sequor_core::{Error, Value};
use std::time::Duration;

async fn error(connection: &mut dyn Connection, text: &str) -> Error {
    let error = rows(connection, text, vec![]).await.unwrap_err();
    for shown in [format!("{error}"), format!("{error:#}"), format!("{error:?}")] {
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    error
}

#[test]
fn constraints_are_told_apart() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let c = &mut *connection;
        for text in [
            "drop table if exists c_child, c_parent",
            "create extension if not exists btree_gist",
            "create table c_parent (id int8 primary key, name text not null, \"createdBy\" text, age int check (age > 0), unique (name, \"createdBy\"))",
            "create table c_child (id int8 primary key, parent_id int8 references c_parent (id), during int4range, exclude using gist (during with &&))",
            "insert into c_parent values (1, 'SECRET', 'SECRET2', 5)",
            "insert into c_child values (1, 1, '[1,5)')",
        ] {
            execute(c, text).await.unwrap();
        }
        match error(c, "insert into c_parent values (2, 'SECRET', 'SECRET2', 5)").await {
            Error::UniqueConstraint { fields, detail } => {
                assert_eq!(fields, ["name", "createdBy"]);
                assert_eq!(
                    (detail.table.as_deref(), detail.constraint.as_deref()),
                    (Some("c_parent"), Some("c_parent_name_createdBy_key"))
                );
                assert_eq!(detail.code.as_deref(), Some("23505"));
            }
            other => panic!("{other:?}"),
        }
        match error(c, "insert into c_child values (2, 99, '[7,8)')").await {
            Error::ForeignKeyConstraint { fields, detail } => {
                assert_eq!((fields, detail.table.as_deref()), (vec!["parent_id".to_owned()], Some("c_child")))
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(error(c, "delete from c_parent").await, Error::ForeignKeyConstraint { .. }));
        match error(c, "insert into c_parent values (3, null, 'SECRET')").await {
            Error::NotNull { fields, detail } => assert_eq!((fields, detail.table.as_deref()), (vec!["name".to_owned()], Some("c_parent"))),
            other => panic!("{other:?}"),
        }
        match error(c, "insert into c_parent values (4, 'SECRET4', 'x', -5)").await {
            Error::CheckConstraint { constraint, .. } => assert_eq!(constraint, "c_parent_age_check"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(error(c, "insert into c_child values (3, 1, '[2,3)')").await, Error::ExclusionConstraint { .. }));
        assert_eq!(code(&error(c, "select 'SECRET'::int4").await), "22P02");
        assert_eq!(code(&error(c, "select 'SECRET'::date").await), "22007");
        assert_eq!(code(&error(c, "select '{SECRET'::json").await), "22P02");
        assert_eq!(connection.status(), Status::Idle);
    });
}

#[test]
fn time_outs_deadlocks_and_serialization_failures_are_told_apart() {
    on_server(async |url| {
        let mut first = connect(&format!("{url}{}statement_timeout=2000", if url.contains('?') { '&' } else { '?' })).await;
        let mut second = connect(&url).await;
        for text in
            ["drop table if exists c_race", "create table c_race (id int8 primary key, n int8)", "insert into c_race values (1, 0), (2, 0)"]
        {
            execute(&mut *first, text).await.unwrap();
        }
        execute(&mut *first, "set statement_timeout = 50").await.unwrap();
        let timeout = error(&mut *first, "select pg_sleep(5)").await;
        assert!(matches!(timeout, Error::Timeout { .. }) && code(&timeout) == "57014", "{timeout:?}");
        first.reset().await.unwrap();
        assert_eq!(one(&mut *first, "show statement_timeout").await, Value::from("2s"), "a reset brings the URL's setting back");

        let update = |id: i64| ("update c_race set n = n + 1 where id = $1", vec![param(id, ScalarType::I64)]);
        first.begin(Begin::default()).await.unwrap();
        second.begin(Begin::default()).await.unwrap();
        rows(&mut *first, update(1).0, update(1).1).await.unwrap();
        rows(&mut *second, update(2).0, update(2).1).await.unwrap();
        let (one_side, other_side) = tokio::join!(rows(&mut *first, update(2).0, update(2).1), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            rows(&mut *second, update(1).0, update(1).1).await
        });
        let failed = [one_side, other_side].into_iter().find_map(Result::err).expect("one of them is the victim");
        assert!(matches!(failed, Error::Deadlock { .. }) && failed.is_retryable(), "{failed:?}");
        first.rollback().await.unwrap();
        second.rollback().await.unwrap();

        let repeatable = Begin { isolation: Some(Isolation::RepeatableRead), ..Begin::default() };
        first.begin(repeatable).await.unwrap();
        one(&mut *first, "select n from c_race where id = 1").await;
        rows(&mut *second, update(1).0, update(1).1).await.unwrap();
        let failed = rows(&mut *first, update(1).0, update(1).1).await.unwrap_err();
        assert!(matches!(failed, Error::Serialization { .. }) && failed.is_retryable(), "{failed:?}");
        first.rollback().await.unwrap();

        second.begin(Begin::default()).await.unwrap();
        rows(&mut *second, update(1).0, update(1).1).await.unwrap();
        let locked = error(&mut *first, "select * from c_race where id = 1 for update nowait").await;
        assert!(matches!(locked, Error::Timeout { .. }) && code(&locked) == "55P03", "{locked:?}");
    });
}
