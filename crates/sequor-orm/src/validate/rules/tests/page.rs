//! The page `docs/validators.md`, which is written from the table of rules.

use super::super::*;
use std::fmt::Write;

const HEAD: &str = "# Validation rules

<!-- Written by the tests of sequor-orm from the table of rules: change the table, then run
     SEQUOR_WRITE_DOCS=1 cargo test -p sequor-orm validators_page -->

Each rule stands in `#[field(validate(..))]` under its name without `is` (`is_email` works too), and in a definition in JSON under Sequelize's
name: `\"validate\": { \"isEmail\": true, \"len\": { \"args\": [1, 80], \"msg\": \"too long\" } }`.

- Null never reaches a rule: whether it may be there is `allow_null`'s matter (`Option` in a struct). `notNull` only changes that message.
- A rule sees the value as text, the way JavaScript's `String(value)` spells it; instants are ISO 8601.
- A failure without a message of its own reads `Validation isEmail on email failed`, as in Sequelize.
- Arguments may be given by name everywhere; those before `;` also without. In JSON names form an object: `{ \"isInt\": { \"min\": 1 } }`.
- Unknown rules, wrong arguments and bad regular expressions are errors when the model is defined.

";

const TAIL: &str = "
## Regular expressions

`is`, `not` and `matches` take JavaScript's syntax and flags. Patterns with look-around or back-references are matched by backtracking, which ends
in an error after 200,000 steps; all others take linear time.

## Where Sequor differs from Sequelize

- `min` and `max` fail on text that is no number; Sequelize lets it pass. They compare integers and decimals exactly.
- `false` as a setting switches a rule off; Sequelize runs it.
- `isIn: [\"a\", \"b\"]` is a list; Sequelize wants `[[\"a\", \"b\"]]`, which works too.
- `isUUID: true` takes any version; in Sequelize nothing passes.
- `isDate` refuses fragments such as `2024-`, `12` and `foo 2024`, which Node.js completes. Without a zone a date is UTC.
- `isArray` exists, and lists pass it.
- Expressions that validator.js forgot to anchor (`isCreditCard` of Mastercard, `isISO6346`, plates of Brazil, passports of Mozambique and the
  Philippines) are anchored.
- The functions of validator.js that change text (`trim`, `escape`, `toInt` ..) are no rules.
- `isStrongPassword` has no scores. Lists of hosts hold text, not regular expressions.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| Derive | Sequelize | Arguments | Passes when the value | Example |\n|---|---|---|---|---|\n");
    for rule in all() {
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {} | `{}` |",
            rule.attribute,
            rule.key,
            cell(&arguments(&rule.arguments)),
            cell(rule.doc),
            cell(&rule.example())
        );
    }
    page.push_str(&names());
    page + TAIL
}

fn arguments(arguments: &Arguments) -> String {
    let (bare, named) = arguments.list.split_at(arguments.positional.min(arguments.list.len()));
    let names = |list: &[Argument]| {
        list.iter()
            .map(|argument| format!("`{}`{}", argument.name, if argument.required { "" } else { "?" }))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (bare.is_empty(), named.is_empty()) {
        (true, true) => String::new(),
        (false, true) => names(bare),
        (true, false) => format!("; {}", names(named)),
        (false, false) => format!("{}; {}", names(bare), names(named)),
    }
}

/// The words that arguments of a closed list take.
fn names() -> String {
    let mut text = String::from("\n## Words that arguments take\n\n");
    for rule in all() {
        for argument in rule.arguments.list {
            if let Kind::OneOf(known) = argument.kind {
                let _ = writeln!(text, "- `{}`, `{}`: {}", rule.key, argument.name, known().join(", "));
            }
        }
    }
    text
}

#[test]
fn validators_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/validators.md");
    if std::env::var_os("SEQUOR_WRITE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stored == page(), "docs/validators.md is stale: run SEQUOR_WRITE_DOCS=1 cargo test -p sequor-orm validators_page");
}
