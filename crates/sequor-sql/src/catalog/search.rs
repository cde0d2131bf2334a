//! Indexes of words, as a catalog shows them: an expression of PostgreSQL, a table of SQLite.

use super::tokens::{Kind, tokens};
use crate::Dialect;
use sequor_core::Name;
use sequor_core::schema::{IndexDef, TableDef};

/// How Sequor's own tables of words cut a text.
const TOKENIZER: &str = "unicode61 remove_diacritics 0";

/// The columns and the language of an index of words; `None` for any other.
pub(crate) fn of_index(dialect: Dialect, table: &TableDef, index: &IndexDef) -> Option<(Vec<Name>, Option<String>)> {
    if index.is_full_text() {
        let columns: Option<Vec<Name>> = index.parts.iter().map(|part| part.column.clone()).collect();
        return Some((columns?, index.language.as_ref().map(ToString::to_string)));
    }
    let gin = dialect == Dialect::Postgres && index.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("gin"));
    match index.parts.as_slice() {
        [part] if gin => of_expression(table, part.expression.as_deref()?),
        _ => None,
    }
}

/// `to_tsvector('english'::regconfig, (COALESCE(title, ''::text) || ' '::text) || ..)`: nothing else may stand in it.
fn of_expression(table: &TableDef, text: &str) -> Option<(Vec<Name>, Option<String>)> {
    let (mut columns, mut texts, mut typed) = (Vec::new(), Vec::new(), false);
    for token in tokens(text)? {
        let was_typed = std::mem::replace(&mut typed, token.kind.is_sign("::"));
        match token.kind {
            Kind::Text(text) => texts.push(text),
            Kind::Sign(sign) if matches!(sign.as_str(), "(" | ")" | "::" | "||" | ",") => {}
            // `character varying`
            Kind::Word(word) if was_typed => typed = word == "character",
            Kind::Word(word) if matches!(word.as_str(), "to_tsvector" | "coalesce") => {}
            Kind::Word(name) | Kind::Name(name) => columns.push(table.column(&name)?.name.clone()),
            Kind::Number(_) | Kind::Sign(_) => return None,
        }
    }
    let language = texts.first()?.clone();
    text.trim_start_matches('(').starts_with("to_tsvector(").then_some((columns, Some(language)))
}

/// The rows that a table of words is over, and the index that it is.
pub(super) fn read_table(name: &str, text: &str) -> Option<(String, IndexDef)> {
    let found = tokens(text)?;
    let mut parts = found.iter().skip_while(|token| !token.kind.is_word("fts5")).skip(2);
    let (mut columns, mut rows, mut language) = (Vec::new(), None, None);
    let (mut option, mut own) = (String::new(), false);
    for token in parts.by_ref() {
        match &token.kind {
            Kind::Name(column) => columns.push(Name::Owned(column.clone())),
            Kind::Word(word) => option.clone_from(word),
            Kind::Text(told) if option == "content" => rows = Some(told.clone()),
            Kind::Text(told) if option == "tokenize" => {
                // A table with another tokenizer is somebody's own, and no index of a model.
                if told.strip_prefix("porter ").unwrap_or(told) != TOKENIZER {
                    return None;
                }
                language = told.starts_with("porter ").then_some(Name::Borrowed("english"));
                own = true;
            }
            Kind::Text(_) | Kind::Sign(_) | Kind::Number(_) => {}
        }
    }
    let (name, method) = (Some(Name::Owned(name.to_owned())), Some(Name::Borrowed("fulltext")));
    Some((rows.filter(|_| own)?, IndexDef { name, method, language, ..IndexDef::on(columns) }))
}
