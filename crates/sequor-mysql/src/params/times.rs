//! Dates and times: UTC to the microsecond; text is parsed, so that the server never guesses.

use super::{DATE, DATE_TIME, Form, TIME};
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use sequor_core::decode::{malformed, unexpected};
use sequor_core::types::{parse_instant, parse_naive};
use sequor_core::{Error, Result, Value};

/// An instant (text with an offset is turned to UTC) or a date and time without zone.
pub(super) fn write_moment(out: &mut Vec<u8>, value: &Value, instant: bool) -> Result<Form> {
    let moment = match value {
        Value::DateTime(instant) => instant.naive_utc(),
        Value::NaiveDateTime(moment) => *moment,
        Value::Date(date) => date.and_time(NaiveTime::MIN),
        Value::Text(text) if instant => parse_instant(text).ok_or_else(|| malformed("instant"))?.naive_utc(),
        Value::Text(text) => parse_naive(text.trim_end_matches('Z')).ok_or_else(|| malformed("date and time"))?,
        other => return Err(unexpected(other, if instant { "instant" } else { "date and time" })),
    };
    let micros = micros(&moment);
    let length = match (moment.num_seconds_from_midnight(), micros) {
        (0, 0) => 4,
        (_, 0) => 7,
        _ => 11,
    };
    out.push(length);
    push_day(out, moment.date())?;
    if length >= 7 {
        push_clock(out, &moment);
    }
    if length == 11 {
        out.extend_from_slice(&micros.to_le_bytes());
    }
    Ok(DATE_TIME)
}

pub(super) fn write_date(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let date = match value {
        Value::Date(date) => *date,
        Value::DateTime(instant) => instant.date_naive(),
        Value::NaiveDateTime(moment) => moment.date(),
        Value::Text(text) => parse_date(text.trim()).ok_or_else(|| malformed("date"))?,
        other => return Err(unexpected(other, "date")),
    };
    out.push(4);
    push_day(out, date)?;
    Ok(DATE)
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| parse_instant(text).map(|instant| instant.date_naive()))
}

pub(super) fn write_time(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let time = match value {
        Value::Time(time) => *time,
        Value::Text(text) => parse_time(text.trim()).ok_or_else(|| malformed("time"))?,
        other => return Err(unexpected(other, "time")),
    };
    let micros = micros(&time);
    out.push(if micros == 0 { 8 } else { 12 });
    out.extend_from_slice(&[0; 5]);
    push_clock(out, &time);
    if micros != 0 {
        out.extend_from_slice(&micros.to_le_bytes());
    }
    Ok(TIME)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    text.parse().ok().or_else(|| NaiveTime::parse_from_str(text, "%H:%M").ok())
}

/// Years outside of four digits are no dates to MySQL.
fn push_day(out: &mut Vec<u8>, date: NaiveDate) -> Result<()> {
    let year = u16::try_from(date.year()).ok().filter(|year| *year <= 9999).ok_or_else(out_of_years)?;
    out.extend_from_slice(&year.to_le_bytes());
    push_small(out, date.month());
    push_small(out, date.day());
    Ok(())
}

#[cold]
fn out_of_years() -> Error {
    Error::decode("MySQL and MariaDB hold dates of the years 0 to 9999; leave the field NULL, or keep it in an integer column")
}

fn push_clock(out: &mut Vec<u8>, time: &impl Timelike) {
    push_small(out, time.hour());
    push_small(out, time.minute());
    push_small(out, time.second());
}

/// Months, days, hours, minutes, seconds: below 100.
fn push_small(out: &mut Vec<u8>, number: u32) {
    out.push(number.to_le_bytes()[0]);
}

/// Whole microseconds; those of a leap second count as its last.
fn micros(time: &impl Timelike) -> u32 {
    (time.nanosecond() / 1_000).min(999_999)
}

#[cfg(test)]
pub(super) fn sample() -> chrono::NaiveDateTime {
    NaiveDate::from_ymd_opt(2024, 5, 6).unwrap().and_hms_micro_opt(7, 8, 9, 123_456).unwrap()
}
