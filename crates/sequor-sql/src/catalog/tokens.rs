//! [`tokens`]: SQL text cut into words, names, texts, numbers and signs, for expressions and for SQLite's table texts.

/// One token with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare word, in lower case.
    Word(String),
    /// A quoted name, as it is.
    Name(String),
    /// A text, without its quotes.
    Text(String),
    /// A number, as it is spelt.
    Number(String),
    /// An operator or a bracket.
    Sign(String),
}

/// Signs of more than one letter, longest first.
const SIGNS: [&str; 24] = [
    "!~~*", "->>", "#>>", "!~~", "~~*", "!~*", "::", "<=", ">=", "<>", "!=", "||", "&&", "->", "#>", "@>", "<@", "~*", "!~", "~~", "?|",
    "?&", "<<", ">>",
];

/// The tokens of a text; comments and blanks are left out. `None` when a quote does not end.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut made = Vec::new();
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next()?;
        if first.is_whitespace() {
            place += first.len_utf8();
            continue;
        }
        if rest.starts_with("--") {
            place += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            place += rest.find("*/")? + 2;
            continue;
        }
        let (kind, length) = token(rest, first)?;
        made.push(Token { kind, start: place, end: place + length });
        place += length;
    }
    Some(made)
}

fn token(rest: &str, first: char) -> Option<(Kind, usize)> {
    match first {
        '\'' => quoted(rest, '\'').map(|(text, length)| (Kind::Text(text), length)),
        '"' | '`' => quoted(rest, first).map(|(text, length)| (Kind::Name(text), length)),
        letter if letter.is_ascii_digit() || (letter == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit())) => {
            let end = number_end(rest);
            Some((Kind::Number(rest[..end].to_owned()), end))
        }
        letter if letter.is_alphabetic() || letter == '_' => {
            let end = rest.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '$'))).unwrap_or(rest.len());
            let word = rest[..end].to_lowercase();
            // E'..', N'..', _utf8mb4'..'
            if rest[end..].starts_with('\'') && (matches!(word.as_str(), "e" | "n") || word.starts_with('_')) {
                let (text, length) = quoted(&rest[end..], '\'')?;
                return Some((Kind::Text(text), end + length));
            }
            Some((Kind::Word(word), end))
        }
        other => {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or_else(|| other.to_string(), |sign| (*sign).to_owned());
            let length = sign.len();
            Some((Kind::Sign(sign), length))
        }
    }
}

/// A quoted text without its quotes, and its length with them; a doubled quote is one.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut made = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((place, letter)) = letters.next() {
        if letter != quote {
            made.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == quote) {
            made.push(quote);
            letters.next();
        } else {
            return Some((made, place + quote.len_utf8()));
        }
    }
    None
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let exponent = matches!(bytes[end], b'e' | b'E');
        let sign_behind = matches!(bytes[end], b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        if !(bytes[end].is_ascii_digit() || bytes[end] == b'.' || exponent || sign_behind) {
            break;
        }
        end += 1;
    }
    end
}

impl Kind {
    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Kind::Sign(known) if known == sign)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Kind::Word(known) if known == word)
    }
}
