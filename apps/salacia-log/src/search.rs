//! What can be asked of the log: filters, sorts, pages and cursors, parsed from parameters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, Utc};
use std::fmt;
use uuid::Uuid;

/// A parameter that cannot be.
#[derive(Clone, Debug, PartialEq)]
pub struct BadParameter {
    /// Its name.
    pub name: String,
    /// What it must be.
    pub message: String,
}

impl BadParameter {
    fn new(name: &str, message: impl fmt::Display) -> BadParameter {
        BadParameter { name: name.to_owned(), message: format!("Invalid {name} parameter. {message}") }
    }
}

type Parsed<T> = Result<T, BadParameter>;

/// Which messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// The model's name.
    pub model: Option<String>,
    /// The provider's name.
    pub provider: Option<String>,
    /// Stored at this moment or later.
    pub start_date: Option<DateTime<Utc>>,
    /// Stored at this moment or before.
    pub end_date: Option<DateTime<Utc>>,
    /// With or without an error.
    pub has_error: Option<bool>,
    /// At least so many tokens.
    pub min_tokens: Option<i32>,
    /// At most so many tokens.
    pub max_tokens: Option<i32>,
    /// At least so many milliseconds.
    pub min_response_time: Option<i32>,
    /// At most so many milliseconds.
    pub max_response_time: Option<i32>,
    /// Somewhere in the text of request or response, in any case.
    pub search_term: Option<String>,
}

impl Filters {
    /// Takes a parameter if it is a filter; false if it is something else.
    pub fn take(&mut self, name: &str, value: &str) -> Parsed<bool> {
        // A form sends its empty fields too.
        let text = || (!value.is_empty()).then(|| plain(name, value)).transpose();
        match name {
            "model" => self.model = text()?,
            "provider" => self.provider = text()?,
            "searchTerm" => self.search_term = text()?,
            "startDate" => self.start_date = text()?.map(|value| moment(name, &value, false)).transpose()?,
            "endDate" => self.end_date = text()?.map(|value| moment(name, &value, true)).transpose()?,
            "hasError" => self.has_error = text()?.map(|value| flag(name, &value)).transpose()?,
            "minTokens" => self.min_tokens = text()?.map(|value| whole(name, &value)).transpose()?,
            "maxTokens" => self.max_tokens = text()?.map(|value| whole(name, &value)).transpose()?,
            "minResponseTime" => self.min_response_time = text()?.map(|value| whole(name, &value)).transpose()?,
            "maxResponseTime" => self.max_response_time = text()?.map(|value| whole(name, &value)).transpose()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The filters as the API repeats them.
    pub fn to_json(&self) -> serde_json::Value {
        let mut map = serde_json::Map::new();
        let mut put = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("model", self.model.clone().map(Into::into));
        put("provider", self.provider.clone().map(Into::into));
        put("startDate", self.start_date.map(|time| crate::iso_time(time).into()));
        put("endDate", self.end_date.map(|time| crate::iso_time(time).into()));
        put("hasError", self.has_error.map(Into::into));
        put("minTokens", self.min_tokens.map(Into::into));
        put("maxTokens", self.max_tokens.map(Into::into));
        put("minResponseTime", self.min_response_time.map(Into::into));
        put("maxResponseTime", self.max_response_time.map(Into::into));
        put("searchTerm", self.search_term.clone().map(Into::into));
        map.into()
    }
}

fn plain(name: &str, value: &str) -> Parsed<String> {
    if value.contains('\0') || value.chars().count() > 500 {
        return Err(BadParameter::new(name, "Must be a text of at most 500 characters without U+0000."));
    }
    Ok(value.to_owned())
}

fn whole(name: &str, value: &str) -> Parsed<i32> {
    value.parse().ok().filter(|number| *number >= 0).ok_or_else(|| BadParameter::new(name, "Must be a whole number, 0 or more."))
}

fn flag(name: &str, value: &str) -> Parsed<bool> {
    value.parse().map_err(|_| BadParameter::new(name, "Must be true or false."))
}

/// A moment, or a day: its first moment, or as an end its last.
fn moment(name: &str, value: &str, end: bool) -> Parsed<DateTime<Utc>> {
    let bad = || BadParameter::new(name, "Must be a date such as 2025-08-09 or 2025-08-09T05:12:56Z.");
    if let Ok(day) = value.parse::<NaiveDate>() {
        let time = if end { day.and_hms_micro_opt(23, 59, 59, 999_999) } else { day.and_hms_opt(0, 0, 0) };
        return time.map(|time| time.and_utc()).filter(sane).ok_or_else(bad);
    }
    DateTime::parse_from_rfc3339(value).map(|time| time.to_utc()).ok().filter(sane).ok_or_else(bad)
}

fn sane(time: &DateTime<Utc>) -> bool {
    (0..253_402_300_800).contains(&time.timestamp())
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    fn parse(name: &str, value: &str) -> Parsed<Direction> {
        match value {
            "asc" => Ok(Direction::Ascending),
            "desc" => Ok(Direction::Descending),
            _ => Err(BadParameter::new(name, "Must be asc or desc.")),
        }
    }

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        }
    }

    /// The other one.
    pub fn reverse(self) -> Direction {
        match self {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        }
    }
}

/// What a slice is sorted by; the key breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceField {
    /// When it was stored.
    CreatedAt,
    /// Its key.
    Id,
}

impl SliceField {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            SliceField::CreatedAt => "createdAt",
            SliceField::Id => "id",
        }
    }
}

/// A place between messages: behind the one with this key, or before it. The same text under every data layer, to the microsecond.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// When the message at the place was stored.
    pub created_at: DateTime<Utc>,
    /// Its key.
    pub id: Uuid,
    /// Whether the messages before it are meant.
    pub backwards: bool,
}

impl Place {
    /// The opaque text of a place in this order.
    pub fn write(&self, field: SliceField, direction: Direction) -> String {
        let mut bytes = vec![self.kind(field, direction)];
        bytes.extend(self.created_at.timestamp_micros().to_be_bytes());
        bytes.extend(self.id.as_bytes());
        let sum = checksum(&bytes);
        bytes.extend(sum.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn kind(&self, field: SliceField, direction: Direction) -> u8 {
        u8::from(field == SliceField::Id) | u8::from(direction == Direction::Ascending) << 1 | u8::from(self.backwards) << 2
    }

    fn read(text: &str, field: SliceField, direction: Direction) -> Parsed<Place> {
        let bad = || BadParameter::new("cursor", "Must be a cursor that this list gave, with the same sort.");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let (head, sum) = bytes.split_last_chunk::<4>().ok_or_else(bad)?;
        let (kind, rest) = head.split_first().ok_or_else(bad)?;
        let (micros, id) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
        let place = Place {
            created_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*micros)).filter(sane).ok_or_else(bad)?,
            id: Uuid::from_slice(id).map_err(|_| bad())?,
            backwards: kind & 4 != 0,
        };
        if checksum(head) != u32::from_be_bytes(*sum) || *kind != place.kind(field, direction) {
            return Err(bad());
        }
        Ok(place)
    }
}

/// FNV-1a: against typing errors, not against forgers, whom a cursor gives nothing but another place in the same list.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// A slice of the log.
#[derive(Clone, Debug)]
pub struct SliceQuery {
    /// Which messages.
    pub filters: Filters,
    /// Where to begin.
    pub place: Option<Place>,
    /// How many, 1 to 100.
    pub limit: u64,
    /// Searches only the first so many, in the direction of reading, that the other filters let through.
    pub first: Option<u64>,
    /// Sorted by.
    pub field: SliceField,
    /// In which direction.
    pub direction: Direction,
}

impl SliceQuery {
    /// Whether it reads against its sort, for the messages before a place.
    pub fn backwards(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.backwards)
    }

    /// Reads the parameters of a request.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Parsed<SliceQuery> {
        let mut query = SliceQuery {
            filters: Filters::default(),
            place: None,
            limit: 20,
            first: None,
            field: SliceField::CreatedAt,
            direction: Direction::Descending,
        };
        let mut cursor = None;
        for (name, value) in parameters {
            match name {
                "limit" => query.limit = sized(name, value)?,
                "cursor" => cursor = (!value.is_empty()).then_some(value),
                "sortBy" => {
                    query.field = match value {
                        "createdAt" => SliceField::CreatedAt,
                        "id" => SliceField::Id,
                        _ => return Err(BadParameter::new(name, "Must be createdAt or id.")),
                    }
                }
                "sortDirection" => query.direction = Direction::parse(name, value)?,
                other if query.filters.take(other, value)? => {}
                other => return Err(unknown(other)),
            }
        }
        query.place = cursor.map(|text| Place::read(text, query.field, query.direction)).transpose()?;
        Ok(query)
    }
}

/// What a numbered page is sorted by; the key breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageField {
    /// When it was stored.
    CreatedAt,
    /// The model's name.
    Model,
    /// Tokens in all; none counts as fewest.
    TotalTokens,
    /// Milliseconds; none counts as fewest.
    ResponseTime,
}

impl PageField {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            PageField::CreatedAt => "createdAt",
            PageField::Model => "model",
            PageField::TotalTokens => "totalTokens",
            PageField::ResponseTime => "responseTime",
        }
    }
}

/// A numbered page of the log.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// Which messages.
    pub filters: Filters,
    /// Its number, from 1.
    pub page: u64,
    /// How many messages it has, 1 to 100.
    pub size: u64,
    /// Sorted by.
    pub field: PageField,
    /// In which direction.
    pub direction: Direction,
}

impl PageQuery {
    /// Reads the parameters of a request.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Parsed<PageQuery> {
        let mut query =
            PageQuery { filters: Filters::default(), page: 1, size: 20, field: PageField::CreatedAt, direction: Direction::Descending };
        for (name, value) in parameters {
            match name {
                "page" => {
                    let page = value.parse().ok().filter(|page| (1..=1_000_000_000).contains(page));
                    query.page = page.ok_or_else(|| BadParameter::new(name, "Must be a whole number, 1 or more."))?;
                }
                "pageSize" => query.size = sized(name, value)?,
                "sortField" => {
                    query.field = match value {
                        "createdAt" => PageField::CreatedAt,
                        "model" => PageField::Model,
                        "totalTokens" => PageField::TotalTokens,
                        "responseTime" => PageField::ResponseTime,
                        _ => return Err(BadParameter::new(name, "Must be createdAt, model, totalTokens or responseTime.")),
                    }
                }
                "sortDirection" => query.direction = Direction::parse(name, value)?,
                other if query.filters.take(other, value)? => {}
                other => return Err(unknown(other)),
            }
        }
        Ok(query)
    }
}

/// What an index of trigrams is asked for a search term: its longest part that everybody folds alike, three letters at least. The rows that it gives are
/// only those that may hold the term.
pub fn indexed_words(term: &str) -> Option<String> {
    let part = term.split(|letter: char| !letter.is_ascii() || letter.is_ascii_control()).max_by_key(|part| part.len())?;
    (part.len() >= 3).then(|| format!("\"{}\"", part.replace('"', "\"\"")))
}

fn sized(name: &str, value: &str) -> Parsed<u64> {
    value.parse().ok().filter(|size| (1..=100).contains(size)).ok_or_else(|| BadParameter::new(name, "Must be a number between 1 and 100."))
}

fn unknown(name: &str) -> BadParameter {
    let short: String = name.chars().take(60).collect();
    BadParameter { message: format!("Unknown parameter {short:?}."), name: short }
}

#[cfg(test)]
mod tests {
    use super::{Direction, Filters, PageQuery, Place, SliceField, SliceQuery};
    use chrono::{TimeZone, Utc};
    use uuid::Uuid;

    #[test]
    fn a_cursor_comes_back_in_its_own_order_only() {
        let place = Place { created_at: Utc.timestamp_micros(1_754_716_376_123_456).unwrap(), id: Uuid::max(), backwards: true };
        let text = place.write(SliceField::CreatedAt, Direction::Descending);
        let read = SliceQuery::parse([("cursor", text.as_str())]).unwrap();
        assert_eq!(read.place, Some(place));
        for other in [vec![("cursor", text.as_str()), ("sortDirection", "asc")], vec![("sortBy", "id"), ("cursor", text.as_str())]] {
            assert_eq!(SliceQuery::parse(other).unwrap_err().name, "cursor");
        }
        let mut forged = text.into_bytes();
        forged[5] ^= 1;
        assert!(SliceQuery::parse([("cursor", std::str::from_utf8(&forged).unwrap())]).is_err());
    }

    #[test]
    fn an_index_is_asked_for_letters_that_are_folded_alike() {
        for (term, words) in
            [("purr", Some("\"purr\"")), ("a \"b", Some("\"a \"\"b\"")), ("Bücher", Some("\"cher\"")), ("né", None), ("ab", None)]
        {
            assert_eq!(super::indexed_words(term).as_deref(), words, "{term}");
        }
    }

    #[test]
    fn parameters_are_checked() {
        let limit = SliceQuery::parse([("limit", "0")]).unwrap_err();
        assert_eq!(limit.message, "Invalid limit parameter. Must be a number between 1 and 100.");
        for (name, value) in [
            ("page", "0"),
            ("page", "x"),
            ("pageSize", "101"),
            ("sortField", "id;--"),
            ("minTokens", "-1"),
            ("hasError", "1"),
            ("startDate", "soon"),
            ("nonsense", "1"),
        ] {
            assert_eq!(PageQuery::parse([(name, value)]).unwrap_err().name, name);
        }
        let mut filters = Filters::default();
        assert!(filters.take("endDate", "2025-08-09").unwrap() && filters.take("model", "").unwrap());
        assert_eq!(crate::iso_time(filters.end_date.unwrap()), "2025-08-09T23:59:59.999Z");
        assert_eq!(filters.model, None);
    }
}
