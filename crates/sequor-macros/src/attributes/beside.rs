//! Which derives and impls stand beside ours. The compiler hands a derive the item without its `#[derive(..)]`, so the source says it; where it does not (an item
//! that a macro of another crate made, an editor), nothing is known.

use proc_macro::Span;
use quote::ToTokens;
use syn::DeriveInput;

/// Which traits that we would implement others implement already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// `serde::Serialize`.
    pub serialize: bool,
    /// `serde::Deserialize`.
    pub deserialize: bool,
    /// `Display`.
    pub display: bool,
    /// `FromStr`.
    pub from_str: bool,
}

impl Beside {
    /// What the item's own attributes say, where the derives of later lists are, and the source around the derive that is being expanded, by its name.
    pub fn read(ours: &str, input: &DeriveInput) -> Beside {
        let mut beside = Beside::default();
        if proc_macro::is_available() {
            let here = Span::call_site();
            let source = here.local_file().and_then(|path| std::fs::read_to_string(path).ok());
            let ident = input.ident.to_string();
            beside = source.and_then(|source| Beside::around(&source, here.line(), here.column(), ours, &ident)).unwrap_or_default();
        }
        for attribute in &input.attrs {
            beside.attribute(&attribute.meta.to_token_stream().to_string());
        }
        beside
    }

    /// What stands beside the derive at this line and column, both counted from 1; nothing, if that is not the place of such a derive.
    fn around(source: &str, line: usize, column: usize, ours: &str, ident: &str) -> Option<Beside> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let at = offset(source, line, column)?;
        let code = code_alone(source);
        // Of what a macro made the place may be that of another derive.
        if last_of_path(code.get(at..)?.split([',', ')']).next()?) != ours {
            return None;
        }
        let mut beside = Beside::default();
        let list = code[..at].rfind('(')?;
        beside.derived(code[list + 1..].split(')').next()?);
        let first = opening(&code[..list])?;
        let mut before = code[..first].trim_end();
        while let Some((rest, body)) = attribute_before(before) {
            beside.attribute(body);
            before = rest;
        }
        let mut after = &code[closing(&code, first)? + 1..];
        while let Some((body, rest)) = attribute_after(after) {
            beside.attribute(body);
            after = rest;
        }
        beside.implemented(&code, at, ident);
        Some(beside)
    }

    /// An attribute without its brackets. What a `cfg_attr` derives holds under a condition that nobody knows here.
    fn attribute(&mut self, body: &str) {
        let list = body.trim().strip_prefix("derive").and_then(|rest| rest.trim_start().strip_prefix('('));
        if let Some(list) = list {
            self.derived(list.trim_end().trim_end_matches(')'));
        }
    }

    fn derived(&mut self, list: &str) {
        for path in list.split(',') {
            let path: String = path.split_whitespace().collect();
            let of_serde = path.rsplit("::").nth(1).is_none_or(|module| module.starts_with("serde"));
            match path.rsplit("::").next().unwrap_or_default() {
                "Serialize" | "Serialize_repr" | "SerializeDisplay" if of_serde => self.serialize = true,
                "Deserialize" | "Deserialize_repr" | "DeserializeFromStr" if of_serde => self.deserialize = true,
                "Display" => self.display = true,
                "FromStr" | "EnumString" => self.from_str = true,
                _ => {}
            }
        }
    }

    /// Impls written by hand in the block in which the type is.
    fn implemented(&mut self, code: &str, at: usize, ident: &str) {
        for (place, _) in code.match_indices("for ") {
            let (before, after) = (&code[..place], code[place + 4..].trim_start());
            let Some(rest) = after.strip_prefix(ident) else { continue };
            if !rest.trim_start().starts_with(['{', 'w']) || rest.starts_with(is_of_word) || before.ends_with(is_of_word) {
                continue;
            }
            let Some(start) = before.rfind("impl") else { continue };
            let head = before[start + 4..].trim();
            let path = head.strip_prefix('<').and_then(|head| head.split_once('>')).map_or(head, |(_, path)| path);
            if path.contains([';', '{', '}']) || block(code, start) != block(code, at) {
                continue;
            }
            match last_of_path(path.split('<').next().unwrap_or_default()).as_str() {
                "Serialize" => self.serialize = true,
                "Deserialize" => self.deserialize = true,
                "Display" => self.display = true,
                "FromStr" => self.from_str = true,
                _ => {}
            }
        }
    }
}

/// Where a line and a column are.
fn offset(source: &str, line: usize, column: usize) -> Option<usize> {
    let before: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = source.get(before..)?;
    rest.char_indices().nth(column.checked_sub(1)?).map(|(length, _)| before + length)
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn last_of_path(path: &str) -> String {
    path.rsplit("::").next().unwrap_or_default().trim().to_string()
}

/// The innermost brace that is open at a place.
fn block(code: &str, at: usize) -> Option<usize> {
    let mut closed = 0_usize;
    for (place, char) in code[..at].char_indices().rev() {
        match char {
            '}' => closed += 1,
            '{' if closed == 0 => return Some(place),
            '{' => closed -= 1,
            _ => {}
        }
    }
    None
}

/// The bracket that is open at the end of this code.
fn opening(code: &str) -> Option<usize> {
    let mut closed = 0_usize;
    for (place, char) in code.char_indices().rev() {
        match char {
            ')' | ']' | '}' => closed += 1,
            '(' | '[' | '{' if closed > 0 => closed -= 1,
            '[' => return Some(place),
            // A derive within a `cfg_attr(..)`.
            '(' => {}
            '{' => return None,
            _ => {}
        }
    }
    None
}

/// Where the bracket at this place is closed.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut opened = 0_usize;
    for (place, char) in code.get(open..)?.char_indices() {
        match char {
            '(' | '[' | '{' => opened += 1,
            ')' | ']' | '}' if opened == 1 => return Some(open + place),
            ')' | ']' | '}' => opened = opened.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The attribute before the `#` at the end of this code: what is before it (with the `#` of its own), and what it says.
fn attribute_before(code: &str) -> Option<(&str, &str)> {
    let code = code.strip_suffix('#')?.trim_end().strip_suffix(']')?;
    let open = opening(code)?;
    let before = code[..open].trim_end();
    before.ends_with('#').then_some((before, &code[open + 1..]))
}

/// The attribute at the beginning of this code, and what is behind it.
fn attribute_after(code: &str) -> Option<(&str, &str)> {
    let code = code.trim_start().strip_prefix('#')?.trim_start();
    let close = code.starts_with('[').then(|| closing(code, 0))??;
    Some((&code[1..close], &code[close + 1..]))
}

/// The source with blanks for what its comments, texts and characters say, each at its place.
fn code_alone(source: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => text(&code, rest),
            '\'' => character(rest),
            _ => 0,
        };
        let (blank, next) = rest.split_at(if length == 0 { char.len_utf8() } else { length });
        if length == 0 && char.is_ascii() {
            code.push(char);
        } else if length == 0 && is_of_word(char) {
            code.push_str(blank);
        } else {
            code.extend(std::iter::repeat_n(' ', blank.len()));
        }
        rest = next;
    }
    code
}

fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let tail = &rest[at..];
        let Some(char) = tail.chars().next() else { return at };
        if tail.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if tail.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += char.len_utf8();
        }
        if depth == 0 {
            return at;
        }
    }
}

/// A text in quotes, raw if what is before it says so.
fn text(before: &str, rest: &str) -> usize {
    let stem = before.trim_end_matches('#');
    let word = stem.rsplit(|char| !is_of_word(char)).next().unwrap_or_default();
    if matches!(word, "r" | "br" | "cr") {
        let end = format!("\"{}", "#".repeat(before.len() - stem.len()));
        return rest[1..].find(&end).map_or(rest.len(), |at| at + 1 + end.len());
    }
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// A character in quotes; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    let first = chars.next().map(|(_, char)| char);
    match (first, chars.next()) {
        (Some('\\'), Some((at, char))) => {
            let escape = at + char.len_utf8();
            rest[escape..].find('\'').map_or(rest.len(), |end| escape + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Beside = Beside { serialize: false, deserialize: false, display: false, from_str: false };
    const BOTH: Beside = Beside { serialize: true, deserialize: true, ..NONE };
    const TEXT: Beside = Beside { display: true, from_str: true, ..NONE };

    /// What stands beside the first `DbEnum` behind `@`.
    fn of(source: &str) -> Beside {
        let at = source.find('@').unwrap_or_default();
        let source = source.replace('@', "");
        let line = source[..at].matches('\n').count() + 1;
        let column = source[..at].rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').chars().count() + 1;
        let beside = Beside::around(&source, line, column, "DbEnum", "Role");
        assert!(beside.is_some(), "no derive was found: {source}");
        beside.unwrap_or_default()
    }

    #[test]
    fn in_one_list_or_in_several() {
        assert_eq!(of("use a::b;\n#[derive(@DbEnum, Clone, Serialize, Deserialize)]\n#[db_enum(name = \"x\")]\nenum Role { A }"), BOTH);
        assert_eq!(
            of(
                "fn é() {} #[derive(Clone, serde::Serialize,\n  ::serde :: Deserialize,)] #[derive(Debug, @sequor::DbEnum)] enum Role { A }"
            ),
            BOTH
        );
        assert_eq!(of("#[derive(@DbEnum)]\n#[derive(Serialize)]\nenum Role { A }"), Beside { serialize: true, ..NONE });
        assert_eq!(of("#[derive(Serialize_repr, @DbEnum, Deserialize_repr)] enum Role { A }"), BOTH);
        assert_eq!(of("#[derive(@DbEnum, strum::Display, strum::EnumString)] enum Role { A }"), TEXT);
    }

    #[test]
    fn through_texts_comments_and_odd_signs() {
        for between in [
            "#[db_enum(name = \"a;b}]#[\")]",
            "// a; b } ] \"\n",
            "/* ; /* } */ ] */",
            "#[doc = r#\"; \" }\"#]",
            "#[x(json!({ \"a\": [1] }), '\\'', '\"', ';', &'a x)]",
        ] {
            assert_eq!(
                of(&format!("#[derive(Serialize)]\n{between}\n#[derive(@DbEnum)]\n{between}\n#[derive(Deserialize)] enum Role {{ A }}")),
                BOTH,
                "{between}"
            );
        }
        assert_eq!(of("\u{feff}#[derive(@DbEnum, Serialize, Deserialize)] enum Role { A }"), BOTH);
        assert_eq!(
            of("// é\r\n\t#[derive(\r\n\t\t/* ß😀 */ @DbEnum,\r\n\t\tSerialize,\r\n\t\tDeserialize\r\n\t)]\r\n\tenum Role { A }"),
            BOTH
        );
        assert_eq!(of("#[cfg_attr(all(), derive(@DbEnum, Serialize))]\n#[derive(Deserialize)] enum Role { A }"), BOTH);
        assert_eq!(of("macro_rules! roles { ($name:ident) => { #[derive(@DbEnum, Serialize, Deserialize)] enum $name { A } } }"), BOTH);
        assert_eq!(
            of("macro_rules! roles { ($(#[$with:meta])* $name:ident) => { $(#[$with])* #[derive(@DbEnum)] enum $name { A } } }"),
            NONE
        );
    }

    #[test]
    fn not_in_comments_conditions_and_other_items() {
        assert_eq!(of("#[derive(Serialize)] struct A;\n#[derive(@DbEnum)]\nenum Role { A }\n#[derive(Serialize)] struct B;"), NONE);
        assert_eq!(
            of("/// #[derive(Serialize)]\n#[derive(@DbEnum, /* no Serialize */ Clone)] // #[derive(Serialize)]\nenum Role { A }"),
            NONE
        );
        assert_eq!(of("#[derive(@DbEnum)]\n#[cfg_attr(feature = \"json\", derive(Serialize))]\nenum Role { A }"), NONE);
        assert_eq!(of("#[derive(@DbEnum, rkyv::Serialize, rkyv::Deserialize)]\nenum Role { A }"), NONE);
        assert_eq!(of("#![derive(Serialize)] #[derive(@DbEnum)] enum Role { A }"), NONE);
    }

    #[test]
    fn impls_by_hand_in_the_same_block() {
        let role = "#[derive(@DbEnum)] enum Role { A }";
        assert_eq!(of(&format!("{role} impl fmt::Display for Role {{ }} impl std::str::FromStr for  Role\n{{ }}")), TEXT);
        assert_eq!(of(&format!("impl Serialize for Role {{ }} impl<'de> serde::Deserialize<'de> for Role {{ }} {role}")), BOTH);
        assert_eq!(of(&format!("mod a {{ {role} impl Display for Role {{ }} }}")), Beside { display: true, ..NONE });
        for other in [
            "mod b { impl Display for Role { } }",
            "impl Display for Roles { }",
            "impl Display for b::Role { }",
            "// impl Display for Role { }\n",
            "for Role in 0..1 { }",
        ] {
            assert_eq!(of(&format!("{other} {role} {other}")), NONE, "{other}");
        }
    }

    #[test]
    fn not_where_there_is_no_such_place() {
        let around = |source, line, column| Beside::around(source, line, column, "DbEnum", "Role");
        assert_eq!(around("enum", 7, 1), None);
        assert_eq!(around("enum", 1, 0), None);
        assert_eq!(around("#[derive(Serialize)] struct A;", 1, 10), None);
        assert_eq!(around("DbEnum, Serialize", 1, 1), None);
        assert_eq!(around("\" /* ' DbEnum", 1, 9), None);
    }
}
