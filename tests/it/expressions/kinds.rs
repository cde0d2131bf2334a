//! What lies in documents, each kind beside each kind that it is compared with: on every database as the rules of the guide say.

use sequor::prelude::*;
use serde_json::Value as JsonValue;
use std::cmp::Ordering;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "papers_of_kinds")]
pub struct Kind {
    #[field(primary_key)]
    pub id: i64,
    pub data: Option<Json>,
}

/// What lies under `v`; the last one has no `v`.
fn values() -> Vec<JsonValue> {
    vec![
        json!(0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(2.5),
        json!(1e3),
        json!(9_007_199_254_740_993_i64),
        json!(true),
        json!(false),
        json!(null),
        json!(""),
        json!("0"),
        json!("1"),
        json!("1.0"),
        json!("true"),
        json!("null"),
        json!("abc"),
        json!("Abc"),
        json!([]),
        json!([1]),
        json!(["1"]),
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": "1" }),
    ]
}

/// A number compares with numbers alone, by all digits of whole ones.
fn numbers(left: &JsonValue, right: f64) -> Option<Ordering> {
    left.as_f64().and_then(|left| left.partial_cmp(&right))
}

/// A text compares with the text of what is there; JSON null and what is missing have none.
fn texts(left: &JsonValue, right: &str) -> Option<bool> {
    match left {
        JsonValue::Null => None,
        JsonValue::String(left) => Some(left == right),
        JsonValue::Number(_) | JsonValue::Bool(_) => Some(left.to_string() == right),
        // Only texts are compared with it here that are no document.
        JsonValue::Array(_) | JsonValue::Object(_) => Some(false),
    }
}

/// Documents are equal by what they say: `1` and `1.0` are one number.
fn same(left: &JsonValue, right: &JsonValue) -> bool {
    match (left, right) {
        (JsonValue::Number(_), JsonValue::Number(_)) => {
            left == right || left.as_f64() == right.as_f64() && left.as_f64().is_some_and(|number| number.abs() < 1e15)
        }
        (JsonValue::Array(left), JsonValue::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (JsonValue::Object(left), JsonValue::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

#[sequor::test(models(Kind))]
async fn each_kind_beside_each(db: Db) -> sequor::Result<()> {
    let values = values();
    for (id, value) in (1..).zip(&values) {
        draft!(Kind { id: id, data: Json(json!({ "v": value })) }).create(&db).await?;
    }
    let missing = values.len() as i64 + 1;
    draft!(Kind { id: missing, data: Json(json!({ "w": 1 })) }).create(&db).await?;
    draft!(Kind { id: missing + 1 }).create(&db).await?;
    let v = || Kind::DATA.path("v");
    let mut wrong = Vec::new();
    let mut check = async |asked: String, filter: Filter<Kind>, holds: &(dyn Fn(&JsonValue) -> bool + Sync)| -> sequor::Result<()> {
        let found: Vec<i64> = Kind::find_all().filter(filter).pluck(Kind::ID).order_by(Kind::ID.asc()).exec(&db).await?;
        let wanted: Vec<i64> = (1..).zip(&values).filter(|(_, value)| holds(value)).map(|(id, _)| id).collect();
        if found != wanted {
            let shown = |ids: &[i64]| {
                ids.iter()
                    .map(|id| {
                        usize::try_from(*id - 1).ok().and_then(|at| values.get(at)).map_or("(missing)".to_owned(), ToString::to_string)
                    })
                    .collect::<Vec<_>>()
            };
            wrong.push(format!("{asked}: {:?}, wanted {:?}", shown(&found), shown(&wanted)));
        }
        Ok(())
    };
    for right in [-1.0, 0.0, 1.0, 2.5, 1000.0] {
        check(format!("= {right}"), v().eq(right), &|left| numbers(left, right) == Some(Ordering::Equal)).await?;
        check(format!("<> {right}"), v().ne(right), &|left| numbers(left, right).is_some_and(Ordering::is_ne)).await?;
        check(format!("< {right}"), v().lt(right), &|left| numbers(left, right) == Some(Ordering::Less)).await?;
        check(format!(">= {right}"), v().gte(right), &|left| numbers(left, right).is_some_and(Ordering::is_ge)).await?;
        check(format!("not (> {right})"), !v().gt(right), &|left| numbers(left, right).is_some_and(Ordering::is_le)).await?;
        check(format!("in {right}, 7"), v().is_in([right, 7.0]), &|left| numbers(left, right) == Some(Ordering::Equal)).await?;
        check(format!("not in {right}, 7"), v().not_in([right, 7.0]), &|left| numbers(left, right).is_some_and(Ordering::is_ne)).await?;
        check(format!("between {right} and 3"), v().between(right, 3.0), &|left| {
            numbers(left, right).is_some_and(Ordering::is_ge) && numbers(left, 3.0).is_some_and(Ordering::is_le)
        })
        .await?;
    }
    for right in [true, false] {
        check(format!("= {right}"), v().eq(right), &|left| left.as_bool() == Some(right)).await?;
        check(format!("<> {right}"), v().ne(right), &|left| left.as_bool() == Some(!right)).await?;
        check(format!("in {right}"), v().is_in([right]), &|left| left.as_bool() == Some(right)).await?;
    }
    for right in ["", "0", "1", "1.0", "true", "null", "abc", "1000"] {
        // A number with a fraction of nothing, and one with an exponent, are spelt by each database as it likes.
        let spelt = |left: &JsonValue| left.is_f64() && left.as_f64().is_some_and(|number| number.fract() == 0.0);
        let apart = Kind::ID.not_in((1_i64..).zip(&values).filter(|(_, value)| spelt(value)).map(|(id, _)| id));
        check(format!("= {right:?}"), v().eq(right).and(apart.clone()), &|left| !spelt(left) && texts(left, right) == Some(true)).await?;
        check(format!("<> {right:?}"), v().ne(right).and(apart.clone()), &|left| !spelt(left) && texts(left, right) == Some(false)).await?;
        check(format!("in {right:?}"), v().is_in([right, "zz"]).and(apart.clone()), &|left| {
            !spelt(left) && texts(left, right) == Some(true)
        })
        .await?;
        check(format!("not in {right:?}"), v().not_in([right, "zz"]).and(apart), &|left| !spelt(left) && texts(left, right) == Some(false))
            .await?;
    }
    for right in &values {
        if right.is_null() {
            continue;
        }
        check(format!("= {right}"), v().eq(right.clone()), &|left| same(left, right)).await?;
        // JSON null is a document too: not that one.
        check(format!("<> {right}"), v().ne(right.clone()), &|left| !same(left, right)).await?;
        check(format!("in {right}"), v().is_in([right.clone()]), &|left| same(left, right)).await?;
    }
    check("null".into(), v().is_json_null(), &JsonValue::is_null).await?;
    check("a number".into(), v().as_number().is_not_null(), &JsonValue::is_number).await?;
    check("a truth value".into(), v().as_bool().is_not_null(), &JsonValue::is_boolean).await?;
    let missing: Vec<i64> = Kind::find_all().filter(!v().exists()).pluck(Kind::ID).order_by(Kind::ID.asc()).exec(&db).await?;
    if missing.len() != 1 && missing.len() != 2 {
        wrong.push(format!("missing: {missing:?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
