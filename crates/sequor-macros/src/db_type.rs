//! `#[derive(DbType)]`: a tuple struct of one field as a column type of its own.

use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::model::root;
use crate::types;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Fields, Ident, Type};

/// Expands `#[derive(DbType)]`.
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
    if !input.generics.params.is_empty() {
        errors.over(&input.generics, "`#[derive(DbType)]` takes no generic structs");
        return None;
    }
    let inner = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first()?.ty.clone(),
            _ => {
                errors.at(input.ident.span(), "`#[derive(DbType)]` needs a tuple struct of one field, such as `struct Email(String);`");
                return None;
            }
        },
        _ => {
            errors.at(input.ident.span(), "`#[derive(DbType)]` needs a tuple struct of one field; an enum takes `#[derive(DbEnum)]`");
            return None;
        }
    };
    if types::option(&inner).is_some() {
        errors.over(&inner, "NULL belongs to the field, not to its type: hold the type itself, and write `Option<..>` where it is a field");
        return None;
    }
    if let Some(reason) = types::refusal(&inner) {
        errors.over(&inner, reason);
        return None;
    }
    let options = Options::read(&input.attrs, "db_type", known::CRATE, errors);
    let operators = operators(&input.ident, &inner);
    let (ident, root, inner) = (&input.ident, root(&options, errors), types::bare(&inner).to_token_stream());
    Some(quote! {
        const _: () = {
            use #root::__private as __sequor;

            #[automatically_derived]
            impl __sequor::FieldType for #ident {
                type Base = #ident;
                const NULLABLE: bool = false;

                fn column_type() -> __sequor::ColumnType {
                    <#inner as __sequor::FieldType>::column_type()
                }

                fn decode(row: &mut dyn __sequor::RowReader, index: usize) -> __sequor::Result<#ident> {
                    <#inner as __sequor::FieldType>::decode(row, index).map(#ident)
                }

                fn to_value(&self) -> __sequor::Value {
                    <#inner as __sequor::FieldType>::to_value(&self.0)
                }

                fn moved(self) -> __sequor::Value {
                    <#inner as __sequor::FieldType>::moved(self.0)
                }

                fn from_value(value: __sequor::Value) -> __sequor::Result<#ident> {
                    <#inner as __sequor::FieldType>::from_value(value).map(#ident)
                }
            }

            #[automatically_derived]
            impl __sequor::Scalar for #ident {
                fn decode_option(row: &mut dyn __sequor::RowReader, index: usize) -> __sequor::Result<::core::option::Option<#ident>> {
                    ::core::result::Result::Ok(<#inner as __sequor::Scalar>::decode_option(row, index)?.map(#ident))
                }
            }

            #operators
        };
    })
}

/// What the columns of such a type can do: a newtype of a number has arithmetic, sums and averages, one of a text has the operators of text.
fn operators(ident: &Ident, inner: &Type) -> TokenStream {
    if types::is_number(inner) {
        quote! {
            #[automatically_derived]
            impl __sequor::Numeric for #ident {
                type Sum = <#inner as __sequor::Numeric>::Sum;
            }
        }
    } else if types::is(inner, "String") {
        quote! {
            #[automatically_derived]
            impl __sequor::Textual for #ident {}
        }
    } else {
        TokenStream::new()
    }
}
