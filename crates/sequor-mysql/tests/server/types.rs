//! Every scalar there and back: smallest, largest and odd values, through columns of each type.

use crate::bed::*;
use crate::on_server;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use sequor_core::driver::{Connection, RowReader, Step};
use sequor_core::types::{ColumnType, ScalarType};
use sequor_core::{Error, Value};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

fn instant(text: &str) -> DateTime<Utc> {
    sequor_core::types::parse_instant(text).unwrap()
}

/// The column's type in SQL, its type here, and values that must come back as they are.
fn samples() -> Vec<(&'static str, ColumnType, Vec<Value>)> {
    use ColumnType as T;
    let uuid = Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8").unwrap();
    let integers = |values: &[i128]| {
        values.iter().map(|value| i64::try_from(*value).map_or_else(|_| Value::U64(u64::try_from(*value).unwrap()), Value::I64)).collect()
    };
    let decimal = |text: &str| Value::Decimal(text.parse::<Decimal>().unwrap());
    let date = |text: &str| Value::Date(text.parse().unwrap());
    let time = |text: &str| Value::Time(text.parse::<NaiveTime>().unwrap());
    let naive = |text: &str| Value::NaiveDateTime(instant(text).naive_utc());
    vec![
        ("tinyint(1)", T::Bool, vec![Value::Bool(true), Value::Bool(false)]),
        ("tinyint", T::I8, integers(&[i8::MIN.into(), -1, 0, i8::MAX.into()])),
        ("smallint", T::I16, integers(&[i16::MIN.into(), 0, i16::MAX.into()])),
        ("mediumint", T::I32, integers(&[-8_388_608, 0, 8_388_607])),
        ("int", T::I32, integers(&[i32::MIN.into(), 0, i32::MAX.into()])),
        ("bigint", T::I64, integers(&[i64::MIN.into(), 0, i64::MAX.into()])),
        ("tinyint unsigned", T::U8, integers(&[0, u8::MAX.into()])),
        ("smallint unsigned", T::U16, integers(&[0, u16::MAX.into()])),
        ("int unsigned", T::U32, integers(&[0, u32::MAX.into()])),
        ("bigint unsigned", T::U64, integers(&[0, i64::MAX.into(), i128::from(i64::MAX) + 1, u64::MAX.into()])),
        ("bit(64)", T::U64, integers(&[0, 1, u64::MAX.into()])),
        ("bit(1)", T::Bool, vec![Value::Bool(true), Value::Bool(false)]),
        ("float", T::F32, [0.0, 0.1, -1.5, 16_777_216.0].map(Value::F64).to_vec()),
        ("double", T::F64, [0.0, 0.1, -1.5, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-300].map(Value::F64).to_vec()),
        (
            "decimal(28,10)",
            T::Decimal(Some((28, 10))),
            vec![decimal("0.0000000001"), decimal("-123456789012345678.1234567890"), decimal("999999999999999999.9999999999")],
        ),
        ("decimal(38,12)", T::Decimal(None), vec![decimal("1.500000000000"), decimal("12345678901234567890")]),
        ("longtext", T::Text, ["", "a", "é 😀 \0 \u{7f} ' \" \\ ; --", "ß", &"x".repeat(70_000)].map(Value::from).to_vec()),
        ("varchar(20)", T::VarChar(20), ["", "Ann", "  padded  "].map(Value::from).to_vec()),
        ("char(36) character set ascii", T::Uuid, vec![Value::Uuid(uuid), Value::Uuid(Uuid::nil()), Value::Uuid(Uuid::max())]),
        ("uuid", T::Uuid, vec![Value::Uuid(uuid)]),
        (
            "datetime(6)",
            T::DateTime(6),
            ["1000-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]
                .map(|text| Value::DateTime(instant(text)))
                .to_vec(),
        ),
        (
            "timestamp(6) null",
            T::DateTime(6),
            ["1970-01-01T00:00:01Z", "2024-03-31T01:30:00.000001Z", "2038-01-19T03:14:07Z"]
                .map(|text| Value::DateTime(instant(text)))
                .to_vec(),
        ),
        ("datetime(6)", T::NaiveDateTime(6), vec![naive("2024-02-29T00:00:00Z"), naive("2024-02-29T12:30:45.5Z")]),
        ("date", T::Date, vec![date("1000-01-01"), date("1582-10-10"), date("2024-02-29"), date("9999-12-31")]),
        ("time(6)", T::Time, vec![time("00:00:00"), time("23:59:59.999999"), time("12:00:00.000001")]),
        ("longblob", T::Bytes, vec![Value::Bytes(vec![]), Value::Bytes((0..=255).collect()), Value::Bytes(vec![0xff; 70_000])]),
        (
            "json",
            T::Json(true),
            vec![Value::from(serde_json::json!({ "a": [1, 2.5, null, "é\"'\\"] })), Value::from(serde_json::Value::Null)],
        ),
        ("json", T::Array(Box::new(T::I32)), vec![Value::Array(vec![]), Value::Array(vec![Value::I64(1), Value::I64(-2)])]),
    ]
}

/// What the reader gives for each row: the value of a column type, and any.
async fn read(c: &mut dyn Connection, text: &str, ty: ColumnType) -> Vec<(Value, Value)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let writer = seen.clone();
    let sink = Each(move |row: &mut dyn RowReader| {
        let pair = (row.value(0, &ty)?, row.any(0)?);
        writer.lock().unwrap().push(pair);
        Ok(())
    });
    one(c, Step::query(text, vec![], Box::new(sink))).await.unwrap();
    std::mem::take(&mut *seen.lock().unwrap())
}

/// The error of reading the first cell.
async fn unreadable<T>(
    c: &mut dyn Connection,
    text: &str,
    mut get: impl FnMut(&mut dyn RowReader) -> sequor_core::Result<T> + Send + 'static,
) -> Error {
    let sink = Each(move |row: &mut dyn RowReader| get(row).map(drop));
    let error = one(c, Step::query(text, vec![], Box::new(sink))).await.err().unwrap_or_else(|| panic!("{text} was read"));
    assert!(matches!(error, Error::Decode { .. }), "{text}: {error}");
    error
}

on_server! {
    async fn every_scalar_comes_back_as_it_went(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        // MySQL has no type for UUIDs.
        let mysql = is_mysql(c);
        for (place, (sql, ty, values)) in samples().into_iter().filter(|(sql, ..)| !mysql || *sql != "uuid").enumerate() {
            run(c, &format!("create table t{place} (id int primary key auto_increment, v {sql})")).await.unwrap();
            let mut expected = values.clone();
            expected.push(Value::Null);
            for value in &expected {
                let bound = sequor_core::driver::Param { value: value.clone(), bind: ty.bind() };
                with(c, &format!("insert into t{place} (v) values (?)"), vec![bound.clone()]).await.unwrap_or_else(|error| panic!("{sql} {value:?}: {error}"));
                if !value.is_null() && !matches!(ty, ColumnType::F32 | ColumnType::Json(_) | ColumnType::Array(_)) {
                    let found = with(c, &format!("select 1 from t{place} where v = ?"), vec![bound]).await.unwrap();
                    assert!(found.affected >= 1, "{sql} {value:?} is not found by itself");
                }
            }
            let seen = read(c, &format!("select v from t{place} order by id"), ty.clone()).await;
            assert_eq!(seen.iter().map(|(value, _)| value.clone()).collect::<Vec<_>>(), expected, "{sql}");
            for (value, any) in &seen {
                assert_eq!(value.is_null(), any.is_null());
                let same = matches!((value, any), (Value::Bool(_), _) | (Value::NaiveDateTime(_), _) | (Value::Array(_), _)) || value == any || ty == ColumnType::Uuid;
                assert!(same, "{sql}: {value:?} {any:?}");
            }
        }
    }

    async fn numbers_of_aggregates_are_read_as_asked(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (i int, d decimal(10,2), f double)").await.unwrap();
        run(c, "insert into t values (1, 1.25, 0.5), (2, 1.75, 0.25)").await.unwrap();
        let sink = Each(|row: &mut dyn RowReader| {
            assert_eq!(row.i64(0)?, Some(3));
            assert_eq!(row.u64(0)?, Some(3));
            assert_eq!(row.f64(0)?, Some(3.0));
            assert_eq!(row.f64(1)?, Some(1.5));
            assert_eq!(row.decimal(2)?, Some(Decimal::new(300, 2)));
            assert_eq!(row.i64(2)?, Some(3));
            assert_eq!(row.f64(3)?, Some(0.75));
            assert_eq!(row.i64(4)?, Some(2));
            assert_eq!(row.decimal(4)?, Some(Decimal::from(2)));
            assert_eq!(row.bool(5)?, Some(true));
            // Any order, and twice.
            assert_eq!(row.i64(0)?, Some(3));
            assert!(row.i64(6).is_err());
            Ok(())
        });
        one(c, Step::query("select sum(i), avg(i), sum(d), sum(f), count(*), count(*) = 2 from t", vec![], Box::new(sink))).await.unwrap();
    }

    async fn what_does_not_fit_is_a_typed_error(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        unreadable(c, "select 18446744073709551615", |row| row.i64(0)).await;
        unreadable(c, "select -1", |row| row.u64(0)).await;
        unreadable(c, "select 2", |row| row.bool(0)).await;
        unreadable(c, "select 'abc'", |row| row.i64(0)).await;
        unreadable(c, "select 1.5", |row| row.i64(0)).await;
        unreadable(c, "select cast(99999999999999999999999999999999.5 as decimal(40,1))", |row| row.decimal(0)).await;
        unreadable(c, "select 1", |row| row.text(0).map(drop)).await;
        unreadable(c, "select 'x'", |row| row.uuid(0)).await;
        unreadable(c, "select x'ff'", |row| row.text(0).map(drop)).await;
        unreadable(c, "select 'yesterday'", |row| row.date_time(0)).await;
        unreadable(c, "select 1", |row| row.date(0)).await;
        unreadable(c, "select cast('25:00:00' as time)", |row| row.time(0)).await;
        unreadable(c, "select cast('-01:00:00' as time)", |row| row.time(0)).await;
        unreadable(c, "select '{'", |row| row.value(0, &ColumnType::Json(true))).await;
        unreadable(c, "select 300", |row| row.value(0, &ColumnType::I8)).await;
        assert_eq!(rows(c, "select cast('-838:59:59' as time)").await, [[Value::from("-838:59:59")]]);
        assert_eq!(rows(c, "select x'00ff', _binary 'a', 'a', 1.50, year(now()) > 2000").await, [[
            Value::Bytes(vec![0, 255]),
            Value::Bytes(vec![b'a']),
            Value::from("a"),
            Value::Decimal(Decimal::new(150, 2)),
            Value::I64(1),
        ]]);
        run(c, "set sql_mode = ''").await.unwrap();
        run(c, "create table z (d date, t datetime)").await.unwrap();
        run(c, "insert into z values ('0000-00-00', '0000-00-00')").await.unwrap();
        unreadable(c, "select d from z", |row| row.date(0)).await;
        unreadable(c, "select t from z", |row| row.date_time(0)).await;
        unreadable(c, "select t from z", |row| row.any(0)).await;
    }

    async fn a_value_meets_its_column_as_the_columns_type(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (name varchar(20), age int, at datetime(6))").await.unwrap();
        run(c, "insert into t values ('ann', 7, '2024-05-06 07:08:09')").await.unwrap();
        let count = "select 1 from t where name = ?";
        assert_eq!(with(c, count, vec![typed(ScalarType::Text, 0i64)]).await.unwrap().affected, 0);
        assert_eq!(with(c, count, vec![typed(ScalarType::Text, "ANN")]).await.unwrap().affected, 1);
        assert_eq!(with(c, "select 1 from t where age = ?", vec![typed(ScalarType::I32, "7")]).await.unwrap().affected, 1);
        assert!(with(c, "select 1 from t where age = ?", vec![typed(ScalarType::I32, "7 or 1=1")]).await.is_err());
        let at = typed(ScalarType::DateTime, "2024-05-06T09:08:09+02:00");
        assert_eq!(with(c, "select 1 from t where at = ?", vec![at]).await.unwrap().affected, 1);
        let wrong = with(c, "select ?, ?", vec![param(1i64), param(f64::NAN)]).await.err().unwrap();
        assert!(wrong.to_string().contains("parameter 2"), "{wrong}");
        assert_eq!(number(c, "select 7").await, 7);
        let date = NaiveDate::from_ymd_opt(2024, 5, 6).unwrap();
        assert_eq!(with(c, "select 1 from t where at > ?", vec![typed(ScalarType::DateTime, date)]).await.unwrap().affected, 1);
    }

    async fn rows_of_plain_queries_are_read_alike(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int)").await.unwrap();
        // Not prepared: the text protocol.
        let seen = collected(run(c, "check table t").await.unwrap());
        assert_eq!(seen.names, ["Table", "Op", "Msg_type", "Msg_text"]);
        assert_eq!(seen.rows[0][3], Value::from("OK"));
        run(c, "create procedure p() begin select 1 as a; select 'b' as b, now(6) as c; end").await.unwrap();
        let seen = collected(run(c, "call p()").await.unwrap());
        assert_eq!(seen.rows.len(), 2);
        assert_eq!(seen.names, ["b", "c"]);
        assert!(matches!(seen.rows[1][1], Value::DateTime(_)));
        assert_eq!(number(c, "select 7").await, 7);
    }

    async fn columns_may_change_under_a_prepared_statement(bed) {
        let (mut one, mut two) = (bed.connect().await, bed.connect().await);
        run(&mut *one, "create table t (a int)").await.unwrap();
        run(&mut *one, "insert into t values (1)").await.unwrap();
        assert_eq!(rows(&mut *one, "select * from t").await, [[Value::I64(1)]]);
        run(&mut *two, "alter table t add b varchar(10) default 'x', modify a varchar(10)").await.unwrap();
        let seen = collected(run(&mut *one, "select * from t").await.unwrap());
        assert_eq!(seen.names, ["a", "b"]);
        assert_eq!(seen.rows, [[Value::from("1"), Value::from("x")]]);
        assert_eq!(rows(&mut *one, "select * from t").await, [[Value::from("1"), Value::from("x")]]);
        run(&mut *two, "drop table t").await.unwrap();
        let error = run(&mut *one, "select * from t").await.err().unwrap();
        assert!(error.to_string().contains("db.sync"), "{error}");
    }

    async fn large_packets_are_cut_and_joined(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        let limit = number(c, "select @@max_allowed_packet").await;
        let mut huge = typed(ScalarType::Bytes, vec![7u8; usize::try_from(limit).unwrap()]);
        let error = with(c, "select length(?)", vec![huge.clone()]).await.err().unwrap();
        assert!(matches!(&error, Error::Database { code, .. } if code == "1153"), "{error}");
        assert_eq!(number(c, "select 7").await, 7);
        run(c, "set global max_allowed_packet = 268435456").await.unwrap();
        let mut connection = bed.connect().await;
        run(c, &format!("set global max_allowed_packet = {limit}")).await.unwrap();
        let c = &mut *connection;
        let edge = 0xff_ffff;
        let pattern: Vec<u8> = (0..=250).collect();
        // Just full frames, there (18 bytes around the value) and back (10), are followed by an empty one.
        for length in [100_000, edge - 18, edge - 10, 2 * edge + 5] {
            let mut bytes = pattern.repeat(length / pattern.len() + 1);
            bytes.truncate(length);
            // MySQL takes a parameter that stands alone for text.
            let done = with(c, "select cast(? as binary), 7", vec![typed(ScalarType::Bytes, bytes.clone())]).await.unwrap();
            let seen = collected(done).rows;
            assert!(seen[0][0] == Value::Bytes(bytes), "{length}");
            assert_eq!(seen[0][1], Value::I64(7));
        }
        huge.value = Value::Bytes(vec![7; (256 << 20) + 1]);
        assert!(matches!(with(c, "select length(?)", vec![huge]).await.err().unwrap(), Error::Usage(_)));
        assert_eq!(number(c, "select 7").await, 7);
    }
}
