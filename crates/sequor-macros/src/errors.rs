//! [`Errors`]: what is wrong with the input. All of it is reported at once, and the rest of the code is emitted beside it.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Errors, each at its place.
#[derive(Default)]
pub struct Errors {
    all: Option<syn::Error>,
}

impl Errors {
    /// Adds an error at a place.
    pub fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Adds an error that underlines tokens.
    pub fn over(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error.
    pub fn add(&mut self, error: syn::Error) {
        match &mut self.all {
            Some(all) => all.combine(error),
            None => self.all = Some(error),
        }
    }

    /// The value, or nothing and the error.
    pub fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// All of them as `compile_error!`s.
    pub fn into_tokens(self) -> TokenStream {
        self.all.map(|all| all.to_compile_error()).unwrap_or_default()
    }
}
