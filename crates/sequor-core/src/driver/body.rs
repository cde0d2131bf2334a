//! [`Body`]: where the body of a trigger, a function or a procedure begins and ends, so that its semicolons do not cut a script.

/// Whose bodies these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// PostgreSQL's `BEGIN ATOMIC`; others are in quotes.
    Postgres,
    /// MySQL's compound statements, which its own client needs `DELIMITER` for.
    Mysql,
    /// SQLite's triggers.
    Sqlite,
}

/// Follows the words of one statement.
#[derive(Clone, Debug)]
pub struct Body {
    kind: Option<Bodies>,
    depth: usize,
    last: String,
}

impl Body {
    /// For a statement, without the comments before it.
    pub fn of(statement: &str, bodies: Bodies) -> Body {
        let mut words = statement.split_whitespace().map(str::to_ascii_lowercase);
        let creates = words.next().is_some_and(|word| word == "create");
        let kinds: &[&str] = match bodies {
            Bodies::Postgres => &["function", "procedure"],
            Bodies::Mysql => &["trigger", "function", "procedure", "event"],
            Bodies::Sqlite => &["trigger"],
        };
        // `CREATE OR REPLACE DEFINER=`x`@`y` FUNCTION`
        let watched = creates && words.take(5).any(|word| kinds.contains(&word.as_str()));
        Body { kind: watched.then_some(bodies), depth: 0, last: String::new() }
    }

    /// Takes the next word, sign or quoted text.
    pub fn see(&mut self, token: &str) {
        let Some(kind) = self.kind else { return };
        if !token.starts_with(|letter: char| letter.is_alphabetic()) {
            if token == ";" {
                self.last.clear();
            }
            return;
        }
        let word = token.to_ascii_lowercase();
        match (word.as_str(), self.last.as_str()) {
            ("begin", _) if kind != Bodies::Postgres => self.depth += 1,
            ("atomic", "begin") if kind == Bodies::Postgres => self.depth += 1,
            // `END CASE`
            ("case", "end") => {}
            ("case", _) if self.depth > 0 => self.depth += 1,
            ("end", _) => self.depth = self.depth.saturating_sub(1),
            // `END IF` ends what did not count.
            ("if" | "loop" | "while" | "repeat", "end") if kind == Bodies::Mysql => self.depth += 1,
            _ => {}
        }
        self.last = word;
    }

    /// Whether the statement may end here.
    pub fn is_closed(&self) -> bool {
        self.depth == 0
    }
}
