//! One fake value for one column: by its rules, its name and its type.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use fake::Fake;
use fake::faker::address::en::{CityName, CountryName, PostCode, StateName, StreetName};
use fake::faker::company::en::CompanyName;
use fake::faker::internet::en::Username;
use fake::faker::lorem::en::{Paragraph, Sentence, Words};
use fake::faker::name::en::{FirstName, LastName, Name};
use fake::faker::phone_number::en::PhoneNumber;
use fake::rand::rngs::StdRng;
use fake::rand::{Rng, RngExt};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ColumnDef, ModelDef};
use sequor_core::types::ColumnType;

/// What a value is made from.
pub(super) struct Inventor<'a> {
    pub(super) model: &'a ModelDef,
    pub(super) rng: &'a mut StdRng,
    /// A number that no other row has.
    pub(super) number: u64,
}

/// What the rules of a column leave.
#[derive(Default)]
struct Limits {
    email: bool,
    url: bool,
    choices: Vec<Value>,
    shortest: usize,
    longest: Option<usize>,
    least: Option<i64>,
    most: Option<i64>,
}

fn limits(column: &ColumnDef) -> Limits {
    let mut limits = Limits::default();
    for rule in &column.rules {
        let number = |place: usize, name: &str| argument(&rule.args, place, name);
        match &*rule.key {
            "isEmail" | "is_email" | "email" => limits.email = true,
            "isUrl" | "is_url" | "url" => limits.url = true,
            "isIn" | "is_in" | "in" => limits.choices = rule.args.iter().flat_map(items).collect(),
            "len" | "isLength" | "is_length" | "length" => {
                limits.shortest = number(0, "min").and_then(|least| usize::try_from(least).ok()).unwrap_or(0);
                limits.longest = number(1, "max").and_then(|most| usize::try_from(most).ok());
            }
            "min" => limits.least = number(0, "limit"),
            "max" => limits.most = number(0, "limit"),
            _ => {}
        }
    }
    if let ColumnType::VarChar(most) | ColumnType::Char(most) = column.ty {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        limits.longest = Some(limits.longest.map_or(most, |longest| longest.min(most)));
    }
    limits
}

/// An argument of a rule, by its place or, in the object at the end, by its name.
fn argument(args: &[Value], place: usize, name: &str) -> Option<i64> {
    let named = match args.last() {
        Some(Value::Json(json)) => json.get(name).and_then(serde_json::Value::as_i64),
        _ => None,
    };
    match args.get(place) {
        Some(Value::I64(number)) => Some(*number),
        Some(Value::Decimal(number)) => number.to_i64(),
        _ => named,
    }
}

/// The members of a list, however it was written.
fn items(value: &Value) -> Vec<Value> {
    let of_json = |json: &serde_json::Value| match json {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        other => other.as_i64().map_or(Value::Null, Value::I64),
    };
    match value {
        Value::Array(all) => all.clone(),
        Value::Json(json) => {
            let list = json.as_array().or_else(|| json.get("values")?.as_array());
            list.into_iter().flatten().map(of_json).collect()
        }
        one => vec![one.clone()],
    }
}

impl Inventor<'_> {
    /// A value for a column; `unique` is one that no other row has.
    pub(super) fn value(&mut self, column: &ColumnDef, unique: bool) -> Result<Value> {
        let limits = limits(column);
        if !limits.choices.is_empty() {
            let place = self.below(limits.choices.len());
            return Ok(limits.choices[place].clone());
        }
        self.of_type(&column.ty, column, &limits, unique)
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end.max(1))
    }

    fn of_type(&mut self, ty: &ColumnType, column: &ColumnDef, limits: &Limits, unique: bool) -> Result<Value> {
        Ok(match ty {
            ColumnType::Bool => Value::Bool(self.rng.random()),
            ColumnType::I8 | ColumnType::U8 => self.whole(limits, unique, 100),
            ColumnType::I16 | ColumnType::U16 => self.whole(limits, unique, 10_000),
            ColumnType::I32 | ColumnType::I64 | ColumnType::U32 | ColumnType::U64 => self.whole(limits, unique, 1_000),
            ColumnType::F32 | ColumnType::F64 => Value::F64(f64::from(self.rng.random_range(0_i32..100_000)) / 100.0),
            ColumnType::Decimal(shape) => {
                let (precision, scale) = shape.unwrap_or((9, 2));
                let digits = u32::from(precision.min(8)).max(u32::from(scale) + 1);
                Value::Decimal(Decimal::new(self.rng.random_range(1..10_i64.pow(digits)), scale.into()))
            }
            ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) | ColumnType::CiText => {
                Value::Text(self.text(column, limits, unique))
            }
            ColumnType::Uuid => Value::Uuid(uuid::Uuid::from_u128(self.rng.random())),
            ColumnType::DateTime(_) => Value::DateTime(self.instant()),
            ColumnType::NaiveDateTime(_) => Value::NaiveDateTime(self.instant().naive_utc()),
            ColumnType::Date => Value::Date(self.instant().date_naive()),
            ColumnType::Time => {
                let seconds = self.rng.random_range(0..86_400_u32);
                Value::Time(NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap_or_default())
            }
            ColumnType::Bytes => {
                let mut bytes = vec![0; 16];
                self.rng.fill_bytes(&mut bytes);
                Value::Bytes(bytes)
            }
            ColumnType::Json(_) => Value::Json(Box::new(serde_json::json!({ "note": self.words(3), "number": self.below(1000) }))),
            ColumnType::Enum(labels) => Value::Text(labels.labels[self.below(labels.labels.len())].to_string()),
            ColumnType::Array(inner) => {
                let count = self.below(4);
                Value::Array((0..count).map(|_| self.of_type(inner, column, limits, false)).collect::<Result<_>>()?)
            }
            ColumnType::Inet => Value::Text(format!("192.0.2.{}", self.below(255))),
            ColumnType::Cidr => Value::Text(format!("10.{}.0.0/16", self.below(255))),
            ColumnType::MacAddr => Value::Text(format!("02:00:5e:{:02x}:{:02x}:{:02x}", self.below(256), self.below(256), self.below(256))),
            ColumnType::Interval => Value::Text(format!("{} days", self.below(365))),
            ColumnType::Range(_) | ColumnType::HStore | ColumnType::TsVector => {
                return Err(Error::usage(format!(
                    "{}.{} has a type without fake data: give it by Factory::with or Factory::set",
                    self.model.name, column.name
                )));
            }
        })
    }

    fn whole(&mut self, limits: &Limits, unique: bool, usual: i64) -> Value {
        let least = limits.least.unwrap_or(if unique { 1 } else { 0 });
        if unique {
            let number = i64::try_from(self.number).unwrap_or(0);
            return Value::I64(least.saturating_add(number));
        }
        let most = limits.most.unwrap_or(least.saturating_add(usual)).max(least);
        Value::I64(self.rng.random_range(least..=most))
    }

    /// Within the two years before 2024, so that the same seed gives the same data on every day.
    fn instant(&mut self) -> DateTime<Utc> {
        let day = NaiveDate::from_ymd_opt(2022, 1, 1).unwrap_or_default().checked_add_days(Days::new(self.rng.random_range(0..730)));
        let midnight = day.unwrap_or_default().and_time(NaiveTime::MIN).and_utc();
        midnight + TimeDelta::seconds(self.rng.random_range(0..86_400))
    }

    fn words(&mut self, count: usize) -> String {
        Words(count..count + 1).fake_with_rng::<Vec<String>, _>(self.rng).join(" ")
    }

    fn text(&mut self, column: &ColumnDef, limits: &Limits, unique: bool) -> String {
        let name = column.name.to_lowercase();
        let has = |part: &str| name.contains(part);
        let number = self.number;
        if limits.email || has("email") {
            let (first, last): (String, String) = (FirstName().fake_with_rng(self.rng), LastName().fake_with_rng(self.rng));
            let person =
                format!("{first}.{last}").to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "");
            let tail = if unique { format!(".{number}@example.com") } else { "@example.com".to_owned() };
            return fitted(person, &tail, limits);
        }
        let (tail, web) = (if unique { format!("-{number}") } else { String::new() }, limits.url || has("url") || has("website"));
        let text = if web { format!("https://example.com/{}", self.words(1)) } else { self.named(&name) };
        fitted(text, &tail, limits)
    }

    /// A text as the column's name has it.
    fn named(&mut self, name: &str) -> String {
        let has = |part: &str| name.contains(part);
        let rng = &mut *self.rng;
        match () {
            () if has("first_name") || has("firstname") => FirstName().fake_with_rng(rng),
            () if has("last_name") || has("lastname") => LastName().fake_with_rng(rng),
            () if has("username") || has("login") => Username().fake_with_rng(rng),
            () if has("company") => CompanyName().fake_with_rng(rng),
            () if has("country") => CountryName().fake_with_rng(rng),
            () if has("city") => CityName().fake_with_rng(rng),
            () if has("state") || has("region") => StateName().fake_with_rng(rng),
            () if has("street") || has("address") => StreetName().fake_with_rng(rng),
            () if has("zip") || has("post_code") || has("postal") => PostCode().fake_with_rng(rng),
            () if has("phone") => PhoneNumber().fake_with_rng(rng),
            () if has("body") || has("description") || has("content") || has("bio") => Paragraph(2..4).fake_with_rng(rng),
            () if has("title") || has("subject") || has("comment") => Sentence(3..7).fake_with_rng(rng),
            () if has("name") || has("author") => Name().fake_with_rng(rng),
            () => self.words(2),
        }
    }
}

/// A text with its tail, neither longer nor shorter than the rules want it.
fn fitted(mut text: String, tail: &str, limits: &Limits) -> String {
    while text.chars().count() + tail.chars().count() < limits.shortest {
        text.push_str(if text.is_empty() { "text" } else { "x" });
    }
    if let Some(longest) = limits.longest {
        let room = longest.saturating_sub(tail.chars().count());
        text = text.chars().take(room).collect();
    }
    let whole = format!("{text}{tail}");
    // A tail that does not fit is kept at its end, where it differs.
    match limits.longest {
        Some(longest) => whole.chars().skip(whole.chars().count().saturating_sub(longest)).collect(),
        None => whole,
    }
}
