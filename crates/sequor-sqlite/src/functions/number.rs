//! [`Exact`]: sums that never round. [`compare`]: the order of decimals as texts of any length.

use rust_decimal::Decimal;
use std::cmp::Ordering;

/// 10^28: a [`Decimal`] has at most 28 digits behind its point.
const ONE: i128 = 10_000_000_000_000_000_000_000_000_000;

/// A sum of decimals: its whole part, and its fraction in units of 10^-28.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exact {
    whole: i128,
    fraction: i128,
}

impl Exact {
    /// Adds a decimal, or takes it away; `None` when the sum is beyond all bounds.
    pub(super) fn add(self, number: &Decimal, negative: bool) -> Option<Exact> {
        let number = if negative { -*number } else { *number };
        let unit = 10i128.checked_pow(number.scale())?;
        let mantissa = number.mantissa();
        let fraction = self.fraction + mantissa % unit * (ONE / unit);
        let whole = self.whole.checked_add(mantissa / unit)?.checked_add(fraction / ONE)?;
        Some(Exact { whole, fraction: fraction % ONE })
    }

    /// The canonical text.
    pub(super) fn text(self) -> String {
        let Exact { mut whole, mut fraction } = self;
        if whole > 0 && fraction < 0 {
            (whole, fraction) = (whole - 1, fraction + ONE);
        } else if whole < 0 && fraction > 0 {
            (whole, fraction) = (whole + 1, fraction - ONE);
        }
        let sign = if whole < 0 || fraction < 0 { "-" } else { "" };
        let mut text = format!("{sign}{}", whole.unsigned_abs());
        if fraction != 0 {
            text.push_str(format!(".{:028}", fraction.unsigned_abs()).trim_end_matches('0'));
        }
        text
    }
}

/// The digits of a decimal's text without those that do not count.
struct Digits<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
}

impl<'t> Digits<'t> {
    fn read(text: &'t str) -> Option<Digits<'t>> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let point = unsigned.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(place) => (&unsigned[..place], &unsigned[place + 1..]),
            None => (unsigned, &unsigned[unsigned.len()..]),
        };
        if whole.len() + fraction.len() == 0 || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let whole = &whole[whole.iter().take_while(|byte| **byte == b'0').count()..];
        let fraction = &fraction[..fraction.len() - fraction.iter().rev().take_while(|byte| **byte == b'0').count()];
        Some(Digits { negative: negative && whole.len() + fraction.len() > 0, whole, fraction })
    }

    fn compare(&self, other: &Digits<'_>) -> Ordering {
        let size = |a: &Digits<'_>, b: &Digits<'_>| {
            a.whole.len().cmp(&b.whole.len()).then_with(|| a.whole.cmp(b.whole)).then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(self, other),
            (true, true) => size(other, self),
        }
    }
}

/// The order of two texts as decimals of any length; texts that are none come after all decimals, in the order of their bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (Digits::read(left), Digits::read(right)) {
        (Some(left), Some(right)) => left.compare(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_numbers() {
        let sorted = [
            "-79228162514264337593543950336.5",
            "-10",
            "-9.99",
            "-9.9",
            "-0.01",
            "0",
            "0.009",
            "0.01",
            "1",
            "9.9",
            "10",
            "100000000000000000000000000000000000000",
        ];
        for (place, left) in sorted.iter().enumerate() {
            for (other, right) in sorted.iter().enumerate() {
                assert_eq!(compare(left, right), place.cmp(&other), "{left} {right}");
            }
        }
        for (left, right) in [("1.50", "1.5"), ("-0", "0.00"), ("007", "7"), (".5", "0.5"), ("+1", "1")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
        assert_eq!(compare("7", "seven"), Ordering::Less);
        assert_eq!(compare("", "-"), Ordering::Less);
    }

    #[test]
    fn sums_never_round() {
        let sum = |numbers: &[&str]| {
            let add = |sum: Exact, text: &&str| sum.add(&text.parse().unwrap(), false).unwrap();
            numbers.iter().fold(Exact::default(), add).text()
        };
        assert_eq!(sum(&["0.1", "0.2"]), "0.3");
        assert_eq!(
            sum(&["79228162514264337593543950335", "0.0000000000000000000000000001"]),
            "79228162514264337593543950335.0000000000000000000000000001"
        );
        assert_eq!(sum(&["1", "-1.5"]), "-0.5");
        assert_eq!(sum(&["-1", "0.25"]), "-0.75");
        assert_eq!(sum(&["5", "-4.5"]), "0.5");
        assert_eq!(sum(&[]), "0");
        let back = Exact::default().add(&"1.5".parse().unwrap(), false).unwrap().add(&"1.5".parse().unwrap(), true).unwrap();
        assert_eq!(back, Exact::default());
    }
}
