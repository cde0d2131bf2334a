//! The rules held against `tests/cases.json`: the inputs of validator.js's own tests (MIT license, © Chris O'Hara), and some more, each
//! with the answer that Sequelize 6.37.8 gave on validator.js 13.15.35.

mod own;
mod page;

use super::*;
use serde_json::Value as Json;

/// Inputs on which Sequor decides otherwise, and why.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("isAlpha", "", "Sequelize lets the empty text pass for Korean alone"),
    ("isAlphanumeric", "", "Sequelize lets the empty text pass for Korean alone"),
    ("isDate", "2024-", "a fragment"),
    ("isDate", "2024-05-", "a fragment"),
    ("isDate", "2024/", "a fragment"),
    ("isDate", "2024/05/", "a fragment"),
    ("isDate", "2024/05/01/", "a fragment"),
    ("isDate", "1", "a fragment"),
    ("isDate", "12", "a fragment"),
    ("isDate", "foo 2024", "a fragment"),
    ("isDate", "tomorrow 5", "a fragment"),
];

/// Arguments that Sequelize takes and never can be right; Sequor refuses them when the model is defined.
const REFUSED: &[(&str, &str)] = &[
    ("isAfter", "no date"),
    ("isBefore", "no date"),
    ("isHexColor", "an argument without a name"),
    ("isIP", "an unknown version"),
    ("isIPRange", "an unknown version"),
    ("isISBN", "an unknown version"),
    ("isLength", "no length, or no list of lengths"),
    ("isUUID", "an unknown version"),
    ("isVAT", "HN and PA, of which Sequelize knows no number"),
];

/// The cases of one rule with one list of arguments.
struct Group {
    setting: Setting,
    /// Each input, and whether it passes in Sequelize.
    inputs: Vec<(String, bool)>,
}

fn recorded() -> Vec<Group> {
    let groups: Vec<Json> = serde_json::from_str(include_str!("tests/cases.json")).unwrap();
    let texts = |list: &Json, passes: bool| -> Vec<(String, bool)> {
        list.as_array().unwrap().iter().map(|text| (text.as_str().unwrap().to_owned(), passes)).collect()
    };
    let read = |group: &Json| {
        let name = group["rule"].as_str().unwrap();
        let setting = match Setting::from_json(name, &group["args"]) {
            Ok(setting) => setting.unwrap(),
            Err(error) => {
                assert!(REFUSED.iter().any(|(rule, _)| *rule == name), "{name} {}: {error}", group["args"]);
                return None;
            }
        };
        assert_eq!(setting.rule.key, name);
        Some(Group { setting, inputs: [texts(&group["valid"], true), texts(&group["invalid"], false)].concat() })
    };
    groups.iter().filter_map(read).collect()
}

fn deviates(rule: &Rule, input: &str) -> bool {
    let number = input.trim().parse::<f64>().is_ok();
    // `min` and `max`: Sequelize lets text that is no number pass.
    DEVIATIONS.iter().any(|(name, text, _)| *name == rule.key && *text == input) || matches!(rule.key, "min" | "max") && !number
}

#[test]
fn answers_as_sequelize_does() {
    let mut wrong = Vec::new();
    for Group { setting, inputs } in recorded() {
        for (input, expected) in inputs {
            let found = passes(setting.rule, &Value::from(input.as_str()), &setting.args).unwrap();
            if found != expected && !deviates(setting.rule, &input) {
                wrong.push(format!("{}({:?}) on {input:?}: {found}", setting.rule.key, setting.args));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn text_that_is_no_number_breaks_limits() {
    for name in ["min", "max"] {
        let rule = require(name).unwrap();
        for text in ["", "abc", "é", "12abc", "NaN"] {
            assert!(!passes(rule, &Value::from(text), &[Value::from(20)]).unwrap(), "{name} on {text:?}");
        }
    }
}

/// What kinds of cases a rule has.
#[derive(Default)]
struct Kinds {
    valid: bool,
    invalid: bool,
    empty: bool,
    foreign: bool,
    null: bool,
}

#[test]
fn every_rule_has_every_kind_of_case() {
    let groups = recorded();
    for rule in all() {
        let mut kinds = Kinds::default();
        let mut note = |value: &Value, expected: bool| {
            kinds.valid |= expected;
            kinds.invalid |= !expected;
            match value {
                Value::Null => kinds.null = true,
                Value::Text(text) => {
                    kinds.empty |= text.is_empty();
                    kinds.foreign |= !text.is_ascii();
                }
                _ => {}
            }
        };
        for group in groups.iter().filter(|group| group.setting.rule == rule) {
            group.inputs.iter().for_each(|(input, expected)| note(&Value::from(input.as_str()), *expected));
        }
        own::CASES.iter().filter(|(name, ..)| *name == rule.key).for_each(|(_, value, expected)| note(&value(), *expected));
        note(&Value::Null, passes(rule, &Value::Null, &[]).unwrap());
        // What an immutable field fails by is the value before: `own::an_immutable_field_keeps_what_was_loaded`.
        kinds.invalid |= rule.key == "isImmutable";
        let Kinds { valid, invalid, empty, foreign, null } = kinds;
        let key = rule.key;
        assert!(
            valid && invalid && empty && foreign && null,
            "{key}: valid {valid} invalid {invalid} empty {empty} non-ASCII {foreign} null {null}"
        );
    }
}

#[test]
fn null_passes_all_rules_but_one() {
    for rule in all() {
        assert_eq!(passes(rule, &Value::Null, &[]).unwrap(), rule.key != "notNull", "{}", rule.key);
    }
}

#[test]
fn every_rule_is_found_by_each_of_its_names() {
    for rule in all() {
        assert_eq!(find(rule.key), Some(rule));
        assert_eq!(find(rule.attribute).map(|found| found.attribute), Some(rule.attribute));
    }
    for (name, key) in [
        ("isEmail", "isEmail"),
        ("is_email", "isEmail"),
        ("email", "isEmail"),
        ("isURL", "isURL"),
        ("isUrl", "isUrl"),
        ("url", "isUrl"),
        ("in", "isIn"),
        ("regex", "regex"),
        ("isUuid", "isUUID"),
        ("not_regex", "notRegex"),
        ("iso8601", "isISO8601"),
        ("mac_address", "isMACAddress"),
        ("is_isbn", "isISBN"),
    ] {
        assert_eq!(find(name).map(|rule| rule.key), Some(key), "{name}");
    }
    assert_eq!(find("sparkly"), None);
}

#[test]
fn no_two_rules_share_a_name_by_accident() {
    for (place, rule) in all().iter().enumerate() {
        for other in &all()[place + 1..] {
            assert_ne!(rule.key, other.key);
            assert!(rule.attribute != other.attribute || rule.key == "isUrl" && other.key == "isURL", "{} and {}", rule.key, other.key);
        }
    }
}

#[test]
fn messages_are_those_of_sequelize() {
    assert_eq!(default_message(require("isEmail").unwrap(), "email"), "Validation isEmail on email failed");
}

#[test]
fn no_value_upsets_a_rule() {
    let long = "9".repeat(5_000);
    let texts = [
        "",
        " ",
        "\0",
        "é",
        "日本",
        "😀",
        "\u{FEFF}",
        "+",
        "-",
        "@",
        "a@",
        "@a",
        "\"\"@a.b",
        "://",
        "http://:99999",
        "[::1]",
        "%",
        "/",
        ",",
        "(,)",
        "data:,",
        "xn--",
        "1:2:3",
        "99999999999999999999:00",
        "+999999999999999999",
        "2024-01-01T00:00:00+99999999999999999999",
        "Jan 99999999999999999999",
        "1 Jan 2000 1:00 +9999999999",
        "AD",
        "AD00",
        "-0",
        "1e999",
        "NaN",
        "0x",
        "rgb(",
        "mailto:",
        "magnet:?",
        "é".repeat(300).leak(),
        long.leak(),
    ];
    for rule in all() {
        let samples = rule.arguments.list.iter().filter(|argument| !argument.sample.is_empty());
        let samples =
            samples.map(|argument| (argument.name.to_owned(), Value::from(serde_json::from_str::<Json>(argument.sample).unwrap())));
        let args = named_arguments(rule, Vec::new(), samples.collect()).unwrap();
        let every_locale: Vec<Vec<Value>> = match rule.arguments.list.first().map(|argument| argument.kind) {
            Some(Kind::OneOf(known)) if rule.arguments.positional > 0 => known().into_iter().map(|name| vec![Value::from(name)]).collect(),
            _ => vec![args],
        };
        for (text, args) in texts.iter().flat_map(|text| every_locale.iter().map(move |args| (text, args))) {
            let passed = passes(rule, &Value::from(*text), args);
            assert!(passed.is_ok(), "{} on {text:?}: {passed:?}", rule.key);
        }
    }
}
