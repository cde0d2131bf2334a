//! `computed`: a method's value in JSON. On the model it is in JSON alone; on a field the row holds it too, as it was when the row was read.

use super::Model;
use crate::attributes::{Given, ItemValue, Options, items, known, path};
use crate::errors::Errors;
use crate::{names, types};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Path};

/// A field that is no column: a method makes its value.
pub struct ComputedField {
    /// The field.
    pub ident: Ident,
    /// The method.
    method: TokenStream,
    /// Its name in JSON, if it has one of its own.
    json: Option<LitStr>,
    hidden: bool,
}

/// Whether a field is computed.
pub fn is_computed(field: &syn::Field) -> bool {
    Options::read(&field.attrs, "field", known::FIELD, &mut Errors::default()).has("computed")
}

/// Reads a computed field.
pub fn read(field: &syn::Field, model: &Ident, errors: &mut Errors) -> Option<ComputedField> {
    let ident = field.ident.clone()?;
    let options = Options::read(&field.attrs, "field", known::FIELD, errors).of(model);
    for option in known::FIELD.iter().filter(|option| !["computed", "json", "hidden", "comment"].contains(&option.name)) {
        if let Some(place) = options.place(option.name) {
            errors.at(place, format!("`{}` does not go with `computed`: the value is a method's, no column's", option.name));
        }
    }
    let (place, given) = options.get("computed")?;
    let method = method(given, place, &ident, model, errors)?;
    Some(ComputedField { ident, method, json: options.text("json").cloned(), hidden: options.has("hidden") })
}

/// `computed`, `computed = "initials"`, `computed = User::initials`, `computed(User::initials)`.
fn method(given: &Given, place: Span, field: &Ident, model: &Ident, errors: &mut Errors) -> Option<TokenStream> {
    let written = match given {
        Given::Flag => return Some(quote_spanned!(field.span()=> #model::#field)),
        Given::List(tokens) => errors.keep(syn::parse2::<Path>(tokens.clone())).map(ToTokens::into_token_stream),
        other => path(other, errors),
    };
    let Some(written) = written else {
        errors.at(place, "`computed` names a method of the model: `computed` or `computed = \"User::full_name\"`");
        return None;
    };
    // A name alone is a method of the model, as it is where nothing stands.
    let alone = syn::parse2::<Ident>(written.clone()).ok();
    Some(alone.map_or(written, |name| quote_spanned!(name.span()=> #model::#name)))
}

/// What makes the values of computed fields, once all others are there.
pub fn fill(model: &Model) -> Vec<TokenStream> {
    let fill = |computed: &ComputedField| {
        let (field, method) = (&computed.ident, &computed.method);
        quote_spanned!(method.span()=> row.#field = { let value = #method(&row); ::core::convert::Into::into(value) };)
    };
    model.computed.iter().map(fill).collect()
}

/// The method of `Instance` that gives the values for JSON.
pub fn emit(model: &Model, errors: &mut Errors) -> Option<TokenStream> {
    let style =
        model.options.text("json").map_or(quote!(::core::option::Option::None), |style| quote!(::core::option::Option::Some(#style)));
    let mut values = Vec::new();
    for (_, given) in model.options.all("computed") {
        let Given::List(tokens) = given else { continue };
        for item in items(tokens.clone()) {
            let (Some(name), ItemValue::Equals(tokens)) = (&item.name, item.value) else {
                errors.at(item.span, "`computed` is written `computed(full_name = \"User::full_name\")`");
                continue;
            };
            let given = syn::parse2::<LitStr>(tokens.clone()).map_or(Given::Tokens(tokens), Given::Text);
            let Some(path) = path(&given, errors).map(|path| types::named_self(path, &model.ident)) else { continue };
            let name = LitStr::new(&names::plain(name), name.span());
            values.push(quote_spanned!(path.span()=> (__sequor::json_name(#name, #style), __sequor::computed_value(&#path(self)))));
        }
    }
    for ComputedField { ident, method, json, .. } in model.computed.iter().filter(|computed| !computed.hidden) {
        let name = LitStr::new(&names::plain(ident), ident.span());
        let name = match json {
            Some(json) => quote!(__sequor::Name::Borrowed(#json)),
            None => quote!(__sequor::json_name(#name, #style)),
        };
        values.push(quote_spanned!(method.span()=> (#name, __sequor::computed_value(&#method(self)))));
    }
    (!values.is_empty()).then(|| {
        quote! {
            fn computed(&self) -> ::std::vec::Vec<(__sequor::Name, __sequor::serde_json::Value)> {
                ::std::vec![#(#values),*]
            }
        }
    })
}
