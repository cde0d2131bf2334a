//! Cells of the text protocol: only what cannot be prepared answers in it (`CHECK TABLE`, some `SHOW`).

use super::cell::{Cell, Clock, Day, Span, lettered};
use super::columns::Kind;

/// Reads a cell that is spelt out.
pub(super) fn spelt(kind: Kind, bytes: &[u8]) -> Option<Cell<'_>> {
    match kind {
        Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => number(bytes).map(Cell::Signed),
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => number(bytes).map(Cell::Unsigned),
        Kind::F32 => number(bytes).map(Cell::Single),
        Kind::F64 => number(bytes).map(Cell::Double),
        Kind::Date => day(bytes).map(Cell::Date),
        Kind::DateTime => {
            let (date, time) = split(bytes, b' ')?;
            match clock(time)? {
                (0, clock) => Some(Cell::DateTime(day(date)?, clock)),
                _ => None,
            }
        }
        Kind::Time => time(bytes).map(Cell::Time),
        Kind::Null | Kind::Decimal | Kind::Bit | Kind::Text | Kind::Uuid | Kind::Json | Kind::Binary => lettered(kind, bytes),
    }
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

fn split(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == separator)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

fn day(bytes: &[u8]) -> Option<Day> {
    let (year, rest) = split(bytes, b'-')?;
    let (month, day) = split(rest, b'-')?;
    Some(Day { year: number(year)?, month: number(month)?, day: number(day)? })
}

/// Hours, which may be more than a day's, and the rest of the clock.
fn clock(bytes: &[u8]) -> Option<(u32, Clock)> {
    let (hours, rest) = split(bytes, b':')?;
    let (minute, rest) = split(rest, b':')?;
    let (second, fraction) = split(rest, b'.').unwrap_or((rest, b""));
    let hours: u32 = number(hours)?;
    let hour = u8::try_from(hours % 24).ok()?;
    Some((hours / 24, Clock { hour, minute: number(minute)?, second: number(second)?, micro: micros(fraction)? }))
}

fn micros(fraction: &[u8]) -> Option<u32> {
    let digits = fraction.get(..6).unwrap_or(fraction);
    let value: u32 = if digits.is_empty() { 0 } else { number(digits)? };
    Some(value * 10u32.checked_pow(u32::try_from(6 - digits.len()).ok()?)?)
}

fn time(bytes: &[u8]) -> Option<Span> {
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (days, clock) = clock(bytes)?;
    Some(Span { negative, days, clock })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_as_they_are_spelt() {
        let moment = spelt(Kind::DateTime, b"2024-05-06 07:08:09.123");
        let clock = Clock { hour: 7, minute: 8, second: 9, micro: 123_000 };
        assert_eq!(moment, Some(Cell::DateTime(Day { year: 2024, month: 5, day: 6 }, clock)));
        let Some(Cell::Time(span)) = spelt(Kind::Time, b"-838:59:59.000001") else { panic!() };
        assert_eq!(span.spelt(), "-838:59:59.000001");
        assert_eq!(span.time(), None);
        let Some(Cell::Time(span)) = spelt(Kind::Time, b"23:59:59") else { panic!() };
        assert_eq!(span.spelt(), "23:59:59");
        for text in ["", "x", "2024", "2024-05", "2024-05-06", "2024-05-06 7", "2024-05-06 07:08:x", "2024-05-06 07:08:09.x"] {
            assert_eq!(spelt(Kind::DateTime, text.as_bytes()), None, "{text}");
        }
    }
}
