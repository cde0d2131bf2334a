//! `#[derive(Projection)]`: a struct of columns, expressions and related rows of a model, which loads only what it names.

use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::model::{named_fields, root};
use crate::{names, types};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field};

/// One field: how it is selected, how wide it is, how it is read.
struct Item {
    field: Ident,
    select: TokenStream,
    width: TokenStream,
    decode: TokenStream,
}

/// Expands `#[derive(Projection)]`.
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
    let fields = named_fields(input, "Projection", errors)?;
    let options = Options::read(&input.attrs, "projection", known::PROJECTION, errors);
    let root = root(&options, errors);
    let Some(of) = options.tokens("of") else {
        errors.at(input.ident.span(), "a projection belongs to a model: write `#[projection(of = Post)]` on the struct");
        return None;
    };
    let of = errors.keep(syn::parse2::<syn::Path>(of.clone()))?.into_token_stream();
    let items: Vec<Item> = fields.iter().filter_map(|field| item(field, &of, errors)).collect();
    Some(emit(&input.ident, &root, &of, &items))
}

fn item(field: &Field, of: &TokenStream, errors: &mut Errors) -> Option<Item> {
    let ident = field.ident.clone()?;
    let options = Options::read(&field.attrs, "projection", known::PROJECTION_FIELD, errors);
    let ways: Vec<&str> = ["of", "column", "expr"].into_iter().filter(|way| options.has(way)).collect();
    if let [_, second, ..] = ways.as_slice() {
        errors.at(options.place(second).unwrap_or(ident.span()), "a field of a projection is one of `column`, `expr` and `of`");
    }
    let ty = types::bare(&field.ty);
    if options.has("of") || options.has("relation") {
        return related(&ident, ty, of, &options, errors);
    }
    let select = match (options.tokens("expr"), options.tokens("column")) {
        (Some(expression), _) => quote_spanned!(expression.span()=> __sequor::projected::<#of, #ty>(#expression)),
        (None, Some(column)) => quote_spanned!(column.span()=> __sequor::projected_column::<#of, #ty>(#column)),
        (None, None) => {
            let (constant, of) = (names::constant(&ident), types::at(of.clone(), ident.span()));
            quote_spanned!(ident.span()=> __sequor::projected_column::<#of, #ty>(#of::#constant))
        }
    };
    let (row, place) = places();
    Some(Item {
        select,
        width: quote!(1),
        decode: quote_spanned!(ty.span()=> <#ty as __sequor::FieldType>::decode(#row, #place)?),
        field: ident,
    })
}

/// A projection of a to-one relation, whose row may be missing when the field is an `Option`.
fn related(ident: &Ident, ty: &syn::Type, of: &TokenStream, options: &Options, errors: &mut Errors) -> Option<Item> {
    if types::is(ty, "Vec") {
        errors.over(ty, "a projection holds to-one relations; for a list, select its count or an aggregate with `expr`, or include the relation of whole models");
        return Some(Item { field: ident.clone(), select: quote!(), width: quote!(0), decode: quote!(__sequor::refused()) });
    }
    let constant = names::constant(ident);
    let own = types::at(of.clone(), ident.span());
    let relation = options.tokens("relation").cloned().unwrap_or_else(|| quote!(#own::#constant));
    let (inner, optional) = types::option(ty).map_or((ty, false), |inner| (inner, true));
    let other = options.tokens("of").cloned().unwrap_or_else(|| quote!(<#inner as __sequor::Projection>::Of));
    let width = quote!(<#inner as __sequor::Projection>::WIDTH);
    let (row, place) = places();
    let read = quote!(<#inner as __sequor::Projection>::decode(#row, #place)?);
    let decode = if optional {
        quote! {
            if __sequor::absent(#row, #place, #width)? { ::core::option::Option::None } else { ::core::option::Option::Some(#read) }
        }
    } else {
        read
    };
    let select = quote_spanned!(ident.span()=> __sequor::projected_relation::<#inner, #of, #other, _>(#relation, #optional));
    Some(Item { field: ident.clone(), select, width, decode })
}

/// The names of the reader and of the place in the row, which no field can shadow.
fn places() -> (Ident, Ident) {
    (names::own("row"), names::own("place"))
}

fn emit(ident: &Ident, root: &TokenStream, of: &TokenStream, items: &[Item]) -> TokenStream {
    let widths = items.iter().map(|item| &item.width);
    let selects = items.iter().map(|item| &item.select).filter(|select| !select.is_empty());
    let (row, place) = places();
    let reads = items.iter().map(|item| {
        let Item { field, decode, width, .. } = item;
        quote!(let #field = { #decode }; #place += #width;)
    });
    let fields = items.iter().map(|item| &item.field);
    quote! {
        const _: () = {
            use #root::__private as __sequor;

            #[automatically_derived]
            impl __sequor::Projection for #ident {
                type Of = #of;
                const WIDTH: usize = 0 #(+ #widths)*;

                fn items() -> ::std::vec::Vec<__sequor::ProjectionItem> {
                    ::std::vec![#(#selects),*]
                }

                #[allow(unused_assignments)]
                fn decode(#row: &mut dyn __sequor::RowReader, at: usize) -> __sequor::Result<#ident> {
                    let mut #place = at;
                    #(#reads)*
                    ::core::result::Result::Ok(#ident { #(#fields),* })
                }
            }
        };
    }
}
