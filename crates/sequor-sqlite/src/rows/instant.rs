//! Instants from text: the driver's own spelling without a parser, every other one by the core's.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use sequor_core::types::{parse_instant, parse_naive};

/// Reads an instant.
pub(super) fn read(bytes: &[u8]) -> Option<DateTime<Utc>> {
    if let Some((naive, b"+00:00")) = own(bytes) {
        return Some(naive.and_utc());
    }
    parse_instant(std::str::from_utf8(bytes).ok()?)
}

/// Reads a date and time without zone.
pub(super) fn read_naive(bytes: &[u8]) -> Option<NaiveDateTime> {
    if let Some((naive, b"")) = own(bytes) {
        return Some(naive);
    }
    parse_naive(std::str::from_utf8(bytes).ok()?)
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`, and what follows it.
fn own(bytes: &[u8]) -> Option<(NaiveDateTime, &[u8])> {
    let (text, rest) = bytes.split_at_checked(26)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':'), (19, b'.')];
    if separators.iter().any(|(place, byte)| text[*place] != *byte) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;
    Some((date.and_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_foreign_spellings_agree() {
        for text in ["2024-05-06 07:08:09.123456+00:00", "0000-01-01 00:00:00.000000+00:00", "9999-12-31 23:59:59.999999+00:00"] {
            assert_eq!(read(text.as_bytes()), parse_instant(text), "{text}");
            assert_eq!(read_naive(&text.as_bytes()[..26]), parse_naive(&text[..26]), "{text}");
        }
        assert_eq!(read(b"2024-05-06 07:08:09.123 +00:00"), parse_instant("2024-05-06T07:08:09.123Z"));
        assert_eq!(read(b"2024-05-06 07:08:09.123456+02:00"), parse_instant("2024-05-06T05:08:09.123456Z"));
        for text in ["2024-02-30 07:08:09.123456+00:00", "2024-05-06 24:00:00.000000+00:00", "", "2024", "\u{fffd}"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
