//! Reading types as the programmer wrote them. A macro sees tokens alone: an alias is what it is called.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// The type without parentheses and without the invisible groups of `macro_rules!`.
pub fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The last segment of a path type.
pub fn last(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// The types between the angle brackets of a path type.
pub fn arguments(ty: &Type) -> Vec<&Type> {
    match last(ty).map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(list)) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the type is called so, whatever its path.
pub fn is(ty: &Type, name: &str) -> bool {
    last(ty).is_some_and(|segment| segment.ident == name)
}

/// The `T` of an `Option<T>`.
pub fn option(ty: &Type) -> Option<&Type> {
    argument(ty, "Option")
}

/// The first argument of a type of this name.
pub fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    if is(ty, name) { arguments(ty).into_iter().next() } else { None }
}

/// The name of the type in messages.
pub fn shown(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    [(" < ", "<"), (" <", "<"), ("< ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ","), ("& ", "&")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Column types of std and of the crates that Sequor knows which are no integers.
const OTHERS: &[&str] = &[
    "bool",
    "f32",
    "f64",
    "String",
    "Uuid",
    "Decimal",
    "DateTime",
    "NaiveDateTime",
    "NaiveDate",
    "NaiveTime",
    "Vec",
    "Json",
    "Range",
    "CiText",
    "Option",
];

/// Column types that are numbers.
const NUMBERS: &[&str] = &["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "Decimal"];

/// Whether the type is certainly a number.
pub fn is_number(ty: &Type) -> bool {
    last(ty).is_some_and(|segment| NUMBERS.iter().any(|number| segment.ident == number))
}

/// Whether the type is certainly no integer: a newtype may be one.
pub fn is_no_integer(ty: &Type) -> bool {
    last(ty).is_some_and(|segment| OTHERS.iter().any(|other| segment.ident == other))
}

/// Why a type can never be a column, with what to write instead.
pub fn refusal(ty: &Type) -> Option<String> {
    let shown = shown(ty);
    match bare(ty) {
        Type::Reference(_) => return Some(format!("a field of a model owns its value: `{shown}` is borrowed, write `String` for text")),
        Type::Tuple(_) | Type::Array(_) | Type::Slice(_) => {
            return Some(format!("`{shown}` is not a column type: use `Json<..>` for a document, `Vec<..>` for a list"));
        }
        _ => {}
    }
    let inner = option(ty).unwrap_or(ty);
    let name = last(inner)?.ident.to_string();
    Some(match name.as_str() {
        "usize" | "isize" => format!("`{shown}` is not a column type, its width depends on the machine: write `i64` or `u64`"),
        "i128" | "u128" => format!("`{shown}` is not a column type: no database has 128 bits, write `Decimal` or `i64`"),
        "char" => format!("`{shown}` is not a column type: write `String`"),
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => format!("`{shown}` is not a column type: write `Json<{shown}>`"),
        "Option" if option(ty).is_some() => format!("`{shown}` cannot be stored: a column has one NULL, write one `Option`"),
        _ => return None,
    })
}

/// The tokens with `Self` replaced by the struct's name.
pub fn named_self(tokens: TokenStream, name: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut name = name.clone();
                name.set_span(ident.span());
                TokenTree::Ident(name)
            }
            TokenTree::Group(group) => {
                let mut changed = Group::new(group.delimiter(), named_self(group.stream(), name));
                changed.set_span(group.span());
                TokenTree::Group(changed)
            }
            other => other,
        })
        .collect()
}

/// The tokens, all at one place.
pub fn at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
