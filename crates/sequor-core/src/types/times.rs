//! Instants, dates and times: UTC, microseconds, and every spelling of them that SQLite files hold.

use super::ColumnType;
use super::numbers::scalar;
use crate::decode::{malformed, unexpected, unexpected_null};
use crate::driver::RowReader;
use crate::encode::{FieldType, Scalar};
use crate::error::Result;
use crate::value::Value;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

/// Cuts an instant to microseconds, the precision that every database keeps.
pub(crate) fn micros<T: Timelike>(value: T) -> T {
    let nanos = value.nanosecond();
    let rounded = nanos - nanos % 1_000;
    match value.with_nanosecond(rounded) {
        Some(cut) => cut,
        None => value,
    }
}

/// Parses the spellings of an instant: `YYYY-MM-DD HH:MM:SS[.f][ ]+00:00`, ISO 8601 with `T` and `Z` or an offset, and without zone (taken as UTC).
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.with_timezone(&Utc));
    }
    for format in [
        "%Y-%m-%d %H:%M:%S%.f %:z",
        "%Y-%m-%d %H:%M:%S%.f%:z",
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y-%m-%d %H:%M%#z",
    ] {
        if let Ok(instant) = DateTime::parse_from_str(text, format) {
            return Some(instant.with_timezone(&Utc));
        }
    }
    parse_naive(text.trim_end_matches('Z')).map(|naive| naive.and_utc())
}

/// Parses a date and time without zone; a date alone is its midnight.
pub fn parse_naive(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(value) = NaiveDateTime::parse_from_str(text, format) {
            return Some(value);
        }
    }
    text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)
}

scalar!(DateTime<Utc>, ColumnType::DateTime(6), |row, index| row.date_time(index), |this| Value::DateTime(micros(*this)), |value| {
    match &value {
        Value::DateTime(value) => Ok(*value),
        Value::NaiveDateTime(value) => Ok(value.and_utc()),
        Value::Text(text) => parse_instant(text).ok_or_else(|| malformed("instant")),
        _ => Err(unexpected(&value, "instant")),
    }
});

scalar!(
    NaiveDateTime,
    ColumnType::NaiveDateTime(6),
    |row, index| row.naive_date_time(index),
    |this| Value::NaiveDateTime(micros(*this)),
    |value| match &value {
        Value::NaiveDateTime(value) => Ok(*value),
        Value::Text(text) => parse_naive(text).ok_or_else(|| malformed("date and time")),
        _ => Err(unexpected(&value, "date and time")),
    }
);

scalar!(NaiveDate, ColumnType::Date, |row, index| row.date(index), |this| Value::Date(*this), |value| match &value {
    Value::Date(value) => Ok(*value),
    Value::Text(text) => text.parse().map_err(|_| malformed("date")),
    _ => Err(unexpected(&value, "date")),
});

scalar!(NaiveTime, ColumnType::Time, |row, index| row.time(index), |this| Value::Time(micros(*this)), |value| match &value {
    Value::Time(value) => Ok(*value),
    Value::Text(text) => text.parse().map_err(|_| malformed("time")),
    _ => Err(unexpected(&value, "time")),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_instant_is_read() {
        let expected = parse_instant("2024-05-06T07:08:09.123Z");
        assert!(expected.is_some());
        for text in [
            "2024-05-06 07:08:09.123 +00:00",
            "2024-05-06 07:08:09.123000+00:00",
            "2024-05-06 09:08:09.123+02:00",
            "2024-05-06 07:08:09.123",
            "2024-05-06T07:08:09.123",
            "2024-05-06 07:08:09.123+00",
        ] {
            assert_eq!(parse_instant(text), expected, "{text}");
        }
        assert_eq!(parse_instant("yesterday"), None);
    }
}
