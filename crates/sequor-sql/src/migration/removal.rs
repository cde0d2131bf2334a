//! [`removals`]: what the statements of a script take away with the rows in it, so that somebody can be asked first.

use super::script::bare;

/// What a statement takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The statement, from 0.
    pub statement: usize,
    /// The table whose rows, or cells, are lost, as the statement writes it; `None` when the statement does not tell.
    pub table: Option<String>,
    /// Whether the table itself goes, or all of its rows.
    pub whole: bool,
}

/// What these statements take away. A table that another one takes the place of, as SQLite's way to change a table has it, is not lost.
pub fn removals(statements: &[String]) -> Vec<Removal> {
    let mut found: Vec<Removal> = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let words = words(bare(statement));
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        for (table, whole) in of_statement(&words, &upper) {
            // SQLite's own counters hold nothing of a user's.
            if table.as_deref() == Some("sqlite_sequence") {
                continue;
            }
            found.push(Removal { statement: number, table, whole });
        }
        if let Some(new) = renamed_to(&words, &upper) {
            found.retain(|removal| removal.table.as_deref().map(plain) != Some(plain(new)));
        }
    }
    found
}

fn of_statement(words: &[&str], upper: &[&str]) -> Vec<(Option<String>, bool)> {
    let name = |place: usize| words.get(place).map(|word| (*word).to_owned());
    match upper {
        ["DROP", "TABLE", ..] => {
            let first = if upper.get(2) == Some(&"IF") { 4 } else { 2 };
            let listed = words.iter().skip(first).take_while(|word| !matches!(word.to_ascii_uppercase().as_str(), "CASCADE" | "RESTRICT"));
            listed.filter(|word| **word != ",").map(|word| (Some((*word).to_owned()), true)).collect()
        }
        ["DROP", "SCHEMA" | "DATABASE" | "TABLESPACE" | "OWNED" | "EXTENSION", ..] | ["DO" | "CALL" | "EXECUTE", ..] => vec![(None, true)],
        ["TRUNCATE", "TABLE", ..] => vec![(name(2), true)],
        ["TRUNCATE", ..] => vec![(name(1), true)],
        ["DELETE", "FROM", "ONLY", ..] => vec![(name(3), !upper.contains(&"WHERE"))],
        ["DELETE", "FROM", ..] => vec![(name(2), !upper.contains(&"WHERE"))],
        ["ALTER", "TABLE", ..] if drops_column(upper) => {
            let skipped = upper.iter().skip(2).take_while(|word| matches!(**word, "IF" | "EXISTS" | "ONLY")).count();
            vec![(name(2 + skipped), false)]
        }
        _ => Vec::new(),
    }
}

/// `DROP` inside of an ALTER TABLE is of a column, unless it says of what else.
fn drops_column(upper: &[&str]) -> bool {
    const ELSE: [&str; 10] = ["CONSTRAINT", "INDEX", "KEY", "FOREIGN", "PRIMARY", "CHECK", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"];
    upper.windows(2).any(|pair| pair[0] == "DROP" && !ELSE.contains(&pair[1]))
}

fn renamed_to<'w>(words: &[&'w str], upper: &[&str]) -> Option<&'w str> {
    let place = upper.windows(2).position(|pair| pair == ["RENAME", "TO"])?;
    words.get(place + 2).copied()
}

/// A name without its quotes.
pub fn plain(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '"' | '`')).collect()
}

/// Words, quoted names as one, commas by themselves; texts and comments in between are left out.
pub(super) fn words(statement: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), statement);
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return found };
        let end = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            letter if is_name(letter) => name_end(rest),
            other => other.len_utf8(),
        };
        let word = &rest[..end];
        if is_name(first) || first == ',' {
            found.push(word);
        }
        rest = &rest[end..];
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '"' | '`' | '.' | '$')
}

/// The end of a name with its schema: `"a b"."c"`.
fn name_end(text: &str) -> usize {
    let mut quote = None;
    for (place, letter) in text.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '`') => quote = Some(letter),
            None if is_name(letter) => {}
            None => return place,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::removals;

    fn tables(script: &[&str]) -> Vec<String> {
        let statements: Vec<String> = script.iter().map(|text| (*text).to_owned()).collect();
        removals(&statements).into_iter().map(|removal| removal.table.unwrap_or_else(|| "?".into())).collect()
    }

    #[test]
    fn what_takes_rows_away_is_seen() {
        assert_eq!(tables(&["DROP TABLE IF EXISTS \"a b\", app.c CASCADE", "-- x\ndrop table d"]), ["\"a b\"", "app.c", "d"]);
        assert_eq!(tables(&["ALTER TABLE users DROP COLUMN age, ADD b int", "alter table only t drop x"]), ["users", "t"]);
        assert_eq!(tables(&["DELETE FROM a WHERE b = 'DROP TABLE c'", "TRUNCATE TABLE `d`", "truncate e"]), ["a", "`d`", "e"]);
        assert_eq!(tables(&["DO $$ BEGIN DELETE FROM x; END $$"]), ["?"]);
    }

    #[test]
    fn what_keeps_rows_is_not() {
        let kept =
            ["DROP INDEX i", "ALTER TABLE t DROP CONSTRAINT c", "ALTER TABLE t ALTER COLUMN c DROP NOT NULL", "DROP VIEW v", "SELECT 1"];
        assert!(tables(&kept).is_empty());
        let anew = ["CREATE TABLE new (id int)", "INSERT INTO new SELECT id FROM \"t\"", "DROP TABLE \"t\"", "ALTER TABLE new RENAME TO t"];
        assert!(tables(&anew).is_empty());
    }
}
