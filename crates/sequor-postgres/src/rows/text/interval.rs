//! Spans of time and times with a zone, in the spelling that the server uses by default.

use crate::rows::scalar::{Mismatch, fixed};
use std::fmt::Write;

/// `1 year 2 mons -3 days +04:05:06.789`.
pub(super) fn write(bytes: &[u8], text: &mut String) -> Result<(), Mismatch> {
    let bytes: [u8; 16] = fixed(bytes, "interval")?;
    let micros = i64::from_be_bytes(fixed(bytes.get(..8).unwrap_or_default(), "interval")?);
    let days = i32::from_be_bytes(fixed(bytes.get(8..12).unwrap_or_default(), "interval")?);
    let months = i32::from_be_bytes(fixed(bytes.get(12..).unwrap_or_default(), "interval")?);
    match (micros, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => text.push_str("infinity"),
        (i64::MIN, i32::MIN, i32::MIN) => text.push_str("-infinity"),
        _ => write_parts(micros, days, months, text),
    }
    Ok(())
}

fn write_parts(micros: i64, days: i32, months: i32, text: &mut String) {
    let mut before = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        let (space, plus) = (if text.is_empty() { "" } else { " " }, if before && value > 0 { "+" } else { "" });
        // Writing into a String cannot fail.
        let _ = write!(text, "{space}{plus}{value} {unit}{}", if value == 1 { "" } else { "s" });
        before = value < 0;
    }
    if text.is_empty() || micros != 0 {
        let (space, sign) = match (text.is_empty(), micros < 0, before) {
            (true, true, _) => ("", "-"),
            (true, false, _) => ("", ""),
            (false, true, _) => (" ", "-"),
            (false, false, true) => (" ", "+"),
            (false, false, false) => (" ", ""),
        };
        let _ = write!(text, "{space}{sign}");
        write_clock(micros.unsigned_abs(), text);
    }
}

/// `12:34:56.789`, zeros of the fraction cut.
fn write_clock(micros: u64, text: &mut String) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(text, ".{fraction:06}");
        text.truncate(text.trim_end_matches('0').len());
    }
}

/// `12:34:56+02`, a time with its zone.
pub(super) fn write_zoned_time(bytes: &[u8], text: &mut String) -> Result<(), Mismatch> {
    let bytes: [u8; 12] = fixed(bytes, "time with zone")?;
    let micros = u64::try_from(i64::from_be_bytes(fixed(bytes.get(..8).unwrap_or_default(), "time with zone")?));
    let west = i32::from_be_bytes(fixed(bytes.get(8..).unwrap_or_default(), "time with zone")?);
    write_clock(micros.map_err(|_| Mismatch::Malformed("time with zone"))?, text);
    // The wire counts seconds west of Greenwich, text counts east.
    let east = west.unsigned_abs();
    let _ = write!(text, "{}{:02}", if west > 0 { '-' } else { '+' }, east / 3600);
    if east % 3600 != 0 {
        let _ = write!(text, ":{:02}", east / 60 % 60);
    }
    if east % 60 != 0 {
        let _ = write!(text, ":{:02}", east % 60);
    }
    Ok(())
}
