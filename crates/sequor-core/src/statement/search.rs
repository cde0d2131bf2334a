//! [`Search`]: a full-text search, and the index that answers it.

use super::{Alias, Expr};
use crate::Name;
use crate::schema::{IndexDef, TableName};

/// Every word of a search occurs in some columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The columns, read as one text.
    pub columns: Vec<Expr>,
    /// The search. Only its words travel: no sign in it is an operator of the server.
    pub words: String,
    /// The language whose stems count, if the index of the model says one.
    pub language: Option<Name>,
    /// Not whether, but how well a row matches: 0 where it does not.
    pub rank: bool,
    /// The index that answers it, where the database must be told (SQLite).
    pub index: Option<SearchIndex>,
}

/// A full-text index as SQLite has it: a table of its own, whose rows carry the numbers of the rows that they index.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchIndex {
    /// The table of the index.
    pub table: TableName,
    /// The rows that it indexes.
    pub rows: Alias,
    /// The columns that are searched, if they are not all of its columns.
    pub columns: Option<Vec<Name>>,
}

impl Search {
    /// A search in some columns.
    pub fn new(columns: Vec<Expr>, words: impl Into<String>) -> Search {
        Search { columns, words: words.into(), language: None, rank: false, index: None }
    }
}

impl IndexDef {
    /// The languages that a full-text index may be told. `simple` is that of no language: words as they are written.
    pub const LANGUAGES: &'static [&'static str] = &[
        "simple",
        "arabic",
        "armenian",
        "basque",
        "catalan",
        "danish",
        "dutch",
        "english",
        "finnish",
        "french",
        "german",
        "greek",
        "hindi",
        "hungarian",
        "indonesian",
        "irish",
        "italian",
        "lithuanian",
        "nepali",
        "norwegian",
        "portuguese",
        "romanian",
        "russian",
        "serbian",
        "spanish",
        "swedish",
        "tamil",
        "turkish",
        "yiddish",
    ];

    /// Whether it is a full-text index.
    pub fn is_full_text(&self) -> bool {
        self.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("fulltext"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The derives know no crate of Sequor's and keep a list of their own, to say at compile time what is none.
    #[test]
    fn the_derives_know_the_same_languages() {
        let source = include_str!("../../../sequor-macros/src/attributes/known.rs");
        let list = source.split("pub const LANGUAGES: &[&str] = &[").nth(1).and_then(|rest| rest.split("];").next()).unwrap();
        let known: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(known, IndexDef::LANGUAGES);
    }
}
