//! The slots that `draft!` fills, and the check that none is missing.

use super::Model;
use super::columns::ColumnField;
use super::relations::Kind;
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The struct of slots and its check.
pub fn emit(model: &Model) -> TokenStream {
    let (slots, ident) = (name(model), &model.ident);
    let columns = model.columns.iter().filter(|column| !column.refused).map(|column| {
        let (visibility, ident, ty) = (&column.visibility, &column.ident, slot_type(model, column));
        quote!(#visibility #ident: __sequor::Field<#ty>)
    });
    let relations = model.relations.iter().map(|relation| {
        let (visibility, ident) = (&relation.visibility, &relation.ident);
        let ty = relation.typed(&model.ident);
        quote!(#visibility #ident: __sequor::Field<#ty>)
    });
    let checks = model.columns.iter().filter_map(|column| check(model, column));
    quote! {
        #[doc(hidden)]
        #[allow(dead_code)]
        pub struct #slots {
            #(#columns,)*
            #(#relations,)*
        }

        #[allow(dead_code)]
        impl #slots {
            pub fn draft(&self) -> __sequor::DraftOf<#ident> {
                __sequor::draft_of()
            }


            #[track_caller]
            pub const fn check(&self, implied: &str) {
                self.check_in(implied, "");
            }

            #[track_caller]
            pub const fn check_in(&self, implied: &str, scope: &str) {
                let _ = (implied, scope);
                #(#checks)*
            }
        }
    }
}

/// The name of the struct of slots.
pub fn name(model: &Model) -> Ident {
    format_ident!("{}Fields", names::plain(&model.ident), span = model.ident.span())
}

/// The initial value of the struct of slots.
pub fn empty(model: &Model) -> TokenStream {
    let (slots, ident) = (name(model), &model.ident);
    let fields = model
        .columns
        .iter()
        .filter(|column| !column.refused)
        .map(|column| &column.ident)
        .chain(model.relations.iter().map(|relation| &relation.ident));
    let fields = fields.map(|field| {
        let constant = names::constant(field);
        quote!(#field: __sequor::Field::new(#ident::#constant))
    });
    quote!(#slots { #(#fields,)* })
}

fn slot_type(model: &Model, column: &ColumnField) -> TokenStream {
    let (ident, ty) = (&model.ident, &column.tokens);
    if column.embed { quote!(__sequor::EmbeddedColumn<#ident, #ty>) } else { quote!(__sequor::Column<#ident, #ty>) }
}

/// The check of one field, if a draft must give it.
fn check(model: &Model, column: &ColumnField) -> Option<TokenStream> {
    let by_itself = ["default", "db_default", "auto_increment", "generated"].iter().any(|option| column.options.has(option));
    if by_itself || column.refused || column.is_option() || model.managed.fills(&column.name) {
        return None;
    }
    let (field, name) = (&column.ident, &column.name);
    let mut conditions = vec![quote!(!self.#field.given)];
    let (mut implied, mut later) = (false, String::new());
    for relation in model.relations.iter().filter(|relation| relation.kind == Kind::BelongsTo && relation.key.contains(name)) {
        let relation = &relation.ident;
        conditions.push(quote!(!self.#relation.given));
        later = format!(", or write `{}: _` where a parent that it is given to fills it", names::plain(relation));
    }
    let message = format!("{}.{name} is required: give it in draft!{later}", names::plain(&model.ident));
    if !column.embed {
        implied = true;
    }
    if implied {
        conditions.push(quote!(!__sequor::implies(implied, #name)));
        conditions.push(quote!(!__sequor::implies(scope, #name)));
    }
    if column.embed {
        let ty = &column.tokens;
        conditions.push(quote!(__sequor::owes_values(<#ty as __sequor::Embed>::COLUMNS)));
    }
    Some(quote!(if #(#conditions)&&* { ::core::panic!(#message) }))
}
