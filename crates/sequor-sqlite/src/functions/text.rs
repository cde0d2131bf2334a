//! Upper and lower case for all of Unicode; SQLite's own know ASCII alone. Words of a search, where no index has them.

use super::{PURE, text_of};
use rusqlite::{Connection, Result};

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function(c"sequor_matches", 2, PURE, |context| {
        let (Some(text), Some(search)) = (text_of(context, 0)?, text_of(context, 1)?) else { return Ok(None) };
        let words = words(&text);
        let mut wanted = words_of(&search).peekable();
        Ok(Some(wanted.peek().is_some() && wanted.all(|word| words.contains(&word))))
    })?;
    connection.create_scalar_function(c"sequor_match_rank", 2, PURE, |context| {
        let (Some(text), Some(search)) = (text_of(context, 0)?, text_of(context, 1)?) else { return Ok(0.0) };
        Ok(rank(&text, &search))
    })?;
    connection.create_scalar_function(c"sequor_lower", 1, PURE, |context| Ok(text_of(context, 0)?.map(|text| text.to_lowercase())))?;
    connection.create_scalar_function(c"sequor_upper", 1, PURE, |context| Ok(text_of(context, 0)?.map(|text| text.to_uppercase())))
}

fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn words(text: &str) -> std::collections::HashSet<String> {
    words_of(text).collect()
}

/// The part of a text's words that are words of the search; 0 where one is missing.
fn rank(text: &str, search: &str) -> f64 {
    let wanted = words(search);
    let (mut found, mut hits, mut all) = (std::collections::HashSet::new(), 0_u32, 0_u32);
    for word in words_of(text) {
        all += 1;
        if wanted.contains(&word) {
            hits += 1;
            found.insert(word);
        }
    }
    if wanted.is_empty() || found.len() < wanted.len() { 0.0 } else { f64::from(hits) / f64::from(all) }
}
