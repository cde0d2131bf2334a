//! JavaScript's regular expressions, written for the engine that we use.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r \u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";
const LINE_END: &str = r"\n\r\u{2028}\u{2029}";

/// The pattern in the engine's syntax, flags included.
pub(super) fn translate(source: &str, flags: &str) -> Result<String, String> {
    let mut reader = Reader { rest: source.chars().peekable(), all: flags.contains('s'), output: String::with_capacity(source.len() + 16) };
    let marks: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm')).collect();
    if !marks.is_empty() {
        let _ = write!(reader.output, "(?{marks})");
    }
    let sticky = flags.contains('y');
    if sticky {
        reader.output.push_str(r"\A(?:");
    }
    reader.pattern()?;
    if sticky {
        reader.output.push(')');
    }
    Ok(reader.output)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    all: bool,
    output: String,
}

/// One member of a class.
enum Member {
    Letter(char),
    Set(String),
}

impl Reader<'_> {
    fn pattern(&mut self) -> Result<(), String> {
        while let Some(letter) = self.rest.next() {
            match letter {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '.' if self.all => self.output.push_str(r"[\s\S]"),
                '.' => self.set("^", LINE_END),
                '{' => self.brace(),
                '^' | '$' | '|' | '(' | ')' | '*' | '+' | '?' => self.output.push(letter),
                other => self.literal(other),
            }
            if letter == '(' {
                self.group();
            }
        }
        Ok(())
    }

    fn set(&mut self, sign: &str, members: &str) {
        let _ = write!(self.output, "[{sign}{members}]");
    }

    fn literal(&mut self, letter: char) {
        push_letter(&mut self.output, letter);
    }

    /// The head of a group: its `?` is no quantifier, and its name no text.
    fn group(&mut self) {
        if self.rest.peek() != Some(&'?') {
            return;
        }
        while let Some(letter) = self.rest.next_if(|letter| matches!(letter, '?' | ':' | '=' | '!' | '<')) {
            self.output.push(letter);
            if matches!(letter, ':' | '=' | '!') {
                return;
            }
            if letter == '<' && !matches!(self.rest.peek(), Some('=' | '!')) {
                break;
            }
        }
        while let Some(letter) = self.rest.next_if(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '>')) {
            self.output.push(letter);
            if letter == '>' {
                return;
            }
        }
    }

    /// `{` opens a count only in `{2}`, `{2,}` and `{2,3}`; elsewhere it is text.
    fn brace(&mut self) {
        let inside: String = self.rest.clone().take_while(|letter| *letter != '}').collect();
        let closed = self.rest.clone().any(|letter| letter == '}');
        let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
        let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if closed && !least.is_empty() && digits(least) && digits(most) {
            let _ = write!(self.output, "{{{inside}}}");
            for _ in 0..=inside.chars().count() {
                self.rest.next();
            }
        } else {
            self.output.push_str(r"\{");
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let letter = self.rest.next().ok_or("it ends in a backslash")?;
        match letter {
            'd' => self.set("", DIGIT),
            'D' => self.set("^", DIGIT),
            'w' => self.set("", WORD),
            'W' => self.set("^", WORD),
            's' => self.set("", SPACE),
            'S' => self.set("^", SPACE),
            'b' => self.output.push_str(r"(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))"),
            'B' => self.output.push_str(r"(?:(?<![0-9A-Za-z_])(?![0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_]))"),
            'p' | 'P' => {
                let property = self.property(letter)?;
                self.output.push_str(&property);
            }
            'k' => {
                let name: String = self.rest.by_ref().skip_while(|letter| *letter == '<').take_while(|letter| *letter != '>').collect();
                let _ = write!(self.output, r"\k<{name}>");
            }
            '1'..='9' => {
                let _ = write!(self.output, r"\{letter}");
                while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
                    self.output.push(digit);
                }
            }
            other => {
                let letter = self.letter(other)?;
                self.literal(letter);
            }
        }
        Ok(())
    }

    fn property(&mut self, letter: char) -> Result<String, String> {
        if self.rest.next_if_eq(&'{').is_none() {
            return Ok(letter.to_string());
        }
        let name: String = self.rest.by_ref().take_while(|letter| *letter != '}').collect();
        let name = name.strip_prefix("General_Category=").unwrap_or(&name);
        Ok(format!(r"\{letter}{{{name}}}"))
    }

    /// The letter that an escape stands for.
    fn letter(&mut self, letter: char) -> Result<char, String> {
        Ok(match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\u{B}',
            'f' => '\u{C}',
            '0' => '\0',
            'c' => self.rest.next().map_or('c', |letter| char::from((letter as u32 % 32) as u8)),
            'x' => self.code(2)?,
            'u' if self.rest.peek() == Some(&'{') => {
                self.rest.next();
                let digits: String = self.rest.by_ref().take_while(|letter| *letter != '}').collect();
                u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or_else(|| format!("\\u{{{digits}}} is no character"))?
            }
            'u' => self.code(4)?,
            other => other,
        })
    }

    fn code(&mut self, length: usize) -> Result<char, String> {
        let high = self.hex(length)?;
        let pair = (0xD800..0xDC00).contains(&high) && self.rest.next_if_eq(&'\\').is_some() && self.rest.next_if_eq(&'u').is_some();
        let code = if pair { 0x10000 + ((high - 0xD800) << 10) + self.hex(4)?.saturating_sub(0xDC00) } else { high };
        char::from_u32(code).ok_or_else(|| format!("\\u{code:04X} is half a character"))
    }

    fn hex(&mut self, length: usize) -> Result<u32, String> {
        let digits: String = self.rest.by_ref().take(length).collect();
        u32::from_str_radix(&digits, 16).map_err(|_| format!("{digits} is no hexadecimal number"))
    }

    fn class(&mut self) -> Result<(), String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut members = String::new();
        let mut pending: Option<char> = None;
        loop {
            let letter = self.rest.next().ok_or("a class is not closed")?;
            if letter == ']' {
                break;
            }
            let range = letter == '-' && pending.is_some() && !matches!(self.rest.peek(), Some(']') | None);
            if !range {
                if let Some(letter) = pending.take() {
                    push_letter(&mut members, letter);
                }
                match self.member(letter)? {
                    Member::Letter(letter) => pending = Some(letter),
                    Member::Set(set) => members.push_str(&set),
                }
                continue;
            }
            let next = self.rest.next().ok_or("a class is not closed")?;
            let low = pending.take().unwrap_or('-');
            push_letter(&mut members, low);
            match self.member(next)? {
                Member::Letter(high) if high < low => return Err(format!("the range {low}-{high} is out of order")),
                Member::Letter(high) => {
                    members.push('-');
                    push_letter(&mut members, high);
                }
                Member::Set(set) => {
                    members.push_str(r"\-");
                    members.push_str(&set);
                }
            }
        }
        if let Some(letter) = pending {
            push_letter(&mut members, letter);
        }
        match (negated, members.is_empty()) {
            (false, true) => self.output.push_str(r"[^\s\S]"),
            (true, true) => self.output.push_str(r"[\s\S]"),
            (true, false) => self.set("^", &members),
            (false, false) => self.set("", &members),
        }
        Ok(())
    }

    fn member(&mut self, letter: char) -> Result<Member, String> {
        if letter != '\\' {
            return Ok(Member::Letter(letter));
        }
        let letter = self.rest.next().ok_or("it ends in a backslash")?;
        Ok(match letter {
            'd' => Member::Set(DIGIT.into()),
            'w' => Member::Set(WORD.into()),
            's' => Member::Set(SPACE.into()),
            'D' => Member::Set(format!("[^{DIGIT}]")),
            'W' => Member::Set(format!("[^{WORD}]")),
            'S' => Member::Set(format!("[^{SPACE}]")),
            'b' => Member::Letter('\u{8}'),
            'p' | 'P' => Member::Set(self.property(letter)?),
            other => Member::Letter(self.letter(other)?),
        })
    }
}

/// A letter that stands for itself, inside and outside of classes.
fn push_letter(output: &mut String, letter: char) {
    if letter.is_ascii_alphanumeric() || letter == '_' {
        output.push(letter);
    } else {
        let _ = write!(output, r"\u{{{:X}}}", u32::from(letter));
    }
}
