//! PostgreSQL's `numeric`: groups of four decimal digits. Read into a [`Decimal`], an integer, a float or text; written from a [`Decimal`].

use super::scalar::Mismatch;
use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;
use std::fmt::Write;

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITE: u16 = 0xd000;
const MINUS_INFINITE: u16 = 0xf000;

/// A `numeric` in its wire form, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numeric<'a> {
    /// Pairs of bytes, each 0 to 9999, the most significant first.
    groups: &'a [u8],
    /// The power of 10,000 of the first group.
    weight: i16,
    sign: u16,
    /// Digits after the point.
    scale: u16,
}

impl<'a> Numeric<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Numeric<'a>, Mismatch> {
        let wrong = Mismatch::Malformed("decimal");
        let (head, groups) = bytes.split_first_chunk::<8>().ok_or(wrong)?;
        let count = usize::from(u16::from_be_bytes([head[0], head[1]]));
        let numeric = Numeric {
            groups,
            weight: i16::from_be_bytes([head[2], head[3]]),
            sign: u16::from_be_bytes([head[4], head[5]]),
            scale: u16::from_be_bytes([head[6], head[7]]),
        };
        let sound = groups.len() == count * 2 && numeric.groups().all(|group| group < 10_000) && numeric.scale <= 0x3fff;
        if !sound || !matches!(numeric.sign, POSITIVE | NEGATIVE | NAN | INFINITE | MINUS_INFINITE) {
            return Err(wrong);
        }
        Ok(numeric)
    }

    fn groups(&self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + use<'a> {
        self.groups.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// One group; 0 beyond both ends.
    fn group(&self, index: usize) -> u16 {
        let pair = index.checked_mul(2).and_then(|start| self.groups.get(start..)).and_then(|rest| rest.first_chunk::<2>());
        pair.map_or(0, |pair| u16::from_be_bytes(*pair))
    }

    fn special(&self) -> Option<Mismatch> {
        match self.sign {
            NAN => Some(Mismatch::NotANumber),
            INFINITE | MINUS_INFINITE => Some(Mismatch::Infinite),
            _ => None,
        }
    }

    /// The whole number that it is, if it is one and fits.
    pub(crate) fn whole(&self) -> Option<i128> {
        if self.special().is_some() {
            return None;
        }
        let integral = usize::try_from(i32::from(self.weight) + 1).unwrap_or(0);
        if self.groups().skip(integral).any(|group| group != 0) {
            return None;
        }
        let mut number = 0i128;
        if self.groups().len() > 0 {
            for place in 0..integral {
                if number == 0 && place >= self.groups().len() {
                    break;
                }
                number = number.checked_mul(10_000)?.checked_add(self.group(place).into())?;
            }
        }
        Some(if self.sign == NEGATIVE { -number } else { number })
    }

    /// The decimal that it is; more than 28 digits are an error, never rounded.
    pub(crate) fn to_decimal(self) -> Result<Decimal, Mismatch> {
        if let Some(special) = self.special() {
            return Err(special);
        }
        self.fitting()
            .ok_or(Mismatch::Range("a decimal of 28 digits: round it in the query, or read it by `cast::<f64>()` or `cast::<String>()`"))
    }

    fn fitting(&self) -> Option<Decimal> {
        let mut mantissa = 0u128;
        for group in self.groups() {
            mantissa = mantissa.checked_mul(10_000)?.checked_add(group.into())?;
        }
        if mantissa == 0 {
            let mut zero = Decimal::ZERO;
            zero.rescale(u32::from(self.scale).min(28));
            return Some(zero);
        }
        // Digits after the point that the groups hold; negative when zeros follow the last group.
        let mut digits = (i64::try_from(self.groups().len()).ok()? - 1 - i64::from(self.weight)) * 4;
        let wanted = i64::from(self.scale);
        while digits > wanted && mantissa.is_multiple_of(10) {
            (mantissa, digits) = (mantissa / 10, digits - 1);
        }
        while digits < wanted && digits < 28 {
            match mantissa.checked_mul(10).filter(|mantissa| *mantissa < 1 << 96) {
                Some(more) => (mantissa, digits) = (more, digits + 1),
                // Trailing zeros of the scale need not be kept; those before the point must be.
                None if digits >= 0 => break,
                None => return None,
            }
        }
        while digits > 0 && (digits > 28 || mantissa >= 1 << 96) && mantissa.is_multiple_of(10) {
            (mantissa, digits) = (mantissa / 10, digits - 1);
        }
        let mantissa = i128::try_from(mantissa).ok()?;
        let signed = if self.sign == NEGATIVE { -mantissa } else { mantissa };
        Decimal::try_from_i128_with_scale(signed, u32::try_from(digits).ok()?).ok()
    }

    /// The nearest float.
    pub(crate) fn to_f64(self) -> Result<f64, Mismatch> {
        match self.sign {
            NAN => Ok(f64::NAN),
            INFINITE => Ok(f64::INFINITY),
            MINUS_INFINITE => Ok(f64::NEG_INFINITY),
            _ => {
                let mut text = String::new();
                self.write(&mut text);
                text.parse().map_err(|_| Mismatch::Malformed("decimal"))
            }
        }
    }

    /// Appends it as the server spells it.
    pub(crate) fn write(&self, text: &mut String) {
        match self.sign {
            NAN => return text.push_str("NaN"),
            INFINITE => return text.push_str("Infinity"),
            MINUS_INFINITE => return text.push_str("-Infinity"),
            NEGATIVE => text.push('-'),
            _ => {}
        }
        let group = |place: i32| usize::try_from(i32::from(self.weight) - place).map_or(0, |index| self.group(index));
        let mut first = true;
        for place in (0..=i32::from(self.weight)).rev() {
            // Writing into a String cannot fail.
            let _ = if first { write!(text, "{}", group(place)) } else { write!(text, "{:04}", group(place)) };
            first = false;
        }
        if first {
            text.push('0');
        }
        let scale = usize::from(self.scale);
        if scale > 0 {
            text.push('.');
            let end = text.len() + scale;
            let mut place = -1;
            while text.len() < end {
                let _ = write!(text, "{:04}", group(place));
                place -= 1;
            }
            text.truncate(end);
        }
    }
}

/// Writes a decimal in the wire form of `numeric`.
pub(crate) fn write_decimal(value: &Decimal, out: &mut BytesMut) {
    let scale = value.scale();
    // Zeros that fill the last group of the fraction.
    let padding = (4 - scale % 4) % 4;
    let mut mantissa = value.mantissa().unsigned_abs() * 10u128.pow(padding);
    let fraction_groups = i16::try_from((scale + padding) / 4).unwrap_or(0);
    let mut groups = [0u16; 16];
    let mut count = 0usize;
    let mut weight = -fraction_groups - 1;
    let mut stripping = true;
    while mantissa > 0 {
        let group = u16::try_from(mantissa % 10_000).unwrap_or(0);
        mantissa /= 10_000;
        weight += 1;
        // Zero groups at the end are not written.
        if stripping && group == 0 {
            continue;
        }
        stripping = false;
        if let Some(slot) = groups.get_mut(count) {
            *slot = group;
            count += 1;
        }
    }
    out.put_u16(u16::try_from(count).unwrap_or(0));
    out.put_i16(if count == 0 { 0 } else { weight });
    out.put_u16(if value.is_sign_negative() && count > 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(u16::try_from(scale).unwrap_or(0));
    for group in groups.get(..count).unwrap_or_default().iter().rev() {
        out.put_u16(*group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) {
        let value: Decimal = text.parse().unwrap();
        let mut out = BytesMut::new();
        write_decimal(&value, &mut out);
        let numeric = Numeric::parse(&out).unwrap();
        let read = numeric.to_decimal().unwrap();
        assert_eq!((read, read.scale()), (value, value.scale()), "{text}");
        let mut spelt = String::new();
        numeric.write(&mut spelt);
        assert_eq!(spelt, text);
        assert_eq!(numeric.to_f64().unwrap(), text.parse::<f64>().unwrap());
        if value.fract().is_zero() {
            assert_eq!(numeric.whole(), Some(value.trunc().mantissa() / 10i128.pow(value.trunc().scale())));
        } else {
            assert_eq!(numeric.whole(), None);
        }
    }

    #[test]
    fn decimals_round_trip() {
        for text in [
            "0",
            "0.0",
            "0.00000",
            "1",
            "-1",
            "10000",
            "100000000",
            "1.5",
            "0.0001",
            "0.00010",
            "12345.6789",
            "-0.5",
            "9999.9999",
            "10000.0001",
            "79228162514264337593543950335",
            "-79228162514264337593543950335",
            "7.9228162514264337593543950335",
            "0.0000000000000000000000000001",
            "1000000000000000000000000000",
            "0.1000000000000000000000000000",
            "18446744073709551615",
            "123456789012345678901234567.8",
        ] {
            round_trip(text);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (bytes, expected) in [
            (vec![0, 0, 0, 0, 0xc0, 0, 0, 0], Mismatch::NotANumber),
            (vec![0, 0, 0, 0, 0xd0, 0, 0, 0], Mismatch::Infinite),
            // 1e40, and 1e-40.
            (
                vec![0, 1, 0, 10, 0, 0, 0, 0, 0, 1],
                Mismatch::Range("a decimal of 28 digits: round it in the query, or read it by `cast::<f64>()` or `cast::<String>()`"),
            ),
            (
                vec![0, 1, 0xff, 0xf6, 0, 0, 0, 40, 0, 1],
                Mismatch::Range("a decimal of 28 digits: round it in the query, or read it by `cast::<f64>()` or `cast::<String>()`"),
            ),
            // The greatest weight must not take long.
            (
                vec![0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1],
                Mismatch::Range("a decimal of 28 digits: round it in the query, or read it by `cast::<f64>()` or `cast::<String>()`"),
            ),
        ] {
            assert_eq!(Numeric::parse(&bytes).unwrap().to_decimal(), Err(expected), "{bytes:?}");
            assert_eq!(Numeric::parse(&bytes).unwrap().whole(), None);
        }
        for bytes in
            [vec![], vec![0; 7], vec![0, 1, 0, 0, 0, 0, 0, 0], vec![0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10], vec![0, 0, 0, 0, 0, 1, 0, 0]]
        {
            assert!(Numeric::parse(&bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn zeros_beyond_the_28_digits_are_let_go() {
        // 1.000 with a scale of 40.
        let numeric = Numeric::parse(&[0, 1, 0, 0, 0, 0, 0, 40, 0, 1]).unwrap();
        assert_eq!(numeric.to_decimal().unwrap(), Decimal::ONE);
    }
}
