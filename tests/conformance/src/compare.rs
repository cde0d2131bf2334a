//! How answers are compared.

use chrono::{NaiveDate, Utc};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// Which UUID each number stands for.
#[derive(Default, Clone)]
pub struct Uuids(HashMap<String, String>);

type Check = Result<(), String>;

/// Compares an answer with the recorded one.
pub fn answer(expected: &Json, got: &Json, uuids: &mut Uuids, keep: bool) -> Check {
    answer_or(expected, &Json::Null, got, uuids, keep)
}

/// One inner step of a transaction: as recorded on this database or, where that only echoes what was given, as on the first.
fn inner(expected: &Json, base: &Json, got: &Json, uuids: &mut Uuids, keep: bool) -> Check {
    let why = match answer_or(expected, base, got, uuids, keep) {
        Ok(()) => return Ok(()),
        Err(why) => why,
    };
    let either = expected["loose"] == Json::Bool(true) || expected.get("error").is_some() || expected.get("affected").is_some();
    if base.is_object() && either && answer(base, got, uuids, keep).is_ok() { Ok(()) } else { Err(why) }
}

/// The same, with the answer of the first database for the inner steps of a transaction.
pub fn answer_or(expected: &Json, base: &Json, got: &Json, uuids: &mut Uuids, keep: bool) -> Check {
    let loose = expected["loose"] == Json::Bool(true);
    let order = expected["order"].as_str().unwrap_or("none");
    let (Some(expected), Some(got)) = (expected.as_object(), got.as_object()) else { return Err("an answer is an object".into()) };
    if let Some(error) = expected.get("error") {
        let found = got.get("error").ok_or("an error was recorded")?;
        hooks(expected, got)?;
        return errors(error, found);
    }
    if let Some(error) = got.get("error") {
        return Err(format!("an error: {error}"));
    }
    let mut matched = uuids.clone();
    let mut comparer = Comparer { uuids: &mut matched, loose, keep };
    for (key, wanted) in expected {
        match key.as_str() {
            "sequelizeQueries" | "info" | "loose" | "order" | "hooks" | "hookOrder" | "compareOrder" => {}
            "steps" => {
                let (Some(wanted), Some(found)) = (wanted.as_array(), got.get("steps").and_then(Json::as_array)) else {
                    return Err("steps differ".into());
                };
                if wanted.len() != found.len() {
                    return Err(format!("{} inner steps were recorded, {} ran", wanted.len(), found.len()));
                }
                for (number, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                    inner(wanted, &base["steps"][number], found, comparer.uuids, keep)
                        .map_err(|why| format!("inner step {number}: {why}"))?;
                }
            }
            "created" if wanted.is_null() => {}
            "affected" => {
                let found = got.get("affected").ok_or("no affected rows")?;
                // MariaDB counted changed rows; matched rows are right as well.
                if !number_equal(wanted, found) {
                    return Err(format!("affected: {wanted} was recorded, {found} came"));
                }
            }
            "outcome" => {
                if got.get("outcome") != Some(wanted) {
                    return Err(format!("outcome: {wanted} was recorded"));
                }
            }
            "columns" => columns(wanted, got.get("columns").unwrap_or(&Json::Null))?,
            "rows" => {
                let found = got.get("rows").ok_or("no rows")?;
                comparer.lists(wanted, found, order == "rows" || order == "deep", order == "deep").map_err(|why| format!("rows: {why}"))?;
            }
            key => {
                let found = got.get(key).unwrap_or(&Json::Null);
                comparer.values(wanted, found, order == "deep").map_err(|why| format!("{key}: {why}"))?;
            }
        }
    }
    hooks(expected, got)?;
    *uuids = matched;
    Ok(())
}

/// The set of columns, what may be NULL and what is the key; defaults where one was recorded. SQLite reports its key as nullable or not. Types are
/// compared where both servers spell PostgreSQL's: on the others Sequor has a mapping of its own.
fn columns(wanted: &Json, got: &Json) -> Check {
    let (Some(wanted), Some(got)) = (wanted.as_object(), got.as_object()) else { return Err("columns are an object".into()) };
    if let Some(other) = got.keys().find(|name| !wanted.contains_key(*name)) {
        return Err(format!("the column {other} was not recorded"));
    }
    for (name, column) in wanted {
        let found = got.get(name).ok_or_else(|| format!("the column {name} is missing"))?;
        let is_key = column["primaryKey"] == Json::Bool(true);
        if column["primaryKey"] != found["primaryKey"] || (!is_key && column["allowNull"] != found["allowNull"]) {
            return Err(format!("the column {name}: {column} was recorded, {found} came"));
        }
        let plain = |json: &Json| match json {
            Json::Bool(value) => u8::from(*value).to_string(),
            Json::String(text) => text.trim_matches('\'').to_owned(),
            other => other.to_string(),
        };
        if let Some(default) = column.get("defaultValue").filter(|default| !default.is_null()) {
            let same =
                found.get("defaultValue").is_some_and(|found| plain(found).eq_ignore_ascii_case(&plain(default)) || plain(found) == "TRUE");
            if !same {
                return Err(format!("the default of {name}: {default} was recorded, {found} came"));
            }
        }
        let spelling = column["type"].as_str().unwrap_or_default();
        if spelling.starts_with("CHARACTER VARYING(") && column["type"] != found["type"] {
            return Err(format!("the type of {name}: {spelling} was recorded, {} came", found["type"]));
        }
    }
    Ok(())
}

/// Compares only the keys that a better answer has.
pub fn better(expected: &Json, got: &Json, uuids: &mut Uuids, keep: bool) -> Check {
    if let Some(error) = expected.get("error") {
        let found = got.get("error").ok_or("an error is expected")?;
        return if error.as_object().is_some_and(Map::is_empty) { Ok(()) } else { errors(error, found) };
    }
    answer(expected, got, uuids, keep)
}

fn hooks(expected: &Map<String, Json>, got: &Map<String, Json>) -> Check {
    let Some(Json::Array(wanted)) = expected.get("hooks") else { return Ok(()) };
    let found = got.get("hooks").and_then(Json::as_array).cloned().unwrap_or_default();
    let same = if expected.get("hookOrder").and_then(Json::as_str) == Some("any") {
        let sorted = |list: &[Json]| {
            let mut list: Vec<String> = list.iter().map(Json::to_string).collect();
            list.sort();
            list
        };
        sorted(wanted) == sorted(&found)
    } else {
        *wanted == found
    };
    if same { Ok(()) } else { Err(format!("hooks: {} were recorded, {} came", Json::Array(wanted.clone()), Json::Array(found))) }
}

fn errors(expected: &Json, got: &Json) -> Check {
    let class = expected["class"].as_str().unwrap_or_default();
    let found = got["class"].as_str().unwrap_or_default();
    let fits = match class {
        "" | "Error" => true,
        "SequelizeDatabaseError" => matches!(
            found,
            "SequelizeDatabaseError"
                | "SequelizeUniqueConstraintError"
                | "SequelizeForeignKeyConstraintError"
                | "SequelizeTimeoutError"
                | "SequelizeValidationError"
        ),
        class => class == found,
    };
    if !fits {
        return Err(format!("{class} was recorded, {got} came"));
    }
    for key in ["items", "fields", "errors"] {
        let (Some(wanted), true) =
            (expected.get(key), matches!(class, "SequelizeValidationError" | "SequelizeUniqueConstraintError" | "AggregateError"))
        else {
            continue;
        };
        let mut wanted = wanted.clone();
        if let (Some(names), "SequelizeUniqueConstraintError") = (got["columns"].as_object(), class) {
            in_attributes(&mut wanted, names);
        }
        let mut uuids = Uuids::default();
        let mut comparer = Comparer { uuids: &mut uuids, loose: true, keep: false };
        comparer.lists(&wanted, got.get(key).unwrap_or(&Json::Null), false, false).map_err(|why| format!("{key}: {why}"))?;
    }
    Ok(())
}

/// What is recorded under names of columns, under those of their attributes.
fn in_attributes(recorded: &mut Json, names: &Map<String, Json>) {
    for entry in recorded.as_array_mut().into_iter().flatten() {
        match entry {
            Json::String(field) => {
                if let Some(name) = names.get(field) {
                    *entry = name.clone();
                }
            }
            item => {
                let Some((column, name)) = item["path"].as_str().and_then(|path| names.get_key_value(path)) else { continue };
                if item["message"].as_str() == Some(&format!("{column} must be unique")) {
                    item["message"] = Json::String(format!("{} must be unique", name.as_str().unwrap_or_default()));
                }
                item["path"] = name.clone();
            }
        }
    }
}

struct Comparer<'a> {
    uuids: &'a mut Uuids,
    loose: bool,
    keep: bool,
}

fn number_of(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || "+-.eE".contains(letter)) => {
            text.parse().ok()
        }
        _ => None,
    }
}

fn number_equal(a: &Json, b: &Json) -> bool {
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => false,
    }
}

impl Comparer<'_> {
    fn lists(&mut self, wanted: &Json, found: &Json, ordered: bool, deep: bool) -> Check {
        let (Some(wanted), Some(found)) = (wanted.as_array(), found.as_array()) else {
            return if wanted == found { Ok(()) } else { Err(format!("{wanted} was recorded, {found} came")) };
        };
        if wanted.len() != found.len() {
            return Err(format!("{} were recorded, {} came", wanted.len(), found.len()));
        }
        if ordered {
            for (number, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                self.values(wanted, found, deep).map_err(|why| format!("[{number}] {why}"))?;
            }
            return Ok(());
        }
        let mut rest: Vec<&Json> = found.iter().collect();
        for item in wanted {
            let mut why = String::new();
            let place = rest.iter().position(|candidate| {
                let mut trial = self.uuids.clone();
                let mut comparer = Comparer { uuids: &mut trial, loose: self.loose, keep: self.keep };
                match comparer.values(item, candidate, deep) {
                    Ok(()) => {
                        *self.uuids = trial;
                        true
                    }
                    Err(reason) => {
                        why = reason;
                        false
                    }
                }
            });
            match place {
                Some(place) => {
                    rest.remove(place);
                }
                None => return Err(format!("nothing matches {item} ({why})")),
            }
        }
        Ok(())
    }

    fn values(&mut self, wanted: &Json, found: &Json, deep: bool) -> Check {
        let differ = || Err(format!("{wanted} was recorded, {found} came"));
        match (wanted, found) {
            (Json::String(text), _) if text == "<any>" => Ok(()),
            (Json::String(text), found) if text == "<timestamp>" => match found.as_str() {
                Some(date) if date.len() >= 10 && date.as_bytes()[4] == b'-' => Ok(()),
                Some(_) | None if self.loose && found.is_null() => Ok(()),
                _ if found.is_number() => Ok(()),
                _ => differ(),
            },
            (Json::String(text), found) if text == "<today>" => match found.as_str().and_then(|date| date.parse().ok()) {
                Some(date) if is_today(date) => Ok(()),
                _ => differ(),
            },
            (Json::String(text), Json::String(uuid)) if text.starts_with("<uuid:") => {
                if uuid.len() != 36 {
                    return differ();
                }
                let others = self.uuids.0.iter().any(|(number, known)| number != text && known == uuid);
                let known = self.uuids.0.entry(text.clone()).or_insert_with(|| uuid.clone());
                if *known == *uuid && !others { Ok(()) } else { differ() }
            }
            (Json::Object(wanted), Json::Object(found)) => self.objects(wanted, found, deep),
            (Json::Array(_), Json::Array(_)) => self.lists(wanted, found, deep, deep),
            (wanted, found) if wanted == found || number_equal(wanted, found) => Ok(()),
            // Booleans of a raw row are 0 and 1 on some databases; instants may show more digits.
            (Json::String(a), Json::String(b)) if same_instant(a, b) => Ok(()),
            _ => differ(),
        }
    }

    fn objects(&mut self, wanted: &Map<String, Json>, found: &Map<String, Json>, deep: bool) -> Check {
        for (key, value) in wanted {
            match found.get(key) {
                Some(found) => self.values(value, found, deep).map_err(|why| format!("{key}: {why}"))?,
                None if self.loose && value.is_null() => {}
                None => return Err(format!("{key} is missing")),
            }
        }
        for (key, value) in found {
            if !(wanted.contains_key(key) || self.loose && value.is_null()) {
                return Err(format!("{key} was not recorded, {value} came"));
            }
        }
        Ok(())
    }
}

/// Whether it is the day (UTC) that a row written by this run got, also where midnight has passed since.
fn is_today(date: NaiveDate) -> bool {
    let today = Utc::now().date_naive();
    date == today || date.succ_opt() == Some(today)
}

fn same_instant(a: &str, b: &str) -> bool {
    let trimmed = |text: &str| text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.').to_owned();
    a.len() >= 19 && b.len() >= 19 && a.as_bytes()[10] == b'T' && b.as_bytes()[10] == b'T' && trimmed(a) == trimmed(b)
}
