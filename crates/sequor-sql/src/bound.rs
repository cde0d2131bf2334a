//! Which column a placeholder of a statement belongs to, read from its text: for the message about a value that could not be sent.

/// The column beside a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The column's table, where the text names it.
    pub table: Option<String>,
    /// The column.
    pub column: String,
    /// Whether the value is to be stored there; otherwise it is compared with it.
    pub written: bool,
}

/// The column that the placeholder at this place (from 0) is written to or compared with; `None` where the text does not tell.
pub fn bound_column(text: &str, place: usize) -> Option<Bound> {
    let tokens = tokens(text);
    let at = nth_placeholder(&tokens, place)?;
    let found = inserted(&tokens, at).or_else(|| beside(&tokens, at)).or_else(|| behind(&tokens, at))?;
    let table = found.table.map(|table| alias_of(&tokens, &table).unwrap_or(table));
    Some(Bound { table: table.or_else(|| target(&tokens)), ..found })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A quoted name.
    Name(String),
    /// A word, in upper case, such as an alias or a key word.
    Word(String),
    /// A placeholder, with its number where it has one.
    Placeholder(Option<usize>),
    /// Anything else but space.
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(known) if known == word)
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '`' | '\'' => {
                let mut inside = String::new();
                while let Some(next) = letters.next() {
                    if next == letter && letters.next_if_eq(&letter).is_none() {
                        break;
                    }
                    inside.push(next);
                }
                tokens.push(if letter == '\'' { Token::Sign('\'') } else { Token::Name(inside) });
            }
            '?' => tokens.push(Token::Placeholder(None)),
            '$' => {
                let digits: String = std::iter::from_fn(|| letters.next_if(char::is_ascii_digit)).collect();
                tokens.push(digits.parse().map_or(Token::Sign('$'), |number: usize| Token::Placeholder(number.checked_sub(1))));
            }
            _ if letter.is_alphanumeric() || letter == '_' => {
                let mut word = String::from(letter);
                word.extend(std::iter::from_fn(|| letters.next_if(|next| next.is_alphanumeric() || *next == '_')));
                tokens.push(Token::Word(word.to_uppercase()));
            }
            _ if letter.is_whitespace() => {}
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    tokens
}

fn nth_placeholder(tokens: &[Token], place: usize) -> Option<usize> {
    let mut count = 0;
    tokens.iter().position(|token| match token {
        Token::Placeholder(Some(number)) => *number == place,
        Token::Placeholder(None) => {
            count += 1;
            count == place + 1
        }
        _ => false,
    })
}

/// The table that an INSERT, UPDATE or DELETE writes.
fn target(tokens: &[Token]) -> Option<String> {
    let verb = tokens.iter().position(|token| ["INSERT", "UPDATE", "DELETE"].iter().any(|word| token.is(word)))?;
    let names = tokens.get(verb + 1..)?.iter().take_while(|token| !matches!(token, Token::Sign('(')) && !token.is("SET"));
    names.filter_map(|token| if let Token::Name(name) = token { Some(name.clone()) } else { None }).last().filter(|_| verb == 0)
}

/// The table behind an alias.
fn alias_of(tokens: &[Token], alias: &str) -> Option<String> {
    tokens.windows(3).find_map(|three| match three {
        [Token::Name(table), Token::Word(word), Token::Word(name)] if word == "AS" && name == alias => Some(table.clone()),
        _ => None,
    })
}

/// The column of a value of an INSERT: as many commas lie before it in its row as before its column in the list.
fn inserted(tokens: &[Token], at: usize) -> Option<Bound> {
    if !tokens.first()?.is("INSERT") {
        return None;
    }
    let open = tokens.iter().position(|token| *token == Token::Sign('('))?;
    let close = open + tokens.get(open..)?.iter().position(|token| *token == Token::Sign(')'))?;
    let columns: Vec<&String> =
        tokens.get(open..close)?.iter().filter_map(|token| if let Token::Name(name) = token { Some(name) } else { None }).collect();
    let (mut depth, mut number) = (0_usize, 0);
    for token in tokens.get(close + 1..at)? {
        match token {
            Token::Sign('(') => {
                depth += 1;
                if depth == 1 {
                    number = 0;
                }
            }
            Token::Sign(')') => depth = depth.checked_sub(1)?,
            Token::Sign(',') if depth == 1 => number += 1,
            Token::Word(word) if depth == 0 && (word == "ON" || word == "RETURNING" || word == "AS") => return None,
            _ => {}
        }
    }
    let column = columns.get(number).filter(|_| depth >= 1)?;
    Some(Bound { table: None, column: (*column).clone(), written: true })
}

/// The name that stands before a placeholder in its comparison or assignment; that of a CASE for what it gives.
fn beside(tokens: &[Token], at: usize) -> Option<Bound> {
    let mut last: Option<Bound> = None;
    let mut cases: Vec<Option<Bound>> = Vec::new();
    let (mut between, mut setting) = (false, false);
    for (place, token) in tokens.get(..at)?.iter().enumerate() {
        match token {
            Token::Name(column) => {
                // In front of a dot it is the table of the next name, or its schema.
                if tokens.get(place + 1) == Some(&Token::Sign('.')) {
                    continue;
                }
                let table = match tokens.get(..place)? {
                    [.., Token::Name(table), Token::Sign('.')] | [.., Token::Word(table), Token::Sign('.')] => Some(table.clone()),
                    _ => None,
                };
                last = Some(Bound { table, column: column.clone(), written: setting && cases.is_empty() });
            }
            Token::Word(word) => match word.as_str() {
                "CASE" => cases.push(last.take()),
                "THEN" | "ELSE" => last = cases.last().cloned().flatten(),
                "END" => last = cases.pop().flatten(),
                "BETWEEN" => between = true,
                "AND" if between => between = false,
                "SET" => (setting, last) = (true, None),
                "WHERE" | "FROM" => (setting, last) = (false, None),
                "AND" | "OR" | "ON" | "HAVING" | "LIMIT" | "OFFSET" | "SELECT" | "BY" | "USING" => last = None,
                _ => {}
            },
            Token::Placeholder(_) | Token::Sign(_) => {}
        }
    }
    last
}

/// The name that stands behind a placeholder in its comparison: `$1 < "t"."c"`, where the value may have a cast.
fn behind(tokens: &[Token], at: usize) -> Option<Bound> {
    let mut rest = tokens.get(at + 1..)?;
    while let [Token::Sign(':'), Token::Sign(':'), Token::Word(_), tail @ ..] = rest {
        rest = tail;
    }
    let compares = rest.iter().take_while(|token| matches!(token, Token::Sign('=' | '<' | '>' | '!'))).count();
    let (table, column) = match rest.get(compares..).filter(|_| compares > 0)? {
        [Token::Name(table), Token::Sign('.'), Token::Name(column), ..]
        | [Token::Word(table), Token::Sign('.'), Token::Name(column), ..] => (Some(table.clone()), column),
        [Token::Name(column), ..] => (None, column),
        _ => return None,
    };
    Some(Bound { table, column: column.clone(), written: false })
}

#[cfg(test)]
mod tests {
    use super::{Bound, bound_column};

    fn found(text: &str, place: usize) -> Option<(Option<String>, String, bool)> {
        bound_column(text, place).map(|Bound { table, column, written }| (table, column, written))
    }

    fn told(table: &str, column: &str, written: bool) -> Option<(Option<String>, String, bool)> {
        Some((Some(table.to_owned()), column.to_owned(), written))
    }

    #[test]
    fn what_is_inserted_belongs_to_its_column() {
        let rows = "INSERT INTO `t` (`a`, `b`) VALUES (?, ?), (?, COALESCE(?, 1)) ON DUPLICATE KEY UPDATE `b` = VALUES(`b`)";
        assert_eq!(found(rows, 1), told("t", "b", true));
        assert_eq!(found(rows, 2), told("t", "a", true));
        assert_eq!(found(rows, 3), told("t", "b", true));
        let lists = r#"INSERT INTO "s"."t" ("a", "b,(") SELECT * FROM UNNEST($1::text[], $2::numeric(20,0)[], $3::jsonb[]) RETURNING "id""#;
        assert_eq!(found(lists, 0), told("t", "a", true));
        assert_eq!(found(lists, 1), told("t", "b,(", true));
        assert_eq!(found(lists, 2), None);
    }

    #[test]
    fn what_is_set_or_compared_belongs_to_the_name_before_it() {
        let one = r#"UPDATE "t" SET "a" = $1, "b" = $2 WHERE "t"."c" = ANY ($3) AND "d" BETWEEN $4 AND $5"#;
        let columns = ["a", "b", "c", "d", "d"];
        for (place, column) in columns.into_iter().enumerate() {
            assert_eq!(found(one, place), told("t", column, place < 2), "{place}");
        }
        let many = "UPDATE `t` SET `a` = CASE WHEN `id` = ? THEN ? WHEN `id` = ? THEN ? ELSE `a` END, `b` = ? WHERE `id` IN (?, ?)";
        let columns = [("id", false), ("a", true), ("id", false), ("a", true), ("b", true), ("id", false), ("id", false)];
        for (place, (column, written)) in columns.into_iter().enumerate() {
            assert_eq!(found(many, place), told("t", column, written), "{place}");
        }
        let select = "SELECT t0.`x` FROM `t` AS t0 LEFT JOIN `u` AS t1 ON t1.`k` = t0.`id` AND t1.`n` > ? \
                      WHERE (t0.`y` LIKE ? ESCAPE '?') AND (? = 1) OR t0.`z` IN (?, ?) LIMIT ?";
        assert_eq!(found(select, 0), told("u", "n", false));
        assert_eq!(found(select, 1), told("t", "y", false));
        assert_eq!(found(select, 2), None);
        assert_eq!(found(select, 4), told("t", "z", false));
        assert_eq!(found(select, 5), None);
        assert_eq!(found(select, 6), None);
    }

    #[test]
    fn what_stands_before_its_column_belongs_to_it() {
        let select = r#"SELECT t0."x" FROM "t" AS t0 WHERE $1 = t0."y" AND ($2::float8 < t0."z" OR $3 + t0."w" > $4) AND $5 <> "v" AND $6"#;
        assert_eq!(found(select, 0), told("t", "y", false));
        assert_eq!(found(select, 1), told("t", "z", false));
        assert_eq!(found(select, 2), None, "a sum is compared, not its parts");
        assert_eq!(found(select, 4).map(|(_, column, _)| column), Some("v".to_owned()));
        assert_eq!(found(select, 5), None);
    }
}
