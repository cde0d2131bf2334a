//! Tax numbers: their form and check digits. Those that begin with a birthday are in `tax/born.rs`, those with letters in `tax/lettered.rs`.

mod born;
mod lettered;

use super::super::arguments::{Argument, Given, Kind};
use super::super::codes::{luhn, weighted};
use super::super::{Subject, pattern};
use sequor_core::{Result, Value};

pub(super) const ARGUMENTS: &[Argument] = &[Argument::new("locale", Kind::OneOf(locales), "\"de-DE\"")];

/// A number that has the form of its country.
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    pub(super) digits: Vec<u32>,
}

impl<'a> Number<'a> {
    fn new(text: &'a str) -> Number<'a> {
        Number { text, digits: text.chars().filter_map(|letter| letter.to_digit(10)).collect() }
    }

    /// Some of the digits as a number.
    pub(super) fn part(&self, from: usize, to: usize) -> u64 {
        self.digits.iter().take(to).skip(from).fold(0, |number, digit| number * 10 + u64::from(*digit))
    }

    /// One digit; a number out of reach when there is none.
    pub(super) fn digit(&self, place: usize) -> u32 {
        self.digits.get(place).copied().unwrap_or(u32::MAX)
    }

    /// The digits with their weights, added up.
    pub(super) fn sum(&self, weights: &[u32]) -> u32 {
        weighted(&self.digits, weights)
    }
}

/// Locales, the form, and what must hold beyond it.
type Format = (&'static str, &'static str, fn(&Number<'_>) -> bool);

const FORMATS: &[Format] = &[
    ("bg-BG", r"\d{10}", born::bulgarian),
    ("cs-CZ", r"\d{6}/?\d{3,4}", born::czech),
    ("de-AT", r"\d{9}", |number| luhn(number.text)),
    ("de-DE", r"[1-9]\d{10}", german),
    ("dk-DK", r"\d{6}-?\d{4}", born::danish),
    ("el-CY", r"[09]\d{7}[A-Z]", lettered::cypriot),
    ("el-GR", r"[0-47-9]\d{8}", |number| number.sum(&[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == number.digit(8)),
    ("en-CA fr-CA", r"\d{9}", |number| luhn(number.text)),
    (
        "en-GB",
        r"(\d{10}|(?!GB|NK|TN|ZZ|gb|nk|tn|zz)[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]\d{6}[A-Da-d ])",
        |_| true,
    ),
    ("en-IE", r"\d{7}[A-Wa-w][A-IWa-iw]?", lettered::irish),
    ("en-IN", r"[A-Z]{3}[ABCFGHLJPT][A-Z](?!0000)\d{4}[A-Z]", |_| true),
    // The first two digits are those that the revenue service gives out.
    ("en-US", r"(0[1-6]|1[0-6]|2[0-7]|3\d|4[0-8]|5\d|6[0-8]|7[1-7]|8[0-8]|9[0-589])[- ]?\d{7}", |_| true),
    ("es-AR", r"(2[0347]|3[034])\d{9}", argentine),
    ("es-ES", r"(\d{0,8}|[X-ZK-Mx-zk-m]\d{7})[A-HJ-NP-TV-Za-hj-np-tv-z]", lettered::spanish),
    ("et-EE lt-LT", r"[1-6]\d{6}(00[1-9]|0[1-9]\d|[1-6]\d{2}|70\d|710)\d", born::estonian),
    ("fi-FI", r"\d{6}[-+Aa]\d{3}[0-9A-FHJ-NPR-Y]", born::finnish),
    ("fr-BE nl-BE", r"\d{11}", born::belgian),
    ("fr-FR", r"[0-3](\d{12}|\d\s\d{2}(\s\d{3}){3})", |number| number.part(0, 10) % 511 == number.part(10, 13)),
    ("fr-LU lb-LU", r"\d{13}", born::luxembourgish),
    ("hr-HR", r"\d{11}", iso7064),
    ("hu-HU", r"8\d{9}", |number| number.sum(&[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == number.digit(9)),
    ("it-IT", "[A-Z]{6}[L-NP-V0-9]{2}[A-EHLMPRST][L-NP-V0-9]{2}[A-ILMZ][L-NP-V0-9]{3}[A-Z]", lettered::italian),
    ("lv-LV", r"\d{6}-?\d{5}", born::latvian),
    ("mt-MT", r"(\d{3,7}[ABGHLMPZabghlmpz]|([1-8])\2\d{7})", lettered::maltese),
    ("nl-NL", r"\d{9}", |number| number.sum(&[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == number.digit(8)),
    ("pl-PL", r"\d{10,11}", born::polish),
    ("pt-BR", r"(\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}|[A-Za-z0-9]{12}\d{2})", lettered::brazilian),
    ("pt-PT", r"\d{9}", |number| (11 - number.sum(&[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == number.digit(8)),
    ("ro-RO", r"\d{13}", born::romanian),
    ("sk-SK", r"\d{6}/?\d{3,4}", born::slovak),
    ("sl-SI", r"[1-9]\d{7}", slovene),
    ("sv-SE", r"(18|19|20)?\d{6}[-+]?\d{4}", born::swedish),
    ("uk-UA", r"\d{10}", ukrainian),
];

fn locales() -> Vec<&'static str> {
    FORMATS.iter().flat_map(|(locales, ..)| locales.split(' ')).collect()
}

pub(super) fn is_tax_id(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let locale = Given(args).text(0, "locale").unwrap_or_else(|| "en-US".into());
    let Some((_, form, check)) = FORMATS.iter().find(|(locales, ..)| locales.split(' ').any(|known| known == locale)) else {
        return Ok(false);
    };
    let text = match locale.as_str() {
        "de-AT" | "fr-BE" | "nl-BE" => subject.text().replace(|letter| r"-\/!@#$%^&*()+=[]".contains(letter), ""),
        "de-DE" => subject.text().replace(['/', '\\'], ""),
        "it-IT" => subject.text().to_ascii_uppercase(),
        _ => subject.text().to_owned(),
    };
    Ok(pattern::has(&text, &format!("^{form}$"))? && check(&Number::new(&text)))
}

/// ISO 7064, MOD 11,10: the last of eleven digits checks the others.
fn iso7064(number: &Number<'_>) -> bool {
    let rest = number.digits.iter().take(10).fold(10, |rest, digit| {
        let sum = (rest + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - rest) % 10 == number.digit(10)
}

/// One digit of the first ten stands there two or three times, no other twice; and never three in a row.
fn german(number: &Number<'_>) -> bool {
    let first = &number.digits[..10];
    let repeated: Vec<usize> =
        (0..10).map(|digit| first.iter().filter(|other| **other == digit).count()).filter(|count| *count > 1).collect();
    let in_a_row = first.windows(3).any(|three| three[0] == three[1] && three[1] == three[2]);
    matches!(repeated[..], [2 | 3]) && !in_a_row && iso7064(number)
}

fn argentine(number: &Number<'_>) -> bool {
    let check = (11 - number.sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    number.digit(10) == if check == 10 { 9 } else { check }
}

fn slovene(number: &Number<'_>) -> bool {
    let check = 11 - number.sum(&[8, 7, 6, 5, 4, 3, 2]) % 11;
    number.digit(7) == if check == 10 { 0 } else { check }
}

/// The first digit counts negative.
fn ukrainian(number: &Number<'_>) -> bool {
    let positive = number.sum(&[0, 5, 7, 9, 4, 6, 10, 5, 7]);
    positive.checked_sub(number.digit(0)).is_some_and(|sum| sum % 11 % 10 == number.digit(9))
}

/// Verhoeff's check of digits: a walk through the symmetries of a pentagon.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    /// How the digit at each place (in a cycle of eight) is exchanged before it counts.
    const ONCE: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let exchanged = |digit: u32, times: usize| (0..times).fold(digit, |digit, _| ONCE[digit as usize % 10]);
    let product = |one: u32, other: u32| match (one < 5, other < 5) {
        (true, true) => (one + other) % 5,
        (true, false) => 5 + (one + other) % 5,
        (false, true) => 5 + (one - other) % 5,
        (false, false) => (one + 5 - other) % 5,
    };
    digits.iter().rev().enumerate().fold(0, |rest, (place, digit)| product(rest, exchanged(*digit, place % 8))) == 0
}
