//! `#[derive(Embed)]`: a struct whose fields are spread over prefixed columns.

use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::model::columns::{self, ColumnField};
use crate::model::{named_fields, root, traits};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::DeriveInput;

/// Expands `#[derive(Embed)]`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => read(&input, &mut errors),
        Err(error) => {
            errors.add(error);
            None
        }
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

fn read(input: &DeriveInput, errors: &mut Errors) -> Option<TokenStream> {
    let fields = named_fields(input, "Embed", errors)?;
    let options = Options::read(&input.attrs, "embed", known::CRATE, errors);
    let root = root(&options, errors);
    let mut columns = Vec::new();
    for field in fields {
        if crate::model::is_relation(&field.ty) {
            errors.over(&field.ty, "an embedded struct has no relations: write this field on the model");
            columns.extend(columns::leave_out(field, &input.ident));
            continue;
        }
        columns.extend(columns::read(field, &input.ident, known::EMBED_FIELD, errors));
    }
    columns::place(&mut columns);
    Some(emit(&input.ident, &root, &columns, errors))
}

fn emit(ident: &Ident, root: &TokenStream, columns: &[ColumnField], errors: &mut Errors) -> TokenStream {
    let constants = columns.iter().map(|column| column.constant(ident));
    let kept = || columns.iter().filter(|column| !column.refused);
    let data: Vec<_> = kept().map(|column| column.data(errors)).collect();
    let plain = Literal::u16_unsuffixed(u16::try_from(columns.iter().filter(|column| !column.embed).count()).unwrap_or(u16::MAX));
    let embeds = columns.iter().filter(|column| column.embed).map(|column| &column.tokens);
    let (bounds, cells_mut) = traits::cells(columns, true);
    let (_, cells) = traits::cells(columns, false);
    let decode = traits::decode(columns, None);
    quote! {
        const _: () = {
            use #root::__private::{self as __sequor, ColumnField as __Field};

            #[automatically_derived]
            #[allow(dead_code)]
            impl #ident {
                #(#constants)*
            }

            #bounds

            #[automatically_derived]
            impl __sequor::Embed for #ident {
                const COUNT: u16 = #plain #(+ <#embeds as __sequor::Embed>::COUNT)*;
                const COLUMNS: &'static [__sequor::StaticColumn] = &[#(#data),*];

                fn decode(row: &mut dyn __sequor::RowReader, at: usize) -> __sequor::Result<#ident> {
                    ::core::result::Result::Ok(#ident { #(#decode,)* })
                }

                fn cell(&self, position: usize) -> ::core::option::Option<&dyn __sequor::Cell> {
                    let cell: &dyn __sequor::Cell = match position { #cells _ => return ::core::option::Option::None };
                    ::core::option::Option::Some(cell)
                }

                fn cell_mut(&mut self, position: usize) -> ::core::option::Option<&mut dyn __sequor::Cell> {
                    let cell: &mut dyn __sequor::Cell = match position { #cells_mut _ => return ::core::option::Option::None };
                    ::core::option::Option::Some(cell)
                }
            }
        };
    }
}
