//! [`canonical`]: an SQL expression as every server's spelling of it comes out, so that what a catalog says can be compared with what a program wrote.
//!
//! Servers keep a parsed form and write it back in their own way: `a IN ('x')` is `(a)::text = ANY (ARRAY['x'::text])` on PostgreSQL and "`a` in ('x')" on
//! MariaDB. Here casts, brackets, quotes, qualifiers and case do not count, and spellings of the same operator are one. What cannot be read is compared
//! token by token.

use super::tokens::{Kind, Token, tokens};

/// An expression in one spelling; columns are `[name]`.
pub fn canonical(text: &str) -> String {
    let Some(found) = tokens(text) else { return text.trim().to_owned() };
    let mut parser = Parser { tokens: &found, place: 0 };
    match parser.either() {
        Some(made) if parser.place == found.len() => made.text(),
        _ => loose(&found),
    }
}

/// Tokens without brackets and casts.
fn loose(found: &[Token]) -> String {
    let words: Vec<String> = found
        .iter()
        .filter_map(|token| match &token.kind {
            Kind::Word(word) => Some(word.clone()),
            Kind::Name(name) => Some(name.to_lowercase()),
            Kind::Text(text) => Some(format!("'{text}'")),
            Kind::Number(number) => Some(number.clone()),
            Kind::Sign(sign) => (!matches!(sign.as_str(), "(" | ")" | ";")).then(|| sign.clone()),
        })
        .collect();
    words.join(" ")
}

/// A query as text in which only what matters differs: no qualifiers, brackets or quotes.
pub fn canonical_query(text: &str) -> String {
    let Some(found) = tokens(text) else { return text.trim().to_owned() };
    let mut words: Vec<String> = Vec::new();
    for (place, token) in found.iter().enumerate() {
        let dot = |place: usize| found.get(place).is_some_and(|token| token.kind.is_sign("."));
        match &token.kind {
            Kind::Word(_) | Kind::Name(_) if dot(place + 1) => {}
            Kind::Sign(sign) if matches!(sign.as_str(), "(" | ")" | ";" | ".") => {}
            Kind::Word(word) if word == "as" => {}
            // `a AS a`
            Kind::Name(name) if words.last() == Some(&name.to_lowercase()) => {}
            Kind::Word(word) if words.last() == Some(word) => {}
            Kind::Word(word) => words.push(word.clone()),
            Kind::Name(name) => words.push(name.to_lowercase()),
            Kind::Text(text) => words.push(format!("'{text}'")),
            Kind::Number(number) => words.push(number.clone()),
            Kind::Sign(sign) => words.push(if sign == "!=" { "<>".to_owned() } else { sign.clone() }),
        }
    }
    words.join(" ")
}

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Column(String),
    /// A literal or a word such as `current_timestamp`.
    Fixed(String),
    Call(String, Vec<Node>),
}

impl Node {
    fn text(&self) -> String {
        match self {
            Node::Column(name) => format!("[{name}]"),
            Node::Fixed(text) => text.clone(),
            Node::Call(name, parts) => format!("{name}({})", parts.iter().map(Node::text).collect::<Vec<_>>().join(", ")),
        }
    }
}

fn call(name: &str, parts: Vec<Node>) -> Node {
    // `a AND (b AND c)` is `(a AND b) AND c`.
    if matches!(name, "and" | "or") {
        let flat = parts.into_iter().flat_map(|part| match part {
            Node::Call(inner, parts) if inner == name => parts,
            other => vec![other],
        });
        return Node::Call(name.to_owned(), flat.collect());
    }
    if let ("not", [Node::Call(inner, parts)]) = (name, parts.as_slice()) {
        return negation(inner, parts);
    }
    Node::Call(name.to_owned(), parts)
}

/// The opposite, its NOT as far inside as it goes: MariaDB keeps it so.
fn negation(inner: &str, parts: &[Node]) -> Node {
    let opposite = match inner {
        "and" | "or" => {
            let parts = parts.iter().map(|part| call("not", vec![part.clone()])).collect();
            return call(if inner == "and" { "or" } else { "and" }, parts);
        }
        "not" => return parts.first().cloned().unwrap_or(Node::Fixed("null".into())),
        "=" => "<>",
        "<>" => "=",
        "<" => ">=",
        ">" => "<=",
        "<=" => ">",
        ">=" => "<",
        "in" => "not in",
        "not in" => "in",
        "like" => "not like",
        "ilike" => "not ilike",
        "is null" => "is not null",
        "is not null" => "is null",
        _ => return Node::Call("not".into(), vec![Node::Call(inner.to_owned(), parts.to_vec())]),
    };
    Node::Call(opposite.to_owned(), parts.to_vec())
}

struct Parser<'a> {
    tokens: &'a [Token],
    place: usize,
}

/// How tightly binary operators bind; those that are not here bind like `||`.
fn strength(sign: &str) -> Option<u8> {
    Some(match sign {
        "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" => 4,
        "+" | "-" => 6,
        "*" | "/" | "%" => 7,
        "^" => 8,
        "||" | "&&" | "->" | "->>" | "#>" | "#>>" | "@>" | "<@" | "~" | "~*" | "!~" | "!~*" | "~~" | "!~~" | "~~*" | "!~~*" | "?"
        | "?|" | "?&" | "<<" | ">>" | "&" | "|" | "#" => 5,
        _ => return None,
    })
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.place).map(|token| &token.kind)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.peek().is_some_and(|kind| kind.is_sign(sign));
        self.place += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|kind| kind.is_word(word));
        self.place += usize::from(found);
        found
    }

    /// OR, AND, NOT and what is inside of them.
    fn either(&mut self) -> Option<Node> {
        let mut made = self.both()?;
        while self.word("or") {
            made = call("or", vec![made, self.both()?]);
        }
        Some(made)
    }

    fn both(&mut self) -> Option<Node> {
        let mut made = self.negated()?;
        while self.word("and") {
            made = call("and", vec![made, self.negated()?]);
        }
        Some(made)
    }

    fn negated(&mut self) -> Option<Node> {
        if self.word("not") {
            return Some(call("not", vec![self.negated()?]));
        }
        self.test()
    }

    /// IS, IN, LIKE, BETWEEN.
    fn test(&mut self) -> Option<Node> {
        let mut made = self.binary(4)?;
        loop {
            if self.word("is") || self.word("isnull") {
                let negated = self.word("not");
                let what = if self.word("null") {
                    "is null"
                } else if self.word("true") {
                    "is true"
                } else if self.word("false") {
                    "is false"
                } else {
                    return None;
                };
                made = call(what, vec![made]);
                if negated {
                    made = call("not", vec![made]);
                }
                continue;
            }
            let before = self.place;
            let negated = self.word("not");
            let found = if self.word("in") {
                let mut parts = vec![made.clone()];
                parts.extend(self.list("(", ")")?);
                Some(in_list(parts))
            } else if self.word("like") {
                Some(call("like", vec![made.clone(), self.binary(5)?]))
            } else if self.word("ilike") {
                Some(call("ilike", vec![made.clone(), self.binary(5)?]))
            } else if self.word("between") {
                let low = self.binary(5)?;
                if !self.word("and") {
                    return None;
                }
                let high = self.binary(5)?;
                Some(call("and", vec![call(">=", vec![made.clone(), low]), call("<=", vec![made.clone(), high])]))
            } else {
                None
            };
            match (found, negated) {
                (Some(found), false) => made = found,
                (Some(found), true) => made = call("not", vec![found]),
                (None, _) => {
                    self.place = before;
                    return Some(made);
                }
            }
        }
    }

    fn binary(&mut self, least: u8) -> Option<Node> {
        let mut made = self.unary()?;
        while let Some(Kind::Sign(sign)) = self.peek() {
            let Some(tight) = strength(sign).filter(|tight| *tight >= least) else { break };
            let sign = sign.clone();
            self.place += 1;
            if matches!(sign.as_str(), "=" | "<>") && (self.word("any") || self.word("all") || self.word("some")) {
                let mut parts = vec![made];
                if !self.sign("(") {
                    return None;
                }
                let list = self.either()?;
                if !self.sign(")") {
                    return None;
                }
                match list {
                    Node::Call(name, items) if name == "array" => parts.extend(items),
                    other => parts.push(Node::Call("any".into(), vec![other])),
                }
                made = in_list(parts);
                if sign == "<>" {
                    made = call("not", vec![made]);
                }
                continue;
            }
            let right = self.binary(tight + 1)?;
            let name = match sign.as_str() {
                "!=" => "<>",
                "~~" => "like",
                "~~*" => "ilike",
                "!~~" => "not like",
                "!~~*" => "not ilike",
                other => other,
            };
            made = call(name, vec![made, right]);
        }
        Some(made)
    }

    fn unary(&mut self) -> Option<Node> {
        if self.sign("-") {
            return Some(match self.unary()? {
                Node::Fixed(number) if number.starts_with(|first: char| first.is_ascii_digit()) => Node::Fixed(format!("-{number}")),
                other => call("-", vec![other]),
            });
        }
        if self.sign("+") {
            return self.unary();
        }
        let mut made = self.primary()?;
        loop {
            if self.sign("::") {
                let number = self.peek().is_some_and(is_number_type);
                self.type_name()?;
                // `'-1.5'::numeric`
                if let (true, Node::Fixed(text)) = (number, &made)
                    && let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''))
                    && inner.parse::<f64>().is_ok()
                {
                    made = Node::Fixed(number_text(inner));
                }
            } else if self.word("collate") {
                self.place += 1;
                while self.sign(".") {
                    self.place += 1;
                }
            } else if self.sign("[") {
                let place = self.either()?;
                if !self.sign("]") {
                    return None;
                }
                made = call("[]", vec![made, place]);
            } else {
                return Some(made);
            }
        }
    }

    fn list(&mut self, open: &str, close: &str) -> Option<Vec<Node>> {
        if !self.sign(open) {
            return None;
        }
        let mut parts = Vec::new();
        if self.sign(close) {
            return Some(parts);
        }
        loop {
            if self.sign("*") {
                parts.push(Node::Fixed("*".into()));
            } else {
                parts.push(self.either()?);
            }
            if self.sign(close) {
                return Some(parts);
            }
            if !self.sign(",") {
                return None;
            }
        }
    }

    /// Skips a type: `character varying(20)[]`, `timestamp(3) with time zone`, `"role"`.
    fn type_name(&mut self) -> Option<()> {
        self.place += 1;
        while self.sign(".") {
            self.place += 1;
        }
        self.size();
        for word in ["varying", "precision", "unsigned", "signed", "with", "without", "time", "zone", "character", "charset", "set"] {
            if self.word(word) {
                self.size();
                if matches!(word, "charset" | "set") {
                    self.place += 1;
                }
            }
        }
        while self.sign("[") {
            if !self.sign("]") {
                self.place += 2;
            }
        }
        (self.place <= self.tokens.len()).then_some(())
    }

    fn size(&mut self) {
        if self.peek().is_some_and(|kind| kind.is_sign("("))
            && matches!(self.tokens.get(self.place + 1).map(|token| &token.kind), Some(Kind::Number(_)))
        {
            while !self.sign(")") && self.place < self.tokens.len() {
                self.place += 1;
            }
        }
    }

    fn primary(&mut self) -> Option<Node> {
        let kind = self.peek()?.clone();
        self.place += 1;
        match kind {
            Kind::Number(number) => Some(Node::Fixed(number_text(&number))),
            Kind::Text(text) => Some(Node::Fixed(format!("'{text}'"))),
            Kind::Name(name) => self.named(name.to_lowercase(), true),
            Kind::Word(word) => self.spoken(word),
            Kind::Sign(sign) if sign == "(" => {
                self.place -= 1;
                let mut parts = self.list("(", ")")?;
                if parts.len() == 1 { parts.pop() } else { Some(call("row", parts)) }
            }
            Kind::Sign(_) => None,
        }
    }

    fn spoken(&mut self, word: String) -> Option<Node> {
        match word.as_str() {
            "true" => Some(Node::Fixed("1".into())),
            "false" => Some(Node::Fixed("0".into())),
            "null" => Some(Node::Fixed("null".into())),
            "array" if self.peek().is_some_and(|kind| kind.is_sign("[")) => Some(Node::Call("array".into(), self.list("[", "]")?)),
            "cast" | "convert" => {
                if !self.sign("(") {
                    return None;
                }
                let inner = self.either()?;
                if !(self.word("as") || self.sign(",") || self.word("using")) {
                    return None;
                }
                self.type_name()?;
                self.sign(")").then_some(inner)
            }
            "case" => self.case(),
            "interval" | "date" | "timestamp" | "time" if matches!(self.peek(), Some(Kind::Text(_))) => self.primary(),
            "current_timestamp" | "current_date" | "current_time" | "localtimestamp" => {
                if self.peek().is_some_and(|kind| kind.is_sign("(")) {
                    self.list("(", ")")?;
                }
                Some(Node::Fixed(word))
            }
            _ => self.named(word, false),
        }
    }

    fn case(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        if !self.peek()?.is_word("when") {
            parts.push(self.either()?);
        }
        while self.word("when") {
            parts.push(self.either()?);
            if !self.word("then") {
                return None;
            }
            parts.push(self.either()?);
        }
        if self.word("else") {
            parts.push(self.either()?);
        }
        self.word("end").then(|| call("case", parts))
    }

    /// A column, whose qualifier does not count, or a call.
    fn named(&mut self, mut name: String, mut quoted: bool) -> Option<Node> {
        while self.sign(".") {
            match self.peek()?.clone() {
                Kind::Word(word) => name = word,
                Kind::Name(word) => {
                    name = word.to_lowercase();
                    quoted = true;
                }
                Kind::Text(_) | Kind::Number(_) | Kind::Sign(_) => return None,
            }
            self.place += 1;
        }
        if !self.peek().is_some_and(|kind| kind.is_sign("(")) {
            return Some(Node::Column(name));
        }
        let parts = self.list("(", ")")?;
        let name = match name.as_str() {
            "now" | "current_timestamp" | "localtimestamp" if !quoted => return Some(Node::Fixed("current_timestamp".into())),
            "curdate" => return Some(Node::Fixed("current_date".into())),
            "lcase" => "lower",
            "ucase" => "upper",
            "char_length" | "character_length" => "char_length",
            "substr" => "substring",
            "ifnull" if parts.len() == 2 => "coalesce",
            other => other,
        };
        Some(call(name, parts))
    }
}

fn is_number_type(kind: &Kind) -> bool {
    matches!(kind, Kind::Word(word) if matches!(word.as_str(), "numeric" | "integer" | "bigint" | "smallint" | "double" | "real"))
}

/// PostgreSQL writes a list of one as `=`.
fn in_list(mut parts: Vec<Node>) -> Node {
    if parts.len() == 2 && !matches!(&parts[1], Node::Call(name, _) if name == "any") {
        return call("=", parts);
    }
    // `'{a,b}'::text[]`
    if let [_, Node::Call(any, inner)] = parts.as_slice()
        && any == "any"
        && let [Node::Fixed(text)] = inner.as_slice()
        && let Some(items) = text.strip_prefix("'{").and_then(|text| text.strip_suffix("}'"))
    {
        let items: Vec<Node> = items.split(',').map(|item| Node::Fixed(format!("'{}'", item.trim_matches('"')))).collect();
        parts.truncate(1);
        parts.extend(items);
    }
    call("in", parts)
}

/// `1.50` is `1.5`.
fn number_text(number: &str) -> String {
    if number.contains('.') && !number.contains(['e', 'E']) {
        let text = number.trim_end_matches('0').trim_end_matches('.');
        return if text.is_empty() || text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    }
    number.to_owned()
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn servers_spell_the_same_expression_in_their_own_ways() {
        for (one, other) in [
            ("role IN ('a', 'b')", "((role)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
            ("role IN ('a', 'b')", "`role` in ('a','b')"),
            ("role IN ('a')", "(role = 'a'::text)"),
            ("age BETWEEN 1 AND 5 AND name <> ''", "((age >= 1) AND (age <= 5) AND (name <> ''::text))"),
            ("email LIKE '%@%'", "(email ~~ '%@%'::text)"),
            ("deleted_at IS NULL", "(\"deleted_at\" IS NULL)"),
            ("NOT (a IS NULL)", "a is not null"),
            ("NOT (flag = true AND age IS NULL)", "`flag` <> 1 or `age` is not null"),
            ("active = true", "`active` = 1"),
            ("first || ' ' || last", "((first || ' '::text) || last)"),
            ("CAST(price AS numeric(10,2)) > -1.50", "((price)::numeric(10,2) > '-1.5'::numeric)"),
            ("now()", "CURRENT_TIMESTAMP"),
            ("current_timestamp(6)", "CURRENT_TIMESTAMP"),
            ("lower(email)", "lower((users.email)::text)"),
            ("a > 0 or (b > 0 and c > 0)", "((a > 0) OR ((b > 0) AND (c > 0)))"),
            ("char_length(name) > 2", "char_length(`name`) > 2"),
            ("price >= 0", "(price >= (0)::numeric)"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one}");
        }
        for (one, other) in [("a > 0", "a >= 0"), ("a AND (b OR c)", "(a AND b) OR c"), ("lower(a)", "upper(a)"), ("a = 'x'", "a = 'X'")] {
            assert_ne!(canonical(one), canonical(other));
        }
    }
}
