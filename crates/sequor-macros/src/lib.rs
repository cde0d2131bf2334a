//! Sequor's derives and `draft!`, `sql!`, `models!`, `migrations!`.
//!
//! Generated code names `::sequor::__private::..`, `::core::..` and `::std::..` alone, and knows as few conventions as it can: it emits data, which the ORM
//! turns into a definition.

mod attributes;
mod db_enum;
mod db_type;
mod draft;
mod embed;
mod errors;
mod migrations;
mod model;
mod names;
mod projection;
mod sql;
mod test;
mod types;

use proc_macro::TokenStream;

/// Makes a struct a model: a table, its columns and its relations.
#[proc_macro_derive(Model, attributes(model, field, relation))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    model::expand(input.into()).into()
}

/// Makes an enum without data a column type.
///
/// It has `Display`, `FromStr`, and `Serialize` and `Deserialize` as its label. Where serde's own derives are to stand beside it, say so:
/// `#[db_enum(serde = false)]`, or give them any `#[serde(..)]` of their own.
#[proc_macro_derive(DbEnum, attributes(db_enum))]
pub fn derive_db_enum(input: TokenStream) -> TokenStream {
    db_enum::expand(input.into()).into()
}

/// Makes a row that is not stored yet: `draft!(User { email: "ann@x.io", name })`. A required field that is missing is a compile error.
#[proc_macro]
pub fn draft(input: TokenStream) -> TokenStream {
    draft::expand(input.into()).into()
}

/// Makes a tuple struct of one field a column type.
#[proc_macro_derive(DbType, attributes(db_type))]
pub fn derive_db_type(input: TokenStream) -> TokenStream {
    db_type::expand(input.into()).into()
}

/// Makes a struct one whose fields are spread over prefixed columns of the models that embed it.
#[proc_macro_derive(Embed, attributes(embed, field))]
pub fn derive_embed(input: TokenStream) -> TokenStream {
    embed::expand(input.into()).into()
}

/// Makes a struct a selection of columns, expressions and related rows of a model.
#[proc_macro_derive(Projection, attributes(projection))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    projection::expand(input.into()).into()
}

/// SQL with bound values: `sql!("SELECT * FROM users WHERE age > {age}")`. What stands between braces is always a parameter, never text.
#[proc_macro]
pub fn sql(input: TokenStream) -> TokenStream {
    sql::expand(input.into()).into()
}

/// A list of models of any length: `models!(pub type All = User, Post);`.
#[proc_macro]
pub fn models(input: TokenStream) -> TokenStream {
    model::list::expand(input.into()).into()
}

/// The migrations of a folder, embedded into the program: `migrations!("migrations")`. The path is relative to `Cargo.toml`.
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    migrations::expand(input.into()).into()
}

/// An async test that runs once on each database, in a schema of its own: `#[sequor::test(models(User, Post), fixtures("users.yaml"))]`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    test::expand(options.into(), function.into()).into()
}

#[cfg(test)]
mod tests;
