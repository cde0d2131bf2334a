//! Every kind of value comes back as it was stored, or is refused.

use crate::support::{Keep, fails, keep, memory, one, params, rows, run, script, typed};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use sequor_core::driver::{Batch, Connection, Step};
use sequor_core::error::{Error, Result};
use sequor_core::types::{ColumnType, EnumDef};
use sequor_core::value::{RangeValue, Value};
use std::sync::Arc;
use uuid::Uuid;

async fn through(connection: &mut dyn Connection, value: Value, ty: &ColumnType) -> Result<Value> {
    let store = Step::execute("INSERT INTO v (x) VALUES (?)", vec![typed(value, ty)]);
    let load = Step::query("SELECT x FROM v", vec![], Box::new(Keep { types: Some(vec![ty.clone()]), ..Keep::default() }));
    let clear = Step::execute("DELETE FROM v", vec![]);
    let mut done = connection.run(Batch { steps: vec![store, load, clear], ..Batch::default() }).await?;
    Ok(keep(done.remove(1).sink).rows.remove(0).remove(0))
}

fn instant(text: &str) -> DateTime<Utc> {
    sequor_core::types::parse_instant(text).unwrap()
}

fn samples() -> Vec<(&'static str, ColumnType, Vec<Value>)> {
    let list = |ty: ColumnType| ColumnType::Array(Box::new(ty));
    let label = ColumnType::Enum(Arc::new(EnumDef { name: "role".into(), labels: vec!["admin".into()] }));
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    let decimals = ["1.5", "-0.0000000000000000000000000001", "79228162514264337593543950335", "-12345678901234.56789", "0", "100"];
    let texts = ["", "plain", "'; DROP TABLE v; --", "a\0b", "ünï 💚", "\u{feff}%_\\", "NULL"];
    vec![
        ("INTEGER", ColumnType::Bool, vec![true.into(), false.into()]),
        ("INTEGER", ColumnType::I8, vec![Value::I64(-128), Value::I64(127)]),
        ("INTEGER", ColumnType::I64, vec![Value::I64(i64::MIN), Value::I64(0), Value::I64(i64::MAX), Value::I64(9_007_199_254_740_993)]),
        ("INTEGER", ColumnType::U64, vec![Value::I64(0), Value::I64(i64::MAX)]),
        ("REAL", ColumnType::F64, [0.1, -1.0e308, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, 5.0].map(Value::F64).into()),
        ("TEXT COLLATE sequor_decimal", ColumnType::Decimal(None), decimals.map(|text| Value::Decimal(text.parse().unwrap())).into()),
        ("TEXT", ColumnType::Text, texts.map(Value::from).into()),
        ("TEXT", label, vec!["admin".into()]),
        ("BLOB", ColumnType::Bytes, vec![Value::Bytes(vec![]), Value::Bytes((0..=255).collect())]),
        ("TEXT", ColumnType::Uuid, vec![Uuid::nil().into(), Uuid::new_v4().into()]),
        (
            "TEXT",
            ColumnType::DateTime(6),
            ["2024-05-06T07:08:09.123456Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"].map(|text| instant(text).into()).into(),
        ),
        ("TEXT", ColumnType::NaiveDateTime(6), vec![instant("1969-07-20T20:17:40.000001Z").naive_utc().into()]),
        ("TEXT", ColumnType::Date, vec![date(2024, 2, 29).into(), date(0, 1, 1).into(), date(9999, 12, 31).into()]),
        ("TEXT", ColumnType::Time, vec![NaiveTime::MIN.into(), NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap().into()]),
        (
            "TEXT",
            ColumnType::Json(true),
            vec![serde_json::json!({ "a": [1, 2.5, null, "ü"], "": {} }).into(), serde_json::Value::Null.into()],
        ),
        ("TEXT", list(ColumnType::I32), vec![Value::Array(vec![Value::I64(1), Value::Null, Value::I64(-3)]), Value::Array(vec![])]),
        ("TEXT", list(ColumnType::U64), vec![Value::Array(vec![Value::U64(u64::MAX)])]),
        ("TEXT", list(ColumnType::Decimal(None)), vec![Value::Array(vec![Value::Decimal("10.25".parse().unwrap())])]),
        ("TEXT", list(ColumnType::DateTime(6)), vec![Value::Array(vec![instant("2024-05-06T07:08:09.000001Z").into()])]),
        ("TEXT", list(ColumnType::Bytes), vec![Value::Array(vec![Value::Bytes(vec![0, 255])])]),
        ("TEXT", list(ColumnType::Bool), vec![Value::Array(vec![true.into(), false.into()])]),
        ("TEXT", list(ColumnType::Text), vec![Value::Array(vec!["a\"b\\".into(), "".into()])]),
    ]
}

#[tokio::test]
async fn every_kind_round_trips() {
    let mut connection = memory().await;
    for (declared, ty, values) in samples() {
        script(&mut *connection, &format!("CREATE TABLE v (x {declared})")).await;
        for value in values.into_iter().chain([Value::Null]) {
            let back = through(&mut *connection, value.clone(), &ty).await.unwrap();
            assert_eq!(back, value, "{ty:?}");
        }
        script(&mut *connection, "DROP TABLE v").await;
    }
}

#[tokio::test]
async fn equal_values_are_equal_texts_and_sort_as_values() {
    let mut connection = memory().await;
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    for text in ["1.50", "1.5", "1.5000000000"] {
        assert_eq!(one(&mut *connection, "SELECT ?", [decimal(text)]).await, Value::from("1.5"));
    }
    let naive = instant("2024-05-06T07:08:09Z").naive_utc();
    assert_eq!(one(&mut *connection, "SELECT ?", [Value::from(naive)]).await, Value::from("2024-05-06 07:08:09.000000"));
    // A value of another kind is brought to the column's.
    let cases = [
        (typed(5i64, &ColumnType::Decimal(None)), "5"),
        (typed(0.1f64, &ColumnType::Decimal(None)), "0.1"),
        (typed(" 7.10 ", &ColumnType::Decimal(None)), "7.1"),
        (typed("1e2", &ColumnType::Decimal(None)), "100"),
        (typed(7i64, &ColumnType::Text), "7"),
        (typed("2024-05-06T07:08", &ColumnType::NaiveDateTime(6)), "2024-05-06 07:08:00.000000"),
        (typed("7:08:09", &ColumnType::Time), "07:08:09.000000"),
        (typed("2024-05-06T09:08:09+02:00", &ColumnType::DateTime(6)), "2024-05-06 07:08:09.000000+00:00"),
        (typed("67E55044-10B1-426F-9247-BB680E5FE0C8", &ColumnType::Uuid), "67e55044-10b1-426f-9247-bb680e5fe0c8"),
    ];
    for (param, text) in cases {
        let step = Step::query("SELECT ?", vec![param], Box::new(Keep::default()));
        let done = connection.run(Batch::one(step)).await.unwrap().pop().unwrap();
        assert_eq!(keep(done.sink).rows[0][0], Value::from(text));
    }
}

#[tokio::test]
async fn what_sqlite_cannot_keep_is_refused() {
    let mut connection = memory().await;
    let far = DateTime::<Utc>::MAX_UTC;
    let range = Value::Range(Box::new(RangeValue::Empty));
    for value in [Value::U64(u64::MAX), Value::F64(f64::NAN), far.into(), range, Value::Array(vec![Value::F64(f64::NAN)])] {
        let error = fails(&mut *connection, "SELECT ?", [value]).await;
        assert!(matches!(error, Error::Usage(_)), "{error}");
    }
}

#[tokio::test]
async fn text_that_spells_no_value_of_the_column_is_refused() {
    let mut connection = memory().await;
    let types = [
        ColumnType::Decimal(None),
        ColumnType::Uuid,
        ColumnType::DateTime(6),
        ColumnType::NaiveDateTime(6),
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::I32,
        ColumnType::F64,
    ];
    for ty in types {
        let step = Step::execute("SELECT ?", vec![typed("secret; DROP", &ty)]);
        let error = connection.run(Batch::one(step)).await.err().unwrap();
        assert!(matches!(&error, Error::Usage(_)) && !format!("{error:?}").contains("secret"), "{error:?}");
        assert!(error.to_string().contains("parameter 1"), "{error}");
    }
}

async fn read(connection: &mut dyn Connection, sql: &str, ty: ColumnType) -> Result<Value> {
    let step = Step::query(sql, vec![], Box::new(Keep { types: Some(vec![ty]), ..Keep::default() }));
    Ok(keep(connection.run(Batch::one(step)).await?.pop().unwrap().sink).rows.remove(0).remove(0))
}

#[tokio::test]
async fn spellings_of_others_are_read() {
    let mut connection = memory().await;
    let expected = Value::from(instant("2024-05-06T07:08:09.123Z"));
    for text in ["'2024-05-06 07:08:09.123 +00:00'", "'2024-05-06T07:08:09.123Z'", "'2024-05-06 07:08:09.123'", "1714979289123"] {
        assert_eq!(read(&mut *connection, &format!("SELECT {text}"), ColumnType::DateTime(6)).await.unwrap(), expected, "{text}");
    }
    let decimal = |text: &str| Value::Decimal(text.parse::<Decimal>().unwrap());
    for (sql, value) in [("'1.50'", "1.50"), ("12", "12"), ("0.1", "0.1"), ("'1e2'", "100")] {
        assert_eq!(read(&mut *connection, &format!("SELECT {sql}"), ColumnType::Decimal(None)).await.unwrap(), decimal(value));
    }
    assert_eq!(read(&mut *connection, "SELECT '42'", ColumnType::I64).await.unwrap(), Value::I64(42));
    assert_eq!(read(&mut *connection, "SELECT 42.0", ColumnType::I32).await.unwrap(), Value::I64(42));
    assert_eq!(read(&mut *connection, "SELECT 42", ColumnType::F64).await.unwrap(), Value::F64(42.0));
    assert_eq!(read(&mut *connection, "SELECT x'67e5504410b1426f9247bb680e5fe0c8'", ColumnType::Uuid).await.unwrap().kind(), "uuid");
    assert_eq!(
        read(&mut *connection, "SELECT json_extract('[7]', '$[0]')", ColumnType::Json(true)).await.unwrap(),
        serde_json::json!(7).into()
    );
}

#[tokio::test]
async fn drift_is_a_decode_error_without_the_value() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE d (t TEXT); INSERT INTO d VALUES ('4711')").await;
    let cases = [
        ("SELECT t FROM d", ColumnType::I64),
        ("SELECT 2", ColumnType::Bool),
        ("SELECT 'secret4711'", ColumnType::I64),
        ("SELECT 1.5", ColumnType::I64),
        ("SELECT 1e30", ColumnType::I64),
        ("SELECT 300", ColumnType::U8),
        ("SELECT -1", ColumnType::U64),
        ("SELECT 4711", ColumnType::Text),
        ("SELECT 'secret4711'", ColumnType::Bytes),
        ("SELECT CAST(x'ff4711' AS TEXT)", ColumnType::Text),
        ("SELECT 'secret4711'", ColumnType::Uuid),
        ("SELECT '2024-02-30'", ColumnType::Date),
        ("SELECT '25:00'", ColumnType::Time),
        ("SELECT 'secret4711'", ColumnType::DateTime(6)),
        ("SELECT '{secret4711'", ColumnType::Json(true)),
        ("SELECT '{\"a\":4711}'", ColumnType::Array(Box::new(ColumnType::I64))),
        ("SELECT '99999999999999999999999999999999'", ColumnType::Decimal(None)),
    ];
    for (sql, ty) in cases {
        let error = read(&mut *connection, sql, ty.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{sql} {ty:?}: {error:?}");
        assert!(!format!("{error:#}{error:?}").contains("4711"), "{error:?}");
    }
    assert_eq!(rows(&mut *connection, "SELECT 1", []).await.len(), 1);
}

#[tokio::test]
async fn names_come_once_and_the_end_of_a_row_is_an_error() {
    let mut connection = memory().await;
    let sink = keep(run(&mut *connection, "SELECT 1 AS a, 2 AS \"b c\" WHERE 0", []).await.unwrap().sink);
    assert_eq!((sink.names, sink.headers, sink.rows.len()), (vec!["a".to_owned(), "b c".into()], 1, 0));
    let wide = (0..100).map(|number| format!("{number} AS c{number}")).collect::<Vec<_>>().join(", ");
    let sink = keep(run(&mut *connection, &format!("SELECT {wide} UNION ALL SELECT {wide}"), []).await.unwrap().sink);
    assert_eq!((sink.names.len(), sink.names[99].as_str(), sink.headers, sink.rows.len()), (100, "c99", 1, 2));
    let sink = Keep { types: Some(vec![ColumnType::I64]), ..Keep::default() };
    let step = Step::query("SELECT ?", params([Value::I64(1)]), Box::new(sink));
    assert!(connection.run(Batch::one(step)).await.is_ok());
}
