//! Every scalar, list and range travels there and back.

use crate::support::*;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use sequor_core::driver::{Batch, Connection, Flow, Param, RowReader, RowSink, Step};
use sequor_core::types::{BindType, ColumnType, EnumDef, ScalarType};
use sequor_core::value::RangeValue;
use sequor_core::{Error, Result, Value};
use std::sync::Arc;

/// Reads the first cell by a column's type.
struct Typed(ColumnType, Vec<Value>);

impl RowSink for Typed {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.1.push(row.value(0, &self.0)?);
        Ok(Flow::Continue)
    }
}

async fn back(connection: &mut dyn Connection, text: &str, param: Param, ty: &ColumnType) -> Result<Value> {
    let step = Step::query(text, vec![param], Box::new(Typed(ty.clone(), Vec::new())));
    let done = connection.run(Batch::one(step)).await?.remove(0);
    let sink: Box<dyn std::any::Any> = done.sink;
    Ok(sink.downcast::<Typed>().unwrap().1.remove(0))
}

type Samples = Vec<(ColumnType, &'static str, Vec<Value>)>;

fn samples() -> Samples {
    let mut all = numbers();
    all.extend(texts_and_times());
    all
}

fn numbers() -> Samples {
    vec![
        (ColumnType::Bool, "bool", vec![Value::Bool(true), Value::Bool(false)]),
        (ColumnType::I8, "int2", vec![Value::I64(-128), Value::I64(127)]),
        (ColumnType::I16, "int2", vec![Value::I64(i16::MIN.into()), Value::I64(i16::MAX.into())]),
        (ColumnType::I32, "int4", vec![Value::I64(i32::MIN.into()), Value::I64(i32::MAX.into())]),
        (ColumnType::I64, "int8", vec![Value::I64(i64::MIN), Value::I64(i64::MAX), Value::I64(0)]),
        (ColumnType::U8, "int2", vec![Value::I64(0), Value::I64(255)]),
        (ColumnType::U16, "int4", vec![Value::I64(0), Value::I64(65_535)]),
        (ColumnType::U32, "int8", vec![Value::I64(0), Value::I64(u32::MAX.into())]),
        (ColumnType::U64, "numeric(20,0)", vec![Value::I64(0), Value::U64(u64::MAX)]),
        (
            ColumnType::F32,
            "float4",
            vec![Value::F64(3.402_823_5e38), Value::F64(1.175_494_4e-38), Value::F64(f64::INFINITY), Value::F64(-0.0), Value::F64(0.1)],
        ),
        (
            ColumnType::F64,
            "float8",
            vec![Value::F64(f64::MAX), Value::F64(f64::MIN_POSITIVE), Value::F64(f64::NEG_INFINITY), Value::F64(0.1)],
        ),
        (
            ColumnType::Decimal(None),
            "numeric",
            [
                "0",
                "0.00",
                "-1.50",
                "79228162514264337593543950335",
                "-79228162514264337593543950335",
                "0.0000000000000000000000000001",
                "10000",
                "1234.5678",
            ]
            .map(|text| Value::Decimal(text.parse::<Decimal>().unwrap()))
            .to_vec(),
        ),
    ]
}

fn texts_and_times() -> Samples {
    let instant = |text: &str| Value::DateTime(text.parse::<DateTime<Utc>>().unwrap());
    let naive = |text: &str| Value::NaiveDateTime(text.parse::<NaiveDateTime>().unwrap());
    let date = |year, month, day| Value::Date(NaiveDate::from_ymd_opt(year, month, day).unwrap());
    vec![
        (ColumnType::Text, "text", vec![Value::from(""), Value::from("ü 日本 😀 \"'\\ \u{1} \r\n"), Value::from("x".repeat(200_000))]),
        (ColumnType::VarChar(20), "varchar(20)", vec![Value::from("abc")]),
        (ColumnType::Char(3), "char(3)", vec![Value::from("abc")]),
        (ColumnType::Uuid, "uuid", vec![Value::Uuid(uuid::Uuid::nil()), Value::Uuid(uuid::Uuid::max())]),
        (
            ColumnType::DateTime(6),
            "timestamptz",
            vec![instant("1970-01-01T00:00:00Z"), instant("9999-12-31T23:59:59.999999Z"), instant("0001-01-01T00:00:00Z")],
        ),
        (
            ColumnType::NaiveDateTime(6),
            "timestamp",
            vec![naive("1999-12-31T23:59:59.000001"), naive("-4712-01-01T00:00:00"), naive("+20000-01-01T00:00:00")],
        ),
        (ColumnType::Date, "date", vec![date(2024, 2, 29), date(1, 1, 1), date(-4712, 1, 1), date(9999, 12, 31)]),
        (
            ColumnType::Time,
            "time",
            vec![Value::Time(NaiveTime::MIN), Value::Time(NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap())],
        ),
        (ColumnType::Bytes, "bytea", vec![Value::Bytes(vec![]), Value::Bytes((0..=255).collect())]),
        (
            ColumnType::Json(true),
            "jsonb",
            vec![Value::from(serde_json::json!({ "a": [1, "ü", null, 1.5, true] })), Value::from(serde_json::Value::Null)],
        ),
        (ColumnType::Json(false), "json", vec![Value::from(serde_json::json!([])), Value::from(serde_json::json!("text"))]),
        (
            ColumnType::Inet,
            "inet",
            vec![Value::from("10.1.2.3"), Value::from("10.1.2.3/8"), Value::from("::1"), Value::from("2001:db8::ff00:42:8329/64")],
        ),
        (ColumnType::Cidr, "cidr", vec![Value::from("10.0.0.0/8"), Value::from("::/0")]),
        (ColumnType::MacAddr, "macaddr", vec![Value::from("08:00:2b:01:02:03")]),
        (
            ColumnType::Interval,
            "interval",
            ["00:00:00", "1 year 2 mons 3 days 04:05:06.789", "-1 days +02:03:04", "-00:00:00.000001", "1 mon -1 days", "-2 years"]
                .map(Value::from)
                .to_vec(),
        ),
        (ColumnType::TsVector, "tsvector", vec![Value::from("'a':1A,3 'b''c':2")]),
    ]
}

#[test]
fn every_scalar_round_trips_at_its_ends() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for (ty, name, values) in samples() {
            let text = format!("select $1::{name}");
            for value in values.into_iter().chain([Value::Null]) {
                let param = Param { value: value.clone(), bind: ty.bind() };
                let read = back(&mut *connection, &text, param, &ty).await.unwrap_or_else(|error| panic!("{ty:?} {value:?}: {error}"));
                assert_eq!(read, value, "{ty:?}");
            }
        }
        let nan = back(&mut *connection, "select $1", param(f64::NAN, ScalarType::F64), &ColumnType::F64).await.unwrap();
        assert!(matches!(nan, Value::F64(value) if value.is_nan()));
    });
}

#[test]
fn what_is_read_is_what_the_server_spells() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        // The server's own text of each value that is rendered here must be the same.
        for (ty, name, values) in samples() {
            if !matches!(
                ty,
                ColumnType::Inet | ColumnType::Cidr | ColumnType::MacAddr | ColumnType::Interval | ColumnType::TsVector | ColumnType::Uuid
            ) {
                continue;
            }
            for value in values {
                let bind = ty.bind();
                let spelt = rows(&mut *connection, &format!("select $1::{name}::text"), vec![Param { value: value.clone(), bind }])
                    .await
                    .unwrap()
                    .remove(0)
                    .remove(0);
                let read = back(&mut *connection, &format!("select $1::{name}"), Param { value, bind }, &ty).await.unwrap();
                match read {
                    Value::Uuid(uuid) => assert_eq!(Value::from(uuid.to_string()), spelt),
                    read if ty == ColumnType::Inet => {
                        assert_eq!(read.to_json().as_str().unwrap().split('/').next(), spelt.to_json().as_str().unwrap().split('/').next())
                    }
                    read => assert_eq!(read, spelt),
                }
            }
        }
    });
}

#[test]
fn lists_of_every_scalar_round_trip() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for (element, name, values) in samples() {
            let ty = ColumnType::Array(Box::new(element));
            let text = format!("select $1::{name}[]");
            let with_null: Vec<Value> = values.iter().cloned().chain([Value::Null]).collect();
            for list in [vec![], values, with_null] {
                let value = Value::Array(list);
                let read = back(&mut *connection, &text, Param { value: value.clone(), bind: ty.bind() }, &ty).await;
                assert_eq!(read.unwrap_or_else(|error| panic!("{ty:?}: {error}")), value, "{ty:?}");
            }
        }
        let nested = Value::Array((0..2).map(|row| Value::Array((0..3).map(|column| Value::I64(row * 3 + column)).collect())).collect());
        let ty = ColumnType::Array(Box::new(ColumnType::I32));
        let read = back(&mut *connection, "select $1", Param { value: nested.clone(), bind: ty.bind() }, &ty).await.unwrap();
        assert_eq!(read, nested);
    });
}

#[test]
fn ranges_round_trip() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let date = |day| Value::Date(NaiveDate::from_ymd_opt(2024, 1, day).unwrap());
        let instant = |text: &str| Value::DateTime(text.parse().unwrap());
        let cases = [
            (ColumnType::I32, "int4range", Value::I64(1), Value::I64(5)),
            (ColumnType::I64, "int8range", Value::I64(i64::MIN), Value::I64(5)),
            (ColumnType::Decimal(None), "numrange", Value::Decimal("-1.5".parse().unwrap()), Value::Decimal("2.25".parse().unwrap())),
            (ColumnType::Date, "daterange", date(1), date(31)),
            (ColumnType::DateTime(6), "tstzrange", instant("2024-01-01T00:00:00Z"), instant("2024-01-01T00:00:00.000001Z")),
            (
                ColumnType::NaiveDateTime(6),
                "tsrange",
                Value::NaiveDateTime("2024-01-01T00:00:00".parse().unwrap()),
                Value::NaiveDateTime("2025-01-01T00:00:00".parse().unwrap()),
            ),
        ];
        for (element, name, low, high) in cases {
            let ty = ColumnType::Range(Box::new(element));
            let between =
                |lower: Option<(Value, bool)>, upper: Option<(Value, bool)>| Value::Range(Box::new(RangeValue::Between { lower, upper }));
            for value in [
                Value::Range(Box::new(RangeValue::Empty)),
                between(None, None),
                between(Some((low.clone(), true)), Some((high.clone(), false))),
                between(Some((low.clone(), true)), None),
                between(None, Some((high.clone(), false))),
            ] {
                let read = back(&mut *connection, &format!("select $1::{name}"), Param { value: value.clone(), bind: ty.bind() }, &ty)
                    .await
                    .unwrap();
                assert_eq!(read, value, "{name}");
            }
        }
    });
}

#[test]
fn types_that_extensions_and_schemas_make_travel_as_their_text() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        let lock = "select pg_advisory_xact_lock(77)";
        connection.begin(Default::default()).await.unwrap();
        execute(&mut *connection, lock).await.unwrap();
        for text in [
            "create extension if not exists hstore",
            "create extension if not exists citext",
            "drop type if exists scalars_mood",
            "create type scalars_mood as enum ('sad', 'it''s \"ok\"')",
        ] {
            execute(&mut *connection, text).await.unwrap();
        }
        connection.commit().await.unwrap();
        let mood = ColumnType::Enum(Arc::new(EnumDef { name: "scalars_mood".into(), labels: vec![] }));
        let hstore = Value::from(serde_json::json!({ "a": "1", "b\"=>": null, "": "\\" }));
        let cases = [
            (mood.clone(), "scalars_mood", Value::from("it's \"ok\"")),
            (
                ColumnType::Array(Box::new(mood)),
                "scalars_mood[]",
                Value::Array(vec![Value::from("sad"), Value::Null, Value::from("it's \"ok\"")]),
            ),
            (ColumnType::CiText, "citext", Value::from("MiXed")),
            (ColumnType::HStore, "hstore", hstore.clone()),
            (ColumnType::HStore, "hstore", Value::from(serde_json::json!({}))),
        ];
        for (ty, name, value) in cases {
            for _ in 0..2 {
                let read = back(&mut *connection, &format!("select $1::{name}"), Param { value: value.clone(), bind: ty.bind() }, &ty)
                    .await
                    .unwrap();
                assert_eq!(read, value, "{name}");
                let raw = rows(&mut *connection, &format!("select $1::{name}"), vec![Param { value: value.clone(), bind: ty.bind() }])
                    .await
                    .unwrap();
                assert_eq!(raw[0][0], value, "{name} read without its type");
            }
        }
        // The same kind of value for a parameter that turns out to be JSON.
        let raw =
            rows(&mut *connection, "select $1::jsonb", vec![Param { value: hstore.clone(), bind: BindType::default() }]).await.unwrap();
        assert_eq!(raw[0][0], hstore);
    });
}

#[test]
fn aggregates_are_read_as_numbers_of_other_kinds() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        struct Numbers(Vec<(Option<i64>, Option<u64>, Option<f64>, Option<Decimal>)>);
        impl RowSink for Numbers {
            fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
                for index in 0..row.len() {
                    self.0.push((row.i64(index)?, row.u64(index)?, row.f64(index)?, row.decimal(index)?));
                }
                Ok(Flow::Continue)
            }
        }
        let step = Step::query(
            "select sum(x), avg(x), count(*), 7::int2, 3.00 from (values (1::int8), (3)) v(x)",
            vec![],
            Box::new(Numbers(Vec::new())),
        );
        let done = connection.run(Batch::one(step)).await.unwrap().remove(0);
        let sink: Box<dyn std::any::Any> = done.sink;
        let numbers = &sink.downcast::<Numbers>().unwrap().0;
        let expected = [4, 2, 2, 7, 3];
        for ((signed, unsigned, float, decimal), expected) in numbers.iter().zip(expected) {
            assert_eq!((signed.unwrap(), unsigned.unwrap(), float.unwrap()), (expected, u64::try_from(expected).unwrap(), expected as f64));
            assert_eq!(decimal.unwrap(), Decimal::from(expected));
        }
        assert_eq!(numbers.len(), 5);
    });
}

#[test]
fn drift_between_table_and_type_is_a_decode_error_and_the_connection_goes_on() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        for (text, ty) in [
            ("select 'x'::text", ColumnType::I64),
            ("select 1", ColumnType::Text),
            ("select 3000000000", ColumnType::I32),
            ("select -1", ColumnType::U64),
            ("select 1.5", ColumnType::I64),
            ("select 'NaN'::numeric", ColumnType::Decimal(None)),
            ("select 1e100::numeric", ColumnType::Decimal(None)),
            ("select 'infinity'::timestamptz", ColumnType::DateTime(6)),
            ("select '294276-01-01'::timestamp", ColumnType::NaiveDateTime(6)),
            ("select true", ColumnType::I32),
            ("select '{1,2}'::int4[]", ColumnType::I32),
            ("select array['x']", ColumnType::Array(Box::new(ColumnType::I32))),
            ("select now()", ColumnType::Date),
            ("select '{}'::json", ColumnType::HStore),
        ] {
            let step = Step::query(text, vec![], Box::new(Typed(ty.clone(), Vec::new())));
            let error = connection.run(Batch::one(step)).await.map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Decode { .. }), "{text}: {error:?}");
            assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        }
    });
}

#[test]
fn bad_parameters_are_refused_before_anything_is_sent() {
    on_server(async |url| {
        let mut connection = connect(&url).await;
        connection.begin(Default::default()).await.unwrap();
        for bad in [param("a\0b", ScalarType::Text), param("x", ScalarType::I32), param(1i64 << 40, ScalarType::I32)] {
            let error = rows(&mut *connection, "select $1", vec![bad]).await.unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error:?}");
        }
        // The transaction has not begun for the server, and does with the next statement.
        assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        assert_eq!(connection.status(), sequor_core::driver::Status::InTransaction);
        connection.rollback().await.unwrap();
        let error = rows(&mut *connection, "select 1\0", vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        let many = vec![param(1i64, ScalarType::I64); 65_536];
        let error = rows(&mut *connection, "select 1", many).await.unwrap_err();
        assert!(error.to_string().contains("65535"), "{error}");
        assert_eq!(one(&mut *connection, "select 1").await, Value::I64(1));
        let most = (1..=65_535).map(|place| format!("${place}::int8")).collect::<Vec<_>>().join("+");
        let sum = rows(
            &mut *connection,
            &format!("select cardinality(array[{}])", most.replace('+', ",")),
            vec![param(1i64, ScalarType::I64); 65_535],
        )
        .await
        .unwrap();
        assert_eq!(sum[0][0], Value::I64(65_535));
    });
}
