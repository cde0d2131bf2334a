//! The model as data: `StaticModel`.

use super::columns::ColumnField;
use super::{Model, declared};
use crate::attributes::{Given, ItemValue, Options, items, known};
use crate::errors::Errors;
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::LitStr;

/// The static that `Model::model()` builds its definition from.
pub fn emit(model: &Model, errors: &mut Errors) -> TokenStream {
    let name = names::plain(&model.ident);
    let mut fields = vec![quote!(name: #name)];
    for option in ["table", "schema", "rename_all", "json", "comment", "renamed_from", "view"] {
        if let Some(text) = model.options.text(option) {
            let field = proc_macro2::Ident::new(option, text.span());
            fields.push(quote!(#field: ::core::option::Option::Some(#text)));
        }
    }
    let columns: Vec<_> = model.columns.iter().filter(|column| !column.refused).map(|column| column.data(errors)).collect();
    fields.push(quote!(columns: &[#(#columns),*]));
    let relations: Vec<_> = model.relations.iter().map(|relation| relation.data(errors)).collect();
    if !relations.is_empty() {
        fields.push(quote!(relations: &[#(#relations),*]));
    }
    let indexes = indexes(model, errors);
    if !indexes.is_empty() {
        fields.push(quote!(indexes: &[#(#indexes),*]));
    }
    let checks = checks(&model.options, errors);
    if !checks.is_empty() {
        fields.push(quote!(checks: &[#(#checks),*]));
    }
    fields.extend(model.managed.data());
    for flag in ["skip_sync", "rules_as_checks"] {
        if let Some(place) = model.options.place(flag) {
            let field = proc_macro2::Ident::new(flag, place);
            fields.push(quote!(#field: true));
        }
    }
    let (declaration, declared) = declared::emit(model, errors);
    fields.extend(declared);
    quote! {
        #declaration
        static DEFINITION: __sequor::StaticModel = __sequor::StaticModel { #(#fields,)* ..__sequor::StaticModel::NEW };
    }
}

fn indexes(model: &Model, errors: &mut Errors) -> Vec<TokenStream> {
    let mut list = Vec::new();
    for option in ["index", "unique"] {
        for (place, given) in model.options.all(option) {
            let Given::List(tokens) = given else { continue };
            list.extend(index(model, option, place, tokens, errors));
        }
    }
    list.extend(model.columns.iter().filter_map(|column| unique_with(model, column, errors)));
    list
}

/// `#[field(unique(live_only))]`: a key of one field with options of its own.
fn unique_with(model: &Model, column: &ColumnField, errors: &mut Errors) -> Option<TokenStream> {
    let (place, Given::List(tokens)) = column.options.get("unique")? else { return None };
    let options = Options::nested(tokens.clone(), "unique", known::UNIQUE, errors);
    let name = options.text("name").map(|name| quote!(name: ::core::option::Option::Some(#name),));
    let live = options.has("live_only").then(|| quote!(live_only: true,));
    if live.is_some() && !model.options.has("paranoid") {
        errors.at(place, "`live_only` is for models whose rows are deleted softly: add `paranoid` to the model, or write `unique`");
    }
    let column = &column.name;
    Some(
        quote!(__sequor::StaticIndex { unique: true, #name #live ..__sequor::StaticIndex::new(&[__sequor::StaticIndexPart::Column(#column)]) }),
    )
}

fn index(model: &Model, option: &str, place: Span, tokens: &TokenStream, errors: &mut Errors) -> Option<TokenStream> {
    let options = Options::nested(tokens.clone(), option, known::INDEX, errors);
    let mut parts = Vec::new();
    for column in options.texts("columns") {
        part_is_known(model, &column, errors);
        parts.push(quote!(__sequor::StaticIndexPart::Column(#column)));
    }
    for (_, given) in options.all("expression") {
        let texts = match given {
            Given::Text(text) => std::slice::from_ref(text),
            Given::Texts(texts) => texts,
            _ => &[],
        };
        parts.extend(texts.iter().map(|text| quote!(__sequor::StaticIndexPart::Expression(#text))));
    }
    if parts.is_empty() {
        errors.at(place, format!("`{option}` needs columns: `{option}(columns(\"a\", \"b desc\"))`"));
        return None;
    }
    let mut fields = Vec::new();
    for (name, field) in [("name", "name"), ("filter", "filter"), ("where", "filter"), ("method", "method"), ("language", "language")] {
        if let Some(text) = options.text(name) {
            let field = proc_macro2::Ident::new(field, text.span());
            fields.push(quote!(#field: ::core::option::Option::Some(#text)));
        }
    }
    if let Some(method) = options.text("method").filter(|method| !known::METHODS.contains(&method.value().as_str())) {
        errors
            .at(method.span(), format!("there is no index method `{}`{}", method.value(), names::instead(&method.value(), known::METHODS)));
    }
    if let Some(language) = options.text("language") {
        let value = language.value();
        if !known::LANGUAGES.contains(&value.as_str()) {
            errors.at(
                language.span(),
                format!("no full-text index knows the language `{value}`{}", names::instead(&value, known::LANGUAGES)),
            );
        }
        if options.text("method").is_none_or(|method| method.value() != "fulltext") {
            errors.at(language.span(), "`language` is of full-text indexes: add `method = \"fulltext\"`");
        }
    }
    if option == "unique" || options.has("unique") {
        fields.push(quote!(unique: true));
    }
    if options.has("live_only") {
        fields.push(quote!(live_only: true));
    }
    let plain = quote!(__sequor::StaticIndex::new(&[#(#parts),*]));
    Some(if fields.is_empty() { plain } else { quote!(__sequor::StaticIndex { #(#fields,)* ..#plain }) })
}

/// An index names fields, with a direction behind a space.
fn part_is_known(model: &Model, text: &LitStr, errors: &mut Errors) {
    let value = text.value();
    let (name, direction) = value.split_once(' ').unwrap_or((&value, ""));
    if !model.knows(name) {
        let fields: Vec<&str> = model.columns.iter().map(|column| column.name.as_str()).collect();
        errors.at(text.span(), format!("`{}` has no field `{name}`{}", model.ident, names::instead(name, &fields)));
    } else if !["", "asc", "desc"].contains(&direction.trim().to_lowercase().as_str()) {
        errors.at(text.span(), format!("behind the field stands `asc` or `desc`, not `{direction}`"));
    }
}

fn checks(options: &Options, errors: &mut Errors) -> Vec<TokenStream> {
    let mut list = Vec::new();
    for (place, given) in options.all("check") {
        let Given::List(tokens) = given else { continue };
        let (mut name, mut sql) = (None, None);
        for item in items(tokens.clone()) {
            match (item.name.as_ref().map(ToString::to_string).as_deref(), item.value) {
                (Some("name"), ItemValue::Equals(tokens)) => name = errors.keep(syn::parse2::<LitStr>(tokens)),
                (None, ItemValue::Bare(tokens)) => sql = errors.keep(syn::parse2::<LitStr>(tokens)),
                _ => errors.at(item.span, "`check` is written `check(name = \"age_is_positive\", \"age > 0\")`"),
            }
        }
        match (name, sql) {
            (Some(name), Some(sql)) => list.push(quote!((#name, #sql))),
            _ => errors.at(place, "`check` needs a name and an SQL condition: `check(name = \"age_is_positive\", \"age > 0\")`"),
        }
    }
    list
}
