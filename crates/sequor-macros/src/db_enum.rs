//! `#[derive(DbEnum)]`: an enum as labels of the database.

use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::model::{root, style_is_known};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Fields, LitStr};

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
    let mut variants: Vec<(Ident, LitStr)> = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.over(
                &variant.fields,
                format!("`{}` holds data: a label of the database is a bare variant; for data use `Json<{}>`", variant.ident, input.ident),
            );
        }
        let own = Options::read(&variant.attrs, "db_enum", known::VARIANT, errors);
        let label = own
            .text("rename")
            .cloned()
            .unwrap_or_else(|| LitStr::new(&names::label(&names::plain(&variant.ident), &style), variant.ident.span()));
        if let Some((other, _)) = variants.iter().find(|(_, known)| known.value() == label.value()) {
            errors.at(label.span(), format!("the label `{}` is that of `{other}` already", label.value()));
            continue;
        }
        if matches!(variant.fields, Fields::Unit) {
            variants.push((variant.ident.clone(), label));
        }
    }
    if data.variants.is_empty() {
        errors.at(input.ident.span(), "an enum without variants has no value that could be stored");
        return None;
    }
    let name = options.text("name").map_or_else(|| names::snake_case(&names::plain(&input.ident)), LitStr::value);
    Some(emit(&input.ident, &root, &name, &variants))
}

fn emit(ident: &Ident, root: &TokenStream, name: &str, variants: &[(Ident, LitStr)]) -> TokenStream {
    let (variant, label): (Vec<_>, Vec<_>) = variants.iter().map(|(variant, label)| (variant, label)).unzip();
    let text = names::plain(ident);
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
                    match self { #(#ident::#variant => #label,)* }
                }

                fn from_label(label: &str) -> ::core::option::Option<#ident> {
                    match label { #(#label => ::core::option::Option::Some(#ident::#variant),)* _ => ::core::option::Option::None }
                }
            }

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

            #[automatically_derived]
            impl ::core::fmt::Display for #ident {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.pad(<#ident as __sequor::DbEnum>::label(self))
                }
            }

            #[automatically_derived]
            impl ::core::str::FromStr for #ident {
                type Err = __sequor::Error;

                fn from_str(text: &str) -> ::core::result::Result<#ident, __sequor::Error> {
                    <#ident as __sequor::DbEnum>::from_label(text).ok_or_else(|| __sequor::unknown_label(#text))
                }
            }

            #[automatically_derived]
            impl __sequor::serde::Serialize for #ident {
                fn serialize<S: __sequor::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                    serializer.serialize_str(<#ident as __sequor::DbEnum>::label(self))
                }
            }

            #[automatically_derived]
            impl<'de> __sequor::serde::Deserialize<'de> for #ident {
                fn deserialize<D: __sequor::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<#ident, D::Error> {
                    __sequor::deserialize_enum(#text, deserializer)
                }
            }
        };
    }
}
