//! Rules about numbers, which are checked as text.

use super::arguments::{Argument, Given, Kind, NAMED};
use super::locales::decimal_separator;
use super::{Rule, Subject, pattern};
use rust_decimal::Decimal;
use sequor_core::{Result, Value};
use std::cmp::Ordering;

const LIMIT: &[Argument] = &[Argument::new("limit", Kind::Number, "23").required()];
const MIN: Argument = Argument::new("min", Kind::Number, "1");
const MAX: Argument = Argument::new("max", Kind::Number, "10");
const ABOVE: Argument = Argument::new("gt", Kind::Number, "");
const BELOW: Argument = Argument::new("lt", Kind::Number, "");
const LOCALE: Argument = Argument::new("locale", Kind::OneOf(super::locales::decimal_locales), "");

pub(super) const RULES: &[Rule] = &[
    Rule::new("min", "min", min, "is a number that is not less").takes(LIMIT, 1),
    Rule::new("max", "max", max, "is a number that is not greater").takes(LIMIT, 1),
    Rule::new("isInt", "int", is_int, "is an integer, within the limits if there are any")
        .takes(&[MIN, MAX, ABOVE, BELOW, Argument::new("allow_leading_zeroes", Kind::Bool, "")], 0),
    Rule::new("isFloat", "float", is_float, "is a number, perhaps with a fraction and an exponent, within the limits if there are any")
        .takes(&[MIN, MAX, ABOVE, BELOW, LOCALE], 0),
    Rule::new("isDecimal", "decimal", is_decimal, "is a number, perhaps with a fraction and an exponent, without a plus sign"),
    Rule::new("isNumeric", "numeric", is_numeric, "is a number without exponent (no_symbols: digits only)")
        .takes(&[Argument::new("no_symbols", Kind::Bool, ""), LOCALE], 0),
    Rule::new("isDivisibleBy", "divisible_by", is_divisible_by, "is a multiple of the number")
        .takes(&[Argument::new("number", Kind::Number, "5").required()], 1),
    Rule::new("isHexadecimal", "hexadecimal", is_hexadecimal, "has hexadecimal digits only, after `0x` or `0h` if it has that"),
    Rule::new("isOctal", "octal", is_octal, "has octal digits only, after `0o` if it has that"),
    Rule::new("isPort", "port", is_port, "is a port: an integer from 0 to 65535"),
];

/// Whether a value is a number itself, not the text of one.
pub(super) fn is_number(value: &Value) -> bool {
    match value {
        Value::I64(_) | Value::U64(_) | Value::F64(_) | Value::Decimal(_) => true,
        Value::Json(json) => json.is_number(),
        _ => false,
    }
}

/// Compares two texts as numbers, exactly where that is possible; `None` when one of them is no number.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let exact = |text: &str| text.parse::<Decimal>().ok();
    if let (Some(one), Some(other)) = (exact(one.trim()), exact(other.trim())) {
        return Some(one.cmp(&other));
    }
    let float = |text: &str| text.trim().parse::<f64>().ok();
    float(one)?.partial_cmp(&float(other)?)
}

/// Whether a text begins as a number does: limits say something of it in Sequelize.
pub(in crate::validate) fn is_numeral(text: &str) -> bool {
    let text = text.trim_start();
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.strip_prefix('.').unwrap_or(text).starts_with(|letter: char| letter.is_ascii_digit()) || text.starts_with("Infinity")
}

fn compared(subject: &Subject<'_>, args: Given<'_>, position: usize, name: &str) -> Option<Option<Ordering>> {
    Some(compare(subject.text(), &args.text(position, name)?))
}

// Sequelize lets text that is no number pass here; Sequor does not.
fn min(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(compared(subject, Given(args), 0, "limit").flatten().is_some_and(Ordering::is_ge))
}

fn max(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(compared(subject, Given(args), 0, "limit").flatten().is_some_and(Ordering::is_le))
}

fn within(subject: &Subject<'_>, args: Given<'_>) -> bool {
    let limit = |name, holds: fn(Ordering) -> bool| compared(subject, args, NAMED, name).is_none_or(|order| order.is_some_and(holds));
    limit("min", Ordering::is_ge) && limit("max", Ordering::is_le) && limit("gt", Ordering::is_gt) && limit("lt", Ordering::is_lt)
}

fn is_int(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let zeroes = args.flag(NAMED, "allow_leading_zeroes", true);
    let digits = subject.text().strip_prefix(['+', '-']).unwrap_or(subject.text());
    let form =
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) && (zeroes || digits == "0" || !digits.starts_with('0'));
    Ok(form && within(subject, args))
}

fn is_port(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let digits = subject.text().strip_prefix(['+', '-']).unwrap_or(subject.text());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    Ok(is_int(subject, &[])?
        && !leading_zero
        && compare(subject.text(), "0").is_some_and(Ordering::is_ge)
        && compare(subject.text(), "65535").is_some_and(Ordering::is_le))
}

fn is_float(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let text = subject.text();
    if matches!(text, "" | "." | "," | "+" | "-") {
        return Ok(false);
    }
    let separator = args.text(NAMED, "locale").map_or('.', |locale| decimal_separator(&locale));
    let form = pattern::has(text, &format!(r"^[-+]?[0-9]*(\{separator}[0-9]*)?([eE][-+]?[0-9]+)?$"))?;
    let plain = Value::from(text.replace(separator, "."));
    Ok(form && within(&Subject::new(&plain), args))
}

fn is_decimal(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(!subject.text().is_empty() && pattern::has(subject.text(), r"^(-?[0-9]+)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$")?)
}

fn is_numeric(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    if args.flag(NAMED, "no_symbols", false) {
        return pattern::has(subject.text(), "^[0-9]+$");
    }
    let separator = args.text(NAMED, "locale").map_or('.', |locale| decimal_separator(&locale));
    pattern::has(subject.text(), &format!(r"^[-+]?([0-9]*\{separator})?[0-9]+$"))
}

fn is_divisible_by(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let number = Given(args).number(0, "number").unwrap_or_default().trunc();
    Ok(is_float(subject, &[])? && subject.text().parse::<f64>().is_ok_and(|value| value % number == 0.0))
}

fn is_hexadecimal(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^(0[xXhH])?[0-9a-fA-F]+$")
}

fn is_octal(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^(0[oO])?[0-7]+$")
}
