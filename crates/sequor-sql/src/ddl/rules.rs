//! Rules of validation as conditions of CHECKs. A check is never stricter than its rule, so what a program accepts a database takes too; it may be weaker,
//! where SQL that all databases share cannot say it. Identifiers stand in standard quotes.

use sequor_core::Value;
use sequor_core::schema::ColumnDef;

/// The longest pattern that is written for a length.
const LONGEST: i64 = 255;

/// What a rule says as the condition of a CHECK, if SQL that all databases share can say it. `key` is Sequelize's name of the rule.
pub fn rule_as_check(column: &ColumnDef, key: &str, args: &[Value]) -> Option<String> {
    let name = format!("\"{}\"", column.column.replace('"', "\"\""));
    if column.ty.is_text() { of_text(&name, key, args) } else { None }.or_else(|| of_any(&name, column, key, args))
}

fn of_text(name: &str, key: &str, args: &[Value]) -> Option<String> {
    match key {
        "len" => length(name, args.first().and_then(whole), args.get(1).and_then(whole)),
        "notEmpty" => Some(format!("{name} <> ''")),
        "isEmail" => Some(format!("{name} LIKE '%_@_%'")),
        "contains" => literal(args.first()?).filter(|text| !text.contains(['%', '_'])).map(|text| like(name, &text)),
        "isLowercase" => Some(format!("{name} = lower({name})")),
        "isUppercase" => Some(format!("{name} = upper({name})")),
        "isUUID" => Some(format!("{name} LIKE '{}'", "_".repeat(36))),
        _ => None,
    }
}

fn like(name: &str, text: &str) -> String {
    format!("{name} LIKE '%{}%'", text.trim_matches('\''))
}

/// Patterns count characters on every database, where the functions for lengths have different names and units.
fn length(name: &str, least: Option<i64>, most: Option<i64>) -> Option<String> {
    let least = least.filter(|least| (1..=LONGEST).contains(least));
    let most = most.filter(|most| (0..LONGEST).contains(most));
    let pattern = |count: i64| "_".repeat(usize::try_from(count).unwrap_or(0));
    let parts: Vec<String> = [
        least.map(|least| format!("{name} LIKE '{}%'", pattern(least))),
        most.map(|most| format!("NOT ({name} LIKE '{}%')", pattern(most + 1))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

fn of_any(name: &str, column: &ColumnDef, key: &str, args: &[Value]) -> Option<String> {
    let number = column.ty.is_numeric();
    let first = args.first();
    match key {
        "min" if number => Some(format!("{name} >= {}", literal(first?)?)),
        "max" if number => Some(format!("{name} <= {}", literal(first?)?)),
        "isInt" | "isFloat" if number => {
            let bound = |end: &str| first.and_then(|document| document.to_json().get(end)?.as_f64()).map(|bound| bound.to_string());
            let parts: Vec<String> =
                [bound("min").map(|min| format!("{name} >= {min}")), bound("max").map(|max| format!("{name} <= {max}"))]
                    .into_iter()
                    .flatten()
                    .collect();
            (!parts.is_empty()).then(|| parts.join(" AND "))
        }
        "isIn" if number || column.ty.is_text() => Some(format!("{name} IN ({})", list(args)?)),
        "notIn" if number || column.ty.is_text() => Some(format!("{name} NOT IN ({})", list(args)?)),
        "equals" if number || column.ty.is_text() => Some(format!("{name} = {}", literal(first?)?)),
        _ => None,
    }
}

fn list(args: &[Value]) -> Option<String> {
    let values: Vec<Value> = match args {
        [Value::Array(values)] => values.clone(),
        [Value::Json(json)] if json.is_array() => json.as_array()?.iter().cloned().map(Value::from).collect(),
        several => several.to_vec(),
    };
    let values = values.iter().map(literal).collect::<Option<Vec<_>>>()?;
    (!values.is_empty()).then(|| values.join(", "))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::I64(number) => Some(*number),
        other => other.to_json().as_i64(),
    }
}

/// A number, or text that every database reads alike.
fn literal(value: &Value) -> Option<String> {
    match value.to_json() {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) if !text.contains(['\\', '\0']) => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => None,
    }
}
