//! Rules about codes that some register gives out: books, goods, devices, countries, currencies, languages, places.

mod lists;

use super::arguments::{Argument, Given, Kind, NAMED};
use super::{Rule, Subject, pattern};
use sequor_core::{Result, Value};

const OWN_CODES: &[Argument] = &[Argument::new("userAssignedCodes", Kind::List, "")];

pub(super) const RULES: &[Rule] = &[
    Rule::new("isISBN", "isbn", is_isbn, "is an ISBN with a valid check digit")
        .takes(&[Argument::new("version", Kind::OneOf(isbn_versions), "13")], 1),
    Rule::new("isISSN", "issn", is_issn, "is an ISSN with a valid check digit")
        .takes(&[Argument::new("require_hyphen", Kind::Bool, ""), Argument::new("case_sensitive", Kind::Bool, "")], 0),
    Rule::new("isISRC", "isrc", is_isrc, "is an ISRC (a recording)"),
    Rule::new("isEAN", "ean", is_ean, "is an EAN of 8, 13 or 14 digits with a valid check digit"),
    Rule::new("isIMEI", "imei", is_imei, "is an IMEI (a telephone) with a valid check digit")
        .takes(&[Argument::new("allow_hyphens", Kind::Bool, "")], 0),
    Rule::new("isISO6346", "iso6346", is_container, "is the id of a freight container (ISO 6346)"),
    Rule::new("isFreightContainerID", "freight_container_id", is_container, "is the id of a freight container (ISO 6346)"),
    Rule::new("isISO31661Alpha2", "iso31661_alpha2", is_alpha2, "is a country in two letters, such as `DE`").takes(OWN_CODES, 0),
    Rule::new("isISO31661Alpha3", "iso31661_alpha3", is_alpha3, "is a country in three letters, such as `DEU`").takes(OWN_CODES, 0),
    Rule::new("isISO31661Numeric", "iso31661_numeric", is_numeric, "is a country in three digits, such as `276`"),
    Rule::new("isISO4217", "iso4217", is_currency_code, "is a currency such as `EUR`"),
    Rule::new("isISO6391", "iso6391", is_language, "is a language in two letters, such as `de`"),
    Rule::new("isISO15924", "iso15924", is_script, "is a script such as `Latn`"),
    Rule::new("isLocale", "locale", is_locale, "has the form of a language tag, such as `de-AT` or `zh_Hant_TW`"),
    Rule::new("isLatLong", "lat_long", is_lat_long, "is a latitude and a longitude, with a comma between them")
        .takes(&[Argument::new("checkDMS", Kind::Bool, "")], 0),
];

fn isbn_versions() -> Vec<&'static str> {
    vec!["10", "13"]
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

/// Luhn's formula: every second digit from the right counts double, with its digits added up. False for anything but digits.
pub(super) fn luhn(text: &str) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits(text).iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { double(*digit) } else { *digit }).sum();
    text.bytes().all(|digit| digit.is_ascii_digit()) && sum.is_multiple_of(10)
}

/// The sum of the digits, each with its weight.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

pub(super) fn is_country(code: &str) -> bool {
    lists::has(lists::ALPHA2, code)
}

fn is_isbn(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let text: String = subject.text().chars().filter(|letter| *letter != '-' && !super::membership::is_space(*letter)).collect();
    let version = Given(args).text(0, "version");
    let wants = |wanted: &str| version.as_deref().is_none_or(|version| version == wanted);
    Ok(wants("10") && isbn10(&text)?
        || wants("13")
            && pattern::has(&text, "^[0-9]{13}$")?
            && weighted(&digits(&text), &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10))
}

fn isbn10(text: &str) -> Result<bool> {
    let last = if text.ends_with('X') { 10 } else { 0 };
    Ok(pattern::has(text, "^[0-9]{9}[0-9X]$")? && (weighted(&digits(text), &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) + last).is_multiple_of(11))
}

fn is_issn(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let hyphen = if args.flag(NAMED, "require_hyphen", false) { "-" } else { "-?" };
    let last = if args.flag(NAMED, "case_sensitive", false) { "[0-9X]" } else { "[0-9Xx]" };
    let form = pattern::has(subject.text(), &format!("^[0-9]{{4}}{hyphen}[0-9]{{3}}{last}$"))?;
    let check = if subject.text().ends_with(['x', 'X']) { 10 } else { 0 };
    Ok(form && (weighted(&digits(subject.text()), &[8, 7, 6, 5, 4, 3, 2, 1]) + check).is_multiple_of(11))
}

fn is_isrc(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^[A-Z]{2}[0-9A-Z]{3}[0-9]{7}$")
}

/// From the right, digits count once and three times in turn.
fn is_ean(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let reversed: Vec<u32> = digits(subject.text()).into_iter().rev().collect();
    Ok(pattern::has(subject.text(), "^([0-9]{8}|[0-9]{13}|[0-9]{14})$")?
        && weighted(&reversed, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]).is_multiple_of(10))
}

fn is_imei(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let form = if Given(args).flag(NAMED, "allow_hyphens", false) { "^[0-9]{2}-[0-9]{6}-[0-9]{6}-[0-9]$" } else { "^[0-9]{15}$" };
    Ok(pattern::has(subject.text(), form)? && luhn(&subject.text().replace('-', "")))
}

fn is_container(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let text = subject.text().to_ascii_uppercase();
    if !pattern::has(&text, "^[A-Z]{3}(U[0-9]{7}|[JZ][0-9]{6,7})$")? {
        return Ok(false);
    }
    if text.len() < 11 {
        return Ok(true);
    }
    // Letters are 10 and up, without the multiples of 11.
    let value = |letter: char| letter.to_digit(36).map_or(0, |digit| if digit < 10 { digit } else { digit + (digit - 1) / 10 });
    let sum: u32 = text.chars().take(10).enumerate().map(|(place, letter)| value(letter) << place).sum();
    Ok(digits(&text).last().copied() == Some(sum % 11 % 10))
}

fn is_alpha2(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(is_code(subject, args, lists::ALPHA2, 2))
}

fn is_alpha3(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(is_code(subject, args, lists::ALPHA3, 3))
}

fn is_code(subject: &Subject<'_>, args: &[Value], list: &str, length: usize) -> bool {
    let code = subject.text().to_ascii_uppercase();
    let own = Given(args).list(NAMED, "userAssignedCodes").unwrap_or_default();
    lists::has(list, &code)
        || own
            .iter()
            .any(|own| own.len() == length && own.bytes().all(|letter| letter.is_ascii_alphabetic()) && own.to_ascii_uppercase() == code)
}

fn is_numeric(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(lists::has(lists::NUMERIC, subject.text()))
}

fn is_currency_code(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(lists::has(lists::CURRENCIES, &subject.text().to_ascii_uppercase()))
}

fn is_language(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(lists::has(lists::LANGUAGES, subject.text()))
}

/// Any registered script; Qaaa to Qabx are for private use.
fn is_script(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(lists::has(lists::SCRIPTS, subject.text()) || pattern::has(subject.text(), "^Qa(a[a-z]|b[a-x])$")?)
}

/// RFC 5646, with `_` for `-` too.
fn is_locale(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    const LANGUAGE: &str = "([a-zA-Z]{2,3}(-[a-zA-Z]{3}(-[a-zA-Z]{3}){0,2})?|[a-zA-Z]{5,8})";
    const VARIANT: &str = "([a-zA-Z0-9]{5,8}|[0-9][a-zA-Z0-9]{3})";
    const EXTENSION: &str = "[0-9a-wy-zA-WY-Z](-[a-zA-Z0-9]{2,8})+";
    const PRIVATE: &str = "x(-[a-zA-Z0-9]{1,8})+";
    let tag = format!("{LANGUAGE}([-_][a-zA-Z]{{4}})?([-_]([a-zA-Z]{{2}}|[0-9]{{3}}))?([-_]{VARIANT})*([-_]{EXTENSION})*([-_]{PRIVATE})?");
    Ok(lists::has(lists::OLD_TAGS, subject.text()) || pattern::has(subject.text(), &format!("^({tag}|{PRIVATE})$"))?)
}

fn is_lat_long(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let mut parts = subject.text().split(',');
    let (Some(latitude), Some(longitude)) = (parts.next(), parts.next()) else { return Ok(false) };
    if latitude.starts_with('(') != longitude.ends_with(')') {
        return Ok(false);
    }
    if Given(args).flag(NAMED, "checkDMS", false) {
        const SIXTY: &str = "([1-5]?[0-9]|60)";
        let form = |degrees: &str, most: &str, sides: &str| {
            format!(r"^\s*({degrees}\D+{SIXTY}\D+{SIXTY}(\.[0-9]+)?|{most}\D+0\D+0)\D+[{sides}]?$")
        };
        return Ok(!latitude.starts_with(super::membership::is_space)
            && pattern::has(latitude, &form("[1-8]?[0-9]", "90", "NSns"))?
            && pattern::has(longitude, &form("[1-7]?[0-9]{1,2}", "180", "EWew"))?);
    }
    Ok(pattern::has(latitude, r"^\(?[-+]?(90(\.0+)?|[1-8]?[0-9](\.[0-9]+)?)$")?
        && pattern::has(longitude, r"^\s?[-+]?(180(\.0+)?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]+)?)\)?$")?)
}
