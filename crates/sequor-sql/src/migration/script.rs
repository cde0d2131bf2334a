//! [`split`]: a script cut into its statements, each with the place where it stands in its file.

use crate::Dialect;
use sequor_core::driver::{Bodies, Body};
use sequor_core::error::{Error, Result};

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text, without the delimiter.
    pub text: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The column at which it begins, from 1.
    pub column: usize,
}

impl Piece {
    /// The line and column of a byte of this statement.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or_default();
        match before.rfind('\n') {
            Some(end) => (self.line + before.matches('\n').count(), before[end + 1..].chars().count() + 1),
            None => (self.line, self.column + before.chars().count()),
        }
    }
}

/// Cuts a script into its statements: quotes, comments, dollar quotes, bodies of triggers and `DELIMITER` are understood.
///
/// # Errors
/// `Usage` when the script ends inside of a quoted text or comment.
pub fn split(script: &str, dialect: Dialect) -> Result<Vec<Piece>> {
    let mut cutter = Cutter { script, dialect, place: 0, delimiter: ";".to_owned(), pieces: Vec::new() };
    while cutter.next()? {}
    Ok(cutter.pieces)
}

/// Whether a script says by `-- sequor: no-transaction`, or by one of its statements, that it cannot run in a transaction.
pub fn needs_no_transaction(script: &str, pieces: &[Piece], dialect: Dialect) -> bool {
    !dialect.transactional_ddl() || asks_for(script, "no-transaction") || pieces.iter().any(|piece| stands_alone(&piece.text, dialect))
}

/// Whether a line of the script is `-- sequor: <word>`, or `// sequor: <word>` where it is Rust.
pub fn asks_for(script: &str, word: &str) -> bool {
    script.lines().any(|line| {
        let line = line.trim();
        let comment = line.strip_prefix("--").or_else(|| line.strip_prefix("//"));
        let said = comment.map(str::trim_start).and_then(|line| line.strip_prefix("sequor:"));
        said.is_some_and(|said| said.split([',', ' ']).any(|part| part == word))
    })
}

/// Whether the database refuses this statement inside of a transaction.
pub fn stands_alone(statement: &str, dialect: Dialect) -> bool {
    let text = bare(statement).to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    match dialect {
        Dialect::Postgres => {
            words.contains(&"concurrently")
                || matches!(words.first(), Some(&"vacuum"))
                || matches!(words.get(..2), Some(["create" | "drop", "database" | "tablespace"] | ["alter", "system"]))
        }
        Dialect::Sqlite => {
            matches!(words.first(), Some(&("vacuum" | "attach" | "detach")))
                || (words.first() == Some(&"pragma") && (text.contains("journal_mode") || text.contains("foreign_keys")))
        }
        Dialect::Mysql | Dialect::Mariadb => {
            !matches!(words.first(), Some(&("insert" | "update" | "delete" | "replace" | "select" | "with" | "set" | "do")))
        }
    }
}

/// Whether a statement changes one thing in the tables, so that looking at them tells whether it was done.
pub fn changes_one_table(statement: &str) -> bool {
    let text = bare(statement);
    let words: Vec<String> = text.split_whitespace().take(2).map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["create", "user" | "role" | "database" | "server"] | ["drop", "user" | "role" | "database" | "server"] => false,
        ["create" | "alter", ..] => true,
        // Several tables go one after the other.
        ["drop" | "rename", ..] => !text.contains(','),
        _ => false,
    }
}

/// A statement without the comments before it.
pub(super) fn bare(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    loop {
        rest = if rest.starts_with("--") || rest.starts_with('#') {
            rest.split_once('\n').map_or("", |(_, rest)| rest)
        } else if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") {
            rest.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return rest;
        }
        .trim_start();
    }
}

struct Cutter<'a> {
    script: &'a str,
    dialect: Dialect,
    place: usize,
    delimiter: String,
    pieces: Vec<Piece>,
}

impl Cutter<'_> {
    fn rest(&self) -> &str {
        self.script.get(self.place..).unwrap_or_default()
    }

    /// Reads one statement; false at the end.
    fn next(&mut self) -> Result<bool> {
        let blank = self.rest().len() - self.rest().trim_start().len();
        self.place += blank;
        if self.rest().is_empty() {
            return Ok(false);
        }
        if self.dialect.is_mysql() && self.take_delimiter() {
            return Ok(true);
        }
        let start = self.place;
        let bodies = match self.dialect {
            Dialect::Postgres => Bodies::Postgres,
            Dialect::Mysql | Dialect::Mariadb => Bodies::Mysql,
            Dialect::Sqlite => Bodies::Sqlite,
        };
        let mut body = Body::of(bare(self.rest()), bodies);
        while !self.rest().is_empty() {
            if self.rest().starts_with(self.delimiter.as_str()) && (self.delimiter != ";" || body.is_closed()) {
                self.push(start, self.place);
                self.place += self.delimiter.len();
                return Ok(true);
            }
            let length = self.skip()?;
            body.see(self.script.get(self.place..self.place + length).unwrap_or_default());
            self.place += length;
        }
        self.push(start, self.place);
        Ok(false)
    }

    /// `DELIMITER //`, as the `mysql` client reads it.
    fn take_delimiter(&mut self) -> bool {
        let line = self.rest().lines().next().unwrap_or_default();
        let is_one = line.get(..10).is_some_and(|word| word.eq_ignore_ascii_case("delimiter "));
        let delimiter = line.get(10..).unwrap_or_default().trim().to_owned();
        if !is_one || delimiter.is_empty() {
            return false;
        }
        self.place += line.len();
        self.delimiter = delimiter;
        true
    }

    fn push(&mut self, start: usize, end: usize) {
        let text = self.script.get(start..end).unwrap_or_default().trim_end();
        let kept = bare(text);
        if kept.is_empty() {
            return;
        }
        // Comments before a statement stay in the file; places are those of the statement itself.
        let start = start + (text.len() - kept.len());
        let before = self.script.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.pieces.push(Piece { text: kept.to_owned(), line, column });
    }

    /// The length of the quoted text, comment, word or character here.
    fn skip(&self) -> Result<usize> {
        let rest = self.rest();
        let mysql = self.dialect.is_mysql();
        let first = rest.chars().next().unwrap_or(' ');
        let length = match first {
            '\'' => self.quoted(rest, '\'', mysql || self.is_escape_string()),
            '"' => self.quoted(rest, '"', mysql),
            '`' if self.dialect != Dialect::Postgres => self.quoted(rest, '`', false),
            '-' if rest.starts_with("--") => Some(rest.find('\n').unwrap_or(rest.len())),
            '#' if mysql => Some(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => comment(rest, self.dialect == Dialect::Postgres),
            '$' if self.dialect == Dialect::Postgres => dollar(rest),
            letter if letter.is_alphabetic() || letter == '_' => {
                Some(rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$')).unwrap_or(rest.len()))
            }
            other => Some(other.len_utf8()),
        };
        length.ok_or_else(|| Error::usage("the script ends inside of a quoted text or comment"))
    }

    /// PostgreSQL's `E'..'`.
    fn is_escape_string(&self) -> bool {
        let before = self.script.get(..self.place).unwrap_or_default();
        let mut letters = before.chars().rev();
        self.dialect == Dialect::Postgres
            && matches!(letters.next(), Some('e' | 'E'))
            && !letters.next().is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    }

    fn quoted(&self, text: &str, quote: char, escapes: bool) -> Option<usize> {
        let mut letters = text.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            if letter == '\\' && escapes {
                letters.next();
            } else if letter == quote {
                return Some(place + quote.len_utf8());
            }
        }
        None
    }
}

fn comment(text: &str, nested: bool) -> Option<usize> {
    let (mut depth, mut place) = (0usize, 0usize);
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") && (nested || depth == 0) {
            depth += 1;
            place += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            place += 2;
            if depth == 0 {
                return Some(place);
            }
        } else {
            place += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

/// `$tag$ .. $tag$`; a lone dollar (a parameter) is itself.
fn dollar(text: &str) -> Option<usize> {
    let Some(end) = text.get(1..).and_then(|rest| rest.find('$')) else { return Some(1) };
    let tag = text.get(..end + 2).unwrap_or_default();
    let inner = tag.trim_matches('$');
    if !inner.chars().all(|letter| letter.is_alphanumeric() || letter == '_') || inner.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Some(1);
    }
    text.get(tag.len()..)?.find(tag).map(|end| end + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str, dialect: Dialect) -> Vec<String> {
        split(script, dialect).unwrap().into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn quotes_comments_and_bodies_do_not_cut() {
        let script = "-- a; comment\nCREATE TABLE a (b text DEFAULT 'x;''y');\n/* ; */ INSERT INTO a VALUES ('\"');";
        let expected = ["CREATE TABLE a (b text DEFAULT 'x;''y')", "INSERT INTO a VALUES ('\"')"];
        for dialect in [Dialect::Postgres, Dialect::Mariadb, Dialect::Sqlite] {
            assert_eq!(texts(script, dialect), expected);
        }
        let function = "CREATE FUNCTION f() RETURNS int AS $body$ BEGIN; RETURN $1; END $body$ LANGUAGE plpgsql; SELECT $1";
        assert_eq!(texts(function, Dialect::Postgres).len(), 2);
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END; SELECT 1;";
        assert_eq!(texts(trigger, Dialect::Sqlite).len(), 2);
        let routine = "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END//\nDELIMITER ;\nSELECT 3;";
        assert_eq!(texts(routine, Dialect::Mariadb), ["CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END", "SELECT 3"]);
        let routine = "CREATE OR REPLACE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN IF NEW.x THEN SET @y = CASE 1 WHEN 1 THEN 2 END; \
                       ELSE CASE @z WHEN 1 THEN SET @a = 1; END CASE; END IF; WHILE @a DO SET @a = 0; END WHILE; END; SELECT 3;";
        assert_eq!(texts(routine, Dialect::Mariadb).len(), 2);
        assert_eq!(texts("BEGIN; INSERT INTO a VALUES (1); COMMIT;", Dialect::Mariadb).len(), 3);
        assert_eq!(texts("SELECT E'\\';'; SELECT 2", Dialect::Postgres).len(), 2);
        assert!(split("SELECT 'open", Dialect::Sqlite).is_err());
    }

    #[test]
    fn places_are_those_of_the_file() {
        let pieces = split("\n-- head\n  SELECT 1;\nSELECT\n  2;", Dialect::Sqlite).unwrap();
        assert_eq!((pieces[0].line, pieces[0].column), (3, 3));
        assert_eq!((pieces[1].line, pieces[1].column), (4, 1));
        assert_eq!(pieces[1].place(pieces[1].text.find('2').unwrap()), (5, 3));
    }

    #[test]
    fn tables_tell_of_one_change() {
        assert!(changes_one_table("-- x\nALTER TABLE a ADD b int, ADD c int") && changes_one_table("drop table a"));
        assert!(!changes_one_table("DROP TABLE a, b") && !changes_one_table("CALL p()") && !changes_one_table("TRUNCATE a"));
    }

    #[test]
    fn some_statements_stand_alone() {
        assert!(stands_alone("create unique index concurrently i on t (a)", Dialect::Postgres));
        assert!(!stands_alone("create index i on t (a)", Dialect::Postgres));
        assert!(stands_alone("/* x */ VACUUM", Dialect::Sqlite));
        assert!(stands_alone("ALTER TABLE a ADD b int", Dialect::Mariadb));
        assert!(!stands_alone("UPDATE a SET b = 1", Dialect::Mariadb));
        assert!(needs_no_transaction("-- sequor: no-transaction\nSELECT 1", &[], Dialect::Postgres));
    }
}
