//! [`Spelling`]: the one text of a decimal, a UUID, an instant, a date or a time, written on the stack.
//!
//! The order of these texts is the order of the values (decimals excepted: their collation knows), and equal values have equal texts.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use rust_decimal::Decimal;
use sequor_core::error::{Error, Result};
use std::fmt::{self, Write};
use uuid::Uuid;

/// A short text without memory of its own.
pub(crate) struct Spelling {
    bytes: [u8; 40],
    length: usize,
}

impl Spelling {
    fn new() -> Spelling {
        Spelling { bytes: [0; 40], length: 0 }
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is ever written.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// A number with exactly so many digits.
    fn digits(&mut self, number: u32, count: usize) {
        let (start, mut rest) = (self.length, number);
        for place in (start..start + count).rev() {
            if let Some(byte) = self.bytes.get_mut(place) {
                *byte = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            }
            rest /= 10;
        }
        self.length = (start + count).min(self.bytes.len());
    }

    fn date(&mut self, date: NaiveDate) -> Result<()> {
        let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9_999);
        self.digits(year.ok_or_else(out_of_years)?, 4);
        self.push(b'-');
        self.digits(date.month(), 2);
        self.push(b'-');
        self.digits(date.day(), 2);
        Ok(())
    }

    fn time(&mut self, time: NaiveTime) {
        // A leap second is second 60, as chrono reads and writes it.
        let micros = time.nanosecond() / 1_000;
        self.digits(time.hour(), 2);
        self.push(b':');
        self.digits(time.minute(), 2);
        self.push(b':');
        self.digits(time.second() + micros / 1_000_000, 2);
        self.push(b'.');
        self.digits(micros % 1_000_000, 6);
    }
}

impl Write for Spelling {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cold]
fn out_of_years() -> Error {
    super::refused("a date outside of the years 0 to 9999, whose text would not sort; keep it in an integer column")
}

/// `12.5`: no zeros at the end, no sign on zero.
pub(crate) fn decimal(number: &Decimal) -> Result<Spelling> {
    let mut text = Spelling::new();
    let number = if number.is_zero() { Decimal::ZERO } else { number.normalize() };
    write!(text, "{number}").map_err(|_| Error::bug("a decimal has more digits than it can have"))?;
    Ok(text)
}

/// The decimal that a text spells, with an exponent or not; `None` when it is none, or has more digits than a decimal can have.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    match text.split_once(['e', 'E']) {
        None => Decimal::from_str_exact(text).ok(),
        Some((base, exponent)) => {
            Decimal::from_str_exact(base).ok()?;
            Decimal::from_scientific(&format!("{base}e{}", exponent.trim_start_matches('+'))).ok()
        }
    }
}

/// The decimal that was meant by a float: its shortest text.
pub(crate) fn decimal_of_float(number: f64) -> Option<Decimal> {
    if number.is_finite() { parse_decimal(&format!("{number:e}")) } else { None }
}

/// A whole number as text.
pub(crate) fn integer(number: i64) -> Spelling {
    let mut text = Spelling::new();
    // 20 characters at most.
    let _ = write!(text, "{number}");
    text
}

/// Hyphenated, lower case.
pub(crate) fn uuid(value: &Uuid) -> Spelling {
    let mut text = Spelling::new();
    text.length = value.hyphenated().encode_lower(&mut text.bytes).len();
    text
}

/// `YYYY-MM-DD HH:MM:SS.ffffff+00:00`, cut to microseconds.
pub(crate) fn instant(value: &DateTime<Utc>) -> Result<Spelling> {
    let mut text = naive(&value.naive_utc())?;
    for byte in *b"+00:00" {
        text.push(byte);
    }
    Ok(text)
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`.
pub(crate) fn naive(value: &NaiveDateTime) -> Result<Spelling> {
    let mut text = date(&value.date())?;
    text.push(b' ');
    text.time(value.time());
    Ok(text)
}

/// `YYYY-MM-DD`.
pub(crate) fn date(value: &NaiveDate) -> Result<Spelling> {
    let mut text = Spelling::new();
    text.date(*value)?;
    Ok(text)
}

/// `HH:MM:SS.ffffff`.
pub(crate) fn time(value: &NaiveTime) -> Spelling {
    let mut text = Spelling::new();
    text.time(*value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for (given, text) in
            [("1.50", "1.5"), ("1.5", "1.5"), ("100", "100"), ("-0", "0"), ("0.000", "0"), ("-0.10", "-0.1"), ("1e3", "1000")]
        {
            let number = given.parse().or_else(|_| Decimal::from_scientific(given)).unwrap();
            assert_eq!(decimal(&number).unwrap().as_str(), text);
        }
        assert_eq!(decimal(&Decimal::MIN).unwrap().as_str(), "-79228162514264337593543950335");
        for (number, text) in
            [(0.1, "0.1"), (1e21, "1000000000000000000000"), (0.30000000000000004, "0.30000000000000004"), (-2.5e-7, "-0.00000025")]
        {
            assert_eq!(decimal(&decimal_of_float(number).unwrap()).unwrap().as_str(), text);
        }
        assert_eq!(
            (decimal_of_float(f64::NAN), decimal_of_float(1e300), parse_decimal("1.00000000000000000000000000001")),
            (None, None, None)
        );
        assert_eq!(parse_decimal("1.5E+2"), parse_decimal("150"));
        let tiny = Decimal::new(-1, 28);
        assert_eq!(decimal(&tiny).unwrap().as_str(), "-0.0000000000000000000000000001");
    }

    #[test]
    fn times_sort_as_text() {
        let at = |text: &str| sequor_core::types::parse_instant(text).unwrap();
        assert_eq!(instant(&at("2024-05-06T07:08:09Z")).unwrap().as_str(), "2024-05-06 07:08:09.000000+00:00");
        assert_eq!(instant(&at("0000-01-01T00:00:00.0000019Z")).unwrap().as_str(), "0000-01-01 00:00:00.000001+00:00");
        assert!(instant(&(at("9999-12-31T23:59:59Z") + chrono::Duration::days(1))).is_err());
        let leap = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap().and_hms_micro_opt(23, 59, 59, 1_500_000).unwrap();
        assert_eq!(naive(&leap).unwrap().as_str(), "2016-12-31 23:59:60.500000");
        assert_eq!(time(&leap.time()).as_str().parse::<NaiveTime>().unwrap(), leap.time());
    }
}
