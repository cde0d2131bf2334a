//! What a table of SQLite would lose by being made anew from a text that was written without the database: a snapshot knows the columns of models, not that somebody
//! made the table STRICT by hand.

use super::sqlite_text::{TableText, read};
use crate::Dialect;

/// The name of a new table before it takes the place of the old one begins so.
pub(crate) const NEW_TABLE: &str = "sequor_new_";

/// The texts of all tables: name, text. `None` where tables are not made anew.
pub fn table_texts(dialect: Dialect) -> Option<&'static str> {
    (dialect == Dialect::Sqlite).then_some("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
}

/// What the table that this statement makes does not have, and the one whose place it takes does; `None` when nothing is lost.
pub fn lost(tables: &[(String, String)], statement: &str) -> Option<String> {
    let (known, old, new) = pair(tables, statement)?;
    let missing = missing(&old, &new);
    (!missing.is_empty()).then(|| format!("the table {known} says {} here, which the new one does not", missing.join(", ")))
}

/// The columns that the table made by this statement no longer has, and the name of the one whose place it takes.
pub fn lost_columns(tables: &[(String, String)], statement: &str) -> Option<(String, Vec<String>)> {
    let (known, old, new) = pair(tables, statement)?;
    let is_kept = |name: &str| new.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let gone = old.columns.iter().filter(|column| column.generated.is_none() && !is_kept(&column.name));
    let gone: Vec<String> = gone.map(|column| column.name.clone()).collect();
    (!gone.is_empty()).then_some((known, gone))
}

/// A table that is there and the one that a statement makes in its place, by its name.
fn pair(tables: &[(String, String)], statement: &str) -> Option<(String, TableText, TableText)> {
    let rest = statement.trim_start().strip_prefix("CREATE TABLE ")?.trim_start().strip_prefix('"')?;
    let (name, _) = rest.split_once('"')?;
    // A table of a tenant has its name before it: `"tenant.sequor_new_users"`.
    let known = name.replacen(NEW_TABLE, "", 1);
    let (_, text) = tables.iter().find(|(there, _)| known.len() < name.len() && *there == known)?;
    Some((known, read(text), read(statement)))
}

fn missing(old: &TableText, new: &TableText) -> Vec<String> {
    let says = |text: &TableText, word: &str| text.options.as_deref().is_some_and(|options| options.contains(word));
    let options = ["STRICT", "WITHOUT ROWID"].into_iter().filter(|word| says(old, word) && !says(new, word)).map(str::to_owned);
    let key = old.key_conflict.as_ref().filter(|_| new.key_conflict.is_none()).map(|action| format!("PRIMARY KEY ON CONFLICT {action}"));
    let columns = old.columns.iter().filter_map(|column| {
        let action = column.conflict.as_ref()?;
        let kept = new.columns.iter().find(|kept| kept.name.eq_ignore_ascii_case(&column.name))?;
        kept.conflict.is_none().then(|| format!("{} NOT NULL ON CONFLICT {action}", column.name))
    });
    let uniques = old.uniques.iter().filter_map(|unique| {
        let action = unique.conflict.as_ref()?;
        let kept = new.uniques.iter().find(|kept| kept.columns == unique.columns)?;
        kept.conflict.is_none().then(|| format!("UNIQUE ({}) ON CONFLICT {action}", unique.columns.join(", ")))
    });
    options.chain(key).chain(columns).chain(uniques).collect()
}

#[cfg(test)]
mod tests {
    use super::{lost, lost_columns};

    #[test]
    fn what_a_new_table_leaves_out_is_named() {
        let there = [(
            "t".to_owned(),
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL ON CONFLICT FAIL, UNIQUE (a) ON CONFLICT IGNORE) STRICT".to_owned(),
        )];
        let kept = "CREATE TABLE \"sequor_new_t\" (\"id\" INTEGER, \"a\" TEXT NOT NULL ON CONFLICT FAIL, PRIMARY KEY (\"id\"), CONSTRAINT u UNIQUE (\"a\") ON CONFLICT IGNORE) STRICT";
        assert_eq!(lost(&there, kept), None);
        let left = kept.replace(" STRICT", "").replace(" ON CONFLICT FAIL", "");
        assert_eq!(
            lost(&there, &left).as_deref(),
            Some("the table t says STRICT, a NOT NULL ON CONFLICT FAIL here, which the new one does not")
        );
        assert_eq!(lost_columns(&there, &left), None);
        let smaller = "CREATE TABLE \"sequor_new_t\" (\"id\" INTEGER, PRIMARY KEY (\"id\"))";
        assert_eq!(lost_columns(&there, smaller), Some(("t".to_owned(), vec!["a".to_owned()])));
        // A table that somebody named otherwise is meant as it is.
        assert_eq!(lost(&there, &left.replace("sequor_new_t", "t_new")), None);
    }
}
