//! [`JsonPath`]: a place inside a JSON column, and what it is compared with.

use super::super::column::TypedExpr;
use super::in_values;
use crate::Json;
use crate::query::Filter;
use sequor_core::Name;
use sequor_core::statement::{BinaryOp, Expr, JsonAs, JsonSegment};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::value::Value;
use std::marker::PhantomData;

/// A path into a JSON column: it compares by the kind of the value it is compared with.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// pub struct Call {
///     #[field(primary_key, auto_increment)]
///     pub id: i64,
///     pub request: Json,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<Call>(SyncMode::Create).await?;
/// draft!(Call { request: json!({ "model": "a-1", "messages": [{ "role": "user" }], "cost": 3 }) }).create(&db).await?;
/// for filter in [
///     Call::REQUEST.path("messages[0].role").eq("user"),
///     Call::REQUEST.path("cost").between(1, 5),
///     Call::REQUEST.path("model").starts_with("a-"),
///     Call::REQUEST.path("messages").len().eq(1),
///     !Call::REQUEST.path("error").exists(),
///     Call::REQUEST.as_text().ilike("%USER%"),
/// ] {
///     assert_eq!(Call::count().filter(filter).exec(&db).await?, 1);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JsonPath<M> {
    expr: Expr,
    path: Vec<JsonSegment>,
    invalid: Option<String>,
    marker: PhantomData<fn() -> M>,
}

/// A value that a JSON path is compared with; it says as what the path is taken.
#[diagnostic::on_unimplemented(
    message = "a JSON path cannot be compared with a `{Self}`",
    label = "expected text, a number, a truth value, an instant or a JSON value"
)]
pub trait JsonOperand {
    /// As what the path is taken.
    fn take(&self) -> JsonAs;
    /// The value.
    fn bound(self) -> Expr;
}

macro_rules! json_operand {
    ($($ty:ty => $take:ident, $bind:ident);* $(;)?) => {$(
        impl JsonOperand for $ty {
            fn take(&self) -> JsonAs {
                JsonAs::$take
            }

            fn bound(self) -> Expr {
                Expr::Value(Value::from(self), BindType::one(ScalarType::$bind))
            }
        }
    )*};
}

json_operand! {
    &str => Text, Text; String => Text, Text; f64 => Number, F64; bool => Boolean, Bool;
    chrono::DateTime<chrono::Utc> => DateTime, DateTime; serde_json::Value => Json, Jsonb;
}

macro_rules! whole_operand {
    ($($ty:ty),*) => {$(
        impl JsonOperand for $ty {
            fn take(&self) -> JsonAs {
                // Below this a float holds every whole number, and the database compares faster.
                let small = i128::from(*self).unsigned_abs() < 1 << 53;
                if small { JsonAs::Number } else { JsonAs::Exact }
            }

            fn bound(self) -> Expr {
                Expr::Value(whole(self.into()), BindType::one(ScalarType::I64))
            }
        }
    )*};
}

whole_operand!(i8, i16, i32, i64, u8, u16, u32, u64);

/// A value that stays.
impl<T: JsonOperand + Clone> JsonOperand for &T {
    fn take(&self) -> JsonAs {
        T::take(self)
    }

    fn bound(self) -> Expr {
        self.clone().bound()
    }
}

fn whole(number: i128) -> Value {
    i64::try_from(number).map(Value::I64).or_else(|_| u64::try_from(number).map(Value::U64)).unwrap_or_default()
}

impl<M> JsonPath<M> {
    /// A path as it is written; a wrong one is an error when the query runs.
    pub(super) fn parse(expr: Expr, path: &str) -> JsonPath<M> {
        match parse_path(path) {
            Ok(path) => JsonPath { expr, path, invalid: None, marker: PhantomData },
            Err(message) => JsonPath { expr, path: Vec::new(), invalid: Some(message), marker: PhantomData },
        }
    }

    pub(super) fn taken(self, take: JsonAs) -> Expr {
        match self.invalid {
            Some(message) => Expr::Invalid(Name::Owned(message)),
            None => Expr::Json { expr: Box::new(self.expr), path: self.path, take },
        }
    }

    fn compared(self, op: BinaryOp, value: impl JsonOperand) -> Filter<M> {
        let take = value.take();
        Filter::new(self.taken(take).binary(op, value.bound()))
    }

    /// Equal.
    #[allow(clippy::should_implement_trait)]
    pub fn eq(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::Equal, value)
    }

    /// Not equal; a path that is missing does not match.
    #[allow(clippy::should_implement_trait)]
    pub fn ne(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::NotEqual, value)
    }

    /// Greater.
    #[allow(clippy::should_implement_trait)]
    pub fn gt(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::Greater, value)
    }

    /// Greater or equal.
    pub fn gte(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::GreaterEqual, value)
    }

    /// Less.
    #[allow(clippy::should_implement_trait)]
    pub fn lt(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::Less, value)
    }

    /// Less or equal.
    pub fn lte(self, value: impl JsonOperand) -> Filter<M> {
        self.compared(BinaryOp::LessEqual, value)
    }

    /// Between two values, both included. Sequelize: `Op.between`.
    pub fn between(self, low: impl JsonOperand, high: impl JsonOperand) -> Filter<M> {
        Filter::new(self.ranged(low, high, false))
    }

    /// Outside of two values. Sequelize: `Op.notBetween`.
    pub fn not_between(self, low: impl JsonOperand, high: impl JsonOperand) -> Filter<M> {
        Filter::new(self.ranged(low, high, true))
    }

    fn ranged(self, low: impl JsonOperand, high: impl JsonOperand, negated: bool) -> Expr {
        let take = if high.take() == JsonAs::Exact { JsonAs::Exact } else { low.take() };
        Expr::Between { expr: Box::new(self.taken(take)), low: Box::new(low.bound()), high: Box::new(high.bound()), negated }
    }

    /// One of a list of values. Sequelize: `Op.in`.
    pub fn is_in<V: JsonOperand>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
        Filter::new(self.listed(values, false))
    }

    /// None of a list of values; a path that is missing does not match. Sequelize: `Op.notIn`.
    pub fn not_in<V: JsonOperand>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
        Filter::new(self.listed(values, true))
    }

    fn listed<V: JsonOperand>(self, values: impl IntoIterator<Item = V>, negated: bool) -> Expr {
        let (mut take, mut list, mut kind) = (JsonAs::Text, Vec::new(), BindType::one(ScalarType::Text));
        for value in values {
            take = if take == JsonAs::Exact { take } else { value.take() };
            if let Expr::Value(value, bind) = value.bound() {
                kind = bind;
                list.push(value);
            }
        }
        in_values(self.taken(take), list, kind, negated)
    }

    /// LIKE, over the path's text. Sequelize: `Op.like`.
    pub fn like(self, pattern: impl Into<String>) -> Filter<M> {
        self.as_text().like(pattern)
    }

    /// NOT LIKE, over the path's text. Sequelize: `Op.notLike`.
    pub fn not_like(self, pattern: impl Into<String>) -> Filter<M> {
        self.as_text().not_like(pattern)
    }

    /// LIKE without case, over the path's text. Sequelize: `Op.iLike`.
    pub fn ilike(self, pattern: impl Into<String>) -> Filter<M> {
        self.as_text().ilike(pattern)
    }

    /// NOT LIKE without case, over the path's text. Sequelize: `Op.notILike`.
    pub fn not_ilike(self, pattern: impl Into<String>) -> Filter<M> {
        self.as_text().not_ilike(pattern)
    }

    /// The path's text begins with a text. Sequelize: `Op.startsWith`.
    pub fn starts_with(self, part: impl AsRef<str>) -> Filter<M> {
        self.as_text().starts_with(part)
    }

    /// The path's text ends with a text. Sequelize: `Op.endsWith`.
    pub fn ends_with(self, part: impl AsRef<str>) -> Filter<M> {
        self.as_text().ends_with(part)
    }

    /// As text, unquoted; missing and JSON null are NULL.
    pub fn as_text(self) -> TypedExpr<M, Option<String>> {
        TypedExpr::new(self.taken(JsonAs::Text))
    }

    /// As a number; what is none is NULL.
    pub fn as_number(self) -> TypedExpr<M, Option<f64>> {
        TypedExpr::new(self.taken(JsonAs::Number))
    }

    /// As a truth value; what is none is NULL.
    pub fn as_bool(self) -> TypedExpr<M, Option<bool>> {
        TypedExpr::new(self.taken(JsonAs::Boolean))
    }

    /// As a JSON value.
    pub fn as_json(self) -> TypedExpr<M, Option<Json>> {
        TypedExpr::new(self.taken(JsonAs::Json))
    }

    /// The number of elements of a list, or of keys of an object.
    pub fn len(self) -> TypedExpr<M, Option<i64>> {
        TypedExpr::new(self.taken(JsonAs::Length))
    }

    /// Whether the path is there, also with JSON null.
    pub fn exists(self) -> Filter<M> {
        Filter::new(self.taken(JsonAs::Exists))
    }

    /// Whether the path is missing, or JSON null.
    pub fn is_null(self) -> Filter<M> {
        Filter::new(Expr::IsNull { expr: Box::new(self.taken(JsonAs::Text)), negated: false })
    }

    /// Whether the path is there and not JSON null.
    pub fn is_not_null(self) -> Filter<M> {
        Filter::new(Expr::IsNull { expr: Box::new(self.taken(JsonAs::Text)), negated: true })
    }

    /// Whether the path's value holds a document.
    pub fn contains(self, part: serde_json::Value) -> Filter<M> {
        let part = Expr::Value(Value::from(part), BindType::one(ScalarType::Jsonb));
        Filter::new(self.taken(JsonAs::Json).binary(BinaryOp::Contains, part))
    }
}

/// Reads `a.b[0]["c.d"]` into segments.
pub(crate) fn parse_path(path: &str) -> std::result::Result<Vec<JsonSegment>, String> {
    let wrong = |what: &str| {
        Err(format!("the JSON path {} {what}; write it like messages[0].role, a key with a dot as [\"a.b\"]", path.escape_debug()))
    };
    let mut segments = Vec::new();
    let mut rest = path;
    let mut first = true;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix("[\"") {
            let Some(end) = inside.find("\"]") else { return wrong("has a [\" without \"]") };
            segments.push(JsonSegment::Key(Name::Owned(inside[..end].to_owned())));
            rest = &inside[end + 2..];
        } else if let Some(inside) = rest.strip_prefix('[') {
            let Some(end) = inside.find(']') else { return wrong("has a [ without ]") };
            if inside.starts_with('-') {
                // MariaDB takes a place from the end of its first row for all rows (10.11).
                return wrong("counts from the end of a list, which not every database does right; indices are 0, 1, ..");
            }
            let Ok(index) = inside[..end].parse::<u32>() else { return wrong("has an index that is not a number") };
            segments.push(JsonSegment::Index(index));
            rest = &inside[end + 1..];
        } else {
            if !first {
                match rest.strip_prefix('.') {
                    Some(after) => rest = after,
                    None => return wrong("lacks a dot between keys"),
                }
            }
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return wrong("has an empty key");
            }
            segments.push(JsonSegment::Key(Name::Owned(rest[..end].to_owned())));
            rest = &rest[end..];
        }
        first = false;
    }
    if segments.iter().any(|segment| matches!(segment, JsonSegment::Key(key) if key.contains('\0'))) {
        return wrong("has a NUL");
    }
    if segments.is_empty() { wrong("is empty") } else { Ok(segments) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let key = |name: &str| JsonSegment::Key(Name::Owned(name.to_owned()));
        assert_eq!(parse_path("messages[0].role"), Ok(vec![key("messages"), JsonSegment::Index(0), key("role")]));
        assert_eq!(parse_path("[\"a.b\"].c"), Ok(vec![key("a.b"), key("c")]));
        for wrong in ["", ".", "a..b", "a[", "a[x]", "a[\"b", "a[0]b", "a.\0"] {
            assert!(parse_path(wrong).is_err(), "{wrong:?}");
        }
    }
}
