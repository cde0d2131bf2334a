//! The functions: exact decimals, Unicode, patterns, JSON, time; usable in indexes, checks and triggers.

use crate::support::{fails, memory, one, rows, script};
use sequor_core::Value;
use sequor_core::error::Error;

#[tokio::test]
async fn decimals_are_exact() {
    let mut connection = memory().await;
    script(&mut *connection, "CREATE TABLE m (id INTEGER PRIMARY KEY, x TEXT COLLATE sequor_decimal); CREATE INDEX i ON m (x)").await;
    for text in ["10", "9.99", "0.1", "0.2", "-1", "-10.5", "79228162514264337593543950335"] {
        crate::support::run(&mut *connection, "INSERT INTO m (x) VALUES (?)", [Value::Decimal(text.parse().unwrap())]).await.unwrap();
    }
    let sorted: Vec<Value> = rows(&mut *connection, "SELECT x FROM m ORDER BY x", []).await.concat();
    assert_eq!(sorted, ["-10.5", "-1", "0.1", "0.2", "9.99", "10", "79228162514264337593543950335"].map(Value::from));
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    assert_eq!(rows(&mut *connection, "SELECT id FROM m WHERE x = ?", [decimal("10.00")]).await.len(), 1);
    assert_eq!(rows(&mut *connection, "SELECT id FROM m WHERE x > ? AND x < ?", [decimal("0.15"), decimal("9.995")]).await.len(), 2);
    assert_eq!(one(&mut *connection, "SELECT max(x) FROM m WHERE x < 10", []).await, Value::from("9.99"));
    assert_eq!(one(&mut *connection, "SELECT sequor_decimal_sum(x) FROM m", []).await, Value::from("79228162514264337593543950343.79"));
    for (sql, value) in [
        ("sequor_decimal_sum(x) FROM m WHERE x IN ('0.1', '0.2')", Value::from("0.3")),
        ("sequor_decimal_sum(x) FROM m WHERE 0", Value::Null),
        ("sequor_decimal_avg(x) FROM m WHERE x IN ('0.1', '0.2')", Value::from("0.15")),
        ("sequor_decimal_avg(NULL)", Value::Null),
        ("sequor_decimal_add('0.1', 0.2)", Value::from("0.3")),
        ("sequor_decimal_sub(1, '0.10')", Value::from("0.9")),
        ("sequor_decimal_mul('1.10', '1.1')", Value::from("1.21")),
        ("sequor_decimal_div(1, 8)", Value::from("0.125")),
        ("sequor_decimal_cmp('10.0', 10)", Value::I64(0)),
        ("sequor_decimal_cmp('9', '10')", Value::I64(-1)),
        ("sequor_decimal(' 1.500 ')", Value::from("1.5")),
        ("sequor_decimal_round('2.345', 2)", Value::from("2.35")),
        ("sequor_decimal_round('-2.5')", Value::from("-3")),
        ("sequor_decimal_add(NULL, 1)", Value::Null),
        ("floor('2.7')", Value::from("2")),
        ("ceil(2.1)", Value::F64(3.0)),
        ("floor(7)", Value::I64(7)),
        ("power(2, 10)", Value::F64(1024.0)),
    ] {
        assert_eq!(one(&mut *connection, &format!("SELECT {sql}"), []).await, value, "{sql}");
    }
    for sql in [
        "sequor_decimal_div(1, 0)",
        "sequor_decimal_mul('79228162514264337593543950335', 2)",
        "sequor_decimal_mul('0.00000000000001', '0.0000000000000001')",
    ] {
        assert!(matches!(fails(&mut *connection, &format!("SELECT {sql}"), []).await, Error::Database { .. }), "{sql}");
    }
    let windows = "SELECT sequor_decimal_sum(x) OVER (ORDER BY id ROWS 1 PRECEDING) FROM m WHERE id < 5";
    assert_eq!(rows(&mut *connection, windows, []).await.concat(), ["10", "19.99", "10.09", "0.3"].map(Value::from));
}

#[tokio::test]
async fn text_and_patterns_know_unicode() {
    let mut connection = memory().await;
    for (sql, value) in [
        ("sequor_lower('ÄRGER Ω')", Value::from("ärger ω")),
        ("sequor_upper('straße')", Value::from("STRASSE")),
        ("sequor_lower(NULL)", Value::Null),
        ("sequor_like('%ärger%', 'KEIN ÄRGER')", Value::I64(1)),
        ("sequor_like('100\\%', '1000', '\\')", Value::I64(0)),
        ("sequor_like('1_', 12)", Value::I64(1)),
        ("sequor_like(NULL, 'a')", Value::Null),
        ("'Sequor' REGEXP '^s'", Value::I64(0)),
        ("'Sequor' REGEXP 'q.+r$'", Value::I64(1)),
        ("sequor_iregexp('^SÉ', 'séquor')", Value::I64(1)),
        ("regexp(NULL, 'a') IS NULL", Value::I64(1)),
    ] {
        assert_eq!(one(&mut *connection, &format!("SELECT {sql}"), []).await, value, "{sql}");
    }
    for pattern in ["(", "(a)\\1", "a{100000}{100000}"] {
        let error = fails(&mut *connection, "SELECT 'x' REGEXP ?", [pattern.into()]).await;
        assert!(matches!(&error, Error::Database { .. }) && error.to_string().contains("regular expression"), "{error}");
    }
    for number in 0..200 {
        assert_eq!(
            one(&mut *connection, "SELECT 'n7' REGEXP ?", [format!("^n{number}$").into()]).await,
            Value::I64(i64::from(number == 7))
        );
    }
}

#[tokio::test]
async fn json_is_asked_as_on_postgresql() {
    let mut connection = memory().await;
    let document = r#"{"tags": ["a", "b"], "n": 1, "deep": {"x": [1, {"y": 2}]}}"#;
    for (part, expected) in
        [(r#"{"tags": ["b"]}"#, 1), (r#"{"n": 1.0}"#, 1), (r#"{"deep": {"x": [{"y": 2}]}}"#, 1), (r#"{"tags": "a"}"#, 0), ("[]", 0)]
    {
        let found = one(&mut *connection, "SELECT sequor_json_contains(?, ?)", [document.into(), part.into()]).await;
        assert_eq!(found, Value::I64(expected), "{part}");
    }
    assert_eq!(one(&mut *connection, "SELECT sequor_json_overlaps('[1,2]', json_array(2, 3))", []).await, Value::I64(1));
    assert_eq!(one(&mut *connection, "SELECT sequor_json_contains(NULL, '1')", []).await, Value::Null);
}

#[tokio::test]
async fn now_stands_still_in_a_statement() {
    let mut connection = memory().await;
    let sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000) SELECT count(DISTINCT sequor_now()), max(sequor_now()) FROM n";
    let first = rows(&mut *connection, sql, []).await.remove(0);
    assert_eq!(first[0], Value::I64(1));
    let Value::Text(text) = &first[1] else { panic!("{first:?}") };
    assert_eq!((text.len(), &text[26..]), (32, "+00:00"));
    assert_ne!(rows(&mut *connection, sql, []).await.remove(0)[1], first[1]);
    let Value::Text(id) = one(&mut *connection, "SELECT sequor_uuid()", []).await else { panic!("no text") };
    assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 4);
}

#[tokio::test]
async fn they_may_stand_in_the_schema() {
    let mut connection = memory().await;
    script(
        &mut *connection,
        "CREATE TABLE u (id TEXT DEFAULT (sequor_uuid()), name TEXT CHECK (name REGEXP '^[a-zä]+$'), low TEXT AS (sequor_lower(name)) STORED, at TEXT DEFAULT (sequor_now()));
         CREATE UNIQUE INDEX by_name ON u (sequor_lower(name));
         CREATE TRIGGER touch AFTER UPDATE OF name ON u BEGIN UPDATE u SET at = sequor_now() WHERE rowid = new.rowid; END;
         INSERT INTO u (name) VALUES ('ä');
         UPDATE u SET name = 'b';",
    )
    .await;
    assert_eq!(
        one(&mut *connection, "SELECT low FROM u WHERE sequor_lower(name) = 'b' AND id IS NOT NULL AND at IS NOT NULL", []).await,
        Value::from("b")
    );
    assert!(matches!(fails(&mut *connection, "INSERT INTO u (name) VALUES ('B1')", []).await, Error::CheckConstraint { .. }));
}
