//! `#[sequor::test]`: an async test that runs once on each database, in a schema of its own.

use crate::attributes::{Given, Options, known, split, texts};
use crate::errors::Errors;
use crate::model::list;
use crate::{migrations, names};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::LitStr;

/// The databases that a test runs on.
const DATABASES: &[&str] = &["sqlite", "postgres", "mysql"];

/// The parts of the function that matter.
struct Function {
    /// Attributes that belong to the test: `#[ignore]`, `#[should_panic]`, `#[cfg(..)]`.
    attributes: Vec<TokenStream>,
    name: Ident,
    takes_db: bool,
}

/// Expands `#[sequor::test(..)]`.
pub fn expand(options: TokenStream, function: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::nested(options, "sequor::test", known::TEST, &mut errors);
    let code = read(function.clone(), &mut errors).map(|read| emit(&read, &options, &mut errors));
    let errors = errors.into_tokens();
    let function = without_own_attributes(function);
    quote!(#function #code #errors)
}

fn is_own(name: &Ident) -> bool {
    ["ignore", "should_panic"].iter().any(|own| name == own)
}

/// The attributes at the head of an item: each with its name, and how many tokens they take.
fn head(tokens: &[TokenTree]) -> Vec<(Ident, TokenStream)> {
    let mut list = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Punct(hash), TokenTree::Group(group), tail @ ..] = rest {
        let (true, Some(TokenTree::Ident(name))) = (hash.as_char() == '#', group.stream().into_iter().next()) else { break };
        list.push((name, rest[..2].iter().cloned().collect()));
        rest = tail;
    }
    list
}

fn without_own_attributes(function: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = function.into_iter().collect();
    let head = head(&tokens);
    let kept = head.iter().filter(|(name, _)| !is_own(name)).map(|(_, attribute)| attribute);
    let rest = &tokens[head.len() * 2..];
    quote!(#(#kept)* #(#rest)*)
}

fn read(function: TokenStream, errors: &mut Errors) -> Option<Function> {
    let tokens: Vec<TokenTree> = function.into_iter().collect();
    let head = head(&tokens);
    let is = |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident == word);
    let start = tokens.iter().position(|token| is(token, "fn"));
    let (Some(start), Some(TokenTree::Ident(name))) = (start, start.and_then(|start| tokens.get(start + 1))) else {
        errors.at(Span::call_site(), "`#[sequor::test]` is for functions: `async fn finds_ann(db: Db) -> sequor::Result<()> { .. }`");
        return None;
    };
    if !tokens[..start].iter().any(|token| is(token, "async")) {
        errors.at(name.span(), "a test is an `async fn`");
        return None;
    }
    let parameters = match tokens.get(start + 2) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => split(group.stream()),
        _ => {
            errors.at(name.span(), "a test is not generic");
            return None;
        }
    };
    if let Some(second) = parameters.get(1) {
        errors.over(second, "a test takes one parameter, the database: `db: Db`");
        return None;
    }
    let attributes = head.into_iter().filter(|(name, _)| is_own(name) || name == "cfg").map(|(_, attribute)| attribute).collect();
    Some(Function { attributes, name: name.clone(), takes_db: !parameters.is_empty() })
}

fn emit(function: &Function, options: &Options, errors: &mut Errors) -> TokenStream {
    let Function { attributes, name, takes_db } = function;
    let models = match options.get("models") {
        Some((_, Given::List(tokens))) => list::nested(split(tokens.clone())),
        _ => quote!(()),
    };
    let models =
        if models.to_string() == "()" { quote!(::std::vec::Vec::new) } else { quote!(<#models as ::sequor::__private::ModelList>::models) };
    let fixtures = options.texts("fixtures");
    let migrations = match options.texts("migrations").first() {
        Some(folder) => {
            let migrations = source(folder);
            quote!(::core::option::Option::Some(#migrations))
        }
        None => quote!(::core::option::Option::None),
    };
    let argument = takes_db.then(|| quote!(db));
    let call = quote!(async move { ::sequor::testing::Outcome::told(super::#name(#argument).await) });
    let test = names::plain(name);
    let tests = databases(options, errors).into_iter().map(|database| {
        let function = format_ident!("{}", database);
        quote! {
            #[::core::prelude::v1::test]
            #(#attributes)*
            fn #function() {
                ::sequor::testing::run_test(
                    #database,
                    ::sequor::testing::TestOptions {
                        name: ::core::concat!(::core::module_path!(), "::", #database),
                        models: #models,
                        migrations: MIGRATIONS,
                        fixtures: &[#(#fixtures),*],
                        folder: ::core::env!("CARGO_MANIFEST_DIR"),
                    },
                    |db| { let _ = &db; ::std::boxed::Box::pin(#call) },
                );
            }
        }
    });
    let note = format!("The test `{test}`, once on each database.");
    quote! {
        #[cfg(test)]
        #[doc = #note]
        mod #name {
            #[allow(unused_imports)]
            use super::*;
            const MIGRATIONS: ::core::option::Option<::sequor::testing::TestMigrations> = #migrations;
            #(#tests)*
        }
    }
}

/// SQL is read when the test runs, so that a change of it needs no compiler; Rust becomes part of the test.
fn source(folder: &LitStr) -> TokenStream {
    if !migrations::has_code(folder) {
        return quote!(::sequor::testing::TestMigrations::Folder(#folder));
    }
    let embedded = migrations::expand(folder.to_token_stream());
    quote!(::sequor::testing::TestMigrations::Embedded(#embedded))
}

fn databases(options: &Options, errors: &mut Errors) -> Vec<String> {
    let Some((_, given)) = options.get("databases") else { return DATABASES.iter().map(|name| (*name).to_owned()).collect() };
    let list = match given {
        Given::List(tokens) => texts(tokens.clone()).unwrap_or_default(),
        Given::Texts(texts) => texts.clone(),
        _ => Vec::new(),
    };
    for name in list.iter().filter(|name| !DATABASES.contains(&name.value().as_str())) {
        errors.over(name.to_token_stream(), format!("there is no database `{}`{}", name.value(), names::instead(&name.value(), DATABASES)));
    }
    list.iter().map(LitStr::value).filter(|name| DATABASES.contains(&name.as_str())).collect()
}
