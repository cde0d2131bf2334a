//! Expressions: `{ fn, args }`, `{ col }`, `{ cast, type }`, and values.

use super::Place;
use super::condition::json_path;
use crate::model::plain;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::RelationKind;
use sequor_core::statement::{CastType, Expr, Field, Func, JsonAs};
use sequor_core::types::{BindType, ColumnType, ScalarType, value_from_json};
use serde_json::Value as Json;

/// A field, a JSON path of one, or `Model.field` and `association.field` as people write columns.
pub(crate) fn named(place: Place<'_>, name: &str) -> Result<Expr> {
    if name == "*" {
        return Ok(Expr::Star);
    }
    if let Some(position) = place.model.json_position(name).or_else(|| place.model.position_or_column(name)) {
        return Ok(Expr::Field(crate::plan::field(place.model, position)));
    }
    if let Some((first, rest)) = name.split_once('.') {
        if place.model.name == first || place.model.table.name == first {
            return named(place, rest);
        }
        if let Some(column) = place.model.json_column(first)
            && matches!(column.ty, ColumnType::Json(_))
        {
            let path = json_path(rest)?;
            return Ok(Expr::Json { expr: Box::new(Expr::field(column.name.clone())), path, take: JsonAs::Json });
        }
        return over_path(place, name);
    }
    Err(place.model.unknown(name))
}

/// A column as Sequelize names it: by the model that is asked for and the associations on the way, `User.id`, `posts.comments.rank` (also
/// `posts->comments.rank`); inside an include also by the include's own columns.
pub(crate) fn reference(place: Place<'_>, name: &str) -> Result<Expr> {
    let plain = name.replace("->", ".");
    let steps: Vec<&str> = plain.split('.').collect();
    if place.up.is_none() || steps.len() < 2 {
        return named(place, &plain);
    }
    // The places from this one up to the root, and the associations between them.
    let mut places = vec![place];
    let mut way = Vec::new();
    while let Some((parent, relation)) = places.last().and_then(|place| place.up) {
        places.push(*parent);
        way.push(relation);
    }
    way.reverse();
    let root = places.last().copied().unwrap_or(place);
    let rooted = root.model.name == steps[0] && root.model.json_relation(steps[0]).is_none();
    let shared =
        if rooted { 0 } else { steps.iter().zip(&way).take_while(|(step, relation)| step == relation).count().min(steps.len() - 1) };
    let rest = steps[usize::from(rooted) + shared..].join(".");
    let up = way.len() - shared;
    let found = places.get(up).copied().unwrap_or(root);
    if let Ok(expr) = named(found, &rest) {
        return Ok((0..up).fold(expr, |expr, _| Expr::Parent(Box::new(expr))));
    }
    named(place, &plain)
}

/// `a.b.field` over relations.
fn over_path(place: Place<'_>, name: &str) -> Result<Expr> {
    let mut parts: Vec<&str> = name.split('.').collect();
    let field = parts.pop().unwrap_or_default();
    let mut model = std::sync::Arc::new(place.model.clone());
    let mut path = Vec::new();
    for part in parts {
        let relation = model.json_relation(part).ok_or_else(|| model.unknown(name))?.clone();
        let _: RelationKind = relation.kind;
        path.push(relation.name.clone());
        model = place.models.model(&relation.target)?;
    }
    let position = model
        .json_position(field)
        .or_else(|| model.columns.iter().position(|column| column.column == field))
        .ok_or_else(|| model.unknown(field))?;
    Ok(Expr::Field(Field { path, name: model.columns[position].name.clone(), position: u16::try_from(position).ok() }))
}

/// Servers have these or not, under these names; none of them waits, writes, or makes more than it is given.
const NAMED: &str = "length ltrim rtrim left right reverse initcap ascii md5 strpos instr position concat_ws octet_length bit_length sign mod power sqrt exp ln \
    trunc truncate stddev variance array_agg group_concat total date time year month day hour minute second dayofweek weekday quarter strftime \
    date_format to_char typeof json_typeof jsonb_typeof json_type jsonb_array_length json_array_length json_length array_length cardinality \
    array_to_string array_position json_extract json_unquote json_valid json_extract_path_text jsonb_extract_path_text json_object_agg \
    jsonb_object_agg json_objectagg json_group_object datetime julianday unixepoch datediff unix_timestamp from_unixtime to_date to_timestamp \
    to_number dayname monthname dayofmonth dayofyear week last_day age stddev_pop stddev_samp var_pop var_samp bit_and bit_or bit_count hex \
    locate field find_in_set chr unicode split_part translate array_append array_prepend array_remove array_replace array_cat log log10 unaccent \
    similarity soundex gen_random_uuid uuid_generate_v4 uuid";

/// A function of the closed list.
fn function(name: &str) -> Result<Func> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "count" => Func::Count,
        "sum" => Func::Sum,
        "avg" => Func::Avg,
        "min" => Func::Min,
        "max" => Func::Max,
        "lower" => Func::Lower,
        "upper" => Func::Upper,
        "char_length" | "character_length" => Func::Length,
        "trim" => Func::Trim,
        "coalesce" | "ifnull" => Func::Coalesce,
        "nullif" => Func::NullIf,
        "concat" => Func::Concat,
        "substring" | "substr" => Func::Substring,
        "replace" => Func::Replace,
        "abs" => Func::Abs,
        "round" => Func::Round,
        "floor" => Func::Floor,
        "ceil" | "ceiling" => Func::Ceil,
        "greatest" => Func::Greatest,
        "least" => Func::Least,
        "date_part" => Func::DatePart,
        "date_trunc" => Func::DateTrunc,
        "random" | "rand" => Func::Random,
        "json_agg" | "jsonb_agg" | "json_arrayagg" | "json_group_array" => Func::JsonAgg,
        "bool_and" | "every" => Func::BoolAnd,
        "bool_or" => Func::BoolOr,
        plain if NAMED.split(' ').any(|name| name == plain) => Func::Named(plain.to_owned().into()),
        other => {
            return Err(Error::usage(format!("the function {} is not in the list of those that a query may call", other.escape_debug())));
        }
    })
}

/// Reads an expression object; other JSON is a value.
pub(crate) fn expression(place: Place<'_>, json: Json) -> Result<Expr> {
    let place = place.deeper()?;
    let Json::Object(mut map) = json else { return Ok(free_value(json)) };
    if let Some(Json::String(column)) = map.get("col").or_else(|| map.get("$col")) {
        return reference(place, column);
    }
    if let Some(name) = map.remove("fn").or_else(|| map.remove("$fn")) {
        let Json::String(name) = name else { return Err(Error::usage("fn is the name of a function")) };
        let args = match map.remove("args") {
            Some(Json::Array(args)) => args,
            None => Vec::new(),
            Some(_) => return Err(Error::usage("args is a list")),
        };
        let distinct = name.eq_ignore_ascii_case("count")
            && args
                .first()
                .is_some_and(|arg| arg.get("fn").and_then(Json::as_str).is_some_and(|inner| inner.eq_ignore_ascii_case("distinct")));
        let args = if distinct {
            args.first().and_then(|arg| arg.get("args")).and_then(Json::as_array).cloned().unwrap_or_default()
        } else {
            args
        };
        if name.eq_ignore_ascii_case("now") {
            return Ok(Expr::Now);
        }
        let args = args.into_iter().map(|arg| expression(place, arg)).collect::<Result<Vec<_>>>()?;
        return Ok(Expr::Call { func: function(&name)?, args, distinct, filter: None });
    }
    if let Some(inner) = map.remove("cast").or_else(|| map.remove("$cast")) {
        let ty = map.remove("type").and_then(|ty| ty.as_str().map(str::to_ascii_lowercase)).unwrap_or_default();
        return Ok(Expr::Cast(Box::new(expression(place, inner)?), cast(&ty)?));
    }
    match told(&Json::Object(map)) {
        Some(value) => value.map(|(value, bind)| Expr::Value(value, bind)),
        None => Err(Error::usage("an expression has one of col, fn and cast")),
    }
}

pub(super) fn cast(text: &str) -> Result<CastType> {
    let refused = || Error::usage(format!("Invalid cast type: {}", text.escape_debug()));
    let (ty, inside) = match text.split_once('(') {
        Some((ty, rest)) => (ty.trim(), rest.strip_suffix(')').ok_or_else(refused)?),
        None => (text.trim(), ""),
    };
    let numbers = inside.split(',').filter(|part| !part.is_empty()).map(|part| part.trim().parse::<u32>());
    let numbers = numbers.collect::<std::result::Result<Vec<u32>, _>>().map_err(|_| refused())?;
    Ok(CastType::Column(match ty {
        "integer" | "int" | "bigint" | "smallint" | "signed" => return Ok(CastType::Signed),
        "unsigned" => return Ok(CastType::Unsigned),
        "float" | "real" | "double precision" | "double" => ColumnType::F64,
        "decimal" | "numeric" => match numbers[..] {
            [] => ColumnType::Decimal(None),
            [precision @ 1..=65] => ColumnType::Decimal(Some((precision as u8, 0))),
            [precision @ 1..=65, scale @ 0..=30] => ColumnType::Decimal(Some((precision as u8, scale as u8))),
            _ => return Err(refused()),
        },
        "varchar" if numbers.len() == 1 => ColumnType::VarChar(numbers[0]),
        "char" if numbers.len() == 1 => ColumnType::Char(numbers[0]),
        "boolean" => ColumnType::Bool,
        "text" | "char" | "varchar" => ColumnType::Text,
        "date" => ColumnType::Date,
        "timestamp" | "timestamptz" | "datetime" => ColumnType::DateTime(6),
        "json" | "jsonb" => ColumnType::Json(true),
        _ => return Err(refused()),
    }))
}

/// A value whose type only its own form tells.
pub(crate) fn free_value(json: Json) -> Expr {
    let (value, bind) = free(json);
    Expr::Value(value, bind)
}

fn free(json: Json) -> (Value, BindType) {
    let one = |scalar| BindType::one(scalar);
    match json {
        Json::Null => (Value::Null, BindType::default()),
        Json::Bool(value) => (Value::Bool(value), one(ScalarType::Bool)),
        Json::Number(number) => match number.as_i64() {
            // As a literal would be: PostgreSQL has `substr(text, integer)`, and none that takes a bigint.
            Some(value) if i32::try_from(value).is_ok() => (Value::I64(value), one(ScalarType::I32)),
            Some(value) => (Value::I64(value), one(ScalarType::I64)),
            None => (Value::F64(number.as_f64().unwrap_or_default()), one(ScalarType::F64)),
        },
        Json::String(text) => (Value::Text(text), one(ScalarType::Text)),
        other => (Value::from(other), one(ScalarType::Jsonb)),
    }
}

/// A value that says itself what it is: `{ $date }`, `{ $bytes }`, and `{ $number }` for `NaN` and `Infinity`, which JSON has no word for.
pub(crate) fn told(json: &Json) -> Option<Result<(Value, BindType)>> {
    let map = json.as_object().filter(|map| map.len() == 1)?;
    let (ty, inside) = match map.iter().next().map(|(key, inside)| (key.as_str(), inside))? {
        ("$date", date) => (ColumnType::DateTime(6), date),
        ("$bytes", _) => (ColumnType::Bytes, json),
        ("$number", Json::Number(number)) => return Some(Ok(free(Json::Number(number.clone())))),
        ("$number", number) => (ColumnType::F64, number),
        _ => return None,
    };
    Some(value_from_json(&ty, inside.clone()).map(|value| (value, ty.bind())))
}

/// A value for a column: typed by it, or a column or function.
pub(crate) fn bind_value(place: Place<'_>, ty: Option<&ColumnType>, json: Json) -> Result<Expr> {
    if let Json::Object(map) = &json {
        if map.contains_key("$col") || map.contains_key("$fn") || map.contains_key("$cast") {
            return expression(place, json);
        }
        match ty {
            Some(_) => {
                if let Some(inside) = map.get("$date").or_else(|| map.get("$number")).filter(|_| map.len() == 1) {
                    return bind_value(place, ty, inside.clone());
                }
            }
            None => {
                if let Some(value) = told(&json) {
                    return value.map(|(value, bind)| Expr::Value(value, bind));
                }
            }
        }
        if map.keys().any(|key| key.starts_with('$')) && !map.contains_key("$bytes") && !matches!(ty, Some(ColumnType::Json(_))) {
            return Err(Error::usage("an operator cannot stand where a value is expected"));
        }
    }
    match ty {
        Some(ty) => Ok(Expr::Value(value_from_json(ty, plain(json))?, ty.bind())),
        None => Ok(free_value(json)),
    }
}

/// The type that what is compared with an expression has, where a column tells it: a decimal on SQLite is no number to compare a number with.
pub(super) fn kind(place: Place<'_>, expr: &Expr) -> Option<ColumnType> {
    match expr {
        Expr::Field(field) => {
            let mut reached = None;
            for name in &field.path {
                let relation = reached.as_deref().unwrap_or(place.model).relation(name)?.clone();
                reached = Some(place.models.model(&relation.target).ok()?);
            }
            let ty = reached.as_deref().unwrap_or(place.model).column(&field.name)?.ty.clone();
            (!matches!(ty, ColumnType::Json(_) | ColumnType::Array(_))).then_some(ty)
        }
        Expr::Call { func: Func::Min | Func::Max, args, .. } => kind(place, args.first()?),
        Expr::Call { func: Func::Sum | Func::Avg | Func::Abs | Func::Round | Func::Coalesce | Func::NullIf, args, .. } => args
            .iter()
            .find_map(|arg| kind(place, arg))
            .filter(|ty| matches!(ty, ColumnType::Decimal(_)))
            .map(|_| ColumnType::Decimal(None)),
        _ => None,
    }
}
