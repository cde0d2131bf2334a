//! Splitting the text of `sql!` into SQL and values, with SQL's quotes and comments in mind.

/// One part of the text.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// SQL.
    Text(String),
    /// What stands between braces.
    Value(String),
}

struct Scanner<'a> {
    rest: &'a str,
    parts: Vec<Part>,
    text: String,
    /// The words outside of quotes, values and comments.
    bare: String,
    ended: bool,
}

/// Splits the text, or says what is wrong with it.
pub fn scan(text: &str) -> Result<Vec<Part>, String> {
    if text.trim().is_empty() {
        return Err("the SQL is empty".to_owned());
    }
    let mut scanner = Scanner { rest: text, parts: Vec::new(), text: String::new(), bare: String::new(), ended: false };
    while !scanner.rest.is_empty() {
        scanner.step()?;
    }
    if !scanner.text.is_empty() {
        scanner.parts.push(Part::Text(scanner.text));
    }
    Ok(scanner.parts)
}

impl Scanner<'_> {
    fn step(&mut self) -> Result<(), String> {
        for (open, close, what) in [
            ("'", "'", "quotes"),
            ("\"", "\"", "a quoted name"),
            ("`", "`", "a quoted name"),
            ("--", "\n", "a comment"),
            ("/*", "*/", "a comment"),
        ] {
            if self.rest.starts_with(open) {
                return self.quoted(open, close, what);
            }
        }
        if let Some(tag) = dollar_tag(self.rest, self.text.chars().last()) {
            return self.quoted(&tag, &tag, "quotes");
        }
        let Some(letter) = self.rest.chars().next() else { return Ok(()) };
        if self.ended && !letter.is_whitespace() && letter != ';' {
            return Err("one statement at a time: run what stands behind the `;` by itself".to_owned());
        }
        match letter {
            '{' if !self.rest.starts_with("{{") => return self.value(),
            '}' if !self.rest.starts_with("}}") => return Err("a single `}`: a brace of the SQL itself is written twice, `}}`".to_owned()),
            '{' | '}' => {
                self.text.push(letter);
                self.rest = &self.rest[2..];
                return Ok(());
            }
            ';' if !within_body(&self.bare) => self.ended = true,
            _ => {
                self.text.push(letter);
                self.bare.push(letter);
            }
        }
        self.rest = &self.rest[letter.len_utf8()..];
        Ok(())
    }

    fn value(&mut self) -> Result<(), String> {
        let Some(end) = self.rest.find('}') else {
            return Err("a `{` without its `}`; a brace of the SQL itself is written twice, `{{`".to_owned());
        };
        let value = self.rest[1..end].trim().to_owned();
        if value.is_empty() {
            return Err("`{}` names no value: write `{age}`".to_owned());
        }
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
        self.parts.push(Part::Value(value));
        self.rest = &self.rest[end + 1..];
        Ok(())
    }

    /// Copies what is quoted; braces in it are written twice, and no value can stand there.
    fn quoted(&mut self, open: &str, close: &str, what: &str) -> Result<(), String> {
        if self.ended && what != "a comment" {
            return Err("one statement at a time: run what stands behind the `;` by itself".to_owned());
        }
        self.text.push_str(open);
        self.bare.push(' ');
        self.rest = &self.rest[open.len()..];
        loop {
            if self.rest.starts_with(close) {
                self.text.push_str(close);
                self.rest = &self.rest[close.len()..];
                return Ok(());
            }
            let Some(letter) = self.rest.chars().next() else {
                return if open == "--" { Ok(()) } else { Err(format!("the SQL ends inside of {what}")) };
            };
            let doubled = self.rest.starts_with("{{") || self.rest.starts_with("}}");
            if matches!(letter, '{' | '}') && !doubled {
                return Err(format!(
                    "a brace inside of {what}: a bound value needs no quotes around it, and a brace of the SQL itself is written twice, `{{{{`"
                ));
            }
            self.text.push(letter);
            self.rest = &self.rest[letter.len_utf8() + usize::from(doubled)..];
        }
    }
}

/// Whether a statement is in the midst of its `BEGIN .. END`: the body of a trigger, procedure or function is part of it, with its `;`.
fn within_body(bare: &str) -> bool {
    let lower = bare.to_ascii_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let Some(begin) = words.iter().position(|word| *word == "begin").filter(|_| words[0] == "create") else { return false };
    if !words[..begin].iter().any(|word| ["trigger", "procedure", "function", "event"].contains(word)) {
        return false;
    }
    let (mut depth, mut after_end) = (0, false);
    for word in &words[begin..] {
        let ends_other = after_end && ["if", "loop", "while", "repeat", "case"].contains(word);
        match *word {
            // `END IF` and the like end what did not count; `END CASE` has been counted.
            "if" | "loop" | "while" | "repeat" if ends_other => depth += 1,
            "begin" | "case" if !ends_other => depth += 1,
            "end" => depth -= 1,
            _ => {}
        }
        after_end = *word == "end";
    }
    depth > 0
}

/// PostgreSQL's `$$` or `$tag$`.
fn dollar_tag(text: &str, before: Option<char>) -> Option<String> {
    let inner = text.strip_prefix('$')?;
    if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
        return None;
    }
    let end = inner.find('$')?;
    let tag = &inner[..end];
    let name =
        tag.chars().all(|letter| letter.is_alphanumeric() || letter == '_') && !tag.starts_with(|letter: char| letter.is_ascii_digit());
    name.then(|| format!("${tag}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn value(text: &str) -> Part {
        Part::Value(text.to_owned())
    }

    #[test]
    fn values_stand_between_texts() {
        assert_eq!(scan("a = {x} and b = { user.id }"), Ok(vec![text("a = "), value("x"), text(" and b = "), value("user.id")]));
        assert_eq!(scan("select '{{\"a\": 1}}'::jsonb"), Ok(vec![text("select '{\"a\": 1}'::jsonb")]));
        assert_eq!(scan("select 'it''s; fine' -- ok; here\n;  "), Ok(vec![text("select 'it''s; fine' -- ok; here\n  ")]));
        assert_eq!(scan("select $$ ; $$, $1"), Ok(vec![text("select $$ ; $$, $1")]));
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM 'end'; END";
        assert_eq!(scan(&format!("{trigger}; ")), Ok(vec![text(&format!("{trigger} "))]));
        let procedure = "create procedure p() begin if x then select 1; end if; select 2; end";
        assert_eq!(scan(procedure), Ok(vec![text(procedure)]));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (sql, word) in [
            ("", "empty"),
            ("select '{x}'", "quotes"),
            ("select 1; drop table t", "one statement"),
            ("create trigger t after insert on a begin select 1; end; drop table t", "one statement"),
            ("create table begin_end (a int); drop table t", "one statement"),
            ("begin; drop table t", "one statement"),
            ("select {x", "without"),
            ("select }", "single"),
            ("select {}", "no value"),
            ("select 'a", "ends inside"),
        ] {
            let message = scan(sql).err().unwrap_or_default();
            assert!(message.contains(word), "{sql}: {message}");
        }
    }
}
