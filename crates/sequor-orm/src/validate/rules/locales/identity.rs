//! Numbers of identity cards.

use super::super::arguments::{Argument, Given, Kind};
use super::super::codes::{luhn, weighted};
use super::super::{Subject, pattern};
use super::tax::verhoeff;
use chrono::NaiveDate;
use sequor_core::{Result, Value};

pub(super) const ARGUMENTS: &[Argument] = &[Argument::new("locale", Kind::OneOf(locales), "\"ES\"").required()];

/// A country, the form of its numbers, and what must hold beyond it.
type Card = (&'static str, &'static str, fn(&str) -> bool);

const CARDS: &[Card] = &[
    ("PL", r"\d{11}", |text| weighted(&digits(text), &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)),
    ("ES", r"[0-9XYZ]\d{7}[A-Z]", spanish),
    ("FI", r"\d{6}[-A+]\d{3}[0-9A-Z]", finnish),
    ("IN", r"[1-9]\d{3}\s?\d{4}\s?\d{4}", |text| verhoeff(&digits(text))),
    ("IR", r"\d{10}", iranian),
    ("IT", r"C[A-Z]\d{5}[A-Z]{2}", |text| text != "CA00000AA"),
    ("NO", r"\d{11}", norwegian),
    ("TH", r"[1-8]\d{12}", |text| (11 - weighted(&digits(text), &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == last(text)),
    ("LK", r"[1-9](\d{8}[VX]|\d{11})", |_| true),
    ("PK", r"[1-7]\d{4}-\d{7}-[1-9]", |_| true),
    ("he-IL", r"\d{9}", luhn),
    ("ar-LY", r"[12]\d{11}", |_| true),
    ("ar-TN", r"\d{8}", |_| true),
    ("zh-CN", r"([1-9]\d{14}|[1-9]\d{16}[0-9X])", chinese),
    ("zh-HK", r"[A-Z]{1,2}\d{6}(\([0-9A]\)|\[[0-9A]\]|[0-9A])", hong_kong),
    ("zh-TW", r"[A-Z]\d{9}", taiwanese),
];

fn locales() -> Vec<&'static str> {
    CARDS.iter().map(|(name, ..)| *name).chain(["any"]).collect()
}

pub(super) fn is_identity_card(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let wanted = Given(args).text(0, "locale").unwrap_or_default();
    for (name, form, check) in CARDS.iter().filter(|(name, ..)| wanted == "any" || wanted == *name) {
        let text = match *name {
            "ES" | "IT" | "LK" | "zh-CN" | "zh-HK" | "zh-TW" => subject.text().trim().to_ascii_uppercase(),
            "PL" | "FI" | "IR" | "TH" => subject.text().to_owned(),
            _ => subject.text().trim().to_owned(),
        };
        if pattern::has(&text, &format!("^{form}$"))? && check(&text) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn last(text: &str) -> u32 {
    text.chars().next_back().and_then(|letter| letter.to_digit(10)).unwrap_or(u32::MAX)
}

/// The letter is the remainder by 23; X, Y and Z of foreigners count 0, 1 and 2.
fn spanish(text: &str) -> bool {
    let number = text[..8].replace('X', "0").replace('Y', "1").replace('Z', "2").parse::<usize>().unwrap_or_default();
    text.as_bytes()[8] == b"TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
}

fn finnish(text: &str) -> bool {
    let number = format!("{}{}", &text[..6], &text[7..10]).parse::<usize>().unwrap_or_default();
    text.as_bytes()[10] == b"0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31]
}

fn iranian(text: &str) -> bool {
    let rest = weighted(&digits(text), &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    &text[3..9] != "000000" && last(text) == if rest < 2 { rest } else { 11 - rest }
}

fn norwegian(text: &str) -> bool {
    let digits = digits(text);
    let first = (11 - weighted(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    text != "00000000000" && digits[9] == first && digits[10] == second
}

/// A region, a birthday that is not to come, and with 18 digits a check digit.
fn chinese(text: &str) -> bool {
    const REGIONS: &str = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 91";
    let birthday = if text.len() == 15 { format!("19{}", &text[6..12]) } else { text[6..14].to_owned() };
    let part = |range| birthday.get(range).and_then(|part: &str| part.parse::<u32>().ok()).unwrap_or_default();
    let date = NaiveDate::from_ymd_opt(i32::try_from(part(0..4)).unwrap_or_default(), part(4..6), part(6..8));
    let born = date.is_some_and(|date| date.and_time(chrono::NaiveTime::MIN).and_utc() <= chrono::Utc::now() && part(0..4) >= 1000);
    let check = || {
        let sum = weighted(&digits(&text[..17]), &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
        text.as_bytes()[17] == b"10X98765432"[sum as usize % 11]
    };
    REGIONS.split(' ').any(|region| text.starts_with(region)) && born && (text.len() == 15 || check())
}

/// Letters are 10 and up; a missing second letter counts as a space, 36.
fn hong_kong(text: &str) -> bool {
    let letters: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(36)).collect();
    let (check, rest) = (letters[letters.len() - 1], &letters[..letters.len() - 1]);
    let values: Vec<u32> = if rest.len() == 7 { [&[36], rest].concat() } else { rest.to_vec() };
    (weighted(&values, &[9, 8, 7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11)
}

/// Each county has a number of two digits; I, O and W came late.
fn taiwanese(text: &str) -> bool {
    let county = "ABCDEFGHJKLMNPQRSTUVXYWZIO".find(&text[..1]).and_then(|place| u32::try_from(place).ok()).unwrap_or_default() + 10;
    let sum = county / 10 + county % 10 * 9 + weighted(&digits(text), &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    sum.is_multiple_of(10)
}
