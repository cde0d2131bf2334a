//! Functions that Sequor's SQL uses and SQLite lacks: exact decimals, Unicode case, regular expressions, JSON containment.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Error, Result};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::sync::Arc;

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC).union(FunctionFlags::SQLITE_INNOCUOUS);

/// Registers all of them on a connection.
pub(crate) fn register(sqlite: &Connection) -> Result<()> {
    sqlite.create_collation("sequor_decimal", compare)?;
    sqlite.create_scalar_function("sequor_lower", 1, PURE, |context| text(context, 0).map(|text| text.map(|text| text.to_lowercase())))?;
    sqlite.create_scalar_function("sequor_upper", 1, PURE, |context| text(context, 0).map(|text| text.map(|text| text.to_uppercase())))?;
    sqlite.create_scalar_function("sequor_like", 3, PURE, |context| {
        let (Some(pattern), Some(value)) = (text(context, 0)?, text(context, 1)?) else { return Ok(None) };
        let escape = text(context, 2)?.and_then(|text| text.chars().next());
        let fold = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
        Ok(Some(like(&fold(&pattern), &fold(&value), escape)))
    })?;
    sqlite.create_scalar_function("regexp", 2, PURE, |context| matches(context, false))?;
    sqlite.create_scalar_function("sequor_iregexp", 2, PURE, |context| matches(context, true))?;
    sqlite.create_scalar_function("sequor_now", 0, FunctionFlags::SQLITE_UTF8, |_| Ok(chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()))?;
    sqlite.create_scalar_function("sequor_uuid", 0, FunctionFlags::SQLITE_UTF8, |_| Ok(uuid::Uuid::new_v4().to_string()))?;
    sqlite.create_scalar_function("sequor_json_contains", 2, PURE, |context| {
        let (Some(document), Some(part)) = (json(context, 0)?, json(context, 1)?) else { return Ok(None) };
        Ok(Some(contains(&document, &part, true)))
    })?;
    sqlite.create_scalar_function("sequor_json_overlaps", 2, PURE, |context| {
        let (Some(Json::Array(a)), Some(Json::Array(b))) = (json(context, 0)?, json(context, 1)?) else { return Ok(None) };
        Ok(Some(a.iter().any(|item| b.contains(item))))
    })?;
    arithmetic(sqlite, "sequor_decimal_add", Decimal::checked_add)?;
    arithmetic(sqlite, "sequor_decimal_sub", Decimal::checked_sub)?;
    arithmetic(sqlite, "sequor_decimal_mul", Decimal::checked_mul)?;
    arithmetic(sqlite, "sequor_decimal_div", Decimal::checked_div)?;
    sqlite.create_aggregate_function("sequor_decimal_sum", 1, PURE, DecimalSum)?;
    Ok(())
}

/// Text that spells numbers is compared as numbers; anything else as text.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<Decimal>(), b.parse::<Decimal>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

fn text(context: &Context<'_>, index: usize) -> Result<Option<String>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number.to_string())),
        ValueRef::Real(number) => Ok(Some(number.to_string())),
        ValueRef::Text(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
        ValueRef::Blob(_) => Err(Error::InvalidFunctionParameterType(index, Type::Blob)),
    }
}

fn json(context: &Context<'_>, index: usize) -> Result<Option<Json>> {
    let Some(text) = text(context, index)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| Error::UserFunctionError(Box::new(error)))
}

/// LIKE with `%` and `_`, on letters that are already folded.
fn like(pattern: &[char], value: &[char], escape: Option<char>) -> bool {
    let (mut p, mut v) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while v < value.len() {
        let letter = pattern.get(p).copied();
        let escaped = letter.is_some() && letter == escape && p + 1 < pattern.len();
        let wanted = if escaped { pattern.get(p + 1).copied() } else { letter };
        if !escaped && letter == Some('%') {
            star = Some((p, v));
            p += 1;
        } else if (!escaped && letter == Some('_')) || wanted == Some(value[v]) {
            p += if escaped { 2 } else { 1 };
            v += 1;
        } else if let Some((at, from)) = star {
            // Give the last % one letter more.
            star = Some((at, from + 1));
            p = at + 1;
            v = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == '%')
}

fn matches(context: &Context<'_>, insensitive: bool) -> Result<Option<bool>> {
    let (Some(pattern), Some(value)) = (text(context, 0)?, text(context, 1)?) else { return Ok(None) };
    let compiled = context.get_or_create_aux(0, |_| -> std::result::Result<regex::Regex, Box<dyn std::error::Error + Send + Sync>> {
        let built = regex::RegexBuilder::new(&pattern).case_insensitive(insensitive).size_limit(1 << 20).build();
        built.map_err(|_| "the regular expression is not valid".into())
    })?;
    let compiled: Arc<regex::Regex> = compiled;
    Ok(Some(compiled.is_match(&value)))
}

/// PostgreSQL's `@>`: every key and element of the part occurs; a list holds a bare scalar at the top.
fn contains(document: &Json, part: &Json, top: bool) -> bool {
    match (document, part) {
        (Json::Object(document), Json::Object(part)) => part.iter().all(|(key, value)| document.get(key).is_some_and(|found| contains(found, value, false))),
        (Json::Array(document), Json::Array(part)) => part.iter().all(|value| document.iter().any(|found| contains(found, value, false))),
        (Json::Array(document), scalar) if top && !scalar.is_object() => document.contains(scalar),
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn arithmetic(sqlite: &Connection, name: &str, apply: fn(Decimal, Decimal) -> Option<Decimal>) -> Result<()> {
    sqlite.create_scalar_function(name, 2, PURE, move |context| {
        let (Some(a), Some(b)) = (text(context, 0)?, text(context, 1)?) else { return Ok(None) };
        let (a, b) = (number(&a)?, number(&b)?);
        let result = apply(a, b).ok_or_else(|| Error::UserFunctionError("the decimal is out of range, or divided by zero".into()))?;
        Ok(Some(result.normalize().to_string()))
    })
}

fn number(text: &str) -> Result<Decimal> {
    text.parse().map_err(|_| Error::UserFunctionError("the text is not a decimal".into()))
}

struct DecimalSum;

impl Aggregate<Option<Decimal>, Option<String>> for DecimalSum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Decimal>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<Decimal>) -> Result<()> {
        if let Some(text) = text(context, 0)? {
            let added = sum.unwrap_or_default().checked_add(number(&text)?);
            *sum = Some(added.ok_or_else(|| Error::UserFunctionError("the sum is out of range".into()))?);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<Decimal>>) -> Result<Option<String>> {
        Ok(sum.flatten().map(|sum| sum.normalize().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_sql_does() {
        let check = |pattern: &str, value: &str| like(&pattern.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>(), Some('\\'));
        assert!(check("%b%", "abc"));
        assert!(check("a_c", "abc"));
        assert!(!check("a_c", "abbc"));
        assert!(check("100\\%", "100%"));
        assert!(!check("100\\%", "1000"));
        assert!(check("%%x", "aax"));
        assert!(check("", ""));
    }

    #[test]
    fn containment_is_that_of_jsonb() {
        let json = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_default();
        assert!(contains(&json(r#"{"a":{"b":[1,2]},"c":3}"#), &json(r#"{"a":{"b":[2]}}"#), true));
        assert!(contains(&json("[1,2,3]"), &json("2"), true));
        assert!(!contains(&json(r#"{"a":[[1]]}"#), &json(r#"{"a":[1]}"#), true));
    }
}
