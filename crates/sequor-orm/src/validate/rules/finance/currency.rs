//! Amounts of money as people write them.

use super::super::arguments::{Argument, Given, Kind, NAMED};
use super::super::{Subject, pattern};
use sequor_core::{Result, Value};

const fn flag(name: &'static str) -> Argument {
    Argument::new(name, Kind::Bool, "")
}

const fn text(name: &'static str, sample: &'static str) -> Argument {
    Argument::new(name, Kind::Text, sample)
}

pub(super) const ARGUMENTS: &[Argument] = &[
    text("symbol", "\"€\""),
    text("thousands_separator", "\".\""),
    text("decimal_separator", "\",\""),
    Argument::new("digits_after_decimal", Kind::List, ""),
    flag("require_symbol"),
    flag("symbol_after_digits"),
    flag("allow_space_after_symbol"),
    flag("allow_space_after_digits"),
    flag("allow_negatives"),
    flag("parens_for_negatives"),
    flag("negative_sign_before_digits"),
    flag("negative_sign_after_digits"),
    flag("allow_negative_sign_placeholder"),
    flag("allow_decimal"),
    flag("require_decimal"),
];

/// Text as it stands, for a regular expression.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_punctuation() { format!("\\{letter}") } else { letter.to_string() }).collect()
}

pub(super) fn is_currency(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let off = |name| args.flag(NAMED, name, false);
    let with_symbol = |amount: String| {
        let symbol = format!(
            "({}){}",
            plain(&args.text(NAMED, "symbol").unwrap_or_else(|| "$".into())),
            if off("require_symbol") { "" } else { "?" }
        );
        if off("symbol_after_digits") { format!("{amount}{symbol}") } else { format!("{symbol}{amount}") }
    };
    let negatives = args.flag(NAMED, "allow_negatives", true);
    let (parentheses, before, after) = (off("parens_for_negatives"), off("negative_sign_before_digits"), off("negative_sign_after_digits"));
    let amount = amount(args);
    let amount = match (negatives && !parentheses, after, before) {
        (true, true, _) => format!("{amount}-?"),
        (true, false, true) => format!("-?{amount}"),
        _ => amount,
    };
    let amount = if off("allow_negative_sign_placeholder") {
        format!("( (?!-))?{amount}")
    } else if off("allow_space_after_symbol") {
        format!(" ?{amount}")
    } else if off("allow_space_after_digits") {
        format!("{amount}( (?!$))?")
    } else {
        amount
    };
    let whole = with_symbol(amount);
    let whole = match (negatives, parentheses, before || after) {
        (true, true, _) => format!(r"(\({whole}\)|{whole})"),
        (true, false, false) => format!("-?{whole}"),
        _ => whole,
    };
    let text = subject.text();
    let digits = text.contains(|letter: char| letter.is_ascii_digit());
    Ok(digits && !text.strip_prefix('-').unwrap_or(text).starts_with(' ') && pattern::has(text, &format!("^{whole}$"))?)
}

/// The digits, with the separators of thousands and of the fraction.
fn amount(args: Given<'_>) -> String {
    let separator = |name, default: &str| plain(&args.text(NAMED, name).unwrap_or_else(|| default.into()));
    let digits = args.list(NAMED, "digits_after_decimal").filter(|digits| !digits.is_empty()).unwrap_or_else(|| vec!["2".into()]);
    let digits = digits.iter().map(|count| format!("[0-9]{{{}}}", count.parse::<u8>().unwrap_or(2))).collect::<Vec<_>>().join("|");
    let thousands = separator("thousands_separator", ",");
    let units = format!("(0|[1-9][0-9]*|[1-9][0-9]{{0,2}}({thousands}[0-9]{{3}})*)?");
    let required = args.flag(NAMED, "require_decimal", false);
    if !required && !args.flag(NAMED, "allow_decimal", true) {
        return units;
    }
    format!("{units}({}({digits})){}", separator("decimal_separator", "."), if required { "" } else { "?" })
}
