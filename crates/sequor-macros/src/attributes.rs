//! Attributes: the grammar that all of them share, and [`Options`], what was found. The closed lists are in `attributes/known.rs`.

pub mod beside;
pub mod known;

use crate::errors::Errors;
use crate::{names, types};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Ident, LitBool, LitStr, Meta};

/// One attribute of a closed list.
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// How it may be written; the first is shown in messages.
    pub forms: &'static [Form],
    /// How it is written, for messages.
    pub example: &'static str,
    /// Whether it may stand there more than once.
    pub repeats: bool,
}

/// How an attribute may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `name`
    Flag,
    /// `name = "text"`
    Text,
    /// `name = true`
    Bool,
    /// `name = ["a", "b"]`
    Texts,
    /// `name = expression`
    Tokens,
    /// `name(..)`
    List,
}

/// What an attribute was given.
#[derive(Clone)]
pub enum Given {
    /// Nothing.
    Flag,
    /// A text.
    Text(LitStr),
    /// A truth value.
    Bool(bool),
    /// Texts.
    Texts(Vec<LitStr>),
    /// An expression or path.
    Tokens(TokenStream),
    /// What stood in parentheses.
    List(TokenStream),
}

/// One item between commas: `name`, `name = ..`, `name(..)`, or anything else.
pub struct Item {
    /// The name, if it starts with one.
    pub name: Option<Ident>,
    /// What follows it.
    pub value: ItemValue,
    /// Its place.
    pub span: Span,
}

/// What follows the name of an [`Item`].
pub enum ItemValue {
    /// Nothing.
    Flag,
    /// `= tokens`
    Equals(TokenStream),
    /// `( tokens )`
    List(TokenStream),
    /// The item has no name.
    Bare(TokenStream),
}

/// The attributes that were found, each with its place.
#[derive(Default)]
pub struct Options {
    found: Vec<(&'static str, Span, Given)>,
}

impl Options {
    /// Reads all attributes of a path (`field`, `model`, ..) against its closed list.
    pub fn read(attributes: &[Attribute], path: &str, known: &'static [Known], errors: &mut Errors) -> Options {
        let mut options = Options::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(path)) {
            match &attribute.meta {
                Meta::List(list) => {
                    for item in items(list.tokens.clone()) {
                        options.take(item, path, known, errors);
                    }
                }
                other => errors.over(other, format!("write #[{path}(..)] with options in parentheses")),
            }
        }
        options
    }

    /// Reads a list in parentheses against a closed list.
    pub fn nested(tokens: TokenStream, path: &str, known: &'static [Known], errors: &mut Errors) -> Options {
        let mut options = Options::default();
        for item in items(tokens) {
            options.take(item, path, known, errors);
        }
        options
    }

    /// The same with `Self` as the model's name: what the derive writes stands in impls of other types.
    pub fn of(mut self, model: &Ident) -> Options {
        for (name, _, given) in &mut self.found {
            match given {
                Given::Tokens(tokens) | Given::List(tokens) => *tokens = types::named_self(tokens.clone(), model),
                Given::Text(text) if known::FUNCTIONS.contains(name) => {
                    if let Some(rest) = text.value().strip_prefix("Self::") {
                        *text = LitStr::new(&format!("{model}::{rest}"), text.span());
                    }
                }
                Given::Text(_) | Given::Texts(_) | Given::Bool(_) | Given::Flag => {}
            }
        }
        self
    }

    fn take(&mut self, item: Item, path: &str, known: &'static [Known], errors: &mut Errors) {
        let names: Vec<&str> = known.iter().map(|known| known.name).collect();
        let Some(name) = &item.name else {
            return errors.at(item.span, format!("`{path}` takes options; known are: {}", names.join(", ")));
        };
        let text = names::plain(name);
        let exact = known.iter().find(|known| known.name == text);
        if exact.is_none() {
            errors.at(name.span(), format!("`{path}` has no option `{text}`{}", names::instead(&text, &names)));
        }
        // A misspelt option is taken as the nearest one, so that one typo stays one error.
        let meant = exact.or_else(|| names::nearest(&text, &names).and_then(|near| known.iter().find(|known| known.name == near)));
        let Some(meant) = meant else { return };
        if !meant.repeats && self.found.iter().any(|(found, ..)| *found == meant.name) {
            return errors.at(name.span(), format!("`{}` is given twice", meant.name));
        }
        match given(meant, item.value) {
            Some(given) => self.found.push((meant.name, name.span(), given)),
            None if exact.is_some() => errors.at(item.span, format!("`{text}` is written {}", meant.example)),
            None => {}
        }
    }

    /// Where an option stands, if it does.
    pub fn place(&self, name: &str) -> Option<Span> {
        self.get(name).map(|(span, _)| span)
    }

    /// Whether an option stands there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An option and its place.
    pub fn get(&self, name: &str) -> Option<(Span, &Given)> {
        self.found.iter().find(|(found, ..)| *found == name).map(|(_, span, given)| (*span, given))
    }

    /// Every occurrence of an option that repeats.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Span, &'a Given)> {
        self.found.iter().filter(move |(found, ..)| *found == name).map(|(_, span, given)| (*span, given))
    }

    /// The text of an option.
    pub fn text(&self, name: &str) -> Option<&LitStr> {
        match self.get(name) {
            Some((_, Given::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// The tokens of an option.
    pub fn tokens(&self, name: &str) -> Option<&TokenStream> {
        match self.get(name) {
            Some((_, Given::Tokens(tokens) | Given::List(tokens))) => Some(tokens),
            _ => None,
        }
    }

    /// The texts of an option that takes one or several.
    pub fn texts(&self, name: &str) -> Vec<LitStr> {
        match self.get(name) {
            Some((_, Given::Text(text))) => vec![text.clone()],
            Some((_, Given::Texts(texts))) => texts.clone(),
            _ => Vec::new(),
        }
    }
}

fn given(known: &Known, value: ItemValue) -> Option<Given> {
    known.forms.iter().find_map(|form| match (form, &value) {
        (Form::Flag, ItemValue::Flag) => Some(Given::Flag),
        (Form::Text, ItemValue::Equals(tokens)) => syn::parse2(tokens.clone()).ok().map(Given::Text),
        (Form::Bool, ItemValue::Equals(tokens)) => syn::parse2::<LitBool>(tokens.clone()).ok().map(|value| Given::Bool(value.value)),
        (Form::Texts, ItemValue::Equals(tokens)) => match tokens.clone().into_iter().next() {
            Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::Brace => texts(group.stream()).map(Given::Texts),
            _ => None,
        },
        (Form::Texts, ItemValue::List(tokens)) => texts(tokens.clone()).map(Given::Texts),
        (Form::Tokens, ItemValue::Equals(tokens)) if !tokens.is_empty() => Some(Given::Tokens(tokens.clone())),
        (Form::List, ItemValue::List(tokens)) => Some(Given::List(tokens.clone())),
        _ => None,
    })
}

/// A list of nothing but texts.
pub fn texts(tokens: TokenStream) -> Option<Vec<LitStr>> {
    split(tokens).into_iter().map(|part| syn::parse2(part).ok()).collect()
}

/// The items between the commas.
pub fn items(tokens: TokenStream) -> Vec<Item> {
    split(tokens).into_iter().map(item).collect()
}

fn item(tokens: TokenStream) -> Item {
    let span = tokens.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let list: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let bare = Item { name: None, value: ItemValue::Bare(tokens), span };
    let Some(TokenTree::Ident(name)) = list.first() else { return bare };
    let name = Some(name.clone());
    match &list[1..] {
        [] => Item { name, value: ItemValue::Flag, span },
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
            Item { name, value: ItemValue::List(group.stream()), span }
        }
        [TokenTree::Punct(equals), rest @ ..] if equals.as_char() == '=' && !rest.is_empty() => {
            Item { name, value: ItemValue::Equals(rest.iter().cloned().collect()), span }
        }
        _ => bare,
    }
}

/// Splits at commas, but not at those between the angle brackets of a path such as `Vec::<(A, B)>::new()`.
pub fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part: Vec<TokenTree> = Vec::new();
    let mut depth = 0_usize;
    for token in tokens {
        if let TokenTree::Punct(punct) = &token {
            let before = |letter: char| matches!(part.last(), Some(TokenTree::Punct(last)) if last.as_char() == letter);
            match punct.as_char() {
                '<' if depth > 0 || part.is_empty() || before(':') || before('=') => depth += 1,
                '>' if depth > 0 && !before('-') && !before('=') => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(part.drain(..).collect());
                    continue;
                }
                _ => {}
            }
        }
        part.push(token);
    }
    if !part.is_empty() {
        parts.push(part.into_iter().collect());
    }
    parts
}

/// The path that a text or tokens name: `"User::active"` or `User::active`.
pub fn path(given: &Given, errors: &mut Errors) -> Option<TokenStream> {
    match given {
        Given::Text(text) => errors.keep(text.parse::<syn::Path>()).map(ToTokens::into_token_stream),
        Given::Tokens(tokens) => errors.keep(syn::parse2::<syn::Path>(tokens.clone())).map(ToTokens::into_token_stream),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn commas_in_angle_brackets_do_not_split() {
        assert_eq!(split(quote!(a, b = HashMap::<A, B>::new(), c(d, e))).len(), 3);
        assert_eq!(split(quote!(a = 1 < 2, b)).len(), 2);
        assert_eq!(split(quote!(a,)).len(), 1);
    }
}
