//! `hooks`, `validate = ".."`, `default_scope = ".."`: what the model declares beside its data.

use super::Model;
use crate::errors::Errors;
use proc_macro2::TokenStream;

/// The impls, and the field of `StaticModel` that points to them.
pub fn emit(_model: &Model, _errors: &mut Errors) -> (TokenStream, Option<TokenStream>) {
    (TokenStream::new(), None)
}
