//! What SQLite's catalog does not tell but the text of a table does: checks, names of constraints, collations, deferrable keys, AUTOINCREMENT.

use super::tokens::{Kind, Token, tokens};
use sequor_core::Name;
use sequor_core::schema::{CheckDef, Generated};

/// What the text of a table says.
#[derive(Debug, Default)]
pub(crate) struct TableText {
    pub(crate) columns: Vec<ColumnText>,
    pub(crate) checks: Vec<CheckDef>,
    pub(crate) keys: Vec<KeyText>,
    pub(crate) uniques: Vec<UniqueText>,
    pub(crate) counts: bool,
    /// `STRICT`, `WITHOUT ROWID`.
    pub(crate) options: Option<Name>,
    /// What happens to a row whose primary key is taken.
    pub(crate) key_conflict: Option<String>,
}

/// A unique constraint: its name, its columns, and what happens to a row whose values are taken.
#[derive(Debug, Default)]
pub(crate) struct UniqueText {
    pub(crate) name: Option<Name>,
    pub(crate) columns: Vec<Name>,
    pub(crate) conflict: Option<String>,
}

/// What stands behind a column's type.
#[derive(Debug, Default)]
pub(crate) struct ColumnText {
    pub(crate) name: String,
    pub(crate) collation: Option<String>,
    pub(crate) check: Option<Name>,
    pub(crate) generated: Option<Generated>,
    /// What happens to a row without a value.
    pub(crate) conflict: Option<String>,
}

/// A foreign key's name and whether it waits for the commit.
#[derive(Debug, Default)]
pub(crate) struct KeyText {
    pub(crate) name: Option<Name>,
    pub(crate) columns: Vec<String>,
    pub(crate) deferrable: Option<bool>,
}

/// Reads the text of a table.
pub(crate) fn read(text: &str) -> TableText {
    let mut made = TableText::default();
    let Some(found) = tokens(text) else { return made };
    let Some(open) = found.iter().position(|token| token.kind.is_sign("(")) else { return made };
    let mut unnamed = 0;
    let parts = items(&found[open + 1..]);
    let end = open + 1 + parts.iter().map(|part| part.len() + 1).sum::<usize>();
    made.options = options(found.get(end..).unwrap_or_default());
    for item in parts {
        let mut reader = Reader { text, tokens: item, place: 0 };
        if !reader.constraint(&mut made, &mut unnamed) {
            reader.column(&mut made);
        }
    }
    made
}

/// What stands behind the bracket that ends a table.
fn options(rest: &[Token]) -> Option<Name> {
    let says = |word: &str| rest.iter().any(|token| token.kind.is_word(word));
    match (says("strict"), says("rowid")) {
        (true, true) => Some(Name::Borrowed("STRICT, WITHOUT ROWID")),
        (true, false) => Some(Name::Borrowed("STRICT")),
        (false, true) => Some(Name::Borrowed("WITHOUT ROWID")),
        (false, false) => None,
    }
}

/// What the text of an index says.
#[derive(Debug, Default)]
pub(crate) struct IndexText {
    pub(crate) parts: Vec<String>,
    pub(crate) filter: Option<String>,
}

/// Reads the text of an index.
pub(crate) fn read_index(text: &str) -> IndexText {
    let mut made = IndexText::default();
    let Some(found) = tokens(text) else { return made };
    let Some(open) = found.iter().position(|token| token.kind.is_sign("(")) else { return made };
    let parts = items(&found[open + 1..]);
    let mut end = open;
    for part in parts {
        if let (Some(first), Some(last)) =
            (part.first(), part.iter().rev().find(|token| !token.kind.is_word("desc") && !token.kind.is_word("asc")))
        {
            made.parts.push(text.get(first.start..last.end).unwrap_or_default().to_owned());
        }
        end += part.len() + 1;
    }
    let condition = found.get(end..).and_then(|rest| rest.iter().find(|token| token.kind.is_word("where")));
    made.filter = condition.and_then(|token| text.get(token.end..)).map(|text| text.trim().to_owned());
    made
}

/// The parts between commas, up to the bracket that ends the table.
fn items(found: &[Token]) -> Vec<&[Token]> {
    let (mut made, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (place, token) in found.iter().enumerate() {
        if token.kind.is_sign("(") {
            depth += 1;
        } else if token.kind.is_sign(")") {
            if depth == 0 {
                made.push(&found[start..place]);
                return made;
            }
            depth -= 1;
        } else if token.kind.is_sign(",") && depth == 0 {
            made.push(&found[start..place]);
            start = place + 1;
        }
    }
    made
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    place: usize,
}

impl Reader<'_> {
    fn kind(&self) -> Option<&Kind> {
        self.tokens.get(self.place).map(|token| &token.kind)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.kind().is_some_and(|kind| kind.is_word(word));
        self.place += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        let token = self.tokens.get(self.place)?;
        self.place += 1;
        match &token.kind {
            Kind::Name(name) | Kind::Text(name) => Some(name.clone()),
            // Bare names keep their case.
            Kind::Word(_) => self.text.get(token.start..token.end).map(str::to_owned),
            Kind::Number(_) | Kind::Sign(_) => None,
        }
    }

    /// The text inside of the brackets here.
    fn inside(&mut self) -> Option<&str> {
        if !self.kind()?.is_sign("(") {
            return None;
        }
        let start = self.tokens.get(self.place)?.end;
        let mut depth = 0usize;
        while let Some(token) = self.tokens.get(self.place) {
            self.place += 1;
            if token.kind.is_sign("(") {
                depth += 1;
            } else if token.kind.is_sign(")") {
                depth -= 1;
                if depth == 0 {
                    return self.text.get(start..token.start).map(str::trim);
                }
            }
        }
        None
    }

    fn names(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.kind().is_some_and(|kind| kind.is_sign("(")) {
            return found;
        }
        self.place += 1;
        while let Some(kind) = self.kind() {
            if kind.is_sign(")") {
                self.place += 1;
                break;
            }
            if kind.is_sign(",") {
                self.place += 1;
                continue;
            }
            found.extend(self.name());
        }
        found
    }

    /// Reads a constraint of the table; false when a column stands here.
    fn constraint(&mut self, made: &mut TableText, unnamed: &mut usize) -> bool {
        let name = if self.word("constraint") { self.name().map(Name::Owned) } else { None };
        if self.word("check") {
            *unnamed += 1;
            let expression = self.inside().unwrap_or_default().to_owned();
            let name = name.unwrap_or_else(|| format!("check_{unnamed}").into());
            made.checks.push(CheckDef { name, expression: expression.into() });
        } else if self.word("foreign") {
            self.word("key");
            let columns = self.names();
            made.keys.push(KeyText { name, columns, deferrable: self.deferrable() });
        } else if self.word("unique") {
            let columns = self.names().into_iter().map(Name::Owned).collect();
            made.uniques.push(UniqueText { name, columns, conflict: self.conflict() });
        } else if self.word("primary") {
            made.counts |= self.tokens.iter().any(|token| token.kind.is_word("autoincrement"));
            self.word("key");
            self.names();
            made.key_conflict = self.conflict();
        } else {
            return false;
        }
        true
    }

    /// `ON CONFLICT REPLACE`; aborting is what happens anyway.
    fn conflict(&mut self) -> Option<String> {
        let start = self.place;
        if self.word("on") && self.word("conflict") {
            return self.name().map(|word| word.to_uppercase()).filter(|word| word != "ABORT");
        }
        self.place = start;
        None
    }

    fn deferrable(&self) -> Option<bool> {
        let rest = self.tokens.get(self.place..).unwrap_or_default();
        let place = rest.iter().position(|token| token.kind.is_word("deferrable"))?;
        let negated = place > 0 && rest[place - 1].kind.is_word("not");
        (!negated).then(|| rest[place..].iter().any(|token| token.kind.is_word("deferred")))
    }

    fn column(&mut self, made: &mut TableText) {
        let Some(name) = self.name() else { return };
        let mut column = ColumnText { name: name.clone(), ..ColumnText::default() };
        let mut constraint = None;
        while self.kind().is_some() {
            if self.word("constraint") {
                constraint = self.name().map(Name::Owned);
            } else if self.word("check") {
                let Some(expression) = self.inside().map(|text| Name::Owned(text.to_owned())) else { break };
                match constraint.take() {
                    Some(name) => made.checks.push(CheckDef { name, expression }),
                    None => column.check = Some(expression),
                }
            } else if self.word("collate") {
                column.collation = self.name();
            } else if self.word("autoincrement") {
                made.counts = true;
            } else if self.word("not") {
                self.word("null");
                column.conflict = self.conflict();
            } else if self.word("primary") {
                self.word("key");
                let _direction = self.word("asc") || self.word("desc");
                made.key_conflict = self.conflict();
            } else if self.word("unique") {
                let columns = vec![Name::Owned(name.clone())];
                made.uniques.push(UniqueText { name: constraint.take(), columns, conflict: self.conflict() });
            } else if self.word("references") {
                made.keys.push(KeyText { name: constraint.take(), columns: vec![name.clone()], deferrable: self.deferrable() });
            } else if self.word("as") {
                let Some(expression) = self.inside().map(|text| Name::Owned(text.to_owned())) else { break };
                let stored = self.tokens.get(self.place..).is_some_and(|rest| rest.iter().any(|token| token.kind.is_word("stored")));
                column.generated = Some(Generated { expression, stored });
            } else if self.kind().is_some_and(|kind| kind.is_sign("(")) {
                self.inside();
            } else {
                self.place += 1;
            }
        }
        made.columns.push(column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_s_text_tells_what_the_catalog_does_not() {
        let made = read(
            "CREATE TABLE \"t\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \"on\" INTEGER NOT NULL DEFAULT (1 + 2) CHECK (\"on\" IN (0, 1)), \
             name varchar(20) COLLATE NOCASE CONSTRAINT n CHECK (length(name) > 1) UNIQUE, full TEXT GENERATED ALWAYS AS (name || 'x, y') STORED, \
             parent REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT c CHECK (\"on\" > -1), CONSTRAINT u UNIQUE (\"on\", name), \
             CONSTRAINT f FOREIGN KEY (\"on\") REFERENCES p (id) ON DELETE CASCADE)",
        );
        assert!(made.counts);
        assert_eq!(made.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["id", "on", "name", "full", "parent"]);
        assert_eq!(made.columns[1].check.as_deref(), Some("\"on\" IN (0, 1)"));
        assert_eq!(made.columns[2].collation.as_deref(), Some("NOCASE"));
        assert_eq!(made.columns[3].generated.as_ref().map(|one| (one.expression.as_ref(), one.stored)), Some(("name || 'x, y'", true)));
        assert_eq!(made.checks.iter().map(|check| check.name.as_ref()).collect::<Vec<_>>(), ["n", "c"]);
        assert_eq!(made.keys[0].deferrable, Some(true));
        assert_eq!((made.keys[1].name.as_deref(), made.keys[1].deferrable), (Some("f"), None));
        assert_eq!(made.uniques.len(), 2);
    }
    #[test]
    fn what_happens_on_conflict_and_the_kind_of_a_table_are_read() {
        let made = read(
            "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, a TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'x', b TEXT UNIQUE ON CONFLICT ABORT, \
             p REFERENCES q (id) ON DELETE CASCADE NOT NULL, UNIQUE (a, b) ON CONFLICT FAIL) STRICT, WITHOUT ROWID",
        );
        assert_eq!(made.options.as_deref(), Some("STRICT, WITHOUT ROWID"));
        assert_eq!(made.key_conflict.as_deref(), Some("IGNORE"));
        assert_eq!(made.columns.iter().map(|column| column.conflict.as_deref()).collect::<Vec<_>>(), [None, Some("REPLACE"), None, None]);
        assert_eq!(made.uniques.iter().map(|unique| unique.conflict.as_deref()).collect::<Vec<_>>(), [None, Some("FAIL")]);
        assert_eq!(read("CREATE TABLE strict (a TEXT, without TEXT)").options, None);
        let tabled = read("CREATE TABLE t (a, b, PRIMARY KEY (a, b) ON CONFLICT REPLACE)");
        assert_eq!(tabled.key_conflict.as_deref(), Some("REPLACE"));
    }
}
