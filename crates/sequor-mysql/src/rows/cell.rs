//! [`Cell`]: one cell of a row, read from the bytes of the wire; total over all bytes.

use super::columns::Kind;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// A cell that is not NULL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Signed(i64),
    Unsigned(u64),
    Single(f32),
    Double(f64),
    /// The digits of a decimal.
    Decimal(&'a [u8]),
    Date(Day),
    DateTime(Day, Clock),
    Time(Span),
    /// The bits of a BIT column, the highest byte first.
    Bits(u64),
    Text(&'a [u8]),
    Uuid(&'a [u8]),
    Json(&'a [u8]),
    Binary(&'a [u8]),
}

/// A day as the server writes it; may be one that does not exist (`0000-00-00`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// A time of day as the server writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) micro: u32,
}

/// A TIME: up to 838 hours, either sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) negative: bool,
    pub(super) days: u32,
    pub(super) clock: Clock,
}

impl Day {
    /// The date, unless there is no such day.
    pub(super) fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year.into(), self.month.into(), self.day.into())
    }

    /// The date and time, unless there is no such moment.
    pub(super) fn at(self, clock: Clock) -> Option<NaiveDateTime> {
        Some(self.date()?.and_time(clock.time()?))
    }
}

impl Clock {
    fn time(self) -> Option<NaiveTime> {
        NaiveTime::from_hms_micro_opt(self.hour.into(), self.minute.into(), self.second.into(), self.micro)
    }
}

impl Span {
    /// The time of day, unless it is none.
    pub(super) fn time(self) -> Option<NaiveTime> {
        let is_zero = self.clock == Clock::default();
        if self.days > 0 || (self.negative && !is_zero) { None } else { self.clock.time() }
    }

    /// As the server spells it in text.
    pub(super) fn spelt(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let Clock { hour, minute, second, micro } = self.clock;
        let hours = u64::from(self.days) * 24 + u64::from(hour);
        let fraction = if micro == 0 { String::new() } else { format!(".{micro:06}") };
        format!("{sign}{hours:02}:{minute:02}:{second:02}{fraction}")
    }
}

/// Reads a cell of the binary protocol from its bytes alone.
#[inline]
pub(super) fn binary(kind: Kind, bytes: &[u8]) -> Option<Cell<'_>> {
    Some(match kind {
        Kind::I8 => Cell::Signed(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::U8 => Cell::Unsigned(u8::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::I16 => Cell::Signed(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::U16 => Cell::Unsigned(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::I32 => Cell::Signed(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::U32 => Cell::Unsigned(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::I64 => Cell::Signed(i64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::U64 => Cell::Unsigned(u64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::F32 => Cell::Single(f32::from_le_bytes(bytes.try_into().ok()?)),
        Kind::F64 => Cell::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::DateTime => moment(bytes).map(|(day, clock)| Cell::DateTime(day, clock))?,
        Kind::Date => moment(bytes).map(|(day, _)| Cell::Date(day))?,
        Kind::Time => Cell::Time(span(bytes)?),
        Kind::Null | Kind::Decimal | Kind::Bit | Kind::Text | Kind::Uuid | Kind::Json | Kind::Binary => lettered(kind, bytes)?,
    })
}

/// A cell that is letters or bytes in both protocols.
pub(super) fn lettered(kind: Kind, bytes: &[u8]) -> Option<Cell<'_>> {
    Some(match kind {
        Kind::Decimal => Cell::Decimal(bytes),
        Kind::Bit => Cell::Bits(bits(bytes)?),
        Kind::Uuid => Cell::Uuid(bytes),
        Kind::Json => Cell::Json(bytes),
        Kind::Binary => Cell::Binary(bytes),
        _ => Cell::Text(bytes),
    })
}

fn bits(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 8 {
        return None;
    }
    Some(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

/// A date and time: 0, 4, 7 or 11 bytes, what is missing is zero.
#[inline]
pub(super) fn moment(bytes: &[u8]) -> Option<(Day, Clock)> {
    let (mut year, mut small, mut micro) = ([0; 2], [0; 5], [0; 4]);
    match *bytes {
        [] => {}
        [a, b, c, d] => (year, small) = ([a, b], [c, d, 0, 0, 0]),
        [a, b, c, d, e, f, g] => (year, small) = ([a, b], [c, d, e, f, g]),
        [a, b, c, d, e, f, g, h, i, j, k] => (year, small, micro) = ([a, b], [c, d, e, f, g], [h, i, j, k]),
        _ => return None,
    }
    let [month, day, hour, minute, second] = small;
    let day = Day { year: u16::from_le_bytes(year), month, day };
    Some((day, Clock { hour, minute, second, micro: u32::from_le_bytes(micro) }))
}

/// A TIME: 0, 8 or 12 bytes.
fn span(bytes: &[u8]) -> Option<Span> {
    let (head, micro) = match *bytes {
        [] => return Some(Span::default()),
        [ref head @ .., a, b, c, d] if head.len() == 8 => (head, [a, b, c, d]),
        ref head => (head, [0; 4]),
    };
    let [sign, a, b, c, d, hour, minute, second] = *<&[u8; 8]>::try_from(head).ok()?;
    let clock = Clock { hour, minute, second, micro: u32::from_le_bytes(micro) };
    Some(Span { negative: sign != 0, days: u32::from_le_bytes([a, b, c, d]), clock })
}
