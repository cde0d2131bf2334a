//! Rules about the value itself: equality, membership, emptiness, kind.

use super::arguments::{Argument, Given, Kind};
use super::subject::text_of;
use super::{Rule, Subject, numbers};
use sequor_core::{Result, Value};

const ITEMS: &[Argument] = &[Argument::new("values", Kind::Items, "[\"red\", \"green\"]").required()];
const OTHER: &[Argument] = &[Argument::new("other", Kind::Text, "\"yes\"").required()];
const EMPTY: &[Argument] = &[Argument::new("ignore_whitespace", Kind::Bool, "")];

pub(super) const RULES: &[Rule] = &[
    Rule::new("isIn", "is_in", is_in, "is one of the list").takes(ITEMS, 1),
    Rule::new("notIn", "not_in", not_in, "is not one of the list").takes(ITEMS, 1),
    Rule::new("equals", "equals", equals, "is this text").takes(OTHER, 1),
    Rule::new("notNull", "not_null", not_null, "is not null"),
    Rule::new("notEmpty", "not_empty", not_empty, "has a character that is no white space"),
    Rule::new("isEmpty", "empty", is_empty, "is the empty text").takes(EMPTY, 0),
    Rule::new("isNull", "null", is_empty, "is the empty text (the name is Sequelize's)").takes(EMPTY, 0),
    Rule::new("isArray", "array", is_array, "is a list"),
    Rule::new("isImmutable", "immutable", is_immutable, "is what it was when the row was loaded; new rows pass"),
    Rule::new("isBoolean", "boolean", is_boolean, "is `true`, `false`, `1` or `0` (loose: also `yes` and `no`, in any case)")
        .takes(&[Argument::new("loose", Kind::Bool, "")], 0),
];

fn is_in(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(Given(args).items().any(|item| same(subject, &item)))
}

fn not_in(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    is_in(subject, args).map(|found| !found)
}

/// Text is compared as text; numbers also by value, so that a decimal 10.00 is in [10].
fn same(subject: &Subject<'_>, item: &Value) -> bool {
    subject.text() == text_of(item)
        || numbers::is_number(subject.value())
            && numbers::is_number(item)
            && numbers::compare(subject.text(), &text_of(item)).is_some_and(|order| order.is_eq())
}

fn equals(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(Given(args).text(0, "other").is_some_and(|other| other == subject.text()))
}

fn not_null(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(!subject.value().is_null())
}

fn not_empty(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().chars().any(|letter| !is_space(letter)))
}

fn is_empty(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let ignore = Given(args).flag(super::arguments::NAMED, "ignore_whitespace", false);
    Ok(subject.text().is_empty() || ignore && subject.text().chars().all(is_space))
}

fn is_array(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(match subject.value() {
        Value::Array(_) => true,
        Value::Json(json) => json.is_array(),
        _ => false,
    })
}

fn is_immutable(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.previous().is_none_or(|previous| previous == subject.value()))
}

fn is_boolean(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let strict = ["true", "false", "1", "0"];
    if !Given(args).flag(super::arguments::NAMED, "loose", false) {
        return Ok(strict.contains(&subject.text()));
    }
    let text = subject.text().to_lowercase();
    Ok(strict.contains(&text.as_str()) || text == "yes" || text == "no")
}

/// What JavaScript's `\s` matches.
pub(super) fn is_space(letter: char) -> bool {
    letter == '\u{FEFF}' || letter.is_whitespace() && letter != '\u{85}'
}
