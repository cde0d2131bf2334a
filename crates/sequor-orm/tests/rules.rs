//! The derive's list of rules is the engine's: names, arguments, and which of them may stand without a name.

#![allow(missing_docs, dead_code)]

extern crate sequor_orm as sequor;

#[path = "../../sequor-macros/src/model/rules/list.rs"]
mod list;

use sequor::validate::rules::{Kind, all};

fn arguments(rule: &sequor::validate::rules::Rule) -> Vec<String> {
    let mark = |kind: Kind, required: bool| match (kind, required) {
        (Kind::Items, _) => "*",
        (_, true) => "!",
        (_, false) => "",
    };
    rule.arguments.list.iter().map(|argument| format!("{}{}", argument.name, mark(argument.kind, argument.required))).collect()
}

#[test]
fn the_derive_knows_the_rules_of_the_engine() {
    for rule in all() {
        let Some(known) = list::RULES.iter().find(|known| known.name == rule.attribute) else {
            unreachable!("the derive does not know {}", rule.attribute);
        };
        assert_eq!(
            (known.arguments.to_vec(), known.positional),
            (arguments(rule).iter().map(String::as_str).collect(), rule.arguments.positional),
            "{}",
            rule.attribute
        );
    }
    for known in list::RULES {
        assert!(all().iter().any(|rule| rule.attribute == known.name), "the engine does not know {}", known.name);
        assert!(all().iter().any(|rule| rule.key == known.key), "the engine does not know {}", known.key);
    }
}
