//! New documents from old ones: a path set or removed, a document merged. For `set(User::SETTINGS, User::SETTINGS.set_path(..))`.

use super::super::column::{Column, TypedExpr};
use super::{JsonColumn, JsonPath, parse_path};
use crate::query::Filter;
use sequor_core::Name;
use sequor_core::statement::{BinaryOp, CaseArm, Expr, JsonAs, JsonSegment};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::value::Value;

fn document(value: serde_json::Value) -> Expr {
    Expr::Value(Value::from(value), BindType::one(ScalarType::Jsonb))
}

fn taken(expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Expr {
    Expr::Json { expr: Box::new(expr.clone()), path: path.to_vec(), take }
}

/// What lies at a path if it is an object, else an empty object: databases disagree about paths whose parents are missing.
fn object_at(base: &Expr, path: &[JsonSegment]) -> Expr {
    let kind = taken(base, path, JsonAs::Kind);
    let object = Expr::Value("object".into(), BindType::one(ScalarType::Text));
    let arm = CaseArm { when: kind.binary(BinaryOp::Equal, object), then: taken(base, path, JsonAs::Json) };
    Expr::Case { arms: vec![arm], otherwise: Some(Box::new(document(serde_json::json!({})))) }
}

/// The document, where it is an object; else an empty one. What was set before is an object already.
fn object_of(document: &Expr) -> Expr {
    match document {
        Expr::JsonSet { path, value: Some(_), .. } if matches!(path.first(), Some(JsonSegment::Key(_))) => document.clone(),
        _ => object_at(document, &[]),
    }
}

/// Sets a path. Objects are made on its way, members of lists are not: where one is missing the document stays as it is.
fn set_at(document: &Expr, path: &[JsonSegment], value: Expr) -> Expr {
    let Some(last) = path.iter().rposition(|segment| matches!(segment, JsonSegment::Index(_))) else {
        return set_keys(object_of(document), (document, &[]), path, value);
    };
    let (member, keys) = path.split_at(last + 1);
    let value = if keys.is_empty() { value } else { set_keys(object_at(document, member), (document, member), keys, value) };
    let set = Expr::JsonSet { expr: Box::new(document.clone()), path: member.to_vec(), value: Some(Box::new(value)) };
    let arm = CaseArm { when: taken(document, member, JsonAs::Exists), then: set };
    Expr::Case { arms: vec![arm], otherwise: Some(Box::new(document.clone())) }
}

/// Sets keys of an object that lies in a document, one inside the other.
fn set_keys(object: Expr, (document, at): (&Expr, &[JsonSegment]), keys: &[JsonSegment], value: Expr) -> Expr {
    let (step, value) = match keys {
        [first, rest @ ..] if !rest.is_empty() => {
            let inner: Vec<JsonSegment> = at.iter().chain([first]).cloned().collect();
            (&keys[..1], set_keys(object_at(document, &inner), (document, &inner), rest, value))
        }
        _ => (keys, value),
    };
    Expr::JsonSet { expr: Box::new(object), path: step.to_vec(), value: Some(Box::new(value)) }
}

/// RFC 7396: objects merge key by key, null removes, everything else replaces.
fn merged(base: &Expr, at: &[JsonSegment], patch: serde_json::Map<String, serde_json::Value>) -> Expr {
    let mut result = if at.is_empty() { object_of(base) } else { object_at(base, at) };
    for (key, value) in patch {
        let step = JsonSegment::Key(Name::Owned(key));
        let value = match value {
            serde_json::Value::Null => None,
            serde_json::Value::Object(inner) => {
                let mut path = at.to_vec();
                path.push(step.clone());
                Some(Box::new(merged(base, &path, inner)))
            }
            plain => Some(Box::new(document(plain))),
        };
        result = Expr::JsonSet { expr: Box::new(result), path: vec![step], value };
    }
    result
}

macro_rules! documents {
    ($name:ident < M, T $(, $grain:ident)? >) => {
        impl<M, T: JsonColumn $(, $grain)?> $name<M, T $(, $grain)?> {
            /// The document with a path set; objects that are missing on its way are made, members of lists are not. What is no object (NULL too) gives way to one.
            pub fn set_path(self, path: &str, value: impl Into<serde_json::Value>) -> TypedExpr<M, T> {
                TypedExpr::new(match parse_path(path) {
                    Ok(path) => set_at(&self.expr(), &path, document(value.into())),
                    Err(message) => Expr::Invalid(Name::Owned(message)),
                })
            }

            /// The document without a path; nothing happens where it is missing.
            pub fn remove_path(self, path: &str) -> TypedExpr<M, T> {
                TypedExpr::new(match parse_path(path) {
                    Ok(path) => Expr::JsonSet { expr: Box::new(self.expr()), path, value: None },
                    Err(message) => Expr::Invalid(Name::Owned(message)),
                })
            }

            /// The document with an object merged into it, key by key; null removes a key (RFC 7396). What is no object (NULL too) gives way to one.
            pub fn merge(self, patch: serde_json::Value) -> TypedExpr<M, T> {
                TypedExpr::new(match patch {
                    serde_json::Value::Object(patch) => merged(&self.expr(), &[], patch),
                    _ => Expr::Invalid(Name::Borrowed("only an object can be merged into a document: set_path sets other values")),
                })
            }

            /// Whether the document is an object with a key, also where its value is JSON null. PostgreSQL's `?`.
            pub fn has_key(self, key: &str) -> Filter<M> {
                if key.contains('\0') {
                    return Filter::new(Expr::Invalid(Name::Borrowed("a JSON key cannot hold a NUL")));
                }
                Filter::new(taken(&self.expr(), &[JsonSegment::Key(Name::Owned(key.to_owned()))], JsonAs::Exists))
            }

            /// Whether the document lies whole within another: every key and element of it occurs there. Sequelize: `Op.contained`.
            pub fn contained_in_json(self, whole: serde_json::Value) -> Filter<M> {
                Filter::new(self.expr().binary(BinaryOp::Contained, document(whole)))
            }
        }
    };
}

documents!(Column<M, T>);
documents!(TypedExpr<M, T, G>);

impl<M> JsonPath<M> {
    /// The kind of the value: object, array, string, number, boolean or null; NULL where the path is missing.
    pub fn kind(self) -> TypedExpr<M, Option<String>> {
        TypedExpr::new(self.taken(JsonAs::Kind))
    }

    /// Whether the path is there and holds JSON null, which is not SQL NULL.
    pub fn is_json_null(self) -> Filter<M> {
        let null = Expr::Value("null".into(), BindType::one(ScalarType::Text));
        Filter::new(self.taken(JsonAs::Kind).binary(BinaryOp::Equal, null))
    }

    /// As an instant; what is none is NULL.
    pub fn as_date_time(self) -> TypedExpr<M, Option<chrono::DateTime<chrono::Utc>>> {
        TypedExpr::new(self.taken(JsonAs::DateTime))
    }
}
