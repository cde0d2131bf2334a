//! Rules about text: its length, its characters, what it contains.

use super::arguments::{Argument, Given, Kind, NAMED};
use super::{Rule, Subject, pattern};
use sequor_core::{Result, Value};

const LENGTHS: &[Argument] = &[Argument::new("min", Kind::Number, "1"), Argument::new("max", Kind::Number, "80")];
const DISCRETE: &[Argument] = &[LENGTHS[0], LENGTHS[1], Argument::new("discreteLengths", Kind::List, "")];
const NEEDLE: &[Argument] = &[Argument::new("text", Kind::Text, "\"foo\"").required()];
const PATTERN: &[Argument] = &[Argument::new("pattern", Kind::Pattern, "\"^[a-z]+$\"").required(), Argument::new("flags", Kind::Flags, "")];
const CHARACTERS: &[Argument] = &[Argument::new("chars", Kind::Text, "\"abc\"").required()];

pub(super) const RULES: &[Rule] = &[
    Rule::new("len", "len", is_length, "has so many characters, both limits included").takes_any(LENGTHS, 2),
    Rule::new("isLength", "length", is_length, "has so many characters, both limits included").takes_any(DISCRETE, 2),
    Rule::new("isByteLength", "byte_length", is_byte_length, "has so many bytes as UTF-8, both limits included").takes_any(LENGTHS, 2),
    Rule::new("is", "is", is, "matches the regular expression").takes(PATTERN, 2),
    Rule::new("regex", "regex", is, "matches the regular expression").takes(PATTERN, 2),
    Rule::new("matches", "matches", is, "matches the regular expression").takes(PATTERN, 2),
    Rule::new("not", "not", not, "does not match the regular expression").takes(PATTERN, 2),
    Rule::new("notRegex", "not_regex", not, "does not match the regular expression").takes(PATTERN, 2),
    Rule::new("contains", "contains", contains, "contains the text, which must not be empty").takes(NEEDLE, 1),
    Rule::new("notContains", "not_contains", not_contains, "does not contain the text").takes(NEEDLE, 1),
    Rule::new("isLowercase", "lowercase", is_lowercase, "has no upper-case letter"),
    Rule::new("isUppercase", "uppercase", is_uppercase, "has no lower-case letter"),
    Rule::new("isAscii", "ascii", is_ascii, "has ASCII characters only, at least one"),
    Rule::new("isMultibyte", "multibyte", is_multibyte, "has a character beyond ASCII"),
    Rule::new("isFullWidth", "full_width", is_full_width, "has a full-width character"),
    Rule::new("isHalfWidth", "half_width", is_half_width, "has a half-width character"),
    Rule::new("isVariableWidth", "variable_width", is_variable_width, "has full-width and half-width characters"),
    Rule::new("isSurrogatePair", "surrogate_pair", is_surrogate_pair, "has a character beyond U+FFFF, such as most emoji"),
    Rule::new("isSlug", "slug", is_slug, "is a slug: `a-z`, `0-9`, single `-` and `_` inside"),
    Rule::new("isWhitelisted", "whitelisted", is_whitelisted, "has none but these characters").takes(CHARACTERS, 1),
    Rule::new(
        "isStrongPassword",
        "strong_password",
        is_strong_password,
        "is long and mixed enough (8 characters, one of each kind, unless told otherwise)",
    )
    .takes(
        &[
            Argument::new("minLength", Kind::Number, "12"),
            Argument::new("minLowercase", Kind::Number, ""),
            Argument::new("minUppercase", Kind::Number, ""),
            Argument::new("minNumbers", Kind::Number, ""),
            Argument::new("minSymbols", Kind::Number, ""),
        ],
        0,
    ),
];

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn within(length: usize, args: Given<'_>) -> bool {
    let length = count(length);
    args.number(0, "min").is_none_or(|min| length >= min) && args.number(1, "max").is_none_or(|max| length <= max)
}

fn is_length(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    // A variation selector belongs to the character before it.
    let (mut length, mut before) = (0, true);
    for letter in subject.text().chars() {
        let selector = matches!(letter, '\u{FE0E}' | '\u{FE0F}');
        length += usize::from(before || !selector);
        before = selector;
    }
    let discrete = args.list(NAMED, "discreteLengths");
    Ok(within(length, args) && discrete.is_none_or(|lengths| lengths.iter().any(|known| *known == length.to_string())))
}

fn is_byte_length(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(within(subject.text().len(), Given(args)))
}

fn is(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let source = args.text(0, "pattern").unwrap_or_default();
    pattern::matches(subject.text(), &source, &args.text(1, "flags").unwrap_or_default())
}

fn not(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    is(subject, args).map(|matched| !matched)
}

fn contains(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let needle = Given(args).text(0, "text").unwrap_or_default();
    Ok(!needle.is_empty() && subject.text().contains(&needle))
}

fn not_contains(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    contains(subject, args).map(|found| !found)
}

fn is_lowercase(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text() == subject.text().to_lowercase())
}

fn is_uppercase(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text() == subject.text().to_uppercase())
}

fn is_ascii(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(!subject.text().is_empty() && subject.text().is_ascii())
}

fn is_multibyte(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(!subject.text().is_ascii())
}

/// The half-width forms: printable ASCII, and what Unicode calls half-width kana, hangul and symbols.
fn half_width(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{FF61}'..='\u{FFDC}' | '\u{FFE8}'..='\u{FFEE}')
}

fn is_full_width(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().chars().any(|letter| !half_width(letter)))
}

fn is_half_width(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().chars().any(half_width))
}

fn is_variable_width(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(is_full_width(subject, args)? && is_half_width(subject, args)?)
}

fn is_surrogate_pair(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().chars().any(|letter| letter > '\u{FFFF}'))
}

fn is_slug(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let text = subject.text().as_bytes();
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let separator = |byte: u8| byte == b'-' || byte == b'_';
    Ok(alphanumeric(text.first())
        && alphanumeric(text.last())
        && text.iter().all(|byte| alphanumeric(Some(byte)) || separator(*byte))
        && !text.windows(2).any(|pair| separator(pair[0]) && separator(pair[1])))
}

fn is_whitelisted(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let known = Given(args).text(0, "chars").unwrap_or_default();
    Ok(subject.text().chars().all(|letter| known.contains(letter)))
}

fn is_strong_password(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let (text, args) = (subject.text(), Given(args));
    let enough = |name, default, found: usize| count(found) >= args.number(NAMED, name).unwrap_or(default);
    let letters = |kind: fn(&char) -> bool| text.chars().filter(kind).count();
    Ok(enough("minLength", 8.0, text.encode_utf16().count())
        && enough("minLowercase", 1.0, letters(char::is_ascii_lowercase))
        && enough("minUppercase", 1.0, letters(char::is_ascii_uppercase))
        && enough("minNumbers", 1.0, letters(char::is_ascii_digit))
        && enough("minSymbols", 1.0, letters(|letter| *letter == ' ' || *letter == '£' || letter.is_ascii_punctuation())))
}
