//! [`Setting`]: a rule as a definition in JSON spells it, `true | argument | [arguments] | { args, msg }`.

use super::{Rule, check_arguments, require};
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use serde_json::Value as Json;

/// A rule with its arguments and message.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The rule.
    pub rule: &'static Rule,
    /// Its arguments, checked.
    pub args: Vec<Value>,
    /// The message of its own, if it has one.
    pub message: Option<String>,
}

impl Setting {
    /// Reads one entry of Sequelize's `validate` object; `None` for a rule that is switched off by `false`.
    ///
    /// # Errors
    /// `Usage` for an unknown rule and for arguments that it does not take.
    #[track_caller]
    pub fn from_json(name: &str, setting: &Json) -> Result<Option<Setting>> {
        let rule = require(name)?;
        let (arguments, message) = match setting {
            Json::Bool(false) => return Ok(None),
            Json::Object(object) if object.contains_key("args") || object.contains_key("msg") => {
                let message = match object.get("msg") {
                    Some(Json::String(message)) => Some(message.clone()),
                    None | Some(Json::Null) => None,
                    Some(_) => return Err(Error::usage(format!("validation rule {name}: msg is a text"))),
                };
                let rest: serde_json::Map<_, _> =
                    object.iter().filter(|(key, _)| !matches!(key.as_str(), "args" | "msg")).map(clone).collect();
                match object.get("args") {
                    Some(Json::Bool(false)) => return Ok(None),
                    Some(arguments) => (arguments.clone(), message),
                    None if rest.is_empty() => (Json::Bool(true), message),
                    None => (Json::Object(rest), message),
                }
            }
            other => (other.clone(), None),
        };
        let args = match arguments {
            Json::Bool(true) | Json::Null => Vec::new(),
            Json::Array(items) => items.into_iter().map(value_of).collect(),
            single => vec![value_of(single)],
        };
        check_arguments(rule, &args)?;
        Ok(Some(Setting { rule, args, message }))
    }

    /// The sentence for people when the rule fails on this path.
    pub fn message(&self, path: &str) -> String {
        self.message.clone().unwrap_or_else(|| super::default_message(self.rule, path))
    }
}

fn clone((key, value): (&String, &Json)) -> (String, Json) {
    (key.clone(), value.clone())
}

/// An argument in JSON as a value: scalars and lists of them become plain values, an object stays JSON.
pub(super) fn value_of(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::I64(number),
            (None, Some(number)) => Value::U64(number),
            (None, None) => Value::F64(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::Array(items.into_iter().map(value_of).collect()),
        object @ Json::Object(_) => Value::from(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, setting: Json) -> Setting {
        Setting::from_json(name, &setting).unwrap().unwrap()
    }

    #[test]
    fn reads_every_form_of_sequelize() {
        assert_eq!(read("isEmail", json!(true)).args, []);
        assert_eq!(read("len", json!([2, 5])).args, [Value::I64(2), Value::I64(5)]);
        assert_eq!(read("isUUID", json!({ "args": "all" })).args, [Value::from("all")]);
        assert_eq!(read("isIn", json!([["a", "b"]])).args, [Value::Array(vec![Value::from("a"), Value::from("b")])]);
        assert_eq!(read("isInt", json!({ "min": 1 })).args, [Value::from(json!({ "min": 1 }))]);
        let setting = read("min", json!({ "args": [10], "msg": "too small" }));
        assert_eq!((setting.args.clone(), setting.message("age")), (vec![Value::I64(10)], "too small".to_owned()));
        assert_eq!(read("isEmail", json!({ "msg": "no" })).args, []);
        assert_eq!(read("isEmail", json!(true)).message("email"), "Validation isEmail on email failed");
    }

    #[test]
    fn false_switches_a_rule_off_and_an_unknown_one_is_an_error() {
        assert_eq!(Setting::from_json("isEmail", &json!(false)).unwrap(), None);
        let error = Setting::from_json("isSparkly", &json!(true)).unwrap_err();
        assert_eq!(error.sequelize_name(), "Error");
        assert!(error.to_string().contains("isSparkly"), "{error}");
        assert!(require("isEmial").unwrap_err().to_string().contains("did you mean isEmail"));
    }
}
