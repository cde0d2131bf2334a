//! How values are written for the wire.

use super::*;
use chrono::{NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use sequor_core::value::RangeValue;

fn bind(value: Value, bind: BindType) -> Result<Vec<u8>> {
    let mut out = BytesMut::from(&b"before"[..]);
    let result = write_bind("", "s1", &[Param { value, bind }], &[], &mut out);
    if result.is_err() {
        assert_eq!(&out[..], b"before", "a failed Bind leaves nothing behind");
    }
    result.map(|()| out[6..].to_vec())
}

/// The bytes of the one value in a Bind; `None` is NULL.
fn cell(value: impl Into<Value>, scalar: ScalarType) -> Result<Option<Vec<u8>>> {
    parse_cell(bind(value.into(), BindType::one(scalar))?)
}

fn parse_cell(message: Vec<u8>) -> Result<Option<Vec<u8>>> {
    assert_eq!(message[0], b'B');
    assert_eq!(usize::try_from(u32::from_be_bytes(message[1..5].try_into().unwrap())).unwrap() + 1, message.len());
    // "\0" "s1\0", one format, the count of values.
    let rest = &message[5 + 1 + 3 + 4 + 2..];
    let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
    if length < 0 {
        return Ok(None);
    }
    let end = 4 + usize::try_from(length).unwrap();
    assert_eq!(&rest[end..], &[0, 1, 0, 1], "results are binary");
    Ok(Some(rest[4..end].to_vec()))
}

fn text(value: impl Into<Value>) -> String {
    String::from_utf8(cell(value, ScalarType::Inferred).unwrap().unwrap()).unwrap()
}

#[test]
fn scalars_are_written_in_their_columns_type() {
    for (value, scalar, expected) in [
        (Value::Bool(true), ScalarType::Bool, vec![1]),
        (Value::I64(0), ScalarType::Bool, vec![0]),
        (Value::from("true"), ScalarType::Bool, vec![1]),
        (Value::I64(-2), ScalarType::I16, vec![0xff, 0xfe]),
        (Value::from(" 7 "), ScalarType::I32, vec![0, 0, 0, 7]),
        (Value::F64(3.0), ScalarType::I32, vec![0, 0, 0, 3]),
        (Value::Decimal("5.00".parse().unwrap()), ScalarType::I64, vec![0, 0, 0, 0, 0, 0, 0, 5]),
        (Value::I64(1), ScalarType::F32, 1f32.to_be_bytes().to_vec()),
        (Value::from("1.5"), ScalarType::F64, 1.5f64.to_be_bytes().to_vec()),
        (Value::Decimal("0.1".parse().unwrap()), ScalarType::F64, 0.1f64.to_be_bytes().to_vec()),
        (Value::I64(10_000), ScalarType::Decimal, vec![0, 1, 0, 1, 0, 0, 0, 0, 0, 1]),
        (Value::F64(0.1), ScalarType::Decimal, vec![0, 1, 0xff, 0xff, 0, 0, 0, 1, 0x03, 0xe8]),
        (Value::U64(u64::MAX), ScalarType::U64, vec![0, 5, 0, 4, 0, 0, 0, 0, 0x07, 0x34, 0x1a, 0x58, 0x02, 0xe1, 0x03, 0xbb, 0x06, 0x4f]),
        (Value::I64(42), ScalarType::Text, b"42".to_vec()),
        (Value::F64(1.0), ScalarType::Text, b"1".to_vec()),
        (Value::Bool(false), ScalarType::Text, b"false".to_vec()),
        (Value::from("x"), ScalarType::Bytes, b"x".to_vec()),
        (Value::from("00000000-0000-0000-0000-00000000000a"), ScalarType::Uuid, [&[0; 15][..], &[10]].concat()),
        (Value::from("2000-01-01T00:00:01Z"), ScalarType::DateTime, 1_000_000i64.to_be_bytes().to_vec()),
        (Value::from("1999-12-31 23:59:59"), ScalarType::NaiveDateTime, (-1_000_000i64).to_be_bytes().to_vec()),
        (Value::from("2000-01-03"), ScalarType::Date, 2i32.to_be_bytes().to_vec()),
        (Value::from("00:01"), ScalarType::Time, 60_000_000i64.to_be_bytes().to_vec()),
        (Value::from(serde_json::json!({ "a": 1 })), ScalarType::Json, b"{\"a\":1}".to_vec()),
        (Value::from(serde_json::json!(null)), ScalarType::Jsonb, b"\x01null".to_vec()),
        (Value::I64(5), ScalarType::Jsonb, b"\x015".to_vec()),
    ] {
        assert_eq!(cell(value.clone(), scalar).unwrap().unwrap(), expected, "{value:?} as {scalar:?}");
    }
    assert_eq!(cell(Value::Null, ScalarType::I64).unwrap(), None);
}

#[test]
fn what_would_lose_something_is_refused_with_the_parameters_number() {
    for (value, scalar) in [
        (Value::I64(32_768), ScalarType::I16),
        (Value::I64(1 << 40), ScalarType::I32),
        (Value::U64(u64::MAX), ScalarType::I64),
        (Value::I64(-1), ScalarType::U64),
        (Value::F64(1.5), ScalarType::I64),
        (Value::F64(f64::NAN), ScalarType::I64),
        (Value::Decimal("1.5".parse().unwrap()), ScalarType::I32),
        (Value::from("12a"), ScalarType::I32),
        (Value::from(""), ScalarType::I32),
        (Value::from("1e309"), ScalarType::F64),
        (Value::F64(1e300), ScalarType::F32),
        (Value::I64(i64::MAX), ScalarType::F64),
        (Value::F64(f64::INFINITY), ScalarType::Decimal),
        (Value::from("123456789012345678901234567890.123"), ScalarType::Decimal),
        (Value::from("yes"), ScalarType::Bool),
        (Value::I64(2), ScalarType::Bool),
        (Value::from("not a uuid"), ScalarType::Uuid),
        (Value::from("yesterday"), ScalarType::DateTime),
        (Value::from("2024-02-30"), ScalarType::Date),
        (Value::from("25:00"), ScalarType::Time),
        (Value::from("a\0b"), ScalarType::Text),
        (Value::from("a\0b"), ScalarType::Inferred),
        (Value::Bytes(vec![1]), ScalarType::Text),
        (Value::Array(vec![]), ScalarType::I32),
        (Value::Array(vec![]), ScalarType::Text),
        (Value::Range(Box::new(RangeValue::Empty)), ScalarType::I32),
        (Value::from(serde_json::json!({})), ScalarType::I32),
        (Value::Uuid(uuid::Uuid::nil()), ScalarType::Date),
        (Value::DateTime("2024-01-01T00:00:01Z".parse().unwrap()), ScalarType::Date),
    ] {
        let error = cell(value.clone(), scalar).unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{value:?} as {scalar:?}: {error:?}");
        assert!(error.to_string().starts_with("parameter 1 cannot be sent: "), "{error}");
    }
}

#[test]
fn every_kind_of_value_meets_every_kind_of_parameter_without_a_panic() {
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::I64(i64::MIN),
        Value::U64(u64::MAX),
        Value::F64(f64::MIN_POSITIVE),
        Value::F64(f64::NAN),
        Value::Decimal(Decimal::MAX),
        Value::from(""),
        Value::Bytes(vec![0, 255]),
        Value::Uuid(uuid::Uuid::max()),
        Value::DateTime(chrono::DateTime::<chrono::Utc>::MAX_UTC),
        Value::DateTime(chrono::DateTime::<chrono::Utc>::MIN_UTC),
        Value::NaiveDateTime(chrono::NaiveDateTime::MIN),
        Value::Date(NaiveDate::MAX),
        Value::Date(NaiveDate::MIN),
        Value::Time(NaiveTime::from_hms_nano_opt(23, 59, 59, 1_999_999_999).unwrap()),
        Value::from(serde_json::json!([1, "a", null, { "b": [] }])),
        Value::Array(vec![Value::Null, Value::I64(1), Value::Array(vec![])]),
        Value::Range(Box::new(RangeValue::Between { lower: Some((Value::I64(1), true)), upper: None })),
    ];
    use ScalarType as S;
    let scalars = [
        S::Inferred,
        S::Bool,
        S::I16,
        S::I32,
        S::I64,
        S::U64,
        S::F32,
        S::F64,
        S::Decimal,
        S::Text,
        S::Bytes,
        S::Uuid,
        S::DateTime,
        S::NaiveDateTime,
        S::Date,
        S::Time,
        S::Json,
        S::Jsonb,
    ];
    for value in &values {
        for scalar in scalars {
            let _ = bind(value.clone(), BindType::one(scalar));
            let _ = bind(value.clone(), BindType::list(scalar));
            let _ = bind(Value::Array(vec![value.clone(), value.clone()]), BindType::list(scalar));
        }
    }
}

#[test]
fn lists_are_arrays_of_their_type() {
    let list = |value: Value, scalar| bind(value, BindType::list(scalar)).and_then(parse_cell).map(Option::unwrap);
    let header = |dimensions: i32, nulls: i32, oid: u32| [dimensions.to_be_bytes(), nulls.to_be_bytes(), oid.to_be_bytes()].concat();
    let values = Value::Array(vec![Value::I64(1), Value::Null]);
    let expected = [header(1, 1, 23), vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 255, 255, 255, 255]].concat();
    assert_eq!(list(values, ScalarType::I32).unwrap(), expected);
    assert_eq!(list(Value::from(serde_json::json!([1, null])), ScalarType::I32).unwrap(), expected);
    assert_eq!(list(Value::Array(vec![]), ScalarType::Text).unwrap(), header(0, 0, 25));
    let rows = |inner: Vec<Value>| Value::Array(inner.into_iter().map(|value| Value::Array(vec![value])).collect());
    let nested = list(rows(vec![Value::from("a"), Value::from("b")]), ScalarType::Text).unwrap();
    assert_eq!(nested[..28], [header(2, 0, 25), vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]].concat());
    let mut deep = Value::I64(1);
    for _ in 0..7 {
        deep = Value::Array(vec![deep]);
    }
    for wrong in [
        Value::Array(vec![Value::Array(vec![Value::I64(1)]), Value::Array(vec![])]),
        Value::Array(vec![Value::Array(vec![Value::I64(1)]), Value::I64(1)]),
        Value::Array(vec![Value::I64(1), Value::Array(vec![])]),
        Value::Array(vec![Value::from("x")]),
        Value::from("{1,2}"),
        deep,
    ] {
        assert!(matches!(list(wrong.clone(), ScalarType::I32), Err(Error::Usage(_))), "{wrong:?}");
    }
}

#[test]
fn parameters_of_unknown_type_are_spelt_for_the_server() {
    assert_eq!(text("a\"b"), "a\"b");
    assert_eq!(text(1.5), "1.5");
    assert_eq!(text(f64::NEG_INFINITY), "-Infinity");
    assert_eq!(text(vec![0u8, 255]), "\\x00ff");
    assert_eq!(text(NaiveDate::from_ymd_opt(-43, 3, 15).unwrap()), "0044-03-15 BC");
    assert_eq!(text(Value::DateTime("2024-05-06T07:08:09.000001Z".parse().unwrap())), "2024-05-06 07:08:09.000001+00");
    let values = vec![Value::from("a"), Value::Null, Value::from("NULL"), Value::from("a\"b\\c,{}"), Value::from("")];
    let list = bind(Value::Array(values), BindType::list(ScalarType::Inferred)).and_then(parse_cell).unwrap().unwrap();
    assert_eq!(String::from_utf8(list).unwrap(), r#"{"a",NULL,"NULL","a\"b\\c,{}",""}"#);
    let range = |lower, upper| Value::Range(Box::new(RangeValue::Between { lower, upper }));
    assert_eq!(text(range(Some((Value::I64(1), true)), Some((Value::I64(5), false)))), r#"["1","5")"#);
    assert_eq!(text(range(None, Some((Value::from("a\"b"), true)))), r#"(,"a\"b"]"#);
    assert_eq!(text(Value::Range(Box::new(RangeValue::Empty))), "empty");
}

#[test]
fn a_document_is_json_or_an_hstore_as_the_server_says() {
    let document = Param { value: Value::from(serde_json::json!({ "a\"": "1", "b": null })), bind: BindType::default() };
    assert!(needs_types(std::slice::from_ref(&document)));
    let written = |server_type: u32| {
        let mut out = BytesMut::new();
        write_bind("", "s1", std::slice::from_ref(&document), &[server_type], &mut out).unwrap();
        String::from_utf8(parse_cell(out.to_vec()).unwrap().unwrap()).unwrap()
    };
    assert_eq!(written(oid::JSONB), r#"{"a\"":"1","b":null}"#);
    assert_eq!(written(99_999), r#""a\""=>"1","b"=>NULL"#);
}

#[test]
fn too_many_and_too_long_are_refused_before_anything_is_sent() {
    let many = vec![Param { value: Value::I64(1), bind: BindType::one(ScalarType::I64) }; 65_536];
    let mut out = BytesMut::new();
    assert!(write_bind("", "", &many, &[], &mut out).is_err());
    assert!(out.is_empty());
    assert!(write_bind("", "", &many[1..], &[], &mut out).is_ok());
    let long = bind(Value::Bytes(vec![0; LIMIT + 1]), BindType::one(ScalarType::Bytes)).unwrap_err();
    assert!(long.to_string().contains("256 MiB"), "{long}");
}
