//! `#[derive(Model)]`: reading the struct. What is emitted is in the modules below, one for each impl.

mod asking;
pub mod columns;
mod computed;
mod declared;
mod def;
mod draft;
pub mod list;
mod managed;
mod relations;
mod rules;
pub mod traits;

use crate::attributes::beside::Beside;
use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::names;
use columns::ColumnField;
use computed::ComputedField;
use managed::Managed;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use relations::RelationField;
use syn::{Data, DeriveInput, Fields};

/// A model as it was read.
pub struct Model {
    /// The struct.
    pub ident: Ident,
    /// The path of the crate, `::sequor` unless the model says otherwise.
    pub root: TokenStream,
    /// `#[model(..)]`.
    pub options: Options,
    /// The fields that are columns.
    pub columns: Vec<ColumnField>,
    /// The fields that are relations.
    pub relations: Vec<RelationField>,
    /// The fields whose values methods make.
    pub computed: Vec<ComputedField>,
    /// The fields that Sequor fills by itself.
    pub managed: Managed,
    /// serde's derives beside ours, which are a mistake.
    pub beside: Beside,
}

/// Expands `#[derive(Model)]`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => read(&input, &mut errors).map(|model| emit(&model, &mut errors)),
        Err(error) => {
            errors.add(error);
            None
        }
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// The fields of a struct that a derive can take, or the reason why it cannot.
pub fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
    errors: &mut Errors,
) -> Option<&'a syn::punctuated::Punctuated<syn::Field, syn::Token![,]>> {
    if !input.generics.params.is_empty() {
        errors.over(&input.generics, format!("`#[derive({derive})]` takes no generic structs: a table has one shape"));
        return None;
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => Some(&fields.named),
            _ => {
                errors.at(input.ident.span(), format!("`#[derive({derive})]` needs a struct with named fields"));
                None
            }
        },
        Data::Enum(_) => {
            errors.at(input.ident.span(), format!("`#[derive({derive})]` is for structs; for an enum write `#[derive(DbEnum)]`"));
            None
        }
        _ => {
            errors.at(input.ident.span(), format!("`#[derive({derive})]` is for structs"));
            None
        }
    }
}

/// Whether a field's type is a relation.
pub fn is_relation(ty: &syn::Type) -> bool {
    relations::kind(ty).is_some()
}

/// The path of the crate, from `crate = ".."`.
pub fn root(options: &Options, errors: &mut Errors) -> TokenStream {
    options.get("crate").and_then(|(_, given)| crate::attributes::path(given, errors)).unwrap_or_else(|| quote!(::sequor))
}

fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let fields = named_fields(input, "Model", errors)?;
    let options = Options::read(&input.attrs, "model", known::MODEL, errors).of(&input.ident);
    let root = root(&options, errors);
    let (mut columns, mut relations, mut computed) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        if computed::is_computed(field) {
            computed.extend(computed::read(field, &input.ident, errors));
            continue;
        }
        match relations::kind(&field.ty) {
            Some(kind) => match relations::read(field, kind, &input.ident, relations.len(), errors) {
                Some(relation) => relations.push(relation),
                None => columns.extend(columns::leave_out(field, &input.ident)),
            },
            None => columns.extend(columns::read(field, &input.ident, known::FIELD, errors)),
        }
    }
    columns::limit_key(&mut columns, errors);
    columns::place(&mut columns);
    relations.iter_mut().for_each(|relation| relation.name_keys(&columns));
    let beside = Beside::read("Model", input);
    if beside.serialize || beside.deserialize {
        errors.at(
            Span::call_site(),
            "`#[derive(Model)]` implements `Serialize` and `Deserialize` (without fields that are `hidden` and relations that are not loaded): take serde's derives \
             away; names are given by `#[model(json = \"camelCase\")]` and `#[field(json = \"..\")]`",
        );
    }
    let managed = managed::read(&options, &columns, errors);
    let model = Model { ident: input.ident.clone(), root, options, columns, relations, computed, managed, beside };
    check(&model, errors);
    Some(model)
}

/// What only the whole struct shows.
fn check(model: &Model, errors: &mut Errors) {
    let counted: Vec<_> = model.columns.iter().filter_map(|column| column.options.place("auto_increment")).collect();
    for second in counted.iter().skip(1) {
        errors.at(*second, "a table has one `auto_increment` column: another field has it already");
    }
    if let Some(style) = model.options.text("rename_all") {
        style_is_known(style, names::COLUMN_STYLES, errors);
    }
    if let Some(style) = model.options.text("json") {
        style_is_known(style, names::COLUMN_STYLES, errors);
    }
    for relation in &model.relations {
        relations::check_key(relation, model, errors);
    }
}

/// Refuses a style of `rename_all` that does not exist.
pub fn style_is_known(style: &syn::LitStr, known: &[&str], errors: &mut Errors) {
    let value = style.value();
    if !known.contains(&value.as_str()) {
        errors.at(style.span(), format!("there is no style `{value}`{}", names::instead(&value, known)));
    }
}

impl Model {
    /// The column of a field's name.
    pub fn column(&self, name: &str) -> Option<&ColumnField> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a name is a field that is a column, or lies in an embedded one (`address.city`).
    pub fn knows(&self, name: &str) -> bool {
        match name.split_once('.') {
            Some((outer, _)) => self.column(outer).is_some_and(|column| column.embed),
            None => self.column(name).is_some(),
        }
    }
}

fn emit(model: &Model, errors: &mut Errors) -> TokenStream {
    let (ident, root) = (&model.ident, &model.root);
    let constants = model.columns.iter().map(|column| column.constant(ident));
    let relations = model.relations.iter().map(|relation| relation.constant(ident));
    let definition = def::emit(model, errors);
    let slots = draft::emit(model);
    let traits = traits::emit(model, errors);
    quote! {
        const _: () = {
            use #root::__private::{self as __sequor, ColumnField as __Field};

            #[automatically_derived]
            #[allow(dead_code)]
            impl #ident {
                #(#constants)*
                #(#relations)*
            }

            #slots
            #definition
            #traits
        };
    }
}

/// The doc comment of a field, or a sentence in its place.
pub fn docs(attributes: &[syn::Attribute], otherwise: &str) -> TokenStream {
    let own: Vec<_> = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).map(ToTokens::to_token_stream).collect();
    if own.is_empty() { quote!(#[doc = #otherwise]) } else { quote!(#(#own)*) }
}
