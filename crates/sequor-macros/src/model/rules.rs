//! `validate(..)`: rules of validation as data. Which rules there are and what they take is in `rules/list.rs`.

mod list;
mod table;

use crate::attributes::{Given, Item, ItemValue, Options, items, split};
use crate::errors::Errors;
use crate::{names, types};
use proc_macro2::{Delimiter, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Lit, LitStr, Path, Type};
use table::Rule;

/// The rules of a field as `StaticRule`s.
pub fn emit(options: &Options, written: &Type, ty: &TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut rules = Vec::new();
    for (_, given) in options.all("validate") {
        let Given::List(tokens) = given else { continue };
        let (messages, list): (Vec<Item>, Vec<Item>) =
            items(tokens.clone()).into_iter().partition(|item| item.name.as_ref().is_some_and(|name| name == "message"));
        let shared = messages.into_iter().next().and_then(|item| message(item, errors));
        for item in list {
            let span = item.span;
            rules.extend(
                rule(item, written, ty, shared.as_ref(), errors).map(|fields| quote_spanned!(span=> __sequor::StaticRule { #fields })),
            );
        }
    }
    rules
}

fn message(item: Item, errors: &mut Errors) -> Option<LitStr> {
    let text = match item.value {
        ItemValue::Equals(tokens) => syn::parse2(tokens).ok(),
        _ => None,
    };
    if text.is_none() {
        errors.at(item.span, "`message` is written `message = \"..\"`");
    }
    text
}

fn rule(item: Item, written: &Type, ty: &TokenStream, shared: Option<&LitStr>, errors: &mut Errors) -> Option<TokenStream> {
    let Some(name) = item.name else {
        errors.at(item.span, "`validate` takes rules, as in `validate(email)` or `validate(len(min = 1, max = 80))`");
        return None;
    };
    let arguments = match item.value {
        ItemValue::Flag => TokenStream::new(),
        ItemValue::List(tokens) => tokens,
        ItemValue::Equals(tokens) => tokens,
        ItemValue::Bare(_) => return None,
    };
    let text = names::plain(&name);
    if text == "custom_async" {
        // `declared.rs` reads it: such a rule is a function of the model, no data of the column.
        return None;
    }
    if text == "custom" {
        return custom(arguments, name.span(), written, ty, shared, errors);
    }
    let Some(rule) = table::find(&text) else {
        let known: Vec<&str> = table::RULES.iter().map(|rule| rule.name).chain(["custom", "custom_async"]).collect();
        errors.at(name.span(), format!("there is no rule `{text}`{}", names::instead(&text, &known)));
        return None;
    };
    let (args, own) = values(rule, arguments, name.span(), errors)?;
    let (key, message) = (rule.name, optional(own.as_ref().or(shared)));
    Some(quote!(key: #key, args: || #args, message: #message, custom: ::core::option::Option::None))
}

/// `custom(path)`: the function gets a reference to the value and answers with `bool`, or with `Result<(), E>` whose error is the message.
fn custom(
    tokens: TokenStream,
    span: Span,
    written: &Type,
    ty: &TokenStream,
    shared: Option<&LitStr>,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let (mut function, mut own) = (None, None);
    for item in items(tokens) {
        match (&item.name, item.value) {
            (Some(name), value) if name == "message" => own = message(Item { name: None, value, span: item.span }, errors),
            (Some(name), ItemValue::Flag) => function = Some(Path::from(name.clone())),
            (_, ItemValue::Bare(tokens)) => function = errors.keep(syn::parse2::<Path>(tokens)),
            _ => errors.at(item.span, "`custom` is written `custom(path::to::function)`"),
        }
    }
    let Some(function) = function else {
        errors.at(span, "`custom` needs a function: `custom(path::to::function)`");
        return None;
    };
    let base = types::option(written).map_or_else(|| ty.clone(), |inner| inner.to_token_stream());
    // By the function's own name, as rules that ask the database and those of whole rows are called.
    let key = function.segments.last().map(|last| names::plain(&last.ident)).unwrap_or_default();
    let message = optional(own.as_ref().or(shared));
    let call = quote_spanned!(function.span()=> #function(value));
    Some(quote! {
        key: #key,
        args: ::std::vec::Vec::new,
        message: #message,
        custom: ::core::option::Option::Some(|value| __sequor::custom_rule::<#base>(value, |value| __sequor::RuleOutcome::outcome(#call)))
    })
}

fn optional(text: Option<&LitStr>) -> TokenStream {
    text.map_or_else(|| quote!(::core::option::Option::None), |text| quote!(::core::option::Option::Some(#text)))
}

/// The arguments of a rule: in place where all may stand without a name, else the named ones as one document behind the others.
fn values(rule: &Rule, tokens: TokenStream, span: Span, errors: &mut Errors) -> Option<(TokenStream, Option<LitStr>)> {
    let (mut bare, mut named, mut own) = (Vec::new(), Vec::new(), None);
    for item in items(tokens) {
        match (item.name, item.value) {
            (Some(name), value) if name == "message" => own = message(Item { name: Some(name), value, span: item.span }, errors),
            (Some(name), ItemValue::Equals(tokens)) => named.push((name, value(&tokens))),
            (Some(name), ItemValue::Flag) if rule.place(&names::plain(&name)).is_some() => {
                named.push((name, quote!(__sequor::Value::Bool(true))))
            }
            (Some(name), ItemValue::Flag) => bare.push((name.span(), value(&name.into_token_stream()))),
            (_, ItemValue::Bare(tokens)) => bare.push((item.span, value(&tokens))),
            (_, ItemValue::List(_)) => errors.at(item.span, "an argument is a value or `name = value`"),
            (None, ItemValue::Equals(_) | ItemValue::Flag) => {}
        }
    }
    if rule.items() {
        let values: Vec<_> =
            bare.into_iter().chain(named.into_iter().map(|(name, value)| (name.span(), value))).map(|(_, value)| value).collect();
        if values.is_empty() {
            errors.at(span, format!("`{0}` needs values: `{0}(\"a\", \"b\")`", rule.name));
        }
        return Some((quote!(::std::vec![#(#values),*]), own));
    }
    rule.check(
        span,
        &bare.iter().map(|(span, _)| *span).collect::<Vec<_>>(),
        &named.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
        errors,
    )?;
    let place = |name: &proc_macro2::Ident| rule.place(&names::plain(name)).unwrap_or_default();
    if named.iter().any(|(name, _)| place(name) >= rule.positional) {
        let bare = bare.iter().map(|(_, value)| value);
        let named = named.iter().map(|(name, value)| {
            let name = LitStr::new(rule.argument(place(name)), name.span());
            quote!((#name, #value))
        });
        return Some((quote!(__sequor::named_arguments(::std::vec![#(#bare),*], ::std::vec![#(#named),*])), own));
    }
    let mut values: Vec<TokenStream> = bare.into_iter().map(|(_, value)| value).collect();
    for (name, value) in named {
        let place = place(&name);
        while values.len() <= place {
            values.push(quote!(__sequor::Value::Null));
        }
        values[place] = value;
    }
    Some((quote!(::std::vec![#(#values),*]), own))
}

/// A literal, list or expression as a `Value`.
pub fn value(tokens: &TokenStream) -> TokenStream {
    let list: Vec<TokenTree> = tokens.clone().into_iter().collect();
    if let [TokenTree::Group(group)] = list.as_slice() {
        match group.delimiter() {
            Delimiter::None => return value(&group.stream()),
            Delimiter::Bracket => {
                let items = split(group.stream()).into_iter().map(|item| value(&item));
                return quote!(__sequor::Value::Array(::std::vec![#(#items),*]));
            }
            Delimiter::Brace | Delimiter::Parenthesis => {}
        }
    }
    match syn::parse2::<Lit>(tokens.clone()) {
        Ok(Lit::Int(number)) if number.suffix().is_empty() => match number.base10_parse::<i64>() {
            Ok(number) => {
                let mut literal = Literal::i64_suffixed(number);
                literal.set_span(tokens.span());
                quote!(__sequor::Value::from(#literal))
            }
            Err(_) => quote!(__sequor::Value::from(#tokens)),
        },
        Ok(_) => quote!(__sequor::Value::from(#tokens)),
        Err(_) => quote_spanned!(tokens.span()=> __sequor::FieldType::to_value(&(#tokens))),
    }
}
