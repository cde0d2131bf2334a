//! Cases that Sequelize's library has no answer to: values that are no text, and arguments that are refused.

use super::super::*;
use chrono::Datelike;
use serde_json::json;

/// A rule without arguments, a value, and whether it passes.
type Case = (&'static str, fn() -> Value, bool);

pub(super) const CASES: &[Case] = &[
    ("notNull", || Value::from("a"), true),
    ("notNull", || Value::from(""), true),
    ("notNull", || Value::from("é"), true),
    ("notNull", || Value::Null, false),
    ("isArray", || Value::from(json!([])), true),
    ("isArray", || Value::Array(vec![Value::from(1)]), true),
    ("isArray", || Value::from(json!({})), false),
    ("isArray", || Value::from(""), false),
    ("isArray", || Value::from("[é]"), false),
    ("isImmutable", || Value::from("a"), true),
    ("isImmutable", || Value::from(""), true),
    ("isImmutable", || Value::from("é"), true),
    ("isInt", || Value::from(12), true),
    ("isInt", || Value::from(12.0), true),
    ("isInt", || Value::from(12.5), false),
    ("isInt", || Value::from(u64::MAX), true),
    ("isFloat", || Value::from(-0.25), true),
    ("isFloat", || Value::from(f64::NAN), false),
    ("isFloat", || Value::from("12.50".parse::<rust_decimal::Decimal>().unwrap()), true),
    ("isBoolean", || Value::from(true), true),
    ("isBoolean", || Value::from(2), false),
    ("isUUID", || Value::from(uuid::Uuid::nil()), true),
    ("isDate", || Value::from(chrono::DateTime::UNIX_EPOCH), true),
    ("isDate", || Value::from(chrono::NaiveDate::MIN.with_year(2024).unwrap()), true),
    ("isDate", || Value::from(chrono::DateTime::UNIX_EPOCH.naive_utc()), true),
    ("isJSON", || Value::from(json!("{}")), true),
    ("isAscii", || Value::from(b"abc".to_vec()), true),
];

#[test]
fn values_that_are_no_text() {
    for (name, value, expected) in CASES {
        assert_eq!(passes(require(name).unwrap(), &value(), &[]).unwrap(), *expected, "{name} on {:?}", value());
    }
}

#[test]
fn an_immutable_field_keeps_what_was_loaded() {
    let rule = require("isImmutable").unwrap();
    let (old, new) = (Value::from("a"), Value::from("é"));
    let changed = |previous: &Value| (rule.check)(&Subject::new(&new).with_previous(previous), &[]).unwrap();
    assert!(!changed(&old));
    assert!(!changed(&Value::Null));
    assert!(changed(&new));
}

#[test]
fn numbers_are_compared_exactly() {
    let passes = |name: &str, value: Value, limit: Value| passes(require(name).unwrap(), &value, &[limit]).unwrap();
    assert!(!passes("max", Value::from(9_007_199_254_740_993i64), Value::from(9_007_199_254_740_992i64)));
    assert!(passes("max", Value::from(u64::MAX), Value::from(u64::MAX)));
    assert!(passes("min", Value::from("1e3"), Value::from(1000)));
    assert!(passes("isIn", Value::from("10.00".parse::<rust_decimal::Decimal>().unwrap()), Value::Array(vec![Value::from(10)])));
    assert!(passes("isIn", Value::from(10), Value::from(json!([10, 20]))));
    assert!(!passes("isIn", Value::from(15), Value::from(json!([10, 20]))));
}

#[test]
fn wrong_arguments_are_refused_with_what_the_rule_takes() {
    for (name, setting, message) in [
        ("len", json!(true), "validation rule len: at least one argument must be there; it takes min?: number, max?: number"),
        ("len", json!(["a"]), "min must be a number"),
        ("len", json!([1, 2, 3]), "at most 2 without a name"),
        ("isEmail", json!([1]), "its arguments have names"),
        ("isEmail", json!({ "sparkly": true }), "there is no argument sparkly"),
        ("isEmail", json!({ "require_tld": 1 }), "require_tld must be true or false"),
        ("isLowercase", json!("x"), "it takes nothing; it takes no arguments"),
        ("isIn", json!(true), "values is missing"),
        ("isIn", json!({ "a": 1 }), "must be a list"),
        ("equals", json!(true), "other is missing"),
        ("min", json!("abc"), "limit must be a number"),
        ("isAfter", json!("some day"), "comparisonDate must be a date"),
        ("isUUID", json!(9), "version 9 is not known; known are 1, 2, 3"),
        ("isAlpha", json!("xx-XX"), "locale xx-XX is not known; known are en-US"),
        ("isMobilePhone", json!([["de-DE", "xx"]]), "locale xx is not known"),
        ("isHash", json!("sha3"), "algorithm sha3 is not known; known are md5"),
        ("is", json!("("), "is no regular expression"),
        ("is", json!(["a", "q"]), "q is no flag"),
        ("is", json!(5), "pattern must be the text of a regular expression"),
    ] {
        let error = Setting::from_json(name, &setting).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(name), "{name} {setting}: {error}");
    }
}

#[test]
fn names_of_arguments_become_what_json_would_give() {
    let named = |rule: &str, bare: Vec<Value>, list: &[(&str, Value)]| {
        named_arguments(require(rule).unwrap(), bare, list.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    assert_eq!(named("len", vec![], &[("min", Value::from(1)), ("max", Value::from(80))]).unwrap(), [Value::from(1), Value::from(80)]);
    assert_eq!(named("len", vec![], &[("max", Value::from(80))]).unwrap(), [Value::Null, Value::from(80)]);
    assert_eq!(named("len", vec![Value::from(2)], &[("max", Value::from(80))]).unwrap(), [Value::from(2), Value::from(80)]);
    assert_eq!(named("isInt", vec![], &[("min", Value::from(1))]).unwrap(), [Value::from(json!({ "min": 1 }))]);
    assert_eq!(named("isEmail", vec![], &[]).unwrap(), []);
    assert!(named("isEmail", vec![], &[("sparkly", Value::from(1))]).is_err());
    let strong = named("strong_password", vec![], &[("min_length", Value::from(3)), ("min_symbols", Value::from(0))]).unwrap();
    assert!(passes(require("isStrongPassword").unwrap(), &Value::from("aB3"), &strong).unwrap());
}

#[test]
fn every_example_is_accepted() {
    for rule in all() {
        let samples: Vec<(String, Value)> = rule
            .arguments
            .list
            .iter()
            .filter(|argument| !argument.sample.is_empty())
            .map(|argument| (argument.name.to_owned(), Value::from(serde_json::from_str::<serde_json::Value>(argument.sample).unwrap())))
            .collect();
        let args = named_arguments(rule, Vec::new(), samples);
        assert!(args.is_ok(), "{}: {args:?}", rule.example());
        let args = args.unwrap();
        (rule.check)(&Subject::new(&Value::from("x")), &args).unwrap();
    }
}
