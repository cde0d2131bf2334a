//! Sequor's derives and `draft!`, `sql!`, `models!`, `migrations!`.
//!
//! Generated code names `::sequor::__private::..`, `::core::..` and `::std::..` alone, and knows as few conventions as it can: it emits data, which the ORM
//! turns into a definition.

mod attributes;
mod db_enum;
mod draft;
mod errors;
mod model;
mod names;
mod rules;
mod types;

use proc_macro::TokenStream;

/// Makes a struct a model: a table, its columns and its relations.
#[proc_macro_derive(Model, attributes(model, field, relation))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    model::expand(input.into()).into()
}

/// Makes an enum without data a column type.
#[proc_macro_derive(DbEnum, attributes(db_enum))]
pub fn derive_db_enum(input: TokenStream) -> TokenStream {
    db_enum::expand(input.into()).into()
}

/// Makes a row that is not stored yet: `draft!(User { email: "ann@x.io", name })`. A required field that is missing is a compile error.
#[proc_macro]
pub fn draft(input: TokenStream) -> TokenStream {
    draft::expand(input.into()).into()
}
