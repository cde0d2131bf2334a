//! `any`, `none` and `all` over to-many relations, which the typed door has and Sequelize's options have not.

use super::super::library::*;
use super::generate::{Counts, Generator, WORDS};
use sequor::prelude::*;
use serde_json::{Value as JsonValue, json};

/// The relations that are asked: their target's columns, a number first.
const ASKED: [(&str, &str, &[(&str, bool)]); 6] = [
    ("Author", "books", &[("pages", false), ("title", true)]),
    ("Author", "drafts", &[("pages", false), ("title", true)]),
    ("Author", "staff", &[("born", false), ("name", true)]),
    ("Book", "chapters", &[("place", false), ("title", true)]),
    ("Book", "labels", &[("id", false), ("name", true)]),
    ("Label", "books", &[("pages", false), ("title", true)]),
];

impl Generator {
    /// What is asked of a model's related rows: `{ relation, how, where }`.
    pub fn quantified(&mut self, model: &str, counts: &mut Counts) -> JsonValue {
        let asked: Vec<_> = ASKED.iter().filter(|(source, ..)| *source == model).collect();
        let (_, relation, columns) = asked[self.below(asked.len())];
        let how = self.pick(&["any", "none", "all"]);
        counts.note(format!("{how} over {}", if *relation == "labels" || model == "Label" { "a relation through" } else { "a relation" }));
        let (column, text) = self.pick(columns);
        let operator = self.pick(&["$eq", "$ne", "$gt"]);
        let right = if text { json!(self.pick(&WORDS)) } else { json!(self.below(7)) };
        json!({ "relation": relation, "how": how, "where": { column: { operator: right } } })
    }
}

/// A test of one column.
macro_rules! test {
    ($test:expr, $kind:ty, $number:expr, $text:expr) => {{
        let (_, test) = $test.as_object().and_then(|test| test.iter().next()).expect("one column");
        let (operator, right) = test.as_object().and_then(|test| test.iter().next()).expect("one operator");
        let text = right.as_str().unwrap_or_default();
        match (operator.as_str(), right.as_i64().and_then(|number| <$kind>::try_from(number).ok())) {
            ("$eq", Some(number)) => $number.eq(number),
            ("$ne", Some(number)) => $number.ne(number),
            (_, Some(number)) => $number.gt(number),
            ("$eq", None) => $text.eq(text),
            ("$ne", None) => $text.ne(text),
            (_, None) => $text.gt(text),
        }
    }};
}

macro_rules! quantified {
    ($asked:expr, $relation:expr, $kind:ty, $number:expr, $text:expr) => {{
        let filter = test!($asked["where"], $kind, $number, $text);
        match $asked["how"].as_str() {
            Some("any") => $relation.any(filter),
            Some("none") => $relation.none(filter),
            _ => $relation.all(filter),
        }
    }};
}

/// A model whose related rows are asked.
pub trait Asked: Sized {
    fn asked(asked: &JsonValue) -> Filter<Self>;
}

impl Asked for Author {
    fn asked(asked: &JsonValue) -> Filter<Author> {
        match asked["relation"].as_str() {
            Some("books") => quantified!(asked, Author::BOOKS, i32, Book::PAGES, Book::TITLE),
            Some("drafts") => quantified!(asked, Author::DRAFTS, i32, Book::PAGES, Book::TITLE),
            _ => quantified!(asked, Author::STAFF, i32, Author::BORN, Author::NAME),
        }
    }
}

impl Asked for Book {
    fn asked(asked: &JsonValue) -> Filter<Book> {
        match asked["relation"].as_str() {
            Some("chapters") => quantified!(asked, Book::CHAPTERS, i32, Chapter::PLACE, Chapter::TITLE),
            _ => quantified!(asked, Book::LABELS, i64, Label::ID, Label::NAME),
        }
    }
}

impl Asked for Label {
    fn asked(asked: &JsonValue) -> Filter<Label> {
        quantified!(asked, Label::BOOKS, i32, Book::PAGES, Book::TITLE)
    }
}
