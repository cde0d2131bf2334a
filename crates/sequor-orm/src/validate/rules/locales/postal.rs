//! Postal codes and numbers of passports.

use super::super::arguments::{Argument, Given, Kind};
use super::super::{Subject, membership, pattern};
use sequor_core::{Result, Value};

pub(super) const POSTAL: &[Argument] = &[Argument::new("locale", Kind::OneOf(postal_countries), "\"DE\"").required()];
pub(super) const PASSPORT: &[Argument] = &[Argument::new("countryCode", Kind::OneOf(passport_countries), "\"DE\"").required()];

/// Countries and the form of their postal codes, in lower case.
const POSTAL_CODES: &[(&str, &str)] = &[
    ("IS MG", r"\d{3}"),
    ("AT AU BE BG CH DK HU LU NO NZ SI TN ZA", r"\d{4}"),
    ("DE DO DZ EE FI ID IT JO KE LK MX MY PK SA TH UA ZM", r"\d{5}"),
    ("RO RU SG", r"\d{6}"),
    ("CZ GR SK", r"\d{3}\s?\d{2}"),
    ("AD", r"AD\d{3}"),
    ("AR", r"([a-hj-np-z]\d{4}[a-z]{3}|[1-9]\d{3})"),
    ("AZ", r"AZ\d{4}"),
    ("BA", r"[78]\d{4}"),
    ("BD", r"([1-8]\d{3}|9[0-4]\d{2})"),
    ("BR", r"\d{5}-?\d{3}"),
    ("BY", r"2[1-4]\d{4}"),
    ("CA", r"[abceghj-nprstvxy]\d[abceghj-nprstv-z][\s-]?\d[abceghj-nprstv-z]\d"),
    ("CN", r"(0[1-7]|1[0-356]|2[0-7]|3[0-6]|4[0-7]|[56][1-7]|7[1-5]|8[1345]|9[09])\d{4}"),
    ("CO", r"(05|08|1[135789]|2[0357]|4[147]|5[024]|6[368]|7[036]|8[1568]|9[14579])\d{4}"),
    ("ES", r"(5[0-2]|[0-4]\d)\d{3}"),
    ("FR", r"((0[1-9]|[1-8]\d|9[0-5])\d{3}|97[1-46]\d{2})"),
    ("GB", r"(gir\s?0aa|[a-z]{1,2}\d[\da-z]?\s?(\d[a-z]{2})?)"),
    ("HR", r"[1-5]\d{4}"),
    ("HT", r"HT\d{4}"),
    ("IE", r"[a-np-z]\d[\dw]\s[\da-np-z_]{4}"),
    ("IL", r"(\d{5}|\d{7})"),
    ("IN", r"(?!10|29|35|54|55|65|66|86|87|88|89)[1-9]\d{5}"),
    ("IR", r"(?!(\d)\1{3})[13-9]{4}[1346-9][013-9]{5}"),
    ("JP", r"\d{3}-\d{4}"),
    ("KR", r"\d{5,6}"),
    ("LI", r"(948[5-9]|949[0-7])"),
    ("LT", r"LT-\d{5}"),
    ("LV", r"LV-\d{4}"),
    ("MC", r"980\d{2}"),
    ("MT", r"[a-z]{3}\s?\d{4}"),
    ("NL", r"[1-9]\d{3}\s?(?!s[ads])[a-z]{2}"),
    ("NP", r"((10|21|22|32|33|34|44|45|56|57)\d{3}|977)"),
    ("PL", r"\d{2}-\d{3}"),
    ("PR", r"00[679]\d{2}([ -]\d{4})?"),
    ("PT", r"\d{4}-\d{3}"),
    ("SE", r"[1-9]\d{2}\s?\d{2}"),
    ("TW", r"\d{3}(\d{2,3})?"),
    ("US", r"\d{5}(-\d{4})?"),
];

/// Countries and the form of the numbers of their passports.
const PASSPORTS: &[(&str, &str)] = &[
    ("BG DK DZ GB HR RU", r"\d{9}"),
    ("CZ SE", r"\d{8}"),
    ("MT", r"\d{7}"),
    ("RO", r"\d{8,9}"),
    ("PT", r"[A-Z]\d{6}"),
    ("AT AU CH KZ", r"[A-Z]\d{7}"),
    ("AZ IR MX TR", r"[A-Z]\d{8}"),
    ("BE BR UA", r"[A-Z]{2}\d{6}"),
    ("AM BY FI GR JP PK PL", r"[A-Z]{2}\d{7}"),
    ("AR", r"[A-Z]{3}\d{6}"),
    ("IE IT LV", r"[A-Z0-9]{2}\d{7}"),
    ("LT LU LY", r"[A-Z0-9]{8}"),
    ("CA", r"([A-Z]{2}\d{6}|[A-Z]\d{6}[A-Z]{2})"),
    ("CN", r"(G\d{8}|E[A-HJ-NP-Z0-9]\d{7})"),
    ("CY", r"[A-Z](\d{6}|\d{8})"),
    ("DE", r"[CFGHJKLMNPRTVWXYZ0-9]{9}"),
    ("EE", r"[A-Z]{1,2}\d{7}"),
    ("ES", r"[A-Z0-9]{2,3}\d{6}"),
    ("FR", r"\d{2}[A-Z]{2}\d{5}"),
    ("HU", r"[A-Z]{2}\d{6,7}"),
    ("ID", r"[A-C]\d{7}"),
    ("IN", r"[A-Z]-?\d{7}"),
    ("IS JM", r"A\d{7}"),
    ("KR", r"[MS]\d{8}"),
    ("LI", r"[A-Z]\d{5}"),
    ("MY", r"[AHK]\d{8}"),
    ("MZ", r"([A-Z]{2}\d{7}|\d{2}[A-Z]{2}\d{5})"),
    ("NL", r"[A-Z]{2}[A-Z0-9]{6}\d"),
    ("NZ", r"(L[ADFH]|E[AP]|N)\d{6}"),
    ("PH", r"([A-Z](\d{6}|\d{7}[A-Z])|[A-Z]{2}\d{6,7})"),
    ("SK", r"[0-9A-Z]\d{7}"),
    ("SL", r"P[A-Z]\d{7}"),
    ("TH", r"[A-Z]{1,2}\d{6,7}"),
    ("US", r"(\d{9}|[A-Z]\d{8})"),
    ("ZA", r"[TAMD]\d{8}"),
];

pub(super) fn names(table: &'static [(&str, &str)]) -> impl Iterator<Item = &'static str> {
    table.iter().flat_map(|(names, _)| names.split(' '))
}

fn postal_countries() -> Vec<&'static str> {
    names(POSTAL_CODES).chain(["any"]).collect()
}

fn passport_countries() -> Vec<&'static str> {
    names(PASSPORTS).collect()
}

/// Whether the whole text has the form of this name in the table, or of any name.
pub(super) fn in_table(table: &[(&str, &str)], name: &str, text: &str) -> Result<bool> {
    for (names, form) in table {
        if (name == "any" || names.split(' ').any(|known| known == name)) && pattern::has(text, &format!("^{form}$"))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Letters may be written in either case, except where a country's own prefix is required.
pub(super) fn is_postal_code(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let country = Given(args).text(0, "locale").unwrap_or_default();
    Ok(in_table(POSTAL_CODES, &country, subject.text())? || in_table(POSTAL_CODES, &country, &subject.text().to_ascii_lowercase())?)
}

pub(super) fn is_passport_number(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let number: String = subject.text().chars().filter(|letter| !membership::is_space(*letter)).flat_map(char::to_uppercase).collect();
    in_table(PASSPORTS, &Given(args).text(0, "countryCode").unwrap_or_default(), &number)
}
