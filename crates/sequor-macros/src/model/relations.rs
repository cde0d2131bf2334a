//! The fields that are relations: reading them, their constants, and their `StaticRelation`s.

use super::Model;
use super::columns::{ColumnField, action};
use crate::attributes::{Given, ItemValue, Options, items, known};
use crate::errors::Errors;
use crate::{names, types};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{LitStr, Type, Visibility};

/// Which field type it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BelongsTo<T>`
    BelongsTo,
    /// `HasOne<T>`
    HasOne,
    /// `HasMany<T>`
    HasMany,
    /// `BelongsToMany<T, J>`
    BelongsToMany,
}

/// A field that is a relation.
pub struct RelationField {
    /// The field.
    pub ident: Ident,
    /// Its name.
    pub name: String,
    /// Its visibility.
    pub visibility: Visibility,
    /// Its doc comment.
    pub docs: TokenStream,
    /// `#[relation(..)]`.
    pub options: Options,
    /// Which field type it is.
    pub kind: Kind,
    /// Its type with `Self` replaced.
    pub tokens: TokenStream,
    /// The other model.
    pub target: TokenStream,
    /// Whether it is a `BelongsTo<T>` and not a `BelongsTo<Option<T>>`.
    pub required: bool,
    /// The model between.
    pub through: Option<TokenStream>,
    /// The fields of the foreign key, on whichever side they are: all that the convention may mean.
    pub key: Vec<String>,
    /// Its position among the relations.
    pub position: u16,
    /// Where its type stands.
    pub span: Span,
}

/// Which relation a field's type is, if any.
pub fn kind(ty: &Type) -> Option<Kind> {
    Some(match types::last(ty)?.ident.to_string().as_str() {
        "BelongsTo" => Kind::BelongsTo,
        "HasOne" => Kind::HasOne,
        "HasMany" => Kind::HasMany,
        "BelongsToMany" => Kind::BelongsToMany,
        _ => return None,
    })
}

/// Reads a relation field.
pub fn read(field: &syn::Field, kind: Kind, model: &Ident, position: usize, errors: &mut Errors) -> Option<RelationField> {
    let ident = field.ident.clone()?;
    let name = names::plain(&ident);
    if let Some(attribute) = field.attrs.iter().find(|attribute| attribute.path().is_ident("field")) {
        errors.over(attribute, format!("`{name}` is a relation: its options are written `#[relation(..)]`"));
    }
    let options = Options::read(&field.attrs, "relation", known::RELATION, errors).of(model);
    let arguments = types::arguments(&field.ty);
    let (target, through) = match (kind, arguments.as_slice()) {
        (Kind::BelongsToMany, [target, through]) => (*target, Some(*through)),
        (Kind::BelongsToMany, _) => {
            errors.over(&field.ty, "write `BelongsToMany<Tag, PostTag>`: the other model and the model between, which holds both keys");
            return None;
        }
        (_, [target]) => (*target, None),
        _ => {
            errors.over(&field.ty, "write the other model between the angle brackets, as in `HasMany<Post>`");
            return None;
        }
    };
    let inner = types::option(target);
    if kind != Kind::BelongsTo && inner.is_some() {
        errors.over(target, "only `BelongsTo` takes an `Option`: the other relations may always be empty");
    }
    let key = options.texts("foreign_key").iter().map(LitStr::value).collect();
    let named = |ty: &Type| types::named_self(types::bare(ty).to_token_stream(), model);
    let mut relation = RelationField {
        docs: super::docs(&field.attrs, &format!("The relation `{name}`.")),
        visibility: field.vis.clone(),
        kind,
        tokens: named(&field.ty),
        target: named(inner.unwrap_or(target)),
        required: kind == Kind::BelongsTo && inner.is_none(),
        through: through.map(named),
        key,
        position: u16::try_from(position).unwrap_or(u16::MAX),
        span: syn::spanned::Spanned::span(&field.ty),
        options,
        name,
        ident,
    };
    if relation.key.is_empty() {
        let owner = if kind == Kind::BelongsTo { relation.name.clone() } else { names::snake_case(&names::plain(model)) };
        relation.key.push(format!("{owner}_id"));
    }
    relation.check(errors);
    Some(relation)
}

/// The key of a `BelongsTo` is a field of this struct, and may be NULL only when the relation is an `Option`.
pub fn check_key(relation: &RelationField, model: &Model, errors: &mut Errors) {
    if relation.kind != Kind::BelongsTo {
        return;
    }
    let given = relation.options.texts("foreign_key");
    for (place, key) in relation.key.iter().enumerate() {
        let span = given.get(place).map_or(relation.ident.span(), LitStr::span);
        match model.column(key) {
            Some(column) if relation.required && column.is_option() => errors.at(
                relation.span,
                format!("`{key}` is an `Option`, so the row may be missing: write `BelongsTo<Option<{}>>`", relation.target),
            ),
            Some(_) => {}
            None => {
                let fields: Vec<&str> = model.columns.iter().map(|column| column.name.as_str()).collect();
                let near = names::nearest(key, &fields).map(|near| format!(" (there is `{near}`)")).unwrap_or_default();
                errors.at(
                    span,
                    format!(
                        "`{}` needs a field `{key}` for its key{near}: add it, or write `#[relation(foreign_key = \"..\")]`",
                        relation.name
                    ),
                );
            }
        }
    }
}

impl RelationField {
    /// By convention the children of a model that is known by its `code` hold a `drug_id` or a `drug_code`: a nested draft owes neither.
    pub fn name_keys(&mut self, columns: &[ColumnField]) {
        let (true, [conventional]) = (self.options.place("foreign_key").is_none() && self.kind != Kind::BelongsTo, self.key.as_slice())
        else {
            return;
        };
        let owner = conventional.strip_suffix("_id").unwrap_or(conventional).to_owned();
        let mut pointed: Vec<String> = self.options.texts("source_key").iter().map(LitStr::value).collect();
        if pointed.is_empty() {
            pointed = columns.iter().filter(|column| column.options.has("primary_key")).map(|column| column.name.clone()).collect();
        }
        self.key.extend(pointed.iter().filter(|name| *name != "id").map(|name| format!("{owner}_{name}")));
    }

    /// Refuses options that mean nothing for this kind.
    fn check(&self, errors: &mut Errors) {
        let many_to_many = self.kind == Kind::BelongsToMany;
        let belongs = self.kind == Kind::BelongsTo;
        for (option, applies, whom) in [
            ("other_key", many_to_many, "`BelongsToMany`"),
            ("through_scope", many_to_many, "`BelongsToMany`"),
            ("source_key", !belongs, "`HasMany`, `HasOne` and `BelongsToMany`; a `BelongsTo` has `target_key`"),
            ("target_key", belongs || many_to_many, "`BelongsTo` and `BelongsToMany`; here it is `source_key`"),
            ("counter_cache", belongs, "`BelongsTo`"),
            ("touch", belongs, "`BelongsTo`"),
            ("dependent", !belongs, "`HasMany`, `HasOne` and `BelongsToMany`"),
            ("scope", !belongs, "`HasMany`, `HasOne` and `BelongsToMany`"),
        ] {
            if let Some(place) = self.options.place(option).filter(|_| !applies) {
                errors.at(place, format!("`{option}` is for {whom}"));
            }
        }
        if let Some(text) = self.options.text("dependent").filter(|text| text.value() != "destroy") {
            errors.at(
                text.span(),
                format!("`dependent` is \"destroy\" or absent, not \"{}\"; what the database does is `on_delete`", text.value()),
            );
        }
    }

    fn marker(&self) -> TokenStream {
        match (self.kind, &self.through) {
            (Kind::BelongsTo, _) => quote!(__sequor::ToParent),
            (Kind::HasOne, _) => quote!(__sequor::ToOne),
            (Kind::BelongsToMany, Some(through)) => quote!(__sequor::Through<#through>),
            _ => quote!(__sequor::Many),
        }
    }

    /// The type of the constant.
    pub fn typed(&self, model: &Ident) -> TokenStream {
        let (target, marker) = (&self.target, self.marker());
        quote!(__sequor::Relation<#model, #target, #marker>)
    }

    /// The typed constant, `User::POSTS`.
    pub fn constant(&self, model: &Ident) -> TokenStream {
        let RelationField { visibility, docs, name, position, .. } = self;
        let (constant, ty) = (names::constant(&self.ident), self.typed(model));
        let (position, key) = (proc_macro2::Literal::u16_unsuffixed(*position), self.key.join(","));
        let scope = self.scope_fields();
        let scope = (!scope.is_empty()).then(|| quote!(.scoped(#scope)));
        quote! {
            #docs
            #visibility const #constant: #ty = __sequor::Relation::new(#name, #position, #key) #scope;
        }
    }

    /// The fields of the other model that the scope fills, separated by commas.
    fn scope_fields(&self) -> String {
        let Some((_, Given::List(tokens))) = self.options.get("scope") else { return String::new() };
        let names: Vec<String> = items(tokens.clone()).into_iter().filter_map(|item| item.name).map(|name| names::plain(&name)).collect();
        names.join(",")
    }

    /// The name of the field type's constructor.
    pub fn field_type(&self) -> TokenStream {
        match self.kind {
            Kind::BelongsTo => quote!(BelongsTo),
            Kind::HasOne => quote!(HasOne),
            Kind::HasMany => quote!(HasMany),
            Kind::BelongsToMany => quote!(BelongsToMany),
        }
    }

    /// The relation as data.
    pub fn data(&self, errors: &mut Errors) -> TokenStream {
        let (name, target, kind) = (&self.name, &self.target, self.field_type());
        let link = |model: &TokenStream| quote!(<#model as __sequor::Model>::model, <#model as __sequor::Model>::NAME);
        let through = self.through.as_ref().map(link).map(|link| quote!(.through(#link)));
        let target = link(target);
        let base = quote!(__sequor::StaticRelation::to(#name, __sequor::RelationKind::#kind, #target) #through);
        let fields = self.fields(errors);
        if fields.is_empty() {
            return base;
        }
        quote!(__sequor::StaticRelation { #(#fields,)* ..#base })
    }

    fn fields(&self, errors: &mut Errors) -> Vec<TokenStream> {
        let options = &self.options;
        let mut fields = Vec::new();
        for name in ["foreign_key", "other_key", "source_key", "target_key"] {
            if let Some(place) = options.place(name) {
                let (field, texts) = (Ident::new(name, place), options.texts(name));
                fields.push(quote!(#field: &[#(#texts),*]));
            }
        }
        for name in ["on_delete", "on_update"] {
            if let Some(place) = options.place(name) {
                let (field, value) = (Ident::new(name, place), action(options, name, errors));
                fields.push(quote!(#field: #value));
            }
        }
        for name in ["json", "counter_cache"] {
            if let Some(text) = options.text(name) {
                let field = Ident::new(name, text.span());
                fields.push(quote!(#field: ::core::option::Option::Some(#text)));
            }
        }
        for name in ["scope", "through_scope"] {
            if let Some((place, Given::List(tokens))) = options.get(name) {
                let (field, pairs) = (Ident::new(name, place), pairs(tokens.clone(), name, errors));
                fields.push(quote!(#field: || ::std::vec![#(#pairs),*]));
            }
        }
        if let Some((_, Given::Bool(false))) = options.get("constraints") {
            fields.push(quote!(constraints: false));
        }
        for (option, field) in [("dependent", "dependent_destroy"), ("touch", "touch")] {
            if let Some(place) = options.place(option) {
                let field = Ident::new(field, place);
                fields.push(quote!(#field: true));
            }
        }
        if self.required {
            fields.push(quote!(required: true));
        }
        fields
    }
}

/// `name = value` pairs as tuples.
fn pairs(tokens: TokenStream, option: &str, errors: &mut Errors) -> Vec<TokenStream> {
    let mut pairs = Vec::new();
    for item in items(tokens) {
        match (item.name, item.value) {
            (Some(name), ItemValue::Equals(value)) => {
                let name = LitStr::new(&names::plain(&name), name.span());
                let value = super::rules::value(&value);
                pairs.push(quote!((#name, #value)));
            }
            _ => errors.at(item.span, format!("`{option}` is written `{option}(commentable_type = \"post\")`")),
        }
    }
    pairs
}
