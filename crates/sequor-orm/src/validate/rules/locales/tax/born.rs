//! Tax numbers that hold a birthday.

use super::super::super::codes::luhn;
use super::{Number, verhoeff};
use chrono::{Datelike, NaiveDate, Utc};

/// Whether there is such a day.
pub(super) fn exists(year: u64, month: u64, day: u64) -> bool {
    let part = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    i32::try_from(year).is_ok_and(|year| NaiveDate::from_ymd_opt(year, part(month), part(day)).is_some())
}

fn this_year() -> u64 {
    u64::try_from(Utc::now().year()).unwrap_or_default()
}

/// Whether there is such a day in a year of two digits, which is the last one that has begun.
pub(super) fn exists_lately(year: u64, month: u64, day: u64) -> bool {
    exists(if year < this_year() % 100 { 2000 + year } else { 1900 + year }, month, day)
}

/// Women of some countries, and later centuries, have something added to the month.
fn without(month: u64, added: u64) -> u64 {
    if month > added { month - added } else { month }
}

pub(super) fn bulgarian(number: &Number<'_>) -> bool {
    let (year, month) = match number.part(2, 4) {
        month @ 41.. => (2000, month - 40),
        month @ 21..=40 => (1800, month - 20),
        month => (1900, month),
    };
    exists(year + number.part(0, 2), month, number.part(4, 6)) && number.sum(&[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == number.digit(9)
}

pub(super) fn czech(number: &Number<'_>) -> bool {
    let (year, old) = (number.part(0, 2), number.digits.len() == 9);
    if old && (year > 53 || number.part(6, 9) == 0) {
        return false;
    }
    let year = if old || year > 53 { 1900 + year } else { 2000 + year };
    let month = without(number.part(2, 4), 50);
    // Since 2004 twenty is added when the numbers of a day have run out.
    if month > 20 && year < 2004 || !exists(year, without(month, 20), number.part(4, 6)) {
        return false;
    }
    old || number.part(0, 10).is_multiple_of(11) || year < 1986 && number.part(0, 9) % 11 == 10 && number.digit(9) == 0
}

/// The numbers until 1953 only; later ones need not hold a birthday.
pub(super) fn slovak(number: &Number<'_>) -> bool {
    number.digits.len() == 10
        || number.part(6, 9) != 0
            && number.part(0, 2) < 54
            && exists(1900 + number.part(0, 2), without(number.part(2, 4), 50), number.part(4, 6))
}

pub(super) fn danish(number: &Number<'_>) -> bool {
    let year = number.part(4, 6);
    let century = match (number.digit(6), year) {
        (0..=3, _) | (4 | 9, 37..) => 1900,
        (4 | 9, _) | (5..=8, 0..=57) => 2000,
        _ => 1800,
    };
    exists(century + year, number.part(2, 4), number.part(0, 2))
        && (11 - number.sum(&[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == number.digit(9)
}

pub(super) fn estonian(number: &Number<'_>) -> bool {
    let century = 1800 + u64::from((number.digit(0) - 1) / 2) * 100;
    let check = match number.sum(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => number.sum(&[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    exists(century + number.part(1, 3), number.part(3, 5), number.part(5, 7)) && check == number.digit(10)
}

pub(super) fn finnish(number: &Number<'_>) -> bool {
    let century = match &number.text[6..7] {
        "+" => 1800,
        "-" => 1900,
        _ => 2000,
    };
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[usize::try_from(number.part(0, 9) % 31).unwrap_or_default()];
    exists(century + number.part(4, 6), number.part(2, 4), number.part(0, 2)) && number.text.as_bytes()[10] == check
}

/// Month and day may both be unknown; since 2000 a 2 stands before the number that is checked.
pub(super) fn belgian(number: &Number<'_>) -> bool {
    let (month, day) = (number.part(2, 4), number.part(4, 6));
    let checked = |first: u64| 97 - (first + number.part(0, 9)) % 97 == number.part(9, 11);
    (month == 0 && day == 0 || exists_lately(number.part(0, 2), month, day)) && (checked(0) || checked(2_000_000_000))
}

pub(super) fn luxembourgish(number: &Number<'_>) -> bool {
    let mut digits = number.digits[..11].to_vec();
    digits.push(number.digit(12));
    exists(number.part(0, 4), number.part(4, 6), number.part(6, 8)) && luhn(&number.text[..12]) && verhoeff(&digits)
}

/// Numbers that begin with 32 hold no birthday and no check digit.
pub(super) fn latvian(number: &Number<'_>) -> bool {
    let (day, month) = (number.part(0, 2), number.part(2, 4));
    let century = 1800 + u64::from(number.digit(6).min(2)) * 100;
    let born = month == 0 || exists(century + number.part(4, 6), month, day);
    day == 32 || born && (1101 - number.sum(&[1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11 % 10 == number.digit(10)
}

/// A person's PESEL of eleven digits, or a NIP of ten.
pub(super) fn polish(number: &Number<'_>) -> bool {
    if number.digits.len() == 10 {
        return number.sum(&[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == number.digit(9);
    }
    let (century, month) = match number.part(2, 4) {
        month @ 81.. => (1800, month - 80),
        month @ 61..=80 => (2200, month - 60),
        month @ 41..=60 => (2100, month - 40),
        month @ 21..=40 => (2000, month - 20),
        month => (1900, month),
    };
    exists(century + number.part(0, 2), month, number.part(4, 6)) && number.sum(&[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

pub(super) fn romanian(number: &Number<'_>) -> bool {
    if number.part(0, 4) == 9000 {
        return true;
    }
    let (year, month, day) = (number.part(1, 3), number.part(3, 5), number.part(5, 7));
    let born = match number.digit(0) {
        1 | 2 => exists(1900 + year, month, day),
        3 | 4 => exists(1800 + year, month, day),
        5 | 6 => exists(2000 + year, month, day),
        _ => exists_lately(year, month, day),
    };
    let check = number.sum(&[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    born && number.digit(12) == if check == 10 { 1 } else { check }
}

/// `-` stands for the last hundred years, `+` for those before; sixty is added to the day of a number for foreigners.
pub(super) fn swedish(number: &Number<'_>) -> bool {
    let start = number.digits.len() - 10;
    let (year, month, day) = (number.part(start, start + 2), number.part(start + 2, start + 4), number.part(start + 4, start + 6));
    let century = this_year() / 100 * 100;
    let separator = number.text.chars().nth(start + 6).filter(|letter| !letter.is_ascii_digit());
    let born = match separator {
        _ if start == 2 => exists(number.part(0, 4), month, without(day, 60)),
        Some('-') if day < 60 => exists(if century + year > this_year() { century - 100 + year } else { century + year }, month, day),
        Some(_) if day < 60 => this_year() - (century - 100 + year) >= 100 && exists(century - 100 + year, month, day),
        _ => exists_lately(year, month, without(day, 60)),
    };
    born && luhn(&number.digits.iter().map(u32::to_string).collect::<String>())
}
