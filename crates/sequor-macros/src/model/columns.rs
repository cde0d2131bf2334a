//! The fields that are columns: reading them, their constants, and their `StaticColumn`s.

use super::rules;
use crate::attributes::{Given, Known, Options, known, path};
use crate::errors::Errors;
use crate::{names, types};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Type, Visibility};

/// A field that is a column, or an embedded struct that is several.
pub struct ColumnField {
    /// The field.
    pub ident: Ident,
    /// Its name.
    pub name: String,
    /// Its visibility.
    pub visibility: Visibility,
    /// Its type as written.
    pub ty: Type,
    /// Its type with `Self` replaced.
    pub tokens: TokenStream,
    /// Its doc comment.
    pub docs: TokenStream,
    /// `#[field(..)]`.
    pub options: Options,
    /// Whether it is an embedded struct.
    pub embed: bool,
    /// Whether its type can never be a column: it is reported, and left out of the rest.
    pub refused: bool,
    /// Its position among the columns, as an expression of type `u16`.
    pub position: TokenStream,
    /// Its position where no embedded struct stands before it.
    pub fixed: Option<usize>,
}

/// Reads a field.
pub fn read(field: &syn::Field, model: &Ident, known: &'static [Known], errors: &mut Errors) -> Option<ColumnField> {
    let ident = field.ident.clone()?;
    if let Some(attribute) = field.attrs.iter().find(|attribute| attribute.path().is_ident("relation")) {
        errors.over(
            attribute,
            format!("`{ident}` is no relation: its type is one of HasMany<T>, HasOne<T>, BelongsTo<T>, BelongsToMany<T, J>"),
        );
    }
    let options = Options::read(&field.attrs, "field", known, errors).of(model);
    let embed = options.has("embed");
    let reason = match embed {
        true if types::option(&field.ty).is_some() => {
            Some("an embedded struct is always there: write the struct itself and make its fields `Option`s".to_owned())
        }
        true => None,
        false => types::refusal(&field.ty),
    };
    let refused = reason.is_some();
    if let Some(reason) = reason {
        errors.over(&field.ty, reason);
    }
    let name = names::plain(&ident);
    let column = ColumnField {
        docs: super::docs(&field.attrs, &format!("The {} `{name}`.", if embed { "embedded struct" } else { "column" })),
        name,
        ident,
        visibility: field.vis.clone(),
        tokens: types::named_self(types::bare(&field.ty).to_token_stream(), model),
        ty: types::bare(&field.ty).clone(),
        options,
        embed: embed && !refused,
        refused,
        position: TokenStream::new(),
        fixed: None,
    };
    column.check(errors);
    Some(column)
}

/// The longest key that has a type of its own: a tuple with as many places.
const LONGEST_KEY: usize = 8;

/// Refuses the first column too many of a composite key, whose type no trait would know.
pub fn limit_key(columns: &mut [ColumnField], errors: &mut Errors) {
    let key = columns.iter_mut().filter(|column| column.options.has("primary_key"));
    for (place, column) in key.enumerate().skip(LONGEST_KEY) {
        if place == LONGEST_KEY {
            errors.over(
                &column.ident,
                "a primary key has at most eight columns: make one column the key, and the others `#[model(unique(columns(..)))]`",
            );
        }
        column.refused = true;
    }
}

/// A field that cannot be a column, of which nothing but its place in the struct is left.
pub fn leave_out(field: &syn::Field, model: &Ident) -> Option<ColumnField> {
    let mut quiet = Errors::default();
    let mut column = read(field, model, &[], &mut quiet)?;
    column.refused = true;
    Some(column)
}

/// Gives each column its position; an embedded struct takes as many as it has columns.
pub fn place(columns: &mut [ColumnField]) {
    let (mut number, mut embeds) = (0_usize, Vec::new());
    for column in columns {
        let literal = proc_macro2::Literal::u16_unsuffixed(u16::try_from(number).unwrap_or(u16::MAX));
        column.fixed = embeds.is_empty().then_some(number);
        column.position = quote!(#literal #(+ <#embeds as __sequor::Embed>::COUNT)*);
        if column.embed {
            embeds.push(column.tokens.clone());
        } else {
            number += 1;
        }
    }
}

impl ColumnField {
    /// Whether the field is an `Option`.
    pub fn is_option(&self) -> bool {
        types::option(&self.ty).is_some()
    }

    /// Refuses combinations that cannot be meant.
    fn check(&self, errors: &mut Errors) {
        let (options, shown) = (&self.options, types::shown(&self.ty));
        if let Some(place) = options.place("auto_increment").filter(|_| !self.refused) {
            if types::is_no_integer(&self.ty) {
                errors.over(&self.ty, format!("`auto_increment` needs an integer, `{}` is a `{shown}`", self.name));
            } else if options.has("default") || options.has("db_default") {
                errors.at(place, "`auto_increment` is a default of its own: remove the other one");
            }
        }
        if options.has("primary_key") && self.is_option() {
            errors.over(&self.ty, format!("a primary key is never NULL: `{}` cannot be an `Option`", self.name));
        }
        self.exclude("default", &["db_default", "generated"], errors);
        self.exclude("db_default", &["generated"], errors);
        if let Some(place) = options.place("stored").filter(|_| !options.has("generated")) {
            errors.at(place, "`stored` belongs to `generated = \"..\"`");
        }
        if self.embed {
            let allowed = ["embed", "column", "json"];
            for option in known::FIELD.iter().filter(|option| !allowed.contains(&option.name)) {
                if let Some(place) = options.place(option.name) {
                    errors.at(place, format!("`{}` does not go with `embed`: write it on a field of `{shown}`", option.name));
                }
            }
        }
    }

    fn exclude(&self, option: &str, others: &[&str], errors: &mut Errors) {
        let Some(place) = self.options.place(option) else { return };
        if let Some(other) = others.iter().find(|other| self.options.has(other)) {
            errors.at(place, format!("`{option}` and `{other}` exclude each other: a value comes from one place"));
        }
    }

    /// The typed constant, `User::EMAIL`.
    pub fn constant(&self, model: &Ident) -> TokenStream {
        let ColumnField { visibility, tokens, docs, name, position, .. } = self;
        let constant = names::constant(&self.ident);
        if self.embed {
            return quote! {
                #docs
                #visibility const #constant: __sequor::EmbeddedColumn<#model, #tokens> = __sequor::EmbeddedColumn::new(#position);
            };
        }
        quote! {
            #docs
            #visibility const #constant: __sequor::Column<#model, #tokens> = __sequor::Column::new(#name, #position);
        }
    }

    /// The column as data.
    pub fn data(&self, errors: &mut Errors) -> TokenStream {
        let (name, ty) = (&self.name, &self.tokens);
        let fields = self.fields(errors);
        if !self.embed {
            return quote!(__sequor::StaticColumn { name: #name, #(#fields,)* ..<#ty as __Field>::COLUMN });
        }
        let base = quote!(__sequor::StaticColumn::embedded(#name, <#ty as __sequor::Embed>::COLUMNS));
        if fields.is_empty() { base } else { quote!(__sequor::StaticColumn { #(#fields,)* ..#base }) }
    }

    fn fields(&self, errors: &mut Errors) -> Vec<TokenStream> {
        let options = &self.options;
        let mut fields = Vec::new();
        for name in ["column", "json", "db_type", "comment", "renamed_from"] {
            if let Some(text) = options.text(name) {
                let field = Ident::new(name, text.span());
                fields.push(quote!(#field: ::core::option::Option::Some(#text)));
            }
        }
        for name in ["primary_key", "auto_increment", "hidden", "sensitive"] {
            if let Some(place) = options.place(name) {
                let field = Ident::new(name, place);
                fields.push(quote!(#field: true));
            }
        }
        for name in ["unique", "index"] {
            if let Some((place, given)) = options.get(name).filter(|(_, given)| !matches!(given, Given::List(_))) {
                let field = Ident::new(name, place);
                let group = if let Given::Text(text) = given { text.to_token_stream() } else { quote!("") };
                fields.push(quote!(#field: ::core::option::Option::Some(#group)));
            }
        }
        if let Some(sql) = options.text("generated") {
            let stored = options.has("stored");
            fields.push(quote!(generated: ::core::option::Option::Some((#sql, #stored))));
        }
        fields.extend(self.default_value());
        fields.extend(self.references(errors));
        fields.extend(self.setter(errors));
        let rules = rules::emit(options, &self.ty, &self.tokens, errors);
        if !rules.is_empty() {
            fields.push(quote!(rules: &[#(#rules),*]));
        }
        fields
    }

    fn default_value(&self) -> Option<TokenStream> {
        if let Some(sql) = self.options.text("db_default") {
            return Some(quote!(default: __sequor::StaticDefault::Db(#sql)));
        }
        let value = self.options.tokens("default")?;
        let (ty, kind) = (&self.tokens, if is_constant(value) { quote!(Value) } else { quote!(Function) });
        let convert = quote_spanned!(value.span()=> <#ty as __Field>::stored(#value));
        Some(quote!(default: __sequor::StaticDefault::#kind(|| #convert)))
    }

    fn references(&self, errors: &mut Errors) -> Option<TokenStream> {
        let (place, given) = self.options.get("references")?;
        let Given::List(tokens) = given else { return None };
        let list = Options::nested(tokens.clone(), "references", known::REFERENCES, errors);
        let Some(table) = list.text("table").or_else(|| list.text("model")) else {
            errors.at(place, "`references` needs a table: `references(table = \"users\", column = \"id\")`");
            return None;
        };
        let column = list.text("column").or_else(|| list.text("key")).map_or_else(|| quote!("id"), ToTokens::to_token_stream);
        let on_delete = action(&list, "on_delete", errors);
        let on_update = action(&list, "on_update", errors);
        Some(quote!(references: ::core::option::Option::Some((#table, #column, #on_delete, #on_update))))
    }

    fn setter(&self, errors: &mut Errors) -> Option<TokenStream> {
        let (_, given) = self.options.get("set_with")?;
        let (function, ty) = (path(given, errors)?, &self.tokens);
        let call = quote_spanned!(function.span()=> __sequor::set_with::<#ty, _>(value, #function));
        Some(quote!(set_with: ::core::option::Option::Some(|value| #call)))
    }
}

/// A referential action as an `Option<&str>`; an unknown one is an error.
pub fn action(options: &Options, name: &str, errors: &mut Errors) -> TokenStream {
    let Some(text) = options.text(name) else { return quote!(::core::option::Option::None) };
    let value = text.value().to_lowercase().replace('_', " ");
    if !known::ACTIONS.contains(&value.as_str()) {
        errors.at(text.span(), format!("`{name}` has no action `{}`{}", text.value(), names::instead(&value, known::ACTIONS)));
        return quote!(::core::option::Option::None);
    }
    quote!(::core::option::Option::Some(#text))
}

/// Whether an expression is a literal or a path: its value is the same for every row, and goes into the table.
fn is_constant(value: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Literal(_)] => true,
        // Keywords, so no path.
        [TokenTree::Ident(word)] if word == "true" || word == "false" => true,
        [TokenTree::Punct(minus), TokenTree::Literal(_)] => minus.as_char() == '-',
        [TokenTree::Group(group)] if group.delimiter() == proc_macro2::Delimiter::None => is_constant(&group.stream()),
        _ => syn::parse2::<syn::Path>(value.clone()).is_ok(),
    }
}
