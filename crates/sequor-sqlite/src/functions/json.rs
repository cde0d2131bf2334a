//! JSON: what PostgreSQL's `@>` and `&&` ask.

use super::{PURE, failed, text_of};
use rusqlite::functions::Context;
use rusqlite::{Connection, Result};
use serde_json::{Number, Value};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) fn register(connection: &Connection) -> Result<()> {
    for (name, holds) in
        [(c"sequor_json_contains", contains as Relation), (c"sequor_json_overlaps", overlaps), (c"sequor_json_equals", equal)]
    {
        // The second argument is the same for all rows of a statement.
        let last: Mutex<Option<(String, Arc<Value>)>> = Mutex::new(None);
        connection.create_scalar_function(name, 2, PURE, move |context| {
            let Some(part) = part(context, &last)? else { return Ok(None) };
            let Some(document) = text_of(context, 0)? else { return Ok(None) };
            Ok(Some(holds(&parse(&document)?, &part)))
        })?;
    }
    Ok(())
}

/// What is asked of two documents.
type Relation = fn(&Value, &Value) -> bool;

fn part(context: &Context<'_>, last: &Mutex<Option<(String, Arc<Value>)>>) -> Result<Option<Arc<Value>>> {
    let Some(text) = text_of(context, 1)? else { return Ok(None) };
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, value)) = &*last
        && known.as_str() == text
    {
        return Ok(Some(Arc::clone(value)));
    }
    let value = Arc::new(parse(&text)?);
    *last = Some((text.into_owned(), Arc::clone(&value)));
    Ok(Some(value))
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|_| failed("a value is not valid JSON"))
}

/// `document @> part`. At the top a list also contains a scalar that is among its members.
fn contains(document: &Value, part: &Value) -> bool {
    match (document, part) {
        (Value::Array(members), scalar) if !scalar.is_array() && !scalar.is_object() => members.iter().any(|member| equal(member, scalar)),
        _ => holds(document, part),
    }
}

fn holds(document: &Value, part: &Value) -> bool {
    match (document, part) {
        (Value::Object(document), Value::Object(part)) => {
            part.iter().all(|(key, part)| document.get(key).is_some_and(|document| holds(document, part)))
        }
        (Value::Array(document), Value::Array(part)) => part.iter().all(|part| document.iter().any(|member| holds(member, part))),
        (document, part) => equal(document, part),
    }
}

/// Whether two lists share a member, two objects a pair of key and value, or two scalars are equal.
fn overlaps(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => left.iter().any(|left| right.iter().any(|right| equal(left, right))),
        (Value::Array(list), one) | (one, Value::Array(list)) => list.iter().any(|member| equal(member, one)),
        (Value::Object(left), Value::Object(right)) => {
            left.iter().any(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => equal(left, right),
    }
}

/// Equality of JSON: 1 and 1.0 are one number, keys have no order.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => left == right,
    }
}

fn same_number(left: &Number, right: &Number) -> bool {
    match (left.as_i64(), right.as_i64(), left.as_u64(), right.as_u64()) {
        (Some(left), Some(right), _, _) => left == right,
        (_, _, Some(left), Some(right)) => left == right,
        _ => left.as_f64() == right.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containment_is_postgresqls() {
        for (document, part) in [
            (json!({ "a": 1, "b": { "c": [1, 2] } }), json!({ "b": { "c": [2] } })),
            (json!([1, 2, [1, 3]]), json!([1, [3]])),
            (json!(["foo", "bar"]), json!("bar")),
            (json!([1, 2]), json!([1, 1.0])),
            (json!({}), json!({})),
            (json!([1]), json!([])),
        ] {
            assert!(contains(&document, &part), "{document} {part}");
        }
        for (document, part) in [
            (json!({ "a": ["x"] }), json!({ "a": "x" })),
            (json!({ "a": 1 }), json!({ "a": 1, "b": null })),
            (json!([1, 2]), json!([3])),
            (json!("bar"), json!(["bar"])),
            (json!([[1, 2]]), json!([1])),
        ] {
            assert!(!contains(&document, &part), "{document} {part}");
        }
    }

    #[test]
    fn lists_overlap_in_a_member() {
        assert!(overlaps(&json!([1, 2]), &json!([2.0, 9])));
        assert!(!overlaps(&json!(["1"]), &json!([1])));
        assert!(overlaps(&json!({ "a": 1, "b": 2 }), &json!({ "b": 2 })));
    }
}
