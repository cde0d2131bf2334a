//! Every value under every bind type, and the packet around them.

use super::*;
use crate::statements::Statements;
use chrono::{NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use sequor_core::types::BindType;
use std::sync::Arc;

fn one(scalar: ScalarType, value: impl Into<Value>) -> Result<(Form, Vec<u8>)> {
    let mut out = Vec::new();
    let form = write(&mut out, &Param { value: value.into(), bind: BindType::one(scalar) })?;
    Ok((form, out))
}

fn text(bytes: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes.as_bytes());
    out
}

#[test]
fn numbers_meet_text_columns_as_text() {
    use ScalarType as S;
    assert_eq!(one(S::Text, 0i64).unwrap(), (TEXT, text("0")));
    assert_eq!(one(S::Text, true).unwrap(), (TEXT, text("true")));
    assert_eq!(one(S::Text, 1.5f64).unwrap(), (TEXT, text("1.5")));
    assert_eq!(one(S::Text, Decimal::new(150, 2)).unwrap(), (TEXT, text("1.50")));
    assert_eq!(one(S::Inferred, "a").unwrap(), (TEXT, text("a")));
    assert_eq!(one(S::Inferred, 7i64).unwrap().0, LONG);
    let long = "9".repeat(300);
    assert_eq!(one(S::Text, &*long).unwrap().1.len(), 303);
    assert_eq!(one(S::Text, 1e300).unwrap().1.len(), 304);
}

#[test]
fn text_meets_typed_columns_parsed_or_refused() {
    use ScalarType as S;
    assert_eq!(one(S::I32, "42").unwrap(), (LONG, 42i64.to_le_bytes().to_vec()));
    assert_eq!(one(S::U64, "18446744073709551615").unwrap(), (UNSIGNED, vec![0xff; 8]));
    assert_eq!(one(S::Decimal, "1.50").unwrap(), (DECIMAL, text("1.50")));
    assert_eq!(one(S::Decimal, 7i64).unwrap(), (DECIMAL, text("7")));
    let uuid = "67E55044-10B1-426F-9247-BB680E5FE0C8";
    assert_eq!(one(S::Uuid, uuid).unwrap(), (TEXT, text(&uuid.to_lowercase())));
    assert_eq!(one(S::DateTime, "2024-05-06T09:08:09.123456+02:00").unwrap(), one(S::DateTime, times::sample()).unwrap());
    for (scalar, wrong) in [
        (S::I32, "1; drop"),
        (S::I32, "1.5"),
        (S::U64, "18446744073709551616"),
        (S::Decimal, "1e5"),
        (S::Decimal, ""),
        (S::Decimal, "."),
        (S::Uuid, "x"),
        (S::DateTime, "yesterday"),
        (S::Date, "2024-02-30"),
        (S::Time, "25:00:00"),
        (S::Bool, "yes"),
        (S::F64, "abc"),
        (S::F64, "NaN"),
    ] {
        let error = one(scalar, wrong).unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{scalar:?} {wrong}: {error}");
        assert!(wrong.len() < 4 || !error.to_string().contains(wrong), "{error}");
    }
}

#[test]
fn what_mysql_cannot_hold_is_refused() {
    use ScalarType as S;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for scalar in [S::F64, S::F32, S::Decimal, S::Inferred] {
            assert!(one(scalar, value).is_err());
        }
    }
    assert!(one(S::F32, 1e300).is_err());
    assert!(one(S::I32, 1.5f64).is_err());
    assert!(one(S::Date, NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap()).is_err());
    assert!(one(S::Date, NaiveDate::from_ymd_opt(-1, 1, 1).unwrap()).is_err());
    assert!(one(S::Bytes, 1i64).is_err());
    assert!(matches!(one(S::Inferred, Value::Range(Box::new(sequor_core::value::RangeValue::Empty))), Err(Error::Usage(_))));
}

#[test]
fn lists_and_documents_travel_as_json() {
    let mut out = Vec::new();
    let list = Param { value: Value::Array(vec![Value::I64(1), Value::from("a\"b")]), bind: BindType::list(ScalarType::Text) };
    assert_eq!(write(&mut out, &list).unwrap(), TEXT);
    assert_eq!(out, text(r#"[1,"a\"b"]"#));
    assert_eq!(one(ScalarType::Json, serde_json::json!({ "b": 1, "a": null })).unwrap().1, text(r#"{"b":1,"a":null}"#));
    assert_eq!(one(ScalarType::Jsonb, true).unwrap().1, text("true"));
}

#[test]
fn moments_are_as_short_as_they_can_be() {
    use ScalarType as S;
    let day = NaiveDate::from_ymd_opt(2024, 5, 6).unwrap();
    assert_eq!(one(S::NaiveDateTime, day.and_time(NaiveTime::MIN)).unwrap().1, [4, 0xe8, 7, 5, 6]);
    assert_eq!(one(S::NaiveDateTime, day.and_hms_opt(7, 8, 9).unwrap()).unwrap().1, [7, 0xe8, 7, 5, 6, 7, 8, 9]);
    assert_eq!(one(S::DateTime, times::sample()).unwrap().1, [11, 0xe8, 7, 5, 6, 7, 8, 9, 0x40, 0xe2, 1, 0]);
    assert_eq!(one(S::Time, NaiveTime::from_hms_opt(7, 8, 9).unwrap()).unwrap().1, [8, 0, 0, 0, 0, 0, 7, 8, 9]);
    assert_eq!(one(S::Time, "07:08").unwrap().1, [8, 0, 0, 0, 0, 0, 7, 8, 0]);
}

#[test]
fn types_are_sent_once_and_again_when_they_change() {
    let mut statements = Statements::new(1);
    let place = statements.insert(1, Arc::from("x"), 9, 2, Arc::default());
    let statement = statements.at_mut(place).unwrap();
    let param = |value: Value| Param { value, bind: BindType::one(ScalarType::Inferred) };
    let mut bodies = Vec::new();
    let lists = [
        [Value::I64(1), Value::Null],
        [Value::I64(2), Value::Null],
        [Value::I64(2), Value::from("a")],
        [Value::Null, Value::from("b")],
        [Value::Null, Value::Null],
    ];
    for list in lists {
        let mut out = vec![0xaa];
        write_execute(&mut out, statement, &list.map(param)).unwrap();
        bodies.push(out);
    }
    let head = [0xaa, 0x17, 9, 0, 0, 0, 0, 1, 0, 0, 0];
    let body = |rest: &[u8]| [&head[..], rest].concat();
    let number = |number: u8| [number, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(bodies[0], body(&[&[2, 1, 8, 0, 6, 0][..], &number(1)].concat()));
    assert_eq!(bodies[1], body(&[&[2, 0][..], &number(2)].concat()));
    assert_eq!(bodies[2], body(&[&[0, 1, 8, 0, 253, 0][..], &number(2), &[1, b'a']].concat()));
    assert_eq!(bodies[3], body(&[1, 0, 1, b'b']));
    assert_eq!(bodies[4], body(&[3, 0]));
}
