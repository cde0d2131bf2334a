//! Numbers of value-added tax, and license plates.

use super::super::arguments::{Argument, Given, Kind};
use super::super::codes::weighted;
use super::super::{Subject, pattern};
use super::plates;
use super::postal::{in_table, names};
use sequor_core::{Result, Value};

pub(super) const VAT: &[Argument] = &[Argument::new("countryCode", Kind::OneOf(countries), "\"DE\"").required()];
pub(super) const PLATE: &[Argument] = &[Argument::new("locale", Kind::OneOf(plate_locales), "\"de-DE\"").required()];

/// Countries and the form of their numbers; the country's own letters may stand in front.
const NUMBERS: &[(&str, &str)] = &[
    ("SM", r"\d{5}"),
    ("IS", r"\d{5,6}"),
    ("BO", r"\d{7}"),
    ("DK FI HU LU MT SI", r"\d{8}"),
    ("BG", r"\d{9,10}"),
    ("CA DE EE EL IL NZ PT RS UZ", r"\d{9}"),
    ("BE CO SK TR", r"\d{10}"),
    ("AR AU HR IT LV PE", r"\d{11}"),
    ("KZ SE UA UY", r"\d{12}"),
    ("EC MK", r"\d{13}"),
    ("IN SA", r"\d{15}"),
    ("AL", r"\w{9}[A-Z]"),
    ("AT", r"U\d{8}"),
    ("BR", r"(\d{2}.\d{3}.\d{3}/\d{4}-\d{2}|\d{3}.\d{3}.\d{3}-\d{2})"),
    ("CL", r"\d{8}-\d"),
    ("CR", r"\d{9,12}"),
    ("CY", r"\w{9}"),
    ("CZ", r"\d{8,10}"),
    ("DO", r"(\d{11}|\d{3}-\d{7}-\d|[145]\d{8}|[145]-\d{2}-\d{5}-\d)"),
    ("ES", r"\w\d{7}[A-Z]"),
    ("GT", r"\d{7}-\d"),
    ("ID", r"(\d{15}|\d{2}.\d{3}.\d{3}.\d-\d{3}.\d{3})"),
    ("IE", r"\d{7}\wW?"),
    ("LT", r"\d{9,12}"),
    ("MX", r"\w{3,4}\d{6}\w{3}"),
    ("NG", r"(\d{12}|\d{8}-\d{4})"),
    ("NI", r"\d{3}-\d{6}-\d{4}\w"),
    ("NL", r"\d{9}B\d{2}"),
    ("NO", r"\d{9}MVA"),
    ("PH", r"(\d{12}|\d{3} \d{3} \d{3} \d{3})"),
    ("PL", r"(\d{10}|\d{3}-\d{3}-\d{2}-\d{2}|\d{3}-\d{2}-\d{2}-\d{3})"),
    ("PY", r"\d{6,8}-\d"),
    ("RO", r"\d{2,10}"),
    ("RU", r"(\d{10}|\d{12})"),
    ("SV", r"\d{4}-\d{6}-\d{3}-\d"),
    ("VE", r"[JGVE]-(\d{9}|\d{8}-\d)"),
];

/// Countries whose letters are required, or others.
const WITH_LETTERS: &[(&str, &str)] = &[
    ("BY", r"(УНП )?\d{9}"),
    ("CH", r"(CHE[- ]?)?(\d{9}|\d{3}\.\d{3}\.\d{3}|\d{3} \d{3} \d{3}) ?(TVA|MWST|IVA)?"),
    ("FR", r"FR[A-Z0-9]{2}\d{9}"),
    ("GB", r"GB(\d{3} \d{4} ([0-8]\d|9[0-6])|\d{9} \d{3}|(GD[0-4]|HA[5-9])\d{2})"),
];

fn countries() -> Vec<&'static str> {
    names(NUMBERS).chain(names(WITH_LETTERS)).collect()
}

fn plate_locales() -> Vec<&'static str> {
    names(plates::PLATES).chain(["de-DE", "any"]).collect()
}

pub(super) fn is_vat(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let country = Given(args).text(0, "countryCode").unwrap_or_default();
    let (text, number) = (subject.text(), subject.text().strip_prefix(country.as_str()).unwrap_or(subject.text()));
    let form = in_table(NUMBERS, &country, number)? || in_table(WITH_LETTERS, &country, text)?;
    let digits: Vec<u32> = number.chars().filter_map(|digit| digit.to_digit(10)).collect();
    Ok(form && has_check_digit(&country, &digits))
}

fn has_check_digit(country: &str, digits: &[u32]) -> bool {
    let last = digits.last().copied().unwrap_or_default();
    match country {
        // One is taken from the first digit of an Australian business number.
        "AU" => {
            let sum = weighted(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
            digits[0] > 0 && sum > 10 && (sum - 10).is_multiple_of(89)
        }
        "CH" => (11 - weighted(&digits[..8], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == last,
        "PT" => (11 - weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == last,
        _ => true,
    }
}

pub(super) fn is_license_plate(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let locale = Given(args).text(0, "locale").unwrap_or_default();
    let german = locale == "de-DE" || locale == "any";
    let text = if ["sv-SE", "en-PK", "any"].contains(&locale.as_str()) { subject.text().trim() } else { subject.text() };
    Ok(german && pattern::has(subject.text(), &plates::german())? || in_table(plates::PLATES, &locale, text)?)
}
