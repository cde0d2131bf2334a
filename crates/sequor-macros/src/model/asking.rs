//! Rules that may ask the database: `validate(custom_async(path))` on a field, `validate_async = "User::check"` on the model.

use super::Model;
use super::columns::ColumnField;
use crate::attributes::{Given, ItemValue, items, path};
use crate::errors::Errors;
use crate::types;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Path};

/// The method of `Declared` that gives them, if there are any.
pub fn emit(model: &Model, errors: &mut Errors) -> Option<TokenStream> {
    let mut rules: Vec<TokenStream> =
        model.columns.iter().filter(|column| !column.refused).flat_map(|column| of_field(column, errors)).collect();
    for (_, given) in model.options.all("validate_async") {
        let Some(function) = path(given, errors) else { continue };
        rules.push(of_row(model, &function));
    }
    (!rules.is_empty()).then(|| {
        quote! {
            fn async_rules(&self) -> &'static [__sequor::AsyncRule] {
                const RULES: &[__sequor::AsyncRule] = &[#(#rules),*];
                RULES
            }
        }
    })
}

fn of_row(model: &Model, function: &TokenStream) -> TokenStream {
    let (ident, name) = (&model.ident, last(function));
    let call = quote_spanned!(function.span()=> #function(&draft, cx).await);
    rule(
        "",
        &name,
        None,
        &quote! {
            let draft = __sequor::draft_for_rule::<#ident>(row);
            __sequor::AsyncOutcome::verdict(#call)
        },
    )
}

fn of_field(column: &ColumnField, errors: &mut Errors) -> Vec<TokenStream> {
    let mut rules = Vec::new();
    for (_, given) in column.options.all("validate") {
        let Given::List(tokens) = given else { continue };
        for item in items(tokens.clone()).into_iter().filter(|item| item.name.as_ref().is_some_and(|name| name == "custom_async")) {
            let ItemValue::List(tokens) = item.value else {
                errors.at(item.span, "`custom_async` is written `custom_async(path::to::function)`");
                continue;
            };
            rules.extend(field_rule(column, tokens, errors));
        }
    }
    rules
}

fn field_rule(column: &ColumnField, tokens: TokenStream, errors: &mut Errors) -> Option<TokenStream> {
    let (mut function, mut message) = (None, None);
    for item in items(tokens) {
        match (&item.name, item.value) {
            (Some(name), ItemValue::Equals(tokens)) if name == "message" => message = errors.keep(syn::parse2::<LitStr>(tokens)),
            (Some(name), ItemValue::Flag) => function = Some(Path::from(name.clone()).into_token_stream()),
            (_, ItemValue::Bare(tokens)) => function = errors.keep(syn::parse2::<Path>(tokens)).map(ToTokens::into_token_stream),
            _ => errors.at(item.span, "`custom_async` is written `custom_async(path::to::function)`"),
        }
    }
    let (function, position) = (function?, &column.position);
    let base = types::option(&column.ty).map_or_else(|| column.tokens.clone(), |inner| inner.to_token_stream());
    let call = quote_spanned!(function.span()=> #function(&value, cx).await);
    Some(rule(
        &column.name,
        &last(&function),
        message.as_ref(),
        &quote! {
            let ::core::option::Option::Some(value) = __sequor::given::<#base>(row, (#position) as usize)? else {
                return ::core::result::Result::Ok(::core::result::Result::Ok(()));
            };
            __sequor::AsyncOutcome::verdict(#call)
        },
    ))
}

fn rule(field: &str, name: &LitStr, message: Option<&LitStr>, body: &TokenStream) -> TokenStream {
    let message = message.map_or_else(|| quote!(::core::option::Option::None), |text| quote!(::core::option::Option::Some(#text)));
    quote! {
        __sequor::AsyncRule { field: #field, name: #name, message: #message, run: |row, cx| ::std::boxed::Box::pin(async move { #body }) }
    }
}

/// The last word of a path, by which failures name the rule.
fn last(function: &TokenStream) -> LitStr {
    match function.clone().into_iter().last() {
        Some(TokenTree::Ident(last)) => LitStr::new(&last.to_string(), last.span()),
        _ => LitStr::new("validate", function.span()),
    }
}
