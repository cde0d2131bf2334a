//! Random rows, and random queries in Sequelize's JSON.

use serde_json::{Map, Value as JsonValue, json};
use std::collections::BTreeMap;

pub type Row = Map<String, JsonValue>;

/// The rows of all tables.
#[derive(Default)]
pub struct World {
    tables: BTreeMap<&'static str, Vec<Row>>,
}

impl World {
    pub fn rows(&self, model: &str) -> &[Row] {
        self.tables.get(model).map_or(&[], Vec::as_slice)
    }
}

/// How often something occurred.
#[derive(Default)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    pub fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(what, count)| (what.as_str(), *count))
    }
}

/// A column: its name, whether it holds text, whether it may be NULL.
type Column = (&'static str, bool, bool);

/// A relation: its name, its target, and which kind.
pub struct Related {
    pub name: &'static str,
    pub target: &'static str,
    pub many: bool,
    /// The column of the source and the one of the target (or, with a model between, of that one).
    pub on: (&'static str, &'static str),
    /// The column between that points to the target.
    pub between: Option<&'static str>,
    /// A fixed value of the target.
    pub fixed: Option<(&'static str, &'static str)>,
}

const fn related(name: &'static str, target: &'static str, many: bool, on: (&'static str, &'static str)) -> Related {
    Related { name, target, many, on, between: None, fixed: None }
}

const AUTHOR: &[Related] = &[
    related("boss", "Author", false, ("boss_id", "id")),
    related("staff", "Author", true, ("id", "boss_id")),
    related("books", "Book", true, ("id", "author_id")),
    Related { fixed: Some(("kind", "draft")), ..related("drafts", "Book", true, ("id", "author_id")) },
    related("edited", "Book", true, ("id", "editor_id")),
    related("badge", "Badge", false, ("id", "author_id")),
    Related { fixed: Some(("about_type", "author")), ..related("notes", "Note", true, ("id", "about_id")) },
];
const BOOK: &[Related] = &[
    related("author", "Author", false, ("author_id", "id")),
    related("editor", "Author", false, ("editor_id", "id")),
    related("chapters", "Chapter", true, ("id", "book_id")),
    Related { between: Some("label_id"), ..related("labels", "Label", true, ("id", "book_id")) },
    Related { fixed: Some(("about_type", "book")), ..related("notes", "Note", true, ("id", "about_id")) },
];
const LABEL: &[Related] = &[Related { between: Some("book_id"), ..related("books", "Book", true, ("id", "label_id")) }];
const CHAPTER: &[Related] = &[related("book", "Book", false, ("book_id", "id"))];

pub fn relations(model: &str) -> &'static [Related] {
    match model {
        "Author" => AUTHOR,
        "Book" => BOOK,
        "Label" => LABEL,
        "Chapter" => CHAPTER,
        _ => &[],
    }
}

fn columns(model: &str) -> &'static [Column] {
    match model {
        "Author" => &[("id", false, false), ("name", true, false), ("born", false, true), ("boss_id", false, true)],
        "Book" => {
            &[("id", false, false), ("title", true, false), ("kind", true, false), ("pages", false, true), ("author_id", false, true)]
        }
        "Label" => &[("id", false, false), ("name", true, false)],
        "Chapter" => &[("id", false, false), ("title", true, false), ("place", false, false)],
        "Badge" => &[("id", false, false), ("code", true, false)],
        _ => &[("id", false, false), ("text", true, false), ("about_id", false, false)],
    }
}

pub fn is_paranoid(model: &str) -> bool {
    matches!(model, "Author" | "Book")
}

/// Words that every collation orders and compares alike.
pub const WORDS: [&str; 8] = ["ant", "bee", "cat", "dog", "draft", "eel", "fox", "novel"];
const NOT_NULL: &str = "not null";

pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below another (xorshift*).
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(random).unwrap_or(0) % end.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn maybe(&mut self, percent: usize, end: usize) -> JsonValue {
        if self.chance(percent) { JsonValue::Null } else { json!(self.below(end) + 1) }
    }

    fn deleted(&mut self) -> JsonValue {
        if self.chance(25) { json!("2024-01-01T00:00:00Z") } else { JsonValue::Null }
    }

    pub fn world(&mut self) -> World {
        let mut tables: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
        let mut add = |table: &'static str, row: JsonValue| {
            if let JsonValue::Object(row) = row {
                tables.entry(table).or_default().push(row);
            }
        };
        for id in 1..=9 {
            let row = json!({ "id": id, "name": self.pick(&WORDS), "born": self.maybe(30, 6), "boss_id": self.maybe(30, 10), "deleted_at": self.deleted() });
            add("Author", row);
        }
        for id in 1..=6 {
            add("Badge", json!({ "id": id, "code": self.pick(&WORDS), "author_id": self.below(9) + 1 }));
        }
        for id in 1..=18 {
            let (title, kind) = (self.pick(&WORDS), self.pick(&["draft", "novel", "essay"]));
            let row = json!({ "id": id, "title": title, "kind": kind, "pages": self.maybe(30, 6), "author_id": self.maybe(15, 10), "editor_id": self.maybe(40, 10),
                "data": self.document(), "marks": self.list(), "deleted_at": self.deleted() });
            add("Book", row);
        }
        for id in 1..=30 {
            add("Chapter", json!({ "id": id, "title": self.pick(&WORDS), "place": self.below(5) + 1, "book_id": self.below(20) + 1 }));
        }
        for id in 1..=5 {
            add("Label", json!({ "id": id, "name": self.pick(&WORDS) }));
        }
        for book in 1..=18 {
            for label in 1..=5 {
                if self.chance(35) {
                    add("BookLabel", json!({ "book_id": book, "label_id": label, "weight": self.below(4) + 1 }));
                }
            }
        }
        for id in 1..=20 {
            add(
                "Note",
                json!({ "id": id, "text": self.pick(&WORDS), "about_type": self.pick(&["author", "book"]), "about_id": self.below(12) + 1 }),
            );
        }
        World { tables }
    }

    /// A model, and find options for it.
    pub fn query(&mut self, counts: &mut Counts) -> (&'static str, JsonValue) {
        let model = self.pick(&["Author", "Book", "Book", "Label"]);
        let mut query = Row::new();
        if self.chance(70) {
            query.insert("where".into(), self.condition(model, 2, true, counts));
        }
        if is_paranoid(model) && self.chance(20) {
            counts.note("deleted rows shown");
            query.insert("paranoid".into(), json!(false));
        }
        if self.chance(25) {
            query.insert("asked".into(), self.quantified(model, counts));
        }
        query.insert("order".into(), self.order(model, counts));
        if self.chance(40) {
            counts.note("limit");
            query.insert("limit".into(), json!(self.below(6)));
        }
        if self.chance(25) {
            counts.note("offset");
            query.insert("offset".into(), json!(self.below(4)));
        }
        let includes = self.includes(model, 3, counts);
        if !includes.is_empty() {
            query.insert("include".into(), JsonValue::Array(includes));
        }
        (model, JsonValue::Object(query))
    }

    /// Always total: the key comes last.
    fn order(&mut self, model: &str, counts: &mut Counts) -> JsonValue {
        let mut order = Vec::new();
        for _ in 0..self.below(3) {
            let (name, _, nullable) = self.pick(columns(model));
            let direction = self.pick(&["ASC", "DESC"]);
            if name != "id" && order.iter().all(|by: &JsonValue| by[0] != name) {
                counts.note(format!("order {direction}{}", if nullable { " with NULL" } else { "" }));
                order.push(json!([name, direction]));
            }
        }
        order.push(json!(["id", self.pick(&["ASC", "DESC"])]));
        JsonValue::Array(order)
    }

    fn includes(&mut self, model: &str, depth: usize, counts: &mut Counts) -> Vec<JsonValue> {
        let mut list = Vec::new();
        for relation in relations(model) {
            if depth > 0 && self.chance(30) {
                list.push(self.include(relation, depth, counts));
            }
        }
        list
    }

    fn include(&mut self, relation: &Related, depth: usize, counts: &mut Counts) -> JsonValue {
        let mut include = Row::new();
        include.insert("association".into(), json!(relation.name));
        counts.note(match (relation.many, relation.between.is_some(), relation.fixed.is_some()) {
            (false, ..) => "include to one",
            (true, true, _) => "include through",
            (true, _, true) => "include with a scope",
            (true, ..) => "include to many",
        });
        let required = self.chance(25);
        if required {
            counts.note("required include");
        }
        include.insert("required".into(), json!(required));
        if self.chance(40) {
            counts.note("filter of an include");
            include.insert("where".into(), self.condition(relation.target, 1, false, counts));
        }
        if is_paranoid(relation.target) && self.chance(20) {
            counts.note("deleted rows of an include shown");
            include.insert("paranoid".into(), json!(false));
        }
        if relation.many {
            if self.chance(50) {
                include.insert("order".into(), self.order(relation.target, counts));
            }
            if self.chance(35) {
                counts.note("limit per parent");
                include.insert("limit".into(), json!(self.below(3) + 1));
            }
            if self.chance(15) {
                counts.note("offset per parent");
                include.insert("offset".into(), json!(self.below(2) + 1));
            }
        }
        let nested = self.includes(relation.target, depth - 1, counts);
        if !nested.is_empty() {
            counts.note("include in an include");
            include.insert("include".into(), JsonValue::Array(nested));
        }
        JsonValue::Object(include)
    }

    fn condition(&mut self, model: &str, depth: usize, paths: bool, counts: &mut Counts) -> JsonValue {
        let group = self.below(8);
        if depth > 0 && group < 3 {
            let parts: Vec<JsonValue> = (0..2 + self.below(2)).map(|_| self.condition(model, depth - 1, paths, counts)).collect();
            let name = ["$and", "$or", "$or"][group];
            counts.note(name);
            return json!({ name: parts });
        }
        if depth > 0 && group == 3 {
            counts.note("$not");
            return json!({ "$not": self.condition(model, depth - 1, paths, counts) });
        }
        let ones: Vec<&Related> = relations(model).iter().filter(|relation| !relation.many && relation.target != "Badge").collect();
        let (prefix, model) = if paths && !ones.is_empty() && self.chance(15) {
            counts.note("path over a relation");
            let one = ones[self.below(ones.len())];
            (Some(one.name), one.target)
        } else {
            (None, model)
        };
        if prefix.is_none() && model == "Book" && self.chance(55) {
            return self.document_test(counts);
        }
        let (name, text, nullable) = self.pick(columns(model));
        let test = if text && self.chance(20) {
            self.pattern_test(counts)
        } else if text {
            self.text_test(counts)
        } else {
            self.number_test(nullable, counts)
        };
        match prefix {
            Some(prefix) => json!({ format!("${prefix}.{name}$"): test }),
            None => json!({ name: test }),
        }
    }

    fn number_test(&mut self, nullable: bool, counts: &mut Counts) -> JsonValue {
        let operator = self.pick(&["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$notIn", "$between", "$notBetween", "$is"]);
        if nullable && (operator == "$is" || self.chance(10)) {
            let operator = self.pick(&["is null", NOT_NULL]);
            counts.note(operator);
            return if operator == NOT_NULL { json!({ "$ne": null }) } else { json!({ "$is": null }) };
        }
        let operator = if operator == "$is" { "$eq" } else { operator };
        counts.note(operator);
        match operator {
            "$in" | "$notIn" => {
                let list: Vec<usize> = (0..self.below(4)).map(|_| self.below(9)).collect();
                if list.is_empty() {
                    counts.note("empty list");
                }
                json!({ operator: list })
            }
            "$between" | "$notBetween" => json!({ operator: [self.below(5), self.below(9)] }),
            _ => json!({ operator: self.below(9) }),
        }
    }

    fn text_test(&mut self, counts: &mut Counts) -> JsonValue {
        let operator = self.pick(&[
            "$eq",
            "$ne",
            "$gt",
            "$lte",
            "$in",
            "$notIn",
            "$like",
            "$notLike",
            "$iLike",
            "$notILike",
            "$startsWith",
            "$endsWith",
            "$substring",
        ]);
        counts.note(format!("{operator} of a text"));
        let part = self.pick(&["a", "e", "ee", "t", "d", "zz", "o"]);
        match operator {
            "$in" | "$notIn" => json!({ operator: [self.pick(&WORDS), self.pick(&WORDS)] }),
            "$like" | "$notLike" => json!({ operator: format!("%{part}_") }),
            "$iLike" | "$notILike" => json!({ operator: format!("%{}_", part.to_uppercase()) }),
            "$startsWith" | "$endsWith" | "$substring" => json!({ operator: part }),
            _ => json!({ operator: self.pick(&WORDS) }),
        }
    }
}
