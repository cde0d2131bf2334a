//! `#[derive(Projection)]`: a struct of columns, expressions and related rows of a model, which loads only what it names.

use crate::attributes::{Options, known};
use crate::errors::Errors;
use crate::model::{named_fields, root};
use crate::{names, types};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field};

/// One field: how it is selected, how wide it is, how it is read and copied, and what of it is filled later.
struct Item {
    field: Ident,
    select: TokenStream,
    width: TokenStream,
    decode: TokenStream,
    copy: TokenStream,
    lists: Option<Lists>,
    /// Whether `select` and `raw` are lists: those of the columns of an embedded struct.
    spread: bool,
    /// What the column is called in the rows of raw SQL; related rows are none of theirs.
    raw: Option<TokenStream>,
}

/// Lists that a field holds: how many, and how one of them is filled, given its number in the field.
struct Lists {
    count: TokenStream,
    fill: TokenStream,
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

/// A column by its constant, or by the name of its field in quotes.
fn named(column: &TokenStream, of: &TokenStream) -> TokenStream {
    let name = syn::parse2::<syn::LitStr>(column.clone()).and_then(|name| name.parse::<syn::Ident>());
    match name {
        Ok(name) => {
            let (constant, of) = (names::constant(&name), types::at(of.clone(), name.span()));
            quote!(#of::#constant)
        }
        Err(_) => column.clone(),
    }
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
        return Some(related(&ident, ty, of, &options));
    }
    if options.has("embed") {
        return Some(embedded(ident, ty, of, &options, errors));
    }
    let text = names::plain(&ident);
    let (select, raw) = match (options.tokens("expr"), options.tokens("column")) {
        (Some(expression), _) => {
            (quote_spanned!(expression.span()=> __sequor::projected::<#of, #ty>(#expression)), quote!(__sequor::Name::Borrowed(#text)))
        }
        (None, Some(column)) => {
            let column = named(column, of);
            (
                quote_spanned!(column.span()=> __sequor::projected_column::<#of, #ty>(#column)),
                quote!(__sequor::raw_name::<#of>(#column.name(), #text)),
            )
        }
        (None, None) => {
            let (constant, of) = (names::constant(&ident), types::at(of.clone(), ident.span()));
            (
                quote_spanned!(ident.span()=> __sequor::projected_column::<#of, #ty>(#of::#constant)),
                quote!(__sequor::raw_name::<#of>(#text, #text)),
            )
        }
    };
    let (row, place) = places();
    let select = quote!(__sequor::projected_as(#text, #select));
    Some(Item {
        select,
        width: quote!(1),
        decode: quote_spanned!(ty.span()=> <#ty as __sequor::FieldType>::decode(#row, #place)?),
        copy: quote!(::core::clone::Clone::clone(&self.#ident)),
        lists: None,
        spread: false,
        raw: Some(raw),
        field: ident,
    })
}

/// A whole embedded struct: its columns, one behind the other.
fn embedded(ident: Ident, ty: &syn::Type, of: &TokenStream, options: &Options, errors: &mut Errors) -> Item {
    if options.has("expr") {
        errors.at(
            ident.span(),
            "an embedded struct is no expression: write `embed`, or `embed, column = User::ADDRESS` for a field of another name",
        );
    }
    let column = options.tokens("column").map_or_else(
        || {
            let (constant, of) = (names::constant(&ident), types::at(of.clone(), ident.span()));
            quote!(#of::#constant)
        },
        |column| named(column, of),
    );
    let (row, place) = places();
    Item {
        select: quote_spanned!(ident.span()=> __sequor::projected_embed::<#of, #ty>(#column)),
        width: quote!(<#ty as __sequor::Embed>::COUNT as usize),
        decode: quote_spanned!(ty.span()=> <#ty as __sequor::Embed>::decode(#row, #place)?),
        copy: quote!(::core::clone::Clone::clone(&self.#ident)),
        lists: None,
        spread: true,
        raw: Some(quote!(__sequor::raw_names::<#of, #ty>(#column))),
        field: ident,
    }
}

/// A projection of a relation: of a to-one relation, whose row may be missing when the field is an `Option`, or a list of a to-many relation.
fn related(ident: &Ident, ty: &syn::Type, of: &TokenStream, options: &Options) -> Item {
    let constant = names::constant(ident);
    let own = types::at(of.clone(), ident.span());
    let relation = options.tokens("relation").cloned().unwrap_or_else(|| quote!(#own::#constant));
    let other = |inner: &syn::Type| options.tokens("of").cloned().unwrap_or_else(|| quote!(<#inner as __sequor::Projection>::Of));
    if let Some(inner) = types::argument(ty, "Vec") {
        return list(ident, inner, of, &relation, &other(inner));
    }
    let (inner, optional) = types::option(ty).map_or((ty, false), |inner| (inner, true));
    let other = other(inner);
    let projection = quote!(<#inner as __sequor::Projection>);
    let (row, place) = places();
    // Before the cells of an optional one stands one that tells whether there is a row.
    let ahead = usize::from(optional);
    let width = quote!(#ahead + #projection::WIDTH);
    let read = quote!(#projection::decode(#row, #place + #ahead)?);
    let (decode, copy, fill) = if optional {
        let decode = quote! {
            if #row.is_null(#place)? { ::core::option::Option::None } else { ::core::option::Option::Some(#read) }
        };
        let copy = quote!(::core::option::Option::map(::core::option::Option::as_ref(&self.#ident), #projection::copy));
        let fill = quote! {
            match &mut self.#ident {
                ::core::option::Option::Some(inner) => #projection::fill(inner, list, rows),
                ::core::option::Option::None => ::core::result::Result::Ok(()),
            }
        };
        (decode, copy, fill)
    } else {
        (read, quote!(#projection::copy(&self.#ident)), quote!(#projection::fill(&mut self.#ident, list, rows)))
    };
    let select = quote_spanned!(ident.span()=> __sequor::projected_relation::<#inner, #of, #other, _>(#relation, #optional));
    let lists = Some(Lists { count: quote!(#projection::LISTS), fill });
    Item { field: ident.clone(), select, width, decode, copy, lists, spread: false, raw: None }
}

/// A list: nothing in the row itself; its rows come from a statement of their own.
fn list(ident: &Ident, inner: &syn::Type, of: &TokenStream, relation: &TokenStream, other: &TokenStream) -> Item {
    let name = ident.to_string();
    let name = name.trim_start_matches("r#");
    let fill = quote! {{
        self.#ident = __sequor::list_rows::<#inner>(rows)?;
        ::core::result::Result::Ok(())
    }};
    Item {
        select: quote_spanned!(ident.span()=> __sequor::projected_list::<#inner, #of, #other, _>(#relation, #name)),
        width: quote!(0),
        decode: quote!(::std::vec::Vec::<#inner>::new()),
        copy: quote!(::core::iter::Iterator::collect(::core::iter::Iterator::map(self.#ident.iter(), <#inner as __sequor::Projection>::copy))),
        lists: Some(Lists { count: quote!(1), fill }),
        spread: false,
        raw: None,
        field: ident.clone(),
    }
}

/// The names of the reader and of the place in the row, which no field can shadow.
fn places() -> (Ident, Ident) {
    (names::own("row"), names::own("place"))
}

fn emit(ident: &Ident, root: &TokenStream, of: &TokenStream, items: &[Item]) -> TokenStream {
    let widths = items.iter().map(|item| &item.width);
    let selects = listed(items.iter().map(|item| (&item.select, item.spread)));
    let (row, place) = places();
    let reads = items.iter().map(|item| {
        let Item { field, decode, width, .. } = item;
        quote!(let #field = { #decode }; #place += #width;)
    });
    let fields = items.iter().map(|item| &item.field);
    let copies = items.iter().map(|Item { field, copy, .. }| quote!(#field: #copy));
    let counts = items.iter().filter_map(|item| item.lists.as_ref()).map(|lists| &lists.count);
    let fills = items.iter().filter_map(|item| item.lists.as_ref()).map(|Lists { count, fill }| {
        quote! {
            if (0..#count).contains(&list) {
                return #fill;
            }
            let list = list - #count;
        }
    });
    let raw = from_row(ident, items);
    quote! {
        const _: () = {
            use #root::__private as __sequor;

            #raw

            #[automatically_derived]
            impl __sequor::Projection for #ident {
                type Of = #of;
                const WIDTH: usize = 0 #(+ #widths)*;
                const LISTS: usize = 0 #(+ #counts)*;

                fn items() -> ::std::vec::Vec<__sequor::ProjectionItem> {
                    #selects
                }

                #[allow(unused_assignments)]
                fn decode(#row: &mut dyn __sequor::RowReader, at: usize) -> __sequor::Result<#ident> {
                    let mut #place = at;
                    #(#reads)*
                    ::core::result::Result::Ok(#ident { #(#fields),* })
                }

                #[allow(unused_variables)]
                fn fill(&mut self, list: usize, rows: ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send>) -> __sequor::Result<()> {
                    #(#fills)*
                    __sequor::no_such_list()
                }

                fn copy(&self) -> #ident {
                    #ident { #(#copies),* }
                }
            }
        };
    }
}

/// A list of what each field selects, or is called: one thing, or those of an embedded struct.
fn listed<'a>(items: impl Iterator<Item = (&'a TokenStream, bool)> + Clone) -> TokenStream {
    if items.clone().all(|(_, spread)| !spread) {
        let items = items.map(|(item, _)| item);
        return quote!(::std::vec![#(#items),*]);
    }
    let items = items.map(|(item, spread)| if spread { quote!(list.extend(#item);) } else { quote!(list.push(#item);) });
    quote! {
        let mut list = ::std::vec::Vec::new();
        #(#items)*
        list
    }
}

/// The projection as rows of raw SQL, by the names of their columns, where it holds no related rows.
fn from_row(ident: &Ident, items: &[Item]) -> Option<TokenStream> {
    let names: Option<Vec<_>> = items.iter().map(|item| Some((item.raw.as_ref()?, item.spread))).collect();
    let names = listed(names?.into_iter());
    Some(quote! {
        #[automatically_derived]
        impl __sequor::FromRow for #ident {
            fn names() -> ::std::vec::Vec<__sequor::Name> {
                #names
            }

            fn from_row(row: &mut dyn __sequor::RowReader) -> __sequor::Result<#ident> {
                <#ident as __sequor::Projection>::decode(row, 0)
            }
        }
    })
}
