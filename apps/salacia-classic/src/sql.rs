//! [`Sql`]: a statement and its values, for one of two databases.

use crate::sort;
use chrono::{DateTime, Utc};
use salacia_log::{Direction, Filters, PageField, Place, SliceField, SliceQuery, indexed_words};
use serde_json::Value as Json;
use uuid::Uuid;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    Postgres,
    Sqlite,
}

/// A bound value.
#[derive(Clone, Debug)]
pub enum Param {
    Text(String),
    OptionalText(Option<String>),
    Int(Option<i32>),
    Big(i64),
    Time(DateTime<Utc>),
    Uuid(Option<Uuid>),
    Json(Option<Json>),
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Sql {
    pub flavor: Flavor,
    pub text: String,
    pub params: Vec<Param>,
    /// SQLite's index of full search is there.
    pub search_index: bool,
}

impl Sql {
    pub fn new(flavor: Flavor, search_index: bool) -> Sql {
        Sql { flavor, text: String::new(), params: Vec::new(), search_index }
    }

    pub fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    pub fn bind(&mut self, value: Param) -> &mut Sql {
        self.params.push(value);
        let mark = match self.flavor {
            Flavor::Postgres => '$',
            Flavor::Sqlite => '?',
        };
        self.text.push(mark);
        self.text.push_str(&self.params.len().to_string());
        self
    }

    /// Every column of a message, in the order of [`crate::rows::message`].
    pub fn messages(&mut self) -> &mut Sql {
        self.push("SELECT i.id, i.model, i.provider_id, p.name, p.type, i.request, i.response, i.prompt_tokens, i.completion_tokens, i.total_tokens, \
                   i.response_time_ms, i.status_code, i.error, i.created_at")
            .from()
    }

    pub fn from(&mut self) -> &mut Sql {
        self.push(" FROM ai_interactions i LEFT JOIN ai_providers p ON p.id = i.provider_id WHERE 1 = 1")
    }

    pub fn filter(&mut self, filters: &Filters) -> &mut Sql {
        if let Some(model) = &filters.model {
            self.push(" AND i.model = ").bind(Param::Text(model.clone()));
        }
        if let Some(provider) = &filters.provider {
            self.push(" AND p.name = ").bind(Param::Text(provider.clone()));
        }
        if let Some(start) = filters.start_date {
            self.push(" AND i.created_at >= ").bind(Param::Time(start));
        }
        if let Some(end) = filters.end_date {
            self.push(" AND i.created_at <= ").bind(Param::Time(end));
        }
        if let Some(has) = filters.has_error {
            self.push(if has { " AND i.error IS NOT NULL" } else { " AND i.error IS NULL" });
        }
        for (column, compare, value) in [
            ("total_tokens", " >= ", filters.min_tokens),
            ("total_tokens", " <= ", filters.max_tokens),
            ("response_time_ms", " >= ", filters.min_response_time),
            ("response_time_ms", " <= ", filters.max_response_time),
        ] {
            if value.is_some() {
                self.push(" AND i.").push(column).push(compare).bind(Param::Int(value));
            }
        }
        if let Some(term) = &filters.search_term {
            self.search(term);
        }
        self
    }

    fn search(&mut self, term: &str) {
        let mut pattern = String::from("%");
        for letter in term.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        let words = indexed_words(term).filter(|_| self.search_index);
        // ILIKE makes small letters by the locale, one by one; a term of ASCII needs those of ASCII alone. The index of trigrams serves ILIKE.
        let plain = term.is_ascii() && words.is_none();
        self.push(" AND (");
        for (index, column) in ["request", "response"].into_iter().enumerate() {
            self.push(if index == 0 { "" } else { " OR " });
            match self.flavor {
                Flavor::Postgres if plain => {
                    let term = Param::Text(term.to_ascii_lowercase());
                    self.push("strpos(lower(CAST(i.").push(column).push(" AS text) COLLATE \"C\"), ").bind(term).push(") > 0")
                }
                Flavor::Postgres => self.push("CAST(i.").push(column).push(" AS text) ILIKE ").bind(Param::Text(pattern.clone())),
                Flavor::Sqlite => self.push("holds(i.").push(column).push(", ").bind(Param::Text(term.to_owned())).push(")"),
            };
        }
        self.push(")");
        if let Some(words) = words.filter(|_| self.flavor == Flavor::Sqlite) {
            self.push(" AND i.id IN (SELECT r.id FROM ai_interactions_search JOIN ai_interactions_search_rows r ON r.number = ai_interactions_search.rowid");
            self.push(" WHERE ai_interactions_search MATCH ").bind(Param::Text(words)).push(")");
        }
    }

    /// Among the first so many that the query lets through without its search.
    pub fn first(&mut self, query: &SliceQuery, direction: Direction, count: u64) -> &mut Sql {
        let filters = Filters { search_term: None, ..query.filters.clone() };
        self.push(" AND i.id IN (SELECT i.id").from().filter(&filters);
        if let Some(place) = &query.place {
            self.behind(place, query.field, direction);
        }
        self.slice_order(query.field, direction).push(" LIMIT ").bind(Param::Big(i64::try_from(count).unwrap_or(i64::MAX))).push(")")
    }

    /// Behind a place, in the direction of reading.
    pub fn behind(&mut self, place: &Place, field: SliceField, direction: Direction) -> &mut Sql {
        let compare = match direction {
            Direction::Ascending => " > ",
            Direction::Descending => " < ",
        };
        match field {
            SliceField::Id => self.push(" AND i.id").push(compare).bind(Param::Uuid(Some(place.id))),
            SliceField::CreatedAt => {
                self.push(" AND (i.created_at, i.id)").push(compare).push("(").bind(Param::Time(place.created_at)).push(", ");
                self.bind(Param::Uuid(Some(place.id))).push(")")
            }
        }
    }

    pub fn slice_order(&mut self, field: SliceField, direction: Direction) -> &mut Sql {
        self.push(" ORDER BY ");
        if field == SliceField::CreatedAt {
            self.push("i.created_at").push(sort(direction)).push(", ");
        }
        self.push("i.id").push(sort(direction))
    }

    pub fn page_order(&mut self, field: PageField, direction: Direction) -> &mut Sql {
        let (column, nullable) = match field {
            PageField::CreatedAt => ("i.created_at", false),
            PageField::Model => ("i.model", false),
            PageField::TotalTokens => ("i.total_tokens", true),
            PageField::ResponseTime => ("i.response_time_ms", true),
        };
        let nulls = match direction {
            Direction::Ascending => " NULLS FIRST",
            Direction::Descending => " NULLS LAST",
        };
        self.push(" ORDER BY ").push(column).push(sort(direction)).push(if nullable { nulls } else { "" });
        self.push(", i.id").push(sort(direction))
    }
}
