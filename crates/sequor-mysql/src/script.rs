//! [`statements`]: a script cut into its statements, the way the `mysql` client reads it; bodies of triggers and functions need no `DELIMITER`.

use sequor_core::driver::{Bodies, Body};
use sequor_core::{Error, Result};

/// The statements of a script, one by one: quotes, comments and `DELIMITER` are understood, empty statements left out.
pub(crate) fn statements(script: &str) -> Statements<'_> {
    Statements { rest: script, delimiter: ";" }
}

/// The statements that are still to come.
pub(crate) struct Statements<'a> {
    rest: &'a str,
    delimiter: &'a str,
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<&'a str>;

    fn next(&mut self) -> Option<Result<&'a str>> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(after) = directive(self.rest) {
                let (line, rest) = after.split_once('\n').unwrap_or((after, ""));
                self.rest = rest;
                let delimiter = line.trim();
                if delimiter.is_empty() {
                    return Some(Err(Error::usage("DELIMITER names no delimiter")));
                }
                self.delimiter = delimiter;
                continue;
            }
            if self.rest.is_empty() {
                return None;
            }
            let (statement, rest, closed) = cut(self.rest, self.delimiter);
            self.rest = rest;
            if !closed {
                self.rest = "";
                return Some(Err(Error::usage("the script ends inside of a quoted text or comment")));
            }
            let statement = statement.trim();
            if !is_blank(statement) {
                return Some(Ok(statement));
            }
        }
    }
}

/// What follows the word DELIMITER at the start of a line.
fn directive(text: &str) -> Option<&str> {
    let (word, rest) = text.split_at_checked("delimiter".len())?;
    (word.eq_ignore_ascii_case("delimiter") && rest.starts_with([' ', '\t'])).then_some(rest)
}

/// The first statement, what follows its delimiter, and whether all quotes and comments were closed.
fn cut<'a>(text: &'a str, delimiter: &str) -> (&'a str, &'a str, bool) {
    let (mut place, mut body) = (0, Body::of(bare(text), Bodies::Mysql));
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(delimiter) && (delimiter != ";" || body.is_closed()) {
            return (text.get(..place).unwrap_or_default(), rest.get(delimiter.len()..).unwrap_or_default(), true);
        }
        match skip(rest) {
            Some(length) => {
                body.see(rest.get(..length).unwrap_or_default());
                place += length;
            }
            None => return (text, "", false),
        }
    }
    (text, "", true)
}

/// The length of the quoted text, comment or character at the start; nothing when it is not closed.
fn skip(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let first = chars.next()?;
    match first {
        '\'' | '"' => quoted(text, first, true),
        '`' => quoted(text, first, false),
        '#' => Some(line(text)),
        '-' if text.starts_with("--") && is_space_or_end(text.get(2..)) => Some(line(text)),
        '/' if text.starts_with("/*") => text.get(2..)?.find("*/").map(|end| end + 4),
        letter if is_word(letter) => Some(text.find(|letter| !is_word(letter)).unwrap_or(text.len())),
        other => Some(other.len_utf8()),
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn is_space_or_end(text: Option<&str>) -> bool {
    text.unwrap_or_default().chars().next().is_none_or(|next| next.is_whitespace() || next.is_control())
}

fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Quotes are doubled inside, or behind a backslash where that escapes.
fn quoted(text: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((place, letter)) = chars.next() {
        if letter == '\\' && escapes {
            chars.next();
        } else if letter == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(place + quote.len_utf8());
        }
    }
    None
}

/// Whether nothing but comments is in a text.
fn is_blank(text: &str) -> bool {
    bare(text).is_empty()
}

/// A text without the comments before it. A comment that starts with `!` is a statement.
fn bare(text: &str) -> &str {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let is_comment = (rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!"))
            || rest.starts_with('#')
            || (rest.starts_with("--") && is_space_or_end(rest.get(2..)));
        if !is_comment {
            break;
        }
        rest = skip(rest).and_then(|length| rest.get(length..)).unwrap_or_default().trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str) -> Vec<String> {
        statements(script).map(|statement| statement.unwrap().to_owned()).collect()
    }

    #[test]
    fn delimiters_in_quotes_and_comments_do_not_cut() {
        let script = r#"
            insert into t values ('a;b', "c;d", 'it''s;', 'back\';slash', "a"";b"); -- one; two
            # three; four
            select `we;ird`, `a``;b` from t /* five; six */ where a --1;
            ;;
            /* only; a comment */;
            /*! select 7; */;
            select 'é;', 8
        "#;
        assert_eq!(
            split(script),
            [
                r#"insert into t values ('a;b', "c;d", 'it''s;', 'back\';slash', "a"";b")"#,
                "-- one; two\n            # three; four\n            select `we;ird`, `a``;b` from t /* five; six */ where a --1",
                "/*! select 7; */",
                "select 'é;', 8",
            ]
        );
    }

    #[test]
    fn delimiter_changes_for_bodies() {
        let script = "select 1;\nDELIMITER //\ncreate trigger t before insert on a for each row begin set @x = 1; set @y = 2; end//\ndelimiter ;\nselect 2";
        assert_eq!(
            split(script),
            ["select 1", "create trigger t before insert on a for each row begin set @x = 1; set @y = 2; end", "select 2"]
        );
        assert_eq!(split("delimiter $$\r\nselect 1$$\r\ndelimiter ;\r\nselect 2;\r\n"), ["select 1", "select 2"]);
    }

    #[test]
    fn bodies_need_no_delimiter() {
        let trigger = "create trigger t before insert on a for each row begin if new.b then set @x = 1; end if; set @y = 2; end";
        assert_eq!(split(&format!("-- loud\n{trigger};\nselect 2")), [format!("-- loud\n{trigger}").as_str(), "select 2"]);
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        for script in ["select 'a", "select \"a\\\"", "select `a", "select 1 /* b", "delimiter \nselect 1"] {
            assert!(statements(script).any(|statement| statement.is_err()), "{script}");
        }
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split(" ;; -- nothing"), [""; 0]);
    }

    #[test]
    fn any_text_is_cut_without_a_panic() {
        let pieces = ["'", "\"", "`", "\\", ";", "--", " ", "#", "\n", "/*", "*/", "é", "delimiter ", "//", "a"];
        let mut seed = 7u64;
        for _ in 0..20_000 {
            let mut script = String::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                script.push_str(pieces[usize::try_from(seed >> 33).unwrap() % pieces.len()]);
            }
            let _ = statements(&script).take(100).count();
        }
    }
}
