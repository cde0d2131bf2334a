//! Reading a date as JavaScript's `Date.parse` does: ISO 8601 first, then the loose forms that every engine reads.

use chrono::{Duration, NaiveDate};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const ZONES: [(&str, i64); 11] = [
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
];

/// The milliseconds since 1970 of a date; `None` for text that is no date. Without a zone it is UTC.
pub(in super::super) fn instant_of(text: &str) -> Option<i64> {
    let text = text.trim();
    iso(text).or_else(|| if text.ends_with(['-', '/']) { None } else { Loose::default().read(text) })
}

/// Day 30 of February is a day in March, as in JavaScript.
fn millis(year: i64, month: u32, day: i64, clock: i64) -> Option<i64> {
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1)?.and_hms_opt(0, 0, 0)?;
    let date = first.checked_add_signed(Duration::try_days(day - 1)?)?;
    let millis = date.and_utc().timestamp_millis().checked_add(clock)?;
    (millis.abs() <= 8_640_000_000_000_000).then_some(millis)
}

fn digits(text: &str, length: usize) -> Option<(i64, &str)> {
    let (head, tail) = text.split_at_checked(length)?;
    (head.bytes().all(|digit| digit.is_ascii_digit())).then(|| head.parse().ok().map(|number| (number, tail)))?
}

fn part(text: &str, sign: char) -> Option<(i64, &str)> {
    digits(text.strip_prefix(sign)?, 2)
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, each with `THH:MM[:SS[.fff]][Z|±HH:MM]` if wanted; years of six digits carry a sign.
fn iso(text: &str) -> Option<i64> {
    let (year, rest) = match text.chars().next()? {
        '+' => digits(&text[1..], 6)?,
        '-' => digits(&text[1..], 6).filter(|(year, _)| *year != 0).map(|(year, rest)| (-year, rest))?,
        _ => digits(text, 4)?,
    };
    let (month, rest) = part(rest, '-').unwrap_or((1, rest));
    let (day, rest) = part(rest, '-').unwrap_or((1, rest));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let clock = match rest.strip_prefix(['T', 't', ' ']) {
        Some(time) => iso_clock(time)?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    millis(year, u32::try_from(month).ok()?, day, clock)
}

fn iso_clock(time: &str) -> Option<i64> {
    let (hour, rest) = digits(time, 2)?;
    let (minute, rest) = part(rest, ':')?;
    let (second, rest) = part(rest, ':').unwrap_or((0, rest));
    let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
        Some(tail) => {
            let length = tail.bytes().take_while(u8::is_ascii_digit).count();
            let three: String = tail[..length].chars().chain("000".chars()).take(3).collect();
            (three.parse::<i64>().ok().filter(|_| length > 0)?, &tail[length..])
        }
        None => (0, rest),
    };
    let midnight = hour == 24 && minute == 0 && second == 0 && fraction == 0;
    if !(midnight || hour < 24) || minute > 59 || second > 59 {
        return None;
    }
    let zone = match rest.chars().next() {
        None => 0,
        Some('Z' | 'z') if rest.len() == 1 => 0,
        Some(sign @ ('+' | '-')) => {
            let (hours, rest) = digits(&rest[1..], 2)?;
            let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
            let offset = hours * 60 + minutes;
            (rest.is_empty() && hours < 24 && minutes < 60).then_some(if sign == '-' { -offset } else { offset })?
        }
        Some(_) => return None,
    };
    Some(((hour * 60 + minute - zone) * 60 + second) * 1000 + fraction)
}

/// The parts of a date in a loose form: `Aug 4, 2011 10:30 PM GMT+0200`, `8/4/2011`, `2011/08/04`.
#[derive(Default)]
struct Loose {
    numbers: Vec<(i64, usize)>,
    month: Option<u32>,
    clock: Option<i64>,
    afternoon: Option<bool>,
    zone: Option<i64>,
}

impl Loose {
    fn read(mut self, text: &str) -> Option<i64> {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                '(' => rest.split_once(')').map_or("", |(_, tail)| tail),
                letter if letter.is_ascii_digit() => self.number(rest)?,
                letter if letter.is_alphabetic() => self.word(rest)?,
                '+' | '-' if self.clock.is_some() || self.zone.is_some() => self.offset(rest)?,
                ' ' | ',' | '/' | '-' | '.' => &rest[1..],
                space if space.is_whitespace() => &rest[space.len_utf8()..],
                _ => return None,
            };
        }
        self.date()
    }

    fn number<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = text[..length].parse().ok()?;
        let rest = &text[length..];
        if self.clock.is_none() && rest.starts_with(':') {
            let (clock, rest) = loose_clock(number, &rest[1..])?;
            self.clock = Some(clock);
            return Some(rest);
        }
        self.numbers.push((number, length));
        Some(rest)
    }

    fn word<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let word = text[..length].to_ascii_lowercase();
        let month = word.get(..3).and_then(|start| MONTHS.iter().position(|month| *month == start));
        if let Some(month) = month {
            self.month = u32::try_from(month + 1).ok();
        } else if word == "am" || word == "pm" {
            self.afternoon = Some(word == "pm");
        } else if word == "z" {
            self.zone = Some(0);
        } else if let Some((_, offset)) = ZONES.iter().find(|(zone, _)| *zone == word) {
            self.zone = Some(*offset);
        } else if word != "t" && (length == 0 || !self.numbers.is_empty()) {
            // Before the first number any word is taken, such as the day of the week.
            return None;
        }
        Some(&text[length..])
    }

    fn offset<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let length = text[1..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':').count();
        let digits: String = text[1..=length].chars().filter(char::is_ascii_digit).collect();
        let number: i64 = digits.parse().ok().filter(|_| digits.len() <= 4)?;
        let offset = if digits.len() <= 2 { number * 60 } else { number / 100 * 60 + number % 100 };
        self.zone = Some(if text.starts_with('-') { -offset } else { offset });
        Some(&text[length + 1..])
    }

    fn date(self) -> Option<i64> {
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            (Some(month), [(day, _)]) => ((2001, 0), month, *day),
            (Some(month), [(first, length), second]) if *length > 2 || *first > 31 => ((*first, *length), month, second.0),
            (Some(month), [(day, _), year]) => (*year, month, *day),
            (None, [(year, length), (month, _)]) if *length > 2 || *year > 31 => ((*year, *length), u32::try_from(*month).ok()?, 1),
            (None, [(month, _), (day, _)]) => ((2001, 0), u32::try_from(*month).ok()?, *day),
            (None, [(first, length), (month, _), (day, _)]) if *length > 2 || *first > 31 => {
                ((*first, *length), u32::try_from(*month).ok()?, *day)
            }
            (None, [(month, _), (day, _), year]) => (*year, u32::try_from(*month).ok()?, *day),
            _ => return None,
        };
        let year = match year {
            (year @ 0..=49, 1..=2) => 2000 + year,
            (year @ 50..=99, 1..=2) => 1900 + year,
            (year, _) => year,
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        millis(year, month, day, self.time()?)
    }

    fn time(&self) -> Option<i64> {
        const HOUR: i64 = 3_600_000;
        let clock = self.clock.unwrap_or(0);
        let clock = match self.afternoon {
            None => clock,
            Some(_) if self.clock.is_none() || !(1..=12).contains(&(clock / HOUR)) => return None,
            Some(afternoon) => clock % (12 * HOUR) + if afternoon { 12 * HOUR } else { 0 },
        };
        Some(clock - self.zone.unwrap_or(0) * 60_000)
    }
}

/// `MM[:SS[.fff]]` after the hour.
fn loose_clock(hour: i64, text: &str) -> Option<(i64, &str)> {
    let take = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let length = take(text);
    let minute: i64 = text[..length].parse().ok()?;
    let mut rest = &text[length..];
    let (mut second, mut fraction) = (0, 0);
    if let Some(tail) = rest.strip_prefix(':') {
        let length = take(tail);
        second = tail[..length].parse().ok()?;
        rest = &tail[length..];
        if let Some(tail) = rest.strip_prefix('.') {
            let length = take(tail);
            let three: String = tail[..length].chars().chain("000".chars()).take(3).collect();
            fraction = three.parse().ok()?;
            rest = &tail[length..];
        }
    }
    let valid = (hour < 24 || hour == 24 && minute == 0 && second == 0) && minute < 60 && second < 60;
    valid.then(|| (((hour * 60 + minute) * 60 + second) * 1000 + fraction, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_javascript_reads() {
        let day = instant_of("2011-08-04").unwrap();
        for text in [
            "2011-08-04T00:00:00Z",
            "2011-08-04 00:00",
            "2011/08/04",
            "8/4/2011",
            "Aug 4, 2011",
            "4 August 2011",
            "Thu Aug 04 2011",
            "Thu, 04 Aug 2011 00:00:00 GMT",
        ] {
            assert_eq!(instant_of(text), Some(day), "{text}");
        }
        assert_eq!(instant_of("2011-08-04T02:00:00+02:00"), Some(day));
        assert_eq!(instant_of("Aug 4, 2011 1:30 PM"), Some(day + 48_600_000));
        assert_eq!(instant_of("Thu Aug 04 2011 00:00:00 GMT-0500 (EST)"), Some(day + 18_000_000));
        assert_eq!(instant_of("2011-02-30"), instant_of("2011-03-02"));
        for text in ["", "abc", "yesterday", "2011-13-01", "2011-08-32", "2011-08-04T25:00", "foo 2011-08-04é", "12:00", "日本"] {
            assert_eq!(instant_of(text), None, "{text}");
        }
    }
}
