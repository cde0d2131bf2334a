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
    Expr::Case { arms: vec![arm], otherwise: Some(Box::new(empty())) }
}

fn empty() -> Expr {
    document(serde_json::json!({}))
}

/// The document, where it is an object; else an empty one. What was set before is an object already.
fn object_of(document: &Expr) -> Expr {
    if is_object(document) { document.clone() } else { object_at(document, &[]) }
}

fn is_object(expr: &Expr) -> bool {
    match expr {
        Expr::JsonSet { path, value: Some(_), .. } if matches!(path.first(), Some(JsonSegment::Key(_))) => true,
        Expr::JsonSet { expr, value: None, .. } => is_object(expr),
        Expr::Value(Value::Json(literal), _) => literal.is_object(),
        other => origin(other).is_some(),
    }
}

/// The document and the place that an expression of [`object_at`] looks at.
fn origin(expr: &Expr) -> Option<(&Expr, &[JsonSegment])> {
    let Expr::Case { arms, .. } = expr else { return None };
    let [CaseArm { then: Expr::Json { expr: base, path, take: JsonAs::Json }, .. }] = arms.as_slice() else { return None };
    (*expr == object_at(base, path)).then_some((base.as_ref(), path.as_slice()))
}

/// The document with a path set, as `set_path` sets it.
pub(crate) fn set_inside(of: &Expr, path: &[JsonSegment], value: serde_json::Value) -> Expr {
    set_at(of, path, document(value))
}

/// Sets a path. Objects are made on its way, members of lists are not: where one is missing the document stays as it is.
fn set_at(document: &Expr, path: &[JsonSegment], value: Expr) -> Expr {
    let Some(last) = path.iter().rposition(|segment| matches!(segment, JsonSegment::Index(_))) else {
        return set_keys(object_of(document), path, value);
    };
    let (member, keys) = path.split_at(last + 1);
    if let Some((base, known)) = member_set(document, member) {
        let value = if keys.is_empty() { value } else { set_keys(object_of_set(known), keys, value) };
        return set_member(base, member, value);
    }
    let value = if keys.is_empty() { value } else { set_keys(object_at(document, member), keys, value) };
    set_member(document, member, value)
}

fn set_member(document: &Expr, member: &[JsonSegment], value: Expr) -> Expr {
    let set = Expr::JsonSet { expr: Box::new(document.clone()), path: member.to_vec(), value: Some(Box::new(value)) };
    let arm = CaseArm { when: taken(document, member, JsonAs::Exists), then: set };
    Expr::Case { arms: vec![arm], otherwise: Some(Box::new(document.clone())) }
}

/// The document whose member was set by the step before, and what the member was set to: a further step changes that, and repeats neither.
fn member_set<'a>(set: &'a Expr, member: &[JsonSegment]) -> Option<(&'a Expr, &'a Expr)> {
    let Expr::Case { arms, otherwise: Some(otherwise) } = set else { return None };
    let [CaseArm { when, then: Expr::JsonSet { expr, path, value: Some(value) } }] = arms.as_slice() else { return None };
    (path == member && expr == otherwise && *when == taken(expr, member, JsonAs::Exists)).then_some((expr, value))
}

/// What was set, where it is an object; else an empty one.
fn object_of_set(set: &Expr) -> Expr {
    match set {
        Expr::Value(Value::Json(literal), _) if !literal.is_object() => empty(),
        set => object_of(set),
    }
}

/// Sets keys of an object, one inside the other.
fn set_keys(object: Expr, keys: &[JsonSegment], value: Expr) -> Expr {
    match keys {
        [] => object,
        [key] => put(object, key, value),
        [key, rest @ ..] => {
            let inner = set_keys(child(&object, key), rest, value);
            put(object, key, inner)
        }
    }
}

/// What lies under a key of an object if it is an object, else an empty one. What was set before is looked at, not asked for again: each step of a
/// chain would repeat all steps before it, and so would they.
fn child(object: &Expr, key: &JsonSegment) -> Expr {
    match object {
        Expr::JsonSet { path, value, .. } if path.as_slice() == std::slice::from_ref(key) => match value.as_deref() {
            None => empty(),
            Some(set) => object_of_set(set),
        },
        Expr::JsonSet { expr, path, .. } if matches!(path.as_slice(), [JsonSegment::Key(_)]) => child(expr, key),
        Expr::Value(Value::Json(literal), _) => match key {
            JsonSegment::Key(key) => literal.get(key.as_ref()).filter(|inner| inner.is_object()).cloned().map_or_else(empty, document),
            JsonSegment::Index(_) => empty(),
        },
        other => match origin(other) {
            Some((base, at)) => object_at(base, &at.iter().chain([key]).cloned().collect::<Vec<_>>()),
            None => object_at(other, std::slice::from_ref(key)),
        },
    }
}

/// Sets a key of an object, in the place of what was set under it before.
fn put(mut object: Expr, key: &JsonSegment, value: Expr) -> Expr {
    let mut at = &mut object;
    while let Expr::JsonSet { expr, path, value: known } = at {
        let [step @ JsonSegment::Key(_)] = path.as_slice() else { break };
        if step == key {
            match known {
                Some(known) => **known = value,
                None => break,
            }
            return object;
        }
        at = expr;
    }
    Expr::JsonSet { expr: Box::new(object), path: vec![key.clone()], value: Some(Box::new(value)) }
}

/// RFC 7396: objects merge key by key, null removes, everything else replaces.
fn merged(mut object: Expr, patch: serde_json::Map<String, serde_json::Value>) -> Expr {
    for (key, value) in patch {
        let key = JsonSegment::Key(Name::Owned(key));
        object = match value {
            serde_json::Value::Null => Expr::JsonSet { expr: Box::new(object), path: vec![key], value: None },
            serde_json::Value::Object(inner) => {
                let inner = merged(child(&object, &key), inner);
                put(object, &key, inner)
            }
            plain => put(object, &key, document(plain)),
        };
    }
    object
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
                    serde_json::Value::Object(patch) => merged(object_of(&self.expr()), patch),
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
