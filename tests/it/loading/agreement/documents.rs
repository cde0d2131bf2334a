//! Conditions on the documents and lists of books, and patterns: how they are made, and what they mean.

use super::generate::{Counts, Generator, WORDS};
use serde_json::{Value as JsonValue, json};
use std::cmp::Ordering;

/// Patterns that every server reads alike, and what they ask.
const PATTERNS: [(&str, fn(&str) -> bool); 6] = [
    ("^a", |text| text.starts_with('a')),
    ("t$", |text| text.ends_with('t')),
    ("e{2}", |text| text.contains("ee")),
    ("[dx]", |text| text.contains(['d', 'x'])),
    ("^.{3}$", |text| text.chars().count() == 3),
    ("bee|dog", |text| text.contains("bee") || text.contains("dog")),
];

impl Generator {
    /// A document with parts that are there, of another kind, JSON null, or missing; at times there is none.
    pub fn document(&mut self) -> JsonValue {
        if self.chance(15) {
            return JsonValue::Null;
        }
        let mut document = json!({});
        let number = match self.below(8) {
            0 => None,
            1 => Some(JsonValue::Null),
            2 => Some(json!(self.below(6).to_string())),
            3 => Some(json!(true)),
            _ => Some(json!(self.below(6))),
        };
        if let Some(number) = number {
            document["n"] = number;
        }
        if self.chance(80) {
            document["s"] = if self.chance(15) { json!(self.below(6)) } else { json!(self.pick(&WORDS)) };
        }
        if self.chance(80) {
            document["tags"] = (0..self.below(4)).map(|_| json!(self.pick(&WORDS))).collect();
        }
        if self.chance(60) {
            document["deep"] = json!({ "a": self.below(4), "b": self.pick(&WORDS) });
        }
        document
    }

    pub fn list(&mut self) -> JsonValue {
        if self.chance(20) { JsonValue::Null } else { (0..self.below(4)).map(|_| json!(self.below(4))).collect() }
    }

    /// A condition on the document or the list of a book.
    pub fn document_test(&mut self, counts: &mut Counts) -> JsonValue {
        let numbers = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$between", "$in"];
        match self.below(7) {
            0 | 1 => {
                let (path, operator) = (self.pick(&["data.n", "data.deep.a"]), self.pick(&numbers));
                counts.note(format!("{operator} of a JSON number"));
                let number = |generator: &mut Generator| json!(generator.below(6));
                let right = match operator {
                    "$between" => json!([self.below(3), 2 + self.below(4)]),
                    "$in" => (0..1 + self.below(3)).map(|_| number(self)).collect(),
                    _ => number(self),
                };
                json!({ path: { operator: right } })
            }
            2 => {
                let (path, operator) = (self.pick(&["data.s", "data.deep.b", "data.tags[0]", "data.n"]), self.pick(&["$eq", "$ne", "$in"]));
                counts.note(format!("{operator} of a JSON text"));
                let text = |generator: &mut Generator| if generator.chance(20) { json!("3") } else { json!(generator.pick(&WORDS)) };
                let right = if operator == "$in" { json!([text(self), text(self)]) } else { text(self) };
                json!({ path: { operator: right } })
            }
            3 => {
                let path = self.pick(&["data.n", "data.deep", "data.tags[1]"]);
                let negated = self.chance(50);
                counts.note(if negated { "JSON path that is not null" } else { "JSON path that is null" });
                if negated { json!({ path: { "$ne": null } }) } else { json!({ path: null }) }
            }
            4 => {
                counts.note("JSON containment");
                let part = match self.below(5) {
                    0 => json!({}),
                    1 => json!({ "n": self.below(6) }),
                    2 => json!({ "tags": [self.pick(&WORDS)] }),
                    3 => json!({ "deep": { "a": self.below(4) } }),
                    _ => json!({ "n": self.below(6), "tags": [] }),
                };
                json!({ "data": { "$contains": part } })
            }
            _ => {
                let operator = self.pick(&["$contains", "$contained", "$overlap"]);
                counts.note(format!("{operator} of a list"));
                let list: Vec<usize> = (0..self.below(4)).map(|_| self.below(4)).collect();
                if list.is_empty() {
                    counts.note("a list beside an empty one");
                }
                json!({ "marks": { operator: list } })
            }
        }
    }

    /// A pattern, in both cases.
    pub fn pattern_test(&mut self, counts: &mut Counts) -> JsonValue {
        let operator = self.pick(&["$regexp", "$notRegexp", "$iRegexp", "$notIRegexp"]);
        counts.note(format!("{operator} of a text"));
        let (pattern, _) = self.pick(&PATTERNS);
        json!({ operator: if operator.contains('I') || operator == "$iRegexp" { pattern.to_uppercase() } else { pattern.to_owned() } })
    }
}

/// Whether a text matches one of the patterns.
pub fn matches(text: &str, pattern: &str) -> bool {
    let (_, asks) = PATTERNS.iter().find(|(known, _)| *known == pattern.to_lowercase()).expect("a pattern of the list");
    asks(text)
}

/// A condition on a part of a document: `None` is unknown.
pub fn path_holds(document: &JsonValue, path: &str, test: &JsonValue, texts_apart: bool) -> Option<bool> {
    let found = path.replace('[', ".").replace(']', "").split('.').try_fold(document, |at, key| match at {
        JsonValue::Array(items) => key.parse::<usize>().ok().and_then(|place| items.get(place)),
        other => other.get(key),
    });
    let found = found.filter(|found| !found.is_null());
    let Some((operator, right)) = test.as_object().and_then(|test| test.iter().next()) else { return Some(found.is_none()) };
    if right.is_null() {
        return Some(found.is_some());
    }
    let text = |value: &JsonValue| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // A number asks numbers alone, a text the text of whatever is there.
    let order = |right: &JsonValue| match right {
        JsonValue::Number(_) => found.filter(|found| found.is_number()).map(|found| found.as_i64().cmp(&right.as_i64())),
        // SQLite puts whatever is no text before the texts.
        _ if texts_apart && found.is_some_and(|found| !found.is_string()) => Some(Ordering::Less),
        _ => found.map(|found| text(found).cmp(&text(right))),
    };
    let items = right.as_array().map_or(&[][..], Vec::as_slice);
    match operator.as_str() {
        "$eq" => order(right).map(Ordering::is_eq),
        // What is of another kind is another value.
        "$ne" => found.map(|_| order(right).is_none_or(Ordering::is_ne)),
        "$gt" => order(right).map(Ordering::is_gt),
        "$gte" => order(right).map(Ordering::is_ge),
        "$lt" => order(right).map(Ordering::is_lt),
        "$lte" => order(right).map(Ordering::is_le),
        "$between" => Some(order(&items[0])?.is_ge() && order(&items[1])?.is_le()),
        "$in" => {
            order(&items[0])?;
            Some(items.iter().any(|item| order(item) == Some(Ordering::Equal)))
        }
        other => unreachable!("{other} is not generated"),
    }
}

/// Containment of documents and of lists, and what lists have in common.
pub fn whole_holds(value: &JsonValue, test: &JsonValue) -> Option<bool> {
    if value.is_null() {
        return None;
    }
    let (operator, right) = test.as_object().and_then(|test| test.iter().next())?;
    Some(match operator.as_str() {
        "$contains" => contains(value, right),
        "$contained" => contains(right, value),
        _ => value.as_array().is_some_and(|items| items.iter().any(|item| contains(right, &json!([item])))),
    })
}

fn contains(whole: &JsonValue, part: &JsonValue) -> bool {
    match (whole, part) {
        (JsonValue::Object(whole), JsonValue::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (JsonValue::Array(whole), JsonValue::Array(part)) => part.iter().all(|part| whole.iter().any(|whole| contains(whole, part))),
        (whole, part) => whole == part,
    }
}
