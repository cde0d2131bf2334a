//! `models!`: a list of models of any length, as tuples in tuples.

use crate::attributes::split;
use crate::errors::Errors;
use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

/// How many elements a tuple of models may have.
const WIDTH: usize = 12;

/// Expands `models!(pub type All = User, Post, ..)`.
pub fn expand(input: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = input.clone().into_iter().collect();
    let equals = tokens.iter().position(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '='));
    let is_type = tokens.iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "type"));
    let mut errors = Errors::default();
    let Some(equals) = equals.filter(|_| is_type) else {
        errors.over(input, "write a name and models: `models!(pub type All = User, Post)`");
        return errors.into_tokens();
    };
    let head: TokenStream = tokens[..equals].iter().cloned().collect();
    let rest = tokens[equals + 1..].iter().filter(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')).cloned();
    let models = split(rest.collect());
    if models.is_empty() {
        errors.over(head, "the list holds no model");
        return errors.into_tokens();
    }
    let list = nested(models);
    quote!(#head = #list;)
}

/// Tuples of at most twelve elements, which may be tuples themselves.
pub fn nested(mut models: Vec<TokenStream>) -> TokenStream {
    while models.len() > WIDTH {
        models = models.chunks(WIDTH).map(|chunk| quote!((#(#chunk,)*))).collect();
    }
    quote!((#(#models,)*))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_nest() {
        let names: Vec<TokenStream> = (0..30).map(|number| format!("M{number}").parse().unwrap_or_default()).collect();
        let text = nested(names).to_string();
        assert_eq!(text.matches('(').count(), 4);
        assert_eq!(expand(quote!(pub type All = User, Post)).to_string(), "pub type All = (User , Post ,) ;");
    }
}
