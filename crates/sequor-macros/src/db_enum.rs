//! `#[derive(DbEnum)]`: an enum as labels of the database.

use crate::attributes::beside::Beside;
use crate::attributes::{Given, Options, known};
use crate::errors::Errors;
use crate::model::{root, style_is_known};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Fields, LitStr};

/// A variant and its label.
struct Variant {
    ident: Ident,
    label: LitStr,
    plain: bool,
}

/// Expands `#[derive(DbEnum)]`.
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
    let Data::Enum(data) = &input.data else {
        errors.at(input.ident.span(), "`#[derive(DbEnum)]` is for enums; a newtype struct takes `#[derive(DbType)]`");
        return None;
    };
    if !input.generics.params.is_empty() {
        errors.over(&input.generics, "`#[derive(DbEnum)]` takes no generic enums");
        return None;
    }
    let options = Options::read(&input.attrs, "db_enum", known::DB_ENUM, errors);
    let root = root(&options, errors);
    let style = options.text("rename_all").map(LitStr::value).unwrap_or_default();
    if let Some(style) = options.text("rename_all") {
        style_is_known(style, names::LABEL_STYLES, errors);
    }
    let variants: Vec<Variant> = data.variants.iter().map(|variant| read_variant(variant, &input.ident, &style, errors)).collect();
    for (place, variant) in variants.iter().enumerate() {
        if let Some(other) = variants[..place].iter().find(|other| other.label.value() == variant.label.value()) {
            errors.at(variant.label.span(), format!("the label `{}` is that of `{}` already", variant.label.value(), other.ident));
        }
    }
    if data.variants.is_empty() {
        errors.at(input.ident.span(), "an enum without variants has no value that could be stored");
        return None;
    }
    let name = options.text("name").map_or_else(|| names::snake_case(&names::plain(&input.ident)), LitStr::value);
    let mut beside = Beside::read("DbEnum", input);
    let nowhere_seen = !beside.serialize && !beside.deserialize && has_own_serde(input, data);
    if nowhere_seen || matches!(options.get("serde"), Some((_, Given::Bool(false)))) {
        (beside.serialize, beside.deserialize) = (true, true);
    }
    Some(emit(&input.ident, &root, &name, &variants, beside))
}

/// Whether serde's own derive stands beside ours, as far as its attributes tell.
fn has_own_serde(input: &DeriveInput, data: &syn::DataEnum) -> bool {
    let of_variants = data.variants.iter().flat_map(|variant| &variant.attrs);
    input.attrs.iter().chain(of_variants).any(|attribute| attribute.path().is_ident("serde"))
}

fn read_variant(variant: &syn::Variant, ident: &Ident, style: &str, errors: &mut Errors) -> Variant {
    let plain = matches!(variant.fields, Fields::Unit);
    if !plain {
        errors.over(
            &variant.fields,
            format!("`{}` holds data: a label of the database is a bare variant; for data use `Json<{ident}>`", variant.ident),
        );
    }
    let own = Options::read(&variant.attrs, "db_enum", known::VARIANT, errors);
    let renamed = || LitStr::new(&names::label(&names::plain(&variant.ident), style), variant.ident.span());
    Variant { ident: variant.ident.clone(), label: own.text("rename").cloned().unwrap_or_else(renamed), plain }
}

fn emit(ident: &Ident, root: &TokenStream, name: &str, variants: &[Variant], beside: Beside) -> TokenStream {
    let shown = variants.iter().map(|Variant { ident: variant, label, plain }| {
        let rest = (!plain).then(|| quote!({ .. }));
        quote!(#ident::#variant #rest => #label,)
    });
    let mut known: Vec<String> = Vec::new();
    let mut is_new = |label: &LitStr| {
        let new = !known.contains(&label.value());
        known.push(label.value());
        new
    };
    // A label that occurs twice, and a variant with data, are reported already.
    let plain: Vec<&Variant> = variants.iter().filter(|variant| variant.plain && is_new(&variant.label)).collect();
    let (variant, label): (Vec<_>, Vec<_>) = plain.iter().map(|variant| (&variant.ident, &variant.label)).unzip();
    let text = names::plain(ident);
    let (field, texts, serde) = (as_field(ident, &text), as_text(ident, &text, beside), as_json(ident, &text, beside));
    quote! {
        const _: () = {
            use #root::__private as __sequor;

            #[automatically_derived]
            impl __sequor::DbEnum for #ident {
                const VARIANTS: &'static [#ident] = &[#(#ident::#variant),*];

                fn definition() -> &'static __sequor::Arc<__sequor::EnumDef> {
                    static DEFINITION: __sequor::OnceLock<__sequor::Arc<__sequor::EnumDef>> = __sequor::OnceLock::new();
                    DEFINITION.get_or_init(|| __sequor::enum_definition(#name, &[#(#label),*]))
                }

                fn label(&self) -> &'static str {
                    match self { #(#shown)* }
                }

                fn from_label(label: &str) -> ::core::option::Option<#ident> {
                    match label { #(#label => ::core::option::Option::Some(#ident::#variant),)* _ => ::core::option::Option::None }
                }
            }

            #field
            #texts
            #serde
        };
    }
}

/// The enum as a column's type.
fn as_field(ident: &Ident, text: &str) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl __sequor::FieldType for #ident {
            type Base = #ident;
            const NULLABLE: bool = false;

            fn column_type() -> __sequor::ColumnType {
                __sequor::ColumnType::Enum(<#ident as __sequor::DbEnum>::definition().clone())
            }

            fn decode(row: &mut dyn __sequor::RowReader, index: usize) -> __sequor::Result<#ident> {
                __sequor::some_cell(<#ident as __sequor::Scalar>::decode_option(row, index)?)
            }

            fn to_value(&self) -> __sequor::Value {
                __sequor::Value::from(<#ident as __sequor::DbEnum>::label(self))
            }

            fn from_value(value: __sequor::Value) -> __sequor::Result<#ident> {
                __sequor::enum_value(#text, value)
            }
        }

        #[automatically_derived]
        impl __sequor::Scalar for #ident {
            fn decode_option(row: &mut dyn __sequor::RowReader, index: usize) -> __sequor::Result<::core::option::Option<#ident>> {
                __sequor::enum_cell(#text, row, index)
            }
        }
    }
}

/// The enum as text and back, unless others say how.
fn as_text(ident: &Ident, text: &str, beside: Beside) -> TokenStream {
    let display = (!beside.display).then(|| {
        quote! {
            #[automatically_derived]
            impl ::core::fmt::Display for #ident {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.pad(<#ident as __sequor::DbEnum>::label(self))
                }
            }
        }
    });
    let from_str = (!beside.from_str).then(|| {
        quote! {
            #[automatically_derived]
            impl ::core::str::FromStr for #ident {
                type Err = __sequor::Error;

                fn from_str(text: &str) -> ::core::result::Result<#ident, __sequor::Error> {
                    <#ident as __sequor::DbEnum>::from_label(text).ok_or_else(|| __sequor::unknown_label(#text))
                }
            }
        }
    });
    quote!(#display #from_str)
}

/// The enum in JSON: its label, unless serde's derives, or impls, stand beside it.
fn as_json(ident: &Ident, text: &str, beside: Beside) -> TokenStream {
    let serialize = (!beside.serialize).then(|| {
        quote! {
            #[automatically_derived]
            impl __sequor::serde::Serialize for #ident {
                fn serialize<S: __sequor::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                    serializer.serialize_str(<#ident as __sequor::DbEnum>::label(self))
                }
            }
        }
    });
    let deserialize = (!beside.deserialize).then(|| {
        quote! {
            #[automatically_derived]
            impl<'de> __sequor::serde::Deserialize<'de> for #ident {
                fn deserialize<D: __sequor::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<#ident, D::Error> {
                    __sequor::deserialize_enum(#text, deserializer)
                }
            }
        }
    });
    quote!(#serialize #deserialize)
}
