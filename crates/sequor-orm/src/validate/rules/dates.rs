//! Rules about dates and times.

mod parse;

pub(super) use parse::instant_of;

use super::arguments::{Argument, Given, Kind, NAMED};
use super::{Rule, Subject, pattern};
use sequor_core::{Result, Value};

const DATE: &[Argument] = &[Argument::new("comparisonDate", Kind::Date, "\"2020-01-01\"")];
const ISO: &[Argument] = &[Argument::new("strict", Kind::Bool, ""), Argument::new("strictSeparator", Kind::Bool, "")];
const TIME: &[Argument] = &[Argument::new("hourFormat", Kind::OneOf(hour_formats), ""), Argument::new("mode", Kind::OneOf(time_modes), "")];

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "isDate",
        "date",
        is_date,
        "is a date, with or without time, as JavaScript's `Date.parse` reads it (UTC unless it names a zone)",
    ),
    Rule::new("isAfter", "after", is_after, "is a date after the given one, or after now").takes(DATE, 1),
    Rule::new("isBefore", "before", is_before, "is a date before the given one, or before now").takes(DATE, 1),
    Rule::new("isISO8601", "iso8601", is_iso8601, "is a date in the form of ISO 8601 (strict: one that exists)").takes(ISO, 0),
    Rule::new("isRFC3339", "rfc3339", is_rfc3339, "is a date and time in the form of RFC 3339"),
    Rule::new("isTime", "time", is_time, "is a time of day (`hour24`, `hour12`; `default`, `withSeconds`, `withOptionalSeconds`)")
        .takes(TIME, 0),
];

fn hour_formats() -> Vec<&'static str> {
    vec!["hour24", "hour12"]
}

fn time_modes() -> Vec<&'static str> {
    vec!["default", "withSeconds", "withOptionalSeconds"]
}

fn is_date(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(instant_of(subject.text()).is_some())
}

fn ordered(subject: &Subject<'_>, args: &[Value], holds: fn(i64, i64) -> bool) -> bool {
    let other = match Given(args).text(0, "comparisonDate") {
        Some(date) => instant_of(&date),
        None => Some(chrono::Utc::now().timestamp_millis()),
    };
    instant_of(subject.text()).zip(other).is_some_and(|(date, other)| holds(date, other))
}

fn is_after(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(ordered(subject, args, |date, other| date > other))
}

fn is_before(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(ordered(subject, args, |date, other| date < other))
}

fn is_time(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let (hour, tail) = match args.text(NAMED, "hourFormat").as_deref() {
        Some("hour12") => ("(0?[1-9]|1[0-2])", " [AP]M"),
        _ => ("([01]?[0-9]|2[0-3])", ""),
    };
    let seconds = match args.text(NAMED, "mode").as_deref() {
        Some("withSeconds") => ":[0-5][0-9]",
        Some("withOptionalSeconds") => "(:[0-5][0-9])?",
        _ => "",
    };
    pattern::has(subject.text(), &format!("^{hour}:[0-5][0-9]{seconds}{tail}$"))
}

fn is_rfc3339(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    const DATE: &str = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    const TIME: &str = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?";
    const ZONE: &str = r"([zZ]|[-+]([01][0-9]|2[0-3]):[0-5][0-9])";
    pattern::has(subject.text(), &format!("^{DATE}[ tT]{TIME}{ZONE}$"))
}

const DAY: &str = "([12][0-9]|0[1-9]|3[01])";
const ORDINAL: &str = "(00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3([0-5][0-9]|6[0-6]))";

/// The form of ISO 8601 in two spellings, basic and extended, each of which must be kept throughout date and throughout time.
fn is_iso8601(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let (date, time) = match split(subject.text(), args.flag(NAMED, "strictSeparator", false)) {
        Some((date, time)) => (date, Some(time)),
        None => (subject.text(), None),
    };
    let week = "W(0[1-9]|[1-4][0-9]|5[0-3])(-?[1-7])?";
    let basic = format!("(0[1-9]|1[0-2]){DAY}|{week}|{ORDINAL}");
    let extended = format!("-((0[1-9]|1[0-2])(-{DAY})?|{week}|{ORDINAL})");
    let months = "(0[1-9]|1[0-2])";
    let whole = pattern::has(date, &format!("^[-+]?[0-9]{{4}}({basic}|{extended})$"))?;
    let form = match time {
        // A year and month without hyphen would read as a short date: only before a time.
        Some(time) => (whole || pattern::has(date, &format!("^[-+]?[0-9]{{4}}{months}$"))?) && is_iso_time(time)?,
        None => whole || pattern::has(date, "^[-+]?[0-9]{4}$")?,
    };
    Ok(form && (!args.flag(NAMED, "strict", false) || exists(subject.text())))
}

fn split(text: &str, strict: bool) -> Option<(&str, &str)> {
    let (place, separator) = text.char_indices().find(|(_, letter)| *letter == 'T' || !strict && super::membership::is_space(*letter))?;
    Some((&text[..place], &text[place + separator.len_utf8()..]))
}

fn is_iso_time(time: &str) -> Result<bool> {
    let fraction = "([.,][0-9]+)?";
    let zone = "([zZ]|[-+]([01][0-9]|2[0-3]):?([0-5][0-9])?)?";
    let hour = "([01][0-9]|2[0-3])";
    let minute = "[0-5][0-9]";
    let clock = format!(
        "{hour}{fraction}|{hour}:?{minute}{fraction}|{hour}{minute}{minute}{fraction}|{hour}:{minute}:{minute}{fraction}|24:?00{fraction}"
    );
    pattern::has(time, &format!("^({clock})?{zone}$"))
}

/// Whether the date of a text that has the form of ISO 8601 is in the calendar.
fn exists(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().take_while(|letter| *letter != 'T').filter_map(|letter| letter.to_digit(10)).collect();
    let number = |digits: &[u32]| digits.iter().fold(0, |number, digit| number * 10 + digit);
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    let year = i32::try_from(number(digits.get(..4).unwrap_or_default())).unwrap_or_default();
    match (digits.len(), date.contains('W')) {
        (7, false) => chrono::NaiveDate::from_yo_opt(year, number(&digits[4..7])).is_some(),
        (8.., false) => chrono::NaiveDate::from_ymd_opt(year, number(&digits[4..6]), number(&digits[6..8])).is_some(),
        _ => true,
    }
}
