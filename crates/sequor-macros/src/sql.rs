//! `sql!`: SQL of the developer with bound values. The text is a literal, so that no text of a request can become SQL.

mod scan;

use crate::attributes::split;
use crate::errors::Errors;
use crate::types;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use scan::Part;
use syn::LitStr;

/// Expands `sql!("… {x} …")`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = read(input, &mut errors);
    let errors = errors.into_tokens();
    let code = code.unwrap_or_else(|| quote!(::sequor::__private::RawSql::new(::std::vec::Vec::new())));
    quote!({ #errors #code })
}

fn read(input: TokenStream, errors: &mut Errors) -> Option<TokenStream> {
    let mut arguments = split(input.clone()).into_iter();
    let Some(first) = arguments.next() else {
        errors.at(Span::call_site(), "write SQL: `sql!(\"SELECT * FROM users WHERE age > {age}\")`");
        return None;
    };
    let Ok(text) = syn::parse2::<LitStr>(first.clone()) else {
        errors.over(first, "`sql!` takes a literal: text that is made at run time could carry SQL of a request. Write the values into it as `{name}`; they are bound, never pasted");
        return None;
    };
    if let Some(surplus) = arguments.next() {
        errors.over(surplus, "`sql!` takes one literal: write the value into it as `{name}`");
    }
    let parts = match scan::scan(&text.value()) {
        Ok(parts) => parts,
        Err(message) => {
            errors.at(text.span(), message);
            return None;
        }
    };
    let parts = parts.into_iter().filter_map(|part| emit(part, &text, errors)).collect::<Vec<_>>();
    Some(quote! {
        #[allow(unused_imports)]
        use ::sequor::__private::RawArgument as _;
        ::sequor::__private::RawSql::new(::std::vec![#(#parts),*])
    })
}

fn emit(part: Part, literal: &LitStr, errors: &mut Errors) -> Option<TokenStream> {
    match part {
        Part::Text(text) => {
            let text = LitStr::new(&text, literal.span());
            Some(quote!(::sequor::__private::RawPart::Text(::std::borrow::Cow::Borrowed(#text))))
        }
        Part::Value(text) => {
            let Some(tokens) = text.parse::<TokenStream>().ok().filter(is_path) else {
                errors.at(
                    literal.span(),
                    format!(
                        "`{{{text}}}` is not a name: write `{{age}}` or `{{user.id}}`; a brace of the SQL itself is written twice, `{{{{`"
                    ),
                );
                return None;
            };
            let value = types::at(tokens, literal.span());
            Some(quote_spanned!(literal.span()=> (#value).raw_part()))
        }
    }
}

/// Names and fields: `age`, `user.id`, `self.0`, `Limits::MAX`.
fn is_path(tokens: &TokenStream) -> bool {
    let mut tokens = tokens.clone().into_iter().peekable();
    matches!(tokens.peek(), Some(TokenTree::Ident(_)))
        && tokens.all(|token| match token {
            TokenTree::Ident(_) | TokenTree::Literal(_) => true,
            TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | ':'),
            TokenTree::Group(_) => false,
        })
}
