//! `draft!`: a constant that checks which fields are given, and a value that puts them in.
//!
//! `{ a: .. }`, `{ a, .. }` and `{}` behind a field are nested drafts, any other brace is a block; a list is nested when one of its elements is.
//! `_` leaves a field to be given later.

use crate::attributes::split;
use crate::errors::Errors;
use crate::names;
use proc_macro2::{Delimiter, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// The fields between braces.
struct Fields {
    list: Vec<Field>,
}

struct Field {
    name: Ident,
    value: Given,
}

enum Given {
    /// An expression.
    Value(TokenStream),
    /// `{ a: .. }`
    Nested(Fields, Span),
    /// `[{ a: .. }, ..]`, or `[row, { a: .. }]`
    List(Vec<Given>, Span),
    /// `[]`
    Empty,
    /// `_`: a parent, `set` or a hook gives the value before the row is written.
    Later,
    /// Nothing, which is reported.
    Missing,
}

/// Expands `draft!`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = read(input, &mut errors).map(|(model, fields)| emit(&model, &fields));
    let errors = errors.into_tokens();
    // Without a draft there is still a value of any type, so that one mistake stays one error.
    let code = code.unwrap_or_else(|| quote!(::core::panic!("draft! did not compile")));
    quote!({ #errors #code })
}

fn read(input: TokenStream, errors: &mut Errors) -> Option<(TokenStream, Fields)> {
    let mut tokens: Vec<TokenTree> = input.into_iter().collect();
    let body = match tokens.pop() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
        other => {
            let span = other.map_or_else(Span::call_site, |token| token.span());
            errors.at(span, "write a model and its fields: `draft!(User { email: \"ann@x.io\", name })`");
            return None;
        }
    };
    match tokens.as_slice() {
        [] => {
            errors.at(body.span_open(), "write the model's name before the brace: `draft!(User { .. })`");
            return None;
        }
        [TokenTree::Ident(name)] if name == "Self" => {
            errors.at(name.span(), "write the model's name: the check of required fields is a constant, and `Self` means nothing there");
            return None;
        }
        _ => {}
    }
    let model: TokenStream = tokens.into_iter().collect();
    if syn::parse2::<syn::Path>(model.clone()).is_err() {
        errors.over(&model, "expected the path of a model, as in `draft!(User { .. })`");
        return None;
    }
    Some((model, fields(body.stream(), errors)))
}

fn fields(tokens: TokenStream, errors: &mut Errors) -> Fields {
    let mut list: Vec<Field> = Vec::new();
    for part in split(tokens) {
        let Some(field) = field(part, errors) else { continue };
        if list.iter().any(|other| other.name == field.name) {
            errors.at(field.name.span(), format!("`{}` is given twice", names::plain(&field.name)));
            continue;
        }
        list.push(field);
    }
    Fields { list }
}

fn field(part: TokenStream, errors: &mut Errors) -> Option<Field> {
    let tokens: Vec<TokenTree> = part.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name)] => Some(Field { name: name.clone(), value: Given::Value(name.to_token_stream()) }),
        [TokenTree::Ident(name), TokenTree::Punct(colon), rest @ ..] if colon.as_char() == ':' && colon.spacing() == Spacing::Alone => {
            if rest.is_empty() {
                errors.at(colon.span(), format!("a value is missing behind `{name}:`"));
                return Some(Field { name: name.clone(), value: Given::Missing });
            }
            Some(Field { name: name.clone(), value: given(rest, errors) })
        }
        [TokenTree::Punct(dot), ..] if dot.as_char() == '.' => {
            errors.at(dot.span(), "`draft!` takes no `..`: a field that is not given gets its default");
            None
        }
        [first, ..] => {
            errors.at(first.span(), "expected `field: value` or `field`");
            None
        }
        [] => None,
    }
}

fn given(tokens: &[TokenTree], errors: &mut Errors) -> Given {
    let group = match tokens {
        [TokenTree::Ident(name)] if name == "_" => return Given::Later,
        [TokenTree::Group(group)] => group,
        _ => return Given::Value(tokens.iter().cloned().collect()),
    };
    match group.delimiter() {
        Delimiter::Brace if is_nested(group.stream()) => Given::Nested(fields(group.stream(), errors), group.span()),
        Delimiter::Bracket if group.stream().is_empty() => Given::Empty,
        Delimiter::Bracket => {
            let parts = split(group.stream());
            let nested = |part: &TokenStream| {
                let mut tokens = part.clone().into_iter();
                matches!((tokens.next(), tokens.next()), (Some(TokenTree::Group(inner)), None)
                    if inner.delimiter() == Delimiter::Brace && is_nested(inner.stream()))
            };
            if !parts.iter().any(nested) {
                return Given::Value(group.to_token_stream());
            }
            let items = parts.into_iter().map(|part| given(&part.into_iter().collect::<Vec<_>>(), errors)).collect();
            Given::List(items, group.span())
        }
        _ => Given::Value(group.to_token_stream()),
    }
}

/// Whether what stands between braces is a nested draft: nothing, or `a: ..`, or `a, ..`.
fn is_nested(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    match (tokens.next(), tokens.next()) {
        (None, _) => true,
        (Some(TokenTree::Ident(_)), Some(TokenTree::Punct(punct))) => match punct.as_char() {
            ',' => true,
            ':' => punct.spacing() == Spacing::Alone,
            _ => false,
        },
        _ => false,
    }
}

fn emit(model: &TokenStream, fields: &Fields) -> TokenStream {
    // The spans say where a mistake is shown: a missing field at the model's name, one of a nested draft at its braces.
    let span = model.clone().into_iter().last().map_or_else(Span::call_site, |token| token.span());
    let (given, slots, draft) = (local("given", None, span), local("slots", None, span), local("draft", None, span));
    let (marks, puts) = (marks(&given, fields, 0), puts(&draft, &slots, fields, 0));
    let empty = quote_spanned!(span=> <#model as ::sequor::__private::Model>::FIELDS);
    let check = quote_spanned!(span=> #given.check(""));
    quote! {
        const _: () = {
            #[allow(unused_mut)]
            let mut #given = #empty;
            #marks
            #check
        };
        let #slots = #empty;
        #[allow(unused_mut)]
        let mut #draft = #slots.draft();
        #puts
        #draft
    }
}

/// The constant part: marks the given fields, and checks nested drafts with the key that their parent gives them.
fn marks(slots: &Ident, fields: &Fields, depth: usize) -> TokenStream {
    let mut code = TokenStream::new();
    for field in &fields.list {
        let name = &field.name;
        code.extend(quote_spanned!(name.span()=> #slots.#name.given = true;));
        nested_marks(slots, name, &field.value, depth, &mut code);
    }
    code
}

fn nested_marks(slots: &Ident, name: &Ident, value: &Given, depth: usize, code: &mut TokenStream) {
    match value {
        Given::Value(_) | Given::Empty | Given::Later | Given::Missing => {}
        Given::List(items, _) => items.iter().for_each(|item| nested_marks(slots, name, item, depth, code)),
        Given::Nested(fields, braces) => {
            let (inner, nested) = (local("given", Some(depth), *braces), local("nested", Some(depth), *braces));
            let (marks, span) = (marks(&inner, fields, depth + 1), name.span());
            let empty = quote_spanned!(span=> #slots.#name.only_relations_take_braces());
            let check = quote_spanned!(*braces=> #inner.check_in(#nested.key, #nested.scope););
            code.extend(quote!({
                let #nested = #empty;
                #[allow(unused_mut)]
                let mut #inner = #nested.fields;
                #marks
                #check
            }));
        }
    }
}

/// The value part: puts each value into the draft.
fn puts(draft: &Ident, slots: &Ident, fields: &Fields, depth: usize) -> TokenStream {
    let mut code = TokenStream::new();
    for field in &fields.list {
        let (name, span) = (&field.name, field.name.span());
        code.extend(match &field.value {
            Given::Value(value) => quote_spanned!(span=> #slots.#name.put(&mut #draft, #value);),
            Given::Empty => quote_spanned!(span=> #slots.#name.put_nothing(&mut #draft);),
            Given::Later | Given::Missing => continue,
            nested => {
                // Before `put` takes the slot, nested drafts look their model up in it.
                let (children, value) = (local("children", Some(depth), span), value(slots, name, nested, depth));
                quote_spanned!(span=> let #children = #value; #slots.#name.put(&mut #draft, #children);)
            }
        });
    }
    code
}

fn value(slots: &Ident, name: &Ident, value: &Given, depth: usize) -> TokenStream {
    match value {
        Given::Value(tokens) => tokens.clone(),
        Given::Empty | Given::Later | Given::Missing => quote!([]),
        Given::List(items, span) => {
            let mixed = !items.iter().all(|item| matches!(item, Given::Nested(..)));
            let items = items.iter().map(|item| self::value(slots, name, item, depth));
            if mixed {
                let list = local("list", Some(depth), *span);
                quote_spanned!(*span=> { let mut #list = #slots.#name.list(); #(#list.push(#items);)* #list })
            } else {
                quote_spanned!(*span=> [#(#items),*])
            }
        }
        Given::Nested(fields, braces) => {
            let (inner_draft, inner_slots) = (local("draft", Some(depth), *braces), local("slots", Some(depth), *braces));
            let puts = puts(&inner_draft, &inner_slots, fields, depth + 1);
            quote_spanned! {name.span()=>
                {
                    #[allow(unused_mut, unused_variables)]
                    let (mut #inner_draft, #inner_slots) = #slots.#name.only_relations_take_braces().draft();
                    #puts
                    #inner_draft
                }
            }
        }
    }
}

/// A name of the macro's own at a place of the program.
fn local(name: &str, depth: Option<usize>, span: Span) -> Ident {
    let name = depth.map_or_else(|| name.to_owned(), |depth| format!("{name}_{depth}"));
    Ident::new(&name, Span::mixed_site().located_at(span))
}
