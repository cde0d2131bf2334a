//! The impls of `Instance`, `Model`, and serde's traits: three matches, and calls of what is written once in the ORM.

use super::columns::ColumnField;
use super::{Model, computed, draft};
use crate::attributes::Given;
use crate::errors::Errors;
use crate::names;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// All impls.
pub fn emit(model: &Model, errors: &mut Errors) -> TokenStream {
    let (ident, instance, implementation, serde) = (&model.ident, instance(model, errors), implementation(model), serde(model));
    let register = match model.options.get("register") {
        Some((_, Given::Bool(false))) => TokenStream::new(),
        _ => quote!(__sequor::inventory::submit! { __sequor::Registered(<#ident as __sequor::Model>::model) }),
    };
    quote! {
        #instance
        #implementation

        #serde

        // Bounds that never hold, put off by a lifetime: what other libraries call these verbs is answered with their names here.
        #[automatically_derived]
        impl __sequor::SavesEdits for #ident where for<'never> #ident: __sequor::BeingEdited {}
        #[automatically_derived]
        impl __sequor::OtherVerbs for #ident where for<'never> #ident: __sequor::VerbsOfOtherNames {}

        #register
    }
}

/// Serde's traits, but for those whose derives stand beside ours: that is an error already, and the conflict need not be told too.
fn serde(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let serialize = (!model.beside.serialize).then(|| {
        quote! {
            #[automatically_derived]
            impl __sequor::serde::Serialize for #ident {
                fn serialize<S: __sequor::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                    __sequor::serialize_model(self, serializer)
                }
            }
        }
    });
    let deserialize = (!model.beside.deserialize).then(|| {
        quote! {
            #[automatically_derived]
            impl<'de> __sequor::serde::Deserialize<'de> for #ident {
                fn deserialize<D: __sequor::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<#ident, D::Error> {
                    __sequor::deserialize_model(deserializer)
                }
            }
        }
    });
    quote!(#serialize #deserialize)
}

fn instance(model: &Model, errors: &mut Errors) -> TokenStream {
    let ident = &model.ident;
    let (relations, relations_mut) = (relation_cells(model, false), relation_cells(model, true));
    let (bounds, cells_mut) = cells(&model.columns, true);
    let (_, cells) = cells(&model.columns, false);
    let computed = computed::emit(model, errors);
    quote! {
        #bounds

        #[automatically_derived]
        impl __sequor::Instance for #ident {
            fn def(&self) -> &__sequor::Arc<__sequor::ModelDef> {
                <#ident as __sequor::Model>::model()
            }

            fn cell(&self, position: usize) -> ::core::option::Option<&dyn __sequor::Cell> {
                let cell: &dyn __sequor::Cell = match position { #cells _ => return ::core::option::Option::None };
                ::core::option::Option::Some(cell)
            }

            fn cell_mut(&mut self, position: usize) -> __sequor::MaybeCellMut<'_> {
                let cell: &mut dyn __sequor::Cell = match position { #cells_mut _ => return ::core::option::Option::None };
                ::core::option::Option::Some(cell)
            }

            fn relation_cell(&self, position: usize) -> __sequor::MaybeRelation<'_> {
                #relations
            }

            fn relation_cell_mut(&mut self, position: usize) -> __sequor::MaybeRelationMut<'_> {
                #relations_mut
            }

            #computed
        }
    }
}

fn relation_cells(model: &Model, mutable: bool) -> TokenStream {
    if model.relations.is_empty() {
        return quote!(let _ = position; ::core::option::Option::None);
    }
    let borrow = if mutable { quote!(&mut) } else { quote!(&) };
    let arms = model.relations.iter().map(|relation| {
        let (field, position) = (&relation.ident, Literal::u16_unsuffixed(relation.position));
        quote_spanned!(relation.span=> #position => ::core::option::Option::Some(#borrow self.#field),)
    });
    quote!(match position { #(#arms)* _ => ::core::option::Option::None })
}

/// The arms of the match over positions, and the constants that they need.
pub fn cells(columns: &[ColumnField], mutable: bool) -> (TokenStream, TokenStream) {
    let mut constants = TokenStream::new();
    let mut arms = TokenStream::new();
    let borrow = if mutable { quote!(&mut) } else { quote!(&) };
    let (method, inner) = if mutable { (quote!(as_cell_mut), quote!(cell_mut)) } else { (quote!(as_cell), quote!(cell)) };
    for column in columns.iter().filter(|column| !column.refused) {
        let (field, ty, position) = (&column.ident, &column.tokens, &column.position);
        let start = match column.fixed {
            Some(place) => {
                let literal = Literal::usize_unsuffixed(place);
                quote!(#literal)
            }
            None => {
                let name = format_ident!("AT_{}", names::constant(field));
                constants.extend(quote!(const #name: usize = (#position) as usize;));
                quote!(#name)
            }
        };
        if column.embed {
            let end = format_ident!("END_{}", names::constant(field));
            constants.extend(quote!(const #end: usize = (#position + <#ty as __sequor::Embed>::COUNT) as usize;));
            arms.extend(quote!(#start..#end => return <#ty as __sequor::Embed>::#inner(#borrow self.#field, position - #start),));
        } else {
            arms.extend(quote!(#start => <#ty as __Field>::#method(#borrow self.#field),));
        }
    }
    (constants, arms)
}

fn implementation(model: &Model) -> TokenStream {
    let (ident, slots, empty) = (&model.ident, draft::name(model), draft::empty(model));
    let name = names::plain(ident);
    let key = key(model);
    let decode = decode(&model.columns, Some(quote!(Self::model)));
    let relations = model.relations.iter().map(|relation| {
        let (field, ty, text) = (&relation.ident, &relation.tokens, &relation.name);
        quote!(#field: <#ty>::unloaded(&(#name, #text)))
    });
    let (loader, through) = (loader(model), through_loader(model));
    let row = if model.computed.is_empty() {
        quote!(::core::result::Result::Ok(#ident { #(#decode,)* #(#relations,)* }))
    } else {
        let (fields, fill) = (model.computed.iter().map(|computed| &computed.ident), computed::fill(model));
        quote! {
            let mut row = #ident { #(#decode,)* #(#relations,)* #(#fields: ::core::default::Default::default(),)* };
            #(#fill)*
            ::core::result::Result::Ok(row)
        }
    };
    quote! {
        #[automatically_derived]
        impl __sequor::Model for #ident {
            type Fields = #slots;
            type Key = #key;
            const FIELDS: #slots = #empty;
            const NAME: &'static str = #name;

            fn model() -> &'static __sequor::Arc<__sequor::ModelDef> {
                static MODEL: __sequor::OnceLock<__sequor::Arc<__sequor::ModelDef>> = __sequor::OnceLock::new();
                DEFINITION.built(&MODEL)
            }

            fn decode(row: &mut dyn __sequor::RowReader, at: usize) -> __sequor::Result<#ident> {
                #row
            }

            #loader
            #through
        }
    }
}

/// The fields of the struct, each read from its cell.
pub fn decode(columns: &[ColumnField], model: Option<TokenStream>) -> Vec<TokenStream> {
    columns
        .iter()
        .map(|column| {
            let (field, ty, position) = (&column.ident, &column.tokens, &column.position);
            let position = match column.fixed {
                Some(place) => {
                    let literal = Literal::usize_unsuffixed(place);
                    quote!(#literal)
                }
                None => quote!((#position) as usize),
            };
            if column.refused {
                return quote!(#field: __sequor::refused());
            }
            if column.embed {
                return quote!(#field: <#ty as __sequor::Embed>::decode(row, at + #position)?);
            }
            match &model {
                Some(model) => quote!(#field: <#ty as __Field>::read(row, at, #position, #model)?),
                None => quote!(#field: <#ty as __Field>::read_embedded(row, at + #position)?),
            }
        })
        .collect()
}

fn key(model: &Model) -> TokenStream {
    let types: Vec<_> = model
        .columns
        .iter()
        .filter(|column| column.options.has("primary_key") && !column.refused && !column.is_option())
        .map(|column| &column.tokens)
        .collect();
    match types.as_slice() {
        [only] => quote!(#only),
        several => quote!((#(#several),*)),
    }
}

fn loader(model: &Model) -> TokenStream {
    if model.relations.is_empty() {
        return quote! {
            fn loader(_relation: usize) -> __sequor::MaybeLoader {
                ::core::option::Option::None
            }
        };
    }
    let arms = model.relations.iter().map(|relation| {
        let (target, position) = (&relation.target, Literal::u16_unsuffixed(relation.position));
        quote!(#position => <#target as __sequor::Model>::LOADER,)
    });
    quote! {
        fn loader(relation: usize) -> __sequor::MaybeLoader {
            let table: __sequor::LoaderTable = match relation { #(#arms)* _ => return ::core::option::Option::None };
            ::core::option::Option::Some(table.boxed())
        }
    }
}

fn through_loader(model: &Model) -> Option<TokenStream> {
    let arms: Vec<_> = model
        .relations
        .iter()
        .filter_map(|relation| {
            let (through, position) = (relation.through.as_ref()?, Literal::u16_unsuffixed(relation.position));
            Some(quote!(#position => <#through as __sequor::Model>::LOADER,))
        })
        .collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn through_loader(relation: usize) -> __sequor::MaybeLoader {
                let table: __sequor::LoaderTable = match relation { #(#arms)* _ => return ::core::option::Option::None };
            ::core::option::Option::Some(table.boxed())
            }
        }
    })
}
